//! What people read, for the main rows.

use super::world::{SHOP, World, cname, second};
use crate::autonomy::Autonomy;
use crate::certificate::Served;
use crate::domain::{CallAnswer, DomainStatus};
use crate::notice::Notice;

/// A notice as its reader goes through it.
fn read(notice: &Notice) -> String {
    let mut lines = vec![format!("[{:?}] {}", notice.severity, notice.headline), notice.happened.clone()];
    lines.extend(notice.done.iter().map(|done| format!("done: {done}")));
    lines.extend(notice.todo.iter().map(|todo| match &todo.command {
        Some(command) => format!("to do: {}: `{command}`", todo.text),
        None => format!("to do: {}", todo.text),
    }));
    lines.join("\n")
}

fn told(mut world: World) -> String {
    world.run();
    world.notices.iter().map(read).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn a_conflict() {
    insta::assert_snapshot!(told(World::new().put(cname(SHOP, "other.example.org"))));
}

#[test]
fn a_zone_that_is_missing() {
    insta::assert_snapshot!(told(World::of("shop.example.org")));
}

#[test]
fn caa_that_forbids() {
    insta::assert_snapshot!(told(World::new().caa("example.net", &["0 issue letsencrypt.org"])));
}

#[test]
fn a_proposal() {
    insta::assert_snapshot!(told(World::new().autonomy(Autonomy::Propose)));
}

#[test]
fn a_domain_that_is_finished() {
    let mut world = World::new();
    world.run();
    world.later(420);
    insta::assert_snapshot!(told(world.status(DomainStatus::Active)));
}

#[test]
fn a_repair() {
    insta::assert_snapshot!(told(World::finished().lose("_p1.shop.example.net")));
}

#[test]
fn a_removal() {
    let mut world = World::gone();
    world.seen.memory.gone_since = Some(second(-60));
    insta::assert_snapshot!(told(world));
}

#[test]
fn a_certificate_that_expired() {
    let mut world = World::finished();
    world.settings.certificates = true;
    world.served = Some(Served {
        issuer: "Amazon RSA 2048 M02".into(),
        names: vec![SHOP.into()],
        serial: "01".into(),
        not_before: second(-198 * 86_400),
        not_after: second(-60),
    });
    insta::assert_snapshot!(told(world));
}

#[test]
fn a_call_that_was_refused() {
    let refused = CallAnswer::Refused { code: "AccessDenied".into(), message: "not authorized".into() };
    insta::assert_snapshot!(told(World::new().answered(refused)));
}

#[test]
fn a_proof_that_the_dns_does_not_show() {
    let mut world = World::new();
    world.shown = false;
    world.run();
    world.later(1_800);
    insta::assert_snapshot!(told(world));
}
