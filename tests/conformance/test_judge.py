"""The judge judges: it needs no cloud. A validator that lets everything pass would make the whole suite worthless."""

import pytest

from judge import EXCEPTIONS, MODEL, OPERATIONS, Problem, broken_inputs, is_excepted, problems_of_answer
from world import VALID

SERVICE = {
    "ServiceName": "shop-api", "ServiceId": "8f3c1d0e5b7a4c2f9e6d1a0b3c4d5e6f",
    "ServiceArn": "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/8f3c1d0e5b7a4c2f9e6d1a0b3c4d5e6f",
    "CreatedAt": 1795169000.25, "UpdatedAt": 1795169000, "Status": "RUNNING",
    "SourceConfiguration": {"ImageRepository": {
        "ImageIdentifier": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/api:v1", "ImageRepositoryType": "ECR"}},
    "InstanceConfiguration": {"Cpu": "1024", "Memory": "2048"},
    "AutoScalingConfigurationSummary": {}, "NetworkConfiguration": {},
}


def judged(**changed):
    service = {name: value for name, value in {**SERVICE, **changed}.items() if value is not None}
    found = problems_of_answer("DescribeService", {"Service": service})
    return [(problem.path.removeprefix("DescribeService.Service."), problem.rule)
            for problem in found if not is_excepted(problem)]


def test_a_right_answer_has_no_problem():
    assert judged() == []


@pytest.mark.parametrize("changed, problem", [
    ({"Status": None}, ("Status", "required")),
    ({"Status": "SLEEPING"}, ("Status", "enum")),
    ({"ServiceName": 7}, ("ServiceName", "type string")),
    ({"ServiceName": "x"}, ("ServiceName", "min")),
    ({"ServiceName": "a name with spaces"}, ("ServiceName", "pattern")),
    ({"ServiceName": "a" * 41}, ("ServiceName", "max")),
    ({"CreatedAt": "2026-11-20T10:00:00Z"}, ("CreatedAt", "type timestamp")),
    ({"CreatedAt": 1795169000250}, ("CreatedAt", "timestamp in seconds")),
    ({"CreatedAt": True}, ("CreatedAt", "type timestamp")),
    ({"NetworkConfiguration": []}, ("NetworkConfiguration", "type structure")),
    ({"HealthCheckConfiguration": {"Interval": 21}}, ("HealthCheckConfiguration.Interval", "max")),
    ({"HealthCheckConfiguration": {"Interval": True}}, ("HealthCheckConfiguration.Interval", "type integer")),
    ({"Colour": "red"}, ("Colour", "unknown member")),
    ({"ServiceId": "8f3c"}, ("ServiceId", "min")),
])
def test_a_wrong_answer_is_seen(changed, problem):
    assert problem in judged(**changed)


def test_exceptions_excuse_what_they_name_and_nothing_else():
    assert is_excepted(Problem("x", "ServiceId", "pattern", "x"))
    assert not is_excepted(Problem("x", "ServiceId", "max", "x"))
    assert not is_excepted(Problem("x", "CreateServiceResponse.OperationId", "required", "nothing"))


def test_every_exception_is_argued():
    assert all(entry[word] for entry in EXCEPTIONS for word in ("shape", "rule", "seen", "why", "source", "test"))


def test_the_model_has_37_operations_and_each_has_a_valid_input():
    assert len(OPERATIONS) == 37
    assert sorted({operation for operation, _ in VALID}) == OPERATIONS


def test_an_input_is_broken_in_every_way_that_the_model_knows():
    valid = {"ServiceName": "shop-api", "HealthCheckConfiguration": {"Protocol": "TCP", "Interval": 5},
             "Tags": [{"Key": "team", "Value": "shop"}],
             "SourceConfiguration": {"ImageRepository": {
                 "ImageIdentifier": "public.ecr.aws/a/b:1", "ImageRepositoryType": "ECR_PUBLIC",
                 "ImageConfiguration": {"RuntimeEnvironmentVariables": {"MODE": "test"}}}}}
    broken = {str(each) for each in broken_inputs("CreateService", valid)}
    variables = "SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables"
    assert broken >= {
        "ServiceName: required", "ServiceName: type string", "ServiceName: min length 4", "ServiceName: max length 40",
        "SourceConfiguration: required", "SourceConfiguration: type structure",
        "SourceConfiguration.ImageRepository.ImageRepositoryType: required",
        "SourceConfiguration.ImageRepository.ImageRepositoryType: enum",
        "HealthCheckConfiguration.Interval: min 1", "HealthCheckConfiguration.Interval: max 20",
        "HealthCheckConfiguration.Protocol: enum in lower case",
        "Tags: type list", "Tags.0.Key: pattern ('aws:reserved')", "Tags.0.Key: max length 128",
        f"{variables}.MODE: type string", f"{variables}.key: min length 1",
    }


def test_breaking_an_input_leaves_the_valid_one_alone():
    valid = {"ServiceArn": "arn:aws:apprunner:eu-west-1:123456789012:service/a", "MaxResults": 5}
    assert all(each.input != valid for each in broken_inputs("ListOperations", valid))
    assert valid == {"ServiceArn": "arn:aws:apprunner:eu-west-1:123456789012:service/a", "MaxResults": 5}


def test_every_operation_can_refuse():
    assert all(
        "InvalidRequestException" in {shape.name for shape in MODEL.operation_model(operation).error_shapes}
        for operation in OPERATIONS
    )
