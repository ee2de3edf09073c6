//! A set stage, and what the world outside does on it: pushes, services with alarm and traffic, faults, time.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use pitcrew_cloud::faults::Fault;
use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::outside::Behaviour;
use pitcrew_cloud::stage::{Setting, Stage};
use pitcrew_cloud::world::World;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::binaries::{binaries, binaries_with_audit};
use crate::table;

/// The access role of every service.
pub const ACCESS_ROLE: &str = "arn:aws:iam::123456789012:role/service-role/AppRunnerECRAccessRole";
/// The rollback function's name.
pub const ROLLBACK: &str = "pitcrew-rollback";
/// The notify function's name.
pub const NOTIFY: &str = "pitcrew-notify";
/// The name of the function that finishes custom domains.
pub const DOMAINS: &str = "pitcrew-domains";
/// The name of the function that keeps certificates renewing.
pub const CERTIFICATES: &str = "pitcrew-certificates";
/// The name of the function that audits the fleet.
pub const AUDIT: &str = pitcrew_cloud::stage::AUDIT;
/// The functions of an ordinary stage; each has its binary's name.
pub const FUNCTIONS: [&str; 4] = [ROLLBACK, NOTIFY, DOMAINS, CERTIFICATES];
/// A value of the environment of every service: it must never leave App Runner.
pub const CANARY: &str = "canary-5e1f";

/// How far time moves between two looks at the world.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Requests a minute that every service gets: enough for an alarm on their errors.
const TRAFFIC: f64 = 240.0;
/// Stages at one time. Each has its processes, whose time limits are real: more than these would slow each other down.
const STAGES: usize = 4;

static PLACES: Semaphore = Semaphore::const_new(STAGES);

/// A set stage.
pub struct Scene {
    pub stage: Stage,
    _place: SemaphorePermit<'static>,
}

/// A service on the stage.
#[derive(Clone, Debug)]
pub struct Shop {
    pub name: String,
    pub arn: String,
    pub id: String,
    /// The digest of its first release.
    pub good: String,
}

impl Scene {
    /// The ordinary stage: `act`, a bot in Slack, one invocation after the other.
    pub async fn set() -> Self {
        Self::set_with(|_| {}).await
    }

    /// A stage that differs from the ordinary one.
    pub async fn set_with(change: impl FnOnce(&mut Setting)) -> Self {
        Self::set_from(binaries, change).await
    }

    /// A stage with every function, that for audits among them.
    pub async fn set_with_audit(change: impl FnOnce(&mut Setting)) -> Self {
        Self::set_from(binaries_with_audit, |setting| {
            setting.left_out.clear();
            change(setting);
        })
        .await
    }

    async fn set_from(binaries: fn() -> PathBuf, change: impl FnOnce(&mut Setting)) -> Self {
        let mut setting = Setting::new(binaries());
        setting.ordered = true;
        change(&mut setting);
        Self::set_as(setting).await
    }

    /// A stage that is set exactly so.
    pub async fn set_as(setting: Setting) -> Self {
        let place = PLACES.acquire().await.expect("nobody closes the semaphore");
        Self { stage: Stage::set(setting).await.expect("the stage can be set"), _place: place }
    }

    /// One call as the operator, which must succeed.
    pub fn call(&self, service: &str, operation: &str, input: Value) -> Value {
        self.stage.call(service, operation, input).unwrap()
    }

    /// One call of the world itself, which stands in no history.
    pub fn internal(&self, service: &str, operation: &str, input: Value) -> Value {
        self.stage.internal(service, operation, input).unwrap()
    }

    /// Orders a fault: `{"on": "apprunner:UpdateService", "do": {"kind": "throttle"}}`.
    pub fn fault(&self, fault: Value) {
        let fault: Fault = serde_json::from_value(fault).expect("a fault that the cloud knows");
        lock(self.stage.cloud.world()).faults.order(fault);
    }

    /// Forgets the faults that still wait.
    pub fn no_more_faults(&self) {
        lock(self.stage.cloud.world()).faults = pitcrew_cloud::faults::Faults::default();
    }

    /// The cloud's time.
    pub fn now(&self) -> Timestamp {
        lock(self.stage.cloud.world()).now
    }

    /// Lets time pass.
    pub async fn minutes(&self, minutes: u64) {
        self.seconds(minutes * 60).await;
    }

    /// Lets time pass.
    pub async fn seconds(&self, seconds: u64) {
        self.stage.cloud.advance(Duration::from_secs(seconds)).await.expect("time can pass");
    }

