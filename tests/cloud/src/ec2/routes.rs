//! Route tables: a VPC's main one and those that subnets name.
//!
//! A route whose target is gone, or was detached, is a `blackhole`. Targets that are not emulated (transit gateways, peerings,
//! egress-only gateways) are taken on trust.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::cidr::{Cidr, canonical_v6};
use super::kind::{Kind, drawn};
use super::list::{List, describe};
use super::{Ec2, dependency, done, invalid, wanted, zones};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::text;

const LIST: List = List {
    member: "RouteTables",
    ids: "RouteTableIds",
    kind: Kind::RouteTable,
    filters: &[
        ("association.gateway-id", "Associations[].GatewayId"),
        ("association.main", "Associations[].Main"),
        ("association.route-table-association-id", "Associations[].RouteTableAssociationId"),
        ("association.route-table-id", "Associations[].RouteTableId"),
        ("association.subnet-id", "Associations[].SubnetId"),
        ("owner-id", "OwnerId"),
        ("route-table-id", "RouteTableId"),
        ("route.destination-cidr-block", "Routes[].DestinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "Routes[].DestinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "Routes[].DestinationPrefixListId"),
        ("route.egress-only-internet-gateway-id", "Routes[].EgressOnlyInternetGatewayId"),
        ("route.gateway-id", "Routes[].GatewayId"),
        ("route.instance-id", "Routes[].InstanceId"),
        ("route.nat-gateway-id", "Routes[].NatGatewayId"),
        ("route.origin", "Routes[].Origin"),
        ("route.state", "Routes[].State"),
        ("route.transit-gateway-id", "Routes[].TransitGatewayId"),
        ("route.vpc-peering-connection-id", "Routes[].VpcPeeringConnectionId"),
        ("vpc-id", "VpcId"),
    ],
};

/// The members by which a route can name its target here.
const TARGETS: [&str; 5] =
    ["GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId"];

/// The target of the route to the VPC itself.
const LOCAL: &str = "local";

#[derive(Clone, Debug)]
pub(super) struct RouteTable {
    pub vpc: String,
    /// The association that makes it its VPC's main table.
    main: Option<String>,
    /// The subnets by association.
    pub associations: BTreeMap<String, String>,
    routes: Vec<Route>,
}

/// Destination and target with the names of their members.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    destination: (&'static str, String),
    target: (&'static str, String),
    origin: &'static str,
}

