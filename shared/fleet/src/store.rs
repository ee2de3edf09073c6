//! The bucket of reports: whole objects, put and got. Encryption is the bucket's own.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Config;
use aws_sdk_s3::primitives::ByteStream;
use pitcrew_aws::connect::no_retry;
use pitcrew_aws::error::{AwsError, Kind};

use crate::clients::FleetClients;

/// What an object is to a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Json,
    Html,
}

impl Content {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// What must be so for a put to take place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum If {
    /// There is no such object.
    New,
    /// It is still the one with this ETag.
    Same(String),
}

/// An object as it was got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub body: Vec<u8>,
    pub etag: String,
}

/// One bucket.
#[derive(Clone)]
pub struct Store {
    client: Client,
    bucket: String,
}

impl Store {
    pub fn new(clients: &FleetClients, bucket: impl Into<String>) -> Self {
        Self { client: (*clients.s3).clone(), bucket: bucket.into() }
    }

    /// The object at `key`; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read. Without `s3:ListBucket` S3 answers `AccessDenied` for an object that is not there.
    pub async fn get(&self, key: &str) -> Result<Option<Stored>, AwsError> {
        const OPERATION: &str = "s3:GetObject";
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let answer = match answer.map_err(|error| AwsError::sort(OPERATION, error)) {
            Ok(answer) => answer,
            Err(error) if error.kind == Kind::Missing && error.code == "NoSuchKey" => return Ok(None),
            Err(error) => return Err(error),
        };
        let etag = answer.e_tag.unwrap_or_default();
        let body = answer.body.collect().await;
        // Moved, not copied: a report is large.
        let body = Vec::from(body.map_err(|error| AwsError::again(OPERATION, error.to_string()))?.into_bytes());
        Ok(Some(Stored { body, etag }))
    }

    /// Puts an object, whatever stands there. The same again does no harm, so it is tried again like a read.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn put(&self, key: &str, content: Content, body: Vec<u8>) -> Result<(), AwsError> {
        let call = self.client.put_object().bucket(&self.bucket).key(key).content_type(content.as_str());
        let answer = call.body(ByteStream::from(body)).send().await;
        answer.map(|_| ()).map_err(|error| AwsError::sort("s3:PutObject", error))
    }

    /// Puts an object where the condition holds; its new ETag, or `None` where somebody else was faster. Sent once: a second
    /// try could not tell our own write from another's.
    ///
    /// # Errors
    /// It cannot be written, or nobody knows whether it was.
    pub async fn put_if(
        &self,
        key: &str,
        content: Content,
        body: Vec<u8>,
        condition: &If,
    ) -> Result<Option<String>, AwsError> {
        let call = self.client.put_object().bucket(&self.bucket).key(key).content_type(content.as_str());
        let call = match condition {
            If::New => call.if_none_match("*"),
            If::Same(etag) => call.if_match(etag),
        };
        let call = call.body(ByteStream::from(body)).customize();
        let answer = call.config_override(Config::builder().retry_config(no_retry())).send().await;
        match answer.map_err(|error| AwsError::sort("s3:PutObject", error)) {
            Ok(answer) => Ok(Some(answer.e_tag.unwrap_or_default())),
            Err(error) if was_faster(&error, condition) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether somebody else wrote first. An object that is to be the same and is gone was deleted by somebody else.
fn was_faster(error: &AwsError, condition: &If) -> bool {
    error.kind == Kind::Conflict || (matches!(condition, If::Same(_)) && error.code == "NoSuchKey")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_does_not_hold_means_that_somebody_else_was_faster() {
        let answer = |code: &str, kind| {
            let mut error = AwsError::broken("s3:PutObject", "");
            (error.code, error.kind) = (code.to_owned(), kind);
            error
        };
        let same = If::Same("\"0a\"".to_owned());
        assert!(was_faster(&answer("PreconditionFailed", Kind::Conflict), &If::New));
        assert!(was_faster(&answer("ConditionalRequestConflict", Kind::Conflict), &same));
        assert!(was_faster(&answer("NoSuchKey", Kind::Missing), &same));
        assert!(!was_faster(&answer("NoSuchKey", Kind::Missing), &If::New));
        assert!(!was_faster(&answer("NoSuchBucket", Kind::Missing), &same));
        assert!(!was_faster(&answer("SlowDown", Kind::Transient), &same), "nobody wrote: it can be tried again");
    }
}
