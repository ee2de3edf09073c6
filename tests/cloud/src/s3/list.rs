//! Pages of keys, in the order of their bytes, as `ListObjectsV2` gives them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::bucket::Bucket;
use super::object::Object;
use super::refuse_owner;
use crate::call::{Answer, ApiError, Call};
use crate::shape::{epoch, integer, text};

/// Rows of one page at most, whatever is asked for.
const PAGE_MAX: usize = 1000;

/// One row of a page: a key, or all the keys that have a prefix in common.
enum Row<'a> {
    Key(&'a str, &'a Object),
    Common(&'a str),
}

/// What a page shows last; the next one begins after it.
enum Last {
    Nothing,
    Key(String),
    Common(String),
}

impl Last {
    fn read(input: &Value) -> Result<Self, ApiError> {
        let Some(token) = text(input, "ContinuationToken") else {
            return Ok(text(input, "StartAfter").map_or(Self::Nothing, |key| Self::Key(key.to_owned())));
        };
        let read = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match read.as_deref().and_then(|read| read.split_once(':')) {
            Some(("key", key)) => Ok(Self::Key(key.to_owned())),
            Some(("common", prefix)) => Ok(Self::Common(prefix.to_owned())),
            _ => Err(ApiError::client("InvalidArgument", "The continuation token provided is incorrect")),
        }
    }

    fn token(&self) -> Option<String> {
        let plain = match self {
            Self::Nothing => return None,
            Self::Key(key) => format!("key:{key}"),
            Self::Common(prefix) => format!("common:{prefix}"),
        };
        Some(URL_SAFE_NO_PAD.encode(plain))
    }

    fn covers(&self, key: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Key(last) => key <= last.as_str(),
            Self::Common(prefix) => key <= prefix.as_str() || key.starts_with(prefix),
        }
    }
}

pub(super) fn list(call: &Call, bucket: &Bucket) -> Answer {
    let input = &call.input;
    refuse_owner(input)?;
    let asked = integer(input, "MaxKeys").unwrap_or(PAGE_MAX as i64);
    let asked = usize::try_from(asked).map_err(|_| {
        ApiError::client("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
    })?;
    let limit = asked.min(PAGE_MAX);
    let (prefix, delimiter) = (call.text("Prefix"), text(input, "Delimiter"));
    let mut last = Last::read(input)?;
    let (mut rows, mut is_truncated) = (Vec::new(), false);
    for (key, object) in bucket.objects.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix)) {
        if limit == 0 || last.covers(key) {
            continue;
        }
        if rows.len() == limit {
            is_truncated = true;
            break;
        }
        match common(key, prefix, delimiter) {
            Some(common) => {
                rows.push(Row::Common(common));
                last = Last::Common(common.to_owned());
            }
            None => {
                rows.push(Row::Key(key, object));
                last = Last::Key(key.clone());
            }
        }
    }
    Ok(page(call, &rows, limit, last.token().filter(|_| is_truncated)))
}

/// The part of a key up to the first delimiter after the prefix.
fn common<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

fn page(call: &Call, rows: &[Row<'_>], limit: usize, next: Option<String>) -> Value {
    let input = &call.input;
    let is_encoded = call.text("EncodingType") == "url";
    let shown = |text: &str| if is_encoded { encoded(text) } else { text.to_owned() };
    let given = |member: &str| text(input, member).map(&shown);
    let keys = rows.iter().filter_map(|row| match row {
        Row::Key(key, object) => Some(json!({
            "Key": shown(key), "LastModified": epoch(object.modified), "ETag": object.etag, "Size": object.size(),
            "ChecksumAlgorithm": [object.checksum.algorithm.name()], "ChecksumType": "FULL_OBJECT",
            "StorageClass": "STANDARD",
        })),
        Row::Common(_) => None,
    });
    let commons = rows.iter().filter_map(|row| match row {
        Row::Common(prefix) => Some(json!({"Prefix": shown(prefix)})),
        Row::Key(..) => None,
    });
    json!({
        "Name": call.text("Bucket"),
        "Prefix": shown(call.text("Prefix")),
        "Delimiter": given("Delimiter"),
        "StartAfter": given("StartAfter"),
        "EncodingType": is_encoded.then_some("url"),
        "MaxKeys": limit,
        "KeyCount": rows.len(),
        "IsTruncated": next.is_some(),
        "ContinuationToken": text(input, "ContinuationToken"),
        "NextContinuationToken": next,
        "Contents": keys.collect::<Vec<_>>(),
        "CommonPrefixes": commons.collect::<Vec<_>>(),
    })
}

/// As in a form, with the slash left as it is.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace("%2F", "/")
}

/// The condition keys of a listing.
pub(super) fn conditions(input: &Value) -> Vec<(String, Vec<String>)> {
    let text = |member: &str| text(input, member).map(str::to_owned);
    let max_keys = integer(input, "MaxKeys").map(|keys| keys.to_string());
    let keys = [("prefix", text("Prefix")), ("delimiter", text("Delimiter")), ("max-keys", max_keys)];
    keys.into_iter().filter_map(|(key, value)| Some((format!("s3:{key}"), vec![value?]))).collect()
}
