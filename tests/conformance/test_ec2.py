"""EC2's networks as its API reference has them: the codec, filters, pages, errors, and networks built call by call."""

import pytest

from networks import WORK, Networks, refusal, where

HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


@pytest.fixture
def networks(cloud):
    yield Networks(cloud)
    assert cloud.history("fault") == [], "no answer lost a member on the wire"


def test_a_new_cloud_has_zones_and_no_network(networks):
    zones = networks.api.describe_availability_zones(**where("zone-type", "availability-zone"))["AvailabilityZones"]
    assert [(zone["ZoneName"], zone["ZoneId"], zone["State"]) for zone in zones] == [
        (f"eu-west-1{letter}", f"euw1-az{number}", "available") for number, letter in enumerate("abc", 1)]
    assert networks.api.describe_vpcs()["Vpcs"] == []
    assert networks.api.describe_security_groups()["SecurityGroups"] == []


def test_a_network_built_call_by_call_is_described_as_it_was_built(networks, cloud):
    api = networks.api
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "<shop & co>"}, {"Key": "empty", "Value": ""}]}]
    vpc = networks.vpc(TagSpecifications=tags)
    assert api.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"] == tags[0]["Tags"]
    public, private = networks.subnet(vpc, "10.0.1.0/24"), networks.subnet(vpc, "10.0.2.0/24", "b")
    gateway = api.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    api.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = api.allocate_address(Domain="vpc")["AllocationId"]
    nat = api.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    assert api.describe_nat_gateways(Filter=where("vpc-id", vpc)["Filters"])["NatGateways"][0]["State"] == "pending"
    cloud.advance(WORK)
    assert api.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "available"
    tables = {}
    for subnet, target in ((public, {"GatewayId": gateway}), (private, {"NatGatewayId": nat})):
        tables[subnet] = api.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        api.create_route(RouteTableId=tables[subnet], DestinationCidrBlock="0.0.0.0/0", **target)
        api.associate_route_table(RouteTableId=tables[subnet], SubnetId=subnet)
    [table] = api.describe_route_tables(**where("association.subnet-id", private))["RouteTables"]
    assert table["RouteTableId"] == tables[private]
    assert [(route["DestinationCidrBlock"], route.get("NatGatewayId"), route["State"]) for route in table["Routes"]] == [
        ("10.0.0.0/16", None, "active"), ("0.0.0.0/0", nat, "active")]
    [main] = api.describe_route_tables(**where("association.main", "true"))["RouteTables"]
    assert main["VpcId"] == vpc and main["Associations"][0]["Main"] and "SubnetId" not in main["Associations"][0]
    [interface] = api.describe_network_interfaces(**where("interface-type", "nat_gateway"))["NetworkInterfaces"]
    assert interface["Association"]["AllocationId"] == address and interface["SubnetId"] == public


