//! The outbox: one row a notice, written in the transaction that changed the state, sent by `functions/notify` afterwards.
//!
//! This module owns the row's shape and keys and decides what happens next with it. It never sends.
//!
//! Keys: `pk = OUTBOX#<shard>`, `sk = <RFC 3339 time with milliseconds>#<notice id>`. While a row is unsent it stands in the
//! index `open` under `open_pk = UNSENT`, `open_sk = sk`; both attributes are removed when every channel is done.
//!
//! # What to do next with a row: [`next`]
//!
//! | channel is configured and its delivery is | what is done |
//! |---|---|
//! | absent or pending | send |
//! | retry, and its time has come | send |
//! | retry, and its time has not come | wait until then |
//! | sent or dead | nothing |
//! | (every configured channel is sent or dead) | close: out of the index |
//! | (the channel is not configured any more) | nothing, whatever its delivery |
//!
//! # What a try leaves behind: [`after`]
//!
//! | outcome | delivery |
//! |---|---|
//! | sent | sent |
//! | later, below [`TRIES_MAX`] tries | retry, no earlier than the back-off and what the channel asked for |
//! | later, and this was the last try | dead |
//! | never | dead |

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::notice::Notice;

/// The value of `open_pk` while a row is unsent.
pub const UNSENT: &str = "UNSENT";

/// Partitions of the outbox: enough to spread a burst, few enough to name in a policy.
pub const SHARDS: u8 = 8;

/// How long a row is kept. Longer than the 24 h of the bus, the 14 d of a dead-letter queue and the lag of expiry together.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Tries of one channel. With the back-off below they reach over more than a day: an outage of Slack that is longer is news.
pub const TRIES_MAX: u32 = 30;

/// The first back-off; each try doubles it up to the longest.
const BACKOFF_FIRST_SECS: i64 = 60;
const BACKOFF_LONGEST_SECS: i64 = 3_600;

/// What a channel may ask for with `Retry-After`. An answer that asks for more must not silence a channel.
const RETRY_AFTER_LONGEST_SECS: i64 = 6 * 3_600;

/// A claim ends by itself after this time, when the function that made it was killed. Longer than its time limit.
pub const CLAIM: SignedDuration = SignedDuration::from_secs(180);

/// Characters of a text and items of a list that a row keeps, far below the 400 KB of an item.
const ROW_CHARS_MAX: usize = 2_000;
const ROW_ITEMS_MAX: usize = 30;

/// Where a notice is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The topic of the stack: mail, queues, functions, https.
    Sns,
    /// The topic of Amazon Q Developer in chat applications.
    Chat,
    Slack,
}

impl Channel {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sns => "sns",
            Self::Chat => "chat",
            Self::Slack => "slack",
        }
    }
}

/// How far a notice is on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Delivery {
    Pending,
    Sent {
        at: Timestamp,
        /// The channel's own id: SNS's message id, Slack's `ts`.
        reference: String,
    },
    Retry {
        /// Not before this time.
        at: Timestamp,
        attempts: u32,
        reason: String,
    },
    Dead {
        reason: String,
    },
}

/// One notice and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    pub pk: String,
    pub sk: String,
    /// [`UNSENT`], or absent once all channels are done. An index key must never be null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_pk: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_sk: Option<String>,
    pub notice: Notice,
    #[serde(default)]
    pub channels: BTreeMap<Channel, Delivery>,
    /// How often the row was claimed: also the token that a claim is recognised by.
    #[serde(default)]
    pub attempts: u32,
    /// Nobody may claim the row before this time (milliseconds since the epoch): another claim, or a back-off, is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before_ms: Option<i64>,
    /// When DynamoDB may delete the row (seconds since the epoch).
    pub expires_at: i64,
}

impl OutboxRow {
    /// A new row, unsent. `channels` is usually empty: which channels exist is the business of notify alone.
    pub fn new(notice: &Notice, channels: impl IntoIterator<Item = Channel>) -> Self {
        let sk = format!("{:.3}#{}", notice.at, notice.id);
        Self::at_key(notice, sk, channels.into_iter().map(|channel| (channel, Delivery::Pending)).collect())
    }

