//! The workspace: who may post where, what was posted, how fast, and what the next answers are to be.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::blocks;
use super::markup::{Link, Piece, bare_mentions, pieces};

/// The longest `text` of a message.
const TEXT_MAX: usize = 40_000;
/// `chat.update` belongs to tier 3: about 50 calls a minute.
const UPDATES_PER_MINUTE: usize = 50;

/// One message, as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// The channel's id.
    pub channel: String,
    /// The channel's name, without `#`.
    pub channel_name: String,
    pub ts: String,
    /// The message that this one answers.
    pub thread_ts: Option<String>,
    pub text: String,
    pub blocks: Value,
    pub posted_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// Whether it came by a webhook; such a message cannot be updated.
    pub by_webhook: bool,
    /// Everybody and everything that Slack would notify or name. A text from outside must never appear here.
    pub mentions: Vec<String>,
    /// Everything that Slack would make clickable, buttons included.
    pub links: Vec<Link>,
    /// What Slack warns about but takes, such as blocks without a text for notifications.
    pub warnings: Vec<String>,
}

/// What becomes of a coming post instead of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scripted {
    /// Nothing is kept; this status and body are answered.
    Status(u16, String),
    /// Nothing is kept; 429 with this `Retry-After`, in seconds.
    Limited(u64),
    /// The message is kept, and the answer held back until [`super::Slack::release`].
    Slow,
    /// The message is kept, and the connection breaks in the middle of the answer.
    Truncated,
}

/// Why a post is refused, in Slack's word; `details` are the faults of blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub error: &'static str,
    pub details: Vec<String>,
    pub retry_after_secs: Option<u64>,
}

impl Refusal {
    pub fn of(error: &'static str) -> Self {
        Self { error, details: Vec::new(), retry_after_secs: None }
    }
}

/// A webhook's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    Active,
    /// The app was removed or the hook revoked: 404 `no_service`.
    Revoked,
    /// An administrator forbids posting: 403 `action_prohibited`.
    Prohibited,
}

#[derive(Clone, Debug)]
struct Channel {
    name: String,
    archived: bool,
}

/// One workspace.
#[derive(Debug, Default)]
pub struct Workspace {
    channels: BTreeMap<String, Channel>,
    /// By path (`/services/T.../B.../...`): the channel's id and the hook's fate.
    hooks: BTreeMap<String, (String, Hook)>,
    tokens: Vec<String>,
    messages: Vec<Message>,
    script: VecDeque<Scripted>,
    /// Posts that a channel takes at one instant. Slack's figure is one a second, with short bursts tolerated; the default 1
    /// is the strict reading.
    burst: u32,
    recent: BTreeMap<String, Vec<Timestamp>>,
    updates: Vec<Timestamp>,
    refused: Vec<String>,
}

impl Workspace {
    pub fn new() -> Self {
        Self { burst: 1, ..Self::default() }
    }

    /// Adds a channel, such as `C0DEPLOYS` named `deploys`.
    pub fn add_channel(&mut self, id: &str, name: &str) {
        self.channels.insert(id.to_owned(), Channel { name: name.to_owned(), archived: false });
    }

