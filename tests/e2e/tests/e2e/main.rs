//! The whole stage, by the functions' own binaries. One test program, so that it is linked and the binaries are built once.

mod doors;
mod intents;
mod restraint;
mod stories;
