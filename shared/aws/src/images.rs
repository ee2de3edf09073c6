//! ECR, read: what a tag names now, and whether a digest is still there.
//!
//! Only private repositories can be asked. An image of ECR Public, or one that the role may not read (another account or
//! region), answers [`Fact::Unavailable`]: its tag stays unresolved, and it is never taken for being there. A digest that
//! nobody could confirm is not rolled back to; a person is asked instead (R6).

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use pitcrew_core::id::{Digest, ImageRef, Reference, Registry};
use pitcrew_core::rollback::{Fact, Resolved};

use crate::apprunner::time;
use crate::error::{AwsError, Kind};

async fn detail(client: &Client, image: &ImageRef, id: ImageIdentifier) -> Result<Option<ImageDetail>, AwsError> {
    const OPERATION: &str = "ecr:DescribeImages";
    let Registry::Ecr { account, region } = &image.registry else {
        return Err(AwsError::broken(OPERATION, "the image lies in ECR Public, whose tags are not resolved"));
    };
    // Our region's ECR may hold a repository of the same name: its answer would be about another image.
    if client.config().region().is_some_and(|ours| ours.as_ref() != region) {
        return Err(AwsError::broken(
            OPERATION,
            format!("the image lies in {region}, and only our own region is asked"),
        ));
    }
    let call = client.describe_images().registry_id(account).repository_name(&image.repository).image_ids(id);
    match call.send().await.map_err(|error| AwsError::sort(OPERATION, error)) {
        Ok(answer) => Ok(answer.image_details.unwrap_or_default().into_iter().next()),
        Err(error) if error.kind == Kind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the image's tag names now.
pub async fn observe_tag(client: &Client, image: &ImageRef) -> Fact<Resolved> {
    let id = match &image.reference {
        Reference::Tag(tag) => ImageIdentifier::builder().image_tag(tag).build(),
        Reference::Digest(digest) => ImageIdentifier::builder().image_digest(digest.to_string()).build(),
    };
    match detail(client, image, id).await {
        Ok(Some(detail)) => match detail.image_digest.as_deref().map(Digest::parse) {
            Some(Ok(digest)) => Fact::Known(Resolved { digest, pushed_at: detail.image_pushed_at.as_ref().map(time) }),
            Some(Err(_)) | None => Fact::Unavailable("ECR's answer names no digest".to_owned()),
        },
        Ok(None) => Fact::Unavailable(format!("ECR holds no {}", image.short())),
        Err(error) => Fact::Unavailable(error.line()),
    }
}

/// Whether ECR still holds the digest.
pub async fn observe_exists(client: &Client, image: &ImageRef) -> Fact<bool> {
    let Some(digest) = image.digest() else {
        return Fact::Unavailable("the image is not named by its digest".to_owned());
    };
    let id = ImageIdentifier::builder().image_digest(digest.to_string()).build();
    match detail(client, image, id).await {
        Ok(found) => Fact::Known(found.is_some()),
        Err(error) => Fact::Unavailable(error.line()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_image_of_another_region_is_never_looked_up_in_ours() {
        // Nothing listens there: a call would be answered with a failure of another kind, after its tries.
        let config = crate::connect::sdk_config_at("http://127.0.0.1:1", "eu-west-1", "AKIDEXAMPLE", "secret");
        let client = Client::new(&config);
        let image = ImageRef::parse("123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:latest").unwrap();
        let Fact::Unavailable(why) = observe_tag(&client, &image).await else { panic!("it was resolved") };
        assert!(why.contains("us-east-1"), "{why}");
        let digest = Digest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap();
        let Fact::Unavailable(why) = observe_exists(&client, &image.pinned_to(&digest)).await else {
            panic!("it was looked up")
        };
        assert!(why.contains("us-east-1"), "{why}");
    }
}
