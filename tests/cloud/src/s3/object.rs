//! Objects: putting, reading and deleting them whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::bucket::{Bucket, Encryption};
use super::checksum::{self, Checksum};
use super::{about, error, not_served, wants_checksum};
use crate::call::{Answer, ApiError, Call, Ctx};
use crate::shape::{copy, epoch, text};

const KEY_BYTES_MAX: usize = 1024;
/// Names and values of an object's own metadata together.
const METADATA_BYTES_MAX: usize = 2048;

/// What a put says about the object and every read says again.
const KEPT: [&str; 6] =
    ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata"];

pub(super) const PUT_MEMBERS: [&str; 20] = [
    "Body",
    "CacheControl",
    "ChecksumAlgorithm",
    "ChecksumCRC32",
    "ChecksumCRC32C",
    "ChecksumCRC64NVME",
    "ChecksumSHA256",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentLength",
    "ContentMD5",
    "ContentType",
    "IfMatch",
    "IfNoneMatch",
    "Key",
    "Metadata",
    "SSEKMSKeyId",
    "ServerSideEncryption",
    "StorageClass",
];

/// An object as it is now.
#[derive(Clone, Debug)]
pub(super) struct Object {
    bytes: Vec<u8>,
    pub etag: String,
    /// To the second, as S3 has it.
    pub modified: Timestamp,
    pub checksum: Checksum,
    pub encryption: Encryption,
    version_id: Option<String>,
    kept: Map<String, Value>,
}

impl Object {
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What a put and a read both tell.
    fn told(&self, with_checksum: bool) -> Map<String, Value> {
        let mut told = Map::new();
        let mut tell = |name: &str, value: Value| drop(told.insert(name.to_owned(), value));
        tell("ETag", json!(self.etag));
        tell("VersionId", json!(self.version_id));
        tell("ServerSideEncryption", json!(self.encryption.algorithm));
        tell("SSEKMSKeyId", json!(self.encryption.key_id));
        if self.encryption.algorithm != "AES256" {
            tell("BucketKeyEnabled", json!(self.encryption.bucket_key));
        }
        if with_checksum {
            tell(&self.checksum.algorithm.member(), json!(self.checksum.value));
            tell("ChecksumType", json!("FULL_OBJECT"));
        }
        told
    }
}

fn no_such_key(key: &str) -> ApiError {
    about(error(404, "NoSuchKey", "The specified key does not exist."), "Key", key)
}

fn precondition_failed(condition: &str) -> ApiError {
    let message = "At least one of the pre-conditions you specified did not hold";
    about(error(412, "PreconditionFailed", message), "Condition", condition)
}

/// Entity tags are the same with and without their quotation marks.
fn same_tag(given: &str, etag: &str) -> bool {
    given == "*" || given.trim_matches('"') == etag.trim_matches('"')
}

impl Bucket {
    pub fn put(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let (key, input) = (call.text("Key"), &call.input);
        let bytes = STANDARD.decode(call.text("Body")).unwrap_or_default();
        check_form(key, input)?;
        check_encryption(&self.encryption, input)?;
        if text(input, "StorageClass").is_some_and(|class| class != "STANDARD") {
            return Err(not_served("the local cloud's S3 does not serve storage classes but STANDARD"));
        }
        let digest = Md5::digest(&bytes);
        if text(input, "ContentMD5").is_some_and(|given| given != STANDARD.encode(digest)) {
            let message = "The Content-MD5 you specified did not match what we received.";
            return Err(ApiError::client("BadDigest", message));
        }
        let checksum = checksum::verified(input, &bytes)?;
        self.check_conditions(key, input)?;
        let mut kept = copy(input, &KEPT);
        kept.entry("ContentType").or_insert_with(|| json!("binary/octet-stream"));
        let object = Object {
            etag: etag(&self.encryption, &digest),
            modified: Timestamp::from_second(ctx.now.as_second()).unwrap_or(ctx.now),
            checksum,
            encryption: self.encryption.clone(),
            version_id: self.keeps_versions().then(|| ctx.ids.label(32)),
            kept,
            bytes,
        };
        let answer = Value::Object(object.told(true));
        self.objects.insert(key.to_owned(), object);
        Ok(answer)
    }

