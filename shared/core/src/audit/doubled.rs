//! The classic mistake in a provider's panel: the whole name is entered where the panel adds the zone's name by itself.

use crate::dns::name::Name;

/// The names under which a record for `name` ends up where a panel adds the zone's name to it: one for each zone that
/// could hold it. `_x.shop.example.com` gives `_x.shop.example.com.shop.example.com` and
/// `_x.shop.example.com.example.com`.
///
/// Whether a zone begins at a name is not known here, so every name above counts that has two labels and no underscore.
pub fn doubled_names(name: &Name) -> Vec<Name> {
    let zones = name.climb().skip(1).filter(|at| at.labels().count() >= 2 && !at.as_str().starts_with('_'));
    zones.filter_map(|zone| zone.below(name.as_str()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(text: &str) -> Vec<String> {
        doubled_names(&Name::parse(text).unwrap()).iter().map(Name::to_string).collect()
    }

    #[test]
    fn every_zone_that_could_hold_it_doubles_it() {
        assert_eq!(
            doubled("_x.shop.example.com"),
            ["_x.shop.example.com.shop.example.com", "_x.shop.example.com.example.com"]
        );
        assert_eq!(doubled("_x.example.com"), ["_x.example.com.example.com"]);
        assert_eq!(doubled("example.com"), Vec::<String>::new());
    }

    #[test]
    fn what_would_be_too_long_is_left_out() {
        let long = ["a"; 4].map(|letter| letter.repeat(40)).join(".");
        assert_eq!(doubled(&long).len(), 1, "{:?}", doubled(&long));
    }
}
