//! A whole stage: the cloud, the repository's own template deployed into it, and a Slack that listens.
//!
//! The demo, `serve` and the tests all stand on it, so that they see the same thing that an operator deploys.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Caller, Place};
use crate::cloud::Cloud;
use crate::deploy::{DeployError, Deployment, deploy};
use crate::gateway::{Keys, OPERATOR_KEY, Server, lock};
use crate::lambda::host::Runner;
use crate::services;
use crate::slack::workspace::{Hook, Workspace};
use crate::slack::{Serving, Slack, serve};
use crate::switches::Switches;
use crate::template::{Inputs, Stack};
use crate::tls::{self, FrontEnd};

/// The repository's own template, as an operator deploys it.
pub const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
/// The stack's name on the stage.
pub const STACK: &str = "pitcrew";
/// The channel that notices go to.
pub const CHANNEL: &str = "C0DEPLOYS";
/// The workspace's incoming webhook for that channel.
pub const HOOK: &str = "/services/T0LOCAL/B0LOCAL/local";
/// The workspace's bot token: made up, and good for nothing outside the stage.
const BOT_TOKEN: &str = "xoxb-local-stage";
/// Posts that the channel takes at one instant: Slack allows one a second and tolerates short bursts.
const BURST: u32 = 5;

/// The function that an ordinary stage does without: it is built with the SDK of EC2, which takes as long as all the rest.
pub const AUDIT: &str = "pitcrew-audit";

/// By which door notices reach Slack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlackDoor {
    /// A bot token: one thread an incident.
    Bot,
    Webhook,
    /// The secret stays empty, as after a fresh deployment.
    Off,
}

/// How the stage is to be set.
#[derive(Clone, Debug)]
pub struct Setting {
    pub place: Place,
    pub start: Timestamp,
    pub port: u16,
    pub switches: Switches,
    pub autonomy: String,
    /// The directory with the functions' binaries; none where the runner has them.
    pub binaries: Option<PathBuf>,
    /// Who runs the functions within this process; the stage starts theirs where there is none.
    pub runner: Option<Arc<dyn Runner>>,
    pub slack: SlackDoor,
    /// Run invocations one after the other, so that two runs of the same story are the same to the last id.
    pub ordered: bool,
    /// Further parameters of the template.
    pub parameters: BTreeMap<String, String>,
    /// Binaries of functions that the stage does without.
    pub left_out: BTreeSet<String>,
    /// Further variables of a function, by its logical id.
    pub variables: BTreeMap<String, BTreeMap<String, String>>,
}

impl Setting {
    /// The ordinary one: Monday morning, `act`, a bot in Slack, every function but [`AUDIT`].
    pub fn new(binaries: PathBuf) -> Self {
        Self {
            place: Place {
                partition: "aws".to_owned(),
                region: "eu-west-1".to_owned(),
                account: "123456789012".to_owned(),
            },
            start: MONDAY_MORNING,
            port: 0,
            switches: Switches::default(),
            autonomy: "act".to_owned(),
            binaries: Some(binaries),
            runner: None,
            slack: SlackDoor::Bot,
            ordered: false,
            parameters: BTreeMap::new(),
            left_out: BTreeSet::from([AUDIT.to_owned()]),
            variables: BTreeMap::new(),
        }
    }
}

/// 2026-11-02 09:00:00 UTC.
pub const MONDAY_MORNING: Timestamp = Timestamp::constant(1_793_610_000, 0);

