//! What must hold whatever happens: stories that nobody would write down, and the rules that none of them may break.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{SHOP, World, cname, linked, name, values};
use crate::autonomy::{Autonomy, Tags};
use crate::certificate::Served;
use crate::dns::model::Key;
use crate::dns::record::{Change, RecordSet, RecordType};
use crate::domain::{Act, CallAnswer, Decision, DomainStatus as S, Request, Trigger, decide};
use crate::memory::Pause;

/// Something that happens between two wakes.
#[derive(Clone, Debug)]
enum Happens {
    Wake { seconds: i64, request: Option<Request> },
    Killed { steps: usize },
    Status(S),
    Unlinked,
    LinkedAgain { www: bool },
    TakenAway(usize),
    Written { at: usize, kind: usize },
    Caa(bool),
    Paused(bool),
    Autonomy(Autonomy),
    Tag(&'static str, &'static str),
    Remove(bool),
    Answer(CallAnswer),
    Resolver { dark: bool, shown: bool },
    Served { days: i64 },
}

const NAMES: [&str; 5] =
    ["shop.example.net", "_p1.shop.example.net", "_p2.shop.example.net", "www.shop.example.net", "mail.example.net"];

fn statuses() -> impl Strategy<Value = S> {
    prop::sample::select(vec![
        S::Creating,
        S::PendingCertificateDnsValidation,
        S::BindingCertificate,
        S::Active,
        S::Active,
        S::CreateFailed,
        S::Deleting,
        S::DeleteFailed,
        S::Unknown("resting".into()),
    ])
}

fn happens() -> impl Strategy<Value = Happens> {
    let request = prop::sample::select(vec![
        None,
        None,
        None,
        Some(Request::Apply),
        Some(Request::Adopt),
        Some(Request::Relink),
        Some(Request::Remove),
    ]);
    let seconds = prop::sample::select(vec![1, 15, 61, 400, 4_000, 300_000]);
    let levels = vec![Autonomy::Act, Autonomy::Act, Autonomy::Propose, Autonomy::Observe, Autonomy::Off];
    let tags =
        vec![("pitcrew:hold", "true"), ("pitcrew:hold", "no"), ("pitcrew:relink", "true"), ("pitcrew:domains", "act")];
    let answers = vec![
        CallAnswer::Lost("timed out".into()),
        CallAnswer::NotMade("throttled".into()),
        CallAnswer::Refused { code: "AccessDenied".into(), message: "no".into() },
    ];
    prop_oneof![
        6 => (seconds, request).prop_map(|(seconds, request)| Happens::Wake { seconds, request }),
        3 => (1_usize..25).prop_map(|steps| Happens::Killed { steps }),
        3 => statuses().prop_map(Happens::Status),
        2 => Just(Happens::Unlinked),
        2 => any::<bool>().prop_map(|www| Happens::LinkedAgain { www }),
        2 => (0..NAMES.len()).prop_map(Happens::TakenAway),
        2 => (0..NAMES.len(), 0_usize..3).prop_map(|(at, kind)| Happens::Written { at, kind }),
        1 => any::<bool>().prop_map(Happens::Caa),
        1 => any::<bool>().prop_map(Happens::Paused),
        1 => prop::sample::select(levels).prop_map(Happens::Autonomy),
        1 => prop::sample::select(tags).prop_map(|(key, value)| Happens::Tag(key, value)),
        1 => any::<bool>().prop_map(Happens::Remove),
        2 => prop::sample::select(answers).prop_map(Happens::Answer),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(dark, shown)| Happens::Resolver { dark, shown }),
        1 => (-3_i64..60).prop_map(|days| Happens::Served { days }),
    ]
}

struct Story {
    world: World,
    /// Records of other hands, as they left them.
    theirs: BTreeMap<Key, RecordSet>,
}

impl Story {
    fn new() -> Self {
        let mut world = World::new();
        world.settings.certificates = true;
        let theirs = world.route53.records.clone();
        Self { world, theirs }
    }

    fn happen(&mut self, what: &Happens) -> Result<(), TestCaseError> {
        let world = &mut self.world;
        match what {
            Happens::Wake { seconds, request } => {
                world.later(*seconds);
                if let Some(request) = request {
                    world.seen.trigger = Trigger::Operator(request.clone());
                }
                return self.run(usize::MAX);
            }
            Happens::Killed { steps } => {
                world.later(30);
                return self.run(*steps);
            }
            Happens::Status(status) => {
                if let Some(association) = &mut world.seen.association {
                    association.status = status.clone();
                }
            }
            Happens::Unlinked => world.seen.association = None,
            Happens::LinkedAgain { www } => {
                let mut fresh = linked(S::PendingCertificateDnsValidation, SHOP);
                fresh.www = *www;
                world.seen.association = Some(fresh);
            }
            Happens::TakenAway(at) => {
                let gone = |key: &Key| key.1 == name(NAMES[*at]);
                world.route53.records.retain(|key, _| !gone(key));
                self.theirs.retain(|key, _| !gone(key));
            }
            Happens::Written { at, kind } => {
                let at = NAMES[*at];
                let record = match kind {
                    0 => cname(at, "theirs.example.org"),
                    1 => values(at, RecordType::A, &["192.0.2.1"]),
                    _ => values(at, RecordType::Txt, &["\"theirs\""]),
                };
                let zone = world.zone.clone();
                if world.route53.put_if_possible(&zone, record.clone()) {
                    self.theirs.insert((zone.id, record.name.clone(), record.kind.clone(), None), record);
                }
            }
            Happens::Caa(forbids) => {
                world.route53.caa.clear();
                if *forbids {
                    world.route53.caa.insert(name("example.net"), vec!["0 issue ca.example".into()]);
                }
            }
            Happens::Paused(paused) => {
                let pause = Pause { since: world.seen.now, by: "op".into(), reason: String::new() };
                world.seen.pause = paused.then_some(pause);
            }
            Happens::Autonomy(level) => world.settings.autonomy = *level,
            Happens::Tag(key, value) => {
                world.tags.get_or_insert_default().insert((*key).into(), (*value).into());
            }
            Happens::Remove(remove) => world.settings.remove = *remove,
            Happens::Answer(answer) => world.answer = Some(answer.clone()),
            Happens::Resolver { dark, shown } => {
                world.route53.dark = *dark;
                world.shown = *shown;
            }
            Happens::Served { days } => {
                let at = |days: i64| world.seen.now + jiff::SignedDuration::from_hours(24 * days);
                world.served = Some(Served {
                    issuer: "Amazon".into(),
                    names: vec![SHOP.into()],
                    serial: format!("{days}"),
                    not_before: at(days - 198),
                    not_after: at(*days),
                });
            }
        }
        Ok(())
    }

