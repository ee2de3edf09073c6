//! `_Network`: a whole usual network in one call, ready at once.
//!
//! | member | default | means |
//! |---|---|---|
//! | `Name` | must be given | the tag `Name` of everything begins with it |
//! | `Zones` | 2 | 1 to 3 zones, a private subnet in each |
//! | `Nat` | false | the private subnets reach the internet by one NAT gateway |
//! | `Public` | as `Nat` | a public subnet in each zone, with an internet gateway; a NAT gateway needs them |
//! | `Endpoints` | none | `s3` and `dynamodb` are gateways, everything else is an interface in the private subnets |
//! | `AppRunnerEndpoint` | false | an interface endpoint for private services, `apprunner.requests` |
//!
//! The block is 10.0.0.0/16 for the first network, 10.1.0.0/16 for the second, and so on. The VPC has DNS names, so that endpoints
//! get private DNS. `GroupId` is a group for connectors that lets everything out; `EndpointGroupId` one that lets HTTPS in
//! from the VPC.

use serde_json::{Map, Value, json};

use super::cidr::Cidr;
use super::endpoints::{NewEndpoint, short_name};
use super::internet::InternetGateway;
use super::kind::Kind;
use super::phase::Phase;
use super::rules::Rule;
use super::{Ec2, invalid, wanted, zones};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::{flag, integer, texts};

/// The most networks that `_Network` finds a block for.
const NETWORKS_MAX: usize = 256;
/// Of a subnet's block: 4,096 addresses, so that 16 subnets fit.
const SUBNET_BITS: u32 = 20;
/// Public subnets lie in the upper half of the VPC's block.
const PUBLIC_FROM: u32 = 8;

/// The service of the endpoint through which private services are reached.
const APP_RUNNER: &str = "apprunner.requests";

/// What is asked for, checked.
struct Wish {
    name: String,
    zones: usize,
    is_public: bool,
    has_nat: bool,
    endpoints: Vec<String>,
}

impl Wish {
    fn read(place: &Place, input: &Value) -> Result<Self, ApiError> {
        let zones = match integer(input, "Zones").unwrap_or(2) {
            n @ 1..=3 => usize::try_from(n).unwrap_or(zones::ZONES),
            n => return Err(invalid(format!("Zones must be 1 to {}, not {n}", zones::ZONES))),
        };
        let has_nat = flag(input, "Nat");
        let is_public = input["Public"].as_bool().unwrap_or(has_nat);
        if has_nat && !is_public {
            return Err(invalid("Nat needs public subnets: leave Public out, or set it to true"));
        }
        let mut endpoints = texts(input, "Endpoints");
        if flag(input, "AppRunnerEndpoint") {
            endpoints.push(APP_RUNNER.to_owned());
        }
        for (n, service) in endpoints.iter().enumerate() {
            let is_known = short_name(place, &service_name(place, service)).is_some();
            if !is_known || endpoints.iter().take(n).any(|other| other == service) {
                return Err(invalid(format!("Endpoints names {service}, which is unknown here or stands twice")));
            }
        }
        Ok(Self { name: wanted(input, "Name")?.to_owned(), zones, is_public, has_nat, endpoints })
    }
}

/// The network as it is made.
struct Site<'a> {
    wish: &'a Wish,
    vpc: String,
    block: Cidr,
}

/// Subnets, their table and the internet gateway to which it leads; nothing where the network is private.
#[derive(Default)]
struct PublicSide {
    subnets: Vec<String>,
    table: Option<String>,
    gateway: Option<String>,
}

impl Ec2 {
    pub(super) fn make_network(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let wish = Wish::read(ctx.place, input)?;
        let block = self.free_block()?;
        let vpc = self.make_vpc(ctx, &block.to_string(), None)?;
        if let Some(vpc) = self.vpcs.get_mut(&vpc) {
            vpc.dns_hostnames = true;
        }
        self.tag(&vpc, "Name", &wish.name);
        let site = Site { wish: &wish, vpc, block };
        let private = self.network_subnets(ctx, &site, "private", 0)?;
        let private_table = self.network_table(ctx, &site, "private", &private)?;
        let public = if wish.is_public { self.network_public_side(ctx, &site)? } else { PublicSide::default() };
        let nat = match public.subnets.first() {
            Some(subnet) if wish.has_nat => Some(self.network_nat(ctx, subnet, &private_table, &wish.name)?),
            _ => None,
        };
        let group = self.make_group(ctx, &site.vpc, &wish.name, &format!("Connectors of {}", wish.name))?;
        self.tag(&group, "Name", &wish.name);
        let endpoint_group = self.network_endpoint_group(ctx, &site)?;
        let endpoints = self.network_endpoints(ctx, &site, endpoint_group.as_ref(), &private, &private_table)?;
        let own = self.vpc(&site.vpc)?;
        Ok(json!({
            "VpcId": site.vpc, "CidrBlock": block.to_string(), "PublicSubnets": public.subnets,
            "PrivateSubnets": private, "MainRouteTableId": own.main_table, "PublicRouteTableId": public.table,
            "PrivateRouteTableId": private_table, "InternetGatewayId": public.gateway, "NatGatewayId": nat,
            "DefaultGroupId": own.default_group, "GroupId": group, "EndpointGroupId": endpoint_group,
            "AppRunnerEndpointId": endpoints.get(APP_RUNNER), "EndpointIds": endpoints,
        }))
    }

