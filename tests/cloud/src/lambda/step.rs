//! One step of everything that Lambda and the bus do by themselves, up to the work that needs real time.

use serde_json::json;

use super::{finish, poll};
use crate::effect::Effect;
use crate::events::hand_over;
use crate::world::{Work, World};

/// Delivers what the bus has ready, polls the event sources, and returns what the driver must do now. Call it after each
/// call from outside, each step of the clock and each end of an invocation.
pub fn step(world: &mut World) -> Vec<Work> {
    world.advance_to(world.now);
    hand_over(world);
    let mut work: Vec<Work> = poll::poll(world).into_iter().map(Work::Invoke).collect();
    work.extend(world.take_work());
    note_losses(world);
    for given_up in std::mem::take(&mut world.lambda.given_up) {
        finish::give_up(world, given_up);
    }
    work
}

fn note_losses(world: &mut World) {
    for lost in std::mem::take(&mut world.lambda.lost) {
        world.history.record(world.now, "fault", "aws:lambda", json!({"lost": lost}));
    }
    let mut effects: Vec<Effect> = Vec::new();
    for function in std::mem::take(&mut world.lambda.throttled) {
        world.history.record(world.now, "throttle", function.clone(), json!({"function": function}));
        effects.push(finish::count(world.now, "Throttles", &function, 1.0));
    }
    world.after_invocation(effects);
}
