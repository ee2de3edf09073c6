//! Deployments of images: what the source names, what ECR has of it, and how long it keeps what a rollback needs.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `deployments-armed` | the source's tag names a digest that was found bad: the next deployment brings it back | high |
//! | `deployments-movable-tag` | automatic deployment of a tag that can be moved: whoever pushes deploys | medium |
//! | `deployments-tag-gone` | ECR has no image under the source's tag or digest: the next deployment fails | high |
//! | `deployments-target-gone` | the release that a rollback would choose is no longer in ECR, and another is left | medium |
//! | ... | ... and no other is left | high |
//! | `deployments-target-expires` | the lifecycle policy deletes that release within [`EXPIRES_DAYS`] days or [`EXPIRES_PUSHES`] pushes, now or as soon as a push takes its tag away | high |
//! | `deployments-automatic-elsewhere` | automatic deployment is on where App Runner has none: ECR Public, another account. Of another region of the account nothing is documented: no finding | medium |

use jiff::{SignedDuration, Timestamp};

use super::super::facts::ImageFacts;
use super::super::lifecycle::{Fate, Image, Lifecycle};
use super::super::{Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::fix::{pin, stop_automatic_deployment};
use super::subject::{ecr_guide, guide, this};
use crate::dns::command::quote;
use crate::id::{Digest, Reference, Registry};
use crate::ledger::{Ledger, Target};
use crate::service::{ServiceStatus, Source};

/// A week: an audit that runs daily says it early enough for somebody to act on a working day.
const EXPIRES_DAYS: i64 = 7;
/// Pushes of a working week where one release a day is usual.
const EXPIRES_PUSHES: usize = 5;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "deployments-armed",
        group: Group::Deployments,
        grade: Grade::High,
        title: "The source still names a release that was found bad",
        why: "The next deployment, by hand or by a change of the configuration, brings it back into service.",
        chapter: guide("Deployment methods"),
        check: Check::Service(armed),
    },
    Rule {
        id: "deployments-movable-tag",
        group: Group::Deployments,
        grade: Grade::Medium,
        title: "Automatic deployment follows a tag that can be moved",
        why: "Whoever may push to the repository puts code into service at once, and the tag does not say which.",
        chapter: guide("Deployment methods"),
        check: Check::Service(movable_tag),
    },
    Rule {
        id: "deployments-tag-gone",
        group: Group::Deployments,
        grade: Grade::High,
        title: "The image that the source names is not in ECR",
        why: "App Runner serves from a copy of its own, so that nobody notices until the next deployment fails.",
        chapter: guide("What does App Runner delete?"),
        check: Check::Service(tag_gone),
    },
    Rule {
        id: "deployments-target-gone",
        group: Group::Deployments,
        grade: Grade::High,
        title: "The release that a rollback would go to is no longer in ECR",
        why: "App Runner pulls what a rollback deploys; it keeps no older version of its own.",
        chapter: guide("Deploying a new application version to App Runner"),
        check: Check::Service(target_gone),
    },
    Rule {
        id: "deployments-target-expires",
        group: Group::Deployments,
        grade: Grade::High,
        title: "The lifecycle policy will soon delete the release that a rollback would go to",
        why: "After that a bad deployment cannot be taken back: App Runner keeps no older version of its own.",
        chapter: ecr_guide("Automate the cleanup of images by using lifecycle policies in Amazon ECR"),
        check: Check::Service(target_expires),
    },
    Rule {
        id: "deployments-automatic-elsewhere",
        group: Group::Deployments,
        grade: Grade::Medium,
        title: "Automatic deployment is on where App Runner has none",
        why: "Pushes are never deployed, and the configuration says that they are.",
        chapter: guide("Deployment methods"),
        check: Check::Service(automatic_elsewhere),
    },
];

/// What ECR says of the image; `None` where the source is none, or it could not be read: of an image that another
/// account, another region or ECR Public has, nothing is.
fn image<'f>(service: &'f ServiceFacts, out: &mut Findings) -> Option<&'f ImageFacts> {
    if matches!(service.status, ServiceStatus::Deleted | ServiceStatus::DeleteFailed) {
        return None;
    }
    let source = service.source.image()?;
    let known = out.known(&this(service), &service.image)?;
    if known.is_none() {
        let whose = match &source.registry {
            Registry::EcrPublic => "ECR Public".to_owned(),
            Registry::Ecr { account, region, .. } => format!("account {account} in {region}"),
        };
        out.unchecked(&this(service), &format!("its image is of {whose}, which is not read"));
    }
    known.as_ref()
}

