//! What the tests of domains and of the incoming network add to the sample: a domain, a private service, their zones.

use serde_json::json;

use super::facts::{DomainFacts, Endpoint, Fleet, Ingress, IngressStatus, Peer, Pointer, ServiceFacts};
use super::samples::{REGION, VPC, arn, connector, days_ago, fleet, https, now, service};
use crate::certificate::{CertificateMemory, Served};
use crate::dns::facts::{Answer, DnsFacts};
use crate::dns::model::name;
use crate::dns::plan::Purpose;
use crate::dns::record::RecordType;
use crate::domain::{
    Association, DomainMemory, DomainStatus, Link, Owner, Preview, PreviewRecord, Validation, ValidationRecord,
    VpcTarget,
};
use crate::fact::Fact;

pub const HOST: &str = "shop-api.eu-west-1.awsapprunner.com";
pub const DOMAIN: &str = "shop.example.com";
pub const PROOF: &str = "_proof.shop.example.com";
pub const PROOF_VALUE: &str = "_value.acm-validations.aws";

/// `shop-api` with one active domain, all of whose records stand in a zone of ours.
pub fn with_domain() -> ServiceFacts {
    ServiceFacts { domains: Fact::Known(vec![domain()]), ..service("shop-api") }
}

/// The one domain of the service, to be broken.
pub fn domain_of(service: &mut ServiceFacts) -> &mut DomainFacts {
    let Fact::Known(domains) = &mut service.domains else { panic!("no domains") };
    domains.first_mut().unwrap()
}

/// The records of the preview of the service's one domain.
pub fn rows_of(service: &mut ServiceFacts) -> &mut Vec<PreviewRecord> {
    let Fact::Known(preview) = &mut domain_of(service).preview else { panic!("no preview") };
    &mut preview.records
}

pub fn domain() -> DomainFacts {
    DomainFacts {
        name: name(DOMAIN),
        association: Association {
            www: false,
            status: DomainStatus::Active,
            records: vec![ValidationRecord {
                name: name(PROOF),
                value: name(PROOF_VALUE),
                status: Validation::Success,
            }],
            unreadable: Vec::new(),
            dns_target: Some(name(HOST)),
            vpc_targets: Vec::new(),
        },
        memory: Fact::Known(memory()),
        preview: Fact::Known(preview()),
        served: Fact::Unread,
        dns: dns(),
    }
}

pub fn memory() -> DomainMemory {
    let status = DomainStatus::Active;
    let link = Link { service: arn("shop-api"), www: false, status, since: days_ago(90), first_seen: days_ago(91) };
    let served = Served {
        issuer: "Amazon RSA 2048 M02".to_owned(),
        names: vec![DOMAIN.to_owned()],
        serial: "0a1b".to_owned(),
        not_before: days_ago(90),
        not_after: days_ago(-108),
    };
    let certificate = CertificateMemory {
        served,
        seen_at: now(),
        paged_days: None,
        troubled: None,
        blind_since: None,
        others: Vec::new(),
    };
    DomainMemory { version: 3, link: Some(link), certificate: Some(certificate), ..DomainMemory::default() }
}

/// Nothing anywhere but what is put there: every name that the rules ask for has an answer.
pub fn dns() -> DnsFacts {
    let caa =
        ["shop.example.com", "example.com", "com"].map(|at| (name(at), RecordType::Caa, Fact::Known(Answer::Nothing)));
    let found = |value: &str| Fact::Known(Answer::Found(vec![value.to_owned()]));
    let mut answers = caa.to_vec();
    answers.push((name(PROOF), RecordType::Cname, found(PROOF_VALUE)));
    answers.push((name(DOMAIN), RecordType::Cname, found(HOST)));
    DnsFacts { answers, ..DnsFacts::default() }
}

/// What the DNS answers for a name and type from now on.
pub fn answer(facts: &mut DnsFacts, at: &str, kind: RecordType, values: &[&str]) {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let answer = if values.is_empty() { Answer::Nothing } else { Answer::Found(values) };
    let at = name(at);
    facts.answers.retain(|(known, of, _)| !(*known == at && *of == kind));
    facts.answers.push((at, kind, Fact::Known(answer)));
}

