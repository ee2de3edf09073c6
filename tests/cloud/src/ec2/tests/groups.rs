//! Security groups and their rules.

use serde_json::{Value, json};

use super::{id, only, rig, vpc};
use crate::ec2::Ec2;
use crate::rig::Rig;

fn group(rig: &mut Rig<Ec2>, vpc: &str, name: &str) -> String {
    id(&rig.ok("CreateSecurityGroup", json!({"GroupName": name, "Description": "d", "VpcId": vpc}))["GroupId"])
}

fn shown(rig: &mut Rig<Ec2>, group: &str) -> Value {
    only(&rig.ok("DescribeSecurityGroups", json!({"GroupIds": [group]})), "SecurityGroups")
}

fn https(ranges: Value) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges})
}

#[test]
fn a_new_group_lets_everything_out_and_nothing_in() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let group = group(&mut rig, &vpc, "shop");
    let shown = shown(&mut rig, &group);
    assert_eq!(shown["IpPermissions"], json!([]));
    assert_eq!(
        shown["IpPermissionsEgress"],
        json!([{
            "IpProtocol": "-1", "FromPort": null, "ToPort": null,
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": null}],
            "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": [],
        }])
    );
}

#[test]
fn rules_of_one_port_are_shown_together_whatever_their_peers_are() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let other = group(&mut rig, &vpc, "other");
    let group = group(&mut rig, &vpc, "shop");
    let mut permission = https(json!([{"CidrIp": "10.0.0.7/8", "Description": "inside"}, {"CidrIp": "192.0.2.1/32"}]));
    permission["Ipv6Ranges"] = json!([{"CidrIpv6": "2001:db8:0::1/32"}]);
    permission["PrefixListIds"] = json!([{"PrefixListId": "pl-6da54004"}]);
    permission["UserIdGroupPairs"] = json!([{"GroupId": other}]);
    let made = rig.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": [permission]}));
    assert_eq!(made["SecurityGroupRules"].as_array().unwrap().len(), 5);
    let found = shown(&mut rig, &group)["IpPermissions"].clone();
    assert_eq!(
        found,
        json!([{
            "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}, {"CidrIp": "192.0.2.1/32", "Description": null}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": null}],
            "PrefixListIds": [{"PrefixListId": "pl-6da54004", "Description": null}],
            "UserIdGroupPairs": [{"GroupId": other, "UserId": "123456789012", "Description": null}],
        }])
    );
    for (name, value) in [
        ("ip-permission.cidr", "10.0.0.0/8"),
        ("ip-permission.group-id", other.as_str()),
        ("ip-permission.from-port", "443"),
    ] {
        let answer = rig.ok("DescribeSecurityGroups", super::filter(name, &[value]));
        assert_eq!(only(&answer, "SecurityGroups")["GroupId"], json!(group), "{name}");
    }
    rig.refused("DeleteSecurityGroup", "DependencyViolation", json!({"GroupId": other}));
    rig.ok("DeleteSecurityGroup", json!({"GroupId": group}));
    rig.ok("DeleteSecurityGroup", json!({"GroupId": other}));
}

