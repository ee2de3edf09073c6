//! What wakes a function: EventBridge events, our own wake queue and the sweep, parsed once at the edge.
//!
//! An event is a hint (design, section 3.1): all that is taken from it is which service, alarm or image to look at, and the
//! cause that the receipt names. App Runner's detail keys have drifted between its documents and its practice (fact sheet,
//! section 5.2), so keys are compared without case, hyphens and underscores, unknown keys are passed over, and a status word
//! that nobody knows is no error. What stands in the envelope is not forgiven: source, account, region and ARN must be ours.
//!
//! | input | answer |
//! |---|---|
//! | `AppRunner Service Status Change`, `AppRunner Service Operation Status Change` of `aws.apprunner` | the service of `resources[0]` |
//! | `AppRunner Custom Domain Validation Status Update` of `aws.apprunner` | known, but no subject of the rollback function |
//! | `CloudWatch Alarm State Change` of `aws.cloudwatch` | the alarm, and what its metrics or its rule say of services |
//! | `ECR Image Action` of `aws.ecr` | the image |
//! | `{"source": "pitcrew", "detail-type": "Sweep"}` | the whole fleet |
//! | a batch of SQS records, each with the body `{"service": "<arn>", "hops": <n>}` | one service a record; a bad record does not harm the others |
//! | anything else | [`Rejected`], with a reason, to be counted and kept once |
//!
//! Nothing here looks anything up, and nothing here panics, whatever the JSON.

mod alarm;

#[cfg(test)]
mod tests;

pub use alarm::{AlarmChange, ServiceDimension};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::id::{Digest, ServiceArn};

/// How much of a rejected input is kept, in bytes: enough to see what it was, too little to fill a table with.
pub const EXCERPT_BYTES_MAX: usize = 2048;
/// How many characters of a word from outside (an id, a status) are kept.
const WORD_CHARS_MAX: usize = 128;

/// The account and region that the function works for. An event from elsewhere is not ours, whoever let it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// `aws`, `aws-cn`, ...; `None` takes any.
    pub partition: Option<String>,
    pub account: String,
    pub region: String,
}

/// What woke us, for the receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `<detail-type> event <id>`, `sweep` or `wake queue`.
    pub text: String,
}

/// Which door it came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeKind {
    ServiceStatus,
    OperationStatus,
    /// Known, and another function's: there is no subject.
    CustomDomain,
    Alarm,
    Image,
    Sweep,
    WakeQueue,
}

impl WakeKind {
    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceStatus => "service_status",
            Self::OperationStatus => "operation_status",
            Self::CustomDomain => "custom_domain",
            Self::Alarm => "alarm",
            Self::Image => "image",
            Self::Sweep => "sweep",
            Self::WakeQueue => "wake_queue",
        }
    }
}

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Service(ServiceHint),
    Alarm(AlarmChange),
    Image(ImageChange),
    /// Every service of the account and region.
    Fleet,
    /// One record of the wake queue.
    Queued(QueuedWake),
}

/// A service that an event of App Runner names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceHint {
    pub arn: ServiceArn,
    /// The status word that the event says, for the log and for nothing else. `None`: no known spelling of the key is there.
    pub said: Option<String>,
}

/// A push to, or a deletion from, a private ECR repository (`ECR Image Action`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageChange {
    /// The account of the registry.
    pub registry: String,
    pub repository: String,
    pub action: ImageAction,
    /// Absent where the image has no tag.
    pub tag: Option<String>,
    /// Absent where the event's text is no digest.
    pub digest: Option<Digest>,
}

/// What happened to the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageAction {
    Push,
    Delete,
    /// A word that this version does not know.
    Other(String),
}

/// One record of the wake queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedWake {
    /// What a partial batch answer names. Empty where the record has none; then it is rejected.
    pub message_id: String,
    /// A record that is none is quarantined and acknowledged: to fetch it again would not mend it.
    pub service: Result<ServiceArn, Rejected>,
    /// How many wakes one after the other have led here; 0 where the message does not say.
    pub hops: u32,
}

