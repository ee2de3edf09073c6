//! S3's own form of the rest-xml protocol: raw bodies, operations told apart by the query string, errors without a wrapper.
//!
//! Owns: routing by bucket and key (path style, which the SDKs choose by themselves for an IP address), bodies in
//! `aws-chunked`, and S3's documents. What a request carries beyond the operation that was found is refused by name: S3 tells
//! many operations apart by a query string or a header alone, and none may be taken for another.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::query::{escaped, structure_to_xml};
use super::route::Route;
use super::{Encoded, aws_chunked, rest, restxml};
use crate::call::ApiError;
use crate::model::{Kind, Model, Operation, model_with};

/// Headers that belong to the request as such, and to no operation.
const PLUMBING: [&str; 6] = [
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
    "x-amz-trailer",
    "x-amz-user-agent",
];

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

fn not_served(what: &str) -> ApiError {
    let message = format!("A header or query you provided implies functionality that is not implemented: {what}");
    ApiError { status: 501, ..ApiError::client("NotImplemented", message) }
}

/// The operation of a request, with bucket and key.
pub fn route(parts: &Parts) -> Result<Route, ApiError> {
    let shown = || format!("the local cloud's S3 does not serve {} {}", parts.method, parts.uri);
    let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let level = match (bucket.is_empty(), key.is_empty()) {
        (true, _) => "/",
        (false, true) => "/{Bucket}",
        (false, false) => "/{Bucket}/{Key+}",
    };
    let model = model_with("s3", "PutObject").ok_or_else(|| not_served(&shown()))?;
    let fits = |operation: &Operation| {
        let (path, wanted) = template(operation);
        let asked = |(name, value): &(&str, &str)| {
            query.iter().any(|(key, given)| key == name && (value.is_empty() || given == value))
        };
        operation.http.method == parts.method.as_str() && path == level && wanted.iter().all(asked)
    };
    let found = model.operations.iter().filter(|(_, operation)| fits(operation));
    let (name, operation) =
        found.max_by_key(|(_, operation)| template(operation).1.len()).ok_or_else(|| not_served(&shown()))?;
    nothing_beyond(model, operation, &query, &parts.headers)?;
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        text.map_err(|_| ApiError::client("InvalidURI", "Couldn't parse the specified URI."))
    };
    let labels = [("Bucket", bucket), ("Key", key)].into_iter().filter(|(_, text)| !text.is_empty());
    let labels = labels.map(|(name, text)| Ok((name.to_owned(), decoded(text)?)));
    let labels = labels.collect::<Result<BTreeMap<_, _>, ApiError>>()?;
    Ok(Route { model, operation: name.clone(), labels })
}

