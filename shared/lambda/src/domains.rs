//! What the functions for custom domains and for certificates do alike: their settings and clients, the run of one service's
//! domains, and the sweep over all of them.

mod app;
mod run;
mod sweep;

pub use app::DomainApp;
pub use run::{Tally, run};
pub use sweep::{Swept, sweep};
