//! Slack: Block Kit within its limits, and a text beside it for notifications.
//!
//! Text from outside stands in `plain_text` objects (which Slack shows as they are) or in escaped code. The only links are
//! those of the notice to AWS. The limits are those of Slack's Block Kit reference.

use serde_json::{Value, json};

use super::clean::{clip, escape, fence, line, link_url, paragraph, prose};
use super::message::Message;
use super::text::source;
use crate::diagnosis::Diagnosis;
use crate::notice::{Notice, Severity};

/// Characters of a header block.
pub const HEADER_CHARS_MAX: usize = 150;
/// Characters of the text of a section block.
pub const SECTION_CHARS_MAX: usize = 3_000;
/// Characters of one field of a section block, of which there are at most ten.
pub const FIELD_CHARS_MAX: usize = 2_000;
/// Blocks of a message.
pub const BLOCKS_MAX: usize = 50;

/// Our own bounds: a message is read on a telephone.
const TEXT_CHARS_MAX: usize = 1_500;
const ITEMS_MAX: usize = 20;
const TODOS_MAX: usize = 5;
const LINKS_MAX: usize = 5;

/// Renders a message as the members that an incoming webhook, `chat.postMessage` and `chat.update` have in common.
pub fn render_slack(message: &Message) -> Value {
    let notice = message.first();
    let mut blocks = vec![header(message)];
    if message.is_burst() {
        blocks.extend(services(message));
    }
    blocks.extend(section(&paragraph(&notice.happened, TEXT_CHARS_MAX)));
    if !message.is_burst() {
        blocks.extend(fields(notice));
    }
    if let Some(why) = &notice.why {
        blocks.extend(diagnosis(why));
    }
    if !message.is_burst() {
        blocks.extend(section(&bullets("Done", notice.done.iter().map(|done| line(done, 300)))));
    }
    blocks.extend(todos(message));
    blocks.extend(links(notice));
    blocks.push(context(message));
    blocks.truncate(BLOCKS_MAX);
    json!({
        "text": format!("{} {}", sign(message.severity()), prose(&message.headline(), TEXT_CHARS_MAX)),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// The head of an incident's thread once there is news: the newest headline above, and below it all that the head said at
/// first, so that the diagnosis is not lost. Both are payloads of [`render_slack`].
pub fn rewritten_head(first_blocks: &Value, newest: &Value) -> Value {
    let newest_blocks = newest["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let first_blocks = first_blocks.as_array().map(Vec::as_slice).unwrap_or_default();
    // The header and the sentence under it: what is so now.
    let mut blocks: Vec<Value> = newest_blocks.iter().take(2).cloned().collect();
    if let Some((began, details)) = first_blocks.split_first() {
        blocks.push(json!({ "type": "divider" }));
        blocks.extend(section(&clip(began["text"]["text"].as_str().unwrap_or_default(), HEADER_CHARS_MAX)));
        blocks.extend(details.iter().cloned());
    }
    blocks.truncate(BLOCKS_MAX);
    let mut head = newest.clone();
    head["blocks"] = Value::Array(blocks);
    head
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "\u{2139}\u{fe0f}",
        Severity::Warning => "\u{26a0}\u{fe0f}",
        Severity::Critical => "\u{1f6a8}",
    }
}

/// Text that Slack shows as it is. `emoji` is off, so that `:tada:` from outside stays what was written.
fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// Our own markup, in which every text from outside is already escaped. `verbatim` keeps Slack from linking by itself.
fn markdown(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn header(message: &Message) -> Value {
    let headline = format!("{} {}", sign(message.severity()), line(&message.headline(), HEADER_CHARS_MAX));
    json!({ "type": "header", "text": plain(&clip(&headline, HEADER_CHARS_MAX)) })
}

/// A section of plain text; an empty one is refused by Slack and left out here.
fn section(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "type": "section", "text": plain(&clip(text, SECTION_CHARS_MAX)) }))
}

fn code_section(text: &str) -> Value {
    json!({ "type": "section", "text": markdown(&fence(text, SECTION_CHARS_MAX - 6)) })
}

fn bullets(title: &str, items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> =
        items.filter(|item| !item.is_empty()).take(ITEMS_MAX).map(|item| format!("• {item}")).collect();
    if items.is_empty() { String::new() } else { format!("{title}\n{}", items.join("\n")) }
}

fn services(message: &Message) -> Option<Value> {
    let listed = bullets("Services", message.notices().map(|notice| line(&notice.headline, 120)));
    let more = message.len().saturating_sub(ITEMS_MAX);
    section(&if more > 0 { format!("{listed}\nand {more} more") } else { listed })
}

fn fields(notice: &Notice) -> Option<Value> {
    let service = notice.service.as_ref()?;
    let field = |name: &str, value: &str| plain(&clip(&format!("{name}\n{value}"), FIELD_CHARS_MAX));
    let mut fields = vec![
        field("Service", service.name()),
        field("Region", service.region()),
        field("Account", service.account()),
        field("Severity", notice.severity.as_str()),
    ];
    if let Some(incident) = &notice.incident {
        fields.push(field("Incident", &line(incident, 200)));
    }
    Some(json!({ "type": "section", "fields": fields }))
}

fn diagnosis(why: &Diagnosis) -> Vec<Value> {
    let said = format!("Why: {}\nFix: {}", line(&why.summary, 600), line(&why.fix, 600));
    let mut blocks: Vec<Value> = section(&said).into_iter().collect();
    let shown: Vec<String> = why
        .evidence
        .iter()
        .chain(&why.last_lines)
        .take(ITEMS_MAX)
        .map(|shown| format!("{}: {}", source(shown.source), line(&shown.text, 120)))
        .collect();
    if !shown.is_empty() {
        blocks.push(code_section(&shown.join("\n")));
    }
    blocks
}

fn todos(message: &Message) -> Vec<Value> {
    let mut blocks = Vec::new();
    for todo in message.todos().into_iter().take(TODOS_MAX) {
        blocks.extend(section(&format!("To do: {}", line(&todo.text, 600))));
        blocks.extend(todo.command.as_deref().map(code_section));
    }
    blocks
}

/// Links to AWS as links; any other address as text, because nobody checked where it leads.
fn links(notice: &Notice) -> Option<Value> {
    let elements: Vec<Value> = notice
        .links
        .iter()
        .take(LINKS_MAX)
        .map(|link| {
            let label = line(&link.label, 100);
            match link_url(&link.url) {
                Some(url) => markdown(&format!("<{}|{}>", escape(url, 2_500), escape(&label.replace('|', "/"), 400))),
                None => plain(&clip(&format!("{label}: {}", line(&link.url, 200)), 300)),
            }
        })
        .collect();
    (!elements.is_empty()).then(|| json!({ "type": "context", "elements": elements }))
}

/// The ids, so that a person sees when the same thing was told twice and can ask `pitcrew explain`.
fn context(message: &Message) -> Value {
    let Notice { receipt, .. } = message.first();
    json!({
        "type": "context",
        "elements": [
            plain(&format!("receipt {}", line(receipt, 200))),
            plain(&format!("notice {}", line(&message.id(), 200))),
            plain(&message.at().to_string()),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::samples;
    use crate::render::group;

    #[test]
    fn a_reverted_deployment_in_slack() {
        insta::assert_json_snapshot!(render_slack(&Message::from(samples::reverted())));
    }

    #[test]
    fn a_burst_in_slack() {
        insta::assert_json_snapshot!(render_slack(&group(samples::burst(22))[0]));
    }

    #[test]
    fn a_rewritten_head_shows_the_news_and_keeps_what_it_said_at_first() {
        let first = render_slack(&Message::from(samples::reverted()));
        let mut news = samples::reverted();
        news.headline = "shop-api: rolled back".into();
        news.why = None;
        let head = rewritten_head(&first["blocks"], &render_slack(&Message::from(news)));
        let shown = head["blocks"].to_string();
        assert!(head["blocks"][0]["text"]["text"].as_str().unwrap().ends_with("shop-api: rolled back"));
        assert!(shown.contains("Why: "), "the diagnosis stays: {shown}");
        assert!(head["text"].as_str().unwrap().contains("rolled back"));
    }

    /// Every text object of a payload: its type and its text.
    fn texts(value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(members) => {
                if let (Some(Value::String(kind)), Some(Value::String(text))) =
                    (members.get("type"), members.get("text"))
                {
                    found.push((kind.clone(), text.clone()));
                }
                members.values().for_each(|member| texts(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            _ => {}
        }
    }

    fn assert_harmless(payload: &Value, why: &str) {
        let top = payload["text"].as_str().unwrap();
        assert!(!top.contains(['<', '>', '*', '~', '`']) && !top.contains("://"), "{why}: {top}");
        let mut found = Vec::new();
        texts(payload, &mut found);
        for (kind, text) in found {
            assert!(!text.is_empty(), "{why}");
            assert!(
                !text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{1b}', '\u{7}']),
                "{why}: {text}"
            );
            match kind.as_str() {
                "plain_text" => {}
                "mrkdwn" if text.starts_with('<') => {
                    assert!(text.starts_with("<https://") && text.matches('<').count() == 1)
                }
                "mrkdwn" => {
                    let inside = text.strip_prefix("```").and_then(|text| text.strip_suffix("```")).unwrap();
                    assert!(!inside.contains(['<', '>', '`']), "{why}: {text}");
                }
                other => panic!("{other}"),
            }
        }
    }

    fn assert_within_limits(payload: &Value) {
        let blocks = payload["blocks"].as_array().unwrap();
        assert!(blocks.len() <= BLOCKS_MAX);
        for block in blocks {
            let length = |value: &Value| value["text"].as_str().map_or(0, |text| text.chars().count());
            match block["type"].as_str().unwrap() {
                "header" => assert!((1..=HEADER_CHARS_MAX).contains(&length(&block["text"]))),
                "section" if block.get("fields").is_some() => {
                    let fields = block["fields"].as_array().unwrap();
                    assert!(
                        fields.len() <= 10 && fields.iter().all(|field| (1..=FIELD_CHARS_MAX).contains(&length(field)))
                    );
                }
                "section" => assert!((1..=SECTION_CHARS_MAX).contains(&length(&block["text"]))),
                "context" => assert!(block["elements"].as_array().unwrap().len() <= 10),
                other => panic!("{other}"),
            }
        }
        assert!(payload["text"].as_str().unwrap().chars().count() <= 4_000);
    }

    #[test]
    fn nothing_from_outside_can_mention_link_or_format() {
        for hostile in samples::HOSTILE {
            let payload = render_slack(&Message::from(samples::hostile(hostile)));
            assert_harmless(&payload, hostile);
            assert_within_limits(&payload);
        }
    }

    #[test]
    fn hostile_text_is_shown_and_not_swallowed() {
        let payload = render_slack(&Message::from(samples::hostile("<!channel> & <@U1>")));
        let mut found = Vec::new();
        texts(&payload, &mut found);
        assert!(found.contains(&("plain_text".to_owned(), "<!channel> & <@U1>".to_owned())), "{found:?}");
        assert!(
            found.iter().any(|(kind, text)| kind == "mrkdwn" && text.contains("&lt;!channel&gt; &amp; &lt;@U1&gt;"))
        );
    }

    #[test]
    fn a_megabyte_of_text_stays_within_slacks_limits() {
        for c in ["x", "<", "`", "\u{1f4a5}", "é\n"] {
            let notices = samples::burst(60)
                .into_iter()
                .map(|notice| Notice { id: notice.id, ..samples::hostile(&c.repeat(4_000)) });
            assert_within_limits(&render_slack(&group(notices.collect())[0]));
            assert_within_limits(&render_slack(&Message::from(samples::hostile(&c.repeat(1_000_000)))));
        }
    }
}
