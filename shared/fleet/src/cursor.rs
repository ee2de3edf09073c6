//! How far a walk is: what it has handed on, what it could not, and thereby what is left.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pitcrew_core::audit::ServiceFacts;
use pitcrew_core::audit::facts::Listed;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;
use serde::{Deserialize, Serialize};

/// Where a walk goes on, to be kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// What is known of the services that were handed on.
    pub listed: Vec<Listed>,
    /// When the newest operation of these services began.
    pub last_operation: Option<Timestamp>,
    /// Why the operations of one of them could not be read.
    pub operations_unread: Option<String>,
    /// Services that could not be described, and why.
    pub unread: Vec<(ServiceArn, String)>,
    /// Services that were deleted between the list and the look.
    pub left_out: Vec<ServiceArn>,
}

impl Cursor {
    /// The services of a list that nobody has looked at yet, each once and in the order of ARNs: the same in every run, whatever
    /// the order of the list. One that was made meanwhile is among them, wherever its name stands.
    pub(crate) fn remaining(&self, all: &[ServiceArn]) -> Vec<ServiceArn> {
        let done: BTreeSet<&ServiceArn> = self.done().collect();
        let left: BTreeSet<&ServiceArn> = all.iter().filter(|arn| !done.contains(arn)).collect();
        left.into_iter().cloned().collect()
    }

    fn done(&self) -> impl Iterator<Item = &ServiceArn> {
        let unread = self.unread.iter().map(|(arn, _)| arn);
        self.listed.iter().map(|listed| &listed.arn).chain(unread).chain(&self.left_out)
    }

    /// Services that a walk is done with.
    pub fn count(&self) -> usize {
        self.listed.len() + self.unread.len() + self.left_out.len()
    }

    /// Takes note of a service that is handed on.
    pub(crate) fn note(&mut self, listed: Listed, facts: &ServiceFacts) {
        self.listed.push(listed);
        match &facts.operations {
            Fact::Known(operations) => {
                let newest = operations.iter().map(|operation| operation.started_at).max();
                self.last_operation = self.last_operation.max(newest);
            }
            Fact::Unavailable(why) => self.operations_unread = Some(why.clone()),
            Fact::Unread => self.operations_unread = Some("they were not read".to_owned()),
        }
    }

    /// The newest operation of all services, as far as they could be looked at.
    pub(crate) fn last_operation(&self) -> Fact<Option<Timestamp>> {
        match &self.operations_unread {
            Some(why) => Fact::Unavailable(why.clone()),
            None => Fact::Known(self.last_operation),
        }
    }

    /// Of the services that could not be described, those that the newest list does not show any more are deleted. The others
    /// are there, and nobody could look at them.
    pub(crate) fn settle(&mut self, all: &[ServiceArn]) -> BTreeMap<ServiceArn, String> {
        let all: BTreeSet<&ServiceArn> = all.iter().collect();
        let (unseen, gone): (Vec<_>, Vec<_>) = self.unread.drain(..).partition(|(arn, _)| all.contains(arn));
        self.left_out.extend(gone.into_iter().map(|(arn, _)| arn));
        self.unread = unseen;
        self.unread.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(name: &str) -> ServiceArn {
        ServiceArn::parse(&format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/0a1b")).unwrap()
    }

    fn listed(name: &str) -> Listed {
        Listed {
            arn: arn(name),
            status: pitcrew_core::service::ServiceStatus::Running,
            host: None,
            public: true,
            connector: None,
            scaling: None,
            tracing: None,
            connection: None,
        }
    }

    const DENIED: &str = "apprunner:DescribeService is denied";

    fn cursor() -> Cursor {
        Cursor {
            listed: vec![listed("cart"), listed("shop")],
            unread: vec![(arn("door"), DENIED.to_owned())],
            left_out: vec![arn("gone")],
            last_operation: Some(Timestamp::UNIX_EPOCH),
            ..Cursor::default()
        }
    }

    #[test]
    fn what_is_left_is_what_nobody_looked_at_in_the_order_of_arns() {
        let all = ["till", "blog", "shop", "blog", "gone", "door", "cart"].map(arn);
        assert_eq!(Cursor::default().remaining(&all[..4]), [arn("blog"), arn("shop"), arn("till")]);
        assert_eq!(cursor().remaining(&all), [arn("blog"), arn("till")], "one that is new may sort before all others");
        assert_eq!(cursor().remaining(&[arn("shop")]), []);
        assert_eq!(cursor().count(), 4);
    }

    #[test]
    fn one_that_could_not_be_described_is_there_as_long_as_it_is_listed() {
        let mut listed = cursor();
        assert_eq!(listed.settle(&["cart", "door", "shop"].map(arn)), [(arn("door"), DENIED.to_owned())].into());
        assert_eq!(listed, cursor());
        let mut gone = cursor();
        assert_eq!(gone.settle(&["cart", "shop"].map(arn)), BTreeMap::new());
        assert_eq!((gone.unread, gone.left_out), (Vec::new(), vec![arn("gone"), arn("door")]));
    }

    #[test]
    fn a_cursor_survives_being_kept_and_one_that_lacks_what_came_later_is_read() {
        let kept = serde_json::to_string(&cursor()).unwrap();
        assert_eq!(serde_json::from_str::<Cursor>(&kept).unwrap(), cursor());
        assert_eq!(serde_json::from_str::<Cursor>("{}").unwrap(), Cursor::default());
    }
}
