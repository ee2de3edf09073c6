//! Alarms and the bake window.

use super::world::{World, at, by_tag, configuration, digest, image, op};
use crate::autonomy::Autonomy;
use crate::ledger::Verdict;
use crate::rollback::{Alarm, Transition, Trigger};
use crate::service::{OperationKind as K, OperationStatus as S, ServiceStatus};

const ACTS: &str = "call deploy shop@010101010101 and switch automatic deployment off";

fn condemned() -> World {
    World::new().baking(2).alarm("5xx", 999)
}

#[test]
fn an_alarm_inside_the_bake_window_rolls_back_to_the_last_good_digest() {
    let mut world = condemned();
    assert_eq!(
        world.settle(),
        [
            "look fired",
            "look tags",
            "look exists shop@010101010101",
            "record alarm-in-bake-window +rollback_started",
            "look service",
            ACTS
        ]
    );
    assert!(world.seen.memory.ledger.is_bad(&digest(2)));
    let intent = &world.intents[0];
    assert_eq!(
        (intent.fence, intent.holder.as_str(), intent.after.clone()),
        (2, "me", Some(world.seen.operations[0].id.clone()))
    );
    assert_eq!(world.seen.account.breaker.recent.len(), 1);
}

#[test]
fn the_sweep_finds_the_same_alarm_when_its_event_was_lost() {
    let mut world = condemned().woken(Trigger::Sweep);
    let trace = world.settle();
    assert_eq!((trace[0].as_str(), trace.last().unwrap().as_str()), ("look alarms", ACTS));
}

#[test]
fn the_newest_good_release_that_ecr_still_holds_is_the_target() {
    let older = op("older", K::StartDeployment, S::Succeeded, 500, 504);
    let mut world = World::new().release(&older, 3, Verdict::Good { since: at(534) }).baking(2).alarm("5xx", 999);
    world.in_ecr = Some(vec![digest(1), digest(2)]);
    let trace = world.settle();
    assert_eq!(trace[2..4], ["look exists shop@030303030303", "look exists shop@010101010101"]);
    assert_eq!(trace.last().unwrap(), ACTS);
}

#[test]
fn an_alarm_that_was_firing_before_the_deployment_neither_causes_nor_blocks() {
    let transition = |minute, from: &str, to: &str| Transition {
        at: at(minute),
        from: from.into(),
        to: to.into(),
        breached_at: None,
    };
    let flapping = vec![transition(999, "OK", "ALARM"), transition(996, "ALARM", "OK")];
    let mut world = World::new().baking(2).woken(Trigger::Sweep);
    world.alarms = Some(vec![Alarm { name: "old".into(), state: "ALARM".into(), transitions: flapping }]);
    world.settle();
    assert!(world.intents.is_empty());
    let mut world = world.alarm("new", 1001).now(1002);
    assert_eq!(world.settle().last().unwrap(), ACTS);
}

#[test]
fn a_transition_from_before_the_operations_end_or_on_data_from_before_it_does_not_condemn() {
    // The release came into service at minute 994; an earlier deployment of the same release does not count either.
    for (fired, breached, rolls_back) in
        [(993, 993, false), (995, 994, false), (995, 995, true), (1024, 1023, true), (1025, 1024, false)]
    {
        let mut world = World::new().baking(2).alarm("5xx", fired).now(1026);
        world.alarms.as_mut().unwrap()[0].transitions[0].breached_at = Some(at(breached));
        world.settle();
        assert_eq!(world.intents.len(), usize::from(rolls_back), "fired at {fired} on data until {breached}");
    }
}

#[test]
fn an_alarm_outside_the_bake_window_is_told_once_with_the_way_out() {
    let mut world = World::new().alarm("5xx", 999);
    assert_eq!(
        world.settle(),
        [
            "look fired",
            "look logs of the service",
            "record alarm-outside-bake-window +alarm",
            "look service",
            "hold nothing_new"
        ]
    );
    assert!(
        world.notices[0].todo.iter().any(|todo| todo.command.as_deref().is_some_and(|it| it.contains("pause-service")))
    );
    world.woken_again("next", 1001);
    assert_eq!(world.settle(), ["look fired", "look service", "hold nothing_new"], "a second delivery changes nothing");
}