    /// Lets time pass until it is so; fails with the story so far where that takes longer than these minutes.
    pub async fn until(&self, minutes: u64, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let looks = Duration::from_secs(minutes * 60).as_secs() / LOOK_EVERY.as_secs();
        for _ in 0..=looks {
            if so(self) {
                return;
            }
            self.seconds(LOOK_EVERY.as_secs()).await;
        }
        panic!("after {minutes} minutes it is not so that {what}\n{}", self.story());
    }

    /// Lets time pass to the very moment in which the service's alarm rings: nobody has been told yet.
    pub async fn until_the_alarm_rings(&self, shop: &Shop) {
        let from = lock(self.stage.cloud.world()).history.entries().len() as u64;
        let name = format!("{}-5xx", shop.name);
        let rings = |world: &World| {
            world.history.since(from).iter().any(|entry| {
                let detail = &entry.what["detail"];
                entry.kind == "event" && detail["alarmName"] == name.as_str() && detail["state"]["value"] == "ALARM"
            })
        };
        let rang = self.stage.cloud.run_until(rings, Duration::from_secs(60 * 60)).await.expect("time can pass");
        assert!(rang, "the alarm of {} rings within an hour\n{}", shop.name, self.story());
    }

    /// Ends every process of the stage.
    pub async fn strike(self) {
        self.stage.strike().await;
    }

    /// Pushes an image to a tag and says how it behaves once it runs; gives its digest.
    pub fn push(&self, repository: &str, tag: &str, behaviour: Behaviour) -> String {
        push(&mut lock(self.stage.cloud.world()), repository, Some(tag), behaviour)
    }

    /// The source configuration with which a service runs this image of its own repository.
    pub fn source(&self, name: &str, reference: &str, auto_deploy: bool) -> Value {
        source(name, reference, auto_deploy)
    }

    /// Creates a service that follows `:latest`, with traffic but without an alarm.
    pub fn unwatched(&self, name: &str) -> Shop {
        let good = self.push(name, "latest", Behaviour::default());
        lock(self.stage.cloud.world()).outside.traffic.insert(name.to_owned(), TRAFFIC);
        let health = json!({"Protocol": "HTTP", "Path": "/health", "Interval": 5, "Timeout": 2});
        let source = self.source(name, ":latest", true);
        let input = json!({"ServiceName": name, "SourceConfiguration": source, "HealthCheckConfiguration": health});
        let answer = self.call("apprunner", "CreateService", input);
        let text = |member: &str| answer["Service"][member].as_str().expect("a service has it").to_owned();
        Shop { name: name.to_owned(), arn: text("ServiceArn"), id: text("ServiceId"), good }
    }

    /// Puts an alarm on the 5xx answers of a service: two bad minutes of three.
    pub fn watch(&self, shop: &Shop) {
        let dimensions = json!([{"Name": "ServiceName", "Value": shop.name}, {"Name": "ServiceID", "Value": shop.id}]);
        let alarm = json!({
            "AlarmName": format!("{}-5xx", shop.name), "Namespace": "AWS/AppRunner", "MetricName": "5xxStatusResponses",
            "Dimensions": dimensions, "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2,
            "Threshold": 20.0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        });
        self.call("monitoring", "PutMetricAlarm", alarm);
    }

    /// Creates a service with traffic and an alarm, and lets its first release prove itself.
    pub async fn good_shop(&self, name: &str) -> Shop {
        let shop = self.unwatched(name);
        self.watch(&shop);
        self.until(60, "the first release is good", |scene| scene.verdict(&shop) == "good").await;
        shop
    }

    /// An image that passes its health check and then fails six requests of ten.
    pub fn answers_500() -> Behaviour {
        let line = "ERROR orders: relation \"cart_v2\" does not exist".to_owned();
        Behaviour { error_rate: 0.6, log_lines: vec![line], ..Behaviour::default() }
    }

    /// An image that never answers its health check.
    pub fn unhealthy() -> Behaviour {
        let line = "listening on 127.0.0.1:8080".to_owned();
        Behaviour { healthy: false, log_lines: vec![line], ..Behaviour::default() }
    }

    /// Updates a service to another image, as its owner would.
    pub fn update(&self, shop: &Shop, reference: &str) -> Value {
        let source = self.source(&shop.name, reference, false);
        self.call("apprunner", "UpdateService", json!({"ServiceArn": shop.arn, "SourceConfiguration": source}))
    }

    /// Tags a service.
    pub fn tag(&self, shop: &Shop, key: &str, value: &str) {
        let input = json!({"ResourceArn": shop.arn, "Tags": [{"Key": key, "Value": value}]});
        self.call("apprunner", "TagResource", input);
    }

