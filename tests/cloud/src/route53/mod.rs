//! Route 53: hosted zones, their records, and changes that reach the DNS a little later.
//!
//! Owns: the zones of every account, as the API shows them and as the name servers answer. What registries and other people's
//! name servers say stands in `Outside::names`; [`resolve`] walks both, as a resolver would. Never reads a clock and never
//! opens a socket: `dns` does that.

mod alias;
mod change;
mod internal;
mod list;
mod name;
mod rate;
mod rdata;
mod record;
mod resolve;
mod zone;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Caller, Ctx, Need, Place, Service};
use crate::switches::Route53Rate;
use name::Name;
use rate::Rate;
use record::plain_id;
use zone::{Vpc, Zone, name_servers};

pub use alias::APP_RUNNER as APP_RUNNER_ZONES;
pub use name::Name as DnsName;
pub use rdata::wire as record_octets;

/// From `PENDING` to `INSYNC`. AWS promises 60 seconds in ordinary times; the cloud takes half of it.
const IN_SYNC_SECS: i64 = 30;

/// One change, as `GetChange` tells it.
#[derive(Clone, Debug)]
struct Change {
    account: String,
    submitted: Timestamp,
    due: Timestamp,
    comment: Option<String>,
}

/// The emulated service.
#[derive(Debug, Default)]
pub struct Route53 {
    zones: BTreeMap<String, Zone>,
    changes: BTreeMap<String, Change>,
    rate: Rate,
}

/// What a zone is made of.
struct NewZone {
    account: String,
    name: Name,
    caller_reference: String,
    comment: Option<String>,
    vpcs: Vec<Vpc>,
    is_private: bool,
    /// Whether the parent learns of it, where the name is still free.
    delegate: bool,
}

fn error(status: u16, code: &str, message: impl Into<String>) -> ApiError {
    ApiError { status, ..ApiError::client(code, message) }
}

fn no_such_zone(id: &str) -> ApiError {
    error(404, "NoSuchHostedZone", format!("No hosted zone found with ID: {id}"))
}

/// The account of whoever calls: its role's, or the cloud's own.
fn account(place: &Place, caller: &Caller) -> String {
    match caller {
        Caller::Role { role_arn, .. } => role_arn.split(':').nth(4).unwrap_or_default().to_owned(),
        Caller::Operator | Caller::Aws(_) => place.account.clone(),
    }
}

impl Route53 {
    pub fn new() -> Self {
        Self::default()
    }

    /// The zone with this id, where the account may see it.
    fn zone(&self, account: &str, id: &str) -> Result<&Zone, ApiError> {
        let id = plain_id(id);
        self.zones.get(id).filter(|zone| zone.account == account).ok_or_else(|| no_such_zone(id))
    }

    fn zone_mut(&mut self, account: &str, id: &str) -> Result<&mut Zone, ApiError> {
        let id = plain_id(id);
        self.zones.get_mut(id).filter(|zone| zone.account == account).ok_or_else(|| no_such_zone(id))
    }

    /// Notes a change, and gives its `ChangeInfo` and when it is in sync.
    fn note_change(&mut self, ctx: &mut Ctx<'_>, account: &str, comment: Option<String>) -> (Value, Timestamp) {
        let id = format!("C{}", ctx.ids.label(20).to_uppercase());
        let due = ctx.now.checked_add(SignedDuration::from_secs(IN_SYNC_SECS)).unwrap_or(ctx.now);
        let change = Change { account: account.to_owned(), submitted: ctx.now, due, comment };
        let shown = change_info(&id, &change, ctx.now);
        self.changes.insert(id, change);
        (shown, due)
    }

    fn get_change(&self, account: &str, call: &Call, now: Timestamp) -> Answer {
        let id = plain_id(call.text("Id"));
        let change = self.changes.get(id).filter(|change| change.account == account);
        let change =
            change.ok_or_else(|| error(404, "NoSuchChange", format!("Could not find resource with ID: {id}")))?;
        Ok(json!({"ChangeInfo": change_info(id, change, now)}))
    }