pub fn preview() -> Preview {
    Preview {
        domain: DOMAIN.to_owned(),
        service: arn("shop-api").to_string(),
        status: "active".to_owned(),
        records: vec![
            row(PROOF, "CNAME", PROOF_VALUE, Purpose::Validation),
            row(DOMAIN, "A", &format!("alias to {HOST}"), Purpose::Target),
        ],
        blockers: Vec::new(),
        next: "nothing: active, and everything stands".to_owned(),
        command: None,
    }
}

/// A record of a public zone that stands as it is wanted.
pub fn row(name: &str, kind: &str, value: &str, purpose: Purpose) -> PreviewRecord {
    PreviewRecord {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value: value.to_owned(),
        purpose,
        place: "public".to_owned(),
        zone: Some("Z0ZONE".to_owned()),
        verdict: "standing".to_owned(),
        owner: Owner::Pitcrew,
        standing: Vec::new(),
    }
}

pub fn pointer(at: &str, target: &str) -> Pointer {
    Pointer {
        zone: "Z0ZONE".to_owned(),
        private: false,
        name: name(at),
        kind: "CNAME".to_owned(),
        target: name(target),
    }
}

pub const INGRESS: &str =
    "arn:aws:apprunner:eu-west-1:123456789012:vpcingressconnection/shop/0123456789abcdef0123456789abcdef";
/// The name that clients in the VPC ask for.
pub const INSIDE: &str = "inside.eu-west-1.awsapprunner.com";
pub const REQUESTS: &str = "vpce-requests";

/// A private service that is reached through one endpoint in three zones, by the connector's group alone.
pub fn private() -> (Fleet, ServiceFacts) {
    let mut fleet = fleet();
    let mut service = ServiceFacts { public: false, ..service("shop-api") };
    service.host = Some(INSIDE.to_owned());
    for listed in &mut fleet.services {
        listed.public = false;
        listed.host = Some(INSIDE.to_owned());
    }
    fleet.ingresses = Fact::Known(vec![ingress()]);
    let Fact::Known(endpoints) = &mut fleet.network.endpoints else { panic!("no endpoints") };
    endpoints.push(requests());
    (fleet, service)
}

/// The same, with a domain whose record stands in the VPC's private zone.
pub fn private_with_domain() -> (Fleet, ServiceFacts) {
    let (fleet, mut service) = private();
    let mut domain = domain();
    domain.association.dns_target = None;
    domain.association.vpc_targets = vec![VpcTarget { vpc: VPC.to_owned(), target: name(INSIDE) }];
    let mut target = row(DOMAIN, "CNAME", INSIDE, Purpose::Target);
    target.place = VPC.to_owned();
    domain.preview = Fact::Known(Preview {
        records: vec![row(PROOF, "CNAME", PROOF_VALUE, Purpose::Validation), target],
        ..preview()
    });
    for kind in [RecordType::Cname, RecordType::A, RecordType::Aaaa] {
        answer(&mut domain.dns, DOMAIN, kind, &[]);
    }
    service.domains = Fact::Known(vec![domain]);
    (fleet, service)
}

pub fn ingress() -> Ingress {
    Ingress {
        arn: INGRESS.to_owned(),
        name: "shop".to_owned(),
        service: arn("shop-api").to_string(),
        status: IngressStatus::Available,
        vpc: VPC.to_owned(),
        endpoint: REQUESTS.to_owned(),
        domain: Some(INSIDE.to_owned()),
        created_at: Some(days_ago(30)),
    }
}

pub fn requests() -> Endpoint {
    Endpoint {
        id: REQUESTS.to_owned(),
        vpc: VPC.to_owned(),
        service: format!("com.amazonaws.{REGION}.apprunner.requests"),
        state: "available".to_owned(),
        gateway: false,
        subnets: connector().subnets,
        groups: vec!["sg-endpoint".to_owned()],
        private_dns: false,
    }
}

/// The policy `AWSAppRunnerServicePolicyForECRAccess`.
pub fn managed_access_policy() -> serde_json::Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Resource": "*", "Action": [
        "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability" ] }] })
}

/// The network's facts without any that was read.
pub fn unread_network(fleet: &mut Fleet) {
    fleet.network.zones = Fact::Unavailable("denied".to_owned());
    fleet.network.subnets = Fact::Unavailable("denied".to_owned());
    fleet.network.groups = Fact::Unavailable("denied".to_owned());
    fleet.network.endpoints = Fact::Unavailable("denied".to_owned());
}

/// A permission for HTTPS from a group.
pub fn https_from(id: &str) -> super::facts::Permission {
    https(Peer::Group(id.to_owned()))
}
