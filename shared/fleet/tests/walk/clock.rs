//! A machine whose clock is wrong, before a cloud that checks the date of each signature as AWS does.

use jiff::SignedDuration;
use pitcrew_cloud::switches::{SignatureDate, Switches};
use pitcrew_core::audit::{Fleet, ServiceFacts};
use pitcrew_core::fact::Fact;
use pitcrew_fleet::walk::{Cursor, walk};
use serde_json::json;

use super::rig::{Rig, settings};

const HOURS: i64 = 3;

fn checked() -> Switches {
    Switches { signature_date: SignatureDate::Checked, ..Switches::default() }
}

#[tokio::test]
async fn an_audit_from_a_machine_whose_clock_is_wrong_reads_everything_and_tells_ages_by_awss_clock() {
    for hours in [HOURS, -HOURS] {
        let rig = Rig::set_with(SignedDuration::from_hours(hours), checked()).await;
        let names = rig.plant(2);
        let zone = rig.call("route53", "CreateHostedZone", json!({"Name": "example.com", "CallerReference": "one"}));
        assert!(zone["HostedZone"]["Id"].is_string());
        let mut taken = Vec::new();
        let mut each = |fleet: &Fleet, facts: &ServiceFacts| {
            taken.push(facts.arn.name().to_owned());
            assert!(facts.created_at <= fleet.now, "nothing is made in the future");
            assert!(matches!(facts.operations, Fact::Known(_)), "{:?}", facts.operations);
        };
        let (settings, mut tell) = (settings(), |_: &_| {});
        let walking = walk(&rig.clients, &settings, Cursor::default(), &mut each, &mut tell);
        let walked = Box::pin(walking).await.unwrap();
        assert_eq!((taken, walked.unread.len(), walked.next.is_none()), (names, 0, true));
        let fleet = &walked.fleet;
        assert!(matches!(fleet.scalings, Fact::Known(_)), "App Runner: {:?}", fleet.scalings);
        assert!(matches!(fleet.alarms, Fact::Known(_)), "CloudWatch: {:?}", fleet.alarms);
        assert!(matches!(fleet.pointers, Fact::Known(_)), "Route 53: {:?}", fleet.pointers);
        assert!(matches!(fleet.network.zones, Fact::Known(_)), "EC2: {:?}", fleet.network.zones);
        assert_eq!(
            rig.clients.wire.counts()["ec2"].calls,
            2,
            "the first call was refused for its date, and told the right one"
        );
        let off = rig.clients.domains.date.machine_is_off().unwrap();
        assert!((off - SignedDuration::from_hours(hours)).abs() < SignedDuration::from_mins(5), "{off}");
    }
}

#[tokio::test]
async fn a_machine_whose_clock_is_right_is_not_told_of() {
    let rig = Rig::set_with(SignedDuration::ZERO, checked()).await;
    rig.plant(1);
    rig.walk(&settings(), Cursor::default()).await;
    assert_eq!(rig.clients.domains.date.machine_is_off(), None);
}

#[tokio::test]
async fn a_signature_that_is_never_taken_ends_the_walk() {
    let rig = Rig::set().await;
    rig.plant(3);
    let error =
        json!({"kind": "error", "code": "InvalidSignatureException", "status": 403, "message": "Signature expired"});
    rig.fault(json!({"on": "apprunner:DescribeService", "times": 99, "do": error}));
    let error = rig.fails().await;
    assert_eq!((error.operation, error.code.as_str()), ("apprunner:DescribeService", "InvalidSignatureException"));
    assert_eq!(rig.calls("apprunner", "DescribeService"), 3, "the clocks agree: none is tried again");
}
