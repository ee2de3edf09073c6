//! What a lifecycle policy of ECR will do to one image, from the policy's document and the images of the repository.
//!
//! | of the policy | what it means (ECR user guide, "Lifecycle policy evaluation rules" and "Lifecycle policy properties") |
//! |---|---|
//! | `rulePriority` | the lowest number is applied first |
//! | `tagStatus` `tagged` | the image has for every entry of `tagPrefixList` or `tagPatternList` a tag that matches it |
//! | `untagged`, `any` | the image has no tag; every image |
//! | an image that a rule selects | no rule after it can expire it, even where the first one keeps it |
//! | `imageCountMoreThan` | the selected images from the youngest to the oldest; those beyond the number expire. Images of earlier rules are counted too |
//! | `sinceImagePushed` | the selected images that were pushed more than so many days ago expire |
//! | anything else (`transition`, `sinceImagePulled`, a storage class) | is not evaluated: the answer is an error, never a guess |

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::glob;
use crate::id::Digest;

/// One image of the repository.
pub type Image = (Digest, Vec<String>, Timestamp);

/// What becomes of an image, as the repository stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No rule will ever expire it, as long as its tags stay.
    Stays,
    /// By age: at this time, and within 24 hours after it.
    At(Timestamp),
    /// By count: with so many further pushes of images that the same rule selects. 0: within 24 hours.
    AfterPushes(usize),
}

/// Why a policy cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    #[error("its lifecycle policy is not what ECR documents ({0})")]
    Document(String),
    #[error("rule {priority} of its lifecycle policy has {what}, which pitcrew does not evaluate")]
    Unknown { priority: i64, what: String },
}

#[derive(Debug, Deserialize)]
struct Document {
    rules: Vec<RuleDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleDocument {
    rule_priority: i64,
    selection: Selection,
    action: Action,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    tag_status: String,
    #[serde(default)]
    tag_prefix_list: Vec<String>,
    #[serde(default)]
    tag_pattern_list: Vec<String>,
    count_type: String,
    #[serde(default)]
    count_unit: Option<String>,
    count_number: usize,
    #[serde(default)]
    storage_class: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
}

/// Which images a rule selects.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Selects {
    Any,
    Untagged,
    /// Patterns with `*`; an image has a tag for each of them.
    Tagged(Vec<String>),
}

