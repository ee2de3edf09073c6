//! The forms by which secrets are known, and what a value without any pattern is.

use std::collections::BTreeMap;

use crate::audit::facts::Suspicion;

/// Beginnings that the makers of tokens chose so that they can be found, and how many characters follow at least.
const TOKENS: [(&str, usize); 26] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 22),
    ("glpat-", 16),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxe-", 10),
    ("xoxo-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("whsec_", 16),
    ("sk-ant-", 16),
    ("sk-proj-", 16),
    ("AIza", 35),
    ("npm_", 36),
    ("pypi-", 40),
    ("hf_", 30),
    ("shpat_", 30),
    ("dop_v1_", 60),
];
/// Addresses that are keys themselves: whoever knows them may write there.
const WEBHOOKS: [&str; 3] = ["hooks.slack.com/services/", "hooks.slack.com/workflows/", "discord.com/api/webhooks/"];
/// How connection strings name a password.
const PASSWORD_FIELDS: [&str; 4] = ["password=", "pwd=", "accountkey=", "sharedaccesskey="];
/// `-----BEGIN `, less the last bits.
const PEM_IN_BASE64: &str = "LS0tLS1CRUdJTi";
/// Characters of an access key id after its prefix.
const AWS_ID_CHARS: usize = 16;
/// Characters of a secret access key.
const AWS_SECRET_CHARS: usize = 40;
/// A run of letters and digits shorter than this is judged by nobody.
const RANDOM_CHARS_MIN: usize = 20;
/// The same where all of them are hexadecimal: shorter ones are ids and hashes.
const RANDOM_HEX_CHARS_MIN: usize = 32;
/// The longest value that is judged: beyond it stands a document.
const RANDOM_CHARS_MAX: usize = 512;

/// The known form of the value.
pub(super) fn known(value: &str) -> Option<Suspicion> {
    if is_private_key(value) {
        Some(Suspicion::PrivateKey)
    } else if has_aws_id(value) {
        Some(Suspicion::AwsKey)
    } else if has_token(value) {
        Some(Suspicion::Token)
    } else if has_password(value) {
        Some(Suspicion::Url)
    } else {
        None
    }
}

fn is_private_key(value: &str) -> bool {
    // The second is the base64 of the first; what follows it in a certificate and in a public key is told apart.
    let pem = value.contains("-----BEGIN ") && value.contains("PRIVATE KEY");
    let base64 = value.strip_prefix(PEM_IN_BASE64);
    pem || base64.is_some_and(|rest| !rest.starts_with("BDRVJU") && !rest.starts_with("BQVUJM"))
}

/// The runs of characters that tokens are made of.
fn runs(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
}

fn has_aws_id(value: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let rest = run.strip_prefix("AKIA").or_else(|| run.strip_prefix("ASIA"));
        rest.is_some_and(|rest| {
            let base32 = rest.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte));
            rest.len() == AWS_ID_CHARS && base32 && !rest.ends_with("EXAMPLE")
        })
    })
}

fn has_token(value: &str) -> bool {
    let made = |run: &str| {
        let by_start = TOKENS.iter().any(|(start, least)| {
            run.strip_prefix(start).is_some_and(|rest| rest.len() >= *least && !rest.ends_with("EXAMPLE"))
        });
        by_start || is_jwt(run) || is_sendgrid(run)
    };
    WEBHOOKS.iter().any(|webhook| value.split(webhook).nth(1).is_some_and(|rest| rest.len() > 8))
        || runs(value).any(made)
}

/// Three parts in base64url, the first two of which are JSON objects.
fn is_jwt(run: &str) -> bool {
    let parts: Vec<&str> = run.split('.').collect();
    matches!(parts[..], [head, body, sign] if head.starts_with("eyJ") && body.starts_with("eyJ") && sign.len() >= 16)
}

fn is_sendgrid(run: &str) -> bool {
    let parts: Vec<&str> = run.split('.').collect();
    matches!(parts[..], ["SG", id, key] if id.len() == 22 && key.len() == 43)
}

/// A URL with `user:password@`, Go's `user:password@tcp(...)`, or a connection string with a field for it.
fn has_password(value: &str) -> bool {
    let in_url = value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', ',']).next().unwrap_or_default();
        authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).is_some_and(|(_, word)| is_filled(word))
    });
    let in_dsn = ["@tcp(", "@unix("].iter().any(|at| {
        let user = value.split_once(at).map(|(user, _)| user);
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, word)| is_filled(word))
    });
    let low = value.to_ascii_lowercase();
    let in_field = PASSWORD_FIELDS.iter().any(|field| {
        low.match_indices(field).any(|(at, _)| {
            let own = low.get(..at).is_none_or(|before| !before.ends_with(|c: char| c.is_ascii_alphanumeric()));
            let rest = value.get(at + field.len()..).unwrap_or_default();
            own && is_filled(rest.split([';', '&', ' ', '\n', '"']).next().unwrap_or_default())
        })
    });
    in_url || in_dsn || in_field
}

fn is_filled(password: &str) -> bool {
    !super::is_placeholder(password)
}

/// Whether the value is long and without pattern, as keys are.
pub(super) fn is_random(value: &str) -> bool {
    // What of PEM is private was found before.
    if value.starts_with(PEM_IN_BASE64)
        || value.len() > RANDOM_CHARS_MAX
        || value.chars().any(|c| c.is_whitespace() || c == ',')
        || is_uuid(value)
    {
        return false;
    }
    if value.len() == AWS_SECRET_CHARS && is_base64(value) && classes(value) == 3 && entropy(value) >= 4.2 {
        return !value.starts_with('/');
    }
    // What separates words separates runs: a path or a name of many words is judged by its longest word.
    let longest = value.split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|run| run.len()).unwrap_or_default();
    if longest.len() * 2 < value.trim_end_matches('=').len() {
        return false;
    }
    if longest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return longest.len() >= RANDOM_HEX_CHARS_MIN && entropy(longest) >= 3.0 && classes(longest) >= 2;
    }
    if longest.len() < RANDOM_CHARS_MIN {
        return false;
    }
    let digits = longest.bytes().filter(u8::is_ascii_digit).count();
    // A year or a version at the end of a name is one run of digits; in a key they are strewn.
    if longest.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).count() < 2 {
        return false;
    }
    let turns = turns(longest) * 100 / longest.len();
    match classes(longest) {
        3 => digits >= 2 && turns >= 35 && entropy(longest) >= 3.6,
        2 => digits >= 4 && turns >= 30 && entropy(longest) >= 3.5,
        _ => false,
    }
}

fn is_base64(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn is_uuid(value: &str) -> bool {
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    }
}

/// How many of digits, lower case and upper case there are.
fn classes(value: &str) -> usize {
    (0..3).filter(|wanted| value.bytes().any(|byte| class(byte) == *wanted)).count()
}

/// How often a character is of another class than the one before it. Words turn rarely.
fn turns(value: &str) -> usize {
    value.as_bytes().windows(2).filter(|pair| matches!(pair, [one, other] if class(*one) != class(*other))).count()
}

/// Shannon's, in bits a character.
fn entropy(value: &str) -> f64 {
    let mut counts: BTreeMap<u8, u32> = BTreeMap::new();
    for byte in value.bytes() {
        *counts.entry(byte).or_default() += 1;
    }
    let all = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    counts.values().map(|count| f64::from(*count) / all).map(|share| -share * share.log2()).sum()
}
