//! What every service of the local cloud agrees on: a call, an answer, an error, and the context in which it is handled.
//!
//! A service is synchronous and owns its state. It never reads a clock, never draws randomness from the machine and never
//! talks to another service: the time and the ids come in through [`Ctx`], and what it causes elsewhere goes out as
//! [`Effect`]s, which the world carries out. That is what lets time jump, and lets one seed always play the same story.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::effect::Effect;
use crate::outside::Outside;
use crate::switches::Switches;

/// Where the cloud pretends to be: every ARN and every event carries these.
#[derive(Clone, Debug)]
pub struct Place {
    pub partition: String,
    pub region: String,
    pub account: String,
}

/// Who makes a call: the operator (whose key is printed at the start) or the role of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Operator,
    /// A function's execution role, or the role that a schedule or rule assumes.
    Role {
        role_arn: String,
        /// The name of the function, or of whatever acts with the role.
        actor: String,
    },
    /// AWS itself, for deliveries that no policy of the template governs.
    Aws(&'static str),
}

/// One API call, already authenticated and decoded into the shape of the service's model (JSON, member names as in the model).
#[derive(Clone, Debug)]
pub struct Call {
    /// The SigV4 signing name: `apprunner`, `dynamodb`, `monitoring`, `sns`, ...
    pub service: String,
    pub operation: String,
    pub input: Value,
    pub caller: Caller,
    pub request_id: String,
}

impl Call {
    /// A string member of the input, empty where it is absent.
    pub fn text(&self, member: &str) -> &str {
        self.input.get(member).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A modelled error: what the wire shows as `__type`, message and HTTP status.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Further members of the error shape, such as DynamoDB's `CancellationReasons`.
    pub fields: Map<String, Value>,
}

impl ApiError {
    /// A client error (HTTP 400).
    pub fn client(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), fields: Map::new() }
    }

    /// A server fault (HTTP 500).
    pub fn fault(code: &str, message: impl Into<String>) -> Self {
        Self { status: 500, ..Self::client(code, message) }
    }
}

pub type Answer = Result<Value, ApiError>;

/// Ids that look like AWS's and are the same in every run that makes the same calls.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    drawn: u64,
}

impl Ids {
    fn word(&mut self) -> u64 {
        // SplitMix64: one multiply-xor round per draw, no state but the counter.
        self.drawn += 1;
        let mut z = self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 32 lower-case hex digits, the form of a service id.
    pub fn hex32(&mut self) -> String {
        format!("{:016x}{:016x}", self.word(), self.word())
    }

    /// A hyphenated UUID, the form of an operation id or a request id.
    pub fn uuid(&mut self) -> String {
        let h = self.hex32();
        format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
    }

    /// `n` lower-case letters and digits, the form of a random host name.
    pub fn label(&mut self, n: usize) -> String {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..n).map(|_| ALPHABET[(self.word() % 36) as usize] as char).collect()
    }
}

/// What a service may know and cause while it handles a call or a timer.
pub struct Ctx<'a> {
    /// The cloud's clock.
    pub now: Timestamp,
    pub place: &'a Place,
    pub ids: &'a mut Ids,
    pub effects: &'a mut Vec<Effect>,
    /// What the world outside AWS does: images and how they behave, traffic.
    pub outside: &'a mut Outside,
    /// How the cloud behaves where the facts are open.
    pub switches: &'a Switches,
}

/// What a call needs of the caller's policy: one action on one resource, with its condition keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The IAM action, such as `apprunner:UpdateService`.
    pub action: String,
    /// The resource's ARN, or `*` where the action has none.
    pub resource: String,
    /// Condition keys and their values, such as `dynamodb:LeadingKeys`.
    pub conditions: Vec<(String, Vec<String>)>,
}

impl Need {
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), conditions: Vec::new() }
    }
}

/// One emulated AWS service.
pub trait Service {
    /// Handles one call at `ctx.now`.
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer;

    /// What the call needs of the caller's policy. Called before [`Service::call`]; an empty list is a bug in the service.
    fn needs(&self, place: &Place, call: &Call) -> Vec<Need>;

    /// When the service next has something to do by itself.
    fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// Does what is due at `ctx.now` or before.
    fn tick(&mut self, _ctx: &mut Ctx<'_>) {}
}
