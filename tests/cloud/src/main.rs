//! The local cloud's command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pitcrew_cloud::demo::{self, Demo};
use pitcrew_cloud::print_stack::{self, PrintStack};
use pitcrew_cloud::serve::{self, Serve};

/// The part of AWS that pitcrew lives in, on loopback, on a clock of its own.
#[derive(Parser)]
#[command(name = "pitcrew-cloud", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(Demo),
    Serve(Serve),
    Stack(PrintStack),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Args::parse().command {
        Command::Demo(args) => ended(demo::run(args).await),
        Command::Serve(args) => ended(serve::run(args).await),
        Command::Stack(args) => ended(print_stack::run(args)),
    }
}

fn ended<E: std::error::Error + 'static>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("pitcrew-cloud: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
