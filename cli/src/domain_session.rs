//! One run of the command about custom domains: the ordinary session, and what the hosted zones and the DNS need beside it.
//!
//! The zones, their roles and the rest come from flags and the environment, else from the function `STACK-domains`: a person
//! must see the zones that the function sees.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use pitcrew_aws::domain_clients::{DomainClients, DomainPlaces};
use pitcrew_aws::domain_engine::DomainEngine;
use pitcrew_aws::route53::{Scope, ZoneSettings};
use pitcrew_core::domain::Settings;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::session::{Needs, Session, Stack, holder};

/// Where a name server listens.
const DNS_PORT: u16 = 53;
/// Longer than the command waits: nothing but Ctrl-C ends a run early.
const ENGINE_LIMIT: Duration = Duration::from_secs(3 * 60 * 60);

/// The clients of one command about domains.
pub struct DomainSession {
    pub session: Session,
    pub clients: DomainClients,
    settings: Settings,
}

impl DomainSession {
    /// Reaches AWS and finds the stack.
    pub async fn open(global: &Global) -> Result<Self, Failure> {
        let (session, config, stack) = Session::reach(global, Needs::Domains).await?;
        let autonomy = stack.autonomy()?.ok_or_else(|| session.no_autonomy())?;
        let region = session.region().to_owned();
        let settings = Settings { autonomy, remove: remove(&stack)?, region: region.clone(), certificates: true };
        let table = session.clients.places.table.clone();
        let clients = DomainClients::new(&config, places(&stack, table, region)?);
        Ok(Self { session, clients, settings })
    }

    /// The engine, as the functions run it, with a holder of its own. `handshakes`: whether it looks at the certificates.
    pub fn engine(&self, handshakes: bool) -> DomainEngine<'_> {
        let settings = Settings { certificates: handshakes, ..self.settings.clone() };
        DomainEngine::new(&self.clients, settings, holder(), SystemTime::now() + ENGINE_LIMIT)
    }

    /// AWS's time. Only before the first answer it is the machine's.
    pub fn now(&self) -> Timestamp {
        self.clients.date.now().unwrap_or_else(|| self.session.now())
    }
}

/// Where things are for domains.
pub fn places(stack: &Stack, table: String, region: String) -> Result<DomainPlaces, Failure> {
    let wrong = |what: String, flag: &str| Failure::new(Exit::Usage, what).mend(format!("check {flag}"));
    let writable = Scope::parse(stack.zones.as_deref().unwrap_or_default())
        .map_err(|error| wrong(format!("the hosted zones: {error}"), "--zones and PITCREW_ZONES"))?;
    let roles = stack.zone_roles.as_deref().unwrap_or_default().split(',').map(str::trim);
    let roles: Vec<String> = roles.filter(|role| !role.is_empty()).map(str::to_owned).collect();
    if let Some(other) = roles.iter().find(|role| !is_role(role)) {
        let what = format!("`{other}` is no role's ARN, such as arn:aws:iam::210987654321:role/pitcrew-zones");
        return Err(wrong(what, "--zone-role and PITCREW_ZONE_ROLES"));
    }
    let tls_port = stack.tls_port.as_deref().map(|port| {
        let port = port.parse().ok().filter(|port| *port != 0_u16);
        port.ok_or_else(|| wrong("the TLS port is none from 1 to 65535".to_owned(), "--tls-port and PITCREW_TLS_PORT"))
    });
    Ok(DomainPlaces {
        table,
        region,
        // The command waits itself; it wakes no function.
        wake_queue_url: None,
        zones: ZoneSettings { writable, roles, external_id: stack.zone_external_id.clone() },
        resolver: stack.resolver.as_deref().map(resolver).transpose()?,
        tls_port: tls_port.transpose()?,
    })
}

fn is_role(arn: &str) -> bool {
    matches!(arn.split(':').collect::<Vec<_>>()[..], ["arn", _, "iam", "", account, resource]
        if account.len() == 12 && resource.starts_with("role/"))
}

fn resolver(text: &str) -> Result<SocketAddr, Failure> {
    let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT)));
    address.map_err(|_| {
        let what = format!("`{text}` is no address of a name server, such as 10.0.0.2 or 127.0.0.1:5353");
        Failure::new(Exit::Usage, what).mend("check --resolver and PITCREW_RESOLVER")
    })
}

fn remove(stack: &Stack) -> Result<bool, Failure> {
    match stack.remove_records.as_deref() {
        None => Ok(false),
        Some(word) => word.parse().map_err(|_| {
            Failure::new(Exit::Usage, format!("whether the stack removes records is `{word}`, neither true nor false"))
                .mend("check --remove-records and PITCREW_REMOVE_RECORDS")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stack: &Stack) -> Result<DomainPlaces, Failure> {
        places(stack, "t".to_owned(), "eu-west-1".to_owned())
    }

    #[test]
    fn zones_roles_and_addresses_are_read_as_the_function_reads_them() {
        let role = "arn:aws:iam::210987654321:role/pitcrew-zones".to_owned();
        let stack = Stack {
            zones: Some("arn:aws:route53:::hostedzone/Z1, Z2".into()),
            zone_roles: Some(format!("{role},")),
            zone_external_id: Some("secret word".into()),
            resolver: Some("127.0.0.1:5353".into()),
            tls_port: Some("8443".into()),
            ..Stack::default()
        };
        let places = of(&stack).unwrap();
        assert_eq!(places.zones.roles, [role]);
        assert_eq!(places.zones.writable, Scope::parse("Z1,Z2").unwrap());
        assert_eq!((places.resolver, places.tls_port), (Some("127.0.0.1:5353".parse().unwrap()), Some(8443)));
        assert_eq!(
            of(&Stack::default()).unwrap().zones.writable,
            Scope::default(),
            "nothing said: nothing is writable"
        );
        assert_eq!(resolver("fd00::2").unwrap(), "[fd00::2]:53".parse().unwrap());
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_flag() {
        let wrong = [
            (Stack { zones: Some("example.com".into()), ..Stack::default() }, "--zones"),
            (Stack { zone_roles: Some("pitcrew-zones".into()), ..Stack::default() }, "--zone-role"),
            (Stack { resolver: Some("dns.example.com".into()), ..Stack::default() }, "--resolver"),
            (Stack { tls_port: Some("0".into()), ..Stack::default() }, "--tls-port"),
        ];
        for (stack, flag) in wrong {
            let failure = of(&stack).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.mend.unwrap().contains(flag), "{flag}");
        }
        let failure = remove(&Stack { remove_records: Some("yes".into()), ..Stack::default() }).unwrap_err();
        assert!(failure.what.contains("`yes`"), "{}", failure.what);
    }
}
