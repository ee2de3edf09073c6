//! Makes text from outside harmless: what cannot be seen is taken out, what Slack would read as markup is defused.
//!
//! Slack's rules: `&`, `<` and `>` are its control characters and are written as entities; in `mrkdwn` text `*`, `_`, `~` and
//! back-ticks format and an address links by itself; `plain_text` objects and code spans do neither.

/// Ends a text that was clipped.
const ELLIPSIS: char = '…';

/// Takes out what no reader can see and what turns the order of a line around. Line breaks stay, tabs become spaces.
pub fn visible(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' => Some('\n'),
            '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() || is_invisible(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Format characters of Unicode: zero width, bidirectional marks, embeddings, overrides and isolates, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// One line: visible, single spaces, at most `chars_max` characters.
pub fn line(text: &str, chars_max: usize) -> String {
    // Reading a little more than is kept is enough; a name of a megabyte is not worth copying.
    let text: String = text.chars().take(chars_max.saturating_mul(4)).collect();
    let words: Vec<String> = visible(&text).split_whitespace().map(str::to_owned).collect();
    clip(&words.join(" "), chars_max)
}

/// Several lines: visible, at most `chars_max` characters.
pub fn paragraph(text: &str, chars_max: usize) -> String {
    let text: String = text.chars().take(chars_max.saturating_mul(4)).collect();
    clip(visible(&text).trim(), chars_max)
}

/// At most `chars_max` characters, the last one an ellipsis where something was cut.
pub fn clip(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    kept.push(ELLIPSIS);
    kept
}

/// Slack's three control characters as entities; at most `chars_max` characters after that, never half an entity.
pub fn escape(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut left = chars_max;
    let mut buffer = [0_u8; 4];
    for c in text.chars() {
        let piece: &str = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            c => c.encode_utf8(&mut buffer),
        };
        let length = piece.chars().count();
        if length > left {
            break;
        }
        left -= length;
        out.push_str(piece);
    }
    out
}

/// Text for a `mrkdwn` place that must not format: what formats is replaced by a sign that looks alike, an address is broken.
pub fn prose(text: &str, chars_max: usize) -> String {
    let text = line(text, chars_max).replace("://", ": //");
    let mut out = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside_word =
            before.is_some_and(char::is_alphanumeric) && rest.peek().is_some_and(|next| next.is_alphanumeric());
        out.push(match c {
            '*' => '∗',
            '~' => '∼',
            '`' => 'ˋ',
            // Slack formats with an underscore at the edge of a word only; names keep theirs.
            '_' if !inside_word => 'ˍ',
            c => c,
        });
        before = Some(c);
    }
    escape(&out, chars_max)
}

/// A code span of one line.
pub fn code(text: &str, chars_max: usize) -> String {
    let inside = line(text, chars_max).replace('`', "'");
    format!("`{}`", escape(if inside.is_empty() { " " } else { &inside }, chars_max))
}

/// A code block of several lines.
pub fn fence(text: &str, chars_max: usize) -> String {
    let inside = paragraph(text, chars_max).replace('`', "'");
    format!("```{}```", escape(if inside.is_empty() { " " } else { &inside }, chars_max))
}

/// An address that may become a link: https, printable ASCII without Slack's control characters, and a host of AWS.
pub fn link_url(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let printable = url.len() <= 2_000 && url.bytes().all(|b| b.is_ascii_graphic() && !b"<>|\"'`\\^{}".contains(&b));
    let host = rest.split(['/', '?', '#']).next()?;
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    let aws = [".aws.amazon.com", ".amazonaws.com", ".amazonaws.cn", ".amazonaws-us-gov.com"];
    let ours = host == "console.aws.amazon.com" || aws.iter().any(|suffix| host.ends_with(suffix));
    (printable && named && ours).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_taken_out() {
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{feff}\u{7}\u{1b}[31md\u{e0041}\te"), "abc[31md e");
    }

    #[test]
    fn a_line_is_one_line_and_has_a_bound() {
        assert_eq!(line(" a\r\n b\n", 10), "a b");
        assert_eq!(line(&"x".repeat(1_000_000), 10), format!("{}…", "x".repeat(9)));
    }

    #[test]
    fn mentions_and_links_are_defused() {
        assert_eq!(escape("<!channel> & <@U1>", 100), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
        assert_eq!(
            prose("see http://x|y *now* _or_ ~not~ `x` my_app", 100),
            "see http: //x|y ∗now∗ ˍorˍ ∼not∼ ˋxˋ my_app"
        );
    }

    #[test]
    fn an_entity_is_never_cut_in_half() {
        assert_eq!(escape("a<b", 4), "a");
        assert_eq!(escape("a<b", 5), "a&lt;");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a` *b*\n`<!here>", 100), "`a' *b* '&lt;!here&gt;`");
        assert_eq!(fence("a\n```b", 100), "```a\n'''b```");
        assert_eq!(code("", 100), "` `");
    }

    #[test]
    fn only_an_address_of_aws_becomes_a_link() {
        let console = "https://eu-west-1.console.aws.amazon.com/apprunner/home?region=eu-west-1#/services";
        assert_eq!(link_url(console), Some(console));
        for url in [
            "http://console.aws.amazon.com/",
            "https://evil.example/",
            "https://console.aws.amazon.com.evil.example/",
            "https://user@console.aws.amazon.com/",
            "https://console.aws.amazon.com/|<!channel>",
            "javascript:alert(1)",
        ] {
            assert_eq!(link_url(url), None, "{url}");
        }
    }
}
