//! How far the audit is, as `state.json` in the bucket remembers it. Whoever writes it must have read it last.
//!
//! | object of the bucket | holds |
//! |---|---|
//! | `state.json` | [`State`] |
//! | `runs/RUN/part-TICK-N.json` | what one invocation found, some hundred services at a time |
//! | `reports/RUN.json` | the report of a run that came to its end |
//! | `latest.json`, `index.html`, `trend.json` | the newest report, its page, and a line for each of the last runs |
//! | `waivers.json` | the owner's, where there is one |

use jiff::{SignedDuration, Timestamp};
use pitcrew_core::audit::due::Runs;
use pitcrew_fleet::store::{Content, If, Store};
use pitcrew_fleet::walk::Cursor;
use pitcrew_lambda::failure::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::hub::Hub;

pub(crate) const STATE: &str = "state.json";
pub(crate) const LATEST: &str = "latest.json";
pub(crate) const PAGE: &str = "index.html";
pub(crate) const TREND: &str = "trend.json";
pub(crate) const WAIVERS: &str = "waivers.json";

/// What is remembered between ticks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// The run that is under way.
    pub run: Option<Underway>,
    /// The last run that came to its end.
    pub last: Option<Ended>,
    /// The run whose report stands and is not told yet.
    pub untold: Option<String>,
    /// What Security Hub was sent, and still has to take.
    pub security_hub: Hub,
}

/// The longest that an invocation lives.
const INVOCATION_MAX: SignedDuration = SignedDuration::from_mins(15);

/// A run under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Underway {
    pub id: String,
    pub began: Timestamp,
    pub cursor: Cursor,
    /// Invocations that took it up. Each names its parts by it, so that one that was cut off cannot spoil another's.
    pub ticks: u32,
    /// The parts that count, by name.
    pub parts: Vec<String>,
    /// Calls to AWS by these ticks.
    pub calls: u64,
    /// Until when an invocation reads. Whoever comes before it leaves the run alone, or two would overtake each other for
    /// ever.
    #[serde(default)]
    pub reading_until: Option<Timestamp>,
}

/// A run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub id: String,
    pub began: Timestamp,
    pub finished: Timestamp,
}

impl Underway {
    pub fn begin(now: Timestamp) -> Self {
        let id = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        Self { id, began: now, cursor: Cursor::default(), ticks: 0, parts: Vec::new(), calls: 0, reading_until: None }
    }
}

impl State {
    pub fn runs(&self) -> Runs {
        Runs { unfinished: self.run.as_ref().map(|run| run.began), finished: self.last.as_ref().map(|last| last.began) }
    }

    /// The run has its report: from here on it is only told.
    pub fn end(&mut self, run: &Underway, finished: Timestamp, security_hub: bool) {
        self.run = None;
        self.last = Some(Ended { id: run.id.clone(), began: run.began, finished });
        self.untold = Some(run.id.clone());
        if security_hub {
            self.security_hub.owe(&run.id);
        }
    }

    /// Until when somebody else reads. No invocation reads longer than Lambda lets it live: a later moment is of a wrong clock.
    pub fn read_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.run.as_ref()?.reading_until.filter(|until| now < *until && until.duration_since(now) <= INVOCATION_MAX)
    }
}

/// The state with what it takes to write it again.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub state: State,
    condition: If,
}

impl Kept {
    /// Reads the state. One that cannot be understood counts as none: an audit more costs calls, none at all costs sight.
    pub async fn load(store: &Store) -> Result<Self, Failure> {
        let stored = store.get(STATE).await.map_err(|error| Failure::new("State", &error))?;
        let Some(stored) = stored else { return Ok(Self { state: State::default(), condition: If::New }) };
        let state = serde_json::from_slice(&stored.body).unwrap_or_else(|error| {
            tracing::error!(%error, "{STATE} cannot be read; the audit begins anew");
            State::default()
        });
        Ok(Self { state, condition: If::Same(stored.etag) })
    }

    /// Writes the state; `false` where somebody else wrote it meanwhile, who then goes on.
    pub async fn save(&mut self, store: &Store) -> Result<bool, Failure> {
        let saved = store.put_if(STATE, Content::Json, json_of(&self.state)?, &self.condition).await;
        match saved.map_err(|error| Failure::new("State", &error))? {
            Some(etag) => {
                self.condition = If::Same(etag);
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

pub(crate) fn part_key(run: &str, name: &str) -> String {
    format!("runs/{run}/part-{name}.json")
}

pub(crate) fn report_key(run: &str) -> String {
    format!("reports/{run}.json")
}

/// Its length is counted first: a list that grows is copied as it grows, and a report is large.
pub(crate) fn json_of(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let failed = |error: serde_json::Error| Failure::new("Store", &error);
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_err(failed)?;
    let mut body = Vec::with_capacity(count.0);
    serde_json::to_writer(&mut body, value).map_err(failed)?;
    Ok(body)
}

struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An object that may be missing, or of another form: then there is none.
pub(crate) async fn stored_if_any<T: DeserializeOwned>(store: &Store, key: &str) -> Result<Option<T>, Failure> {
    let Some(found) = store.get(key).await.map_err(|error| Failure::new("Store", &error))? else { return Ok(None) };
    match serde_json::from_slice(&found.body) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            tracing::warn!(key, %error, "an object of the bucket cannot be read and is passed over");
            Ok(None)
        }
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
