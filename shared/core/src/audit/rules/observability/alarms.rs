//! Alarms of CloudWatch. The table stands in [`super`].

use super::super::super::facts::AlarmFacts;
use super::super::super::{Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::super::fix::serves;
use super::super::subject::{guide, this};
use crate::dns::command::quote;

pub(in super::super) const RULES: &[Rule] = &[
    Rule {
        id: "observability-no-error-alarm",
        group: Group::Observability,
        grade: Grade::Medium,
        title: "No alarm watches the errors of a service",
        why: "A release that passes its health check and answers with errors is told to nobody, and pitcrew does not \
              take it back.",
        chapter: guide("Viewing App Runner service metrics reported to CloudWatch"),
        check: Check::Service(no_error_alarm),
    },
    Rule {
        id: "observability-no-latency-alarm",
        group: Group::Observability,
        grade: Grade::Low,
        title: "No alarm watches how long answers take",
        why: "A release that is slow counts as good.",
        chapter: guide("Viewing App Runner service metrics reported to CloudWatch"),
        check: Check::Service(no_latency_alarm),
    },
    Rule {
        id: "observability-silent-alarm",
        group: Group::Observability,
        grade: Grade::Medium,
        title: "An alarm tells nobody",
        why: "It goes off unseen.",
        chapter: guide("Viewing App Runner service metrics reported to CloudWatch"),
        check: Check::Service(silent_alarm),
    },
];

/// Said with every new alarm: CloudWatch does not ask before it replaces one.
const REPLACES: &str = "An alarm that has the command's name already would be replaced.";

/// The alarms that watch the service: by its name or its id, and by its ARN where a tag says so.
fn alarms<'f>(fleet: &'f Fleet, service: &ServiceFacts, out: &mut Findings) -> Option<Vec<&'f AlarmFacts>> {
    let own = [service.arn.name().to_owned(), service.arn.id().to_owned(), service.arn.to_string()];
    let watches = |alarm: &&AlarmFacts| alarm.watches.iter().any(|watched| own.contains(watched));
    Some(out.known(&this(service), &fleet.alarms)?.iter().filter(watches).collect())
}

/// Whether these are all alarms that may watch the service; else the rule has not checked it.
fn are_all(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) -> bool {
    if let Some(why) = &fleet.alarms_left {
        out.unchecked(&this(service), why);
    }
    fleet.alarms_left.is_none()
}

/// Whether an alarm reads the metric.
fn reads(alarm: &AlarmFacts, metric: &str) -> bool {
    alarm.metrics.iter().any(|known| known == metric)
}

/// `put-metric-alarm` on a metric of the service, for three of five minutes.
fn put_alarm(service: &ServiceFacts, what: &str, metric: &str, statistic: &str, threshold: &str) -> String {
    let name = service.arn.name();
    format!(
        "aws cloudwatch put-metric-alarm --alarm-name {name}-{what} --namespace AWS/AppRunner --metric-name {metric} \
         --dimensions Name=ServiceName,Value={name} Name=ServiceID,Value={} {statistic} --period 60 \
         --evaluation-periods 5 --datapoints-to-alarm 3 --threshold {threshold} \
         --comparison-operator GreaterThanOrEqualToThreshold --treat-missing-data notBreaching \
         --alarm-actions TOPIC_ARN",
        service.arn.id()
    )
}

fn no_error_alarm(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !serves(service) {
        return;
    }
    let Some(alarms) = alarms(fleet, service, out) else { return };
    let covers = |alarm: &&AlarmFacts| alarm.metrics.is_empty() || reads(alarm, "5xxStatusResponses");
    if alarms.iter().any(covers) || !are_all(fleet, service, out) {
        return;
    }
    out.find(
        this(service),
        watched(&alarms, "5xxStatusResponses"),
        &format!("Put an alarm on the errors that users cannot live with. {REPLACES}"),
        put_alarm(service, "errors", "5xxStatusResponses", "--statistic Sum", "5"),
    );
}

fn no_latency_alarm(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !serves(service) {
        return;
    }
    let Some(alarms) = alarms(fleet, service, out) else { return };
    if alarms.iter().any(|alarm| reads(alarm, "RequestLatency")) || !are_all(fleet, service, out) {
        return;
    }
    out.find(
        this(service),
        watched(&alarms, "RequestLatency"),
        &format!("Put an alarm on the time that users do not wait. {REPLACES}"),
        put_alarm(service, "latency", "RequestLatency", "--extended-statistic p95", "MILLISECONDS"),
    );
}

/// What watches the service, where it is not this metric.
fn watched(alarms: &[&AlarmFacts], metric: &str) -> String {
    match alarms {
        [] => "No alarm watches it.".to_owned(),
        [one] => format!("One alarm watches it ({}), and not {metric}.", one.name),
        more => format!("{} alarms watch it, and none {metric}.", more.len()),
    }
}

fn silent_alarm(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(alarms) = alarms(fleet, service, out) else { return };
    if alarms.is_empty() {
        are_all(fleet, service, out);
    }
    // A composite alarm reads what its children read, and often it alone tells: that is how it is meant.
    let told = |silent: &AlarmFacts| {
        let all = |other: &&&AlarmFacts| silent.metrics.iter().all(|metric| reads(other, metric));
        !silent.metrics.is_empty() && alarms.iter().filter(|other| other.acts).any(|other| all(&other))
    };
    for alarm in alarms.iter().filter(|alarm| !alarm.acts && !told(alarm)) {
        out.find_at(
            this(service),
            &alarm.name,
            format!("The alarm {} has no action that is enabled.", alarm.name),
            "Enable its actions; where it has none, give it one with put-metric-alarm. pitcrew sees it change either \
             way.",
            format!("aws cloudwatch enable-alarm-actions --alarm-names {}", quote(&alarm.name)),
        );
    }
}
