//! Custom domains, the records that lead to them, and what is wrong with some.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ground::id;
use super::{Fleet, FleetError, Site};

/// Zones of our own invention: App Runner refuses names that are reserved for examples.
const ZONE: &str = "larkspur-post.net";
const OLD_ZONE: &str = "larkspur-depot.net";
/// What App Runner's aliases of the region stand in.
const ALIAS_ZONE: &str = "Z087551914Z2PCAU0QHMW";
/// What stands before the status page.
const CDN: &str = "d3k1examplecdn.cloudfront.net.";
/// A name that App Runner gave to a service which is no more.
const FREE_HOST: &str = "q7x2mkzv4t.eu-west-1.awsapprunner.com.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Right,
    Missing,
    Wrong,
    Doubled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Right,
    None,
    /// Something else stands before the service.
    Cdn,
}

/// What the certificate is that a handshake showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Right,
    Nothing,
    Ends,
    Expired,
    Others,
}

struct Domain {
    service: &'static str,
    name: &'static str,
    www: bool,
    proof: Proof,
    target: Target,
    shown: Shown,
}

const fn right(service: &'static str, name: &'static str) -> Domain {
    Domain { service, name, www: false, proof: Proof::Right, target: Target::Right, shown: Shown::Right }
}

/// As a domain is whose certificate was never issued.
const fn unproven(service: &'static str, name: &'static str, proof: Proof) -> Domain {
    Domain { proof, shown: Shown::Nothing, ..right(service, name) }
}

const DOMAINS: [Domain; 18] = [
    // Five of five.
    right("storefront", ZONE),
    right("storefront", "shop.larkspur-post.net"),
    right("storefront", "uk.larkspur-post.net"),
    right("storefront", "de.larkspur-post.net"),
    right("storefront", "fr.larkspur-post.net"),
    unproven("brands", "swift.larkspur-post.net", Proof::Missing),
    unproven("brands", "robin.larkspur-post.net", Proof::Wrong),
    unproven("brands", "wren.larkspur-post.net", Proof::Doubled),
    Domain { target: Target::None, ..right("brands", "finch.larkspur-post.net") },
    Domain { www: true, ..right("campaigns", "summer.larkspur-post.net") },
    Domain { shown: Shown::Nothing, ..right("campaigns", "pay.larkspur-post.net") },
    right("campaigns", "winter.larkspur-post.net"),
    unproven("campaigns", "spring.larkspur-post.net", Proof::Missing),
    Domain { shown: Shown::Ends, ..right("tracking", "track.larkspur-post.net") },
    Domain { shown: Shown::Expired, ..right("parcels", "parcels.larkspur-post.net") },
    Domain { shown: Shown::Others, ..right("parcels", "api.larkspur-post.net") },
    Domain { target: Target::Cdn, ..right("status-page", "status.larkspur-post.net") },
    Domain { target: Target::None, ..right("intranet", OLD_ZONE) },
];
/// The domain of a private service: its record belongs into the VPC's zone.
const PRIVATE: Domain = Domain { target: Target::None, ..right("depot-cameras", "cameras.larkspur-post.net") };
/// The domain that a CAA record forbids, the one that cannot be unlinked, and the one that waits since yesterday.
const FORBIDDEN: &str = "pay.larkspur-post.net";
const FAILED: &str = "winter.larkspur-post.net";
const WAITING: &str = "spring.larkspur-post.net";
const WAITING_HOURS: i64 = 30;

fn all() -> impl Iterator<Item = &'static Domain> {
    DOMAINS.iter().chain(std::iter::once(&PRIVATE))
}

/// Zones by name.
pub(super) type Zones = BTreeMap<&'static str, String>;

/// Makes the zones and links every domain.
pub(super) fn associate(site: &Site<'_>, fleet: &Fleet) -> Result<Zones, FleetError> {
    let mut zones = Zones::new();
    for name in [ZONE, OLD_ZONE] {
        let made = site.call("route53", "CreateHostedZone", json!({"Name": name, "CallerReference": name}))?;
        zones.insert(name, zone_id(&made)?);
    }
    let vpc = json!({"VPCRegion": site.place().region, "VPCId": fleet.ground.vpc});
    let inside = json!({"Name": ZONE, "CallerReference": "inside", "VPC": vpc,
        "HostedZoneConfig": {"PrivateZone": true}});
    site.call("route53", "CreateHostedZone", inside)?;
    let caa = json!({"Name": FORBIDDEN, "Type": "CAA", "TTL": 300,
        "ResourceRecords": [{"Value": "0 issue \"letsencrypt.org\""}]});
    write(site, &zones, &[caa])?;
    for domain in all() {
        let input = json!({"ServiceArn": fleet.service(domain.service)?, "DomainName": domain.name,
            "EnableWWWSubdomain": domain.www});
        site.call("apprunner", "AssociateCustomDomain", input)?;
    }
    Ok(zones)
}

fn zone_id(made: &Value) -> Result<String, FleetError> {
    Ok(id(&made["HostedZone"]["Id"])?.trim_start_matches("/hostedzone/").to_owned())
}

