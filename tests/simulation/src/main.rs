//! The simulation: the handlers of rollback and notify, with their real SDK clients, against the local cloud in one process
//! and on its clock. Each seed is one run in which people act, calls and events go wrong and functions are killed; then comes
//! a calm, and the rules of [`rules`] are looked at. The same seed is the same run, to the last entry of its history.

mod acts;
mod chance;
mod goals;
mod play;
mod rules;
mod sandboxes;
mod wire;

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use pitcrew_cloud::history::Entry;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::goals::Goals;

/// Plays pitcrew's rollback and notify functions through faults, a seed at a time, and checks what must always hold.
///
/// The functions' own metrics go to standard output, what the simulation says to standard error.
#[derive(Debug, Parser)]
#[command(name = "pitcrew-simulation")]
struct Args {
    /// Which seeds, such as 0..100 (without the last); one number is that seed alone
    #[arg(long, value_name = "A..B", default_value = "0..20", value_parser = seeds)]
    seeds: Range<u64>,
    /// Write the report to FILE as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the history of the last seed to FILE, an entry a line
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    match text.split_once("..") {
        Some((from, to)) => match number(from)?..number(to)? {
            none if none.is_empty() => {
                Err(format!("`{text}` holds no seed; the second number is the first that is left out"))
            }
            seeds => Ok(seeds),
        },
        None => number(text).map(|seed| seed..seed + 1),
    }
}

fn main() -> ExitCode {
    match campaign(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("pitcrew-simulation: {error}");
            ExitCode::from(2)
        }
    }
}

/// An entry of the history. The SDK's maps have another order in each process; their members are sorted here.
fn line(entry: &Entry) -> String {
    let mut entry = json!(entry);
    entry.sort_all_objects();
    format!("{entry}\n")
}

/// How often a long campaign says where it is.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// Whether everything held.
fn campaign(args: &Args) -> std::io::Result<bool> {
    let began = Instant::now();
    let mut told = began;
    let mut goals = Goals::default();
    let (mut broken, mut traces) = (serde_json::Map::new(), serde_json::Map::new());
    for seed in args.seeds.clone() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (found, history) = runtime.block_on(async {
            let run = play::play(seed).await;
            goals.count(&run);
            let found = rules::broken(&run);
            let history: String = run.scene.history().iter().map(line).collect();
            run.close().await;
            (found, history)
        });
        let trace: String = Sha256::digest(&history).iter().map(|byte| format!("{byte:02x}")).collect();
        traces.insert(seed.to_string(), json!(trace));
        for what in &found {
            eprintln!("seed {seed}: {what}\n  again with --seeds {seed} --history FILE");
        }
        if !found.is_empty() {
            broken.insert(seed.to_string(), json!(found));
        }
        if let Some(path) = &args.history {
            std::fs::write(path, history)?;
        }
        if told.elapsed() > TELL_EVERY {
            told = Instant::now();
            eprintln!("seed {seed} of {}..{} is over, {} broke a rule", args.seeds.start, args.seeds.end, broken.len());
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let runs = args.seeds.end.saturating_sub(args.seeds.start);
    eprint!("{goals}");
    eprintln!("{runs} seeds in {seconds:.1} s ({:.2} a second), {} broke a rule", runs as f64 / seconds, broken.len());
    let held = broken.is_empty();
    if let Some(path) = &args.report {
        let report = json!({"seconds": seconds, "counts": goals.to_json(), "broken": broken, "traces": traces});
        std::fs::write(path, format!("{report:#}\n"))?;
    }
    Ok(held)
}
