//! Services: their records, and the calls that create, show, change and end them.
//!
//! A call only checks, records and starts a job; what happens then is the state machine's ([`super::machine`]).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Ctx, Place};
use crate::outside::Behaviour;
use crate::switches::UpdatePaused;

use super::AppRunner;
use super::config::{Config, members};
use super::domains::Domain;
use super::errors::{cannot_assume, invalid_request, invalid_state, missing, not_running, quota, wrong_state};
use super::ids::epoch;
use super::image::Artifact;
use super::machine::{Job, later};
use super::operations::{Operation, OperationType, Status};
use super::paging::{oldest_first, page};
use super::traffic::Traffic;

/// Services of an account in a region, those in `CREATE_FAILED` included (facts, section 7).
pub(super) const SERVICES_MAX: usize = 30;
/// How long a deleted service is still described. The sheet says "for some time"; the hour is our choice.
pub(super) const DELETED_SHOWN_SECS: i64 = 3600;

/// Where the hosts of services are: the front end listens on loopback (`crate::tls`).
const FRONT_END: &str = "127.0.0.1";

/// What names a service in events, logs and ARNs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: String,
    /// 32 hex digits.
    pub(super) id: String,
    pub(super) arn: String,
}

/// What really answers requests; the API never shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Running {
    pub(super) config: Config,
    pub(super) artifact: Artifact,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) ident: Identity,
    /// The how-manyeth resource of the account it is: the order of lists.
    pub(super) number: u64,
    /// The host under `awsapprunner.com`, without the scheme.
    pub(super) host: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) status: Status,
    /// What `DescribeService` shows: during an update the new values, after a rollback the old ones.
    pub(super) shown: Config,
    pub(super) encryption: Option<Value>,
    /// The version that is deployed; `None` until a first deployment succeeded.
    pub(super) running: Option<Running>,
    /// Whether that version has instances.
    pub(super) serving: bool,
    /// Oldest first.
    pub(super) operations: Vec<Operation>,
    pub(super) job: Option<Job>,
    /// When the auto-deployment that a push caused starts.
    pub(super) push_due: Option<Timestamp>,
    pub(super) pushed_while_busy: bool,
    pub(super) domains: Vec<Domain>,
    pub(super) traffic: Traffic,
    /// How the source code behaves, for a service that is built from code.
    pub(super) code: Behaviour,
    /// Operations of these types fail the next time (internal operation `_FailNext`).
    pub(super) fail_next: BTreeSet<OperationType>,
}

impl Service {
    pub(super) fn is_deleted(&self) -> bool {
        self.status == Status::Deleted
    }
}

impl AppRunner {
    /// The service that the input's `ServiceArn` names, also a deleted one for as long as it is described.
    pub(super) fn known(&mut self, operation: &str, now: Timestamp, input: &Value) -> Result<&mut Service, ApiError> {
        let arn = input.get("ServiceArn").and_then(Value::as_str).unwrap_or_default();
        self.services
            .get_mut(arn)
            .filter(|service| service.deleted_at.is_none_or(|at| later(at, DELETED_SHOWN_SECS) > now))
            .ok_or_else(|| missing(operation, "Service", arn))
    }

    fn check_room_for(&self, name: &str) -> Result<(), ApiError> {
        let live = self.services.values().filter(|service| !service.is_deleted());
        let most = self.services_max;
        if live.clone().count() >= most {
            return Err(quota(format!("You have reached the limit of {most} services in this region.")));
        }
        if live.clone().any(|service| service.ident.name == name) {
            return Err(invalid_request(format!("Service with the provided name already exists: {name}.")));
        }
        Ok(())
    }