/// Enters records into the zone that each belongs to.
fn write(site: &Site<'_>, zones: &Zones, records: &[Value]) -> Result<(), FleetError> {
    for record in records {
        let old = record["Name"].as_str().is_some_and(|name| name.trim_end_matches('.').ends_with(OLD_ZONE));
        let zone = if old { OLD_ZONE } else { ZONE };
        let change = json!({"Action": "UPSERT", "ResourceRecordSet": record});
        let input = json!({"HostedZoneId": zones.get(zone), "ChangeBatch": {"Changes": [change]}});
        site.call("route53", "ChangeResourceRecordSets", input)?;
    }
    Ok(())
}

fn cname(name: &str, value: &str) -> Value {
    json!({"Name": name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": value}]})
}

fn alias(name: &str, target: &str) -> Value {
    json!({"Name": name, "Type": "A", "AliasTarget": {"HostedZoneId": ALIAS_ZONE, "DNSName": target,
        "EvaluateTargetHealth": true}})
}

/// Enters the records, as far as somebody did.
pub(super) fn enter(site: &Site<'_>, fleet: &Fleet, zones: &Zones) -> Result<(), FleetError> {
    for domain in all() {
        let input = json!({"ServiceArn": fleet.service(domain.service)?});
        let answer = site.call("apprunner", "DescribeCustomDomains", input)?;
        let linked = answer["CustomDomains"].as_array().into_iter().flatten();
        let linked = linked.into_iter().find(|one| one["DomainName"] == domain.name).cloned().unwrap_or_default();
        write(site, zones, &proofs(domain, &linked["CertificateValidationRecords"]))?;
        let target = answer["DNSTarget"].as_str().unwrap_or_default();
        let record = match domain.target {
            Target::Right => alias(domain.name, target),
            Target::Cdn => cname(domain.name, CDN),
            Target::None => continue,
        };
        write(site, zones, &[record])?;
    }
    pointers(site, fleet, zones)
}

/// The records that prove a domain, as somebody entered them.
fn proofs(domain: &Domain, records: &Value) -> Vec<Value> {
    let entered = |record: &Value| {
        let (name, value) = (record["Name"].as_str()?, record["Value"].as_str()?);
        match domain.proof {
            Proof::Right => Some(cname(name, value)),
            Proof::Missing => None,
            Proof::Wrong => Some(cname(name, "of-last-year.acm-validations.aws.")),
            // The panel of the provider added the zone's name once more.
            Proof::Doubled => Some(cname(&format!("{}.{ZONE}", name.trim_end_matches('.')), value)),
        }
    };
    records.as_array().into_iter().flatten().filter_map(entered).collect()
}

/// Records that lead to App Runner, and not to a service that answers.
fn pointers(site: &Site<'_>, fleet: &Fleet, zones: &Zones) -> Result<(), FleetError> {
    let host = |service: &str| {
        let input = json!({"ServiceArn": fleet.service(service)?});
        id(&site.call("apprunner", "DescribeService", input)?["Service"]["ServiceUrl"])
    };
    let ingress = json!({"VpcIngressConnectionArn": fleet.resource("depot-in")});
    let ingress = site.call("apprunner", "DescribeVpcIngressConnection", ingress)?;
    let inside = id(&ingress["VpcIngressConnection"]["DomainName"])?;
    write(
        site,
        zones,
        &[
            cname("old-shop.larkspur-post.net", FREE_HOST),
            cname("xmas.larkspur-post.net", &host("seasonal")?),
            cname("depot.larkspur-post.net", &inside),
        ],
    )
}

/// A domain that is unlinked, and App Runner cannot.
pub(super) fn break_links(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    site.internal("apprunner", "_DomainFails", json!({"DomainName": FAILED}))?;
    let input = json!({"ServiceArn": fleet.service("campaigns")?, "DomainName": FAILED});
    site.call("apprunner", "DisassociateCustomDomain", input).map(|_| ())
}

/// What pitcrew remembers: the certificates that it was shown, and since when a domain waits.
pub(super) fn remember(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    for domain in all() {
        let mut row = json!({"pk": format!("DOM#{}", domain.name), "sk": "DOMAIN", "version": 1});
        if domain.name == WAITING {
            let since = site.hours_ago(WAITING_HOURS);
            row["link"] = json!({"service": fleet.service(domain.service)?, "www": domain.www,
                "status": "pending_certificate_dns_validation", "since": since, "first_seen": since});
        }
        if let Some(served) = served(site, domain) {
            row["certificate"] = json!({"served": served, "seen_at": site.hours_ago(1)});
        }
        site.row(&row)?;
    }
    Ok(())
}

fn served(site: &Site<'_>, domain: &Domain) -> Option<Value> {
    // Hours from now on.
    let (left, name) = match domain.shown {
        Shown::Nothing => return None,
        Shown::Right => (24 * 200, domain.name),
        Shown::Ends => (24 * 9, domain.name),
        Shown::Expired => (-24, domain.name),
        Shown::Others => (24 * 200, "www.larkspur-post.net"),
    };
    Some(json!({"issuer": "Amazon RSA 2048 M02, Amazon", "names": [name], "serial": "0a1b2c",
        "not_before": site.hours_ago(24 * 198), "not_after": site.hours_ago(-left)}))
}