/// Why the stage cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("cannot listen on loopback")]
    Listen(#[from] std::io::Error),
    #[error("the template cannot be deployed")]
    Deploy(#[from] DeployError),
    #[error("{service}:{operation} failed: {code}: {message}")]
    Call { service: String, operation: String, code: String, message: String },
    #[error("the cloud's clock is stuck")]
    Stuck(#[from] crate::cloud::Stuck),
}

/// A set stage. Dropping it ends the servers; [`Stage::strike`] ends the functions' processes too.
pub struct Stage {
    pub cloud: Cloud,
    pub server: Server,
    /// The resolver of the stage's world.
    pub dns: SocketAddr,
    pub keys: Keys,
    pub slack: Slack,
    pub stack: Stack,
    /// Where App Runner's front end takes HTTPS, by server name.
    pub tls: SocketAddr,
    /// The root that clients of the front end have to trust, in PEM.
    pub tls_root: &'static str,
    _slack_server: Serving,
    _front_end: FrontEnd,
}

impl Stage {
    /// Sets the stage: starts the servers and deploys the template.
    ///
    /// # Errors
    /// Where loopback cannot be listened on, or the template cannot be deployed.
    pub async fn set(setting: Setting) -> Result<Self, StageError> {
        let world = services::world(setting.place.clone(), setting.start, setting.switches.clone());
        let cloud = match &setting.runner {
            Some(runner) => Cloud::run_by(world, runner.clone()),
            None if setting.ordered => Cloud::in_order(world),
            None => Cloud::new(world),
        };
        let (server, keys) = cloud.listen(setting.port).await?;
        if let Some(runner) = &setting.runner {
            runner.connect(cloud.gateway().with_keys(keys.clone()));
        }
        let dns = cloud.dns().await?;
        let clock_of = cloud.clone();
        let slack = Slack::new(workspace(), Arc::new(move || lock(clock_of.world()).now));
        let slack_server = serve(slack.clone(), ([127, 0, 0, 1], 0).into()).await?;
        let front_end = tls::serve(cloud.world().clone(), 0).await?;
        let (tls, tls_root) = (front_end.address, front_end.root_pem);
        let stack = {
            let deployment = deployment(&setting, &server, &slack_server, dns, tls);
            deploy(&mut lock(cloud.world()), &keys, &deployment)?
        };
        let (_slack_server, _front_end) = (slack_server, front_end);
        let stage = Self { cloud, server, dns, keys, slack, stack, tls, tls_root, _slack_server, _front_end };
        stage.fill_secret(setting.slack)?;
        stage.cloud.settle().await?;
        Ok(stage)
    }

    fn fill_secret(&self, door: SlackDoor) -> Result<(), StageError> {
        let value = match door {
            SlackDoor::Bot => json!({"bot_token": BOT_TOKEN, "channel": CHANNEL}),
            SlackDoor::Webhook => json!({"webhook_url": format!("{}{HOOK}", self._slack_server.url())}),
            SlackDoor::Off => return Ok(()),
        };
        let secret = self.output("SlackSecretArn");
        self.call("secretsmanager", "PutSecretValue", json!({"SecretId": secret, "SecretString": value.to_string()}))?;
        Ok(())
    }

    /// An output of the template: `TableName`, `TopicArn`, ...
    pub fn output(&self, name: &str) -> &str {
        self.stack.outputs.get(name).map(String::as_str).unwrap_or_default()
    }

    /// One call as the operator.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, StageError> {
        let (service, operation) = (service.to_owned(), operation.to_owned());
        let answer: Answer = {
            let mut world = lock(self.cloud.world());
            let request_id = world.ids.uuid();
            let call = Call {
                service: service.clone(),
                operation: operation.clone(),
                input,
                caller: Caller::Operator,
                request_id,
            };
            world.call(&call)
        };
        answer.map_err(|error| StageError::Call { service, operation, code: error.code, message: error.message })
    }

    /// One internal call: what the world outside does.
    ///
    /// # Errors
    /// What the service answers.
    pub fn internal(&self, service: &str, operation: &str, input: Value) -> Result<Value, StageError> {
        let answer = lock(self.cloud.world()).internal(service, operation, input);
        answer.map_err(|error| StageError::Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            code: error.code,
            message: error.message,
        })
    }

    /// The endpoint and the operator's key, as a client needs them.
    pub fn endpoint(&self) -> (String, &'static str) {
        (self.server.endpoint(), OPERATOR_KEY)
    }

    /// Ends every process that the stage started.
    pub async fn strike(self) {
        self.cloud.shutdown().await;
    }
}

fn workspace() -> Workspace {
    let mut workspace = Workspace::new();
    workspace.add_channel(CHANNEL, "deploys");
    workspace.set_hook(HOOK, CHANNEL, Hook::Active);
    workspace.add_token(BOT_TOKEN);
    workspace.set_burst(BURST);
    workspace
}

fn deployment(setting: &Setting, server: &Server, slack: &Serving, dns: SocketAddr, tls: SocketAddr) -> Deployment {
    let mut parameters = setting.parameters.clone();
    parameters.insert("Autonomy".to_owned(), setting.autonomy.clone());
    parameters.insert("SlackHosts".to_owned(), "127.0.0.1".to_owned());
    let one = |name: &str, value: String| BTreeMap::from([(name.to_owned(), value)]);
    // On AWS both are what the Lambda has anyway: its resolver, and port 443.
    let names = BTreeMap::from([
        ("PITCREW_RESOLVER".to_owned(), dns.to_string()),
        ("PITCREW_TLS_PORT".to_owned(), tls.port().to_string()),
    ]);
    let mut function_environment = BTreeMap::from([
        ("NotifyFunction".to_owned(), one("PITCREW_SLACK_API", format!("{}/api", slack.url()))),
        ("DomainsFunction".to_owned(), names.clone()),
        ("CertificatesFunction".to_owned(), names),
        ("AuditFunction".to_owned(), one("PITCREW_RESOLVER", dns.to_string())),
    ]);
    for (function, variables) in &setting.variables {
        function_environment.entry(function.clone()).or_default().extend(variables.clone());
    }
    Deployment {
        template: TEMPLATE.to_owned(),
        inputs: Inputs {
            stack_name: STACK.to_owned(),
            place: setting.place.clone(),
            parameters,
            physical: BTreeMap::new(),
        },
        binaries: setting.binaries.clone(),
        environment: one("AWS_ENDPOINT_URL", server.endpoint()),
        function_environment,
        left_out: setting.left_out.clone(),
    }
}