    pub(super) fn create_service(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = input.get("ServiceName").and_then(Value::as_str).unwrap_or_default();
        self.check_room_for(name)?;
        let config = Config::requested(input, ctx.place, self.scaling_arn("CreateService", ctx, input, None)?)?;
        self.check_references(ctx, "CreateService", &config, input)?;
        let id = ctx.ids.hex32();
        let Place { partition, region, account } = ctx.place;
        let arn = format!("arn:{partition}:apprunner:{region}:{account}:service/{name}/{id}");
        self.put_tags(&arn, input);
        let mut service = Service {
            ident: Identity { name: name.to_owned(), id, arn: arn.clone() },
            number: self.next_number(),
            host: format!("{}.{region}.awsapprunner.com", ctx.ids.label(10)),
            created_at: ctx.now,
            updated_at: ctx.now,
            deleted_at: None,
            status: Status::OperationInProgress,
            shown: config.clone(),
            encryption: input.get("EncryptionConfiguration").cloned(),
            running: None,
            serving: false,
            operations: Vec::new(),
            job: None,
            push_due: None,
            pushed_while_busy: false,
            domains: Vec::new(),
            traffic: Traffic::default(),
            code: self.code_behaviours.get(name).cloned().unwrap_or_default(),
            fail_next: BTreeSet::new(),
        };
        let resolves = service.shown.is_public().then(|| (service.host.clone(), "127.0.0.1".to_owned()));
        ctx.outside.names.hosts.extend(resolves);
        ctx.outside.names.hosts.insert(service.host.clone(), FRONT_END.to_owned());
        let operation = service.begin_deployment(ctx, OperationType::CreateService, config);
        self.services.insert(service);
        Ok(self.service_answer(&arn, Some(operation)))
    }

    pub(super) fn describe_service(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let arn = self.known("DescribeService", ctx.now, input)?.ident.arn.clone();
        Ok(self.service_answer(&arn, None))
    }

    /// Every service but the deleted ones, oldest first.
    pub(super) fn list_services(&mut self, input: &Value) -> Answer {
        let live = self.services.values().filter(|service| !service.is_deleted());
        let rows = live.map(|s| (oldest_first(s.number), Value::Object(summary(s)))).collect();
        page("ListServices", input, 20, "ServiceSummaryList", rows, Map::new())
    }

    pub(super) fn update_service(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let service = self.known("UpdateService", ctx.now, input)?;
        let (arn, status, shown) = (service.ident.arn.clone(), service.status, service.shown.clone());
        let paused_ok = status == Status::Paused && ctx.switches.update_paused == UpdatePaused::Allow;
        if !matches!(status, Status::Running | Status::CreateFailed) && !paused_ok {
            return Err(wrong_state("updated", status.as_str()));
        }
        let scaling = self.scaling_arn("UpdateService", ctx, input, Some(&shown.scaling_arn))?;
        let next = shown.updated(input, ctx.place, ctx.switches.nested_update, scaling)?;
        self.check_references(ctx, "UpdateService", &next, input)?;
        // A failed creation is rebuilt even by an update that changes nothing: the cause may have lain outside.
        if next == shown && status != Status::CreateFailed {
            return Ok(self.service_answer(&arn, None));
        }
        let operation = self
            .services
            .get_mut(&arn)
            .map(|service| service.begin_deployment(ctx, OperationType::UpdateService, next));
        Ok(self.service_answer(&arn, operation))
    }

    pub(super) fn start_deployment(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let service = self.known("StartDeployment", ctx.now, input)?;
        if service.status != Status::Running {
            return Err(not_running());
        }
        let same = service.shown.clone();
        let operation = service.begin_deployment(ctx, OperationType::StartDeployment, same);
        Ok(json!({ "OperationId": operation }))
    }

    pub(super) fn pause_service(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        self.switch_service(ctx, "PauseService", input, OperationType::PauseService)
    }

    pub(super) fn resume_service(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        self.switch_service(ctx, "ResumeService", input, OperationType::ResumeService)
    }

    /// Pause or resume. In the state that is asked for already: 200 without an `OperationId` (facts, 1.1).
    fn switch_service(&mut self, ctx: &mut Ctx<'_>, name: &str, input: &Value, kind: OperationType) -> Answer {
        let (from, to, verb) = match kind {
            OperationType::PauseService => (Status::Running, Status::Paused, "paused"),
            _ => (Status::Paused, Status::Running, "resumed"),
        };
        let service = self.known(name, ctx.now, input)?;
        let arn = service.ident.arn.clone();
        if service.status == to {
            return Ok(self.service_answer(&arn, None));
        }
        if service.status != from {
            return Err(wrong_state(verb, service.status.as_str()));
        }
        let operation = service.begin_change(ctx, kind);
        Ok(self.service_answer(&arn, Some(operation)))
    }

