//! The numbers of instances, without regard to use. The table stands in [`super`].

use super::super::super::facts::Scaling;
use super::super::super::{Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::super::fix::{serves, update_scaling};
use super::super::subject::{guide, this};
use super::INSTANCES_MAX;

pub(in super::super) const RULES: &[Rule] = &[
    Rule {
        id: "scaling-fixed-size",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "The number of instances cannot change",
        why: "The service does not grow with its load, and what it does not need is paid for.",
        chapter: guide("Managing App Runner automatic scaling"),
        check: Check::Service(fixed_size),
    },
    Rule {
        id: "scaling-single-instance",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "A production service keeps one instance",
        why: "When the one instance fails, nothing serves until another has started; a second one stands by for the \
              price of its memory.",
        chapter: guide("Managing App Runner automatic scaling"),
        check: Check::Service(single_instance),
    },
];

/// Tags that say what a service is for.
const STAGE_TAGS: [&str; 3] = ["environment", "env", "stage"];

fn fixed_size(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !serves(service) {
        return;
    }
    let Some(scaling) = out.known(&this(service), &service.scaling) else { return };
    if scaling.min != scaling.max {
        return;
    }
    let mended = if scaling.max < INSTANCES_MAX {
        Scaling { max: (scaling.max * 2).min(INSTANCES_MAX), ..scaling.clone() }
    } else {
        Scaling { min: scaling.max - 1, ..scaling.clone() }
    };
    out.find(
        this(service),
        format!("Minimum and maximum of {} are both {}.", scaling.name, scaling.max),
        "Give it room: an instance above the minimum is started, and paid for, when requests come.",
        update_scaling(service, &mended),
    );
    if scaling.max <= 1 {
        out.graded(Grade::Medium);
    }
}

fn single_instance(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !serves(service) {
        return;
    }
    let Some(scaling) = out.known(&this(service), &service.scaling) else { return };
    if scaling.min > 1 {
        return;
    }
    let Some(tags) = out.known(&this(service), &service.tags) else { return };
    let stage = tags.iter().find(|(key, _)| STAGE_TAGS.iter().any(|stage| key.eq_ignore_ascii_case(stage)));
    if stage.is_some_and(|(_, value)| !value.trim().to_ascii_lowercase().starts_with("prod")) {
        return;
    }
    let whose = match stage {
        Some((key, value)) => format!("it is tagged {key}={value}"),
        None => format!("no tag {} says that it is for something else than production", STAGE_TAGS.join(", ")),
    };
    out.find(
        this(service),
        format!("The minimum of {} is 1, and {whose}.", scaling.name),
        "Keep two; or tag the service with what it is for.",
        update_scaling(service, &Scaling { min: 2, max: scaling.max.max(2), ..scaling.clone() }),
    );
}
