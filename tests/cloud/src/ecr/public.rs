//! ECR Public, read only: what `public.ecr.aws` holds under the account's registry.
//!
//! The world outside names a public repository `alias/name`. The API names it `name`; it is found by its full name
//! first, else as the one whose name after the alias fits.

use serde_json::{Value, json};

use super::images::{detail, find, missing_image};
use super::{invalid, no_repository};
use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::outside::{Outside, Repository};
use crate::shape::{epoch, integer, items, listing, page, text, texts, unknown_operation};

const PAGE_DEFAULT: i64 = 100;

/// The public registry of the account.
#[derive(Debug, Default)]
pub struct EcrPublic {}

impl EcrPublic {
    pub fn new() -> Self {
        Self::default()
    }
}

impl Service for EcrPublic {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "DescribeImages" => describe_images(ctx, &call.input),
            "DescribeRepositories" => describe_repositories(ctx, &call.input),
            _ => Err(unknown_operation(call)),
        }
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("ecr-public:{}", call.operation);
        let mut names = texts(&call.input, "repositoryNames");
        names.extend(text(&call.input, "repositoryName").map(str::to_owned));
        if names.is_empty() {
            names.push("*".to_owned());
        }
        names.iter().map(|name| Need::new(&action, arn(place, name))).collect()
    }
}

fn arn(place: &Place, name: &str) -> String {
    format!("arn:{}:ecr-public::{}:repository/{name}", place.partition, place.account)
}

fn find_repository<'w>(
    outside: &'w Outside,
    place: &Place,
    name: &str,
    input: &Value,
) -> Result<(&'w str, &'w Repository), ApiError> {
    let registry = text(input, "registryId").unwrap_or(&place.account);
    let after_alias = |full: &str| full.split_once('/').is_some_and(|(_, rest)| rest == name);
    let repositories = &outside.public_repositories;
    repositories
        .get_key_value(name)
        .or_else(|| repositories.iter().find(|(full, _)| after_alias(full)))
        .filter(|_| registry == place.account)
        .map(|(full, repository)| (full.as_str(), repository))
        .ok_or_else(|| no_repository(name, registry))
}

fn describe_images(ctx: &Ctx<'_>, input: &Value) -> Answer {
    let name = text(input, "repositoryName").unwrap_or_default();
    let (_, repository) = find_repository(ctx.outside, ctx.place, name, input)?;
    let shown = |image| Value::Object(detail(ctx.place, name, image));
    let ids: Vec<&Value> = items(input, "imageIds").collect();
    if !ids.is_empty() {
        let found = ids
            .into_iter()
            .map(|id| find(repository, id).map(shown).map_err(|_| missing_image(id, name, &ctx.place.account)));
        return Ok(json!({"imageDetails": found.collect::<Result<Vec<Value>, ApiError>>()?}));
    }
    let mut keyed: Vec<(String, Value)> = repository
        .images
        .iter()
        .map(|image| (format!("{:020}/{}", image.pushed_at, image.digest), shown(image)))
        .collect();
    keyed.sort_by(|one, other| one.0.cmp(&other.0));
    let size = integer(input, "maxResults").unwrap_or(PAGE_DEFAULT) as usize;
    let (list, next) =
        page(keyed, text(input, "nextToken"), size, false).map_err(|error| invalid(format!("nextToken: {error}")))?;
    Ok(listing("imageDetails", list, "nextToken", next))
}

fn describe_repositories(ctx: &Ctx<'_>, input: &Value) -> Answer {
    let asked = texts(input, "repositoryNames");
    let describe = |full: &str, repository: &Repository| {
        let name = full.split_once('/').map_or(full, |(_, name)| name);
        let first = repository.images.iter().map(|image| image.pushed_at).min();
        let created = first.and_then(|at| jiff::Timestamp::from_second(at).ok()).unwrap_or(ctx.now);
        json!({
            "repositoryArn": arn(ctx.place, name),
            "registryId": ctx.place.account,
            "repositoryName": name,
            "repositoryUri": format!("public.ecr.aws/{full}"),
            "createdAt": epoch(created),
        })
    };
    if !asked.is_empty() {
        let found = asked.iter().map(|name| {
            find_repository(ctx.outside, ctx.place, name, input).map(|(full, found)| describe(full, found))
        });
        return Ok(json!({"repositories": found.collect::<Result<Vec<Value>, ApiError>>()?}));
    }
    let all =
        ctx.outside.public_repositories.iter().map(|(full, found)| (full.clone(), describe(full, found))).collect();
    let size = integer(input, "maxResults").unwrap_or(PAGE_DEFAULT) as usize;
    let (list, next) =
        page(all, text(input, "nextToken"), size, false).map_err(|error| invalid(format!("nextToken: {error}")))?;
    Ok(listing("repositories", list, "nextToken", next))
}
