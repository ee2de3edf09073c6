//! A command line to be shown: what looks like a secret in it is covered, the rest stays as it is.
//!
//! | seen | shown |
//! |---|---|
//! | `NAME=VALUE`, `--name=VALUE` whose pair looks like a secret | the name, and [`COVER`] |
//! | a word behind `--name`, `name:` or `Bearer` that together look like one | [`COVER`] |
//! | a word that is known by its form (a key, a token, a URL with a password), or long and without pattern | [`COVER`] |
//! | `$NAME`, which the shell fills in | as it is |
//! | a word with blanks in it: a script, a header | the same again, word by word |

use super::suspect;

/// Stands in the place of what is covered.
pub const COVER: &str = "***";

/// A command line in one string, as people and shells write it.
pub fn covered(text: &str) -> String {
    let mut cover = Cover::default();
    let mut out = String::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            None if c.is_whitespace() => {
                out.push_str(&cover.word(&std::mem::take(&mut word)));
                out.push(c);
                continue;
            }
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if open == c => quote = None,
            None | Some(_) => {}
        }
        word.push(c);
    }
    out + &cover.word(&word)
}

/// The same for one that is split already, as a process gets it.
pub fn covered_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<String> {
    let mut cover = Cover::default();
    let split = |word: &'w str| match word.contains(char::is_whitespace) && !cover.takes(word) {
        true => covered(word),
        false => cover.word(word),
    };
    words.into_iter().map(split).collect()
}

/// What the word before says of the next one.
#[derive(Default)]
struct Cover {
    name: String,
}

impl Cover {
    fn word(&mut self, word: &str) -> String {
        let before = std::mem::take(&mut self.name);
        let (open, inner, close) = unquoted(word);
        if let Some(name) = names_the_next(inner) {
            self.name = name;
            return word.to_owned();
        }
        // Before the whole word: of a pair the name stays.
        if let Some((name, value)) = inner.split_once('=').filter(|(name, _)| is_name(flag(name))) {
            let (_, bare, _) = unquoted(value);
            if is_secret(flag(name), bare) {
                return format!("{open}{name}={COVER}{close}");
            }
        }
        if is_secret(&before, inner) {
            return COVER.to_owned();
        }
        // Each of these gets shorter, so that this ends whatever the quotes are.
        match (inner.contains(char::is_whitespace), word.find(['"', '\''])) {
            (true, _) if !open.is_empty() => format!("{open}{}{close}", covered(inner)),
            (true, Some(at)) => {
                let (before, rest) = word.split_at(at + 1);
                format!("{before}{}", covered(rest))
            }
            (true, None) | (false, _) => word.to_owned(),
        }
    }

    /// Whether the word is what the one before it names.
    fn takes(&self, word: &str) -> bool {
        is_secret(&self.name, word)
    }
}

/// The name that a word gives to the next one.
fn names_the_next(word: &str) -> Option<String> {
    if word.eq_ignore_ascii_case("bearer") {
        return Some("token".to_owned());
    }
    let name = word.strip_prefix('-').map(flag).or_else(|| word.strip_suffix(':')).filter(|name| is_name(name))?;
    // A flag of this name takes a password; as the name of a variable it may be a count or a directory.
    let is_password = ["pass", "pwd"].iter().any(|short| name.eq_ignore_ascii_case(short));
    Some(if is_password { "password".to_owned() } else { name.to_owned() })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || matches!(c, '=' | '/' | '"' | '\''))
}

fn flag(name: &str) -> &str {
    name.trim_start_matches('-')
}

fn is_secret(name: &str, value: &str) -> bool {
    let reference = value.strip_prefix('$').is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'}'))
    });
    // The text of a script holds secrets; it is none itself unless a name says so.
    let alone = !name.is_empty() || !value.contains(char::is_whitespace);
    !reference && alone && suspect(name, value.trim_end_matches([';', ',', '&', '|'])).is_some()
}

/// A word and its quotes, where it stands whole between a pair of them.
fn unquoted(word: &str) -> (&str, &str, &str) {
    for quote in ["\"", "'"] {
        if let Some(inner) = word.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return (quote, inner, quote);
        }
    }
    ("", word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In two pieces, so that no scanner of secrets takes it for one.
    fn aws_key() -> String {
        ["AKIA", "QYLPMN5H7DFPZAM2"].concat()
    }

    #[test]
    fn a_command_without_secrets_stays_as_it_is() {
        for command in [
            "",
            "serve",
            "  node   server.js --port 8080  ",
            "gunicorn app:app --bind 0.0.0.0:8080 --workers=4",
            "/bin/sh -c 'exec java -jar /opt/app.jar'",
            "run --max-tokens=4096 --token-url https://auth.example.com/token --password-file /run/secrets/db",
            "run --password $DB_PASSWORD --api-key=${API_KEY} TOKEN=$TOKEN",
            "run --commit 3f2a9c1b7d5e4f60a8b1c2d3e4f5061728394a5b",
            "python -m http.server --directory=\"/srv/my files\"",
        ] {
            assert_eq!(covered(command), command);
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_covered_and_nothing_beside_it() {
        for (command, expected) in [
            ("run --password hunter2 --port 8080".to_owned(), "run --password *** --port 8080"),
            ("run --db-password=hunter2 -v".to_owned(), "run --db-password=*** -v"),
            ("run --pass hunter2".to_owned(), "run --pass ***"),
            ("run --password \"correct horse\" x".to_owned(), "run --password *** x"),
            ("run --password=\"correct horse\" x".to_owned(), "run --password=*** x"),
            ("API_KEY=hunter2 run".to_owned(), "API_KEY=*** run"),
            ("sh -c 'export API_TOKEN=hunter2; exec run'".to_owned(), "sh -c 'export API_TOKEN=*** exec run'"),
            ("curl -H \"Authorization: Bearer abcdef\" x".to_owned(), "curl -H \"Authorization: Bearer ***\" x"),
            ("curl -H 'X-Api-Key: abcdef' x".to_owned(), "curl -H 'X-Api-Key: ***' x"),
            ("run postgres://shop:hunter2@db/shop".to_owned(), "run ***"),
            ("run --url=postgres://shop:hunter2@db/shop".to_owned(), "run --url=***"),
            ("run --note=\"x --token hunter2 y\" z".to_owned(), "run --note=\"x --token *** y\" z"),
            ("run \"--token hunter2 never closed".to_owned(), "run \"--token *** never closed"),
            (format!("run {} -v", aws_key()), "run *** -v"),
            (format!("run --id={}; next", aws_key()), "run --id=*** next"),
        ] {
            assert_eq!(covered(&command), expected, "{command}");
        }
    }

    #[test]
    fn words_of_a_process_are_covered_like_those_of_a_line() {
        let words = ["/bin/sh", "-c", "run --token \"a b\" | tee log", "--api-key", "a b", "-v"];
        let expected = ["/bin/sh", "-c", "run --token *** | tee log", "--api-key", "***", "-v"];
        assert_eq!(covered_words(words), expected);
    }
}
