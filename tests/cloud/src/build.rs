//! Builds the functions' binaries with cargo, as an operator's machine would, but for this machine and quickly.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::stage::AUDIT;

/// The functions of an ordinary stage; [`AUDIT`] is left to those who ask for it.
const BINARIES: [&str; 4] = ["pitcrew-rollback", "pitcrew-domains", "pitcrew-certificates", "pitcrew-notify"];

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("cannot run {cargo:?}; is a Rust toolchain installed?")]
    NoCargo { cargo: OsString, source: std::io::Error },
    #[error("building the functions failed; cargo's own words are above")]
    Failed,
    #[error("this workspace has no target directory that can be found from {0}")]
    NoTarget(PathBuf),
}

/// Builds the functions and gives the directory that holds their binaries. Cargo's progress goes to standard error.
/// `with_audit`: [`AUDIT`] as well, which the first time takes as long as all the rest.
///
/// # Errors
/// Where cargo cannot be run or the code does not compile.
pub fn build_functions(with_audit: bool) -> Result<PathBuf, BuildError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let workspace = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut command = Command::new(&cargo);
    // Of the whole workspace, as the tests and `cargo demo` are: cargo unites the features of what is selected, so a selection
    // of its own would compile the SDK once more.
    command.args(["build", "--locked", "--workspace"]).current_dir(&workspace).stdout(Stdio::null());
    let binaries: Vec<&str> = BINARIES.into_iter().chain(with_audit.then_some(AUDIT)).collect();
    for binary in &binaries {
        command.args(["--bin", binary]);
    }
    eprintln!("building {} ...", binaries.join(" and "));
    if with_audit {
        eprintln!("{AUDIT} brings the SDK of EC2: building it for the first time takes some minutes");
    }
    let status = command.status().map_err(|source| BuildError::NoCargo { cargo, source })?;
    if !status.success() {
        return Err(BuildError::Failed);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let binaries = target.join("debug");
    binaries.canonicalize().map_err(|_| BuildError::NoTarget(binaries))
}
