"""Where users saw something else than the model says, the local cloud does what users saw: one test each.

exceptions.toml names each with its source; each entry is shown to be needed by an answer that the bare model refuses.
"""

import re
import sys

from judge import EXCEPTIONS, problems_of_answer
from world import DOMAIN


def is_needed(cloud, shape, rule):
    """Whether an answer of this cloud broke the model in that way."""
    return any(
        (problem.shape, problem.rule) == (shape, rule)
        for answer in cloud.answers
        if answer.status == 200
        for problem in problems_of_answer(answer.operation, answer.body)
    )


def test_a_service_id_is_32_hex_digits(world):
    arn = world.service()
    service = world.api.describe_service(ServiceArn=arn)["Service"]
    assert re.fullmatch(r"[0-9a-f]{32}", service["ServiceId"])
    assert arn.endswith(f":service/{service['ServiceName']}/{service['ServiceId']}")
    assert is_needed(world.cloud, "ServiceId", "pattern")


def test_the_status_of_a_custom_domain_is_in_lower_case(world):
    arn = world.service()
    answer = world.api.associate_custom_domain(ServiceArn=arn, DomainName=DOMAIN)
    seen = [answer["CustomDomain"]["Status"]]
    # Some seconds later the records are there; a person or a tool then has to publish them.
    world.cloud.advance(120)

    def domain():
        found, = world.api.describe_custom_domains(ServiceArn=arn)["CustomDomains"]
        return found

    seen.append(domain()["Status"])
    assert {record["Status"] for record in domain()["CertificateValidationRecords"]} == {"PENDING_VALIDATION"}
    world.cloud.internal("acm", "_Prove", DomainName=DOMAIN)
    world.cloud.settle()
    seen.append(domain()["Status"])
    assert seen == ["creating", "pending_certificate_dns_validation", "active"]
    assert {record["Status"] for record in domain()["CertificateValidationRecords"]} == {"SUCCESS"}
    assert is_needed(world.cloud, "CustomDomainAssociationStatus", "enum")


def test_an_update_that_changes_nothing_has_no_operation(world):
    arn = world.service()
    before = world.api.list_operations(ServiceArn=arn)["OperationSummaryList"]
    source = world.api.describe_service(ServiceArn=arn)["Service"]["SourceConfiguration"]
    answer = world.api.update_service(ServiceArn=arn, SourceConfiguration=source)
    assert "OperationId" not in answer
    assert answer["Service"]["Status"] == "RUNNING"
    assert world.api.list_operations(ServiceArn=arn)["OperationSummaryList"] == before
    assert is_needed(world.cloud, "UpdateServiceResponse.OperationId", "required")


def test_every_exception_has_its_test():
    here = vars(sys.modules[__name__])
    assert [entry["test"] for entry in EXCEPTIONS if entry["test"] not in here] == []
