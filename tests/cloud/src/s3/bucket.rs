//! A bucket: how it is set up.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::Object;
use crate::call::{ApiError, Need};
use crate::shape::text;

/// How objects are encrypted at rest: by S3's own keys, or by a key of KMS.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Encryption {
    pub algorithm: String,
    pub key_id: Option<String>,
    pub bucket_key: Option<bool>,
}

impl Default for Encryption {
    /// What S3 does with every object since 2023.
    fn default() -> Self {
        Self { algorithm: "AES256".to_owned(), key_id: None, bucket_key: None }
    }
}

impl Encryption {
    /// As `GetBucketEncryption` shows it.
    pub fn shown(&self) -> Value {
        json!({"Rules": [{
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": self.algorithm, "KMSMasterKeyID": self.key_id},
            "BucketKeyEnabled": self.bucket_key.unwrap_or(false),
        }]})
    }

    /// What a caller needs of a customer's own key; its ARN is needed, as a name or an id belongs to no policy. The key
    /// that AWS keeps for S3 asks nothing of the caller's policy.
    pub fn need(&self, action: &str) -> Option<Need> {
        let key = self.key_id.as_deref().filter(|key| key.starts_with("arn:"))?;
        Some(Need::new(action, key))
    }
}

/// A bucket and what lies in it.
#[derive(Debug)]
pub(super) struct Bucket {
    pub created: Timestamp,
    pub encryption: Encryption,
    pub public_access_block: Value,
    pub versioning: Option<String>,
    /// What is there now; versions before are not kept.
    pub objects: BTreeMap<String, Object>,
}

impl Bucket {
    /// A bucket as `CreateBucket` makes it: encrypted, and closed to the public, since April 2023.
    pub fn new(now: Timestamp) -> Self {
        let closed = json!({
            "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true,
        });
        Self {
            created: now,
            encryption: Encryption::default(),
            public_access_block: closed,
            versioning: None,
            objects: BTreeMap::new(),
        }
    }

    /// A bucket as a template describes it (`_Make`).
    pub fn configured(now: Timestamp, input: &Value) -> Result<Self, ApiError> {
        let mut bucket = Self::new(now);
        if let Some(rule) = input["Encryption"].as_object() {
            let bucket_key = rule.get("BucketKeyEnabled").and_then(Value::as_bool);
            let by_default = rule.get("ServerSideEncryptionByDefault").unwrap_or(&Value::Null);
            let algorithm = text(by_default, "SSEAlgorithm").unwrap_or("AES256").to_owned();
            let key_id = text(by_default, "KMSMasterKeyID").map(str::to_owned);
            if algorithm == "AES256" && key_id.is_some() {
                let message =
                    "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
                return Err(ApiError::client("InvalidArgument", message));
            }
            bucket.encryption = Encryption { algorithm, key_id, bucket_key };
        }
        if input["PublicAccessBlock"].is_object() {
            bucket.public_access_block = input["PublicAccessBlock"].clone();
        }
        bucket.versioning = text(input, "Versioning").map(str::to_owned);
        Ok(bucket)
    }

    pub fn keeps_versions(&self) -> bool {
        self.versioning.as_deref() == Some("Enabled")
    }
}

/// Whether the bucket may be made here: a regional address makes buckets of its own region, and wants it said everywhere but
/// in us-east-1.
pub(super) fn check_place(region: &str, configuration: &Value) -> Result<(), ApiError> {
    let asked = text(configuration, "LocationConstraint").unwrap_or("unspecified");
    let own = if region == "us-east-1" { "unspecified" } else { region };
    if asked == own || (asked == "EU" && region == "eu-west-1") {
        return Ok(());
    }
    let message = format!(
        "The {asked} location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    Err(ApiError::client("IllegalLocationConstraintException", message))
}
