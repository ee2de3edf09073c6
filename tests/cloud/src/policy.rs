//! Which role may do what: each call is checked against the policies that the template gave the caller's role.
//!
//! Owns: the roles' policies, what of them was used and what was denied. The operator and AWS itself pass; a role without
//! policies may do nothing. The evaluation is `awsim-iam-policy`'s: identity policies only, no resource policies, no
//! permission boundaries, because the template has none of these for its functions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use awsim_iam_policy::{
    AuthzRequest, ContextValue, Decision, Effect, EvalContext, ParseError, PolicyAttribution, PolicyAttributions,
    PolicyDocument, PolicySource, evaluate_detailed, glob, parse_value,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::call::{ApiError, Call, Caller, Need};

/// The policies of every role.
#[derive(Debug, Default)]
pub struct Policies {
    roles: BTreeMap<String, Vec<Named>>,
    used: BTreeSet<Grant>,
    denied: Vec<Denied>,
}

#[derive(Debug)]
struct Named {
    name: String,
    document: PolicyDocument,
}

/// A policy document that is none.
#[derive(Debug, thiserror::Error)]
#[error("policy `{name}` of role {role_arn}, document {number}: {source}")]
pub struct BadPolicy {
    pub role_arn: String,
    pub name: String,
    /// Counted from 1.
    pub number: usize,
    source: ParseError,
}

/// One action that one statement grants a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Grant {
    pub role: String,
    pub policy: String,
    /// The statement's `Sid`, or its place in the policy, counted from 1.
    pub statement: String,
    /// As the statement spells it: `dynamodb:PutItem`, `logs:*`.
    pub action: String,
}

/// A call that no statement allows, with the statement that is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Denied {
    pub role: String,
    pub action: String,
    pub resource: String,
    /// A `Deny` statement forbids it; a further `Allow` would not help.
    pub explicit: bool,
    /// The statement that would allow it, as it would stand in the template.
    pub missing_statement: String,
}

impl Denied {
    /// The refusal as the called service words it.
    pub fn to_api_error(&self, call: &Call) -> ApiError {
        let Self { role, action, resource, explicit, .. } = self;
        let why = if *explicit {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the {action} action")
        };
        let (code, status) = match call.service.as_str() {
            "ec2" => ("UnauthorizedOperation", 403),
            "sns" => ("AuthorizationError", 403),
            "sqs" | "monitoring" | "sts" | "route53" | "s3" | "iam" => ("AccessDenied", 403),
            "lambda" | "scheduler" | "securityhub" => ("AccessDeniedException", 403),
            _ => ("AccessDeniedException", 400),
        };
        let message = format!("User: {role} is not authorized to perform: {action} on resource: {resource} {why}");
        let message = match call.service.as_str() {
            "ec2" => format!("You are not authorized to perform this operation. {message}"),
            _ => message,
        };
        ApiError { status, ..ApiError::client(code, message) }
    }
}

impl Policies {
    /// Gives a role a policy, in the place of an earlier one with this name.
    pub fn set(&mut self, role_arn: &str, name: &str, documents: Vec<Value>) -> Result<(), BadPolicy> {
        let parsed = documents.iter().enumerate().map(|(index, document)| {
            let bad =
                |source| BadPolicy { role_arn: role_arn.to_owned(), name: name.to_owned(), number: index + 1, source };
            let label = if documents.len() == 1 { name.to_owned() } else { format!("{name}#{}", index + 1) };
            Ok(Named { name: label, document: parse_value(document).map_err(bad)? })
        });
        let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
        let policies = self.roles.entry(role_arn.to_owned()).or_default();
        policies.retain(|policy| policy.name.split('#').next() != Some(name));
        policies.extend(parsed);
        Ok(())
    }

    /// Whether the caller may do all of this.
    pub fn check(&mut self, caller: &Caller, needs: &[Need]) -> Result<(), Denied> {
        let Caller::Role { role_arn, .. } = caller else { return Ok(()) };
        for need in needs {
            match self.judge(role_arn, need) {
                Ok(grants) => self.used.extend(grants),
                Err(denied) => {
                    self.denied.push(denied.clone());
                    return Err(denied);
                }
            }
        }
        Ok(())
    }

