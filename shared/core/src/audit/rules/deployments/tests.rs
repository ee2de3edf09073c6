use jiff::SignedDuration;

use super::super::super::samples::{days_ago, digest, fleet, hours_ago, look, now, operation, service};
use super::super::super::{Findings, Grade, ServiceFacts};
use crate::fact::Fact;
use crate::ledger::Verdict;
use crate::memory::Memory;
use crate::service::{Operation, OperationKind, OperationStatus, ServiceStatus, Source};

fn check(id: &str, change: impl FnOnce(&mut ServiceFacts)) -> Findings {
    let mut service = service("shop-api");
    change(&mut service);
    look(id, &fleet(), &service)
}

fn with_status(status: OperationStatus) -> Operation {
    Operation { status, ..operation(4, 1) }
}

fn operations(service: &mut ServiceFacts, newest: Operation) {
    service.operations = Fact::Known(vec![newest, operation(3, 2)]);
}

#[test]
fn a_service_that_was_never_created_is_found() {
    let found = check("deployments-create-failed", |service| service.status = ServiceStatus::CreateFailed).found;
    assert_eq!(found.len(), 1);
    assert!(found[0].fix.command.as_ref().unwrap().starts_with("aws apprunner delete-service --service-arn arn:aws:"));
    let other = check("deployments-create-failed", |service| service.status = ServiceStatus::DeleteFailed);
    assert_eq!(other.found, []);
}

#[test]
fn a_service_that_could_not_be_deleted_is_found() {
    assert_eq!(
        check("deployments-delete-failed", |service| service.status = ServiceStatus::DeleteFailed).found.len(),
        1
    );
    assert_eq!(check("deployments-delete-failed", |service| service.status = ServiceStatus::Deleted).found, []);
}

#[test]
fn a_failed_deployment_is_found_and_one_whose_way_back_failed_is_critical() {
    let id = "deployments-last-failed";
    for (status, grade) in [
        (OperationStatus::Failed, None),
        (OperationStatus::RollbackSucceeded, None),
        (OperationStatus::RollbackFailed, Some(Grade::Critical)),
    ] {
        let found = check(id, |service| operations(service, with_status(status.clone()))).found;
        assert_eq!(found.len(), 1, "{status:?}");
        assert_eq!(found[0].grade, grade, "{status:?}");
        let command = found[0].fix.command.as_ref().unwrap();
        assert!(command.contains("--log-stream-name deployment/00000000000000000000000000000004"), "{command}");
    }
}

#[test]
fn a_failed_pause_a_success_after_the_failure_and_a_failed_creation_are_not_a_failed_deployment() {
    let id = "deployments-last-failed";
    let paused = Operation { kind: OperationKind::PauseService, ..with_status(OperationStatus::Failed) };
    assert_eq!(check(id, |service| operations(service, paused)).found, []);
    let mended = |service: &mut ServiceFacts| {
        service.operations = Fact::Known(vec![operation(5, 1), with_status(OperationStatus::Failed)]);
    };
    assert_eq!(check(id, mended).found, []);
    let never_created = |service: &mut ServiceFacts| {
        service.status = ServiceStatus::CreateFailed;
        operations(service, with_status(OperationStatus::Failed));
    };
    assert_eq!(check(id, never_created).found, []);
}

#[test]
fn a_deployment_that_runs_does_not_hide_the_failed_one_before_it() {
    let found = check("deployments-last-failed", |service| {
        let running = Operation { status: OperationStatus::InProgress, ended_at: None, ..operation(5, 0) };
        service.operations = Fact::Known(vec![running, with_status(OperationStatus::RollbackSucceeded)]);
    });
    assert_eq!(found.found.len(), 1);
}

#[test]
fn an_operation_is_stuck_after_two_hours_and_not_before() {
    let id = "deployments-stuck";
    let busy = |began: jiff::Timestamp| {
        check(id, |service| {
            service.status = ServiceStatus::OperationInProgress;
            let status = OperationStatus::RollbackInProgress;
            operations(service, Operation { status, started_at: began, ended_at: None, ..operation(4, 1) });
        })
    };
    assert_eq!(busy(hours_ago(2)).found.len(), 1);
    assert_eq!(busy(hours_ago(2) + SignedDuration::from_secs(1)).found, []);
}

