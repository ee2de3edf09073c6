//! What one process holds: its clients, built once at start-up, and its settings from the template's environment.

use std::net::{IpAddr, SocketAddr};

use pitcrew_aws::connect::sdk_config;
use pitcrew_aws::domain_clients::{DomainClients, DomainPlaces};
use pitcrew_aws::https::Https;
use pitcrew_aws::route53::{Scope, ZoneSettings};
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::domain::Settings;
use pitcrew_core::event::Home;

use crate::door::Door;
use crate::failure::Failure;
use crate::settings::{SettingsError, optional, parsed, required};

/// Where a name server listens.
const DNS_PORT: u16 = 53;

/// The clients and settings of the process.
pub struct DomainApp {
    pub clients: DomainClients,
    pub settings: Settings,
    pub home: Home,
}

impl DomainApp {
    /// Reads the environment, and builds the clients. `certificates`: whether this function shakes hands and may link again.
    ///
    /// # Errors
    /// A setting is missing or does not fit: which, and how to mend it.
    pub fn from_environment(certificates: bool) -> Result<Self, Failure> {
        let region = required("AWS_REGION")?;
        let settings = Settings { autonomy: autonomy()?, remove: remove()?, region: region.clone(), certificates };
        let places = DomainPlaces {
            table: required("PITCREW_TABLE")?,
            region: region.clone(),
            wake_queue_url: optional("PITCREW_WAKE_QUEUE_URL")?,
            zones: zones()?,
            resolver: optional("PITCREW_RESOLVER")?.map(|text| resolver(&text)).transpose()?,
            tls_port: optional("PITCREW_TLS_PORT")?.map(|text| tls_port(&text)).transpose()?,
        };
        let home = Home { partition: None, account: required("PITCREW_ACCOUNT")?, region };
        Ok(Self { clients: DomainClients::new(&sdk_config(&Https::new()), places), settings, home })
    }

    /// The door of this process.
    pub fn door(&self) -> Door<'_> {
        Door { home: &self.home, table: &self.clients.table, date: &self.clients.date }
    }
}

fn autonomy() -> Result<Autonomy, SettingsError> {
    let wrong = |why: String| SettingsError::wrong("PITCREW_AUTONOMY", why).mend("set the stack parameter Autonomy");
    required("PITCREW_AUTONOMY")?.parse().map_err(wrong)
}

/// Taking away is always chosen explicitly: without the setting it is off.
fn remove() -> Result<bool, SettingsError> {
    parsed("PITCREW_REMOVE_RECORDS", false)
        .map_err(|error| error.mend("set the stack parameter RemoveRecords to true or false"))
}

fn zones() -> Result<ZoneSettings, SettingsError> {
    let writable = optional("PITCREW_ZONES")?.unwrap_or_default();
    let writable = Scope::parse(&writable).map_err(|error| {
        SettingsError::wrong("PITCREW_ZONES", format!("does not fit: {error}"))
            .mend("set the stack parameter HostedZoneArns")
    })?;
    let roles = optional("PITCREW_ZONE_ROLES")?.map(|text| roles(&text)).transpose()?.unwrap_or_default();
    Ok(ZoneSettings { writable, roles, external_id: optional("PITCREW_ZONE_EXTERNAL_ID")? })
}

fn roles(text: &str) -> Result<Vec<String>, SettingsError> {
    let is_role = |arn: &str| {
        matches!(arn.split(':').collect::<Vec<_>>()[..], ["arn", _, "iam", "", account, resource]
            if account.len() == 12 && resource.starts_with("role/"))
    };
    let roles: Vec<String> =
        text.split(',').map(|role| role.trim().to_owned()).filter(|role| !role.is_empty()).collect();
    match roles.iter().all(|role| is_role(role)) {
        true => Ok(roles),
        false => Err(SettingsError::wrong("PITCREW_ZONE_ROLES", "must be ARNs of roles, with commas between them")
            .mend("set the stack parameter ZoneRoleArns")),
    }
}

/// An address, with a port or with DNS's own.
fn resolver(text: &str) -> Result<SocketAddr, SettingsError> {
    let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT)));
    address.map_err(|_| {
        let expected = "must be the address of a name server, such as 10.0.0.2 or 127.0.0.1:5353";
        SettingsError::wrong("PITCREW_RESOLVER", expected)
    })
}

fn tls_port(text: &str) -> Result<u16, SettingsError> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| SettingsError::wrong("PITCREW_TLS_PORT", "must be a port from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_an_address_with_or_without_a_port() {
        assert_eq!(resolver("127.0.0.1:5353"), Ok("127.0.0.1:5353".parse().unwrap()));
        assert_eq!(resolver("10.0.0.2"), Ok("10.0.0.2:53".parse().unwrap()));
        assert_eq!(resolver("fd00::2"), Ok("[fd00::2]:53".parse().unwrap()));
        assert!(resolver("dns.example.com").unwrap_err().to_string().contains("PITCREW_RESOLVER must be the address"));
    }

    #[test]
    fn roles_are_a_list_and_what_is_none_is_refused() {
        let role = "arn:aws:iam::210987654321:role/pitcrew-zones";
        assert_eq!(roles(&format!("{role}, {role},")), Ok(vec![role.to_owned(); 2]));
        for wrong in ["pitcrew-zones", "arn:aws:iam::1:role/x", "arn:aws:iam::210987654321:user/x"] {
            assert!(roles(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_port_is_zero() {
        assert_eq!(tls_port("8443"), Ok(8443));
        assert!(tls_port("0").is_err() && tls_port("70000").is_err());
    }
}
