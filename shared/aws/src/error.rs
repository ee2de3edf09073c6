//! What went wrong with a call, sorted once: callers branch on the kind and on nothing else.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pitcrew_core::domain::CallAnswer;

/// What kind of failure it was, and thereby what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Throttled, or the service had a fault before any effect: later it may work.
    Transient,
    /// The service is busy with another operation.
    Busy,
    /// A condition did not hold: somebody else wrote meanwhile.
    Conflict,
    /// The role may not do it.
    Denied,
    /// What it names does not exist (any more).
    Missing,
    /// The request is wrong and stays wrong: quota, validation, an unmodelled refusal.
    Permanent,
    /// No answer, or a server fault: nobody knows whether it took effect. A read may be repeated; a write is settled by reading.
    Unknown,
}

/// A failed call: which, how AWS named it, and what it said.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed: {code}")]
pub struct AwsError {
    /// `apprunner:UpdateService`
    pub operation: &'static str,
    /// AWS's error code; for a failure on the way, a word of ours (`timeout`, `no-answer`).
    pub code: String,
    /// What AWS said.
    pub message: String,
    pub kind: Kind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AwsError {
    /// Sorts what the SDK reports.
    pub fn sort<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let (code, message, kind) = match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unmodelled").to_owned();
                let message = service.err().message().unwrap_or_default().to_owned();
                let kind = kind_of_answer(service.raw().status().as_u16(), &code, &message);
                (code, message, kind)
            }
            SdkError::ConstructionFailure(_) => ("not-sent".to_owned(), String::new(), Kind::Permanent),
            SdkError::TimeoutError(_) => ("timeout".to_owned(), String::new(), Kind::Unknown),
            SdkError::DispatchFailure(_) => ("no-answer".to_owned(), String::new(), Kind::Unknown),
            SdkError::ResponseError(_) => ("unreadable-answer".to_owned(), String::new(), Kind::Unknown),
            _ => ("unknown".to_owned(), String::new(), Kind::Unknown),
        };
        Self { operation, code, message, kind, source: Some(Box::new(error)) }
    }

    /// A failure that we see ourselves: an answer without what it must have, a row that cannot be read.
    pub fn broken(operation: &'static str, message: impl Into<String>) -> Self {
        let (code, message) = ("broken-answer".to_owned(), message.into());
        Self { operation, code, message, kind: Kind::Permanent, source: None }
    }

    /// The same, for a table that asks to be tried again.
    pub fn again(operation: &'static str, message: impl Into<String>) -> Self {
        Self { kind: Kind::Transient, code: "unfinished".to_owned(), ..Self::broken(operation, message) }
    }

    /// Whether AWS does not take the credentials, or not any more: then every call answers so.
    pub fn is_by_credentials(&self) -> bool {
        let codes = ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"];
        codes.contains(&self.code.as_str())
    }

    /// Whether AWS does not take the signature. The SDK has corrected a wrong clock by AWS's `Date` and tried again by then, so
    /// every further call would be answered so too.
    pub fn is_by_signature(&self) -> bool {
        let codes = ["InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "AuthFailure"];
        codes.contains(&self.code.as_str())
    }

    /// What a failed write means for its intent.
    pub fn into_answer(self) -> CallAnswer {
        match self.kind {
            Kind::Transient | Kind::Busy | Kind::Conflict => CallAnswer::NotMade(self.line()),
            Kind::Unknown => CallAnswer::Lost(self.line()),
            Kind::Denied | Kind::Missing | Kind::Permanent => {
                CallAnswer::Refused { code: self.code, message: self.message }
            }
        }
    }

    /// One line for people: the operation, AWS's code and what it said.
    pub fn line(&self) -> String {
        match self.message.as_str() {
            "" => self.to_string(),
            message => format!("{self}: {message}"),
        }
    }
}

/// The kind of an answer. A fault of the server without a code that we know (a page of a proxy, which is no XML, has none at
/// all) may have come after the effect: nobody may say of it that nothing was changed (R5).
fn kind_of_answer(status: u16, code: &str, message: &str) -> Kind {
    match kind_of(code, message) {
        Kind::Permanent if status >= 500 => Kind::Unknown,
        kind => kind,
    }
}

/// By code string, because App Runner's model does not list every error that it sends (facts, 1.3), and for one busy answer
/// by its text: `StartDeployment` says `InvalidRequestException` where `UpdateService` says `InvalidStateException`.
fn kind_of(code: &str, message: &str) -> Kind {
    match code {
        "TransactionCanceledException" => kind_of_cancellation(message),
        // `RequestInProgressException` is ACM's: the certificate is being renewed or issued.
        "InvalidStateException" | "RequestInProgressException" => Kind::Busy,
        "InvalidRequestException" if message.contains("isn't in RUNNING state") => Kind::Busy,
        "ConditionalCheckFailedException"
        | "TransactionConflictException"
        // S3: the object is not the one that the condition names, or somebody writes it at this moment.
        | "PreconditionFailed"
        | "ConditionalRequestConflict" => Kind::Conflict,
        "ResourceNotFoundException"
        | "RepositoryNotFoundException"
        | "ImageNotFoundException"
        | "LifecyclePolicyNotFoundException"
        | "NoSuchEntity"
        | "NoSuchKey"
        | "NoSuchBucket"
        | "NoSuchHostedZone"
        | "NoSuchChange" => Kind::Missing,
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceededException"
        | "SlowDown"
        | "TransactionInProgressException"
        // Route 53 is still busy with an earlier change of the same zone, and has not taken this one.
        | "PriorRequestNotComplete"
        | "LimitExceededException" => Kind::Transient,
        "InternalServiceErrorException"
        | "InternalServerError"
        | "InternalFailure"
        // Security Hub's.
        | "InternalException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "ServerException" => Kind::Unknown,
        _ if code.starts_with("AccessDenied") || code == "UnauthorizedOperation" => Kind::Denied,
        _ => Kind::Permanent,
    }
}

