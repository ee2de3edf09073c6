//! Filter policies of subscriptions, on message attributes or on the message's body.
//!
//! Source: the developer guide's pages on filter policies. Served: exact values, `prefix`, `suffix`, `equals-ignore-case`,
//! `anything-but` (values, or a prefix or suffix), `numeric`, `exists`. `cidr`, `wildcard` and `$or` are refused by name, so
//! that a policy which would filter differently on AWS is never taken silently. A value that is an array matches when any of
//! its elements does; for `anything-but` that is the open point of this reading.

use serde_json::{Map, Value};

use crate::call::ApiError;

use super::invalid;

/// Keys that a policy may have in all, and combinations of their values.
const KEYS_MAX: usize = 5;
const COMBINATIONS_MAX: usize = 150;

/// One way in which a value can match.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    IgnoresCase(String),
    AnythingBut(Vec<Value>),
    NoPrefix(String),
    NoSuffix(String),
    /// Each is a comparison sign and a bound.
    Numeric(Vec<(String, f64)>),
    Exists(bool),
}

/// A policy: all paths must match, each by any of its tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    rules: Vec<(Vec<String>, Vec<Test>)>,
}

fn wrong(what: impl AsRef<str>) -> ApiError {
    invalid(format!("FilterPolicy: {}", what.as_ref()))
}

impl Policy {
    /// Reads a policy; nested objects are allowed in the scope of the body only.
    pub fn read(text: &str, body: bool) -> Result<Self, ApiError> {
        let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) else {
            return Err(wrong("failed to parse JSON; it must be an object"));
        };
        let mut rules = Vec::new();
        read_level(&members, body, &mut Vec::new(), &mut rules)?;
        let combinations = rules.iter().fold(1_usize, |product, (_, tests)| product.saturating_mul(tests.len()));
        if rules.len() > KEYS_MAX || combinations > COMBINATIONS_MAX {
            return Err(wrong(format!(
                "it has {} keys and {combinations} combinations; at most {KEYS_MAX} and {COMBINATIONS_MAX} are allowed",
                rules.len()
            )));
        }
        Ok(Self { rules })
    }

    /// Whether a message with these attributes (`name -> {DataType, StringValue}`) is let through.
    pub fn accepts_attributes(&self, attributes: &Map<String, Value>) -> bool {
        self.rules.iter().all(|(path, tests)| {
            let attribute = path.first().and_then(|name| attributes.get(name));
            let values = attribute.map(attribute_values).unwrap_or_default();
            any_matches(tests, attribute.is_some(), &values)
        })
    }

    /// Whether a message with this body is let through; a body that is no object never is.
    pub fn accepts_body(&self, body: &Value) -> bool {
        body.is_object()
            && self.rules.iter().all(|(path, tests)| {
                let mut values = Vec::new();
                leaves(body, path, &mut values);
                any_matches(tests, !values.is_empty(), &values)
            })
    }
}

fn any_matches(tests: &[Test], present: bool, values: &[Value]) -> bool {
    tests.iter().any(|test| match test {
        Test::Exists(wanted) => *wanted == present,
        other => values.iter().any(|value| other.matches(value)),
    })
}

/// The values of an attribute: one, or the elements of a `String.Array`. Binary values never match.
fn attribute_values(attribute: &Value) -> Vec<Value> {
    let text = attribute["StringValue"].as_str().unwrap_or_default();
    match attribute["DataType"].as_str().unwrap_or_default() {
        "Number" => {
            text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number).into_iter().collect()
        }
        "String.Array" => serde_json::from_str::<Vec<Value>>(text).unwrap_or_default(),
        "Binary" => Vec::new(),
        _ => vec![Value::String(text.to_owned())],
    }
}

/// All values at a path of a body; arrays on the way are looked through.
fn leaves(at: &Value, path: &[String], found: &mut Vec<Value>) {
    match (at, path.split_first()) {
        (Value::Array(parts), _) => parts.iter().for_each(|part| leaves(part, path, found)),
        (Value::Object(members), Some((name, rest))) => {
            if let Some(inner) = members.get(name) {
                leaves(inner, rest, found);
            }
        }
        (Value::Object(_), None) | (_, Some(_)) => {}
        (leaf, None) => found.push(leaf.clone()),
    }
}

