//! Alarms: what one is, how a request becomes one, and how it is shown.
//!
//! Refused rather than half done: metric math and `Metrics`, anomaly detection, PromQL, trimmed statistics,
//! suppressors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::evaluate::Condition;
use super::metrics::{Series, Statistic};
use super::rule::Rule;
use crate::call::{ApiError, Place};
use crate::shape::{copy, epoch, integer, items, number, text, texts};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    Alarm,
    InsufficientData,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData].into_iter().find(|state| state.name() == text)
    }

    /// The member that lists the actions of this state.
    pub fn actions_member(self) -> &'static str {
        match self {
            Self::Ok => "OKActions",
            Self::Alarm => "AlarmActions",
            Self::InsufficientData => "InsufficientDataActions",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    GreaterOrEqual,
    Greater,
    Less,
    LessOrEqual,
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "GreaterThanOrEqualToThreshold" => Self::GreaterOrEqual,
            "GreaterThanThreshold" => Self::Greater,
            "LessThanThreshold" => Self::Less,
            "LessThanOrEqualToThreshold" => Self::LessOrEqual,
            _ => return None,
        })
    }

    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterOrEqual => value >= threshold,
            Self::Greater => value > threshold,
            Self::Less => value < threshold,
            Self::LessOrEqual => value <= threshold,
        }
    }

    /// As state reasons say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::GreaterOrEqual => "greater than or equal to",
            Self::Greater => "greater than",
            Self::Less => "less than",
            Self::LessOrEqual => "less than or equal to",
        }
    }
}

/// How missing datapoints are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// `missing`: they are not filled in.
    Untreated,
    Ignore,
    Breaching,
    NotBreaching,
}

impl Missing {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "missing" => Self::Untreated,
            "ignore" => Self::Ignore,
            "breaching" => Self::Breaching,
            "notBreaching" => Self::NotBreaching,
            _ => return None,
        })
    }
}

/// What a metric alarm watches.
#[derive(Clone, Debug)]
pub struct Watch {
    pub series: Series,
    pub statistic: Statistic,
    /// As the request spelt it.
    pub statistic_name: String,
    pub unit: Option<String>,
    /// Seconds.
    pub period: i64,
    pub condition: Condition,
    /// The `id` of the metric in events; AWS makes one up for each alarm.
    pub metric_id: String,
    /// When the alarm is next evaluated; none while nothing could change its state.
    pub due: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Metric(Box<Watch>),
    Composite(Rule),
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Metric(_) => "MetricAlarm",
            Self::Composite(_) => "CompositeAlarm",
        }
    }
}

/// A state with its reason.
#[derive(Clone, Debug)]
pub struct Standing {
    pub state: State,
    pub reason: String,
    pub reason_data: Option<Value>,
    pub since: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Alarm {
    pub name: String,
    pub kind: Kind,
    /// The members of the request that are shown again as they were sent.
    pub settings: Map<String, Value>,
    pub actions_enabled: bool,
    pub standing: Standing,
    pub configured_at: Timestamp,
    pub tags: BTreeMap<String, String>,
}

const SHARED_MEMBERS: [&str; 4] = ["AlarmDescription", "OKActions", "AlarmActions", "InsufficientDataActions"];
const METRIC_MEMBERS: [&str; 14] = [
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "AlarmRule",
];

/// Members that ask for what the local cloud does not have.
const REFUSED_MEMBERS: [&str; 7] = [
    "Metrics",
    "ThresholdMetricId",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionsSuppressor",
    "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
];

pub fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

impl Alarm {
    /// A new alarm, in `INSUFFICIENT_DATA`.
    pub fn new(name: &str, kind: Kind, input: &Value, now: Timestamp) -> Self {
        let mut settings = copy(input, &SHARED_MEMBERS);
        settings.extend(copy(input, &METRIC_MEMBERS));
        let standing = Standing {
            state: State::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            since: now,
        };
        Self {
            name: name.to_owned(),
            kind,
            settings,
            actions_enabled: input.get("ActionsEnabled").and_then(Value::as_bool).unwrap_or(true),
            standing,
            configured_at: now,
            tags: tags(input),
        }
    }

    pub fn arn(&self, place: &Place) -> String {
        arn(place, &self.name)
    }

