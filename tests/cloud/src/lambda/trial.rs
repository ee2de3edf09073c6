//! What the tests of Lambda and the bus share: a world with a small queue service, and functions that never run.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{AccessKey, Function, FunctionError, Invocation, LogFormat, Outcome, finish, step};
use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::switches::Switches;
use crate::world::{Work, World};

/// A queue service with just what Lambda and the bus use of it.
#[derive(Default)]
pub struct Queues {
    /// By queue name: visible from, id, body.
    pub messages: BTreeMap<String, Vec<(i64, String, String, Value)>>,
}

impl Queues {
    pub fn with(names: &[&str]) -> Self {
        Self { messages: names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect() }
    }
}

fn last(text: &str, by: char) -> &str {
    text.rsplit(by).next().unwrap_or_default()
}

impl Service for Queues {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let name = match call.operation.as_str() {
            "GetQueueUrl" => call.text("QueueName").to_owned(),
            "_Deliver" | "_NextVisible" => last(call.text("QueueArn"), ':').to_owned(),
            _ => last(call.text("QueueUrl"), '/').to_owned(),
        };
        let now = ctx.now.as_second();
        let Some(messages) = self.messages.get_mut(&name) else {
            return Err(ApiError::client("QueueDoesNotExist", name));
        };
        match call.operation.as_str() {
            "GetQueueUrl" => Ok(json!({"QueueUrl": format!("http://localhost/{name}")})),
            "_NextVisible" => Ok(json!({"at": messages.iter().map(|message| message.0).min()})),
            "_Deliver" => {
                messages.push((now, ctx.ids.uuid(), call.text("Body").to_owned(), call.input["Attributes"].clone()));
                Ok(json!({}))
            }
            "ReceiveMessage" => {
                let most = call.input["MaxNumberOfMessages"].as_u64().unwrap_or(1) as usize;
                let visible = messages.iter_mut().filter(|message| message.0 <= now).take(most);
                let shown: Vec<Value> = visible
                    .map(|message| {
                        message.0 = now + 30;
                        json!({"MessageId": message.1, "ReceiptHandle": message.1, "Body": message.2, "Attributes": {}})
                    })
                    .collect();
                Ok(json!({"Messages": shown}))
            }
            "DeleteMessage" => {
                messages.retain(|message| message.1 != call.text("ReceiptHandle"));
                Ok(json!({}))
            }
            // What a test reads: everything in the queue.
            "_All" => {
                Ok(json!(messages.iter().map(|(_, _, body, attributes)| json!([body, attributes])).collect::<Vec<_>>()))
            }
            other => Err(ApiError::client("InvalidAction", other)),
        }
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let name = last(call.text("QueueUrl"), '/');
        let arn = format!("arn:aws:sqs:{}:{}:{name}", place.region, place.account);
        vec![Need::new(format!("sqs:{}", call.operation), arn)]
    }
}

pub const EPOCH: &str = "2026-01-01T00:00:00Z";

pub fn place() -> Place {
    Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() }
}

pub fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:123456789012:{rest}")
}

/// A function named `f` and the queues `dead`, `failures` and `wake`.
pub fn world() -> World {
    let queues = Queues::with(&["dead", "failures", "wake"]);
    let mut world = World::new(place(), EPOCH.parse().unwrap(), Switches::default()).with("sqs", queues);
    world.lambda.put_function(function("f"));
    for role in ["f", "scheduler"] {
        allow(&mut world, role, "*");
    }
    world
}

/// Gives a role one statement and nothing else.
pub fn allow(world: &mut World, role: &str, action: &str) {
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]});
    world.policies.set(&format!("arn:aws:iam::123456789012:role/{role}"), "p", vec![document]).unwrap();
}

pub fn function(name: &str) -> Function {
    Function {
        name: name.into(),
        arn: arn("lambda", &format!("function:{name}")),
        role_arn: format!("arn:aws:iam::123456789012:role/{name}"),
        handler: "bootstrap".into(),
        environment: BTreeMap::new(),
        timeout_secs: 3,
        memory_mb: 128,
        reserved_concurrency: None,
        log_group: format!("/aws/lambda/{name}"),
        log_format: LogFormat::Text,
        binary: "/nonexistent".into(),
        access_key: AccessKey { id: "AKIATEST".into(), secret: "secret".into(), session_token: None },
        dead_letter_arn: None,
    }
}

pub fn outcome(result: Result<Value, &str>) -> Outcome {
    let result = result.map_err(|message| FunctionError::of_runtime("Trouble", message.to_owned()));
    Outcome {
        result,
        log_stream: "s".into(),
        lines: Vec::new(),
        duration_ms: 1.0,
        init_ms: None,
        memory_mb: None,
        sandbox_lost: false,
    }
}

/// Steps once; the invocations that a driver would run now.
pub fn invocations(world: &mut World) -> Vec<Invocation> {
    let work = step(world).into_iter();
    work.filter_map(|work| if let Work::Invoke(invocation) = work { Some(invocation) } else { None }).collect()
}

/// Runs all that is due until `secs` have passed, answering each invocation; gives (second, payload) of each run.
pub fn run(world: &mut World, secs: i64, mut answer: impl FnMut(&Invocation) -> Outcome) -> Vec<(i64, Value)> {
    let start: Timestamp = world.now;
    let end = start + SignedDuration::from_secs(secs);
    let mut runs = Vec::new();
    loop {
        let due = invocations(world);
        for invocation in &due {
            runs.push((world.now.duration_since(start).as_secs(), invocation.payload.clone()));
            let outcome = answer(invocation);
            finish::finish(world, invocation, outcome);
        }
        if !due.is_empty() {
            continue;
        }
        let next = world.next_due().filter(|next| *next <= end);
        match next {
            Some(next) if next > world.now => world.advance_to(next),
            Some(_) => panic!("time stands still at {}", world.now),
            None => break,
        }
    }
    world.advance_to(end);
    runs
}

/// All of a queue: (body, attributes).
pub fn queue(world: &mut World, name: &str) -> Vec<(Value, Value)> {
    let url = json!({"QueueUrl": format!("http://localhost/{name}")});
    let all = world.internal("sqs", "_All", url).unwrap();
    let parse = |body: &Value| serde_json::from_str(body.as_str().unwrap()).unwrap_or_else(|_| body.clone());
    all.as_array().unwrap().iter().map(|message| (parse(&message[0]), message[1].clone())).collect()
}
