//! Security groups.

use serde_json::{Value, json};

use super::kind::{Kind, drawn};
use super::list::{List, describe};
use super::rules::{Peer, Rule, permissions};
use super::{Ec2, invalid, wanted, zones};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::{items, text, texts};

/// The default quota of rules in each direction (VPC user guide).
const RULES_MAX: usize = 60;

const LIST: List = List {
    member: "SecurityGroups",
    ids: "GroupIds",
    kind: Kind::Group,
    filters: &[
        ("description", "Description"),
        ("egress.ip-permission.cidr", "IpPermissionsEgress[].IpRanges[].CidrIp"),
        ("egress.ip-permission.from-port", "IpPermissionsEgress[].FromPort"),
        ("egress.ip-permission.group-id", "IpPermissionsEgress[].UserIdGroupPairs[].GroupId"),
        ("egress.ip-permission.ipv6-cidr", "IpPermissionsEgress[].Ipv6Ranges[].CidrIpv6"),
        ("egress.ip-permission.prefix-list-id", "IpPermissionsEgress[].PrefixListIds[].PrefixListId"),
        ("egress.ip-permission.protocol", "IpPermissionsEgress[].IpProtocol"),
        ("egress.ip-permission.to-port", "IpPermissionsEgress[].ToPort"),
        ("egress.ip-permission.user-id", "IpPermissionsEgress[].UserIdGroupPairs[].UserId"),
        ("group-id", "GroupId"),
        ("group-name", "GroupName"),
        ("ip-permission.cidr", "IpPermissions[].IpRanges[].CidrIp"),
        ("ip-permission.from-port", "IpPermissions[].FromPort"),
        ("ip-permission.group-id", "IpPermissions[].UserIdGroupPairs[].GroupId"),
        ("ip-permission.ipv6-cidr", "IpPermissions[].Ipv6Ranges[].CidrIpv6"),
        ("ip-permission.prefix-list-id", "IpPermissions[].PrefixListIds[].PrefixListId"),
        ("ip-permission.protocol", "IpPermissions[].IpProtocol"),
        ("ip-permission.to-port", "IpPermissions[].ToPort"),
        ("ip-permission.user-id", "IpPermissions[].UserIdGroupPairs[].UserId"),
        ("owner-id", "OwnerId"),
        ("vpc-id", "VpcId"),
    ],
};

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub vpc: String,
    name: String,
    description: String,
    rules: Vec<Rule>,
}

