//! Our own wake queue: a batch of messages that this function sent itself.

use serde_json::Value;

use super::{Home, Reason, Rejected, Subject, Wake, WakeKind, cause, certificate, check_home, own_service, word};
use crate::id::ServiceArn;

/// One record of the wake queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedWake {
    /// What a partial batch answer names. Empty where the record has none; then it is rejected.
    pub message_id: String,
    /// A record that is none is quarantined and acknowledged: to fetch it again would not mend it.
    pub about: Result<Queued, Rejected>,
    /// How many wakes one after the other have led here; 0 where the message does not say.
    pub hops: u32,
}

/// What a message of the wake queue is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    Service(ServiceArn),
    /// The ARN of a certificate of ACM.
    Certificate(String),
}

/// A batch of our own queue; `None` where it is none.
pub(super) fn parse(records: &Value, home: &Home) -> Option<Wake> {
    let records = records.as_array().filter(|records| !records.is_empty())?;
    let subject = |record: &Value| {
        let message_id = record.get("messageId").and_then(Value::as_str).map(word).unwrap_or_default();
        let (about, hops) = match queued(record, &message_id, home) {
            Ok((about, hops)) => (Ok(about), hops),
            Err(reason) => (Err(Rejected::new(reason, record)), 0),
        };
        Subject::Queued(QueuedWake { message_id, about, hops })
    };
    let subjects = records.iter().map(subject).collect();
    Some(Wake { cause: cause("wake queue"), kind: WakeKind::WakeQueue, subjects })
}

fn queued(record: &Value, message_id: &str, home: &Home) -> Result<(Queued, u32), Reason> {
    let record = record.as_object().ok_or(Reason::NotAnObject)?;
    if message_id.is_empty() {
        return Err(Reason::UnknownShape);
    }
    if record.get("eventSource").and_then(Value::as_str) != Some("aws:sqs") {
        return Err(Reason::OtherService);
    }
    let queue = record.get("eventSourceARN").and_then(Value::as_str).ok_or(Reason::UnknownShape)?;
    let ["arn", partition, "sqs", region, account, _] = queue.split(':').collect::<Vec<_>>()[..] else {
        return Err(Reason::NotAnArn);
    };
    check_home(home, partition, account, region)?;
    let body = record.get("body").and_then(Value::as_str).ok_or(Reason::UnknownShape)?;
    let body: Value = serde_json::from_str(body).map_err(|_| Reason::NotJson)?;
    let body = body.as_object().ok_or(Reason::NotAnObject)?;
    let about = match (body.get("service").and_then(Value::as_str), body.get("certificate").and_then(Value::as_str)) {
        (Some(service), None) => Queued::Service(own_service(service, home)?),
        (None, Some(arn)) => Queued::Certificate(certificate::own(arn, home)?),
        _ => return Err(Reason::UnknownShape),
    };
    // A number that is none, or far too large, ends the chain: it is not ours.
    let hops =
        body.get("hops").map_or(0, |hops| hops.as_u64().and_then(|hops| hops.try_into().ok()).unwrap_or(u32::MAX));
    Ok((about, hops))
}
