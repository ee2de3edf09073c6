//! DNS names as Route 53 reads, compares, orders and writes them.
//!
//! Owns: letter case, the trailing dot, octal escapes, and the limits of RFC 1035. Never knows what a name is for.

use std::fmt::{self, Write as _};

/// RFC 1035, 2.3.4.
const LABEL_OCTETS_MAX: usize = 63;
const NAME_OCTETS_MAX: usize = 255;

/// A whole name: its labels from the left, in lower case. The root has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    labels: Vec<Vec<u8>>,
}

/// Why a text is no name, in the words of Route 53's name parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error("DomainNameEmpty (Domain name is empty)")]
    Empty,
    #[error("DomainLabelEmpty (Domain label is empty)")]
    EmptyLabel,
    #[error("DomainLabelTooLong (Domain label is too long)")]
    LongLabel,
    #[error("DomainNameTooLong (Domain name is too long)")]
    Long,
    #[error("UnsupportedCharacter (Value contains unsupported characters)")]
    Character,
}

impl BadName {
    /// The message of the API for this text.
    pub fn told(self, text: &str) -> String {
        format!("FATAL problem: {self} encountered with '{text}'")
    }
}

impl Name {
    /// Reads a name with or without its last dot. `\052` is the octet with this octal number.
    ///
    /// # Errors
    /// What is empty, too long, or not printable ASCII: names in other scripts come as `xn--`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if text == "." {
            return Ok(Self::default());
        }
        let mut labels = vec![Vec::new()];
        let mut rest = text.strip_suffix('.').filter(|rest| !rest.ends_with('\\')).unwrap_or(text).bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'.' => labels.push(Vec::new()),
                b'\\' => push(&mut labels, octal(&mut rest)?),
                0x21..=0x7e => push(&mut labels, byte.to_ascii_lowercase()),
                _ => return Err(BadName::Character),
            }
        }
        Self::of(labels)
    }

    /// A name of these labels, folded to lower case.
    ///
    /// # Errors
    /// As for [`Name::parse`].
    pub fn of(mut labels: Vec<Vec<u8>>) -> Result<Self, BadName> {
        labels.iter_mut().for_each(|label| label.make_ascii_lowercase());
        if labels.iter().any(Vec::is_empty) {
            return Err(BadName::EmptyLabel);
        }
        if labels.iter().any(|label| label.len() > LABEL_OCTETS_MAX) {
            return Err(BadName::LongLabel);
        }
        // One octet of length before each label, and one for the root.
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() + 1 > NAME_OCTETS_MAX {
            return Err(BadName::Long);
        }
        Ok(Self { labels })
    }

    pub fn labels(&self) -> &[Vec<u8>] {
        &self.labels
    }

    pub fn is_root(&self) -> bool {
        self.labels.is_empty()
    }

    /// Whether the name is this zone's apex or lies below it.
    pub fn is_within(&self, zone: &Self) -> bool {
        self.labels.ends_with(&zone.labels)
    }

    /// The name without its first label; none for the root.
    pub fn parent(&self) -> Option<Self> {
        self.labels.split_first().map(|(_, rest)| Self { labels: rest.to_vec() })
    }

    /// The names from the top-level domain down to the name itself.
    pub fn from_the_top(&self) -> impl Iterator<Item = Self> + '_ {
        (0..self.labels.len()).rev().map(|skip| Self { labels: self.labels[skip..].to_vec() })
    }

    /// `*` below this name.
    pub fn wildcard(&self) -> Self {
        let mut labels = vec![b"*".to_vec()];
        labels.extend_from_slice(&self.labels);
        Self { labels }
    }

    /// What lists are ordered by: the labels in reverse, with the trailing dot, which sorts after `-` and before digits
    /// (API reference of `ListResourceRecordSets`).
    pub fn order(&self) -> Vec<u8> {
        let mut key = Vec::new();
        for label in self.labels.iter().rev() {
            key.extend_from_slice(label);
            key.push(b'.');
        }
        key
    }

    /// As the condition key `route53:ChangeResourceRecordSetsNormalizedRecordNames` has it: without the trailing dot.
    pub fn normalized(&self) -> String {
        let text = self.to_string();
        text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
    }
}

fn push(labels: &mut [Vec<u8>], octet: u8) {
    if let Some(label) = labels.last_mut() {
        label.push(octet);
    }
}

fn octal(rest: &mut impl Iterator<Item = u8>) -> Result<u8, BadName> {
    let mut value = 0_u32;
    for _ in 0..3 {
        let digit = rest.next().filter(|byte| (b'0'..=b'7').contains(byte)).ok_or(BadName::Character)?;
        value = value * 8 + u32::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| BadName::Character)
}

/// As the API answers: lower case, a trailing dot, and everything but letters, digits, `-` and `_` in octal.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in &self.labels {
            for octet in label {
                match octet {
                    b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => f.write_char(char::from(*octet))?,
                    other => write!(f, "\\{other:03o}")?,
                }
            }
            f.write_char('.')?;
        }
        if self.labels.is_empty() { f.write_char('.') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn case_and_the_trailing_dot_make_no_difference() {
        assert_eq!(name("WWW.Octank.DEV"), name("www.octank.dev."));
        assert_eq!(name("www.octank.dev").to_string(), "www.octank.dev.");
        assert_eq!(name("www.octank.dev").normalized(), "www.octank.dev");
    }

    #[test]
    fn a_wildcard_is_octal_on_the_wire_and_read_either_way() {
        assert_eq!(name("*.octank.dev"), name("\\052.octank.dev."));
        assert_eq!(name("*.octank.dev").to_string(), "\\052.octank.dev.");
        assert_eq!(name("octank.dev").wildcard(), name("*.octank.dev"));
        assert_eq!(name("a\\056b.dev").labels().len(), 2);
    }

    #[test]
    fn what_is_no_name_says_why() {
        let long = "a".repeat(64);
        let of_63 = format!("{}.", "a".repeat(63)).repeat(3);
        assert!(Name::parse(&format!("{of_63}{}", "b".repeat(61))).is_ok(), "255 octets are allowed");
        for (text, why) in [
            ("", BadName::Empty),
            ("a..b", BadName::EmptyLabel),
            (".a", BadName::EmptyLabel),
            (long.as_str(), BadName::LongLabel),
            (&format!("{of_63}{}", "b".repeat(62)), BadName::Long),
            ("b\u{fc}cher.dev", BadName::Character),
            ("a b.dev", BadName::Character),
            ("\\05", BadName::Character),
            ("\\400.dev", BadName::Character),
            ("a\\.", BadName::Character),
        ] {
            assert_eq!(Name::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn names_are_ordered_by_their_reversed_labels_with_the_dot() {
        let mut names = ["b.dev", "a-b.dev", "a.dev", "x.a.dev", "dev", "*.a.dev", "a0.dev"].map(name);
        names.sort_by_key(Name::order);
        let texts: Vec<String> = names.iter().map(Name::normalized).collect();
        assert_eq!(texts, ["dev", "a-b.dev", "a.dev", "\\052.a.dev", "x.a.dev", "a0.dev", "b.dev"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 1..8)) {
            let Ok(made) = Name::of(labels) else { return Ok(()) };
            prop_assert_eq!(Name::parse(&made.to_string()).unwrap(), made);
        }
    }
}
