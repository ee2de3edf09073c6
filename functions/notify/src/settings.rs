//! The settings of this function, read once at the start. The webhook itself is never a setting: only the secret's ARN is.

use pitcrew_lambda::settings::{SettingsError, optional, required};

use crate::slack::address::{AddressError, Allowed, Base};

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PITCREW_TABLE`
    pub table: String,
    /// `PITCREW_TOPIC_ARN`
    pub topic_arn: String,
    /// `PITCREW_CHAT_TOPIC_ARN`: the topic that Amazon Q reads, where there is one.
    pub chat_topic_arn: Option<String>,
    pub slack: Option<SlackSettings>,
}

/// Slack, where a secret is named.
#[derive(Clone, Debug)]
pub struct SlackSettings {
    /// `PITCREW_SLACK_SECRET_ARN`
    pub secret_arn: String,
    /// `PITCREW_SLACK_HOSTS`: exact hosts, separated by commas.
    pub hosts: Allowed,
    /// `PITCREW_SLACK_API`: where the bot's methods are.
    pub api: Base,
    /// `PITCREW_SLACK_CHANNEL`: where a bot posts whose secret names no channel.
    pub channel: Option<String>,
}

/// Slack's own hosts: webhooks, and the methods of a bot.
pub const SLACK_HOSTS: &str = "hooks.slack.com,slack.com";
/// Slack's Web API.
pub const SLACK_API: &str = "https://slack.com/api";

impl Settings {
    /// # Errors
    /// A required variable is missing, or one is not what it should be; the error says which, and how to mend it.
    pub fn from_env() -> Result<Self, SettingsError> {
        let output =
            |name: &str| format!("the template sets it from its own resources; deploy the template again ({name})");
        Ok(Self {
            table: required("PITCREW_TABLE").map_err(|error| error.mend(output("the table")))?,
            topic_arn: required("PITCREW_TOPIC_ARN").map_err(|error| error.mend(output("the topic")))?,
            chat_topic_arn: optional("PITCREW_CHAT_TOPIC_ARN")?,
            slack: match optional("PITCREW_SLACK_SECRET_ARN")? {
                Some(secret_arn) => {
                    let hosts = optional("PITCREW_SLACK_HOSTS")?;
                    let api = optional("PITCREW_SLACK_API")?;
                    let (hosts, api) = (hosts.as_deref().unwrap_or(SLACK_HOSTS), api.as_deref().unwrap_or(SLACK_API));
                    let slack = SlackSettings::new(secret_arn, hosts, api)?;
                    Some(SlackSettings { channel: optional("PITCREW_SLACK_CHANNEL")?, ..slack })
                }
                None => None,
            },
        })
    }
}

impl SlackSettings {
    /// # Errors
    /// The list holds something that is no host, or the API's address is not on the list.
    pub fn new(secret_arn: String, hosts: &str, api: &str) -> Result<Self, SettingsError> {
        let wrong = |name: &str, error: &AddressError| {
            SettingsError::wrong(name, format!("does not fit: {error}"))
                .mend("correct the template's parameter SlackHosts")
        };
        let hosts = Allowed::parse(hosts).map_err(|error| wrong("PITCREW_SLACK_HOSTS", &error))?;
        let api = hosts.base(api).map_err(|error| wrong("PITCREW_SLACK_API", &error))?;
        Ok(Self { secret_arn, hosts, api, channel: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_own_addresses_are_on_the_default_list() {
        assert!(SlackSettings::new("arn".to_owned(), SLACK_HOSTS, SLACK_API).is_ok());
    }

    #[test]
    fn an_api_that_is_not_on_the_list_is_refused_at_the_start() {
        let error = SlackSettings::new("arn".to_owned(), SLACK_HOSTS, "https://evil.example/api").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable PITCREW_SLACK_API does not fit: the host is not on the list of allowed hosts; \
             correct the template's parameter SlackHosts"
        );
    }
}
