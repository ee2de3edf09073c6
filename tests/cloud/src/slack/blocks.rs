//! Block Kit within Slack's limits: what a message's blocks may be. Every fault is named with its JSON pointer, as Slack does.
//!
//! Served: section, header, divider, context, actions, image; buttons and images as elements. Other block types are refused.

use std::collections::BTreeSet;

use serde_json::Value;

const BLOCKS_MAX: usize = 50;
const SECTION_TEXT_MAX: usize = 3000;
const HEADER_TEXT_MAX: usize = 150;
const FIELDS_MAX: usize = 10;
const FIELD_TEXT_MAX: usize = 2000;
const CONTEXT_ELEMENTS_MAX: usize = 10;
const ACTIONS_ELEMENTS_MAX: usize = 25;
const BUTTON_TEXT_MAX: usize = 75;
const BUTTON_VALUE_MAX: usize = 2000;
const URL_MAX: usize = 3000;
const ID_MAX: usize = 255;
const ALT_TEXT_MAX: usize = 2000;

/// The faults found so far.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, at: &str, what: impl AsRef<str>) {
        self.0.push(format!("[ERROR] {} [json-pointer:{at}]", what.as_ref()));
    }

    /// A member that must be a text of 1 to `max` characters.
    fn text(&mut self, at: &str, value: &Value, max: usize) {
        match value.as_str() {
            None => self.add(at, "must be a string"),
            Some("") => self.add(at, "must be more than 0 characters"),
            Some(text) if text.chars().count() > max => {
                self.add(at, format!("must be less than {} characters", max + 1))
            }
            Some(_) => {}
        }
    }

    fn optional(&mut self, at: &str, owner: &Value, member: &str, max: usize) {
        if let Some(value) = owner.get(member) {
            self.text(&format!("{at}/{member}"), value, max);
        }
    }

    /// Members that Slack does not know are refused.
    fn members(&mut self, at: &str, value: &Value, known: &[&str]) {
        for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
            if name != "type" && !known.contains(&name.as_str()) {
                self.add(at, format!("invalid additional property: {name}"));
            }
        }
    }

    /// A list of 1 to `max` elements; gives them for a closer look.
    fn list<'v>(&mut self, at: &str, value: &'v Value, max: usize) -> &'v [Value] {
        let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
        if parts.is_empty() {
            self.add(at, "no fewer than 1 items required");
        } else if parts.len() > max {
            self.add(at, format!("no more than {max} items allowed"));
        }
        parts
    }
}

/// Checks a message's blocks; no fault means that Slack would take them.
pub fn faults(blocks: &Value) -> Vec<String> {
    let mut found = Faults::default();
    let Some(all) = blocks.as_array() else {
        found.add("/blocks", "must be an array");
        return found.0;
    };
    if all.len() > BLOCKS_MAX {
        found.add("/blocks", format!("no more than {BLOCKS_MAX} items allowed"));
    }
    let mut ids = BTreeSet::new();
    for (index, block) in all.iter().enumerate() {
        let at = format!("/blocks/{index}");
        check_block(&mut found, &at, block);
        found.optional(&at, block, "block_id", ID_MAX);
        if let Some(id) = block["block_id"].as_str()
            && !ids.insert(id)
        {
            found.add(&format!("{at}/block_id"), "block_id must be unique in a message");
        }
    }
    found.0
}

