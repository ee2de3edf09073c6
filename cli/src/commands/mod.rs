//! The commands, one file a group. Each reads what it needs, then prints one view; the actions go through the engine.

pub mod act;
pub mod audit;
pub mod doctor;
pub mod domains;
pub mod exit_plan;
pub mod explain;
pub mod follow;
pub mod incidents;
pub mod plan;
pub mod releases;
pub mod switches;

use crate::args::{Args, BreakerAction, Command, ReleasesAction};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use act::{Asked, Manner};

/// Runs one command to its exit code.
pub async fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let global = &args.global;
    match &args.command {
        Command::Releases { service, action: None } => releases::show(global, output, service).await,
        Command::Releases { service, action: Some(ReleasesAction::MarkGood { digest }) } => {
            let asked = Asked::MarkGood { digest: digest.clone() };
            act::run(global, output, service, &asked, Manner { wait: false, ask: false }).await
        }
        Command::Rollback { service, to, no_wait, yes } => {
            let asked = Asked::Rollback { to: to.clone() };
            act::run(global, output, service, &asked, Manner { wait: !no_wait, ask: !yes }).await
        }
        Command::Unpin { service, no_wait, yes } => {
            act::run(global, output, service, &Asked::Unpin, Manner { wait: !no_wait, ask: !yes }).await
        }
        Command::Incidents { all, limit } => incidents::show(global, output, *all, *limit).await,
        Command::Domains { service, action } => domains::run(global, output, service.as_deref(), action.as_ref()).await,
        Command::Explain { subject, service, limit } => {
            explain::run(global, output, subject.as_deref(), service.as_deref(), *limit).await
        }
        Command::Pause { reason } => switches::pause(global, output, reason).await,
        Command::Resume => switches::resume(global, output).await,
        Command::Breaker { action: None } => switches::breaker(global, output).await,
        Command::Breaker { action: Some(BreakerAction::Clear) } => switches::clear(global, output).await,
        Command::ExitPlan { service, output: file } => exit_plan::run(global, output, service, file.as_deref()).await,
        Command::Audit(asked) => audit::run(global, output, asked).await,
        Command::Doctor => doctor::run(global, output).await,
    }
}
