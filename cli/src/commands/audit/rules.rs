//! `pitcrew audit --list-rules`: what is looked for, and where it comes from.

use std::fmt::Write as _;

use pitcrew_core::audit::{Report, Rule, RuleLine, Selection, all};
use serde::Serialize;

use super::view::toned_to;
use crate::commands::incidents::wrapped;
use crate::output::{Screen, View};
use crate::words::{Tone, toned};

/// Stands in a report for every rule, where nothing of a resource could be read.
pub const EVERY_RULE: &str = "*";

/// The document of `pitcrew audit --list-rules --json`.
#[derive(Debug, Serialize)]
pub struct Rules {
    rules: Vec<RuleLine>,
}

impl Rules {
    /// The rules that are wanted, in the order in which people read them.
    pub fn of(wanted: &Selection) -> Self {
        let grade = |rule: &&Rule| wanted.grade.is_none_or(|grade| rule.grade >= grade);
        let rules = all().filter(|rule| wanted.wants_rule(rule.id, Some(rule.group))).filter(grade);
        Self { rules: rules.map(Report::rule_line).collect() }
    }
}

impl View for Rules {
    fn text(&self, screen: &Screen) -> String {
        let mut out = String::new();
        let mut group = None;
        for rule in &self.rules {
            if group.replace(rule.group).is_some_and(|before| before != rule.group) {
                out.push('\n');
            }
            // What is copied and searched for, the id, stands on one line with its group and grade.
            let (grade, id) = (toned_to(rule.grade, 10), toned(Tone::Strong, &rule.id));
            let _infallible = writeln!(out, "{grade}{id}  {}", rule.group.as_str());
            out.push_str(&wrapped(&rule.title, usize::from(screen.width), 10));
            let chapter = format!("{}: {}", rule.chapter.work, rule.chapter.heading);
            let chapter = wrapped(&chapter, usize::from(screen.width), 10);
            let _infallible = writeln!(out, "{}", toned(Tone::Quiet, chapter.trim_end()));
        }
        let _infallible = writeln!(out, "\n{} rules", self.rules.len());
        out
    }
}

#[cfg(test)]
mod tests {
    use pitcrew_core::audit::{Grade, Group};

    use super::*;
    use crate::samples::text;

    #[test]
    fn every_rule_is_listed_and_a_selection_narrows_the_list() {
        assert_eq!(Rules::of(&Selection::default()).rules.len(), all().count());
        let groups = vec![Group::Audit];
        let wanted = Selection { groups: groups.clone(), ..Selection::default() };
        let shown = text(&Rules::of(&wanted));
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        insta::assert_snapshot!(shown);
        assert!(Rules::of(&Selection { groups, grade: Some(Grade::High), ..Selection::default() }).rules.is_empty());
    }

    #[test]
    fn rules_for_programs_name_their_chapter() {
        let rules = vec!["audit-waiver-expired".to_owned()];
        insta::assert_json_snapshot!(Rules::of(&Selection { rules, ..Selection::default() }));
    }
}
