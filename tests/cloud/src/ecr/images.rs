//! Images: push, describe, list, get, delete, and the `ECR Image Action` event of each change.
//!
//! The event's shape is the one in the ECR user guide, "Amazon ECR events and EventBridge": `resources` is empty, and
//! `image-tag` is there only where the change names a tag.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Ecr, Settings, image_base, invalid, named};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::effect::Effect;
use crate::outside::{Image, Repository};
use crate::shape::{epoch, integer, items, listing, page, text};

/// `DescribeImages` and `ListImages` show this many where the call says nothing (botocore's model).
const PAGE_DEFAULT: i64 = 100;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What is pushed: a manifest (or only its digest) under a tag, or under none.
struct Push<'a> {
    repository: &'a str,
    digest: String,
    tag: Option<&'a str>,
    manifest: Option<(String, String)>,
    size_bytes: u64,
}

impl Ecr {
    pub(super) fn put_image(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, _) = named(ctx, input)?;
        let manifest = text(input, "imageManifest").unwrap_or_default();
        let parsed: Value = serde_json::from_str(manifest).map_err(|_| {
            invalid("Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
        })?;
        let media = text(input, "imageManifestMediaType")
            .or_else(|| text(&parsed, "mediaType"))
            .ok_or_else(|| invalid("image manifest mediatype not provided in manifest or parameter"))?;
        let digest = sha256(manifest);
        if let Some(claimed) = text(input, "imageDigest").filter(|claimed| *claimed != digest) {
            return Err(ApiError::client(
                "ImageDigestDoesNotMatchException",
                format!("The provided digest '{claimed}' does not match the digest of the image manifest, '{digest}'"),
            ));
        }
        let tag = text(input, "imageTag");
        self.accept(
            ctx,
            Push {
                repository: &name,
                digest: digest.clone(),
                tag,
                manifest: Some((manifest.to_owned(), media.to_owned())),
                size_bytes: image_size(&parsed, manifest),
            },
        )?;
        let mut image = image_base(ctx.place, &name);
        image.insert("imageId".to_owned(), image_id(&digest, tag));
        image.insert("imageManifest".to_owned(), json!(manifest));
        image.insert("imageManifestMediaType".to_owned(), json!(media));
        Ok(json!({"image": image}))
    }

    /// The control API's push: `{Repository, Tag, Digest?}`. The repository is created where it is missing; without a
    /// digest a new manifest is made up, so that the digest is the digest of something.
    pub(super) fn push(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = text(input, "Repository").ok_or_else(|| invalid("Repository is missing"))?;
        let tag = text(input, "Tag");
        ctx.outside.repositories.entry(name.to_owned()).or_default();
        let (digest, manifest) = match text(input, "Digest") {
            Some(digest) if is_digest(digest) => (digest.to_owned(), None),
            Some(digest) => return Err(invalid(format!("Digest '{digest}' is not sha256: and 64 hex digits"))),
            None => {
                let manifest = made_up_manifest(&ctx.ids.hex32());
                (sha256(&manifest), Some((manifest, DOCKER_MANIFEST.to_owned())))
            }
        };
        self.accept(ctx, Push { repository: name, digest: digest.clone(), tag, manifest, size_bytes: 52_428_800 })?;
        Ok(json!({"Repository": name, "Digest": digest, "PushedAt": epoch(ctx.now)}))
    }

