//! Internet gateways.

use serde_json::{Value, json};

use super::kind::Kind;
use super::list::{List, describe};
use super::{Ec2, dependency, done, wanted};
use crate::call::{Answer, ApiError, Ctx, Place};

const LIST: List = List {
    member: "InternetGateways",
    ids: "InternetGatewayIds",
    kind: Kind::InternetGateway,
    filters: &[
        ("attachment.state", "Attachments[].State"),
        ("attachment.vpc-id", "Attachments[].VpcId"),
        ("internet-gateway-id", "InternetGatewayId"),
        ("owner-id", "OwnerId"),
    ],
};

#[derive(Clone, Debug, Default)]
pub(super) struct InternetGateway {
    /// The VPC to which it is attached.
    pub vpc: Option<String>,
}

impl Ec2 {
    pub(super) fn create_internet_gateway(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::InternetGateway, input)?;
        let id = Kind::InternetGateway.draw(ctx.ids);
        self.internet_gateways.insert(id.clone(), InternetGateway::default());
        self.tag_as_specified(Kind::InternetGateway, &id, input);
        Ok(json!({ "InternetGateway": self.internet_gateway_shown(ctx.place, &id) }))
    }

    fn internet_gateway_shown(&self, place: &Place, id: &str) -> Value {
        let vpc = self.internet_gateways.get(id).and_then(|gateway| gateway.vpc.as_deref());
        // EC2 says `available` of a gateway and `attached` of everything else.
        let attachments: Vec<Value> = vpc.iter().map(|vpc| json!({"State": "available", "VpcId": vpc})).collect();
        json!({
            "InternetGatewayId": id, "OwnerId": place.account, "Attachments": attachments, "Tags": self.tags_of(id),
        })
    }

    pub(super) fn describe_internet_gateways(&self, place: &Place, input: &Value) -> Answer {
        let all = self.internet_gateways.keys().map(|id| (id.clone(), self.internet_gateway_shown(place, id)));
        describe(&LIST, input, all.collect())
    }

    fn internet_gateway(&mut self, id: &str) -> Result<&mut InternetGateway, ApiError> {
        self.internet_gateways.get_mut(id).ok_or_else(|| Kind::InternetGateway.missing(id))
    }

    pub(super) fn attach_internet_gateway(&mut self, input: &Value) -> Answer {
        let (id, vpc) = (wanted(input, "InternetGatewayId")?, wanted(input, "VpcId")?);
        self.vpc(vpc)?;
        let occupied = self.internet_gateways.values().any(|other| other.vpc.as_deref() == Some(vpc));
        let gateway = self.internet_gateway(id)?;
        if gateway.vpc.is_some() {
            let message = format!("resource {id} is already attached to network {vpc}");
            return Err(ApiError::client("Resource.AlreadyAssociated", message));
        }
        if occupied {
            let message = format!("Network {vpc} already has an internet gateway attached");
            return Err(ApiError::client("InvalidParameterValue", message));
        }
        gateway.vpc = Some(vpc.to_owned());
        done()
    }

    pub(super) fn detach_internet_gateway(&mut self, input: &Value) -> Answer {
        let (id, vpc) = (wanted(input, "InternetGatewayId")?, wanted(input, "VpcId")?);
        self.vpc(vpc)?;
        let has_public = self.interfaces.values().any(|interface| interface.public.is_some() && interface.vpc == vpc);
        let gateway = self.internet_gateway(id)?;
        if gateway.vpc.as_deref() != Some(vpc) {
            let message = format!("resource {id} is not attached to network {vpc}");
            return Err(ApiError::client("Gateway.NotAttached", message));
        }
        if has_public {
            let message = format!(
                "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the \
                 gateway."
            );
            return Err(ApiError::client("DependencyViolation", message));
        }
        gateway.vpc = None;
        done()
    }

    pub(super) fn delete_internet_gateway(&mut self, input: &Value) -> Answer {
        let id = wanted(input, "InternetGatewayId")?;
        if self.internet_gateway(id)?.vpc.is_some() {
            return Err(dependency("internetGateway", id));
        }
        self.internet_gateways.remove(id);
        self.tags.remove(id);
        done()
    }
}
