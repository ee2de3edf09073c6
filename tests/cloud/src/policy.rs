//! Which role may do what: each call is checked against the policies that the template gave the caller's role.

use serde::Serialize;

use crate::call::{ApiError, Call, Caller, Need};

/// The policies of every role.
#[derive(Debug, Default)]
pub struct Policies {}

/// A call that no statement allows, with the statement that is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Denied {
    pub role: String,
    pub action: String,
    pub resource: String,
    /// The statement that would allow it, as it would stand in the template.
    pub missing_statement: String,
}

impl Denied {
    pub fn to_api_error(&self, _call: &Call) -> ApiError {
        let Self { role, action, resource, .. } = self;
        ApiError {
            status: 400,
            ..ApiError::client(
                "AccessDeniedException",
                format!("User: {role} is not authorized to perform: {action} on resource: {resource}"),
            )
        }
    }
}

impl Policies {
    /// Whether the caller may do all of this.
    pub fn check(&mut self, _caller: &Caller, _needs: &[Need]) -> Result<(), Denied> {
        Ok(())
    }
}
