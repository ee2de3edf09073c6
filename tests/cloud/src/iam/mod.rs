//! IAM: roles, their policies, and managed policies, as an audit reads them.
//!
//! It owns documents and who they are attached to. It never decides what a call may do: the calls of the local cloud are
//! checked against the policies of the template's roles ([`crate::policy`]), which deployment writes down here as well, so that
//! they can be read. A role that is made by `CreateRole` is a thing to look at; nobody acts with it.
//!
//! | Internal operation | Input | What it does |
//! |---|---|---|
//! | `_Role` | `Arn`, `AssumeRolePolicyDocument`, `Policies` by name | a role with inline policies, in the place of an earlier one |
//!
//! Reading order: [`roles`], [`policies`], [`managed`] (policies of AWS's own), [`document`].

mod document;
mod managed;
mod policies;
mod roles;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::shape::{flag, integer, page, text, unknown_operation};

use policies::Policy;
use roles::Role;

/// Rows of a page where the call does not say (API reference).
const PAGE_DEFAULT: i64 = 100;

/// The emulated service.
#[derive(Debug, Default)]
pub struct Iam {
    /// By name: names are unique whatever the path.
    roles: BTreeMap<String, Role>,
    /// The account's own managed policies, by ARN.
    policies: BTreeMap<String, Policy>,
}

impl Iam {
    pub fn new() -> Self {
        Self::default()
    }
}

/// The ARN of something of the account: `role` or `policy`, with path and name.
fn arn_of(place: &Place, kind: &str, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{}:{kind}{path}{name}", place.partition, place.account)
}

fn no_such(message: impl Into<String>) -> ApiError {
    ApiError::client("NoSuchEntity", message)
}

fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::client("DeleteConflict", message)
}

fn limit(message: impl Into<String>) -> ApiError {
    ApiError::client("LimitExceeded", message)
}

/// One page of a list whose rows are sorted by their keys, as IAM pages all of its lists.
fn paged(call: &Call, member: &str, rows: Vec<(String, Value)>) -> Answer {
    let size = integer(&call.input, "MaxItems").unwrap_or(PAGE_DEFAULT);
    let (list, next) = page(rows, text(&call.input, "Marker"), usize::try_from(size).unwrap_or(1), false)
        .map_err(|error| ApiError::client("ValidationError", format!("Marker: {error}")))?;
    let mut answer = json!({member: list, "IsTruncated": next.is_some()});
    if let Some(marker) = next {
        answer["Marker"] = json!(marker);
    }
    Ok(answer)
}

impl Service for Iam {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateRole" => self.create_role(ctx, call),
            "GetRole" => self.get_role(call),
            "ListRoles" => self.list_roles(call),
            "DeleteRole" => self.delete_role(call),
            "UpdateAssumeRolePolicy" => self.update_trust(call),
            "PutRolePolicy" => self.put_role_policy(call),
            "GetRolePolicy" => self.get_role_policy(call),
            "ListRolePolicies" => self.list_role_policies(call),
            "DeleteRolePolicy" => self.delete_role_policy(call),
            "AttachRolePolicy" => self.attach_role_policy(ctx, call),
            "DetachRolePolicy" => self.detach_role_policy(call),
            "ListAttachedRolePolicies" => self.list_attached(call),
            "CreatePolicy" => self.create_policy(ctx, call),
            "GetPolicy" => self.get_policy(ctx, call),
            "ListPolicies" => self.list_policies(ctx, call),
            "DeletePolicy" => self.delete_policy(ctx, call),
            "CreatePolicyVersion" => self.create_policy_version(ctx, call),
            "GetPolicyVersion" => self.get_policy_version(ctx, call),
            "ListPolicyVersions" => self.list_policy_versions(ctx, call),
            "DeletePolicyVersion" => self.delete_policy_version(ctx, call),
            "SetDefaultPolicyVersion" => self.set_default_policy_version(ctx, call),
            "_Role" => self.deployed_role(ctx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    /// Resources and condition keys follow the service authorization reference; the lists of all roles and of all policies
    /// have no resource.
    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("iam:{}", call.operation);
        let (role, policy) = (call.text("RoleName"), call.text("PolicyArn"));
        let path = text(&call.input, "Path").unwrap_or("/");
        let resource = match call.operation.as_str() {
            "CreateRole" => arn_of(place, "role", path, role),
            "CreatePolicy" => arn_of(place, "policy", path, call.text("PolicyName")),
            "ListRoles" | "ListPolicies" => "*".to_owned(),
            _ if !role.is_empty() => {
                self.roles.get(role).map_or_else(|| arn_of(place, "role", "/", role), |role| role.arn.clone())
            }
            _ => policy.to_owned(),
        };
        let mut need = Need::new(action, resource);
        if matches!(call.operation.as_str(), "AttachRolePolicy" | "DetachRolePolicy") {
            need.conditions.push(("iam:PolicyARN".to_owned(), vec![policy.to_owned()]));
        }
        vec![need]
    }
}

/// Whether the row's path begins as the call wants it.
fn under(call: &Call, path: &str) -> bool {
    text(&call.input, "PathPrefix").is_none_or(|prefix| path.starts_with(prefix))
}

/// `true` where only what is attached to somebody is wanted.
fn only_attached(call: &Call) -> bool {
    flag(&call.input, "OnlyAttached")
}