/// A parsed input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    pub cause: Cause,
    pub kind: WakeKind,
    /// Empty where the event is known but not ours to handle.
    pub subjects: Vec<Subject>,
}

/// Why an input was not taken. The names are stable: the metric hangs on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    NotJson,
    NotAnObject,
    /// No known kind of input, or a part that must be there is missing or of the wrong type.
    UnknownShape,
    OtherAccount,
    OtherRegion,
    /// A source whose events we do not take.
    OtherService,
    NoResources,
    NotAnArn,
    /// A detail-type of ours under a foreign source: EventBridge would not send it.
    Forged,
    /// An event of App Runner's whose detail has no status under any known spelling. It is handled all the same, as the
    /// hint that it is; its shape is kept, so that the next version knows it.
    UnknownKeys,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::UnknownShape => "unknown_shape",
            Self::OtherAccount => "other_account",
            Self::OtherRegion => "other_region",
            Self::OtherService => "other_service",
            Self::NoResources => "no_resources",
            Self::NotAnArn => "not_an_arn",
            Self::Forged => "forged",
            Self::UnknownKeys => "unknown_keys",
        }
    }
}

/// An input that was not taken: counted by its reason and kept once under its id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input rejected: {}", .reason.as_str())]
pub struct Rejected {
    /// See [`quarantine_id`].
    pub id: String,
    pub reason: Reason,
    /// Its first [`EXCERPT_BYTES_MAX`] bytes, without control characters.
    pub excerpt: String,
}

impl Rejected {
    fn new(reason: Reason, input: &Value) -> Self {
        Self { id: quarantine_id(input), reason, excerpt: excerpt(&input.to_string()) }
    }

    /// For an input that never became JSON.
    pub fn not_json(input: &[u8]) -> Self {
        let head = input.get(..EXCERPT_BYTES_MAX).unwrap_or(input);
        let id = name_of(Sha256::new().chain_update(input));
        Self { id, reason: Reason::NotJson, excerpt: excerpt(&String::from_utf8_lossy(head)) }
    }
}

/// What an event that was taken says in a way that no known spelling covers: its shape is kept once, whichever service and
/// moment it speaks of.
pub fn drifted(payload: &Value, wake: &Wake) -> Option<Rejected> {
    let silent = |subject: &Subject| matches!(subject, Subject::Service(hint) if hint.said.is_none());
    if !wake.subjects.iter().any(silent) {
        return None;
    }
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        keys.sort();
        keys
    };
    let shape = serde_json::json!([payload["detail-type"], keys(&payload["detail"])]);
    Some(Rejected { id: quarantine_id(&shape), ..Rejected::new(Reason::UnknownKeys, payload) })
}

/// The id under which a rejected input is kept: a hash of what it says, whatever the order of its keys, so that the same
/// input delivered again has the same id and is kept once. Of a queue's record only message id and body count, because the
/// queue itself changes the rest with each delivery.
pub fn quarantine_id(input: &Value) -> String {
    let mut hash = Sha256::new();
    match (input.get("messageId"), input.get("body")) {
        (Some(id), Some(body)) => {
            digest_value(id, &mut hash);
            digest_value(body, &mut hash);
        }
        _ => digest_value(input, &mut hash),
    }
    name_of(hash)
}

fn name_of(hash: Sha256) -> String {
    let hex: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("Q-{hex}")
}

/// Feeds a value to the hash so that no two different values feed the same bytes: every part carries its kind and length.
fn digest_value(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort();
            hash.update(format!("o{}:", keys.len()));
            for key in keys {
                hash.update(format!("{}:{key}", key.len()));
                members.get(key).into_iter().for_each(|member| digest_value(member, hash));
            }
        }
        Value::Array(items) => {
            hash.update(format!("a{}:", items.len()));
            items.iter().for_each(|item| digest_value(item, hash));
        }
        Value::String(text) => hash.update(format!("s{}:{text}", text.len())),
        Value::Null | Value::Bool(_) | Value::Number(_) => hash.update(format!("v{value}:")),
    }
}

