//! The rules as tables of a document, one a group, in the order in which people read them.

use pitcrew_core::audit::{Chapter, Grade, Group, all};

/// What the tables stand between.
pub const BEGIN: &str = "<!-- rules:begin -->";
pub const END: &str = "<!-- rules:end -->";

/// The page with the tables of now in their place; `None` where it has no place for them.
pub fn into(page: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", tables()))
}

fn tables() -> String {
    let counts = Grade::ALL.map(|grade| {
        let count = all().filter(|rule| rule.grade == grade).count();
        format!("{count} {}", grade.as_str())
    });
    let mut out = format!("{} rules: {}.\n", all().count(), counts.join(", "));
    for group in Group::ALL {
        out += &format!(
            "\n### {} (`{}`)\n\n| Rule | Grade | Finds | Why | Source |\n|---|---|---|---|---|\n",
            group.title(),
            group.as_str()
        );
        for rule in all().filter(|rule| rule.group == group) {
            let cells = [rule.title, rule.why, &source(&rule.chapter)].map(cell);
            out += &format!("| `{}` | {} | {} |\n", rule.id, rule.grade.as_str(), cells.join(" | "));
        }
    }
    out
}

/// Nearly all are chapters of the guide, which the page says once.
fn source(chapter: &Chapter) -> String {
    match chapter.work {
        "App Runner developer guide" => format!("“{}”", chapter.heading),
        work => format!("{work}: “{}”", chapter.heading),
    }
}

/// A text as a cell can hold it: a bar would end the cell, a sign of HTML begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
