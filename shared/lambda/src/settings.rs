//! Settings from the environment: read once at the start, each with an error that says how to mend it.
//!
//! An empty value counts as absent, because a CloudFormation parameter that nobody set arrives as an empty string. An error
//! never shows a value: a setting that was mixed up may be a secret.

use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;

/// Why a setting cannot be used. `Display` names the variable, what was expected and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {wrong}; {mend}")]
pub struct SettingsError {
    name: String,
    wrong: String,
    mend: String,
}

impl SettingsError {
    /// For a value that is present but does not fit: `expected` reads like `must be the ARN of an SNS topic`.
    pub fn wrong(name: &str, expected: impl Into<String>) -> Self {
        Self { name: name.to_owned(), wrong: expected.into(), mend: "set it in the function's environment".to_owned() }
    }

    /// Replaces the advice by the caller's, who knows what sets the variable: `set the template's parameter Autonomy`.
    #[must_use]
    pub fn mend(mut self, advice: impl Into<String>) -> Self {
        self.mend = advice.into();
        self
    }

    /// The variable that is wrong.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A setting without which the function cannot start.
///
/// # Errors
/// The variable is absent, empty, or not UTF-8.
pub fn required(name: &str) -> Result<String, SettingsError> {
    optional(name)?.ok_or_else(|| SettingsError::wrong(name, "is not set"))
}

/// A setting that may be left out: absent and empty are both `None`.
///
/// # Errors
/// The variable is not UTF-8.
pub fn optional(name: &str) -> Result<Option<String>, SettingsError> {
    present(name, std::env::var_os(name))
}

/// A setting of another type than text, with a default for when it is left out.
///
/// # Errors
/// The variable is not UTF-8, or does not parse; the error carries what the type says about that.
pub fn parsed<T>(name: &str, default: T) -> Result<T, SettingsError>
where
    T: FromStr,
    T::Err: Display,
{
    parse(name, optional(name)?, default)
}

fn present(name: &str, value: Option<OsString>) -> Result<Option<String>, SettingsError> {
    match value.map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) if text.trim().is_empty() => Ok(None),
        Some(Ok(text)) => Ok(Some(text.trim().to_owned())),
        Some(Err(_)) => Err(SettingsError::wrong(name, "is not UTF-8 text")),
    }
}

fn parse<T>(name: &str, value: Option<String>, default: T) -> Result<T, SettingsError>
where
    T: FromStr,
    T::Err: Display,
{
    match value {
        None => Ok(default),
        Some(text) => text.parse().map_err(|error| SettingsError::wrong(name, format!("does not fit: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_setting_names_itself_and_its_mending() {
        let error = required("PITCREW_SURELY_ABSENT").unwrap_err().mend("set the template's parameter Topic");
        assert_eq!(error.name(), "PITCREW_SURELY_ABSENT");
        assert_eq!(
            error.to_string(),
            "the environment variable PITCREW_SURELY_ABSENT is not set; set the template's parameter Topic"
        );
    }

    #[test]
    fn a_setting_that_is_there_is_read() {
        // Cargo sets this one for every test process.
        assert!(required("CARGO_PKG_NAME").is_ok_and(|name| name == "pitcrew-lambda"));
    }

    #[test]
    fn an_empty_setting_counts_as_absent() {
        assert_eq!(present("A", Some(OsString::from("  "))), Ok(None));
        assert_eq!(present("A", Some(OsString::from(" x "))), Ok(Some("x".to_owned())));
    }

    #[test]
    fn a_setting_left_out_takes_its_default() {
        assert_eq!(parse("A", None, 7_u32), Ok(7));
        assert_eq!(parse("A", Some("9".to_owned()), 7_u32), Ok(9));
    }

    #[test]
    fn a_value_that_does_not_parse_is_named_but_not_shown() {
        let text = parse("A", Some("hunter2".to_owned()), 7_u32).unwrap_err().to_string();
        assert!(text.starts_with("the environment variable A does not fit: "), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn text_that_is_not_utf8_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        let error = present("A", Some(OsString::from_vec(vec![0xff]))).unwrap_err();
        assert!(error.to_string().contains("is not UTF-8"));
    }
}