/// A transaction is cancelled for one reason an item, which DynamoDB lists in the message. Only a condition that did not
/// hold, or another transaction on the same item, means that somebody else wrote: a throttled table passes by itself, and an
/// item that DynamoDB does not take (too large, an empty key) would be refused for ever, in silence, as a conflict.
fn kind_of_cancellation(message: &str) -> Kind {
    let any = |reasons: &[&str]| reasons.iter().any(|reason| message.contains(reason));
    if any(&["ValidationError", "ItemCollectionSizeLimitExceeded"]) {
        Kind::Permanent
    } else if any(&["ConditionalCheckFailed", "TransactionConflict", "DuplicateItem"]) {
        Kind::Conflict
    } else if any(&["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"]) {
        Kind::Transient
    } else {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_condition_or_another_transaction_is_a_conflict() {
        let cancelled = |reasons: &str| {
            let said = "Transaction cancelled, please refer cancellation reasons for specific reasons";
            kind_of("TransactionCanceledException", &format!("{said} [{reasons}]"))
        };
        assert_eq!(cancelled("ConditionalCheckFailed, None"), Kind::Conflict);
        assert_eq!(cancelled("None, TransactionConflict"), Kind::Conflict);
        assert_eq!(cancelled("None, ThrottlingError"), Kind::Transient);
        assert_eq!(cancelled("None, ValidationError"), Kind::Permanent, "an item over 400 KB stays over 400 KB");
        assert_eq!(kind_of("TransactionCanceledException", ""), Kind::Conflict);
        assert_eq!(kind_of("TransactionInProgressException", ""), Kind::Transient);
    }

    #[test]
    fn both_busy_answers_of_app_runner_are_busy() {
        assert_eq!(kind_of("InvalidStateException", ""), Kind::Busy);
        let text = "Can't start a deployment on the specified service, because it isn't in RUNNING state.";
        assert_eq!(kind_of("InvalidRequestException", text), Kind::Busy);
        assert_eq!(kind_of("InvalidRequestException", "Error in assuming access role"), Kind::Permanent);
    }

    #[test]
    fn what_route_53_refuses_is_sorted_by_what_may_follow() {
        let answer =
            |code: &str| AwsError { code: code.to_owned(), kind: kind_of(code, ""), ..AwsError::broken("x", "m") };
        for code in ["Throttling", "ThrottlingException", "PriorRequestNotComplete"] {
            assert!(matches!(answer(code).into_answer(), CallAnswer::NotMade(_)), "{code}");
        }
        for code in ["InvalidChangeBatch", "AccessDenied", "NoSuchHostedZone", "InvalidInput"] {
            assert!(matches!(answer(code).into_answer(), CallAnswer::Refused { .. }), "{code}");
        }
        for code in ["ServiceUnavailable", "InternalFailure"] {
            assert!(matches!(answer(code).into_answer(), CallAnswer::Lost(_)), "{code}");
        }
        assert_eq!(kind_of("NoSuchChange", ""), Kind::Missing);
    }

    #[test]
    fn a_server_fault_is_unknown_and_a_quota_is_permanent() {
        assert_eq!(kind_of("InternalServiceErrorException", ""), Kind::Unknown);
        assert_eq!(kind_of("ServiceQuotaExceededException", ""), Kind::Permanent);
        assert_eq!(kind_of("AccessDeniedException", ""), Kind::Denied);
    }

    #[test]
    fn a_fault_of_the_server_that_says_no_known_code_is_unknown() {
        for (status, code, kind) in [
            (502, "unmodelled", Kind::Unknown),
            (503, "BadGateway", Kind::Unknown),
            (400, "unmodelled", Kind::Permanent),
            (503, "SlowDown", Kind::Transient),
            (503, "ServiceUnavailable", Kind::Unknown),
            (500, "AccessDenied", Kind::Denied),
        ] {
            assert_eq!(kind_of_answer(status, code, ""), kind, "{status} {code}");
        }
    }

    #[test]
    fn what_ec2_iam_and_s3_refuse_is_sorted_too() {
        for code in ["NoSuchEntity", "NoSuchKey", "NoSuchBucket", "LifecyclePolicyNotFoundException"] {
            assert_eq!(kind_of(code, ""), Kind::Missing, "{code}");
        }
        for code in ["PreconditionFailed", "ConditionalRequestConflict"] {
            assert_eq!(kind_of(code, ""), Kind::Conflict, "{code}");
        }
        for code in ["UnauthorizedOperation", "AccessDenied"] {
            assert_eq!(kind_of(code, ""), Kind::Denied, "{code}");
        }
    }
}