    /// The ARNs that a state tells.
    pub fn actions(&self, state: State) -> Vec<String> {
        let listed = self.settings.get(state.actions_member()).and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// As `DescribeAlarms` shows it.
    pub fn describe(&self, place: &Place) -> Value {
        let mut shown = Map::new();
        shown.insert("AlarmName".to_owned(), json!(self.name));
        shown.insert("AlarmArn".to_owned(), json!(self.arn(place)));
        shown.extend(self.settings.clone());
        for state in [State::Ok, State::Alarm, State::InsufficientData] {
            shown.insert(state.actions_member().to_owned(), json!(self.actions(state)));
        }
        if matches!(self.kind, Kind::Metric(_)) {
            shown.entry("Dimensions").or_insert_with(|| json!([]));
        }
        shown.insert("ActionsEnabled".to_owned(), json!(self.actions_enabled));
        shown.insert("AlarmConfigurationUpdatedTimestamp".to_owned(), epoch(self.configured_at));
        shown.insert("StateValue".to_owned(), json!(self.standing.state.name()));
        shown.insert("StateReason".to_owned(), json!(self.standing.reason));
        if let Some(data) = &self.standing.reason_data {
            shown.insert("StateReasonData".to_owned(), json!(data.to_string()));
        }
        shown.insert("StateUpdatedTimestamp".to_owned(), epoch(self.standing.since));
        shown.insert("StateTransitionedTimestamp".to_owned(), epoch(self.standing.since));
        Value::Object(shown)
    }
}

pub fn arn(place: &Place, name: &str) -> String {
    format!("arn:{}:cloudwatch:{}:{}:alarm:{name}", place.partition, place.region, place.account)
}

pub fn tags(input: &Value) -> BTreeMap<String, String> {
    items(input, "Tags")
        .filter_map(|tag| {
            let value = tag.get("Value").and_then(Value::as_str).unwrap_or_default();
            Some((text(tag, "Key")?.to_owned(), value.to_owned()))
        })
        .collect()
}

/// `Dimensions` as sorted pairs.
pub fn dimensions(input: &Value) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = items(input, "Dimensions")
        .filter_map(|pair| Some((text(pair, "Name")?.to_owned(), text(pair, "Value")?.to_owned())))
        .collect();
    pairs.sort();
    pairs
}

/// Refuses what the local cloud does not do, naming the member and the way out.
pub fn refuse_unsupported(input: &Value) -> Result<(), ApiError> {
    match REFUSED_MEMBERS.iter().find(|member| input.get(**member).is_some_and(|value| !value.is_null())) {
        Some(member) => Err(invalid(format!(
            "{member} is not supported by the local cloud: it has alarms on one metric (MetricName, Statistic or a \
             percentile) and composite alarms without a suppressor"
        ))),
        None => Ok(()),
    }
}

/// What a `PutMetricAlarm` request watches.
pub fn parse_watch(input: &Value, metric_id: String) -> Result<Watch, ApiError> {
    refuse_unsupported(input)?;
    let needed = |member: &str| text(input, member).ok_or_else(|| invalid(format!("{member} must be given")));
    let series = Series {
        namespace: needed("Namespace")?.to_owned(),
        name: needed("MetricName")?.to_owned(),
        dimensions: dimensions(input),
    };
    let statistic_name = match (text(input, "Statistic"), text(input, "ExtendedStatistic")) {
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        _ => return Err(invalid("Exactly one of Statistic and ExtendedStatistic must be given")),
    };
    let statistic = Statistic::parse(&statistic_name).ok_or_else(|| unknown_statistic(&statistic_name))?;
    let period = integer(input, "Period").ok_or_else(|| invalid("Period must be given"))?;
    if ![10, 20, 30].contains(&period) && (period <= 0 || period % 60 != 0) {
        return Err(invalid(format!("Period must be 10, 20, 30 or a multiple of 60, not {period}")));
    }
    Ok(Watch {
        series,
        statistic,
        statistic_name,
        unit: text(input, "Unit").map(str::to_owned),
        period,
        condition: parse_condition(input, period)?,
        metric_id,
        due: None,
    })
}

pub fn unknown_statistic(name: &str) -> ApiError {
    invalid(format!(
        "the local cloud has no statistic '{name}': SampleCount, Average, Sum, Minimum, Maximum and percentiles \
         (p99) are there"
    ))
}

fn parse_condition(input: &Value, period: i64) -> Result<Condition, ApiError> {
    let periods = integer(input, "EvaluationPeriods").unwrap_or_default();
    let to_alarm = integer(input, "DatapointsToAlarm").unwrap_or(periods);
    if periods < 1 || !(1..=periods).contains(&to_alarm) {
        return Err(invalid(format!(
            "DatapointsToAlarm ({to_alarm}) must be at least 1 and at most EvaluationPeriods ({periods})"
        )));
    }
    // Seven days where the period is an hour or longer, else one (CloudWatch quotas).
    let seconds_max = if period >= 3600 { 7 * 86_400 } else { 86_400 };
    if periods.saturating_mul(period) > seconds_max {
        return Err(invalid(format!(
            "Metrics cannot be checked across more than {} (EvaluationPeriods * Period must be <= {seconds_max})",
            if period >= 3600 { "seven days" } else { "a day" }
        )));
    }
    let operator = text(input, "ComparisonOperator").unwrap_or_default();
    let comparison = Comparison::parse(operator).ok_or_else(|| {
        invalid(format!("ComparisonOperator '{operator}' is not one of the four that compare with a fixed threshold"))
    })?;
    let treatment = text(input, "TreatMissingData").unwrap_or("missing");
    let missing = Missing::parse(treatment).ok_or_else(|| {
        invalid(format!(
            "Option {treatment} is not supported for TreatMissingData: breaching, notBreaching, ignore, missing"
        ))
    })?;
    let threshold = number(input, "Threshold").ok_or_else(|| invalid("Threshold must be given"))?;
    // Alarms on AWS/DynamoDB always ignore missing data (botocore's model, TreatMissingData).
    let missing = if text(input, "Namespace") == Some("AWS/DynamoDB") { Missing::Ignore } else { missing };
    Ok(Condition { comparison, threshold, to_alarm: to_alarm as usize, periods: periods as usize, missing })
}

/// The names of the alarms that a call lists.
pub fn alarm_names(input: &Value) -> Vec<String> {
    texts(input, "AlarmNames")
}
