"""Reads and builds networks with boto3, and judges the XML of every answer by botocore's model of EC2."""

from xml.etree import ElementTree

import botocore.session
import pytest
from botocore.exceptions import ClientError

MODEL = botocore.session.get_session().get_service_model("ec2")
NAMESPACE = "{http://ec2.amazonaws.com/doc/2016-11-15/}"
# Seconds after which endpoints and NAT gateways are there, or gone.
WORK = 60
# The wire has small letters where the model's lists have capital ones.
OTHERWISE = {"VpcEndpoint.State", "NetworkInterface.InterfaceType"}


class Networks:
    """EC2 of a fresh cloud. Every successful answer is judged as it came over the wire."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.api = cloud.client("ec2")
        self.api.meta.events.register("after-call.ec2", self._listen)

    def _listen(self, http_response, model, **_):
        if http_response.status_code < 300:
            root = ElementTree.fromstring(http_response.content)
            assert root.tag == f"{NAMESPACE}{model.name}Response"
            assert root[0].tag == f"{NAMESPACE}requestId"
            root.remove(root[0])
            if model.output_shape is None:
                assert [(child.tag, child.text) for child in root] == [(f"{NAMESPACE}return", "true")]
            else:
                self.cloud.problems += list(_problems(model.output_shape, root, model.name))

    def network(self, name="shop", **wish):
        """A whole network that is ready."""
        return self.cloud.internal("ec2", "_Network", Name=name, **wish)

    def vpc(self, block="10.0.0.0/16", **more):
        return self.api.create_vpc(CidrBlock=block, **more)["Vpc"]["VpcId"]

    def subnet(self, vpc, block, zone="a"):
        return self.api.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"eu-west-1{zone}")["Subnet"]["SubnetId"]

    def group(self, group):
        return self.api.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]


def refusal(code, call, *arguments, **members):
    """The message of a call that must be refused with this code."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    assert caught.value.response["ResponseMetadata"]["RequestId"]
    return caught.value.response["Error"]["Message"]


def where(name, *values):
    return {"Filters": [{"Name": name, "Values": list(values)}]}


def _problems(shape, element, path):
    """Elements that the model does not have, and values of a wrong type."""
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        for child in element:
            tag = child.tag.removeprefix(NAMESPACE)
            if tag not in names:
                yield f"{path}.{tag}: unknown"
            elif f"{shape.name}.{names[tag][0]}" not in OTHERWISE:
                yield from _problems(names[tag][1], child, f"{path}.{tag}")
    elif shape.type_name == "list":
        for child in element:
            assert child.tag == NAMESPACE + shape.member.serialization["name"], path
            yield from _problems(shape.member, child, path)
    elif shape.type_name == "boolean":
        if element.text not in ("true", "false"):
            yield f"{path}: {element.text}"
    elif shape.type_name in ("integer", "long") and not (element.text or "").lstrip("-").isdigit():
        yield f"{path}: {element.text}"
    elif shape.type_name == "timestamp" and not (element.text or "").endswith("Z"):
        yield f"{path}: {element.text}"
    elif element.text not in (getattr(shape, "enum", None) or [element.text]):
        yield f"{path}: {element.text}"
