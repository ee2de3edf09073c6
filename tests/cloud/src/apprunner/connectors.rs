//! VPC connectors: the way out of a service into a VPC. One revision a name is all that App Runner supports.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Ctx, Place};
use crate::effect::Effect;

use super::AppRunner;
use super::config::members;
use super::errors::{invalid_request, missing, quota};
use super::ids::epoch;
use super::machine::later;
use super::paging::{oldest_first, page};
use super::services::DELETED_SHOWN_SECS;

const WHAT: &str = "VPC connector";

#[derive(Clone, Debug)]
pub(super) struct Connector {
    name: String,
    pub(super) arn: String,
    subnets: Vec<Value>,
    security_groups: Vec<Value>,
    created_at: Timestamp,
    pub(super) deleted_at: Option<Timestamp>,
    number: u64,
}

impl Connector {
    fn shown(&self) -> Value {
        Value::Object(members([
            ("VpcConnectorName", Some(json!(self.name))),
            ("VpcConnectorArn", Some(json!(self.arn))),
            ("VpcConnectorRevision", Some(json!(1))),
            ("Subnets", Some(json!(self.subnets))),
            ("SecurityGroups", Some(json!(self.security_groups))),
            ("Status", Some(json!(if self.deleted_at.is_none() { "ACTIVE" } else { "INACTIVE" }))),
            ("CreatedAt", Some(epoch(self.created_at))),
            ("DeletedAt", self.deleted_at.map(epoch)),
        ]))
    }
}

/// EC2 has the interfaces through which a connector reaches its VPC.
fn tell_ec2(operation: &str, input: Value) -> Effect {
    Effect::Tell { service: "ec2".to_owned(), operation: operation.to_owned(), input }
}

fn strings(input: &Value, member: &str) -> Vec<Value> {
    input.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
}

impl AppRunner {
    pub(super) fn create_connector(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = input.get("VpcConnectorName").and_then(Value::as_str).unwrap_or_default();
        let live = self.connectors.iter().filter(|connector| connector.deleted_at.is_none());
        if live.clone().any(|connector| connector.name == name) {
            return Err(invalid_request(format!("VPC connector with the provided name already exists: {name}.")));
        }
        if live.count() >= self.others_max {
            return Err(quota(format!(
                "You have reached the limit of {} VPC connectors in this region.",
                self.others_max
            )));
        }
        let subnets = strings(input, "Subnets");
        if subnets.is_empty() {
            return Err(invalid_request("A VPC connector needs at least one subnet."));
        }
        let mut security_groups = strings(input, "SecurityGroups");
        if security_groups.is_empty() {
            // The VPC's default security group; that of a VPC which the local cloud does not have is made up.
            let known = subnets.iter().find_map(|subnet| ctx.outside.default_groups.get(subnet.as_str()?));
            let group = known.cloned().unwrap_or_else(|| format!("sg-{}", &ctx.ids.hex32()[..17]));
            security_groups.push(json!(group));
        }
        let Place { partition, region, account } = ctx.place;
        let id = ctx.ids.hex32();
        let connector = Connector {
            name: name.to_owned(),
            arn: format!("arn:{partition}:apprunner:{region}:{account}:vpcconnector/{name}/1/{id}"),
            subnets,
            security_groups,
            created_at: ctx.now,
            deleted_at: None,
            number: self.next_number(),
        };
        self.put_tags(&connector.arn, input);
        let answer = json!({ "VpcConnector": connector.shown() });
        ctx.effects.push(tell_ec2(
            "_ConnectorCreated",
            json!({
                "VpcConnectorArn": connector.arn, "Subnets": connector.subnets,
                "SecurityGroups": connector.security_groups,
            }),
        ));
        self.connectors.push(connector);
        Ok(answer)
    }

    pub(super) fn describe_connector(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let arn = input.get("VpcConnectorArn").and_then(Value::as_str).unwrap_or_default();
        self.connectors
            .iter()
            .find(|connector| connector.arn == arn)
            .filter(|connector| connector.deleted_at.is_none_or(|at| later(at, DELETED_SHOWN_SECS) > ctx.now))
            .map(|connector| json!({ "VpcConnector": connector.shown() }))
            .ok_or_else(|| missing("DescribeVpcConnector", WHAT, arn))
    }

    pub(super) fn list_connectors(&mut self, input: &Value) -> Answer {
        let live = self.connectors.iter().filter(|connector| connector.deleted_at.is_none());
        let rows = live.map(|connector| (oldest_first(connector.number), connector.shown())).collect();
        page("ListVpcConnectors", input, 100, "VpcConnectors", rows, Map::new())
    }

    pub(super) fn delete_connector(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let arn = input.get("VpcConnectorArn").and_then(Value::as_str).unwrap_or_default();
        let used = self.services.values().any(|s| !s.is_deleted() && s.shown.vpc_connector_arn() == Some(arn));
        let live = self.connectors.iter_mut().find(|connector| connector.arn == arn && connector.deleted_at.is_none());
        let Some(connector) = live else {
            return Err(missing("DeleteVpcConnector", WHAT, arn));
        };
        if used {
            return Err(invalid_request(format!("VPC connector {arn} is in use by a service and can't be deleted.")));
        }
        connector.deleted_at = Some(ctx.now);
        self.tags.remove(arn);
        ctx.effects.push(tell_ec2("_ConnectorDeleted", json!({ "VpcConnectorArn": arn })));
        Ok(json!({ "VpcConnector": connector.shown() }))
    }
}
