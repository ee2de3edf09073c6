//! Log groups, alarms and the records of this account's zones, each read once for the whole fleet.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client as CloudWatch;
use aws_sdk_cloudwatchlogs::Client as Logs;
use pitcrew_aws::alarms::{Listed, Reach, observe_alarms_within};
use pitcrew_aws::dns::DnsReads;
use pitcrew_aws::error::AwsError;
use pitcrew_aws::route53::Route53;
use pitcrew_core::audit::facts::{AlarmFacts, LogGroup, Pointer};
use pitcrew_core::dns::name::Name;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;

/// Where App Runner's own names stand.
const APP_RUNNER: &str = "awsapprunner.com";
/// Where App Runner's log groups stand.
const LOG_PREFIX: &str = "/aws/apprunner/";
/// Pages of 50 log groups, two groups a service: a fleet of 25,000.
const LOG_PAGES_MAX: usize = 1000;
/// Pages of 300 record sets, of all zones together: at four a second, four minutes.
const RECORD_PAGES_MAX: usize = 1000;
/// Alarms of an audit: it may take its time.
const ALARMS: Reach = Reach { pages: 200, tags: 1000 };

/// The log groups of a region, by service: `NAME/ID`.
pub(crate) type LogGroups = BTreeMap<String, Vec<LogGroup>>;

pub(crate) async fn log_groups(client: &Logs) -> Result<LogGroups, AwsError> {
    const OPERATION: &str = "logs:DescribeLogGroups";
    let mut groups = LogGroups::new();
    let mut token = None;
    for _ in 0..LOG_PAGES_MAX {
        let call = client.describe_log_groups().log_group_name_prefix(LOG_PREFIX).limit(50);
        let page = call.set_next_token(token.take()).send().await;
        let page = page.map_err(|error| AwsError::sort(OPERATION, error))?;
        for seen in page.log_groups.unwrap_or_default() {
            let Some(name) = seen.log_group_name else { continue };
            let Some(service) = service_of(&name) else { continue };
            groups.entry(service).or_default().push(LogGroup {
                retention_days: seen.retention_in_days.and_then(|days| days.try_into().ok()),
                stored_bytes: seen.stored_bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or(0),
                name,
            });
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(groups);
        }
    }
    Err(AwsError::broken(OPERATION, format!("there are more than {LOG_PAGES_MAX} pages of log groups")))
}

/// `/aws/apprunner/NAME/ID/KIND` as `NAME/ID`.
fn service_of(group: &str) -> Option<String> {
    let (service, _) = group.strip_prefix(LOG_PREFIX)?.rsplit_once('/')?;
    (service.split('/').count() == 2).then(|| service.to_owned())
}

pub(crate) fn log_groups_of(groups: &Fact<LogGroups>, arn: &ServiceArn) -> Fact<Vec<LogGroup>> {
    match groups {
        Fact::Known(groups) => {
            Fact::Known(groups.get(&format!("{}/{}", arn.name(), arn.id())).cloned().unwrap_or_default())
        }
        Fact::Unavailable(_) | Fact::Unread => crate::fact::likewise(groups),
    }
}

/// The alarms, and why there may be more that watch a service. A list that is cut is no list: an alarm that is not in it may tell
/// what a silent one does not.
pub(crate) async fn alarms(client: &CloudWatch) -> Result<(Vec<AlarmFacts>, Option<String>), AwsError> {
    let seen = observe_alarms_within(client, ALARMS).await?;
    if seen.cut {
        let why = format!("there are more alarms than one audit reads: {} hundreds", ALARMS.pages);
        return Err(AwsError::broken("cloudwatch:DescribeAlarms", why));
    }
    Ok((seen.listed.iter().filter_map(alarm).collect(), left(seen.untold)))
}

/// What is said where the tags of so many alarms were not read.
fn left(untold: usize) -> Option<String> {
    (untold > 0).then(|| {
        let read = ALARMS.tags;
        format!(
            "of the alarms without App Runner's metrics, the tags of {read} were read, and those of {untold} were not"
        )
    })
}

/// An alarm that watches a service, or that reads metrics of App Runner.
fn alarm(listed: &Listed) -> Option<AlarmFacts> {
    let facts = AlarmFacts {
        name: listed.name.clone(),
        watches: listed.words(),
        metrics: listed.metrics.iter().cloned().collect(),
        acts: listed.acts,
    };
    (!facts.watches.is_empty() || !facts.metrics.is_empty()).then_some(facts)
}

/// The records of our own account's zones, public and private, that lead to App Runner.
pub(crate) async fn pointers(route53: &Route53, dns: &DnsReads<'_>) -> Result<Fact<Vec<Pointer>>, AwsError> {
    let zones = match dns.zones().await? {
        Fact::Known(zones) => zones,
        missing => return Ok(crate::fact::likewise(&missing)),
    };
    let suffix = Name::parse(APP_RUNNER).map_err(|error| AwsError::broken("route53:name", error.to_string()))?;
    let mut pages = RECORD_PAGES_MAX;
    let mut pointers = Vec::new();
    for zone in zones.all.iter().filter(|zone| zone.at.role.is_none()) {
        for set in route53.observe_leading(&zone.at, &suffix, &mut pages).await? {
            let Some(target) = set.target() else { continue };
            let kind = set.kind.as_str().to_owned();
            pointers.push(Pointer { zone: zone.at.id.clone(), private: zone.private, name: set.name, kind, target });
        }
    }
    Ok(Fact::Known(pointers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_group_belongs_to_the_service_in_its_name() {
        assert_eq!(service_of("/aws/apprunner/shop/0a1b/application").as_deref(), Some("shop/0a1b"));
        assert_eq!(service_of("/aws/apprunner/shop/application"), None);
        assert_eq!(service_of("/aws/lambda/shop/0a1b/application"), None);
        let arn = ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/shop/0a1b").unwrap();
        let group = LogGroup { name: arn.log_group("service"), retention_days: None, stored_bytes: 9 };
        let groups = Fact::Known(LogGroups::from([("shop/0a1b".to_owned(), vec![group.clone()])]));
        assert_eq!(log_groups_of(&groups, &arn), Fact::Known(vec![group]));
        let denied = Fact::Unavailable("logs:DescribeLogGroups is denied".to_owned());
        assert_eq!(log_groups_of(&denied, &arn), Fact::Unavailable("logs:DescribeLogGroups is denied".to_owned()));
    }
}
