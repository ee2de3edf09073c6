//! The walk over fleets of the local cloud, by the wire: what cannot be read, what comes and goes meanwhile, and where it is cut.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test at once")]

mod clock;
mod pages;
mod rig;
mod roles;

use std::time::Duration;

use futures_util::future::ready;
use pitcrew_core::audit::{Fleet, ServiceFacts, Waivers, check_fleet};
use pitcrew_core::fact::Fact;
use pitcrew_fleet::walk::{Cursor, Keeping, Phase, Progress, Stop, WalkSettings, walk, walk_keeping};
use serde_json::json;

use rig::{Rig, failing, of_rule, settings};

/// What a service costs at App Runner when it has no domain.
const CALLS: u64 = 4;

#[tokio::test]
async fn a_service_that_cannot_be_described_is_there_and_what_leads_to_it_is_not_given_up() {
    let rig = Rig::set().await;
    rig.plant(3);
    let host = rig.create("shop-zzz")["ServiceUrl"].as_str().unwrap().to_owned();
    let zone = rig.call("route53", "CreateHostedZone", json!({"Name": "example.com", "CallerReference": "one"}));
    let zone = zone["HostedZone"]["Id"].as_str().unwrap().trim_start_matches("/hostedzone/").to_owned();
    let record = |name: &str, value: &str| {
        let set = json!({"Name": name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": value}]});
        let batch = json!({"Changes": [{"Action": "CREATE", "ResourceRecordSet": set}]});
        rig.call("route53", "ChangeResourceRecordSets", json!({"HostedZoneId": zone, "ChangeBatch": batch}));
    };
    record("shop.example.com", &host);

    let (all, _) = rig.walk(&settings(), Cursor::default()).await;
    assert_eq!(of_rule(&check_fleet(&all.fleet, &Waivers::default()), "domains-dangling"), (0, vec![]));
    rig.fault(failing(3, "AccessDeniedException"));
    let (walked, taken) = rig.walk(&settings(), Cursor::default()).await;
    assert_eq!(taken, ["shop-000", "shop-001", "shop-002"]);
    assert!(walked.next.is_none() && walked.left_out.is_empty());
    let (unread, why) = &walked.unread[0];
    assert_eq!((walked.unread.len(), unread.name()), (1, "shop-zzz"));
    assert!(why.contains("apprunner:DescribeService is denied"), "{why}");
    assert_eq!(walked.fleet.unseen, walked.unread.iter().cloned().collect());
    let (found, unchecked) = of_rule(&check_fleet(&walked.fleet, &Waivers::default()), "domains-dangling");
    assert_eq!((found, unchecked), (0, vec![format!("could not look at shop-zzz: {why}")]));
}

#[tokio::test]
async fn what_is_made_while_the_walk_goes_on_is_looked_at_wherever_its_name_stands() {
    let rig = Rig::set().await;
    rig.plant(2);
    let mut made = false;
    let while_read = |progress: &Progress| {
        if progress.phase == Phase::Surroundings && !made {
            made = true;
            rig.create("aaaa");
        }
    };
    let (walked, taken) = rig.walk_while(&settings(), Cursor::default(), while_read).await;
    assert_eq!(taken, ["shop-000", "shop-001", "aaaa"], "the list that is read at the end has it");
    assert!(walked.next.is_none() && walked.fleet.unseen.is_empty());

    let one_by_one = WalkSettings { calls_max: Some(1), ..settings() };
    let (walked, taken) = rig.walk(&one_by_one, Cursor::default()).await;
    assert_eq!(taken, ["aaaa"]);
    let (cursor, stop) = walked.next.unwrap();
    assert_eq!(stop, Stop::Calls);
    rig.create("aaa0");
    let (walked, taken) = rig.walk(&settings(), cursor).await;
    assert_eq!(taken, ["aaa0", "shop-000", "shop-001"], "it sorts before the cursor");
    assert_eq!((walked.fleet.services.len(), walked.next.is_none()), (4, true));
}

#[tokio::test]
async fn credentials_that_hold_no_longer_end_the_walk() {
    let rig = Rig::set().await;
    rig.plant(4);
    rig.fault(failing(1, "ExpiredTokenException"));
    let error = rig.fails().await;
    assert_eq!((error.operation, error.code.as_str()), ("apprunner:DescribeService", "ExpiredTokenException"));
}

#[tokio::test]
async fn a_throttled_service_of_aws_is_asked_again_and_nothing_is_lost() {
    let rig = Rig::set().await;
    let names = rig.plant(3);
    rig.fault(json!({"on": "apprunner:DescribeService", "times": 2, "do": {"kind": "throttle"}}));
    let (walked, taken) = rig.walk(&WalkSettings { concurrent: 8, ..settings() }, Cursor::default()).await;
    assert_eq!((taken, walked.unread), (names, vec![]));
    assert_eq!(rig.clients.wire.throttled(), 2);
    assert_eq!(rig.clients.wire.counts()["apprunner"].throttled, 2);
}

#[tokio::test]
async fn a_role_that_cannot_be_read_for_a_moment_is_read_for_the_next_service() {
    let rig = Rig::set().await;
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "tasks.apprunner.amazonaws.com"}}]});
    let role = json!({"RoleName": "instance", "AssumeRolePolicyDocument": trust.to_string()});
    let role = rig.call("iam", "CreateRole", role)["Role"]["Arn"].as_str().unwrap().to_owned();
    for name in ["blog", "cart", "shop"] {
        rig.create_with(name, json!({"InstanceConfiguration": {"InstanceRoleArn": role}}));
    }
    // A server's fault that the SDK does not try again.
    let error = json!({"kind": "error", "code": "ServiceUnavailable", "status": 400, "message": "later"});
    rig.fault(json!({"on": "iam:GetRole", "times": 1, "do": error}));
    let mut known = Vec::new();
    let mut each = |fleet: &Fleet, _: &ServiceFacts| known.push(matches!(fleet.roles[&role], Fact::Known(_)));
    let mut tell = |_: &Progress| {};
    Box::pin(walk(&rig.clients, &settings(), Cursor::default(), &mut each, &mut tell)).await.unwrap();
    assert_eq!(known, [false, true, true], "one service is not checked, and not the whole fleet");
    assert_eq!(rig.calls("iam", "GetRole"), 2, "and what was read is read once");
}