    /// The grants that allow it.
    fn judge(&self, role_arn: &str, need: &Need) -> Result<Vec<Grant>, Denied> {
        let policies = self.roles.get(role_arn).map(Vec::as_slice).unwrap_or_default();
        let documents: Vec<PolicyDocument> = policies.iter().map(|policy| policy.document.clone()).collect();
        let number =
            |index: usize| PolicyAttribution { source_id: index.to_string(), source_type: PolicySource::Identity };
        let attributions: Vec<PolicyAttribution> = (0..policies.len()).map(number).collect();
        let context = context(role_arn, need);
        let request = AuthzRequest {
            principal_arn: role_arn,
            principal_account: account(role_arn),
            action: &need.action,
            resource_arn: &need.resource,
            context: &context,
        };
        let all = EvalContext { identity_policies: &documents, ..EvalContext::default() };
        let sources = PolicyAttributions { identity: &attributions, ..PolicyAttributions::default() };
        let details = evaluate_detailed(&request, &all, &sources);
        if details.decision != Decision::Allow {
            return Err(denied(role_arn, need, details.decision == Decision::ExplicitDeny));
        }
        let mut grants = Vec::new();
        for matched in details.matched_statements {
            let Some(policy) = matched.source_id.parse::<usize>().ok().and_then(|index| policies.get(index)) else {
                continue;
            };
            let all = grants_of(role_arn, policy, matched.statement_index);
            grants.extend(all.filter(|grant| covers(&grant.action, &need.action)));
        }
        Ok(grants)
    }

    /// What was granted and no call has used, by role, policy and statement.
    pub fn unused_grants(&self) -> Vec<Grant> {
        let mut unused = Vec::new();
        for (role, policies) in &self.roles {
            for policy in policies {
                let all = (0..policy.document.statements.len()).flat_map(|index| grants_of(role, policy, index));
                unused.extend(all.filter(|grant| !self.used.contains(grant)));
            }
        }
        unused
    }

    /// Every refusal so far, in order.
    pub fn denied(&self) -> &[Denied] {
        &self.denied
    }
}

/// The actions that one statement grants; none where it denies. A `NotAction` counts as one grant.
fn grants_of<'a>(role: &'a str, policy: &'a Named, index: usize) -> impl Iterator<Item = Grant> + 'a {
    let statement = policy.document.statements.get(index).filter(|statement| statement.effect == Effect::Allow);
    let actions: Vec<&str> = match statement.map(|statement| &statement.action) {
        Some(Some(actions)) => actions.iter().collect(),
        Some(None) => vec!["NotAction"],
        None => Vec::new(),
    };
    let name = statement.and_then(|statement| statement.sid.clone()).unwrap_or_else(|| (index + 1).to_string());
    actions.into_iter().map(move |action| Grant {
        role: role.to_owned(),
        policy: policy.name.clone(),
        statement: name.clone(),
        action: action.to_owned(),
    })
}

fn covers(granted: &str, action: &str) -> bool {
    granted == "NotAction" || glob::matches(&granted.to_lowercase(), &action.to_lowercase())
}

fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The condition keys of the request; the evaluator wants a hash map, whose order nothing here sees.
fn context(role_arn: &str, need: &Need) -> HashMap<String, ContextValue> {
    let mut context: HashMap<String, ContextValue> =
        need.conditions.iter().map(|(key, values)| (key.clone(), ContextValue::StringList(values.clone()))).collect();
    context.insert("aws:PrincipalArn".to_owned(), ContextValue::String(role_arn.to_owned()));
    context.insert("aws:PrincipalAccount".to_owned(), ContextValue::String(account(role_arn).to_owned()));
    context
}

