//! What the secret holds. Nothing here has `Debug` or `Display`, and no error shows what it read.

use hyper::Uri;
use serde::Deserialize;

use super::address::Allowed;

/// What stands in a secret that nobody has filled yet.
const PLACEHOLDERS: &[&str] = &["", "none", "unset", "placeholder", "changeme", "change-me", "replaceme", "replace-me"];

/// How Slack is reached. No `Debug`, no `Display`, on purpose.
#[derive(Clone)]
pub enum Access {
    Webhook(Uri),
    Bot { token: String, channel: String },
}

/// What the secret says about Slack.
#[derive(Clone)]
pub enum Known {
    /// Nobody has put anything into the secret: Slack is off.
    Off,
    Ready(Access),
    /// The secret cannot be used; why, without its content.
    Wrong(&'static str),
}

#[derive(Default, Deserialize)]
struct Wire {
    #[serde(default)]
    webhook_url: Option<String>,
    #[serde(default)]
    bot_token: Option<String>,
    #[serde(default)]
    channel: Option<String>,
}

/// Reads the text of the secret: `{"webhook_url": ..}` or `{"bot_token": .., "channel": ..}`.
pub fn read(text: &str, allowed: &Allowed) -> Known {
    if is_placeholder(text) {
        return Known::Off;
    }
    let Ok(wire) = serde_json::from_str::<Wire>(text) else {
        return Known::Wrong("the Slack secret is not JSON with webhook_url, or with bot_token and channel");
    };
    let filled =
        |value: Option<String>| value.filter(|value| !is_placeholder(value)).map(|value| value.trim().to_owned());
    match (filled(wire.webhook_url), filled(wire.bot_token), filled(wire.channel)) {
        (None, None, _) => Known::Off,
        (Some(url), ..) => match allowed.check(&url) {
            Ok(uri) => Known::Ready(Access::Webhook(uri)),
            Err(_) => Known::Wrong("the webhook of the Slack secret is not an https address on an allowed host"),
        },
        (None, Some(_), None) => Known::Wrong("the Slack secret has a bot_token and no channel"),
        (None, Some(token), Some(_)) if !token.bytes().all(|b| b.is_ascii_graphic()) => {
            Known::Wrong("the bot_token of the Slack secret is not a token")
        }
        (None, Some(token), Some(channel)) => Known::Ready(Access::Bot { token, channel }),
    }
}

fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    PLACEHOLDERS.iter().any(|placeholder| text.eq_ignore_ascii_case(placeholder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> String {
        match read(text, &Allowed::parse("hooks.slack.com").unwrap()) {
            Known::Off => "off".to_owned(),
            Known::Ready(Access::Webhook(uri)) => format!("webhook {}", uri.path()),
            Known::Ready(Access::Bot { channel, .. }) => format!("bot {channel}"),
            Known::Wrong(why) => format!("wrong: {why}"),
        }
    }

    #[test]
    fn both_kinds_of_access_are_read() {
        assert_eq!(known(r#"{"webhook_url": "https://hooks.slack.com/services/T/B/x"}"#), "webhook /services/T/B/x");
        assert_eq!(known(r##"{"bot_token": "xoxb-1", "channel": "C1"}"##), "bot C1");
    }

    #[test]
    fn a_secret_that_nobody_filled_switches_slack_off() {
        for text in
            ["", "  ", "{}", "placeholder", "CHANGEME", r#"{"webhook_url": ""}"#, r#"{"webhook_url": "replace-me"}"#]
        {
            assert_eq!(known(text), "off", "{text}");
        }
    }

    #[test]
    fn a_secret_that_cannot_be_used_says_why_and_not_what() {
        for text in [
            "https://hooks.slack.com/services/hunter2",
            r#"{"webhook_url": "https://evil.example/hunter2"}"#,
            r#"{"bot_token": "hunter2"}"#,
            "{\"bot_token\": \"hunter2\\nX: y\", \"channel\": \"C1\"}",
            r#"["hunter2"]"#,
        ] {
            let known = known(text);
            assert!(known.starts_with("wrong: ") && !known.contains("hunter2"), "{known}");
        }
    }
}
