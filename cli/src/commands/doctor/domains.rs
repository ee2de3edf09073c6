//! What custom domains and certificates need: their functions and queues, the hosted zones, the roles for those of other
//! accounts.

use std::collections::BTreeMap;

use pitcrew_aws::clients::{Clients, Places};
use pitcrew_aws::domain_clients::DomainClients;
use pitcrew_aws::error::Kind;
use pitcrew_aws::operator;
use pitcrew_core::dns::facts::Zones;

use super::{Grade, Health};
use crate::args::Global;
use crate::domain_session::places;
use crate::session::{Account, Stack, function_name};

/// Checks one thing after the other.
pub(super) async fn examine(health: &mut Health, global: &Global, account: &Account) {
    let given = Stack::given(global);
    let is_given = given.zones.is_some();
    let domains = function(health, global, account, "domains", is_given).await;
    let certificates = function(health, global, account, "certificates", is_given).await;
    for (name, environment) in [("domains queue", &domains), ("certs queue", &certificates)] {
        if let Some(url) = environment.as_ref().and_then(|environment| environment.get("PITCREW_WAKE_QUEUE_URL")) {
            queue(health, account, name, url).await;
        }
    }
    if domains.is_none() && !is_given {
        let said = "nobody says which hosted zones there are to write to";
        health.missing("hosted zones", Grade::Skipped, said, "add --zones (and --zone-role) or --stack");
        return;
    }
    zones(health, account, &given.or(&domains.unwrap_or_default())).await;
}

/// The environment of a function that is there.
async fn function(
    health: &mut Health,
    global: &Global,
    account: &Account,
    role: &'static str,
    is_given: bool,
) -> Option<BTreeMap<String, String>> {
    let name = function_name(&global.stack, role);
    match operator::observe_function(&account.config, &name).await {
        Ok(environment) => {
            let autonomy = environment.get("PITCREW_AUTONOMY").map_or("not set", String::as_str);
            health.add(role, Grade::Ok, format!("{name}, autonomy {autonomy}"));
            return Some(environment);
        }
        Err(error) if is_given => {
            let said = format!("{name}: not asked for its settings, for they are given ({})", error.line());
            health.add(role, Grade::Warning, said);
        }
        Err(error) if error.kind == Kind::Missing => {
            let said = format!("the function {name} does not exist: custom domains and certificates are nobody's");
            health.missing(role, Grade::Problem, &said, "deploy the template again, or check --stack and --region");
        }
        Err(error) => health.failed_call(role, error),
    }
    None
}

async fn queue(health: &mut Health, account: &Account, name: &'static str, url: &str) {
    let places =
        Places { table: String::new(), region: account.region.clone(), fingerprint_secret: None, wake_queue_url: None };
    match operator::observe_queue(&Clients::new(&account.config, places).sqs, url).await {
        Ok(waiting) => health.add(name, Grade::Ok, format!("about {waiting} messages wait")),
        Err(error) => health.failed_call(name, error),
    }
}

async fn zones(health: &mut Health, account: &Account, stack: &Stack) {
    let places = match places(stack, String::new(), account.region.clone()) {
        Ok(places) => places,
        Err(failure) => {
            health.failed("hosted zones", &failure);
            return;
        }
    };
    let roles = places.zones.roles.clone();
    match DomainClients::new(&account.config, places).route53.observe_zones().await {
        Ok(zones) => judge(health, &zones, &roles),
        Err(error) => health.failed_call("hosted zones", error),
    }
}

fn judge(health: &mut Health, zones: &Zones, roles: &[String]) {
    let private = zones.all.iter().filter(|zone| zone.private).count();
    let writable = zones.all.iter().filter(|zone| zone.writable).count();
    let said = format!(
        "{} can be listed ({} public, {private} private), {writable} may be written to",
        zones.all.len(),
        zones.all.len() - private
    );
    match writable {
        0 => health.missing("hosted zones", Grade::Warning, &said, "set the stack parameter HostedZoneArns"),
        _ => health.add("hosted zones", Grade::Ok, said),
    }
    for role in roles {
        match zones.unlisted.iter().find(|(unlisted, _)| unlisted == role) {
            None => {
                let its = zones.all.iter().filter(|zone| zone.at.role.as_ref() == Some(role)).count();
                health.add("zone role", Grade::Ok, format!("{role} opens {its} hosted zones"));
            }
            // The role trusts the functions; that it trusts whoever runs this command too is not needed for them.
            Some((_, why)) => {
                let said = format!("{role} does not let you in: {why}");
                let mend = "let its trust policy name you and the external id too; the function's own way is not seen from here";
                health.missing("zone role", Grade::Warning, &said, mend);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pitcrew_core::dns::facts::{Zone, ZoneRef};
    use pitcrew_core::dns::name::Name;

    use super::*;
    use crate::samples::text;

    fn zone(id: &str, role: Option<&str>, private: bool, writable: bool) -> Zone {
        let name = Name::parse("example.com").unwrap();
        Zone { at: ZoneRef { id: id.into(), name, role: role.map(str::to_owned) }, private, writable }
    }

    #[test]
    fn zones_are_counted_and_roles_are_told_one_by_one() {
        let (open, shut) = ("arn:aws:iam::210987654321:role/zones", "arn:aws:iam::333333333333:role/zones");
        let zones = Zones {
            all: vec![
                zone("Z1", None, false, true),
                zone("Z2", None, true, false),
                zone("Z3", Some(open), false, true),
            ],
            unlisted: vec![(shut.to_owned(), "sts:AssumeRole failed: denied".to_owned())],
        };
        let mut health = Health::default();
        judge(&mut health, &zones, &[open.to_owned(), shut.to_owned()]);
        insta::assert_snapshot!(text(&health));
        assert!(health.healthy(), "what the function may is not judged by what a person may");
    }

    #[test]
    fn zones_that_are_only_looked_at_are_a_warning() {
        let mut health = Health::default();
        judge(&mut health, &Zones { all: vec![zone("Z1", None, false, false)], unlisted: Vec::new() }, &[]);
        assert!(text(&health).starts_with("warning  hosted zones     1 can be listed (1 public, 0 private), 0 may be"));
    }
}