impl Ec2 {
    pub(super) fn create_group(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::Group, input)?;
        let (name, description) = (wanted(input, "GroupName")?, wanted(input, "Description")?);
        let vpc = text(input, "VpcId").ok_or_else(no_default_vpc)?;
        let id = self.make_group(ctx, vpc, name, description)?;
        self.tag_as_specified(Kind::Group, &id, input);
        let arn = group_arn(ctx.place, &id);
        Ok(json!({"GroupId": id, "SecurityGroupArn": arn, "Tags": self.tags_of(&id)}))
    }

    /// A group that lets everything out and nothing in.
    pub(super) fn make_group(
        &mut self,
        ctx: &mut Ctx<'_>,
        vpc: &str,
        name: &str,
        description: &str,
    ) -> Result<String, ApiError> {
        self.vpc(vpc)?;
        if name == "default" || name.starts_with("sg-") {
            return Err(invalid(format!("Invalid value '{name}' for groupName. The name is reserved.")));
        }
        if self.groups.values().any(|group| group.vpc == vpc && group.name == name) {
            let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
            return Err(ApiError::client("InvalidGroup.Duplicate", message));
        }
        let id = Kind::Group.draw(ctx.ids);
        let out = Rule::all(drawn("sgr-", ctx.ids), true, Peer::V4("0.0.0.0/0".to_owned()));
        let group =
            Group { vpc: vpc.to_owned(), name: name.to_owned(), description: description.to_owned(), rules: vec![out] };
        self.groups.insert(id.clone(), group);
        Ok(id)
    }

    /// The group that comes with a VPC: its members reach each other, and everything outside.
    pub(super) fn add_default_group(&mut self, ctx: &mut Ctx<'_>, vpc: &str) -> String {
        let id = Kind::Group.draw(ctx.ids);
        let rules = vec![
            Rule::all(drawn("sgr-", ctx.ids), false, Peer::Group(id.clone())),
            Rule::all(drawn("sgr-", ctx.ids), true, Peer::V4("0.0.0.0/0".to_owned())),
        ];
        let group = Group {
            vpc: vpc.to_owned(),
            name: "default".to_owned(),
            description: "default VPC security group".to_owned(),
            rules,
        };
        self.groups.insert(id.clone(), group);
        id
    }

    fn group_shown(&self, place: &Place, id: &str, group: &Group) -> Value {
        let of = |is_egress: bool| permissions(place, group.rules.iter().filter(|rule| rule.is_egress == is_egress));
        json!({
            "GroupId": id, "GroupName": group.name, "Description": group.description, "VpcId": group.vpc,
            "OwnerId": place.account, "SecurityGroupArn": group_arn(place, id), "IpPermissions": of(false),
            "IpPermissionsEgress": of(true), "Tags": self.tags_of(id),
        })
    }

    pub(super) fn group_identifier(&self, id: &str) -> Value {
        json!({"GroupId": id, "GroupName": self.groups.get(id).map(|group| group.name.as_str())})
    }

    pub(super) fn describe_groups(&self, place: &Place, input: &Value) -> Answer {
        if items(input, "GroupNames").next().is_some() {
            return Err(no_default_vpc());
        }
        let all = self.groups.iter().map(|(id, group)| (id.clone(), self.group_shown(place, id, group)));
        describe(&LIST, input, all.collect())
    }

    pub(super) fn delete_group(&mut self, input: &Value) -> Answer {
        let id = text(input, "GroupId").ok_or_else(no_default_vpc)?;
        let group = self.groups.get(id).ok_or_else(|| Kind::Group.missing(id))?;
        if group.name == "default" {
            let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
            return Err(ApiError::client("CannotDelete", message));
        }
        let names_it = |rule: &Rule| rule.peer == Peer::Group(id.to_owned());
        let used = self.interfaces.values().any(|interface| interface.groups.iter().any(|own| own == id))
            || self.groups.iter().any(|(other, group)| other != id && group.rules.iter().any(names_it));
        if used {
            return Err(ApiError::client("DependencyViolation", format!("resource {id} has a dependent object")));
        }
        self.groups.remove(id);
        self.tags.remove(id);
        Ok(json!({"Return": true, "GroupId": id}))
    }

    pub(super) fn authorize(&mut self, ctx: &mut Ctx<'_>, input: &Value, is_egress: bool) -> Answer {
        let id = text(input, "GroupId").ok_or_else(no_default_vpc)?;
        let rules = self.rules_given(id, input, is_egress)?;
        let shown = self.add_rules(ctx, id, rules)?;
        Ok(json!({"Return": true, "SecurityGroupRules": shown}))
    }

    /// All of the rules or none.
    pub(super) fn add_rules(&mut self, ctx: &mut Ctx<'_>, id: &str, rules: Vec<Rule>) -> Result<Vec<Value>, ApiError> {
        let group = self.groups.get(id).ok_or_else(|| Kind::Group.missing(id))?;
        let mut all = group.rules.clone();
        let mut shown = Vec::new();
        for mut rule in rules {
            if all.iter().any(|other| other.is_same(&rule)) {
                let message = format!("the specified rule \"{}\" already exists", rule.told());
                return Err(ApiError::client("InvalidPermission.Duplicate", message));
            }
            rule.id = drawn("sgr-", ctx.ids);
            shown.push(rule.shown(ctx.place, id, |group| self.groups.get(group).map(|group| group.vpc.clone())));
            all.push(rule);
        }
        for is_egress in [true, false] {
            if all.iter().filter(|rule| rule.is_egress == is_egress).count() > RULES_MAX {
                let message = "The maximum number of rules per security group has been reached.";
                return Err(ApiError::client("RulesPerSecurityGroupLimitExceeded", message));
            }
        }
        if let Some(group) = self.groups.get_mut(id) {
            group.rules = all;
        }
        Ok(shown)
    }

    /// The rules of the input: `IpPermissions`, or the older members for a single block.
    fn rules_given(&self, id: &str, input: &Value, is_egress: bool) -> Result<Vec<Rule>, ApiError> {
        self.known(Kind::Group, id)?;
        let mut permissions: Vec<Value> = items(input, "IpPermissions").cloned().collect();
        if let Some(cidr) = text(input, "CidrIp") {
            permissions.push(json!({
                "IpProtocol": input["IpProtocol"], "FromPort": input["FromPort"], "ToPort": input["ToPort"],
                "IpRanges": [{"CidrIp": cidr}],
            }));
        }
        if permissions.is_empty() {
            let message = "The request must contain the parameter ipPermissions";
            return Err(ApiError::client("MissingParameter", message));
        }
        let mut rules = Vec::new();
        for permission in &permissions {
            rules.extend(Rule::read(permission, is_egress)?);
        }
        for rule in &rules {
            match &rule.peer {
                Peer::Group(peer) => self.known(Kind::Group, peer)?,
                Peer::PrefixList(list) if !zones::is_prefix_list(list) => return Err(Kind::PrefixList.missing(list)),
                Peer::PrefixList(_) | Peer::V4(_) | Peer::V6(_) => {}
            }
        }
        Ok(rules)
    }

    pub(super) fn revoke(&mut self, input: &Value, is_egress: bool) -> Answer {
        let id = text(input, "GroupId").ok_or_else(no_default_vpc)?;
        let ids = texts(input, "SecurityGroupRuleIds");
        let given = if ids.is_empty() { self.rules_given(id, input, is_egress)? } else { Vec::new() };
        let group = self.groups.get_mut(id).ok_or_else(|| Kind::Group.missing(id))?;
        let has = |id: &&String| group.rules.iter().any(|rule| rule.id == **id && rule.is_egress == is_egress);
        if let Some(strange) = ids.iter().find(|id| !has(id)) {
            let message = format!("The security group rule ID '{strange}' does not exist");
            return Err(ApiError::client("InvalidSecurityGroupRuleId.NotFound", message));
        }
        if given.iter().any(|rule| group.rules.iter().all(|own| !own.is_same(rule))) {
            let message = "The specified rule does not exist in this security group.";
            return Err(ApiError::client("InvalidPermission.NotFound", message));
        }
        let goes = |rule: &Rule| ids.contains(&rule.id) || given.iter().any(|given| given.is_same(rule));
        let (gone, kept) = std::mem::take(&mut group.rules).into_iter().partition::<Vec<_>, _>(goes);
        group.rules = kept;
        let revoked: Vec<Value> = gone.iter().map(|rule| rule.revoked(id)).collect();
        Ok(json!({"Return": true, "RevokedSecurityGroupRules": revoked}))
    }
}

fn group_arn(place: &Place, id: &str) -> String {
    format!("arn:{}:ec2:{}:{}:security-group/{id}", place.partition, place.region, place.account)
}

/// Groups by name are those of the default VPC, which is not there.
fn no_default_vpc() -> ApiError {
    ApiError::client(
        "VPCIdNotSpecified",
        "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
    )
}