    fn create_zone(&mut self, ctx: &mut Ctx<'_>, account: &str, call: &Call) -> Answer {
        let vpc = Some(&call.input["VPC"]).filter(|vpc| vpc.is_object()).map(Vpc::read).transpose()?;
        let text = call.text("Name");
        let name = Name::parse(text).map_err(|bad| ApiError::client("InvalidDomainName", bad.told(text)))?;
        if name.is_root() {
            return Err(ApiError::client("InvalidDomainName", "The domain name . is reserved"));
        }
        let config = &call.input["HostedZoneConfig"];
        if config["PrivateZone"].as_bool() == Some(true) && vpc.is_none() {
            let message = "When you're creating a private hosted zone (when you specify true for PrivateZone), you must also \
                           specify values for VPCId and VPCRegion.";
            return Err(ApiError::client("InvalidInput", message));
        }
        let new = NewZone {
            account: account.to_owned(),
            name,
            caller_reference: call.text("CallerReference").to_owned(),
            comment: config["Comment"].as_str().map(str::to_owned),
            is_private: vpc.is_some(),
            vpcs: vpc.into_iter().collect(),
            delegate: call.caller == Caller::Operator,
        };
        let (id, change) = self.make_zone(ctx, new)?;
        let zone = self.zone(account, &id)?;
        Ok(json!({
            "Location": format!("https://route53.amazonaws.com/2013-04-01{}", zone.path()), "HostedZone": zone.shown(),
            "ChangeInfo": change, "DelegationSet": {"NameServers": zone.servers}, "VPC": zone.vpcs.first().map(Vpc::shown),
        }))
    }

    /// A new zone, its id and the change that makes it.
    fn make_zone(&mut self, ctx: &mut Ctx<'_>, new: NewZone) -> Result<(String, Value), ApiError> {
        let mine = |zone: &&Zone| zone.account == new.account && zone.caller_reference == new.caller_reference;
        if self.zones.values().any(|zone| mine(&zone)) {
            let message = "A hosted zone has already been created with the specified caller reference.";
            return Err(error(409, "HostedZoneAlreadyExists", message));
        }
        for vpc in &new.vpcs {
            self.vpc_is_free(vpc, &new.name)?;
        }
        let id = format!("Z{}", ctx.ids.label(19).to_uppercase());
        let servers = name_servers(new.is_private, ctx.ids);
        let (change, due) = self.note_change(ctx, &new.account, new.comment.clone());
        let mut zone = Zone {
            id: id.clone(),
            account: new.account,
            name: new.name,
            caller_reference: new.caller_reference,
            comment: new.comment,
            vpcs: new.vpcs,
            is_private: new.is_private,
            servers,
            sets: BTreeMap::new(),
            served: BTreeMap::new(),
            pending: Vec::new(),
            busy_until: None,
            tags: BTreeMap::new(),
        };
        zone.fill(due);
        if new.delegate && !zone.is_private {
            let delegations = &mut ctx.outside.names.delegations;
            delegations.entry(zone.name.normalized()).or_insert_with(|| zone.servers.clone());
        }
        self.zones.insert(id.clone(), zone);
        Ok((id, change))
    }

    /// A VPC sees one private zone of a name.
    fn vpc_is_free(&self, vpc: &Vpc, name: &Name) -> Result<(), ApiError> {
        let taken = self.zones.values().find(|zone| zone.name == *name && zone.vpcs.contains(vpc));
        taken.map_or(Ok(()), |zone| {
            let message = format!(
                "The VPC {} in region {} has already been associated with the hosted zone {} with the same domain name.",
                vpc.id, vpc.region, zone.id
            );
            Err(ApiError::client("ConflictingDomainExists", message))
        })
    }

    fn get_zone(&self, account: &str, call: &Call) -> Answer {
        let zone = self.zone(account, call.text("Id"))?;
        let vpcs: Vec<Value> = zone.vpcs.iter().map(Vpc::shown).collect();
        Ok(json!({
            "HostedZone": zone.shown(),
            "DelegationSet": if zone.is_private { Value::Null } else { json!({"NameServers": zone.servers}) },
            "VPCs": if zone.is_private { json!(vpcs) } else { Value::Null },
        }))
    }

    fn delete_zone(&mut self, ctx: &mut Ctx<'_>, account: &str, call: &Call) -> Answer {
        let zone = self.zone(account, call.text("Id"))?;
        let order = zone.name.order();
        let required = |key: &record::Key| key.order == order && (key.kind == "SOA" || key.kind == "NS");
        if !zone.sets.keys().all(required) {
            let message =
                "The specified hosted zone contains non-required resource record sets and so cannot be deleted.";
            return Err(ApiError::client("HostedZoneNotEmpty", message));
        }
        is_free(zone, ctx.now)?;
        let id = zone.id.clone();
        self.zones.remove(&id);
        Ok(json!({"ChangeInfo": self.note_change(ctx, account, None).0}))
    }

