//! Connections to GitHub and Bitbucket. Their handshake is a person's work in the console: an internal operation does it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Ctx, Place};

use super::AppRunner;
use super::errors::{invalid_request, missing, quota};
use super::ids::epoch;
use super::paging::{oldest_first, page};

const WHAT: &str = "Connection";

#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) name: String,
    pub(super) arn: String,
    provider: String,
    pub(super) available: bool,
    created_at: Timestamp,
    number: u64,
}

impl Connection {
    fn shown(&self, status: Option<&str>) -> Value {
        let handshake = if self.available { "AVAILABLE" } else { "PENDING_HANDSHAKE" };
        json!({
            "ConnectionName": self.name,
            "ConnectionArn": self.arn,
            "ProviderType": self.provider,
            "Status": status.unwrap_or(handshake),
            "CreatedAt": epoch(self.created_at),
        })
    }
}

impl AppRunner {
    pub(super) fn create_connection(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = input.get("ConnectionName").and_then(Value::as_str).unwrap_or_default();
        if self.connections.iter().any(|connection| connection.name == name) {
            return Err(invalid_request(format!("Connection with the provided name already exists: {name}.")));
        }
        if self.connections.len() >= self.others_max {
            return Err(quota(format!(
                "You have reached the limit of {} connections in this region.",
                self.others_max
            )));
        }
        let Place { partition, region, account } = ctx.place;
        let id = ctx.ids.hex32();
        let connection = Connection {
            name: name.to_owned(),
            arn: format!("arn:{partition}:apprunner:{region}:{account}:connection/{name}/{id}"),
            provider: input.get("ProviderType").and_then(Value::as_str).unwrap_or_default().to_owned(),
            available: false,
            created_at: ctx.now,
            number: self.next_number(),
        };
        self.put_tags(&connection.arn, input);
        let answer = json!({ "Connection": connection.shown(None) });
        self.connections.push(connection);
        Ok(answer)
    }

    pub(super) fn list_connections(&mut self, input: &Value) -> Answer {
        let name = input.get("ConnectionName").and_then(Value::as_str);
        let wanted = self.connections.iter().filter(|connection| name.is_none_or(|name| connection.name == name));
        let rows = wanted.map(|connection| (oldest_first(connection.number), connection.shown(None))).collect();
        page("ListConnections", input, 100, "ConnectionSummaryList", rows, Map::new())
    }

    pub(super) fn delete_connection(&mut self, input: &Value) -> Answer {
        let arn = input.get("ConnectionArn").and_then(Value::as_str).unwrap_or_default();
        let Some(at) = self.connections.iter().position(|connection| connection.arn == arn) else {
            return Err(missing("DeleteConnection", WHAT, arn));
        };
        if self.services.values().any(|s| !s.is_deleted() && s.shown.connection_arn() == Some(arn)) {
            return Err(invalid_request(format!("Connection {arn} is in use by a service and can't be deleted.")));
        }
        let connection = self.connections.remove(at);
        self.tags.remove(arn);
        Ok(json!({ "Connection": connection.shown(Some("DELETED")) }))
    }

    /// Whether a service can be created with the connection.
    pub(super) fn check_connection(&self, operation: &str, arn: &str) -> Result<(), ApiError> {
        match self.connections.iter().find(|connection| connection.arn == arn) {
            None => Err(missing(operation, WHAT, arn)),
            Some(connection) if !connection.available => Err(invalid_request(format!(
                "Connection {arn} is not in status AVAILABLE. Complete its handshake in the console first."
            ))),
            Some(_) => Ok(()),
        }
    }
}
