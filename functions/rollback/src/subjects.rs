//! Which services an event is about. The event's own word is a hint: every service that it leads to is read afresh.

use pitcrew_aws::alarms;
use pitcrew_aws::apprunner::observe_fleet;
use pitcrew_aws::engine::Subject;
use pitcrew_aws::error::AwsError;
use pitcrew_core::event::{self, AlarmChange, ImageAction, ImageChange, ServiceDimension};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::rollback::Trigger;

use crate::app::App;

/// The services that a subject of an event means.
pub async fn find(app: &App, subject: &event::Subject, cause: &str) -> Result<Vec<Subject>, AwsError> {
    let with = |arns: Vec<ServiceArn>, trigger: Trigger| {
        let subject = |arn| Subject { arn, cause: cause.to_owned(), trigger: trigger.clone() };
        arns.into_iter().map(subject).collect()
    };
    Ok(match subject {
        event::Subject::Service(hint) => with(vec![hint.arn.clone()], Trigger::Event),
        event::Subject::Alarm(alarm) => {
            with(watched_by(app, alarm).await?, Trigger::Alarm { name: alarm.name.clone() })
        }
        event::Subject::Image(image) => with(pinned_on(app, image).await?, Trigger::Push),
        // Custom domains and certificates are other functions'.
        event::Subject::Fleet
        | event::Subject::Queued(_)
        | event::Subject::Domains(_)
        | event::Subject::Certificate(_) => Vec::new(),
    })
}

/// The tag of the alarm names its service; else its metric's dimensions do, or its children's.
async fn watched_by(app: &App, alarm: &AlarmChange) -> Result<Vec<ServiceArn>, AwsError> {
    if let Some(tag) = alarms::observe_alarm_tag(&app.clients.cloudwatch, &alarm.arn).await? {
        return match ServiceArn::parse(&tag) {
            Ok(arn) => Ok(vec![arn]),
            Err(_) => named(app, &[tag]).await,
        };
    }
    let whole: Vec<ServiceArn> = alarm.services.iter().filter_map(|service| arn_of(app, service)).collect();
    if !whole.is_empty() {
        return Ok(whole);
    }
    let mut words: Vec<String> =
        alarm.services.iter().flat_map(|service| [service.name.clone(), service.id.clone()]).flatten().collect();
    if words.is_empty() && !alarm.children.is_empty() {
        let listed = alarms::observe_alarms(&app.clients.cloudwatch).await?;
        words = listed.iter().filter(|listed| listed.name == alarm.name).flat_map(|listed| listed.words()).collect();
    }
    if words.is_empty() { Ok(Vec::new()) } else { named(app, &words).await }
}

/// Name and id together make the ARN, without a call.
fn arn_of(app: &App, service: &ServiceDimension) -> Option<ServiceArn> {
    let (name, id) = (service.name.as_ref()?, service.id.as_ref()?);
    let partition = app.home.partition.as_deref().unwrap_or("aws");
    let (region, account) = (&app.home.region, &app.home.account);
    ServiceArn::parse(&format!("arn:{partition}:apprunner:{region}:{account}:service/{name}/{id}")).ok()
}

/// The services of the region with one of these names or ids.
async fn named(app: &App, words: &[String]) -> Result<Vec<ServiceArn>, AwsError> {
    let fleet = observe_fleet(&app.clients.apprunner).await?;
    let is = |arn: &ServiceArn| words.iter().any(|word| word == arn.name() || word == arn.id());
    Ok(fleet.into_iter().filter(is).collect())
}

/// A push concerns us where a service is pinned off the tag that was pushed; deployments have events of their own.
async fn pinned_on(app: &App, change: &ImageChange) -> Result<Vec<ServiceArn>, AwsError> {
    if change.action != ImageAction::Push {
        return Ok(Vec::new());
    }
    let pinned = app.clients.table.pinned_services().await?;
    Ok(pinned
        .into_iter()
        .filter(|(_, pin)| pin.image_before.repository == change.repository)
        .map(|(arn, _)| arn)
        .collect())
}
