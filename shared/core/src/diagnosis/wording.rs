//! Reads one line of a log: its normalised wording, and the values that App Runner puts into it.
//!
//! Spacing around colons, back-ticks and brackets have changed over the years; the words have not. Nothing here decides.

use super::LogLine;

/// Lower case, without back-ticks, one space at most between words and none around a colon.
pub(super) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '`' => {}
            c if c.is_whitespace() || c.is_control() => {
                if !out.is_empty() && !out.ends_with([' ', ':']) {
                    out.push(' ');
                }
            }
            ':' => {
                while out.ends_with(' ') {
                    out.pop();
                }
                out.push(':');
            }
            c => out.extend(c.to_lowercase()),
        }
    }
    while out.ends_with(' ') {
        out.pop();
    }
    out
}

/// The number after `exit code`, in a normalised wording.
pub(super) fn exit_code(wording: &str) -> Option<i32> {
    let (_, after) = wording.split_once("exit code").or_else(|| wording.split_once("exitcode"))?;
    let digits = after.trim_start_matches([':', '=', ' ', '\'', '"', '[', '(']);
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// What follows `Reason:`, as it was written, up to the end of the sentence.
pub(super) fn reason(text: &str) -> Option<String> {
    let at = find_ignoring_case(text, "reason")?;
    let after = text.get(at + "reason".len()..)?.trim_start();
    let after = after.strip_prefix(':')?.trim();
    let sentence = after.split(". ").next().unwrap_or(after).trim_end_matches('.').replace('`', "");
    let sentence: String = sentence.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
    (!sentence.is_empty()).then_some(sentence)
}

/// The first token that looks like an ARN.
pub(super) fn arn(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || "`'\"(),".contains(c))
        .find(|token| token.starts_with("arn:"))
        .map(|token| token.trim_end_matches(['.', ':', ';']))
}

/// Protocol, path and port of a health check, as far as a line names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HealthCheck {
    pub protocol: Option<String>,
    pub path: Option<String>,
    pub port: Option<String>,
}

impl HealthCheck {
    /// Reads both spellings: ``on protocol `HTTP` [Path: '/x'], [Port: '8080']`` and the older `on path '/' and port '8080'`.
    pub(super) fn read(text: &str) -> Self {
        let protocol = value_after(text, "protocol").filter(|value| value.chars().all(|c| c.is_ascii_alphanumeric()));
        let path = value_after(text, "path").filter(|value| value.starts_with('/'));
        let port = value_after(text, "port").filter(|value| value.chars().all(|c| c.is_ascii_digit()));
        Self { protocol, path, port }
    }

    fn or(self, other: Self) -> Self {
        Self {
            protocol: self.protocol.or(other.protocol),
            path: self.path.or(other.path),
            port: self.port.or(other.port),
        }
    }
}

/// One line for people. Where the failing line names nothing (`Failure reason : Health check failed.`), the other lines
/// about the health check of the same operation fill in.
pub(super) fn health_check_summary(lines: &[LogLine], failing: &str) -> String {
    let mut check = HealthCheck::read(failing);
    for line in lines.iter().rev().filter(|line| line.source != super::LogSource::Application) {
        if find_ignoring_case(&line.text, "health check").is_some() {
            check = check.or(HealthCheck::read(&line.text));
        }
    }
    let mut summary = "the health check failed".to_owned();
    if let Some(protocol) = &check.protocol {
        summary.push_str(&format!(" on protocol {}", protocol.to_ascii_uppercase()));
    }
    if let Some(path) = &check.path {
        summary.push_str(&format!(", path {path}"));
    }
    if let Some(port) = &check.port {
        summary.push_str(&format!(", port {port}"));
    }
    summary
}

/// The value after a label, between quotes, back-ticks or brackets: at the first place where one follows directly.
fn value_after(text: &str, label: &str) -> Option<String> {
    let mut rest = text;
    while let Some(at) = find_ignoring_case(rest, label) {
        let (before, found) = (rest.get(..at)?, rest.get(at + label.len()..)?);
        rest = found;
        if before.chars().next_back().is_some_and(char::is_alphanumeric) {
            continue;
        }
        let value = found.trim_start_matches([' ', ':']);
        let value = value.trim_start_matches(['`', '\'', '"']);
        if value.len() == found.len() {
            continue;
        }
        let end =
            value.find(|c: char| "`'\"],".contains(c) || c.is_whitespace() || c.is_control()).unwrap_or(value.len());
        let value: String = value.get(..end)?.trim_end_matches('.').chars().take(120).collect();
        if !value.is_empty() {
            return Some(value);
        }
    }
    None
}

/// Where an ASCII needle stands. Works on bytes, so that the place is one in `text` itself.
fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_and_back_ticks_do_not_matter() {
        assert_eq!(normalise("Failure  reason :  `X`  failed. "), "failure reason:x failed.");
        assert_eq!(normalise("Failure reason: X failed."), "failure reason:x failed.");
    }

    #[test]
    fn exit_codes_are_read_in_every_spelling() {
        for (text, code) in [
            ("Container exit code: 137", Some(137)),
            ("container exit code 1", Some(1)),
            ("Exit Code : `2`", Some(2)),
            ("exitCode=126.", Some(126)),
            ("exit code: -1", Some(-1)),
            ("exit code unknown", None),
            ("exit code: 99999999999999999999", None),
        ] {
            assert_eq!(exit_code(&normalise(text)), code, "{text}");
        }
    }

    #[test]
    fn a_health_check_is_read_in_every_spelling() {
        let check = |protocol: Option<&str>, path: Option<&str>, port: Option<&str>| HealthCheck {
            protocol: protocol.map(str::to_owned),
            path: path.map(str::to_owned),
            port: port.map(str::to_owned),
        };
        for (text, expected) in [
            (
                "Health check failed on protocol `HTTP`[Path: '/health'], [Port: '3000']. Check your configured port number.",
                check(Some("HTTP"), Some("/health"), Some("3000")),
            ),
            ("Health check failed on protocol `TCP` [Port: '8080'].", check(Some("TCP"), None, Some("8080"))),
            ("Performing health check on path '/' and port '8080'.", check(None, Some("/"), Some("8080"))),
            (
                "Performing health check on protocol HTTP [Path : /x], [Port : 80].",
                check(Some("HTTP"), Some("/x"), Some("80")),
            ),
            ("Deployment with ID : x failed. Failure reason : Health check failed.", check(None, None, None)),
        ] {
            assert_eq!(HealthCheck::read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_reason_is_the_sentence_after_the_word() {
        assert_eq!(
            reason("Failed to build your application source code. Reason: Failed to execute 'build' command."),
            Some("Failed to execute 'build' command".to_owned())
        );
        assert_eq!(reason("Failure reason :  X. For more, see Y."), Some("X".to_owned()));
        assert_eq!(reason("for this reason it stopped"), None);
    }

    #[test]
    fn an_arn_is_found_without_its_punctuation() {
        assert_eq!(arn("role `arn:aws:iam::1:role/a`."), Some("arn:aws:iam::1:role/a"));
        assert_eq!(arn("no role"), None);
    }
}