/// Path and query of an operation's address: `/{Bucket}` and `list-type` with `2`.
fn template(operation: &Operation) -> (&str, Vec<(&str, &str)>) {
    let (path, query) = operation.http.request_uri.split_once('?').unwrap_or((&operation.http.request_uri, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    (path, pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect())
}

/// Refuses what the operation has no member for.
fn nothing_beyond(
    model: &Model,
    operation: &Operation,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let members = operation.input.as_deref().and_then(|name| model.shape(name)).map(|shape| &shape.members);
    let located = |location: &str, name: &str| {
        let mut all = members.into_iter().flatten();
        all.any(|(member, of)| {
            of.location.as_deref() == Some(location) && of.wire_name(member).eq_ignore_ascii_case(name)
        })
    };
    let wanted = template(operation).1;
    let signed = |name: &str| name == "x-id" || name.starts_with("X-Amz-");
    let known = |name: &str| signed(name) || wanted.iter().any(|(own, _)| *own == name) || located("querystring", name);
    if let Some((name, _)) = query.iter().find(|(name, _)| !known(name)) {
        return Err(not_served(&format!("the local cloud's S3 does not serve the query `{name}`")));
    }
    let mut names = headers.keys().map(hyper::header::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    let known = |name: &&str| PLUMBING.contains(name) || name.starts_with("x-amz-meta-") || located("header", name);
    match names.find(|name| !known(name)) {
        Some(name) => Err(not_served(&format!("the local cloud's S3 does not serve the header `{name}`"))),
        None => Ok(()),
    }
}

/// The input in the normal form.
pub fn decode(route: &Route, parts: &Parts, body: &[u8]) -> Result<Value, ApiError> {
    let Some(operation) = route.model.operations.get(&route.operation) else { return Ok(Value::Null) };
    let shape = operation.input.as_deref().and_then(|name| route.model.shape(name));
    let Some(shape) = shape else { return Ok(Value::Object(Map::new())) };
    let (headers, body) = aws_chunked::unwrapped(&parts.headers, body)?;
    let query = parts.uri.query().unwrap_or_default();
    let given = rest::Parts { labels: &route.labels, query, headers: &headers, body: &body };
    let mut input = Map::new();
    let payload = shape.payload.as_deref().and_then(|member| Some((member, shape.members.get(member)?)));
    if let Some((member, reference)) = payload.filter(|_| !body.is_empty()) {
        let inner = route.model.shape(&reference.shape);
        let value = match inner {
            Some(inner) if inner.kind == Kind::Structure => {
                let malformed = |what| ApiError::client("MalformedXML", what);
                let read = restxml::body(route.model, reference.wire_name(member), inner, &body);
                Value::Object(read.map_err(malformed)?)
            }
            _ => Value::from(STANDARD.encode(&body)),
        };
        input.insert(member.to_owned(), value);
    }
    input.extend(rest::all_located(route.model, shape, &given));
    Ok(Value::Object(input))
}

/// The root element of an answer, where it is not the name of its shape.
fn root(operation: &str) -> &'static str {
    match operation {
        "ListBuckets" => "ListAllMyBucketsResult",
        "GetBucketVersioning" => "VersioningConfiguration",
        _ => "ListBucketResult",
    }
}

/// The answer: status, headers and body by the model.
pub fn encode(model: &Model, name: &str, operation: &Operation, output: &Value, request_id: &str) -> Encoded {
    let status = operation.http.response_code.unwrap_or(200);
    let mut encoded = Encoded { status, headers: marks(request_id), body: Vec::new() };
    let Some(shape) = operation.output.as_deref().and_then(|name| model.shape(name)) else { return encoded };
    encoded.headers.extend(rest::headers(model, shape, output));
    let payload = shape.payload.as_deref().and_then(|member| Some((member, shape.members.get(member)?)));
    let mut document = |root: &str, shape, value: &Value| {
        let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">");
        structure_to_xml(&mut xml, model, shape, value);
        xml.push_str(&format!("</{root}>"));
        encoded.headers.push(("content-type".to_owned(), "application/xml".to_owned()));
        encoded.body = xml.into_bytes();
    };
    match payload {
        Some((member, reference)) => match model.shape(&reference.shape) {
            Some(inner) if inner.kind == Kind::Structure => {
                document(reference.wire_name(member), inner, &output[member]);
            }
            _ => encoded.body = STANDARD.decode(output[member].as_str().unwrap_or_default()).unwrap_or_default(),
        },
        None if shape.members.values().any(|reference| reference.location.is_none()) => {
            document(root(name), shape, output);
        }
        None => {}
    }
    encoded
}

/// The document of an error: no wrapper, and its details beside the message. The answer to a `HEAD` has no body, so there a
/// caller sees the status alone; the server leaves the document away.
pub fn encode_error(status: u16, code: &str, error: &ApiError, request_id: &str) -> Encoded {
    let element = |name: &str, text: &str| format!("<{name}>{}</{name}>", escaped(text));
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>".to_owned();
    xml.push_str(&element("Code", code));
    xml.push_str(&element("Message", &error.message));
    for (name, value) in &error.fields {
        xml.push_str(&element(name, value.as_str().unwrap_or_default()));
    }
    xml.push_str(&element("RequestId", request_id));
    xml.push_str(&element("HostId", &host(request_id)));
    xml.push_str("</Error>");
    let mut headers = marks(request_id);
    headers.push(("content-type".to_owned(), "application/xml".to_owned()));
    Encoded { status, headers, body: xml.into_bytes() }
}

/// The two ids of S3's answers, under S3's own names.
fn marks(request_id: &str) -> Vec<(String, String)> {
    vec![("x-amz-request-id".to_owned(), request_id.to_owned()), ("x-amz-id-2".to_owned(), host(request_id))]
}

fn host(request_id: &str) -> String {
    STANDARD.encode(request_id)
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use serde_json::json;

    use super::*;

    fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn bucket_key_and_query_tell_the_operations_apart() {
        for (method, uri, wanted, key) in [
            ("GET", "/", "ListBuckets", None),
            ("PUT", "/audit", "CreateBucket", None),
            ("HEAD", "/audit/", "HeadBucket", None),
            ("GET", "/audit?list-type=2&prefix=a%2Fb", "ListObjectsV2", None),
            ("GET", "/audit?encryption", "GetBucketEncryption", None),
            ("GET", "/audit?versioning=", "GetBucketVersioning", None),
            ("PUT", "/audit/a/b%20c//d/?x-id=PutObject", "PutObject", Some("a/b c//d/")),
            ("GET", "/audit/a?x-id=GetObject", "GetObject", Some("a")),
            ("DELETE", "/audit/a+b", "DeleteObject", Some("a+b")),
        ] {
            let route = route(&parts(method, uri, &[])).unwrap();
            assert_eq!((route.operation.as_str(), route.labels.get("Key").map(String::as_str)), (wanted, key), "{uri}");
        }
    }

    #[test]
    fn what_would_be_another_operation_is_refused_by_name() {
        for (method, uri, headers, part) in [
            ("GET", "/audit", &[][..], "GET /audit"),
            ("POST", "/audit/a?uploads", &[], "uploads"),
            ("PUT", "/audit/a?partNumber=1&uploadId=2", &[], "partNumber"),
            ("GET", "/audit/a?acl", &[], "acl"),
            ("PUT", "/audit?versioning", &[], "versioning"),
            ("PUT", "/audit/a", &[("x-amz-copy-source", "/audit/b")], "x-amz-copy-source"),
        ] {
            let error = route(&parts(method, uri, headers)).unwrap_err();
            assert_eq!((error.status, error.code.as_str()), (501, "NotImplemented"), "{uri}");
            assert!(error.message.contains(part), "{part} in {}", error.message);
        }
    }

    #[test]
    fn headers_metadata_and_bytes_become_members() {
        let headers = [("content-type", "text/html"), ("x-amz-meta-run", "7"), ("if-none-match", "*")];
        let parts = parts("PUT", "/audit/page", &headers);
        let input = decode(&route(&parts).unwrap(), &parts, b"\xff\x00").unwrap();
        let wanted = json!({
            "Body": "/wA=", "Bucket": "audit", "ContentType": "text/html", "IfNoneMatch": "*", "Key": "page",
            "Metadata": {"run": "7"},
        });
        assert_eq!(input, wanted);
    }

    #[test]
    fn a_buckets_place_is_read_from_its_document() {
        let parts = parts("PUT", "/audit", &[]);
        let route = route(&parts).unwrap();
        let body = b"<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>eu-west-1\
                    </LocationConstraint></CreateBucketConfiguration>";
        let input = decode(&route, &parts, body).unwrap();
        assert_eq!(input["CreateBucketConfiguration"], json!({"LocationConstraint": "eu-west-1"}));
        assert_eq!(decode(&route, &parts, b"<Other/>").unwrap_err().code, "MalformedXML");
    }

    #[test]
    fn an_error_has_no_wrapper_and_names_what_it_is_about() {
        let mut error = ApiError::client("NoSuchKey", "The specified key does not exist.");
        error.fields.insert("Key".to_owned(), json!("a&b"));
        let encoded = encode_error(404, "NoSuchKey", &error, "r-1");
        assert_eq!(
            String::from_utf8(encoded.body).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.\
             </Message><Key>a&amp;b</Key><RequestId>r-1</RequestId><HostId>ci0x</HostId></Error>"
        );
    }

    #[test]
    fn an_objects_answer_is_its_bytes_and_its_headers() {
        let model = model_with("s3", "GetObject").unwrap();
        let output = json!({"Body": "/wA=", "ETag": "\"e\"", "LastModified": 1795248000, "Metadata": {"run": "7"}});
        let encoded = encode(model, "GetObject", &model.operations["GetObject"], &output, "r");
        assert_eq!(encoded.body, b"\xff\x00");
        for (name, value) in
            [("Last-Modified", "Sat, 21 Nov 2026 08:00:00 GMT"), ("x-amz-meta-run", "7"), ("ETag", "\"e\"")]
        {
            assert!(encoded.headers.contains(&(name.to_owned(), value.to_owned())), "{name} in {:?}", encoded.headers);
        }
    }
}
