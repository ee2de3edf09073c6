//! The query protocol: a form in the request, XML in the answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Map, Value};

use super::json;
use crate::model::{Kind, Model, Operation, Reference, Shape};

/// The fields of a form or query string. A name that comes twice keeps its last value.
pub fn fields(form: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

/// The input in the normal form. A field that the model does not know becomes an unknown member, so that the check refuses it.
pub fn decode(model: &Model, operation: &Operation, fields: &BTreeMap<String, String>) -> Value {
    decode_as(Dialect::Plain, model, operation, fields)
}

/// The input of a form in this dialect.
pub fn decode_as(dialect: Dialect, model: &Model, operation: &Operation, fields: &BTreeMap<String, String>) -> Value {
    let mut reader = Reader { dialect, model, fields, used: BTreeSet::new() };
    let mut input = match operation.input.as_deref().and_then(|shape| model.shape(shape)) {
        Some(shape) => reader.structure(shape, ""),
        None => Map::new(),
    };
    let signature = |name: &str| name == "Action" || name == "Version" || name.starts_with("X-Amz-");
    for (name, value) in fields.iter().filter(|(name, _)| !signature(name) && !reader.used.contains(name.as_str())) {
        input.insert(name.clone(), Value::from(value.as_str()));
    }
    Value::Object(input)
}

/// How a form spells the members of the model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// By their wire names; lists as `Name.member.1`.
    Plain,
    /// EC2's: by their query names or capitalised wire names; every list as `Name.1`.
    Ec2,
}

impl Dialect {
    pub fn name(self, reference: &Reference, member: &str) -> String {
        match (self, &reference.query_name, &reference.location_name) {
            (Self::Ec2, Some(name), _) => name.clone(),
            (Self::Ec2, None, Some(name)) => {
                let mut letters = name.chars();
                letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
            }
            _ => reference.wire_name(member).to_owned(),
        }
    }
}

struct Reader<'a> {
    dialect: Dialect,
    model: &'a Model,
    fields: &'a BTreeMap<String, String>,
    used: BTreeSet<&'a str>,
}

impl<'a> Reader<'a> {
    fn has(&self, prefix: &str) -> bool {
        let inner = format!("{prefix}.");
        self.fields.contains_key(prefix)
            || self.fields.range(inner.clone()..).next().is_some_and(|(name, _)| name.starts_with(&inner))
    }

    fn structure(&mut self, shape: &Shape, prefix: &str) -> Map<String, Value> {
        let mut out = Map::new();
        for (member, reference) in &shape.members {
            let name = self.dialect.name(reference, member);
            let at = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            if let Some(value) = self.value(reference, &at) {
                out.insert(member.clone(), value);
            }
        }
        out
    }

    fn value(&mut self, reference: &Reference, at: &str) -> Option<Value> {
        let shape = self.model.shape(&reference.shape)?;
        if !self.has(at) {
            return None;
        }
        match shape.kind {
            Kind::Structure => Some(Value::Object(self.structure(shape, at))),
            Kind::List => Some(self.list(shape, reference, at)),
            Kind::Map => Some(self.map(shape, reference, at)),
            kind => self.take(at).map(|text| scalar(kind, text)),
        }
    }

    fn take(&mut self, at: &str) -> Option<&'a str> {
        let (name, value) = self.fields.get_key_value(at)?;
        self.used.insert(name);
        Some(value)
    }

    fn list(&mut self, shape: &Shape, reference: &Reference, at: &str) -> Value {
        self.take(at); // an empty list is written as the bare name
        let Some(member) = &shape.member else { return Value::Null };
        let is_flat = self.dialect == Dialect::Ec2 || shape.flattened || reference.flattened;
        let base = match is_flat {
            true => at.to_owned(),
            false => format!("{at}.{}", member.wire_name("member")),
        };
        let items = self.numbers(&base).into_iter().filter_map(|n| self.value(member, &format!("{base}.{n}")));
        Value::Array(items.collect())
    }

    fn map(&mut self, shape: &Shape, reference: &Reference, at: &str) -> Value {
        self.take(at);
        let (Some(key), Some(value)) = (&shape.key, &shape.value) else { return Value::Null };
        let base = if shape.flattened || reference.flattened { at.to_owned() } else { format!("{at}.entry") };
        let mut out = Map::new();
        for n in self.numbers(&base) {
            let name = self.take(&format!("{base}.{n}.{}", key.wire_name("key")));
            let inner = self.value(value, &format!("{base}.{n}.{}", value.wire_name("value")));
            if let Some(name) = name {
                out.insert(name.to_owned(), inner.unwrap_or(Value::Null));
            }
        }
        Value::Object(out)
    }

    /// The numbers that follow the name, in their order.
    fn numbers(&self, base: &str) -> BTreeSet<u64> {
        let inner = format!("{base}.");
        let names =
            self.fields.range(inner.clone()..).map(|(name, _)| name).take_while(|name| name.starts_with(&inner));
        names.filter_map(|name| name[inner.len()..].split('.').next()?.parse().ok()).collect()
    }
}

