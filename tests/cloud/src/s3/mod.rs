//! S3: buckets and whole objects, as far as a function needs them that keeps its reports and its progress in one bucket.
//!
//! Owns: the objects as they are now. Served are whole puts and gets with checksums and conditions, deletes, and pages of keys;
//! ranges, parts, copies, old versions, tags and access lists are refused by name. A bucket's encryption, public access
//! block and versioning are what the template says. What a lifecycle rule would remove stays: nothing expires here.

mod bucket;
mod checksum;
mod list;
mod object;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::shape::{epoch, flag, text};
use bucket::Bucket;

/// The emulated service.
#[derive(Debug, Default)]
pub struct S3 {
    buckets: BTreeMap<String, Bucket>,
}

fn error(status: u16, code: &str, message: impl Into<String>) -> ApiError {
    ApiError { status, ..ApiError::client(code, message) }
}

/// An error with what it is about beside the message, as S3 tells it.
fn about(mut error: ApiError, name: &str, value: &str) -> ApiError {
    error.fields.insert(name.to_owned(), Value::from(value));
    error
}

fn not_served(what: &str) -> ApiError {
    let message = format!("A header you provided implies functionality that is not implemented: {what}");
    error(501, "NotImplemented", message)
}

fn no_such_bucket(name: &str) -> ApiError {
    about(error(404, "NoSuchBucket", "The specified bucket does not exist"), "BucketName", name)
}

/// Members of all operations on a bucket.
const COMMON: [&str; 2] = ["Bucket", "ExpectedBucketOwner"];

/// The members of each operation that are served; null where the operation is not served at all.
fn served_members(operation: &str) -> Option<&'static [&'static str]> {
    Some(match operation {
        "CreateBucket" => &["CreateBucketConfiguration"],
        "ListBuckets" => &["Prefix"],
        "DeleteBucket" | "HeadBucket" | "GetBucketEncryption" | "GetPublicAccessBlock" | "GetBucketVersioning" => &[],
        "PutObject" => &object::PUT_MEMBERS,
        "GetObject" | "HeadObject" => &["Key", "ChecksumMode", "IfMatch", "IfNoneMatch"],
        "DeleteObject" => &["Key"],
        "ListObjectsV2" => {
            &["ContinuationToken", "Delimiter", "EncodingType", "FetchOwner", "MaxKeys", "Prefix", "StartAfter"]
        }
        _ => return None,
    })
}

/// Refuses what the service would otherwise pass over in silence.
fn only_served(call: &Call) -> Result<(), ApiError> {
    let Some(served) = served_members(&call.operation) else {
        return Err(not_served(&format!("the local cloud's S3 does not serve {}", call.operation)));
    };
    let given = call.input.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let mut names = given.map(|(name, _)| name.as_str());
    match names.find(|name| !served.contains(name) && !COMMON.contains(name)) {
        Some(name) => Err(not_served(&format!("the local cloud's S3 does not serve {name} of {}", call.operation))),
        None => Ok(()),
    }
}

/// Whether the name is one that S3 gives out (user guide, "General purpose bucket naming rules").
fn is_bucket_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| plain(c) || c == '-' || c == '.')
        && name.starts_with(plain)
        && name.ends_with(plain)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

impl S3 {
    pub fn new() -> Self {
        Self::default()
    }

    fn bucket(&self, call: &Call) -> Result<&Bucket, ApiError> {
        self.buckets.get(call.text("Bucket")).ok_or_else(|| no_such_bucket(call.text("Bucket")))
    }

    fn bucket_mut(&mut self, call: &Call) -> Result<&mut Bucket, ApiError> {
        self.buckets.get_mut(call.text("Bucket")).ok_or_else(|| no_such_bucket(call.text("Bucket")))
    }

    fn create(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let name = call.text("Bucket");
        if !is_bucket_name(name) {
            return Err(about(
                ApiError::client("InvalidBucketName", "The specified bucket is not valid."),
                "BucketName",
                name,
            ));
        }
        if self.buckets.contains_key(name) {
            let message = "Your previous request to create the named bucket succeeded and you already own it.";
            return Err(about(error(409, "BucketAlreadyOwnedByYou", message), "BucketName", name));
        }
        let bucket = match call.operation.as_str() {
            "_Make" => Bucket::configured(ctx.now, &call.input)?,
            _ => {
                bucket::check_place(&ctx.place.region, &call.input["CreateBucketConfiguration"])?;
                Bucket::new(ctx.now)
            }
        };
        self.buckets.insert(name.to_owned(), bucket);
        Ok(json!({"Location": format!("http://{name}.s3.amazonaws.com/")}))
    }

