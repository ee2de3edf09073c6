//! Secrets Manager: secrets, their versions and stages, deletion with a recovery window.
//!
//! It owns secret values and must never show one except as the answer of `GetSecretValue`: nothing here derives `Debug`.
//! Rotation, replication and resource policies are not served.

mod versions;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};

use versions::{Content, Versions};

const SERVICE: &str = "secretsmanager";
const PAGE: usize = 100;

/// One secret.
struct Secret {
    arn: String,
    name: String,
    description: Option<String>,
    key: Option<String>,
    tags: BTreeMap<String, String>,
    versions: Versions,
    created_at: Timestamp,
    changed_at: Timestamp,
    accessed_at: Option<Timestamp>,
    /// When it goes for good; none while it is not marked for deletion.
    deleted_at: Option<Timestamp>,
    /// When the deletion was asked for.
    marked_at: Option<Timestamp>,
}

/// The emulated service.
#[derive(Default)]
pub struct SecretsManager {
    /// By name.
    secrets: BTreeMap<String, Secret>,
}

fn bad_request(message: &str) -> ApiError {
    ApiError::client("InvalidRequestException", message)
}

fn bad_parameter(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

fn not_found() -> ApiError {
    ApiError::client("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

fn optional(input: &Value, member: &str) -> Option<String> {
    input[member].as_str().map(str::to_owned)
}

fn read_tags(tags: &Value) -> BTreeMap<String, String> {
    let text = |tag: &Value, member: &str| tag[member].as_str().unwrap_or_default().to_owned();
    tags.as_array().into_iter().flatten().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
}

/// Midnight before: the service tells the day of the last access, not the hour.
fn day_of(at: Timestamp) -> i64 {
    at.as_second() - at.as_second().rem_euclid(86_400)
}

impl Secret {
    /// What `DescribeSecret` and `ListSecrets` both show; the member with the stages has a name of its own in each.
    fn show(&self, stages_member: &str) -> Value {
        let tags: Vec<Value> = self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        let mut shown = json!({
            "ARN": self.arn,
            "Name": self.name,
            "LastChangedDate": self.changed_at.as_second(),
            "CreatedDate": self.created_at.as_second(),
            "Tags": tags,
        });
        let marked = self.marked_at.map(|at| json!(at.as_second()));
        let accessed = self.accessed_at.map(|at| json!(day_of(at)));
        for (member, value) in [
            ("Description", self.description.clone().map(Value::String)),
            ("KmsKeyId", self.key.clone().map(Value::String)),
            ("LastAccessedDate", accessed),
            ("DeletedDate", marked),
        ] {
            if let Some(value) = value {
                shown[member] = value;
            }
        }
        let stages = self.versions.stages();
        if !stages.as_object().is_none_or(serde_json::Map::is_empty) {
            shown[stages_member] = stages;
        }
        shown
    }
}

impl SecretsManager {
    pub fn new() -> Self {
        Self::default()
    }

    /// The name behind a `SecretId`: a name, a whole ARN, or an ARN without its six random characters.
    fn name_of(&self, id: &str) -> Result<String, ApiError> {
        let found = self.secrets.values().find(|secret| {
            let short = secret.arn.len().saturating_sub(7);
            secret.name == id || secret.arn == id || secret.arn.get(..short) == Some(id)
        });
        found.map(|secret| secret.name.clone()).ok_or_else(not_found)
    }

    fn find(&mut self, call: &Call) -> Result<&mut Secret, ApiError> {
        let name = self.name_of(call.text("SecretId"))?;
        self.secrets.get_mut(&name).ok_or_else(not_found)
    }

    /// The secret, if it is not marked for deletion.
    fn find_live(&mut self, call: &Call) -> Result<&mut Secret, ApiError> {
        let secret = self.find(call)?;
        if secret.deleted_at.is_some() {
            return Err(bad_request(
                "You can't perform this operation on the secret because it was marked for deletion.",
            ));
        }
        Ok(secret)
    }

    fn create(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let name = call.text("Name");
        let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
            return Err(ApiError::client(
                "ValidationException",
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
            ));
        }
        match self.secrets.get(name) {
            Some(there) if there.deleted_at.is_some() => {
                return Err(bad_request(
                    "You can't create this secret because a secret with this name is already scheduled for deletion.",
                ));
            }
            Some(_) => {
                return Err(ApiError::client(
                    "ResourceExistsException",
                    format!("The operation failed because the secret {name} already exists."),
                ));
            }
            None => {}
        }
        let content = Content::read(&call.input)?;
        let place = ctx.place;
        let arn = format!(
            "arn:{}:{SERVICE}:{}:{}:secret:{name}-{}",
            place.partition,
            place.region,
            place.account,
            ctx.ids.label(6)
        );
        let mut secret = Secret {
            arn: arn.clone(),
            name: name.to_owned(),
            description: optional(&call.input, "Description"),
            key: optional(&call.input, "KmsKeyId"),
            tags: read_tags(&call.input["Tags"]),
            versions: Versions::default(),
            created_at: ctx.now,
            changed_at: ctx.now,
            accessed_at: None,
            deleted_at: None,
            marked_at: None,
        };
        let mut answer = json!({"ARN": arn, "Name": name});
        if let Some(content) = content {
            answer["VersionId"] = json!(secret.versions.put(ctx, &call.input, content, &[])?);
        }
        self.secrets.insert(name.to_owned(), secret);
        Ok(answer)
    }

    fn get_value(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let secret = self.find_live(call)?;
        let mut answer = secret.versions.get(call.text("VersionId"), call.text("VersionStage"))?;
        secret.accessed_at = Some(ctx.now);
        answer["ARN"] = json!(secret.arn);
        answer["Name"] = json!(secret.name);
        Ok(answer)
    }

    fn put_value(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let secret = self.find_live(call)?;
        let content = Content::read(&call.input)?
            .ok_or_else(|| bad_request("You must provide either SecretString or SecretBinary."))?;
        let stages: Vec<String> = call.input["VersionStages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|stage| stage.as_str().map(str::to_owned))
            .collect();
        let version = secret.versions.put(ctx, &call.input, content, &stages)?;
        secret.changed_at = ctx.now;
        Ok(json!({
            "ARN": secret.arn, "Name": secret.name, "VersionId": version, "VersionStages": secret.versions.stages()[&version],
        }))
    }

    fn update(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let secret = self.find_live(call)?;
        let content = Content::read(&call.input)?;
        let mut answer = json!({"ARN": secret.arn, "Name": secret.name});
        if let Some(content) = content {
            answer["VersionId"] = json!(secret.versions.put(ctx, &call.input, content, &[])?);
        }
        for (member, field) in [("Description", &mut secret.description), ("KmsKeyId", &mut secret.key)] {
            if let Some(value) = optional(&call.input, member) {
                *field = Some(value);
            }
        }
        secret.changed_at = ctx.now;
        Ok(answer)
    }

    fn delete(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let days = call.input["RecoveryWindowInDays"].as_i64();
        let force = call.input["ForceDeleteWithoutRecovery"] == true;
        if force && days.is_some() {
            return Err(bad_parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        if days.is_some_and(|days| !(7..=30).contains(&days)) {
            return Err(bad_parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."));
        }
        let secret = match self.find_live(call) {
            Ok(secret) => secret,
            // Forced deletion of what is not there is answered as done.
            Err(error) if !force || error.code != "ResourceNotFoundException" => return Err(error),
            Err(_) => {
                let id = call.text("SecretId");
                return Ok(json!({"ARN": id, "Name": id, "DeletionDate": ctx.now.as_second()}));
            }
        };
        let window = SignedDuration::from_hours(if force { 0 } else { 24 * days.unwrap_or(30) });
        let at = ctx.now.checked_add(window).map_err(|error| bad_parameter(error.to_string()))?;
        let answer = json!({"ARN": secret.arn, "Name": secret.name, "DeletionDate": at.as_second()});
        (secret.deleted_at, secret.marked_at) = (Some(at), Some(ctx.now));
        let name = secret.name.clone();
        if force {
            self.secrets.remove(&name);
        }
        Ok(answer)
    }

    fn restore(&mut self, call: &Call) -> Answer {
        let secret = self.find(call)?;
        (secret.deleted_at, secret.marked_at) = (None, None);
        Ok(json!({"ARN": secret.arn, "Name": secret.name}))
    }

    fn list(&self, call: &Call) -> Answer {
        if call.input["Filters"].as_array().is_some_and(|filters| !filters.is_empty()) {
            return Err(bad_parameter("the local cloud does not serve Filters of ListSecrets"));
        }
        let token = call.text("NextToken");
        let from = if token.is_empty() {
            0
        } else {
            token
                .parse()
                .map_err(|_| ApiError::client("InvalidNextTokenException", "The NextToken value is invalid."))?
        };
        let limit = call.input["MaxResults"].as_u64().map_or(PAGE, |limit| limit as usize);
        let planned = call.input["IncludePlannedDeletion"] == true;
        let wanted: Vec<&Secret> =
            self.secrets.values().filter(|secret| planned || secret.deleted_at.is_none()).skip(from).collect();
        let rows: Vec<Value> = wanted.iter().take(limit).map(|secret| secret.show("SecretVersionsToStages")).collect();
        let mut answer = json!({"SecretList": rows});
        if wanted.len() > limit {
            answer["NextToken"] = json!((from + limit).to_string());
        }
        Ok(answer)
    }

    /// The ARN that a policy is asked about. A secret that does not exist gets six characters that `-??????` and `-*` match.
    fn resource(&self, place: &Place, id: &str) -> String {
        if let Some(secret) = self.name_of(id).ok().and_then(|name| self.secrets.get(&name)) {
            return secret.arn.clone();
        }
        if id.starts_with("arn:") {
            return id.to_owned();
        }
        format!("arn:{}:{SERVICE}:{}:{}:secret:{id}-000000", place.partition, place.region, place.account)
    }
}

impl Service for SecretsManager {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateSecret" => self.create(ctx, call),
            "GetSecretValue" => self.get_value(ctx, call),
            "PutSecretValue" => self.put_value(ctx, call),
            "UpdateSecret" => self.update(ctx, call),
            "DescribeSecret" => self.find(call).map(|secret| secret.show("VersionIdsToStages")),
            "DeleteSecret" => self.delete(ctx, call),
            "RestoreSecret" => self.restore(call),
            "ListSecrets" => self.list(call),
            "TagResource" => {
                let tags = read_tags(&call.input["Tags"]);
                self.find_live(call)?.tags.extend(tags);
                Ok(json!({}))
            }
            "UntagResource" => {
                let secret = self.find_live(call)?;
                for key in call.input["TagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    secret.tags.remove(key);
                }
                Ok(json!({}))
            }
            other => Err(ApiError::client(
                "UnknownOperationException",
                format!("the local cloud's Secrets Manager does not serve {other}"),
            )),
        }
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("{SERVICE}:{}", call.operation);
        match call.operation.as_str() {
            "ListSecrets" => vec![Need::new(action, "*")],
            "CreateSecret" => {
                let arn = self.resource(place, call.text("Name"));
                let mut needs = vec![Need::new(action, arn.clone())];
                if call.input["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
                    needs.push(Need::new(format!("{SERVICE}:TagResource"), arn));
                }
                needs
            }
            _ => vec![Need::new(action, self.resource(place, call.text("SecretId")))],
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.secrets.values().filter_map(|secret| secret.deleted_at).min()
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        self.secrets.retain(|_, secret| secret.deleted_at.is_none_or(|at| at > ctx.now));
    }
}
