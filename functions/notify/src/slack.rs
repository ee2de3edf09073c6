//! Slack: reads the secret, posts a message, keeps one thread an incident.
//!
//! The secret is kept for at most [`SECRET_KEPT_SECS`] and read again once when Slack says that the access is dead; only
//! when that does not help is it told. After a failure that will meet the next message too, no further message is tried in
//! the same invocation.

pub mod access;
pub mod address;
pub mod answer;
pub mod http;

use std::sync::Mutex;

use jiff::Timestamp;
use pitcrew_aws::outbox::{Outbox, Thread};
use pitcrew_aws::secret::{SecretError, Secrets};
use pitcrew_core::outbox::Outcome;
use pitcrew_core::render::Message;
use pitcrew_core::render::slack::{render_slack, rewritten_head};
use pitcrew_lambda::failure::chain;
use serde_json::Value;

use self::access::{Access, Known};
use self::answer::{Arrived, Meaning};
use self::http::Http;
use crate::settings::SlackSettings;

/// How long a secret is used before it is read again (`facts/reliability.md`, C5).
pub const SECRET_KEPT_SECS: i64 = 300;

/// How long the thread of an incident is kept: longer than an incident stays open.
const THREAD_KEPT_SECS: i64 = 90 * 86_400;

/// The secret as it was read last.
#[derive(Clone)]
struct Kept {
    known: Known,
    version: String,
    read_at: Timestamp,
    /// Slack has said that this version is dead.
    dead: Option<String>,
}

/// Whether there is a Slack to post to.
pub enum State {
    Off,
    Ready,
    /// The secret cannot be had at the moment.
    Unknown(String),
    /// The secret may not be read: the role, or the key's policy, has to be mended by somebody.
    Denied(Dead),
    /// The secret cannot be used until somebody changes it.
    Unusable(Dead),
}

/// A Slack that stays silent until somebody changes the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// The secret's version: the identity under which this is told once.
    pub version: String,
    pub reason: String,
}

/// How a message fared.
pub struct Told {
    pub outcome: Outcome,
    /// The next message would fare the same.
    pub stop: bool,
    pub dead: Option<Dead>,
}

/// The channel.
pub struct Slack {
    settings: SlackSettings,
    secrets: Secrets,
    http: Http,
    kept: Mutex<Option<Kept>>,
}

impl Slack {
    pub fn new(settings: SlackSettings, secrets: Secrets, http: Http) -> Self {
        Self { settings, secrets, http, kept: Mutex::new(None) }
    }

    /// Whether there is a Slack to post to; reads the secret where the kept one is too old.
    pub async fn state(&self, now: Timestamp) -> State {
        match self.kept(now).await {
            Ok(kept) => match (kept.known, kept.dead) {
                (Known::Off, _) => State::Off,
                (Known::Wrong(reason), _) => State::Unusable(Dead { version: kept.version, reason: reason.to_owned() }),
                (Known::Ready(_), Some(reason)) => State::Unusable(Dead { version: kept.version, reason }),
                (Known::Ready(_), None) => State::Ready,
            },
            Err(SecretError::Empty) => State::Off,
            Err(error @ SecretError::Missing) => {
                State::Unusable(Dead { version: "missing".to_owned(), reason: error.to_string() })
            }
            Err(error @ SecretError::Denied(_)) => {
                State::Denied(Dead { version: "denied".to_owned(), reason: error.to_string() })
            }
            Err(error @ SecretError::Failed(_)) => State::Unknown(chain(&error)),
        }
    }

    /// Tells a message. Call it after [`Slack::state`] said `Ready`.
    pub async fn tell(&self, message: &Message, outbox: &Outbox, now: Timestamp) -> Told {
        let kept = match self.kept(now).await {
            Ok(kept) => kept,
            Err(error) => return later(chain(&error), None, true),
        };
        let Known::Ready(access) = &kept.known else {
            return never("slack was switched off".to_owned(), false, None);
        };
        match self.post(access, message, outbox).await {
            Meaning::Dead { reason } => self.tell_again(message, outbox, now, &kept.version, reason).await,
            meaning => settled(meaning),
        }
    }

    /// After Slack called the access dead: reads the secret once more, and posts again where it has changed.
    async fn tell_again(
        &self,
        message: &Message,
        outbox: &Outbox,
        now: Timestamp,
        tried: &str,
        reason: String,
    ) -> Told {
        let fresh = match self.read(now).await {
            Ok(fresh) => fresh,
            Err(error) => return later(chain(&error), None, true),
        };
        let reason = match &fresh.known {
            Known::Ready(access) if fresh.version != tried => match self.post(access, message, outbox).await {
                Meaning::Dead { reason } => reason,
                meaning => return settled(meaning),
            },
            _ => reason,
        };
        self.keep(Kept { dead: Some(reason.clone()), ..fresh.clone() });
        never(reason.clone(), true, Some(Dead { version: fresh.version, reason }))
    }

    async fn kept(&self, now: Timestamp) -> Result<Kept, SecretError> {
        let kept = self.kept.lock().ok().and_then(|kept| kept.clone());
        match kept {
            Some(kept) if now.as_second() - kept.read_at.as_second() < SECRET_KEPT_SECS => Ok(kept),
            _ => self.read(now).await,
        }
    }

