//! The README and the command line say the same: every command has its section, every flag is named.

use clap::CommandFactory as _;

use crate::args::Args;

const README: &str = include_str!("../README.md");

/// `releases SERVICE mark-good DIGEST`, `rollback SERVICE [--to DIGEST] [--no-wait] [--yes]`: each command that can be run.
fn synopses() -> Vec<String> {
    let mut all = Vec::new();
    walk(&Args::command(), "", &mut all);
    all
}

fn walk(command: &clap::Command, before: &str, all: &mut Vec<String>) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let mut words = vec![before.to_owned(), sub.get_name().to_owned()];
        for argument in sub.get_positionals() {
            let name = argument.get_id().as_str().to_uppercase();
            words.push(if argument.is_required_set() { name } else { format!("[{name}]") });
        }
        // Where a request stands in the place of the arguments, they are none of its words.
        let alone = sub.is_args_conflicts_with_subcommands_set();
        let path = if alone { words[..2].join(" ") } else { words.join(" ") }.trim().to_owned();
        for argument in sub.get_opts().filter(|argument| !argument.is_global_set()) {
            let value = argument.get_value_names().and_then(|names| names.first());
            let value = match value {
                Some(value) if argument.get_action().takes_values() => format!(" {value}"),
                _ => String::new(),
            };
            words.push(format!("[--{}{value}]", argument.get_long().unwrap_or_default()));
        }
        all.push(words.join(" ").trim().to_owned());
        walk(sub, &path, all);
    }
}

fn sections() -> Vec<String> {
    let heading = |line: &str| line.strip_prefix("### `pitcrew ")?.strip_suffix('`').map(str::to_owned);
    README.lines().filter_map(heading).collect()
}

#[test]
fn every_command_has_its_section_and_no_section_is_left_over() {
    assert_eq!(sections(), synopses());
}

#[test]
fn every_flag_of_the_account_is_named() {
    let command = Args::command();
    for flag in command.get_opts().filter_map(|argument| argument.get_long()) {
        assert!(README.contains(&format!("`--{flag}")), "--{flag} is not in the README");
    }
}

#[test]
fn the_examples_are_what_is_really_printed() {
    // The snapshots are held by the tests of the views; here they only have to be in the README, word for word.
    let examples = [
        "releases__tests__a_ledger_fits_into_eighty_columns",
        "plan__tests__what_is_confirmed_is_what_is_asked",
        "act__tests__an_action_for_people",
        "incidents__tests__incidents_for_people",
        "explain__tests__a_story_for_people",
        "switches__tests__a_pause_for_people_and_programs",
        "switches__tests__a_breaker_for_people_and_programs",
        "doctor__tests__a_check_for_people_and_programs",
        "audit__view__tests__the_worst_of_an_audit_says_what_is_not_shown",
        "domains__list__tests__the_domains_of_a_service_for_people",
        "domains__plan__tests__a_plan_for_people",
        "domains__act__tests__a_domain_that_became_active_for_people",
        "domains__act__tests__only_records_that_stand_and_are_not_ours_are_taken_over",
        "domains__remove__tests__what_goes_is_listed_before_anything_is_asked",
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/commands");
    for name in examples {
        let below = match name.split_once("__") {
            Some((group @ ("audit" | "domains"), _)) => format!("{group}/snapshots"),
            _ => "snapshots".to_owned(),
        };
        let path = format!("{folder}/{below}/pitcrew_cli__commands__{name}.snap");
        let snapshot = std::fs::read_to_string(path).unwrap();
        let (_, shown) = snapshot.split_once("\n---\n").unwrap();
        assert!(README.contains(shown.trim_end()), "the README does not show {name}:\n{shown}");
    }
}