    /// The digest that really serves.
    pub fn serving(&self, shop: &Shop) -> String {
        let running = self.internal("apprunner", "_Running", json!({"ServiceName": shop.name}));
        assert_eq!(running["Serving"], true, "{} serves", shop.name);
        running["Digest"].as_str().unwrap_or_default().to_owned()
    }

    /// What `DescribeService` shows.
    pub fn described(&self, shop: &Shop) -> Value {
        self.internal("apprunner", "DescribeService", json!({"ServiceArn": shop.arn}))["Service"].clone()
    }

    /// What `ListOperations` shows, newest first.
    pub fn operations(&self, shop: &Shop) -> Vec<Value> {
        let answer = self.internal("apprunner", "ListOperations", json!({"ServiceArn": shop.arn}));
        answer["OperationSummaryList"].as_array().cloned().unwrap_or_default()
    }

    /// A row of the service's memory: `RELEASES`, `INCIDENT`, `PIN`, `JUDGED`, ...; null where there is none.
    pub fn memory(&self, shop: &Shop, part: &str) -> Value {
        let rows = table::rows(self, &format!("SVC#{}", shop.arn));
        rows.into_iter().find(|row| row["sk"] == part).unwrap_or_default()
    }

    /// What is held of the release that serves; empty where none is known.
    pub fn verdict(&self, shop: &Shop) -> String {
        let releases = self.memory(shop, "RELEASES");
        releases["releases"][0]["verdict"]["is"].as_str().unwrap_or_default().to_owned()
    }

    /// The receipts of a service, oldest first.
    pub fn receipts(&self, shop: &Shop) -> Vec<Value> {
        let rows = table::rows(self, &format!("SVC#{}", shop.arn));
        rows.into_iter().filter(|row| row["sk"].as_str().is_some_and(|sk| sk.starts_with("RECEIPT#"))).collect()
    }

    /// The rules of a service's receipts, oldest first.
    pub fn rules(&self, shop: &Shop) -> Vec<String> {
        let rule = |receipt: Value| receipt["rule"].as_str().unwrap_or_default().to_owned();
        self.receipts(shop).into_iter().map(rule).collect()
    }

    /// How the closed incidents of a service ended, oldest first.
    pub fn outcomes(&self, shop: &Shop) -> Vec<String> {
        let rows = table::rows(self, &format!("SVC#{}", shop.arn));
        let closed = rows.iter().filter(|row| row["sk"].as_str().is_some_and(|sk| sk.starts_with("CLOSED#")));
        closed.map(|row| row["state"]["outcome"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Whether a service's incident is open, and where it stands; empty where none is.
    pub fn incident(&self, shop: &Shop) -> String {
        self.memory(shop, "INCIDENT")["state"]["is"].as_str().unwrap_or_default().to_owned()
    }

    /// The digests that are remembered as bad.
    pub fn bad_digests(&self, shop: &Shop) -> Vec<String> {
        let releases = self.memory(shop, "RELEASES");
        let bad = releases["bad"].as_array().into_iter().flatten();
        bad.filter_map(|bad| bad["digest"].as_str()).map(str::to_owned).collect()
    }
}

/// Pushes an image, to a tag where one is named, and says how it behaves once it runs; gives its digest.
pub fn push(world: &mut World, repository: &str, tag: Option<&str>, behaviour: Behaviour) -> String {
    // The behaviour must be known before App Runner hears of the push: a push without a tag tells nobody.
    let pushed = world.internal("ecr", "_Push", json!({"Repository": repository})).expect("an image can be pushed");
    let digest = pushed["Digest"].as_str().or(pushed["digest"].as_str()).expect("a push has a digest").to_owned();
    world.outside.behaviours.insert(digest.clone(), behaviour);
    if let Some(tag) = tag {
        world
            .internal("ecr", "_Push", json!({"Repository": repository, "Tag": tag, "Digest": digest}))
            .expect("an image can be pushed");
    }
    digest
}

/// The source configuration with which a service runs this image of its own repository.
pub fn source(name: &str, reference: &str, auto_deploy: bool) -> Value {
    json!({
        "ImageRepository": {
            "ImageIdentifier": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{name}{reference}"),
            "ImageRepositoryType": "ECR",
            "ImageConfiguration": {
                "Port": "8080",
                "RuntimeEnvironmentVariables": {"LOG_LEVEL": "info", "DATABASE_URL": format!("postgres://{CANARY}@db")},
            },
        },
        "AutoDeploymentsEnabled": auto_deploy,
        "AuthenticationConfiguration": {"AccessRoleArn": ACCESS_ROLE},
    })
}
