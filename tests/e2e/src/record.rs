//! What happened, asked of the history and of those who were told.

use jiff::{SignedDuration, Timestamp};
use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::history::Entry;
use pitcrew_cloud::slack::{Message, as_text};
use pitcrew_cloud::stage::MONDAY_MORNING;
use serde_json::{Value, json};

use crate::scene::{CANARY, FUNCTIONS, ROLLBACK, Scene};
use crate::table;

/// One invocation of a function: its entry, and the calls that it made, in order.
#[derive(Clone, Debug)]
pub struct Ran {
    pub entry: Entry,
    /// `service:Operation`.
    pub calls: Vec<String>,
}

impl Scene {
    /// Everything that happened so far.
    pub fn history(&self) -> Vec<Entry> {
        lock(self.stage.cloud.world()).history.entries().to_vec()
    }

    /// How much has happened so far: a mark for [`Scene::since`].
    pub fn mark(&self) -> u64 {
        lock(self.stage.cloud.world()).history.entries().len() as u64
    }

    /// What happened after a mark.
    pub fn since(&self, mark: u64) -> Vec<Entry> {
        lock(self.stage.cloud.world()).history.since(mark).to_vec()
    }

    /// The story so far, a line each: for the message of a failed test.
    pub fn story(&self) -> String {
        let told = |entry: &Entry| match entry.kind {
            "story" | "fault" | "denied" | "dead-letter" => Some(entry.what.to_string()),
            "event" => Some(entry.what["detail-type"].to_string()),
            "invocation" => Some(format!("{} -> {}", entry.what["cause"], entry.what["outcome"])),
            "call" if is_write(entry) => Some(format!("{} -> {}", name_of(entry), entry.what["outcome"])),
            _ => None,
        };
        let lines = self.history().into_iter().filter_map(|entry| {
            let line = told(&entry)?.chars().take(300).collect::<String>();
            Some(format!("{} {:<11} {:<16} {line}\n", entry.at, entry.kind, entry.who))
        });
        let lines: Vec<String> = lines.collect();
        lines[lines.len().saturating_sub(120)..].concat()
    }

    /// App Runner's writes by pitcrew that were accepted: the calls' inputs with their operation.
    pub fn writes(&self) -> Vec<Value> {
        let accepted = |entry: &Entry| is_write(entry) && entry.what["outcome"]["ok"].is_object();
        let write = |entry: Entry| json!({"operation": entry.what["operation"], "input": entry.what["input"]});
        self.history().into_iter().filter(accepted).map(write).collect()
    }

    /// App Runner's writes by pitcrew, whether they were accepted, refused or lost.
    pub fn tries(&self) -> usize {
        self.history().iter().filter(|entry| is_write(entry)).count()
    }

    /// The updates of the service that App Runner really began because of pitcrew, whether it heard of them or not.
    pub fn writes_that_took_effect(&self) -> usize {
        let took = |entry: &&Entry| {
            let fate = entry.what["fate"]["kind"].as_str();
            is_write(entry) && entry.what["outcome"]["ok"].is_object() && fate != Some("kill-before")
        };
        self.history().iter().filter(took).count()
    }

    /// How many calls and events met an ordered fault.
    pub fn faults_struck(&self) -> usize {
        self.history().iter().filter(|entry| entry.kind == "fault" && entry.what["do"].is_object()).count()
    }

    /// The invocations of a function after a mark, each with its own calls. Only where the stage runs them one by one.
    pub fn ran(&self, function: &str, mark: u64) -> Vec<Ran> {
        let mut ran = Vec::new();
        let mut calls = Vec::new();
        for entry in self.since(mark) {
            if entry.who != function {
                continue;
            }
            match entry.kind {
                "call" => calls.push(name_of(&entry)),
                "invocation" => ran.push(Ran { entry, calls: std::mem::take(&mut calls) }),
                _ => {}
            }
        }
        ran
    }

    /// The notices that were published to the topic, as programs get them, oldest first. Those of a burst one by one.
    pub fn notices(&self) -> Vec<Value> {
        let topic = self.stage.output("TopicArn").to_owned();
        let published = self.internal("sns", "_Messages", json!({"TopicArn": topic}));
        let mut notices = Vec::new();
        for message in published["Messages"].as_array().into_iter().flatten() {
            // An alarm on pitcrew itself publishes plain text.
            if message["MessageStructure"] != "json" {
                continue;
            }
            let by_protocol: Value = serde_json::from_str(message["Message"].as_str().unwrap_or_default()).unwrap();
            let body: Value = serde_json::from_str(by_protocol["sqs"].as_str().expect("a body for programs")).unwrap();
            match body["notices"].as_array() {
                Some(burst) => notices.extend(burst.iter().cloned()),
                None => notices.push(body),
            }
        }
        notices
    }

