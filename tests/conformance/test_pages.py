"""Lists come in pages: each at most as long as asked for, followed by NextToken, all of them together the whole list."""

import pytest
from botocore.exceptions import ClientError


def services(world):
    for _ in range(3):
        world.service()
    return world.api.list_services, {}, "ServiceSummaryList"


def operations(world):
    arn = world.service()
    for _ in range(2):
        world.api.start_deployment(ServiceArn=arn)
        world.cloud.settle()
    return world.api.list_operations, {"ServiceArn": arn}, "OperationSummaryList"


def domains(world):
    arn = world.service()
    for label in ("one", "two", "three"):
        world.domain(arn, f"{label}.example.net")
    return world.api.describe_custom_domains, {"ServiceArn": arn}, "CustomDomains"


def connections(world):
    for _ in range(3):
        world.connection()
    return world.api.list_connections, {}, "ConnectionSummaryList"


def scalings(world):
    for _ in range(3):
        world.scaling()
    return world.api.list_auto_scaling_configurations, {}, "AutoScalingConfigurationSummaryList"


def tracings(world):
    for _ in range(3):
        world.observability()
    return world.api.list_observability_configurations, {}, "ObservabilityConfigurationSummaryList"


def connectors(world):
    for _ in range(3):
        world.connector()
    return world.api.list_vpc_connectors, {}, "VpcConnectors"


def ingresses(world):
    for _ in range(3):
        world.ingress()
    return world.api.list_vpc_ingress_connections, {}, "VpcIngressConnectionSummaryList"


def services_of_a_scaling(world):
    scaling = world.scaling()
    for _ in range(3):
        world.service(AutoScalingConfigurationArn=scaling)
    return (world.api.list_services_for_auto_scaling_configuration,
            {"AutoScalingConfigurationArn": scaling}, "ServiceArnList")


LISTS = [services, operations, domains, connections, scalings, tracings, connectors, ingresses, services_of_a_scaling]
PAGES_MAX = 20


@pytest.fixture(params=LISTS, ids=lambda make: make.__name__)
def listing(request, world):
    return request.param(world)


def pages(listing, size):
    call, request, member = listing
    token = {}
    for _ in range(PAGES_MAX):
        page = call(**request, MaxResults=size, **token)
        yield page[member]
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}
    raise AssertionError(f"more than {PAGES_MAX} pages")


def test_pages_of_every_size_hold_the_whole_list_once_and_in_order(listing):
    call, request, member = listing
    whole = call(**request)[member]
    assert len(whole) >= 3
    for size in (1, 2, 3):
        split = list(pages(listing, size))
        assert [row for page in split for row in page] == whole
        assert all(0 < len(page) <= size for page in split)


def test_a_token_that_is_none_is_refused(listing):
    call, request, _ = listing
    with pytest.raises(ClientError) as refused:
        call(**request, NextToken="no token of ours")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


def test_operations_are_listed_newest_first(world):
    call, request, member = operations(world)
    started = [operation["StartedAt"] for operation in call(**request)[member]]
    assert started == sorted(started, reverse=True)
    assert len(set(started)) == 3
