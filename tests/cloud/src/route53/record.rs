//! One resource record set: read from a change, compared with another, shown in a list.
//!
//! Owns: what makes a record set well formed by itself. Whether its zone can hold it is the matter of `change`.

use serde_json::{Map, Value, json};

use super::name::Name;
use super::rdata;
use crate::call::ApiError;

/// Values of one record set (Route 53 quotas).
const VALUES_MAX: usize = 400;

/// The members that choose a routing policy; a record set has at most one, and only together with `SetIdentifier`.
const POLICIES: [&str; 7] =
    ["Weight", "Region", "Failover", "GeoLocation", "MultiValueAnswer", "GeoProximityLocation", "CidrRoutingConfig"];

/// What a zone orders its record sets by: name, type, identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub order: Vec<u8>,
    pub kind: String,
    pub identifier: String,
}

/// Where an alias points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub zone_id: String,
    pub target: Name,
    pub evaluate_health: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordSet {
    pub name: Name,
    pub kind: String,
    pub identifier: Option<String>,
    /// Seconds; none for an alias.
    pub ttl: Option<i64>,
    pub values: Vec<String>,
    pub alias: Option<Alias>,
    /// The routing policy, the health check and the like, as they were given.
    pub extra: Map<String, Value>,
}

/// Why a record set is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Malformed {
    /// The whole call is no request: `InvalidInput`.
    Call(String),
    /// One message of `InvalidChangeBatch`.
    Change(String),
}

impl RecordSet {
    /// A plain set of values.
    pub fn plain(name: Name, kind: &str, ttl: i64, values: Vec<String>) -> Self {
        let (identifier, alias, extra) = (None, None, Map::new());
        Self { name, kind: kind.to_owned(), identifier, ttl: Some(ttl), values, alias, extra }
    }

    /// Reads the `ResourceRecordSet` of a change.
    ///
    /// # Errors
    /// What is wrong with it by itself.
    pub fn read(action: &str, given: &Value) -> Result<Self, Malformed> {
        let text = |member: &str| given[member].as_str().unwrap_or_default();
        let (name, kind) = (text("Name"), text("Type"));
        let identifier = given["SetIdentifier"].as_str().map(str::to_owned);
        let of = format!(
            "in Change with [Action={action}, Name={name}, Type={kind}, SetIdentifier={}]",
            identifier.as_deref().unwrap_or("null")
        );
        check_form(given, identifier.is_some(), &of).map_err(Malformed::Call)?;
        let parsed = Name::parse(name).map_err(|bad| Malformed::Change(bad.told(name)))?;
        let records = given["ResourceRecords"].as_array().into_iter().flatten();
        let values: Vec<String> =
            records.map(|record| record["Value"].as_str().unwrap_or_default().to_owned()).collect();
        check_values(&parsed, kind, &values).map_err(Malformed::Change)?;
        let alias = read_alias(&given["AliasTarget"]).map_err(Malformed::Change)?;
        let named = ["Name", "Type", "SetIdentifier", "TTL", "ResourceRecords", "AliasTarget"];
        let extra = given
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(member, value)| !value.is_null() && !named.contains(&member.as_str()));
        Ok(Self {
            name: parsed,
            kind: kind.to_owned(),
            identifier,
            ttl: given["TTL"].as_i64(),
            values,
            alias,
            extra: extra.map(|(member, value)| (member.clone(), value.clone())).collect(),
        })
    }

    pub fn key(&self) -> Key {
        Key {
            order: self.name.order(),
            kind: self.kind.clone(),
            identifier: self.identifier.clone().unwrap_or_default(),
        }
    }

    /// Whether a `DELETE` with the other's values means this set: the order of the values does not matter.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let sorted = |set: &Self| {
            let mut values = set.values.clone();
            values.sort();
            values
        };
        let plain = |set: &Self| Self { values: sorted(set), ..set.clone() };
        plain(self) == plain(other)
    }

    /// As lists show it.
    pub fn shown(&self) -> Value {
        let mut out = Map::new();
        out.insert("Name".to_owned(), json!(self.name.to_string()));
        out.insert("Type".to_owned(), json!(self.kind));
        if let Some(identifier) = &self.identifier {
            out.insert("SetIdentifier".to_owned(), json!(identifier));
        }
        out.extend(self.extra.clone());
        if let Some(ttl) = self.ttl {
            out.insert("TTL".to_owned(), json!(ttl));
            let values: Vec<Value> = self.values.iter().map(|value| json!({"Value": value})).collect();
            out.insert("ResourceRecords".to_owned(), json!(values));
        }
        if let Some(alias) = &self.alias {
            let shown = json!({
                "HostedZoneId": alias.zone_id, "DNSName": alias.target.to_string(),
                "EvaluateTargetHealth": alias.evaluate_health,
            });
            out.insert("AliasTarget".to_owned(), shown);
        }
        Value::Object(out)
    }

    /// `[name='a.octank.dev.', type='A']`, as messages name a record set.
    pub fn told(&self) -> String {
        let identifier = self.identifier.as_ref().map(|id| format!(", set-identifier='{id}'")).unwrap_or_default();
        format!("[name='{}', type='{}'{identifier}]", self.name, self.kind)
    }
}