    /// The kinds of the published notices, oldest first.
    pub fn told(&self) -> Vec<String> {
        self.notices().iter().map(|notice| notice["kind"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// How many notices of a kind were published.
    pub fn told_of(&self, kind: &str) -> usize {
        self.told().iter().filter(|told| *told == kind).count()
    }

    /// The only notice of a kind.
    pub fn notice(&self, kind: &str) -> Value {
        let all: Vec<Value> = self.notices().into_iter().filter(|notice| notice["kind"] == kind).collect();
        assert_eq!(all.len(), 1, "one notice of kind {kind}, but these were told: {:?}\n{}", self.told(), self.story());
        all[0].clone()
    }

    /// The alarms on pitcrew itself that rang after its first sweep (before it, the two that miss sweeps ring: they treat
    /// missing data as breaching, and a new stack has none).
    pub fn rang_about_pitcrew(&self) -> Vec<String> {
        let published = self.internal("sns", "_Messages", json!({"TopicArn": self.stage.output("TopicArn")}));
        let rows = published["Messages"].as_array().into_iter().flatten();
        let rings = rows.filter(|message| {
            let at: Timestamp = message["At"].as_str().unwrap_or_default().parse().unwrap();
            let begun = at.duration_since(MONDAY_MORNING) > SignedDuration::from_mins(6);
            begun && message["Subject"].as_str().is_some_and(|subject| subject.starts_with("ALARM:"))
        });
        rings.map(|message| message["Subject"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Slack's messages as a person sees them now, oldest first, in one line each.
    pub fn slack(&self) -> Vec<String> {
        let drawn =
            |message: &Message| as_text(message).replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        self.stage.slack.messages().iter().map(drawn).collect()
    }

    /// The refused inputs that are kept.
    pub fn quarantined(&self) -> Vec<Value> {
        let rows = table::rows(self, "DOOR#eu-west-1");
        rows.into_iter().filter(|row| row["sk"].as_str().is_some_and(|sk| sk.starts_with("QUARANTINE#"))).collect()
    }

    /// Messages in the queue behind an output of the template, seen or unseen.
    pub fn queued(&self, output: &str) -> usize {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let input = json!({"QueueUrl": self.stage.output(output), "AttributeNames": names});
        let answer = self.internal("sqs", "GetQueueAttributes", input);
        names.iter().map(|name| answer["Attributes"][name].as_str().unwrap_or("0").parse::<usize>().unwrap()).sum()
    }

    /// What must be so at the end of every story, whatever its faults: no call was denied, no input was lost, no answer of
    /// the cloud was malformed, and no value of an environment got out.
    pub fn check_clean(&self) {
        let history = self.history();
        let denied: Vec<Value> =
            history.iter().filter(|entry| entry.kind == "denied").map(|e| e.what.clone()).collect();
        assert!(denied.is_empty(), "denied calls: {denied:#?}");
        for output in ["BusDeadLetterQueueUrl", "FailureQueueUrl"] {
            assert_eq!(self.queued(output), 0, "{output} holds something\n{}", self.story());
        }
        // An event that was ordered to get lost is the world's doing, and no fault of its own.
        let own_fault = |entry: &&Entry| {
            let by_itself = matches!(entry.who.as_str(), "world" | "gateway" | "clock");
            entry.kind == "fault" && by_itself && entry.what["lost-event"].is_null()
        };
        assert_eq!(history.iter().find(own_fault), None, "a fault of the cloud itself");
        let unread: Vec<Value> = table::all(self).into_iter().filter(|row| row["open_pk"] == "QUARANTINED").collect();
        assert!(unread.is_empty(), "rows that notify could not read: {unread:#?}");
        let logs: String = FUNCTIONS.map(|function| self.log_of(function)).concat();
        let told = format!("{:?}{:?}{:?}{logs}", table::all(self), self.notices(), self.slack());
        assert!(!told.contains(CANARY), "a value of the environment got out");
    }

    /// The same, and no invocation failed and no retry was needed: for stories without faults.
    pub fn check_calm(&self) {
        self.check_clean();
        let failed = |entry: &&Entry| entry.kind == "invocation" && entry.what["outcome"]["error"].is_string();
        let history = self.history();
        assert_eq!(history.iter().find(failed), None, "a failed invocation");
        assert_eq!(self.rang_about_pitcrew(), Vec::<String>::new());
    }

    /// Everything that a function wrote to its log.
    pub fn log_of(&self, function: &str) -> String {
        let group = format!("/aws/lambda/{function}");
        let mut lines = String::new();
        let mut next = Value::Null;
        // A page holds at most 10,000 lines; a story of some hours has fewer than a hundred thousand.
        for _ in 0..10 {
            let mut input = json!({"logGroupName": group});
            if next.is_string() {
                input["nextToken"] = next;
            }
            let page = self.internal("logs", "FilterLogEvents", input);
            for event in page["events"].as_array().into_iter().flatten() {
                lines.push_str(event["message"].as_str().unwrap_or_default());
                lines.push('\n');
            }
            next = page["nextToken"].clone();
            if next.is_null() {
                return lines;
            }
        }
        panic!("the log of {function} is longer than it can be");
    }

    /// The sum of one of the functions' own metrics over all its dimension sets with this function.
    pub fn counted(&self, function: &str, metric: &str) -> u64 {
        let mut sum = 0.0;
        for line in self.log_of(function).lines().filter(|line| line.contains("CloudWatchMetrics")) {
            let line: Value = serde_json::from_str(line).expect("an embedded metric is JSON");
            sum += line[metric].as_f64().unwrap_or_default();
        }
        sum as u64
    }
}

/// `service:Operation` of a call.
fn name_of(entry: &Entry) -> String {
    let text = |member: &str| entry.what[member].as_str().unwrap_or_default().to_owned();
    format!("{}:{}", text("service"), text("operation"))
}

/// A write to App Runner by the rollback function.
fn is_write(entry: &Entry) -> bool {
    let operation = entry.what["operation"].as_str().unwrap_or_default();
    let reads = ["Describe", "List"].iter().any(|prefix| operation.starts_with(prefix));
    entry.kind == "call" && entry.who == ROLLBACK && entry.what["service"] == "apprunner" && !reads
}
