//! Faults that a test or the control API orders: for the next calls that match, or for the next events.

use crate::call::{ApiError, Call};

/// The faults that wait to strike.
#[derive(Debug, Default)]
pub struct Faults {}

impl Faults {
    /// The error that this call shall meet before it has any effect.
    pub fn before(&mut self, _call: &Call) -> Option<ApiError> {
        None
    }
}
