//! Sends claimed rows: channel by channel, grouped into messages, and records what became of each row.
//!
//! The channels fail apart: what one answers changes nothing for another. Nothing here waits to try again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use pitcrew_core::notice::{Notice, NoticeKind, Severity, Todo};
use pitcrew_core::outbox::{Channel, Delivery, Next, OutboxRow, Outcome, next};
use pitcrew_core::render::chat::render_chat;
use pitcrew_core::render::sns::render_sns;
use pitcrew_core::render::{Message, group};
use pitcrew_lambda::failure::chain;
use pitcrew_lambda::metrics::{Metrics, names};

use crate::app::Notify;
use crate::slack::{Dead, State, Told};

/// No message is begun with less time left: its own limits, and the records of the batch. What was sent and could not be
/// recorded is sent again, so a sweep that Lambda cuts tells things twice.
const TIME_LEFT_MIN: Duration = Duration::from_secs(15);

/// Whether one more message may be begun.
pub fn has_time(deadline: SystemTime) -> bool {
    deadline.duration_since(SystemTime::now()).is_ok_and(|left| left >= TIME_LEFT_MIN)
}

/// What became of each notice on one channel, by notice id. Of one that is not in it nothing was tried: it stays due.
type Outcomes = BTreeMap<String, Outcome>;

/// Sends what is due of the rows, which the caller has claimed. Returns how many rows are still to be sent later.
pub async fn deliver(
    notify: &Notify,
    rows: Vec<OutboxRow>,
    now: Timestamp,
    deadline: SystemTime,
    metrics: &mut Metrics,
) -> usize {
    let slack = match &notify.slack {
        Some(slack) if !rows.is_empty() => slack.state(now).await,
        _ => State::Off,
    };
    let configured = configured(notify, &slack);
    let mut tried: BTreeMap<Channel, Outcomes> = BTreeMap::new();
    for channel in &configured {
        let messages = group(due(&rows, *channel, &configured, now));
        let outcomes = match channel {
            Channel::Sns => Box::pin(publish_all(notify, &messages, deadline)).await,
            Channel::Chat => Box::pin(chat_all(notify, &messages, deadline)).await,
            Channel::Slack => Box::pin(slack_all(notify, &slack, &messages, now, deadline)).await,
        };
        count(*channel, &outcomes, metrics);
        tried.insert(*channel, outcomes);
    }
    let mut left = 0;
    for row in &rows {
        let outcomes =
            tried.iter().filter_map(|(channel, of)| Some((*channel, of.get(&row.notice.id)?.clone()))).collect();
        let after = row.tried(&outcomes, &configured, now);
        left += usize::from(after.open_pk.is_some());
        Box::pin(record(notify, &after)).await;
    }
    left
}

fn configured(notify: &Notify, slack: &State) -> BTreeSet<Channel> {
    let mut configured = BTreeSet::from([Channel::Sns]);
    if notify.settings.chat_topic_arn.is_some() {
        configured.insert(Channel::Chat);
    }
    match slack {
        State::Off => {}
        State::Ready | State::Unknown(_) | State::Denied(_) | State::Unusable(_) => {
            configured.insert(Channel::Slack);
        }
    }
    configured
}

/// The notices that are due on a channel.
fn due(rows: &[OutboxRow], channel: Channel, configured: &BTreeSet<Channel>, now: Timestamp) -> Vec<Notice> {
    let is_due = |row: &&OutboxRow| matches!(next(row, configured, now), Next::Send(due) if due.contains(&channel));
    rows.iter().filter(is_due).map(|row| row.notice.clone()).collect()
}

fn spread(outcomes: &mut Outcomes, message: &Message, outcome: &Outcome) {
    for notice in message.notices() {
        outcomes.insert(notice.id.clone(), outcome.clone());
    }
}

async fn publish_all(notify: &Notify, messages: &[Message], deadline: SystemTime) -> Outcomes {
    let mut topic = Topic::default();
    for message in messages {
        if topic.takes(message, deadline) {
            let answer = notify.publisher.publish(&notify.settings.topic_arn, &render_sns(message)).await;
            topic.answered(message, published(answer));
        }
    }
    topic.outcomes
}

async fn chat_all(notify: &Notify, messages: &[Message], deadline: SystemTime) -> Outcomes {
    let mut topic = Topic::default();
    let Some(topic_arn) = &notify.settings.chat_topic_arn else { return topic.outcomes };
    for message in messages {
        if topic.takes(message, deadline) {
            let answer = notify.publisher.publish_text(topic_arn, &render_chat(message).to_string()).await;
            topic.answered(message, published(answer));
        }
    }
    topic.outcomes
}

/// How the messages of one batch fare on a topic. After a failure that the next message would meet too, no further one is
/// tried: a topic that hangs for every message must not use up the time in which Slack could be told.
#[derive(Default)]
struct Topic {
    outcomes: Outcomes,
    foregone: Option<Outcome>,
}

impl Topic {
    /// Whether the message is to be tried.
    fn takes(&mut self, message: &Message, deadline: SystemTime) -> bool {
        match &self.foregone {
            Some(outcome) => {
                spread(&mut self.outcomes, message, outcome);
                false
            }
            None => has_time(deadline),
        }
    }

