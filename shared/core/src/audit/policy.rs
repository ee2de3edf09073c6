//! What the policies of a role let it do, as far as they say it.
//!
//! | the statements that match the action | answer |
//! |---|---|
//! | none allows | no |
//! | one denies, on every resource, without a condition | no |
//! | one allows without a condition, and none that denies could take it all away | yes, for some resource |
//! | one allows without a condition, and the role has a permissions boundary | unsure: the boundary is not read |
//! | one allows under a condition, one denies under a condition or in part, or a document cannot be read | unsure |
//!
//! This is less than IAM does: resource policies, service control policies and session policies are not looked at.

mod secrets;

use serde_json::Value;

pub(super) use secrets::read_secrets;

use super::facts::{PolicyDocument, RoleFacts};
use crate::glob;

/// Whether a role may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// For some resource; whether it is the one that is needed is not looked at.
    Yes,
    No,
    /// A condition, a boundary or a partial denial decides, which is not looked at.
    Unsure,
}

/// What takes every role of an account, or gives itself every right: each alone, on every resource, is as good as `*`.
const RAISES_ITSELF: [&str; 7] = [
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:PutUserPolicy",
    "iam:AttachUserPolicy",
];
/// What runs code of the caller's under a role that it passes: with `iam:PassRole` on every role it is as good as `*`.
const RUNS_AS: [&str; 6] = [
    "lambda:CreateFunction",
    "apprunner:CreateService",
    "ecs:RunTask",
    "ec2:RunInstances",
    "cloudformation:CreateStack",
    "codebuild:CreateProject",
];

/// Whether the policies of the role allow the action (`ecr:BatchGetImage`) for some resource.
pub fn allows(role: &RoleFacts, action: &str) -> Permit {
    let mut plain = false;
    let mut doubt = false;
    let mut denied_in_part = false;
    for policy in &role.policies {
        let Some(statements) = statements(&policy.document) else {
            doubt = true;
            continue;
        };
        for statement in statements {
            let Some(names) = names_action(statement, action) else {
                doubt = true;
                continue;
            };
            if !names {
                continue;
            }
            let bound = is_conditional(statement);
            match effect(statement) {
                Some(Effect::Allow) if bound => doubt = true,
                Some(Effect::Allow) => plain = true,
                Some(Effect::Deny) if !bound && on_everything(statement) => return Permit::No,
                Some(Effect::Deny) if bound || statement.get("NotResource").is_some() => denied_in_part = true,
                // It takes some resources away: from all, some are left; from a few, nobody knows.
                Some(Effect::Deny) => denied_in_part |= !everywhere_allowed(role, action),
                None => doubt = true,
            }
        }
    }
    let unread = role.policies.iter().any(|policy| statements(&policy.document).is_none());
    match (plain, denied_in_part || unread || role.boundary.is_some()) {
        (true, false) => Permit::Yes,
        (true, true) => Permit::Unsure,
        (false, _) if doubt => Permit::Unsure,
        (false, _) => Permit::No,
    }
}

/// The name of the policy by which the role can do everything in the account, where one does and no boundary holds it
/// back.
///
/// Everything is `*` on `*`; or to give itself more (`iam:AttachRolePolicy` and its like on `*`); or to pass every
/// role to something that runs its code. PowerUserAccess, which leaves IAM out, is none of these.
pub fn administers(role: &RoleFacts) -> Option<String> {
    role.boundary.is_none().then(|| grants_everything(role)).flatten()
}

/// The same, whatever a permissions boundary takes away of it.
pub fn grants_everything(role: &RoleFacts) -> Option<String> {
    let unbound = RoleFacts { boundary: None, ..role.clone() };
    let by_statement = |wanted: &str| {
        let allows_it = |policy: &&PolicyDocument| grants_on_everything(policy, wanted);
        role.policies.iter().find(allows_it).filter(|_| allows(&unbound, wanted) == Permit::Yes)
    };
    if let Some(policy) = role.policies.iter().find(|policy| grants_on_everything(policy, "*")) {
        // No action has this name: only a denial of everything matches it.
        return (allows(&unbound, "*") == Permit::Yes).then(|| policy.name.clone());
    }
    if let Some(policy) = RAISES_ITSELF.into_iter().find_map(by_statement) {
        return Some(policy.name.clone());
    }
    let passes = by_statement("iam:PassRole")?;
    RUNS_AS.into_iter().any(|action| by_statement(action).is_some()).then(|| passes.name.clone())
}

