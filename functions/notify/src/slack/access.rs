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

/// Reads the text of the secret: `{"webhook_url": ..}` or `{"bot_token": .., "channel": ..}`, or the address or the token
/// alone. `channel` is where a bot posts whose secret names none.
pub fn read(text: &str, allowed: &Allowed, channel: Option<&str>) -> Known {
    if is_placeholder(text) {
        return Known::Off;
    }
    let Some(wire) = alone(text.trim()).or_else(|| serde_json::from_str::<Wire>(text).ok()) else {
        return Known::Wrong("the Slack secret is not JSON with webhook_url, or with bot_token and channel");
    };
    let filled =
        |value: Option<String>| value.filter(|value| !is_placeholder(value)).map(|value| value.trim().to_owned());
    let channel = filled(wire.channel).or_else(|| filled(channel.map(str::to_owned)));
    match (filled(wire.webhook_url), filled(wire.bot_token), channel) {
        (None, None, _) => Known::Off,
        (Some(url), ..) => match allowed.check(&url) {
            Ok(uri) => Known::Ready(Access::Webhook(uri)),
            Err(_) => Known::Wrong("the webhook of the Slack secret is not an https address on an allowed host"),
        },
        (None, Some(_), None) => {
            Known::Wrong("the Slack secret has a bot_token and no channel, and the parameter SlackChannel is empty")
        }
        (None, Some(token), Some(_)) if !token.bytes().all(|b| b.is_ascii_graphic()) => {
            Known::Wrong("the bot_token of the Slack secret is not a token")
        }
        (None, Some(token), Some(channel)) => Known::Ready(Access::Bot { token, channel }),
    }
}

/// A secret that is nothing but a webhook's address or a bot's token, as people paste it.
fn alone(text: &str) -> Option<Wire> {
    if text.starts_with("https://") || text.starts_with("http://") {
        Some(Wire { webhook_url: Some(text.to_owned()), ..Wire::default() })
    } else if text.starts_with("xoxb-") {
        Some(Wire { bot_token: Some(text.to_owned()), ..Wire::default() })
    } else {
        None
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
        known_in(text, None)
    }

    fn known_in(text: &str, channel: Option<&str>) -> String {
        match read(text, &Allowed::parse("hooks.slack.com").unwrap(), channel) {
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
    fn an_address_or_a_token_alone_is_read_too() {
        assert_eq!(known(" https://hooks.slack.com/services/T/B/x\n"), "webhook /services/T/B/x");
        assert_eq!(known_in("xoxb-1\n", Some("C7")), "bot C7");
        assert!(known("xoxb-1").starts_with("wrong: "), "{}", known("xoxb-1"));
    }

    #[test]
    fn the_templates_channel_counts_where_the_secret_names_none() {
        assert_eq!(known_in(r#"{"bot_token": "xoxb-1"}"#, Some("C7")), "bot C7");
        assert_eq!(known_in(r#"{"bot_token": "xoxb-1", "channel": "C1"}"#, Some("C7")), "bot C1");
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
            "https://evil.example/hunter2",
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