#[tokio::test]
async fn an_alarm_that_is_deleted_while_alarms_are_read_hides_no_other() {
    let rig = Rig::set().await;
    let shop = rig.create("shop")["ServiceArn"].as_str().unwrap().to_owned();
    for name in ["a-queue", "b-orders"] {
        let alarm = json!({"AlarmName": name, "Namespace": "Shop", "MetricName": "Lost", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
            "Tags": [{"Key": "pitcrew:service", "Value": shop}]});
        rig.call("monitoring", "PutMetricAlarm", alarm);
    }
    let gone = json!({"kind": "error", "code": "ResourceNotFoundException", "status": 404, "message": "no"});
    rig.fault(json!({"on": "monitoring:ListTagsForResource", "times": 1, "do": gone}));
    let (walked, _) = rig.walk(&settings(), Cursor::default()).await;
    let Fact::Known(alarms) = &walked.fleet.alarms else { panic!("{:?}", walked.fleet.alarms) };
    let seen: Vec<_> = alarms.iter().map(|alarm| (alarm.name.as_str(), alarm.watches.as_slice())).collect();
    assert_eq!(seen, [("b-orders", &[shop][..])]);
    assert_eq!(walked.fleet.alarms_left, None);
}

#[tokio::test]
async fn a_fleet_of_more_than_a_hundred_is_read_across_pages_chunks_and_runs_each_service_once() {
    let rig = Rig::set().await;
    let names = rig.plant(105);
    rig.cloud.advance(Duration::from_secs(900)).await.unwrap();
    // After the first page of the list one of its services is deleted: whoever counted by place would miss one of the next page.
    let mut gone = None;
    let mut while_listed = |progress: &Progress| {
        if progress.phase == Phase::Listing && gone.is_none() {
            let listed = rig.call("apprunner", "ListServices", json!({}));
            let one = listed["ServiceSummaryList"][0].clone();
            rig.call("apprunner", "DeleteService", json!({"ServiceArn": one["ServiceArn"]}));
            rig.let_time_pass(2 * 3600);
            gone = one["ServiceName"].as_str().map(str::to_owned);
        }
    };
    let cut = WalkSettings { calls_max: Some(CALLS * 102), ..settings() };
    let (mut taken, mut kept) = (Vec::new(), Vec::new());
    let mut each = |_: &Fleet, facts: &ServiceFacts| taken.push(facts.arn.name().to_owned());
    let mut keep = |cursor: &Cursor, last: bool| -> Keeping<'_> {
        kept.push((cursor.count(), last));
        Box::pin(ready(true))
    };
    let walking = walk_keeping(&rig.clients, &cut, Cursor::default(), &mut each, &mut while_listed, &mut keep);
    let walked = Box::pin(walking).await.unwrap();
    let (cursor, stop) = walked.next.unwrap();
    assert_eq!((stop, (101..104).contains(&walked.read)), (Stop::Calls, true), "{}", walked.read);

    let whole = WalkSettings { concurrent: 8, ..settings() };
    let mut tell = |_: &Progress| {};
    let walking = walk_keeping(&rig.clients, &whole, cursor, &mut each, &mut tell, &mut keep);
    let ended = Box::pin(walking).await.unwrap();
    assert!(ended.next.is_none());
    assert_eq!(kept, [(100, false), (105, true)], "what came before the cut was kept, and the end");
    let left_out: Vec<&str> = ended.left_out.iter().map(|arn| arn.name()).collect();
    assert_eq!(left_out, [gone.unwrap()]);
    let mut seen = [taken, left_out.into_iter().map(str::to_owned).collect()].concat();
    seen.sort();
    assert_eq!(seen, names);
    assert_eq!((ended.fleet.services.len(), ended.unread.len()), (104, 0));
}
