//! The JSON codec: between the wire's JSON and the normal form, by the model.
//!
//! They differ in three ways only: names (`locationName`), timestamps, and members that are null.

use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use crate::model::{Kind, Model, Reference, Shape};

/// The wire's value in the normal form. What is not of the shape is left as it is; the check by the model names it.
pub fn decode(model: &Model, shape: &str, wire: Value) -> Value {
    let Some(shape) = model.shape(shape) else { return wire };
    match (shape.kind, wire) {
        (Kind::Structure, Value::Object(object)) if !shape.document => decode_structure(model, shape, object),
        (Kind::List, Value::Array(items)) => {
            items.into_iter().map(|item| decode_inner(model, shape.member.as_ref(), item)).collect()
        }
        (Kind::Map, Value::Object(entries)) => Value::Object(
            entries.into_iter().map(|(key, value)| (key, decode_inner(model, shape.value.as_ref(), value))).collect(),
        ),
        (Kind::Timestamp, Value::String(text)) => seconds(&text).unwrap_or(Value::String(text)),
        (_, wire) => wire,
    }
}

fn decode_structure(model: &Model, shape: &Shape, object: Map<String, Value>) -> Value {
    let member_of = |name: &str| shape.members.iter().find(|(member, reference)| reference.wire_name(member) == name);
    let members = object.into_iter().map(|(name, value)| match member_of(&name) {
        Some((member, reference)) => (member.clone(), decode(model, &reference.shape, value)),
        None => (name, value),
    });
    Value::Object(members.collect())
}

fn decode_inner(model: &Model, reference: Option<&Reference>, value: Value) -> Value {
    match reference {
        Some(reference) => decode(model, &reference.shape, value),
        None => value,
    }
}

/// The normal form on the wire. Members that are null or not in the model are left out.
pub fn encode(model: &Model, shape: &str, value: &Value) -> Value {
    let Some(shape) = model.shape(shape) else { return value.clone() };
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(object)) if !shape.document => encode_structure(model, shape, object, |_| true),
        (Kind::List, Value::Array(items)) => {
            items.iter().map(|item| encode_inner(model, shape.member.as_ref(), item)).collect()
        }
        (Kind::Map, Value::Object(entries)) => {
            let of = |(key, value): (&String, &Value)| (key.clone(), encode_inner(model, shape.value.as_ref(), value));
            Value::Object(entries.iter().map(of).collect())
        }
        (Kind::Timestamp, value) => encode_timestamp(shape.timestamp_format.as_deref(), value),
        (_, value) => value.clone(),
    }
}

/// The members of a structure that `of_body` lets through.
pub fn encode_structure(
    model: &Model,
    shape: &Shape,
    object: &Map<String, Value>,
    of_body: impl Fn(&Reference) -> bool,
) -> Value {
    let mut out = Map::new();
    for (member, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let Some(reference) = shape.members.get(member).filter(|reference| of_body(reference)) else { continue };
        let wire = match &reference.timestamp_format {
            Some(format) => encode_timestamp(Some(format), value),
            None => encode(model, &reference.shape, value),
        };
        out.insert(reference.wire_name(member).to_owned(), wire);
    }
    Value::Object(out)
}

fn encode_inner(model: &Model, reference: Option<&Reference>, value: &Value) -> Value {
    match reference {
        Some(reference) => encode(model, &reference.shape, value),
        None => value.clone(),
    }
}

/// Seconds since the epoch, unless the model wants another form.
fn encode_timestamp(format: Option<&str>, value: &Value) -> Value {
    match format {
        Some("iso8601") => iso(value).map_or(value.clone(), Value::from),
        Some("rfc822") => http_date(value).map_or(value.clone(), Value::from),
        _ => value.as_str().and_then(seconds).unwrap_or_else(|| value.clone()),
    }
}

/// A written time (ISO 8601 or seconds) as seconds since the epoch; whole seconds stay whole.
pub fn seconds(text: &str) -> Option<Value> {
    if let Ok(number) = text.parse::<f64>() {
        return number_of(number);
    }
    let at: Timestamp = text.parse().ok()?;
    number_of(at.as_millisecond() as f64 / 1000.0)
}

/// A JSON number that is whole where it can be.
pub fn number_of(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

/// The time of a value in the normal form.
pub fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => {
            let millis = number.as_f64()? * 1000.0;
            Timestamp::from_millisecond(millis.round() as i64).ok()
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// `2026-11-21T08:00:00Z`, with milliseconds where there are any, as the query protocol writes times.
pub fn iso(value: &Value) -> Option<String> {
    let at = time(value)?;
    let millis = at.subsec_millisecond();
    let date = at.strftime("%Y-%m-%dT%H:%M:%S");
    Some(if millis == 0 { format!("{date}Z") } else { format!("{date}.{millis:03}Z") })
}

/// A time as a header has it.
pub fn http_date(value: &Value) -> Option<String> {
    time(value).map(imf_fixdate)
}

/// The form of the `Date` header: `Sat, 21 Nov 2026 08:00:00 GMT`.
pub fn imf_fixdate(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    #[test]
    fn times_are_seconds_on_the_wire_and_written_times_are_taken() {
        let model = model_with("apprunner", "ListOperations").unwrap();
        let output =
            json!({"OperationSummaryList": [{"Id": "o", "StartedAt": "2026-11-21T08:00:00.5Z", "EndedAt": null}]});
        let wire = encode(model, "ListOperationsResponse", &output);
        assert_eq!(wire, json!({"OperationSummaryList": [{"Id": "o", "StartedAt": 1795248000.5}]}));
        assert_eq!(decode(model, "ListOperationsResponse", wire.clone()), wire);
    }

    #[test]
    fn an_unknown_member_is_kept_when_read_and_dropped_when_written() {
        let model = model_with("apprunner", "DescribeService").unwrap();
        let wire = json!({"ServiceArn": "a", "Colour": "red"});
        assert_eq!(decode(model, "DescribeServiceRequest", wire.clone()), wire);
        assert_eq!(encode(model, "DescribeServiceRequest", &wire), json!({"ServiceArn": "a"}));
    }

    #[test]
    fn the_date_header_has_the_fixed_form() {
        assert_eq!(imf_fixdate("2026-11-01T08:03:09.9Z".parse().unwrap()), "Sun, 01 Nov 2026 08:03:09 GMT");
    }
}
