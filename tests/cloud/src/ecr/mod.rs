//! Amazon ECR: the private registry of the account, and (as [`EcrPublic`]) what ECR Public shows of itself.
//!
//! Which images exist is a fact of the world outside ([`crate::outside::Outside`]), because App Runner reads the same
//! images; this module owns only what AWS keeps beside them: settings, tags, manifests. It must never decide how an
//! image behaves, and it has no layers: `PutImage` takes a manifest on trust.

mod images;
mod public;
mod repositories;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::outside::Repository;
use crate::shape::{text, texts, unknown_operation};

pub use public::EcrPublic;

/// The private registry.
#[derive(Debug, Default)]
pub struct Ecr {
    settings: BTreeMap<String, Settings>,
}

/// What the registry keeps about a repository beside its images.
#[derive(Clone, Debug)]
struct Settings {
    created_at: Timestamp,
    /// `MUTABLE`, `IMMUTABLE`, or one of the two `_WITH_EXCLUSION`.
    mutability: String,
    /// Wildcard patterns of tags that are the exception to `mutability`.
    exclusions: Vec<String>,
    scan_on_push: bool,
    encryption: Value,
    tags: BTreeMap<String, String>,
    lifecycle: Option<String>,
    /// By digest: the manifest and its media type, where the registry has seen them.
    manifests: BTreeMap<String, (String, String)>,
}

impl Settings {
    fn new(created_at: Timestamp) -> Self {
        Self {
            created_at,
            mutability: "MUTABLE".to_owned(),
            exclusions: Vec::new(),
            scan_on_push: false,
            encryption: json!({"encryptionType": "AES256"}),
            tags: BTreeMap::new(),
            lifecycle: None,
            manifests: BTreeMap::new(),
        }
    }
}

impl Ecr {
    pub fn new() -> Self {
        Self::default()
    }

    /// The settings of a repository. One that the world put there itself gets defaults, dated by its first image.
    fn settings(&mut self, now: Timestamp, name: &str, repository: &Repository) -> &mut Settings {
        self.settings.entry(name.to_owned()).or_insert_with(|| {
            let first = repository.images.iter().map(|image| image.pushed_at).min();
            Settings::new(first.and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(now))
        })
    }
}

impl Service for Ecr {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        match call.operation.as_str() {
            "CreateRepository" => self.create_repository(ctx, input),
            "DescribeRepositories" => self.describe_repositories(ctx, input),
            "DeleteRepository" => self.delete_repository(ctx, input),
            "PutImageTagMutability" => self.put_image_tag_mutability(ctx, input),
            "PutLifecyclePolicy" => self.put_lifecycle_policy(ctx, input),
            "GetLifecyclePolicy" => self.get_lifecycle_policy(ctx, input),
            "DeleteLifecyclePolicy" => self.delete_lifecycle_policy(ctx, input),
            "TagResource" => self.tag_resource(ctx, input),
            "UntagResource" => self.untag_resource(ctx, input),
            "ListTagsForResource" => self.list_tags_for_resource(ctx, input),
            "GetAuthorizationToken" => Ok(repositories::authorization_token(ctx, input)),
            "DescribeImages" => self.describe_images(ctx, input),
            "ListImages" => self.list_images(ctx, input),
            "BatchGetImage" => self.batch_get_image(ctx, input),
            "PutImage" => self.put_image(ctx, input),
            "BatchDeleteImage" => self.batch_delete_image(ctx, input),
            "_Push" => self.push(ctx, input),
            _ => Err(unknown_operation(call)),
        }
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("ecr:{}", call.operation);
        match call.operation.as_str() {
            // The two of the registry as a whole have no resource type in the authorization reference.
            "GetAuthorizationToken" => vec![Need::new(action, "*")],
            "TagResource" | "UntagResource" | "ListTagsForResource" => {
                vec![Need::new(action, call.text("resourceArn"))]
            }
            "DescribeRepositories" => {
                let names = texts(&call.input, "repositoryNames");
                if names.is_empty() {
                    return vec![Need::new(action, arn(place, "*"))];
                }
                names.iter().map(|name| Need::new(&action, arn(place, name))).collect()
            }
            _ => vec![Need::new(action, arn(place, call.text("repositoryName")))],
        }
    }
}

fn arn(place: &Place, name: &str) -> String {
    format!("arn:{}:ecr:{}:{}:repository/{name}", place.partition, place.region, place.account)
}

/// The repository that a call names, in the registry that it names (the account's own, where it names none).
fn named<'w>(ctx: &'w Ctx<'_>, input: &Value) -> Result<(String, &'w Repository), ApiError> {
    let name = text(input, "repositoryName").unwrap_or_default();
    let registry = text(input, "registryId").unwrap_or(&ctx.place.account);
    let found = ctx.outside.repositories.get(name).filter(|_| registry == ctx.place.account);
    found.map(|repository| (name.to_owned(), repository)).ok_or_else(|| no_repository(name, registry))
}

fn no_repository(name: &str, registry: &str) -> ApiError {
    ApiError::client(
        "RepositoryNotFoundException",
        format!("The repository with name '{name}' does not exist in the registry with id '{registry}'"),
    )
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

/// `tags` in the model's list shape.
fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// The members that every image answer starts with.
fn image_base(place: &Place, repository: &str) -> Map<String, Value> {
    let mut base = Map::new();
    base.insert("registryId".to_owned(), json!(place.account));
    base.insert("repositoryName".to_owned(), json!(repository));
    base
}

#[cfg(test)]
mod tests;
