//! Slack's `mrkdwn`: the parts of a text that Slack would turn into a mention or a link.

use serde::Serialize;

/// A link that a text shows; `label` is none where the bare address is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Link {
    pub url: String,
    pub label: Option<String>,
}

/// A piece of a text, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text with `&amp;`, `&lt;` and `&gt;` undone.
    Text(String),
    /// `channel`, `here`, `everyone`, `@U...`, `#C...`, `subteam^S...`: somebody is told, or a channel named.
    Mention(String),
    Link(Link),
}

/// Undoes Slack's three escapes, and only these.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Cuts a text into its pieces. `bare_links` is whether addresses without angle brackets become links too, which Slack does
/// unless a text object is `verbatim`.
pub fn pieces(text: &str, bare_links: bool) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, inside, after)) = control(rest) {
        push_text(&mut found, before, bare_links);
        found.push(meaning(inside));
        rest = after;
    }
    push_text(&mut found, rest, bare_links);
    found
}

/// The first `<...>` of a text, with what stands before and after it.
fn control(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('<')?;
    let end = start + text[start..].find('>')?;
    Some((&text[..start], &text[start + 1..end], &text[end + 1..]))
}

/// What Slack makes of the inside of angle brackets.
fn meaning(inside: &str) -> Piece {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
    if let Some(special) = target.strip_prefix('!') {
        return match (special.starts_with("date^"), label) {
            (true, Some(shown)) => Piece::Text(unescaped(shown)),
            _ => Piece::Mention(special.to_owned()),
        };
    }
    if target.starts_with('@') || target.starts_with('#') {
        return Piece::Mention(target.to_owned());
    }
    Piece::Link(Link { url: unescaped(target), label: label.map(unescaped) })
}

fn push_text(found: &mut Vec<Piece>, text: &str, bare_links: bool) {
    let mut rest = text;
    while let Some(start) = bare_address(rest).filter(|_| bare_links) {
        let length =
            rest[start..].find(|c: char| c.is_whitespace() || "<>|`\"".contains(c)).unwrap_or(rest.len() - start);
        if start > 0 {
            found.push(Piece::Text(unescaped(&rest[..start])));
        }
        found.push(Piece::Link(Link { url: unescaped(&rest[start..start + length]), label: None }));
        rest = &rest[start + length..];
    }
    if !rest.is_empty() {
        found.push(Piece::Text(unescaped(rest)));
    }
}

/// Where the first address begins that has no angle brackets.
fn bare_address(text: &str) -> Option<usize> {
    ["https://", "http://"].iter().filter_map(|scheme| text.find(scheme)).min()
}

/// `@channel` and its siblings as bare words, which tell people only where `link_names` or `parse=full` is on.
pub fn bare_mentions(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '@' || c == '_' || c == '-'))
        .filter_map(|word| word.strip_prefix('@'))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_mentions_and_links() {
        let found =
            pieces("a <!channel> b <@U123|bob> <#C1> <!subteam^S1> <https://x.example/?a=1&amp;b=2|look> c", false);
        let link = Link { url: "https://x.example/?a=1&b=2".to_owned(), label: Some("look".to_owned()) };
        assert_eq!(
            found.into_iter().filter(|piece| !matches!(piece, Piece::Text(_))).collect::<Vec<_>>(),
            [
                Piece::Mention("channel".to_owned()),
                Piece::Mention("@U123".to_owned()),
                Piece::Mention("#C1".to_owned()),
                Piece::Mention("subteam^S1".to_owned()),
                Piece::Link(link),
            ]
        );
    }

    #[test]
    fn what_is_escaped_stays_text() {
        assert_eq!(pieces("&lt;!channel&gt; &amp;lt; <", false), [Piece::Text("<!channel> &lt; <".to_owned())]);
    }

    #[test]
    fn a_bare_address_is_a_link_unless_the_text_is_verbatim() {
        let text = "see https://evil.example/x now";
        assert_eq!(pieces(text, false), [Piece::Text(text.to_owned())]);
        assert_eq!(pieces(text, true)[1], Piece::Link(Link { url: "https://evil.example/x".to_owned(), label: None }));
    }

    #[test]
    fn bare_names_are_found() {
        assert_eq!(bare_mentions("hey @channel, mail a@b.example (@here)"), ["channel", "here"]);
    }
}