/// Where a rollback would go if what serves now were bad.
fn target<'l>(ledger: &'l Ledger, gone: &[Digest], now: Timestamp) -> Option<&'l Digest> {
    let failing = ledger.current().and_then(|release| release.digest.as_ref());
    match ledger.target(failing, gone, now) {
        Target::Good(release) | Target::Unproven(release) => release.digest.as_ref(),
        Target::None => None,
    }
}

fn armed(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(image) = image(service, out) else { return };
    let Some(digest) = &image.digest else { return };
    let Some(memory) = out.known(&this(service), &service.memory) else { return };
    let Some(bad) = memory.ledger.bad.iter().find(|bad| bad.digest == *digest) else { return };
    let named = service.source.image().map(crate::id::ImageRef::short).unwrap_or_default();
    let seen = format!("{named} is {}, found bad at {} ({}).", digest.short(), bad.since, bad.reason);
    let good = memory.ledger.last_good(fleet.now).and_then(|release| release.digest.as_ref());
    let (fix, command) = match (good, service.source.image().map(|image| (&image.reference, &image.repository))) {
        (Some(good), Some((Reference::Tag(tag), repository))) if image.mutable => (
            "Move the tag back to the last good release, until a corrected one is pushed.",
            move_tag(repository, tag, good),
        ),
        (Some(good), _) => (
            "Pin the service to the last good release, until a corrected one is there.",
            pin(service, good).unwrap_or_default(),
        ),
        (None, _) => {
            ("Switch automatic deployment off and push a corrected image.", stop_automatic_deployment(service))
        }
    };
    out.find(this(service), seen, fix, command);
}

/// Gives a tag to an image that ECR has.
fn move_tag(repository: &str, tag: &str, digest: &Digest) -> String {
    let (repository, tag) = (quote(repository), quote(tag));
    format!(
        "aws ecr put-image --repository-name {repository} --image-tag {tag} --image-manifest \"$(aws ecr \
         batch-get-image --repository-name {repository} --image-ids imageDigest={digest} --query \
         'images[0].imageManifest' --output text)\""
    )
}

fn movable_tag(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Source::Image { image: source, auto_deploy } = &service.source else { return };
    // Where the API leaves it out, automatic deployment of ECR in the same account is on, and any other is off.
    let own = matches!(&source.registry, Registry::Ecr { account, .. } if account == service.arn.account());
    if source.digest().is_some() || !auto_deploy.unwrap_or(own) {
        return;
    }
    let Some(image) = image(service, out) else { return };
    if !image.mutable {
        return;
    }
    out.find(
        this(service),
        format!("It deploys every push to {}, and the tags of the repository can be moved.", source.short()),
        "Switch automatic deployment off and deploy releases under tags of their own; then make the repository's tags \
         immutable.",
        stop_automatic_deployment(service),
    );
}

fn tag_gone(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(image) = image(service, out) else { return };
    if image.digest.is_some() {
        return;
    }
    let seen = format!("ECR has no {}.", service.source.image().map(crate::id::ImageRef::short).unwrap_or_default());
    let good = match service.memory.get() {
        Some(Ok(memory)) => {
            let fits = |digest: &&Digest| !image.gone.contains(digest);
            memory.ledger.last_good(fleet.now).and_then(|release| release.digest.as_ref()).filter(fits)
        }
        Some(Err(_)) | None => None,
    };
    match good.and_then(|digest| pin(service, digest)) {
        Some(command) => out.find(
            this(service),
            seen,
            "Push the image again; or pin the service to the last good release, which deploys it.",
            command,
        ),
        None => out.find(this(service), seen, "Push the image again under this name.", ""),
    }
}