    /// Conditional writes (user guide, "How to prevent object overwrites with conditional writes").
    fn check_conditions(&self, key: &str, input: &Value) -> Result<(), ApiError> {
        let there = self.objects.get(key);
        match text(input, "IfNoneMatch") {
            Some("*") if there.is_some() => return Err(precondition_failed("If-None-Match")),
            None | Some("*") => {}
            Some(_) => return Err(not_served("If-None-Match of PutObject is `*`, and no entity tag")),
        }
        match (text(input, "IfMatch"), there) {
            (Some(_), None) => Err(no_such_key(key)),
            (Some(tag), Some(object)) if !same_tag(tag, &object.etag) => Err(precondition_failed("If-Match")),
            _ => Ok(()),
        }
    }

    pub fn get(&self, call: &Call) -> Answer {
        let mut answer = self.head(call)?;
        if let Some(object) = self.objects.get(call.text("Key")) {
            answer["Body"] = json!(STANDARD.encode(&object.bytes));
        }
        Ok(answer)
    }

    pub fn head(&self, call: &Call) -> Answer {
        let object = self.objects.get(call.text("Key")).ok_or_else(|| no_such_key(call.text("Key")))?;
        if text(&call.input, "IfMatch").is_some_and(|tag| !same_tag(tag, &object.etag)) {
            return Err(precondition_failed("If-Match"));
        }
        if text(&call.input, "IfNoneMatch").is_some_and(|tag| same_tag(tag, &object.etag)) {
            return Err(error(304, "NotModified", "Not Modified"));
        }
        let mut answer = object.told(wants_checksum(&call.input));
        answer.extend(object.kept.clone());
        answer.insert("AcceptRanges".to_owned(), json!("bytes"));
        answer.insert("ContentLength".to_owned(), json!(object.size()));
        answer.insert("LastModified".to_owned(), epoch(object.modified));
        Ok(Value::Object(answer))
    }

    /// What is not there is deleted all the same.
    pub fn delete(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        self.objects.remove(call.text("Key"));
        if self.keeps_versions() {
            return Ok(json!({"DeleteMarker": true, "VersionId": ctx.ids.label(32)}));
        }
        Ok(json!({}))
    }
}

fn check_form(key: &str, input: &Value) -> Result<(), ApiError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(ApiError::client("KeyTooLongError", "Your key is too long"));
    }
    let entries = input["Metadata"].as_object().into_iter().flatten();
    let bytes: usize = entries.map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    if bytes > METADATA_BYTES_MAX {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(ApiError::client("MetadataTooLarge", message));
    }
    Ok(())
}

/// A put may name the encryption that the bucket has; another one is not kept apart here.
fn check_encryption(own: &Encryption, input: &Value) -> Result<(), ApiError> {
    let algorithm = text(input, "ServerSideEncryption").is_none_or(|asked| asked == own.algorithm);
    let key = text(input, "SSEKMSKeyId").is_none_or(|asked| Some(asked) == own.key_id.as_deref());
    match algorithm && key {
        true => Ok(()),
        false => {
            Err(not_served("the local cloud's S3 encrypts each object as its bucket says, not as the request does"))
        }
    }
}

/// The MD5 of the bytes; under a key of KMS it is something else, which callers must not take for one.
fn etag(encryption: &Encryption, digest: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match encryption.algorithm.as_str() {
        "AES256" => format!("\"{}\"", hex(digest)),
        algorithm => format!("\"{}\"", hex(&Md5::digest([algorithm.as_bytes(), digest].concat()))),
    }
}
