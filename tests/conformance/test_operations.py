"""All 37 operations are called, and answer as the model says; what they made is then looked at in every state."""

import pytest
from botocore import xform_name

from world import IMAGE, TAGS, VALID


def ids(key):
    return "-".join(filter(None, key))


def look_around(world):
    """Reads everything there is through every reading operation: the `cloud` fixture judges each answer."""
    api = world.api
    for service in api.list_services()["ServiceSummaryList"]:
        arn = service["ServiceArn"]
        api.describe_service(ServiceArn=arn)
        api.list_operations(ServiceArn=arn)
        api.describe_custom_domains(ServiceArn=arn)
        api.list_tags_for_resource(ResourceArn=arn)
    for scaling in api.list_auto_scaling_configurations()["AutoScalingConfigurationSummaryList"]:
        arn = scaling["AutoScalingConfigurationArn"]
        api.describe_auto_scaling_configuration(AutoScalingConfigurationArn=arn)
        api.list_services_for_auto_scaling_configuration(AutoScalingConfigurationArn=arn)
    for tracing in api.list_observability_configurations()["ObservabilityConfigurationSummaryList"]:
        api.describe_observability_configuration(
            ObservabilityConfigurationArn=tracing["ObservabilityConfigurationArn"])
    for connector in api.list_vpc_connectors()["VpcConnectors"]:
        api.describe_vpc_connector(VpcConnectorArn=connector["VpcConnectorArn"])
    for ingress in api.list_vpc_ingress_connections()["VpcIngressConnectionSummaryList"]:
        api.describe_vpc_ingress_connection(VpcIngressConnectionArn=ingress["VpcIngressConnectionArn"])
    api.list_connections()


@pytest.mark.parametrize("key", VALID, ids=ids)
def test_an_operation_answers_as_the_model_says(world, key):
    operation, _ = key
    request = VALID[key](world)
    getattr(world.api, xform_name(operation))(**request)
    answer = world.cloud.last()
    assert (answer.operation, answer.status) == (operation, 200)
    assert answer.headers.get("Content-Type") == "application/x-amz-json-1.0"
    assert any(name.lower() == "x-amzn-requestid" for name in answer.headers)
    look_around(world)
    world.cloud.settle()
    look_around(world)


def test_what_was_asked_for_is_what_is_described(world):
    request = world.new_service(world.full_image_source())
    created = world.api.create_service(**request)
    assert created["Service"]["Status"] == "OPERATION_IN_PROGRESS"
    world.cloud.settle()
    service = world.api.describe_service(ServiceArn=created["Service"]["ServiceArn"])["Service"]
    assert service["Status"] == "RUNNING"
    for name in ("ServiceName", "SourceConfiguration", "HealthCheckConfiguration", "NetworkConfiguration",
                 "ObservabilityConfiguration", "EncryptionConfiguration"):
        assert service[name] == request[name], name
    assert service["AutoScalingConfigurationSummary"]["AutoScalingConfigurationArn"] == \
        request["AutoScalingConfigurationArn"]
    tags = world.api.list_tags_for_resource(ResourceArn=service["ServiceArn"])["Tags"]
    assert sorted(tags, key=str) == sorted(TAGS, key=str)


def test_cpu_and_memory_come_back_as_numbers_of_units(world):
    arn = world.service(InstanceConfiguration={"Cpu": "1 vCPU", "Memory": "2 GB"})
    instance = world.api.describe_service(ServiceArn=arn)["Service"]["InstanceConfiguration"]
    assert (instance["Cpu"], instance["Memory"]) == ("1024", "2048")


def test_maps_are_replaced_and_groups_left_out_stay(world):
    arn = world.service(HealthCheckConfiguration={"Protocol": "HTTP", "Path": "/health"})
    source = world.image_source()
    source["ImageRepository"]["ImageConfiguration"]["RuntimeEnvironmentVariables"] = {"COLOUR": "red"}
    world.api.update_service(ServiceArn=arn, SourceConfiguration=source)
    world.cloud.settle()
    service = world.api.describe_service(ServiceArn=arn)["Service"]
    image = service["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
    assert image["RuntimeEnvironmentVariables"] == {"COLOUR": "red"}
    assert service["HealthCheckConfiguration"]["Path"] == "/health"


def test_my_operation_is_found_by_its_id_and_ends(world):
    arn = world.service()
    mine = world.api.start_deployment(ServiceArn=arn)["OperationId"]

    def found():
        listed = world.api.list_operations(ServiceArn=arn)["OperationSummaryList"]
        return next(operation for operation in listed if operation["Id"] == mine)

    assert (found()["Type"], found()["Status"]) == ("START_DEPLOYMENT", "IN_PROGRESS")
    world.cloud.settle()
    assert found()["Status"] == "SUCCEEDED"
    assert found()["EndedAt"] > found()["StartedAt"]


def test_a_deleted_service_can_be_described_and_is_listed_no_more(world):
    arn = world.service()
    world.api.delete_service(ServiceArn=arn)
    world.cloud.settle()
    assert world.status(arn) == "DELETED"
    assert world.api.list_services()["ServiceSummaryList"] == []


def test_a_first_deployment_that_fails_leaves_create_failed(world):
    request = {"ServiceName": "broken", "SourceConfiguration": world.image_source("no-such-tag")}
    arn = world.api.create_service(**request)["Service"]["ServiceArn"]
    world.cloud.settle()
    assert world.status(arn) == "CREATE_FAILED"
    operations = world.api.list_operations(ServiceArn=arn)["OperationSummaryList"]
    assert [(each["Type"], each["Status"]) for each in operations] == [("CREATE_SERVICE", "FAILED")]


def test_pausing_and_resuming_what_already_is_so_makes_no_operation(world):
    arn = world.service()
    assert "OperationId" not in world.api.resume_service(ServiceArn=arn)
    world.api.pause_service(ServiceArn=arn)
    world.cloud.settle()
    assert world.status(arn) == "PAUSED"
    assert "OperationId" not in world.api.pause_service(ServiceArn=arn)


def test_a_push_deploys_by_itself_where_that_is_on(world):
    arn = world.service(SourceConfiguration=world.image_source("v1", AutoDeploymentsEnabled=True))
    world.push("v1")
    world.cloud.settle()
    newest = world.api.list_operations(ServiceArn=arn)["OperationSummaryList"][0]
    assert (newest["Type"], newest["Status"]) == ("START_DEPLOYMENT", "SUCCEEDED"), f"after a push to {IMAGE}:v1"
