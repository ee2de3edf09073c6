//! What a decision knows. Facts are read one by one, only when the decision asks for them.

use jiff::Timestamp;

use crate::autonomy::{Autonomy, Tags};
use crate::diagnosis::Diagnosis;
use crate::id::{Digest, ImageRef, OperationId, ServiceArn};
use crate::memory::{AccountState, Memory};
use crate::service::{Operation, Service};

pub use crate::fact::Fact;

/// A read that the decision needs before it can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// `DescribeService`.
    Service,
    /// `ListTagsForResource` of the service.
    Tags,
    /// What the tag of this image names in ECR now.
    Resolve(ImageRef),
    /// Whether ECR still holds this digest.
    Exists(ImageRef),
    /// The alarm that woke us, with its history since the given time.
    FiredAlarm { since: Timestamp },
    /// All alarms of the service, with their history since the given time.
    Alarms { since: Timestamp },
    /// The logs of this operation (`None`: the service as it runs), diagnosed.
    Logs { operation: Option<OperationId>, since: Timestamp },
}

/// What a tag names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub digest: Digest,
    pub pushed_at: Option<Timestamp>,
}

/// A change of an alarm's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub at: Timestamp,
    pub from: String,
    pub to: String,
    /// The end of the newest datapoint that breached, where the history says so.
    pub breached_at: Option<Timestamp>,
}

/// An alarm that watches the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub name: String,
    pub state: String,
    /// Newest first.
    pub transitions: Vec<Transition>,
}

impl Alarm {
    /// The alarm's state at a moment, by its history; today's where the history does not reach.
    pub fn state_at(&self, moment: Timestamp) -> &str {
        let next = self.transitions.iter().rev().find(|transition| transition.at > moment);
        next.map_or(&self.state, |transition| &transition.from)
    }
}

/// What woke us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// One of App Runner's events, or our own wake queue.
    Event,
    /// A CloudWatch alarm's state change.
    Alarm {
        name: String,
    },
    /// A push to ECR.
    Push,
    Sweep,
    /// An operator's command.
    Operator(Request),
}

/// What an operator can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To this digest, or to the last good one.
    Rollback {
        to: Option<Digest>,
    },
    Unpin,
    MarkGood {
        digest: Digest,
    },
}

/// Everything a decision about one service knows.
#[derive(Clone, Debug)]
pub struct Observed {
    pub arn: ServiceArn,
    /// This invocation: the holder of the intents that it writes.
    pub me: String,
    /// What the receipt names as the cause.
    pub cause: String,
    pub trigger: Trigger,
    /// The time that AWS put on its answers.
    pub now: Timestamp,
    pub memory: Memory,
    pub account: AccountState,
    /// Newest first. Empty and `gone` where the service is not there any more.
    pub operations: Vec<Operation>,
    pub gone: bool,
    pub service: Fact<Service>,
    pub tags: Fact<Tags>,
    pub resolved: Vec<(ImageRef, Fact<Resolved>)>,
    pub exists: Vec<(ImageRef, Fact<bool>)>,
    pub fired: Fact<Alarm>,
    pub alarms: Fact<Vec<Alarm>>,
    pub diagnosis: Fact<Diagnosis>,
}

/// The stack's settings that decisions hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub autonomy: Autonomy,
    /// How long a release is watched before it is good.
    pub bake: jiff::SignedDuration,
}

/// Either a value or the read that is missing for it.
pub type Seen<T> = Result<T, Look>;

impl Observed {
    pub fn service(&self) -> Seen<Option<&Service>> {
        match &self.service {
            Fact::Unread => Err(Look::Service),
            Fact::Known(service) => Ok(Some(service)),
            Fact::Unavailable(_) => Ok(None),
        }
    }

    /// The tags; where they cannot be read, `Err` of why: then nothing may be done.
    pub fn tags(&self) -> Seen<Result<&Tags, &str>> {
        match &self.tags {
            Fact::Unread => Err(Look::Tags),
            Fact::Known(tags) => Ok(Ok(tags)),
            Fact::Unavailable(why) => Ok(Err(why)),
        }
    }

    /// The digest that an image names now. A pinned image needs no look.
    pub fn resolve(&self, image: &ImageRef) -> Seen<Option<Resolved>> {
        if let Some(digest) = image.digest() {
            return Ok(Some(Resolved { digest: digest.clone(), pushed_at: None }));
        }
        match self.resolved.iter().find(|(known, _)| known == image).map(|(_, fact)| fact) {
            None | Some(Fact::Unread) => Err(Look::Resolve(image.clone())),
            Some(Fact::Known(resolved)) => Ok(Some(resolved.clone())),
            Some(Fact::Unavailable(_)) => Ok(None),
        }
    }

    /// Whether ECR holds the image; `None` where that cannot be read.
    pub fn exists(&self, image: &ImageRef) -> Seen<Option<bool>> {
        match self.exists.iter().find(|(known, _)| known == image).map(|(_, fact)| fact) {
            None | Some(Fact::Unread) => Err(Look::Exists(image.clone())),
            Some(Fact::Known(there)) => Ok(Some(*there)),
            Some(Fact::Unavailable(_)) => Ok(None),
        }
    }

    pub fn fired(&self, since: Timestamp) -> Seen<Option<&Alarm>> {
        match &self.fired {
            Fact::Unread => Err(Look::FiredAlarm { since }),
            Fact::Known(alarm) => Ok(Some(alarm)),
            Fact::Unavailable(_) => Ok(None),
        }
    }

    /// All alarms of the service; `None` where they cannot be read.
    pub fn alarms(&self, since: Timestamp) -> Seen<Option<&[Alarm]>> {
        match &self.alarms {
            Fact::Unread => Err(Look::Alarms { since }),
            Fact::Known(alarms) => Ok(Some(alarms)),
            Fact::Unavailable(_) => Ok(None),
        }
    }

    pub fn diagnosis(&self, operation: Option<&OperationId>, since: Timestamp) -> Seen<Option<Diagnosis>> {
        match &self.diagnosis {
            Fact::Unread => Err(Look::Logs { operation: operation.cloned(), since }),
            Fact::Known(diagnosis) => Ok(Some(diagnosis.clone())),
            Fact::Unavailable(_) => Ok(None),
        }
    }

    /// Forgets what may have moved: what stands between an intent and its call must be read again.
    pub fn forget_live(&mut self) {
        self.service = Fact::Unread;
        self.operations.clear();
        self.gone = false;
    }

    /// Forgets what belongs to one operation only, before the next is judged.
    pub fn forget_operation(&mut self) {
        self.diagnosis = Fact::Unread;
    }
}
