//! A small cloud with nothing in it but App Runner, on a clock that only the test moves.

mod auto;
mod domains;
mod guards;
mod lists;
mod messages;
mod outcomes;
mod policy;
mod properties;
mod resources;
mod switches;
mod traffic;
mod updates;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Caller, Ctx, Ids, Place, Service};
use crate::effect::Effect;
use crate::outside::{Behaviour, Image, Outside};
use crate::switches::Switches;

use super::AppRunner;

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/access";
pub(super) const REPOSITORY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop";

pub(super) struct Cloud {
    pub(super) apprunner: AppRunner,
    pub(super) now: Timestamp,
    pub(super) outside: Outside,
    pub(super) switches: Switches,
    place: Place,
    ids: Ids,
    /// Everything caused so far, with its moment.
    pub(super) caused: Vec<(Timestamp, Effect)>,
}

impl Cloud {
    pub(super) fn new() -> Self {
        Self::with(Switches::default())
    }

    pub(super) fn with(switches: Switches) -> Self {
        Self {
            apprunner: AppRunner::new(),
            now: "2026-11-21T07:00:00Z".parse().unwrap(),
            outside: Outside::default(),
            switches,
            place: Place {
                partition: "aws".to_owned(),
                region: "eu-west-1".to_owned(),
                account: "123456789012".to_owned(),
            },
            ids: Ids::default(),
            caused: Vec::new(),
        }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut AppRunner, &mut Ctx<'_>) -> T) -> T {
        let mut effects = Vec::new();
        let mut ctx = Ctx {
            now: self.now,
            place: &self.place,
            ids: &mut self.ids,
            effects: &mut effects,
            outside: &mut self.outside,
            switches: &self.switches,
        };
        let result = act(&mut self.apprunner, &mut ctx);
        self.caused.extend(effects.into_iter().map(|effect| (self.now, effect)));
        result
    }

    pub(super) fn call_as(&mut self, caller: Caller, operation: &str, input: Value) -> Answer {
        let call = Call {
            service: "apprunner".to_owned(),
            operation: operation.to_owned(),
            input,
            caller,
            request_id: "request-1".to_owned(),
        };
        self.act(|apprunner, ctx| apprunner.call(ctx, &call))
    }

    pub(super) fn call(&mut self, operation: &str, input: Value) -> Answer {
        self.call_as(Caller::Operator, operation, input)
    }

    pub(super) fn ok(&mut self, operation: &str, input: Value) -> Value {
        self.call(operation, input.clone()).unwrap_or_else(|error| panic!("{operation} {input}: {error:?}"))
    }

    /// The code and the message of the error that a call must get.
    pub(super) fn refused(&mut self, operation: &str, input: Value) -> (String, String) {
        let error = self.call(operation, input).expect_err("the call must be refused");
        assert_eq!(error.status, 400);
        (error.code, error.message)
    }

    pub(super) fn tick(&mut self) {
        self.act(|apprunner, ctx| apprunner.tick(ctx));
    }

    /// Jumps to the next timer; `false` when there is none.
    pub(super) fn jump(&mut self) -> bool {
        let Some(due) = self.apprunner.next_due() else { return false };
        assert!(due >= self.now, "a timer lies in the past");
        self.now = due;
        self.tick();
        true
    }

    /// Jumps from timer to timer until there is none.
    pub(super) fn settle(&mut self) {
        for _ in 0..1000 {
            if !self.jump() {
                return;
            }
        }
        panic!("the cloud never comes to rest");
    }

    /// Lets so much time pass, timer by timer.
    pub(super) fn pass(&mut self, secs: i64) {
        let end = self.now.checked_add(SignedDuration::from_secs(secs)).unwrap();
        while self.apprunner.next_due().is_some_and(|due| due <= end) {
            self.jump();
        }
        self.now = end;
        self.tick();
    }

    /// Puts an image that behaves so under a tag of the repository `shop`; the tag leaves the image it was on.
    pub(super) fn push(&mut self, tag: &str, digest: &str, behaviour: Behaviour) {
        self.outside.behaviours.insert(digest.to_owned(), behaviour);
        let images = &mut self.outside.repositories.entry("shop".to_owned()).or_default().images;
        for image in images.iter_mut() {
            image.tags.retain(|other| other != tag);
        }
        images.push(Image {
            digest: digest.to_owned(),
            tags: vec![tag.to_owned()],
            pushed_at: self.now.as_second(),
            size_bytes: 1,
        });
    }