    /// The first of the blocks 10.0.0.0/16 to 10.255.0.0/16 that no VPC has.
    fn free_block(&self) -> Result<Cidr, ApiError> {
        let mut blocks = (0..NETWORKS_MAX).filter_map(|n| Cidr::parse(&format!("10.{n}.0.0/16")));
        blocks.find(|block| self.vpcs.values().all(|vpc| !vpc.cidr.overlaps(*block))).ok_or_else(|| {
            ApiError::client("VpcLimitExceeded", format!("_Network makes {NETWORKS_MAX} networks at most"))
        })
    }

    fn network_subnets(
        &mut self,
        ctx: &mut Ctx<'_>,
        site: &Site<'_>,
        side: &str,
        first: u32,
    ) -> Result<Vec<String>, ApiError> {
        let zones = zones::zones(&ctx.place.region).into_iter().take(site.wish.zones);
        let mut made = Vec::new();
        for (zone, n) in zones.zip(first..) {
            let name = format!("{}-{side}-{}", site.wish.name, zone.name);
            let id = self.make_subnet(ctx, &site.vpc, &site.block.part(SUBNET_BITS, n).to_string(), zone)?;
            self.tag(&id, "Name", &name);
            made.push(id);
        }
        Ok(made)
    }

    /// A table of these subnets.
    fn network_table(
        &mut self,
        ctx: &mut Ctx<'_>,
        site: &Site<'_>,
        side: &str,
        subnets: &[String],
    ) -> Result<String, ApiError> {
        let table = self.add_route_table(ctx, &site.vpc, site.block, false);
        self.tag(&table, "Name", &format!("{}-{side}", site.wish.name));
        for subnet in subnets {
            self.associate(ctx, &table, subnet)?;
        }
        Ok(table)
    }

    fn network_public_side(&mut self, ctx: &mut Ctx<'_>, site: &Site<'_>) -> Result<PublicSide, ApiError> {
        let gateway = Kind::InternetGateway.draw(ctx.ids);
        self.internet_gateways.insert(gateway.clone(), InternetGateway { vpc: Some(site.vpc.clone()) });
        self.tag(&gateway, "Name", &site.wish.name);
        let subnets = self.network_subnets(ctx, site, "public", PUBLIC_FROM)?;
        let table = self.network_table(ctx, site, "public", &subnets)?;
        self.add_route(&table, everywhere(), ("GatewayId", &gateway))?;
        Ok(PublicSide { subnets, table: Some(table), gateway: Some(gateway) })
    }

    fn network_nat(&mut self, ctx: &mut Ctx<'_>, subnet: &str, table: &str, name: &str) -> Result<String, ApiError> {
        let allocation = self.make_address(ctx)?;
        let nat = self.make_nat_gateway(ctx, subnet, Some(&allocation))?;
        if let Some(made) = self.nat_gateways.get_mut(&nat) {
            made.phase = Phase::Available;
        }
        self.tag(&nat, "Name", name);
        self.add_route(table, everywhere(), ("NatGatewayId", &nat))?;
        Ok(nat)
    }

    /// The group of the interface endpoints, where there are any.
    fn network_endpoint_group(&mut self, ctx: &mut Ctx<'_>, site: &Site<'_>) -> Result<Option<String>, ApiError> {
        if site.wish.endpoints.iter().all(|service| is_gateway(service)) {
            return Ok(None);
        }
        let name = format!("{}-endpoints", site.wish.name);
        let id = self.make_group(ctx, &site.vpc, &name, &format!("Endpoints of {}", site.wish.name))?;
        self.tag(&id, "Name", &name);
        let https = json!({
            "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": site.block.to_string()}],
        });
        self.add_rules(ctx, &id, Rule::read(&https, false)?)?;
        Ok(Some(id))
    }

    /// All endpoints by the short name of their service.
    fn network_endpoints(
        &mut self,
        ctx: &mut Ctx<'_>,
        site: &Site<'_>,
        group: Option<&String>,
        subnets: &[String],
        table: &str,
    ) -> Result<Map<String, Value>, ApiError> {
        let mut made = Map::new();
        for service in &site.wish.endpoints {
            let gateway = is_gateway(service);
            let new = NewEndpoint {
                vpc: site.vpc.clone(),
                service: service_name(ctx.place, service),
                is_gateway: gateway,
                subnets: if gateway { Vec::new() } else { subnets.to_vec() },
                groups: group.filter(|_| !gateway).into_iter().cloned().collect(),
                tables: if gateway { vec![table.to_owned()] } else { Vec::new() },
                private_dns: !gateway,
            };
            let id = self.make_endpoint(ctx, new)?;
            if let Some(endpoint) = self.endpoints.get_mut(&id) {
                endpoint.phase = Phase::Available;
            }
            self.tag(&id, "Name", &format!("{}-{service}", site.wish.name));
            made.insert(service.clone(), json!(id));
        }
        Ok(made)
    }
}

fn is_gateway(service: &str) -> bool {
    zones::prefix_list(service).is_some()
}

fn service_name(place: &Place, short: &str) -> String {
    format!("com.amazonaws.{}.{short}", place.region)
}

fn everywhere() -> (&'static str, String) {
    ("DestinationCidrBlock", "0.0.0.0/0".to_owned())
}
