//! Which service and operation a request is for, and who makes it.
//!
//! The service is the one that the client signed for (the credential scope of SigV4); the key says who calls. The signature
//! itself is not checked, and its date only in [`super::dated`]: the gateway listens on loopback only, and time in it jumps.

use std::collections::BTreeMap;

use hyper::http::request::Parts;

use super::{Protocol, query, rest, s3};
use crate::call::ApiError;
use crate::model::{Model, models};

/// The credential scope of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub access_key: String,
    pub service: String,
}

/// A request for an operation that exists.
#[derive(Debug)]
pub struct Route {
    pub model: &'static Model,
    pub operation: String,
    pub labels: BTreeMap<String, String>,
}

/// The scope from the `Authorization` header or the query string of a presigned address.
pub fn scope(parts: &Parts) -> Option<Scope> {
    let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
    let credential = match header {
        Some(header) => header.split("Credential=").nth(1)?.split([',', ' ']).next()?.to_owned(),
        None => query::fields(parts.uri.query()?.as_bytes()).remove("X-Amz-Credential")?,
    };
    let words: Vec<&str> = credential.split('/').collect();
    let service = words.len().checked_sub(2).filter(|n| *n >= 2).map(|n| words[n])?;
    Some(Scope { access_key: words[0].to_owned(), service: service.to_owned() })
}

/// The protocol in which the request is written.
pub fn protocol(parts: &Parts, body: &[u8]) -> Protocol {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content = header("content-type");
    // First: the type of an object is its owner's affair, and says nothing about the protocol.
    if scope(parts).is_some_and(|scope| scope.service == "s3") {
        return Protocol::S3;
    }
    if !header("x-amz-target").is_empty() {
        return Protocol::Json(if content.contains("json-1.1") { "1.1" } else { "1.0" });
    }
    if header("smithy-protocol") == "rpc-v2-cbor" || content.starts_with("application/cbor") {
        return Protocol::Cbor;
    }
    let query = parts.uri.query().unwrap_or_default();
    let form = content.starts_with("application/x-www-form-urlencoded");
    let is_root = parts.uri.path() == "/";
    let is_query = is_root && (form || has_action(query.as_bytes()) || has_action(body));
    match is_query {
        true if signed_for(parts, "ec2") => Protocol::Ec2,
        true => Protocol::Query,
        false if signed_for(parts, "rest-xml") => Protocol::RestXml,
        false => Protocol::Rest,
    }
}

/// The two of forms and the two of paths look alike from outside: the service that the request is signed for decides.
fn signed_for(parts: &Parts, protocol: &str) -> bool {
    scope(parts).is_some_and(|scope| models(&scope.service).any(|model| model.speaks(protocol)))
}

fn has_action(form: &[u8]) -> bool {
    form.starts_with(b"Action=") || form.windows(8).any(|window| window == b"&Action=")
}

/// The operation of the service, or the error with which AWS refuses an unknown one.
pub fn route(
    service: &str,
    protocol: Protocol,
    parts: &Parts,
    form: &BTreeMap<String, String>,
) -> Result<Route, ApiError> {
    if models(service).next().is_none() {
        let known: Vec<&str> = crate::model::services().collect();
        let message = format!(
            "the local cloud has no service `{service}` (the name in the signature); it has {}",
            known.join(", ")
        );
        return Err(ApiError::client("UnknownServiceException", message));
    }
    if protocol == Protocol::S3 {
        return s3::route(parts);
    }
    let found = match protocol {
        Protocol::Json(_) => by_target(service, parts),
        Protocol::Cbor => by_rpc_path(service, parts.uri.path()),
        Protocol::Query => by_action(service, "query", form),
        Protocol::Ec2 => by_action(service, "ec2", form),
        Protocol::Rest => by_path(service, "rest-json", parts),
        Protocol::RestXml | Protocol::S3 => by_path(service, "rest-xml", parts),
    };
    found.ok_or_else(|| unknown_operation(service, protocol, parts, form))
}

fn by_target(service: &str, parts: &Parts) -> Option<Route> {
    let target = parts.headers.get("x-amz-target")?.to_str().ok()?;
    let (prefix, operation) = target.rsplit_once('.')?;
    let speaks = |model: &&Model| model.metadata.target_prefix.as_deref() == Some(prefix);
    plain(models(service).find(speaks)?, operation)
}

/// `/service/GraniteServiceVersion20100801/operation/PutMetricData`; the service's name there is not looked at.
fn by_rpc_path(service: &str, path: &str) -> Option<Route> {
    let mut words = path.rsplit('/');
    let (operation, keyword) = (words.next()?, words.next()?);
    let model = models(service).find(|model| model.speaks("smithy-rpc-v2-cbor"))?;
    (keyword == "operation").then(|| plain(model, operation)).flatten()
}

