//! What runs came to: a campaign in which nothing was ever rolled back, or nobody was ever killed, proves little.

use std::collections::BTreeMap;

use pitcrew_e2e::scene::ROLLBACK;
use pitcrew_e2e::table;
use serde_json::{Value, json};

use crate::play::Run;

/// How often each thing happened.
#[derive(Clone, Debug, Default)]
pub struct Goals(BTreeMap<String, u64>);

impl Goals {
    fn add(&mut self, what: &str, times: u64) {
        *self.0.entry(what.to_owned()).or_default() += times;
    }

    /// Counts what happened in a run.
    pub fn count(&mut self, run: &Run) {
        self.add("runs", 1);
        self.add("rollbacks", run.scene.writes_that_took_effect() as u64);
        self.add("notices", run.scene.notices().len() as u64);
        for entry in run.scene.history() {
            match entry.kind {
                "call" => {
                    self.add("calls", u64::from(entry.who.starts_with("pitcrew-")));
                    let refused = entry.who == ROLLBACK && entry.what["operation"] == "UpdateService";
                    self.add("rollbacks refused", u64::from(refused && entry.what["outcome"]["error"].is_string()));
                }
                "invocation" => self.add("invocations", 1),
                "event" => self.add("events", 1),
                "fault" => {
                    if let Some(kind) = entry.what["do"]["kind"].as_str() {
                        self.add(&format!("fault {kind}"), 1);
                    }
                    self.add("events lost", u64::from(!entry.what["lost-event"].is_null()));
                }
                _ => {}
            }
        }
        for row in table::all(&run.scene) {
            let sk = row["sk"].as_str().unwrap_or_default();
            if sk.starts_with("CLOSED#") {
                self.add(&format!("ended {}", row["state"]["outcome"].as_str().unwrap_or("open")), 1);
            }
            if sk.starts_with("RECEIPT#") {
                self.add(&format!("rule {}", row["rule"].as_str().unwrap_or_default()), 1);
            }
            self.add("breakers open", u64::from(sk == "BREAKER" && row["open_since"].is_string()));
        }
    }

    pub fn to_json(&self) -> Value {
        json!(self.0)
    }
}

impl std::fmt::Display for Goals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(what, times)| writeln!(f, "  {times:>8}  {what}"))
    }
}
