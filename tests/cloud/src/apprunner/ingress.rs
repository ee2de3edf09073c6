//! VPC ingress connections: the way into a private service. Each change takes a while and may fail (`_IngressFails`).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Ctx, Place};

use super::AppRunner;
use super::config::members;
use super::errors::{invalid_request, invalid_state, missing, quota};
use super::ids::epoch;
use super::machine::later;
use super::paging::{oldest_first, page};
use super::services::DELETED_SHOWN_SECS;

const WHAT: &str = "VPC ingress connection";
/// How long a change takes: our choice.
const CHANGE_SECS: i64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Creation,
    Update,
    Deletion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Available,
    Pending(Stage),
    Failed(Stage),
    Deleted,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Pending(Stage::Creation) => "PENDING_CREATION",
            Self::Pending(Stage::Update) => "PENDING_UPDATE",
            Self::Pending(Stage::Deletion) => "PENDING_DELETION",
            Self::Failed(Stage::Creation) => "FAILED_CREATION",
            Self::Failed(Stage::Update) => "FAILED_UPDATE",
            Self::Failed(Stage::Deletion) => "FAILED_DELETION",
            Self::Deleted => "DELETED",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Ingress {
    name: String,
    pub(super) arn: String,
    pub(super) service_arn: String,
    account: String,
    domain: String,
    vpc: Value,
    state: State,
    pub(super) due: Option<Timestamp>,
    pub(super) fails: bool,
    created_at: Timestamp,
    deleted_at: Option<Timestamp>,
    number: u64,
}

impl Ingress {
    pub(super) fn is_deleted(&self) -> bool {
        self.state == State::Deleted
    }

    fn begin(&mut self, stage: Stage, now: Timestamp) {
        self.state = State::Pending(stage);
        self.due = Some(later(now, CHANGE_SECS));
    }

    /// Ends the change that is due.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.due = None;
        let State::Pending(stage) = self.state else { return };
        self.state = match (std::mem::take(&mut self.fails), stage) {
            (true, stage) => State::Failed(stage),
            (false, Stage::Creation | Stage::Update) => State::Available,
            (false, Stage::Deletion) => {
                self.deleted_at = Some(now);
                State::Deleted
            }
        };
    }

    fn shown(&self) -> Value {
        let shown = members([
            ("VpcIngressConnectionArn", Some(json!(self.arn))),
            ("VpcIngressConnectionName", Some(json!(self.name))),
            ("ServiceArn", Some(json!(self.service_arn))),
            ("Status", Some(json!(self.state.as_str()))),
            ("AccountId", Some(json!(self.account))),
            ("DomainName", Some(json!(self.domain))),
            ("IngressVpcConfiguration", Some(self.vpc.clone())),
            ("CreatedAt", Some(epoch(self.created_at))),
            ("DeletedAt", self.deleted_at.map(epoch)),
        ]);
        json!({ "VpcIngressConnection": shown })
    }
}

fn arn_of(input: &Value) -> &str {
    input.get("VpcIngressConnectionArn").and_then(Value::as_str).unwrap_or_default()
}

impl AppRunner {
    fn ingress(&mut self, operation: &str, now: Timestamp, input: &Value) -> Result<&mut Ingress, ApiError> {
        let arn = arn_of(input);
        self.ingresses
            .iter_mut()
            .find(|ingress| ingress.arn == arn)
            .filter(|ingress| ingress.deleted_at.is_none_or(|at| later(at, DELETED_SHOWN_SECS) > now))
            .ok_or_else(|| missing(operation, WHAT, arn))
    }

