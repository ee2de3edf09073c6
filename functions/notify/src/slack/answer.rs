//! What Slack's answers mean. One table for webhooks, one for the methods of a bot.
//!
//! | answer | webhook | bot |
//! |---|---|---|
//! | 200 | sent | by `ok` and `error` in the body |
//! | 429 | later, after `Retry-After` | the same |
//! | 403, 404, 410 | the access is dead | the same |
//! | any redirect | the message is refused: an address that moved is not followed | the same |
//! | another 4xx | the message is refused | the same |
//! | 5xx, no answer in time, an answer that breaks off | later: it may have been sent | the same |
//! | `error` that names the token or the channel | | the access is dead |
//! | `error` that names the service | | later |
//! | any other `error` | | the message is refused |

use serde::Deserialize;

/// An answer as it arrived, or why none did.
pub enum Arrived {
    Answer {
        status: u16,
        retry_after_secs: Option<i64>,
        body: Vec<u8>,
    },
    /// Nothing, or not everything, arrived; the text names no address.
    Nothing(&'static str),
}

/// What it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Sent. A webhook says nothing about where.
    Sent {
        channel: String,
        ts: String,
    },
    Later {
        reason: String,
        retry_after_secs: Option<i64>,
    },
    /// The webhook or the token will not work again by itself.
    Dead {
        reason: String,
    },
    /// Slack does not take this message.
    Refused {
        reason: String,
    },
}

const DEAD_ERRORS: &[&str] = &[
    "account_inactive",
    "channel_not_found",
    "invalid_auth",
    "is_archived",
    "missing_scope",
    "no_permission",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "restricted_action",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
];

const LATER_ERRORS: &[&str] = &[
    "accesslimited",
    "fatal_error",
    "internal_error",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
];

/// Reads the answer to a webhook.
pub fn webhook(arrived: &Arrived) -> Meaning {
    by_status(arrived).unwrap_or_else(|| Meaning::Sent { channel: String::new(), ts: String::new() })
}

#[derive(Deserialize)]
struct Wire {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    ts: Option<String>,
}

/// Reads the answer to a method of a bot.
pub fn method(arrived: &Arrived) -> Meaning {
    if let Some(meaning) = by_status(arrived) {
        return meaning;
    }
    let body = match arrived {
        Arrived::Answer { body, .. } => body.as_slice(),
        Arrived::Nothing(_) => &[],
    };
    let Ok(wire) = serde_json::from_slice::<Wire>(body) else {
        return Meaning::Later { reason: "slack's answer was not JSON".to_owned(), retry_after_secs: None };
    };
    if wire.ok {
        return Meaning::Sent { channel: wire.channel.unwrap_or_default(), ts: wire.ts.unwrap_or_default() };
    }
    let error: String =
        wire.error.unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
    let reason = format!("slack answered the error {error}");
    if DEAD_ERRORS.contains(&error.as_str()) {
        Meaning::Dead { reason }
    } else if LATER_ERRORS.contains(&error.as_str()) {
        Meaning::Later { reason, retry_after_secs: None }
    } else {
        Meaning::Refused { reason }
    }
}

/// What the status alone says; nothing for a success.
fn by_status(arrived: &Arrived) -> Option<Meaning> {
    let (status, retry_after_secs) = match arrived {
        Arrived::Nothing(reason) => {
            return Some(Meaning::Later { reason: (*reason).to_owned(), retry_after_secs: None });
        }
        Arrived::Answer { status, retry_after_secs, .. } => (*status, *retry_after_secs),
    };
    let reason = format!("slack answered {status}");
    match status {
        200..=299 => None,
        429 => Some(Meaning::Later { reason, retry_after_secs }),
        403 | 404 | 410 => Some(Meaning::Dead { reason }),
        300..=499 => Some(Meaning::Refused { reason }),
        _ => Some(Meaning::Later { reason, retry_after_secs }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Arrived {
        Arrived::Answer { status, retry_after_secs: Some(30), body: body.as_bytes().to_vec() }
    }

    fn kind(meaning: &Meaning) -> &'static str {
        match meaning {
            Meaning::Sent { .. } => "sent",
            Meaning::Later { .. } => "later",
            Meaning::Dead { .. } => "dead",
            Meaning::Refused { .. } => "refused",
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        for (status, meaning) in [
            (200, "sent"),
            (302, "refused"),
            (400, "refused"),
            (403, "dead"),
            (404, "dead"),
            (410, "dead"),
            (413, "refused"),
            (429, "later"),
            (500, "later"),
            (503, "later"),
        ] {
            assert_eq!(kind(&webhook(&answer(status, "ok"))), meaning, "{status}");
            assert_eq!(kind(&method(&answer(status, r#"{"ok":true}"#))), meaning, "{status}");
        }
        assert_eq!(kind(&webhook(&Arrived::Nothing("x"))), "later");
    }

    #[test]
    fn every_error_of_a_method_has_its_meaning() {
        for (body, meaning) in [
            (r#"{"ok":true,"channel":"C1","ts":"1.2"}"#, "sent"),
            (r#"{"ok":false,"error":"token_revoked"}"#, "dead"),
            (r#"{"ok":false,"error":"ratelimited"}"#, "later"),
            (r#"{"ok":false,"error":"invalid_blocks"}"#, "refused"),
            (r#"{"ok":false}"#, "refused"),
            ("<html>", "later"),
            ("", "later"),
        ] {
            assert_eq!(kind(&method(&answer(200, body))), meaning, "{body}");
        }
    }

    #[test]
    fn what_slack_asks_for_is_kept() {
        let expected = Meaning::Later { reason: "slack answered 429".to_owned(), retry_after_secs: Some(30) };
        assert_eq!(webhook(&answer(429, "")), expected);
    }
}