/// A value that cannot be of its type stays text; the check by the model names it.
pub fn scalar(kind: Kind, text: &str) -> Value {
    let parsed = match kind {
        Kind::Integer | Kind::Long => text.parse::<i64>().ok().map(Value::from),
        Kind::Float | Kind::Double => text.parse::<f64>().ok().and_then(json::number_of),
        Kind::Boolean => text.parse::<bool>().ok().map(Value::from),
        Kind::Timestamp => json::seconds(text),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::from(text))
}

/// The answer's document.
pub fn encode(model: &Model, name: &str, operation: &Operation, output: &Value, request_id: &str) -> String {
    let mut xml = String::new();
    let namespace = model.metadata.xml_namespace.as_deref().unwrap_or_default();
    let _ = write!(xml, "<{name}Response xmlns=\"{}\">", escaped(namespace));
    if let Some(shape) = operation.output.as_deref().and_then(|shape| model.shape(shape)) {
        let wrapper = operation.result_wrapper.clone().unwrap_or_else(|| format!("{name}Result"));
        let _ = write!(xml, "<{wrapper}>");
        structure_to_xml(&mut xml, model, shape, output);
        let _ = write!(xml, "</{wrapper}>");
    }
    let _ = write!(xml, "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>");
    xml
}

/// The document of an error.
pub fn encode_error(namespace: &str, sender: bool, code: &str, message: &str, request_id: &str) -> String {
    let who = if sender { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{who}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        escaped(namespace),
        escaped(code),
        escaped(message)
    )
}

/// The members of a structure that the body carries, in the order of the value.
pub fn structure_to_xml(xml: &mut String, model: &Model, shape: &Shape, value: &Value) {
    for (member, inner) in value.as_object().into_iter().flatten().filter(|(_, inner)| !inner.is_null()) {
        if let Some(reference) = shape.members.get(member).filter(|reference| reference.location.is_none()) {
            to_xml(xml, model, reference, reference.wire_name(member), inner);
        }
    }
}

fn to_xml(xml: &mut String, model: &Model, reference: &Reference, tag: &str, value: &Value) {
    let Some(shape) = model.shape(&reference.shape) else { return };
    match shape.kind {
        Kind::Structure => element(xml, tag, |xml| structure_to_xml(xml, model, shape, value)),
        Kind::List => list_to_xml(xml, model, shape, reference, tag, value),
        Kind::Map => map_to_xml(xml, model, shape, reference, tag, value),
        Kind::Timestamp => element(xml, tag, |xml| xml.push_str(&json::iso(value).unwrap_or_default())),
        _ => element(xml, tag, |xml| match value {
            Value::String(text) => xml.push_str(&escaped(text)),
            other => xml.push_str(&other.to_string()),
        }),
    }
}

fn list_to_xml(xml: &mut String, model: &Model, shape: &Shape, reference: &Reference, tag: &str, value: &Value) {
    let Some(member) = &shape.member else { return };
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if shape.flattened || reference.flattened {
        items.iter().for_each(|item| to_xml(xml, model, member, tag, item));
    } else {
        element(xml, tag, |xml| {
            items.iter().for_each(|item| to_xml(xml, model, member, member.wire_name("member"), item));
        });
    }
}

