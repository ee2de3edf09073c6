//! The way of the traffic: weighted records, step by step, and the way back.
//!
//! | what stands at a name | what becomes of it |
//! |---|---|
//! | one alias `A` or one CNAME that leads to App Runner | the first batch replaces it by two weighted records of its type; each later one moves the weights |
//! | anything else, or nothing that could be read | no batch: it is told what stands there, and it is moved by hand |
//!
//! A simple record and a weighted one of the same name and type cannot stand together, and weighted records of one name have one
//! type: so the first batch deletes exactly what was read, and both new records have its type.

use serde::Serialize;
use serde_json::{Value, json};

use crate::audit::facts::{DomainFacts, ServiceFacts};
use crate::dns::command::{quote, record_json};
use crate::dns::facts::ZoneRef;
use crate::dns::name::Name;
use crate::dns::record::{Data, RecordSet, RecordType};
use crate::fact::Fact;

/// The share of the traffic in percent that Express Mode gets, step by step (the guide of App Runner, "availability change").
pub const SHARES: [u8; 5] = [10, 25, 50, 75, 100];
/// While the weights move, resolvers ask again after a minute.
const TTL_SECS: u64 = 60;
/// The set identifiers.
const OLD: &str = "app-runner";
const NEW: &str = "ecs-express";
/// What the shell knows of the load balancer once it is there: variables that an earlier step sets.
const NAME: &str = "LOAD_BALANCER_NAME";
const ZONE: &str = "LOAD_BALANCER_ZONE";

/// One atomic change of one hosted zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZoneBatch {
    pub zone: String,
    pub zone_name: String,
    /// The change batch. `${LOAD_BALANCER_NAME}` and `${LOAD_BALANCER_ZONE}` stand for what is known once the service is there.
    pub change_batch: Value,
    pub command: String,
}

/// One step of the traffic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// What goes to Express Mode after it, in percent.
    pub share: u8,
    pub batches: Vec<ZoneBatch>,
}

/// The way there, the way back, and the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cutover {
    pub stages: Vec<Stage>,
    /// Everything to App Runner again, after any stage, as long as the service is there.
    pub back: Vec<ZoneBatch>,
    /// After `back`: the records as they stood before the first stage.
    pub undo: Vec<ZoneBatch>,
    /// One simple record again, which leads to the load balancer: after the last stage, when nobody goes back any more.
    pub end: Vec<ZoneBatch>,
}

/// A name whose traffic can be moved.
struct Moved<'a> {
    zone: &'a ZoneRef,
    standing: &'a RecordSet,
    /// As `DELETE` needs it.
    exact: Value,
}

/// The batches, and for each name that has none: why.
pub(super) fn cutover(service: &ServiceFacts) -> (Cutover, Vec<(Name, String)>) {
    let Fact::Known(domains) = &service.domains else { return (Cutover::default(), Vec::new()) };
    let (mut moved, mut left) = (Vec::new(), Vec::new());
    for (domain, host) in domains.iter().flat_map(|domain| hosts(domain).into_iter().map(move |host| (domain, host))) {
        match standing(domain, &host) {
            Ok(found) => moved.push(found),
            Err(why) => left.push((host, why)),
        }
    }
    if moved.is_empty() {
        return (Cutover::default(), left);
    }
    let mut from = None;
    let stages = SHARES.map(|share| {
        let batches = batches(&moved, |one| match from {
            None => [delete(one), weighted("CREATE", one, share)].concat(),
            Some(_) => weighted("UPSERT", one, share),
        });
        from = Some(share);
        Stage { share, batches }
    });
    let last = SHARES[SHARES.len() - 1];
    let cutover = Cutover {
        stages: stages.into(),
        back: batches(&moved, |one| weighted("UPSERT", one, 0)),
        undo: batches(&moved, |one| [weighted("DELETE", one, 0), vec![change("CREATE", one.exact.clone())]].concat()),
        end: batches(&moved, |one| [weighted("DELETE", one, last), vec![change("CREATE", new_record(one))]].concat()),
    };
    (cutover, left)
}

/// The names that people ask for.
pub(super) fn hosts(domain: &DomainFacts) -> Vec<Name> {
    let mut hosts = vec![domain.name.clone()];
    if domain.association.www && !domain.name.is_wildcard() {
        hosts.extend(domain.name.below("www"));
    }
    hosts
}