    fn change_sets(&mut self, ctx: &mut Ctx<'_>, account: &str, call: &Call) -> Answer {
        let zone = self.zone(account, call.text("HostedZoneId"))?;
        is_free(zone, ctx.now)?;
        let batch = &call.input["ChangeBatch"];
        let changes = batch["Changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let outcome = change::outcome(zone, changes)?;
        let comment = batch["Comment"].as_str().map(str::to_owned);
        let (shown, due) = self.note_change(ctx, account, comment);
        self.zone_mut(account, call.text("HostedZoneId"))?.set(due, outcome);
        Ok(json!({"ChangeInfo": shown}))
    }

    fn associate_vpc(&mut self, ctx: &mut Ctx<'_>, account: &str, call: &Call) -> Answer {
        let vpc = Vpc::read(&call.input["VPC"])?;
        let zone = self.zone(account, call.text("HostedZoneId"))?;
        if !zone.is_private {
            let message =
                "You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't support it.";
            return Err(ApiError::client("PublicZoneVPCAssociation", message));
        }
        self.vpc_is_free(&vpc, &zone.name)?;
        self.zone_mut(account, call.text("HostedZoneId"))?.vpcs.push(vpc);
        let comment = call.input["Comment"].as_str().map(str::to_owned);
        Ok(json!({"ChangeInfo": self.note_change(ctx, account, comment).0}))
    }

    fn disassociate_vpc(&mut self, ctx: &mut Ctx<'_>, account: &str, call: &Call) -> Answer {
        let vpc = Vpc::read(&call.input["VPC"])?;
        let zone = self.zone_mut(account, call.text("HostedZoneId"))?;
        if !zone.vpcs.contains(&vpc) {
            let message = format!("The VPC {} is not associated with the hosted zone {}.", vpc.id, zone.id);
            return Err(error(404, "VPCAssociationNotFound", message));
        }
        if zone.vpcs.len() == 1 {
            let message = "The last VPC of a private hosted zone cannot be disassociated; delete the hosted zone.";
            return Err(ApiError::client("LastVPCAssociation", message));
        }
        zone.vpcs.retain(|other| *other != vpc);
        let comment = call.input["Comment"].as_str().map(str::to_owned);
        Ok(json!({"ChangeInfo": self.note_change(ctx, account, comment).0}))
    }

    fn list_tags(&self, account: &str, call: &Call) -> Answer {
        let zone = self.tagged(account, call)?;
        let tags: Vec<Value> = zone.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        Ok(json!({"ResourceTagSet": {"ResourceType": "hostedzone", "ResourceId": zone.id, "Tags": tags}}))
    }

    fn change_tags(&mut self, account: &str, call: &Call) -> Answer {
        let id = self.tagged(account, call)?.id.clone();
        let zone = self.zone_mut(account, &id)?;
        for key in call.input["RemoveTagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            zone.tags.remove(key);
        }
        for tag in call.input["AddTags"].as_array().into_iter().flatten() {
            let text = |member: &str| tag[member].as_str().unwrap_or_default().to_owned();
            zone.tags.insert(text("Key"), text("Value"));
        }
        Ok(json!({}))
    }

    fn tagged(&self, account: &str, call: &Call) -> Result<&Zone, ApiError> {
        let id = call.text("ResourceId");
        if call.text("ResourceType") == "healthcheck" {
            return Err(error(404, "NoSuchHealthCheck", format!("The local cloud has no health check {id}")));
        }
        self.zone(account, id)
    }

    fn served(&mut self, ctx: &mut Ctx<'_>, account: &str, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateHostedZone" => self.create_zone(ctx, account, call),
            "GetHostedZone" => self.get_zone(account, call),
            "DeleteHostedZone" => self.delete_zone(ctx, account, call),
            "ListHostedZones" => self.list_zones(account, call),
            "ListHostedZonesByName" => self.list_zones_by_name(account, call),
            "ListHostedZonesByVPC" => self.list_zones_by_vpc(call),
            "GetHostedZoneCount" => {
                Ok(json!({"HostedZoneCount": self.zones.values().filter(|zone| zone.account == account).count()}))
            }
            "AssociateVPCWithHostedZone" => self.associate_vpc(ctx, account, call),
            "DisassociateVPCFromHostedZone" => self.disassociate_vpc(ctx, account, call),
            "ChangeResourceRecordSets" => self.change_sets(ctx, account, call),
            "ListResourceRecordSets" => self.list_sets(self.zone(account, call.text("HostedZoneId"))?, call),
            "GetChange" => self.get_change(account, call, ctx.now),
            "ListTagsForResource" => self.list_tags(account, call),
            "ChangeTagsForResource" => self.change_tags(account, call),
            "TestDNSAnswer" => self.test_answer(ctx, account, call),
            internal if internal.starts_with('_') => self.internal(ctx, call),
            other => {
                let message = format!("the local cloud's Route 53 does not serve {other}");
                Err(ApiError::client("UnknownOperationException", message))
            }
        }
    }
}

