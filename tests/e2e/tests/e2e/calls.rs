//! How many AWS calls one handled event costs. Counts, not times: they are the same on every machine.

use pitcrew_cloud::outside::Behaviour;
use pitcrew_e2e::record::Ran;
use pitcrew_e2e::scene::ROLLBACK;
use pitcrew_e2e::{Scene, Shop};

/// The most calls of the decision that rolls back, of one that holds, and of a diagnosis on top.
const ROLLS_BACK_MAX: usize = 12;
const HOLDS_MAX: usize = 6;
const DIAGNOSIS_MAX: usize = 5;

/// Prints what each invocation called: the numbers that the bench reports.
fn print(story: &str, ran: &[Ran]) {
    println!("{story}:");
    for one in ran {
        println!("  {:>2} {} {}", one.calls.len(), one.entry.what["cause"], one.calls.join(" "));
    }
}

fn calls_any(one: &Ran, names: &[&str]) -> bool {
    one.calls.iter().any(|call| names.contains(&call.as_str()))
}

fn diagnoses(one: &Ran) -> usize {
    one.calls.iter().filter(|call| call.starts_with("logs:")).count()
}

/// Whether the invocation wrote nothing at all: it held.
fn held(one: &Ran) -> bool {
    let writes =
        ["dynamodb:TransactWriteItems", "dynamodb:PutItem", "apprunner:UpdateService", "apprunner:StartDeployment"];
    !calls_any(one, &writes)
}

fn by_event(one: &Ran) -> bool {
    one.entry.what["payload"]["source"].as_str().is_some_and(|source| source.starts_with("aws."))
}

/// Every invocation of a story is within its bound; at least one made a decision of each kind that the story has.
fn check(story: &str, scene: &Scene, mark: u64) -> Vec<Ran> {
    // The first call of a process also reads the key of the fingerprints: a cold start, counted apart from the event.
    let mut ran = scene.ran(ROLLBACK, mark);
    for one in &mut ran {
        one.calls.retain(|call| call != "secretsmanager:GetSecretValue");
    }
    print(story, &ran);
    for one in ran.iter().filter(|one| by_event(one)) {
        let diagnosed = diagnoses(one);
        assert!(diagnosed <= DIAGNOSIS_MAX, "{story}: a diagnosis of {diagnosed} calls: {:?}", one.calls);
        let rest = one.calls.len() - diagnosed;
        let most = if held(one) { HOLDS_MAX } else { ROLLS_BACK_MAX };
        assert!(rest <= most, "{story}: {rest} calls, at most {most}: {:?}", one.calls);
    }
    ran
}

async fn story(behaviour: Behaviour, ends: &str) -> (Scene, Shop, u64) {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let mark = scene.mark();
    scene.push("shop-api", "latest", behaviour);
    scene.until(60, "it is told", |scene| scene.told_of(ends) == 1).await;
    scene.minutes(10).await;
    (scene, shop, mark)
}

#[tokio::test]
async fn the_decision_that_rolls_back_makes_at_most_twelve_calls() {
    let (scene, _, mark) = story(Scene::answers_500(), "rollback_succeeded").await;
    let ran = check("unhealthy", &scene, mark);
    let deciding: Vec<&Ran> = ran.iter().filter(|one| calls_any(one, &["apprunner:UpdateService"])).collect();
    assert_eq!(deciding.len(), 1);
    assert!(by_event(deciding[0]), "the alarm's event decides, not a sweep");
    assert!(deciding[0].calls.len() <= ROLLS_BACK_MAX, "{:?}", deciding[0].calls);
    assert!(ran.iter().any(|one| by_event(one) && held(one)), "some events lead to nothing");
    scene.strike().await;
}

#[tokio::test]
async fn a_diagnosis_makes_at_most_five_calls_more() {
    let (scene, _, mark) = story(Scene::unhealthy(), "deployment_reverted").await;
    let ran = check("reverted", &scene, mark);
    assert!(ran.iter().any(|one| diagnoses(one) > 0), "it was diagnosed");
    scene.strike().await;
}

#[tokio::test]
async fn a_stranded_service_is_restored_within_the_same_bounds() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let mark = scene.mark();
    let broken = Behaviour { exit_code: Some(137), rollback_fails: true, ..Behaviour::default() };
    scene.push("shop-api", "v2", broken);
    scene.update(&shop, ":v2");
    scene.until(60, "the rollback is told", |scene| scene.told_of("rollback_succeeded") == 1).await;
    check("stranded", &scene, mark);
    scene.strike().await;
}

#[tokio::test]
async fn a_sweep_over_quiet_services_makes_a_handful_of_calls_each() {
    let scene = Scene::set().await;
    let shops = ["shop-a", "shop-b", "shop-c"].map(|name| scene.unwatched(name));
    shops.iter().for_each(|shop| scene.watch(shop));
    scene.until(60, "all are good", |scene| shops.iter().all(|shop| scene.verdict(shop) == "good")).await;
    scene.minutes(6).await;
    let mark = scene.mark();
    scene.minutes(6).await;
    let sweeps: Vec<Ran> = scene
        .ran(ROLLBACK, mark)
        .into_iter()
        .filter(|one| one.entry.what["payload"]["detail-type"] == "Sweep")
        .collect();
    print("a quiet sweep over three", &sweeps);
    assert!(!sweeps.is_empty());
    for sweep in sweeps {
        // The fleet, its number, the cursor and the alarms are read once, with one call for the tag of each alarm whose
        // dimensions name no service; beside these each service costs no more than one that holds.
        let calls = sweep.calls.iter().filter(|call| *call != "monitoring:ListTagsForResource").count();
        assert!(calls <= 6 + shops.len() * HOLDS_MAX, "{:?}", sweep.calls);
        assert!(held(&sweep), "nothing is written: {:?}", sweep.calls);
    }
    scene.strike().await;
}
