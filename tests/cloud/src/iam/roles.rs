//! Roles, their trust policies, their inline policies and what is attached to them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx};
use crate::shape::{copy, epoch, integer, items, text};
use crate::sts::role_id;

use super::{Iam, arn_of, conflict, document, limit, no_such, paged, under};

/// Characters without white space of a trust policy and of all inline policies of a role, and the managed policies
/// that a role may have (IAM user guide, quotas: the defaults).
const TRUST_SIZE_MAX: usize = 2_048;
const INLINE_SIZE_MAX: usize = 10_240;
const ATTACHED_MAX: usize = 10;

/// How long a session may last where nobody says, in seconds.
const SESSION_SECS: i64 = 3_600;

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    pub path: String,
    pub name: String,
    pub arn: String,
    created_at: Timestamp,
    trust: String,
    description: Option<String>,
    session_secs_max: i64,
    boundary: Option<String>,
    tags: Vec<Value>,
    /// Inline policies, by name.
    inline: BTreeMap<String, String>,
    /// Names of managed policies, by ARN.
    pub attached: BTreeMap<String, String>,
}

impl Role {
    fn new(arn: String, path: &str, name: &str, trust: &str, now: Timestamp) -> Self {
        Self {
            path: path.to_owned(),
            name: name.to_owned(),
            arn,
            created_at: now,
            trust: trust.to_owned(),
            description: None,
            session_secs_max: SESSION_SECS,
            boundary: None,
            tags: Vec::new(),
            inline: BTreeMap::new(),
            attached: BTreeMap::new(),
        }
    }

    /// As a list shows it: without boundary, tags and last use (API reference, `ListRoles`).
    fn row(&self) -> Value {
        let mut shown = json!({
            "Path": self.path, "RoleName": self.name, "RoleId": role_id(&self.name), "Arn": self.arn,
            "CreateDate": epoch(self.created_at), "AssumeRolePolicyDocument": document::encoded(&self.trust),
            "MaxSessionDuration": self.session_secs_max,
        });
        if let Some(description) = &self.description {
            shown["Description"] = json!(description);
        }
        shown
    }

