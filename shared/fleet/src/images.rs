//! ECR, read for an audit: what the source names, whether tags can move, and what a lifecycle policy could take away.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::{ImageDetail, ImageTagMutability};
use pitcrew_aws::apprunner::time;
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_core::audit::facts::{ImageFacts, Place};
use pitcrew_core::audit::lifecycle::Image;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::{Digest, ImageRef, Reference, Registry};

use crate::cache::Cache;
use crate::fact::shared;

/// The most that ECR gives in one page.
const PAGE: i32 = 1000;
/// A repository holds 20,000 images by default.
const PAGES_MAX: usize = 40;
/// Images that are kept of all repositories: some 25 MB.
const IMAGES_MAX: usize = 100_000;

/// What is the same for all images of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Repository {
    mutable: bool,
    lifecycle: Option<String>,
    /// All of them: one listing tells every service of the repository what its tag names and what of its ledger is gone.
    images: Arc<[Image]>,
}

/// The repositories of a run.
pub(crate) struct Images {
    repositories: Cache<Fact<Arc<Repository>>>,
}

impl Default for Images {
    fn default() -> Self {
        Self { repositories: Cache::weighing(IMAGES_MAX, weight) }
    }
}

fn weight(repository: &Fact<Arc<Repository>>) -> usize {
    match repository {
        Fact::Known(repository) => repository.images.len() + 1,
        Fact::Unavailable(_) | Fact::Unread => 1,
    }
}

impl Images {
    /// What ECR says of an image; `known`: the digests of the service's ledger.
    pub(crate) async fn get(
        &self,
        client: &Client,
        place: &Place,
        image: &ImageRef,
        known: &[Digest],
    ) -> Fact<Option<ImageFacts>> {
        let Registry::Ecr { account, region } = &image.registry else { return Fact::Known(None) };
        if *account != place.account || *region != place.region {
            return Fact::Known(None);
        }
        let read = async { shared(repository(client, account, &image.repository).await.map(Arc::new)) };
        match self.repositories.get(&image.repository, read).await.value {
            Fact::Known(repository) => Fact::Known(Some(facts(image, known, &repository))),
            missing => crate::fact::likewise(&missing),
        }
    }
}

fn facts(image: &ImageRef, known: &[Digest], repository: &Repository) -> ImageFacts {
    let Repository { mutable, lifecycle, images } = repository;
    let held: BTreeSet<&Digest> = images.iter().map(|(digest, _, _)| digest).collect();
    ImageFacts {
        digest: named(images, &image.reference),
        mutable: *mutable,
        lifecycle: lifecycle.clone(),
        images: if lifecycle.is_some() { images.clone() } else { Arc::default() },
        gone: known.iter().filter(|digest| !held.contains(digest)).cloned().collect(),
    }
}

/// What a listing holds under a tag or a digest.
fn named(images: &[Image], reference: &Reference) -> Option<Digest> {
    let is = |(digest, tags, _): &&Image| match reference {
        Reference::Tag(tag) => tags.contains(tag),
        Reference::Digest(wanted) => digest == wanted,
    };
    images.iter().find(is).map(|(digest, _, _)| digest.clone())
}

async fn repository(client: &Client, account: &str, name: &str) -> Result<Repository, AwsError> {
    const DESCRIBE: &str = "ecr:DescribeRepositories";
    let answer = client.describe_repositories().registry_id(account).repository_names(name).send().await;
    let answer = answer.map_err(|error| AwsError::sort(DESCRIBE, error))?;
    let seen = answer.repositories.unwrap_or_default().into_iter().next();
    let seen = seen.ok_or_else(|| AwsError::broken(DESCRIBE, "the answer holds no repository"))?;
    let lifecycle = lifecycle(client, account, name).await?;
    let images = images(client, account, name).await?;
    // With exclusions, some tags can be moved and some cannot: the service's may be one that can.
    let immutable = seen.image_tag_mutability == Some(ImageTagMutability::Immutable);
    Ok(Repository { mutable: !immutable, lifecycle, images: images.into() })
}

