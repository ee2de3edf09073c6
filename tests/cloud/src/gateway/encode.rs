//! Answers and errors on the wire, in the protocol of the request.

use serde_json::{Map, Value};

use super::{Encoded, Protocol, cbor, ec2, json, query, rest, restxml, s3};
use crate::call::ApiError;
use crate::model::Model;

/// A successful answer. The request id stands in the body of the query protocol, and in a header of every answer.
pub fn answer(model: &Model, operation: &str, protocol: Protocol, output: &Value, request_id: &str) -> Encoded {
    let Some(op) = model.operations.get(operation) else { return Encoded::new(500, "text/plain", Vec::new()) };
    match protocol {
        Protocol::Json(version) => {
            let body = match op.output.as_deref() {
                Some(shape) => json::encode(model, shape, output),
                None => Value::Object(Map::new()),
            };
            Encoded::new(200, json_type(version), body.to_string().into_bytes())
        }
        Protocol::Query => {
            Encoded::new(200, "text/xml", query::encode(model, operation, op, output, request_id).into_bytes())
        }
        Protocol::Ec2 => {
            Encoded::new(200, "text/xml", ec2::encode(model, operation, op, output, request_id).into_bytes())
        }
        Protocol::Cbor => {
            let body = cbor::encode(model, op.output.as_deref(), output);
            Encoded::new(200, "application/cbor", body).with("smithy-protocol", "rpc-v2-cbor")
        }
        Protocol::Rest => rest::encode(model, op, output),
        Protocol::RestXml => restxml::encode(model, op, output),
        Protocol::S3 => s3::encode(model, operation, op, output, request_id),
    }
}

/// An error. Its name and status come from the model where the model has it; an error that the model lacks keeps its own.
pub fn error(model: Option<&Model>, protocol: Protocol, error: &ApiError, request_id: &str) -> Encoded {
    let code = error.code.rsplit('#').next().unwrap_or_default();
    let modelled = model.and_then(|model| model.error(code));
    let name = modelled.map_or(code, |(name, _)| name);
    let details = modelled.and_then(|(_, shape)| shape.error.as_ref());
    let old_code = model.map_or(name, |model| model.old_code(name));
    let status = match error.status {
        400 => details.and_then(|details| details.http_status_code).unwrap_or(400),
        status => status,
    };
    let message = &error.message;
    let mut encoded = match protocol {
        Protocol::Query => {
            let namespace = model.and_then(|model| model.metadata.xml_namespace.as_deref()).unwrap_or_default();
            let xml = query::encode_error(namespace, status < 500, old_code, message, request_id);
            Encoded::new(status, "text/xml", xml.into_bytes())
        }
        Protocol::Ec2 => Encoded::new(status, "text/xml", ec2::encode_error(name, message, request_id).into_bytes()),
        Protocol::RestXml => {
            let xml = restxml::encode_error(model, status < 500, old_code, message, request_id);
            Encoded::new(status, "text/xml", xml.into_bytes())
        }
        Protocol::S3 => s3::encode_error(status, code, error, request_id),
        Protocol::Cbor => {
            let body = cbor::encode_error(name, message, &error.fields);
            Encoded::new(status, "application/cbor", body).with("smithy-protocol", "rpc-v2-cbor")
        }
        Protocol::Json(version) => {
            let body = error_body(model, name, error, Some(name));
            Encoded::new(status, json_type(version), body.to_string().into_bytes())
        }
        Protocol::Rest => {
            let body = error_body(model, name, error, None);
            Encoded::new(status, "application/json", body.to_string().into_bytes())
        }
    };
    if !protocol.is_xml() {
        encoded = encoded.with("x-amzn-errortype", name);
    }
    if !protocol.is_xml() && model.is_some_and(|model| model.metadata.aws_query_compatible.is_some()) {
        let who = if status < 500 { "Sender" } else { "Receiver" };
        encoded = encoded.with("x-amzn-query-error", &format!("{old_code};{who}"));
    }
    encoded
}