fn target_gone(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(image) = image(service, out) else { return };
    let Some(memory) = out.known(&this(service), &service.memory) else { return };
    let Some(first) = target(&memory.ledger, &[], fleet.now).filter(|first| image.gone.contains(first)) else { return };
    let next = target(&memory.ledger, &image.gone, fleet.now);
    let then = next.map_or_else(
        || "No other release is left to go to.".to_owned(),
        |next| format!("A rollback would go to {} instead.", next.short()),
    );
    out.find(
        this(service),
        format!("ECR has no image {} any more. {then}", first.short()),
        "Push that image again; or say of a release that ECR has that it is good. The list shows what is known.",
        format!("pitcrew releases {}", service.arn.name()),
    );
    if next.is_some() {
        out.graded(Grade::Medium);
    }
}

fn target_expires(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(image) = image(service, out) else { return };
    let Some(document) = &image.lifecycle else { return };
    let Some(memory) = out.known(&this(service), &service.memory) else { return };
    let lifecycle = match Lifecycle::parse(document) {
        Ok(lifecycle) => lifecycle,
        Err(error) => return out.unchecked(&this(service), &error.to_string()),
    };
    if let Some(previous) = target(&memory.ledger, &image.gone, fleet.now) {
        let soon = lifecycle.fate(&image.images, previous).and_then(|fate| soon(fate, fleet.now));
        if let Some(when) = soon {
            report(
                service,
                "previous",
                &format!("{}, which a rollback would go to now, {when}", previous.short()),
                out,
            );
        }
    }
    let current = memory.ledger.current().and_then(|release| release.digest.as_ref());
    if let Some(current) = current.filter(|digest| !memory.ledger.is_bad(digest)) {
        // The push of the next release takes the tag away from this one, and a rollback from that release comes back
        // here.
        let after = after_next_push(service, image);
        if let Some(when) = lifecycle.fate(&after, current).and_then(|fate| soon(fate, fleet.now)) {
            let what = format!(
                "{}, which serves now and is what the next release would be rolled back to, {when}",
                current.short()
            );
            report(service, "current", &what, out);
        }
    }
}

/// The images as they are when the next release was pushed under the source's tag.
fn after_next_push(service: &ServiceFacts, image: &ImageFacts) -> Vec<Image> {
    let moved = match service.source.image().map(|source| &source.reference) {
        Some(Reference::Tag(tag)) if image.mutable => Some(tag),
        Some(Reference::Tag(_) | Reference::Digest(_)) | None => None,
    };
    let without = |tags: &[String]| tags.iter().filter(|tag| Some(*tag) != moved).cloned().collect();
    image.images.iter().map(|(digest, tags, at)| (digest.clone(), without(tags), *at)).collect()
}

/// Says when, where that is soon.
fn soon(fate: Fate, now: Timestamp) -> Option<String> {
    match fate {
        Fate::Stays => None,
        Fate::At(when) => {
            let near = when.duration_since(now) <= SignedDuration::from_hours(24 * EXPIRES_DAYS);
            near.then(
                || if when <= now { "is due by its age".to_owned() } else { format!("goes at {when} by its age") },
            )
        }
        Fate::AfterPushes(0) => Some("is due by the number of images".to_owned()),
        Fate::AfterPushes(pushes) => {
            (pushes <= EXPIRES_PUSHES).then(|| format!("goes with the {pushes}. push from now by the number of images"))
        }
    }
}

fn report(service: &ServiceFacts, key: &str, what: &str, out: &mut Findings) {
    let repository = service.source.image().map(|source| source.repository.as_str()).unwrap_or_default();
    out.find_at(
        this(service),
        key,
        format!("By the lifecycle policy of {repository}, {what}."),
        "Let the policy keep more images, or give releases a tag of their own that a rule of lower rulePriority keeps. \
         Look first at what it would delete.",
        format!(
            "aws ecr get-lifecycle-policy --repository-name {} --query lifecyclePolicyText --output text",
            quote(repository)
        ),
    );
}

fn automatic_elsewhere(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Source::Image { image, auto_deploy: Some(true) } = &service.source else { return };
    let whose = match &image.registry {
        Registry::EcrPublic => "ECR Public".to_owned(),
        Registry::Ecr { account, .. } if account != service.arn.account() => format!("the account {account}"),
        Registry::Ecr { .. } => return,
    };
    out.find(
        this(service),
        format!("Automatic deployment is on, and {} comes from {whose}.", image.short()),
        "Switch it off, and deploy from the pipeline that pushes: aws apprunner start-deployment.",
        stop_automatic_deployment(service),
    );
}

#[cfg(test)]
mod tests;
