//! Takes an event, claims the rows that it is about, has them sent, and answers.
//!
//! Both doors lead to the same path: a row is claimed, sent and recorded. The stream is quick, the sweep is thorough. A row
//! that cannot be read is set aside; an event that cannot be read is counted and logged. Nothing here panics or sleeps.

use std::time::SystemTime;

use jiff::Timestamp;
use pitcrew_aws::outbox::{Claim, Key};
use pitcrew_core::outbox::OutboxRow;
use pitcrew_core::render::clean;
use pitcrew_lambda::failure::{Failure, chain};
use pitcrew_lambda::metrics::{Metrics, names, wall_clock_ms};
use serde_json::{Value, json};

use crate::app::Notify;
use crate::deliver::{deliver, has_time};
use crate::event::{Event, Inserted, parse};

/// Rows that one sweep claims. What is left is taken five minutes later.
const ROWS_MAX: usize = 100;

/// Pages of 25 rows that one sweep reads at the most. Rows that wait for their time (a Slack that is down for hours) stand
/// before newer ones in the index: they must not use up the sweep.
const PAGES_MAX: usize = 40;

/// Characters of an unknown event that are logged.
const EVENT_CHARS_MAX: usize = 500;

impl Notify {
    /// Handles one event before Lambda ends the invocation at `deadline`. For a batch of the stream the answer names the records
    /// that must come again.
    ///
    /// # Errors
    /// The sweep could not read the outbox.
    pub async fn handle(&self, event: Value, deadline: SystemTime) -> Result<Value, Failure> {
        let mut metrics = Metrics::new("notify");
        // Boxed, because the calls of five SDK operations in one future are more than the compiler wants to lay out.
        let answer = Box::pin(self.answer(&event, deadline, &mut metrics)).await;
        // Dated by AWS's clock, like everything else. Only a process that never had an answer takes the machine's.
        metrics.flush(self.outbox.date().now().map_or_else(wall_clock_ms, Timestamp::as_millisecond));
        answer
    }

    async fn answer(&self, event: &Value, deadline: SystemTime, metrics: &mut Metrics) -> Result<Value, Failure> {
        match parse(event) {
            Event::Inserted(records) => {
                metrics.count(names::EVENTS_SEEN, records.len() as u64);
                Ok(self.inserted(records, deadline, metrics).await)
            }
            Event::Sweep => {
                metrics.count(names::EVENTS_SEEN, 1);
                self.sweep(deadline, metrics).await
            }
            Event::Unknown(reason) => {
                metrics.count(names::EVENTS_SEEN, 1);
                metrics.count(names::UNKNOWN_SHAPES, 1);
                let event = clean::line(&event.to_string(), EVENT_CHARS_MAX);
                tracing::warn!(reason, event, "an event that this function does not know; nothing was done");
                Ok(json!({ "ignored": reason }))
            }
        }
    }

    /// A record fails only where its row could not be claimed for want of an answer. A row that is claimed and not sent is
    /// the sweep's: sending the batch again would not help it.
    async fn inserted(&self, records: Vec<Inserted>, deadline: SystemTime, metrics: &mut Metrics) -> Value {
        let (mut rows, mut failures) = (Vec::new(), Vec::new());
        for Inserted { sequence, key, at } in records {
            if let Some(at) = at {
                self.outbox.date().at_least(at);
            }
            let (Some(key), Some(now)) = (key, self.outbox.date().now()) else {
                metrics.count(names::UNKNOWN_SHAPES, 1);
                tracing::warn!(sequence, "a record without a key or a time; the sweep will find its row");
                continue;
            };
            match self.claim(&key, now, metrics).await {
                Ok(row) => rows.extend(row),
                Err(()) => failures.push(json!({ "itemIdentifier": sequence })),
            }
        }
        if let Some(now) = self.outbox.date().now() {
            Box::pin(deliver(self, rows, now, deadline, metrics)).await;
        }
        json!({ "batchItemFailures": failures })
    }

    async fn sweep(&self, deadline: SystemTime, metrics: &mut Metrics) -> Result<Value, Failure> {
        let (mut from, mut claimed, mut left, mut lost) = (None, 0, 0, 0);
        for _ in 0..PAGES_MAX {
            let page =
                Box::pin(self.outbox.unsent(from.take())).await.map_err(|error| Failure::new("OutboxRead", &error))?;
            let Some(now) = self.outbox.date().now() else {
                return Err(Failure::said("NoClock", "the table's answer carried no Date"));
            };
            let mut rows = Vec::new();
            for key in &page.due {
                match self.claim(key, now, metrics).await {
                    Ok(row) => rows.extend(row),
                    Err(()) => lost += 1,
                }
            }
            claimed += rows.len();
            left += Box::pin(deliver(self, rows, now, deadline, metrics)).await;
            from = page.next;
            if from.is_none() || claimed >= ROWS_MAX || !has_time(deadline) {
                break;
            }
        }
        metrics.count(names::SWEEP_SUCCEEDED, u64::from(lost == 0));
        Ok(json!({ "claimed": claimed, "later": left, "unclaimed": lost }))
    }

    /// Claims a row. Nothing where it is not ours to send; an error where nobody knows.
    async fn claim(&self, key: &Key, now: Timestamp, metrics: &mut Metrics) -> Result<Option<OutboxRow>, ()> {
        match Box::pin(self.outbox.claim(key, now)).await {
            Ok(Claim::Mine(row)) => Ok(Some(*row)),
            Ok(Claim::NotNow) => Ok(None),
            Ok(Claim::Unreadable(reason)) => {
                metrics.count(names::QUARANTINED, 1);
                tracing::error!(
                    pk = key.pk,
                    sk = key.sk,
                    reason,
                    "a row of the outbox cannot be read; it is set aside"
                );
                if let Err(error) = self.outbox.quarantine(key).await {
                    tracing::error!(
                        sk = key.sk,
                        error = chain(&error),
                        "the row could not be set aside; the sweep finds it again"
                    );
                }
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(sk = key.sk, error = chain(&error), "the row could not be claimed");
                Err(())
            }
        }
    }
}