    async fn read(&self, now: Timestamp) -> Result<Kept, SecretError> {
        let secret = self.secrets.read(&self.settings.secret_arn).await?;
        let known = access::read(&secret.text, &self.settings.hosts, self.settings.channel.as_deref());
        let kept = Kept { known, version: secret.version, read_at: now, dead: None };
        self.keep(kept.clone());
        Ok(kept)
    }

    fn keep(&self, fresh: Kept) {
        if let Ok(mut kept) = self.kept.lock() {
            *kept = Some(fresh);
        }
    }

    async fn post(&self, access: &Access, message: &Message, outbox: &Outbox) -> Meaning {
        let payload = render_slack(message);
        match access {
            Access::Webhook(uri) => answer::webhook(&self.http.post(uri.clone(), None, &payload).await),
            Access::Bot { token, channel } => match message.incident() {
                Some(incident) => self.post_in_thread(token, channel, incident, message, payload, outbox).await,
                None => self.method("chat.postMessage", token, with(&payload, channel, None)).await,
            },
        }
    }

    /// The first message of an incident becomes the head of its thread; each later one is posted in the thread, and the head
    /// is rewritten to show it. A head that cannot be rewritten is no reason to post twice.
    async fn post_in_thread(
        &self,
        token: &str,
        channel: &str,
        incident: &str,
        message: &Message,
        payload: Value,
        outbox: &Outbox,
    ) -> Meaning {
        let shown_at_ms = message.at().as_millisecond();
        let thread = match outbox.thread(incident).await {
            Ok(thread) => thread,
            Err(error) => return Meaning::Later { reason: chain(&error), retry_after_secs: None },
        };
        let Some(thread) = thread else {
            let meaning = self.method("chat.postMessage", token, with(&payload, channel, None)).await;
            if let Meaning::Sent { channel, ts } = &meaning {
                let expires_at = message.at().as_second() + THREAD_KEPT_SECS;
                let first_blocks = payload["blocks"].to_string();
                let head = Thread { channel: channel.clone(), ts: ts.clone(), shown_at_ms, first_blocks, expires_at };
                if let Err(error) = outbox.keep_thread(incident, &head).await {
                    tracing::warn!(
                        incident,
                        error = chain(&error),
                        "the thread could not be kept: the incident may get a second one"
                    );
                }
            }
            return meaning;
        };
        let meaning = self
            .method("chat.postMessage", token, with(&payload, &thread.channel, Some(("thread_ts", &thread.ts))))
            .await;
        if matches!(meaning, Meaning::Sent { .. }) && shown_at_ms > thread.shown_at_ms {
            self.rewrite_head(token, incident, &thread, &payload, shown_at_ms, outbox).await;
        }
        meaning
    }

    async fn rewrite_head(
        &self,
        token: &str,
        incident: &str,
        thread: &Thread,
        payload: &Value,
        shown_at_ms: i64,
        outbox: &Outbox,
    ) {
        let first = serde_json::from_str(&thread.first_blocks).unwrap_or(Value::Null);
        let rewritten = with(&rewritten_head(&first, payload), &thread.channel, Some(("ts", &thread.ts)));
        match self.method("chat.update", token, rewritten).await {
            Meaning::Sent { .. } => {
                if let Err(error) = outbox.thread_shows(incident, shown_at_ms).await {
                    tracing::warn!(incident, error = chain(&error), "what the thread shows could not be noted");
                }
            }
            Meaning::Later { reason, .. } | Meaning::Dead { reason } | Meaning::Refused { reason } => {
                tracing::warn!(incident, reason, "the head of the thread could not be rewritten");
            }
        }
    }

    async fn method(&self, name: &str, token: &str, payload: Value) -> Meaning {
        let arrived = match self.settings.api.method(name) {
            Ok(uri) => self.http.post(uri, Some(token), &payload).await,
            Err(_) => Arrived::Nothing("the address of slack's API is malformed"),
        };
        answer::method(&arrived)
    }
}

/// The payload with the channel, and with the message that it belongs to.
fn with(payload: &Value, channel: &str, at: Option<(&str, &str)>) -> Value {
    let mut payload = payload.clone();
    if let Some(members) = payload.as_object_mut() {
        members.insert("channel".to_owned(), channel.into());
        if let Some((name, ts)) = at {
            members.insert(name.to_owned(), ts.into());
            if name == "ts" {
                // `chat.update` knows neither.
                members.remove("unfurl_links");
                members.remove("unfurl_media");
            }
        }
    }
    payload
}

fn settled(meaning: Meaning) -> Told {
    match meaning {
        Meaning::Sent { ts, .. } => Told { outcome: Outcome::Sent { reference: ts }, stop: false, dead: None },
        Meaning::Later { reason, retry_after_secs } => later(reason, retry_after_secs, true),
        Meaning::Refused { reason } => never(reason, false, None),
        Meaning::Dead { reason } => never(reason, true, None),
    }
}

fn later(reason: String, retry_after_secs: Option<i64>, stop: bool) -> Told {
    Told { outcome: Outcome::Later { reason, retry_after_secs }, stop, dead: None }
}

fn never(reason: String, stop: bool, dead: Option<Dead>) -> Told {
    Told { outcome: Outcome::Never { reason }, stop, dead }
}
