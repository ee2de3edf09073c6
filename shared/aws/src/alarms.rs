//! CloudWatch alarms, read: which watch a service, and when they fired.
//!
//! An alarm watches a service when its tag `pitcrew:service` names it (by name or ARN), else when its metric, or a child's
//! metric, has the service's dimension `ServiceName` or `ServiceID` in the namespace `AWS/AppRunner`.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarm_history::builders::DescribeAlarmHistoryFluentBuilder;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, Dimension, HistoryItemType, Metric, MetricAlarm, ScanBy};
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::rollback::{Alarm, Transition};
use serde_json::Value;

use crate::apprunner::time;
use crate::error::{AwsError, Kind};

/// How far a listing of alarms goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Pages of 100 alarms.
    pub pages: usize,
    /// Alarms without App Runner's dimensions whose tags are read: each costs a call.
    pub tags: usize,
}

/// What one sweep may cost.
const OF_A_SWEEP: Reach = Reach { pages: 50, tags: 50 };
/// History is read from so long before the moment that is asked for: two clocks differ.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// The alarms that a listing saw.
#[derive(Clone, Debug)]
pub struct Alarms {
    pub listed: Vec<Listed>,
    /// Whether its pages ended before the list did.
    pub cut: bool,
    /// Alarms without App Runner's dimensions whose tags were not read: one of them may watch a service by its tag.
    pub untold: usize,
}

/// One alarm of the account, with what it watches.
#[derive(Clone, Debug)]
pub struct Listed {
    pub name: String,
    arn: String,
    state: String,
    /// When its state was last touched, where AWS says so.
    changed_at: Option<Timestamp>,
    /// Service names and ids that its metrics name.
    watches: BTreeSet<String>,
    /// The metrics of App Runner that it reads; of a composite alarm, those that its children read.
    pub metrics: BTreeSet<String>,
    /// Whether it tells anybody when it fires: its actions are enabled, and it has some.
    pub acts: bool,
    children: BTreeSet<String>,
    tagged: Option<String>,
}

impl Listed {
    /// The names, ids and ARNs of services that it watches: by its tag, or else by what its metrics name.
    pub fn words(&self) -> Vec<String> {
        match &self.tagged {
            Some(tag) => vec![tag.clone()],
            None => self.watches.iter().cloned().collect(),
        }
    }

    /// The alarm as its history would show it, where its history since `since` is surely empty. CloudWatch answers 20
    /// histories a second in an account; a fleet of some hundred quiet alarms must not ask for all of them every sweep.
    fn quiet_since(&self, since: Timestamp) -> Option<Alarm> {
        let quiet = self.changed_at.is_some_and(|changed| changed < since - SLACK);
        quiet.then(|| Alarm { name: self.name.clone(), state: self.state.clone(), transitions: Vec::new() })
    }

    fn watches(&self, arn: &ServiceArn) -> bool {
        match &self.tagged {
            Some(tag) => tag == arn.name() || *tag == arn.to_string(),
            None => self.watches.contains(arn.id()) || self.watches.contains(arn.name()),
        }
    }
}

/// Every alarm of the region that can have to do with App Runner, as far as one sweep goes.
pub async fn observe_alarms(client: &Client) -> Result<Vec<Listed>, AwsError> {
    Ok(observe_alarms_within(client, OF_A_SWEEP).await?.listed)
}

