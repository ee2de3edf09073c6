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
//! | `AppRunner Custom Domain Validation Status Update` of `aws.apprunner` | the custom domains of the service of `resources[0]` |
//! | `AWS API Call via CloudTrail` of `aws.apprunner`, for `AssociateCustomDomain`, `DisassociateCustomDomain` or `DeleteService` | the custom domains of the service of `requestParameters`, or else of `responseElements` |
//! | the six events of `aws.acm` | the certificate of `resources[0]` |
//! | `CloudWatch Alarm State Change` of `aws.cloudwatch` | the alarm, and what its metrics or its rule say of services |
//! | `ECR Image Action` of `aws.ecr` | the image |
//! | `{"source": "pitcrew", "detail-type": "Sweep"}` | the whole fleet |
//! | a batch of SQS records, each with the body `{"service": "<arn>", "hops": <n>}` or with `certificate` | one service or certificate a record; a bad record does not harm the others |
//! | anything else | [`Rejected`], with a reason, to be counted and kept once |
//!
//! Nothing here looks anything up, and nothing here panics, whatever the JSON.

mod alarm;
mod certificate;
mod domain;
mod queue;
mod rejected;

#[cfg(test)]
mod tests;

pub use alarm::{AlarmChange, ServiceDimension};
pub use domain::DomainHint;
pub use queue::{Queued, QueuedWake};
pub use rejected::{Reason, Rejected, drifted, quarantine_id};

use rejected::invisible;
use serde_json::{Map, Value};

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
    CustomDomain,
    /// A call that changes which custom domains a service has.
    DomainCall,
    Certificate,
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
            Self::DomainCall => "domain_call",
            Self::Certificate => "certificate",
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
    /// The custom domains of a service.
    Domains(DomainHint),
    /// The ARN of a certificate of ACM.
    Certificate(String),
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

/// A parsed input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    pub cause: Cause,
    pub kind: WakeKind,
    /// Empty where the event is known but not ours to handle.
    pub subjects: Vec<Subject>,
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
        return queue::parse(records, home).ok_or_else(|| rejected(Reason::UnknownShape));
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
        WakeKind::CustomDomain => vec![Subject::Domains(domain::validation(event, home).map_err(rejected)?)],
        WakeKind::DomainCall => vec![Subject::Domains(domain::call(event, home).map_err(rejected)?)],
        WakeKind::Certificate => vec![Subject::Certificate(certificate::parse(event, home).map_err(rejected)?)],
        WakeKind::Sweep | WakeKind::WakeQueue => Vec::new(),
    };
    Ok(Wake { cause: cause(&format!("{detail_type} event {id}")), kind, subjects })
}

fn cause(text: &str) -> Cause {
    Cause { text: text.to_owned() }
}

/// The kinds that we take, each with the one source that EventBridge sends it under.
const KINDS: [(&str, &str, WakeKind); 13] = [
    ("aws.apprunner", "AppRunner Service Status Change", WakeKind::ServiceStatus),
    ("aws.apprunner", "AppRunner Service Operation Status Change", WakeKind::OperationStatus),
    ("aws.apprunner", "AppRunner Custom Domain Validation Status Update", WakeKind::CustomDomain),
    ("aws.apprunner", "AWS API Call via CloudTrail", WakeKind::DomainCall),
    ("aws.acm", "ACM Certificate Approaching Expiration", WakeKind::Certificate),
    ("aws.acm", "ACM Certificate Available", WakeKind::Certificate),
    ("aws.acm", "ACM Certificate Expired", WakeKind::Certificate),
    ("aws.acm", "ACM Certificate Renewal Action Required", WakeKind::Certificate),
    ("aws.acm", "ACM Certificate Revoked", WakeKind::Certificate),
    ("aws.acm", "ACM Certificate Revoked by Certificate Authority (CA)", WakeKind::Certificate),
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
