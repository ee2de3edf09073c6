//! Amazon Q Developer in chat applications: the custom notification of its administrator guide ("Custom notifications").
//!
//! Amazon Q renders the texts as Slack's or Teams' markdown, so text from outside goes in as prose that cannot format or as
//! code. `threadId` puts the notices of one incident into one thread.

use serde_json::{Map, Value, json};

use super::clean::{code, fence, line, prose};
use super::message::Message;
use super::text::source;

/// The schema's limits for title and description.
const TITLE_CHARS_MAX: usize = 250;
const DESCRIPTION_CHARS_MAX: usize = 8_000;
/// Our own bounds, so that the parts of a description stay within its limit together.
const PART_CHARS_MAX: usize = 1_200;
const STEPS_MAX: usize = 10;
const RESOURCES_MAX: usize = 20;

/// Renders a message as a custom notification: the whole SNS message of the chat topic.
pub fn render_chat(message: &Message) -> Value {
    let notice = message.first();
    let severity = message.severity().as_str();
    let mut metadata = Map::new();
    metadata.insert("threadId".to_owned(), json!(line(message.incident().unwrap_or(&notice.group), 200)));
    metadata.insert("summary".to_owned(), json!(prose(&message.headline(), TITLE_CHARS_MAX)));
    metadata.insert("eventType".to_owned(), json!(message.kind().as_str()));
    let resources: Vec<String> = message.services().into_iter().take(RESOURCES_MAX).map(ToString::to_string).collect();
    if !resources.is_empty() {
        metadata.insert("relatedResources".to_owned(), json!(resources));
    }
    metadata.insert(
        "additionalContext".to_owned(),
        json!({
            "severity": severity,
            "receipt": line(&notice.receipt, 200),
            "notice": line(&message.id(), 200),
        }),
    );
    json!({
        "version": "1.0",
        "source": "custom",
        "id": line(&message.id(), 200),
        "content": {
            "textType": "client-markdown",
            "title": format!("{} {}", sign(severity), prose(&message.headline(), TITLE_CHARS_MAX - 24)),
            "description": description(message),
            "nextSteps": next_steps(message),
            "keywords": keywords(message),
        },
        "metadata": metadata,
    })
}

/// Emoji names work in Slack and in Teams.
fn sign(severity: &str) -> &'static str {
    match severity {
        "critical" => ":rotating_light:",
        "warning" => ":warning:",
        _ => ":information_source:",
    }
}

fn description(message: &Message) -> String {
    let notice = message.first();
    let mut parts = Vec::new();
    if message.is_burst() {
        let services: Vec<String> = message.notices().map(|notice| line(&notice.headline, 100)).collect();
        parts.push(fence(&services.join("\n"), PART_CHARS_MAX));
    }
    let happened = prose(&notice.happened, PART_CHARS_MAX);
    if !happened.is_empty() {
        parts.push(happened);
    }
    if let Some(why) = &notice.why {
        parts.push(format!("*Why:* {}", prose(&why.summary, PART_CHARS_MAX)));
        if let Some(evidence) = &why.evidence {
            parts.push(format!("{}: {}", source(evidence.source), code(&evidence.text, 300)));
        }
        parts.push(format!("*Fix:* {}", prose(&why.fix, PART_CHARS_MAX)));
    }
    if !message.is_burst() {
        parts.extend(notice.done.iter().take(STEPS_MAX).map(|done| format!("• {}", prose(done, 200))));
    }
    let text = parts.join("\n");
    if text.is_empty() { "No details.".to_owned() } else { whole_lines(&text, DESCRIPTION_CHARS_MAX) }
}

/// Clips between lines only, so that no code span or entity is cut open.
fn whole_lines(text: &str, chars_max: usize) -> String {
    let mut left = chars_max;
    let lines = text.split_inclusive('\n').take_while(|line| {
        let length = line.chars().count();
        let fits = length <= left;
        left = left.saturating_sub(length);
        fits
    });
    lines.collect()
}

fn next_steps(message: &Message) -> Vec<String> {
    let steps = message.todos().into_iter().take(STEPS_MAX).map(|todo| match &todo.command {
        Some(command) => format!("{} {}", prose(&todo.text, 500), code(command, 500)),
        None => prose(&todo.text, 500),
    });
    steps.filter(|step| !step.is_empty()).collect()
}

fn keywords(message: &Message) -> Vec<String> {
    let mut keywords =
        vec!["pitcrew".to_owned(), message.kind().as_str().to_owned(), message.severity().as_str().to_owned()];
    keywords.extend(message.services().into_iter().take(5).map(|service| service.name().to_owned()));
    keywords
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::samples;
    use crate::render::group;

    #[test]
    fn a_reverted_deployment_in_chat() {
        insta::assert_json_snapshot!(render_chat(&Message::from(samples::reverted())));
    }

    #[test]
    fn notices_of_one_incident_share_a_thread_and_a_burst_has_its_own() {
        let one = render_chat(&Message::from(samples::reverted()));
        assert_eq!(one["metadata"]["threadId"], "inc-7f3a");
        let burst = render_chat(&group(samples::burst(3))[0]);
        assert_eq!(burst["metadata"]["threadId"], "deployment_reverted/shop:latest");
        assert!(burst["content"]["description"].as_str().unwrap().contains("shop-02: deployment failed"));
    }

    #[test]
    fn nothing_from_outside_can_mention_link_or_format() {
        for hostile in samples::HOSTILE {
            let chat = render_chat(&Message::from(samples::hostile(hostile)));
            let content = &chat["content"];
            let steps = content["nextSteps"].as_array().unwrap();
            for text in
                [&content["title"], &content["description"], &chat["metadata"]["summary"]].into_iter().chain(steps)
            {
                let text = text.as_str().unwrap();
                assert!(!text.contains(['<', '>', '\u{202e}', '\u{200b}', '\u{1b}']), "{text}");
                let outside_code: String = text.split('`').step_by(2).collect();
                assert!(!outside_code.contains("://"), "{text}");
                let ours = outside_code.replace("*Why:*", "").replace("*Fix:*", "");
                assert!(!ours.contains(['*', '~']), "{text}");
                assert_eq!(text.matches('`').count() % 2, 0, "{text}");
            }
        }
    }

    #[test]
    fn a_megabyte_of_text_stays_within_the_schema() {
        for c in ["x", "<", "é"] {
            let chat = render_chat(&Message::from(samples::hostile(&c.repeat(1_000_000))));
            assert!(chat["content"]["title"].as_str().unwrap().chars().count() <= TITLE_CHARS_MAX);
            let description = chat["content"]["description"].as_str().unwrap();
            assert!(description.chars().count() <= DESCRIPTION_CHARS_MAX);
            assert!(chat.to_string().len() < 60_000);
        }
    }
}
