//! What is remembered, and how large it is for ten thousand services.

use pitcrew_core::audit::facts::Listed;
use pitcrew_core::audit::{Part, Resource, all};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::service::ServiceStatus;
use serde_json::json;

use super::*;

fn noon() -> Timestamp {
    Timestamp::from_second(1_793_620_800).unwrap()
}

#[test]
fn a_run_that_ends_leaves_its_report_to_be_told_and_to_be_sent() {
    let mut state = State { run: Some(Underway::begin(noon())), ..State::default() };
    assert_eq!(state.runs(), Runs { unfinished: Some(noon()), finished: None });
    let run = state.run.clone().unwrap();
    assert_eq!(run.id, "20261102T120000Z");
    state.end(&run, noon(), true);
    assert_eq!(state.runs(), Runs { unfinished: None, finished: Some(noon()) });
    assert_eq!((state.untold, state.security_hub.owed), (Some(run.id.clone()), Some(run.id.clone())));
    let mut state = State::default();
    state.end(&run, noon(), false);
    assert_eq!(state.security_hub, Hub::default());
}

#[test]
fn a_state_that_lacks_what_a_later_version_added_is_read() {
    let state: State = serde_json::from_str("{}").unwrap();
    assert_eq!(state, State::default());
    let run = Underway::begin(noon());
    let mut older = serde_json::to_value(&run).unwrap();
    older.as_object_mut().unwrap().remove("reading_until");
    assert_eq!(serde_json::from_value::<Underway>(older).unwrap(), run);
}

#[test]
fn whoever_comes_while_somebody_reads_leaves_the_run_alone() {
    let second = SignedDuration::from_secs(1);
    let mut state = State { run: Some(Underway::begin(noon())), ..State::default() };
    assert_eq!(state.read_until(noon()), None, "nobody reads");
    state.run.as_mut().unwrap().reading_until = Some(noon());
    assert_eq!(state.read_until(noon() - second), Some(noon()));
    assert_eq!(state.read_until(noon()), None, "it was cut off, or is late: whoever writes first goes on");
    assert_eq!(
        state.read_until(noon() - second * (15 * 60 + 1)),
        None,
        "no invocation lives so long: a clock was wrong"
    );
}

#[test]
fn json_is_written_into_as_much_room_as_it_needs() {
    let value = json!({"text": "é\"\n", "list": [1, 2.5, null]});
    let body = json_of(&value).unwrap();
    assert_eq!(body, serde_json::to_vec(&value).unwrap());
    assert_eq!(body.capacity(), body.len());
}

/// What the objects of a run may be. They are written every two minutes of a run and held at its end, in the memory that
/// the template gives.
const STATE_BYTES_MAX: usize = 10_000_000;
const PART_BYTES_MAX: usize = 16_000_000;

const SERVICES: usize = 10_000;

/// The longest name that App Runner takes, and an id as it gives it.
fn arn(number: usize) -> ServiceArn {
    let name = format!("{:0<34}{number:06}", "shop-with-a-long-name-");
    ServiceArn::parse(&format!("arn:aws:apprunner:ap-southeast-2:123456789012:service/{name}/{number:032x}")).unwrap()
}

fn listed(number: usize) -> Listed {
    let of = |kind: &str| {
        Some(format!(
            "arn:aws:apprunner:ap-southeast-2:123456789012:{kind}/a-name-of-thirty-two-characters/1/{number:032x}"
        ))
    };
    Listed {
        arn: arn(number),
        status: ServiceStatus::OperationInProgress,
        host: Some(format!("{number:010}.ap-southeast-2.awsapprunner.com")),
        public: true,
        connector: of("vpcconnector"),
        scaling: of("autoscalingconfiguration"),
        tracing: of("observabilityconfiguration"),
        connection: of("connection"),
    }
}

#[test]
fn the_state_of_ten_thousand_services_stays_bounded() {
    let mut run = Underway::begin(noon());
    run.cursor.listed = (0..SERVICES).map(listed).collect();
    run.parts = (0..SERVICES / 100).map(|number| format!("1-{number}")).collect();
    let state = State { run: Some(run), ..State::default() };
    let bytes = json_of(&state).unwrap().len();
    assert!(bytes < STATE_BYTES_MAX, "{bytes} bytes");
    assert!(bytes > SERVICES * 500, "{bytes} bytes: this is no long list");
}

/// A part holds what five hundred services came to, however many rules could not look at them.
#[test]
fn a_part_stays_bounded_where_no_rule_could_look_and_every_one_found_something() {
    let rules: Vec<_> = all().collect();
    let mut part = Part::default();
    for number in 0..500 {
        let resource = Resource::Service { arn: arn(number) };
        let entry = |rule: &str| json!({"rule": rule, "why": "x".repeat(2_000), "resources": [resource]});
        let finding = |number: usize| {
            json!({
                "id": format!("{number:012x}"), "rule": "r".repeat(40), "group": "domains", "grade": "high",
                "title": "t".repeat(60), "chapter": {"work": "w".repeat(60), "heading": "h".repeat(60)},
                "resource": resource, "service": "s".repeat(40), "key": "", "seen": "s".repeat(250),
                "fix": {"text": "f".repeat(250), "command": "c".repeat(250)},
                "first_seen": noon(), "checked": true,
            })
        };
        let found = json!({
            "not_checked": rules.iter().map(|rule| entry(rule.id)).collect::<Vec<_>>(),
            "findings": (0..9).map(|at| finding(number * 9 + at)).collect::<Vec<_>>(),
        });
        part.merge(serde_json::from_value(found).unwrap());
    }
    let ungrouped = part.not_checked.len();
    let part = part.grouped();
    assert_eq!(
        (ungrouped, part.not_checked.len()),
        (500 * rules.len(), rules.len()),
        "one entry for a rule and a reason"
    );
    let bytes = json_of(&part).unwrap().len();
    assert!(bytes < PART_BYTES_MAX, "{bytes} bytes");
}
