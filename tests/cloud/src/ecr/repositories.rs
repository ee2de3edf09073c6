//! Repositories: create, describe, delete, their settings, and the token that `docker login` takes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Span;
use serde_json::{Map, Value, json};

use super::{Ecr, Settings, arn, invalid, named, no_repository, tag_list};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::outside::Repository;
use crate::shape::{epoch, flag, integer, items, listing, page, text, texts};

/// `DescribeRepositories` shows this many where the call says nothing (botocore's model).
const PAGE_DEFAULT: i64 = 100;

/// A registry's token is good for this long (botocore's model).
const TOKEN_HOURS: i64 = 12;

impl Ecr {
    pub(super) fn create_repository(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = text(input, "repositoryName").unwrap_or_default();
        if ctx.outside.repositories.contains_key(name) {
            return Err(ApiError::client(
                "RepositoryAlreadyExistsException",
                format!(
                    "The repository with name '{name}' already exists in the registry with id '{}'",
                    ctx.place.account
                ),
            ));
        }
        let mut settings = Settings::new(ctx.now);
        apply_mutability(&mut settings, input)?;
        settings.scan_on_push = input.get("imageScanningConfiguration").is_some_and(|scan| flag(scan, "scanOnPush"));
        if let Some(encryption) = input.get("encryptionConfiguration").filter(|value| value.is_object()) {
            settings.encryption = encryption.clone();
        }
        settings.tags = read_tags(input);
        let shown = describe(ctx.place, name, &settings);
        ctx.outside.repositories.insert(name.to_owned(), Repository::default());
        self.settings.insert(name.to_owned(), settings);
        Ok(json!({"repository": shown}))
    }

    pub(super) fn describe_repositories(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let asked = texts(input, "repositoryNames");
        if !asked.is_empty() && (input.get("nextToken").is_some() || input.get("maxResults").is_some()) {
            return Err(invalid("repositoryNames cannot be used with nextToken or maxResults"));
        }
        let registry = text(input, "registryId").unwrap_or(&ctx.place.account);
        if let Some(missing) = asked
            .iter()
            .find(|name| registry != ctx.place.account || !ctx.outside.repositories.contains_key(name.as_str()))
        {
            return Err(no_repository(missing, registry));
        }
        let mut shown = Vec::new();
        for (name, repository) in &ctx.outside.repositories {
            if registry == ctx.place.account && (asked.is_empty() || asked.contains(name)) {
                let settings = self.settings(ctx.now, name, repository);
                shown.push((name.clone(), describe(ctx.place, name, settings)));
            }
        }
        let size = if asked.is_empty() { integer(input, "maxResults").unwrap_or(PAGE_DEFAULT) } else { i64::MAX };
        let (list, next) = page(shown, text(input, "nextToken"), size as usize, false)
            .map_err(|error| invalid(format!("nextToken: {error}")))?;
        Ok(listing("repositories", list, "nextToken", next))
    }

    pub(super) fn delete_repository(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, repository) = named(ctx, input)?;
        if !repository.images.is_empty() && !flag(input, "force") {
            return Err(ApiError::client(
                "RepositoryNotEmptyException",
                format!(
                    "The repository with name '{name}' in registry with id '{}' cannot be deleted because it still \
                     contains images",
                    ctx.place.account
                ),
            ));
        }
        let repository = repository.clone();
        let shown = describe(ctx.place, &name, self.settings(ctx.now, &name, &repository));
        ctx.outside.repositories.remove(&name);
        self.settings.remove(&name);
        Ok(json!({"repository": shown}))
    }

    /// The settings of the repository that a call names.
    pub(super) fn named_settings(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<(String, &mut Settings), ApiError> {
        let (name, repository) = named(ctx, input)?;
        let settings = self.settings(ctx.now, &name, repository);
        Ok((name, settings))
    }

    pub(super) fn put_image_tag_mutability(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, settings) = self.named_settings(ctx, input)?;
        apply_mutability(settings, input)?;
        let mut answer = settings_answer(ctx.place, &name);
        answer.insert("imageTagMutability".to_owned(), json!(settings.mutability));
        if !settings.exclusions.is_empty() {
            answer.insert("imageTagMutabilityExclusionFilters".to_owned(), exclusion_list(settings));
        }
        Ok(Value::Object(answer))
    }

    pub(super) fn put_lifecycle_policy(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let policy = text(input, "lifecyclePolicyText").unwrap_or_default().to_owned();
        let rules = serde_json::from_str::<Value>(&policy).ok().and_then(|policy| policy.get("rules").cloned());
        if rules.is_none_or(|rules| rules.as_array().is_none_or(Vec::is_empty)) {
            return Err(invalid(
                "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: \
                 'Lifecycle policy validation failure: a JSON object with at least one rule is needed'",
            ));
        }
        let (name, settings) = self.named_settings(ctx, input)?;
        settings.lifecycle = Some(policy.clone());
        let mut answer = settings_answer(ctx.place, &name);
        answer.insert("lifecyclePolicyText".to_owned(), json!(policy));
        Ok(Value::Object(answer))
    }

    pub(super) fn get_lifecycle_policy(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, settings) = self.named_settings(ctx, input)?;
        let policy = settings.lifecycle.clone().ok_or_else(|| {
            ApiError::client(
                "LifecyclePolicyNotFoundException",
                format!(
                    "Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{}'",
                    ctx.place.account
                ),
            )
        })?;
        let mut answer = settings_answer(ctx.place, &name);
        answer.insert("lifecyclePolicyText".to_owned(), json!(policy));
        Ok(Value::Object(answer))
    }

    pub(super) fn delete_lifecycle_policy(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let shown = self.get_lifecycle_policy(ctx, input)?;
        self.named_settings(ctx, input)?.1.lifecycle = None;
        Ok(shown)
    }

    fn by_arn(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<&mut Settings, ApiError> {
        let given = text(input, "resourceArn").unwrap_or_default();
        let name = given.strip_prefix(&arn(ctx.place, "")).ok_or_else(|| {
            invalid(format!(
                "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN': '{given}' is no \
                 repository of this account and region"
            ))
        })?;
        let repository = ctx.outside.repositories.get(name).ok_or_else(|| no_repository(name, &ctx.place.account))?;
        Ok(self.settings(ctx.now, name, repository))
    }

    pub(super) fn tag_resource(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        self.by_arn(ctx, input)?.tags.extend(read_tags(input));
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let settings = self.by_arn(ctx, input)?;
        for key in texts(input, "tagKeys") {
            settings.tags.remove(&key);
        }
        Ok(json!({}))
    }

    pub(super) fn list_tags_for_resource(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Ok(json!({"tags": tag_list(&self.by_arn(ctx, input)?.tags)}))
    }
}

