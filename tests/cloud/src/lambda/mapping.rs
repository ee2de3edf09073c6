//! Event source mappings: what waits at a stream or a queue for a function, and what happens to a failed batch.
//!
//! A stream is one ordered shard: one batch runs at a time, and what fails holds up what follows until it succeeds, is too
//! old, or has been tried often enough. Source: Developer Guide, "Process DynamoDB records with Lambda".

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::events::pattern::Pattern;

/// The longest wait before a failed batch is tried again, in seconds. AWS documents a back-off, but no figures.
const BACKOFF_SECS_MAX: i64 = 60;

/// Records of a DynamoDB stream live this long, in seconds.
const STREAM_SECS_MAX: i64 = 86_400;

/// `AWS::Lambda::EventSourceMapping`.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub id: String,
    pub function: String,
    pub enabled: bool,
    pub batch_size: usize,
    pub window_secs: i64,
    /// An event that matches one of them is handed over; none at all lets everything through.
    pub filters: Vec<Pattern>,
    /// `ReportBatchItemFailures`.
    pub reports_failures: bool,
    pub source: Source,
}

/// Where a mapping takes its events from.
#[derive(Clone, Debug)]
pub enum Source {
    Stream(StreamSource),
    Queue(QueueSource),
}

/// A DynamoDB stream.
#[derive(Clone, Debug, Default)]
pub struct StreamSource {
    pub arn: String,
    /// The name of the table.
    pub table: String,
    /// None: until the record expires.
    pub retries_max: Option<u32>,
    /// None: until the record expires.
    pub age_secs_max: Option<i64>,
    pub bisects: bool,
    pub on_failure_arn: Option<String>,
    pub(crate) state: StreamState,
}

/// What waits in a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamState {
    waiting: VecDeque<Arrived>,
    /// Failed batches and parts of them, before everything that waits.
    retrying: VecDeque<Chunk>,
    /// The batch that runs now.
    pub running: Option<Chunk>,
    /// The role may not read the stream: nothing moves until something new arrives.
    pub blocked: bool,
}

/// A record and when it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrived {
    pub record: Value,
    pub at: Timestamp,
}

/// Records that are handed over together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chunk {
    pub records: Vec<Arrived>,
    /// Failed tries so far.
    pub failures: u32,
    pub due: Timestamp,
}

/// Records that the mapping gives up, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Discarded {
    pub records: Vec<Arrived>,
    pub condition: &'static str,
    pub failures: u32,
}

/// An SQS queue.
#[derive(Clone, Debug, Default)]
pub struct QueueSource {
    pub arn: String,
    /// Invocations of this mapping at a time; None: as many as the function has.
    pub concurrency_max: Option<u32>,
    /// When the next message becomes visible, as the queue last said.
    pub(crate) visible_at: Option<Timestamp>,
    pub(crate) blocked: bool,
    /// Batches that run now, by request id.
    pub(crate) running: Vec<(String, Vec<QueueMessage>)>,
}

/// A received message: id and receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueMessage {
    pub id: String,
    pub receipt: String,
}

impl Mapping {
    /// Whether an event passes the filters.
    pub(crate) fn passes(&self, event: &Value) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.matches(event))
    }

    /// Takes a record of the mapping's table that passes the filters.
    pub(crate) fn take_record(&mut self, table: &str, record: &Value, now: Timestamp) {
        let wanted = self.enabled && self.passes(record);
        if let Source::Stream(stream) = &mut self.source
            && stream.table == table
            && wanted
        {
            let mut record = record.clone();
            record["eventSourceARN"] = Value::from(stream.arn.clone());
            stream.state.waiting.push_back(Arrived { record, at: now });
            stream.state.blocked = false;
        }
    }

    /// When the mapping next has something to hand over.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        if !self.enabled {
            return None;
        }
        match &self.source {
            Source::Stream(stream) => stream.state.next_due(self.batch_size, self.window_secs),
            Source::Queue(queue) if queue.blocked || !queue.has_room() => None,
            Source::Queue(queue) => queue.visible_at.map(|at| at + SignedDuration::from_secs(self.window_secs)),
        }
    }
}

impl QueueSource {
    /// Whether the mapping's own limit lets another batch run.
    pub(crate) fn has_room(&self) -> bool {
        self.concurrency_max.is_none_or(|most| self.running.len() < most as usize)
    }
}

impl StreamState {
    fn next_due(&self, batch_size: usize, window_secs: i64) -> Option<Timestamp> {
        if self.running.is_some() || self.blocked {
            return None;
        }
        if let Some(chunk) = self.retrying.front() {
            return Some(chunk.due);
        }
        let first = self.waiting.front()?;
        let full = self.waiting.get(batch_size.max(1) - 1).map(|record| record.at);
        let window_ends = first.at + SignedDuration::from_secs(window_secs);
        Some(full.map_or(window_ends, |full| full.min(window_ends)))
    }
}

impl StreamSource {
    /// Takes the next batch where one is due. Records that are too old come back as discarded.
    pub(crate) fn take(
        &mut self,
        batch_size: usize,
        window_secs: i64,
        now: Timestamp,
    ) -> (Option<Chunk>, Option<Discarded>) {
        if self.state.next_due(batch_size, window_secs).is_none_or(|due| due > now) {
            return (None, None);
        }
        let mut chunk = self.state.retrying.pop_front().unwrap_or_else(|| {
            let count = batch_size.min(self.state.waiting.len());
            Chunk { records: self.state.waiting.drain(..count).collect(), failures: 0, due: now }
        });
        let oldest = SignedDuration::from_secs(self.age_secs_max.unwrap_or(STREAM_SECS_MAX).min(STREAM_SECS_MAX));
        let (fresh, old): (Vec<Arrived>, Vec<Arrived>) =
            chunk.records.into_iter().partition(|record| now.duration_since(record.at) <= oldest);
        let failures = chunk.failures;
        let discarded =
            (!old.is_empty()).then_some(Discarded { records: old, condition: "RecordAgeExceeded", failures });
        chunk.records = fresh;
        ((!chunk.records.is_empty()).then_some(chunk), discarded)
    }

    /// Puts a batch back that could not be started.
    pub(crate) fn put_back(&mut self, chunk: Chunk) {
        self.state.retrying.push_front(chunk);
    }

    /// Ends the running batch: `failed_from` is the first record that failed, None where all went well.
    pub(crate) fn ended(&mut self, failed_from: Option<usize>, whole: bool, now: Timestamp) -> Option<Discarded> {
        let mut chunk = self.state.running.take()?;
        let failed_from = failed_from?;
        chunk.records.drain(..failed_from.min(chunk.records.len()));
        let wait = 1_i64.checked_shl(chunk.failures).unwrap_or(BACKOFF_SECS_MAX).clamp(1, BACKOFF_SECS_MAX);
        chunk.due = now + SignedDuration::from_secs(wait);
        if self.bisects && whole && chunk.records.len() > 1 {
            // Splitting does not count as a try.
            let second = chunk.records.split_off(chunk.records.len() / 2);
            let second = Chunk { records: second, failures: chunk.failures, due: chunk.due };
            self.state.retrying.push_front(second);
            self.state.retrying.push_front(chunk);
            return None;
        }
        chunk.failures += 1;
        if self.retries_max.is_some_and(|most| chunk.failures > most) {
            let Chunk { records, failures, .. } = chunk;
            return Some(Discarded { records, condition: "RetryAttemptsExhausted", failures });
        }
        self.state.retrying.push_front(chunk);
        None
    }
}