/// Characters that change how a line shows without being seen: controls, and the marks that turn or hide text.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn excerpt(text: &str) -> String {
    let mut kept = String::new();
    for c in text.chars().filter(|c| !invisible(*c)) {
        if kept.len() + c.len_utf8() > EXCERPT_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    kept
}

/// A word from outside, fit for one line of a log.
fn word(text: &str) -> String {
    text.chars().filter(|c| !invisible(*c)).take(WORD_CHARS_MAX).collect()
}

/// The member under the first of these names that is there; names are compared without case, hyphens and underscores.
fn member<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let same = |key: &str, name: &str| {
        let letters = key.bytes().filter(|b| !matches!(b, b'-' | b'_')).map(|b| b.to_ascii_lowercase());
        letters.eq(name.bytes())
    };
    names.iter().find_map(|name| object.iter().find(|(key, _)| same(key, name)).map(|(_, value)| value))
}

fn text<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    member(object, names)?.as_str()
}

/// Parses what a function was invoked with.
pub fn parse(payload: &Value, home: &Home) -> Result<Wake, Rejected> {
    let rejected = |reason| Rejected::new(reason, payload);
    let event = payload.as_object().ok_or_else(|| rejected(Reason::NotAnObject))?;
    if let Some(records) = event.get("Records") {
        return wake_queue(records, home).ok_or_else(|| rejected(Reason::UnknownShape));
    }
    let (Some(source), Some(detail_type)) =
        (event.get("source").and_then(Value::as_str), event.get("detail-type").and_then(Value::as_str))
    else {
        return Err(rejected(Reason::UnknownShape));
    };
    let kind = kind_of(source, detail_type).map_err(rejected)?;
    if kind == WakeKind::Sweep {
        return Ok(Wake { cause: cause("sweep"), kind, subjects: vec![Subject::Fleet] });
    }
    at_home(event, home).map_err(rejected)?;
    let id = event.get("id").and_then(Value::as_str).map_or("without an id".to_owned(), word);
    let subjects = match kind {
        WakeKind::ServiceStatus | WakeKind::OperationStatus => {
            vec![Subject::Service(service(event, home).map_err(rejected)?)]
        }
        WakeKind::Alarm => vec![Subject::Alarm(alarm::parse(event, home).map_err(rejected)?)],
        WakeKind::Image => vec![Subject::Image(image(event, home).map_err(rejected)?)],
        WakeKind::CustomDomain | WakeKind::Sweep | WakeKind::WakeQueue => Vec::new(),
    };
    Ok(Wake { cause: cause(&format!("{detail_type} event {id}")), kind, subjects })
}

fn cause(text: &str) -> Cause {
    Cause { text: text.to_owned() }
}

/// The kinds that we take, each with the one source that EventBridge sends it under.
const KINDS: [(&str, &str, WakeKind); 6] = [
    ("aws.apprunner", "AppRunner Service Status Change", WakeKind::ServiceStatus),
    ("aws.apprunner", "AppRunner Service Operation Status Change", WakeKind::OperationStatus),
    ("aws.apprunner", "AppRunner Custom Domain Validation Status Update", WakeKind::CustomDomain),
    ("aws.cloudwatch", "CloudWatch Alarm State Change", WakeKind::Alarm),
    ("aws.ecr", "ECR Image Action", WakeKind::Image),
    ("pitcrew", "Sweep", WakeKind::Sweep),
];

fn kind_of(source: &str, detail_type: &str) -> Result<WakeKind, Reason> {
    let mut reason = Reason::OtherService;
    for (known_source, known_type, kind) in KINDS {
        match (known_source == source, known_type == detail_type) {
            (true, true) => return Ok(kind),
            (false, true) => reason = Reason::Forged,
            (true, false) if reason == Reason::OtherService => reason = Reason::UnknownShape,
            (true | false, false) => {}
        }
    }
    Err(reason)
}

fn at_home(event: &Map<String, Value>, home: &Home) -> Result<(), Reason> {
    match event.get("account").and_then(Value::as_str) {
        None => return Err(Reason::UnknownShape),
        Some(account) if account != home.account => return Err(Reason::OtherAccount),
        Some(_) => {}
    }
    match event.get("region").and_then(Value::as_str) {
        None => Err(Reason::UnknownShape),
        Some(region) if region != home.region => Err(Reason::OtherRegion),
        Some(_) => Ok(()),
    }
}

