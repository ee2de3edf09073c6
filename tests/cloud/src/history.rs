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
    /// Adds an entry; its number leads back to it.
    pub fn record(&mut self, at: Timestamp, kind: &'static str, who: impl Into<String>, what: Value) -> u64 {
        let seq = self.entries.len() as u64 + 1;
        self.entries.push(Entry { seq, at, kind, who: who.into(), what });
        seq
    }

    /// Adds a member to an entry that was recorded before it was over.
    pub fn complete(&mut self, seq: u64, member: &str, value: Value) {
        let entry = usize::try_from(seq).ok().and_then(|seq| self.entries.get_mut(seq.checked_sub(1)?));
        if let Some(Value::Object(what)) = entry.map(|entry| &mut entry.what) {
            what.insert(member.to_owned(), value);
        }
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
