//! A small cloud with nothing in it but App Runner, the ACM that it asks for certificates, and a DNS that the test writes.
//! Its clock moves by the test only.

mod auto;
mod certificates;
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

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::acm::Acm;
use crate::acm::names::plain;
use crate::call::{Answer, Call, Caller, Ctx, Ids, Place, Service};
use crate::effect::Effect;
use crate::outside::{Behaviour, Image, Outside};
use crate::switches::Switches;

use super::AppRunner;

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/access";
pub(super) const REPOSITORY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop";

pub(super) struct Cloud {
    pub(super) apprunner: AppRunner,
    pub(super) acm: Acm,
    /// CNAME and CAA records by name and type; a name that is missing has none.
    pub(super) zone: BTreeMap<(String, String), Vec<String>>,
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
            acm: Acm::new(),
            zone: BTreeMap::new(),
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

    fn act<T>(&mut self, act: impl FnOnce(&mut AppRunner, &mut Acm, &mut Ctx<'_>) -> T) -> T {
        let mut effects = Vec::new();
        let mut ctx = Ctx {
            now: self.now,
            place: &self.place,
            ids: &mut self.ids,
            effects: &mut effects,
            outside: &mut self.outside,
            switches: &self.switches,
        };
        let result = act(&mut self.apprunner, &mut self.acm, &mut ctx);
        for effect in effects {
            self.pass_on(&effect);
            self.caused.push((self.now, effect));
        }
        result
    }

    /// Carries what one service tells the other, and answers what ACM asks the DNS.
    fn pass_on(&mut self, effect: &Effect) {
        match effect {
            // EC2 is no part of this rig; `ec2/tests/network.rs` has the two together.
            Effect::Tell { service, .. } if service == "ec2" => {}
            Effect::Tell { service, operation, input } => {
                self.inside(service, operation, input.clone()).unwrap_or_else(|e| panic!("{operation} {input}: {e:?}"));
            }
            Effect::Resolve(lookup) => {
                let answers = self.zone.get(&(plain(&lookup.name), lookup.kind.clone()));
                let rcode = if answers.is_some() { "NOERROR" } else { "NXDOMAIN" };
                let input = json!({
                    "Token": lookup.token, "Name": lookup.name, "Type": lookup.kind, "Rcode": rcode,
                    "Answers": answers.cloned().unwrap_or_default(),
                });
                self.inside(&lookup.service.clone(), "_Resolved", input).unwrap();
            }
            _ => {}
        }
    }

    /// A call of AWS's own.
    pub(super) fn inside(&mut self, service: &str, operation: &str, input: Value) -> Answer {
        let call = Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            input,
            caller: Caller::Aws("test"),
            request_id: "request-1".to_owned(),
        };
        self.act(|apprunner, acm, ctx| match call.service.as_str() {
            "acm" => acm.call(ctx, &call),
            _ => apprunner.call(ctx, &call),
        })
    }

    pub(super) fn call_as(&mut self, caller: Caller, operation: &str, input: Value) -> Answer {
        let call = Call {
            service: "apprunner".to_owned(),
            operation: operation.to_owned(),
            input,
            caller,
            request_id: "request-1".to_owned(),
        };
        self.act(|apprunner, _, ctx| apprunner.call(ctx, &call))
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
        self.act(|apprunner, acm, ctx| {
            apprunner.tick(ctx);
            acm.tick(ctx);
        });
    }

    fn jump_to(&mut self, due: Timestamp) {
        assert!(due >= self.now, "a timer lies in the past");
        self.now = due;
        self.tick();
    }

    /// Jumps to App Runner's next timer; `false` when it has none. ACM does what is due on the way, and what it finds may
    /// give App Runner an earlier timer.
    pub(super) fn jump(&mut self) -> bool {
        loop {
            let Some(due) = self.apprunner.next_due() else { return false };
            match self.acm.next_due().filter(|look| *look < due) {
                Some(look) => self.jump_to(look),
                None => {
                    self.jump_to(due);
                    return true;
                }
            }
        }
    }

    /// Jumps from timer to timer until App Runner has none.
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
        loop {
            let due = self.apprunner.next_due().into_iter().chain(self.acm.next_due()).min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.jump_to(due);
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
