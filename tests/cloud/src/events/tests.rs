use serde_json::json;

use super::expression::Expression;
use super::schedule::NewSchedule;
use super::*;
use crate::cloudwatch::CloudWatch;
use crate::effect::Effect;
use crate::lambda::trial::{arn, outcome, queue, run, world};
use crate::world::World;

fn rule(world: &mut World, target: &str) {
    world.bus.put_rule(Rule {
        name: "r".into(),
        arn: arn("events", "rule/r"),
        enabled: true,
        pattern: Pattern::parse(&json!({"source": ["aws.apprunner"]})).unwrap(),
        targets: vec![Target {
            id: "t".into(),
            arn: target.into(),
            input: None,
            retry: RetryPolicy { age_secs_max: 3600, attempts_max: 3 },
            dead_letter_arn: Some(arn("sqs", "dead")),
        }],
    });
    let policy = json!({"Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn("sqs", "dead"), "Condition": {"ArnEquals": {"aws:SourceArn": [arn("events", "rule/r")]}},
    }]});
    world.bus.put_queue_policy(QueuePolicy::parse(&arn("sqs", "dead"), &policy).unwrap());
}

fn grant(world: &mut World, source: &str) {
    world.bus.grant(Grant {
        function_arn: arn("lambda", "function:f"),
        principal: "events.amazonaws.com".into(),
        source_arn: Some(source.into()),
        source_account: Some("123456789012".into()),
    });
}

fn event(world: &mut World, source: &str) {
    let (detail_type, source) = ("x".into(), source.into());
    world.after_invocation(vec![Effect::Event { source, detail_type, resources: vec![], detail: json!({}) }]);
}

fn seconds(world: &mut World, secs: i64) -> Vec<i64> {
    run(world, secs, |_| outcome(Ok(json!(null)))).into_iter().map(|run| run.0).collect()
}

#[test]
fn an_event_that_matches_reaches_the_function_a_second_later() {
    let mut world = world();
    rule(&mut world, &arn("lambda", "function:f"));
    grant(&mut world, &arn("events", "rule/r"));
    event(&mut world, "aws.ecr");
    event(&mut world, "aws.apprunner");
    let runs = run(&mut world, 100, |_| outcome(Ok(json!(null))));
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].0, &runs[0].1["source"]), (1, &json!("aws.apprunner")));
    assert_eq!(queue(&mut world, "dead"), []);
}

#[test]
fn a_disabled_rule_matches_nothing() {
    let mut world = world();
    rule(&mut world, &arn("lambda", "function:f"));
    grant(&mut world, &arn("events", "rule/r"));
    assert!(world.bus.set_enabled("r", false, world.now));
    event(&mut world, "aws.apprunner");
    assert_eq!(seconds(&mut world, 100), [0_i64; 0]);
}

#[test]
fn a_missing_permission_goes_to_the_dead_letters_at_once() {
    for source in [None, Some(arn("events", "rule/another"))] {
        let mut world = world();
        rule(&mut world, &arn("lambda", "function:f"));
        if let Some(source) = source {
            grant(&mut world, &source);
        }
        event(&mut world, "aws.apprunner");
        assert_eq!(seconds(&mut world, 2), [0_i64; 0]);
        let dead = queue(&mut world, "dead");
        assert_eq!(dead[0].0["source"], "aws.apprunner");
        let attributes = dead[0].1.to_string();
        for wanted in [r#"["ERROR_CODE","NO_PERMISSIONS"]"#, r#"["RETRY_ATTEMPTS","0"]"#, "rule/r", "ERROR_MESSAGE"] {
            assert!(attributes.contains(wanted), "{wanted} is not in {attributes}");
        }
    }
}

#[test]
fn a_missing_target_goes_to_the_dead_letters_at_once() {
    let mut world = world();
    rule(&mut world, &arn("lambda", "function:gone"));
    event(&mut world, "aws.apprunner");
    seconds(&mut world, 2);
    assert!(queue(&mut world, "dead")[0].1.to_string().contains("NO_RESOURCE"));
}

