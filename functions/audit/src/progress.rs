//! How far the audit is, as `state.json` in the bucket remembers it. Whoever writes it must have read it last.
//!
//! | object of the bucket | holds |
//! |---|---|
//! | `state.json` | [`State`] |
//! | `runs/RUN/part-TICK.json` | what one invocation found |
//! | `reports/RUN.json` | the report of a run that came to its end |
//! | `latest.json`, `index.html`, `trend.json` | the newest report, its page, and a line for each of the last runs |
//! | `waivers.json` | the owner's, where there is one |

use jiff::Timestamp;
use pitcrew_core::audit::due::Runs;
use pitcrew_fleet::store::{Content, If, Store};
use pitcrew_fleet::walk::Cursor;
use pitcrew_lambda::failure::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) const STATE: &str = "state.json";
pub(crate) const LATEST: &str = "latest.json";
pub(crate) const PAGE: &str = "index.html";
pub(crate) const TREND: &str = "trend.json";
pub(crate) const WAIVERS: &str = "waivers.json";

/// Reports that wait for Security Hub. One that is older is left out: the findings that are still open come with the next.
const HUB_MAX: usize = 30;

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
    /// The runs whose findings Security Hub still has to take, oldest first.
    pub hub: Vec<String>,
}

/// A run under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Underway {
    pub id: String,
    pub began: Timestamp,
    pub cursor: Cursor,
    /// Invocations that took it up. Each names its part by it, so that one that was cut off cannot spoil another's.
    pub ticks: u32,
    /// The ticks whose parts count.
    pub parts: Vec<u32>,
    /// Calls to AWS by these ticks.
    pub calls: u64,
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
        Self { id, began: now, cursor: Cursor::default(), ticks: 0, parts: Vec::new(), calls: 0 }
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
            self.hub.push(run.id.clone());
            let surplus = self.hub.len().saturating_sub(HUB_MAX);
            self.hub.drain(..surplus);
        }
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

pub(crate) fn part_key(run: &str, tick: u32) -> String {
    format!("runs/{run}/part-{tick}.json")
}

pub(crate) fn report_key(run: &str) -> String {
    format!("reports/{run}.json")
}

pub(crate) fn json_of(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure::new("Store", &error))
}

/// An object that must be there.
pub(crate) async fn stored<T: DeserializeOwned>(store: &Store, key: &str) -> Result<T, Failure> {
    let found = store.get(key).await.map_err(|error| Failure::new("Store", &error))?;
    let found = found.ok_or_else(|| Failure::said("Store", format!("{key} is not in the bucket any more")))?;
    serde_json::from_slice(&found.body)
        .map_err(|error| Failure::said("Store", format!("{key} cannot be read: {error}")))
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
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        Timestamp::from_second(1_793_620_800).unwrap()
    }

    #[test]
    fn a_run_that_ends_leaves_its_report_to_be_told_and_to_be_sent() {
        let mut state = State { run: Some(Underway::begin(noon())), ..State::default() };
        assert_eq!(state.runs(), Runs { unfinished: Some(noon()), finished: None });
        let run = state.run.clone().unwrap();
        assert_eq!(run.id, "20261102T120000Z");
        state.end(&run, noon(), true);
        assert_eq!(state.runs(), Runs { unfinished: None, finished: Some(noon()) });
        assert_eq!((state.untold, state.hub), (Some(run.id.clone()), vec![run.id.clone()]));
        let mut state = State::default();
        state.end(&run, noon(), false);
        assert_eq!(state.hub, Vec::<String>::new());
    }

    #[test]
    fn reports_for_a_hub_that_never_takes_them_do_not_pile_up() {
        let mut state = State::default();
        for number in 0..100 {
            let run = Underway { id: format!("{number:03}"), ..Underway::begin(noon()) };
            state.end(&run, noon(), true);
        }
        assert_eq!((state.hub.len(), state.hub[0].as_str()), (HUB_MAX, "070"));
    }

    #[test]
    fn a_state_that_lacks_what_a_later_version_added_is_read() {
        let state: State = serde_json::from_str("{}").unwrap();
        assert_eq!(state, State::default());
    }
}
