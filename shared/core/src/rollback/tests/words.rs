//! What people read, for the main rows.

use super::world::{World, digest, image, op, pinned};
use crate::autonomy::Autonomy;
use crate::id::OperationId;
use crate::notice::Notice;
use crate::rollback::answer::CallAnswer;
use crate::service::{OperationKind as K, OperationStatus as S};

/// A notice as its reader goes through it.
fn read(notice: &Notice) -> String {
    let mut lines = vec![format!("[{:?}] {}", notice.severity, notice.headline), notice.happened.clone()];
    lines.extend(notice.why.iter().map(|why| format!("why: {}", why.summary)));
    lines.extend(notice.done.iter().map(|done| format!("done: {done}")));
    lines.extend(notice.todo.iter().map(|todo| match &todo.command {
        Some(command) => format!("to do: {}: `{command}`", todo.text),
        None => format!("to do: {}", todo.text),
    }));
    lines.join("\n")
}

fn told(mut world: World) -> String {
    world.settle();
    world.notices.iter().map(read).collect::<Vec<_>>().join("\n\n")
}

fn failed(status: S, n: u8, value: &str) -> World {
    World::new().operation(op("deploy", K::UpdateService, status, 990, 998)).candidate("deploy", n, value)
}

fn ours(status: S) -> World {
    let mut world = World::new().baking(2).alarm("5xx", 999).answered(CallAnswer::Started(OperationId::new("ours")));
    world.settle();
    world.notices.clear();
    let mut world =
        world.operation(op("ours", K::UpdateService, status, 1000, 1004)).live(image(pinned(1), false), "a");
    world.woken_again("next", 1005);
    world
}

#[test]
fn a_revert_that_is_still_armed() {
    insta::assert_snapshot!(told(failed(S::RollbackSucceeded, 2, "a")));
}

#[test]
fn a_revert_of_the_configuration_alone() {
    insta::assert_snapshot!(told(failed(S::RollbackSucceeded, 1, "b")));
}

#[test]
fn a_rollback_that_started() {
    insta::assert_snapshot!(told(World::new().baking(2).alarm("5xx", 999)));
}

#[test]
fn a_rollback_that_succeeded() {
    insta::assert_snapshot!(told(ours(S::Succeeded)));
}

#[test]
fn a_rollback_that_failed() {
    insta::assert_snapshot!(told(ours(S::RollbackSucceeded)));
}

#[test]
fn a_proposal() {
    let mut world = World::new().baking(2).alarm("5xx", 999);
    world.settings.autonomy = Autonomy::Propose;
    insta::assert_snapshot!(told(world));
}

#[test]
fn an_open_breaker() {
    let mut world = World::new().baking(2).alarm("5xx", 999);
    let now = world.seen.now;
    world.seen.account.breaker.count("another", now);
    insta::assert_snapshot!(told(world));
}

#[test]
fn a_suspect_configuration() {
    insta::assert_snapshot!(told(failed(S::RollbackFailed, 1, "b")));
}

#[test]
fn nothing_good() {
    let mut world = failed(S::RollbackFailed, 2, "a");
    world.in_ecr = Some(vec![digest(2)]);
    insta::assert_snapshot!(told(world));
}

#[test]
fn an_alarm_that_no_release_explains() {
    insta::assert_snapshot!(told(World::new().alarm("5xx", 999)));
}
