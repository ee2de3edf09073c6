"""Errors have the shape, the type and, where users saw it, the very text of App Runner's (docs: facts of section 1.3)."""

import pytest

from judge import MODEL, OPERATIONS
from world import VALID

ABSENT = "0123456789abcdef0123456789abcdef"
# The member that names the resource, and what an ARN of its kind looks like.
KINDS = {
    "ServiceArn": f"service/absent/{ABSENT}",
    "ResourceArn": f"service/absent/{ABSENT}",
    "AutoScalingConfigurationArn": f"autoscalingconfiguration/absent/1/{ABSENT}",
    "ConnectionArn": f"connection/absent/{ABSENT}",
    "ObservabilityConfigurationArn": f"observabilityconfiguration/absent/1/{ABSENT}",
    "VpcConnectorArn": f"vpcconnector/absent/1/{ABSENT}",
    "VpcIngressConnectionArn": f"vpcingressconnection/absent/{ABSENT}",
}


def modelled(operation):
    return {shape.name for shape in MODEL.operation_model(operation).error_shapes}


NAMING = [operation for operation in OPERATIONS if "ResourceNotFoundException" in modelled(operation)]


def refused(cloud, operation, request):
    answer = cloud.raw(operation, request)
    assert answer.status == 400, answer.body
    assert answer.code in modelled(operation), answer.body
    assert set(answer.body) == {"__type", "Message"}
    assert 0 < len(answer.body["Message"]) <= 600
    return answer.code, answer.body["Message"]


@pytest.mark.parametrize("operation", NAMING)
def test_a_resource_that_is_not_there_is_not_found(world, operation):
    shape = MODEL.operation_model(operation).input_shape
    member = next(name for name in shape.required_members if name in KINDS)
    request = {member: world.arn(KINDS[member])}
    further = {"DomainName": "shop.example.net", "Tags": [{"Key": "a", "Value": "b"}], "TagKeys": ["a"],
               "IngressVpcConfiguration": {"VpcId": "vpc-0a1b2c3d", "VpcEndpointId": "vpce-0a1b2c3d"}}
    request |= {name: further[name] for name in shape.required_members if name != member}
    code, _ = refused(world.cloud, operation, request)
    assert code == "ResourceNotFoundException"


def test_most_operations_that_name_a_resource_can_say_that_it_is_not_there():
    assert len(NAMING) == 24


def test_a_busy_service_refuses_each_call_in_its_own_way(world):
    arn = world.service()
    world.api.start_deployment(ServiceArn=arn)
    assert refused(world.cloud, "StartDeployment", {"ServiceArn": arn}) == (
        "InvalidRequestException",
        "Can't start a deployment on the specified service, because it isn't in RUNNING state.")
    assert refused(world.cloud, "UpdateService", {"ServiceArn": arn, "InstanceConfiguration": {"Cpu": "2048"}}) == (
        "InvalidStateException", "Service cannot be updated in the current state: OPERATION_IN_PROGRESS.")
    for operation in ("DeleteService", "PauseService", "ResumeService"):
        code, _ = refused(world.cloud, operation, {"ServiceArn": arn})
        assert code == "InvalidStateException", operation


def test_a_paused_service_takes_no_deployment_and_no_domain(world):
    arn = world.paused_service()
    code, message = refused(world.cloud, "StartDeployment", {"ServiceArn": arn})
    assert code == "InvalidRequestException" and "RUNNING" in message
    code, _ = refused(world.cloud, "AssociateCustomDomain", {"ServiceArn": arn, "DomainName": "shop.example.net"})
    assert code == "InvalidStateException"


def test_a_domain_is_associated_once_and_disassociated_once(world):
    request = world.domain(world.service())
    code, message = refused(world.cloud, "AssociateCustomDomain", request)
    assert code == "InvalidRequestException"
    assert f"{request['DomainName']} is already associated with" in message
    other = {**request, "DomainName": "other.example.net"}
    code, message = refused(world.cloud, "DisassociateCustomDomain", other)
    assert code == "ResourceNotFoundException"
    assert "No custom domain other.example.net found for the provided service" in message


def test_a_sixth_domain_is_refused(world):
    arn = world.service()
    for number in range(5):
        world.domain(arn, f"shop{number}.example.net")
    refused(world.cloud, "AssociateCustomDomain", {"ServiceArn": arn, "DomainName": "shop5.example.net"})


def test_an_eleventh_connection_exceeds_the_quota(world):
    for _ in range(10):
        world.connection()
    request = {"ConnectionName": "one-too-many", "ProviderType": "GITHUB"}
    assert refused(world.cloud, "CreateConnection", request)[0] == "ServiceQuotaExceededException"


def test_a_name_is_taken_while_its_service_lives(world):
    request = {"ServiceName": "shop-api", "SourceConfiguration": world.image_source()}
    arn = world.api.create_service(**request)["Service"]["ServiceArn"]
    world.cloud.settle()
    assert refused(world.cloud, "CreateService", request)[0] == "InvalidRequestException"
    world.api.delete_service(ServiceArn=arn)
    world.cloud.settle()
    assert world.api.create_service(**request)["Service"]["ServiceArn"] != arn


def test_an_ecr_public_image_takes_no_role(world):
    source = {"ImageRepository": {"ImageIdentifier": "public.ecr.aws/shop/api:v1", "ImageRepositoryType": "ECR_PUBLIC"},
              "AuthenticationConfiguration": {"AccessRoleArn": world.role()}}
    request = {"ServiceName": "public-api", "SourceConfiguration": source}
    assert refused(world.cloud, "CreateService", request)[0] == "InvalidRequestException"


def test_a_service_cannot_change_from_image_to_code(world):
    request = {"ServiceArn": world.service(), "SourceConfiguration": world.code_source()}
    assert refused(world.cloud, "UpdateService", request)[0] == "InvalidRequestException"


def test_an_operation_that_does_not_exist_is_refused(cloud):
    answer = cloud.raw("RollbackService", {})
    assert 400 <= answer.status < 500 and answer.code == "UnknownOperationException"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe"], ids=repr)
def test_a_body_that_is_no_json_object_is_refused(cloud, body):
    answer = cloud.raw("DescribeService", body)
    assert answer.status == 400
    assert answer.code in {"SerializationException", "InvalidRequestException"}


def test_an_unknown_key_is_refused(cloud):
    answer = cloud.raw("ListServices", {}, access_key_id="AKIAUNKNOWNUNKNOWN00")
    assert answer.status in (400, 403)
    assert answer.code == "UnrecognizedClientException"


def test_a_call_without_signature_is_refused(cloud):
    answer = cloud.raw("ListServices", {}, signed=False)
    assert answer.status in (400, 403)
    assert answer.code in {"MissingAuthenticationTokenException", "MissingAuthenticationToken"}


def test_the_smallest_input_of_every_operation_is_enough(world):
    """No operation asks for more than the model requires, but for what CreateService says about its source."""
    for operation, variant in VALID:
        shape = MODEL.operation_model(operation).input_shape
        if shape.required_members or variant:
            continue
        answer = world.cloud.raw(operation, {})
        assert answer.status == 200, (operation, answer.body)
