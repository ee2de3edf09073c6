//! Managed policies and their versions.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Place};
use crate::shape::{epoch, flag, text};
use crate::sts::entity_id;

use super::{Iam, arn_of, conflict, document, limit, managed, no_such, only_attached, paged, under};

/// Characters of a managed policy without white space, and its versions (IAM user guide, quotas).
const SIZE_MAX: usize = 6_144;
const VERSIONS_MAX: usize = 5;

/// One version; they are numbered from 1, and no number comes twice.
#[derive(Clone, Debug)]
pub struct Version {
    pub number: u32,
    pub document: String,
    pub created_at: Timestamp,
}

/// A managed policy.
#[derive(Clone, Debug)]
pub struct Policy {
    pub name: String,
    pub path: String,
    pub arn: String,
    pub description: Option<String>,
    /// None where it is not known (AWS's own).
    pub created_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub versions: Vec<Version>,
    pub default: u32,
    /// The highest number given so far.
    pub latest: u32,
}

impl Policy {
    fn show(&self, attachments: usize) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("PolicyName".to_owned(), json!(self.name));
        shown.insert("PolicyId".to_owned(), json!(entity_id("ANPA", &self.arn)));
        shown.insert("Arn".to_owned(), json!(self.arn));
        shown.insert("Path".to_owned(), json!(self.path));
        shown.insert("DefaultVersionId".to_owned(), json!(format!("v{}", self.default)));
        shown.insert("AttachmentCount".to_owned(), json!(attachments));
        shown.insert("PermissionsBoundaryUsageCount".to_owned(), json!(0));
        shown.insert("IsAttachable".to_owned(), json!(true));
        if let Some(created_at) = self.created_at {
            shown.insert("CreateDate".to_owned(), epoch(created_at));
        }
        shown.insert("UpdateDate".to_owned(), epoch(self.updated_at));
        shown
    }

    fn show_version(&self, version: &Version) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("VersionId".to_owned(), json!(format!("v{}", version.number)));
        shown.insert("IsDefaultVersion".to_owned(), json!(version.number == self.default));
        shown.insert("CreateDate".to_owned(), epoch(version.created_at));
        shown
    }

    fn version(&self, id: &str) -> Result<&Version, ApiError> {
        let found = self.versions.iter().find(|version| id == format!("v{}", version.number));
        found.ok_or_else(|| no_such(format!("Policy {} version {id} does not exist or is not attachable.", self.arn)))
    }
}

fn checked(document: &str) -> Result<String, ApiError> {
    document::check_identity(document)?;
    if document::size(document) > SIZE_MAX {
        return Err(limit(format!("Cannot exceed quota for PolicySize: {SIZE_MAX}")));
    }
    Ok(document.to_owned())
}

impl Iam {
    /// A managed policy of the account or of AWS.
    pub(super) fn find_policy(&self, place: &Place, arn: &str) -> Option<Policy> {
        self.policies.get(arn).cloned().or_else(|| managed::by_arn(place, arn))
    }

    fn policy(&self, place: &Place, call: &Call) -> Result<Policy, ApiError> {
        let arn = call.text("PolicyArn");
        if !arn.starts_with("arn:") {
            return Err(ApiError::client("ValidationError", format!("ARN {arn} is not valid.")));
        }
        self.find_policy(place, arn).ok_or_else(|| no_such(format!("Policy {arn} was not found.")))
    }

    /// A policy that the account may change.
    fn own_policy(&mut self, place: &Place, call: &Call) -> Result<&mut Policy, ApiError> {
        let arn = self.policy(place, call)?.arn;
        self.policies.get_mut(&arn).ok_or_else(|| {
            let message = format!("Policy {arn} is a policy of AWS's own: only AWS changes it.");
            ApiError { status: 403, ..ApiError::client("AccessDenied", message) }
        })
    }

    fn attachments(&self, arn: &str) -> usize {
        self.roles.values().filter(|role| role.attached.contains_key(arn)).count()
    }

