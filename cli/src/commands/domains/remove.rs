//! `pitcrew domains remove`: what pitcrew made for a domain goes, once App Runner does not show it any more.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{DomainMemory, Request};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::receipt::rule;

use super::act::{Asked, Manner, consent, row, told};
use super::follow::Way;
use super::look;
use crate::args::Global;
use crate::domain_session::DomainSession;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::Output;
use crate::words::{Tone, length, line, toned};

/// The list of App Runner may be stale: a domain must have been gone for this long. The decision holds it too, and refuses.
const GONE_FOR: SignedDuration = SignedDuration::from_secs(61);
/// How often it is looked whether that time is over.
const EVERY: std::time::Duration = std::time::Duration::from_secs(5);
/// So many runs an intent of somebody else is waited for: it is settled by reading after a minute.
const RUNS_MAX: u32 = 30;

/// Removes the records of one domain.
pub async fn run(
    global: &Global,
    output: &Output,
    domain: &str,
    service: Option<&str>,
    manner: Manner,
) -> Result<Exit, Failure> {
    let name = find::domain(domain)?;
    let session = DomainSession::open(global).await?;
    let memory = remembered(&session, &name).await?;
    let arn = match service {
        Some(named) => find::service(&session.session, named).await?,
        None => linked(&session, &name, &memory).await?,
    };
    let relink = memory.relink.as_ref();
    if relink.is_some_and(|relink| relink.service != arn) {
        return Err(of_another(&arn, &name, &memory));
    }
    // With what linking again needs: a relink that is half-way is ended by the same rows.
    let engine = session.engine(true);
    match look(&engine, &session, &arn, &name).await? {
        Some(found) if found.is_shown() && relink.is_some() => return Err(still_unlinked(&arn, &name)),
        Some(found) if found.is_shown() => return Err(still_shown(&arn, &name)),
        Some(_) => {}
        None => return Err(of_another(&arn, &name, &memory)),
    }
    if manner.ask {
        consent(output, &removal(&name, &arn, &memory))?;
    }
    let mut way = Way {
        session: &session,
        output,
        engine: &engine,
        service: &arn,
        name: &name,
        request: Request::Remove,
        begun: false,
        wait: manner.wait,
    };
    first_sight(&mut way).await?;
    let gone = way.go().await?;
    told(output, &session, (&arn, &name), Asked::Remove, gone, &engine).await
}

/// Has the absence written down, and waits until it is old enough: asked before, the decision would refuse. The first run ends
/// a relink that is half-way, once it is known what became of its last call.
async fn first_sight(way: &mut Way<'_>) -> Result<(), Failure> {
    let (session, name) = (way.session, way.name);
    let mut runs = RUNS_MAX;
    loop {
        let memory = load(session, name).await?;
        let waits = match memory.gone_since {
            Some(since) => match too_young(since, session.now()) {
                Some(left) => format!("App Runner's list may be stale, waits {} more", length(left)),
                None => break,
            },
            None if runs > 0 => {
                runs -= 1;
                let refused = way.run().await?.receipts.iter().any(|receipt| receipt.rule == rule::OPERATOR);
                let after = load(session, name).await?;
                let under_way = after.gone_since.is_some() || after.intent.is_some() || after.relink.is_some();
                if refused || !under_way {
                    // The run that follows says why.
                    break;
                }
                "waits for what pitcrew's last call has come to".to_owned()
            }
            None => break,
        };
        way.output.progress(&format!("{name}: {waits}"));
        tokio::time::sleep(EVERY).await;
    }
    way.output.progress("");
    Ok(())
}

/// How long it must still be waited.
fn too_young(since: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let left = GONE_FOR - now.duration_since(since);
    left.is_positive().then_some(left)
}

async fn load(session: &DomainSession, name: &Name) -> Result<DomainMemory, Failure> {
    let read = session.clients.table.load_domains(std::slice::from_ref(name)).await?;
    Ok(read.0.into_values().next().transpose()?.unwrap_or_default())
}

async fn remembered(session: &DomainSession, name: &Name) -> Result<DomainMemory, Failure> {
    let memory = load(session, name).await?;
    if memory.version > 0 {
        return Ok(memory);
    }
    let all = session.clients.table.remembered_domains(None).await?;
    let names: BTreeSet<Name> = all.into_iter().map(|known| known.name).collect();
    Err(find::not_remembered(name, &names))
}