    /// A row whose key is the notice's id alone, so that the same thing, found again and again, is told once.
    pub fn once(notice: &Notice, channels: BTreeMap<Channel, Delivery>) -> Self {
        Self::at_key(notice, format!("ONCE#{}", notice.id), channels)
    }

    fn at_key(notice: &Notice, sk: String, channels: BTreeMap<Channel, Delivery>) -> Self {
        Self {
            pk: partition(notice),
            open_pk: Some(UNSENT.to_owned()),
            open_sk: Some(sk.clone()),
            sk,
            notice: notice.clipped(ROW_CHARS_MAX, ROW_ITEMS_MAX),
            channels,
            attempts: 0,
            not_before_ms: None,
            expires_at: notice.at.saturating_add(KEPT).unwrap_or(Timestamp::MAX).as_second(),
        }
    }

    /// The row after its channels were tried at `now`: what [`after`] says of each, and out of the index where all are done.
    #[must_use]
    pub fn tried(&self, outcomes: &BTreeMap<Channel, Outcome>, configured: &BTreeSet<Channel>, now: Timestamp) -> Self {
        let mut row = self.clone();
        for (channel, outcome) in outcomes {
            let delivery = after(self.channels.get(channel), outcome, now);
            row.channels.insert(*channel, delivery);
        }
        match next(&row, configured, now) {
            Next::Close => {
                row.open_pk = None;
                row.open_sk = None;
                row.not_before_ms = None;
            }
            Next::Send(_) => row.not_before_ms = None,
            Next::Wait(until) => row.not_before_ms = Some(until.as_millisecond()),
        }
        row
    }
}

/// `OUTBOX#<shard>`, by the service, or by the kind where the notice is about none.
fn partition(notice: &Notice) -> String {
    let name = notice.service.as_ref().map_or_else(|| notice.kind.as_str().to_owned(), ToString::to_string);
    let shard = Sha256::digest(name.as_bytes()).first().map_or(0, |byte| byte % SHARDS);
    format!("OUTBOX#{shard}")
}

/// What to do next with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send on these channels. Never empty.
    Send(BTreeSet<Channel>),
    /// Nothing is due before this time.
    Wait(Timestamp),
    /// Every configured channel is done.
    Close,
}

/// Decides what to do next with a row (the first table of the module).
pub fn next(row: &OutboxRow, configured: &BTreeSet<Channel>, now: Timestamp) -> Next {
    let mut due = BTreeSet::new();
    let mut earliest: Option<Timestamp> = None;
    for channel in configured {
        match row.channels.get(channel) {
            None | Some(Delivery::Pending) => {
                due.insert(*channel);
            }
            Some(Delivery::Retry { at, .. }) if *at <= now => {
                due.insert(*channel);
            }
            Some(Delivery::Retry { at, .. }) => earliest = Some(earliest.map_or(*at, |earliest| earliest.min(*at))),
            Some(Delivery::Sent { .. } | Delivery::Dead { .. }) => {}
        }
    }
    match earliest {
        _ if !due.is_empty() => Next::Send(due),
        Some(until) => Next::Wait(until),
        None => Next::Close,
    }
}

/// How a try on one channel went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent {
        reference: String,
    },
    /// It may go well another time, or nobody knows whether it went well.
    Later {
        reason: String,
        /// What the channel asked for (`Retry-After`).
        retry_after_secs: Option<i64>,
    },
    /// It will not go well with this message, or with this channel.
    Never {
        reason: String,
    },
}

/// What a try leaves behind (the second table of the module).
pub fn after(before: Option<&Delivery>, outcome: &Outcome, now: Timestamp) -> Delivery {
    let tried = match before {
        Some(Delivery::Retry { attempts, .. }) => *attempts,
        _ => 0,
    };
    match outcome {
        Outcome::Sent { reference } => Delivery::Sent { at: now, reference: reference.clone() },
        Outcome::Never { reason } => Delivery::Dead { reason: reason.clone() },
        Outcome::Later { reason, .. } if tried + 1 >= TRIES_MAX => {
            Delivery::Dead { reason: format!("given up after {TRIES_MAX} tries: {reason}") }
        }
        Outcome::Later { reason, retry_after_secs } => {
            let asked = retry_after_secs.unwrap_or(0).clamp(0, RETRY_AFTER_LONGEST_SECS);
            let wait = SignedDuration::from_secs(backoff_secs(tried).max(asked));
            Delivery::Retry {
                at: now.saturating_add(wait).unwrap_or(Timestamp::MAX),
                attempts: tried + 1,
                reason: reason.clone(),
            }
        }
    }
}

