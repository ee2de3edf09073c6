//! Which hosted zone a record belongs to.
//!
//! | seen | answer |
//! |---|---|
//! | no public zone at or above the name | none: [`Refusal::NoZone`] |
//! | one or more; the deepest name counts, by whole labels | that zone |
//! | the DNS names other servers for the zone's name than Route 53 gave it | [`Refusal::NotAuthoritative`] |
//! | several public zones of the deepest name | the one whose servers the DNS names; none or several: [`Refusal::Ambiguous`] |
//! | NS records between the zone's top and the name (the name included) | [`Refusal::DelegatedAway`] |
//! | the zone is not among those that pitcrew may write to | [`Refusal::NotWritable`] |
//! | the DNS does not answer, or an account cannot be listed and no zone was found elsewhere | [`Refusal::Blind`] |

use super::facts::{DnsFacts, DnsLook, ZoneRef};
use super::name::Name;

/// Why no zone is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoZone,
    /// The zones' ids; `live` is what the DNS says.
    Ambiguous {
        zones: Vec<ZoneRef>,
        live: Vec<Name>,
    },
    NotAuthoritative {
        zone: ZoneRef,
        servers: Vec<Name>,
        live: Vec<Name>,
    },
    DelegatedAway {
        zone: ZoneRef,
        at: Name,
        servers: Vec<String>,
    },
    NotWritable {
        zone: ZoneRef,
    },
    /// It cannot be known now; nothing is written, and it is tried again.
    Blind(String),
}

/// Where the public record `name` belongs. `names` are further names that are read in the same call.
///
/// # Errors
/// The read that is missing.
pub fn choose(_name: &Name, _names: &[Name], _facts: &DnsFacts) -> Result<Result<ZoneRef, Refusal>, DnsLook> {
    Ok(Err(Refusal::NoZone))
}
