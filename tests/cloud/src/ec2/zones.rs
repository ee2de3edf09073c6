//! What a region has by itself: three zones, and the prefix lists of the services with gateway endpoints.

use serde_json::{Value, json};

use super::kind::Kind;
use super::list::{List, describe, filtered};
use crate::call::{Answer, ApiError, Place};
use crate::shape::texts;

/// Every region here has this many.
pub(super) const ZONES: usize = 3;

/// The ids are those of eu-west-1; here every region has them.
const PREFIX_LISTS: [(&str, &str); 2] = [("pl-6da54004", "s3"), ("pl-6fa54006", "dynamodb")];

const ZONE_FILTERS: &[(&str, &str)] = &[
    ("group-long-name", "GroupLongName"),
    ("group-name", "GroupName"),
    ("message", "Messages[].Message"),
    ("opt-in-status", "OptInStatus"),
    ("parent-zone-id", "ParentZoneId"),
    ("parent-zone-name", "ParentZoneName"),
    ("region-name", "RegionName"),
    ("state", "State"),
    ("zone-id", "ZoneId"),
    ("zone-name", "ZoneName"),
    ("zone-type", "ZoneType"),
];

const PREFIX_LIST: List = List {
    member: "PrefixLists",
    ids: "PrefixListIds",
    kind: Kind::PrefixList,
    filters: &[("owner-id", "OwnerId"), ("prefix-list-id", "PrefixListId"), ("prefix-list-name", "PrefixListName")],
};

/// A zone's name and its id: `eu-west-1a`, `euw1-az1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub name: String,
    pub id: String,
}

pub(super) fn zones(region: &str) -> Vec<Zone> {
    let short = short(region);
    let letters = ['a', 'b', 'c'].into_iter().take(ZONES).enumerate();
    letters.map(|(n, letter)| Zone { name: format!("{region}{letter}"), id: format!("{short}-az{}", n + 1) }).collect()
}

/// `euw1` for `eu-west-1`, `apse2` for `ap-southeast-2`, `usgw1` for `us-gov-west-1`.
fn short(region: &str) -> String {
    let words = region.split('-').enumerate().map(|(n, word)| match (n, word) {
        (0, word) => word.to_owned(),
        (_, "northeast") => "ne".to_owned(),
        (_, "northwest") => "nw".to_owned(),
        (_, "southeast") => "se".to_owned(),
        (_, "southwest") => "sw".to_owned(),
        (_, word) => word.chars().take(1).collect(),
    });
    words.collect()
}

/// The zone that a call names, or the first.
pub(super) fn zone_of(region: &str, name: Option<&str>, id: Option<&str>) -> Result<Zone, ApiError> {
    let all = zones(region);
    let names: Vec<&str> = all.iter().map(|zone| zone.name.as_str()).collect();
    let wrong = || {
        ApiError::client(
            "InvalidParameterValue",
            format!(
                "Value ({}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following \
                 availability zones: {}.",
                name.or(id).unwrap_or_default(),
                names.join(", ")
            ),
        )
    };
    let fits = |zone: &&Zone| name.is_none_or(|name| zone.name == name) && id.is_none_or(|id| zone.id == id);
    all.iter().find(fits).cloned().ok_or_else(wrong)
}

pub(super) fn describe_zones(place: &Place, input: &Value) -> Answer {
    let all: Vec<(String, Value)> = zones(&place.region)
        .into_iter()
        .map(|zone| {
            let shown = json!({
                "OptInStatus": "opt-in-not-required", "Messages": [], "RegionName": place.region, "ZoneName": zone.name,
                "ZoneId": zone.id, "GroupName": format!("{}-zg-1", place.region), "NetworkBorderGroup": place.region,
                "ZoneType": "availability-zone", "State": "available",
            });
            (zone.name, shown)
        })
        .collect();
    let (names, ids) = (texts(input, "ZoneNames"), texts(input, "ZoneIds"));
    let known = |member: &str, wanted: &String| all.iter().any(|(_, zone)| zone[member] == **wanted);
    let strange =
        names.iter().filter(|name| !known("ZoneName", name)).chain(ids.iter().filter(|id| !known("ZoneId", id)));
    let strange: Vec<&str> = strange.map(String::as_str).collect();
    if !strange.is_empty() {
        let message = format!("Invalid availability zone: [{}]", strange.join(", "));
        return Err(ApiError::client("InvalidParameterValue", message));
    }
    let among = |list: &[String], value: &Value| list.is_empty() || list.iter().any(|wanted| value == wanted);
    let found = filtered(ZONE_FILTERS, input, all)?.into_iter().map(|(_, zone)| zone);
    let found: Vec<Value> =
        found.filter(|zone| among(&names, &zone["ZoneName"]) && among(&ids, &zone["ZoneId"])).collect();
    Ok(json!({ "AvailabilityZones": found }))
}

/// The prefix list of a service that has gateway endpoints.
pub(super) fn prefix_list(service: &str) -> Option<&'static str> {
    PREFIX_LISTS.iter().find(|(_, name)| *name == service).map(|(id, _)| *id)
}

pub(super) fn is_prefix_list(id: &str) -> bool {
    PREFIX_LISTS.iter().any(|(known, _)| *known == id)
}

pub(super) fn describe_prefix_lists(place: &Place, input: &Value) -> Answer {
    let Place { partition, region, .. } = place;
    let shown = PREFIX_LISTS.iter().map(|(id, service)| {
        let shown = json!({
            "PrefixListId": id, "AddressFamily": "IPv4", "State": "create-complete",
            "PrefixListArn": format!("arn:{partition}:ec2:{region}:aws:prefix-list/{id}"),
            "PrefixListName": format!("com.amazonaws.{region}.{service}"), "Tags": [], "OwnerId": "AWS",
        });
        ((*id).to_owned(), shown)
    });
    describe(&PREFIX_LIST, input, shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_are_short_for_their_region() {
        for (region, id) in [
            ("eu-west-1", "euw1-az1"),
            ("us-east-1", "use1-az1"),
            ("ap-southeast-2", "apse2-az1"),
            ("ap-northeast-1", "apne1-az1"),
            ("eu-central-1", "euc1-az1"),
            ("us-gov-west-1", "usgw1-az1"),
        ] {
            assert_eq!(zones(region)[0], Zone { name: format!("{region}a"), id: id.to_owned() });
        }
    }
}
