//! Everything that happened, in one order: each call, event, invocation, notice and fault, as lines of JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its place in the order; begins with 1.
    pub seq: u64,
    /// The cloud's time.
    pub at: Timestamp,
    /// `call`, `event`, `invocation`, `fault`, `slack`, `story`, `denied`, ...
    pub kind: &'static str,
    /// Who did it: `operator`, a function's name, or the AWS service.
    pub who: String,
    pub what: Value,
}

/// The history of one cloud.
#[derive(Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
}

impl History {
    pub fn record(&mut self, at: Timestamp, kind: &'static str, who: impl Into<String>, what: Value) {
        let seq = self.entries.len() as u64 + 1;
        self.entries.push(Entry { seq, at, kind, who: who.into(), what });
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What happened after the entry with this number.
    pub fn since(&self, seq: u64) -> &[Entry] {
        &self.entries[(seq as usize).min(self.entries.len())..]
    }

    /// One JSON object a line.
    pub fn to_json_lines(&self) -> String {
        self.entries.iter().map(|entry| format!("{}\n", json!(entry))).collect()
    }
}
