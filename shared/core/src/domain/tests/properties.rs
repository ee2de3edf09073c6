//! What must hold whatever happens: stories that nobody would write down, and the rules that none of them may break.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::world::{SHOP, World, arn, cname, linked, name, values};
use crate::autonomy::{Autonomy, Tags};
use crate::certificate::Served;
use crate::dns::model::Key;
use crate::dns::name::Name;
use crate::dns::record::{Change, RecordSet, RecordType};
use crate::domain::{Act, CallAnswer, Decision, DomainStatus as S, Request, Trigger, decide};
use crate::id::ServiceArn;
use crate::memory::Pause;

/// Something that happens between two wakes.
#[derive(Clone, Debug)]
enum Happens {
    Wake {
        seconds: i64,
        request: Option<Request>,
    },
    Killed {
        steps: usize,
    },
    Status(S),
    Unlinked,
    LinkedAgain {
        www: bool,
    },
    TakenAway(usize),
    Written {
        at: usize,
        kind: usize,
    },
    Caa(bool),
    Paused(bool),
    Autonomy(Autonomy),
    Tag(&'static str, &'static str),
    Remove(bool),
    Answer(CallAnswer),
    Resolver {
        dark: bool,
        shown: bool,
    },
    Served {
        days: i64,
    },
    /// What the zone and the tags let themselves be read.
    Readable {
        zone: bool,
        tags: bool,
    },
    CaaAnswers(bool),
    ServiceDeleted,
    Moved,
}

const NAMES: [&str; 6] = [
    "shop.example.net",
    "_p1.shop.example.net",
    "_p2.shop.example.net",
    "www.shop.example.net",
    "mail.example.net",
    "*.example.net",
];

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
        2 => (-3_i64..60).prop_map(|days| Happens::Served { days }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(zone, tags)| Happens::Readable { zone, tags }),
        1 => any::<bool>().prop_map(Happens::CaaAnswers),
        1 => Just(Happens::ServiceDeleted),
        1 => Just(Happens::Moved),
    ]
}

fn link(world: &mut World, www: bool) {
    let mut fresh = linked(S::PendingCertificateDnsValidation, SHOP);
    fresh.www = www;
    world.seen.association = Some(fresh);
}

struct Story {
    world: World,
    /// The tags while nobody may read them.
    tags: Option<Tags>,
    /// When pitcrew last unlinked the domain by itself.
    unlinked: Option<Timestamp>,
    /// Records of other hands, as they left them.
    theirs: BTreeMap<Key, RecordSet>,
}

impl Story {
    fn new() -> Self {
        let mut world = World::new();
        world.settings.certificates = true;
        let theirs = world.route53.records.clone();
        Self { world, tags: None, unlinked: None, theirs }
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
                world.service = World::new().service;
                link(world, *www);
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
            Happens::Readable { zone, tags } => {
                world.route53.zones[0].readable = *zone;
                let kept = self.tags.get_or_insert_with(|| world.tags.clone().unwrap_or_default());
                world.tags = tags.then(|| kept.clone());
                if *tags {
                    self.tags = None;
                }
            }
            Happens::CaaAnswers(answers) => world.route53.caa_dark = !answers,
            Happens::ServiceDeleted => {
                world.seen.association = None;
                world.service = Some(None);
            }
            Happens::Moved => {
                let other = match world.seen.service.name() {
                    "shop-two" => arn().to_string(),
                    _ => arn().to_string().replace("shop-api", "shop-two"),
                };
                world.seen.service = ServiceArn::parse(&other).unwrap();
                world.service = World::new().service;
                link(world, false);
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

    /// Nothing that a new link needs is in the dark, the certificate is over or nearly so, and it is not done often.
    fn check_unlink(&mut self) -> Result<(), TestCaseError> {
        let World { seen, route53, served, tags, .. } = &self.world;
        prop_assert!(!route53.dark && !route53.caa_dark, "unlinks although the DNS does not answer");
        prop_assert!(route53.zones[0].readable, "unlinks although the zone cannot be read");
        prop_assert!(tags.is_some(), "unlinks although the tags cannot be read");
        prop_assert!(route53.caa.is_empty(), "unlinks although CAA forbids the new certificate");
        if matches!(seen.trigger, Trigger::Operator(_)) {
            return Ok(());
        }
        let end = served.as_ref().map(|served| served.not_after);
        let day = jiff::SignedDuration::from_hours(24);
        prop_assert!(end.is_some_and(|end| end.duration_since(seen.now) <= day), "unlinks a certificate that lasts");
        let lately = self.unlinked.replace(seen.now).is_some_and(|at| seen.now.duration_since(at) < day * 7);
        prop_assert!(!lately, "unlinks twice in a week");
        Ok(())
    }

    /// A foreign wildcard answers for the domain, and nothing of it is there yet: then nothing is written by itself.
    fn check_wildcard(&self) -> Result<(), TestCaseError> {
        let World { seen, route53, .. } = &self.world;
        let there = |at: &Name| route53.records.keys().any(|(_, name, ..)| name.is_at_or_below(at));
        let serves = |(key, record): (&Key, &RecordSet)| {
            key.1 == name("*.example.net") && record.kind != RecordType::Txt && self.theirs.contains_key(key)
        };
        let covered = route53.records.iter().any(serves) && !there(&name(SHOP)) && seen.memory.owned.is_empty();
        prop_assert!(!covered || matches!(seen.trigger, Trigger::Operator(_)), "takes a name from a wildcard");
        Ok(())
    }

    fn check_call(&mut self, act: &Act) -> Result<(), TestCaseError> {
        if *act == Act::Disassociate {
            self.check_unlink()?;
        }
        let seen = &self.world.seen;
        prop_assert!(seen.pause.is_none(), "acts although paused");
        let held = self.world.tags.as_ref().and_then(|tags| tags.get("pitcrew:hold"));
        prop_assert!(held.is_none_or(|value| value != "true"), "acts although held");
        let Act::ChangeRecords(batch) = act else { return Ok(()) };
        self.check_wildcard()?;
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
        world.route53.caa_dark = false;
        world.route53.zones[0].readable = true;
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

    /// What App Runner brings about when nobody disturbs it. A domain that no service shows is looked at for the service of its row.
    fn app_runner_goes_on(&mut self) {
        let seen = &mut self.world.seen;
        match &mut seen.association {
            Some(association) if association.status == S::Deleting => seen.association = None,
            Some(association) => association.status = S::Active,
            None => {}
        }
        let known = seen.memory.link.as_ref().map(|link| link.service.clone());
        let known = seen.memory.relink.as_ref().map(|relink| relink.service.clone()).or(known);
        if let (None, Some(known)) = (&seen.association, known) {
            seen.service = known;
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
            // What was taken away again and again, an operator has made again.
            let associated = told.world.seen.association.is_some();
            told.world.seen.trigger =
                Trigger::Operator(if associated { Request::Apply } else { Request::Remove });
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
