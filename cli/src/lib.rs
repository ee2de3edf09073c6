//! `pitcrew`, the operator's command: what pitcrew remembers, and the switches and actions that are a person's.
//!
//! It decides nothing: a rollback by hand takes the engine's one path, with the same intent, fence and receipts as the
//! automatic one. Reading order: [`args`] is what may be asked; [`session`] reaches AWS and the stack, [`domain_session`] the
//! DNS too; [`find`] turns names into ARNs, digests and domains; [`commands`] are the answers; [`output`] and [`words`] are how they are printed; [`failure`] is how
//! a command ends. It holds no emulator: `--endpoint-url` points it at one.

pub mod args;
pub mod commands;
pub mod domain_session;
pub mod failure;
pub mod find;
pub mod output;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod samples;
pub mod session;
pub mod words;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Args;
use crate::failure::Exit;
use crate::output::Output;

/// Reads the command line, runs the command, prints what it came to.
pub async fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let printed = error.print();
            let wrong = error.use_stderr() || printed.is_err();
            return if wrong { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let output = Output::new(args.global.json, args.global.color);
    match commands::run(&args, &output).await {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}