    /// A running service `name` on a healthy image `sha256:good` under `shop:latest`, without auto-deployment.
    pub(super) fn running(&mut self, name: &str) -> String {
        if !self.outside.repositories.contains_key("shop") {
            self.push("latest", "sha256:good", Behaviour::default());
        }
        let answer = self.ok("CreateService", create(name));
        self.settle();
        let arn = answer["Service"]["ServiceArn"].as_str().unwrap().to_owned();
        assert_eq!(self.status(&arn), "RUNNING");
        self.caused.clear();
        arn
    }

    pub(super) fn describe(&mut self, arn: &str) -> Value {
        self.ok("DescribeService", json!({ "ServiceArn": arn }))["Service"].clone()
    }

    pub(super) fn status(&mut self, arn: &str) -> String {
        self.describe(arn)["Status"].as_str().unwrap().to_owned()
    }

    /// The newest operation: its type and status.
    pub(super) fn newest(&mut self, arn: &str) -> (String, String) {
        let list = self.ok("ListOperations", json!({ "ServiceArn": arn, "MaxResults": 1 }));
        let operation = &list["OperationSummaryList"][0];
        let text = |member: &str| operation[member].as_str().unwrap().to_owned();
        (text("Type"), text("Status"))
    }

    /// The digest that serves.
    pub(super) fn digest(&mut self, name: &str) -> Value {
        self.ok("_Running", json!({ "ServiceName": name }))["Digest"].clone()
    }

    /// The events so far, CloudTrail's left out: the detail-type's subject, and what happened.
    pub(super) fn events(&self) -> Vec<String> {
        let said = |effect: &Effect| match effect {
            Effect::Event { detail_type, detail, .. } if !detail_type.contains("CloudTrail") => {
                let code = detail.get("operationStatus").or_else(|| detail.get("currentServiceStatus"));
                Some(code.unwrap_or(&Value::Null).as_str().unwrap_or("?").to_owned())
            }
            _ => None,
        };
        self.caused.iter().filter_map(|(_, effect)| said(effect)).collect()
    }

    /// The lines of the streams whose group and stream end so.
    pub(super) fn lines(&self, group_end: &str, stream_start: &str) -> Vec<String> {
        let line = |effect: &Effect| match effect {
            Effect::Log { group, stream, message }
                if group.ends_with(group_end) && stream.starts_with(stream_start) =>
            {
                Some(message.clone())
            }
            _ => None,
        };
        self.caused.iter().filter_map(|(_, effect)| line(effect)).collect()
    }
}

pub(super) fn source(image: &str) -> Value {
    json!({
        "ImageRepository": { "ImageIdentifier": image, "ImageRepositoryType": "ECR" },
        "AutoDeploymentsEnabled": false,
        "AuthenticationConfiguration": { "AccessRoleArn": ROLE },
    })
}

pub(super) fn create(name: &str) -> Value {
    json!({ "ServiceName": name, "SourceConfiguration": source(&format!("{REPOSITORY}:latest")) })
}

pub(super) fn unhealthy() -> Behaviour {
    Behaviour { healthy: false, ..Behaviour::default() }
}

pub(super) fn crashing(exit_code: i32) -> Behaviour {
    Behaviour { exit_code: Some(exit_code), ..Behaviour::default() }
}

pub(super) fn unfetchable() -> Behaviour {
    Behaviour { pull_fails: true, ..Behaviour::default() }
}

#[test]
fn a_new_cloud_is_at_rest_and_stays_so() {
    let mut cloud = Cloud::new();
    cloud.tick();
    assert!(!cloud.jump());
    assert_eq!(cloud.caused, Vec::new());
    assert_eq!(cloud.ok("ListServices", json!({})), json!({ "ServiceSummaryList": [] }));
}

#[test]
fn the_same_calls_tell_the_same_story() {
    let story = || {
        let mut cloud = Cloud::new();
        let arn = cloud.running("shop-api");
        cloud.push("latest", "sha256:bad", unhealthy());
        cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
        cloud.settle();
        cloud.caused
    };
    assert_eq!(story(), story());
}

#[test]
fn a_late_tick_gives_every_step_its_own_moment() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let start = cloud.now;
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.now = start.checked_add(SignedDuration::from_hours(5)).unwrap();
    cloud.tick();
    let list = cloud.ok("ListOperations", json!({ "ServiceArn": arn, "MaxResults": 1 }));
    let operation = &list["OperationSummaryList"][0];
    assert_eq!(operation["EndedAt"].as_f64().unwrap() - operation["StartedAt"].as_f64().unwrap(), 242.0);
}