fn map_to_xml(xml: &mut String, model: &Model, shape: &Shape, reference: &Reference, tag: &str, value: &Value) {
    let (Some(key), Some(inner)) = (&shape.key, &shape.value) else { return };
    let entry = |xml: &mut String, name: &str, value: &Value| {
        to_xml(xml, model, key, key.wire_name("key"), &Value::from(name));
        to_xml(xml, model, inner, inner.wire_name("value"), value);
    };
    let entries = value.as_object().into_iter().flatten();
    if shape.flattened || reference.flattened {
        entries.for_each(|(name, value)| element(xml, tag, |xml| entry(xml, name, value)));
    } else {
        element(xml, tag, |xml| entries.for_each(|(name, value)| element(xml, "entry", |xml| entry(xml, name, value))));
    }
}

fn element(xml: &mut String, tag: &str, content: impl FnOnce(&mut String)) {
    let _ = write!(xml, "<{tag}>");
    content(xml);
    let _ = write!(xml, "</{tag}>");
}

/// Text that a parser gives back unchanged; a character that XML 1.0 cannot carry becomes U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    fn read(service: &str, operation: &str, form: &str) -> Value {
        let model = model_with(service, operation).unwrap();
        decode(model, &model.operations[operation], &fields(form.as_bytes()))
    }

    #[test]
    fn maps_and_lists_are_read_by_the_model() {
        let form = "Action=CreateTopic&Version=2010-03-31&Name=alerts&Attributes.entry.1.key=DisplayName\
                    &Attributes.entry.1.value=On+call&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b&Tags.member.2.Value=";
        let wanted = json!({
            "Attributes": {"DisplayName": "On call"}, "Name": "alerts",
            "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}],
        });
        assert_eq!(read("sns", "CreateTopic", form), wanted);
    }

    #[test]
    fn maps_with_names_of_their_own_are_read() {
        let form = "Action=Publish&Message=m&MessageAttributes.entry.1.Name=kind\
                    &MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=x";
        let wanted = json!({"Message": "m", "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "x"}}});
        assert_eq!(read("sns", "Publish", form), wanted);
    }

    #[test]
    fn types_come_from_the_shape_and_ten_follows_nine() {
        let dimensions: String = (1..=10).map(|n| format!("&AlarmNames.member.{n}=a{n}")).collect();
        let input = read("monitoring", "DescribeAlarms", &format!("Action=DescribeAlarms&MaxRecords=5{dimensions}"));
        assert_eq!(input["MaxRecords"], json!(5));
        assert_eq!(input["AlarmNames"][9], json!("a10"));
        let form = "Action=PutMetricAlarm&ActionsEnabled=true&Threshold=0.5";
        assert_eq!(read("monitoring", "PutMetricAlarm", form), json!({"ActionsEnabled": true, "Threshold": 0.5}));
    }

    #[test]
    fn an_unknown_field_and_a_bad_number_reach_the_check() {
        let model = model_with("monitoring", "DescribeAlarms").unwrap();
        let input = read("monitoring", "DescribeAlarms", "Action=DescribeAlarms&MaxRecords=five&Colour=red");
        let text = model.validate("DescribeAlarms", &input).unwrap_err().to_string();
        assert!(text.contains("'maxRecords'") && text.contains("'colour'"), "{text}");
    }

    #[test]
    fn an_answer_is_written_by_the_model() {
        let model = model_with("sns", "GetTopicAttributes").unwrap();
        let output = json!({"Attributes": {"Policy": "{\"a\":\"<&>\"}"}});
        let xml = encode(model, "GetTopicAttributes", &model.operations["GetTopicAttributes"], &output, "r-1");
        assert_eq!(
            xml,
            "<GetTopicAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><GetTopicAttributesResult>\
             <Attributes><entry><key>Policy</key><value>{&quot;a&quot;:&quot;&lt;&amp;&gt;&quot;}</value></entry></Attributes>\
             </GetTopicAttributesResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetTopicAttributesResponse>"
        );
    }

    #[test]
    fn times_are_iso_in_xml() {
        let model = model_with("sts", "AssumeRole").unwrap();
        let output = json!({"Credentials": {"Expiration": 1795248000}});
        let xml = encode(model, "AssumeRole", &model.operations["AssumeRole"], &output, "r-1");
        assert!(xml.contains("<Expiration>2026-11-21T08:00:00Z</Expiration>"), "{xml}");
    }
}
