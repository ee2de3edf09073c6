//! Waivers: who said until when, and why, that a finding is to be lived with.
//!
//! | waiver | what becomes of it |
//! |---|---|
//! | tag `pitcrew:waive:RULE` of a service, value `YYYY-MM-DD reason` | holds for findings of RULE about that service, that day included (UTC) |
//! | entry of the waiver file: rule, service or resource (patterns with `*` and `?`), until, reason | the same, for what the patterns match; with both, both must match |
//! | the file is no JSON of this form | none of it holds, and that is a finding: `audit-waiver-malformed` |
//! | its day is over | does not hold, and is a finding: `audit-waiver-expired` |
//! | no reason, no date or none that can be read, an unknown rule, neither service nor resource | does not hold, and is a finding: `audit-waiver-malformed` |
//! | names a rule of the audit itself | does not hold, and is a finding: else a waiver could hide that another has expired |

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::rule::{Chapter, Check, Rule};
use super::{Findings, Fleet, Grade, Group, Resource, ServiceFacts};
use crate::autonomy::Tags;
use crate::glob;

/// What the keys of the tags begin with; the rule's id follows.
pub const TAG: &str = "pitcrew:waive:";

/// A waiver whose day is over.
pub(super) const EXPIRED: &str = "audit-waiver-expired";
/// A waiver that says too little to hold.
pub(super) const MALFORMED: &str = "audit-waiver-malformed";

const CHAPTER: Chapter = Chapter { work: "docs/AUDIT.md of pitcrew", heading: "To live with a finding: waivers" };

/// The rules about waivers. Those about tags are checked here; the engine adds what is wrong with the file.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: EXPIRED,
        group: Group::Audit,
        grade: Grade::Medium,
        title: "A waiver has expired",
        why: "What it waived is open again; the waiver only looks as if somebody had decided.",
        chapter: CHAPTER,
        check: Check::Service(expired_tags),
    },
    Rule {
        id: MALFORMED,
        group: Group::Audit,
        grade: Grade::Medium,
        title: "A waiver does not hold",
        why: "Somebody meant to waive a finding, and it is open all the same: the waiver lacks a reason, a day or a rule.",
        chapter: CHAPTER,
        check: Check::Service(malformed_tags),
    },
];

/// Where a waiver stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaivedBy {
    Tag,
    File,
}

/// A waiver that holds, as the finding that it waives shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    pub by: WaivedBy,
    /// The last day on which it holds.
    pub until: Date,
    pub reason: String,
    /// Who decided it, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

/// One entry of the waiver file. Everything is optional here, so that one bad entry is a finding and not the file's end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entry {
    /// A rule's id.
    pub rule: String,
    /// A pattern of service names or ARNs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// A pattern of ids or names of resources: `subnet-*`, an ARN, `account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `YYYY-MM-DD`, the last day on which it holds.
    pub until: String,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Entry {
    /// The entry in words that stay the same when its day is moved.
    fn words(&self) -> String {
        let scope = [("service", &self.service), ("resource", &self.resource)];
        let scope = scope.iter().filter_map(|(name, pattern)| pattern.as_ref().map(|text| format!(" {name} {text}")));
        let rule = if self.rule.is_empty() { "(no rule)" } else { &self.rule };
        format!("{rule}{}", scope.collect::<String>())
    }

    fn matches(&self, rule: &str, resource: &Resource) -> bool {
        let service = self.service.as_ref().is_none_or(|pattern| {
            resource
                .service()
                .is_some_and(|arn| glob::matches(pattern, arn.name()) || glob::matches(pattern, &arn.to_string()))
        });
        let other = self
            .resource
            .as_ref()
            .is_none_or(|pattern| glob::matches(pattern, &resource.id()) || glob::matches(pattern, resource.name()));
        self.rule == rule && service && other
    }

    /// The waiver, or why it is none.
    fn read(&self) -> Result<Waived, String> {
        if self.service.is_none() && self.resource.is_none() {
            return Err("it names neither a service nor a resource (`*` is every one)".to_owned());
        }
        let who = self.by.clone().filter(|who| !who.trim().is_empty());
        read(WaivedBy::File, &self.rule, &self.until, &self.reason, who)
    }
}

/// The waiver file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    pub waivers: Vec<Entry>,
    /// Why the file cannot be read at all; then none of its waivers holds, and that is a finding.
    #[serde(skip)]
    pub unreadable: Option<String>,
}

impl Waivers {
    /// The file as it was got. One that is no waiver file is a finding of the audit and not its end.
    pub fn read(file: &[u8]) -> Self {
        serde_json::from_slice(file)
            .unwrap_or_else(|error| Self { waivers: Vec::new(), unreadable: Some(error.to_string()) })
    }

    /// The waiver of the file that holds for a finding of the rule about the resource.
    pub(super) fn find(&self, rule: &str, resource: &Resource, now: Timestamp) -> Option<Waived> {
        let matching = self.waivers.iter().filter(|entry| entry.matches(rule, resource));
        matching.filter_map(|entry| entry.read().ok()).find(|waived| waived.until >= day(now))
    }

