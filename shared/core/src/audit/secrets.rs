//! Whether a plain environment variable looks as if it held a secret. Nothing of the value ever leaves this file.
//!
//! | seen, in this order | answer |
//! |---|---|
//! | no value, a placeholder, a switch (`true`) | none |
//! | a value of a known form: key of AWS, private key, token, URL or connection string with a password | that form |
//! | a value that points to a secret (an ARN, `{{resolve:...}}`, a file, a URL) | none |
//! | a name that says secret and does not end with what is none (`TOKEN_URL`, `SECRET_NAME`, `PASSWORD_MIN_LENGTH`) | the name |
//! | a value long and without pattern, and a name that does not explain it (`COMMIT_SHA`, `USER_POOL_ID`) | random |
//!
//! It errs to the side of asking: a finding costs a look, a secret that is missed costs more.

mod cover;
mod forms;

pub use cover::{COVER, covered, covered_words};

use super::facts::Suspicion;

/// Words that say secret, whatever stands before and after.
const SECRET_WORDS: [&str; 19] = [
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PWD",
    "PASSPHRASE",
    "PASSCODE",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "APIKEY",
    "AUTHTOKEN",
    "ACCESSTOKEN",
    "SECRETKEY",
    "PRIVATEKEY",
    "ACCESSKEY",
    "PASS",
];
/// Endings that glue the word to the name of what it opens: `PGPASSWORD`.
const SECRET_ENDINGS: [&str; 4] = ["PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY"];
/// What makes a KEY one that opens something.
const KEY_KINDS: [&str; 15] = [
    "API",
    "PRIVATE",
    "SECRET",
    "ACCESS",
    "ENCRYPTION",
    "SIGNING",
    "MASTER",
    "AUTH",
    "ACCOUNT",
    "HMAC",
    "LICENSE",
    "SSH",
    "DEPLOY",
    "SESSION",
    "SIGNATURE",
];
/// A name that ends so tells something about a secret, not the secret.
const ABOUT: [&str; 64] = [
    "NAME",
    "NAMES",
    "ARN",
    "ARNS",
    "ID",
    "IDS",
    "URL",
    "URI",
    "ENDPOINT",
    "HOST",
    "PORT",
    "PATH",
    "FILE",
    "DIR",
    "LENGTH",
    "LEN",
    "MIN",
    "MAX",
    "TTL",
    "EXPIRY",
    "EXPIRES",
    "EXPIRATION",
    "TIMEOUT",
    "AGE",
    "DAYS",
    "HOURS",
    "MINUTES",
    "SECONDS",
    "SECS",
    "MS",
    "TYPE",
    "ALGORITHM",
    "ALG",
    "ENABLED",
    "DISABLED",
    "REQUIRED",
    "POLICY",
    "COUNT",
    "LIMIT",
    "SIZE",
    "ISSUER",
    "AUDIENCE",
    "PREFIX",
    "SUFFIX",
    "HEADER",
    "FIELD",
    "PARAM",
    "PARAMETER",
    "VERSION",
    "REGION",
    "PROVIDER",
    "MODE",
    "FORMAT",
    "STRATEGY",
    "ROTATION",
    "BUCKET",
    "MANAGER",
    "SCOPE",
    "PATTERN",
    "ROUNDS",
    "STORE",
    "LOCATION",
    "REF",
    "VAULT",
];
/// A name that begins so is a limit or a switch.
const SWITCHES: [&str; 11] = ["MAX", "MIN", "NUM", "USE", "ENABLE", "DISABLE", "REQUIRE", "ALLOW", "SKIP", "HAS", "IS"];
/// Names whose values are long and without pattern by nature.
const EXPLAINED: [&str; 26] = [
    "SHA",
    "SHA1",
    "SHA256",
    "DIGEST",
    "COMMIT",
    "HASH",
    "CHECKSUM",
    "ETAG",
    "REVISION",
    "REV",
    "VERSION",
    "BUILD",
    "ID",
    "IDS",
    "ARN",
    "NAME",
    "IMAGE",
    "TAG",
    "BUCKET",
    "TABLE",
    "QUEUE",
    "TOPIC",
    "HOST",
    "ENDPOINT",
    "REGION",
    "FINGERPRINT",
];
/// What people write where a secret should come.
const PLACEHOLDERS: [&str; 22] = [
    "changeme",
    "change-me",
    "change_me",
    "replaceme",
    "replace-me",
    "replace_me",
    "placeholder",
    "dummy",
    "example",
    "todo",
    "tbd",
    "none",
    "null",
    "nil",
    "undefined",
    "n/a",
    "unset",
    "redacted",
    "secret",
    "password",
    "true",
    "false",
];