fn by_action(service: &str, protocol: &str, form: &BTreeMap<String, String>) -> Option<Route> {
    let model = models(service).find(|model| model.speaks(protocol))?;
    plain(model, form.get("Action")?)
}

fn by_path(service: &str, protocol: &str, parts: &Parts) -> Option<Route> {
    models(service).filter(|model| model.speaks(protocol)).find_map(|model| {
        let (operation, labels) = rest::find(model, parts.method.as_str(), parts.uri.path())?;
        Some(Route { model, operation: operation.to_owned(), labels })
    })
}

/// Only what the model has is reachable, so that an internal operation (`_Append`) never is.
fn plain(model: &'static Model, operation: &str) -> Option<Route> {
    let known = model.operations.contains_key(operation) && !operation.starts_with('_');
    known.then(|| Route { model, operation: operation.to_owned(), labels: BTreeMap::new() })
}

fn unknown_operation(service: &str, protocol: Protocol, parts: &Parts, form: &BTreeMap<String, String>) -> ApiError {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let asked = match protocol {
        Protocol::Json(_) => header("x-amz-target").to_owned(),
        Protocol::Query | Protocol::Ec2 => form.get("Action").cloned().unwrap_or_default(),
        Protocol::Cbor | Protocol::Rest | Protocol::RestXml | Protocol::S3 => {
            format!("{} {}", parts.method, parts.uri.path())
        }
    };
    let message = format!("`{asked}` is no operation of {service} that the local cloud's model has in this protocol");
    match protocol {
        Protocol::Query | Protocol::Ec2 => ApiError::client("InvalidAction", message),
        Protocol::Rest | Protocol::RestXml | Protocol::S3 => {
            ApiError { status: 404, ..ApiError::client("UnknownOperationException", message) }
        }
        Protocol::Json(_) | Protocol::Cbor => ApiError::client("UnknownOperationException", message),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    const SIGNED: &str =
        "AWS4-HMAC-SHA256 Credential=KEY1/20261121/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=00";

    #[test]
    fn the_scope_is_read_from_the_header_and_from_a_presigned_address() {
        let wanted = Some(Scope { access_key: "KEY1".to_owned(), service: "monitoring".to_owned() });
        assert_eq!(scope(&parts("POST", "/", &[("authorization", SIGNED)])), wanted);
        let presigned = "/?X-Amz-Credential=KEY1%2F20261121%2Feu-west-1%2Fmonitoring%2Faws4_request";
        assert_eq!(scope(&parts("GET", presigned, &[])), wanted);
        assert_eq!(scope(&parts("POST", "/", &[])), None);
        assert_eq!(scope(&parts("POST", "/", &[("authorization", "Bearer x")])), None);
    }

    #[test]
    fn one_operation_is_found_in_each_of_cloudwatchs_protocols() {
        let json = parts("POST", "/", &[("x-amz-target", "GraniteServiceVersion20100801.DescribeAlarms")]);
        let rpc = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
        let cbor = parts("POST", rpc, &[("smithy-protocol", "rpc-v2-cbor")]);
        let form = parts("POST", "/", &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]);
        let fields = query::fields(b"Action=DescribeAlarms&Version=2010-08-01");
        for (parts, wanted) in [(json, Protocol::Json("1.0")), (cbor, Protocol::Cbor), (form, Protocol::Query)] {
            let protocol = protocol(&parts, b"");
            assert_eq!(protocol, wanted);
            assert_eq!(route("monitoring", protocol, &parts, &fields).unwrap().operation, "DescribeAlarms");
        }
    }

    #[test]
    fn streams_and_tables_share_a_scope_and_are_told_apart_by_their_target() {
        for (target, version) in [("DynamoDB_20120810.GetItem", 57), ("DynamoDBStreams_20120810.GetRecords", 4)] {
            let parts = parts("POST", "/", &[("x-amz-target", target)]);
            let route = route("dynamodb", Protocol::Json("1.0"), &parts, &BTreeMap::new()).unwrap();
            assert!(route.model.operations.len() <= version, "{target}");
            assert!(target.ends_with(&route.operation));
        }
    }

    #[test]
    fn what_the_model_lacks_is_not_reachable() {
        for target in ["Logs_20140328._Append", "Logs_20140328.Nonsense", "AppRunner.DescribeService", "nonsense"] {
            let parts = parts("POST", "/", &[("x-amz-target", target)]);
            let error = route("logs", Protocol::Json("1.1"), &parts, &BTreeMap::new()).unwrap_err();
            assert_eq!(error.code, "UnknownOperationException");
            assert!(error.message.contains(target));
        }
        let get = parts("GET", "/", &[]);
        let error = route("kinesis", Protocol::Rest, &get, &BTreeMap::new()).unwrap_err();
        assert!(error.message.contains("apprunner, dynamodb"), "{}", error.message);
    }
}