/// The alarms of the region, and what the reach left out of them.
pub async fn observe_alarms_within(client: &Client, reach: Reach) -> Result<Alarms, AwsError> {
    const OPERATION: &str = "cloudwatch:DescribeAlarms";
    let mut listed = Vec::new();
    let mut token = None;
    for _ in 0..reach.pages {
        let call = client.describe_alarms().alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        let page = call.max_records(100).set_next_token(token.take()).send().await;
        let page = page.map_err(|error| AwsError::sort(OPERATION, error))?;
        listed.extend(page.metric_alarms.unwrap_or_default().iter().filter_map(metric_alarm));
        listed.extend(page.composite_alarms.unwrap_or_default().iter().filter_map(composite_alarm));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    inherit(&mut listed);
    let untold = read_tags(client, &mut listed, reach.tags).await?;
    Ok(Alarms { listed, cut: token.is_some(), untold })
}

/// Whether an alarm tells anybody when it fires.
fn acts(enabled: Option<bool>, actions: Option<&Vec<String>>) -> bool {
    enabled.unwrap_or(false) && actions.is_some_and(|actions| !actions.is_empty())
}

fn composite_alarm(alarm: &CompositeAlarm) -> Option<Listed> {
    Some(Listed {
        name: alarm.alarm_name.clone()?,
        arn: alarm.alarm_arn.clone()?,
        state: alarm.state_value.as_ref().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        changed_at: alarm.state_updated_timestamp.as_ref().map(time),
        watches: BTreeSet::new(),
        metrics: BTreeSet::new(),
        acts: acts(alarm.actions_enabled, alarm.alarm_actions.as_ref()),
        children: rule_children(alarm.alarm_rule.as_deref().unwrap_or_default()),
        tagged: None,
    })
}

fn metric_alarm(alarm: &MetricAlarm) -> Option<Listed> {
    let queries = alarm.metrics.iter().flatten().filter_map(|query| query.metric_stat.as_ref()?.metric.as_ref());
    let single = Metric::builder()
        .set_namespace(alarm.namespace.clone())
        .set_metric_name(alarm.metric_name.clone())
        .set_dimensions(alarm.dimensions.clone())
        .build();
    let read: Vec<&Metric> = queries.chain([&single]).filter(|metric| is_app_runner(metric)).collect();
    let watches = read.iter().flat_map(|metric| app_runner_dimensions(metric)).collect();
    Some(Listed {
        name: alarm.alarm_name.clone()?,
        arn: alarm.alarm_arn.clone()?,
        state: alarm.state_value.as_ref().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        changed_at: alarm.state_updated_timestamp.as_ref().map(time),
        watches,
        metrics: read.iter().filter_map(|metric| metric.metric_name.clone()).collect(),
        acts: acts(alarm.actions_enabled, alarm.alarm_actions.as_ref()),
        children: BTreeSet::new(),
        tagged: None,
    })
}

fn is_app_runner(metric: &Metric) -> bool {
    metric.namespace.as_deref() == Some("AWS/AppRunner")
}

fn app_runner_dimensions(metric: &Metric) -> Vec<String> {
    let named = |dimension: &Dimension| match dimension.name.as_deref() {
        Some("ServiceName" | "ServiceID") => dimension.value.clone(),
        _ => None,
    };
    metric.dimensions.iter().flatten().filter_map(named).collect()
}

/// The alarm names in a composite's rule: `ALARM("a") OR OK(b)`, by name or by ARN.
pub fn rule_children(rule: &str) -> BTreeSet<String> {
    let functions = ["ALARM(", "OK(", "INSUFFICIENT_DATA("];
    let mut children = BTreeSet::new();
    for function in functions {
        for (at, _) in rule.match_indices(function) {
            let inside = &rule[at + function.len()..];
            let Some(end) = inside.find(')') else { continue };
            let name = inside[..end].trim().trim_matches(|c| c == '"' || c == '\'');
            children.insert(name.rsplit(":alarm:").next().unwrap_or(name).to_owned());
        }
    }
    children
}

/// A composite watches what its children watch.
fn inherit(listed: &mut [Listed]) {
    let own: Vec<(String, BTreeSet<String>, BTreeSet<String>)> =
        listed.iter().map(|alarm| (alarm.name.clone(), alarm.watches.clone(), alarm.metrics.clone())).collect();
    for alarm in listed.iter_mut().filter(|alarm| !alarm.children.is_empty()) {
        for (name, watches, metrics) in &own {
            if alarm.children.contains(name) {
                alarm.watches.extend(watches.iter().cloned());
                alarm.metrics.extend(metrics.iter().cloned());
            }
        }
    }
}

/// Reads the tags of the alarms that no metric maps to a service; how many are left unread.
async fn read_tags(client: &Client, listed: &mut [Listed], reads_max: usize) -> Result<usize, AwsError> {
    let mut unmapped: Vec<&mut Listed> = listed.iter_mut().filter(|alarm| alarm.watches.is_empty()).collect();
    for alarm in unmapped.iter_mut().take(reads_max) {
        alarm.tagged = match observe_alarm_tag(client, &alarm.arn).await {
            // It was deleted since it was listed, and watches nothing any more.
            Err(error) if error.kind == Kind::Missing => None,
            told => told?,
        };
    }
    Ok(unmapped.len().saturating_sub(reads_max))
}

/// The service that an alarm's tag names.
pub async fn observe_alarm_tag(client: &Client, alarm_arn: &str) -> Result<Option<String>, AwsError> {
    let answer = client.list_tags_for_resource().resource_arn(alarm_arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort("cloudwatch:ListTagsForResource", error))?;
    let tag = answer.tags.unwrap_or_default().into_iter().find(|tag| tag.key.as_deref() == Some("pitcrew:service"));
    Ok(tag.and_then(|tag| tag.value))
}

/// The alarms of one service with their history since `since`. Only one that changed since then costs a call.
pub async fn observe_watching(
    client: &Client,
    listed: &[Listed],
    arn: &ServiceArn,
    since: Timestamp,
) -> Result<Vec<Alarm>, AwsError> {
    let mut alarms = Vec::new();
    for alarm in listed.iter().filter(|alarm| alarm.watches(arn)) {
        alarms.push(match alarm.quiet_since(since) {
            Some(quiet) => quiet,
            None => Alarm { state: alarm.state.clone(), ..observe_history(client, &alarm.name, since).await? },
        });
    }
    Ok(alarms)
}

/// One alarm by its history: its state is that of its newest transition.
pub async fn observe_history(client: &Client, name: &str, since: Timestamp) -> Result<Alarm, AwsError> {
    let answer = history(client, name, since).send().await;
    let answer = answer.map_err(|error| AwsError::sort("cloudwatch:DescribeAlarmHistory", error))?;
    let items = answer.alarm_history_items.unwrap_or_default();
    let mut transitions: Vec<Transition> = items
        .iter()
        .filter_map(|item| transition(item.timestamp.as_ref().map(time)?, item.history_data.as_deref()?))
        .collect();
    transitions.sort_by_key(|transition| std::cmp::Reverse(transition.at));
    let state = transitions.first().map(|newest| newest.to.clone()).unwrap_or_default();
    Ok(Alarm { name: name.to_owned(), state, transitions })
}

/// Both types are named: CloudWatch leaves composite alarms out of a history that names none.
fn history(client: &Client, name: &str, since: Timestamp) -> DescribeAlarmHistoryFluentBuilder {
    let call = client.describe_alarm_history().alarm_name(name).history_item_type(HistoryItemType::StateUpdate);
    let call = call.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let call = call.start_date(DateTime::from_secs((since - SLACK).as_second())).max_records(100);
    call.scan_by(ScanBy::TimestampDescending)
}

fn transition(at: Timestamp, history_data: &str) -> Option<Transition> {
    let data: Value = serde_json::from_str(history_data).ok()?;
    let state = |which: &str| data[which]["stateValue"].as_str().map(str::to_owned);
    let reason = &data["newState"]["stateReasonData"];
    let period = SignedDuration::from_secs(reason["period"].as_i64().unwrap_or(60));
    let evaluated = reason["evaluatedDatapoints"].as_array();
    let newest = evaluated.into_iter().flatten().filter_map(|point| reason_time(point["timestamp"].as_str()?)).max();
    Some(Transition {
        at,
        from: state("oldState")?,
        to: state("newState")?,
        breached_at: newest.map(|start| start + period),
    })
}

/// CloudWatch writes `2026-11-21T08:00:00.000+0000`.
fn reason_time(text: &str) -> Option<Timestamp> {
    text.replace("+0000", "Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_children_of_a_rule_are_found_by_name_and_by_arn() {
        let rule = r#"ALARM("shop 5xx") OR (OK(plain) AND NOT INSUFFICIENT_DATA(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:by-arn))"#;
        assert_eq!(rule_children(rule).into_iter().collect::<Vec<_>>(), ["by-arn", "plain", "shop 5xx"]);
    }

    #[test]
    fn a_transition_is_read_with_the_end_of_its_newest_datapoint() {
        let data = r#"{"version":"1.0","oldState":{"stateValue":"OK"},"newState":{"stateValue":"ALARM","stateReasonData":
            {"period":60,"evaluatedDatapoints":[{"timestamp":"2026-11-21T08:01:00.000+0000","value":9.0},
            {"timestamp":"2026-11-21T08:02:00.000+0000","value":9.0}]}}}"#;
        let read = transition(Timestamp::UNIX_EPOCH, data).unwrap();
        assert_eq!((read.from.as_str(), read.to.as_str()), ("OK", "ALARM"));
        assert_eq!(read.breached_at.unwrap().to_string(), "2026-11-21T08:03:00Z");
        assert_eq!(transition(Timestamp::UNIX_EPOCH, "not json"), None);
    }

    #[test]
    fn a_history_is_asked_for_composite_alarms_too() {
        let config = crate::connect::sdk_config_at("http://127.0.0.1:1", "eu-west-1", "AKIDEXAMPLE", "secret");
        let call = history(&Client::new(&config), "shop", Timestamp::UNIX_EPOCH);
        let types = call.get_alarm_types().clone().unwrap_or_default();
        assert!(types.contains(&AlarmType::CompositeAlarm) && types.contains(&AlarmType::MetricAlarm), "{types:?}");
    }

    #[test]
    fn an_alarm_tells_only_with_enabled_actions_and_a_composite_reads_what_its_children_read() {
        let child = MetricAlarm::builder().alarm_name("errors").alarm_arn("a").actions_enabled(true);
        let child = child.namespace("AWS/AppRunner").metric_name("5xxStatusResponses");
        let child = child.dimensions(Dimension::builder().name("ServiceName").value("shop").build()).build();
        let parent = CompositeAlarm::builder().alarm_name("page").alarm_arn("b").alarm_rule("ALARM(errors)");
        let parent = parent.actions_enabled(true).alarm_actions("arn:aws:sns:eu-west-1:123456789012:page").build();
        let mut listed = [metric_alarm(&child).unwrap(), composite_alarm(&parent).unwrap()];
        inherit(&mut listed);
        for alarm in &listed {
            assert_eq!(alarm.words(), ["shop"]);
            assert_eq!(alarm.metrics.iter().collect::<Vec<_>>(), ["5xxStatusResponses"]);
        }
        assert_eq!(listed.map(|alarm| alarm.acts), [false, true], "no action: it tells nobody");
        let other = MetricAlarm::builder().alarm_name("cpu").alarm_arn("c").namespace("AWS/EC2").metric_name("CPU");
        let other = other.actions_enabled(false).alarm_actions("arn:aws:sns:eu-west-1:123456789012:page").build();
        let other = metric_alarm(&other).unwrap();
        assert!(other.metrics.is_empty() && !other.acts);
    }

    #[test]
    fn an_alarm_that_did_not_change_since_then_costs_no_call() {
        let at = |minute: i64| Timestamp::from_second(1_790_000_000 + minute * 60).unwrap();
        let listed = |changed_at| Listed {
            name: "shop".to_owned(),
            arn: String::new(),
            state: "ALARM".to_owned(),
            changed_at,
            watches: BTreeSet::new(),
            metrics: BTreeSet::new(),
            acts: true,
            children: BTreeSet::new(),
            tagged: None,
        };
        let quiet = listed(Some(at(0))).quiet_since(at(2)).unwrap();
        assert_eq!((quiet.state.as_str(), quiet.transitions.len()), ("ALARM", 0));
        assert_eq!(listed(Some(at(1))).quiet_since(at(2)), None, "within the slack its history is read");
        assert_eq!(listed(Some(at(3))).quiet_since(at(2)), None);
        assert_eq!(listed(None).quiet_since(at(2)), None, "where AWS does not say, its history is read");
    }
}
