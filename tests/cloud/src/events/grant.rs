//! Who may bring something to a function or a queue: the resources' own policies, as far as the bus needs them.

use std::collections::HashMap;

use awsim_iam_policy::{AuthzRequest, ContextValue, Decision, EvalContext, PolicyDocument, evaluate, parse_value};
use serde_json::Value;

use super::{Bus, Origin};

/// `AWS::Lambda::Permission`: which principal may invoke a function, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Grant {
    pub function_arn: String,
    /// Such as `events.amazonaws.com`.
    pub principal: String,
    /// `*` and `?` are wildcards, as in an `ArnLike` condition.
    pub source_arn: Option<String>,
    pub source_account: Option<String>,
}

impl Grant {
    fn allows(&self, function_arn: &str, principal: &str, source_arn: &str, account: &str) -> bool {
        let source =
            self.source_arn.as_deref().is_none_or(|wanted| awsim_iam_policy::glob::matches_arn(wanted, source_arn));
        let from = self.source_account.as_deref().is_none_or(|wanted| wanted == account);
        self.function_arn == function_arn && self.principal == principal && source && from
    }
}

/// A queue's own policy, reduced to what AWS services may do.
#[derive(Clone, Debug)]
pub struct QueuePolicy {
    queue_arn: String,
    /// By the service of the principal: its statements as a document of their own.
    by_service: Vec<(String, PolicyDocument)>,
}

/// A queue policy that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the policy of queue {queue_arn} cannot be read: {reason}")]
pub struct QueuePolicyError {
    pub queue_arn: String,
    pub reason: String,
}

impl QueuePolicy {
    /// Reads the policy document of a queue.
    ///
    /// # Errors
    /// Where a statement is no IAM statement.
    pub fn parse(queue_arn: &str, document: &Value) -> Result<Self, QueuePolicyError> {
        let wrong = |reason: String| QueuePolicyError { queue_arn: queue_arn.to_owned(), reason };
        let statements = match &document["Statement"] {
            Value::Array(statements) => statements.clone(),
            single @ Value::Object(_) => vec![single.clone()],
            _ => return Err(wrong("it has no Statement".to_owned())),
        };
        let mut by_service = Vec::new();
        for mut statement in statements {
            let principal = statement.as_object_mut().and_then(|fields| fields.remove("Principal"));
            let services = match principal.as_ref().map(|principal| &principal["Service"]) {
                Some(Value::String(one)) => vec![one.clone()],
                Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ if principal == Some(Value::from("*")) => vec!["*".to_owned()],
                _ => continue,
            };
            // Without its principal the statement reads like one of the service's own policy.
            let alone = serde_json::json!({"Version": "2012-10-17", "Statement": [statement]});
            let parsed = parse_value(&alone).map_err(|error| wrong(format!("{error:?}")))?;
            by_service.extend(services.into_iter().map(|service| (service, parsed.clone())));
        }
        Ok(Self { queue_arn: queue_arn.to_owned(), by_service })
    }

    fn documents<'p>(&'p self, service: &'p str) -> impl Iterator<Item = &'p PolicyDocument> {
        self.by_service.iter().filter(move |(name, _)| name == service || name == "*").map(|(_, document)| document)
    }
}

impl Bus {
    /// Whether a rule may invoke a function.
    pub(super) fn may_invoke(&self, function_arn: &str, origin: &Origin) -> bool {
        let account = &self.place.account;
        self.grants.iter().any(|grant| grant.allows(function_arn, "events.amazonaws.com", origin.arn(), account))
    }

    /// Whether the queue's policy lets EventBridge send to it on behalf of a rule.
    pub(super) fn may_send(&self, queue_arn: &str, origin: &Origin) -> bool {
        let policies = self.queue_policies.iter().filter(|policy| policy.queue_arn == queue_arn);
        let documents: Vec<PolicyDocument> =
            policies.flat_map(|policy| policy.documents("events.amazonaws.com")).cloned().collect();
        let context = HashMap::from([
            ("aws:SourceArn".to_owned(), ContextValue::String(origin.arn().to_owned())),
            ("aws:SourceAccount".to_owned(), ContextValue::String(self.place.account.clone())),
        ]);
        let request = AuthzRequest {
            principal_arn: "events.amazonaws.com",
            principal_account: &self.place.account,
            action: "sqs:SendMessage",
            resource_arn: queue_arn,
            context: &context,
        };
        let policies = EvalContext { identity_policies: &documents, ..EvalContext::default() };
        evaluate(&request, &policies) == Decision::Allow
    }
}