impl Ec2 {
    pub(super) fn create_route_table(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::RouteTable, input)?;
        let vpc = wanted(input, "VpcId")?;
        let cidr = self.vpc(vpc)?.cidr;
        let id = self.add_route_table(ctx, vpc, cidr, false);
        self.tag_as_specified(Kind::RouteTable, &id, input);
        Ok(json!({ "RouteTable": self.table_shown(ctx.place, &id) }))
    }

    /// A table with the route to the VPC itself.
    pub(super) fn add_route_table(&mut self, ctx: &mut Ctx<'_>, vpc: &str, cidr: Cidr, is_main: bool) -> String {
        let id = Kind::RouteTable.draw(ctx.ids);
        let local = Route {
            destination: ("DestinationCidrBlock", cidr.to_string()),
            target: ("GatewayId", LOCAL.to_owned()),
            origin: "CreateRouteTable",
        };
        let table = RouteTable {
            vpc: vpc.to_owned(),
            main: is_main.then(|| drawn("rtbassoc-", ctx.ids)),
            associations: BTreeMap::new(),
            routes: vec![local],
        };
        self.tables.insert(id.clone(), table);
        id
    }

    fn table_shown(&self, place: &Place, id: &str) -> Value {
        let Some(table) = self.tables.get(id) else { return Value::Null };
        let association = |name: &str, subnet: Option<&str>| {
            json!({
                "RouteTableAssociationId": name, "RouteTableId": id, "SubnetId": subnet, "Main": subnet.is_none(),
                "AssociationState": {"State": "associated"},
            })
        };
        let main = table.main.iter().map(|name| association(name, None));
        let own = table.associations.iter().map(|(name, subnet)| association(name, Some(subnet)));
        let routes: Vec<Value> = table.routes.iter().map(|route| self.route_shown(&table.vpc, route)).collect();
        json!({
            "RouteTableId": id, "VpcId": table.vpc, "OwnerId": place.account, "PropagatingVgws": [],
            "Associations": main.chain(own).collect::<Vec<_>>(), "Routes": routes, "Tags": self.tags_of(id),
        })
    }

    fn route_shown(&self, vpc: &str, route: &Route) -> Value {
        let (member, target) = &route.target;
        let is_there = match Kind::of(target) {
            Some(Kind::InternetGateway) => {
                self.internet_gateways.get(target).is_some_and(|gateway| gateway.vpc.as_deref() == Some(vpc))
            }
            Some(Kind::NatGateway) => self.nat_gateways.get(target).is_some_and(|nat| nat.phase.is_live()),
            Some(Kind::Endpoint) => self.endpoints.contains_key(target),
            _ => true,
        };
        let mut shown = Map::new();
        shown.insert(route.destination.0.to_owned(), json!(route.destination.1));
        shown.insert((*member).to_owned(), json!(target));
        shown.insert("Origin".to_owned(), json!(route.origin));
        shown.insert("State".to_owned(), json!(if is_there { "active" } else { "blackhole" }));
        Value::Object(shown)
    }

    pub(super) fn describe_route_tables(&self, place: &Place, input: &Value) -> Answer {
        let all = self.tables.keys().map(|id| (id.clone(), self.table_shown(place, id)));
        describe(&LIST, input, all.collect())
    }

    fn table(&mut self, id: &str) -> Result<&mut RouteTable, ApiError> {
        self.tables.get_mut(id).ok_or_else(|| Kind::RouteTable.missing(id))
    }

    pub(super) fn delete_route_table(&mut self, input: &Value) -> Answer {
        let id = wanted(input, "RouteTableId")?;
        let table = self.table(id)?;
        if table.main.is_some() || !table.associations.is_empty() {
            return Err(dependency("routeTable", id));
        }
        self.tables.remove(id);
        self.tags.remove(id);
        self.endpoints.values_mut().for_each(|endpoint| endpoint.tables.retain(|table| table != id));
        done()
    }

    pub(super) fn associate_route_table(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let id = wanted(input, "RouteTableId")?;
        if text(input, "GatewayId").is_some() {
            return Err(invalid("The local cloud associates route tables with subnets only, not with gateways"));
        }
        let name = self.associate(ctx, id, wanted(input, "SubnetId")?)?;
        Ok(json!({"AssociationId": name, "AssociationState": {"State": "associated"}}))
    }

    pub(super) fn associate(&mut self, ctx: &mut Ctx<'_>, id: &str, subnet: &str) -> Result<String, ApiError> {
        let vpc = self.subnet(subnet)?.vpc.clone();
        let taken = self.tables.values().any(|table| table.associations.values().any(|other| other == subnet));
        let table = self.table(id)?;
        if table.vpc != vpc {
            return Err(invalid(format!("Route table {id} and subnet {subnet} belong to different networks")));
        }
        if taken {
            let message =
                format!("the specified association for route table {id} conflicts with an existing association");
            return Err(ApiError::client("Resource.AlreadyAssociated", message));
        }
        let name = drawn("rtbassoc-", ctx.ids);
        table.associations.insert(name.clone(), subnet.to_owned());
        Ok(name)
    }

    pub(super) fn disassociate_route_table(&mut self, input: &Value) -> Answer {
        let name = wanted(input, "AssociationId")?;
        if self.tables.values().any(|table| table.main.as_deref() == Some(name)) {
            return Err(invalid(format!("cannot disassociate the main route table association {name}")));
        }
        let found = self.tables.values_mut().find_map(|table| table.associations.remove(name));
        found.map_or_else(
            || {
                let message = format!("The association ID '{name}' does not exist");
                Err(ApiError::client("InvalidAssociationID.NotFound", message))
            },
            |_| done(),
        )
    }

    pub(super) fn create_route(&mut self, input: &Value) -> Answer {
        let destination = destination(input)?;
        let given: Vec<(&'static str, &str)> =
            TARGETS.into_iter().filter_map(|member| Some((member, text(input, member)?))).collect();
        let [(member, target)] = given[..] else {
            let message = format!("The request must contain exactly one of {}", TARGETS.join(", "));
            return Err(ApiError::client("InvalidParameterCombination", message));
        };
        self.add_route(wanted(input, "RouteTableId")?, destination, (member, target))?;
        Ok(json!({ "Return": true }))
    }

    pub(super) fn add_route(
        &mut self,
        id: &str,
        destination: (&'static str, String),
        (member, target): (&'static str, &str),
    ) -> Result<(), ApiError> {
        self.target_fits(id, member, target)?;
        let table = self.table(id)?;
        if table.routes.iter().any(|route| route.destination == destination) {
            let message = format!("The route identified by {} already exists.", destination.1);
            return Err(ApiError::client("RouteAlreadyExists", message));
        }
        table.routes.push(Route { destination, target: (member, target.to_owned()), origin: "CreateRoute" });
        Ok(())
    }

    /// The target is there and belongs to the VPC of the table.
    fn target_fits(&mut self, id: &str, member: &str, target: &str) -> Result<(), ApiError> {
        let vpc = self.table(id)?.vpc.clone();
        let owner = match (member, Kind::of(target)) {
            ("GatewayId", Some(Kind::InternetGateway)) => {
                let gateway = self.internet_gateways.get(target);
                gateway.ok_or_else(|| Kind::InternetGateway.missing(target))?.vpc.clone()
            }
            ("NatGatewayId", _) => {
                let live = self.nat_gateways.get(target).filter(|nat| nat.phase.is_live());
                Some(live.ok_or_else(|| Kind::NatGateway.missing(target))?.vpc.clone())
            }
            ("GatewayId", _) => {
                return Err(ApiError::client(
                    "InvalidGatewayID.NotFound",
                    format!("The gateway ID '{target}' does not exist"),
                ));
            }
            _ => Some(vpc.clone()),
        };
        if owner.as_deref() == Some(vpc.as_str()) {
            return Ok(());
        }
        Err(invalid(format!("route table {id} and network gateway {target} belong to different networks")))
    }

    pub(super) fn delete_route(&mut self, input: &Value) -> Answer {
        let (id, destination) = (wanted(input, "RouteTableId")?, destination(input)?);
        let table = self.table(id)?;
        let Some(at) = table.routes.iter().position(|route| route.destination == destination) else {
            let (member, value) = destination;
            let kind = if member == "DestinationIpv6CidrBlock" { "ipv6-cidr" } else { "cidr" };
            let message = format!("no route with destination-{kind}-block {value} in route table {id}");
            return Err(ApiError::client("InvalidRoute.NotFound", message));
        };
        if table.routes.get(at).is_some_and(|route| route.target.1 == LOCAL || route.target.1.starts_with("vpce-")) {
            return Err(invalid(format!("cannot remove local route {} in route table {id}", destination.1)));
        }
        table.routes.remove(at);
        done()
    }

    /// The routes of a gateway endpoint: to its service's prefix list, in each of its tables.
    pub(super) fn route_to_endpoint(&mut self, table: &str, prefix_list: &str, endpoint: &str) {
        if let Some(table) = self.tables.get_mut(table) {
            table.routes.push(Route {
                destination: ("DestinationPrefixListId", prefix_list.to_owned()),
                target: ("GatewayId", endpoint.to_owned()),
                origin: "CreateRoute",
            });
        }
    }

    /// A gateway endpoint of this VPC may have a route in the table.
    pub(super) fn may_route_to_endpoint(&self, id: &str, vpc: &str, prefix_list: &str) -> Result<(), ApiError> {
        let table = self.tables.get(id).ok_or_else(|| Kind::RouteTable.missing(id))?;
        if table.vpc != vpc {
            let message = format!("Route table {id} does not belong to {vpc}");
            return Err(ApiError::client("InvalidParameter", message));
        }
        if table.routes.iter().any(|route| route.destination == ("DestinationPrefixListId", prefix_list.to_owned())) {
            let message = format!("route table {id} already has a route with destination-prefix-list-id {prefix_list}");
            return Err(ApiError::client("RouteAlreadyExists", message));
        }
        Ok(())
    }

    pub(super) fn drop_routes_to(&mut self, endpoint: &str, of_table: Option<&str>) {
        let tables = self.tables.iter_mut().filter(|(id, _)| of_table.is_none_or(|wanted| wanted == id.as_str()));
        tables.for_each(|(_, table)| table.routes.retain(|route| route.target.1 != endpoint));
    }
}

/// Where a route leads, in the canonical form.
fn destination(input: &Value) -> Result<(&'static str, String), ApiError> {
    let malformed = |block: &str| {
        let message =
            format!("Value ({block}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.");
        invalid(message)
    };
    if let Some(block) = text(input, "DestinationCidrBlock") {
        let cidr = Cidr::parse(block).ok_or_else(|| malformed(block))?;
        return Ok(("DestinationCidrBlock", cidr.to_string()));
    }
    if let Some(block) = text(input, "DestinationIpv6CidrBlock") {
        return Ok(("DestinationIpv6CidrBlock", canonical_v6(block).ok_or_else(|| malformed(block))?));
    }
    match text(input, "DestinationPrefixListId") {
        Some(id) if zones::is_prefix_list(id) => Ok(("DestinationPrefixListId", id.to_owned())),
        Some(id) => Err(Kind::PrefixList.missing(id)),
        None => Err(ApiError::client(
            "MissingParameter",
            "The request must contain the parameter destinationCidrBlock, destinationIpv6CidrBlock or destinationPrefixListId",
        )),
    }
}
