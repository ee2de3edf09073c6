//! The trend: one line for each of the last runs, kept beside the reports because reports are large and lines are not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Counts, Report};

/// Runs that are kept: a run a day for more than a year. A line is some 150 bytes, so the whole list is some 60 kB.
pub const RUNS_MAX: usize = 400;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendLine {
    pub run: String,
    /// When it finished.
    pub at: Timestamp,
    /// Open findings.
    pub counts: Counts,
    pub waived: u32,
    /// Services that were audited.
    pub services: u32,
    /// Pairs of a rule and a resource that could not be checked.
    pub unchecked: u32,
}

/// The last runs, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trend {
    pub runs: Vec<TrendLine>,
}

impl Trend {
    /// Adds a run. The same run again takes its own place, so that a retry changes nothing; what is too old falls off.
    pub fn push(&mut self, line: TrendLine) {
        self.runs.retain(|known| known.run != line.run);
        self.runs.push(line);
        self.runs.sort_by(|a, b| (a.at, &a.run).cmp(&(b.at, &b.run)));
        let surplus = self.runs.len().saturating_sub(RUNS_MAX);
        self.runs.drain(..surplus);
    }
}

impl Report {
    /// This run's line of the trend.
    pub fn trend_line(&self) -> TrendLine {
        TrendLine {
            run: self.run.clone(),
            at: self.finished,
            counts: self.counts,
            waived: self.waived,
            services: self.audited,
            unchecked: self.unchecked,
        }
    }
}
