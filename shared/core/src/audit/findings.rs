//! What rules answer: findings, and what they could not check.

use serde::{Deserialize, Serialize};

use super::Fleet;
use super::command::notes;
use crate::fact::Fact;
use crate::id::ServiceArn;

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Resource {
    Service {
        arn: ServiceArn,
    },
    /// Anything else with an ARN or an id that an account knows: a connector, an endpoint, a record of a zone, a role.
    Other {
        kind: String,
        id: String,
    },
    /// The account in this region.
    Account,
}

impl Resource {
    /// A resource that is no service. `kind` in the field's own words: `VPC connector`, `hosted zone record`.
    pub fn other(kind: &str, id: impl Into<String>) -> Self {
        Self::Other { kind: kind.to_owned(), id: id.into() }
    }

    /// What tells it from every other resource of the account in this region: its ARN, its id, or `account`.
    pub fn id(&self) -> String {
        match self {
            Self::Service { arn } => arn.to_string(),
            Self::Other { id, .. } => id.clone(),
            Self::Account => "account".to_owned(),
        }
    }

    /// The service that it is.
    pub fn service(&self) -> Option<&ServiceArn> {
        match self {
            Self::Service { arn } => Some(arn),
            Self::Other { .. } | Self::Account => None,
        }
    }

    /// The name that people know it by.
    pub fn name(&self) -> &str {
        match self {
            Self::Service { arn } => arn.name(),
            Self::Other { id, .. } => match id.split(':').collect::<Vec<_>>()[..] {
                // App Runner's own end in a revision and an id: `vpcconnector/NAME/1/ID`.
                ["arn", _, "apprunner", _, _, last] => last.split('/').nth(1).unwrap_or(last),
                ["arn", ..] => id.rsplit_once('/').map_or(id, |(_, last)| last),
                _ => id,
            },
            Self::Account => "account",
        }
    }
}

/// What mends it: in words, and the command that does it where one does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub text: String,
    /// To be copied into a shell. What it cannot know stands in it as `NAME_IN_CAPITALS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// One finding, as a rule gives it. All texts are plain and may hold text from outside: escaping is the renderer's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub resource: Resource,
    /// What tells it from other findings of the rule about the resource: a domain, a subnet; empty where there is one.
    /// Never a text that changes from run to run (a count, an age).
    pub key: String,
    /// What was seen, in one or two sentences.
    pub seen: String,
    pub fix: Fix,
    /// Where this one is graded otherwise than its rule.
    pub grade: Option<super::Grade>,
}

/// What a rule could not check, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    pub resource: Resource,
    pub why: String,
}

/// Where a rule puts its answers.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub found: Vec<Seen>,
    pub unchecked: Vec<Unchecked>,
}

impl Findings {
    /// A finding with nothing else of its kind about the resource. `command` may be empty: then words alone mend it.
    pub fn find(&mut self, resource: Resource, seen: impl Into<String>, fix: &str, command: impl Into<String>) {
        self.find_at(resource, "", seen, fix, command);
    }

    /// A finding about a part of the resource, told apart by `key`. What the command needs, and what must be put into
    /// it, is added to the words.
    pub fn find_at(
        &mut self,
        resource: Resource,
        key: impl Into<String>,
        seen: impl Into<String>,
        fix: &str,
        command: impl Into<String>,
    ) {
        let command: String = command.into();
        let text = format!("{fix}{}", notes(&command));
        let fix = Fix { text, command: Some(command).filter(|command| !command.is_empty()) };
        self.found.push(Seen { resource, key: key.into(), seen: seen.into(), fix, grade: None });
    }

    /// Grades the finding that was added last otherwise than its rule.
    pub fn graded(&mut self, grade: super::Grade) {
        if let Some(last) = self.found.last_mut() {
            last.grade = Some(grade);
        }
    }

    /// The value of a fact; where it could not be read, the rule has not checked this resource.
    pub fn known<'f, T>(&mut self, resource: &Resource, fact: &'f Fact<T>) -> Option<&'f T> {
        match fact.get() {
            Some(Ok(value)) => Some(value),
            Some(Err(why)) => {
                self.unchecked(resource, why);
                None
            }
            None => {
                self.unchecked(resource, "it was not read");
                None
            }
        }
    }

    /// Whether every service that is listed was looked at. Else what none of them shows may be there all the same, and the rule
    /// has not checked this resource.
    pub fn all_seen(&mut self, resource: &Resource, fleet: &Fleet) -> bool {
        let blind = fleet.blind();
        if let Some(why) = &blind {
            self.unchecked(resource, why);
        }
        blind.is_none()
    }

    /// The rule has not checked this resource. Said once for a resource, with the first reason.
    pub fn unchecked(&mut self, resource: &Resource, why: &str) {
        if !self.unchecked.iter().any(|known| known.resource == *resource) {
            self.unchecked.push(Unchecked { resource: resource.clone(), why: why.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_called_by_the_name_that_people_gave_it() {
        for (id, name) in [
            ("arn:aws:apprunner:eu-west-1:123456789012:vpcconnector/shops/1/0f3a9c2b", "shops"),
            ("arn:aws:apprunner:eu-west-1:123456789012:connection/git/0f3a9c2b", "git"),
            ("arn:aws:iam::123456789012:role/path/instance", "instance"),
            ("arn:aws:sns:eu-west-1:123456789012:topic", "arn:aws:sns:eu-west-1:123456789012:topic"),
            ("subnet-0a/b", "subnet-0a/b"),
        ] {
            assert_eq!(Resource::other("kind", id).name(), name);
        }
    }
}