    pub(super) fn create_policy(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let (name, path) = (call.text("PolicyName"), text(&call.input, "Path").unwrap_or("/"));
        // Names are unique whatever their case, and whatever the path.
        if self.policies.values().any(|policy| policy.name.eq_ignore_ascii_case(name)) {
            let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(ApiError::client("EntityAlreadyExists", message));
        }
        let document = checked(call.text("PolicyDocument"))?;
        let arn = arn_of(ctx.place, "policy", path, name);
        let policy = Policy {
            name: name.to_owned(),
            path: path.to_owned(),
            arn: arn.clone(),
            description: text(&call.input, "Description").map(str::to_owned),
            created_at: Some(ctx.now),
            updated_at: ctx.now,
            versions: vec![Version { number: 1, document, created_at: ctx.now }],
            default: 1,
            latest: 1,
        };
        let shown = policy.show(0);
        self.policies.insert(arn, policy);
        Ok(json!({ "Policy": shown }))
    }

    pub(super) fn get_policy(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let policy = self.policy(ctx.place, call)?;
        let mut shown = policy.show(self.attachments(&policy.arn));
        // A list leaves the description out (API reference, `Policy`).
        if let Some(description) = &policy.description {
            shown.insert("Description".to_owned(), json!(description));
        }
        Ok(json!({ "Policy": shown }))
    }

    pub(super) fn list_policies(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let scope = text(&call.input, "Scope").unwrap_or("All");
        let of_aws = managed::all(ctx.place).filter(|_| scope != "Local");
        let own = self.policies.values().filter(|_| scope != "AWS").cloned();
        let mut rows: Vec<(String, Value)> = own
            .chain(of_aws)
            .filter(|policy| under(call, &policy.path))
            .map(|policy| (self.attachments(&policy.arn), policy))
            .filter(|(attachments, _)| !only_attached(call) || *attachments > 0)
            .map(|(attachments, policy)| (policy.arn.clone(), Value::Object(policy.show(attachments))))
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        paged(call, "Policies", rows)
    }

    pub(super) fn delete_policy(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let policy = self.own_policy(ctx.place, call)?;
        let (arn, versions) = (policy.arn.clone(), policy.versions.len());
        if self.attachments(&arn) > 0 {
            return Err(conflict("Cannot delete a policy attached to entities."));
        }
        if versions > 1 {
            return Err(conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
                 The default version is deleted with the policy.",
            ));
        }
        self.policies.remove(&arn);
        Ok(json!({}))
    }

    pub(super) fn create_policy_version(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let policy = self.own_policy(ctx.place, call)?;
        let document = checked(call.text("PolicyDocument"))?;
        if policy.versions.len() >= VERSIONS_MAX {
            return Err(limit(format!(
                "A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must delete an \
                 existing version."
            )));
        }
        policy.latest += 1;
        policy.updated_at = ctx.now;
        if flag(&call.input, "SetAsDefault") {
            policy.default = policy.latest;
        }
        let version = Version { number: policy.latest, document, created_at: ctx.now };
        let shown = policy.show_version(&version);
        policy.versions.push(version);
        Ok(json!({ "PolicyVersion": shown }))
    }

    pub(super) fn get_policy_version(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let policy = self.policy(ctx.place, call)?;
        let version = policy.version(call.text("VersionId"))?;
        let mut shown = policy.show_version(version);
        shown.insert("Document".to_owned(), json!(document::encoded(&version.document)));
        Ok(json!({ "PolicyVersion": shown }))
    }

    pub(super) fn list_policy_versions(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let policy = self.policy(ctx.place, call)?;
        // The newest first, as the console and the CLI show them.
        let rows = policy.versions.iter().rev();
        let key = |version: &Version| format!("{:010}", u32::MAX - version.number);
        let rows = rows.map(|version| (key(version), Value::Object(policy.show_version(version)))).collect();
        paged(call, "Versions", rows)
    }

    pub(super) fn delete_policy_version(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let policy = self.own_policy(ctx.place, call)?;
        let number = policy.version(call.text("VersionId"))?.number;
        if number == policy.default {
            return Err(conflict("Cannot delete the default version of a policy."));
        }
        policy.versions.retain(|version| version.number != number);
        Ok(json!({}))
    }

    pub(super) fn set_default_policy_version(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let policy = self.own_policy(ctx.place, call)?;
        policy.default = policy.version(call.text("VersionId"))?.number;
        policy.updated_at = ctx.now;
        Ok(json!({}))
    }
}