#[test]
fn a_rule_is_there_once_and_all_of_a_request_or_none() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let group = group(&mut rig, &vpc, "shop");
    let old_form = json!({"GroupId": group, "IpProtocol": "6", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"});
    rig.ok("AuthorizeSecurityGroupIngress", old_form);
    let before = shown(&mut rig, &group);
    let two = json!({"GroupId": group, "IpPermissions": [https(json!([{"CidrIp": "192.0.2.0/24"}, {"CidrIp": "10.0.0.0/8"}]))]});
    let error = rig.refused("AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", two.clone());
    assert_eq!(
        error.message,
        "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW\" already exists"
    );
    assert_eq!(shown(&mut rig, &group), before);
    rig.ok("AuthorizeSecurityGroupEgress", two);
    let many: Vec<Value> = (0..60).map(|n| json!({"CidrIp": format!("10.1.{n}.0/24")})).collect();
    let input = json!({"GroupId": group, "IpPermissions": [https(json!(many))]});
    rig.refused("AuthorizeSecurityGroupIngress", "RulesPerSecurityGroupLimitExceeded", input);
}

#[test]
fn what_is_no_rule_is_refused() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let group = group(&mut rig, &vpc, "shop");
    let range = json!([{"CidrIp": "10.0.0.0/8"}]);
    let all = |protocol: &str, from: Value, to: Value| json!({"IpProtocol": protocol, "FromPort": from, "ToPort": to, "IpRanges": range});
    for (permission, code) in [
        (https(json!([{"CidrIp": "10.0.0.0/33"}])), "InvalidParameterValue"),
        (https(json!([])), "InvalidParameterValue"),
        (all("tcp", Value::Null, json!(443)), "InvalidParameterValue"),
        (all("tcp", json!(443), json!(80)), "InvalidParameterValue"),
        (all("udp", json!(1), json!(65536)), "InvalidParameterValue"),
        (all("carrier-pigeon", json!(1), json!(1)), "InvalidParameterValue"),
        (json!({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1"}]}), "InvalidGroup.NotFound"),
        (json!({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupName": "shop"}]}), "MissingParameter"),
        (json!({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]}), "InvalidPrefixListID.NotFound"),
        (json!({"IpRanges": range}), "MissingParameter"),
    ] {
        let input = json!({"GroupId": group, "IpPermissions": [permission]});
        rig.refused("AuthorizeSecurityGroupIngress", code, input);
    }
    rig.refused("AuthorizeSecurityGroupIngress", "MissingParameter", json!({"GroupId": group}));
    let named = |name: &str, vpc: Value| json!({"GroupName": name, "Description": "d", "VpcId": vpc});
    rig.refused("CreateSecurityGroup", "InvalidGroup.Duplicate", named("shop", json!(vpc)));
    rig.refused("CreateSecurityGroup", "InvalidParameterValue", named("default", json!(vpc)));
    rig.refused("CreateSecurityGroup", "VPCIdNotSpecified", named("x", Value::Null));
    rig.refused("DescribeSecurityGroups", "VPCIdNotSpecified", json!({"GroupNames": ["shop"]}));
}

#[test]
fn rules_are_revoked_by_what_they_say_and_by_their_ids() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let group = group(&mut rig, &vpc, "shop");
    let ranges = json!([{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "192.0.2.0/24"}]);
    let made = rig.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": [https(ranges)]}));
    let by_what = |cidr: &str| json!({"GroupId": group, "IpPermissions": [https(json!([{"CidrIp": cidr}]))]});
    rig.refused("RevokeSecurityGroupIngress", "InvalidPermission.NotFound", by_what("10.0.0.0/9"));
    rig.refused("RevokeSecurityGroupEgress", "InvalidPermission.NotFound", by_what("10.0.0.0/8"));
    let gone = rig.ok("RevokeSecurityGroupIngress", by_what("10.0.0.0/8"));
    assert_eq!(only(&gone, "RevokedSecurityGroupRules")["CidrIpv4"], "10.0.0.0/8");
    let rule = made["SecurityGroupRules"][1]["SecurityGroupRuleId"].clone();
    let by_id = json!({"GroupId": group, "SecurityGroupRuleIds": [rule]});
    rig.refused("RevokeSecurityGroupEgress", "InvalidSecurityGroupRuleId.NotFound", by_id.clone());
    rig.ok("RevokeSecurityGroupIngress", by_id.clone());
    rig.refused("RevokeSecurityGroupIngress", "InvalidSecurityGroupRuleId.NotFound", by_id);
    let everything = json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    rig.ok("RevokeSecurityGroupEgress", json!({"GroupId": group, "IpPermissions": [everything]}));
    let shown = shown(&mut rig, &group);
    assert_eq!((&shown["IpPermissions"], &shown["IpPermissionsEgress"]), (&json!([]), &json!([])));
}
