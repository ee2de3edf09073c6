//! Records in Route 53: which ones are wanted, where they belong, and what may be written to get there.
//!
//! Nothing here knows what the records are for. Reading order: [`name`] and [`record`] are the words; [`facts`] is what was
//! read; [`zone`] chooses the hosted zone; [`caa`] says whether Amazon may issue; [`plan`] puts them together;
//! [`command`] is what a person types to do the same.
//!
//! What never comes out of here, whatever goes in: an `UPSERT`; a change of a record that is not ours; a record of another
//! type than `CNAME` and `A`; a write to a zone that the DNS does not answer from.

pub mod caa;
pub mod command;
pub mod facts;
#[cfg(test)]
pub(crate) mod model;
pub mod name;
pub mod plan;
pub mod record;
pub mod zone;
