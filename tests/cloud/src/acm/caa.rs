//! Whether the DNS lets Amazon issue for a name (RFC 8659): the closest CAA records up the tree decide.
//!
//! Pure: it is given what the DNS answered so far and says what to ask next.

use std::collections::BTreeMap;

use super::names::base;

/// The names that stand for Amazon's certificate authorities.
const AMAZON: [&str; 4] = ["amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"];
/// A property with this flag forbids issuance by whoever does not understand its tag.
const CRITICAL: u8 = 128;

/// One CAA record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    flags: u8,
    tag: String,
    value: String,
}

impl Property {
    /// A record as a zone file writes it: `0 issue "amazon.com"`, with or without the quotes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (flags, rest) = text.trim().split_once(char::is_whitespace)?;
        let (tag, value) = rest.trim_start().split_once(char::is_whitespace)?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
        Some(Self { flags: flags.parse().ok()?, tag: tag.to_ascii_lowercase(), value: value.to_owned() })
    }

    /// The issuer's domain, without the parameters after `;`. Empty where nobody may issue.
    fn issuer(&self) -> String {
        self.value.split(';').next().unwrap_or_default().trim().trim_end_matches('.').to_ascii_lowercase()
    }
}

/// What the records so far say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not known before this name's CAA records are.
    Ask(String),
    Allowed,
    Forbidden,
}

/// Judges one name of a certificate by the answers so far, by name; no records are an empty list.
pub(super) fn judge(name: &str, known: &BTreeMap<String, Vec<Property>>) -> Verdict {
    let is_wildcard = name.starts_with("*.");
    let mut at = base(name);
    loop {
        match known.get(at).map(Vec::as_slice) {
            None => return Verdict::Ask(at.to_owned()),
            Some([]) => match at.split_once('.') {
                Some((_, parent)) => at = parent,
                None => return Verdict::Allowed,
            },
            Some(found) => return if allows(found, is_wildcard) { Verdict::Allowed } else { Verdict::Forbidden },
        }
    }
}

fn allows(found: &[Property], is_wildcard: bool) -> bool {
    let known_tags = ["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"];
    if found.iter().any(|p| p.flags & CRITICAL != 0 && !known_tags.contains(&p.tag.as_str())) {
        return false;
    }
    let of = |tag: &str| found.iter().filter(|p| p.tag == tag).map(Property::issuer).collect::<Vec<_>>();
    let wild = if is_wildcard { of("issuewild") } else { Vec::new() };
    let issuers = if wild.is_empty() { of("issue") } else { wild };
    issuers.is_empty() || issuers.iter().any(|issuer| AMAZON.contains(&issuer.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(answers: &[(&str, &[&str])]) -> BTreeMap<String, Vec<Property>> {
        let parsed = |texts: &[&str]| texts.iter().map(|text| Property::parse(text).unwrap()).collect();
        answers.iter().map(|(name, texts)| ((*name).to_owned(), parsed(texts))).collect()
    }

    #[test]
    fn without_any_record_up_to_the_top_everybody_may_issue() {
        let mut answers = BTreeMap::new();
        for asked in ["a.shop.dev", "shop.dev", "dev"] {
            assert_eq!(judge("a.shop.dev", &answers), Verdict::Ask(asked.to_owned()));
            answers.insert(asked.to_owned(), Vec::new());
        }
        assert_eq!(judge("a.shop.dev", &answers), Verdict::Allowed);
    }

    #[test]
    fn the_closest_records_decide_alone() {
        let answers = known(&[("a.shop.dev", &["0 issue \"amazon.com\""]), ("shop.dev", &["0 issue \"other.net\""])]);
        assert_eq!(judge("a.shop.dev", &answers), Verdict::Allowed);
        assert_eq!(judge("shop.dev", &answers), Verdict::Forbidden);
    }

    #[test]
    fn the_table_of_records() {
        use Verdict::{Allowed, Forbidden};
        for (records, plain, wildcard) in [
            (&["0 issue \"amazonaws.com\""][..], Allowed, Allowed),
            (&["0 issue \"other.net\"", "0 issue \"AmazonTrust.com; account=1\""], Allowed, Allowed),
            (&["0 issue \";\""], Forbidden, Forbidden),
            (&["0 issue \"amazon.com\"", "0 issuewild \";\""], Allowed, Forbidden),
            (&["0 issue \";\"", "0 issuewild \"awstrust.com\""], Forbidden, Allowed),
            (&["0 iodef \"mailto:a@shop.dev\""], Allowed, Allowed),
            (&["128 future \"x\"", "0 issue \"amazon.com\""], Forbidden, Forbidden),
            (&["0 issue \"notamazon.com\""], Forbidden, Forbidden),
            (&["0 issue amazon.com"], Allowed, Allowed),
        ] {
            let answers = known(&[("shop.dev", records)]);
            assert_eq!(judge("shop.dev", &answers), plain, "{records:?}");
            assert_eq!(judge("*.shop.dev", &answers), wildcard, "{records:?}");
        }
    }
}
