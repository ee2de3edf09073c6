//! A local cloud in this process, and the clients of an audit before it.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use pitcrew_aws::connect::sdk_config_at;
use pitcrew_aws::error::AwsError;
use pitcrew_aws::route53::ZoneSettings;
use pitcrew_cloud::call::Place as CloudPlace;
use pitcrew_cloud::cloud::Cloud;
use pitcrew_cloud::faults::Fault;
use pitcrew_cloud::gateway::{OPERATOR_KEY, Server, lock};
use pitcrew_cloud::services;
use pitcrew_cloud::switches::Switches;
use pitcrew_core::audit::facts::{Place, Policy};
use pitcrew_core::audit::{Fleet, Part, ServiceFacts};
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::domain::Settings as DomainSettings;
use pitcrew_fleet::clients::{FleetClients, FleetPlaces};
use pitcrew_fleet::walk::{Cursor, Progress, WalkSettings, Walked, walk};
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "123456789012";

pub struct Rig {
    pub cloud: Cloud,
    server: Server,
    pub clients: FleetClients,
}

impl Rig {
    pub async fn set() -> Self {
        // A clock that is hours away would make the SDK try refusals again: it takes them for those of a wrong signature.
        Self::set_with(SignedDuration::ZERO, Switches::default()).await
    }

    /// The same, of a cloud whose clock is so far ahead of this machine's.
    pub async fn set_with(ahead: SignedDuration, switches: Switches) -> Self {
        let place = CloudPlace { partition: "aws".into(), region: REGION.into(), account: ACCOUNT.into() };
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap() + ahead;
        let cloud = Cloud::in_order(services::world(place, now, switches));
        let (server, _) = cloud.listen(0).await.unwrap();
        let config = sdk_config_at(&server.endpoint(), REGION, OPERATOR_KEY, "not checked");
        let place = Place { partition: "aws".into(), account: ACCOUNT.into(), region: REGION.into() };
        let resolver = Some(cloud.dns().await.unwrap());
        let places = FleetPlaces { place, table: None, zones: ZoneSettings::default(), resolver, tls_port: None };
        Self { clients: FleetClients::new(&config, places), cloud, server }
    }

    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    pub fn call(&self, service: &str, operation: &str, input: Value) -> Value {
        lock(self.cloud.world()).internal(service, operation, input).unwrap()
    }

    /// A service that is being made, which is enough for the walk; its answer.
    pub fn create(&self, name: &str) -> Value {
        self.create_with(name, json!({}))
    }

    /// The same, with more members of the call.
    pub fn create_with(&self, name: &str, more: Value) -> Value {
        let image = json!({"ImageIdentifier": "public.ecr.aws/shop/web:v1", "ImageRepositoryType": "ECR_PUBLIC"});
        let source = json!({"ImageRepository": image, "AutoDeploymentsEnabled": false});
        let mut input = json!({"ServiceName": name, "SourceConfiguration": source});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call("apprunner", "CreateService", input)["Service"].clone()
    }

    /// So many services; their names, in order.
    pub fn plant(&self, count: usize) -> Vec<String> {
        self.call("apprunner", "_Quota", json!({"Services": count + 10}));
        let names: Vec<String> = (0..count).map(|number| format!("shop-{number:03}")).collect();
        for name in &names {
            self.create(name);
        }
        names
    }

    /// How often the walk made this call.
    pub fn calls(&self, service: &str, operation: &str) -> usize {
        let world = lock(self.cloud.world());
        let is = |what: &Value| what["service"] == service && what["operation"] == operation;
        world.history.entries().iter().filter(|entry| entry.kind == "call" && is(&entry.what)).count()
    }

    pub fn fault(&self, fault: Value) {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        lock(self.cloud.world()).faults.order(fault);
    }

    /// Lets the cloud's time pass, where nobody can wait for it.
    pub fn let_time_pass(&self, seconds: i64) {
        let mut world = lock(self.cloud.world());
        let until = world.now + SignedDuration::from_secs(seconds);
        while let Some(due) = world.next_due().filter(|due| *due <= until) {
            world.advance_to(due);
        }
        world.advance_to(until);
    }

    /// Walks alone, with the names of the services that were handed on.
    pub async fn walk(&self, settings: &WalkSettings, cursor: Cursor) -> (Walked, Vec<String>) {
        self.walk_while(settings, cursor, |_| {}).await
    }

    /// The same, while something happens at some point of it.
    pub async fn walk_while(
        &self,
        settings: &WalkSettings,
        cursor: Cursor,
        mut happens: impl FnMut(&Progress) + Send,
    ) -> (Walked, Vec<String>) {
        let mut taken = Vec::new();
        let mut each = |_: &Fleet, facts: &ServiceFacts| taken.push(facts.arn.name().to_owned());
        let walked = Box::pin(walk(&self.clients, settings, cursor, &mut each, &mut happens)).await.unwrap();
        (walked, taken)
    }

    /// Why a walk fails.
    pub async fn fails(&self) -> AwsError {
        let (mut each, mut tell) = (|_: &Fleet, _: &ServiceFacts| {}, |_: &Progress| {});
        Box::pin(walk(&self.clients, &settings(), Cursor::default(), &mut each, &mut tell)).await.unwrap_err()
    }
}

/// One service after the other, so that a fault strikes the one that it is meant for.
pub fn settings() -> WalkSettings {
    WalkSettings {
        policy: Policy::default(),
        domains: DomainSettings {
            autonomy: Autonomy::Observe,
            remove: false,
            region: REGION.to_owned(),
            certificates: false,
        },
        rules: Vec::new(),
        concurrent: 1,
        calls_max: None,
        until: SystemTime::now() + Duration::from_secs(600),
        only: Vec::new(),
    }
}

/// Fails the description of the service at this place of the order.
pub fn failing(at: usize, code: &str) -> Value {
    let error = json!({"kind": "error", "code": code, "status": 400, "message": "no"});
    json!({"on": "apprunner:DescribeService", "skip": at, "times": 1, "do": error})
}

/// The rules' findings and what they did not check about this rule.
pub fn of_rule(part: &Part, rule: &str) -> (usize, Vec<String>) {
    let unchecked = part.not_checked.iter().filter(|entry| entry.rule == rule).map(|entry| entry.why.clone());
    (part.findings.iter().filter(|finding| finding.rule == rule).count(), unchecked.collect())
}
