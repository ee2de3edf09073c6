//! Reads the fleet and puts the report together: the stack as far as there is one, the walk, the rules.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use pitcrew_aws::apprunner::observe_fleet;
use pitcrew_aws::error::Kind;
use pitcrew_aws::operator::{observe_function, observe_identity};
use pitcrew_core::audit::facts::Place;
use pitcrew_core::audit::{Check, NotChecked, Part, Report, Resource, Run, Waivers, all, check_fleet, check_service};
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::domain::Settings as DomainSettings;
use pitcrew_core::id::ServiceArn;
use pitcrew_fleet::clients::{FleetClients, FleetPlaces};
use pitcrew_fleet::walk::{Cursor, Stop, WalkSettings, Walked, walk};

use super::progress::Bar;
use super::wanted::Wanted;
use super::{Asked, Audited, files};
use crate::args::Global;
use crate::args::audit::AuditArgs;
use crate::domain_session::places;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::Output;
use crate::session::{Account, Stack, function_name, holder};
use crate::words::{length, line};

/// Services that are read at the same time: the wire's lines decide how fast, this only how much is held in memory.
const CONCURRENT: usize = 8;
/// Ten thousand services take 34 minutes at App Runner's rate (docs/adr/0007-audit.md); this ends what hangs.
const LIMIT: Duration = Duration::from_secs(6 * 60 * 60);
/// How often the line of progress is drawn.
const TICK: Duration = Duration::from_millis(250);

/// The whole report of this account and region, or of the services that were asked for.
pub async fn report(global: &Global, output: &Output, args: &AuditArgs, asked: Asked) -> Result<Audited, Failure> {
    let account = Account::open(global).await?;
    let place = place(&account).await?;
    files::comparable(asked.previous.as_ref(), &place)?;
    let wanted = Wanted::new(&args.services, &place)?;
    let stack = stack(global, output, &account).await;
    let domains = places(&stack, String::new(), account.region.clone())?;
    let clients = FleetClients::new(
        &account.config,
        FleetPlaces {
            place: place.clone(),
            table: stack.table.clone(),
            zones: domains.zones,
            resolver: domains.resolver,
            tls_port: domains.tls_port,
        },
    );
    let settings = WalkSettings {
        policy: asked.policy,
        domains: DomainSettings {
            autonomy: stack.autonomy()?.unwrap_or(Autonomy::Observe),
            remove: false,
            region: account.region.clone(),
            certificates: true,
        },
        // Only the audit's own function is told the names that CloudFormation gave them.
        rules: Vec::new(),
        concurrent: CONCURRENT,
        calls_max: args.calls_max,
        until: SystemTime::now() + LIMIT,
        only: wanted.given().to_vec(),
    };
    let mut parts = Part::default();
    let walked = watched(output, &clients, &settings, &wanted, &asked.waivers, &mut parts).await?;
    if let Some(ahead) = clients.domains.date.machine_is_off() {
        output.note(&clock(ahead));
    }
    let run = run(&clients, &settings, &walked, place).await?;
    let services = found(&clients, &wanted, &walked, &run).await?;
    for (arn, why) in &walked.unread {
        parts.merge(Part::unread(arn.clone(), why));
    }
    for arn in &walked.left_out {
        parts.merge(Part::left_out(arn.clone()));
    }
    match (&walked.next, wanted.is_everything()) {
        (_, false) => parts.merge(fleet_not_asked()),
        (None, true) => parts.merge(check_fleet(&walked.fleet, &asked.waivers)),
        (Some(_), true) => {}
    }
    let mut report = Report::assemble(run, [parts], asked.previous.as_ref());
    if !wanted.is_everything() {
        report = report.of_services(&services);
    }
    Ok(Audited { report, before: asked.previous, cut: walked.next.map(|(_, stop)| cut(stop)) })
}

async fn place(account: &Account) -> Result<Place, Failure> {
    let identity = observe_identity(&account.config).await?;
    let partition = identity.arn.split(':').nth(1).unwrap_or("aws").to_owned();
    Ok(Place { partition, account: identity.account, region: account.region.clone() })
}

/// The stack, as far as it is given or found. An audit needs none: what nobody remembers is not checked.
async fn stack(global: &Global, output: &Output, account: &Account) -> Stack {
    let given = Stack::given(global);
    if given.table.is_some() && given.zones.is_some() {
        return given;
    }
    let function = function_name(&global.stack, "domains");
    match observe_function(&account.config, &function).await {
        Ok(environment) => given.or(&environment),
        Err(error) => {
            // Where pitcrew is not installed, the report says it by itself. Another reason is worth a word.
            if error.kind != Kind::Missing && given.table.is_none() {
                let said = format!("Without a table: {function} cannot be asked for it, {}", error.line());
                output.note(&line(&said));
            }
            given
        }
    }
}