    /// Puts the image in place and tells the bus. A tag moves from the image that had it, unless it may not move.
    fn accept(&mut self, ctx: &mut Ctx<'_>, push: Push<'_>) -> Result<(), ApiError> {
        let account = &ctx.place.account;
        let repository = ctx.outside.repositories.entry(push.repository.to_owned()).or_default();
        let settings = self.settings(ctx.now, push.repository, repository);
        if let Some(tag) = push.tag {
            let holder = repository.find(tag).map(|image| image.digest.clone());
            if holder.as_ref() == Some(&push.digest) {
                return Err(ApiError::client(
                    "ImageAlreadyExistsException",
                    format!(
                        "Image with digest '{}' and tag '{tag}' already exists in the repository with name '{}' in \
                         registry with id '{account}'",
                        push.digest, push.repository
                    ),
                ));
            }
            if holder.is_some() && !may_move(settings, tag) {
                return Err(ApiError::client(
                    "ImageTagAlreadyExistsException",
                    format!(
                        "The image tag '{tag}' already exists in the '{}' repository and cannot be overwritten because \
                         the tag is immutable.",
                        push.repository
                    ),
                ));
            }
            for image in &mut repository.images {
                image.tags.retain(|held| held != tag);
            }
        }
        if let Some(manifest) = push.manifest {
            settings.manifests.insert(push.digest.clone(), manifest);
        }
        place_image(repository, &push.digest, push.tag, ctx.now, push.size_bytes);
        ctx.effects.push(image_action("PUSH", push.repository, &push.digest, push.tag));
        Ok(())
    }

    pub(super) fn describe_images(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, repository) = named(ctx, input)?;
        let ids: Vec<&Value> = items(input, "imageIds").collect();
        if !ids.is_empty() {
            if ["nextToken", "maxResults", "filter"].iter().any(|member| input.get(member).is_some()) {
                return Err(invalid("imageIds cannot be used with nextToken, maxResults or filter"));
            }
            let mut details: Vec<Value> = Vec::new();
            for id in ids {
                let image = find(repository, id).map_err(|_| missing_image(id, &name, &ctx.place.account))?;
                let detail = self.detail(ctx.place, &name, image);
                if !details.contains(&detail) {
                    details.push(detail);
                }
            }
            return Ok(json!({"imageDetails": details}));
        }
        let shown =
            filtered(repository, input).map(|(key, image)| (key, self.detail(ctx.place, &name, image))).collect();
        let size = integer(input, "maxResults").unwrap_or(PAGE_DEFAULT) as usize;
        let (list, next) = page(shown, text(input, "nextToken"), size, false)
            .map_err(|error| invalid(format!("nextToken: {error}")))?;
        Ok(listing("imageDetails", list, "nextToken", next))
    }

    fn detail(&self, place: &Place, name: &str, image: &Image) -> Value {
        let manifests = self.settings.get(name).map(|settings| &settings.manifests);
        let media = manifests.and_then(|manifests| manifests.get(&image.digest)).map(|(_, media)| media.as_str());
        let mut detail = detail(place, name, image);
        detail.insert("imageManifestMediaType".to_owned(), json!(media.unwrap_or(DOCKER_MANIFEST)));
        detail.insert("imageStatus".to_owned(), json!("ACTIVE"));
        Value::Object(detail)
    }

    pub(super) fn list_images(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (_, repository) = named(ctx, input)?;
        let mut ids = Vec::new();
        for (key, image) in filtered(repository, input) {
            if image.tags.is_empty() {
                ids.push((key.clone(), image_id(&image.digest, None)));
            }
            ids.extend(image.tags.iter().map(|tag| (format!("{key}/{tag}"), image_id(&image.digest, Some(tag)))));
        }
        ids.sort_by(|one, other| one.0.cmp(&other.0));
        let size = integer(input, "maxResults").unwrap_or(PAGE_DEFAULT) as usize;
        let (list, next) =
            page(ids, text(input, "nextToken"), size, false).map_err(|error| invalid(format!("nextToken: {error}")))?;
        Ok(listing("imageIds", list, "nextToken", next))
    }

    pub(super) fn batch_get_image(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, repository) = named(ctx, input)?;
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        for id in items(input, "imageIds") {
            let found = find(repository, id).and_then(|image| {
                let manifest = self.settings.get(&name).and_then(|settings| settings.manifests.get(&image.digest));
                // A push by digest alone brings no manifest, and a made-up one would not have that digest.
                manifest.map(|manifest| (image, manifest)).ok_or((
                    "ImageInaccessible",
                    "the image was pushed to the local cloud by its digest alone; it has no manifest".to_owned(),
                ))
            });
            match found {
                Ok((image, (manifest, media))) => {
                    let mut shown = image_base(ctx.place, &name);
                    shown.insert("imageId".to_owned(), image_id(&image.digest, text(id, "imageTag")));
                    shown.insert("imageManifest".to_owned(), json!(manifest));
                    shown.insert("imageManifestMediaType".to_owned(), json!(media));
                    images.push(Value::Object(shown));
                }
                Err((code, reason)) => failures.push(failure(id, code, &reason)),
            }
        }
        Ok(json!({"images": images, "failures": failures}))
    }

    /// By tag: the tag goes, and the image with its last tag. By digest: the image goes with all its tags.
    pub(super) fn batch_delete_image(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, _) = named(ctx, input)?;
        let Some(repository) = ctx.outside.repositories.get_mut(&name) else {
            return Err(super::no_repository(&name, &ctx.place.account));
        };
        let (mut gone, mut failures) = (Vec::new(), Vec::new());
        for id in items(input, "imageIds") {
            let digest = match find(repository, id) {
                Ok(image) => image.digest.clone(),
                Err((code, reason)) => {
                    failures.push(failure(id, code, &reason));
                    continue;
                }
            };
            for tag in remove(repository, &digest, text(id, "imageTag")) {
                ctx.effects.push(image_action("DELETE", &name, &digest, tag.as_deref()));
                gone.push(image_id(&digest, tag.as_deref()));
            }
        }
        Ok(json!({"imageIds": gone, "failures": failures}))
    }
}