/// The token is base64 of `AWS:` and a password, as `docker login` wants it.
pub(super) fn authorization_token(ctx: &mut Ctx<'_>, input: &Value) -> Value {
    let mut registries = texts(input, "registryIds");
    if registries.is_empty() {
        registries.push(ctx.place.account.clone());
    }
    let expires = ctx.now.checked_add(Span::new().hours(TOKEN_HOURS)).unwrap_or(ctx.now);
    let data: Vec<Value> = registries
        .iter()
        .map(|registry| {
            json!({
                "authorizationToken": BASE64_STANDARD.encode(format!("AWS:{}", ctx.ids.hex32())),
                "expiresAt": epoch(expires),
                "proxyEndpoint": format!("https://{}", host(ctx.place, registry)),
            })
        })
        .collect();
    json!({"authorizationData": data})
}

fn host(place: &Place, registry: &str) -> String {
    format!("{registry}.dkr.ecr.{}.amazonaws.com", place.region)
}

fn settings_answer(place: &Place, name: &str) -> Map<String, Value> {
    super::image_base(place, name)
}

fn apply_mutability(settings: &mut Settings, input: &Value) -> Result<(), ApiError> {
    let Some(mutability) = text(input, "imageTagMutability") else { return Ok(()) };
    let exclusions: Vec<String> = items(input, "imageTagMutabilityExclusionFilters")
        .filter_map(|filter| text(filter, "filter"))
        .map(str::to_owned)
        .collect();
    if mutability.ends_with("_WITH_EXCLUSION") == exclusions.is_empty() {
        return Err(invalid(
            "imageTagMutabilityExclusionFilters goes with IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION, and \
             only with them",
        ));
    }
    mutability.clone_into(&mut settings.mutability);
    settings.exclusions = exclusions;
    Ok(())
}

fn read_tags(input: &Value) -> BTreeMap<String, String> {
    items(input, "tags")
        .filter_map(|tag| {
            let value = tag.get("Value").and_then(Value::as_str).unwrap_or_default();
            Some((text(tag, "Key")?.to_owned(), value.to_owned()))
        })
        .collect()
}

fn exclusion_list(settings: &Settings) -> Value {
    settings.exclusions.iter().map(|filter| json!({"filterType": "WILDCARD", "filter": filter})).collect()
}

fn describe(place: &Place, name: &str, settings: &Settings) -> Value {
    let mut shown = json!({
        "repositoryArn": arn(place, name),
        "registryId": place.account,
        "repositoryName": name,
        "repositoryUri": format!("{}/{name}", host(place, &place.account)),
        "createdAt": epoch(settings.created_at),
        "imageTagMutability": settings.mutability,
        "imageScanningConfiguration": {"scanOnPush": settings.scan_on_push},
        "encryptionConfiguration": settings.encryption,
    });
    if !settings.exclusions.is_empty() {
        shown["imageTagMutabilityExclusionFilters"] = exclusion_list(settings);
    }
    shown
}
