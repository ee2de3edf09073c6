//! The table of the module, row by row, on a small model of Route 53, the DNS and App Runner.

mod answers;
mod blocked;
mod certificates;
mod intents;
mod operators;
mod previews;
mod properties;
mod removal;
mod targets;
mod waiting;
mod words;
mod world;
mod writing;