#[test]
fn maintenance_is_stuck_by_what_pitcrew_remembers_of_it() {
    let busy = |since: jiff::Timestamp| {
        check("deployments-stuck", |service| {
            service.status = ServiceStatus::OperationInProgress;
            let mut memory = Memory::default();
            memory.judged.busy_since = Some(since);
            service.memory = Fact::Known(memory);
        })
    };
    assert_eq!(busy(hours_ago(3)).found.len(), 1);
    assert_eq!(busy(hours_ago(1)).found, []);
    let unknown = check("deployments-stuck", |service| {
        service.status = ServiceStatus::OperationInProgress;
        service.memory = Fact::Unavailable("the table is not there".to_owned());
    });
    assert_eq!((unknown.found.len(), unknown.unchecked.len()), (0, 1));
}

#[test]
fn a_pause_is_found_after_the_days_of_the_policy() {
    let paused = |days: i64| {
        check("deployments-paused", |service| {
            service.status = ServiceStatus::Paused;
            let kind = OperationKind::PauseService;
            let end = Some(days_ago(days));
            operations(service, Operation { kind, started_at: days_ago(days), ended_at: end, ..operation(4, 1) });
        })
    };
    assert_eq!(paused(30).found.len(), 1);
    assert_eq!(paused(29).found, []);
    let by_update = check("deployments-paused", |service| {
        service.status = ServiceStatus::Paused;
        service.updated_at = days_ago(90);
        service.operations = Fact::Known(Vec::new());
    });
    assert_eq!(by_update.found.len(), 1, "the pause may be older than the list of operations");
}

#[test]
fn a_ledger_without_a_good_release_is_found_with_the_release_that_could_be_called_good() {
    let id = "deployments-no-good-release";
    let unproven = |service: &mut ServiceFacts| {
        let Fact::Known(memory) = &mut service.memory else { panic!() };
        memory.ledger.releases.truncate(1);
        memory.ledger.releases[0].verdict = Verdict::Baking { until: now() };
    };
    let found = check(id, unproven).found;
    assert_eq!(found.len(), 1);
    let command = found[0].fix.command.clone().unwrap();
    assert_eq!(command, format!("pitcrew releases shop-api mark-good {}", digest(3)));
    let never_seen = check(id, |service| service.memory = Fact::Known(Memory::default())).found;
    assert!(never_seen[0].seen.contains("no release"), "{}", never_seen[0].seen);
}

#[test]
fn a_young_service_a_paused_one_and_one_of_code_need_no_good_release() {
    let id = "deployments-no-good-release";
    let empty = |service: &mut ServiceFacts| service.memory = Fact::Known(Memory::default());
    let young = check(id, |service| {
        empty(service);
        service.created_at = hours_ago(23);
    });
    let paused = check(id, |service| {
        empty(service);
        service.status = ServiceStatus::Paused;
    });
    let code = check(id, |service| {
        empty(service);
        let (repository, branch) = ("https://example.com/shop".to_owned(), "main".to_owned());
        service.source = Source::Code { repository, branch, auto_deploy: None };
    });
    assert_eq!((young.found, paused.found, code.found), (vec![], vec![], vec![]));
}

#[test]
fn what_could_not_be_read_is_not_checked() {
    let why = || "AccessDenied: ListOperations".to_owned();
    for id in ["deployments-last-failed", "deployments-stuck", "deployments-paused"] {
        let findings = check(id, |service| {
            service.status = match id {
                "deployments-paused" => ServiceStatus::Paused,
                _ => ServiceStatus::OperationInProgress,
            };
            service.operations = Fact::Unavailable(why());
        });
        assert_eq!((findings.found.len(), findings.unchecked[0].why.clone()), (0, why()), "{id}");
    }
    for hours in [1, 23, 999] {
        let findings = check("deployments-no-good-release", |service| {
            service.memory = Fact::Unavailable(why());
            service.created_at = hours_ago(hours);
        });
        let unchecked: Vec<&str> = findings.unchecked.iter().map(|one| one.why.as_str()).collect();
        assert_eq!((findings.found.len(), unchecked), (0, vec![why().as_str()]), "{hours} hours old");
    }
}
