//! A service with a story, for tests: what is shown here is what the README shows.

use jiff::{SignedDuration, Timestamp};
use pitcrew_core::audit::Report;
use pitcrew_core::certificate::{CertificateMemory, Served};
use pitcrew_core::dns::facts::ZoneRef;
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::plan::{Owned, Purpose};
use pitcrew_core::dns::record::RecordSet;
use pitcrew_core::domain::{DomainMemory, DomainStatus, Link, Owner, Preview, PreviewRecord};
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

fn record(name: &str, kind: &str, value: &str, verdict: &str, owner: Owner) -> PreviewRecord {
    let purpose = if name.starts_with('_') { Purpose::Validation } else { Purpose::Target };
    PreviewRecord {
        name: name.into(),
        kind: kind.into(),
        value: value.into(),
        purpose,
        place: "public".into(),
        zone: Some("Z0123EXAMPLE".into()),
        verdict: verdict.into(),
        owner,
        standing: Vec::new(),
    }
}

/// A domain that is active, with a record of somebody else's among its own.
pub fn active_preview() -> Preview {
    let proof = "_5c1e.shop.example.com";
    let of_www = "_77aa.www.shop.example.com";
    let target = "alias to x1y2z3.eu-west-1.awsapprunner.com";
    Preview {
        domain: "shop.example.com".into(),
        service: arn().to_string(),
        status: "active".into(),
        records: vec![
            record(proof, "CNAME", "_0b9d.mhbtsbpdnt.acm-validations.aws.", "standing", Owner::Pitcrew),
            record(of_www, "CNAME", "_e3f0.mhbtsbpdnt.acm-validations.aws.", "found", Owner::Somebody),
            record("shop.example.com", "A", target, "standing", Owner::Pitcrew),
            record("www.shop.example.com", "A", target, "standing", Owner::Pitcrew),
        ],
        blockers: Vec::new(),
        next: "nothing: active, and everything stands".into(),
        command: None,
    }
}

/// A domain whose target's place is taken.
pub fn blocked_preview() -> Preview {
    let target = "alias to x1y2z3.eu-west-1.awsapprunner.com";
    let taken = PreviewRecord {
        standing: vec!["new.example.com A 192.0.2.7".into()],
        ..record("new.example.com", "A", target, "conflict", Owner::Somebody)
    };
    Preview {
        domain: "new.example.com".into(),
        service: arn().to_string(),
        status: "pending_certificate_dns_validation".into(),
        records: vec![
            record("_9d04.new.example.com", "CNAME", "_aa51.mhbtsbpdnt.acm-validations.aws.", "create", Owner::Nobody),
            taken,
        ],
        blockers: vec!["new.example.com: a record of somebody else stands in the way. Nothing was changed.".into()],
        next: "create _9d04.new.example.com CNAME _aa51.mhbtsbpdnt.acm-validations.aws. (hosted zone Z0123EXAMPLE)"
            .into(),
        command: Some("pitcrew domains apply shop new.example.com".into()),
    }
}

/// What is remembered of the active domain.
pub fn domain_memory() -> DomainMemory {
    let name = |text: &str| Name::parse(text).unwrap();
    let zone = ZoneRef { id: "Z0123EXAMPLE".into(), name: name("example.com"), role: None };
    let proof = RecordSet::cname(name("_5c1e.shop.example.com"), &name("_0b9d.mhbtsbpdnt.acm-validations.aws"));
    let target = RecordSet::alias(name("shop.example.com"), "Z087551", name("x1y2z3.eu-west-1.awsapprunner.com"));
    let served = Served {
        issuer: "Amazon RSA 2048 M03, Amazon".into(),
        names: vec!["shop.example.com".into(), "www.shop.example.com".into()],
        serial: "0a1b2c3d".into(),
        not_before: now() - SignedDuration::from_hours(24 * 12),
        not_after: now() + SignedDuration::from_hours(24 * 186),
    };
    DomainMemory {
        version: 9,
        link: Some(Link {
            service: arn(),
            www: true,
            status: DomainStatus::Active,
            since: ago(24 * 60 * 12 - 30),
            first_seen: ago(24 * 60 * 12),
        }),
        owned: vec![
            Owned { zone: zone.clone(), purpose: Purpose::Validation, record: proof },
            Owned { zone, purpose: Purpose::Target, record: target },
        ],
        finished_at: Some(ago(24 * 60 * 12 - 30)),
        certificate: Some(CertificateMemory {
            served,
            seen_at: ago(50),
            paged_days: None,
            troubled: None,
            blind_since: None,
            others: Vec::new(),
        }),
        ..DomainMemory::default()
    }
}

/// The receipt of the call that made its first record.
pub fn domain_receipt() -> Receipt {
    let created = "create _5c1e.shop.example.com CNAME _0b9d.mhbtsbpdnt.acm-validations.aws.";
    Receipt {
        id: "R-3d4e5f607182".into(),
        fence: 3,
        at: ago(24 * 60 * 12 - 1),
        service: Some(arn()),
        subject: Some("shop.example.com".into()),
        operation: None,
        incident: Some("D-0f1e2d3c4b5a".into()),
        cause: "operator ann".into(),
        saw: vec![
            ("status".into(), "pending_certificate_dns_validation".into()),
            ("zone".into(), "Z0123EXAMPLE (example.com)".into()),
        ],
        rule: rule::CALLED.into(),
        decision: format!("{created} (hosted zone Z0123EXAMPLE)"),
        did: Some("Route 53 took it as change C0123".into()),
    }
}

/// The report that the documents show.
pub fn report() -> Report {
    serde_json::from_str(include_str!("../../docs/audit.sample.json")).unwrap()
}
