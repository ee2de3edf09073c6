//! Groups, streams and events, and how long they are kept. Nothing here knows the API.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;

use serde_json::{Value, json};

use crate::call::Place;

const DAY_MILLIS: i64 = 86_400_000;

/// An event's place in its stream: its time (milliseconds since the epoch), then the order of arrival.
pub type Key = (i64, u64);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub message: String,
    /// Milliseconds since the epoch.
    pub ingested: i64,
}

#[derive(Clone, Debug)]
pub struct Stream {
    /// Milliseconds since the epoch.
    pub created: i64,
    pub events: BTreeMap<Key, Event>,
}

impl Stream {
    pub fn new(created: i64) -> Self {
        Self { created, events: BTreeMap::new() }
    }

    /// The events from `start` (included) to `end` (excluded), in milliseconds.
    pub fn between(&self, start: i64, end: i64) -> Range<'_, Key, Event> {
        self.events.range((start, 0)..(end.max(start), 0))
    }

    pub fn last_time(&self) -> Option<i64> {
        self.events.last_key_value().map(|((at, _), _)| *at)
    }

    fn stored_bytes(&self) -> usize {
        self.events.values().map(|event| event.message.len() + super::EVENT_OVERHEAD_BYTES).sum()
    }

    pub fn describe(&self, place: &Place, group: &str, name: &str) -> Value {
        let mut shown = json!({
            "logStreamName": name,
            "creationTime": self.created,
            "arn": format!("{}:log-stream:{name}", group_arn(place, group)),
            "storedBytes": 0,
        });
        if let (Some(first), Some((last, event))) = (self.events.keys().next(), self.events.last_key_value()) {
            shown["firstEventTimestamp"] = json!(first.0);
            shown["lastEventTimestamp"] = json!(last.0);
            shown["lastIngestionTime"] = json!(event.ingested);
        }
        shown
    }
}

#[derive(Clone, Debug)]
pub struct Group {
    /// Milliseconds since the epoch.
    pub created: i64,
    /// Never expires where it is absent.
    pub retention_days: Option<i64>,
    pub class: String,
    pub tags: BTreeMap<String, String>,
    pub streams: BTreeMap<String, Stream>,
}

impl Group {
    pub fn new(created: i64) -> Self {
        Self {
            created,
            retention_days: None,
            class: "STANDARD".to_owned(),
            tags: BTreeMap::new(),
            streams: BTreeMap::new(),
        }
    }

    /// The oldest time that is still kept at `now`, in milliseconds.
    pub fn horizon(&self, now: i64) -> i64 {
        self.retention_days.map_or(0, |days| (now - days * DAY_MILLIS).max(0))
    }

    /// Drops what the retention no longer keeps. The streams stay, as they do in CloudWatch.
    pub fn expire(&mut self, now: i64) {
        let horizon = self.horizon(now);
        for stream in self.streams.values_mut() {
            stream.events = stream.events.split_off(&(horizon, 0));
        }
    }

    pub fn describe(&self, place: &Place, name: &str) -> Value {
        let arn = group_arn(place, name);
        let stored: usize = self.streams.values().map(Stream::stored_bytes).sum();
        let mut shown = json!({
            "logGroupName": name,
            "creationTime": self.created,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "logGroupArn": arn,
            "storedBytes": stored,
            "logGroupClass": self.class,
        });
        if let Some(days) = self.retention_days {
            shown["retentionInDays"] = json!(days);
        }
        shown
    }
}

/// The group's ARN without the trailing `:*`.
pub fn group_arn(place: &Place, group: &str) -> String {
    format!("arn:{}:logs:{}:{}:log-group:{group}", place.partition, place.region, place.account)
}