#[test]
fn an_alarm_of_a_service_without_a_known_release_is_told_too() {
    let mut world = World::new().alarm("5xx", 999);
    world.seen.memory.ledger.releases.clear();
    assert!(world.settle().contains(&"record alarm-outside-bake-window +alarm".to_owned()));
}

#[test]
fn an_alarm_of_yesterday_is_history() {
    let mut world = World::new().alarm("5xx", 999).now(999 + 24 * 60);
    assert_eq!(world.settle(), ["look fired", "look service", "hold nothing_new"]);
}

#[test]
fn a_newer_operation_of_anybody_wins_over_the_alarm_of_the_release_before() {
    for (kind, status) in [(K::PauseService, S::Succeeded), (K::StartDeployment, S::RollbackSucceeded)] {
        let mut world = World::new().baking(2).operation(op("theirs", kind, status, 996, 998)).alarm("5xx", 999);
        assert!(world.settle().contains(&"record alarm-outside-bake-window +alarm".to_owned()));
        assert!(world.intents.is_empty());
        let mut world = world.now(1030).woken(Trigger::Sweep);
        world.woken_again("next", 1030);
        world.settle();
        assert_eq!(world.verdict(), &Verdict::Unproven, "an alarm fired in its window: it is not good");
    }
}

#[test]
fn a_proposal_stands_down_before_a_newer_operation() {
    let mut world = condemned();
    world.settings.autonomy = Autonomy::Propose;
    assert!(world.settle().contains(&"record withheld +proposal".to_owned()));
    assert_eq!(world.settle().last().unwrap(), "hold proposed");
    let mut world = world.operation(op("theirs", K::StartDeployment, S::InProgress, 1001, 0));
    world.tag_names = Some((digest(3), 1000));
    world.woken_again("next", 1002);
    assert_eq!(world.settle()[0], "record stood-down +stood_down");
    assert_eq!(world.outcomes(), ["BadRelease StoodDown"]);
}

#[test]
fn a_second_alarm_of_the_same_release_joins_its_incident() {
    let mut world = condemned();
    world.settings.autonomy = Autonomy::Propose;
    world.settle();
    let mut world = world.alarm("latency", 1001).now(1002);
    world.woken_again("next", 1002);
    assert_eq!(world.settle(), ["look fired", "record alarm-in-bake-window", "look service", "hold proposed"]);
    assert_eq!((world.notices.len(), world.closed.len()), (1, 0));
}

#[test]
fn a_busy_service_is_waited_for_with_the_incident_open() {
    let mut world = condemned().status(ServiceStatus::OperationInProgress);
    let trace = world.settle();
    assert_eq!(trace[4..], ["look service", "record busy", "stop 60"], "the fresh read after the intent says busy");
    assert_eq!((world.state(), world.intents.len()), ("open", 1));
    world.woken_again("next", 1002);
    assert_eq!(world.settle().last().unwrap(), "hold busy");
    assert_eq!(world.intents.len(), 1, "no second intent while it is known to be busy");
    world.service.as_mut().unwrap().status = ServiceStatus::Running;
    world.woken_again("next", 1004);
    assert_eq!(world.settle().last().unwrap(), ACTS);
}

#[test]
fn the_release_is_good_when_its_window_ends_quietly_and_an_alarm_watches() {
    let quiet = Alarm { name: "5xx".into(), state: "OK".into(), transitions: Vec::new() };
    for (alarms, good) in [(Some(vec![quiet]), true), (Some(Vec::new()), false), (None, false)] {
        let mut world = World::new().baking(2).now(1024);
        world.alarms = alarms;
        assert_eq!(world.settle(), ["look alarms", "record baked", "look service", "hold nothing_new"]);
        assert_eq!(matches!(world.verdict(), Verdict::Good { .. }), good);
    }
    assert_eq!(World::new().baking(2).now(1023).settle(), ["look service", "hold nothing_new"]);
}

