//! The rest-json protocol (Lambda, Scheduler): the operation by method and path, members in path, query, headers and body.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{Encoded, json, query};
use crate::model::{Kind, Model, Operation, Reference, Shape};

/// The operation whose method and path fit, with the members that the path carries.
pub fn find<'a>(model: &'a Model, method: &str, path: &str) -> Option<(&'a str, BTreeMap<String, String>)> {
    model.operations.iter().find_map(|(name, operation)| {
        let labels = (operation.http.method == method).then(|| labels(&operation.http.request_uri, path)).flatten()?;
        Some((name.as_str(), labels))
    })
}

fn labels(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let template = template.split('?').next().unwrap_or_default().trim_end_matches('/');
    let (wanted, given): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.trim_end_matches('/').split('/').collect());
    if wanted.len() != given.len() {
        return None;
    }
    let mut labels = BTreeMap::new();
    for (part, value) in wanted.into_iter().zip(given) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(label) => {
                labels.insert(label.to_owned(), percent_decode_str(value).decode_utf8().ok()?.into_owned());
            }
            None if part == value => {}
            None => return None,
        }
    }
    Some(labels)
}

/// What a request carries beside its path.
pub struct Parts<'a> {
    pub labels: &'a BTreeMap<String, String>,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The input in the normal form.
pub fn decode(model: &Model, operation: &Operation, parts: &Parts<'_>) -> Result<Value, String> {
    let Some(shape_name) = operation.input.as_deref() else { return Ok(Value::Object(Map::new())) };
    let Some(shape) = model.shape(shape_name) else { return Ok(Value::Object(Map::new())) };
    let mut input = match &shape.payload {
        Some(member) => payload(model, shape, member, parts.body)?,
        None if parts.body.is_empty() => Map::new(),
        None => match json::decode(model, shape_name, parse(parts.body)?) {
            Value::Object(object) => object,
            _ => return Err("the body must be a JSON object".to_owned()),
        },
    };
    input.extend(all_located(model, shape, parts));
    Ok(Value::Object(input))
}

/// The members that path, query string and headers carry.
pub fn all_located(model: &Model, shape: &Shape, parts: &Parts<'_>) -> Map<String, Value> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(parts.query.as_bytes()).into_owned().collect();
    let members = shape.members.iter();
    members.filter_map(|(name, of)| Some((name.clone(), located(model, name, of, parts, &pairs)?))).collect()
}

fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn payload(model: &Model, shape: &Shape, member: &str, body: &[u8]) -> Result<Map<String, Value>, String> {
    let mut input = Map::new();
    let inner = shape.members.get(member).map(|reference| reference.shape.as_str()).unwrap_or_default();
    let value = match model.shape(inner).map(|shape| shape.kind) {
        _ if body.is_empty() => return Ok(input),
        Some(Kind::Blob) => Value::from(STANDARD.encode(body)),
        Some(Kind::String) => Value::from(String::from_utf8_lossy(body)),
        _ => json::decode(model, inner, parse(body)?),
    };
    input.insert(member.to_owned(), value);
    Ok(input)
}

fn located(
    model: &Model,
    member: &str,
    reference: &Reference,
    parts: &Parts<'_>,
    pairs: &[(String, String)],
) -> Option<Value> {
    let name = reference.wire_name(member);
    let shape = model.shape(&reference.shape)?;
    match reference.location.as_deref()? {
        "uri" => parts.labels.get(name).map(|text| query::scalar(shape.kind, text)),
        "header" => parts.headers.get(name)?.to_str().ok().map(|text| query::scalar(shape.kind, text)),
        "headers" => with_prefix(parts.headers, name),
        "querystring" => {
            let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
            match (shape.kind, &shape.member) {
                (Kind::List, Some(member)) => {
                    let kind = model.shape(&member.shape).map_or(Kind::String, |shape| shape.kind);
                    let items: Vec<Value> = values.map(|text| query::scalar(kind, text)).collect();
                    (!items.is_empty()).then_some(Value::Array(items))
                }
                (kind, _) => values.next().map(|text| query::scalar(kind, text)),
            }
        }
        _ => None,
    }
}

/// A map whose keys are what follows the prefix in the names of headers.
fn with_prefix(headers: &HeaderMap, prefix: &str) -> Option<Value> {
    let entries = headers.iter().filter_map(|(name, value)| {
        let key = name.as_str().strip_prefix(prefix)?;
        Some((key.to_owned(), Value::from(String::from_utf8_lossy(value.as_bytes()))))
    });
    let entries: Map<String, Value> = entries.collect();
    (!entries.is_empty()).then_some(Value::Object(entries))
}

