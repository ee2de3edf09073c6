//! What must hold whatever is seen: histories that nobody would write down, and the rules that none of them may break.

use proptest::prelude::*;

use super::world::{World, at, by_tag, configuration, digest, image, op, pinned};
use crate::id::{Digest, OperationId};
use crate::incident::{IncidentKind, IncidentState, Intent};
use crate::ledger::{Candidate, Target, Verdict};
use crate::memory::{Memory, Pause};
use crate::rollback::answer::CallAnswer;
use crate::rollback::{Decision, Trigger, decide};
use crate::service::{Operation, OperationKind as K, OperationStatus as S, ServiceStatus};

fn kinds() -> impl Strategy<Value = K> {
    prop::sample::select(vec![
        K::StartDeployment,
        K::UpdateService,
        K::UpdateService,
        K::StartDeployment,
        K::CreateService,
        K::PauseService,
        K::ResumeService,
        K::DeleteService,
        K::Unknown("NEW".into()),
    ])
}

fn ends() -> impl Strategy<Value = S> {
    prop::sample::select(vec![S::Succeeded, S::Succeeded, S::Failed, S::RollbackSucceeded, S::RollbackFailed])
}

fn statuses() -> impl Strategy<Value = ServiceStatus> {
    prop_oneof![
        6 => Just(ServiceStatus::Running),
        2 => Just(ServiceStatus::OperationInProgress),
        1 => Just(ServiceStatus::Paused),
        1 => Just(ServiceStatus::CreateFailed),
        1 => Just(ServiceStatus::Unknown("NEW".into())),
    ]
}

/// One thing that happens in the world between two wakes.
#[derive(Clone, Debug)]
enum Happening {
    /// Somebody starts an operation that brings this digest.
    Started {
        kind: K,
        n: u8,
        value: &'static str,
    },
    /// A whole deployment: started, seen, and ended four minutes later.
    Deployed {
        n: u8,
        value: &'static str,
        status: S,
    },
    /// The running operation ends so.
    Ended(S),
    /// An alarm that was quiet until now goes off.
    Alarm,
    Status(ServiceStatus),
    TagMoved(u8),
    LeftEcr(u8),
    Pause(bool),
    Tag(&'static str, &'static str),
    Sweep,
    /// What App Runner answers to the next call.
    Answer(u8),
    Later(i64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    use Happening as H;
    let values = || prop::sample::select(vec!["a", "b"]);
    let tags = prop::sample::select(vec![
        ("pitcrew:hold", "true"),
        ("pitcrew:hold", ""),
        ("pitcrew:rollback", "off"),
        ("pitcrew:rollback", "propose"),
        ("pitcrew:rollback", "act"),
    ]);
    let one = prop_oneof![
        4 => (kinds(), 1..6u8, values()).prop_map(|(kind, n, value)| H::Started { kind, n, value }),
        9 => (1..6u8, values(), ends()).prop_map(|(n, value, status)| H::Deployed { n, value, status }),
        8 => ends().prop_map(H::Ended),
        7 => Just(H::Alarm),
        1 => statuses().prop_map(H::Status),
        1 => (1..6u8).prop_map(H::TagMoved),
        1 => (1..6u8).prop_map(H::LeftEcr),
        1 => prop::bool::weighted(0.3).prop_map(H::Pause),
        1 => tags.prop_map(|(key, value)| H::Tag(key, value)),
        2 => Just(H::Sweep),
        2 => (0..5u8).prop_map(H::Answer),
        3 => (1..50i64).prop_map(H::Later),
    ];
    prop::collection::vec(one, 1..40)
}

/// The world as it goes on: its clock and who ran what.
struct Story {
    world: World,
    minute: i64,
    next: u32,
    /// The failing digest of each automatic call that App Runner took.
    accepted: Vec<(Option<Digest>, OperationId)>,
    reverted: Vec<OperationId>,
}

impl Story {
    fn new() -> Self {
        Self { world: World::new(), minute: 1000, next: 0, accepted: Vec::new(), reverted: Vec::new() }
    }

    fn running(&self) -> bool {
        self.world.seen.operations.first().is_some_and(|operation| !operation.status.ended())
    }