/// The one record that leads to App Runner.
fn standing<'a>(domain: &'a DomainFacts, host: &Name) -> Result<Moved<'a>, String> {
    if !domain.association.vpc_targets.is_empty() {
        return Err("it is answered inside VPCs alone, from private zones".to_owned());
    }
    let zones = match &domain.dns.zones {
        Fact::Known(zones) => zones,
        Fact::Unavailable(why) => return Err(format!("the hosted zones could not be listed ({why})")),
        Fact::Unread => return Err("the hosted zones were not read".to_owned()),
    };
    let above = zones.all.iter().filter(|zone| !zone.private && host.is_at_or_below(&zone.at.name));
    let above: Vec<&ZoneRef> = above.map(|zone| &zone.at).collect();
    let depth = above.iter().map(|zone| zone.name.labels().count()).max();
    let deepest: Vec<&ZoneRef> = above.into_iter().filter(|zone| Some(zone.name.labels().count()) == depth).collect();
    let zone = match deepest[..] {
        [] => return Err("no public hosted zone of this account holds it".to_owned()),
        [zone] => zone,
        [..] => return Err(format!("{} public hosted zones of this account have its name", deepest.len())),
    };
    let sets = match domain.dns.standing(zone, host, &[]) {
        Ok(Ok(sets)) => sets,
        Ok(Err(why)) => return Err(format!("the zone {} could not be read ({why})", zone.id)),
        Err(_) => return Err(format!("the zone {} was not read", zone.id)),
    };
    let leads = |set: &&RecordSet| matches!(set.kind, RecordType::A | RecordType::Aaaa | RecordType::Cname);
    let leading: Vec<&RecordSet> = sets.iter().filter(leads).collect();
    let described = || leading.iter().map(|set| set.words()).collect::<Vec<_>>().join("; ");
    let standing = match leading[..] {
        [] => return Err(format!("nothing in the zone {} leads anywhere from it", zone.id)),
        [one] if leads_to(one, domain.association.dns_target.as_ref()) => one,
        [..] => return Err(format!("what stands there does not simply lead to App Runner: {}", described())),
    };
    let exact =
        record_json(standing).ok_or_else(|| format!("it stands under a routing policy already: {}", described()))?;
    Ok(Moved { zone, standing, exact })
}

fn leads_to(set: &RecordSet, target: Option<&Name>) -> bool {
    let leads = match &set.data {
        Data::Alias { target, .. } => Some(target.clone()),
        Data::Values { values, .. } => values.first().and_then(|value| Name::parse(value).ok()),
    };
    target.is_some() && leads.as_ref() == target
}

fn change(action: &str, set: Value) -> Value {
    json!({ "Action": action, "ResourceRecordSet": set })
}

fn delete(one: &Moved<'_>) -> Vec<Value> {
    vec![change("DELETE", one.exact.clone())]
}

/// The two records with the weights of a share.
fn weighted(action: &str, one: &Moved<'_>, share: u8) -> Vec<Value> {
    let with = |mut set: Value, identifier: &str, weight: u8| {
        set["SetIdentifier"] = json!(identifier);
        set["Weight"] = json!(weight);
        if set.get("TTL").is_some() {
            set["TTL"] = json!(TTL_SECS);
        }
        change(action, set)
    };
    vec![with(one.exact.clone(), OLD, 100 - share), with(new_record(one), NEW, share)]
}

/// What leads to the load balancer, of the type of what stands.
fn new_record(one: &Moved<'_>) -> Value {
    let mut set = json!({ "Name": one.standing.name.fqdn(), "Type": one.standing.kind.as_str() });
    let (name, zone) = (format!("${{{NAME}}}"), format!("${{{ZONE}}}"));
    match &one.standing.data {
        Data::Alias { .. } => {
            set["AliasTarget"] = json!({ "HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": true });
        }
        Data::Values { ttl_secs, .. } => {
            set["TTL"] = json!(ttl_secs);
            set["ResourceRecords"] = json!([{ "Value": name }]);
        }
    }
    set
}

/// One batch for each zone, over all its names: a domain and its `www` move together.
fn batches(moved: &[Moved<'_>], changes: impl Fn(&Moved<'_>) -> Vec<Value>) -> Vec<ZoneBatch> {
    let mut zones: Vec<&ZoneRef> = moved.iter().map(|one| one.zone).collect();
    zones.sort();
    zones.dedup();
    let batch = |zone: &ZoneRef| {
        let changes: Vec<Value> = moved.iter().filter(|one| one.zone == zone).flat_map(&changes).collect();
        let change_batch = json!({ "Changes": changes });
        let command = command(&zone.id, &change_batch);
        ZoneBatch { zone: zone.id.clone(), zone_name: zone.name.as_str().to_owned(), change_batch, command }
    };
    zones.into_iter().map(batch).collect()
}

/// The command for a POSIX shell that has the two variables.
fn command(zone: &str, batch: &Value) -> String {
    let mut word = quote(&batch.to_string());
    for variable in [NAME, ZONE] {
        // The quote ends, the shell puts the value in, and another quote begins.
        word = word.replace(&format!("${{{variable}}}"), &format!("'\"${variable}\"'"));
    }
    format!("aws route53 change-resource-record-sets --hosted-zone-id {} --change-batch {word}", quote(zone))
}
