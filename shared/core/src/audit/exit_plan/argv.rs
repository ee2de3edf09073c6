//! A start command as words: App Runner takes one string, Express Mode takes what a process gets.
//!
//! | seen outside of single quotes | becomes |
//! |---|---|
//! | words, quotes, escapes | its words, as POSIX shells split them |
//! | an operator, an expansion, a pattern, a comment, an assignment or a command of the shell itself | `/bin/sh -c` and the text: a shell is needed |
//! | a quote that is not closed, an escape of nothing, nothing at all | no words: why |

/// What becomes of a start command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argv {
    Words(Vec<String>),
    /// `/bin/sh`, `-c` and the text, and what makes a shell necessary.
    Shell {
        words: Vec<String>,
        because: String,
    },
    Broken(&'static str),
}

/// Commands that only a shell has.
const BUILTINS: [&str; 16] = [
    ".", "cd", "eval", "exec", "exit", "export", "if", "for", "set", "source", "trap", "ulimit", "umask", "unset",
    "until", "while",
];

/// Where a word stands.
enum Stop {
    NeedsShell(String),
    Broken(&'static str),
}

/// Splits a start command.
pub fn split(text: &str) -> Argv {
    match words(text) {
        Ok(words) => Argv::Words(words),
        Err(Stop::Broken(why)) => Argv::Broken(why),
        Err(Stop::NeedsShell(because)) => {
            let words = ["/bin/sh", "-c", text].map(str::to_owned).into();
            Argv::Shell { words, because }
        }
    }
}

fn words(text: &str) -> Result<Vec<String>, Stop> {
    let mut words: Vec<String> = Vec::new();
    // `None` between words: an empty pair of quotes is a word too.
    let mut word: Option<String> = None;
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => word.get_or_insert_default().push_str(&single(&mut chars)?),
            '"' => word.get_or_insert_default().push_str(&double(&mut chars)?),
            '\\' => word.get_or_insert_default().push(chars.next().ok_or(Stop::Broken("it ends with a backslash"))?),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' => {
                return Err(Stop::NeedsShell(format!("`{c}`")));
            }
            '\n' | '\r' => return Err(Stop::NeedsShell("more than one line".to_owned())),
            '#' | '~' if word.is_none() => return Err(Stop::NeedsShell(format!("`{c}`"))),
            '=' if words.is_empty() && word.as_deref().is_some_and(is_variable) => {
                return Err(Stop::NeedsShell("an assignment".to_owned()));
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match words.first() {
        None => Err(Stop::Broken("it is empty")),
        Some(first) if BUILTINS.contains(&first.as_str()) => Err(Stop::NeedsShell(format!("`{first}`"))),
        Some(_) => Ok(words),
    }
}

fn is_variable(word: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    word.bytes().next().is_some_and(|first| !first.is_ascii_digit()) && word.bytes().all(legal)
}

fn single(chars: &mut std::str::Chars<'_>) -> Result<String, Stop> {
    let mut inside = String::new();
    for c in chars {
        if c == '\'' {
            return Ok(inside);
        }
        inside.push(c);
    }
    Err(Stop::Broken("a single quote is not closed"))
}

/// In double quotes a backslash keeps its meaning before four characters alone, and `$` and `` ` `` keep theirs.
fn double(chars: &mut std::str::Chars<'_>) -> Result<String, Stop> {
    let mut inside = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(inside),
            '$' | '`' => return Err(Stop::NeedsShell(format!("`{c}`"))),
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => inside.push(escaped),
                Some(other) => inside.extend(['\\', other]),
                None => break,
            },
            _ => inside.push(c),
        }
    }
    Err(Stop::Broken("a double quote is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(words: &[&str]) -> Argv {
        Argv::Words(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_command_is_split_as_posix_shells_do() {
        let cases: [(&str, &[&str]); 8] = [
            ("node server.js", &["node", "server.js"]),
            ("  python3\t-m  app ", &["python3", "-m", "app"]),
            ("serve --title 'a b' ''", &["serve", "--title", "a b", ""]),
            (r#"serve --title "a \"b\" \n""#, &["serve", "--title", r#"a "b" \n"#]),
            (r"serve a\ b \$HOME", &["serve", "a b", "$HOME"]),
            ("serve '$HOME|x' a'b'c", &["serve", "$HOME|x", "abc"]),
            ("java -Dkey=value -jar app.jar", &["java", "-Dkey=value", "-jar", "app.jar"]),
            ("serve a#b a~b", &["serve", "a#b", "a~b"]),
        ];
        for (text, words) in cases {
            assert_eq!(split(text), plain(words), "{text}");
        }
    }

    #[test]
    fn what_needs_a_shell_goes_to_one_whole_and_says_why() {
        let cases = [
            ("migrate && serve", "`&`"),
            ("serve --port $PORT", "`$`"),
            (r#"serve --port "$PORT""#, "`$`"),
            ("serve > /tmp/log", "`>`"),
            ("serve *.conf", "`*`"),
            ("MODE=fast serve", "an assignment"),
            ("exec serve", "`exec`"),
            ("serve # quietly", "`#`"),
            ("~/serve", "`~`"),
            ("migrate\nserve", "more than one line"),
        ];
        for (text, why) in cases {
            let words = ["/bin/sh", "-c", text].map(str::to_owned).into();
            assert_eq!(split(text), Argv::Shell { words, because: why.to_owned() });
        }
    }

    #[test]
    fn what_no_shell_takes_has_no_words() {
        let broken =
            ["", "  ", "serve 'a", r#"serve "a"#, r"serve \"].map(|text| matches!(split(text), Argv::Broken(_)));
        assert_eq!(broken, [true; 5]);
    }
}