/// Whether the value, under this name, looks like a secret.
pub fn suspect(name: &str, value: &str) -> Option<Suspicion> {
    let value = value.trim();
    if is_placeholder(value) {
        return None;
    }
    if let Some(form) = forms::known(value) {
        return Some(form);
    }
    let words = words(name);
    if points_elsewhere(value) {
        return None;
    }
    if says_secret(&words) {
        return Some(Suspicion::Name);
    }
    let last = words.last().map(String::as_str).unwrap_or_default();
    let explained = EXPLAINED.contains(&last) || is_public(&words);
    (!explained && forms::is_random(value)).then_some(Suspicion::Random)
}

/// The words of a name in upper case, whatever style it is written in: `apiKey`, `API_KEY`, `api-key`, `APIKey2`.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, c) in chars.iter().copied().enumerate() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let after = chars.get(at + 1).copied();
        let humps = before.is_some_and(char::is_lowercase)
            || (before.is_some_and(char::is_uppercase) && after.is_some_and(char::is_lowercase));
        if c.is_uppercase() && humps {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_uppercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word without the number that people put behind it: `PASSWORD2`.
fn bare(word: &str) -> &str {
    let cut = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if cut.is_empty() { word } else { cut }
}

/// Whether a browser is meant to see it: `NEXT_PUBLIC_API_KEY`, `STRIPE_PUBLISHABLE_KEY`.
fn is_public(words: &[String]) -> bool {
    words.iter().any(|word| matches!(word.as_str(), "PUBLIC" | "PUBLISHABLE"))
}

fn says_secret(words: &[String]) -> bool {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    if ABOUT.contains(&bare(last)) || SWITCHES.contains(&first.as_str()) || is_public(words) {
        return false;
    }
    // PWD and OLDPWD are directories in every shell; a PASS alone may be a count.
    if let [only] = words
        && matches!(only.as_str(), "PWD" | "OLDPWD" | "PASS")
    {
        return false;
    }
    let says = |word: &String| {
        let word = bare(word);
        SECRET_WORDS.contains(&word) || SECRET_ENDINGS.iter().any(|ending| word.ends_with(ending))
    };
    let key = |pair: &[String]| match pair {
        [kind, key] => bare(key) == "KEY" && KEY_KINDS.contains(&kind.as_str()),
        _ => false,
    };
    words.iter().any(says) || words.windows(2).any(key)
}

fn is_placeholder(value: &str) -> bool {
    let low = value.trim_matches(['"', '\'']).to_lowercase();
    let framed = [("<", ">"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("%", "%"), ("[", "]")];
    let is_framed = framed.iter().any(|(open, close)| low.starts_with(open) && low.ends_with(close));
    let one_sign = low.chars().next().is_some_and(|first| low.chars().all(|c| c == first));
    low.is_empty()
        || PLACEHOLDERS.contains(&low.as_str())
        || is_framed
        || one_sign
        || low.starts_with("your-")
        || low.starts_with("your_")
        || low.ends_with("example")
}

/// Whether the value says where something is, not what it is.
fn points_elsewhere(value: &str) -> bool {
    let schemes = ["http://", "https://", "file://", "s3://", "ssm://", "vault:", "arn:"];
    let places = ["/run/", "/var/", "/etc/", "/mnt/", "/opt/", "/tmp/", "/usr/", "/home/", "./", "../"];
    schemes.iter().chain(&places).any(|start| value.starts_with(start))
}

#[cfg(test)]
mod tests;
