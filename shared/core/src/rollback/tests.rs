//! The table of `rollback/mod.rs`, row by row, and what must hold whatever is seen.
//!
//! Each test builds a small [`world::World`], lets it settle (a loop that feeds the facts that are asked for), and compares the
//! whole trace: what was looked at, which rules decided, which notices were told, and where it came to rest.

mod answers;
mod bake;
mod failures;
mod following;
mod operators;
mod properties;
mod quiet;
mod words;
mod world;