fn read_level(
    members: &Map<String, Value>,
    body: bool,
    path: &mut Vec<String>,
    rules: &mut Vec<(Vec<String>, Vec<Test>)>,
) -> Result<(), ApiError> {
    for (name, inner) in members {
        if name == "$or" {
            return Err(wrong("the local cloud does not serve $or"));
        }
        path.push(name.clone());
        match inner {
            Value::Array(tests) if tests.is_empty() => {
                return Err(wrong(format!("Empty arrays are not allowed: {name}")));
            }
            Value::Array(tests) => rules.push((path.clone(), tests.iter().map(read_test).collect::<Result<_, _>>()?)),
            Value::Object(nested) if body && !nested.is_empty() => read_level(nested, body, path, rules)?,
            Value::Object(_) if !body => {
                return Err(wrong("Filter policy scope MessageAttributes does not support nested filter policy"));
            }
            _ => return Err(wrong(format!("\"{name}\" must be an object or an array"))),
        }
        path.pop();
    }
    Ok(())
}

fn read_test(test: &Value) -> Result<Test, ApiError> {
    let members = match test {
        Value::Object(members) => members,
        Value::Array(_) => return Err(wrong("Match value must be String, number, true, false, or null")),
        value => return Ok(Test::Equals(value.clone())),
    };
    let mut pairs = members.iter();
    let (Some((operator, operand)), None) = (pairs.next(), pairs.next()) else {
        return Err(wrong("a match expression must have exactly one operator"));
    };
    let text = || operand.as_str().map(str::to_owned).ok_or_else(|| wrong(format!("{operator} must be a string")));
    match operator.as_str() {
        "prefix" => text().map(Test::Prefix),
        "suffix" => text().map(Test::Suffix),
        "equals-ignore-case" => text().map(Test::IgnoresCase),
        "exists" => operand.as_bool().map(Test::Exists).ok_or_else(|| wrong("exists must be true or false")),
        "anything-but" => read_anything_but(operand),
        "numeric" => read_numeric(operand),
        "cidr" | "wildcard" => Err(wrong(format!("the local cloud does not serve {operator}"))),
        other => Err(wrong(format!("Unrecognized match type {other}"))),
    }
}

fn read_anything_but(operand: &Value) -> Result<Test, ApiError> {
    match operand {
        Value::Object(members) => match members.iter().next() {
            Some((kind, Value::String(text))) if members.len() == 1 && kind == "prefix" => {
                Ok(Test::NoPrefix(text.clone()))
            }
            Some((kind, Value::String(text))) if members.len() == 1 && kind == "suffix" => {
                Ok(Test::NoSuffix(text.clone()))
            }
            _ => Err(wrong("anything-but takes values, a prefix or a suffix here")),
        },
        Value::Array(values) if values.is_empty() => Err(wrong("Empty arrays are not allowed: anything-but")),
        Value::Array(values) if values.iter().all(|v| v.is_string()) || values.iter().all(Value::is_number) => {
            Ok(Test::AnythingBut(values.clone()))
        }
        Value::String(_) | Value::Number(_) => Ok(Test::AnythingBut(vec![operand.clone()])),
        _ => Err(wrong("Inside anything but list, all values are either number or string")),
    }
}

fn read_numeric(operand: &Value) -> Result<Test, ApiError> {
    let parts = operand.as_array().map(Vec::as_slice).unwrap_or_default();
    let bounds: Option<Vec<(String, f64)>> = parts
        .chunks(2)
        .map(|pair| match pair {
            [Value::String(sign), bound] if ["=", "<", "<=", ">", ">="].contains(&sign.as_str()) => {
                bound.as_f64().map(|bound| (sign.clone(), bound))
            }
            _ => None,
        })
        .collect();
    let bounds = bounds.filter(|bounds| !bounds.is_empty() && bounds.len() <= 2);
    let bounds = bounds
        .ok_or_else(|| wrong("numeric must be a list of one or two comparisons, such as [\">\", 0, \"<=\", 9]"))?;
    match bounds.as_slice() {
        [_] => Ok(Test::Numeric(bounds)),
        [(low, from), (high, to)] if low.starts_with('>') && high.starts_with('<') && from < to => {
            Ok(Test::Numeric(bounds))
        }
        _ => Err(wrong("Bottom must be less than top in a numeric range")),
    }
}

