//! The lists: their order, their pages, and where the next one begins.

use serde_json::{Map, Value, json};

use super::Route53;
use super::name::Name;
use super::record::{Key, RecordSet, plain_id};
use super::zone::Zone;
use crate::call::{Answer, ApiError, Call};

/// Zones on a page, and record sets: the default and the most (API reference).
const ZONES_MAX: usize = 100;
const SETS_MAX: usize = 300;

/// `MaxItems`: how many, and the text to answer with. More than the most is the most.
fn page_size(call: &Call, most: usize) -> Result<(usize, String), ApiError> {
    let given = call.text("MaxItems");
    if given.is_empty() {
        return Ok((most, most.to_string()));
    }
    match given.parse::<usize>() {
        Ok(size) if size > 0 => Ok((size.min(most), given.to_owned())),
        _ => Err(ApiError::client("InvalidInput", format!("MaxItems must be a positive number, not {given}"))),
    }
}

fn bad_name(error: super::name::BadName, text: &str) -> ApiError {
    ApiError::client("InvalidDomainName", error.told(text))
}

impl Route53 {
    fn zones_of<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a Zone> + 'a {
        self.zones.values().filter(move |zone| zone.account == account)
    }

    /// In the order of their ids, which says nothing about their age or their names.
    pub(super) fn list_zones(&self, account: &str, call: &Call) -> Answer {
        let (size, shown) = page_size(call, ZONES_MAX)?;
        let marker = plain_id(call.text("Marker"));
        let wants_private = call.text("HostedZoneType") == "PrivateHostedZone";
        let fits = |zone: &&Zone| zone.id.as_str() >= marker && (zone.is_private || !wants_private);
        let mut found = self.zones_of(account).filter(fits);
        let page: Vec<Value> = found.by_ref().take(size).map(Zone::shown).collect();
        let next = found.next();
        Ok(json!({
            "HostedZones": page, "Marker": call.text("Marker"), "IsTruncated": next.is_some(),
            "NextMarker": next.map(|zone| zone.id.as_str()), "MaxItems": shown,
        }))
    }

    /// By reversed name, then by id; from a name, or from one of several zones of a name.
    pub(super) fn list_zones_by_name(&self, account: &str, call: &Call) -> Answer {
        let (size, shown) = page_size(call, ZONES_MAX)?;
        let (text, id) = (call.text("DNSName"), plain_id(call.text("HostedZoneId")));
        if text.is_empty() && !id.is_empty() {
            let message = "HostedZoneId can only be specified together with DNSName";
            return Err(ApiError::client("InvalidInput", message));
        }
        let start = match text {
            "" => Vec::new(),
            text => Name::parse(text).map_err(|error| bad_name(error, text))?.order(),
        };
        let key = |zone: &Zone| (zone.name.order(), zone.id.clone());
        let mut zones: Vec<&Zone> =
            self.zones_of(account).filter(|zone| key(zone) >= (start.clone(), id.to_owned())).collect();
        zones.sort_by_key(|zone| key(zone));
        let next = zones.get(size);
        let mut out = json!({
            "HostedZones": zones.iter().take(size).map(|zone| zone.shown()).collect::<Vec<_>>(),
            "IsTruncated": next.is_some(), "NextDNSName": next.map(|zone| zone.name.to_string()),
            "NextHostedZoneId": next.map(|zone| zone.id.as_str()), "MaxItems": shown,
        });
        if !text.is_empty() {
            out["DNSName"] = json!(text);
        }
        if !id.is_empty() {
            out["HostedZoneId"] = json!(id);
        }
        Ok(out)
    }

    /// Private zones that a VPC sees, whichever account they are of; the token is the id of the next.
    pub(super) fn list_zones_by_vpc(&self, call: &Call) -> Answer {
        let (size, shown) = page_size(call, ZONES_MAX)?;
        let vpc = super::zone::Vpc::read(&json!({"VPCRegion": call.text("VPCRegion"), "VPCId": call.text("VPCId")}))?;
        let token = call.text("NextToken");
        if !token.is_empty() && !self.zones.contains_key(token) {
            return Err(ApiError::client(
                "InvalidPaginationToken",
                "The value that you specified to get the second or subsequent page of results is invalid.",
            ));
        }
        let mut found = self.zones.values().filter(|zone| zone.id.as_str() >= token && zone.vpcs.contains(&vpc));
        let summary = |zone: &Zone| {
            json!({
                "HostedZoneId": zone.id, "Name": zone.name.to_string(), "Owner": {"OwningAccount": zone.account},
            })
        };
        let page: Vec<Value> = found.by_ref().take(size).map(summary).collect();
        let next = found.next().map(|zone| zone.id.as_str());
        Ok(json!({"HostedZoneSummaries": page, "MaxItems": shown, "NextToken": next}))
    }

    pub(super) fn list_sets(&self, zone: &Zone, call: &Call) -> Answer {
        let (size, shown) = page_size(call, SETS_MAX)?;
        let [name, kind, identifier] =
            ["StartRecordName", "StartRecordType", "StartRecordIdentifier"].map(|member| call.text(member));
        let needed = |what: &str, missing: &str| {
            Err(ApiError::client("InvalidInput", format!("The input is not valid: {what} without {missing}")))
        };
        if name.is_empty() && !kind.is_empty() {
            return needed("StartRecordType", "StartRecordName");
        }
        if kind.is_empty() && !identifier.is_empty() {
            return needed("StartRecordIdentifier", "StartRecordName and StartRecordType");
        }
        let order = match name {
            "" => Vec::new(),
            text => Name::parse(text).map_err(|error| ApiError::client("InvalidInput", error.told(text)))?.order(),
        };
        let start = Key { order, kind: kind.to_owned(), identifier: identifier.to_owned() };
        let mut found = zone.sets.range(start..).map(|(_, set)| set);
        let page: Vec<Value> = found.by_ref().take(size).map(RecordSet::shown).collect();
        let mut out = Map::new();
        out.insert("ResourceRecordSets".to_owned(), json!(page));
        let next = found.next();
        out.insert("IsTruncated".to_owned(), json!(next.is_some()));
        if let Some(next) = next {
            out.insert("NextRecordName".to_owned(), json!(next.name.to_string()));
            out.insert("NextRecordType".to_owned(), json!(next.kind));
            out.insert("NextRecordIdentifier".to_owned(), json!(next.identifier));
        }
        out.insert("MaxItems".to_owned(), json!(shown));
        Ok(Value::Object(out))
    }
}
