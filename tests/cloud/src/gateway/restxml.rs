//! The rest-xml protocol (Route 53): the operation by method and path, members in path, query string and an XML body.
//!
//! Owns: XML to the normal form and back, by the model. Never decides what a call does: a member that the model does not have
//! is handed on, so that the check by the model names it.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value};

use super::query::{escaped, scalar, structure_to_xml};
use super::rest::{self, Parts};
use super::{Encoded, query};
use crate::model::{Kind, Model, Operation, Reference, Shape};

/// Elements inside each other; AWS's shapes need fewer than ten.
const DEPTH_MAX: usize = 64;

/// One element of a document: its name without a prefix, its text, and what is in it.
#[derive(Debug, Default, PartialEq)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// The input in the normal form.
///
/// # Errors
/// A body that is no XML document, or the document of another operation, in words for the caller.
pub fn decode(model: &Model, operation: &Operation, parts: &Parts<'_>) -> Result<Value, String> {
    let Some(shape_name) = operation.input.as_deref() else { return Ok(Value::Object(Map::new())) };
    let Some(shape) = model.shape(shape_name) else { return Ok(Value::Object(Map::new())) };
    let mut input = if parts.body.is_empty() { Map::new() } else { body(model, shape_name, shape, parts.body)? };
    input.extend(rest::all_located(model, shape, parts));
    Ok(Value::Object(input))
}

/// The structure in a document whose root element has this name.
pub fn body(model: &Model, root_name: &str, shape: &Shape, body: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("the body is not UTF-8: {error}"))?;
    let root = parse(text)?;
    if root.name != root_name {
        return Err(format!("{} is not valid, expected {root_name}", root.name));
    }
    structure(model, shape, &root)
}

/// The document's root element.
fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let at = reader.buffer_position();
        let bad = |what: String| format!("the body is no XML: {what} (byte {at})");
        match reader.read_event().map_err(|error| bad(error.to_string()))? {
            Event::Start(_) if open.len() > DEPTH_MAX => return Err(bad(format!("more than {DEPTH_MAX} levels"))),
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => add(&mut open, element(&start)),
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    add(&mut open, done);
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(text) => append(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => append(&mut open, &resolve(&reference).map_err(bad)?),
            Event::DocType(_) => return Err(bad("a document type is not taken".to_owned())),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(Element { mut children, .. }), true) if children.len() == 1 => Ok(children.remove(0)),
        _ => Err("the body is no XML document with one root element".to_owned()),
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    Element { name: start.local_name().as_ref().to_owned(), ..Element::default() }
}

fn add(open: &mut [Element], done: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(done);
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(parent) = open.last_mut() {
        parent.text.push_str(text);
    }
}

/// `&amp;`, `&#42;`: the five names of XML itself and numbers; a document has no others without a document type.
fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(|| format!("unknown entity `{name}`"))
}

fn structure(model: &Model, shape: &Shape, element: &Element) -> Result<Map<String, Value>, String> {
    let mut out = Map::new();
    let of_name = |name: &str| {
        let body = shape.members.iter().filter(|(_, reference)| reference.location.is_none());
        body.into_iter().find(|(member, reference)| reference.wire_name(member) == name)
    };
    for child in &element.children {
        let Some((member, reference)) = of_name(&child.name) else {
            out.insert(child.name.clone(), Value::from(child.text.as_str()));
            continue;
        };
        let flat = reference.flattened || model.shape(&reference.shape).is_some_and(|shape| shape.flattened);
        let read = value(model, reference, child)?;
        match (out.get_mut(member), flat) {
            (Some(Value::Array(items)), true) => items.push(read),
            (None, true) => drop(out.insert(member.clone(), Value::Array(vec![read]))),
            (None, false) => drop(out.insert(member.clone(), read)),
            (Some(_), _) => return Err(format!("the element {} stands more than once", child.name)),
        }
    }
    Ok(out)
}