fn check_block(found: &mut Faults, at: &str, block: &Value) {
    match block["type"].as_str().unwrap_or_default() {
        "section" => check_section(found, at, block),
        "header" => {
            found.members(at, block, &["block_id", "text"]);
            check_text(found, &format!("{at}/text"), &block["text"], HEADER_TEXT_MAX, true);
        }
        "divider" => found.members(at, block, &["block_id"]),
        "context" => {
            found.members(at, block, &["block_id", "elements"]);
            let list = format!("{at}/elements");
            for (index, element) in found.list(&list, &block["elements"], CONTEXT_ELEMENTS_MAX).iter().enumerate() {
                let at = format!("{list}/{index}");
                if element["type"] == "image" {
                    check_image(found, &at, element, false);
                } else {
                    check_text(found, &at, element, SECTION_TEXT_MAX, false);
                }
            }
        }
        "actions" => {
            found.members(at, block, &["block_id", "elements"]);
            let list = format!("{at}/elements");
            for (index, element) in found.list(&list, &block["elements"], ACTIONS_ELEMENTS_MAX).iter().enumerate() {
                check_button(found, &format!("{list}/{index}"), element);
            }
        }
        "image" => check_image(found, at, block, true),
        other => found.add(&format!("{at}/type"), format!("unsupported type: {other}")),
    }
}

fn check_section(found: &mut Faults, at: &str, block: &Value) {
    found.members(at, block, &["block_id", "text", "fields", "accessory", "expand"]);
    if block.get("text").is_none() && block.get("fields").is_none() {
        found.add(at, "missing required field: text or fields");
    }
    if let Some(text) = block.get("text") {
        check_text(found, &format!("{at}/text"), text, SECTION_TEXT_MAX, false);
    }
    if let Some(fields) = block.get("fields") {
        let list = format!("{at}/fields");
        for (index, field) in found.list(&list, fields, FIELDS_MAX).iter().enumerate() {
            check_text(found, &format!("{list}/{index}"), field, FIELD_TEXT_MAX, false);
        }
    }
    if let Some(accessory) = block.get("accessory") {
        let at = format!("{at}/accessory");
        if accessory["type"] == "image" {
            check_image(found, &at, accessory, false);
        } else {
            check_button(found, &at, accessory);
        }
    }
}

/// A text object: `plain_text` may carry `emoji`, `mrkdwn` may carry `verbatim`, and neither the other's.
fn check_text(found: &mut Faults, at: &str, text: &Value, max: usize, plain_only: bool) {
    match text["type"].as_str().unwrap_or_default() {
        "plain_text" => found.members(at, text, &["text", "emoji"]),
        "mrkdwn" if !plain_only => found.members(at, text, &["text", "verbatim"]),
        other => {
            found.add(&format!("{at}/type"), format!("unsupported type: {other}"));
            return;
        }
    }
    for flag in ["emoji", "verbatim"] {
        if text.get(flag).is_some_and(|value| !value.is_boolean()) {
            found.add(&format!("{at}/{flag}"), "must be a boolean");
        }
    }
    found.text(&format!("{at}/text"), &text["text"], max);
}

fn check_button(found: &mut Faults, at: &str, button: &Value) {
    if button["type"] != "button" {
        let shown = button["type"].as_str().unwrap_or_default();
        found.add(&format!("{at}/type"), format!("unsupported type: {shown}"));
        return;
    }
    found.members(at, button, &["text", "action_id", "url", "value", "style", "accessibility_label"]);
    check_text(found, &format!("{at}/text"), &button["text"], BUTTON_TEXT_MAX, true);
    found.optional(at, button, "action_id", ID_MAX);
    found.optional(at, button, "value", BUTTON_VALUE_MAX);
    found.optional(at, button, "accessibility_label", BUTTON_TEXT_MAX);
    check_url(found, at, button, "url");
    if button.get("style").is_some_and(|style| style != "primary" && style != "danger") {
        found.add(&format!("{at}/style"), "must be primary or danger");
    }
}

fn check_image(found: &mut Faults, at: &str, image: &Value, is_block: bool) {
    let known: &[&str] =
        if is_block { &["block_id", "image_url", "alt_text", "title"] } else { &["image_url", "alt_text"] };
    found.members(at, image, known);
    if image.get("image_url").is_none() {
        found.add(at, "missing required field: image_url");
    }
    check_url(found, at, image, "image_url");
    found.text(&format!("{at}/alt_text"), &image["alt_text"], ALT_TEXT_MAX);
    if let Some(title) = image.get("title") {
        check_text(found, &format!("{at}/title"), title, ALT_TEXT_MAX, true);
    }
}

