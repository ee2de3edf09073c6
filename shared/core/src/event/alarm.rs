//! The CloudWatch alarm event: which alarm, and what it says of the services that it watches.
//!
//! A plain alarm carries its metrics with their dimensions; a composite one carries `alarmRule`, an expression over its
//! children. A mapping to a service by the alarm's tag is the caller's: tags are read, not delivered.

use serde_json::{Map, Value};

use super::{Home, Reason, check_home, detail, first_resource, member, text, word};

/// How many names are taken from one rule: CloudWatch allows a composite alarm 100 direct children.
const CHILDREN_MAX: usize = 100;
/// How many metrics of one alarm are read. CloudWatch allows ten in an alarm's metric math.
const METRICS_MAX: usize = 20;
const NAMESPACE: &str = "AWS/AppRunner";

/// A change of an alarm's state, as the event tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmChange {
    pub name: String,
    pub arn: String,
    pub state: Option<String>,
    pub previous: Option<String>,
    /// The App Runner services that its metrics name; empty for a composite alarm and for metrics of other namespaces.
    pub services: Vec<ServiceDimension>,
    /// The names in a composite alarm's rule, in its order, each once.
    pub children: Vec<String>,
}

/// The dimensions of one App Runner metric. At least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDimension {
    pub name: Option<String>,
    pub id: Option<String>,
}

pub(super) fn parse(event: &Map<String, Value>, home: &Home) -> Result<AlarmChange, Reason> {
    let arn = first_resource(event)?;
    let name = name_in(arn, home)?;
    let detail = detail(event)?;
    let value = |names: &[&str]| member(detail, names)?.as_object().and_then(|state| text(state, &["value"])).map(word);
    let configuration = member(detail, &["configuration"]).and_then(Value::as_object);
    let rule = configuration.and_then(|configuration| text(configuration, &["alarmrule"]));
    Ok(AlarmChange {
        name: name.to_owned(),
        arn: arn.to_owned(),
        state: value(&["state"]),
        previous: value(&["previousstate"]),
        services: configuration.map(services).unwrap_or_default(),
        children: rule.map(|rule| children(rule, home)).unwrap_or_default(),
    })
}

/// The alarm's name in its ARN, `arn:<partition>:cloudwatch:<region>:<account>:alarm:<name>`. A name may hold colons.
fn name_in<'a>(arn: &'a str, home: &Home) -> Result<&'a str, Reason> {
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    match parts[..] {
        ["arn", partition, "cloudwatch", region, account, "alarm", name]
            // CloudWatch allows 255 characters; a control character in a name would break the lines that show it.
            if !name.is_empty() && name.chars().count() <= 255 && !name.chars().any(super::invisible) =>
        {
            check_home(home, partition, account, region)?;
            Ok(name)
        }
        ["arn", _, service, _, _, ..] if service != "cloudwatch" => Err(Reason::OtherService),
        _ => Err(Reason::NotAnArn),
    }
}

fn services(configuration: &Map<String, Value>) -> Vec<ServiceDimension> {
    let metrics = member(configuration, &["metrics"]).and_then(Value::as_array);
    let mut found: Vec<ServiceDimension> = Vec::new();
    for metric in metrics.into_iter().flatten().take(METRICS_MAX) {
        if let Some(service) = service_of(metric)
            && !found.contains(&service)
        {
            found.push(service);
        }
    }
    found
}

fn service_of(metric: &Value) -> Option<ServiceDimension> {
    let stat = member(metric.as_object()?, &["metricstat"])?.as_object()?;
    let metric = member(stat, &["metric"])?.as_object()?;
    if text(metric, &["namespace"]) != Some(NAMESPACE) {
        return None;
    }
    let dimensions = member(metric, &["dimensions"])?.as_object()?;
    let value = |key| text(dimensions, &[key]).filter(|text| !text.is_empty()).map(word);
    let service = ServiceDimension { name: value("servicename"), id: value("serviceid") };
    (service.name.is_some() || service.id.is_some()).then_some(service)
}

/// The names in a rule: the argument of each `ALARM(..)`, `OK(..)` and `INSUFFICIENT_DATA(..)`, quoted or not, a name or an
/// ARN of this account and region.
fn children(rule: &str, home: &Home) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = rule;
    while let Some(open) = rest.find('(') {
        let (before, after) = (&rest[..open], &rest[open + 1..]);
        rest = after;
        let function = before.trim_end().rsplit(|c: char| !(c.is_ascii_alphabetic() || c == '_')).next();
        if !matches!(function, Some("ALARM" | "OK" | "INSUFFICIENT_DATA")) {
            continue;
        }
        let Some((argument, left)) = argument(after) else { break };
        rest = left;
        let name = if argument.starts_with("arn:") { name_in(&argument, home).ok() } else { Some(argument.as_str()) };
        if let Some(name) = name.filter(|name| !name.is_empty() && !names.iter().any(|known| known == name)) {
            names.push(name.to_owned());
        }
        if names.len() == CHILDREN_MAX {
            break;
        }
    }
    names
}

/// What stands before the closing parenthesis, and what follows. In quotes a parenthesis is a letter and `\` escapes.
fn argument(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let (name, rest) = text.split_once(')')?;
        return Some((name.trim_end().to_owned(), rest));
    };
    let mut name = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
            '"' => return Some((name, &quoted[at + 1..])),
            other => name.push(other),
        }
    }
    None
}
