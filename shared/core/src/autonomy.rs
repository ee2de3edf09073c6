//! What pitcrew may do by itself: the stack's autonomy, the service's tags, the pause and the breaker, as one filter.
//!
//! | seen, in this order | answer |
//! |---|---|
//! | `pitcrew pause` for the account | withheld: paused |
//! | tag `pitcrew:hold=true` | withheld: held |
//! | tag `pitcrew:rollback`, else `pitcrew:autonomy`, else the stack: `off` | withheld, and nothing is proposed |
//! | ... `observe` | withheld: told what it would do |
//! | ... `propose` | withheld: told with the one command that does it |
//! | ... `act`, breaker open or at its limit | withheld: proposed |
//! | ... `act` | allowed |
//! | a tag value that is none of these | the most careful reading: `observe` |

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How far pitcrew goes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Autonomy {
    Off,
    Observe,
    Propose,
    Act,
}

impl std::str::FromStr for Autonomy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "observe" => Ok(Self::Observe),
            "propose" => Ok(Self::Propose),
            "act" => Ok(Self::Act),
            other => Err(format!("`{other}` is none of observe, propose, act, off")),
        }
    }
}

/// The tags of a service.
pub type Tags = BTreeMap<String, String>;

/// Whether a boolean tag of ours is set. Only `true` is true.
pub fn flag(tags: &Tags, key: &str) -> bool {
    tags.get(key).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

/// The autonomy for one capability (`rollback`, `domains`, `certificates`) of a service: the capability's tag wins over the
/// service's, which wins over the stack's.
pub fn autonomy_of(tags: &Tags, capability: &str, stack: Autonomy) -> Autonomy {
    let tag = tags.get(&format!("pitcrew:{capability}")).or_else(|| tags.get("pitcrew:autonomy"));
    tag.map_or(stack, |value| value.trim().to_ascii_lowercase().parse().unwrap_or(Autonomy::Observe))
}

/// Why a plan is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    Paused,
    Held,
    Off,
    Observe,
    Propose,
    Breaker,
    /// Only an unproven release is known: a person must choose it.
    Unproven,
    /// This bad release had its one automatic rollback already (R8).
    Repeated,
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "pitcrew is paused for this account (`pitcrew resume` ends that)",
            Self::Held => "the service is tagged pitcrew:hold=true",
            Self::Off => {
                "it is switched off here (the stack, the tag pitcrew:autonomy or the tag of the capability says off)"
            }
            Self::Observe => "autonomy is `observe`: pitcrew only says what it would do",
            Self::Propose => "autonomy is `propose`: a person decides",
            Self::Breaker => {
                "the breaker is open: too many automatic rollbacks in a short time (`pitcrew breaker clear` ends that)"
            }
            Self::Repeated => {
                "this release had its one automatic rollback already; a second one is a person's decision"
            }
            Self::Unproven => "only an unproven release is known, and an automatic rollback goes to a good one only",
        })
    }
}

/// Whether a rollback may be made now.
pub fn allow(paused: bool, tags: &Tags, stack: Autonomy, breaker_admits: bool) -> Result<(), Withheld> {
    allow_capability(paused, tags, "rollback", stack)?;
    if breaker_admits { Ok(()) } else { Err(Withheld::Breaker) }
}

/// Whether a change of one capability (`domains`, `certificates`) may be made now. There is no breaker: each change stands
/// for itself and takes nothing away.
pub fn allow_capability(paused: bool, tags: &Tags, capability: &str, stack: Autonomy) -> Result<(), Withheld> {
    allow_operator(paused, tags)?;
    match autonomy_of(tags, capability, stack) {
        Autonomy::Off => Err(Withheld::Off),
        Autonomy::Observe => Err(Withheld::Observe),
        Autonomy::Propose => Err(Withheld::Propose),
        Autonomy::Act => Ok(()),
    }
}

/// What binds an operator's command too: the account's pause and the service's hold, for they were set on purpose.
pub fn allow_operator(paused: bool, tags: &Tags) -> Result<(), Withheld> {
    if paused {
        return Err(Withheld::Paused);
    }
    if flag(tags, "pitcrew:hold") { Err(Withheld::Held) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn each_row_of_the_table_holds() {
        let none = Tags::new();
        assert_eq!(allow(false, &none, Autonomy::Act, true), Ok(()));
        assert_eq!(allow(true, &none, Autonomy::Act, true), Err(Withheld::Paused));
        assert_eq!(allow(false, &tags(&[("pitcrew:hold", "TRUE")]), Autonomy::Act, true), Err(Withheld::Held));
        assert_eq!(allow(false, &none, Autonomy::Observe, true), Err(Withheld::Observe));
        assert_eq!(allow(false, &none, Autonomy::Propose, true), Err(Withheld::Propose));
        assert_eq!(allow(false, &none, Autonomy::Off, true), Err(Withheld::Off));
        assert_eq!(allow(false, &none, Autonomy::Act, false), Err(Withheld::Breaker));
    }

    #[test]
    fn a_capability_without_a_breaker_is_bound_by_all_the_other_switches() {
        let ask = |paused, tags: &Tags, stack| allow_capability(paused, tags, "domains", stack);
        assert_eq!(ask(false, &Tags::new(), Autonomy::Act), Ok(()));
        assert_eq!(ask(true, &Tags::new(), Autonomy::Act), Err(Withheld::Paused));
        assert_eq!(ask(false, &tags(&[("pitcrew:hold", "true")]), Autonomy::Act), Err(Withheld::Held));
        assert_eq!(ask(false, &tags(&[("pitcrew:domains", "off")]), Autonomy::Act), Err(Withheld::Off));
        assert_eq!(ask(false, &tags(&[("pitcrew:rollback", "off")]), Autonomy::Act), Ok(()));
        assert_eq!(ask(false, &Tags::new(), Autonomy::Propose), Err(Withheld::Propose));
        assert_eq!(allow_operator(false, &tags(&[("pitcrew:domains", "off")])), Ok(()));
    }

    #[test]
    fn the_tag_of_the_capability_wins_over_the_tag_of_the_service_and_both_over_the_stack() {
        let both = tags(&[("pitcrew:rollback", "act"), ("pitcrew:autonomy", "observe")]);
        assert_eq!(autonomy_of(&both, "rollback", Autonomy::Propose), Autonomy::Act);
        assert_eq!(autonomy_of(&both, "domains", Autonomy::Propose), Autonomy::Observe);
        assert_eq!(autonomy_of(&Tags::new(), "rollback", Autonomy::Propose), Autonomy::Propose);
    }

    #[test]
    fn a_misspelt_tag_is_read_as_observe() {
        assert_eq!(
            autonomy_of(&tags(&[("pitcrew:rollback", "yes please")]), "rollback", Autonomy::Act),
            Autonomy::Observe
        );
    }
}
