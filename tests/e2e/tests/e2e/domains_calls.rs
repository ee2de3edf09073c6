//! What a domain costs from its association to `active`, and how long it waits for its records. Counts and the cloud's time:
//! they are the same on every machine.

use pitcrew_e2e::Scene;
use pitcrew_e2e::names::ZONE;
use pitcrew_e2e::record::Ran;
use pitcrew_e2e::scene::{CERTIFICATES, DOMAINS};

const CHANGE: &str = "ChangeResourceRecordSets";
/// The most calls of both functions over the whole way, their sweeps among them; by its events and by the sweep alone.
const BY_EVENT_MAX: usize = 120;
const BY_SWEEP_MAX: usize = 64;
/// The most calls of the one invocation that decides and writes.
const WRITES_MAX: usize = 25;
/// The most seconds from the association to its records.
const RECORDS_BY_EVENT_MAX: i64 = 60;
const RECORDS_BY_SWEEP_MAX: i64 = 5 * 60 + 30;

struct Cost {
    calls: usize,
    /// Of the invocation that wrote.
    most: usize,
    seconds_to_records: i64,
    seconds_to_active: i64,
}

fn is_sweep(one: &Ran) -> bool {
    one.entry.what["payload"]["detail-type"] == "Sweep"
}

async fn cost(what: &str, www: bool, events: bool) -> Cost {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);
    let shop = scene.running("shop-api").await;
    if !events {
        scene.lose_events();
    }
    let (mark, from) = (scene.mark(), scene.now());
    scene.associate(&shop, ZONE, www);
    scene.until(30, "it is finished", |scene| scene.remembered(ZONE)["finished_at"].is_string()).await;
    let active = scene.now();
    let ran: Vec<Ran> = [DOMAINS, CERTIFICATES].iter().flat_map(|function| scene.ran(function, mark)).collect();
    println!("{what}:");
    for one in &ran {
        println!("  {:>2} {} {} {}", one.calls.len(), one.entry.who, one.entry.what["cause"], one.calls.join(" "));
    }
    let calls = |of: &dyn Fn(&Ran) -> bool| ran.iter().filter(|one| of(one)).map(|one| one.calls.len()).sum::<usize>();
    let wrote = |one: &&Ran| one.calls.iter().any(|call| call == &format!("route53:{CHANGE}"));
    let writing: Vec<&Ran> = ran.iter().filter(wrote).collect();
    assert_eq!(writing.len(), 1, "one invocation writes");
    let records = scene.attempts(CHANGE)[0].at.duration_since(from).as_secs();
    let cost = Cost {
        calls: ran.iter().map(|one| one.calls.len()).sum(),
        most: writing[0].calls.len(),
        seconds_to_records: records,
        seconds_to_active: active.duration_since(from).as_secs(),
    };
    println!(
        "{what}: {} calls ({} of them by sweeps), {} in the invocation that writes; {records} s to the records, {} s to active",
        cost.calls,
        calls(&is_sweep),
        cost.most,
        cost.seconds_to_active
    );
    assert_eq!(scene.records(&zone).len(), 2 + if www { 5 } else { 3 });
    scene.strike().await;
    cost
}

#[tokio::test]
async fn a_domain_costs_a_known_number_of_calls_and_its_records_come_within_a_minute() {
    let one = cost("one name by its events", false, true).await;
    let two = cost("apex with www by its events", true, true).await;
    let swept = cost("apex with www by the sweep alone", true, false).await;
    for cost in [&one, &two] {
        assert!(cost.calls <= BY_EVENT_MAX && cost.most <= WRITES_MAX, "{} {}", cost.calls, cost.most);
        assert!(cost.seconds_to_records <= RECORDS_BY_EVENT_MAX, "{}", cost.seconds_to_records);
    }
    assert!(swept.calls <= BY_SWEEP_MAX && swept.most <= WRITES_MAX, "{} {}", swept.calls, swept.most);
    assert!(swept.seconds_to_records <= RECORDS_BY_SWEEP_MAX, "{}", swept.seconds_to_records);
    assert!(one.seconds_to_active <= 15 * 60 && two.seconds_to_active <= 15 * 60, "{}", two.seconds_to_active);
}
