//! Hosted zones: the listing, their name servers and VPCs, and which of them the stack lets us write to.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::HostedZone;
use pitcrew_core::dns::facts::{Zone, ZoneRef};
use pitcrew_core::dns::name::Name;

use crate::error::AwsError;

/// The most that Route 53 gives in one page.
const PAGE_ZONES: i32 = 100;
/// An account has 500 zones by default, and may ask for more.
const ZONE_PAGES_MAX: usize = 100;

/// The hosted zones that may be written to: ARNs (`arn:aws:route53:::hostedzone/Z1`) or ids, each with `*` as a wildcard.
/// The same list as the role's policy, so that a refusal comes with words and before a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

/// What is no zone in a list of zones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither the ARN of a hosted zone (arn:aws:route53:::hostedzone/ID) nor an id; `*` stands for any characters"
)]
pub struct ScopeError(String);

impl Scope {
    /// Every zone: for whoever only reads.
    pub fn every() -> Self {
        Self(vec!["*".to_owned()])
    }

    /// Reads a list with commas. Nothing in it: no zone may be written to.
    ///
    /// # Errors
    /// See [`ScopeError`].
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items
            .map(|item| id_pattern(item).ok_or_else(|| ScopeError(item.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn admits(&self, id: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern.as_bytes(), id.as_bytes()))
    }
}

/// The pattern of the id that an item of the list gives.
fn id_pattern(item: &str) -> Option<String> {
    let id = match item.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "route53", "", "", resource] => resource.strip_prefix("hostedzone/")?,
        [id] => id.strip_prefix("/hostedzone/").unwrap_or(id),
        _ => return None,
    };
    let fits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*');
    fits.then(|| id.to_owned())
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| matches(rest, text.get(skip..).unwrap_or_default())),
        ([one, pattern @ ..], [other, text @ ..]) => one == other && matches(pattern, text),
        _ => false,
    }
}

/// Every hosted zone of one account.
pub async fn list(client: &Client, role: Option<&str>, scope: &Scope) -> Result<Vec<Zone>, AwsError> {
    const OPERATION: &str = "route53:ListHostedZones";
    let mut zones = Vec::new();
    let mut marker = None;
    for _ in 0..ZONE_PAGES_MAX {
        let answer = client.list_hosted_zones().max_items(PAGE_ZONES).set_marker(marker.take()).send().await;
        let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
        zones.extend(answer.hosted_zones.iter().filter_map(|zone| read(zone, role, scope)));
        marker = answer.next_marker.filter(|_| answer.is_truncated);
        if marker.is_none() {
            return Ok(zones);
        }
    }
    // A zone that is not seen may be the deepest one: half a list is none.
    Err(AwsError::broken(OPERATION, format!("the account has more than {ZONE_PAGES_MAX} pages of hosted zones")))
}

/// A zone of a listing; `None` where its name is none that a domain of ours can stand in.
fn read(zone: &HostedZone, role: Option<&str>, scope: &Scope) -> Option<Zone> {
    let id = zone.id.strip_prefix("/hostedzone/").unwrap_or(&zone.id).to_owned();
    let name = Name::parse(&zone.name).inspect_err(|error| tracing::debug!(id, %error, "a hosted zone is passed over"));
    // A zone that another AWS service made (Cloud Map, for instance) takes changes from that service alone.
    let writable = zone.linked_service.is_none() && scope.admits(&id);
    Some(Zone {
        at: ZoneRef { id, name: name.ok()?, role: role.map(str::to_owned) },
        private: zone.config.as_ref().is_some_and(|config| config.private_zone),
        writable,
    })
}

/// The servers of a public zone's delegation set.
pub async fn servers(client: &Client, id: &str) -> Result<Vec<Name>, AwsError> {
    const OPERATION: &str = "route53:GetHostedZone";
    let answer = client.get_hosted_zone().id(id).send().await.map_err(|error| AwsError::sort(OPERATION, error))?;
    let set = answer.delegation_set.ok_or_else(|| AwsError::broken(OPERATION, "the zone has no delegation set"))?;
    let servers = set.name_servers.iter().map(|server| Name::parse(server));
    servers.collect::<Result<_, _>>().map_err(|error| AwsError::broken(OPERATION, error.to_string()))
}

/// The VPCs of a private zone.
pub async fn vpcs(client: &Client, id: &str) -> Result<Vec<String>, AwsError> {
    let answer = client.get_hosted_zone().id(id).send().await;
    let answer = answer.map_err(|error| AwsError::sort("route53:GetHostedZone", error))?;
    Ok(answer.vpcs.unwrap_or_default().into_iter().filter_map(|vpc| vpc.vpc_id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_zones_of_the_list_may_be_written_to() {
        let scope = Scope::parse("arn:aws:route53:::hostedzone/Z1, Z2*,").unwrap();
        for (id, admitted) in [("Z1", true), ("Z12", false), ("Z2", true), ("Z2ABC", true), ("XZ2", false)] {
            assert_eq!(scope.admits(id), admitted, "{id}");
        }
        assert!(Scope::parse("arn:aws:route53:::hostedzone/*").unwrap().admits("Z9"));
        assert!(!Scope::parse(" ").unwrap().admits("Z9"), "an empty list admits nothing");
    }

    #[test]
    fn what_is_no_zone_is_named() {
        for wrong in
            ["arn:aws:s3:::bucket", "arn:aws:route53:::healthcheck/1", "Z1 Z2", "arn:aws:route53:::hostedzone/"]
        {
            let error = Scope::parse(&format!("Z1,{wrong}")).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }

    fn zone(id: &str, name: &str) -> aws_sdk_route53::types::builders::HostedZoneBuilder {
        HostedZone::builder().id(id).name(name).caller_reference("r")
    }

    #[test]
    fn a_zone_is_read_without_its_prefix_and_one_of_another_service_is_not_ours_to_write() {
        let scope = Scope::parse("*").unwrap();
        let seen = read(&zone("/hostedzone/Z1", "Example.COM.").build().unwrap(), Some("role"), &scope).unwrap();
        let at = ZoneRef { id: "Z1".into(), name: Name::parse("example.com").unwrap(), role: Some("role".into()) };
        assert_eq!(seen, Zone { at, private: false, writable: true });
        let linked =
            aws_sdk_route53::types::LinkedService::builder().service_principal("servicediscovery.amazonaws.com");
        let linked = zone("/hostedzone/Z2", "example.com.").linked_service(linked.build()).build().unwrap();
        assert!(!read(&linked, None, &scope).unwrap().writable);
        assert_eq!(read(&zone("/hostedzone/Z3", ".").build().unwrap(), None, &scope), None);
    }
}
