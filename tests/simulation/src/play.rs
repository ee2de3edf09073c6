//! One run: a fleet with good releases, then steps in which people act, faults strike and time passes, then a long calm.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use pitcrew_cloud::faults::Fault;
use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::stage::{AUDIT, Setting, SlackDoor};
use pitcrew_e2e::scene::{CERTIFICATES, DOMAINS, NOTIFY, ROLLBACK};
use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

use crate::acts::{Act, KINDS, Kind, Pushed, perform};
use crate::chance::Chance;
use crate::sandboxes::Sandboxes;

/// At least one, at most this many services.
const SERVICES_MAX: usize = 3;
const STEPS_MAX: usize = 14;
/// The longest step, in seconds: longer than a bake window, so that some releases become good between two acts.
const STEP_SECS_MAX: usize = 40 * 60;
/// The first release is proven by then: creation, bake window, a sweep.
const PROVEN_MINUTES: u64 = 60;
/// The calm at the end: the longest wait of pitcrew's own is shorter.
const CALM_MINUTES: u64 = 150;
/// How likely somebody acts before any one call of a function, at the most.
const MEDDLING_MAX: f64 = 0.02;
/// How many faults a step orders, at the most.
const FAULTS_MAX: usize = 4;

/// A run that is over.
pub struct Run {
    pub scene: Scene,
    pub shops: Vec<Shop>,
    /// Every image that was made, the first ones included.
    pub pushed: Vec<Pushed>,
    /// Whether any call could go wrong: then a message may be sent twice.
    pub is_faulty: bool,
    sandboxes: Arc<Sandboxes>,
    chance: Chance,
}

impl Run {
    /// Lets go of everything: the parts of a run hold each other.
    pub async fn close(self) {
        self.chance.set_meddler(None);
        self.sandboxes.close();
        self.scene.strike().await;
    }
}

/// How much trouble a run has. Drawn once, so that runs differ in kind and not only in detail.
struct Trouble {
    calls: f64,
    events: f64,
    meddling: f64,
}

/// Plays the run of this seed to its end.
pub async fn play(seed: u64) -> Run {
    // The SDK's own jitter and tokens.
    fastrand::seed(seed);
    let chance = Chance::of(seed);
    let sandboxes = Arc::new(Sandboxes::new(chance.clone()));
    let scene = Scene::set_as(setting(&sandboxes)).await;
    // Without a log there is no metric of a sweep, and the alarm on its absence would ring all the time.
    scene.call("monitoring", "DeleteAlarms", json!({"AlarmNames": ["pitcrew-rollback-sweep"]}));
    let services = 1 + chance.below(SERVICES_MAX);
    let shops: Vec<Shop> = (0..services).map(|number| scene.unwatched(&format!("shop-{number}"))).collect();
    shops.iter().for_each(|shop| scene.watch(shop));
    scene.minutes(PROVEN_MINUTES).await;
    let first =
        shops.iter().map(|shop| Pushed { shop: shop.name.clone(), digest: shop.good.clone(), kind: Kind::Good });
    let pushed = Arc::new(Mutex::new(first.collect::<Vec<_>>()));
    let trouble = Trouble { calls: chance.rate(0.8), events: chance.rate(0.8), meddling: chance.rate(MEDDLING_MAX) };
    meddle(&scene, &shops, &pushed, &trouble, &chance);
    for _ in 0..1 + chance.below(STEPS_MAX) {
        order_faults(&scene, &trouble, &chance);
        let (shop, act) = (chance.one_of(&shops), act(&mut |end| chance.below(end)));
        let made = perform(&mut lock(scene.stage.cloud.world()), shop, act);
        pushed.lock().unwrap_or_else(PoisonError::into_inner).extend(made);
        scene.seconds(1 + chance.below(STEP_SECS_MAX) as u64).await;
    }
    chance.set_meddler(None);
    scene.no_more_faults();
    scene.minutes(CALM_MINUTES).await;
    let pushed = pushed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_faulty = trouble.calls > 0.0;
    Run { scene, shops, pushed, is_faulty, sandboxes, chance }
}

