//! SNS: one publication whose body differs by protocol, with attributes for filter policies.
//!
//! Limits are those of the `Publish` reference: subject of ASCII, below 100 characters, without line breaks; message and
//! attributes together at most 256 KiB; no empty attribute.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use super::clean::line;
use super::message::Message;
use super::text::render_text;
use crate::notice::Notice;

/// SNS asks for a subject of less than 100 characters.
const SUBJECT_CHARS_MAX: usize = 99;

/// Bytes of the body. SNS allows 262,144 for body and attributes; the attributes and the subject get the rest.
const BODY_BYTES_MAX: usize = 240 * 1024;

/// Services that are named in an attribute; more of them are still in the body.
const SERVICES_MAX: usize = 100;

/// How far texts and lists are clipped, one step after the other, until the body fits.
const CLIPS: &[(usize, usize)] = &[(4_000, 50), (1_000, 20), (300, 10), (100, 5), (40, 3)];

/// The value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Data type `String`.
    Text(String),
    /// Data type `String.Array`: a filter policy matches if any of the values does.
    List(Vec<String>),
}

impl Attribute {
    /// `DataType` and `StringValue` as `Publish` takes them.
    pub fn wire(&self) -> (&'static str, String) {
        match self {
            Self::Text(text) => ("String", text.clone()),
            Self::List(list) => ("String.Array", json!(list).to_string()),
        }
    }
}

/// What `Publish` takes beside the topic. `body` is for `MessageStructure=json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub subject: String,
    pub body: String,
    pub attributes: BTreeMap<&'static str, Attribute>,
}

/// Renders a message for the topic.
///
/// | protocol | gets |
/// |---|---|
/// | email | the text |
/// | email-json, sqs, lambda, http, https | JSON: the notice itself, or for a burst `{group, headline, notices}` |
/// | any other (default: sms, application, firehose) | the headline and the receipt |
pub fn render_sns(message: &Message) -> Publication {
    let body = CLIPS
        .iter()
        .find_map(|(chars, items)| body(&message.clipped(*chars, *items)))
        .unwrap_or_else(|| json!({ "default": default_text(message) }).to_string());
    Publication { subject: subject(message), body, attributes: attributes(message) }
}

/// The body, where it fits.
fn body(message: &Message) -> Option<String> {
    let structured = structured(message)?;
    let body = json!({
        "default": default_text(message),
        "email": render_text(message),
        "email-json": structured,
        "sqs": structured,
        "lambda": structured,
        "http": structured,
        "https": structured,
    })
    .to_string();
    (body.len() <= BODY_BYTES_MAX).then_some(body)
}

/// The JSON that programs get, where it is short enough to stand in the body five times.
fn structured(message: &Message) -> Option<String> {
    let mut short = Short(Vec::new());
    let written = if message.is_burst() {
        let notices: Vec<&Notice> = message.notices().collect();
        let burst = Burst { group: &message.first().group, headline: message.headline(), notices };
        serde_json::to_writer(&mut short, &burst)
    } else {
        serde_json::to_writer(&mut short, message.first())
    };
    written.ok().and_then(|()| String::from_utf8(short.0).ok())
}

/// A burst as programs get it.
#[derive(Serialize)]
struct Burst<'a> {
    group: &'a str,
    headline: String,
    notices: Vec<&'a Notice>,
}

/// Takes a fifth of a body and then refuses, so that a long burst is not written out in full to be thrown away.
struct Short(Vec<u8>);

impl Write for Short {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > BODY_BYTES_MAX / 5 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn default_text(message: &Message) -> String {
    format!("{} (receipt {})", line(&message.headline(), 200), line(&message.first().receipt, 100))
}

fn subject(message: &Message) -> String {
    let text = format!("pitcrew {}: {}", message.severity().as_str(), message.headline());
    let ascii: String = line(&text, 4 * SUBJECT_CHARS_MAX)
        .chars()
        .map(|c| match c {
            '…' => '.',
            c if c.is_ascii() && !c.is_ascii_control() => c,
            _ => '?',
        })
        .take(SUBJECT_CHARS_MAX)
        .collect();
    ascii.trim_end().to_owned()
}

fn attributes(message: &Message) -> BTreeMap<&'static str, Attribute> {
    let mut attributes = BTreeMap::from([
        ("kind", Attribute::Text(message.kind().as_str().to_owned())),
        ("severity", Attribute::Text(message.severity().as_str().to_owned())),
    ]);
    let services = message.services();
    let mut about = |name, values: Vec<String>| {
        let mut values: Vec<String> = values;
        values.sort_unstable();
        values.dedup();
        values.truncate(SERVICES_MAX);
        match &values[..] {
            [] => None,
            [one] => attributes.insert(name, Attribute::Text(one.clone())),
            _ => attributes.insert(name, Attribute::List(values)),
        };
    };
    about("service", services.iter().map(|service| service.name().to_owned()).collect());
    about("account", services.iter().map(|service| service.account().to_owned()).collect());
    about("region", services.iter().map(|service| service.region().to_owned()).collect());
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    use crate::notice::samples;
    use crate::render::group;

