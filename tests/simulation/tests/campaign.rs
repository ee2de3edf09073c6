//! A small campaign, as every change gets it, and the proof that a seed is a run.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test at once")]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The seeds of every change; `pitcrew-simulation --seeds` plays as many as one likes.
const SEEDS: [&str; 2] = ["0..6", "6..12"];
/// Played twice, in two processes at the same time.
const AGAIN: &str = "2..4";
/// What a campaign must have seen, or it proves little.
const SEEN: [&str; 12] = [
    "rollbacks",
    "ended rolled_back",
    "ended stood_down",
    "events lost",
    "fault throttle",
    "fault error",
    "fault lost-answer",
    "fault kill-before",
    "fault kill-after",
    "fault stale-read",
    "rule reverted-by-app-runner",
    "rule rollback-failed",
];

struct Campaign {
    child: Child,
    folder: PathBuf,
}

impl Campaign {
    /// Starts it. Its metrics go nowhere, its words to a file.
    fn start(name: &str, seeds: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pitcrew-simulation"));
        command.args(["--seeds", seeds, "--report"]).arg(folder.join("report.json"));
        let words = File::create(folder.join("words.txt")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words).spawn().unwrap();
        Self { child, folder }
    }

    /// Its report, when it has ended well.
    fn report(mut self) -> Value {
        let status = self.child.wait().unwrap();
        let words = std::fs::read_to_string(self.folder.join("words.txt")).unwrap();
        assert!(status.success(), "{words}");
        let report = serde_json::from_slice(&std::fs::read(self.folder.join("report.json")).unwrap()).unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
        report
    }
}

#[test]
fn no_rule_breaks_and_every_trouble_is_met() {
    let campaigns = SEEDS.map(|seeds| Campaign::start(seeds, seeds));
    let reports = campaigns.map(Campaign::report);
    let counted = |what: &str| reports.iter().filter_map(|report| report["counts"][what].as_u64()).sum::<u64>();
    let unseen: Vec<&str> = SEEN.into_iter().filter(|what| counted(what) == 0).collect();
    assert_eq!(unseen, Vec::<&str>::new(), "in {SEEDS:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let [one, other] = ["one", "other"].map(|name| Campaign::start(name, AGAIN)).map(Campaign::report);
    assert_eq!(one["traces"], other["traces"]);
    assert_eq!(one["traces"].as_object().unwrap().len(), 2);
}

#[test]
fn seeds_that_are_none_are_refused_with_the_reason() {
    for (seeds, why) in
        [("5..5", "holds no seed"), ("5..3", "holds no seed"), ("a..3", "`a` is no number"), ("", "is no number")]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_pitcrew-simulation")).args(["--seeds", seeds]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(why), "{seeds}: {said}");
    }
}
