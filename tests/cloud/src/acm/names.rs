//! Names as a certificate authority sees them: what a wildcard is proven by, and which names nobody certifies.

use sha2::{Digest, Sha256};

/// The names that ACM proves control of: a wildcard by the name below its asterisk, so that `*.shop.dev` and `shop.dev`
/// share one record.
pub(crate) fn base(name: &str) -> &str {
    name.strip_prefix("*.").unwrap_or(name)
}

/// Lower case, without the dot at the end.
pub(crate) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether it is a domain name as ACM's model spells them: labels of at most 63 letters, digits and hyphens, at least two
/// of them, and at most one asterisk, as the first label.
pub(super) fn is_domain(name: &str) -> bool {
    let labels: Vec<&str> = base(name).split('.').collect();
    let fits = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    labels.len() >= 2 && labels.iter().all(fits) && labels.last().is_some_and(|top| top.len() >= 2)
}

/// Names that no certificate authority signs.
pub(crate) fn is_reserved(name: &str) -> bool {
    let labels: Vec<&str> = name.trim_end_matches('.').rsplit('.').collect();
    matches!(labels[..], ["test" | "example" | "invalid" | "localhost", ..] | ["com" | "net" | "org", "example", ..])
}

/// Whether a certificate for `pattern` is good for `host`: the same name, or one label in the place of the asterisk.
pub(crate) fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => pattern == host,
    }
}

/// The CNAME that proves control of a name, both sides with a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) value: String,
}

/// The record of a name. It depends on who asks and on the name alone, so that a later request finds it in place; `realm`
/// is the account, or what App Runner uses instead.
pub(super) fn record(realm: &str, name: &str) -> Record {
    let base = base(name);
    let hex = |what: &str| -> String {
        let digest = Sha256::digest(format!("{what} {realm} {base}").as_bytes());
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    };
    // The zone below acm-validations.aws: ten letters.
    let digest = Sha256::digest(format!("zone {realm}").as_bytes());
    let zone: String = digest.iter().take(10).map(|byte| char::from(b'a' + byte % 26)).collect();
    Record {
        name: format!("_{}.{base}.", hex("name")),
        value: format!("_{}.{zone}.acm-validations.aws.", hex("value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_name_is_always_the_same_and_shared_with_its_wildcard() {
        let first = record("123456789012", "shop.dev");
        assert_eq!(first, record("123456789012", "*.shop.dev"));
        assert_ne!(first, record("210987654321", "shop.dev"));
        assert_ne!(first.name, record("123456789012", "www.shop.dev").name);
        let (label, rest) = first.name.split_once('.').unwrap();
        assert!(label.len() == 33 && label.starts_with('_'), "{label}");
        assert_eq!(rest, "shop.dev.");
        assert!(first.value.ends_with(".acm-validations.aws."), "{}", first.value);
    }

    #[test]
    fn a_domain_name_has_labels_of_letters_digits_and_hyphens() {
        let long = format!("{}.dev", "a".repeat(63));
        for name in ["shop.dev", "*.shop.dev", "a-b.1.shop.dev", "xn--bcher-kva.dev", &long] {
            assert!(is_domain(name), "{name}");
        }
        let longer = format!("{}.dev", "a".repeat(64));
        for name in
            ["dev", "*.dev", "a.*.dev", "-a.dev", "a-.dev", "a..dev", "a.d", "a_b.dev", "bücher.dev", "", &longer]
        {
            assert!(!is_domain(name), "{name}");
        }
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        for (pattern, host, wanted) in [
            ("shop.dev", "shop.dev", true),
            ("*.shop.dev", "a.shop.dev", true),
            ("*.shop.dev", "a.b.shop.dev", false),
            ("*.shop.dev", "shop.dev", false),
            ("*.shop.dev", ".shop.dev", false),
            ("shop.dev", "a.shop.dev", false),
        ] {
            assert_eq!(covers(pattern, host), wanted, "{pattern} {host}");
        }
    }
}