    /// Archives a channel: posts to it are refused from now on.
    pub fn archive(&mut self, id: &str) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.archived = true;
        }
    }

    /// Adds a webhook of the path `/services/T.../B.../...` for a channel, or changes its fate.
    pub fn set_hook(&mut self, path: &str, channel: &str, hook: Hook) {
        self.hooks.insert(path.to_owned(), (channel.to_owned(), hook));
    }

    /// Lets a bot token in, such as `xoxb-...`.
    pub fn add_token(&mut self, token: &str) {
        self.tokens.push(token.to_owned());
    }

    pub fn has_token(&self, token: &str) -> bool {
        self.tokens.iter().any(|one| one == token)
    }

    /// How many posts a channel takes at one instant before 429.
    pub fn set_burst(&mut self, burst: u32) {
        self.burst = burst.max(1);
    }

    /// What becomes of the next posts and updates, one each.
    pub fn script(&mut self, next: impl IntoIterator<Item = Scripted>) {
        self.script.extend(next);
    }

    pub(super) fn next_scripted(&mut self) -> Option<Scripted> {
        self.script.pop_front()
    }

    /// All messages, oldest first, as they stand now.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The errors that were answered so far, in order: `invalid_blocks`, `ratelimited`, ...
    pub fn refusals(&self) -> &[String] {
        &self.refused
    }

    pub(super) fn note_refusal(&mut self, error: &str) {
        self.refused.push(error.to_owned());
    }

    /// The channel behind a webhook's path.
    pub(super) fn hook(&self, path: &str) -> Result<String, Refusal> {
        let Some((channel, hook)) = self.hooks.get(path) else { return Err(Refusal::of(self.unknown_hook(path))) };
        match hook {
            Hook::Active => Ok(channel.clone()),
            Hook::Revoked => Err(Refusal::of("no_service")),
            Hook::Prohibited => Err(Refusal::of("action_prohibited")),
        }
    }

    /// What Slack says of a path that is no hook: an unknown team, an unknown service, or a wrong secret.
    fn unknown_hook(&self, path: &str) -> &'static str {
        let parts: Vec<&str> = path.split('/').collect();
        let knows = |depth: usize| {
            self.hooks.keys().any(|known| known.split('/').take(depth).eq(parts.iter().take(depth).copied()))
        };
        match (knows(4), knows(3)) {
            (true, _) => "invalid_token",
            (false, true) => "no_service",
            (false, false) => "no_team",
        }
    }

    fn channel(&self, id_or_name: &str) -> Result<(String, String), Refusal> {
        let name = id_or_name.trim_start_matches('#');
        let found = self.channels.iter().find(|(id, channel)| *id == id_or_name || channel.name == name);
        let (id, channel) = found.ok_or_else(|| Refusal::of("channel_not_found"))?;
        if channel.archived { Err(Refusal::of("is_archived")) } else { Ok((id.clone(), channel.name.clone())) }
    }

    /// Posts a message; gives it as it was kept.
    pub(super) fn post(
        &mut self,
        now: Timestamp,
        channel: &str,
        payload: &Value,
        by_webhook: bool,
    ) -> Result<Message, Refusal> {
        let (channel, channel_name) = self.channel(channel)?;
        let content = Content::read(payload)?;
        let thread_ts = payload["thread_ts"].as_str().map(str::to_owned);
        if let Some(parent) = &thread_ts
            && self.find(&channel, parent).is_none()
        {
            return Err(Refusal::of("cannot_reply_to_message"));
        }
        self.slow_down(now, &channel)?;
        // Unique and growing, as Slack's are; the fraction is the message's number.
        let ts = format!("{}.{:06}", now.as_second(), self.messages.len() + 1);
        let message = Message {
            channel,
            channel_name,
            ts,
            thread_ts,
            text: content.text,
            blocks: content.blocks,
            posted_at: now,
            edited_at: None,
            by_webhook,
            mentions: content.mentions,
            links: content.links,
            warnings: content.warnings,
        };
        self.messages.push(message.clone());
        Ok(message)
    }

    /// Replaces the content of a message that the bot posted.
    pub(super) fn update(&mut self, now: Timestamp, payload: &Value) -> Result<Message, Refusal> {
        let (channel, _) = self.channel(payload["channel"].as_str().unwrap_or_default())?;
        let ts = payload["ts"].as_str().unwrap_or_default();
        let index = self.find(&channel, ts).ok_or_else(|| Refusal::of("message_not_found"))?;
        if self.messages[index].by_webhook {
            return Err(Refusal::of("cant_update_message"));
        }
        let content = Content::read(payload)?;
        self.updates.retain(|at| now.duration_since(*at).as_secs() < 60);
        if self.updates.len() >= UPDATES_PER_MINUTE {
            let oldest = self.updates.first().map_or(0, |at| now.duration_since(*at).as_secs());
            return Err(Refusal {
                retry_after_secs: Some((60 - oldest).max(1).unsigned_abs()),
                ..Refusal::of("ratelimited")
            });
        }
        self.updates.push(now);
        let message = &mut self.messages[index];
        message.text = content.text;
        message.blocks = content.blocks;
        message.mentions = content.mentions;
        message.links = content.links;
        message.warnings = content.warnings;
        message.edited_at = Some(now);
        Ok(message.clone())
    }

    fn find(&self, channel: &str, ts: &str) -> Option<usize> {
        self.messages.iter().position(|message| message.channel == channel && message.ts == ts)
    }

    /// One post a second and channel, by the caller's clock.
    fn slow_down(&mut self, now: Timestamp, channel: &str) -> Result<(), Refusal> {
        let recent = self.recent.entry(channel.to_owned()).or_default();
        recent.retain(|at| now.duration_since(*at).as_secs() < 1);
        if recent.len() >= self.burst as usize {
            return Err(Refusal { retry_after_secs: Some(1), ..Refusal::of("ratelimited") });
        }
        recent.push(now);
        Ok(())
    }
}