    fn delete(&mut self, call: &Call) -> Answer {
        if !self.bucket(call)?.objects.is_empty() {
            let refused = error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
            return Err(about(refused, "BucketName", call.text("Bucket")));
        }
        self.buckets.remove(call.text("Bucket"));
        Ok(json!({}))
    }

    fn list_buckets(&self, call: &Call) -> Answer {
        let wanted = self.buckets.iter().filter(|(name, _)| name.starts_with(call.text("Prefix")));
        let rows = wanted.map(|(name, bucket)| json!({"Name": name, "CreationDate": epoch(bucket.created)}));
        Ok(json!({"Buckets": rows.collect::<Vec<_>>(), "Prefix": text(&call.input, "Prefix")}))
    }

    fn served(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateBucket" | "_Make" => self.create(ctx, call),
            "ListBuckets" => self.list_buckets(call),
            "DeleteBucket" => self.delete(call),
            "HeadBucket" => self.bucket(call).map(|_| json!({"BucketRegion": ctx.place.region})),
            "GetBucketEncryption" => {
                Ok(json!({"ServerSideEncryptionConfiguration": self.bucket(call)?.encryption.shown()}))
            }
            "GetPublicAccessBlock" => {
                Ok(json!({"PublicAccessBlockConfiguration": self.bucket(call)?.public_access_block}))
            }
            "GetBucketVersioning" => Ok(json!({"Status": self.bucket(call)?.versioning})),
            "PutObject" => self.bucket_mut(call)?.put(ctx, call),
            "GetObject" => self.bucket(call)?.get(call),
            "HeadObject" => self.bucket(call)?.head(call),
            "DeleteObject" => self.bucket_mut(call)?.delete(ctx, call),
            "ListObjectsV2" => list::list(call, self.bucket(call)?),
            other => Err(not_served(&format!("the local cloud's S3 does not serve {other}"))),
        }
    }
}

impl Service for S3 {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        if !call.operation.starts_with('_') {
            only_served(call)?;
        }
        if text(&call.input, "ExpectedBucketOwner").is_some_and(|owner| owner != ctx.place.account) {
            return Err(error(403, "AccessDenied", "Access Denied"));
        }
        self.served(ctx, call)
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let bucket = format!("arn:{}:s3:::{}", place.partition, call.text("Bucket"));
        let object = || format!("{bucket}/{}", call.text("Key"));
        let found = self.buckets.get(call.text("Bucket"));
        match call.operation.as_str() {
            "ListBuckets" => vec![Need::new("s3:ListAllMyBuckets", "*")],
            "HeadBucket" => vec![Need::new("s3:ListBucket", bucket)],
            "GetBucketEncryption" => vec![Need::new("s3:GetEncryptionConfiguration", bucket)],
            "GetPublicAccessBlock" => vec![Need::new("s3:GetBucketPublicAccessBlock", bucket)],
            "ListObjectsV2" => {
                let mut need = Need::new("s3:ListBucket", bucket);
                need.conditions = list::conditions(&call.input);
                vec![need]
            }
            "PutObject" => {
                let mut needs = vec![Need::new("s3:PutObject", object())];
                if text(&call.input, "IfMatch").is_some() {
                    needs.push(Need::new("s3:GetObject", object()));
                }
                needs.extend(found.and_then(|bucket| bucket.encryption.need("kms:GenerateDataKey")));
                needs
            }
            "GetObject" | "HeadObject" => {
                let mut needs = vec![Need::new("s3:GetObject", object())];
                let known = found.and_then(|bucket| bucket.objects.get(call.text("Key")));
                if known.is_none() {
                    // Who may not list a bucket does not learn that a key is missing.
                    needs.push(Need::new("s3:ListBucket", bucket));
                }
                let opens = call.operation == "GetObject" || call.text("ChecksumMode") == "ENABLED";
                needs.extend(known.filter(|_| opens).and_then(|object| object.encryption.need("kms:Decrypt")));
                needs
            }
            "DeleteObject" => vec![Need::new("s3:DeleteObject", object())],
            other => vec![Need::new(format!("s3:{other}"), bucket)],
        }
    }
}

/// Whether the caller asks for the checksum of what is stored.
fn wants_checksum(input: &Value) -> bool {
    input["ChecksumMode"] == "ENABLED"
}

/// `FetchOwner` may be said, and said no.
fn refuse_owner(input: &Value) -> Result<(), ApiError> {
    match flag(input, "FetchOwner") {
        true => Err(not_served("the local cloud's S3 does not serve FetchOwner of ListObjectsV2")),
        false => Ok(()),
    }
}
