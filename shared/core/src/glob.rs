//! Patterns as waivers, policies of IAM and lifecycle policies of ECR have them: `*` stands for any run of characters, `?` for
//! one. Nothing else is special.

/// Whether the whole text is what the pattern says. Takes time in the product of both lengths at most, whatever the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star stood, and what of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_run_and_a_question_mark_is_one_character() {
        for (pattern, text, expected) in [
            ("shop", "shop", true),
            ("shop", "shop-api", false),
            ("shop*", "shop-api", true),
            ("*api", "shop-api", true),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("sh?p", "shop", true),
            ("sh?p", "shp", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*.example.com", "www.example.com", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        assert!(!matches(&"*a".repeat(200), &"b".repeat(2_000)));
    }
}