fn value(model: &Model, reference: &Reference, element: &Element) -> Result<Value, String> {
    let Some(shape) = model.shape(&reference.shape) else { return Ok(Value::Null) };
    match shape.kind {
        Kind::Structure => Ok(Value::Object(structure(model, shape, element)?)),
        Kind::List if shape.flattened || reference.flattened => match &shape.member {
            Some(member) => value(model, member, element),
            None => Ok(Value::Null),
        },
        Kind::List => {
            let Some(member) = &shape.member else { return Ok(Value::Null) };
            let wanted = member.wire_name("member");
            let items = element.children.iter().map(|child| match child.name == wanted {
                true => value(model, member, child),
                false => Err(format!("{} holds {wanted}, not {}", element.name, child.name)),
            });
            items.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        // None of the shapes that are served here has a map in its body.
        Kind::Map => Err(format!("{}: maps are not served in this protocol", element.name)),
        kind => Ok(scalar(kind, &element.text)),
    }
}

/// The answer: status, headers and body by the model.
pub fn encode(model: &Model, operation: &Operation, output: &Value) -> Encoded {
    let mut encoded = Encoded::new(operation.http.response_code.unwrap_or(200), "text/xml", Vec::new());
    let Some(name) = operation.output.as_deref() else { return encoded };
    let Some(shape) = model.shape(name) else { return encoded };
    encoded.headers.extend(rest::headers(model, shape, output));
    let mut xml = format!("<?xml version=\"1.0\"?>\n<{name} xmlns=\"{}\">", escaped(&namespace(model)));
    structure_to_xml(&mut xml, model, shape, output);
    xml.push_str(&format!("</{name}>"));
    encoded.body = xml.into_bytes();
    encoded
}

/// The document of an error. `InvalidChangeBatch` too: the API reference shows a document of its own for it, but what users
/// captured is this one, and neither botocore nor the SDK for Rust finds the code in the other.
pub fn encode_error(model: Option<&Model>, sender: bool, code: &str, message: &str, request_id: &str) -> String {
    let namespace = model.map(namespace).unwrap_or_default();
    format!("<?xml version=\"1.0\"?>\n{}", query::encode_error(&namespace, sender, code, message, request_id))
}

/// botocore's model has the namespace with each input only; answers use the same.
fn namespace(model: &Model) -> String {
    let host = model.metadata.service_id.replace(' ', "").to_lowercase();
    format!("https://{host}.amazonaws.com/doc/{}/", model.metadata.api_version)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hyper::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    fn read(operation: &str, labels: &[(&str, &str)], query: &str, body: &str) -> Result<Value, String> {
        let model = model_with("route53", operation).unwrap();
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let parts = Parts { labels: &labels, query, headers: &HeaderMap::new(), body: body.as_bytes() };
        decode(model, &model.operations[operation], &parts)
    }

    const BATCH: &str = "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch>\
        <Comment>a &lt;b&gt; &#38; c</Comment><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>a.octank.dev</Name>\
        <Type>TXT</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value><![CDATA[\"x & y\"]]></Value></ResourceRecord>\
        <ResourceRecord><Value/></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>\
        </ChangeResourceRecordSetsRequest>";

    #[test]
    fn a_change_batch_is_read_from_path_and_body() {
        let wanted = json!({"HostedZoneId": "Z1", "ChangeBatch": {"Comment": "a <b> & c", "Changes": [{
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": "a.octank.dev", "Type": "TXT", "TTL": 60,
                "ResourceRecords": [{"Value": "\"x & y\""}, {"Value": ""}],
            },
        }]}});
        assert_eq!(read("ChangeResourceRecordSets", &[("Id", "Z1")], "", BATCH).unwrap(), wanted);
    }

    #[test]
    fn members_of_the_query_string_are_read() {
        let input = read("ListResourceRecordSets", &[("Id", "Z1")], "name=a.b&type=A&maxitems=3", "").unwrap();
        let wanted = json!({
            "HostedZoneId": "Z1", "MaxItems": "3", "StartRecordName": "a.b", "StartRecordType": "A",
        });
        assert_eq!(input, wanted);
    }

    #[test]
    fn what_is_no_document_of_the_operation_is_refused_with_its_place() {
        for (body, part) in [
            ("<ChangeBatch/>", "ChangeBatch is not valid, expected ChangeResourceRecordSetsRequest"),
            ("<a><b></a>", "no XML"),
            ("<a>", "one root element"),
            ("text", "one root element"),
            ("<a>&nbsp;</a>", "unknown entity `nbsp`"),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "document type"),
            (&BATCH.replace("<Type>TXT</Type>", "<Type>TXT</Type><Type>A</Type>"), "Type stands more than once"),
            (&BATCH.replace("<Change>", "<Changed>").replace("</Change>", "</Changed>"), "holds Change, not Changed"),
            (&"<a>".repeat(100), "more than 64 levels"),
        ] {
            let error = read("ChangeResourceRecordSets", &[("Id", "Z1")], "", body).unwrap_err();
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn an_unknown_member_reaches_the_check() {
        let body = BATCH.replace("<TTL>60</TTL>", "<TTL>sixty</TTL><Colour>red</Colour>");
        let input = read("ChangeResourceRecordSets", &[("Id", "Z1")], "", &body).unwrap();
        let model = model_with("route53", "ChangeResourceRecordSets").unwrap();
        let text = model.validate("ChangeResourceRecordSets", &input).unwrap_err().to_string();
        assert!(text.contains("colour") && text.contains("tTL"), "{text}");
    }

    #[test]
    fn an_answer_has_its_status_its_header_and_its_namespace() {
        let model = model_with("route53", "CreateHostedZone").unwrap();
        let output = json!({
            "Location": "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1",
            "HostedZone": {"Id": "/hostedzone/Z1", "Name": "a&b.", "CallerReference": "r", "Config": {"PrivateZone": false}},
            "ChangeInfo": {"Id": "/change/C1", "Status": "PENDING", "SubmittedAt": 1795248000},
        });
        let encoded = encode(model, &model.operations["CreateHostedZone"], &output);
        assert_eq!(encoded.status, 201);
        assert!(encoded.headers.iter().any(|(name, value)| name == "Location" && value.ends_with("/Z1")));
        assert_eq!(
            String::from_utf8(encoded.body).unwrap(),
            "<?xml version=\"1.0\"?>\n<CreateHostedZoneResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HostedZone>\
             <Id>/hostedzone/Z1</Id><Name>a&amp;b.</Name><CallerReference>r</CallerReference><Config><PrivateZone>false\
             </PrivateZone></Config></HostedZone><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>\
             2026-11-21T08:00:00Z</SubmittedAt></ChangeInfo></CreateHostedZoneResponse>"
        );
    }
}