/// The patterns of all actions that some statement allows, whatever its condition and whatever another denies; `*`
/// where one allows all but what it names. `None` where a document cannot be read.
pub fn granted(role: &RoleFacts) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for policy in &role.policies {
        for statement in statements(&policy.document)? {
            if effect(statement)? != Effect::Allow {
                continue;
            }
            match statement.get("Action") {
                Some(actions) => all.extend(texts(actions).map(str::to_owned)),
                None => all.push("*".to_owned()),
            }
        }
    }
    all.sort();
    all.dedup();
    Some(all)
}

/// Whether the role lets the service (`tasks.apprunner.amazonaws.com`) assume it. Conditions are not looked at: App
/// Runner needs none, and those that people set (`aws:SourceAccount`) let it in.
pub fn trusts(role: &RoleFacts, principal: &str) -> bool {
    let of = |effect| trusted(role, effect).iter().any(|known| known == principal || known == "*");
    of(Effect::Allow) && !of(Effect::Deny)
}

/// Everybody that may assume the role: services, accounts, other roles, providers; `*` for everybody.
pub fn principals(role: &RoleFacts) -> Vec<String> {
    trusted(role, Effect::Allow)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

fn trusted(role: &RoleFacts, wanted: Effect) -> Vec<String> {
    let mut all = Vec::new();
    for statement in statements(&role.trust).unwrap_or_default() {
        let assumes = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"];
        let names = assumes.iter().any(|action| names_action(statement, action) == Some(true));
        let counts = wanted == Effect::Allow || !is_conditional(statement);
        if names && counts && effect(statement) == Some(wanted) {
            match statement.get("Principal") {
                Some(Value::Object(kinds)) => all.extend(kinds.values().flat_map(texts).map(str::to_owned)),
                Some(other) => all.extend(texts(other).map(str::to_owned)),
                None => {}
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The statements of a document; `None` where it is none.
fn statements(document: &Value) -> Option<Vec<&Value>> {
    match document.get("Statement")? {
        Value::Array(list) => Some(list.iter().collect()),
        one @ Value::Object(_) => Some(vec![one]),
        _ => None,
    }
}

fn effect(statement: &Value) -> Option<Effect> {
    match statement.get("Effect")?.as_str()? {
        "Allow" => Some(Effect::Allow),
        "Deny" => Some(Effect::Deny),
        _ => None,
    }
}

/// Whether the statement is about the action; `None` where it does not say.
fn names_action(statement: &Value, action: &str) -> Option<bool> {
    let any = |value: &Value| texts(value).any(|pattern| matches(pattern, action));
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => Some(any(actions)),
        // Whatever is left out, the rest is not everything.
        (None, Some(others)) => Some(action != "*" && !any(others)),
        (None, None) => None,
    }
}

fn is_conditional(statement: &Value) -> bool {
    statement.get("Condition").is_some_and(|condition| condition.as_object().is_none_or(|it| !it.is_empty()))
}

fn on_everything(statement: &Value) -> bool {
    statement.get("Resource").is_some_and(|resource| texts(resource).any(|pattern| pattern.chars().all(|c| c == '*')))
}

/// Whether some statement of the role allows the action on every resource, without a condition.
fn everywhere_allowed(role: &RoleFacts, action: &str) -> bool {
    role.policies.iter().any(|policy| grants_on_everything(policy, action))
}

fn grants_on_everything(policy: &PolicyDocument, action: &str) -> bool {
    statements(&policy.document).unwrap_or_default().into_iter().any(|statement| {
        effect(statement) == Some(Effect::Allow)
            && !is_conditional(statement)
            && on_everything(statement)
            && names_action(statement, action) == Some(true)
    })
}

/// The texts of a text or of a list of texts.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(list.iter().filter_map(Value::as_str))
}

/// Whether the pattern of a policy (`*`, `?`) covers the name, without case. What the policy grants may itself be
/// asked for with a star: `*` is covered by `*` and `*:*` only.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if name == "*" && pattern == "*:*" {
        return true;
    }
    glob::matches(&pattern.to_lowercase(), &name.to_lowercase())
}

#[cfg(test)]
mod tests;
