//! What a query asks of findings: text filters on some members, and an order.

use serde_json::Value;

use crate::call::ApiError;
use crate::shape::{items, text};

use super::refusal;

/// The filters that are served, by name, and where in a finding they look. A `*` stands for each item of a list.
const SERVED: [(&str, &str); 15] = [
    ("Id", "Id"),
    ("ProductArn", "ProductArn"),
    ("GeneratorId", "GeneratorId"),
    ("AwsAccountId", "AwsAccountId"),
    ("Region", "Region"),
    ("Title", "Title"),
    ("Type", "Types.*"),
    ("RecordState", "RecordState"),
    ("WorkflowStatus", "Workflow.Status"),
    ("SeverityLabel", "Severity.Label"),
    ("ComplianceStatus", "Compliance.Status"),
    ("ResourceId", "Resources.*.Id"),
    ("ResourceType", "Resources.*.Type"),
    ("ProductName", "ProductName"),
    ("CompanyName", "CompanyName"),
];

/// The members that findings may be sorted by beside those.
const TIMES: [&str; 4] = ["CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt"];

/// One filter: the texts it looks at, and what they are compared with.
#[derive(Debug)]
pub struct Filter {
    path: &'static str,
    wanted: Vec<(Comparison, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equals,
    Prefix,
    Contains,
    NotEquals,
    PrefixNotEquals,
    NotContains,
}

impl Comparison {
    fn is_negative(self) -> bool {
        matches!(self, Self::NotEquals | Self::PrefixNotEquals | Self::NotContains)
    }

    fn holds(self, found: &str, wanted: &str) -> bool {
        match self {
            Self::Equals => found == wanted,
            Self::Prefix => found.starts_with(wanted),
            Self::Contains => found.contains(wanted),
            Self::NotEquals => found != wanted,
            Self::PrefixNotEquals => !found.starts_with(wanted),
            Self::NotContains => !found.contains(wanted),
        }
    }
}

fn comparison(word: &str) -> Option<Comparison> {
    match word {
        "EQUALS" => Some(Comparison::Equals),
        "PREFIX" => Some(Comparison::Prefix),
        "CONTAINS" => Some(Comparison::Contains),
        "NOT_EQUALS" => Some(Comparison::NotEquals),
        "PREFIX_NOT_EQUALS" => Some(Comparison::PrefixNotEquals),
        "NOT_CONTAINS" => Some(Comparison::NotContains),
        _ => None,
    }
}

/// The texts at a path of a finding.
fn texts<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    let mut at = vec![value];
    for step in path.split('.') {
        at = match step {
            "*" => at.into_iter().filter_map(Value::as_array).flatten().collect(),
            member => at.into_iter().filter_map(|value| value.get(member)).collect(),
        };
    }
    at.into_iter().filter_map(Value::as_str).collect()
}

impl Filter {
    /// Positive comparisons of one filter are joined by or, negative ones by and (API reference, `StringFilter`).
    pub fn admits(&self, finding: &Value) -> bool {
        let found = texts(finding, self.path);
        let (negative, positive): (Vec<_>, Vec<_>) = self.wanted.iter().partition(|(how, _)| how.is_negative());
        let none = negative.iter().all(|(how, wanted)| found.iter().all(|text| how.holds(text, wanted)));
        let any = positive.iter().any(|(how, wanted)| found.iter().any(|text| how.holds(text, wanted)));
        none && (positive.is_empty() || any)
    }
}

/// The filters of a query, all of which a finding must pass.
pub fn parse(filters: &Value) -> Result<Vec<Filter>, ApiError> {
    let mut parsed = Vec::new();
    for (name, _) in filters.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let Some((_, path)) = SERVED.iter().find(|(served, _)| served == name) else {
            let served: Vec<&str> = SERVED.iter().map(|(name, _)| *name).collect();
            let message = format!("the local cloud's Security Hub has no filter {name}; it has {}", served.join(", "));
            return Err(refusal("InvalidInputException", message));
        };
        let mut wanted = Vec::new();
        for one in items(filters, name) {
            let word = text(one, "Comparison").unwrap_or_default();
            let Some(how) = comparison(word) else {
                let message = format!("the local cloud's Security Hub has no comparison {word} for {name}");
                return Err(refusal("InvalidInputException", message));
            };
            wanted.push((how, text(one, "Value").unwrap_or_default().to_owned()));
        }
        if !wanted.is_empty() {
            parsed.push(Filter { path, wanted });
        }
    }
    Ok(parsed)
}

/// How the findings of an answer follow each other.
#[derive(Debug, Default)]
pub struct Order {
    path: Option<&'static str>,
    pub descending: bool,
}

impl Order {
    pub fn key(&self, finding: &Value) -> String {
        self.path.and_then(|path| texts(finding, path).first().copied()).unwrap_or_default().to_owned()
    }
}

/// The order that a query asks for: one criterion at most. Without one findings come by id, which AWS does not promise.
pub fn order(input: &Value) -> Result<Order, ApiError> {
    let criteria: Vec<&Value> = items(input, "SortCriteria").collect();
    let Some(first) = criteria.first() else { return Ok(Order::default()) };
    let field = text(first, "Field").unwrap_or_default();
    let path = SERVED.iter().find(|(name, _)| *name == field).map(|(_, path)| *path);
    let path = path.or_else(|| TIMES.iter().find(|time| **time == field).copied());
    if path.is_none() || criteria.len() > 1 {
        let message =
            format!("the local cloud's Security Hub sorts by one member, and not by `{field}` with others or alone");
        return Err(refusal("InvalidInputException", message));
    }
    Ok(Order { path, descending: text(first, "SortOrder") == Some("desc") })
}