    /// Lets an invocation decide, and looks at every call that it is about to make.
    fn run(&mut self, steps: usize) -> Result<(), TestCaseError> {
        let mut trace = Vec::new();
        for _ in 0..steps.min(150) {
            if let Decision::Call(intent) = decide(&self.world.seen, &self.world.settings) {
                self.check_call(&intent.act)?;
                prop_assert_eq!(self.world.seen.memory.intent.as_ref(), Some(&*intent), "a call without its intent");
            }
            let on = self.world.step(&mut trace);
            for (key, record) in &self.theirs {
                prop_assert_eq!(self.world.route53.records.get(key), Some(record), "a record of other hands moved");
            }
            let once =
                self.world.seen.memory.intent.is_none() || !trace.last().is_some_and(|it| it.starts_with("call"));
            prop_assert!(once, "two calls without a record between: {:?}", trace);
            if on.is_none() {
                return Ok(());
            }
        }
        prop_assert!(steps < 150, "it never comes to rest: {:#?}", trace);
        Ok(())
    }

    fn check_call(&self, act: &Act) -> Result<(), TestCaseError> {
        let seen = &self.world.seen;
        prop_assert!(seen.pause.is_none(), "acts although paused");
        let held = self.world.tags.as_ref().and_then(|tags| tags.get("pitcrew:hold"));
        prop_assert!(held.is_none_or(|value| value != "true"), "acts although held");
        let Act::ChangeRecords(batch) = act else { return Ok(()) };
        for change in &batch.changes {
            let record = change.record();
            prop_assert!(matches!(record.kind, RecordType::A | RecordType::Cname), "{}", record.words());
            let Change::Delete(old) = change else { continue };
            prop_assert!(seen.memory.owned.iter().any(|owned| owned.record == *old), "deletes what is not ours");
            let paired = |other: &Change| matches!(other, Change::Create(new) if new.name == old.name);
            let replaced = batch.changes.iter().any(paired);
            prop_assert!(seen.association.is_none() || replaced, "removes while associated");
        }
        Ok(())
    }

    /// Everything that stood in the way ends, and nothing more happens.
    fn calm_down(&mut self) {
        let world = &mut self.world;
        world.seen.pause = None;
        world.tags = Some(Tags::from([("pitcrew:relink".to_owned(), "true".to_owned())]));
        world.settings.autonomy = Autonomy::Act;
        world.settings.remove = true;
        world.answer = None;
        world.route53.dark = false;
        world.route53.caa.clear();
        world.shown = true;
        world.route53.records.retain(|key, _| !self.theirs.contains_key(key) || key.2 == RecordType::Ns);
        self.theirs.retain(|key, _| key.2 == RecordType::Ns);
        let end = world.seen.now + jiff::SignedDuration::from_hours(24 * 150);
        world.served = Some(Served {
            issuer: "Amazon".into(),
            names: vec![SHOP.into(), "www.shop.example.net".into()],
            serial: "calm".into(),
            not_before: world.seen.now,
            not_after: end,
        });
    }

    /// What App Runner brings about when nobody disturbs it.
    fn app_runner_goes_on(&mut self) {
        let Some(association) = &mut self.world.seen.association else { return };
        match association.status {
            S::Deleting => self.world.seen.association = None,
            _ => association.status = S::Active,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_story_breaks_a_rule_and_each_ends_settled(story in prop::collection::vec(happens(), 1..25)) {
        let mut told = Story::new();
        for what in &story {
            told.happen(what)?;
        }
        told.calm_down();
        let mut last = Vec::new();
        for _ in 0..30 {
            told.app_runner_goes_on();
            told.world.later(4_000);
            told.run(usize::MAX)?;
            told.world.later(300);
            last = told.world.run();
            if last == ["hold settled"] || last == ["hold gone"] {
                break;
            }
        }
        prop_assert!(last == ["hold settled"] || last == ["hold gone"], "{:?}\n{:#?}", last, told.world.seen.memory);
        match told.world.seen.association {
            Some(_) => prop_assert!(told.world.standing().len() >= 3),
            None => prop_assert!(told.world.standing().is_empty(), "{:?}", told.world.standing()),
        }
    }

    #[test]
    fn the_same_observation_gives_the_same_decision(story in prop::collection::vec(happens(), 1..10)) {
        let mut told = Story::new();
        for what in &story {
            told.happen(what)?;
            let once = decide(&told.world.seen, &told.world.settings);
            prop_assert_eq!(once, decide(&told.world.seen.clone(), &told.world.settings));
        }
    }
}
