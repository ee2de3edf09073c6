"""Security Hub by boto3: findings of the account's own product, and what the service makes of them."""

import pytest

from wire import judged, refusal

PRODUCT = "arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default"
SERVICE = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef0123456789abcdef"


@pytest.fixture
def off(cloud):
    with judged(cloud, "securityhub") as client:
        yield client


@pytest.fixture
def hub(off):
    off.enable_security_hub(EnableDefaultStandards=False)
    return off


def finding(number, **changed):
    return {
        "SchemaVersion": "2018-10-08", "Id": f"f{number}", "ProductArn": PRODUCT, "GeneratorId": "pitcrew/R1",
        "AwsAccountId": "123456789012", "CreatedAt": "2026-01-05T08:00:00Z", "UpdatedAt": "2026-01-05T08:00:00Z",
        "FindingProviderFields": {"Severity": {"Label": "MEDIUM"}, "Types": ["Software and Configuration Checks"]},
        "Title": "title", "Description": "text", "Resources": [{"Type": "Other", "Id": SERVICE}],
        "Remediation": {"Recommendation": {"Text": "do this", "Url": "https://example.com/"}}, **changed}


def is_(value):
    return [{"Value": value, "Comparison": "EQUALS"}]


def ids(hub, **filters):
    return [found["Id"] for found in hub.get_findings(Filters=filters)["Findings"]]


def test_a_hub_that_is_off_refuses(off):
    text = "Account 123456789012 is not subscribed to AWS Security Hub"
    assert refusal("InvalidAccessException", off.describe_hub) == text
    assert refusal("InvalidAccessException", off.batch_import_findings, Findings=[finding(1)]) == text
    off.enable_security_hub()
    assert off.describe_hub()["HubArn"] == "arn:aws:securityhub:eu-west-1:123456789012:hub/default"
    refusal("ResourceConflictException", off.enable_security_hub)


def test_a_hundred_findings_are_imported_and_walked_by_botocores_paginator(hub):
    answer = hub.batch_import_findings(Findings=[finding(number) for number in range(100)])
    assert (answer["SuccessCount"], answer["FailedCount"]) == (100, 0)
    pages = hub.get_paginator("get_findings").paginate(
        Filters={"ResourceId": is_(SERVICE)}, PaginationConfig={"PageSize": 30})
    assert [len(page["Findings"]) for page in pages] == [30, 30, 30, 10]
    refusal("InvalidInputException", hub.batch_import_findings, Findings=[finding(number) for number in range(101)])


def test_a_finding_is_completed_updated_and_archived(hub):
    hub.batch_import_findings(Findings=[finding(1)])
    shown, = hub.get_findings()["Findings"]
    assert shown["Severity"] == {"Label": "MEDIUM", "Normalized": 40}
    assert shown["Types"] == ["Software and Configuration Checks"]
    assert (shown["RecordState"], shown["Workflow"]) == ("ACTIVE", {"Status": "NEW"})
    hub.batch_import_findings(Findings=[finding(1, RecordState="ARCHIVED")])
    assert ids(hub, RecordState=is_("ACTIVE")) == ["f1"], "the update is not later"
    hub.batch_import_findings(Findings=[finding(1, RecordState="ARCHIVED", UpdatedAt="2026-01-05T09:00:00Z")])
    assert ids(hub, RecordState=is_("ARCHIVED"), WorkflowStatus=is_("NEW")) == ["f1"]


def test_what_is_too_long_fails_alone(hub):
    answer = hub.batch_import_findings(Findings=[finding(1, Title="t" * 257), finding(2)])
    failed, = answer["FailedFindings"]
    assert (answer["SuccessCount"], failed["Id"], failed["ErrorCode"]) == (1, "f1", "InvalidInput")
    assert failed["ErrorMessage"].endswith("data.Title should NOT be longer than 256 characters.")
    assert ids(hub) == ["f2"]


def test_refusals(hub):
    without = finding(1)
    del without["Title"]
    refusal("InvalidInputException", hub.batch_import_findings, Findings=[without])
    refusal("AccessDeniedException", hub.batch_import_findings, Findings=[finding(1, AwsAccountId="999988887777")])
    refusal("InvalidInputException", hub.get_findings, MaxResults=101)
    refusal("InvalidInputException", hub.get_findings, Filters={"Keyword": [{"Value": "x"}]})
