//! Whether the DNS lets Amazon issue a certificate for a name (RFC 8659).
//!
//! | seen, from the name upwards | answer |
//! |---|---|
//! | no CAA set at the name or above it | allowed |
//! | the closest set holds `issue` (for a wildcard: `issuewild`, and `issue` only where there is none) with one of Amazon's names | allowed |
//! | the closest set holds such a property, and none of Amazon's names | forbidden |
//! | the closest set holds neither (only `iodef`, ...) | allowed |
//! | the closest set holds an unknown property marked critical | forbidden |
//! | the DNS does not answer, or a record of the closest set cannot be read | not known |
//!
//! The climb begins at a wildcard's base and ends at the top-level domain. A value that does not follow the grammar of
//! section 4.2 allows nobody, as the RFC says. Parameters after the `;` bind an authority to an account or a method; whether
//! they fit is Amazon's to judge, so they are checked for their form alone.

use super::facts::{Answer, DnsFacts, DnsLook};
use super::name::Name;
use super::record::RecordType;

/// The flag by which a property forbids issuance to everybody who does not know it.
const CRITICAL: u8 = 128;
/// The properties that RFC 8659 defines.
const KNOWN: [&str; 3] = ["issue", "issuewild", "iodef"];

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

/// One CAA record.
struct Property {
    critical: bool,
    /// In lower case.
    tag: String,
    value: String,
}

/// Whether Amazon may issue for the name (`*.` for a wildcard).
///
/// # Errors
/// The read that is missing.
pub fn check(name: &Name, facts: &DnsFacts) -> Result<Verdict, DnsLook> {
    for at in name.base().climb() {
        let records = match facts.ask(&at, &RecordType::Caa)? {
            Ok(Answer::Nothing) => continue,
            Ok(Answer::Found(records)) if records.is_empty() => continue,
            Ok(Answer::Found(records)) => records,
            Err(why) => {
                return Ok(Verdict::Blind(format!("the DNS does not say whether {at} has CAA records ({why})")));
            }
        };
        let parsed: Option<Vec<Property>> = records.iter().map(|record| parse(record)).collect();
        return Ok(match parsed {
            None => Verdict::Blind(format!("a CAA record of {at} cannot be read: {}", records.join(", "))),
            Some(set) if allows(&set, name.is_wildcard()) => Verdict::Allowed,
            Some(_) => Verdict::Forbidden { at, records: records.clone() },
        });
    }
    Ok(Verdict::Allowed)
}

fn allows(set: &[Property], wildcard: bool) -> bool {
    if set.iter().any(|property| property.critical && !KNOWN.contains(&property.tag.as_str())) {
        return false;
    }
    let of = |tag: &str| set.iter().filter(|property| property.tag == tag).collect::<Vec<_>>();
    let wild = if wildcard { of("issuewild") } else { Vec::new() };
    let decides = if wild.is_empty() { of("issue") } else { wild };
    decides.is_empty() || decides.iter().any(|property| names_amazon(&property.value))
}

/// `<flags> <tag> <value>`, the value quoted or not. `None` where it is none.
fn parse(record: &str) -> Option<Property> {
    let (flags, rest) = record.trim().split_once(char::is_whitespace)?;
    let (tag, value) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim_start(), ""));
    let flags: u8 = flags.parse().ok()?;
    let tag_ok = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag_ok.then(|| Property {
        critical: flags & CRITICAL != 0,
        tag: tag.to_ascii_lowercase(),
        value: unquoted(value.trim()),
    })
}

/// The value without its quotes and the backslashes that only presentation needs.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// Whether the value of an `issue` or `issuewild` property follows the grammar and names one of Amazon's authorities.
fn names_amazon(value: &str) -> bool {
    let (issuer, parameters) = match value.split_once(';') {
        Some((issuer, parameters)) => (issuer, Some(parameters)),
        None => (value, None),
    };
    let issuer = issuer.trim_matches([' ', '\t']);
    let ours = AMAZON.iter().any(|name| issuer.eq_ignore_ascii_case(name));
    ours && parameters.is_none_or(|parameters| well_formed(parameters.trim_matches([' ', '\t'])))
}

/// `tag=value`, separated by `;`; none at all is well formed too.
fn well_formed(parameters: &str) -> bool {
    let parameter = |text: &str| {
        text.split_once('=').is_some_and(|(tag, value)| {
            let (tag, value) = (tag.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
            let tag_ok = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && tag.starts_with(|c: char| c.is_ascii_alphanumeric())
                && tag.ends_with(|c: char| c.is_ascii_alphanumeric());
            tag_ok && value.bytes().all(|byte| matches!(byte, 0x21..=0x3a | 0x3c..=0x7e))
        })
    };
    parameters.is_empty() || parameters.split(';').all(parameter)
}

#[cfg(test)]
mod tests;
