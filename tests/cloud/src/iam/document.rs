//! Policy documents: what is taken for one, how long it may be, and how it is shown.

use awsim_iam_policy::parse_value;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::call::ApiError;

/// All but the unreserved characters of RFC 3986 are encoded (API reference, `GetRole`).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The document as every read operation shows it.
pub fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// Characters that count against a limit: white space does not (IAM user guide, quotas).
pub fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

fn malformed(message: &str) -> ApiError {
    ApiError::client("MalformedPolicyDocument", message)
}

fn statements(document: &Value) -> Vec<&Value> {
    match &document["Statement"] {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Refuses what is no policy of an identity.
pub fn check_identity(document: &str) -> Result<(), ApiError> {
    let parsed: Value = serde_json::from_str(document).map_err(|_| malformed("Syntax errors in policy."))?;
    if statements(&parsed).iter().any(|one| one.get("Principal").is_some() || one.get("NotPrincipal").is_some()) {
        return Err(malformed("Policy document should not specify a principal."));
    }
    if statements(&parsed).is_empty() || parse_value(&parsed).is_err() {
        return Err(malformed("Syntax errors in policy."));
    }
    Ok(())
}

/// Refuses what is no trust policy.
pub fn check_trust(document: &str) -> Result<(), ApiError> {
    let parsed: Value = serde_json::from_str(document).map_err(|_| malformed("This policy contains invalid Json"))?;
    let all = statements(&parsed);
    if all.iter().any(|one| one.get("Resource").is_some() || one.get("NotResource").is_some()) {
        return Err(malformed("Has prohibited field Resource"));
    }
    let whole =
        |one: &&Value| one.get("Principal").is_some() && one.get("Action").is_some() && one["Effect"].is_string();
    if all.is_empty() || !all.iter().all(whole) {
        return Err(malformed("Syntax errors in policy."));
    }
    Ok(())
}
