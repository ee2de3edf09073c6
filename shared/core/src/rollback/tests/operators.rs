//! What an operator can ask for.

use super::world::{World, at, by_tag, digest, image, op, pinned};
use crate::autonomy::Autonomy;
use crate::id::{Digest, OperationId};
use crate::ledger::{Pin, Verdict};
use crate::rollback::answer::CallAnswer;
use crate::rollback::{Request, Trigger};
use crate::service::{OperationKind as K, OperationStatus as S, ServiceStatus};

fn asked(world: World, request: Request) -> World {
    world.woken(Trigger::Operator(request))
}

fn back(to: Option<Digest>) -> Request {
    Request::Rollback { to }
}

fn pin() -> Pin {
    Pin { since: at(5), incident: "I-0".into(), image: pinned(1), image_before: by_tag(), auto_deploy_before: true }
}

#[test]
fn a_rollback_goes_to_the_last_good_release_whatever_the_autonomy() {
    let mut world = asked(World::new().baking(2), back(None));
    world.settings.autonomy = Autonomy::Off;
    assert_eq!(
        world.settle(),
        [
            "look exists shop@010101010101",
            "look tags",
            "look service",
            "record operator +rollback_started",
            "look service",
            "call deploy shop@010101010101 and switch automatic deployment off"
        ]
    );
    assert_eq!(world.seen.account.breaker.recent.len(), 0, "a person's rollback is not an automatic one");
}

#[test]
fn a_rollback_to_a_named_digest_follows_it_and_watches_it_anew() {
    let mut world = asked(World::new().baking(2), back(Some(digest(7))));
    world.answer = Some(CallAnswer::Started(OperationId::new("ours")));
    world.settle();
    let mut world =
        world.operation(op("ours", K::UpdateService, S::Succeeded, 1000, 1004)).live(image(pinned(7), false), "a");
    world.woken_again("next", 1005);
    world.settle();
    assert_eq!(world.outcomes(), ["Manual RolledBack"]);
    assert_eq!(world.verdict(), &Verdict::Baking { until: at(1034) });
    assert!(!world.seen.memory.ledger.is_bad(&digest(2)), "a person's choice condemns nothing");
}

#[test]
fn going_back_to_a_release_that_still_baked_gives_it_a_new_window() {
    let mut world = asked(World::new().baking(2), back(None));
    world.answer = Some(CallAnswer::Started(OperationId::new("ours")));
    world.seen.memory.ledger.releases[1].verdict = Verdict::Baking { until: at(34) };
    world.seen.trigger = Trigger::Operator(back(Some(digest(1))));
    world.settle();
    let mut world =
        world.operation(op("ours", K::UpdateService, S::Succeeded, 1000, 1004)).live(image(pinned(1), false), "a");
    world.woken_again("next", 1005);
    world.settle();
    assert_eq!(world.verdict(), &Verdict::Baking { until: at(1034) });
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let paused = |mut world: World| {
        world.seen.account.pause = Some(crate::memory::Pause { since: at(1), by: "ann".into(), reason: String::new() });
        world
    };
    let without_ecr = |mut world: World, held| {
        world.in_ecr = held;
        world
    };
    let base = || World::new().baking(2);
    let cases = [
        (asked(paused(base()), back(None)), "paused for this account"),
        (asked(base().tag("pitcrew:hold", "true"), back(None)), "pitcrew:hold"),
        (asked(base().status(ServiceStatus::OperationInProgress), back(None)), "OPERATION_IN_PROGRESS"),
        (asked(without_ecr(base(), Some(Vec::new())), back(None)), "does not hold"),
        (asked(without_ecr(base(), None), back(None)), "cannot be read"),
        (asked(World::new(), back(None)), "no good release is known"),
        (asked(base(), Request::Unpin), "not pinned"),
        (asked(base(), Request::MarkGood { digest: digest(9) }), "no release of this digest"),
    ];
    for (mut world, reason) in cases {
        world.settle();
        let receipt = world.receipts.last().unwrap();
        assert!(receipt.rule == "operator" && receipt.decision.contains(reason), "{}", receipt.decision);
        assert!(world.intents.is_empty() && world.seen.memory.incident.is_none());
    }
}

