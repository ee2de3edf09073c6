//! Checks a value against a shape, as AWS's front end does before an operation sees the call.
//!
//! Values are in the normal form of this crate: JSON with the model's member names, timestamps as seconds since the epoch,
//! blobs as base64 text. A member that is null counts as absent, as in AWS's JSON protocols.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Kind, Model, Reference, Shape, pattern};

/// All that is wrong with a value, in the order of the model's member names.
#[derive(Clone, Debug, PartialEq)]
pub struct Violations(pub Vec<Violation>);

/// One member that breaks one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Where, as AWS writes it: `tags.1.member.key`.
    pub path: String,
    pub rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    Unknown { known: Vec<String> },
    Required,
    Type { expected: &'static str, found: &'static str },
    MinLength(f64),
    MaxLength(f64),
    Min(f64),
    Max(f64),
    Pattern(String),
    Enum(Vec<String>),
    OneOf { found: usize },
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { known } => write!(f, "Member must be one that the model has: [{}]", known.join(", ")),
            Self::Required => write!(f, "Member must not be null"),
            Self::Type { expected, found } => write!(f, "Member must be a {expected}, not a {found}"),
            Self::MinLength(n) => write!(f, "Member must have length greater than or equal to {n}"),
            Self::MaxLength(n) => write!(f, "Member must have length less than or equal to {n}"),
            Self::Min(n) => write!(f, "Member must have value greater than or equal to {n}"),
            Self::Max(n) => write!(f, "Member must have value less than or equal to {n}"),
            Self::Pattern(p) => write!(f, "Member must satisfy regular expression pattern: {p}"),
            Self::Enum(values) => write!(f, "Member must satisfy enum value set: [{}]", values.join(", ")),
            Self::OneOf { found } => write!(f, "Member must have exactly one member set, not {found}"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value at '{}' failed to satisfy constraint: {}", self.path, self.rule)
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, s) = (self.0.len(), if self.0.len() == 1 { "" } else { "s" });
        let each: Vec<String> = self.0.iter().map(Violation::to_string).collect();
        write!(f, "{n} validation error{s} detected: {}", each.join("; "))
    }
}

impl std::error::Error for Violations {}

impl Violations {
    /// The value cannot be of the shape at all, which AWS calls a serialization error.
    pub fn are_of_type(&self) -> bool {
        self.0.iter().any(|violation| matches!(violation.rule, Rule::Type { .. }))
    }
}

impl Model {
    /// Whether the model allows this input.
    pub fn validate(&self, operation: &str, input: &Value) -> Result<(), Violations> {
        self.check(self.operations.get(operation).and_then(|op| op.input.as_deref()), input)
    }

    /// Whether the model allows this output.
    pub fn check_output(&self, operation: &str, output: &Value) -> Result<(), Violations> {
        self.check(self.operations.get(operation).and_then(|op| op.output.as_deref()), output)
    }

    fn check(&self, shape: Option<&str>, value: &Value) -> Result<(), Violations> {
        let mut walk = Walk { model: self, found: Vec::new() };
        match shape {
            Some(name) => walk.shape(name, value, ""),
            None => walk.no_members(value),
        }
        if walk.found.is_empty() { Ok(()) } else { Err(Violations(walk.found)) }
    }
}

struct Walk<'a> {
    model: &'a Model,
    found: Vec<Violation>,
}

