//! The whole stage, by the functions' own binaries. One test program, so that it is linked and the binaries are built once.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "what cannot be read fails the test at once"))]

mod architecture;
mod audit;
mod audit_grants;
mod audit_interrupted;
mod audit_restraint;
mod bad_input;
mod calls;
mod certificates;
mod domains;
mod domains_blocked;
mod domains_calls;
mod domains_cli;
mod domains_hidden;
mod domains_intents;
mod domains_races;
mod domains_restraint;
mod domains_zones;
mod doors;
mod grants;
mod intents;
mod many_domains;
mod restraint;
mod sdk;
mod single_events;
mod stories;
mod telling;