/// Walks, hands each service to the rules, and shows how far it is.
async fn watched(
    output: &Output,
    clients: &FleetClients,
    settings: &WalkSettings,
    wanted: &Wanted,
    waivers: &Waivers,
    parts: &mut Part,
) -> Result<Walked, Failure> {
    let bar = Bar::new(output);
    let mut is_complete = wanted.is_everything();
    let mut each = |fleet: &_, facts: &_| parts.merge(check_service(fleet, facts, waivers));
    let mut tell = |progress: &_| bar.tell(progress);
    let mut walking = std::pin::pin!(walk(clients, settings, Cursor::default(), &mut each, &mut tell));
    let mut ticks = tokio::time::interval(TICK);
    let walked = loop {
        tokio::select! {
            walked = &mut walking => break walked,
            _ = ticks.tick() => bar.tick(clients.wire.calls(), clients.wire.throttled()),
        }
        // A typing mistake is told at once, and not behind the services that were written right.
        if let Some(listed) = bar.listed().filter(|_| !is_complete) {
            is_complete = true;
            if listed < wanted.services_min()
                && let Some(failure) = missing(clients, wanted).await?
            {
                bar.clear();
                return Err(failure);
            }
        }
    };
    bar.clear();
    Ok(walked?)
}

async fn run(clients: &FleetClients, settings: &WalkSettings, walked: &Walked, place: Place) -> Result<Run, Failure> {
    let listed = match &walked.next {
        None => walked.fleet.services.iter().map(|listed| listed.arn.clone()).collect(),
        // The walk names what it read: the list tells what it did not.
        Some(_) => {
            let all = observe_fleet(&clients.domains.apprunner).await?;
            let wanted = |arn: &ServiceArn| settings.only.is_empty() || settings.only.contains(&arn.to_string());
            all.into_iter().filter(wanted).collect()
        }
    };
    let started = walked.fleet.now;
    let finished = clients.domains.date.now().unwrap_or_else(Timestamp::now);
    // Two runs may begin in one second; a report is never compared with itself.
    let id = format!("{}-{}", started.strftime("%Y-%m-%dT%H-%M-%SZ"), holder());
    Ok(Run { id, place, started, finished, calls: clients.wire.calls(), listed })
}

fn cut(stop: Stop) -> &'static str {
    match stop {
        Stop::Calls => "the calls of --calls-max are used up",
        Stop::Time => "it took longer than six hours",
    }
}

/// What is said of a machine whose clock is wrong. Nothing in the report hangs on it.
fn clock(ahead: SignedDuration) -> String {
    let (by, side) = (length(ahead.abs()), if ahead.is_negative() { "ahead of" } else { "behind" });
    format!(
        "This machine's clock is {by} {side} AWS's. The report goes by AWS's clock; set this one: each client's first call was \
         refused for it, and a call that is denied is tried again for nothing."
    )
}

/// The services that the run was about. One that was asked for and is nowhere is an error, not an audit of nothing.
async fn found(
    clients: &FleetClients,
    wanted: &Wanted,
    walked: &Walked,
    run: &Run,
) -> Result<Vec<ServiceArn>, Failure> {
    let unread = walked.unread.iter().map(|(arn, _)| arn);
    let mut services: Vec<ServiceArn> = run.listed.iter().chain(unread).cloned().collect();
    services.sort();
    services.dedup();
    match wanted.missing(&services) {
        Some(given) => Err(missing(clients, wanted).await?.unwrap_or_else(|| {
            let what = format!("the service {} was deleted while the audit ran", line(given));
            Failure::new(Exit::NotFound, what)
        })),
        None => Ok(services),
    }
}

/// The first of the services that were asked for that App Runner does not list, with those that are like it.
async fn missing(clients: &FleetClients, wanted: &Wanted) -> Result<Option<Failure>, Failure> {
    let fleet = observe_fleet(&clients.domains.apprunner).await?;
    Ok(wanted.missing(&fleet).map(|given| find::unknown(&fleet, given, &clients.place.region)))
}

/// With some services alone, what they share is not known whole.
fn fleet_not_asked() -> Part {
    let rules = all().filter(|rule| matches!(rule.check, Check::Fleet(_)));
    let not_checked = rules.map(|rule| NotChecked {
        rule: rule.id.to_owned(),
        why: "only some services were asked for, with --service".to_owned(),
        resources: vec![Resource::Account],
    });
    Part { not_checked: not_checked.collect(), fleet: true, ..Part::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_with_its_side() {
        assert!(clock(SignedDuration::from_hours(3)).starts_with("This machine's clock is 3 h behind AWS's. "));
        assert!(clock(SignedDuration::from_mins(-20)).starts_with("This machine's clock is 20 min ahead of AWS's. "));
    }

    #[test]
    fn rules_about_the_fleet_are_not_checked_for_some_services_and_no_other_reason_is_told() {
        let part = fleet_not_asked();
        let fleet = all().filter(|rule| matches!(rule.check, Check::Fleet(_))).count();
        assert!(part.fleet && fleet > 0 && part.not_checked.len() == fleet);
    }
}