def test_security_groups_show_blocks_of_both_families_lists_and_pairs(networks):
    api, vpc = networks.api, networks.vpc()
    made = [api.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"] for name in ("shop", "peer")]
    api.authorize_security_group_ingress(GroupId=made[0], IpPermissions=[{
        **HTTPS, "IpRanges": [{"CidrIp": "10.0.0.7/8", "Description": "inside"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "PrefixListIds": [{"PrefixListId": "pl-6da54004"}], "UserIdGroupPairs": [{"GroupId": made[1]}]}])
    assert networks.group(made[0])["IpPermissions"] == [{
        **HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "PrefixListIds": [{"PrefixListId": "pl-6da54004"}],
        "UserIdGroupPairs": [{"GroupId": made[1], "UserId": "123456789012"}]}]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    assert networks.group(made[0])["IpPermissionsEgress"] == [
        {**everything[0], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}]
    api.revoke_security_group_egress(GroupId=made[0], IpPermissions=everything)
    assert networks.group(made[0])["IpPermissionsEgress"] == []
    api.authorize_security_group_egress(GroupId=made[0], IpPermissions=everything)
    message = refusal("InvalidPermission.Duplicate", api.authorize_security_group_egress, GroupId=made[0],
                      IpPermissions=everything)
    assert message == 'the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists'
    refusal("DependencyViolation", api.delete_security_group, GroupId=made[1])


def test_endpoints_of_both_types_come_and_go(networks, cloud):
    api, vpc = networks.api, networks.vpc()
    subnet = networks.subnet(vpc, "10.0.1.0/24")
    interface = {"VpcId": vpc, "VpcEndpointType": "Interface", "SubnetIds": [subnet],
                 "ServiceName": "com.amazonaws.eu-west-1.apprunner.requests"}
    message = refusal("InvalidParameter", api.create_vpc_endpoint, **interface)
    assert message.startswith("Enabling private DNS requires both enableDnsSupport and enableDnsHostnames")
    api.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    made = api.create_vpc_endpoint(**interface)["VpcEndpoint"]
    assert (made["State"], made["PrivateDnsEnabled"], made["SubnetIds"]) == ("pending", True, [subnet])
    [main] = api.describe_route_tables()["RouteTables"]
    gateway = api.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3",
                                      RouteTableIds=[main["RouteTableId"]])["VpcEndpoint"]
    cloud.advance(WORK)
    found = api.describe_vpc_endpoints(**where("vpc-endpoint-state", "available"))["VpcEndpoints"]
    assert {one["VpcEndpointId"] for one in found} == {made["VpcEndpointId"], gateway["VpcEndpointId"]}
    [list_of_s3] = api.describe_managed_prefix_lists(**where("prefix-list-name", "*.s3"))["PrefixLists"]
    [main] = api.describe_route_tables()["RouteTables"]
    assert {"DestinationPrefixListId": list_of_s3["PrefixListId"], "GatewayId": gateway["VpcEndpointId"],
            "Origin": "CreateRoute", "State": "active"} in main["Routes"]
    answer = api.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"], gateway["VpcEndpointId"], "vpce-1"])
    assert [one["Error"]["Code"] for one in answer["Unsuccessful"]] == ["InvalidVpcEndpointId.NotFound"]
    cloud.advance(WORK)
    assert api.describe_vpc_endpoints()["VpcEndpoints"] == []
    assert api.describe_network_interfaces()["NetworkInterfaces"] == []


def test_lists_have_pages_of_the_size_that_was_asked_for(networks):
    vpc = networks.vpc()
    made = {networks.subnet(vpc, f"10.0.{number}.0/24") for number in range(12)}
    pages = list(networks.api.get_paginator("describe_subnets").paginate(
        **where("vpc-id", vpc), PaginationConfig={"PageSize": 5}))
    assert [len(page["Subnets"]) for page in pages] == [5, 5, 2]
    assert {subnet["SubnetId"] for page in pages for subnet in page["Subnets"]} == made
    assert len(networks.api.describe_subnets()["Subnets"]) == 12
    refusal("InvalidParameterValue", networks.api.describe_subnets, MaxResults=4)
    refusal("InvalidParameterValue", networks.api.describe_route_tables, MaxResults=101)
    refusal("InvalidNextToken", networks.api.describe_subnets, NextToken="?")


# The filter by id, and the member of `_Network`'s answer with the id.
FILTERS = {
    "describe_vpcs": ("vpc-id", "VpcId"),
    "describe_subnets": ("subnet-id", "PrivateSubnets"),
    "describe_security_groups": ("group-id", "GroupId"),
    "describe_route_tables": ("route-table-id", "PrivateRouteTableId"),
    "describe_vpc_endpoints": ("vpc-endpoint-id", "AppRunnerEndpointId"),
}


@pytest.mark.parametrize("operation", FILTERS)
def test_a_filter_finds_one_of_many_and_an_unknown_one_is_refused(networks, operation):
    made = networks.network(AppRunnerEndpoint=True)
    networks.network("other", AppRunnerEndpoint=True)
    name, member = FILTERS[operation]
    value = made[member][0] if isinstance(made[member], list) else made[member]
    call = getattr(networks.api, operation)
    answer = call(**where(name, value))
    [found] = next(members for members in answer.values() if isinstance(members, list))
    assert value in found.values()
    assert refusal("InvalidParameterValue", call, **where("colour", "red")) == "The filter 'colour' is invalid"


@pytest.mark.parametrize("operation, member, strange, code, message", [
    ("describe_vpcs", "VpcIds", "vpc-1", "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist"),
    ("describe_subnets", "SubnetIds", "subnet-1", "InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist"),
    ("describe_security_groups", "GroupIds", "sg-1", "InvalidGroup.NotFound", "The security group 'sg-1' does not exist"),
    ("describe_vpc_endpoints", "VpcEndpointIds", "vpce-1", "InvalidVpcEndpointId.NotFound",
     "The Vpc Endpoint Id 'vpce-1' does not exist"),
    ("describe_route_tables", "RouteTableIds", "rtb-1", "InvalidRouteTableID.NotFound",
     "The routeTable ID 'rtb-1' does not exist"),
])
def test_what_is_not_there_has_a_code_of_its_own(networks, operation, member, strange, code, message):
    assert refusal(code, getattr(networks.api, operation), **{member: [strange]}) == message


def test_what_is_no_request_is_refused_in_ec2s_words(networks):
    assert refusal("MissingParameter", networks.api.create_subnet, CidrBlock="10.0.0.0/24") == (
        "The request must contain the parameter vpcId")
    refusal("InvalidVpc.Range", networks.api.create_vpc, CidrBlock="10.0.0.0/8")
    refusal("DryRunOperation", networks.api.describe_vpcs, DryRun=True)
    stranger = networks.cloud.client("ec2", aws_access_key_id="STRANGER")
    refusal("AuthFailure", stranger.describe_vpcs)


def test_a_whole_network_and_a_connector_in_it(networks, cloud):
    made = networks.network(Zones=3, Nat=True, Endpoints=["s3", "secretsmanager"], AppRunnerEndpoint=True)
    assert [len(made[name]) for name in ("PublicSubnets", "PrivateSubnets", "EndpointIds")] == [3, 3, 3]
    apprunner = cloud.client("apprunner")
    connector = apprunner.create_vpc_connector(
        VpcConnectorName="shop", Subnets=made["PrivateSubnets"], SecurityGroups=[made["GroupId"]])["VpcConnector"]
    tagged = where("tag:AWSAppRunnerManaged", "*")
    interfaces = networks.api.describe_network_interfaces(**tagged)["NetworkInterfaces"]
    assert {one["SubnetId"] for one in interfaces} == set(made["PrivateSubnets"])
    assert all(one["Groups"][0]["GroupId"] == made["GroupId"] for one in interfaces)
    apprunner.delete_vpc_connector(VpcConnectorArn=connector["VpcConnectorArn"])
    assert networks.api.describe_network_interfaces(**tagged)["NetworkInterfaces"] == []