    fn show(&self) -> Value {
        let mut shown = self.row();
        if let Some(arn) = &self.boundary {
            shown["PermissionsBoundary"] =
                json!({"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn});
        }
        if !self.tags.is_empty() {
            shown["Tags"] = json!(self.tags);
        }
        shown
    }
}

fn checked_trust(document: &str) -> Result<&str, ApiError> {
    document::check_trust(document)?;
    if document::size(document) > TRUST_SIZE_MAX {
        return Err(limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE_MAX}")));
    }
    Ok(document)
}

impl Iam {
    fn role(&mut self, call: &Call) -> Result<&mut Role, ApiError> {
        let name = call.text("RoleName");
        self.roles.get_mut(name).ok_or_else(|| no_such(format!("The role with name {name} cannot be found.")))
    }

    pub(super) fn create_role(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let (name, path) = (call.text("RoleName"), text(&call.input, "Path").unwrap_or("/"));
        if self.roles.values().any(|role| role.name.eq_ignore_ascii_case(name)) {
            let message = format!("Role with name {name} already exists.");
            return Err(ApiError::client("EntityAlreadyExists", message));
        }
        let trust = checked_trust(call.text("AssumeRolePolicyDocument"))?;
        let boundary = text(&call.input, "PermissionsBoundary");
        if let Some(arn) = boundary.filter(|arn| self.find_policy(ctx.place, arn).is_none()) {
            return Err(no_such(format!("Scope ARN: {arn} does not exist or is not attachable.")));
        }
        let role = Role {
            description: text(&call.input, "Description").map(str::to_owned),
            session_secs_max: integer(&call.input, "MaxSessionDuration").unwrap_or(SESSION_SECS),
            boundary: boundary.map(str::to_owned),
            tags: items(&call.input, "Tags").map(|tag| Value::Object(copy(tag, &["Key", "Value"]))).collect(),
            ..Role::new(arn_of(ctx.place, "role", path, name), path, name, trust, ctx.now)
        };
        let shown = role.show();
        self.roles.insert(name.to_owned(), role);
        Ok(json!({ "Role": shown }))
    }

    /// `_Role`: a role of the deployed template.
    pub(super) fn deployed_role(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let arn = call.text("Arn");
        let Some((path, name)) = arn.split_once(":role").and_then(|(_, rest)| rest.rsplit_once('/')) else {
            return Err(ApiError::client("ValidationError", format!("_Role: `{arn}` is not the ARN of a role")));
        };
        let trust = call.input["AssumeRolePolicyDocument"].to_string();
        let mut role = Role::new(arn.to_owned(), &format!("{path}/"), name, &trust, ctx.now);
        for (policy, document) in call.input["Policies"].as_object().into_iter().flatten() {
            role.inline.insert(policy.clone(), document.to_string());
        }
        self.roles.insert(name.to_owned(), role);
        Ok(json!({}))
    }

    pub(super) fn get_role(&mut self, call: &Call) -> Answer {
        let mut shown = self.role(call)?.show();
        // Nobody acts with a role here, so its last use is empty, as AWS shows it for a role that was never used.
        shown["RoleLastUsed"] = json!({});
        Ok(json!({ "Role": shown }))
    }

    pub(super) fn list_roles(&self, call: &Call) -> Answer {
        let wanted = self.roles.values().filter(|role| under(call, &role.path));
        paged(call, "Roles", wanted.map(|role| (role.name.clone(), role.row())).collect())
    }

    pub(super) fn delete_role(&mut self, call: &Call) -> Answer {
        let role = self.role(call)?;
        if !role.attached.is_empty() {
            return Err(conflict("Cannot delete entity, must detach all policies first."));
        }
        if !role.inline.is_empty() {
            return Err(conflict("Cannot delete entity, must delete policies first."));
        }
        let name = role.name.clone();
        self.roles.remove(&name);
        Ok(json!({}))
    }

    pub(super) fn update_trust(&mut self, call: &Call) -> Answer {
        let role = self.role(call)?;
        checked_trust(call.text("PolicyDocument"))?.clone_into(&mut role.trust);
        Ok(json!({}))
    }

    pub(super) fn put_role_policy(&mut self, call: &Call) -> Answer {
        let role = self.role(call)?;
        let (name, document) = (call.text("PolicyName"), call.text("PolicyDocument"));
        document::check_identity(document)?;
        let others = role.inline.iter().filter(|(other, _)| *other != name).map(|(_, text)| document::size(text));
        if others.sum::<usize>() + document::size(document) > INLINE_SIZE_MAX {
            return Err(limit(format!(
                "Maximum policy size of {INLINE_SIZE_MAX} bytes exceeded for role {}",
                role.name
            )));
        }
        role.inline.insert(name.to_owned(), document.to_owned());
        Ok(json!({}))
    }

    pub(super) fn get_role_policy(&mut self, call: &Call) -> Answer {
        let role = self.role(call)?;
        let name = call.text("PolicyName");
        let document = role.inline.get(name).ok_or_else(|| no_role_policy(name))?;
        Ok(json!({"RoleName": role.name, "PolicyName": name, "PolicyDocument": document::encoded(document)}))
    }

    pub(super) fn list_role_policies(&mut self, call: &Call) -> Answer {
        let names = self.role(call)?.inline.keys();
        paged(call, "PolicyNames", names.map(|name| (name.clone(), json!(name))).collect())
    }

    pub(super) fn delete_role_policy(&mut self, call: &Call) -> Answer {
        let name = call.text("PolicyName");
        let removed = self.role(call)?.inline.remove(name);
        removed.map(|_| json!({})).ok_or_else(|| no_role_policy(name))
    }

    pub(super) fn attach_role_policy(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let arn = call.text("PolicyArn");
        let policy = self.find_policy(ctx.place, arn);
        let role = self.role(call)?;
        let policy = policy.ok_or_else(|| no_such(format!("Policy {arn} does not exist or is not attachable.")))?;
        if role.attached.len() >= ATTACHED_MAX && !role.attached.contains_key(arn) {
            return Err(limit(format!("Cannot exceed quota for PoliciesPerRole: {ATTACHED_MAX}")));
        }
        role.attached.insert(policy.arn, policy.name);
        Ok(json!({}))
    }

    pub(super) fn detach_role_policy(&mut self, call: &Call) -> Answer {
        let arn = call.text("PolicyArn");
        let removed = self.role(call)?.attached.remove(arn);
        removed.map(|_| json!({})).ok_or_else(|| no_such(format!("Policy {arn} was not found.")))
    }

    pub(super) fn list_attached(&mut self, call: &Call) -> Answer {
        let attached = self.role(call)?.attached.iter().filter(|(arn, _)| {
            let path = arn.split_once(":policy").and_then(|(_, rest)| rest.rsplit_once('/')).map(|(path, _)| path);
            under(call, &format!("{}/", path.unwrap_or_default()))
        });
        let rows = attached.map(|(arn, name)| (arn.clone(), json!({"PolicyName": name, "PolicyArn": arn})));
        paged(call, "AttachedPolicies", rows.collect())
    }
}

fn no_role_policy(name: &str) -> ApiError {
    no_such(format!("The role policy with name {name} cannot be found."))
}