    /// The limit of SNS: body, subject and attributes together.
    const PUBLISH_BYTES_MAX: usize = 262_144;

    fn published_bytes(publication: &Publication) -> usize {
        let attributes: usize = publication
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.wire().0.len() + value.wire().1.len())
            .sum();
        publication.body.len() + publication.subject.len() + attributes
    }

    #[test]
    fn each_protocol_gets_its_own_body() {
        let publication = render_sns(&Message::from(samples::reverted()));
        let body: BTreeMap<String, String> = serde_json::from_str(&publication.body).unwrap();
        let protocols: Vec<&str> = body.keys().map(String::as_str).collect();
        assert_eq!(protocols, ["default", "email", "email-json", "http", "https", "lambda", "sqs"]);
        assert!(body["email"].starts_with("[WARNING] shop-api: deployment failed"));
        let notice: Notice = serde_json::from_str(&body["sqs"]).unwrap();
        assert_eq!(notice, samples::reverted());
        insta::assert_snapshot!(body["default"]);
    }

    #[test]
    fn attributes_serve_filter_policies() {
        let text = |text: &str| Attribute::Text(text.to_owned());
        assert_eq!(
            render_sns(&Message::from(samples::reverted())).attributes,
            BTreeMap::from([
                ("kind", text("deployment_reverted")),
                ("severity", text("warning")),
                ("service", text("shop-api")),
                ("account", text("123456789012")),
                ("region", text("eu-west-1")),
            ])
        );
    }

    #[test]
    fn a_burst_names_all_its_services() {
        let publication = render_sns(&group(samples::burst(3))[0]);
        assert_eq!(
            publication.attributes["service"].wire(),
            ("String.Array", r#"["shop-00","shop-01","shop-02"]"#.to_owned())
        );
        let body: BTreeMap<String, String> = serde_json::from_str(&publication.body).unwrap();
        let structured: Value = serde_json::from_str(&body["https"]).unwrap();
        assert_eq!(structured["notices"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn a_notice_about_no_service_has_no_empty_attribute() {
        let notice = Notice { service: None, ..samples::reverted() };
        let attributes = render_sns(&Message::from(notice)).attributes;
        assert_eq!(attributes.keys().copied().collect::<Vec<_>>(), ["kind", "severity"]);
    }

    #[test]
    fn a_subject_is_short_ascii_on_one_line() {
        for hostile in samples::HOSTILE {
            let subject = render_sns(&Message::from(samples::hostile(hostile))).subject;
            assert!(subject.len() < 100 && subject.starts_with("pitcrew warning:"), "{subject}");
            assert!(subject.chars().all(|c| c.is_ascii() && !c.is_ascii_control()), "{subject}");
        }
        let long = render_sns(&Message::from(samples::hostile(&"x".repeat(1_000_000)))).subject;
        assert_eq!(long.len(), SUBJECT_CHARS_MAX);
    }

    #[test]
    fn whatever_is_told_fits_into_one_publication() {
        // A quote grows most: it is escaped once in the notice's JSON and again in the body.
        for c in ["x", "\"", "é", "\u{1f4a5}"] {
            let notices: Vec<Notice> = samples::burst(200)
                .into_iter()
                .map(|notice| Notice { id: notice.id, service: notice.service, ..samples::hostile(&c.repeat(5_000)) })
                .collect();
            let messages = group(notices);
            assert_eq!(messages.len(), 1);
            let publication = render_sns(&messages[0]);
            let bytes = published_bytes(&publication);
            assert!(bytes <= PUBLISH_BYTES_MAX, "{bytes}");
            let body: BTreeMap<String, String> = serde_json::from_str(&publication.body).unwrap();
            assert!(body.contains_key("sqs"), "even the largest burst has its JSON");
        }
    }
}