/// The service of the domain's row. Between the halves of linking again the row has no link.
async fn linked(session: &DomainSession, name: &Name, memory: &DomainMemory) -> Result<ServiceArn, Failure> {
    if let Some(link) = &memory.link {
        return Ok(link.service.clone());
    }
    let all = session.clients.table.remembered_domains(None).await?;
    let found = all.into_iter().find(|known| known.name == *name).map(|known| known.service);
    found.ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("nobody knows which service {name} was linked to"))
            .mend("name it: --service ARN")
    })
}

fn still_shown(arn: &ServiceArn, name: &Name) -> Failure {
    let mend = format!(
        "disassociate it first: aws apprunner disassociate-custom-domain --service-arn {arn} --domain-name '{name}'"
    );
    Failure::new(Exit::Refused, format!("App Runner still shows {name} at {}: nothing was done", arn.name())).mend(mend)
}

fn still_unlinked(arn: &ServiceArn, name: &Name) -> Failure {
    let what =
        format!("pitcrew is linking {name} again, and App Runner still shows it at {}: nothing was done", arn.name());
    Failure::new(Exit::Refused, what).mend(format!(
        "`pitcrew explain '{name}'` shows how far it is; once App Runner has let it go, the same command ends that and removes"
    ))
}

fn of_another(arn: &ServiceArn, name: &Name, memory: &DomainMemory) -> Failure {
    let linked = memory.link.as_ref().map(|link| &link.service);
    let other = linked.or(memory.relink.as_ref().map(|relink| &relink.service));
    let other = other.map(ToString::to_string).unwrap_or_default();
    Failure::new(
        Exit::Refused,
        format!("{name} is remembered of another service than {}: nothing was done", arn.name()),
    )
    .mend(format!("leave --service out, or give {other}"))
}

fn removal(name: &Name, arn: &ServiceArn, memory: &DomainMemory) -> String {
    let name = toned(Tone::Strong, name.as_str());
    let mut text = format!("{name} is not associated with {} any more.\n", line(arn.name()));
    if memory.relink.is_some() {
        text.push_str("pitcrew was linking it again: it gives that up.\n");
    }
    if memory.owned.is_empty() {
        text.push_str("pitcrew made no record for it: it is only forgotten.\n");
        return text;
    }
    text.push_str("pitcrew removes what it made, where it still stands as it was made, targets first:\n");
    for owned in &memory.owned {
        let words = owned.record.words();
        let mut parts = words.splitn(3, ' ');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (name, kind, value) = (part(), part(), part());
        text.push_str(&row(&name, &kind, &value, &owned.zone.id));
    }
    text.push_str("A validation record stays while another domain needs it.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn plain(memory: &DomainMemory) -> String {
        let name = find::domain("shop.example.com").unwrap();
        anstream::adapter::strip_str(&removal(&name, &samples::arn(), memory)).to_string()
    }

    #[test]
    fn what_goes_is_listed_before_anything_is_asked() {
        insta::assert_snapshot!(plain(&samples::domain_memory()));
        assert!(plain(&DomainMemory::default()).contains("only forgotten"));
    }

    #[test]
    fn a_domain_that_is_shown_is_never_removed() {
        let failure = still_shown(&samples::arn(), &find::domain("*.example.com").unwrap());
        assert_eq!(failure.exit, Exit::Refused);
        assert!(failure.mend.unwrap().ends_with("--domain-name '*.example.com'"));
    }

    #[test]
    fn a_relink_that_is_half_way_is_given_up_and_said() {
        let mut memory = samples::domain_memory();
        memory.link = None;
        memory.relink = Some(pitcrew_core::domain::Relink {
            since: samples::now(),
            service: samples::arn(),
            www: false,
            reason: "The certificate expired.".to_owned(),
            stage: pitcrew_core::domain::RelinkStage::Linking,
        });
        assert!(plain(&memory).contains("pitcrew was linking it again: it gives that up."));
        let name = find::domain("shop.example.com").unwrap();
        let other = of_another(&samples::arn(), &name, &memory);
        assert!(other.mend.unwrap().contains(&samples::arn().to_string()), "the service of the relink is named");
        assert!(still_unlinked(&samples::arn(), &name).what.contains("is linking shop.example.com again"));
    }

    #[test]
    fn an_absence_is_believed_after_a_minute() {
        let now = samples::now();
        assert_eq!(too_young(now, now), Some(GONE_FOR));
        assert_eq!(too_young(now - SignedDuration::from_secs(61), now), None);
    }
}