fn setting(sandboxes: &Arc<Sandboxes>) -> Setting {
    Setting {
        binaries: None,
        runner: Some(sandboxes.clone()),
        slack: SlackDoor::Off,
        left_out: BTreeSet::from([AUDIT, DOMAINS, CERTIFICATES].map(str::to_owned)),
        ..Setting::new(std::path::PathBuf::new())
    }
}

fn act(below: &mut dyn FnMut(usize) -> usize) -> Act {
    match below(12) {
        0..=4 => Act::Push(KINDS[below(KINDS.len())]),
        5..=7 => Act::Update(KINDS[below(KINDS.len())]),
        8 => Act::Deploy,
        9 => Act::Pause,
        10 => Act::Resume,
        _ => Act::Maintain,
    }
}

/// From now on somebody may act between any two calls of a function.
fn meddle(scene: &Scene, shops: &[Shop], pushed: &Arc<Mutex<Vec<Pushed>>>, trouble: &Trouble, chance: &Chance) {
    let (world, shops, pushed) = (scene.stage.cloud.world().clone(), shops.to_vec(), pushed.clone());
    let likelihood = trouble.meddling;
    chance.set_meddler(Some(Box::new(move |rng| {
        if rng.f64() < likelihood {
            let act = act(&mut |end| rng.usize(0..end.max(1)));
            let shop = &shops[rng.usize(0..shops.len())];
            let made = perform(&mut lock(&world), shop, act);
            pushed.lock().unwrap_or_else(PoisonError::into_inner).extend(made);
        }
    })));
}

/// The calls that faults are ordered for.
const CALLS: [&str; 14] = [
    "apprunner:DescribeService",
    "apprunner:ListOperations",
    "apprunner:ListServices",
    "apprunner:UpdateService",
    "apprunner:UpdateService",
    "apprunner:*",
    "dynamodb:TransactWriteItems",
    "dynamodb:TransactWriteItems",
    "dynamodb:*",
    "ecr:*",
    "monitoring:*",
    "sns:Publish",
    "sqs:SendMessage",
    "*",
];
const FATES: [&str; 6] = ["throttle", "lost-answer", "kill-before", "kill-after", "stale-read", "error"];
const EVENTS: [&str; 4] = [
    "AppRunner Service Operation Status Change",
    "AppRunner Service Status Change",
    "CloudWatch Alarm State Change",
    "*",
];

fn order_faults(scene: &Scene, trouble: &Trouble, chance: &Chance) {
    for _ in 0..FAULTS_MAX {
        if chance.happens(trouble.calls) {
            let on = *chance.one_of(&CALLS);
            let mut act = json!({"kind": *chance.one_of(&FATES)});
            if act["kind"] == "error" {
                act = json!({"kind": "error", "code": "InternalServiceErrorException", "status": 500});
            }
            let by = *chance.one_of(&[ROLLBACK, ROLLBACK, NOTIFY]);
            order(scene, json!({"on": on, "by": by, "skip": chance.below(6), "times": 1 + chance.below(3), "do": act}));
        }
        if chance.happens(trouble.events) {
            let act = match chance.below(4) {
                0 => json!({"kind": "drop"}),
                1 => json!({"kind": "duplicate", "times": 2 + chance.below(3)}),
                2 => json!({"kind": "delay", "seconds": 1 + chance.below(7200)}),
                _ => json!({"kind": "reorder"}),
            };
            let times = 1 + chance.below(4);
            order(scene, json!({"event": *chance.one_of(&EVENTS), "skip": chance.below(3), "times": times, "do": act}));
        }
    }
}

fn order(scene: &Scene, fault: Value) {
    if let Ok(fault) = serde_json::from_value::<Fault>(fault) {
        lock(scene.stage.cloud.world()).faults.order(fault);
    }
}
