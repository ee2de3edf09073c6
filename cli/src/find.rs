//! From what an operator types to what it names: a service by name or ARN, a digest by its beginning, a domain.

use std::collections::BTreeSet;

use pitcrew_aws::apprunner::observe_fleet;
use pitcrew_aws::clients::Clients;
use pitcrew_core::dns::name::Name;
use pitcrew_core::id::{Digest, ServiceArn};
use pitcrew_core::ledger::Ledger;

use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::words::line;

/// The shortest beginning of a digest that is looked up: shorter ones are typing mistakes.
const DIGEST_CHARS_MIN: usize = 6;
/// Names that are offered for an unknown one.
const NEAR_MAX: usize = 5;
/// Up to this many services are simply listed.
const FEW: usize = 8;
/// How alike (Jaro-Winkler, 0 to 1) a name must be to be offered. Below it, guesses surprise more than they help.
const ALIKE: f64 = 0.8;

/// The service of a name or an ARN.
pub async fn service(session: &Session, given: &str) -> Result<ServiceArn, Failure> {
    service_of(&session.clients, given).await
}

/// The same where no stack is needed.
pub async fn service_of(clients: &Clients, given: &str) -> Result<ServiceArn, Failure> {
    let region = clients.places.region.as_str();
    if given.starts_with("arn:") {
        let arn = ServiceArn::parse(given).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        if arn.region() != region {
            let what = format!("the ARN is of {}, but the region is {region}", arn.region());
            return Err(Failure::new(Exit::Usage, what).mend(format!("add --region {}", arn.region())));
        }
        return Ok(arn);
    }
    let fleet = observe_fleet(&clients.apprunner).await?;
    by_name(&fleet, given, region)
}

fn by_name(fleet: &[ServiceArn], given: &str, region: &str) -> Result<ServiceArn, Failure> {
    let named: Vec<&ServiceArn> = fleet.iter().filter(|arn| arn.name() == given).collect();
    match named[..] {
        [only] => Ok(only.clone()),
        [] => Err(unknown(fleet, given, region)),
        [..] => {
            let arns: Vec<String> = named.iter().map(ToString::to_string).collect();
            let what = format!("{} services in {region} are called `{}`", named.len(), line(given));
            Err(Failure::new(Exit::Usage, what).mend(format!("name one by its ARN: {}", arns.join(", "))))
        }
    }
}

/// A name or an ARN that no service of the region has, with those that are like it.
pub fn unknown(fleet: &[ServiceArn], given: &str, region: &str) -> Failure {
    if let Ok(arn) = ServiceArn::parse(given) {
        let failure = Failure::new(Exit::NotFound, format!("there is no App Runner service {arn}"));
        return match fleet.iter().find(|known| known.name() == arn.name()) {
            Some(known) => failure.mend(format!("the service of that name is {known}")),
            None => failure.mend(names(fleet, arn.name())),
        };
    }
    Failure::new(Exit::NotFound, format!("no App Runner service in {region} is called `{}`", line(given)))
        .mend(names(fleet, given))
}

fn names(fleet: &[ServiceArn], given: &str) -> String {
    if fleet.is_empty() {
        return "this account has no service there: check --region and --profile".to_owned();
    }
    let near = near(fleet.iter().map(ServiceArn::name).collect(), given);
    if near.is_empty() {
        return format!("none of its {} services has a name like it: check --region", fleet.len());
    }
    format!("there are: {}", near.join(", "))
}

/// The names that are offered for an unknown one: all where they are few, else those that are like it, the likest first.
fn near<'a>(names: BTreeSet<&'a str>, given: &str) -> Vec<&'a str> {
    if names.len() <= FEW {
        return names.into_iter().collect();
    }
    let wanted = given.to_ascii_lowercase();
    let score = |name: &str| {
        let name = name.to_ascii_lowercase();
        if name.contains(&wanted) { 1.0 } else { strsim::jaro_winkler(&name, &wanted) }
    };
    let mut near: Vec<(f64, &str)> = names.into_iter().map(|name| (score(name), name)).collect();
    near.retain(|(score, _)| *score >= ALIKE);
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(NEAR_MAX).map(|(_, name)| name).collect()
}

/// The name of a custom domain, as the DNS compares names.
pub fn domain(given: &str) -> Result<Name, Failure> {
    Name::parse(given).map_err(|error| {
        Failure::new(Exit::Usage, error.to_string()).mend("give a domain such as shop.example.com or '*.example.com'")
    })
}

/// A service that does not show a domain, with those that it shows.
pub fn not_shown(service: &ServiceArn, domain: &Name, shown: &BTreeSet<Name>) -> Failure {
    let failure =
        Failure::new(Exit::NotFound, format!("App Runner shows no custom domain {domain} at {}", service.name()));
    let near = near(shown.iter().map(Name::as_str).collect(), domain.as_str());
    match (shown.is_empty(), near.is_empty()) {
        (true, _) => failure.mend("the service has no custom domain: associate one first, or name another service"),
        (false, true) => failure.mend(format!("none of its {} domains is like it", shown.len())),
        (false, false) => failure.mend(format!("it shows: {}", near.join(", "))),
    }
}

/// A domain that nothing is remembered of, with those that are remembered.
pub fn not_remembered(domain: &Name, remembered: &BTreeSet<Name>) -> Failure {
    let failure = Failure::new(Exit::NotFound, format!("nothing is remembered of a custom domain {domain}"));
    let near = near(remembered.iter().map(Name::as_str).collect(), domain.as_str());
    match near.is_empty() {
        true => failure.mend("`pitcrew domains` lists those that App Runner shows"),
        false => failure.mend(format!("there are: {}", near.join(", "))),
    }
}

