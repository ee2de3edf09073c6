//! `pitcrew domains`: the custom domains of a service or of a region, and what a person may ask for about one of them.
//!
//! Nothing is decided here: what is shown is the decision's own preview, and what is done is done by the engine.

mod act;
mod follow;
mod list;
mod plan;
mod remove;
mod words;

use pitcrew_aws::domain_engine::{DomainEngine, DomainSubject, Which};
use pitcrew_aws::domains::observe_domains;
use pitcrew_aws::engine::EngineError;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{DomainMemory, Preview, Request, Trigger};
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;

use crate::args::{DomainsAction, Global};
use crate::domain_session::DomainSession;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::Output;

/// What a preview says instead of App Runner's status.
const NOT_ASSOCIATED: &str = "not associated";

/// Runs one of the commands about domains.
pub async fn run(
    global: &Global,
    output: &Output,
    service: Option<&str>,
    action: Option<&DomainsAction>,
) -> Result<Exit, Failure> {
    use act::{Asked, Manner};
    let manner = |no_wait: bool, yes: bool| Manner { wait: !no_wait, ask: !yes };
    match action {
        None => list::show(global, output, service).await,
        Some(DomainsAction::Plan { service, domain }) => plan::show(global, output, service, domain).await,
        Some(DomainsAction::Apply { service, domain, no_wait, yes }) => {
            act::run(global, output, (service, domain), Asked::Apply, manner(*no_wait, *yes)).await
        }
        Some(DomainsAction::Adopt { service, domain, yes }) => {
            act::run(global, output, (service, domain), Asked::Adopt, manner(false, *yes)).await
        }
        Some(DomainsAction::Relink { service, domain, no_wait, yes }) => {
            act::run(global, output, (service, domain), Asked::Relink, manner(*no_wait, *yes)).await
        }
        Some(DomainsAction::Remove { domain, service, yes }) => {
            remove::run(global, output, domain, service.as_deref(), manner(false, *yes)).await
        }
    }
}

/// One domain of a service, and what an operator asks for about it.
fn subject(session: &DomainSession, service: &ServiceArn, name: &Name, request: Request) -> DomainSubject {
    DomainSubject {
        service: service.clone(),
        which: Which::These(vec![name.clone()]),
        cause: session.session.cause(),
        trigger: Trigger::Operator(request),
    }
}

/// What would be done about one domain, and what is remembered of it.
struct Previewed {
    preview: Preview,
    /// Of version 0 where the domain was never written down.
    memory: DomainMemory,
}

impl Previewed {
    fn is_shown(&self) -> bool {
        self.preview.status != NOT_ASSOCIATED
    }

    /// Whether the domain is another service's by now: App Runner does not show it here, and its row names the other one.
    fn is_elsewhere(&self, service: &ServiceArn) -> bool {
        !self.is_shown() && self.memory.link.as_ref().is_some_and(|link| link.service != *service)
    }
}

/// What would be done about the domains of a subject. The error of one does not hide the others.
async fn previews(
    engine: &DomainEngine<'_>,
    session: &DomainSession,
    subject: &DomainSubject,
) -> Result<Vec<(Name, Result<Previewed, Failure>)>, Failure> {
    let previews = engine.preview(subject).await?;
    let names: Vec<Name> = previews.iter().map(|(name, _)| name.clone()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (mut memories, _) = session.clients.table.load_domains(&names).await?;
    let closed = closed_accounts(engine).await;
    let with_memory = |(name, preview): (Name, Result<Preview, EngineError>)| {
        let memory = memories.remove(&name).transpose();
        let previewed = match (preview, memory) {
            (Ok(mut preview), Ok(memory)) => {
                if preview.records.iter().any(|record| record.zone.is_none()) {
                    preview.blockers.extend(closed.iter().cloned());
                }
                Ok(Previewed { preview, memory: memory.unwrap_or_default() })
            }
            (Err(error), _) => Err(error.into()),
            (_, Err(error)) => Err(error.into()),
        };
        (name, previewed)
    };
    let all = previews.into_iter().map(with_memory);
    let here = |previewed: &Result<Previewed, Failure>| {
        previewed.as_ref().map_or(true, |previewed| !previewed.is_elsewhere(&subject.service))
    };
    Ok(all.filter(|(_, previewed)| here(previewed)).collect())
}

/// The accounts whose hosted zones the command cannot look into, each with what to do: their roles trust pitcrew's functions by
/// name, and nobody else.
async fn closed_accounts(engine: &DomainEngine<'_>) -> Vec<String> {
    // Listed already for the preview. Where that failed the preview says so itself.
    let Ok(Fact::Known(zones)) = engine.dns().zones().await else { return Vec::new() };
    let words = |(role, why): &(String, String)| {
        format!(
            "The hosted zones that {role} leads to cannot be looked into from here: {why}. The role lets in pitcrew's functions \
             and nobody else. Let the function do it (tag the service pitcrew:domains=act), or add your own role to the trust \
             policy of that role (infra/README.md)."
        )
    };
    zones.unlisted.iter().map(words).collect()
}

/// What would be done about one domain now; `None` where it is another service's by now.
async fn look(
    engine: &DomainEngine<'_>,
    session: &DomainSession,
    service: &ServiceArn,
    name: &Name,
) -> Result<Option<Previewed>, Failure> {
    let found = previews(engine, session, &subject(session, service, name, Request::Apply)).await?;
    found.into_iter().next().map(|(_, previewed)| previewed).transpose()
}

/// A domain that App Runner shows at the service, or that is remembered of it.
async fn known(
    engine: &DomainEngine<'_>,
    session: &DomainSession,
    service: &ServiceArn,
    name: &Name,
) -> Result<Previewed, Failure> {
    let found = look(engine, session, service, name).await?;
    if let Some(found) = found.filter(|found| found.is_shown() || found.memory.version > 0) {
        return Ok(found);
    }
    let shown = observe_domains(&session.clients.apprunner, service).await?;
    Err(find::not_shown(service, name, &shown.into_iter().flatten().map(|(name, _)| name).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_domain_that_moved_is_told_at_the_service_that_shows_it() {
        let previewed = |status: &str| Previewed {
            preview: Preview { status: status.to_owned(), ..samples::active_preview() },
            memory: samples::domain_memory(),
        };
        let cart = ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/cart/1").unwrap();
        assert!(previewed(NOT_ASSOCIATED).is_elsewhere(&cart));
        assert!(!previewed("creating").is_elsewhere(&cart), "it is here now, whatever is remembered");
        assert!(!previewed(NOT_ASSOCIATED).is_elsewhere(&samples::arn()), "nobody else sees to it");
    }
}
