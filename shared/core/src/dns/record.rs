//! Record sets of a hosted zone, as far as pitcrew looks at them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::Name;

/// The TTL of the CNAMEs that pitcrew makes, in seconds: short enough to mend a mistake, what ACM's own guide uses.
pub const TTL_SECS: u64 = 300;

/// The type of a record set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    A,
    Aaaa,
    Caa,
    Cname,
    Ds,
    Mx,
    Ns,
    Soa,
    Txt,
    Other(String),
}

impl RecordType {
    pub fn as_str(&self) -> &str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Caa => "CAA",
            Self::Cname => "CNAME",
            Self::Ds => "DS",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Txt => "TXT",
            Self::Other(word) => word,
        }
    }

    pub fn parse(word: &str) -> Self {
        match word {
            "A" => Self::A,
            "AAAA" => Self::Aaaa,
            "CAA" => Self::Caa,
            "CNAME" => Self::Cname,
            "DS" => Self::Ds,
            "MX" => Self::Mx,
            "NS" => Self::Ns,
            "SOA" => Self::Soa,
            "TXT" => Self::Txt,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a record set says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// The values as Route 53 lists them.
    Values { ttl_secs: u64, values: Vec<String> },
    /// Route 53's own pointer: the target's hosted zone and name.
    Alias { zone: String, target: Name, evaluate_health: bool },
}

/// One record set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSet {
    pub name: Name,
    pub kind: RecordType,
    pub data: Data,
    /// The set identifier where a routing policy (weighted, latency, ...) is used, or `health-check` where one is attached.
    /// A set with one is never ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

impl RecordSet {
    /// A CNAME with pitcrew's TTL.
    pub fn cname(name: Name, target: &Name) -> Self {
        let data = Data::Values { ttl_secs: TTL_SECS, values: vec![target.fqdn()] };
        Self { name, kind: RecordType::Cname, data, policy: None }
    }

    /// An alias A to a name of another hosted zone. `evaluate_health` is what App Runner's console sets.
    pub fn alias(name: Name, zone: &str, target: Name) -> Self {
        let data = Data::Alias { zone: zone.to_owned(), target, evaluate_health: true };
        Self { name, kind: RecordType::A, data, policy: None }
    }

    /// Whether it leads where the other one does: the same name and type, and the same target as the DNS compares it. The TTL
    /// and the evaluation of health are the owner's business.
    pub fn serves_as(&self, other: &Self) -> bool {
        let same_place = self.name == other.name && self.kind == other.kind;
        same_place && self.policy.is_none() && other.policy.is_none() && same_target(&self.data, &other.data)
    }

    /// The name that it leads to, where it is an alias or a CNAME.
    pub fn target(&self) -> Option<Name> {
        match &self.data {
            Data::Alias { target, .. } => Some(target.clone()),
            Data::Values { values, .. } if self.kind == RecordType::Cname => Name::parse(values.first()?).ok(),
            Data::Values { .. } => None,
        }
    }

    /// What it says, on one line.
    pub fn words(&self) -> String {
        let data = match &self.data {
            Data::Values { values, .. } => values.join(", "),
            Data::Alias { target, .. } => format!("alias to {target}"),
        };
        match &self.policy {
            Some(policy) => format!("{} {} {data} (routing policy: {policy})", self.name, self.kind),
            None => format!("{} {} {data}", self.name, self.kind),
        }
    }
}

fn same_target(one: &Data, other: &Data) -> bool {
    match (one, other) {
        (Data::Values { values: one, .. }, Data::Values { values: other, .. }) => {
            let same = |(one, other): (&String, &String)| match (Name::parse(one), Name::parse(other)) {
                (Ok(one), Ok(other)) => one == other,
                _ => one == other,
            };
            one.len() == other.len() && one.iter().zip(other).all(same)
        }
        (Data::Alias { zone: one_zone, target: one, .. }, Data::Alias { zone: other_zone, target: other, .. }) => {
            one_zone == other_zone && one == other
        }
        _ => false,
    }
}

/// One change of a batch. There is no third: `UPSERT` overwrites what nobody looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Create(RecordSet),
    /// Exactly this set, to the last TTL: Route 53 refuses anything else.
    Delete(RecordSet),
}

impl Change {
    pub fn record(&self) -> &RecordSet {
        match self {
            Self::Create(record) | Self::Delete(record) => record,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn a_cname_serves_as_another_that_differs_in_case_dot_and_ttl_alone() {
        let ours = RecordSet::cname(name("_a.example.com"), &name("_b.acm-validations.aws"));
        let data = Data::Values { ttl_secs: 60, values: vec!["_B.ACM-validations.aws".to_owned()] };
        assert!(RecordSet { data, ..ours.clone() }.serves_as(&ours));
    }

    #[test]
    fn a_record_under_a_routing_policy_never_serves() {
        let ours = RecordSet::cname(name("_a.example.com"), &name("_b.acm-validations.aws"));
        assert!(!RecordSet { policy: Some("blue".to_owned()), ..ours.clone() }.serves_as(&ours));
    }

    #[test]
    fn an_alias_and_a_cname_lead_somewhere_and_other_values_do_not() {
        let target = name("abc.eu-west-1.awsapprunner.com");
        let alias = RecordSet::alias(name("shop.example.com"), "Z087551914Z2PCAU0QHMW", target.clone());
        assert_eq!(alias.target(), Some(target.clone()));
        let cname = RecordSet::cname(name("shop.example.com"), &target);
        assert_eq!(cname.target(), Some(target));
        assert_eq!(RecordSet { kind: RecordType::Txt, ..cname }.target(), None);
    }

    #[test]
    fn an_alias_and_a_cname_to_one_target_are_not_the_same() {
        let target = name("abc.eu-west-1.awsapprunner.com");
        let alias = RecordSet::alias(name("shop.example.com"), "Z087551914Z2PCAU0QHMW", target.clone());
        assert!(!alias.serves_as(&RecordSet::cname(name("shop.example.com"), &target)));
        assert!(alias.serves_as(&alias.clone()));
    }
}