/// Takes the tag, or the whole image, away; the tags that went (`None` for an image that had none).
fn remove(repository: &mut Repository, digest: &str, tag: Option<&str>) -> Vec<Option<String>> {
    let Some(at) = repository.images.iter().position(|image| image.digest == digest) else { return Vec::new() };
    if let Some(tag) = tag {
        let image = &mut repository.images[at];
        image.tags.retain(|held| held != tag);
        if image.tags.is_empty() {
            repository.images.remove(at);
        }
        return vec![Some(tag.to_owned())];
    }
    let image = repository.images.remove(at);
    if image.tags.is_empty() { vec![None] } else { image.tags.into_iter().map(Some).collect() }
}

/// A digest that is there already keeps its place and its time: only a new image is pushed.
fn place_image(repository: &mut Repository, digest: &str, tag: Option<&str>, now: Timestamp, size_bytes: u64) {
    let tags = tag.map(str::to_owned);
    match repository.images.iter_mut().find(|image| image.digest == digest) {
        Some(image) => image.tags.extend(tags),
        None => repository.images.push(Image {
            digest: digest.to_owned(),
            tags: tags.into_iter().collect(),
            pushed_at: now.as_second(),
            size_bytes,
        }),
    }
}

fn may_move(settings: &Settings, tag: &str) -> bool {
    let excluded = settings.exclusions.iter().any(|pattern| wildcard(pattern, tag));
    match settings.mutability.as_str() {
        "IMMUTABLE" => false,
        "IMMUTABLE_WITH_EXCLUSION" => excluded,
        "MUTABLE_WITH_EXCLUSION" => !excluded,
        _ => true,
    }
}

/// `*` stands for any run of characters.
fn wildcard(pattern: &str, tag: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == tag,
        Some((head, rest)) => tag.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| wildcard(rest, &tail[at..]))
        }),
    }
}

/// The image that an `imageIds` entry names, or the failure code and reason of the batch operations.
pub(super) fn find<'r>(repository: &'r Repository, id: &Value) -> Result<&'r Image, (&'static str, String)> {
    let (digest, tag) = (text(id, "imageDigest"), text(id, "imageTag"));
    let missing = || ("ImageNotFound", "Requested image not found".to_owned());
    match (digest, tag) {
        (None, None) => {
            Err(("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null".to_owned()))
        }
        (Some(digest), _) if !is_digest(digest) => Err((
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
                .to_owned(),
        )),
        (Some(digest), None) => repository.images.iter().find(|image| image.digest == digest).ok_or_else(missing),
        (None, Some(tag)) => tagged(repository, tag).ok_or_else(missing),
        (Some(digest), Some(tag)) => match tagged(repository, tag) {
            Some(image) if image.digest == digest => Ok(image),
            Some(_) => Err(("ImageTagDoesNotMatchDigest", "the tag names another image than the digest".to_owned())),
            None => Err(missing()),
        },
    }
}

