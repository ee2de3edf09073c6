//! Whether a batch whose answer was lost arrived, as far as what stands can tell. Route 53 takes a batch whole or not at all.
//!
//! | what stands | verdict |
//! |---|---|
//! | every record that the batch creates, exactly, and none that it deletes | [`Landed::Whole`]: what it created is ours |
//! | anything else | [`Landed::Not`]: a record that looks like one of the batch is somebody else's, serves, and is never removed |
//! | a name cannot be read | [`Landed::Blind`] |
//!
//! Of a batch that stands whole nobody can tell by looking who made it: a record set carries no author, and the change's id was
//! in the answer that was lost. It is taken for ours, for the other way round a record of ours would be left behind untold.
//! Where somebody changed one of its records since, the rest is left as somebody else's: that harms no one.

use super::Batch;
use crate::dns::facts::{DnsFacts, DnsLook};
use crate::dns::name::Name;
use crate::dns::record::{Change, RecordSet};

/// What became of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
    Whole,
    Not {
        /// What stands exactly as the batch would have made it, and was made by somebody else.
        foreign: Vec<RecordSet>,
        /// What the batch would have deleted, and is gone all the same.
        gone: Vec<RecordSet>,
    },
    Blind,
}

impl Batch {
    /// Reads the batch back.
    ///
    /// # Errors
    /// The read that is missing.
    pub fn landed(&self, facts: &DnsFacts) -> Result<Landed, DnsLook> {
        let names: Vec<Name> = self.changes.iter().map(|change| change.record().name.clone()).collect();
        let (mut foreign, mut gone) = (Vec::new(), Vec::new());
        for change in &self.changes {
            let record = change.record();
            let Ok(standing) = facts.standing(&self.zone, &record.name, &names)? else { return Ok(Landed::Blind) };
            match (change, standing.contains(record)) {
                (Change::Create(_), true) => foreign.push(record.clone()),
                (Change::Delete(_), false) => gone.push(record.clone()),
                (Change::Create(_), false) | (Change::Delete(_), true) => {}
            }
        }
        let whole = foreign.len() + gone.len() == self.changes.len();
        Ok(if whole { Landed::Whole } else { Landed::Not { foreign, gone } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::facts::ZoneRef;
    use crate::fact::Fact;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn cname(at: &str) -> RecordSet {
        RecordSet::cname(name(at), &name("target.example.net"))
    }

    fn zone() -> ZoneRef {
        ZoneRef { id: "Z1".to_owned(), name: name("example.com"), role: None }
    }

    /// The batch replaces `old` and creates `new` and `other`; these stand.
    fn landed(standing: &[RecordSet]) -> Landed {
        let [old, new, other] = ["old", "new", "other"].map(|label| cname(&format!("{label}.example.com")));
        let changes = vec![Change::Delete(old), Change::Create(new), Change::Create(other)];
        let batch = Batch { zone: zone(), changes };
        let at = |change: &Change| {
            let name = change.record().name.clone();
            let sets = standing.iter().filter(|set| set.name == name).cloned().collect();
            ("Z1".to_owned(), name, Fact::Known(sets))
        };
        let facts = DnsFacts { standing: batch.changes.iter().map(at).collect(), ..DnsFacts::default() };
        batch.landed(&facts).unwrap()
    }

    #[test]
    fn a_batch_that_stands_whole_arrived() {
        assert_eq!(landed(&[cname("new.example.com"), cname("other.example.com")]), Landed::Whole);
    }

    #[test]
    fn of_a_batch_of_which_anything_is_missing_or_different_nothing_arrived() {
        let [old, new, other] = ["old", "new", "other"].map(|label| cname(&format!("{label}.example.com")));
        let not = |foreign: &[&RecordSet], gone: &[&RecordSet]| {
            let cloned = |sets: &[&RecordSet]| sets.iter().map(|set| (*set).clone()).collect();
            Landed::Not { foreign: cloned(foreign), gone: cloned(gone) }
        };
        assert_eq!(landed(std::slice::from_ref(&old)), not(&[], &[]), "as before");
        assert_eq!(landed(std::slice::from_ref(&new)), not(&[&new], &[&old]), "one of two");
        assert_eq!(landed(&[old.clone(), new.clone(), other.clone()]), not(&[&new, &other], &[]), "not deleted");
        let different = RecordSet::cname(other.name.clone(), &name("elsewhere.example.net"));
        assert_eq!(landed(&[new.clone(), different]), not(&[&new], &[&old]), "another value");
        let weighted = RecordSet { policy: Some("blue".to_owned()), ..other };
        assert_eq!(landed(&[new.clone(), weighted]), not(&[&new], &[&old]), "under a routing policy");
    }

    #[test]
    fn what_cannot_be_read_is_not_judged() {
        let batch = Batch { zone: zone(), changes: vec![Change::Create(cname("new.example.com"))] };
        assert!(batch.landed(&DnsFacts::default()).is_err(), "it was not read yet");
        let dark = ("Z1".to_owned(), name("new.example.com"), Fact::Unavailable("denied".to_owned()));
        let facts = DnsFacts { standing: vec![dark], ..DnsFacts::default() };
        assert_eq!(batch.landed(&facts), Ok(Landed::Blind));
    }
}
