//! The codec of smithy-rpc-v2-cbor, which CloudWatch speaks: CBOR between the wire and the normal form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ciborium::Value as Cbor;
use serde_json::{Map, Value};

use super::json;
use crate::model::{Kind, Model, Reference};

/// Times carry this tag, followed by seconds since the epoch.
const EPOCH: u64 = 1;

/// The body as JSON: times as numbers, bytes as base64. An empty body is an empty structure.
pub fn decode(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let value: Cbor = ciborium::from_reader(body).map_err(|error| error.to_string())?;
    from_cbor(value)
}

fn from_cbor(value: Cbor) -> Result<Value, String> {
    Ok(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(flag) => Value::from(flag),
        Cbor::Integer(number) => {
            let number = i128::from(number);
            i64::try_from(number).map(Value::from).map_err(|_| format!("the number {number} has more than 64 bits"))?
        }
        Cbor::Float(number) => json::number_of(number).ok_or_else(|| format!("the number {number} is not finite"))?,
        Cbor::Text(text) => Value::from(text),
        Cbor::Bytes(bytes) => Value::from(STANDARD.encode(bytes)),
        Cbor::Array(items) => Value::Array(items.into_iter().map(from_cbor).collect::<Result<_, _>>()?),
        Cbor::Map(entries) => {
            let entry = |(key, value)| match key {
                Cbor::Text(key) => Ok((key, from_cbor(value)?)),
                other => Err(format!("a key must be text, not {other:?}")),
            };
            Value::Object(entries.into_iter().map(entry).collect::<Result<_, String>>()?)
        }
        Cbor::Tag(EPOCH, inner) => from_cbor(*inner)?,
        other => return Err(format!("{other:?} has no place in this protocol")),
    })
}

/// The normal form as a CBOR body.
pub fn encode(model: &Model, shape: Option<&str>, value: &Value) -> Vec<u8> {
    let value = match shape {
        Some(shape) => to_cbor(model, shape, value),
        None => Cbor::Map(Vec::new()),
    };
    bytes(&value)
}

/// The body of an error.
pub fn encode_error(kind: &str, message: &str, fields: &Map<String, Value>) -> Vec<u8> {
    let text = |name: &str, value: &str| (Cbor::Text(name.to_owned()), Cbor::Text(value.to_owned()));
    let mut entries = vec![text("__type", kind), text("message", message)];
    entries.extend(fields.iter().map(|(name, value)| (Cbor::Text(name.clone()), plain(value))));
    bytes(&Cbor::Map(entries))
}

fn bytes(value: &Cbor) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing to memory fails only for a value that cannot be written, and these can.
    let _ = ciborium::into_writer(value, &mut out);
    out
}

fn to_cbor(model: &Model, shape: &str, value: &Value) -> Cbor {
    let Some(shape) = model.shape(shape) else { return plain(value) };
    let inner = |reference: Option<&Reference>, value: &Value| match reference {
        Some(reference) => to_cbor(model, &reference.shape, value),
        None => plain(value),
    };
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(object)) => {
            let members = object.iter().filter(|(_, value)| !value.is_null());
            let known = members.filter_map(|(name, value)| Some((name, shape.members.get(name)?, value)));
            Cbor::Map(known.map(|(n, r, v)| (Cbor::Text(n.clone()), to_cbor(model, &r.shape, v))).collect())
        }
        (Kind::List, Value::Array(items)) => {
            Cbor::Array(items.iter().map(|item| inner(shape.member.as_ref(), item)).collect())
        }
        (Kind::Map, Value::Object(entries)) => {
            Cbor::Map(entries.iter().map(|(k, v)| (Cbor::Text(k.clone()), inner(shape.value.as_ref(), v))).collect())
        }
        (Kind::Timestamp, value) => {
            let seconds = json::time(value).map_or(0.0, |at| at.as_millisecond() as f64 / 1000.0);
            Cbor::Tag(EPOCH, Box::new(Cbor::Float(seconds)))
        }
        (Kind::Float | Kind::Double, Value::Number(number)) => Cbor::Float(number.as_f64().unwrap_or_default()),
        (Kind::Blob, Value::String(text)) => Cbor::Bytes(STANDARD.decode(text).unwrap_or_default()),
        (_, value) => plain(value),
    }
}

fn plain(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cbor::Integer(whole.into()),
            None => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(plain).collect()),
        Value::Object(entries) => Cbor::Map(entries.iter().map(|(k, v)| (Cbor::Text(k.clone()), plain(v))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    #[test]
    fn times_carry_their_tag_and_come_back_as_numbers() {
        let model = model_with("monitoring", "GetMetricStatistics").unwrap();
        let output = json!({"Label": "5xx", "Datapoints": [{"Timestamp": 1795248000, "Sum": 3}]});
        let body = encode(model, Some("GetMetricStatisticsOutput"), &output);
        let Cbor::Map(top) = ciborium::from_reader(body.as_slice()).unwrap() else { panic!("a map") };
        let Cbor::Array(points) = &top[1].1 else { panic!("an array") };
        let Cbor::Map(point) = &points[0] else { panic!("a map") };
        assert_eq!(point[0].1, Cbor::Tag(1, Box::new(Cbor::Float(1_795_248_000.0))));
        assert_eq!(point[1].1, Cbor::Float(3.0));
        assert_eq!(decode(&body).unwrap(), output);
    }

    #[test]
    fn an_empty_body_is_an_empty_structure() {
        assert_eq!(decode(b"").unwrap(), json!({}));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&body);
        }
    }
}