fn check_url(found: &mut Faults, at: &str, owner: &Value, member: &str) {
    found.optional(at, owner, member, URL_MAX);
    if let Some(url) = owner[member].as_str()
        && !url.starts_with("https://")
        && !url.starts_with("http://")
    {
        found.add(&format!("{at}/{member}"), "must be a valid URL");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(length: usize) -> Value {
        json!({"type": "plain_text", "text": "x".repeat(length)})
    }

    fn marked(length: usize) -> Value {
        json!({"type": "mrkdwn", "text": "x".repeat(length)})
    }

    fn button(text: Value, url: &str) -> Value {
        json!({"type": "button", "text": text, "url": url, "action_id": "a"})
    }

    #[test]
    fn everything_at_its_limit_is_taken() {
        let url = format!("https://{}", "x".repeat(2992));
        let mut blocks = vec![
            json!({"type": "header", "text": plain(150)}),
            json!({"type": "section", "text": marked(3000), "fields": vec![marked(2000); 10], "accessory": button(plain(75), &url)}),
            json!({"type": "context", "elements": vec![marked(10); 10]}),
            json!({"type": "actions", "elements": vec![button(plain(1), &url); 25]}),
            json!({"type": "image", "image_url": "https://x.example/a.png", "alt_text": "a", "title": plain(5)}),
        ];
        blocks.resize(50, json!({"type": "divider"}));
        assert_eq!(faults(&Value::Array(blocks)), Vec::<String>::new());
    }

    #[test]
    fn everything_past_its_limit_is_refused_by_name() {
        let url = "https://x.example";
        let long_url = format!("https://{}", "x".repeat(3000));
        for (block, fault) in [
            (
                json!({"type": "header", "text": plain(151)}),
                "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
            ),
            (json!({"type": "header", "text": marked(1)}), "unsupported type: mrkdwn"),
            (json!({"type": "section", "text": marked(3001)}), "must be less than 3001 characters"),
            (json!({"type": "section", "text": marked(0)}), "must be more than 0 characters"),
            (json!({"type": "section"}), "text or fields"),
            (
                json!({"type": "section", "fields": vec![marked(1); 11]}),
                "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
            ),
            (json!({"type": "section", "fields": [marked(2001)]}), "/blocks/0/fields/0/text"),
            (json!({"type": "section", "text": marked(1), "colour": "red"}), "invalid additional property: colour"),
            (
                json!({"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": true}}),
                "invalid additional property: emoji",
            ),
            (json!({"type": "context", "elements": vec![marked(1); 11]}), "no more than 10"),
            (json!({"type": "context", "elements": []}), "no fewer than 1"),
            (json!({"type": "actions", "elements": vec![button(plain(1), url); 26]}), "no more than 25"),
            (json!({"type": "actions", "elements": [button(plain(76), url)]}), "must be less than 76"),
            (json!({"type": "actions", "elements": [button(plain(1), &long_url)]}), "must be less than 3001"),
            (json!({"type": "actions", "elements": [button(plain(1), "javascript:x")]}), "valid URL"),
            (json!({"type": "image", "image_url": url}), "alt_text"),
            (json!({"type": "video"}), "unsupported type: video [json-pointer:/blocks/0/type]"),
            (json!({"text": "x"}), "unsupported type"),
        ] {
            let found = faults(&json!([block]));
            assert!(found.iter().any(|one| one.contains(fault)), "{fault}: {found:?}");
        }
        assert!(faults(&json!("x"))[0].contains("must be an array"));
        assert!(faults(&Value::Array(vec![json!({"type": "divider"}); 51]))[0].contains("no more than 50"));
        assert!(
            faults(&json!([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]))[0]
                .contains("unique")
        );
    }
}
