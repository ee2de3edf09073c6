//! Names as the DNS compares them: without case, without a trailing dot, `\052` for `*`, IDN as A-labels.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Octets of a label (RFC 1035, 2.3.4).
const LABEL_OCTETS_MAX: usize = 63;
/// Octets of a name on the wire, with the length octets and the root's.
const NAME_OCTETS_MAX: usize = 255;
/// How much of a bad name an error shows, in characters.
const SHOWN_CHARS: usize = 80;

/// Why a text is no name in the DNS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a domain name: {wrong}")]
pub struct NameError {
    text: String,
    wrong: String,
}

/// A name, in the one form in which equal names are equal texts. Never the root.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Reads a name as App Runner, Route 53, the DNS or a person writes it.
    ///
    /// # Errors
    /// Where a label is empty or longer than 63 octets, the whole is longer than 255, or a character can stand in no name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = |wrong: &str| NameError {
            text: text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect(),
            wrong: wrong.to_owned(),
        };
        let text_ascii = if text.is_ascii() {
            text.to_owned()
        } else {
            // The asterisk is no character of an IDN; the rest is.
            let (star, rest) = text.strip_prefix("*.").map_or(("", text), |rest| ("*.", rest));
            let ascii = idna::domain_to_ascii(rest).map_err(|_| wrong("it cannot be written as an IDN A-label"))?;
            format!("{star}{ascii}")
        };
        let text_ascii = text_ascii.strip_suffix('.').unwrap_or(&text_ascii);
        if text_ascii.is_empty() {
            return Err(wrong("it is empty"));
        }
        let mut octets = 1;
        let mut labels = Vec::new();
        for label in split(text_ascii) {
            let (label, length) = canonical_label(label).map_err(wrong)?;
            octets += length + 1;
            labels.push(label);
        }
        if octets > NAME_OCTETS_MAX {
            return Err(wrong("it is longer than 255 octets"));
        }
        Ok(Self(labels.join(".")))
    }

    /// The name without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with its trailing dot, as Route 53 writes it.
    pub fn fqdn(&self) -> String {
        format!("{}.", self.0)
    }

    /// The labels, from the left.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        split(&self.0)
    }

    /// The name one label up; `None` above a top-level domain.
    pub fn parent(&self) -> Option<Self> {
        let first = split(&self.0).next()?;
        let rest = self.0.get(first.len() + 1..)?;
        (!rest.is_empty()).then(|| Self(rest.to_owned()))
    }

    /// Whether it is the other name or stands below it, by whole labels.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        self.0.strip_suffix(&other.0).is_some_and(|left| left.is_empty() || ends_label(left))
    }

    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// The name without a leading `*.`.
    pub fn base(&self) -> Self {
        Self(self.0.strip_prefix("*.").unwrap_or(&self.0).to_owned())
    }

    /// The name with one or more labels put before it.
    ///
    /// # Errors
    /// Where the result is no name.
    pub fn below(&self, labels: &str) -> Result<Self, NameError> {
        Self::parse(&format!("{labels}.{}", self.0))
    }

    /// The order of any two names, octet by octet.
    fn compare_octets(&self, other: &Self) -> Ordering {
        let from_the_right =
            |name: &'_ Self| -> Vec<u8> { name.labels().rev().flat_map(|label| octets(label).chain([b'.'])).collect() };
        from_the_right(self).cmp(&from_the_right(other))
    }

    /// Itself and every name above it, up to the top-level domain.
    pub fn climb(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }
}

/// The labels between dots that no backslash escapes. The canonical form never holds `\.`, for it writes `\056`.
fn split(text: &str) -> std::str::Split<'_, char> {
    text.split('.')
}

/// The octets of a label in its one form.
fn octets(label: &str) -> impl Iterator<Item = u8> {
    let mut bytes = label.bytes();
    // The form has no backslash but before three octal digits, so that the second answer is never needed.
    std::iter::from_fn(move || match bytes.next()? {
        b'\\' => Some(escaped(&mut bytes).unwrap_or(b'\\')),
        octet => Some(octet),
    })
}

/// Whether what stands left of a suffix ends with the dot that ends a label.
fn ends_label(left: &str) -> bool {
    left.ends_with('.')
}

