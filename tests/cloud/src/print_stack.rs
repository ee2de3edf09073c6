//! `pitcrew-cloud stack`: the resolved template as JSON, so that other tools can compare it with what they make of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use crate::call::Place;
use crate::template::{Inputs, TemplateError, interpret};

/// Prints a template with everything resolved, as JSON. Secret values are left out.
#[derive(Debug, clap::Args)]
pub struct PrintStack {
    /// The template's file.
    #[arg(default_value = "infra/template.yaml")]
    template: PathBuf,
    /// A parameter of the template, such as Autonomy=act; may be given more than once.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    #[arg(long, default_value = "pitcrew")]
    stack_name: String,
    #[arg(long, default_value = "eu-west-1")]
    region: String,
    #[arg(long, default_value = "123456789012")]
    account: String,
}

/// Why there is no stack to print.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    #[error("--parameter {0}: write NAME=VALUE, for example Autonomy=act")]
    Parameter(String),
    #[error("cannot read {path}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("cannot write the stack as JSON")]
    Json(#[source] serde_json::Error),
    #[error("cannot write to the terminal")]
    Print(#[source] std::io::Error),
}

/// Runs the command.
///
/// # Errors
/// Where the template cannot be read or is refused.
pub fn run(args: PrintStack) -> Result<(), PrintError> {
    let mut parameters = BTreeMap::new();
    for given in &args.parameters {
        let (name, value) = given.split_once('=').ok_or_else(|| PrintError::Parameter(given.clone()))?;
        parameters.insert(name.to_owned(), value.to_owned());
    }
    let unreadable = |source| PrintError::Unreadable { path: args.template.clone(), source };
    let text = std::fs::read_to_string(&args.template).map_err(unreadable)?;
    let place = Place { partition: "aws".to_owned(), region: args.region, account: args.account };
    let inputs = Inputs { stack_name: args.stack_name, place, parameters, physical: BTreeMap::new() };
    let stack = serde_json::to_string_pretty(&interpret(&text, &inputs)?).map_err(PrintError::Json)?;
    writeln!(anstream::stdout().lock(), "{stack}").map_err(PrintError::Print)
}