/// Whether an earlier request of the zone is done with.
fn is_free(zone: &Zone, now: Timestamp) -> Result<(), ApiError> {
    if zone.busy_until.is_none_or(|until| until <= now) {
        return Ok(());
    }
    let message = "The request was rejected because Route 53 was still processing a prior request.";
    Err(ApiError::client("PriorRequestNotComplete", message))
}

fn change_info(id: &str, change: &Change, now: Timestamp) -> Value {
    let status = if change.due <= now { "INSYNC" } else { "PENDING" };
    json!({
        "Id": format!("/change/{id}"), "Status": status, "SubmittedAt": seconds(change.submitted),
        "Comment": change.comment,
    })
}

fn seconds(at: Timestamp) -> Value {
    if at.subsec_nanosecond() == 0 { json!(at.as_second()) } else { json!(at.as_millisecond() as f64 / 1000.0) }
}

impl Service for Route53 {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let account = account(ctx.place, &call.caller);
        let counts = !call.operation.starts_with('_') && ctx.switches.route53_rate == Route53Rate::On;
        if counts && !self.rate.take(&account, ctx.now) {
            return Err(ApiError::client("Throttling", "Rate exceeded"));
        }
        self.served(ctx, &account, call)
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let zone =
            |member: &str| format!("arn:{}:route53:::hostedzone/{}", place.partition, plain_id(call.text(member)));
        let resource = match call.operation.as_str() {
            "GetHostedZone" | "DeleteHostedZone" => zone("Id"),
            "ChangeResourceRecordSets"
            | "ListResourceRecordSets"
            | "AssociateVPCWithHostedZone"
            | "DisassociateVPCFromHostedZone" => zone("HostedZoneId"),
            "ListTagsForResource" | "ChangeTagsForResource" => zone("ResourceId"),
            "GetChange" => format!("arn:{}:route53:::change/{}", place.partition, plain_id(call.text("Id"))),
            _ => "*".to_owned(),
        };
        let mut need = Need::new(format!("route53:{}", call.operation), resource);
        if call.operation == "ChangeResourceRecordSets" {
            need.conditions = conditions(&call.input["ChangeBatch"]["Changes"]);
        }
        let sees_vpcs = match call.operation.as_str() {
            "ListHostedZonesByVPC" | "AssociateVPCWithHostedZone" | "DisassociateVPCFromHostedZone" => true,
            "CreateHostedZone" => call.input["VPC"].is_object(),
            _ => false,
        };
        let vpcs = sees_vpcs.then(|| Need::new("ec2:DescribeVpcs", "*"));
        std::iter::once(need).chain(vpcs).collect()
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.zones.values().filter_map(Zone::next_due).min()
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        self.zones.values_mut().for_each(|zone| zone.publish(ctx.now));
    }
}

/// The condition keys of a change: names in lower case without the last dot, types and actions, each once.
fn conditions(changes: &Value) -> Vec<(String, Vec<String>)> {
    let changes = changes.as_array().map(Vec::as_slice).unwrap_or_default();
    let each = |of: &dyn Fn(&Value) -> String| {
        let values: std::collections::BTreeSet<String> = changes.iter().map(of).collect();
        values.into_iter().collect::<Vec<String>>()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = |change: &Value| {
        let given = text(&change["ResourceRecordSet"]["Name"]);
        Name::parse(&given).map(|name| name.normalized()).unwrap_or(given)
    };
    let key = |suffix: &str| format!("route53:ChangeResourceRecordSets{suffix}");
    vec![
        (key("NormalizedRecordNames"), each(&name)),
        (key("RecordTypes"), each(&|change| text(&change["ResourceRecordSet"]["Type"]))),
        (key("Actions"), each(&|change| text(&change["Action"]))),
    ]
}