async fn lifecycle(client: &Client, account: &str, name: &str) -> Result<Option<String>, AwsError> {
    let answer = client.get_lifecycle_policy().registry_id(account).repository_name(name).send().await;
    match answer.map_err(|error| AwsError::sort("ecr:GetLifecyclePolicy", error)) {
        Ok(answer) => Ok(answer.lifecycle_policy_text),
        Err(error) if error.kind == Kind::Missing && error.code == "LifecyclePolicyNotFoundException" => Ok(None),
        Err(error) => Err(error),
    }
}

async fn images(client: &Client, account: &str, name: &str) -> Result<Vec<Image>, AwsError> {
    const DESCRIBE: &str = "ecr:DescribeImages";
    let mut images = Vec::new();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let call = client.describe_images().registry_id(account).repository_name(name).max_results(PAGE);
        let page = call.set_next_token(token.take()).send().await.map_err(|error| AwsError::sort(DESCRIBE, error))?;
        images.extend(page.image_details.unwrap_or_default().into_iter().filter_map(image));
        token = page.next_token;
        if token.is_none() {
            return Ok(images);
        }
    }
    Err(AwsError::broken(DESCRIBE, format!("{name} has more than {PAGES_MAX} pages of images")))
}

fn image(detail: ImageDetail) -> Option<Image> {
    let digest = Digest::parse(detail.image_digest.as_deref()?).ok()?;
    Some((digest, detail.image_tags.unwrap_or_default(), detail.image_pushed_at.as_ref().map(time)?))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn digest(of: &str) -> Digest {
        Digest::parse(&format!("sha256:{}", of.repeat(32))).unwrap()
    }

    #[test]
    fn a_listing_answers_for_a_tag_and_for_a_digest() {
        let images = [(digest("aa"), vec!["v1".to_owned(), "latest".to_owned()], Timestamp::UNIX_EPOCH)];
        assert_eq!(named(&images, &Reference::Tag("latest".to_owned())), Some(digest("aa")));
        assert_eq!(named(&images, &Reference::Digest(digest("aa"))), Some(digest("aa")));
        assert_eq!(named(&images, &Reference::Tag("v2".to_owned())), None);
        assert_eq!(named(&images, &Reference::Digest(digest("bb"))), None);
    }

    #[tokio::test]
    async fn what_our_own_registry_cannot_know_is_no_image_of_ours_and_costs_no_call() {
        // Nothing listens there: a call would make it unavailable.
        let config = pitcrew_aws::connect::sdk_config_at("http://127.0.0.1:1", "eu-west-1", "AKIDEXAMPLE", "secret");
        let (images, client) = (Images::default(), Client::new(&config));
        let place = Place { partition: "aws".into(), account: "123456789012".into(), region: "eu-west-1".into() };
        for foreign in [
            "public.ecr.aws/shop/web:latest",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:latest",
            "210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop:latest",
        ] {
            let image = ImageRef::parse(foreign).unwrap();
            assert_eq!(images.get(&client, &place, &image, &[]).await, Fact::Known(None), "{foreign}");
        }
    }

    #[test]
    fn a_release_of_the_ledger_that_the_listing_lacks_is_gone() {
        let image = ImageRef::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:v1").unwrap();
        let images: Arc<[Image]> = [(digest("aa"), vec!["v1".to_owned()], Timestamp::UNIX_EPOCH)].into();
        let known = [digest("aa"), digest("bb")];
        for lifecycle in [Some("{}".to_owned()), None] {
            let listed = lifecycle.is_some();
            let seen = facts(&image, &known, &Repository { mutable: true, lifecycle, images: images.clone() });
            assert_eq!((seen.digest, seen.gone), (Some(digest("aa")), vec![digest("bb")]));
            assert_eq!(
                Arc::ptr_eq(&seen.images, &images),
                listed,
                "only a lifecycle policy needs them, and no copy of them"
            );
        }
    }
}
