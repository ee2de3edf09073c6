//! CloudTrail: every write call, also a refused one, as an event of the account (facts, 5.3).

use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, Caller, Ctx, Place};
use crate::effect::Effect;
use crate::sts::account_of_role;

/// What CloudTrail shows instead of commands and environment values.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
const HIDDEN_MEMBERS: [&str; 4] =
    ["BuildCommand", "StartCommand", "RuntimeEnvironmentVariables", "RuntimeEnvironmentSecrets"];

pub(super) fn record(ctx: &mut Ctx<'_>, call: &Call, answer: &Answer) {
    let mut detail = json!({
        "eventVersion": "1.08",
        "userIdentity": identity(ctx.place, &call.caller),
        "eventTime": ctx.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "apprunner.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": ctx.place.region,
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": shown(&call.input),
        "responseElements": answer.as_ref().map_or(Value::Null, shown),
        "requestID": call.request_id,
        "eventID": ctx.ids.uuid(),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": ctx.place.account,
        "eventCategory": "Management",
    });
    if let Err(error) = answer {
        detail["errorCode"] = json!(error.code);
        detail["errorMessage"] = json!(error.message);
    }
    ctx.effects.push(Effect::Event {
        source: "aws.apprunner".to_owned(),
        detail_type: "AWS API Call via CloudTrail".to_owned(),
        resources: Vec::new(),
        detail,
    });
}

fn identity(place: &Place, caller: &Caller) -> Value {
    let Place { partition, account, .. } = place;
    match caller {
        Caller::Operator => json!({
            "type": "IAMUser",
            "arn": format!("arn:{partition}:iam::{account}:user/operator"),
            "accountId": account,
            "userName": "operator",
        }),
        Caller::Role { role_arn, actor } => {
            let role = role_arn.rsplit('/').next().unwrap_or_default();
            // A role of another account stays that account's, wherever it acts.
            let account = account_of_role(place, role_arn);
            json!({
                "type": "AssumedRole",
                "arn": format!("arn:{partition}:sts::{account}:assumed-role/{role}/{actor}"),
                "accountId": account,
                "sessionContext": {
                    "sessionIssuer": { "type": "Role", "arn": role_arn, "accountId": account, "userName": role },
                },
            })
        }
        Caller::Aws(service) => json!({ "type": "AWSService", "invokedBy": service }),
    }
}

/// Member names with their first letter lowered (`dNSTarget`), secrets hidden.
fn shown(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let hidden = HIDDEN_MEMBERS.contains(&name.as_str());
                (lowered(name), if hidden { json!(HIDDEN) } else { shown(value) })
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(shown).collect(),
        other => other.clone(),
    }
}

fn lowered(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