/// What a payload says, checked.
struct Content {
    text: String,
    blocks: Value,
    mentions: Vec<String>,
    links: Vec<Link>,
    warnings: Vec<String>,
}

impl Content {
    fn read(payload: &Value) -> Result<Self, Refusal> {
        let text = payload["text"].as_str().unwrap_or_default().to_owned();
        let blocks = match payload.get("blocks") {
            None | Some(Value::Null) => json!([]),
            // Slack takes blocks as an encoded text too.
            Some(Value::String(encoded)) => {
                serde_json::from_str(encoded).map_err(|_| Refusal::of("invalid_blocks_format"))?
            }
            Some(blocks) => blocks.clone(),
        };
        if payload.get("attachments").is_some() {
            return Err(Refusal {
                details: vec!["this Slack does not take attachments: use blocks".to_owned()],
                ..Refusal::of("invalid_attachments")
            });
        }
        let details = blocks::faults(&blocks);
        if !details.is_empty() {
            return Err(Refusal { details, ..Refusal::of("invalid_blocks") });
        }
        let has_blocks = blocks.as_array().is_some_and(|all| !all.is_empty());
        if text.trim().is_empty() && !has_blocks {
            return Err(Refusal::of("no_text"));
        }
        if text.chars().count() > TEXT_MAX {
            return Err(Refusal::of("msg_too_long"));
        }
        let warnings = if text.trim().is_empty() { vec!["missing_text_in_message".to_owned()] } else { Vec::new() };
        let mut content =
            Self { text: text.clone(), blocks: blocks.clone(), mentions: vec![], links: vec![], warnings };
        let names = payload["link_names"] == true || payload["link_names"] == 1 || payload["parse"] == "full";
        if payload["mrkdwn"] != false {
            content.take_text(&text, true, names);
        }
        content.take_value(&blocks, names);
        Ok(content)
    }

    fn take_text(&mut self, text: &str, bare_links: bool, names: bool) {
        for piece in pieces(text, bare_links) {
            match piece {
                Piece::Mention(who) => self.mentions.push(who),
                Piece::Link(link) => self.links.push(link),
                Piece::Text(plain) if names => self.mentions.extend(bare_mentions(&plain)),
                Piece::Text(_) => {}
            }
        }
    }

    /// Looks for text objects and addresses, however deep.
    fn take_value(&mut self, value: &Value, names: bool) {
        match value {
            Value::Array(parts) => parts.iter().for_each(|part| self.take_value(part, names)),
            Value::Object(members) => {
                if value["type"] == "mrkdwn" {
                    self.take_text(value["text"].as_str().unwrap_or_default(), value["verbatim"] != true, names);
                }
                if let Some(url) = value["url"].as_str() {
                    let label = value["text"]["text"].as_str().map(str::to_owned);
                    self.links.push(Link { url: url.to_owned(), label });
                }
                members.values().for_each(|member| self.take_value(member, names));
            }
            _ => {}
        }
    }
}
