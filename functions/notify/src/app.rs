//! What one process of the function holds: its settings, and the clients that they ask for.

use pitcrew_aws::connect::SdkConfig;
use pitcrew_aws::https::Https;
use pitcrew_aws::outbox::Outbox;
use pitcrew_aws::publish::Publisher;
use pitcrew_aws::secret::Secrets;

use crate::settings::Settings;
use crate::slack::Slack;
use crate::slack::http::Http;

/// The function: its settings and its clients, built once.
pub struct Notify {
    pub(crate) settings: Settings,
    pub(crate) outbox: Outbox,
    pub(crate) publisher: Publisher,
    pub(crate) slack: Option<Slack>,
}

impl Notify {
    /// Builds the clients that the settings ask for, and no other. `config` was made over the same `https`.
    pub fn new(settings: Settings, config: &SdkConfig, https: &Https) -> Self {
        let slack = settings.slack.clone().map(|slack| Slack::new(slack, Secrets::new(config), Http::new(https)));
        let outbox = Outbox::new(config, &settings.table);
        Self { outbox, publisher: Publisher::new(config), slack, settings }
    }
}