impl Walk<'_> {
    fn add(&mut self, path: &str, rule: Rule) {
        self.found.push(Violation { path: path.to_owned(), rule });
    }

    fn no_members(&mut self, value: &Value) {
        for member in value.as_object().into_iter().flat_map(|object| object.keys()) {
            self.add(&lower_first(member), Rule::Unknown { known: Vec::new() });
        }
    }

    fn shape(&mut self, name: &str, value: &Value, path: &str) {
        let Some(shape) = self.model.shape(name) else { return };
        if shape.document {
            return;
        }
        match (shape.kind, value) {
            (Kind::Structure, Value::Object(_)) => self.structure(shape, value, path),
            (Kind::List, Value::Array(items)) => self.list(shape, items, path),
            (Kind::Map, Value::Object(entries)) => self.map(shape, entries, path),
            (Kind::String | Kind::Character, Value::String(text)) => self.text(shape, text, path),
            (Kind::Blob, Value::String(text)) => self.blob(shape, text, path),
            (Kind::Integer | Kind::Long, Value::Number(n)) if n.as_f64().is_some_and(|n| n.fract() == 0.0) => {
                self.range(shape, n.as_f64(), path);
            }
            (Kind::Float | Kind::Double, Value::Number(n)) => self.range(shape, n.as_f64(), path),
            (Kind::Boolean, Value::Bool(_)) | (Kind::Timestamp, Value::Number(_)) => {}
            (Kind::Timestamp, Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {}
            _ => self.add(path, Rule::Type { expected: kind_name(shape.kind), found: value_name(value) }),
        }
    }

    fn structure(&mut self, shape: &Shape, value: &Value, path: &str) {
        let Some(object) = value.as_object() else { return };
        for member in &shape.required {
            if object.get(member).is_none_or(Value::is_null) {
                self.add(&join(path, &lower_first(member)), Rule::Required);
            }
        }
        for (member, inner) in object.iter().filter(|(_, inner)| !inner.is_null()) {
            let at = join(path, &lower_first(member));
            match shape.members.get(member) {
                Some(reference) => self.shape(&reference.shape, inner, &at),
                None => self.add(&at, Rule::Unknown { known: shape.members.keys().cloned().collect() }),
            }
        }
        let set = object.values().filter(|inner| !inner.is_null()).count();
        if shape.union && set != 1 {
            self.add(path, Rule::OneOf { found: set });
        }
    }

    fn list(&mut self, shape: &Shape, items: &[Value], path: &str) {
        self.length(shape, items.len(), path);
        let Some(member) = &shape.member else { return };
        for (index, item) in items.iter().enumerate() {
            self.inner(member, item, &format!("{path}.{}.member", index + 1));
        }
    }

    fn map(&mut self, shape: &Shape, entries: &serde_json::Map<String, Value>, path: &str) {
        self.length(shape, entries.len(), path);
        for (key, inner) in entries {
            if let Some(reference) = &shape.key {
                self.inner(reference, &Value::from(key.as_str()), &join(path, "key"));
            }
            if let Some(reference) = &shape.value {
                self.inner(reference, inner, &format!("{path}.{key}.member"));
            }
        }
    }

    fn inner(&mut self, reference: &Reference, value: &Value, path: &str) {
        self.shape(&reference.shape, value, path);
    }

    fn text(&mut self, shape: &Shape, text: &str, path: &str) {
        self.length(shape, text.chars().count(), path);
        if !shape.values.is_empty() && !shape.values.iter().any(|allowed| allowed == text) {
            self.add(path, Rule::Enum(shape.values.clone()));
        }
        if let Some(pattern) = shape.pattern.as_deref().filter(|pattern| !pattern::matches(pattern, text)) {
            self.add(path, Rule::Pattern(pattern.to_owned()));
        }
    }

    fn blob(&mut self, shape: &Shape, text: &str, path: &str) {
        match STANDARD.decode(text) {
            Ok(bytes) => self.length(shape, bytes.len(), path),
            Err(_) => self.add(path, Rule::Type { expected: "base64 text", found: "string" }),
        }
    }

    fn length(&mut self, shape: &Shape, length: usize, path: &str) {
        let length = length as f64;
        if let Some(min) = shape.min.filter(|min| length < *min) {
            self.add(path, Rule::MinLength(min));
        }
        if let Some(max) = shape.max.filter(|max| length > *max) {
            self.add(path, Rule::MaxLength(max));
        }
    }

    fn range(&mut self, shape: &Shape, number: Option<f64>, path: &str) {
        let number = number.unwrap_or_default();
        if let Some(min) = shape.min.filter(|min| number < *min) {
            self.add(path, Rule::Min(min));
        }
        if let Some(max) = shape.max.filter(|max| number > *max) {
            self.add(path, Rule::Max(max));
        }
    }
}

