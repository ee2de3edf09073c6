//! App Runner of the local cloud: all 37 operations, and the state machine behind them, on the cloud's clock.
//!
//! It owns services and what belongs to them. It never reads a clock, never pulls anything and never looks inside pitcrew:
//! what images do comes from [`crate::outside::Outside`], what nobody knows for sure from [`crate::switches::Switches`].
//! The README beside this file says which fact each behaviour rests on, and which are our choice.

mod association;
mod config;
mod connections;
mod connectors;
mod deploy;
mod domains;
mod errors;
mod events;
mod ids;
mod image;
mod ingress;
mod internal;
mod lines;
mod machine;
mod needs;
mod observability;
mod operations;
mod paging;
mod register;
mod revisions;
mod scaling;
mod services;
mod tags;
mod traffic;
mod trail;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service as CloudService};
use crate::outside::Behaviour;

use self::association::Kept;
use self::connections::Connection;
use self::connectors::Connector;
use self::ingress::Ingress;
use self::needs::Access;
use self::observability::Tracing;
use self::operations::{OperationType, Status};
use self::register::{Due, Register};
use self::revisions::Revisions;
use self::scaling::Scaling;
use self::services::Service;

/// VPC connectors, VPC ingress connections and connections that a region may have by default, each (facts, section 7).
const OTHERS_MAX: usize = 10;

/// App Runner in one account and region.
#[derive(Clone, Debug)]
pub struct AppRunner {
    services: Register,
    /// The quota of services, which AWS raises where it is asked to.
    services_max: usize,
    /// VPC connectors, VPC ingress connections and connections that a region may have, each.
    others_max: usize,
    scaling: Revisions<Scaling>,
    /// Name and revision of the account's default auto scaling configuration.
    default_scaling: Option<(String, u64)>,
    observability: Revisions<Tracing>,
    connections: Vec<Connection>,
    connectors: Vec<Connector>,
    ingresses: Vec<Ingress>,
    /// By ARN, then by key.
    tags: BTreeMap<String, BTreeMap<String, String>>,
    /// How the source code of services behaves, by service name.
    code_behaviours: BTreeMap<String, Behaviour>,
    /// Certificates of domains that were unlinked, by domain.
    kept: BTreeMap<String, Kept>,
    /// How many certificates for a name have been thrown away; each time its records are others.
    realms: BTreeMap<String, u64>,
    /// How many numbered resources there have been: the order of lists.
    numbers: u64,
}

/// Something that is due, in the order in which things due at the same moment happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A minute of traffic ends. Before the rest: it was the old version that served it.
    Minute(String),
    Job(String),
    Push(String),
    Domains(String),
    Ingress(usize),
}

impl Default for AppRunner {
    fn default() -> Self {
        Self::new()
    }
}

