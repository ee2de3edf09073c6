use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A label as plain letters, and a way to write it: which characters are upper case, which are escaped.
fn label() -> impl Strategy<Value = (String, String)> {
    vec((proptest::sample::select(b"abcxyz019-_*".to_vec()), any::<bool>(), any::<bool>()), 1..=63).prop_map(
        |letters| {
            let plain = letters.iter().map(|(letter, ..)| char::from(*letter)).collect();
            let write = |(letter, upper, escape): &(u8, bool, bool)| {
                let letter = if *upper { letter.to_ascii_uppercase() } else { *letter };
                if *escape { format!("\\{letter:03o}") } else { char::from(letter).to_string() }
            };
            (plain, letters.iter().map(write).collect())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_a_name_is_written_it_is_one_name_or_too_long(labels in vec(label(), 1..6), dot in any::<bool>()) {
        let join = |pick: fn(&(String, String)) -> &str| labels.iter().map(pick).collect::<Vec<_>>().join(".");
        let plain = join(|(plain, _)| plain);
        let written = join(|(_, written)| written) + if dot { "." } else { "" };
        match (Name::parse(&plain), Name::parse(&written)) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(&one, &other);
                prop_assert_eq!(one.as_str(), &plain);
                prop_assert!(plain.len() + 2 <= 255);
            }
            (Err(_), Err(_)) => prop_assert!(plain.len() + 2 > 255),
            (one, other) => prop_assert!(false, "{:?} and {:?}", one, other),
        }
    }

    #[test]
    fn a_name_that_was_read_reads_as_itself(text in "\\PC{0,40}|(\\*\\.)?[a-zäöüß\u{3042}A-Z]{1,20}\\.[a-z]{2,5}\\.?|(\\\\[0-7]{3}){1,20}") {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name.clone()));
            prop_assert_eq!(Name::parse(&name.fqdn()), Ok(name.clone()));
            prop_assert_eq!(Name::parse(&name.as_str().to_ascii_uppercase()), Ok(name));
        }
    }

    #[test]
    fn the_order_of_plain_names_is_that_of_their_octets(
        one in "[ab*-]{1,3}(\\.[ab*-]{1,3}){0,3}",
        other in "[ab*-]{1,3}(\\.[ab*-]{1,3}){0,3}",
    ) {
        let (one, other) = (Name::parse(&one).unwrap(), Name::parse(&other).unwrap());
        prop_assert_eq!(one.cmp(&other), one.compare_octets(&other));
    }

    #[test]
    fn a_name_is_below_another_where_its_labels_end_with_the_other_ones(
        one in vec(proptest::sample::select(vec!["a", "ba", "com"]), 1..5),
        other in vec(proptest::sample::select(vec!["a", "ba", "com"]), 1..5),
    ) {
        let below = Name::parse(&one.join(".")).unwrap().is_at_or_below(&Name::parse(&other.join(".")).unwrap());
        prop_assert_eq!(below, one.ends_with(&other));
    }
}