/// One way to say what the set holds, and a routing policy with an identifier or neither.
fn check_form(given: &Value, identified: bool, of: &str) -> Result<(), String> {
    let has = |member: &str| given.get(member).is_some_and(|value| !value.is_null());
    let ways = [has("AliasTarget"), has("TTL") || has("ResourceRecords"), has("TrafficPolicyInstanceId")];
    let whole = has("AliasTarget") || (has("TTL") && has("ResourceRecords")) || has("TrafficPolicyInstanceId");
    let found = match ways.iter().filter(|way| **way).count() {
        1 if whole => None,
        0 | 1 => Some("none"),
        _ => Some("more than one"),
    };
    if let Some(found) = found {
        return Err(format!(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
             TrafficPolicyInstanceId], but found {found} {of}"
        ));
    }
    match (identified, POLICIES.iter().filter(|member| has(member)).count()) {
        (false, 0) | (true, 1) => Ok(()),
        (false, _) => Err(format!("Invalid request: Missing field 'SetIdentifier' {of}")),
        (true, found) => Err(format!(
            "Invalid request: Expected exactly one of [{}], but found {} {of}",
            POLICIES.join(", "),
            if found == 0 { "none" } else { "more than one" }
        )),
    }
}

fn check_values(name: &Name, kind: &str, values: &[String]) -> Result<(), String> {
    if kind == "CNAME" && values.len() > 1 {
        return Err(format!("RRSet of type CNAME with DNS name {name} must have exactly one resource record."));
    }
    if values.len() > VALUES_MAX {
        return Err(format!("Cannot have more than {VALUES_MAX} records in a RRSet."));
    }
    for (at, value) in values.iter().enumerate() {
        rdata::wire(kind, value).map_err(|problem| format!("Invalid Resource Record: '{problem}'"))?;
        if values[..at].contains(value) {
            return Err(format!("Duplicate Resource Record: '{value}'"));
        }
    }
    Ok(())
}

fn read_alias(given: &Value) -> Result<Option<Alias>, String> {
    if !given.is_object() {
        return Ok(None);
    }
    let target = given["DNSName"].as_str().unwrap_or_default();
    Ok(Some(Alias {
        zone_id: plain_id(given["HostedZoneId"].as_str().unwrap_or_default()).to_owned(),
        target: Name::parse(target).map_err(|bad| bad.told(target))?,
        evaluate_health: given["EvaluateTargetHealth"].as_bool().unwrap_or_default(),
    }))
}

/// The id without the path that answers put before it: `/hostedzone/Z1`, `/change/C1`.
pub fn plain_id(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

impl From<Malformed> for ApiError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Call(message) => Self::client("InvalidInput", message),
            Malformed::Change(message) => Self::client("InvalidChangeBatch", format!("[{message}]")),
        }
    }
}