#[test]
fn a_refusing_target_is_tried_again_and_then_given_up() {
    let mut world = world();
    rule(&mut world, &arn("lambda", "function:f"));
    grant(&mut world, &arn("events", "rule/r"));
    world.bus.refuse(&arn("lambda", "function:f"), 2, "THROTTLING");
    event(&mut world, "aws.apprunner");
    assert_eq!(seconds(&mut world, 100), [4], "one second, then waits of one and two");
    world.bus.refuse(&arn("lambda", "function:f"), 100, "THROTTLING");
    event(&mut world, "aws.apprunner");
    assert_eq!(seconds(&mut world, 3000), [0_i64; 0]);
    let attributes = queue(&mut world, "dead")[0].1.to_string();
    assert!(
        attributes.contains("MaximumRetryAttempts") && attributes.contains(r#"["RETRY_ATTEMPTS","3"]"#),
        "{attributes}"
    );
}

#[test]
fn a_dead_letter_queue_that_does_not_let_the_bus_in_loses_the_event_and_says_so() {
    let mut world = world();
    rule(&mut world, &arn("lambda", "function:f"));
    world.bus.queue_policies.clear();
    event(&mut world, "aws.apprunner");
    seconds(&mut world, 2);
    assert_eq!(queue(&mut world, "dead"), []);
    let told = world.history.entries().iter().find(|entry| entry.kind == "dead-letter").unwrap();
    assert_eq!(told.what["kept"], false);
}

#[test]
fn a_schedule_fires_at_its_rate_with_its_input_until_it_is_disabled() {
    let mut world = world();
    let schedule = NewSchedule {
        name: "sweep".into(),
        arn: arn("scheduler", "schedule/default/sweep"),
        expression: Expression::parse("rate(5 minutes)", "UTC").unwrap(),
        enabled: true,
        target_arn: arn("lambda", "function:f"),
        role_arn: "arn:aws:iam::123456789012:role/scheduler".into(),
        input: Some(r#"{"detail-type":"Sweep"}"#.into()),
        retry: RetryPolicy::default(),
        dead_letter_arn: None,
    };
    let now = world.now;
    world.bus.put_schedule(Schedule::new(schedule, now));
    let runs = run(&mut world, 900, |_| outcome(Ok(json!(null))));
    assert_eq!(runs, [300, 600, 900].map(|at| (at, json!({"detail-type": "Sweep"}))));
    let now = world.now;
    world.bus.set_enabled("sweep", false, now);
    assert_eq!(world.next_due(), None);
}

#[test]
fn a_rule_may_feed_a_queue_whose_policy_lets_it() {
    let mut world = world();
    rule(&mut world, &arn("sqs", "dead"));
    event(&mut world, "aws.apprunner");
    seconds(&mut world, 2);
    assert_eq!(queue(&mut world, "dead")[0].1, json!([]), "delivered, not dead: no attributes");
}

#[test]
fn faults_drop_duplicate_delay_and_reorder_events() {
    use crate::faults::{EventFault, Fault};
    let order = |act| Fault::Event(EventFault { event: "x".into(), skip: 0, times: 1, act });
    let cases: [(EventFate, &[i64]); 4] = [
        (EventFate::Drop, &[1]),
        (EventFate::Duplicate { times: 3 }, &[1, 1, 1, 1]),
        (EventFate::Delay { seconds: 600 }, &[1, 601]),
        (EventFate::Reorder, &[1, 2]),
    ];
    for (act, want) in cases {
        let mut world = world();
        rule(&mut world, &arn("lambda", "function:f"));
        grant(&mut world, &arn("events", "rule/r"));
        world.faults.order(order(act));
        event(&mut world, "aws.apprunner");
        event(&mut world, "aws.apprunner");
        assert_eq!(seconds(&mut world, 1000), want, "{act:?}");
    }
}

/// What `AWS/Events` counted of a metric, of a rule or of all, so far.
fn counted(world: &mut World, metric: &str, rule: Option<&str>) -> f64 {
    let dimensions: Vec<_> = rule.iter().map(|rule| json!({"Name": "RuleName", "Value": rule})).collect();
    let input = json!({
        "Namespace": "AWS/Events", "MetricName": metric, "Dimensions": dimensions, "Period": 3600, "Statistics": ["Sum"],
        "StartTime": world.now.as_second() - 1800, "EndTime": world.now.as_second() + 1800,
    });
    let answer = world.internal("monitoring", "GetMetricStatistics", input).unwrap();
    answer["Datapoints"].as_array().unwrap().iter().map(|point| point["Sum"].as_f64().unwrap()).sum()
}

#[test]
fn a_rule_that_matches_counts_for_itself_and_for_all() {
    let mut world = world().with("monitoring", CloudWatch::new());
    rule(&mut world, &arn("lambda", "function:f"));
    grant(&mut world, &arn("events", "rule/r"));
    event(&mut world, "aws.ecr");
    assert_eq!(counted(&mut world, "TriggeredRules", Some("r")), 0.0);
    event(&mut world, "aws.apprunner");
    event(&mut world, "aws.apprunner");
    for metric in ["TriggeredRules", "MatchedEvents"] {
        assert_eq!(counted(&mut world, metric, Some("r")), 2.0, "{metric}");
        assert_eq!(counted(&mut world, metric, None), 2.0, "{metric}");
    }
    assert_eq!(counted(&mut world, "Invocations", Some("r")), 0.0);
    seconds(&mut world, 100);
    assert_eq!(counted(&mut world, "Invocations", Some("r")), 2.0);
}

#[test]
fn a_rule_that_is_off_counts_nothing_and_a_refused_delivery_counts_as_failed() {
    let mut world = world().with("monitoring", CloudWatch::new());
    rule(&mut world, &arn("lambda", "function:f"));
    world.bus.set_enabled("r", false, world.now);
    event(&mut world, "aws.apprunner");
    assert_eq!(counted(&mut world, "TriggeredRules", Some("r")), 0.0);
    world.bus.set_enabled("r", true, world.now);
    event(&mut world, "aws.apprunner");
    seconds(&mut world, 100);
    for metric in ["TriggeredRules", "Invocations", "FailedInvocations"] {
        assert_eq!(counted(&mut world, metric, Some("r")), 1.0, "{metric}");
    }
}
