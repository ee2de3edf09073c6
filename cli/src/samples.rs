//! A service with a story, for tests: what is shown here is what the README shows.

use jiff::{SignedDuration, Timestamp};
use pitcrew_core::id::{Digest, ImageRef, OperationId, ServiceArn};
use pitcrew_core::incident::{Action, Incident, IncidentKind, IncidentState, Intent};
use pitcrew_core::ledger::{BadDigest, Ledger, Pin, Release, Verdict};
use pitcrew_core::memory::Memory;
use pitcrew_core::receipt::{Receipt, rule};
use pitcrew_core::service::{Fingerprint, Source};

use crate::output::{Screen, View};

pub fn now() -> Timestamp {
    "2026-09-22T14:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub fn screen() -> Screen {
    Screen { width: 80, now: now() }
}

/// The view's text without colours.
pub fn text(view: &impl View) -> String {
    anstream::adapter::strip_str(&view.text(&screen())).to_string()
}

pub fn arn() -> ServiceArn {
    ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/shop/8fe1e10304f84fd2b0df550fe98a71fa").unwrap()
}

pub fn digest(byte: u8) -> Digest {
    Digest::parse(&format!("sha256:{}", format!("{byte:02x}").repeat(32))).unwrap()
}

fn image() -> ImageRef {
    ImageRef::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:latest").unwrap()
}

fn release(byte: u8, minutes: i64, verdict: Verdict) -> Release {
    Release {
        operation: OperationId::new(&format!("{byte:02x}00")),
        source: Source::Image { image: image(), auto_deploy: Some(true) },
        digest: Some(digest(byte)),
        fingerprint: Fingerprint::default(),
        started_at: ago(minutes + 4),
        released_at: ago(minutes),
        replaced_at: None,
        verdict,
    }
}

/// Served, newest first: one that bakes, a good one, an unproven one, and one whose digest nobody knows.
pub fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.add(Release { digest: None, ..release(0xa0, 9_000, Verdict::Unproven) });
    ledger.add(release(0xa1, 6_000, Verdict::Unproven));
    ledger.add(release(0xb2, 300, Verdict::Good { since: ago(270) }));
    ledger.add(release(0xc3, 4, Verdict::Baking { until: now() + SignedDuration::from_mins(26) }));
    let reason = "the health check failed: the container listens on 3000, the service expects 8080".to_owned();
    ledger.bad.push(BadDigest { digest: digest(0xd4), since: ago(45), operation: OperationId::new("d400"), reason });
    ledger
}

pub fn incident() -> Incident {
    let action = Action::SetImage { image: image().pinned_to(&digest(0xb2)), auto_deploy: false };
    let after = Some(OperationId::new("c300"));
    let intent = Intent { holder: "op-1".into(), written_at: ago(1), fence: 7, after, action };
    Incident {
        id: "I-20260922-135900-5eed5eed".into(),
        kind: IncidentKind::BadRelease,
        service: arn(),
        operation: OperationId::new("c300"),
        opened_at: ago(1),
        failing: Some(digest(0xc3)),
        summary: "the alarm shop-5xx went off 3 min after the deployment of c3c3c3c3c3c3 ended".into(),
        state: IncidentState::Confirming { intent, operation: OperationId::new("0ff1ce") },
    }
}

/// A service in trouble that is pinned already.
pub fn memory() -> Memory {
    let pin = Pin {
        since: ago(40),
        incident: "I-20260922-132000-0ddba11e".into(),
        image: image().pinned_to(&digest(0xb2)),
        image_before: image(),
        auto_deploy_before: true,
    };
    Memory { version: 7, ledger: ledger(), pin: Some(pin), incident: Some(incident()), ..Memory::default() }
}

/// The receipts of the incident, in their order.
pub fn receipts() -> Vec<Receipt> {
    let receipt = |id: &str, seconds: i64, name: &str, operation: &str, decision: &str| Receipt {
        id: id.into(),
        fence: seconds.unsigned_abs() + 5,
        at: ago(1) + SignedDuration::from_secs(seconds),
        service: Some(arn()),
        subject: None,
        operation: Some(OperationId::new(operation)),
        incident: Some(incident().id),
        cause: "CloudWatch Alarm State Change event 9b1deb4d".into(),
        saw: Vec::new(),
        rule: name.into(),
        decision: decision.into(),
        did: None,
    };
    let saw = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        Receipt {
            saw: vec![
                saw("alarm", "shop-5xx, OK to ALARM at 2026-09-22T13:58:30Z"),
                saw("target", "shop@b2b2b2b2b2b2, good since 2026-09-22T09:30:00Z"),
            ],
            ..receipt("R-0a1b2c3d4e5f", 0, rule::BAD_RELEASE, "c300", "go back to shop@b2b2b2b2b2b2")
        },
        Receipt {
            did: Some("App Runner started operation 0ff1ce".into()),
            ..receipt(
                "R-1b2c3d4e5f60",
                2,
                rule::CALLED,
                "0ff1ce",
                "deploy shop@b2b2b2b2b2b2 and switch automatic deployment off",
            )
        },
        Receipt {
            cause: "AppRunner Service Operation Status Change event 6ec0bd7f".into(),
            ..receipt("R-2c3d4e5f6071", 58, rule::OURS_SUCCEEDED, "0ff1ce", "our operation 0ff1ce succeeded")
        },
    ]
}