    fn happen(&mut self, happening: Happening) {
        use Happening as H;
        self.minute += 1;
        match happening {
            H::Started { kind, n, value } if !self.running() => {
                self.next += 1;
                let operation = op(&format!("theirs{}", self.next), kind.clone(), S::InProgress, self.minute, 0);
                self.world.seen.operations.insert(0, operation);
                if kind.deploys() {
                    self.world.tag_names = Some((digest(n), self.minute - 1));
                    self.world = self.world.clone().live(image(by_tag(), true), value);
                }
            }
            H::Ended(status) => {
                if let Some(newest) = self.world.seen.operations.first_mut().filter(|newest| !newest.status.ended()) {
                    self.world.service.as_mut().unwrap().status = ServiceStatus::Running;
                    *newest = Operation { status: status.clone(), ended_at: Some(at(self.minute)), ..newest.clone() };
                    if status == S::RollbackSucceeded {
                        self.reverted.push(newest.id.clone());
                    }
                }
            }
            H::Alarm => {
                self.world.alarms = None;
                self.world = self.world.clone().alarm(&format!("alarm{}", self.minute), self.minute);
            }
            H::Deployed { n, value, status } if !self.running() => {
                self.happen(H::Started { kind: K::StartDeployment, n, value });
                self.world.woken_again(&format!("start{}", self.minute), self.minute);
                self.world.settle();
                self.minute += 4;
                self.happen(H::Ended(status));
            }
            H::Sweep => self.world.seen.trigger = Trigger::Sweep,
            H::Status(status) => self.world.service.as_mut().unwrap().status = status,
            H::TagMoved(n) => self.world.tag_names = Some((digest(n), self.minute)),
            H::LeftEcr(n) => self.world.in_ecr.as_mut().unwrap().retain(|held| *held != digest(n)),
            H::Pause(on) => {
                let pause = Pause { since: at(self.minute), by: "ann".into(), reason: String::new() };
                self.world.seen.account.pause = on.then_some(pause);
            }
            H::Tag(key, value) => self.world = self.world.clone().tag(key, value),
            H::Answer(n) => {
                self.world.answer = Some(match n {
                    0 => CallAnswer::Busy("busy".into()),
                    1 => CallAnswer::Lost("timeout".into()),
                    2 => CallAnswer::Refused { code: "X".into(), message: "no".into() },
                    3 => CallAnswer::NothingChanged,
                    _ => return,
                });
            }
            H::Later(minutes) => self.minute += minutes,
            H::Started { .. } | H::Deployed { .. } => {}
        }
    }

