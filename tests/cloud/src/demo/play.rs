//! One story being played: the stage, the service on it, and what the world does to it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::DemoError;
use super::ending::Ending;
use super::stories::Story;
use super::stories::deployments::has_good_release;
use crate::gateway::lock;
use crate::outside::Behaviour;
use crate::stage::{Setting, Stage};
use crate::world::World;

/// The service of every story.
pub const SERVICE: &str = "shop-api";
/// Requests a minute that it gets.
const TRAFFIC: f64 = 240.0;
/// Minutes that a deployment and the bake window after it may take, with the sweeps that notice.
const GOOD_WITHIN_MINUTES: u32 = 60;

/// A stage with a service on it.
pub struct Play {
    stage: Stage,
    story: Story,
    arn: String,
    /// The history before this entry is the preparation.
    from: u64,
    began: Timestamp,
}

impl Play {
    /// Sets a stage for a story.
    ///
    /// # Errors
    /// Where the stage cannot be set.
    pub async fn begin(story: Story, binaries: PathBuf) -> Result<Self, DemoError> {
        // Taking away what it made itself is chosen explicitly; the stories choose it.
        let parameters = BTreeMap::from([("RemoveRecords".to_owned(), "true".to_owned())]);
        let mut setting = Setting { ordered: true, parameters, ..Setting::new(binaries) };
        if story == Story::Audit {
            // The fleet stays as it was planted: pitcrew looks on.
            setting.autonomy = "observe".to_owned();
            setting.left_out.clear();
            setting.parameters.insert("AuditEveryHours".to_owned(), "1".to_owned());
        }
        let stage = Stage::set(setting).await?;
        let began = lock(stage.cloud.world()).now;
        Ok(Self { stage, story, arn: String::new(), from: 0, began })
    }

    /// Plays it to its end, and ends every process of the stage.
    ///
    /// # Errors
    /// Where the stage refuses what the story does.
    pub async fn perform(mut self) -> Result<Ending, DemoError> {
        let story = self.story;
        let ending = story.play(&mut self).await;
        self.stage.strike().await;
        ending
    }

    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The first entry of the history that belongs to the story.
    pub fn from(&self) -> u64 {
        self.from
    }

    pub fn arn(&self) -> &str {
        &self.arn
    }

    pub fn access_role(&self) -> String {
        "arn:aws:iam::123456789012:role/service-role/AppRunnerECRAccessRole".to_owned()
    }

    /// `<account>.dkr.ecr.<region>.amazonaws.com/shop-api:<tag>`
    pub fn image(&self, tag: &str) -> String {
        format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{SERVICE}:{tag}")
    }

    pub fn image_repository(&self, image: &str) -> Value {
        let variables = json!({"LOG_LEVEL": "info", "DATABASE_URL": "postgres://shop:canary-5e1f@db/shop"});
        json!({
            "ImageIdentifier": image, "ImageRepositoryType": "ECR",
            "ImageConfiguration": {"Port": "8080", "RuntimeEnvironmentVariables": variables},
        })
    }

    /// One call as the operator.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, DemoError> {
        Ok(self.stage.call(service, operation, input)?)
    }

    /// The digest of a version: made up, and the same in every run.
    pub fn digest(version: &str) -> String {
        let hash = Sha256::digest(format!("{SERVICE}:{version}"));
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    /// Pushes a version to `latest`.
    ///
    /// # Errors
    /// What ECR answers.
    pub fn push(&self, version: &str, behaviour: Behaviour) -> Result<String, DemoError> {
        self.push_tag(version, "latest", behaviour)
    }

    /// Pushes a version to a tag, and says how it behaves once it runs.
    ///
    /// # Errors
    /// What ECR answers.
    pub fn push_tag(&self, version: &str, tag: &str, behaviour: Behaviour) -> Result<String, DemoError> {
        let digest = Self::digest(version);
        lock(self.stage.cloud.world()).outside.behaviours.insert(digest.clone(), behaviour);
        let input = json!({"Repository": SERVICE, "Tag": tag, "Digest": digest});
        self.stage.internal("ecr", "_Push", input)?;
        Ok(digest)
    }

    /// Creates the service from what `latest` names.
    ///
    /// # Errors
    /// What App Runner answers.
    pub fn create_service(&mut self) -> Result<Value, DemoError> {
        let source = json!({
            "ImageRepository": self.image_repository(&self.image("latest")), "AutoDeploymentsEnabled": true,
            "AuthenticationConfiguration": {"AccessRoleArn": self.access_role()},
        });
        let health = json!({"Protocol": "HTTP", "Path": "/health", "Interval": 5, "Timeout": 2});
        let input = json!({"ServiceName": SERVICE, "SourceConfiguration": source, "HealthCheckConfiguration": health});
        let answer = self.call("apprunner", "CreateService", input)?;
        self.arn = answer["Service"]["ServiceArn"].as_str().unwrap_or_default().to_owned();
        Ok(answer["Service"].clone())
    }

    /// Creates the service with an alarm on its 5xx answers, and waits until its first release has proven itself.
    ///
    /// # Errors
    /// Where that does not come about.
    pub async fn good_release(&mut self, version: &str) -> Result<String, DemoError> {
        let digest = self.push(version, Behaviour::default())?;
        let service = self.create_service()?;
        let id = service["ServiceId"].as_str().unwrap_or_default();
        let dimensions = json!([{"Name": "ServiceName", "Value": SERVICE}, {"Name": "ServiceID", "Value": id}]);
        let alarm = json!({
            "AlarmName": format!("{SERVICE}-5xx"), "Namespace": "AWS/AppRunner", "MetricName": "5xxStatusResponses",
            "Dimensions": dimensions, "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2,
            "Threshold": 20.0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        });
        self.call("monitoring", "PutMetricAlarm", alarm)?;
        lock(self.stage.cloud.world()).outside.traffic.insert(SERVICE.to_owned(), TRAFFIC);
        for _ in 0..GOOD_WITHIN_MINUTES {
            self.stage.cloud.advance(Duration::from_secs(60)).await?;
            if has_good_release(&self.stage, &self.arn)? {
                return Ok(digest);
            }
        }
        Err(DemoError::NeverGood)
    }

    /// From here on it is the story; before it was the preparation.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn begin_story(&mut self) -> Result<(), DemoError> {
        self.stage.cloud.advance(Duration::from_secs(90)).await?;
        let world = lock(self.stage.cloud.world());
        self.from = world.history.entries().len() as u64;
        self.began = world.now;
        Ok(())
    }

    /// Lets time pass until a notice of this kind was published, at most so many minutes.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn until_told(&self, kind: &str, minutes: u64) -> Result<bool, DemoError> {
        let from = self.from;
        let told = |world: &World| {
            world.history.since(from).iter().any(|entry| {
                entry.what["operation"] == "Publish"
                    && entry.what["input"]["MessageAttributes"]["kind"]["StringValue"] == kind
            })
        };
        let came = self.stage.cloud.run_until(told, Duration::from_secs(minutes * 60)).await?;
        // What follows a notice within its minute belongs to it: Slack's copy, the closing of the record.
        self.stage.cloud.advance(Duration::from_secs(60)).await?;
        Ok(came)
    }

    /// Reads what became of it.
    ///
    /// # Errors
    /// Where the stage cannot be read.
    pub async fn end(&self) -> Result<Ending, DemoError> {
        Ending::read(&self.stage, self.from, self.began)
    }
}