/// Which of the selected images it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expires {
    MoreThan(usize),
    OlderThan { days: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct LifecycleRule {
    priority: i64,
    selects: Selects,
    expires: Expires,
}

/// A lifecycle policy, in the order in which its rules are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle(Vec<LifecycleRule>);

impl Lifecycle {
    pub fn parse(text: &str) -> Result<Self, LifecycleError> {
        let document: Document =
            serde_json::from_str(text).map_err(|error| LifecycleError::Document(error.to_string()))?;
        let mut rules = document.rules.into_iter().map(read_rule).collect::<Result<Vec<_>, _>>()?;
        rules.sort_by_key(|rule| rule.priority);
        Ok(Self(rules))
    }

    /// What becomes of this image; `None` where it is not among the images.
    pub fn fate(&self, images: &[Image], digest: &Digest) -> Option<Fate> {
        let (_, tags, pushed_at) = images.iter().find(|(known, ..)| known == digest)?;
        let Some(rule) = self.0.iter().find(|rule| rule.selects.matches(tags)) else { return Some(Fate::Stays) };
        Some(match rule.expires {
            Expires::OlderThan { days } => age_limit(*pushed_at, days).map_or(Fate::Stays, Fate::At),
            Expires::MoreThan(kept) => {
                let younger = images
                    .iter()
                    .filter(|(known, tags, at)| known != digest && rule.selects.matches(tags) && at > pushed_at)
                    .count();
                Fate::AfterPushes(kept.saturating_sub(younger))
            }
        })
    }
}

/// When an image of this age limit expires; `None` where that is beyond all time.
fn age_limit(pushed_at: Timestamp, days: i64) -> Option<Timestamp> {
    pushed_at.checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok()
}

fn read_rule(rule: RuleDocument) -> Result<LifecycleRule, LifecycleError> {
    let RuleDocument { rule_priority: priority, selection, action } = rule;
    let unknown = |what: String| LifecycleError::Unknown { priority, what };
    if action.kind != "expire" {
        return Err(unknown(format!("the action `{}`", action.kind)));
    }
    if let Some(class) = selection.storage_class.filter(|class| class != "standard") {
        return Err(unknown(format!("the storage class `{class}`")));
    }
    let selects = match selection.tag_status.as_str() {
        "any" => Selects::Any,
        "untagged" => Selects::Untagged,
        "tagged" => {
            let prefixes = selection.tag_prefix_list.into_iter().map(|prefix| format!("{prefix}*"));
            Selects::Tagged(prefixes.chain(selection.tag_pattern_list).collect())
        }
        other => return Err(unknown(format!("the tag status `{other}`"))),
    };
    if selects == Selects::Tagged(Vec::new()) {
        return Err(unknown("neither a tag prefix nor a tag pattern".to_owned()));
    }
    let unit = selection.count_unit.unwrap_or_else(|| "days".to_owned());
    let expires = match (selection.count_type.as_str(), unit.as_str()) {
        ("imageCountMoreThan", _) => Expires::MoreThan(selection.count_number),
        ("sinceImagePushed", "days" | "day") => {
            Expires::OlderThan { days: i64::try_from(selection.count_number).unwrap_or(i64::MAX) }
        }
        (kind, unit) => return Err(unknown(format!("the count `{kind}` in {unit}"))),
    };
    Ok(LifecycleRule { priority, selects, expires })
}

impl Selects {
    fn matches(&self, tags: &[String]) -> bool {
        match self {
            Self::Any => true,
            Self::Untagged => tags.is_empty(),
            Self::Tagged(patterns) => patterns.iter().all(|pattern| tags.iter().any(|tag| glob::matches(pattern, tag))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples::{days_ago, digest};
    use super::*;

    fn rule(priority: i64, selection: serde_json::Value) -> serde_json::Value {
        json!({ "rulePriority": priority, "selection": selection, "action": { "type": "expire" } })
    }

    fn policy(rules: &[serde_json::Value]) -> Lifecycle {
        Lifecycle::parse(&json!({ "rules": rules }).to_string()).unwrap()
    }

    fn images(of: &[(u8, &[&str], i64)]) -> Vec<Image> {
        let image = |(n, tags, days): &(u8, &[&str], i64)| {
            (digest(*n), tags.iter().map(|tag| (*tag).to_owned()).collect(), days_ago(*days))
        };
        of.iter().map(image).collect()
    }

    fn keep(number: usize) -> serde_json::Value {
        json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": number })
    }

    fn older(status: &str, days: usize) -> serde_json::Value {
        json!({ "tagStatus": status, "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days })
    }

    #[test]
    fn a_policy_that_selects_nothing_leaves_everything() {
        let policy = policy(&[rule(1, older("untagged", 1))]);
        assert_eq!(policy.fate(&images(&[(1, &["v1"], 900)]), &digest(1)), Some(Fate::Stays));
        assert_eq!(policy.fate(&images(&[(1, &["v1"], 900)]), &digest(2)), None);
    }

    #[test]
    fn an_image_leaves_at_its_age() {
        let policy = policy(&[rule(1, older("any", 30))]);
        let (young, old) = (policy.fate(&images(&[(1, &[], 10)]), &digest(1)), days_ago(10));
        assert_eq!(young, Some(Fate::At(old + SignedDuration::from_hours(30 * 24))));
    }

    #[test]
    fn the_youngest_are_kept_and_each_push_moves_the_others_on() {
        let policy = policy(&[rule(1, keep(3))]);
        let images = images(&[(1, &[], 40), (2, &["v2"], 30), (3, &[], 20), (4, &[], 10)]);
        assert_eq!(policy.fate(&images, &digest(4)), Some(Fate::AfterPushes(3)));
        assert_eq!(policy.fate(&images, &digest(2)), Some(Fate::AfterPushes(1)));
        assert_eq!(policy.fate(&images, &digest(1)), Some(Fate::AfterPushes(0)));
    }

    #[test]
    fn an_image_that_an_earlier_rule_keeps_is_out_of_reach_for_a_later_one() {
        let release = json!({ "tagStatus": "tagged", "tagPrefixList": ["release-"], "countType": "imageCountMoreThan",
            "countNumber": 10 });
        // The order of the document does not matter, the priority does.
        let policy = policy(&[rule(20, older("any", 14)), rule(10, release)]);
        let images = images(&[(1, &["release-1", "sha-1"], 400), (2, &["sha-2"], 400)]);
        assert_eq!(policy.fate(&images, &digest(1)), Some(Fate::AfterPushes(10)));
        assert_eq!(policy.fate(&images, &digest(2)), Some(Fate::At(days_ago(400 - 14))));
    }

    #[test]
    fn a_count_sees_the_images_of_earlier_rules_too() {
        let tagged = json!({ "tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan",
            "countNumber": 10 });
        let policy = policy(&[rule(1, tagged), rule(2, keep(2))]);
        let images = images(&[(1, &[], 40), (2, &["v2"], 30), (3, &["v3"], 20)]);
        assert_eq!(policy.fate(&images, &digest(1)), Some(Fate::AfterPushes(0)));
    }

    #[test]
    fn an_image_needs_a_tag_for_every_entry_of_the_list() {
        let both = json!({ "tagStatus": "tagged", "tagPrefixList": ["prod", "eu-"], "countType": "sinceImagePushed",
            "countUnit": "days", "countNumber": 1 });
        let policy = policy(&[rule(1, both)]);
        let images = images(&[(1, &["prod1"], 9), (2, &["prod2", "eu-2"], 9)]);
        assert_eq!(policy.fate(&images, &digest(1)), Some(Fate::Stays));
        assert_eq!(policy.fate(&images, &digest(2)), Some(Fate::At(days_ago(8))));
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters_and_the_rest_for_itself() {
        for (pattern, tag, matches) in [
            ("prod*", "prod", true),
            ("prod*", "preprod", false),
            ("*prod", "preprod", true),
            ("*prod", "prod-1", false),
            ("v*-rc*", "v1.2-rc3", true),
            ("v*-rc", "v1.2-rc3", false),
            ("latest", "latest", true),
            ("latest", "latest-2", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob::matches(pattern, tag), matches, "{pattern} {tag}");
        }
    }

    #[test]
    fn what_is_not_evaluated_is_named_and_never_guessed() {
        let pulled =
            json!({ "tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 9 });
        let document = json!({ "rules": [rule(7, pulled)] }).to_string();
        let error = Lifecycle::parse(&document).unwrap_err().to_string();
        assert_eq!(
            error,
            "rule 7 of its lifecycle policy has the count `sinceImagePulled` in days, which pitcrew does not evaluate"
        );
        let mut archive = rule(1, keep(3));
        archive["action"]["type"] = json!("transition");
        let error = Lifecycle::parse(&json!({ "rules": [archive] }).to_string()).unwrap_err().to_string();
        assert!(error.contains("the action `transition`"), "{error}");
        assert!(Lifecycle::parse("{}").unwrap_err().to_string().contains("not what ECR documents"));
    }
}
