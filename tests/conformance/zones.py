"""Makes zones and records with boto3, judges the XML of every answer by botocore's model, and asks the DNS by hand."""

import itertools
import socket
import struct
from xml.etree import ElementTree

import botocore.session
import pytest
from botocore.exceptions import ClientError

MODEL = botocore.session.get_session().get_service_model("route53")
NAMESPACE = "{https://route53.amazonaws.com/doc/2013-04-01/}"
# Seconds after which every change is in sync.
IN_SYNC = 60
# The zone of App Runner's aliases in eu-west-1 (AWS general reference).
APP_RUNNER_ZONE = "Z087551914Z2PCAU0QHMW"
KINDS = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 16: "TXT", 28: "AAAA", 257: "CAA"}
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN"}


class Zones:
    """Route 53 of a fresh cloud. Every successful answer is judged as it came over the wire."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.api = cloud.client("route53")
        self.api.meta.events.register("after-call.route53", self._listen)
        self._numbers = itertools.count(1)

    def _listen(self, http_response, model, **_):
        if http_response.status_code < 300:
            root = ElementTree.fromstring(http_response.content)
            shape = model.output_shape
            assert root.tag == NAMESPACE + shape.name
            self.cloud.problems += list(_problems(shape, root, shape.name))

    def zone(self, name="octank.dev", **more):
        """A zone that is in sync; its id."""
        made = self.api.create_hosted_zone(Name=name, CallerReference=f"r{next(self._numbers)}", **more)
        self.cloud.advance(IN_SYNC)
        return made["HostedZone"]["Id"].removeprefix("/hostedzone/")

    def change(self, zone, *changes):
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
        return self.api.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]

    def changed(self, zone, *changes):
        """A change that is taken and in sync."""
        self.change(zone, *changes)
        self.cloud.advance(IN_SYNC)

    def refused(self, zone, *changes, code="InvalidChangeBatch"):
        """The message of a change that must be refused; the zone is as it was."""
        before = self.sets(zone)
        message = refusal(code, self.change, zone, *changes)
        assert self.sets(zone) == before
        return message

    def sets(self, zone):
        pages = self.api.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        return [record for page in pages for record in page["ResourceRecordSets"]]

    def ask(self, name, kind="A", tcp=False):
        """The DNS's answer over the wire: the response code, and how many records of the type it has."""
        host, _, port = self.cloud.dns.partition(":")
        number = next(number for number, known in KINDS.items() if known == kind)
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
        question = struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", number, 1)
        kind_of_socket = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind_of_socket) as connection:
            connection.settimeout(5)
            connection.connect((host, int(port)))
            connection.sendall(struct.pack("!H", len(question)) + question if tcp else question)
            reply = connection.recv(65535)
        if tcp:
            assert struct.unpack("!H", reply[:2])[0] == len(reply) - 2
            reply = reply[2:]
        number, flags, questions, answers, _, _ = struct.unpack("!6H", reply[:12])
        assert number == 4711 and questions == 1 and flags & 0x8000, "an answer to this question"
        return RCODES[flags & 0xF], answers


def refusal(code, call, *arguments, **members):
    """The message of a call that must be refused with this code."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def record(name, kind, *values, ttl=300, **more):
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in values], **more}


def alias(name, target, zone=APP_RUNNER_ZONE):
    return {"Name": name, "Type": "A",
            "AliasTarget": {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": True}}


def _problems(shape, element, path):
    """Elements that the model does not have, that it requires and that are missing, and values of a wrong type."""
    if shape.type_name == "structure":
        body = {name: member for name, member in shape.members.items() if "location" not in member.serialization}
        names = {member.serialization.get("name", name): member for name, member in body.items()}
        for child in element:
            tag = child.tag.removeprefix(NAMESPACE)
            if tag not in names:
                yield f"{path}.{tag}: unknown"
            else:
                yield from _problems(names[tag], child, f"{path}.{tag}")
        seen = {child.tag.removeprefix(NAMESPACE) for child in element}
        missing = set(shape.required_members) & set(body) - seen
        yield from (f"{path}.{name}: missing" for name in sorted(missing))
    elif shape.type_name == "list":
        for child in element:
            assert child.tag == NAMESPACE + shape.member.serialization["name"], path
            yield from _problems(shape.member, child, path)
    elif shape.type_name == "boolean":
        if element.text not in ("true", "false"):
            yield f"{path}: {element.text}"
    elif shape.type_name in ("integer", "long") and not (element.text or "").lstrip("-").isdigit():
        yield f"{path}: {element.text}"
    elif element.text not in (getattr(shape, "enum", None) or [element.text]):
        yield f"{path}: {element.text}"
