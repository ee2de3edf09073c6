//! Notices become messages: a burst of one cause becomes one message that lists the services.
//!
//! Grouping and deduplication hang on identity (`group`, `id`), never on what a text says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::id::ServiceArn;
use crate::notice::{Notice, NoticeKind, Severity, Todo};

/// From how many notices of one group on they become one message. Two are read faster apart.
pub const BURST_MIN: usize = 3;

/// One thing to send: a notice, or a burst of them. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    first: Notice,
    rest: Vec<Notice>,
}

/// Turns the notices of a batch into messages, in the order in which the first notice of each arrived.
///
/// | notices of one group in the batch | messages |
/// |---|---|
/// | the same id again | left out |
/// | one or two | one each |
/// | three or more | one, which lists the services |
pub fn group(notices: Vec<Notice>) -> Vec<Message> {
    let mut seen = BTreeSet::new();
    let notices: Vec<Notice> = notices.into_iter().filter(|notice| seen.insert(notice.id.clone())).collect();
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for notice in &notices {
        *sizes.entry(notice.group.clone()).or_default() += 1;
    }
    let mut bursts: BTreeMap<String, usize> = BTreeMap::new();
    let mut messages: Vec<Message> = Vec::new();
    for notice in notices {
        let is_burst = sizes.get(&notice.group).is_some_and(|size| *size >= BURST_MIN);
        let at = is_burst.then(|| bursts.get(&notice.group).copied()).flatten();
        match at.and_then(|at| messages.get_mut(at)) {
            Some(message) => message.rest.push(notice),
            None => {
                if is_burst {
                    bursts.insert(notice.group.clone(), messages.len());
                }
                messages.push(Message::from(notice));
            }
        }
    }
    messages
}

impl From<Notice> for Message {
    fn from(notice: Notice) -> Self {
        Self { first: notice, rest: Vec::new() }
    }
}

impl Message {
    /// The notice, or the first one of a burst.
    pub fn first(&self) -> &Notice {
        &self.first
    }

    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    pub fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// Never: a message has a notice. Here because a `len` without it surprises.
    pub fn is_empty(&self) -> bool {
        false
    }

    pub fn is_burst(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Identity for deduplication: the notice's id, or for a burst a hash over the ids in it.
    pub fn id(&self) -> String {
        if !self.is_burst() {
            return self.first.id.clone();
        }
        let ids: BTreeSet<&str> = self.notices().map(|notice| notice.id.as_str()).collect();
        let mut hash = Sha256::new();
        for id in ids {
            hash.update(id.as_bytes());
            hash.update([0]);
        }
        let hex: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        format!("burst-{hex}")
    }

    pub fn kind(&self) -> NoticeKind {
        self.first.kind
    }

    /// The loudest severity in it.
    pub fn severity(&self) -> Severity {
        self.notices().map(|notice| notice.severity).max().unwrap_or(self.first.severity)
    }

    /// The newest time in it.
    pub fn at(&self) -> Timestamp {
        self.notices().map(|notice| notice.at).max().unwrap_or(self.first.at)
    }

    /// The incident, where the message is about one.
    pub fn incident(&self) -> Option<&str> {
        if self.is_burst() { None } else { self.first.incident.as_deref() }
    }

    /// The services, each once, in order.
    pub fn services(&self) -> BTreeSet<&ServiceArn> {
        self.notices().filter_map(|notice| notice.service.as_ref()).collect()
    }

    /// One line: the notice's, or for a burst what its notices have in common.
    pub fn headline(&self) -> String {
        if !self.is_burst() {
            return self.first.headline.clone();
        }
        let said: BTreeSet<&str> = self.notices().map(without_service).collect();
        match (self.services().len(), said.first()) {
            (services, Some(said)) if services > 1 && said_once(self) => format!("{services} services: {said}"),
            _ => format!("{} notices with one cause, the first: {}", self.len(), self.first.headline),
        }
    }

    /// What to do, each thing once.
    pub fn todos(&self) -> Vec<&Todo> {
        let mut todos: Vec<&Todo> = Vec::new();
        for todo in self.notices().flat_map(|notice| &notice.todo) {
            if !todos.contains(&todo) {
                todos.push(todo);
            }
        }
        todos
    }

    /// A copy in which no text is longer than `chars_max` and no list longer than `items_max`. Identities stay whole.
    #[must_use]
    pub fn clipped(&self, chars_max: usize, items_max: usize) -> Self {
        let clip = |notice: &Notice| notice.clipped(chars_max, items_max);
        Self { first: clip(&self.first), rest: self.rest.iter().take(items_max.saturating_sub(1)).map(clip).collect() }
    }
}

/// The headline without the `<service name>: ` that it begins with.
fn without_service(notice: &Notice) -> &str {
    let named = notice.service.as_ref().and_then(|service| notice.headline.strip_prefix(service.name()));
    named.and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&notice.headline)
}

/// Whether all headlines say the same, apart from the service.
fn said_once(message: &Message) -> bool {
    let said: BTreeSet<&str> = message.notices().map(without_service).collect();
    said.len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::samples;

    fn ids(messages: &[Message]) -> Vec<Vec<&str>> {
        messages.iter().map(|message| message.notices().map(|notice| notice.id.as_str()).collect()).collect()
    }

    fn of_group(id: &str, group: &str) -> Notice {
        Notice { id: id.to_owned(), group: group.to_owned(), ..samples::reverted() }
    }

    #[test]
    fn nothing_becomes_nothing() {
        assert!(group(Vec::new()).is_empty());
    }

    #[test]
    fn two_of_a_group_stay_apart_and_three_become_one() {
        let two = group(vec![of_group("a", "g"), of_group("b", "g")]);
        assert_eq!(ids(&two), [vec!["a"], vec!["b"]]);
        let three = group(vec![
            of_group("x", "h"),
            of_group("a", "g"),
            of_group("b", "g"),
            of_group("y", "h"),
            of_group("c", "g"),
        ]);
        assert_eq!(ids(&three), [vec!["x"], vec!["a", "b", "c"], vec!["y"]]);
    }

    #[test]
    fn the_same_notice_twice_in_a_batch_is_told_once() {
        assert_eq!(
            ids(&group(vec![of_group("a", "g"), of_group("a", "g"), of_group("b", "g")])),
            [vec!["a"], vec!["b"]]
        );
    }

    #[test]
    fn equal_texts_of_different_groups_stay_apart() {
        assert_eq!(group(vec![of_group("a", "1"), of_group("b", "2"), of_group("c", "3")]).len(), 3);
    }

    #[test]
    fn a_burst_counts_its_services_and_is_as_loud_as_its_loudest() {
        let messages = group(samples::burst(4));
        let [message] = &messages[..] else { panic!("one message") };
        assert_eq!(
            message.headline(),
            "4 services: deployment failed its health check; App Runner restored the previous release"
        );
        assert_eq!(message.severity(), Severity::Warning);
        assert_eq!(message.incident(), None);
    }

    #[test]
    fn the_id_of_a_burst_does_not_hang_on_the_order() {
        let mut notices = samples::burst(3);
        let one = group(notices.clone());
        notices.reverse();
        assert_eq!(one[0].id(), group(notices)[0].id());
        assert_ne!(one[0].id(), group(samples::burst(4))[0].id());
    }
}