fn tagged<'r>(repository: &'r Repository, tag: &str) -> Option<&'r Image> {
    repository.images.iter().find(|image| image.tags.iter().any(|held| held == tag))
}

pub(super) fn missing_image(id: &Value, repository: &str, registry: &str) -> ApiError {
    let part = |member| text(id, member).unwrap_or("null");
    ApiError::client(
        "ImageNotFoundException",
        format!(
            "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name \
             '{repository}' in the registry with id '{registry}'",
            part("imageDigest"),
            part("imageTag")
        ),
    )
}

/// The images that `filter.tagStatus` lets through, keyed by their place in the repository.
fn filtered<'r>(repository: &'r Repository, input: &Value) -> impl Iterator<Item = (String, &'r Image)> {
    let status = input.get("filter").and_then(|filter| text(filter, "tagStatus")).unwrap_or("ANY").to_owned();
    repository
        .images
        .iter()
        .filter_map(move |image| {
            let shown = match status.as_str() {
                "TAGGED" => !image.tags.is_empty(),
                "UNTAGGED" => image.tags.is_empty(),
                _ => true,
            };
            shown.then(|| (format!("{:020}/{}", image.pushed_at, image.digest), image))
        })
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
}

/// The members of `ImageDetail` that ECR and ECR Public share.
pub(super) fn detail(place: &Place, repository: &str, image: &Image) -> Map<String, Value> {
    let mut detail = image_base(place, repository);
    detail.insert("imageDigest".to_owned(), json!(image.digest));
    if !image.tags.is_empty() {
        detail.insert("imageTags".to_owned(), json!(image.tags));
    }
    detail.insert("imageSizeInBytes".to_owned(), json!(image.size_bytes));
    let pushed = Timestamp::from_second(image.pushed_at).unwrap_or_default();
    detail.insert("imagePushedAt".to_owned(), epoch(pushed));
    detail
}

fn image_id(digest: &str, tag: Option<&str>) -> Value {
    match tag {
        Some(tag) => json!({"imageDigest": digest, "imageTag": tag}),
        None => json!({"imageDigest": digest}),
    }
}

fn failure(id: &Value, code: &str, reason: &str) -> Value {
    json!({"imageId": id, "failureCode": code, "failureReason": reason})
}

fn image_action(action: &str, repository: &str, digest: &str, tag: Option<&str>) -> Effect {
    let mut detail = json!({
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": digest,
        "action-type": action,
    });
    if let Some(tag) = tag {
        detail["image-tag"] = json!(tag);
    }
    Effect::Event {
        source: "aws.ecr".to_owned(),
        detail_type: "ECR Image Action".to_owned(),
        resources: Vec::new(),
        detail,
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn sha256(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What the registry would store: the sizes of the configuration and the layers, else the manifest itself.
fn image_size(parsed: &Value, manifest: &str) -> u64 {
    let layers: u64 =
        items(parsed, "layers").chain(parsed.get("config")).filter_map(|part| part.get("size")?.as_u64()).sum();
    if layers > 0 { layers } else { manifest.len() as u64 }
}

fn made_up_manifest(seed: &str) -> String {
    let part = |media: &str, size: u64, name: &str| json!({"mediaType": media, "size": size, "digest": sha256(name)});
    json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": part("application/vnd.docker.container.image.v1+json", 7_023, &format!("config {seed}")),
        "layers": [part("application/vnd.docker.image.rootfs.diff.tar.gzip", 52_421_777, &format!("layer {seed}"))],
    })
    .to_string()
}