    pub(super) fn create_ingress(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let service = self.known("CreateVpcIngressConnection", ctx.now, input)?;
        let service_arn = service.ident.arn.clone();
        if service.is_deleted() {
            return Err(invalid_state("The service is deleted."));
        }
        if service.shown.is_public() {
            return Err(invalid_request("A VPC ingress connection needs a service with IsPubliclyAccessible false."));
        }
        let name = input.get("VpcIngressConnectionName").and_then(Value::as_str).unwrap_or_default();
        let live = self.ingresses.iter().filter(|ingress| !ingress.is_deleted());
        if live.clone().any(|ingress| ingress.name == name) {
            return Err(invalid_request(format!("{WHAT} with the provided name already exists: {name}.")));
        }
        if live.count() >= self.others_max {
            return Err(quota(format!("You have reached the limit of {} VPC ingress connections.", self.others_max)));
        }
        let Place { partition, region, account } = ctx.place;
        let id = ctx.ids.hex32();
        let mut ingress = Ingress {
            name: name.to_owned(),
            arn: format!("arn:{partition}:apprunner:{region}:{account}:vpcingressconnection/{name}/{id}"),
            service_arn,
            account: account.clone(),
            domain: format!("{}.{region}.awsapprunner.com", ctx.ids.label(10)),
            vpc: input.get("IngressVpcConfiguration").cloned().unwrap_or_else(|| json!({})),
            state: State::Pending(Stage::Creation),
            due: None,
            fails: false,
            created_at: ctx.now,
            deleted_at: None,
            number: self.next_number(),
        };
        ingress.begin(Stage::Creation, ctx.now);
        self.put_tags(&ingress.arn, input);
        let answer = ingress.shown();
        self.ingresses.push(ingress);
        Ok(answer)
    }

    pub(super) fn describe_ingress(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Ok(self.ingress("DescribeVpcIngressConnection", ctx.now, input)?.shown())
    }

    pub(super) fn list_ingresses(&mut self, input: &Value) -> Answer {
        let filter = |member: &str| input.get("Filter").and_then(|f| f.get(member)).and_then(Value::as_str);
        let (service, endpoint) = (filter("ServiceArn"), filter("VpcEndpointId"));
        let endpoint_of = |i: &Ingress| i.vpc.get("VpcEndpointId").and_then(Value::as_str).map(str::to_owned);
        let rows = self
            .ingresses
            .iter()
            .filter(|ingress| !ingress.is_deleted())
            .filter(|ingress| service.is_none_or(|arn| ingress.service_arn == arn))
            .filter(|ingress| endpoint.is_none_or(|id| endpoint_of(ingress).as_deref() == Some(id)))
            .map(|ingress| {
                let row = json!({ "VpcIngressConnectionArn": ingress.arn, "ServiceArn": ingress.service_arn });
                (oldest_first(ingress.number), row)
            })
            .collect();
        page("ListVpcIngressConnections", input, 100, "VpcIngressConnectionSummaryList", rows, Map::new())
    }

    /// Allowed in `AVAILABLE`, `FAILED_CREATION` and `FAILED_UPDATE` (model).
    pub(super) fn update_ingress(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let ingress = self.ingress("UpdateVpcIngressConnection", ctx.now, input)?;
        match ingress.state {
            State::Available | State::Failed(Stage::Creation | Stage::Update) => {
                ingress.vpc = input.get("IngressVpcConfiguration").cloned().unwrap_or_else(|| json!({}));
                ingress.begin(Stage::Update, ctx.now);
                Ok(ingress.shown())
            }
            state => Err(refused("updated", state)),
        }
    }

    /// Allowed in `AVAILABLE` and in every failed state (model).
    pub(super) fn delete_ingress(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let ingress = self.ingress("DeleteVpcIngressConnection", ctx.now, input)?;
        match ingress.state {
            State::Available | State::Failed(_) => {
                ingress.begin(Stage::Deletion, ctx.now);
                Ok(ingress.shown())
            }
            state => Err(refused("deleted", state)),
        }
    }

    /// Where the domains of a private service have to point, one target an ingress connection (facts, section 3).
    pub(super) fn vpc_targets(&self, service_arn: &str) -> Value {
        let live = self.ingresses.iter().filter(|i| i.service_arn == service_arn && i.state == State::Available);
        live.map(|ingress| {
            Value::Object(members([
                ("VpcIngressConnectionArn", Some(json!(ingress.arn))),
                ("VpcId", ingress.vpc.get("VpcId").cloned()),
                ("DomainName", Some(json!(ingress.domain))),
            ]))
        })
        .collect()
    }
}

fn refused(what: &str, state: State) -> ApiError {
    invalid_state(format!("VPC ingress connection cannot be {what} in the current state: {}.", state.as_str()))
}
