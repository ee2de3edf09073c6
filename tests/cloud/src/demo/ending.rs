//! What became of a story: read from the cloud itself, not from what anybody said.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::DemoError;
use super::stories::Story;
use crate::gateway::lock;
use crate::history::Entry;
use crate::slack::{Message, as_text};
use crate::stage::{STACK, Stage};

/// A value of the operator's environment that must never leave App Runner.
const CANARY: &str = "canary-5e1f";
/// The beginnings of the names of calls that change nothing.
const READS: [&str; 5] = ["Describe", "List", "Get", "BatchGet", "_"];

/// The end of one story.
#[derive(Debug)]
pub struct Ending {
    pub began: Timestamp,
    pub ended: Timestamp,
    /// The history of the story, without its preparation.
    pub history: Vec<Entry>,
    pub slack: Vec<Message>,
    /// Oldest first, of the story only.
    pub receipts: Vec<Value>,
    /// What else people see, line by line.
    pub shown: Vec<String>,
    /// The page of a report, where the story has one.
    pub page: Option<Vec<u8>>,
    /// What was expected, and whether it is so.
    pub expectations: Vec<(String, bool)>,
}

impl Ending {
    pub(super) fn read(stage: &Stage, from: u64, began: Timestamp) -> Result<Self, DemoError> {
        let rows = rows(stage)?;
        let world = lock(stage.cloud.world());
        let history = world.history.since(from).to_vec();
        let mut receipts: Vec<Value> = rows.iter().filter(|row| is_receipt(row, began)).cloned().collect();
        receipts.sort_by_key(|row| row["at"].as_str().unwrap_or_default().to_owned());
        let slack = stage.slack.messages().into_iter().filter(|message| message.posted_at >= began).collect();
        let mut ending = Self {
            began,
            ended: world.now,
            history,
            slack,
            receipts,
            shown: Vec::new(),
            page: None,
            expectations: Vec::new(),
        };
        let denied = world.policies.denied().len();
        drop(world);
        ending.expect("no call was denied by a role's policy", denied == 0);
        ending.expect("nothing lies in a dead-letter queue", dead_letters(stage)? == 0);
        let kept = format!("{rows:?}{:?}", ending.slack);
        ending.expect("no value of the environment is in the table or in Slack", !kept.contains(CANARY));
        Ok(ending)
    }

    /// Notes something that must be so.
    pub fn expect(&mut self, what: &str, so: bool) {
        self.expectations.push((what.to_owned(), so));
    }

    /// Whether everything is as it must be.
    pub fn right(&self) -> bool {
        self.expectations.iter().all(|(_, so)| *so)
    }

    /// Whether a message in Slack shows this text.
    pub fn slack_says(&self, text: &str) -> bool {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        // A drawn message breaks its lines inside a frame.
        let drawn = |message: &Message| words(&as_text(message).replace('│', " "));
        self.slack.iter().any(|message| drawn(message).contains(&words(text)))
    }

    /// The history as JSON lines, each with the story's name, and the receipts after it.
    pub fn history_lines(&self, story: Story) -> String {
        let name = story.name();
        let entries = self.history.iter().map(|entry| {
            let mut line = json!(entry);
            line["story"] = json!(name);
            format!("{line}\n")
        });
        let receipts =
            self.receipts.iter().map(|row| format!("{}\n", json!({"story": name, "kind": "receipt", "what": row})));
        let notices = self.slack.iter().map(|message| {
            format!("{}\n", json!({"story": name, "kind": "notice", "at": message.posted_at, "what": message}))
        });
        entries.chain(notices).chain(receipts).collect()
    }
}

fn is_receipt(row: &Value, began: Timestamp) -> bool {
    let at = row["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    row["sk"].as_str().is_some_and(|sk| sk.starts_with("RECEIPT#")) && at.is_some_and(|at| at >= began)
}

/// The accepted writes of one function to one service: the names of the operations, in order.
pub fn writes<'a>(history: &'a [Entry], function: &str, service: &str) -> Vec<&'a str> {
    let function = format!("{STACK}-{function}");
    let accepted = history.iter().filter(|entry| {
        let operation = entry.what["operation"].as_str().unwrap_or_default();
        entry.kind == "call"
            && entry.who == function
            && entry.what["service"] == service
            && entry.what["outcome"]["ok"].is_object()
            && !READS.iter().any(|prefix| operation.starts_with(prefix))
    });
    accepted.filter_map(|entry| entry.what["operation"].as_str()).collect()
}

/// All rows of the table, as plain JSON, by partition and sort key.
pub fn rows(stage: &Stage) -> Result<Vec<Value>, DemoError> {
    let mut rows: Vec<Value> = Vec::new();
    let mut input = json!({"TableName": stage.output("TableName"), "ConsistentRead": true});
    loop {
        let answer = stage.internal("dynamodb", "Scan", input.clone())?;
        rows.extend(answer["Items"].as_array().into_iter().flatten().map(plain_item));
        match answer.get("LastEvaluatedKey").filter(|key| key.is_object()) {
            Some(key) => input["ExclusiveStartKey"] = key.clone(),
            None => break,
        }
    }
    let key = |row: &Value| [&row["pk"], &row["sk"]].map(|key| key.as_str().unwrap_or_default().to_owned());
    rows.sort_by_key(key);
    Ok(rows)
}

fn plain_item(item: &Value) -> Value {
    let members = item.as_object().into_iter().flatten();
    Value::Object(members.map(|(name, value)| (name.clone(), plain(value))).collect())
}

/// A DynamoDB attribute as plain JSON.
fn plain(attribute: &Value) -> Value {
    let Some((kind, value)) = attribute.as_object().and_then(|object| object.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "S" | "BOOL" => value.clone(),
        "N" => value.as_str().and_then(|number| number.parse().ok()).unwrap_or(Value::Null),
        "L" => value.as_array().into_iter().flatten().map(plain).collect(),
        "M" => plain_item(value),
        _ => Value::Null,
    }
}

fn dead_letters(stage: &Stage) -> Result<usize, DemoError> {
    let mut waiting = 0;
    for output in ["BusDeadLetterQueueUrl", "FailureQueueUrl"] {
        let input = json!({"QueueUrl": stage.output(output), "AttributeNames": ["ApproximateNumberOfMessages"]});
        let answer = stage.internal("sqs", "GetQueueAttributes", input)?;
        let count =
            answer["Attributes"]["ApproximateNumberOfMessages"].as_str().and_then(|count| count.parse::<usize>().ok());
        waiting += count.unwrap_or(0);
    }
    Ok(waiting)
}
