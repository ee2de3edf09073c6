//! `cargo demo`: the stories that pitcrew is for, played by the functions' own binaries on the local cloud.
//!
//! Each story has a stage of its own and ends with a look at what really became of it; the demo succeeds only if all of them
//! ended as they should. Virtual time, real programs, real wire.

mod ending;
mod play;
mod shop;
mod stories;
mod timeline;
pub mod web;

use std::io::Write as _;
use std::path::PathBuf;

use crate::build::{BuildError, build_functions};
use crate::stage::StageError;

pub use ending::Ending;
pub use play::Play;
pub use stories::Story;

/// Plays the stories of a failed, an unhealthy and a stranded deployment on the local cloud.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Play only this story; may be given more than once.
    #[arg(long = "story", value_name = "NAME", value_enum)]
    stories: Vec<Story>,
    /// Write every call, event, invocation, notice and receipt to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Use the binaries of this directory instead of building them.
    #[arg(long, value_name = "DIRECTORY")]
    binaries: Option<PathBuf>,
    /// Write the page of the story `audit` to this file.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

/// Why the demo cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("the functions cannot be built")]
    Build(#[from] BuildError),
    #[error("the stage cannot be used")]
    Stage(#[from] StageError),
    #[error("the cloud's clock is stuck")]
    Stuck(#[from] crate::cloud::Stuck),
    #[error("the first release did not become good within an hour of the cloud's time")]
    NeverGood,
    #[error("the service did not run within half an hour of the cloud's time")]
    NeverRunning,
    #[error("a fault of the story is none")]
    Fault(#[source] serde_json::Error),
    #[error("the history cannot be written to {path}")]
    History { path: PathBuf, source: std::io::Error },
    #[error("the page cannot be written to {path}")]
    Page { path: PathBuf, source: std::io::Error },
    #[error("the fleet cannot be planted")]
    Fleet(#[from] crate::fleet::FleetError),
    #[error("the audit function cannot be invoked")]
    Invoke(#[from] crate::lambda::InvokeError),
    #[error("the audit came to no report: {0}")]
    NoReport(String),
    #[error("cannot write to the terminal")]
    Print(#[from] std::io::Error),
    #[error("{0} of the stories did not end as it should; see above")]
    WrongEnd(usize),
}

/// Plays what was asked for.
///
/// # Errors
/// Where a story cannot be played, or does not end as it should.
pub async fn run(args: Demo) -> Result<(), DemoError> {
    let stories = if args.stories.is_empty() { Story::all() } else { args.stories };
    let binaries = match args.binaries {
        Some(directory) => directory,
        None => build_functions(stories.contains(&Story::Audit))?,
    };
    let mut history = String::new();
    let mut wrong = 0;
    for (number, story) in stories.iter().enumerate() {
        let play = Play::begin(*story, binaries.clone()).await?;
        let ending = play.perform().await?;
        let mut out = anstream::stdout().lock();
        timeline::print(&mut out, number + 1, *story, &ending)?;
        wrong += usize::from(!ending.right());
        if let Some(page) = &ending.page {
            keep_page(&mut out, page, args.page.as_ref())?;
        }
        if args.history.is_some() {
            history.push_str(&ending.history_lines(*story));
        }
    }
    if let Some(path) = args.history {
        std::fs::write(&path, history).map_err(|source| DemoError::History { path: path.clone(), source })?;
        let mut out = anstream::stdout().lock();
        writeln!(out, "The whole history is in {}.", path.display())?;
    }
    if wrong > 0 { Err(DemoError::WrongEnd(wrong)) } else { Ok(()) }
}

/// Writes the page of a report where it is wanted, else among the temporary files: only then its place is not part of what a
/// story says.
fn keep_page(out: &mut impl std::io::Write, page: &[u8], wanted: Option<&PathBuf>) -> Result<(), DemoError> {
    let path = wanted.cloned().unwrap_or_else(|| std::env::temp_dir().join("pitcrew-audit.html"));
    std::fs::write(&path, page).map_err(|source| DemoError::Page { path: path.clone(), source })?;
    match wanted {
        Some(path) => writeln!(out, "The page of the report is in {}.", path.display())?,
        None => {
            writeln!(out, "The page of the report is a temporary file; --page FILE keeps it where you want it.")?;
            anstream::eprintln!("{}", path.display());
        }
    }
    Ok(())
}
