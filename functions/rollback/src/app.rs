//! What one process of the function holds: its clients, built once at start-up, and its settings.

use jiff::SignedDuration;
use pitcrew_aws::clients::{Clients, Places};
use pitcrew_aws::connect::sdk_config;
use pitcrew_aws::https::Https;
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::event::Home;
use pitcrew_core::rollback::Settings;
use pitcrew_lambda::door::Door;
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::settings::{SettingsError, optional, parsed, required};

/// The shortest bake window: an alarm needs some minutes of datapoints before its silence means anything.
const BAKE_MINUTES_MIN: i64 = 5;
/// The longest: a day, after which an unproven release counts as good anyway.
const BAKE_MINUTES_MAX: i64 = 24 * 60;

/// The clients and settings of the process.
pub struct App {
    pub clients: Clients,
    pub settings: Settings,
    pub home: Home,
}

impl App {
    /// Reads the environment that the template sets, and builds the clients.
    pub fn from_environment() -> Result<Self, Failure> {
        let settings = read_settings().map_err(|error| Failure::new("Settings", &error))?;
        let (places, home) = read_places().map_err(|error| Failure::new("Settings", &error))?;
        let clients = Clients::new(&sdk_config(&Https::new()), places);
        Ok(Self { clients, settings, home })
    }

    /// The door of this process.
    pub fn door(&self) -> Door<'_> {
        Door { home: &self.home, table: &self.clients.table, date: &self.clients.date }
    }
}

fn read_settings() -> Result<Settings, SettingsError> {
    let autonomy: Autonomy = required("PITCREW_AUTONOMY")?.parse().map_err(|why: String| {
        SettingsError::wrong("PITCREW_AUTONOMY", why).mend("set the stack parameter Autonomy")
    })?;
    let minutes: i64 = parsed("PITCREW_BAKE_MINUTES", 30)?;
    if !(BAKE_MINUTES_MIN..=BAKE_MINUTES_MAX).contains(&minutes) {
        let expected = format!("minutes from {BAKE_MINUTES_MIN} to {BAKE_MINUTES_MAX}");
        return Err(SettingsError::wrong("PITCREW_BAKE_MINUTES", expected).mend("set the stack parameter BakeMinutes"));
    }
    Ok(Settings { autonomy, bake: SignedDuration::from_mins(minutes) })
}

fn read_places() -> Result<(Places, Home), SettingsError> {
    let region = required("AWS_REGION")?;
    let places = Places {
        table: required("PITCREW_TABLE")?,
        region: region.clone(),
        fingerprint_secret: optional("PITCREW_FINGERPRINT_SECRET_ARN")?,
        wake_queue_url: optional("PITCREW_WAKE_QUEUE_URL")?,
    };
    // AWS itself wrote our own secret's ARN, so its partition is ours.
    let partition = places.fingerprint_secret.as_deref().and_then(|arn| arn.split(':').nth(1)).map(str::to_owned);
    let home = Home { partition, account: required("PITCREW_ACCOUNT")?, region };
    Ok((places, home))
}