fn join(path: &str, member: &str) -> String {
    if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") }
}

fn lower_first(member: &str) -> String {
    let mut chars = member.chars();
    chars.next().map(|first| format!("{}{}", first.to_ascii_lowercase(), chars.as_str())).unwrap_or_default()
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Structure => "structure",
        Kind::List => "list",
        Kind::Map => "map",
        Kind::String | Kind::Character => "string",
        Kind::Integer | Kind::Long => "whole number",
        Kind::Float | Kind::Double => "number",
        Kind::Boolean => "boolean",
        Kind::Timestamp => "timestamp",
        Kind::Blob => "base64 text",
    }
}

fn value_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "structure",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    fn refused(service: &str, operation: &str, input: Value) -> String {
        model_with(service, operation).unwrap().validate(operation, &input).unwrap_err().to_string()
    }

    #[test]
    fn a_missing_member_reads_as_aws_writes_it() {
        assert_eq!(
            refused("apprunner", "DescribeService", json!({})),
            "1 validation error detected: Value at 'serviceArn' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn a_null_member_counts_as_absent() {
        let text = refused("apprunner", "DescribeService", json!({"ServiceArn": null}));
        assert!(text.contains("Member must not be null"), "{text}");
    }

    #[test]
    fn every_violation_is_told_in_one_message() {
        let tags = json!([{"Key": "", "Value": 5}]);
        let text = refused("apprunner", "TagResource", json!({"ResourceArn": "x", "Tags": tags, "Colour": "red"}));
        assert!(
            text.starts_with("4 validation errors detected: ") || text.starts_with("5 validation errors"),
            "{text}"
        );
        for part in ["'tags.1.member.key'", "'tags.1.member.value'", "'colour'", "'resourceArn'", "[ResourceArn, Tags]"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn ranges_lengths_and_enums_are_checked() {
        let text = refused("apprunner", "ListOperations", json!({"ServiceArn": "x", "MaxResults": 0}));
        assert!(
            text.contains(
                "'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"
            )
        );
        let text = refused("sns", "TagResource", json!({"ResourceArn": "", "Tags": []}));
        assert!(text.contains(
            "'resourceArn' failed to satisfy constraint: Member must have length greater than or equal to 1"
        ));
        let text = refused("dynamodb", "UpdateTable", json!({"TableName": "table", "BillingMode": "FREE"}));
        assert!(text.contains("Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"), "{text}");
    }

    #[test]
    fn a_wrong_type_is_told_apart() {
        let model = model_with("sqs", "SendMessage").unwrap();
        let input = json!({"QueueUrl": "http://x/q", "MessageBody": "m", "DelaySeconds": 1.5});
        assert!(model.validate("SendMessage", &input).unwrap_err().are_of_type());
        let input = json!({"QueueUrl": "http://x/q", "MessageBody": "m", "DelaySeconds": 1.0});
        assert_eq!(model.validate("SendMessage", &input), Ok(()));
    }

    #[test]
    fn an_operation_without_input_takes_no_member() {
        let model = model_with("sts", "GetCallerIdentity").unwrap();
        assert_eq!(model.validate("GetCallerIdentity", &json!({})), Ok(()));
        assert!(model.validate("GetCallerIdentity", &json!({"Who": "me"})).is_err());
    }

    #[test]
    fn outputs_are_checked_by_the_same_rules() {
        let model = model_with("sts", "GetCallerIdentity").unwrap();
        let good =
            json!({"UserId": "AIDA", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/operator"});
        assert_eq!(model.check_output("GetCallerIdentity", &good), Ok(()));
        assert!(model.check_output("GetCallerIdentity", &json!({"Account": 1})).unwrap_err().are_of_type());
    }
}