    /// What is wrong with the file: its expired entries, or those that say too little.
    pub(super) fn trouble(&self, rule: &str, now: Timestamp, out: &mut Findings) {
        if let Some(why) = self.unreadable.as_ref().filter(|_| rule == MALFORMED) {
            let seen = format!("The waiver file cannot be read, so none of its waivers holds: {why}.");
            let fix =
                "Write it as JSON: {\"waivers\": [{\"rule\", \"service\" or \"resource\", \"until\", \"reason\"}]}.";
            out.find(Resource::other("waiver", "the waiver file"), seen, fix, "");
        }
        for entry in &self.waivers {
            let words = entry.words();
            let file = Resource::other("waiver", words.clone());
            match entry.read() {
                Ok(waived) if waived.until < day(now) && rule == EXPIRED => {
                    let seen = format!("The waiver of {words} ended on {}: {}", waived.until, waived.reason);
                    out.find(
                        file,
                        seen,
                        "Mend what it waived and take it out of the file, or decide anew until when.",
                        "",
                    );
                }
                Err(why) if rule == MALFORMED => {
                    let seen = format!("The waiver of {words} in the file does not hold: {why}.");
                    out.find(file, seen, "Write it with rule, service or resource, until (YYYY-MM-DD) and reason.", "");
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
}

/// The waiver of a service's tags that holds for the rule.
pub(super) fn tagged(tags: &Tags, rule: &str, now: Timestamp) -> Option<Waived> {
    let waived = read_tag(rule, tags.get(&format!("{TAG}{rule}"))?).ok()?;
    (waived.until >= day(now)).then_some(waived)
}

/// Every rule that a tag of the service waives now.
pub(super) fn all_tagged(tags: &Tags, now: Timestamp) -> Vec<(String, Waived)> {
    let rules = tags.keys().filter_map(|key| key.strip_prefix(TAG));
    rules.filter_map(|rule| Some((rule.to_owned(), tagged(tags, rule, now)?))).collect()
}

/// The day that a time falls on, in UTC: a waiver ends everywhere at the same moment.
pub(super) fn day(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}

fn read_tag(rule: &str, value: &str) -> Result<Waived, String> {
    let value = value.trim();
    let (until, reason) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    read(WaivedBy::Tag, rule, until, reason, None)
}

fn read(by: WaivedBy, rule: &str, until: &str, reason: &str, who: Option<String>) -> Result<Waived, String> {
    match super::find(rule) {
        None => return Err(format!("there is no rule `{rule}`")),
        Some(rule) if rule.group == Group::Audit => {
            return Err("what the audit says of its own waivers cannot be waived".to_owned());
        }
        Some(_) => {}
    }
    let until = until.trim();
    if until.is_empty() {
        return Err("it has no day on which it ends".to_owned());
    }
    let until = date(until).ok_or_else(|| format!("`{until}` is no day (YYYY-MM-DD)"))?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("it has no reason".to_owned());
    }
    Ok(Waived { by, until, reason: reason.to_owned(), who })
}

/// `YYYY-MM-DD` and nothing else: the other forms of ISO 8601 read as something else to most people.
fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() });
    shaped.then(|| text.parse().ok()).flatten()
}

/// Calls `tell` with each tag that waives something: its key, its value and what it says.
fn each_tag(
    service: &ServiceFacts,
    out: &mut Findings,
    tell: impl Fn(&str, &str, Result<Waived, String>, &mut Findings),
) {
    let resource = Resource::Service { arn: service.arn.clone() };
    if let Some(tags) = out.known(&resource, &service.tags) {
        for (key, value) in tags {
            if let Some(rule) = key.strip_prefix(TAG) {
                tell(key, rule, read_tag(rule, value), out);
            }
        }
    }
}

fn untag(service: &ServiceFacts, key: &str) -> String {
    // Letters, digits, spaces and `_.:/=+-@` are all that a key may hold, so these quotes cannot be left.
    let key = key.replace('\'', r"'\''");
    format!("aws apprunner untag-resource --resource-arn {} --tag-keys '{key}'", service.arn)
}

fn expired_tags(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    each_tag(service, out, |key, rule, read, out| {
        if let Ok(waived) = read
            && waived.until < day(fleet.now)
        {
            out.find_at(
                Resource::Service { arn: service.arn.clone() },
                rule,
                format!("The tag {key} ended on {}: {}", waived.until, waived.reason),
                "Mend what it waived and remove the tag, or decide anew until when.",
                untag(service, key),
            );
        }
    });
}

fn malformed_tags(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    each_tag(service, out, |key, rule, read, out| {
        if let Err(why) = read {
            out.find_at(
                Resource::Service { arn: service.arn.clone() },
                rule,
                format!("The tag {key} waives nothing: {why}."),
                "Give the tag the value `YYYY-MM-DD reason` under a rule's id, or remove it.",
                untag(service, key),
            );
        }
    });
}

#[cfg(test)]
mod tests;