impl AppRunner {
    pub fn new() -> Self {
        Self {
            services: Register::default(),
            services_max: services::SERVICES_MAX,
            others_max: OTHERS_MAX,
            scaling: Revisions::new("autoscalingconfiguration"),
            default_scaling: None,
            observability: Revisions::new("observabilityconfiguration"),
            connections: Vec::new(),
            connectors: Vec::new(),
            ingresses: Vec::new(),
            tags: BTreeMap::new(),
            code_behaviours: BTreeMap::new(),
            kept: BTreeMap::new(),
            realms: BTreeMap::new(),
            numbers: 0,
        }
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// What is due next: of the services, or of the few ingress connections.
    fn next_timer(&self) -> Option<Due> {
        let of_ingresses =
            self.ingresses.iter().enumerate().filter_map(|(n, i)| Some((i.due?, Timer::Ingress(n)))).min();
        self.services.next().cloned().into_iter().chain(of_ingresses).min()
    }

    fn fire(&mut self, ctx: &mut Ctx<'_>, timer: &Timer) {
        match timer {
            Timer::Minute(arn) => self.end_minute(ctx, arn),
            Timer::Job(arn) => {
                self.with(arn, |service| service.advance(ctx));
                self.drop_domains_of_deleted(ctx, arn);
            }
            Timer::Push(arn) => self.with(arn, |service| {
                service.push_due = None;
                match service.status {
                    Status::Running => {
                        let same = service.shown.clone();
                        service.begin_deployment(ctx, OperationType::StartDeployment, same);
                    }
                    // Somebody was quicker; the push is not forgotten.
                    Status::OperationInProgress => service.pushed_while_busy = true,
                    Status::CreateFailed | Status::Deleted | Status::DeleteFailed | Status::Paused => {}
                }
            }),
            Timer::Domains(arn) => self.advance_domains(ctx, arn),
            Timer::Ingress(n) => {
                if let Some(ingress) = self.ingresses.get_mut(*n) {
                    ingress.advance(ctx.now);
                }
            }
        }
    }

    fn with(&mut self, arn: &str, act: impl FnOnce(&mut Service)) {
        if let Some(service) = self.services.get_mut(arn) {
            act(service);
        }
    }

    fn end_minute(&mut self, ctx: &mut Ctx<'_>, arn: &str) {
        let scaling = self.services.get(arn).and_then(|service| self.scaling_settings(&service.shown.scaling_arn));
        if let (Some(service), Some(scaling)) = (self.services.get_mut(arn), scaling) {
            service.report_minute(ctx, &scaling);
        }
    }

    fn dispatch(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        match call.operation.as_str() {
            "AssociateCustomDomain" => self.associate_domain(ctx, input),
            "CreateAutoScalingConfiguration" => self.create_scaling(ctx, input),
            "CreateConnection" => self.create_connection(ctx, input),
            "CreateObservabilityConfiguration" => self.create_observability(ctx, input),
            "CreateService" => self.create_service(ctx, input),
            "CreateVpcConnector" => self.create_connector(ctx, input),
            "CreateVpcIngressConnection" => self.create_ingress(ctx, input),
            "DeleteAutoScalingConfiguration" => self.delete_scaling(ctx, input),
            "DeleteConnection" => self.delete_connection(input),
            "DeleteObservabilityConfiguration" => self.delete_observability(ctx, input),
            "DeleteService" => self.delete_service(ctx, input),
            "DeleteVpcConnector" => self.delete_connector(ctx, input),
            "DeleteVpcIngressConnection" => self.delete_ingress(ctx, input),
            "DescribeAutoScalingConfiguration" => self.describe_scaling(ctx, input),
            "DescribeCustomDomains" => self.describe_domains(ctx, input),
            "DescribeObservabilityConfiguration" => self.describe_observability(ctx, input),
            "DescribeService" => self.describe_service(ctx, input),
            "DescribeVpcConnector" => self.describe_connector(ctx, input),
            "DescribeVpcIngressConnection" => self.describe_ingress(ctx, input),
            "DisassociateCustomDomain" => self.disassociate_domain(ctx, input),
            "ListAutoScalingConfigurations" => self.list_scaling(ctx, input),
            "ListConnections" => self.list_connections(input),
            "ListObservabilityConfigurations" => self.list_observability(ctx, input),
            "ListOperations" => self.list_operations(ctx, input),
            "ListServices" => self.list_services(input),
            "ListServicesForAutoScalingConfiguration" => self.list_services_for_scaling(ctx, input),
            "ListTagsForResource" => self.list_tags(ctx, input),
            "ListVpcConnectors" => self.list_connectors(input),
            "ListVpcIngressConnections" => self.list_ingresses(input),
            "PauseService" => self.pause_service(ctx, input),
            "ResumeService" => self.resume_service(ctx, input),
            "StartDeployment" => self.start_deployment(ctx, input),
            "TagResource" => self.tag_resource(ctx, input),
            "UntagResource" => self.untag_resource(ctx, input),
            "UpdateDefaultAutoScalingConfiguration" => self.update_default_scaling(ctx, input),
            "UpdateService" => self.update_service(ctx, input),
            "UpdateVpcIngressConnection" => self.update_ingress(ctx, input),
            internal if internal.starts_with('_') => self.internal(ctx, internal, input),
            other => {
                Err(ApiError::client("UnknownOperationException", format!("App Runner has no operation {other}.")))
            }
        }
    }
}

impl CloudService for AppRunner {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        self.provide_default_scaling(ctx);
        let answer = self.dispatch(ctx, call);
        self.services.settle(ctx);
        if needs::access(&call.operation) == Some(Access::Write) {
            trail::record(ctx, call, &answer);
        }
        answer
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        needs::needs(place, call, |arn| self.tags.get(arn).cloned().unwrap_or_default())
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.next_timer().map(|(due, _)| due)
    }

    /// Does all that is due, each thing at its own moment. A tick with nothing due takes notice of changed traffic.
    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        self.provide_default_scaling(ctx);
        while let Some((due, timer)) = self.next_timer().filter(|(due, _)| *due <= ctx.now) {
            let mut then = Ctx {
                now: due,
                place: ctx.place,
                ids: &mut *ctx.ids,
                effects: &mut *ctx.effects,
                outside: &mut *ctx.outside,
                switches: ctx.switches,
            };
            self.fire(&mut then, &timer);
            self.services.settle(&then);
        }
        self.services.settle(ctx);
    }
}
