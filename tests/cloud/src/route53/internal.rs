//! What only the world outside does: zones of other accounts, delegations, a busy zone, and a resolver's questions.
//!
//! | operation | input | answer |
//! |---|---|---|
//! | `_CreateZone` | `Account`, `Name`, `Delegate` (true), `Vpcs` | `HostedZoneId`, `NameServers` |
//! | `_Delegate` | `Name`, and `HostedZoneId` or `NameServers` (none takes the delegation away) | `NameServers` |
//! | `_Busy` | `HostedZoneId`, `Seconds` | nothing |
//! | `_Names` | `Delegations`, `Records`, `Hosts` (added), `Resolver` | all of `Outside::names` |
//! | `_Query` | `Name`, `Type` | `Rcode`, `Answers`, `Authority` |

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::name::Name;
use super::record::plain_id;
use super::resolve::{Reply, Walk};
use super::zone::Vpc;
use super::{NewZone, Route53, no_such_zone};
use crate::call::{Answer, ApiError, Call, Ctx};
use crate::outside::Names;

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidInput", message)
}

fn name_of(call: &Call) -> Result<Name, ApiError> {
    let text = call.text("Name");
    Name::parse(text).map_err(|bad| wrong(bad.told(text)))
}

/// As `Outside::names` keeps names.
fn key(text: &str) -> Result<String, ApiError> {
    Name::parse(text).map(|name| name.normalized()).map_err(|bad| wrong(bad.told(text)))
}

impl Route53 {
    pub(super) fn internal(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "_CreateZone" => self.create_foreign_zone(ctx, call),
            "_Delegate" => self.delegate(ctx, call),
            "_Busy" => self.busy(ctx, call),
            "_Names" => set_names(&mut ctx.outside.names, call),
            "_Query" => {
                let walk = Walk { zones: &self.zones, names: &ctx.outside.names };
                Ok(walk.ask(&name_of(call)?, call.text("Type")).shown())
            }
            other => Err(ApiError::client("UnknownOperationException", format!("Route 53 has no {other}"))),
        }
    }

    fn create_foreign_zone(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let vpcs = call.input["Vpcs"].as_array().into_iter().flatten();
        let vpcs = vpcs.map(Vpc::read).collect::<Result<Vec<_>, _>>()?;
        let own = ctx.place.account.clone();
        let new = NewZone {
            account: Some(call.text("Account")).filter(|id| !id.is_empty()).map_or(own, str::to_owned),
            name: name_of(call)?,
            caller_reference: ctx.ids.uuid(),
            comment: None,
            is_private: !vpcs.is_empty(),
            vpcs,
            delegate: call.input["Delegate"].as_bool().unwrap_or(true),
        };
        let (id, _) = self.make_zone(ctx, new)?;
        let servers = self.zones.get(&id).map(|zone| zone.servers.clone()).unwrap_or_default();
        Ok(json!({"HostedZoneId": id, "NameServers": servers}))
    }

    fn delegate(&self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let name = name_of(call)?.normalized();
        let servers = match (call.text("HostedZoneId"), call.input["NameServers"].as_array()) {
            ("", Some(given)) => given.iter().filter_map(Value::as_str).map(key).collect::<Result<Vec<_>, _>>()?,
            ("", None) => return Err(wrong("_Delegate needs HostedZoneId or NameServers")),
            (id, _) => {
                let id = plain_id(id);
                self.zones.get(id).ok_or_else(|| no_such_zone(id))?.servers.clone()
            }
        };
        let delegations = &mut ctx.outside.names.delegations;
        match servers.is_empty() {
            true => delegations.remove(&name),
            false => delegations.insert(name, servers.clone()),
        };
        Ok(json!({"NameServers": servers}))
    }

    fn busy(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let id = plain_id(call.text("HostedZoneId"));
        let zone = self.zones.get_mut(id).ok_or_else(|| no_such_zone(id))?;
        let seconds = call.input["Seconds"].as_i64().ok_or_else(|| wrong("_Busy needs Seconds, a whole number"))?;
        let until = ctx.now.checked_add(SignedDuration::from_secs(seconds));
        zone.busy_until = Some(until.map_err(|error| wrong(error.to_string()))?);
        Ok(json!({}))
    }

    /// What the zone's own name servers answer, whoever delegates to them.
    pub(super) fn test_answer(&self, ctx: &Ctx<'_>, account: &str, call: &Call) -> Answer {
        let zone = self.zone(account, call.text("HostedZoneId"))?;
        let (text, kind) = (call.text("RecordName"), call.text("RecordType"));
        let name = Name::parse(text).map_err(|bad| wrong(bad.told(text)))?;
        if !name.is_within(&zone.name) {
            return Err(wrong(format!("The record {name} does not lie in the zone {}", zone.name)));
        }
        let reply: Reply = Walk { zones: &self.zones, names: &ctx.outside.names }.in_zone(zone, &name, kind);
        let own = |found: &&super::resolve::Found| found.kind == kind;
        let data: Vec<&str> = reply.answers.iter().filter(own).map(|found| found.data.as_str()).collect();
        Ok(json!({
            "Nameserver": zone.servers.first(), "RecordName": text, "RecordType": kind, "RecordData": data,
            "ResponseCode": reply.rcode, "Protocol": "UDP",
        }))
    }
}

/// Adds to what the DNS outside holds; a name that is given again has its new values.
fn set_names(names: &mut Names, call: &Call) -> Answer {
    let read = |member: &str, error: serde_json::Error| wrong(format!("_Names: {member}: {error}"));
    let given = |member: &str| call.input.get(member).filter(|value| !value.is_null()).cloned();
    if let Some(value) = given("Delegations") {
        let more: std::collections::BTreeMap<String, Vec<String>> =
            serde_json::from_value(value).map_err(|error| read("Delegations", error))?;
        for (name, servers) in more {
            names.delegations.insert(key(&name)?, servers);
        }
    }
    if let Some(value) = given("Records") {
        let more: std::collections::BTreeMap<String, std::collections::BTreeMap<String, Vec<String>>> =
            serde_json::from_value(value).map_err(|error| read("Records", error))?;
        for (name, sets) in more {
            names.records.insert(key(&name)?, sets);
        }
    }
    if let Some(value) = given("Hosts") {
        let more: std::collections::BTreeMap<String, String> =
            serde_json::from_value(value).map_err(|error| read("Hosts", error))?;
        for (name, address) in more {
            names.hosts.insert(key(&name)?, address);
        }
    }
    if let Some(value) = given("Resolver") {
        names.resolver = serde_json::from_value(value).map_err(|error| read("Resolver", error))?;
    }
    Ok(json!(names))
}