    pub(super) fn delete_service(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let arn = {
            let service = self.known("DeleteService", ctx.now, input)?;
            if matches!(service.status, Status::OperationInProgress | Status::Deleted) {
                return Err(wrong_state("deleted", service.status.as_str()));
            }
            service.ident.arn.clone()
        };
        if let Some(ingress) = self.ingresses.iter().find(|i| i.service_arn == arn && !i.is_deleted()) {
            return Err(invalid_state(format!(
                "Service cannot be deleted while it has the VPC ingress connection {}. Delete that first.",
                ingress.arn
            )));
        }
        let operation =
            self.services.get_mut(&arn).map(|service| service.begin_change(ctx, OperationType::DeleteService));
        Ok(self.service_answer(&arn, operation))
    }

    /// Whether what the configuration names exists, and whether the roles that were sent can be assumed.
    fn check_references(&self, ctx: &Ctx<'_>, operation: &str, config: &Config, sent: &Value) -> Result<(), ApiError> {
        let is_broken = |role: &&str| ctx.outside.broken_roles.iter().any(|broken| broken == role);
        if sent.get("SourceConfiguration").is_some() {
            if let Some(role) = config.access_role().filter(is_broken) {
                return Err(cannot_assume("access", role));
            }
            if let Some(arn) = config.connection_arn().filter(|_| config.is_code()) {
                self.check_connection(operation, arn)?;
            }
        }
        if sent.get("InstanceConfiguration").is_some()
            && let Some(role) = config.instance_role().filter(is_broken)
        {
            return Err(cannot_assume("instance", role));
        }
        if sent.get("NetworkConfiguration").is_some()
            && let Some(arn) = config.vpc_connector_arn()
            && !self.connectors.iter().any(|connector| connector.arn == arn && connector.deleted_at.is_none())
        {
            return Err(missing(operation, "VPC connector", arn));
        }
        if sent.get("ObservabilityConfiguration").is_some()
            && let Some(arn) = config.observability_arn()
        {
            self.observability.active(operation, "Observability configuration", arn)?;
        }
        Ok(())
    }

    /// The full ARN of the scaling configuration that a request names, else of the given one, else of the default.
    fn scaling_arn(
        &self,
        operation: &str,
        ctx: &Ctx<'_>,
        input: &Value,
        current: Option<&str>,
    ) -> Result<String, ApiError> {
        match (input.get("AutoScalingConfigurationArn").and_then(Value::as_str), current) {
            (Some(arn), _) => Ok(self.scaling.active(operation, "Auto scaling configuration", arn)?.arn(ctx.place)),
            (None, Some(arn)) => Ok(arn.to_owned()),
            (None, None) => Ok(self.default_scaling_arn(ctx.place)),
        }
    }

    /// `{Service, OperationId?}` of a service that exists.
    fn service_answer(&self, arn: &str, operation: Option<String>) -> Value {
        let service = self.services.get(arn).map(|service| self.shown_service(service));
        Value::Object(members([("Service", service), ("OperationId", operation.map(Value::from))]))
    }

    fn shown_service(&self, service: &Service) -> Value {
        let mut shown = summary(service);
        shown.extend(members([
            ("DeletedAt", service.deleted_at.map(epoch)),
            ("SourceConfiguration", Some(service.shown.source.clone())),
            ("InstanceConfiguration", Some(service.shown.instance.clone())),
            ("EncryptionConfiguration", service.encryption.clone()),
            ("HealthCheckConfiguration", Some(service.shown.health.clone())),
            ("AutoScalingConfigurationSummary", Some(self.scaling_summary(&service.shown.scaling_arn))),
            ("NetworkConfiguration", Some(service.shown.network.clone())),
            ("ObservabilityConfiguration", Some(service.shown.observability.clone())),
        ]));
        Value::Object(shown)
    }
}

/// The members of `ServiceSummary`. A private service has no URL (facts, section 3).
fn summary(service: &Service) -> Map<String, Value> {
    members([
        ("ServiceName", Some(json!(service.ident.name))),
        ("ServiceId", Some(json!(service.ident.id))),
        ("ServiceArn", Some(json!(service.ident.arn))),
        ("ServiceUrl", service.shown.is_public().then(|| json!(service.host))),
        ("CreatedAt", Some(epoch(service.created_at))),
        ("UpdatedAt", Some(epoch(service.updated_at))),
        ("Status", Some(json!(service.status.as_str()))),
    ])
}
