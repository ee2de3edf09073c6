//! Where the functions' binaries are.
//!
//! Cargo builds no binary of a dependency (and `CARGO_BIN_EXE_*` is for a package's own), so somebody must ask for them. What is
//! selected decides the features of everything: `--workspace` is what the tests themselves were built with, so here cargo finds
//! the libraries fresh and links at the most; `--package pitcrew-rollback` would compile the AWS SDK a second time, with fewer
//! features. Asked once a process, and built into the target directory of the running test.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::scene::{AUDIT, FUNCTIONS};

/// The directory that holds the functions' binaries, as new as the sources.
pub fn binaries() -> PathBuf {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| build(&FUNCTIONS)).clone().expect("the functions build; cargo's own words are above")
}

/// The same with the function for audits, which brings the SDK of EC2: only those who need it wait for that.
pub fn binaries_with_audit() -> PathBuf {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| build(&[&FUNCTIONS[..], &[AUDIT]].concat())).clone().expect("the functions build")
}

/// The operator's command, ready to be given its arguments.
pub fn operator() -> Command {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build(&["pitcrew"])).clone().expect("the command builds");
    Command::new(built.join("pitcrew"))
}

/// Nothing where they do not build: cargo says why once, and not once a test.
fn build(functions: &[&str]) -> Option<PathBuf> {
    // .../target/<profile>/deps/<this test>
    let test = std::env::current_exe().expect("a running test has a path");
    let profile = test.ancestors().nth(2).expect("a test lies in target/<profile>/deps").to_owned();
    let target = profile.parent().expect("a profile lies in the target directory");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--offline", "--workspace"]);
    command.args(functions.iter().flat_map(|function| ["--bin", function])).arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let status = command.current_dir(workspace).stdout(Stdio::null()).status().expect("cargo can be run");
    status.success().then_some(profile)
}