    fn answered(&mut self, message: &Message, outcome: Outcome) {
        spread(&mut self.outcomes, message, &outcome);
        self.foregone = Some(outcome).filter(|outcome| matches!(outcome, Outcome::Later { .. }));
    }
}

fn published(answer: Result<String, pitcrew_aws::publish::PublishError>) -> Outcome {
    match answer {
        Ok(reference) => Outcome::Sent { reference },
        Err(error) if error.permanent => Outcome::Never { reason: chain(&error) },
        Err(error) => Outcome::Later { reason: chain(&error), retry_after_secs: None },
    }
}

async fn slack_all(
    notify: &Notify,
    state: &State,
    messages: &[Message],
    now: Timestamp,
    deadline: SystemTime,
) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let Some(slack) = &notify.slack else { return outcomes };
    // Once one message fared in a way that the next one would too, the rest fares the same without being tried.
    let mut foregone: Option<Outcome> = match state {
        State::Off | State::Ready => None,
        State::Unknown(reason) => Some(Outcome::Later { reason: reason.clone(), retry_after_secs: None }),
        State::Denied(dead) => {
            // It may be mended any minute, so nothing is given up; but nobody would learn of it from Slack.
            if !messages.is_empty() {
                tell_dead(notify, dead, now).await;
            }
            Some(Outcome::Later { reason: dead.reason.clone(), retry_after_secs: None })
        }
        State::Unusable(dead) if messages.is_empty() => Some(Outcome::Never { reason: dead.reason.clone() }),
        State::Unusable(dead) => {
            tell_dead(notify, dead, now).await;
            Some(Outcome::Never { reason: dead.reason.clone() })
        }
    };
    for message in messages {
        if let Some(outcome) = &foregone {
            spread(&mut outcomes, message, outcome);
            continue;
        }
        if !has_time(deadline) {
            break;
        }
        let Told { outcome, stop, dead } = slack.tell(message, &notify.outbox, now).await;
        if let Some(dead) = dead {
            tell_dead(notify, &dead, now).await;
        }
        spread(&mut outcomes, message, &outcome);
        if stop {
            foregone = Some(outcome);
        }
    }
    outcomes
}

fn count(channel: Channel, outcomes: &Outcomes, metrics: &mut Metrics) {
    for (notice, outcome) in outcomes {
        match outcome {
            Outcome::Sent { reference } => {
                metrics.count(names::NOTICES_SENT, 1);
                tracing::info!(notice, channel = channel.as_str(), reference, "sent");
            }
            Outcome::Later { reason, .. } => {
                metrics.count_by(names::NOTICES_FAILED, "Channel", channel.as_str());
                tracing::warn!(notice, channel = channel.as_str(), reason, "not sent, will be tried again");
            }
            Outcome::Never { reason } => {
                metrics.count_by(names::NOTICES_FAILED, "Channel", channel.as_str());
                tracing::error!(notice, channel = channel.as_str(), reason, "not sent, will not be tried again");
            }
        }
    }
}

/// Records a row, with one more try: what is sent and not recorded is sent again when the claim ends.
async fn record(notify: &Notify, row: &OutboxRow) {
    let mut answer = notify.outbox.record(row).await;
    if answer.is_err() {
        answer = notify.outbox.record(row).await;
    }
    match answer {
        Ok(true) => {}
        Ok(false) => tracing::warn!(notice = row.notice.id, "the claim had ended before the row was recorded"),
        Err(error) => {
            let error = chain(&error);
            tracing::error!(notice = row.notice.id, error, "sent and not recorded: it will be sent again");
        }
    }
}

/// Puts a notice about a dead Slack into the outbox: once for each version of the secret, and not for Slack.
async fn tell_dead(notify: &Notify, dead: &Dead, now: Timestamp) {
    let notice = dead_notice(dead, now);
    let about = Delivery::Dead { reason: "the notice is about Slack itself".to_owned() };
    match notify.outbox.put_new(&OutboxRow::once(&notice, BTreeMap::from([(Channel::Slack, about)]))).await {
        Ok(_) => {}
        Err(error) => {
            tracing::error!(error = chain(&error), reason = dead.reason, "slack is dead and that could not be told")
        }
    }
}

fn dead_notice(dead: &Dead, now: Timestamp) -> Notice {
    let id = format!("crew/slack-dead/{}", dead.version);
    Notice {
        kind: NoticeKind::Crew,
        severity: Severity::Warning,
        service: None,
        incident: None,
        group: id.clone(),
        headline: "pitcrew cannot tell Slack anything any more".to_owned(),
        happened: format!("Notices go to SNS alone until this is mended: {}.", dead.reason),
        why: None,
        done: vec!["Read the secret again; that did not help.".to_owned()],
        todo: vec![Todo {
            text: "Put a working webhook_url, or bot_token and channel, into the Slack secret. It is used within five minutes."
                .to_owned(),
            command: None,
        }],
        links: Vec::new(),
        receipt: id.clone(),
        id,
        at: now,
    }
}