/// The label in its one form, and its octets.
fn canonical_label(label: &str) -> Result<(String, usize), &'static str> {
    let mut out = String::with_capacity(label.len());
    let mut octets = 0;
    let mut bytes = label.bytes();
    while let Some(byte) = bytes.next() {
        let octet = if byte == b'\\' { escaped(&mut bytes)? } else { byte };
        octets += 1;
        match octet {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'*' => out.push(char::from(octet)),
            b'A'..=b'Z' => out.push(char::from(octet.to_ascii_lowercase())),
            b' ' if byte != b'\\' => return Err("it holds a space"),
            0..=0x1f | 0x7f if byte != b'\\' => return Err("it holds a control character"),
            _ => out.push_str(&format!("\\{octet:03o}")),
        }
    }
    match octets {
        0 => Err("a label is empty"),
        octets if octets > LABEL_OCTETS_MAX => Err("a label is longer than 63 octets"),
        octets => Ok((out, octets)),
    }
}

/// The octet after a backslash: three octal digits, as Route 53 writes them.
fn escaped(bytes: &mut std::str::Bytes<'_>) -> Result<u8, &'static str> {
    const WRONG: &str = "after a backslash there must be three octal digits";
    let mut value: u32 = 0;
    for _ in 0..3 {
        let digit = bytes.next().filter(|byte| (b'0'..=b'7').contains(byte)).ok_or(WRONG)?;
        value = value * 8 + u32::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| WRONG)
}

/// The order of Route 53's lists: the labels from the right, each with the dot after it, octet by octet. So `*` and `-` sort
/// before the dot, and `a-b.com` before `a.com` (API reference of `ListResourceRecordSets`).
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        // Nearly every name; a listing of a large zone compares some ten thousand.
        let are_plain = !self.0.contains('\\') && !other.0.contains('\\');
        if are_plain { compare_plain(&self.0, &other.0) } else { self.compare_octets(other) }
    }
}

/// The order of two names whose octets are the bytes of their texts.
fn compare_plain(one: &str, other: &str) -> Ordering {
    let (mut labels, mut other_labels) = (one.rsplit('.'), other.rsplit('.'));
    loop {
        match (labels.next(), other_labels.next()) {
            (Some(label), Some(other)) if label == other => {}
            (Some(label), Some(other)) => {
                let (label, other) = (label.as_bytes(), other.as_bytes());
                let same = label.iter().zip(other).take_while(|(octet, other)| octet == other).count();
                // Where one of them ends there is its dot.
                let octet = |of: &[u8]| of.get(same).copied().unwrap_or(b'.');
                return octet(label).cmp(&octet(other));
            }
            (label, other) => return label.is_some().cmp(&other.is_some()),
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn names_that_the_dns_takes_for_one_are_one() {
        for text in ["Shop.Example.COM.", "shop.example.com", "\\163hop.example.com"] {
            assert_eq!(name(text), name("shop.example.com"), "{text}");
        }
        assert_eq!(name("\\052.example.com."), name("*.example.com"));
        assert_eq!(name("Bücher.example"), name("xn--bcher-kva.example"));
        assert_eq!(name("*.bücher.example"), name("*.xn--bcher-kva.example"));
    }

    #[test]
    fn a_label_has_at_most_63_octets_and_a_name_255() {
        let label = "a".repeat(63);
        assert!(Name::parse(&format!("{label}.com")).is_ok());
        assert!(Name::parse(&format!("{label}a.com")).unwrap_err().to_string().contains("63"));
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert!(Name::parse(&longest).is_ok());
        assert!(Name::parse(&format!("{longest}b")).unwrap_err().to_string().contains("255"));
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        for text in ["", ".", "a..b", ".a", "a b.com", "a\n.com", "\\05.com", "\\999.com"] {
            assert!(Name::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn below_is_by_whole_labels() {
        assert!(name("a.example.com").is_at_or_below(&name("example.com")));
        assert!(name("example.com").is_at_or_below(&name("example.com")));
        assert!(!name("badexample.com").is_at_or_below(&name("example.com")));
        assert!(!name("com").is_at_or_below(&name("example.com")));
    }

    #[test]
    fn a_name_climbs_to_its_top_level_domain() {
        let up: Vec<String> = name("*.a.example.com").climb().map(|name| name.to_string()).collect();
        assert_eq!(up, ["*.a.example.com", "a.example.com", "example.com", "com"]);
    }

    #[test]
    fn names_sort_as_route_53_lists_them() {
        let sorted = ["dev", "a-b.dev", "a.dev", "*.a.dev", "_x.a.dev", "x.a.dev", "a0.dev", "b.dev", "y.b.dev"];
        let mut names: Vec<Name> = sorted.iter().rev().map(|text| name(text)).collect();
        names.sort();
        let texts: Vec<&str> = names.iter().map(Name::as_str).collect();
        assert_eq!(texts, sorted);
    }
}