/// The answer: status, headers and body by the model.
pub fn encode(model: &Model, operation: &Operation, output: &Value) -> Encoded {
    let mut encoded = Encoded::new(operation.http.response_code.unwrap_or(200), "application/json", Vec::new());
    let Some(shape) = operation.output.as_deref().and_then(|name| model.shape(name)) else { return encoded };
    let empty = Map::new();
    let object = output.as_object().unwrap_or(&empty);
    for (member, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let Some(reference) = shape.members.get(member) else { continue };
        if reference.location.as_deref() == Some("statusCode") {
            encoded.status = value.as_u64().and_then(|n| u16::try_from(n).ok()).unwrap_or(200);
        }
    }
    encoded.headers.extend(headers(model, shape, output));
    encoded.body = match &shape.payload {
        Some(member) => payload_bytes(model, shape, member, object.get(member)),
        None => json::encode_structure(model, shape, object, |reference| reference.location.is_none())
            .to_string()
            .into_bytes(),
    };
    encoded
}

/// The members of an output that are headers of the answer.
pub fn headers(model: &Model, shape: &Shape, output: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut found = Vec::new();
    for (member, value) in output.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let Some(reference) = shape.members.get(member) else { continue };
        let name = reference.wire_name(member);
        let is_time = model.shape(&reference.shape).is_some_and(|shape| shape.kind == Kind::Timestamp);
        match reference.location.as_deref() {
            Some("header") if is_time => found.extend(json::http_date(value).map(|date| (name.to_owned(), date))),
            Some("header") => found.push((name.to_owned(), text(value))),
            Some("headers") => {
                let entries = value.as_object().into_iter().flatten();
                found.extend(entries.map(|(key, value)| (format!("{name}{key}"), text(value))));
            }
            _ => {}
        }
    }
    found
}

fn payload_bytes(model: &Model, shape: &Shape, member: &str, value: Option<&Value>) -> Vec<u8> {
    let inner = shape.members.get(member).map(|reference| reference.shape.as_str()).unwrap_or_default();
    match (model.shape(inner).map(|shape| shape.kind), value) {
        (_, None | Some(Value::Null)) => Vec::new(),
        (Some(Kind::Blob), Some(Value::String(text))) => STANDARD.decode(text).unwrap_or_default(),
        (_, Some(value)) => json::encode(model, inner, value).to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    #[test]
    fn an_invocation_is_found_by_its_path_and_its_payload_is_the_body() {
        let model = model_with("lambda", "Invoke").unwrap();
        let (name, labels) = find(model, "POST", "/2015-03-31/functions/roll%3Aback/invocations").unwrap();
        assert_eq!((name, labels["FunctionName"].as_str()), ("Invoke", "roll:back"));
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-invocation-type", "Event".parse().unwrap());
        let parts = Parts { labels: &labels, query: "Qualifier=live", headers: &headers, body: b"{\"a\":1}" };
        let input = decode(model, &model.operations["Invoke"], &parts).unwrap();
        let payload = STANDARD.encode("{\"a\":1}");
        let wanted = json!({
            "FunctionName": "roll:back", "InvocationType": "Event", "Payload": payload, "Qualifier": "live",
        });
        assert_eq!(input, wanted);
    }

    #[test]
    fn status_headers_and_payload_of_an_answer_go_where_the_model_says() {
        let model = model_with("lambda", "Invoke").unwrap();
        let output = json!({"StatusCode": 202, "FunctionError": "Unhandled", "Payload": STANDARD.encode("null")});
        let encoded = encode(model, &model.operations["Invoke"], &output);
        assert_eq!((encoded.status, encoded.body.as_slice()), (202, b"null".as_slice()));
        assert!(encoded.headers.contains(&("X-Amz-Function-Error".to_owned(), "Unhandled".to_owned())));
    }

    #[test]
    fn a_path_of_no_operation_is_not_found() {
        let model = model_with("scheduler", "GetSchedule").unwrap();
        assert!(find(model, "GET", "/schedules").is_some());
        assert!(find(model, "DELETE", "/schedules").is_none());
        assert!(find(model, "GET", "/schedules/a/b").is_none());
    }
}