/// Doubles from a minute to an hour. No jitter: the sweep that sends again runs every five minutes for all rows at once.
fn backoff_secs(tried: u32) -> i64 {
    BACKOFF_FIRST_SECS.saturating_mul(1_i64 << tried.min(16)).min(BACKOFF_LONGEST_SECS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notice::samples::{at, hostile, reverted};

    const ALL: [Channel; 3] = [Channel::Sns, Channel::Chat, Channel::Slack];

    fn sent() -> Delivery {
        Delivery::Sent { at: at(0), reference: "m-1".to_owned() }
    }

    fn dead() -> Delivery {
        Delivery::Dead { reason: "gone".to_owned() }
    }

    fn retry(second: i64) -> Delivery {
        Delivery::Retry { at: at(second), attempts: 1, reason: "busy".to_owned() }
    }

    fn later(retry_after_secs: Option<i64>) -> Outcome {
        Outcome::Later { reason: "busy".to_owned(), retry_after_secs }
    }

    fn row(channels: &[(Channel, Delivery)]) -> OutboxRow {
        OutboxRow { channels: channels.iter().cloned().collect(), ..OutboxRow::new(&reverted(), []) }
    }

    #[test]
    fn a_new_row_is_unsent_and_stands_in_the_index() {
        let row = OutboxRow::new(&reverted(), []);
        assert_eq!(row.sk, "2025-10-09T08:54:50.000Z#shop-api/0123/reverted");
        assert_eq!(row.pk, "OUTBOX#4");
        assert_eq!((row.open_pk.as_deref(), row.open_sk.as_deref()), (Some(UNSENT), Some(row.sk.as_str())));
        assert!(row.channels.is_empty());
        assert_eq!(row.expires_at, reverted().at.as_second() + 30 * 86_400);
    }

    #[test]
    fn a_row_keeps_its_shape_on_the_wire() {
        let row = row(&[(Channel::Sns, sent()), (Channel::Slack, retry(5))]);
        let wire = serde_json::to_value(&row).unwrap();
        assert_eq!(wire["channels"]["sns"]["state"], "sent");
        assert_eq!(wire["channels"]["slack"]["attempts"], 1);
        assert!(wire.get("not_before_ms").is_none(), "an absent attribute is absent, not null");
        assert_eq!(serde_json::from_value::<OutboxRow>(wire).unwrap(), row);
    }

    #[test]
    fn a_row_of_the_first_version_is_read() {
        let mut wire = serde_json::to_value(OutboxRow::new(&reverted(), [])).unwrap();
        let members = wire.as_object_mut().unwrap();
        members.remove("channels");
        members.remove("attempts");
        assert_eq!(serde_json::from_value::<OutboxRow>(wire).unwrap(), OutboxRow::new(&reverted(), []));
    }

    #[test]
    fn a_megabyte_of_text_fits_into_an_item() {
        let row = OutboxRow::new(&hostile(&"é".repeat(1_000_000)), []);
        assert!(serde_json::to_string(&row).unwrap().len() < 300_000);
    }

    #[test]
    fn the_same_finding_has_the_same_key_whatever_the_time() {
        let later = Notice { at: at(9_999), ..reverted() };
        let (one, other) = (OutboxRow::once(&reverted(), BTreeMap::new()), OutboxRow::once(&later, BTreeMap::new()));
        assert_eq!((one.pk, one.sk), (other.pk, other.sk));
    }

    #[test]
    fn every_row_of_the_table_of_what_is_next() {
        use Channel::{Chat, Slack, Sns};
        let send = |channels: &[Channel]| Next::Send(channels.iter().copied().collect());
        let both = BTreeSet::from([Sns, Slack]);
        for (why, channels, expected) in [
            ("a new row is sent everywhere", vec![], send(&[Sns, Slack])),
            ("pending is sent", vec![(Sns, Delivery::Pending), (Slack, sent())], send(&[Sns])),
            ("a retry whose time has come is sent", vec![(Sns, sent()), (Slack, retry(100))], send(&[Slack])),
            ("a retry whose time has not come waits", vec![(Sns, sent()), (Slack, retry(101))], Next::Wait(at(101))),
            ("the earliest retry counts", vec![(Sns, retry(500)), (Slack, retry(200))], Next::Wait(at(200))),
            ("a retry does not hold the other channel up", vec![(Slack, retry(101))], send(&[Sns])),
            ("sent and dead are done", vec![(Sns, sent()), (Slack, dead())], Next::Close),
            (
                "a channel that is gone does not count",
                vec![(Sns, sent()), (Slack, sent()), (Chat, retry(1))],
                Next::Close,
            ),
        ] {
            assert_eq!(next(&row(&channels), &both, at(100)), expected, "{why}");
        }
    }

    #[test]
    fn what_a_try_leaves_behind() {
        let reached = after(None, &Outcome::Sent { reference: "m".to_owned() }, at(7));
        assert_eq!(reached, Delivery::Sent { at: at(7), reference: "m".to_owned() });
        assert_eq!(after(None, &Outcome::Never { reason: "gone".to_owned() }, at(7)), dead());
        assert_eq!(after(Some(&Delivery::Pending), &later(None), at(0)), retry(60));
    }

    #[test]
    fn what_the_channel_asks_for_is_honoured_within_reason() {
        assert_eq!(after(None, &later(Some(5)), at(0)), retry(60), "less than the back-off");
        assert_eq!(after(None, &later(Some(900)), at(0)), retry(900));
        assert_eq!(after(None, &later(Some(i64::MAX)), at(0)), retry(6 * 3_600));
        assert_eq!(after(None, &later(Some(-5)), at(0)), retry(60));
    }

    #[test]
    fn tries_are_bounded_and_reach_over_a_day() {
        let (mut delivery, mut now, mut tries) = (Delivery::Pending, at(0), 0);
        loop {
            tries += 1;
            delivery = after(Some(&delivery), &later(None), now);
            match &delivery {
                Delivery::Retry { at, .. } => now = *at,
                Delivery::Dead { reason } => {
                    assert!(reason.starts_with("given up after 30 tries"), "{reason}");
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(tries, TRIES_MAX);
        assert!(now.as_second() - at(0).as_second() > 24 * 3_600);
    }

    #[test]
    fn a_row_leaves_the_index_when_all_channels_are_done() {
        let configured = BTreeSet::from([Channel::Sns, Channel::Slack]);
        let ok = Outcome::Sent { reference: "m-1".to_owned() };
        let half = row(&[]).tried(
            &BTreeMap::from([(Channel::Sns, ok.clone()), (Channel::Slack, later(None))]),
            &configured,
            at(0),
        );
        assert_eq!(half.open_pk.as_deref(), Some(UNSENT));
        assert_eq!(half.not_before_ms, Some(at(60).as_millisecond()));
        let whole = half.tried(&BTreeMap::from([(Channel::Slack, ok)]), &configured, at(60));
        assert_eq!((whole.open_pk, whole.open_sk, whole.not_before_ms), (None, None, None));
    }

    fn deliveries() -> impl Strategy<Value = Delivery> {
        prop_oneof![Just(Delivery::Pending), Just(sent()), Just(dead()), (0_i64..200).prop_map(retry)]
    }

    proptest! {
        #[test]
        fn a_channel_that_is_done_is_never_sent_again(
            channels in prop::collection::btree_map(prop::sample::select(&ALL[..]), deliveries(), 0..=3),
            configured in prop::collection::btree_set(prop::sample::select(&ALL[..]), 0..=3),
        ) {
            let row = OutboxRow { channels, ..OutboxRow::new(&reverted(), []) };
            if let Next::Send(due) = next(&row, &configured, at(100)) {
                prop_assert!(!due.is_empty() && due.is_subset(&configured));
                for channel in due {
                    let done = matches!(row.channels.get(&channel), Some(Delivery::Sent { .. } | Delivery::Dead { .. }));
                    prop_assert!(!done);
                }
            }
        }
    }
}