fn denied(role_arn: &str, need: &Need, explicit: bool) -> Denied {
    let mut statement = json!({"Effect": "Allow", "Action": need.action, "Resource": need.resource});
    if !need.conditions.is_empty() {
        let keys = need.conditions.iter().map(|(key, values)| (key.clone(), json!(values)));
        statement["Condition"] = json!({"ForAllValues:StringEquals": keys.collect::<serde_json::Map<_, _>>()});
    }
    Denied {
        role: role_arn.to_owned(),
        action: need.action.clone(),
        resource: need.resource.clone(),
        explicit,
        missing_statement: statement.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/rollback";
    const TABLE: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/pitcrew";

    fn role() -> Caller {
        Caller::Role { role_arn: ROLE.to_owned(), actor: "rollback".to_owned() }
    }

    fn policies(statements: Value) -> Policies {
        let mut policies = Policies::default();
        policies.set(ROLE, "own", vec![json!({"Version": "2012-10-17", "Statement": statements})]).unwrap();
        policies
    }

    fn allow(action: Value, resource: &str) -> Value {
        json!({"Effect": "Allow", "Action": action, "Resource": resource})
    }

    #[test]
    fn a_role_without_policies_may_do_nothing() {
        let denied = Policies::default().check(&role(), &[Need::new("sns:Publish", "*")]).unwrap_err();
        assert_eq!(denied.action, "sns:Publish");
        assert!(!denied.explicit);
    }

    #[test]
    fn the_operator_and_aws_pass() {
        let mut policies = Policies::default();
        for caller in [Caller::Operator, Caller::Aws("events")] {
            assert_eq!(policies.check(&caller, &[Need::new("sns:Publish", "*")]), Ok(()));
        }
        assert!(policies.denied().is_empty());
    }

    #[test]
    fn a_denial_names_the_statement_that_is_missing_and_is_kept() {
        let mut policies = policies(json!([allow(json!("dynamodb:GetItem"), TABLE)]));
        assert_eq!(policies.check(&role(), &[Need::new("dynamodb:GetItem", TABLE)]), Ok(()));
        let denied = policies.check(&role(), &[Need::new("dynamodb:PutItem", TABLE)]).unwrap_err();
        let statement: Value = serde_json::from_str(&denied.missing_statement).unwrap();
        assert_eq!(statement, allow(json!("dynamodb:PutItem"), TABLE));
        assert_eq!(policies.denied(), std::slice::from_ref(&denied));
    }

    #[test]
    fn the_missing_statement_would_allow_the_call() {
        let need = Need {
            conditions: vec![("dynamodb:LeadingKeys".to_owned(), vec!["SVC#a".to_owned()])],
            ..Need::new("dynamodb:PutItem", TABLE)
        };
        let denied = policies(json!([])).check(&role(), std::slice::from_ref(&need)).unwrap_err();
        let statement: Value = serde_json::from_str(&denied.missing_statement).unwrap();
        assert_eq!(policies(json!([statement])).check(&role(), &[need]), Ok(()));
    }

    #[test]
    fn an_explicit_deny_wins() {
        let forbid = json!({"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"});
        let mut policies = policies(json!([allow(json!("sqs:*"), "*"), forbid]));
        assert_eq!(policies.check(&role(), &[Need::new("sqs:SendMessage", "arn:aws:sqs:r:1:q")]), Ok(()));
        assert!(policies.check(&role(), &[Need::new("sqs:DeleteQueue", "arn:aws:sqs:r:1:q")]).unwrap_err().explicit);
    }

    #[test]
    fn all_leading_keys_must_be_allowed() {
        let mut statement = allow(json!(["dynamodb:TransactWriteItems"]), TABLE);
        statement["Condition"] = json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SVC#*"]}});
        let mut policies = policies(json!([statement]));
        let need = |keys: &[&str]| Need {
            conditions: vec![("dynamodb:LeadingKeys".to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())],
            ..Need::new("dynamodb:TransactWriteItems", TABLE)
        };
        assert_eq!(policies.check(&role(), &[need(&["SVC#a", "SVC#b"])]), Ok(()));
        assert!(policies.check(&role(), &[need(&["SVC#a", "DOM#b"])]).is_err());
    }

    #[test]
    fn what_no_call_used_is_listed() {
        let mut policies = policies(json!([
            allow(json!(["sns:Publish", "sns:ListTopics"]), "*"),
            {"Sid": "Logs", "Effect": "Allow", "Action": "logs:*", "Resource": "*"},
        ]));
        policies.check(&role(), &[Need::new("sns:Publish", "*")]).unwrap();
        let unused: Vec<(String, String)> =
            policies.unused_grants().into_iter().map(|grant| (grant.statement, grant.action)).collect();
        let wanted = [("1", "sns:ListTopics"), ("Logs", "logs:*")].map(|(s, a)| (s.to_owned(), a.to_owned()));
        assert_eq!(unused, wanted);
        policies.check(&role(), &[Need::new("logs:PutLogEvents", "*"), Need::new("sns:ListTopics", "*")]).unwrap();
        assert!(policies.unused_grants().is_empty());
    }

    #[test]
    fn a_document_that_is_none_is_refused_with_its_place() {
        let bad = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps"}]});
        let error = Policies::default().set(ROLE, "own", vec![bad]).unwrap_err();
        assert!(error.to_string().starts_with(&format!("policy `own` of role {ROLE}, document 1: ")), "{error}");
    }

    #[test]
    fn setting_a_policy_again_replaces_it() {
        let mut policies = policies(json!([allow(json!("sns:*"), "*")]));
        policies.set(ROLE, "own", vec![json!({"Statement": []})]).unwrap();
        assert!(policies.check(&role(), &[Need::new("sns:Publish", "*")]).is_err());
    }
}