/// The members of the error's shape; the message's member is spelt as the shape spells it.
fn error_body(model: Option<&Model>, name: &str, error: &ApiError, kind: Option<&str>) -> Value {
    let shape = model.and_then(|model| model.shape(name));
    let message = shape.and_then(|shape| shape.members.keys().find(|member| member.eq_ignore_ascii_case("message")));
    let mut body = Map::new();
    if let Some(kind) = kind {
        body.insert("__type".to_owned(), Value::from(kind));
    }
    let fields = match (model, shape) {
        (Some(model), Some(_)) => json::encode(model, name, &Value::Object(error.fields.clone())),
        _ => Value::Object(error.fields.clone()),
    };
    body.extend(fields.as_object().cloned().unwrap_or_default());
    body.insert(message.map_or("message", String::as_str).to_owned(), Value::from(error.message.as_str()));
    Value::Object(body)
}

fn json_type(version: &str) -> &'static str {
    if version == "1.1" { "application/x-amz-json-1.1" } else { "application/x-amz-json-1.0" }
}

/// The code under which a service refuses what its model refuses.
pub fn bad_input_code(service: &str) -> &'static str {
    match service {
        "apprunner" => "InvalidRequestException",
        "ecr" | "ecr-public" | "logs" => "InvalidParameterException",
        "sns" => "InvalidParameter",
        "sqs" => "InvalidParameterValue",
        "iam" | "monitoring" | "sts" => "ValidationError",
        "route53" => "InvalidInput",
        "s3" => "InvalidArgument",
        "securityhub" => "InvalidInputException",
        _ => "ValidationException",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    fn json_of(encoded: &Encoded) -> Value {
        serde_json::from_slice(&encoded.body).unwrap()
    }

    #[test]
    fn app_runners_message_has_a_capital_letter() {
        let model = model_with("apprunner", "DescribeService");
        let encoded = error(model, Protocol::Json("1.0"), &ApiError::client("ResourceNotFoundException", "gone"), "r");
        assert_eq!(json_of(&encoded), json!({"__type": "ResourceNotFoundException", "Message": "gone"}));
        assert_eq!(encoded.status, 400);
    }

    #[test]
    fn sqs_names_its_old_code_in_a_header() {
        let model = model_with("sqs", "GetQueueUrl");
        for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
            let encoded = error(model, Protocol::Json("1.0"), &ApiError::client(code, "no such queue"), "r");
            assert_eq!(json_of(&encoded)["__type"], "QueueDoesNotExist");
            let old = ("x-amzn-query-error".to_owned(), "AWS.SimpleQueueService.NonExistentQueue;Sender".to_owned());
            assert!(encoded.headers.contains(&old), "{:?}", encoded.headers);
        }
    }

    #[test]
    fn an_error_of_the_query_protocol_has_the_models_status() {
        let model = model_with("sns", "GetTopicAttributes");
        let encoded = error(model, Protocol::Query, &ApiError::client("NotFoundException", "Topic <x>"), "r-1");
        let text = String::from_utf8(encoded.body).unwrap();
        assert_eq!(encoded.status, 404);
        assert!(text.contains("<Code>NotFound</Code><Message>Topic &lt;x&gt;</Message>"), "{text}");
        assert!(text.contains("<RequestId>r-1</RequestId>"), "{text}");
    }

    #[test]
    fn further_members_of_an_error_are_kept() {
        let model = model_with("dynamodb", "TransactWriteItems");
        let reasons = json!([{"Code": "ConditionalCheckFailed"}]);
        let mut failed = ApiError::client("TransactionCanceledException", "cancelled");
        failed.fields.insert("CancellationReasons".to_owned(), reasons.clone());
        let encoded = error(model, Protocol::Json("1.0"), &failed, "r");
        assert_eq!(json_of(&encoded)["CancellationReasons"], reasons);
        assert_eq!(json_of(&encoded)["Message"], "cancelled");
    }
}
