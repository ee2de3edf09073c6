//! `pitcrew audit --list-rules`: what is looked for, and where it comes from.

use pitcrew_core::audit::{Report, Rule, RuleLine, Selection, all};
use serde::Serialize;

use super::view::toned_grade;
use crate::output::{Screen, View, lines, table};

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
        let mut rules = table(screen, &["RULE", "GRADE", "GROUP", "FINDS", "CHAPTER"]);
        for rule in &self.rules {
            rules.add_row([
                rule.id.clone(),
                toned_grade(rule.grade),
                rule.group.as_str().to_owned(),
                rule.title.clone(),
                format!("{}: {}", rule.chapter.work, rule.chapter.heading),
            ]);
        }
        lines(&rules)
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