#[test]
fn a_running_operation_is_waited_for_by_the_operator_too() {
    let mut world = asked(World::new().operation(op("run", K::PauseService, S::InProgress, 995, 0)), back(None));
    assert_eq!(world.settle(), ["hold operation_running"]);
}

#[test]
fn marking_a_release_good_is_the_operators_word() {
    let mut world = World::new().baking(2).alarm("5xx", 999);
    world.settings.autonomy = Autonomy::Off;
    world.settle();
    assert!(world.seen.memory.ledger.is_bad(&digest(2)));
    let mut world = asked(world, Request::MarkGood { digest: digest(2) });
    assert_eq!(world.settle(), ["record operator", "stop 0"]);
    assert_eq!(world.verdict(), &Verdict::Good { since: at(1000) });
    assert!(!world.seen.memory.ledger.is_bad(&digest(2)));
}

#[test]
fn unpin_gives_tag_and_automatic_deployment_back() {
    let mut world = asked(World::new().live(image(pinned(1), false), "a"), Request::Unpin);
    world.seen.memory.pin = Some(pin());
    world.answer = Some(CallAnswer::Started(OperationId::new("ours")));
    world.tag_names = Some((digest(3), 990));
    let trace = world.settle();
    assert!(trace.contains(&"call deploy shop:latest and switch automatic deployment on".to_owned()), "{trace:?}");
    assert!(world.seen.memory.pin.is_some(), "the pin ends when the operation succeeded, not before");
    let mut world =
        world.operation(op("ours", K::UpdateService, S::Succeeded, 1000, 1004)).live(image(by_tag(), true), "a");
    world.woken_again("next", 1005);
    world.settle();
    let release = world.seen.memory.ledger.current().unwrap();
    assert_eq!((world.seen.memory.pin.is_none(), release.digest.clone()), (true, Some(digest(3))));
    assert!(matches!(release.verdict, Verdict::Baking { .. }), "what comes back is watched like any release");
}

#[test]
fn an_owner_who_deploys_by_digest_is_unpinned_to_that_digest() {
    let mut world = asked(World::new().live(image(pinned(1), false), "a"), Request::Unpin);
    world.seen.memory.pin = Some(Pin { image_before: pinned(4), auto_deploy_before: false, ..pin() });
    world.answer = Some(CallAnswer::Started(OperationId::new("ours")));
    world.settle();
    let mut world =
        world.operation(op("ours", K::UpdateService, S::Succeeded, 1000, 1004)).live(image(pinned(4), false), "a");
    world.woken_again("next", 1005);
    world.settle();
    assert_eq!(world.seen.memory.pin, None);
}

#[test]
fn a_rollback_takes_a_proposal_over() {
    let mut world = World::new().baking(2).alarm("5xx", 999);
    world.settings.autonomy = Autonomy::Propose;
    world.settle();
    let mut world = asked(world, back(None));
    assert!(world.settle().last().unwrap().starts_with("call "));
    assert_eq!((world.outcomes(), world.state()), (vec!["BadRelease StoodDown".to_owned()], "intended"));
}

#[test]
fn unpin_is_refused_while_the_tag_still_names_the_bad_image() {
    let mut world = asked(World::new().live(image(pinned(1), false), "a"), Request::Unpin);
    world.seen.memory.pin = Some(pin());
    world.seen.memory.ledger.mark_bad(&digest(3), &OperationId::new("x"), at(900), "alarm");
    world.tag_names = Some((digest(3), 990));
    let trace = world.settle();
    assert!(!trace.iter().any(|step| step.starts_with("call ")), "{trace:?}");
    assert_eq!(trace.last().unwrap(), "stop 0");
    assert!(world.seen.memory.pin.is_some());
}
