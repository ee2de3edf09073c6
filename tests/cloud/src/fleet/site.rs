//! Where the fleet is planted: a cloud, and the state table of pitcrew on it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Caller, Place};
use crate::cloud::{Cloud, Stuck};
use crate::gateway::lock;
use crate::stage::Stage;

/// Why the fleet cannot be planted.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    #[error("{service}:{operation} failed: {code}: {message} (asked with {input})")]
    Call { service: String, operation: String, code: String, message: String, input: String },
    #[error("the fleet has nothing that is called `{0}`, or AWS did not answer with its id")]
    Unknown(String),
    #[error("the cloud's clock is stuck")]
    Stuck(#[from] Stuck),
    #[error("a fault of the fleet is none")]
    Fault(#[from] serde_json::Error),
}

/// A cloud, and the state table on it.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub cloud: &'a Cloud,
    /// The name of the table that holds what pitcrew remembers.
    pub table: &'a str,
    /// A topic that alarms tell.
    pub topic: &'a str,
}

impl<'a> Site<'a> {
    /// The site of a whole stage.
    pub fn of(stage: &'a Stage) -> Self {
        Self { cloud: &stage.cloud, table: stage.output("TableName"), topic: stage.output("TopicArn") }
    }

    /// One call as the operator.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, FleetError> {
        let answer = {
            let mut world = lock(self.cloud.world());
            let request_id = world.ids.uuid();
            let call = Call {
                service: service.to_owned(),
                operation: operation.to_owned(),
                input: input.clone(),
                caller: Caller::Operator,
                request_id,
            };
            world.call(&call)
        };
        answered(service, operation, &input, answer)
    }

    /// One internal call: what the world outside does.
    ///
    /// # Errors
    /// What the service answers.
    pub fn internal(&self, service: &str, operation: &str, input: Value) -> Result<Value, FleetError> {
        let answer = lock(self.cloud.world()).internal(service, operation, input.clone());
        answered(service, operation, &input, answer)
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn minutes(&self, minutes: u64) -> Result<(), FleetError> {
        self.cloud.advance(Duration::from_secs(minutes * 60)).await?;
        Ok(())
    }

    pub fn now(&self) -> Timestamp {
        lock(self.cloud.world()).now
    }

    /// So many hours ago, as the wire writes it.
    pub fn hours_ago(&self, hours: i64) -> String {
        (self.now() - SignedDuration::from_hours(hours)).to_string()
    }

    pub fn place(&self) -> Place {
        lock(self.cloud.world()).place.clone()
    }

    /// From now on no event reaches a rule.
    pub(super) fn lose_events(&self) -> Result<(), FleetError> {
        let lost = serde_json::from_value(json!({"event": "*", "times": u32::MAX, "do": {"kind": "drop"}}))?;
        lock(self.cloud.world()).faults.order(lost);
        Ok(())
    }

    /// Requests a minute that a service gets.
    pub(super) fn traffic(&self, service: &str, a_minute: f64) {
        lock(self.cloud.world()).outside.traffic.insert(service.to_owned(), a_minute);
    }

    /// A row of the state table, as plain JSON.
    pub(super) fn row(&self, row: &Value) -> Result<(), FleetError> {
        let item = attribute(row)["M"].clone();
        self.call("dynamodb", "PutItem", json!({"TableName": self.table, "Item": item})).map(|_| ())
    }
}

fn answered(service: &str, operation: &str, input: &Value, answer: Answer) -> Result<Value, FleetError> {
    answer.map_err(|error| FleetError::Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        code: error.code,
        message: error.message,
        input: input.to_string(),
    })
}

/// Plain JSON as an attribute of DynamoDB.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(is) => json!({"BOOL": is}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(items) => json!({"L": items.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), attribute(value)));
            json!({"M": members.collect::<serde_json::Map<_, _>>()})
        }
    }
}
