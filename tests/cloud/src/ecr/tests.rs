use serde_json::{Value, json};

use super::{Ecr, EcrPublic};
use crate::effect::Effect;
use crate::outside::{Image, Repository};
use crate::trial::Trial;

const MANIFEST: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[{"size":7}]}"#;

fn trial() -> Trial<Ecr> {
    let mut trial = Trial::new("ecr", Ecr::new());
    trial.call("CreateRepository", json!({"repositoryName": "web"}));
    trial
}

fn pushed(trial: &mut Trial<Ecr>, tag: &str) -> String {
    let answer = trial.call("_Push", json!({"Repository": "web", "Tag": tag}));
    answer["Digest"].as_str().unwrap().to_owned()
}

fn tags(trial: &mut Trial<Ecr>, digest: &str) -> Value {
    let ids = json!([{"imageDigest": digest}]);
    trial.call("DescribeImages", json!({"repositoryName": "web", "imageIds": ids}))["imageDetails"][0]["imageTags"]
        .clone()
}

#[test]
fn a_new_repository_is_empty_and_described_with_arn_and_uri() {
    let mut trial = trial();
    let shown = trial.call("DescribeRepositories", json!({"repositoryNames": ["web"]}));
    assert_eq!(
        shown["repositories"],
        json!([{
            "repositoryArn": "arn:aws:ecr:eu-west-1:111122223333:repository/web",
            "registryId": "111122223333",
            "repositoryName": "web",
            "repositoryUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web",
            "createdAt": 1795161600,
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": false},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }])
    );
    assert_eq!(trial.call("DescribeImages", json!({"repositoryName": "web"})), json!({"imageDetails": []}));
    assert!(trial.caused().is_empty());
}

#[test]
fn a_push_moves_the_tag_and_tells_the_bus() {
    let mut trial = trial();
    let old = pushed(&mut trial, "latest");
    trial.caused();
    let new = pushed(&mut trial, "latest");
    assert_ne!(old, new);
    assert_eq!(tags(&mut trial, &old), Value::Null);
    assert_eq!(tags(&mut trial, &new), json!(["latest"]));
    assert_eq!(
        trial.caused(),
        [Effect::Event {
            source: "aws.ecr".into(),
            detail_type: "ECR Image Action".into(),
            resources: Vec::new(),
            detail: json!({"result": "SUCCESS", "repository-name": "web", "image-digest": new, "action-type": "PUSH", "image-tag": "latest"}),
        }]
    );
}

#[test]
fn the_digest_of_a_put_image_is_the_hash_of_its_manifest() {
    let mut trial = trial();
    let input = json!({"repositoryName": "web", "imageManifest": MANIFEST, "imageTag": "v1"});
    let image = trial.call("PutImage", input.clone())["image"].clone();
    let digest = "sha256:e29a0268a204d996454763aafadcb8e238049893363539c2e6fccb16adae75c6";
    assert_eq!(image["imageId"], json!({"imageDigest": digest, "imageTag": "v1"}));
    assert_eq!(image["imageManifest"], MANIFEST);
    let got = trial
        .call("BatchGetImage", json!({"repositoryName": "web", "imageIds": [{"imageTag": "v1"}, {"imageTag": "no"}]}));
    assert_eq!(got["images"][0]["imageManifest"], MANIFEST);
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    assert_eq!(trial.refused("PutImage", input).code, "ImageAlreadyExistsException");
}

#[test]
fn a_claimed_digest_must_be_the_manifests() {
    let mut trial = trial();
    let claimed = format!("sha256:{}", "0".repeat(64));
    let input = json!({"repositoryName": "web", "imageManifest": MANIFEST, "imageDigest": claimed});
    assert_eq!(trial.refused("PutImage", input).code, "ImageDigestDoesNotMatchException");
    assert!(trial.caused().is_empty());
}

#[test]
fn an_immutable_tag_stays_where_it_is() {
    let mut trial = trial();
    let first = pushed(&mut trial, "v1");
    let frozen = json!({"repositoryName": "web", "imageTagMutability": "IMMUTABLE"});
    trial.call("PutImageTagMutability", frozen);
    let error = trial.refused("_Push", json!({"Repository": "web", "Tag": "v1"}));
    assert_eq!(error.code, "ImageTagAlreadyExistsException");
    assert_eq!(tags(&mut trial, &first), json!(["v1"]));
    let open = json!([{"filterType": "WILDCARD", "filter": "dev-*"}]);
    trial.call(
        "PutImageTagMutability",
        json!({"repositoryName": "web", "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": open}),
    );
    pushed(&mut trial, "dev-1");
    pushed(&mut trial, "dev-1");
}

#[test]
fn a_missing_image_or_repository_is_named_as_aws_names_it() {
    let mut trial = trial();
    let error = trial.refused("DescribeImages", json!({"repositoryName": "web", "imageIds": [{"imageTag": "gone"}]}));
    assert_eq!(error.code, "ImageNotFoundException");
    assert_eq!(
        error.message,
        "The image with imageId {imageDigest:'null', imageTag:'gone'} does not exist within the repository with name \
         'web' in the registry with id '111122223333'"
    );
    let error = trial.refused("DescribeImages", json!({"repositoryName": "nope"}));
    assert_eq!(error.code, "RepositoryNotFoundException");
    assert_eq!(error.message, "The repository with name 'nope' does not exist in the registry with id '111122223333'");
}

#[test]
fn images_are_listed_page_by_page_and_by_tag_status() {
    let mut trial = trial();
    pushed(&mut trial, "latest");
    trial.pass(60);
    pushed(&mut trial, "latest");
    let first = trial.call("DescribeImages", json!({"repositoryName": "web", "maxResults": 1}));
    let next = json!({"repositoryName": "web", "maxResults": 1, "nextToken": first["nextToken"]});
    let second = trial.call("DescribeImages", next);
    assert_eq!(first["imageDetails"][0]["imagePushedAt"], 1795161600);
    assert_eq!(second["imageDetails"][0]["imageTags"], json!(["latest"]));
    assert!(second.get("nextToken").is_none());
    let untagged = trial.call("ListImages", json!({"repositoryName": "web", "filter": {"tagStatus": "UNTAGGED"}}));
    assert_eq!(untagged["imageIds"].as_array().unwrap().len(), 1);
    assert!(untagged["imageIds"][0].get("imageTag").is_none());
}

#[test]
fn deleting_the_last_tag_deletes_the_image_and_each_tag_is_told() {
    let mut trial = trial();
    let digest = pushed(&mut trial, "v1");
    trial.call("_Push", json!({"Repository": "web", "Tag": "latest", "Digest": digest}));
    trial.caused();
    trial.call("BatchDeleteImage", json!({"repositoryName": "web", "imageIds": [{"imageTag": "latest"}]}));
    assert_eq!(tags(&mut trial, &digest), json!(["v1"]));
    let answer = trial.call(
        "BatchDeleteImage",
        json!({"repositoryName": "web", "imageIds": [{"imageTag": "v1"}, {"imageTag": "v1"}]}),
    );
    assert_eq!(answer["failures"][0]["failureCode"], "ImageNotFound");
    assert!(trial.outside.repositories["web"].images.is_empty());
    let told: Vec<Value> = trial.events().into_iter().map(|event| event["detail"]["image-tag"].clone()).collect();
    assert_eq!(told, [json!("latest"), json!("v1")]);
}

#[test]
fn a_repository_with_images_is_deleted_only_by_force() {
    let mut trial = trial();
    pushed(&mut trial, "v1");
    let error = trial.refused("DeleteRepository", json!({"repositoryName": "web"}));
    assert_eq!(error.code, "RepositoryNotEmptyException");
    trial.call("DeleteRepository", json!({"repositoryName": "web", "force": true}));
    assert!(trial.outside.repositories.is_empty());
}

#[test]
fn a_repository_that_the_world_put_there_is_dated_by_its_first_image() {
    let mut trial = trial();
    let image = Image { digest: "sha256:a".into(), tags: vec![], pushed_at: 1_700_000_000, size_bytes: 1 };
    trial.outside.repositories.insert("seeded".into(), Repository { images: vec![image] });
    let shown = trial.call("DescribeRepositories", json!({"repositoryNames": ["seeded"]}));
    assert_eq!(shown["repositories"][0]["createdAt"], 1_700_000_000);
}

#[test]
fn tags_and_the_lifecycle_policy_are_kept() {
    let mut trial = trial();
    let arn = "arn:aws:ecr:eu-west-1:111122223333:repository/web";
    trial.call("TagResource", json!({"resourceArn": arn, "tags": [{"Key": "team", "Value": "web"}]}));
    let listed = trial.call("ListTagsForResource", json!({"resourceArn": arn}));
    assert_eq!(listed, json!({"tags": [{"Key": "team", "Value": "web"}]}));
    let missing = trial.refused("GetLifecyclePolicy", json!({"repositoryName": "web"}));
    assert_eq!(missing.code, "LifecyclePolicyNotFoundException");
    let policy = r#"{"rules":[{"rulePriority":1}]}"#;
    trial.call("PutLifecyclePolicy", json!({"repositoryName": "web", "lifecyclePolicyText": policy}));
    assert_eq!(trial.call("GetLifecyclePolicy", json!({"repositoryName": "web"}))["lifecyclePolicyText"], policy);
    assert_eq!(trial.call("DeleteLifecyclePolicy", json!({"repositoryName": "web"}))["lifecyclePolicyText"], policy);
    for operation in ["GetLifecyclePolicy", "DeleteLifecyclePolicy"] {
        let error = trial.refused(operation, json!({"repositoryName": "web"}));
        assert_eq!(error.code, "LifecyclePolicyNotFoundException");
    }
}

#[test]
fn an_operation_that_is_not_there_says_so() {
    let error = trial().refused("StartImageScan", json!({}));
    assert_eq!(error.code, "UnknownOperationException");
    assert!(error.message.contains("StartImageScan"));
}

#[test]
fn each_call_needs_its_action_on_the_repository() {
    let trial = trial();
    let need = &trial.needs("DescribeImages", json!({"repositoryName": "a/web"}))[0];
    assert_eq!(need.action, "ecr:DescribeImages");
    assert_eq!(need.resource, "arn:aws:ecr:eu-west-1:111122223333:repository/a/web");
    assert_eq!(trial.needs("GetAuthorizationToken", json!({}))[0].resource, "*");
    assert_eq!(
        trial.needs("DescribeRepositories", json!({}))[0].resource,
        "arn:aws:ecr:eu-west-1:111122223333:repository/*"
    );
}

#[test]
fn a_public_image_is_found_with_and_without_its_alias() {
    let mut trial = Trial::new("ecr-public", EcrPublic::new());
    let image =
        Image { digest: format!("sha256:{}", "a".repeat(64)), tags: vec!["1".into()], pushed_at: 5, size_bytes: 9 };
    trial.outside.public_repositories.insert("acme/web".into(), Repository { images: vec![image] });
    for name in ["web", "acme/web"] {
        let shown = trial.call("DescribeImages", json!({"repositoryName": name, "imageIds": [{"imageTag": "1"}]}));
        assert_eq!(shown["imageDetails"][0]["imagePushedAt"], 5, "{name}");
    }
    assert_eq!(trial.refused("DescribeImages", json!({"repositoryName": "other"})).code, "RepositoryNotFoundException");
    let all = trial.call("DescribeRepositories", json!({}));
    assert_eq!(all["repositories"][0]["repositoryUri"], "public.ecr.aws/acme/web");
}
