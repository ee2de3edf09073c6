//! The ec2 protocol: a form in the request as in the query protocol, but with names and lists of its own, and XML in the answer
//! without a wrapper.
//!
//! Owns: what EC2 does otherwise than the query protocol. Never decides what a call does.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::query::{self, Dialect, escaped};
use crate::call::ApiError;
use crate::model::{Model, Operation, Rule, Violations};

/// The input in the normal form.
pub fn decode(model: &Model, operation: &Operation, fields: &BTreeMap<String, String>) -> Value {
    query::decode_as(Dialect::Ec2, model, operation, fields)
}

/// The answer's document. The namespace of the wire ends with a slash, the model's does not.
pub fn encode(model: &Model, name: &str, operation: &Operation, output: &Value, request_id: &str) -> String {
    let namespace = model.metadata.xml_namespace.as_deref().unwrap_or_default();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = write!(xml, "<{name}Response xmlns=\"{}/\"><requestId>{request_id}</requestId>", escaped(namespace));
    match operation.output.as_deref().and_then(|shape| model.shape(shape)) {
        Some(shape) => query::structure_to_xml(&mut xml, model, shape, output),
        // What has no output of its own says that it was done.
        None => xml.push_str("<return>true</return>"),
    }
    let _ = write!(xml, "</{name}Response>");
    xml
}

/// The document of an error: a list of one, and no word of whose fault it is.
pub fn encode_error(code: &str, message: &str, request_id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
         <RequestID>{request_id}</RequestID></Response>",
        escaped(code),
        escaped(message)
    )
}

/// How EC2 refuses what the model refuses: it names the first thing that is wrong, and has a code for each kind of it.
pub fn refusal(wrong: &Violations) -> ApiError {
    let Some(first) = wrong.0.first() else { return ApiError::client("InvalidParameterValue", wrong.to_string()) };
    let path = &first.path;
    match &first.rule {
        Rule::Required => {
            ApiError::client("MissingParameter", format!("The request must contain the parameter {path}"))
        }
        Rule::Unknown { .. } => ApiError::client("UnknownParameter", format!("The parameter {path} is not recognized")),
        rule => ApiError::client("InvalidParameterValue", format!("Invalid value for the parameter {path}: {rule}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::model_with;

    fn read(operation: &str, form: &str) -> Value {
        let model = model_with("ec2", operation).unwrap();
        decode(model, &model.operations[operation], &query::fields(form.as_bytes()))
    }

    fn refused(operation: &str, form: &str) -> ApiError {
        let model = model_with("ec2", operation).unwrap();
        refusal(&model.validate(operation, &read(operation, form)).unwrap_err())
    }

    #[test]
    fn lists_are_flat_and_names_are_capitalised() {
        let form = "Action=DescribeSubnets&Version=2016-11-15&SubnetId.1=subnet-1&SubnetId.2=subnet-2&DryRun=false\
                    &Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.1.Value.2=vpc-2&MaxResults=5";
        let wanted = json!({
            "SubnetIds": ["subnet-1", "subnet-2"], "MaxResults": 5, "DryRun": false,
            "Filters": [{"Name": "vpc-id", "Values": ["vpc-1", "vpc-2"]}],
        });
        assert_eq!(read("DescribeSubnets", form), wanted);
    }

    #[test]
    fn structures_in_lists_in_lists_are_read() {
        let form = "Action=AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=443\
                    &IpPermissions.1.ToPort=443&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8\
                    &IpPermissions.1.Groups.1.GroupId=sg-2&TagSpecification.1.ResourceType=security-group-rule\
                    &TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=";
        let wanted = json!({
            "GroupId": "sg-1",
            "IpPermissions": [{
                "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
                "UserIdGroupPairs": [{"GroupId": "sg-2"}],
            }],
            "TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": ""}]}],
        });
        assert_eq!(read("AuthorizeSecurityGroupIngress", form), wanted);
    }

    #[test]
    fn a_query_name_comes_before_a_capitalised_one() {
        let named = |text: &str| serde_json::from_str::<crate::model::Reference>(text).unwrap();
        let both = named(r#"{"shape":"S","locationName":"ipv6AddressesSet","queryName":"Ipv6Addresses"}"#);
        assert_eq!(Dialect::Ec2.name(&both, "Ipv6Addresses"), "Ipv6Addresses");
        assert_eq!(Dialect::Ec2.name(&named(r#"{"shape":"S","locationName":"groupId"}"#), "Id"), "GroupId");
        assert_eq!(Dialect::Ec2.name(&named(r#"{"shape":"S"}"#), "Id"), "Id");
        assert_eq!(Dialect::Plain.name(&both, "Ipv6Addresses"), "ipv6AddressesSet");
    }

    #[test]
    fn an_answer_has_no_wrapper_and_its_request_id_in_the_root() {
        let model = model_with("ec2", "DescribeVpcs").unwrap();
        let output = json!({"Vpcs": [{"VpcId": "vpc-1", "IsDefault": false, "Tags": [{"Key": "a", "Value": "<&>"}]}]});
        assert_eq!(
            encode(model, "DescribeVpcs", &model.operations["DescribeVpcs"], &output, "r-1"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <requestId>r-1</requestId><vpcSet><item><vpcId>vpc-1</vpcId><isDefault>false</isDefault><tagSet><item><key>a</key>\
             <value>&lt;&amp;&gt;</value></item></tagSet></item></vpcSet></DescribeVpcsResponse>"
        );
        let done = encode(model, "DeleteVpc", &model.operations["DeleteVpc"], &json!({}), "r-2");
        assert!(done.ends_with("<requestId>r-2</requestId><return>true</return></DeleteVpcResponse>"), "{done}");
    }

    #[test]
    fn an_error_is_a_list_of_one() {
        let xml = encode_error("InvalidVpcID.NotFound", "The vpc ID '<x>' does not exist", "r-1");
        assert!(
            xml.ends_with(
                "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>The vpc ID '&lt;x&gt;' does not exist\
                 </Message></Error></Errors><RequestID>r-1</RequestID></Response>"
            ),
            "{xml}"
        );
    }

    #[test]
    fn what_the_model_refuses_has_a_code_of_its_kind() {
        for (operation, form, code, part) in [
            ("CreateSubnet", "CidrBlock=10.0.0.0%2F24", "MissingParameter", "vpcId"),
            ("DescribeVpcs", "Colour=red", "UnknownParameter", "colour"),
            ("DescribeVpcs", "MaxResults=4", "InvalidParameterValue", "maxResults"),
            ("DescribeVpcs", "MaxResults=many", "InvalidParameterValue", "maxResults"),
        ] {
            let error = refused(operation, form);
            assert_eq!(error.code, code, "{form}");
            assert!(error.message.contains(part), "{}", error.message);
        }
    }
}