    /// Wakes the function and checks what it did. `decide` itself checks the graph: a broken one is an error.
    fn wake(&mut self) -> Result<(), TestCaseError> {
        let world = &mut self.world;
        world.woken_again(&format!("wake{}", self.minute), self.minute);
        let before = world.intents.len();
        let records_before = world.receipts.len();
        let status_known = world.service.as_ref().unwrap().status.clone();
        let running = world.seen.operations.first().is_some_and(|operation| !operation.status.ended());
        if world.answer.is_none() {
            self.next += 1;
            world.answer = Some(CallAnswer::Started(OperationId::new(&format!("ours{}", self.next))));
        }
        let answer = world.answer.clone();
        let trace = world.settle();
        let called = trace.iter().any(|line| line.starts_with("call "));
        prop_assert!(world.receipts.len() - records_before <= 12 + world.seen.operations.len(), "{trace:?}");
        if called {
            prop_assert!(!running && status_known == ServiceStatus::Running, "called on {status_known:?}: {trace:?}");
            prop_assert!(world.seen.account.pause.is_none(), "called while paused");
            prop_assert!(world.tags.as_ref().unwrap().get("pitcrew:hold").is_none_or(|hold| hold != "true"));
        }
        if running {
            prop_assert_eq!(before, world.intents.len(), "an intent while an operation runs");
        }
        let new: Vec<Intent> = world.intents[before..].to_vec();
        for intent in &new {
            check_target(world, intent)?;
        }
        if called && let Some(CallAnswer::Started(id)) = answer {
            let state = world.seen.memory.incident.clone().unwrap();
            prop_assert!(!self.reverted.contains(&state.operation), "App Runner had reverted it already");
            prop_assert_eq!(&world.seen.operations[0].id, &state.operation, "a newer operation was replaced");
            self.accepted.push((state.failing.clone(), state.operation.clone()));
            let kind = K::UpdateService;
            let IncidentState::Confirming { intent, .. } = state.state else { panic!("not confirming") };
            world.seen.operations.insert(0, Operation { id, ..op("x", kind, S::InProgress, self.minute, 0) });
            if let crate::incident::Action::SetImage { image: target, auto_deploy } = intent.action {
                *world = world.clone().live(image(target, auto_deploy), "a");
            }
        }
        check_repeat(world)
    }
}

/// The target is known to the ledger as good, was not condemned, and ECR holds it.
fn check_target(world: &World, intent: &Intent) -> Result<(), TestCaseError> {
    let (crate::incident::Action::SetImage { image, .. } | crate::incident::Action::Redeploy { image }) =
        &intent.action
    else {
        return Ok(());
    };
    let target = image.digest().unwrap();
    let ledger = &world.seen.memory.ledger;
    let good = ledger.releases.iter().any(|it| it.digest.as_ref() == Some(target) && it.counts_as_good(world.seen.now));
    prop_assert!(good && !ledger.is_bad(target), "{target} is no good target");
    prop_assert!(world.in_ecr.as_ref().unwrap().contains(target), "{target} is not in ECR");
    Ok(())
}

/// A second delivery with the same facts changes nothing and tells nothing.
fn check_repeat(world: &World) -> Result<(), TestCaseError> {
    if world.seen.memory.incident.as_ref().is_some_and(|incident| incident.state.name() == "intended") {
        return Ok(()); // The world stands before a call, or waits for the minute after a lost answer.
    }
    let mut again = world.clone();
    again.answer = None;
    let minute = (world.seen.now.as_second() - at(0).as_second()) / 60;
    again.woken_again("again", minute);
    let operations = again.seen.operations.len();
    let (notices, intents) = (again.notices.len(), again.intents.len());
    again.settle();
    if again.seen.operations.len() == operations && intents == again.intents.len() {
        let ids = |notices: &[crate::notice::Notice]| notices.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        let news: Vec<String> = ids(&again.notices[notices..]);
        let known = ids(&again.notices[..notices]);
        prop_assert!(news.iter().all(|id| known.contains(id)), "told on a second delivery: {news:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_story_breaks_a_rule(story in happenings()) {
        let mut told = Story::new();
        for happening in story {
            told.happen(happening);
            told.wake()?;
        }
        for (n, one) in told.accepted.iter().enumerate() {
            prop_assert!(!told.accepted[..n].contains(one), "a second automatic rollback for {one:?}");
            let digest = one.0.as_ref();
            prop_assert!(digest.is_none() || !told.accepted[..n].iter().any(|it| it.0.as_ref() == digest), "R8: {one:?}");
        }
        let ids: std::collections::BTreeSet<&str> = told.world.receipts.iter().map(|receipt| receipt.id.as_str()).collect();
        prop_assert_eq!(ids.len(), told.world.receipts.len(), "each decision has a receipt of its own");
        every_failure_was_told(&told)?;
    }

    #[test]
    fn a_memory_of_any_shape_is_decided_in_a_bounded_number_of_steps(
        operations in prop::collection::vec((kinds(), ends(), any::<bool>()), 0..8),
        state in 0..5usize,
        status in statuses(),
        (seen_before, with_candidate, paused, gone) in any::<(bool, bool, bool, bool)>(),
        now in 1000..1300i64,
    ) {
        let mut world = World::new().baking(2).status(status.clone()).now(now);
        let count = operations.len() as i64;
        for (n, (kind, end, runs)) in operations.into_iter().enumerate() {
            let start = 995 + n as i64 * 2;
            let last = n as i64 + 1 == count;
            let end = if runs && last { S::RollbackInProgress } else { end };
            world = world.operation(op(&format!("op{n}"), kind, end, start, start + 1));
        }
        if with_candidate {
            let kept = world.seen.operations[0].id.to_string();
            world.seen.memory.candidate = Some(Candidate {
                operation: OperationId::new(&kept), source: image(by_tag(), true), digest: Some(digest(3)),
                fingerprint: configuration("b"), seen_at: at(999),
            });
        }
        world.seen.memory.incident = incident(&world, state);
        world.seen.gone = gone;
        if paused {
            world.seen.account.pause = Some(Pause { since: at(1), by: "ann".into(), reason: String::new() });
        }
        if !seen_before {
            world.seen.memory = Memory::default();
        }
        let trace = world.settle();
        let called = trace.iter().any(|line| line.starts_with("call "));
        let running = world.seen.operations.first().is_some_and(|operation| !operation.status.ended());
        prop_assert!(!called || (!running && !paused && !gone && status == ServiceStatus::Running), "{trace:?}");
        prop_assert!(trace.iter().filter(|line| line.starts_with("record")).count() <= 12, "{trace:?}");
        if !called {
            let repeated = decide(&world.seen, &world.settings).unwrap();
            prop_assert!(!matches!(repeated, Decision::Call(_)));
        }
    }

    #[test]
    fn a_revert_never_leads_to_a_call_without_the_owners_tag(
        kind in prop::sample::select(vec![K::StartDeployment, K::UpdateService]), n in 1..6u8, value in "[ab]", armed in any::<bool>(),
    ) {
        let world = World::new().operation(op("deploy", kind, S::RollbackSucceeded, 990, 998)).candidate("deploy", n, &value);
        let mut world = world.alarm("5xx", 999);
        if !armed {
            world.tag_names = None;
        }
        world.settle();
        prop_assert!(world.intents.is_empty());
    }
}

/// An incident of each state about the baking release.
fn incident(world: &World, state: usize) -> Option<crate::incident::Incident> {
    let action = crate::incident::Action::SetImage { image: pinned(1), auto_deploy: false };
    let after = Some(OperationId::new("deploy"));
    let intent = Intent { holder: "me".into(), written_at: at(1000), fence: 1, after, action };
    let state = match state {
        0 => return None,
        1 => IncidentState::Open,
        2 => IncidentState::Proposed { reason: "r".into() },
        3 => IncidentState::Intended { intent },
        _ => IncidentState::Confirming { intent, operation: OperationId::new("op0") },
    };
    Some(crate::incident::Incident {
        id: "I-1".into(),
        kind: IncidentKind::BadRelease,
        service: world.seen.arn.clone(),
        operation: OperationId::new("deploy"),
        opened_at: at(999),
        failing: Some(digest(2)),
        summary: "the alarm fired".into(),
        state,
    })
}

/// Each failed operation that the cursor passed has a receipt, and exactly one notice of its own failure.
fn every_failure_was_told(story: &Story) -> Result<(), TestCaseError> {
    let world = &story.world;
    for operation in &world.seen.operations {
        let failed = matches!(operation.status, S::Failed | S::RollbackFailed | S::RollbackSucceeded);
        if !failed || !world.seen.memory.judged.covers(operation) {
            continue;
        }
        let receipts = world.receipts.iter().filter(|it| it.operation.as_ref() == Some(&operation.id));
        let judged = receipts.filter(|it| {
            !matches!(
                it.rule.as_str(),
                "candidate"
                    | "stuck"
                    | "called"
                    | "adopted"
                    | "busy"
                    | "intent"
                    | "withheld"
                    | "stood-down"
                    | "nothing-good-known"
            ) || it.saw.iter().any(|(what, _)| what == "operation")
        });
        prop_assert!(judged.count() >= 1, "{} was never told: {:#?}", operation.id, world.receipts);
    }
    let once = |suffix: &str| {
        let ids: Vec<&str> = world.notices.iter().map(|it| it.id.as_str()).filter(|id| id.ends_with(suffix)).collect();
        let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
        ids.len() == unique.len()
    };
    prop_assert!(once("/failed") && once("/reverted") && once("/rollback-failed") && once("/ours-failed"));
    prop_assert!(world.seen.memory.ledger.releases.iter().skip(1).all(|release| release.replaced_at.is_some()));
    let ledger = &world.seen.memory.ledger;
    if let Target::Good(target) | Target::Unproven(target) = ledger.target(None, &[], world.seen.now) {
        prop_assert!(target.digest.as_ref().is_some_and(|digest| !ledger.is_bad(digest)), "a bad target");
        prop_assert!(!matches!(target.verdict, Verdict::Baking { .. }), "a target that still bakes");
    }
    Ok(())
}
