//! S3 buckets and their policies, as far as the local cloud's S3 can be what they say.

use serde_json::Value;

use super::TemplateError;
use super::properties::{Properties, scalar};
use super::stack::{BucketPolicySpec, BucketSpec};

const ENCRYPTION: &str = "BucketEncryption.ServerSideEncryptionConfiguration";
const LIFECYCLE: &str = "LifecycleConfiguration.Rules";

/// The four switches of a public access block.
pub(crate) const PUBLIC_ACCESS: [&str; 4] =
    ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];

/// What a lifecycle rule may do; one without any of them does nothing, and S3 refuses it.
const LIFECYCLE_ACTIONS: [&str; 4] =
    ["ExpirationInDays", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload", "ExpiredObjectDeleteMarker"];

/// `AWS::S3::Bucket`.
pub(super) fn bucket(id: &str, name: &str, arn: String, properties: &Properties) -> Result<BucketSpec, TemplateError> {
    check_encryption(properties)?;
    for switch in PUBLIC_ACCESS {
        properties.flag(&format!("PublicAccessBlockConfiguration.{switch}"))?;
    }
    let versioning = properties.maybe_text("VersioningConfiguration.Status")?;
    one_of(versioning.as_deref(), &["Enabled", "Suspended"], || properties.path("VersioningConfiguration.Status"))?;
    let owners = properties.list("OwnershipControls.Rules")?;
    for (index, rule) in owners.iter().enumerate() {
        let at = || properties.path(&format!("OwnershipControls.Rules[{index}].ObjectOwnership"));
        // The others bring access lists into force, and those are not modelled.
        one_of(rule["ObjectOwnership"].as_str(), &["BucketOwnerEnforced"], at)?;
    }
    for (index, rule) in properties.list(LIFECYCLE)?.iter().enumerate() {
        check_lifecycle_rule(rule, &properties.path(&format!("{LIFECYCLE}[{index}]")))?;
    }
    Ok(BucketSpec { logical_id: id.to_owned(), name: name.to_owned(), arn, properties: properties.whole().clone() })
}

fn one_of(given: Option<&str>, allowed: &[&str], at: impl Fn() -> String) -> Result<(), TemplateError> {
    match given {
        Some(other) if !allowed.contains(&other) => {
            Err(TemplateError::new(at(), format!("`{other}` is not modelled, only {}", allowed.join(", "))))
        }
        _ => Ok(()),
    }
}

fn check_encryption(properties: &Properties) -> Result<(), TemplateError> {
    let rules = properties.list(ENCRYPTION)?;
    if rules.len() > 1 {
        return Err(TemplateError::new(properties.path(ENCRYPTION), "a bucket has one rule of encryption"));
    }
    let Some(rule) = rules.first() else { return Ok(()) };
    let at = properties.path(&format!("{ENCRYPTION}[0].ServerSideEncryptionByDefault"));
    let by_default = &rule["ServerSideEncryptionByDefault"];
    let algorithm = by_default["SSEAlgorithm"].as_str();
    one_of(algorithm, &["AES256", "aws:kms"], || format!("{at}.SSEAlgorithm"))?;
    if by_default.get("KMSMasterKeyID").is_some() && algorithm != Some("aws:kms") {
        return Err(TemplateError::new(format!("{at}.KMSMasterKeyID"), "a key goes with aws:kms alone"));
    }
    Ok(())
}

fn check_lifecycle_rule(rule: &Value, at: &str) -> Result<(), TemplateError> {
    match rule["Status"].as_str() {
        Some("Enabled" | "Disabled") => {}
        _ => return Err(TemplateError::new(format!("{at}.Status"), "it is Enabled or Disabled")),
    }
    if !LIFECYCLE_ACTIONS.iter().any(|action| rule.get(*action).is_some()) {
        let reason = format!("a rule does at least one of {}", LIFECYCLE_ACTIONS.join(", "));
        return Err(TemplateError::new(at, reason));
    }
    let days = [
        ("ExpirationInDays", rule.get("ExpirationInDays")),
        ("NoncurrentVersionExpiration.NoncurrentDays", rule["NoncurrentVersionExpiration"].get("NoncurrentDays")),
        (
            "AbortIncompleteMultipartUpload.DaysAfterInitiation",
            rule["AbortIncompleteMultipartUpload"].get("DaysAfterInitiation"),
        ),
    ];
    for (name, given) in days {
        let (Some(given), at) = (given, format!("{at}.{name}")) else { continue };
        if !scalar(given, &at)?.parse::<u32>().is_ok_and(|days| days > 0) {
            return Err(TemplateError::new(at, "a whole number of days is needed, at least 1"));
        }
    }
    Ok(())
}

/// `AWS::S3::BucketPolicy`. It is not evaluated: the one that is taken shuts out requests that did not come over TLS, and
/// nothing leaves this machine. Any other would change who may do what, and is refused.
pub(super) fn bucket_policy(id: &str, properties: &Properties) -> Result<BucketPolicySpec, TemplateError> {
    let document = properties.raw("PolicyDocument").cloned();
    let document =
        document.ok_or_else(|| TemplateError::new(properties.path("PolicyDocument"), "this property is required"))?;
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    };
    for (index, statement) in statements.iter().enumerate() {
        if !is_denial_of_plain_http(statement) {
            let at = properties.path(&format!("PolicyDocument.Statement[{index}]"));
            let reason = "of bucket policies only a Deny of requests without TLS is modelled \
                          (Condition: {Bool: {\"aws:SecureTransport\": \"false\"}})";
            return Err(TemplateError::new(at, reason));
        }
    }
    Ok(BucketPolicySpec { logical_id: id.to_owned(), bucket: properties.text("Bucket")?, document })
}

fn is_denial_of_plain_http(statement: &Value) -> bool {
    let only = |value: &Value, name: &str| {
        let fields = value.as_object().filter(|fields| fields.len() == 1);
        fields.and_then(|fields| fields.get(name)).cloned()
    };
    let asked = only(&statement["Condition"], "Bool").and_then(|keys| only(&keys, "aws:SecureTransport"));
    statement["Effect"] == "Deny" && asked.is_some_and(|value| value == "false" || value == false)
}
