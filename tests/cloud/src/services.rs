//! The one place where the services of the local cloud are put together.

use jiff::Timestamp;

use crate::call::Place;
use crate::switches::Switches;
use crate::world::World;

/// A cloud with every service and nothing in it.
pub fn world(place: Place, now: Timestamp, switches: Switches) -> World {
    World::new(place, now, switches)
}
