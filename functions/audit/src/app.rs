//! What one process holds: its settings, and the clients of an audit, each built when it is first used.

use std::collections::BTreeMap;

use pitcrew_aws::connect::{SdkConfig, sdk_config};
use pitcrew_aws::https::Https;
use pitcrew_aws::outbox::Outbox;
use pitcrew_aws::route53::{Scope, ZoneSettings};
use pitcrew_core::event::Home;
use pitcrew_core::notice::Notice;
use pitcrew_core::outbox::OutboxRow;
use pitcrew_fleet::clients::{FleetClients, FleetPlaces};
use pitcrew_fleet::store::Store;
use pitcrew_lambda::failure::Failure;

use crate::settings::Settings;

/// The settings and what the clients are built from.
pub struct AuditApp {
    pub(crate) settings: Settings,
    pub(crate) home: Home,
    config: SdkConfig,
}

/// The clients of one invocation: counts and rates are those of this invocation alone.
pub(crate) struct Clients {
    pub fleet: FleetClients,
    pub store: Store,
    pub outbox: Outbox,
}

impl Clients {
    /// Tells a notice whose id says what it is about, however often it comes up.
    pub async fn tell_once(&self, notice: &Notice) -> Result<(), Failure> {
        let told = self.outbox.put_new(&OutboxRow::once(notice, BTreeMap::new())).await;
        told.map(|_| ()).map_err(|error| Failure::new("Outbox", &error))
    }
}

impl AuditApp {
    /// Reads the environment.
    ///
    /// # Errors
    /// A setting is missing or does not fit: which, and how to mend it.
    pub fn from_environment() -> Result<Self, Failure> {
        let settings = Settings::from_env()?;
        let home = Home {
            partition: Some(settings.place.partition.clone()),
            account: settings.place.account.clone(),
            region: settings.place.region.clone(),
        };
        Ok(Self { settings, home, config: sdk_config(&Https::new()) })
    }

    pub(crate) fn clients(&self) -> Clients {
        let Settings { place, table, bucket, resolver, .. } = &self.settings;
        let places = FleetPlaces {
            place: place.clone(),
            table: Some(table.clone()),
            // It judges the records of every zone of the account, whether or not pitcrew may write there. Zones of other
            // accounts let in the functions that write to them, and not this one.
            zones: ZoneSettings { writable: Scope::every(), ..ZoneSettings::default() },
            resolver: *resolver,
            // No handshake is made here.
            tls_port: None,
        };
        let fleet = FleetClients::new(&self.config, places);
        let store = Store::new(&fleet, bucket);
        Clients { store, outbox: Outbox::new(&self.config, table), fleet }
    }
}