/// The digest of a whole or shortened one. A whole one need not be known to the ledger; the decision judges that.
pub fn digest(ledger: &Ledger, given: &str) -> Result<Digest, Failure> {
    if let Ok(whole) = Digest::parse(given) {
        return Ok(whole);
    }
    let start = given.strip_prefix("sha256:").unwrap_or(given).to_ascii_lowercase();
    if start.len() < DIGEST_CHARS_MIN || !start.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let what = format!("`{}` is no image digest", line(given));
        let mend =
            format!("give sha256: and 64 hex digits, or the first {DIGEST_CHARS_MIN} or more of one in the ledger");
        return Err(Failure::new(Exit::Usage, what).mend(mend));
    }
    let served = ledger.releases.iter().filter_map(|release| release.digest.as_ref());
    let known: BTreeSet<&Digest> = served.chain(ledger.bad.iter().map(|bad| &bad.digest)).collect();
    let fits = |digest: &&&Digest| digest.to_string()["sha256:".len()..].starts_with(&start);
    let fitting: Vec<&Digest> = known.iter().filter(fits).copied().collect();
    match fitting[..] {
        [only] => Ok(only.clone()),
        [] => Err(Failure::new(Exit::NotFound, format!("no digest in the ledger begins with {start}"))
            .mend("`pitcrew releases SERVICE` lists them; any other digest must be given whole")),
        [..] => Err(Failure::new(Exit::Usage, format!("{} digests in the ledger begin with {start}", fitting.len()))
            .mend("give more of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn fleet(names: &[&str]) -> Vec<ServiceArn> {
        let arn = |(n, name): (usize, &&str)| {
            ServiceArn::parse(&format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/{n:032x}")).unwrap()
        };
        names.iter().enumerate().map(arn).collect()
    }

    #[test]
    fn a_name_finds_its_service() {
        assert_eq!(by_name(&fleet(&["shop", "cart"]), "cart", "eu-west-1").unwrap().name(), "cart");
    }

    #[test]
    fn an_unknown_name_is_answered_with_near_ones() {
        let many: Vec<String> = (0..20).map(|n| format!("zebra{n}")).chain(["checkout-api".to_owned()]).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let failure = by_name(&fleet(&many), "chekcout-api", "eu-west-1").unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.mend.as_deref(), Some("there are: checkout-api"));
        let failure = by_name(&fleet(&[]), "shop", "eu-west-1").unwrap_err();
        assert!(failure.mend.unwrap().contains("no service there"));
    }

    #[test]
    fn an_unknown_arn_is_answered_with_the_service_of_that_name_or_near_ones() {
        let fleet = fleet(&["shop", "cart"]);
        let other = fleet[0].to_string().replace(&format!("{:032x}", 0), &format!("{:032x}", 9));
        let failure = unknown(&fleet, &other, "eu-west-1");
        assert_eq!((failure.exit, failure.what), (Exit::NotFound, format!("there is no App Runner service {other}")));
        assert_eq!(failure.mend, Some(format!("the service of that name is {}", fleet[0])));
        let failure = unknown(&fleet, &other.replace("/shop/", "/shoop/"), "eu-west-1");
        assert_eq!(failure.mend.as_deref(), Some("there are: cart, shop"));
    }

    #[test]
    fn two_services_of_one_name_are_told_apart_by_arn() {
        let failure = by_name(&fleet(&["shop", "shop"]), "shop", "eu-west-1").unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.mend.unwrap().matches("arn:aws:apprunner").count(), 2);
    }

    #[test]
    fn a_short_digest_is_looked_up_in_the_ledger() {
        let ledger = samples::ledger();
        let short = |n: u8| format!("{n:02x}").repeat(4);
        assert_eq!(digest(&ledger, &short(0xb2)).unwrap(), samples::digest(0xb2));
        assert_eq!(digest(&ledger, &format!("sha256:{}", short(0xb2))).unwrap(), samples::digest(0xb2));
        assert_eq!(digest(&ledger, &short(0x77)).unwrap_err().exit, Exit::NotFound);
        assert_eq!(digest(&ledger, "b2b2").unwrap_err().exit, Exit::Usage);
        assert_eq!(digest(&ledger, "latest").unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn a_domain_that_is_not_shown_is_answered_with_those_that_are() {
        let shown: BTreeSet<Name> = ["shop.example.com", "*.example.com"].map(|name| domain(name).unwrap()).into();
        let failure = not_shown(&samples::arn(), &domain("SHOP.example.org.").unwrap(), &shown);
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.what, "App Runner shows no custom domain shop.example.org at shop");
        assert_eq!(failure.mend.as_deref(), Some("it shows: *.example.com, shop.example.com"));
        let none = not_shown(&samples::arn(), &domain("a.example.org").unwrap(), &BTreeSet::new());
        assert!(none.mend.unwrap().contains("has no custom domain"));
        assert_eq!(domain("a..b").unwrap_err().exit, Exit::Usage);
        assert_eq!(not_remembered(&domain("a.example.org").unwrap(), &shown).exit, Exit::NotFound);
    }

    #[test]
    fn a_whole_digest_need_not_be_known() {
        let whole = samples::digest(0x77);
        assert_eq!(digest(&Ledger::default(), &whole.to_string()).unwrap(), whole);
    }
}