#[test]
fn a_configuration_that_set_off_an_alarm_is_suspected_and_never_becomes_good() {
    let mut world =
        World::new().live(image(by_tag(), true), "b").operation(op("update", K::UpdateService, S::Succeeded, 990, 994));
    world.settle();
    let mut world = world.alarm("5xx", 999);
    world.woken_again("next", 1000);
    assert!(world.settle().contains(&"record same-digest-configuration-suspect +rollback_failed".to_owned()));
    assert!(world.notices[0].happened.contains("env:MODE"));
    assert!(!world.seen.memory.ledger.is_bad(&digest(1)), "the last good digest is never marked bad");
    world.woken_again("next", 1030);
    world.settle();
    assert_eq!(world.verdict(), &Verdict::Unproven);
    assert_eq!(world.seen.memory.ledger.last_good(at(1030)).unwrap().fingerprint, configuration("a"));
}

#[test]
fn a_release_whose_alarm_fired_waits_while_the_service_is_known_to_be_busy() {
    let deployed = op("deploy", K::StartDeployment, S::Succeeded, 990, 994);
    let mut world = World::new().operation(deployed).candidate("deploy", 2, "a").alarm("5xx", 999);
    world.service.as_mut().unwrap().status = ServiceStatus::OperationInProgress;
    let trace = world.settle();
    assert_eq!(trace[trace.len() - 2..], ["record alarm-in-bake-window", "stop 60"]);
    assert_eq!((world.state(), world.intents.len(), world.notices.len()), ("open", 0, 0));
    world.service.as_mut().unwrap().status = ServiceStatus::Running;
    world.woken_again("next", 1002);
    assert_eq!(world.settle().last().unwrap(), ACTS);
}

#[test]
fn alarms_that_are_no_news_any_more_are_forgotten() {
    let mut world = World::new().alarm("old", 999);
    world.settle();
    let mut world = world.alarm("new", 3000).now(3001);
    world.woken_again("next", 3001);
    world.settle();
    assert_eq!(world.seen.memory.judged.alarms.keys().collect::<Vec<_>>(), ["new"]);
}

#[test]
fn a_release_does_not_become_good_under_an_alarm_that_fired_while_it_came_into_service() {
    let fired = Transition { at: at(993), from: "OK".into(), to: "ALARM".into(), breached_at: None };
    let firing = Alarm { name: "5xx".into(), state: "ALARM".into(), transitions: vec![fired] };
    let mut world = World::new().baking(2).now(1024);
    world.alarms = Some(vec![firing]);
    assert!(world.settle().contains(&"record baked".to_owned()));
    assert_eq!(world.verdict(), &Verdict::Unproven);
}

#[test]
fn a_release_does_not_become_good_under_an_alarm_that_rings_since_before_its_deployment() {
    let fired = Transition { at: at(960), from: "OK".into(), to: "ALARM".into(), breached_at: None };
    let quiet = Alarm { name: "latency".into(), state: "OK".into(), transitions: Vec::new() };
    for (back_to_ok, verdict) in [(None, "unproven"), (Some(1010), "good")] {
        let back = back_to_ok.map(|minute| Transition {
            at: at(minute),
            from: "ALARM".into(),
            to: "OK".into(),
            breached_at: None,
        });
        let state = if back.is_some() { "OK" } else { "ALARM" };
        let transitions = back.into_iter().chain([fired.clone()]).collect();
        let mut world = World::new().baking(2).now(1024);
        world.alarms = Some(vec![quiet.clone(), Alarm { name: "5xx".into(), state: state.into(), transitions }]);
        assert!(world.settle().contains(&"record baked".to_owned()));
        let is_good = matches!(world.verdict(), Verdict::Good { .. });
        assert_eq!(if is_good { "good" } else { "unproven" }, verdict);
    }
}