/// The first of the event's resources; App Runner and CloudWatch put the one ARN there that matters.
fn first_resource(event: &Map<String, Value>) -> Result<&str, Reason> {
    let first = event.get("resources").and_then(Value::as_array).and_then(|resources| resources.first());
    first.ok_or(Reason::NoResources)?.as_str().ok_or(Reason::NotAnArn)
}

fn detail(event: &Map<String, Value>) -> Result<&Map<String, Value>, Reason> {
    event.get("detail").and_then(Value::as_object).ok_or(Reason::UnknownShape)
}

fn own_service(arn: &str, home: &Home) -> Result<ServiceArn, Reason> {
    let arn = ServiceArn::parse(arn).map_err(|_| match arn.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, service, _, _, ..] if service != "apprunner" => Reason::OtherService,
        _ => Reason::NotAnArn,
    })?;
    check_home(home, arn.partition(), arn.account(), arn.region())?;
    Ok(arn)
}

fn check_home(home: &Home, partition: &str, account: &str, region: &str) -> Result<(), Reason> {
    if account != home.account {
        return Err(Reason::OtherAccount);
    }
    // Another partition is another set of regions: `aws-cn` has none of `aws`'s.
    if region != home.region || home.partition.as_deref().is_some_and(|known| known != partition) {
        return Err(Reason::OtherRegion);
    }
    Ok(())
}

fn service(event: &Map<String, Value>, home: &Home) -> Result<ServiceHint, Reason> {
    let arn = own_service(first_resource(event)?, home)?;
    let said = text(detail(event)?, &["operationstatus", "currentservicestatus", "currentstatus", "status"]);
    Ok(ServiceHint { arn, said: said.map(word) })
}

fn image(event: &Map<String, Value>, home: &Home) -> Result<ImageChange, Reason> {
    let detail = detail(event)?;
    let repository = text(detail, &["repositoryname"]).filter(|name| !name.is_empty()).ok_or(Reason::UnknownShape)?;
    let action = match text(detail, &["actiontype"]) {
        Some("PUSH") => ImageAction::Push,
        Some("DELETE") => ImageAction::Delete,
        other => ImageAction::Other(other.map(word).unwrap_or_default()),
    };
    Ok(ImageChange {
        registry: home.account.clone(),
        repository: repository.chars().filter(|c| !invisible(*c)).take(256).collect(),
        action,
        tag: text(detail, &["imagetag"]).filter(|tag| !tag.is_empty()).map(word),
        digest: text(detail, &["imagedigest"]).and_then(|digest| Digest::parse(digest).ok()),
    })
}

/// A batch of our own queue; `None` where it is none.
fn wake_queue(records: &Value, home: &Home) -> Option<Wake> {
    let records = records.as_array().filter(|records| !records.is_empty())?;
    let queued = |record: &Value| {
        let message_id = record.get("messageId").and_then(Value::as_str).map(word).unwrap_or_default();
        let (service, hops) = match queued_service(record, &message_id, home) {
            Ok((service, hops)) => (Ok(service), hops),
            Err(reason) => (Err(Rejected::new(reason, record)), 0),
        };
        Subject::Queued(QueuedWake { message_id, service, hops })
    };
    let subjects = records.iter().map(queued).collect();
    Some(Wake { cause: cause("wake queue"), kind: WakeKind::WakeQueue, subjects })
}

fn queued_service(record: &Value, message_id: &str, home: &Home) -> Result<(ServiceArn, u32), Reason> {
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
    let service = own_service(body.get("service").and_then(Value::as_str).ok_or(Reason::UnknownShape)?, home)?;
    // A number that is none, or far too large, ends the chain: it is not ours.
    let hops =
        body.get("hops").map_or(0, |hops| hops.as_u64().and_then(|hops| hops.try_into().ok()).unwrap_or(u32::MAX));
    Ok((service, hops))
}