impl Test {
    fn matches(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(wanted) => same(wanted, value),
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::IgnoresCase(wanted) => text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase()),
            Self::AnythingBut(values) => !values.iter().any(|unwanted| same(unwanted, value)),
            Self::NoPrefix(prefix) => text.is_some_and(|text| !text.starts_with(prefix)),
            Self::NoSuffix(suffix) => text.is_some_and(|text| !text.ends_with(suffix)),
            Self::Numeric(bounds) => value.as_f64().is_some_and(|value| {
                bounds.iter().all(|(sign, bound)| match sign.as_str() {
                    "=" => value == *bound,
                    "<" => value < *bound,
                    "<=" => value <= *bound,
                    ">" => value > *bound,
                    _ => value >= *bound,
                })
            }),
            Self::Exists(wanted) => *wanted,
        }
    }
}

/// Equality of JSON values, in which 300, 300.0 and 3e2 are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn attributes_match_as_the_guide_says() {
        let message = attributes(json!({
            "store": {"DataType": "String", "StringValue": "example_corp"},
            "price": {"DataType": "Number", "StringValue": "210.75"},
            "kinds": {"DataType": "String.Array", "StringValue": "[\"soccer\", \"rugby\", 7]"},
        }));
        for (policy, wanted) in [
            (json!({"store": ["example_corp", "other"]}), true),
            (json!({"store": ["Example_Corp"]}), false),
            (json!({"store": [{"equals-ignore-case": "Example_Corp"}]}), true),
            (json!({"store": [{"prefix": "exa"}], "price": [{"numeric": [">", 200, "<=", 210.75]}]}), true),
            (json!({"store": [{"prefix": "exa"}], "price": [{"numeric": ["<", 200]}]}), false),
            (json!({"store": [{"suffix": "corp"}]}), true),
            (json!({"store": [{"anything-but": "example_corp"}]}), false),
            (json!({"store": [{"anything-but": ["a", "b"]}]}), true),
            (json!({"store": [{"anything-but": {"prefix": "exa"}}]}), false),
            (json!({"price": [210.75]}), true),
            (json!({"price": ["210.75"]}), false),
            (json!({"kinds": ["rugby"]}), true),
            (json!({"kinds": [7]}), true),
            (json!({"kinds": ["hockey"]}), false),
            (json!({"missing": [{"exists": false}], "store": [{"exists": true}]}), true),
            (json!({"missing": ["x"]}), false),
            (json!({"missing": [{"anything-but": "x"}]}), false),
        ] {
            let read = Policy::read(&policy.to_string(), false).unwrap();
            assert_eq!(read.accepts_attributes(&message), wanted, "{policy}");
        }
    }

    #[test]
    fn a_body_matches_by_its_paths() {
        let body =
            json!({"service": {"name": "shop", "tags": [{"k": "a"}, {"k": "b"}]}, "severity": "critical", "n": 3});
        for (policy, wanted) in [
            (json!({"severity": ["critical"]}), true),
            (json!({"service": {"name": [{"prefix": "sh"}]}, "n": [{"numeric": ["=", 3]}]}), true),
            (json!({"service": {"tags": {"k": ["b"]}}}), true),
            (json!({"service": {"name": ["other"]}}), false),
            (json!({"service": {"missing": [{"exists": false}]}}), true),
        ] {
            let read = Policy::read(&policy.to_string(), true).unwrap();
            assert_eq!(read.accepts_body(&body), wanted, "{policy}");
            assert!(!read.accepts_body(&json!("text")));
        }
    }

    #[test]
    fn a_policy_that_the_service_refuses_is_refused() {
        for policy in [
            "[]",
            "no json",
            r#"{"a": "x"}"#,
            r#"{"a": []}"#,
            r#"{"a": [{"prefix": 1}]}"#,
            r#"{"a": [{"what": 1}]}"#,
            r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#,
            r#"{"a": [{"numeric": [">", 9, "<", 1]}]}"#,
            r#"{"a": [{"numeric": []}]}"#,
            r#"{"a": [{"anything-but": ["x", 1]}]}"#,
            r#"{"a": {"b": ["x"]}}"#,
            r#"{"$or": [{"a": ["x"]}]}"#,
            r#"{"a": [{"wildcard": "x*"}]}"#,
            r#"{"a": [["x"]]}"#,
            r#"{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}"#,
        ] {
            let error = Policy::read(policy, false).unwrap_err();
            assert!(error.message.starts_with("Invalid parameter: FilterPolicy: "), "{policy}: {}", error.message);
        }
    }
}
