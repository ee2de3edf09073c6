//! The table of the module, row by row, on a small model of Route 53, the DNS and App Runner.

mod answers;
mod blindness;
mod blocked;
mod certificates;
mod intents;
mod operators;
mod previews;
mod properties;
mod removal;
mod repairs;
mod targets;
mod unlinking;
mod waiting;
mod wildcards;
mod words;
mod world;
mod writing;
