//! The arrows between the crates, as the design draws them: `functions -> lambda -> aws -> core`, `cli -> aws -> core`, tests
//! use everything, and nothing depends on a function, on the cli or on tests. `fleet` stands on `aws`, and only the function
//! for audits and the cli may stand on it: it brings the SDK of EC2 (docs/adr/0007-audit.md).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const CORE: &str = "pitcrew-core";
const AWS: &str = "pitcrew-aws";
const LAMBDA: &str = "pitcrew-lambda";
const FLEET: &str = "pitcrew-fleet";
const AUDIT: &str = "functions/audit";

/// Lines of a function's `main.rs`: it wires, and does nothing else.
const MAIN_LINES_MAX: usize = 25;

/// A package of the workspace: its directory below the root, and its direct dependencies by kind.
struct Package {
    directory: String,
    ordinary: BTreeSet<String>,
    of_tests: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn packages() -> BTreeMap<String, Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version=1", "--no-deps", "--offline", "--locked"]).current_dir(root());
    let metadata: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let package = |package: &Value| {
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let directory = manifest.parent().unwrap().strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let of_kind = |dev: bool| {
            let all = package["dependencies"].as_array().into_iter().flatten();
            let all = all.filter(|dependency| (dependency["kind"] == "dev") == dev);
            all.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
        };
        (
            package["name"].as_str().unwrap().to_owned(),
            Package { directory, ordinary: of_kind(false), of_tests: of_kind(true) },
        )
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

/// Everything that a package needs when it is built without its tests, through all its dependencies.
fn whole_tree(name: &str) -> BTreeSet<String> {
    tree_with(name, &[])
}

/// The same, with flags that choose its features.
fn tree_with(name: &str, features: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "tree",
        "--offline",
        "--locked",
        "--edges=normal",
        "--prefix=none",
        "--format={lib}",
        "--package",
        name,
    ]);
    command.args(features);
    let output = command.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.replace(" (*)", "")).collect()
}

fn ours(names: &BTreeSet<String>) -> BTreeSet<&str> {
    names.iter().map(String::as_str).filter(|name| name.starts_with("pitcrew-")).collect()
}

#[test]
fn the_crates_depend_on_each_other_only_along_the_arrows() {
    for (name, package) in packages() {
        let allowed: BTreeSet<&str> = match package.directory.split('/').next().unwrap() {
            "functions" if package.directory == AUDIT => [FLEET, LAMBDA, AWS, CORE].into(),
            "functions" => [LAMBDA, AWS, CORE].into(),
            "cli" => [FLEET, AWS, CORE].into(),
            "shared" if name == LAMBDA || name == FLEET => [AWS, CORE].into(),
            "shared" if name == AWS => [CORE].into(),
            "shared" => [].into(),
            "tests" => continue,
            other => panic!("{name} lies in {other}, which the design does not know"),
        };
        let used = ours(&package.ordinary);
        assert!(used.is_subset(&allowed), "{name} uses {used:?}, and may use {allowed:?}");
    }
}

#[test]
fn nothing_but_tests_depends_on_a_function_on_the_cli_or_on_tests() {
    let packages = packages();
    let forbidden: BTreeSet<&str> = packages
        .iter()
        .filter(|(_, package)| ["functions", "cli", "tests"].iter().any(|top| package.directory.starts_with(top)))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        forbidden.contains("pitcrew-rollback")
            && forbidden.contains("pitcrew-cloud")
            && forbidden.contains("pitcrew-cli")
    );
    for (name, package) in packages.iter().filter(|(_, package)| !package.directory.starts_with("tests")) {
        let used: Vec<&str> = ours(&package.ordinary).into_iter().filter(|used| forbidden.contains(used)).collect();
        assert_eq!(used, Vec::<&str>::new(), "{name}");
        // A package's own tests may stand on the local cloud, but on no function and not on the cli.
        let used: Vec<&str> = ours(&package.of_tests)
            .into_iter()
            .filter(|used| forbidden.contains(used) && !packages[*used].directory.starts_with("tests"))
            .collect();
        assert_eq!(used, Vec::<&str>::new(), "the tests of {name}");
    }
}

#[test]
fn the_core_knows_no_sdk_no_runtime_and_no_wire() {
    let tree = whole_tree(CORE);
    assert!(tree.contains("jiff"), "the tree was read: {tree:?}");
    for library in &tree {
        let forbidden = ["aws_", "tokio", "hyper", "lambda_", "futures", "reqwest", "rustls"];
        assert!(!forbidden.iter().any(|prefix| library.starts_with(prefix)), "{library} is in the core's tree");
    }
}

#[test]
fn the_command_can_be_built_without_the_audit_and_the_sdk_of_ec2() {
    assert!(whole_tree("pitcrew-cli").contains("aws_sdk_ec2"), "with its audit it needs it");
    let without = tree_with("pitcrew-cli", &["--no-default-features"]);
    assert!(without.contains("aws_sdk_apprunner") && !without.contains("aws_sdk_ec2"), "{without:?}");
}

#[test]
fn only_pitcrew_aws_pitcrew_fleet_and_tests_name_the_sdk() {
    for (name, package) in packages() {
        if name == AWS || name == FLEET || package.directory.starts_with("tests") {
            continue;
        }
        // How the operator's machine finds its credentials and region is aws-config's business, and the cli's.
        let may = |used: &str| used == "aws-config" && name == "pitcrew-cli";
        let sdk =
            |used: &&String| used.starts_with("aws-sdk-") || used.starts_with("aws-smithy") || *used == "aws-config";
        let used: Vec<&String> = package.ordinary.iter().filter(sdk).filter(|used| !may(used)).collect();
        assert_eq!(used, Vec::<&String>::new(), "{name}");
    }
}

#[test]
fn the_main_of_a_function_only_wires() {
    let functions: Vec<String> = packages()
        .into_values()
        .filter(|package| package.directory.starts_with("functions"))
        .map(|package| package.directory)
        .collect();
    assert!(functions.len() >= 2);
    for directory in functions {
        let main = std::fs::read_to_string(root().join(&directory).join("src/main.rs")).unwrap();
        let lines = main.lines().count();
        assert!(lines <= MAIN_LINES_MAX, "{directory}/src/main.rs has {lines} lines");
        assert!(root().join(&directory).join("README.md").exists(), "{directory} has no README.md");
    }
}
