use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::rig::Rig;

fn rig() -> Rig<S3> {
    let mut rig = Rig::new(S3::new());
    rig.ok(
        "CreateBucket",
        json!({"Bucket": "audit", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    );
    rig
}

fn put(key: &str, body: &str) -> Value {
    json!({"Bucket": "audit", "Key": key, "Body": STANDARD.encode(body)})
}

fn at(key: &str) -> Value {
    json!({"Bucket": "audit", "Key": key})
}

fn with(mut input: Value, member: &str, value: impl Into<Value>) -> Value {
    input[member] = value.into();
    input
}

#[test]
fn an_object_comes_back_as_it_was_put() {
    let mut rig = rig();
    let mut input = put("reports/a.html", "<p>");
    for (member, value) in [("ContentType", "text/html"), ("CacheControl", "no-store")] {
        input[member] = json!(value);
    }
    input["Metadata"] = json!({"run": "7"});
    let made = rig.ok("PutObject", input);
    assert_eq!(made["ETag"], "\"4da1a46ec20cf93ee5c846a51e04f0ed\"");
    assert_eq!((&made["ServerSideEncryption"], &made["ChecksumType"]), (&json!("AES256"), &json!("FULL_OBJECT")));
    let read = rig.ok("GetObject", at("reports/a.html"));
    assert_eq!(
        read,
        json!({
            "AcceptRanges": "bytes", "Body": "PHA+", "CacheControl": "no-store", "ContentLength": 3, "ContentType": "text/html",
            "ETag": made["ETag"], "LastModified": 1767603600, "Metadata": {"run": "7"}, "SSEKMSKeyId": null,
            "ServerSideEncryption": "AES256", "VersionId": null,
        })
    );
    let known = rig.ok("HeadObject", with(at("reports/a.html"), "ChecksumMode", "ENABLED"));
    assert_eq!(known["ChecksumCRC64NVME"], made["ChecksumCRC64NVME"]);
    assert!(known.get("Body").is_none());
}

#[test]
fn without_a_type_an_object_is_octets() {
    let mut rig = rig();
    rig.ok("PutObject", put("a", ""));
    let read = rig.ok("GetObject", at("a"));
    assert_eq!((&read["ContentType"], &read["Body"]), (&json!("binary/octet-stream"), &json!("")));
}

#[test]
fn a_write_can_ask_that_nothing_is_there() {
    let mut rig = rig();
    rig.ok("PutObject", with(put("state", "1"), "IfNoneMatch", "*"));
    let refused = rig.refused("PutObject", "PreconditionFailed", with(put("state", "2"), "IfNoneMatch", "*"));
    assert_eq!((refused.status, &refused.fields["Condition"]), (412, &json!("If-None-Match")));
    assert_eq!(rig.ok("GetObject", at("state"))["Body"], STANDARD.encode("1"));
    rig.refused("PutObject", "NotImplemented", with(put("state", "2"), "IfNoneMatch", "\"tag\""));
}

#[test]
fn a_write_can_ask_for_what_was_read() {
    let mut rig = rig();
    let gone = rig.refused("PutObject", "NoSuchKey", with(put("state", "1"), "IfMatch", "\"x\""));
    assert_eq!(gone.status, 404);
    let first = rig.ok("PutObject", put("state", "1"))["ETag"].clone();
    rig.ok("PutObject", with(put("state", "2"), "IfMatch", first.clone()));
    let refused = rig.refused("PutObject", "PreconditionFailed", with(put("state", "3"), "IfMatch", first));
    assert_eq!((refused.status, &refused.fields["Condition"]), (412, &json!("If-Match")));
    assert_eq!(rig.ok("GetObject", at("state"))["Body"], STANDARD.encode("2"));
}

#[test]
fn a_read_can_ask_for_a_tag_or_for_another_one() {
    let mut rig = rig();
    let tag = rig.ok("PutObject", put("a", "1"))["ETag"].clone();
    assert_eq!(rig.refused("GetObject", "NotModified", with(at("a"), "IfNoneMatch", tag.clone())).status, 304);
    rig.ok("HeadObject", with(at("a"), "IfMatch", tag));
    rig.refused("HeadObject", "PreconditionFailed", with(at("a"), "IfMatch", "\"x\""));
}

#[test]
fn damaged_bytes_are_not_kept() {
    let mut rig = rig();
    rig.refused("PutObject", "BadDigest", with(put("a", "1"), "ChecksumCRC32", "AAAAAA=="));
    rig.refused("PutObject", "BadDigest", with(put("a", "1"), "ContentMD5", "AAAA"));
    rig.refused("GetObject", "NoSuchKey", at("a"));
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    let mut rig = rig();
    rig.ok("PutObject", put("a", "1"));
    for (operation, member, value) in [
        ("GetObject", "Range", "bytes=0-1"),
        ("GetObject", "VersionId", "x"),
        ("PutObject", "Tagging", "a=b"),
        ("PutObject", "ACL", "public-read"),
        ("DeleteObject", "IfMatch", "x"),
    ] {
        let refused = rig.refused(operation, "NotImplemented", with(at("a"), member, value));
        assert!(refused.message.ends_with(&format!("does not serve {member} of {operation}")), "{}", refused.message);
        assert_eq!(refused.status, 501);
    }
    rig.refused("PutObject", "NotImplemented", with(put("a", "1"), "StorageClass", "GLACIER"));
    rig.refused("PutObject", "NotImplemented", with(put("a", "1"), "ServerSideEncryption", "aws:kms"));
    rig.refused("ListObjectsV2", "NotImplemented", json!({"Bucket": "audit", "FetchOwner": true}));
    rig.refused("CopyObject", "NotImplemented", at("a"));
}

#[test]
fn a_deleted_object_is_gone_and_deleting_it_again_is_no_error() {
    let mut rig = rig();
    rig.ok("PutObject", put("a", "1"));
    rig.refused("DeleteBucket", "BucketNotEmpty", json!({"Bucket": "audit"}));
    rig.ok("DeleteObject", at("a"));
    rig.ok("DeleteObject", at("a"));
    let gone = rig.refused("GetObject", "NoSuchKey", at("a"));
    assert_eq!((gone.status, &gone.fields["Key"]), (404, &json!("a")));
    rig.ok("DeleteBucket", json!({"Bucket": "audit"}));
    rig.refused("GetObject", "NoSuchBucket", at("a"));
}

#[test]
fn a_bucket_has_a_name_an_owner_and_a_place() {
    let mut rig = rig();
    let here = json!({"LocationConstraint": "eu-west-1"});
    for name in ["ab", "Audit", "audit-", "a..b", "10.0.0.1", "a_b"] {
        let input = json!({"Bucket": name, "CreateBucketConfiguration": here});
        rig.refused("CreateBucket", "InvalidBucketName", input);
    }
    let again = json!({"Bucket": "audit", "CreateBucketConfiguration": here});
    assert_eq!(rig.refused("CreateBucket", "BucketAlreadyOwnedByYou", again).status, 409);
    let nowhere = rig.refused("CreateBucket", "IllegalLocationConstraintException", json!({"Bucket": "other"}));
    assert!(nowhere.message.starts_with("The unspecified location"), "{}", nowhere.message);
    rig.refused("HeadBucket", "AccessDenied", json!({"Bucket": "audit", "ExpectedBucketOwner": "210987654321"}));
    rig.ok("HeadBucket", json!({"Bucket": "audit", "ExpectedBucketOwner": "123456789012"}));
    assert_eq!(rig.ok("ListBuckets", json!({}))["Buckets"][0]["Name"], "audit");
}

#[test]
fn keys_and_metadata_have_their_limits() {
    let mut rig = rig();
    rig.ok("PutObject", put(&"k".repeat(1024), ""));
    rig.refused("PutObject", "KeyTooLongError", put(&"k".repeat(1025), ""));
    let metadata = |bytes: usize| with(put("a", ""), "Metadata", json!({"run": "x".repeat(bytes - 3)}));
    rig.ok("PutObject", metadata(2048));
    rig.refused("PutObject", "MetadataTooLarge", metadata(2049));
}

fn names(page: &Value, member: &str, name: &str) -> Vec<String> {
    page[member].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

fn listed(rig: &mut Rig<S3>, more: Value) -> Value {
    let mut input = json!({"Bucket": "audit"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.ok("ListObjectsV2", input)
}

#[test]
fn keys_are_listed_in_the_order_of_their_bytes() {
    let mut rig = rig();
    for key in ["b", "a/2", "a", "B", "a/1", "\u{e9}", "a-"] {
        rig.ok("PutObject", put(key, "12"));
    }
    let all = listed(&mut rig, json!({}));
    assert_eq!(names(&all, "Contents", "Key"), ["B", "a", "a-", "a/1", "a/2", "b", "\u{e9}"]);
    assert_eq!((&all["KeyCount"], &all["IsTruncated"], &all["MaxKeys"]), (&json!(7), &json!(false), &json!(1000)));
    assert_eq!(all["Contents"][0]["Size"], 2);
    let some = listed(&mut rig, json!({"Prefix": "a/"}));
    assert_eq!(names(&some, "Contents", "Key"), ["a/1", "a/2"]);
    let after = listed(&mut rig, json!({"StartAfter": "a/1", "Prefix": "a"}));
    assert_eq!(names(&after, "Contents", "Key"), ["a/2"]);
}

#[test]
fn keys_with_a_common_part_are_one_row() {
    let mut rig = rig();
    for key in ["2026/1/a", "2026/1/b", "2026/2/a", "2026/x", "top"] {
        rig.ok("PutObject", put(key, ""));
    }
    let page = listed(&mut rig, json!({"Prefix": "2026/", "Delimiter": "/"}));
    assert_eq!(names(&page, "CommonPrefixes", "Prefix"), ["2026/1/", "2026/2/"]);
    assert_eq!(names(&page, "Contents", "Key"), ["2026/x"]);
    assert_eq!(page["KeyCount"], 3);
}

#[test]
fn pages_follow_each_other_and_show_every_row_once() {
    let mut rig = rig();
    for key in ["a/1", "a/2", "b", "c/1", "d"] {
        rig.ok("PutObject", put(key, ""));
    }
    let (mut seen, mut token) = (Vec::new(), Value::Null);
    for wanted in [true, true, true, false] {
        let page = listed(&mut rig, json!({"Delimiter": "/", "MaxKeys": 1, "ContinuationToken": token}));
        assert_eq!(page["IsTruncated"], wanted, "{page}");
        seen.extend(names(&page, "CommonPrefixes", "Prefix"));
        seen.extend(names(&page, "Contents", "Key"));
        token = page["NextContinuationToken"].clone();
        // What comes before the last row does not shift the next page.
        rig.ok("PutObject", put("a/0", ""));
    }
    assert_eq!(seen, ["a/", "b", "c/", "d"]);
    assert!(token.is_null());
    rig.refused("ListObjectsV2", "InvalidArgument", json!({"Bucket": "audit", "ContinuationToken": "x"}));
    rig.refused("ListObjectsV2", "InvalidArgument", json!({"Bucket": "audit", "MaxKeys": -1}));
    let none = listed(&mut rig, json!({"MaxKeys": 0}));
    assert_eq!((&none["KeyCount"], &none["IsTruncated"]), (&json!(0), &json!(false)));
    assert_eq!(listed(&mut rig, json!({"MaxKeys": 5000}))["MaxKeys"], 1000);
}

#[test]
fn keys_can_be_asked_for_in_the_form_of_an_address() {
    let mut rig = rig();
    rig.ok("PutObject", put("a b/c+d&\u{7}", ""));
    let page = listed(&mut rig, json!({"EncodingType": "url", "Prefix": "a b/"}));
    assert_eq!(names(&page, "Contents", "Key"), ["a+b/c%2Bd%26%07"]);
    assert_eq!((&page["Prefix"], &page["EncodingType"]), (&json!("a+b/"), &json!("url")));
}

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1";

fn made(rig: &mut Rig<S3>) {
    let input = json!({
        "Bucket": "made", "Versioning": "Enabled",
        "Encryption": {
            "BucketKeyEnabled": true,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        },
        "PublicAccessBlock": {"BlockPublicAcls": true},
    });
    rig.ok("_Make", input);
}

#[test]
fn a_bucket_is_as_its_template_says() {
    let mut rig = rig();
    made(&mut rig);
    let at = json!({"Bucket": "made", "Key": "a"});
    assert_eq!(rig.ok("GetBucketVersioning", json!({"Bucket": "made"})), json!({"Status": "Enabled"}));
    let closed = rig.ok("GetPublicAccessBlock", json!({"Bucket": "made"}));
    assert_eq!(closed, json!({"PublicAccessBlockConfiguration": {"BlockPublicAcls": true}}));
    let rule =
        &rig.ok("GetBucketEncryption", json!({"Bucket": "made"}))["ServerSideEncryptionConfiguration"]["Rules"][0];
    assert_eq!(rule["ApplyServerSideEncryptionByDefault"], json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}));
    let first = rig.ok("PutObject", at.clone());
    let second = rig.ok("PutObject", at.clone());
    assert_eq!((&first["ServerSideEncryption"], &first["SSEKMSKeyId"]), (&json!("aws:kms"), &json!(KEY)));
    assert_ne!(first["VersionId"], second["VersionId"]);
    assert_ne!(first["ETag"], "\"d41d8cd98f00b204e9800998ecf8427e\"", "under a key of KMS the tag is no MD5");
    assert_eq!(rig.ok("DeleteObject", at.clone())["DeleteMarker"], true);
    rig.refused("GetObject", "NoSuchKey", at);
    let wrong = json!({"SSEAlgorithm": "AES256", "KMSMasterKeyID": KEY});
    let wrong = json!({"Bucket": "wrong", "Encryption": {"ServerSideEncryptionByDefault": wrong}});
    rig.refused("_Make", "InvalidArgument", wrong);
}

fn needed(rig: &Rig<S3>, operation: &str, input: Value) -> Vec<String> {
    rig.needs(operation, input).into_iter().map(|need| format!("{} {}", need.action, need.resource)).collect()
}

#[test]
fn objects_and_buckets_are_what_a_policy_names() {
    let mut rig = rig();
    rig.ok("PutObject", put("a/b", ""));
    let (bucket, object) = ("arn:aws:s3:::audit", "arn:aws:s3:::audit/a/b");
    assert_eq!(needed(&rig, "PutObject", at("a/b")), [format!("s3:PutObject {object}")]);
    let on_match = with(at("a/b"), "IfMatch", "x");
    assert_eq!(
        needed(&rig, "PutObject", on_match),
        [format!("s3:PutObject {object}"), format!("s3:GetObject {object}")]
    );
    for operation in ["GetObject", "HeadObject"] {
        assert_eq!(needed(&rig, operation, at("a/b")), [format!("s3:GetObject {object}")]);
        let missing = needed(&rig, operation, at("c"));
        assert_eq!(missing, [format!("s3:GetObject {bucket}/c"), format!("s3:ListBucket {bucket}")]);
    }
    assert_eq!(needed(&rig, "DeleteObject", at("a/b")), [format!("s3:DeleteObject {object}")]);
    let listing = rig.needs("ListObjectsV2", json!({"Bucket": "audit", "Prefix": "a/", "MaxKeys": 2}));
    assert_eq!((listing[0].action.as_str(), listing[0].resource.as_str()), ("s3:ListBucket", bucket));
    let conditions =
        [("s3:prefix", "a/"), ("s3:max-keys", "2")].map(|(key, value)| (key.to_owned(), vec![value.to_owned()]));
    assert_eq!(listing[0].conditions, conditions);
}

#[test]
fn a_customers_key_is_needed_too() {
    let mut rig = rig();
    made(&mut rig);
    let at = json!({"Bucket": "made", "Key": "a"});
    assert_eq!(needed(&rig, "PutObject", at.clone())[1], format!("kms:GenerateDataKey {KEY}"));
    rig.ok("PutObject", at.clone());
    assert_eq!(needed(&rig, "GetObject", at.clone())[1], format!("kms:Decrypt {KEY}"));
    assert_eq!(needed(&rig, "HeadObject", at.clone()).len(), 1);
    assert_eq!(needed(&rig, "HeadObject", with(at, "ChecksumMode", "ENABLED")).len(), 2);
}
