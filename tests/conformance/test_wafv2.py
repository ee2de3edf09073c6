"""WAFv2 by boto3: which App Runner service has a web ACL, and how the service refuses."""

import pytest

from wire import judged, refusal

SERVICE = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef0123456789abcdef"
VISIBLE = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "front"}
RULE = {"Name": "common", "Priority": 0, "OverrideAction": {"None": {}}, "VisibilityConfig": VISIBLE, "Statement": {
    "ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}}


@pytest.fixture
def waf(cloud):
    with judged(cloud, "wafv2") as client:
        yield client


def create(waf, name="front", **more):
    made = waf.create_web_acl(
        Name=name, Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=VISIBLE, **more)
    return made["Summary"]


def test_a_service_has_no_acl_until_one_is_associated(waf):
    assert "WebACL" not in waf.get_web_acl_for_resource(ResourceArn=SERVICE)
    arn = create(waf, Rules=[RULE], Description="in front")["ARN"]
    waf.associate_web_acl(WebACLArn=arn, ResourceArn=SERVICE)
    shown = waf.get_web_acl_for_resource(ResourceArn=SERVICE)["WebACL"]
    assert (shown["ARN"], shown["Rules"]) == (arn, [RULE])
    listed = waf.list_resources_for_web_acl(WebACLArn=arn, ResourceType="APP_RUNNER_SERVICE")["ResourceArns"]
    assert listed == [SERVICE]
    assert waf.list_resources_for_web_acl(WebACLArn=arn)["ResourceArns"] == []
    waf.disassociate_web_acl(ResourceArn=SERVICE)
    assert "WebACL" not in waf.get_web_acl_for_resource(ResourceArn=SERVICE)


def test_acls_are_listed_read_and_deleted(waf):
    made = [create(waf, f"acl-{n}") for n in range(3)]
    first = waf.list_web_acls(Scope="REGIONAL", Limit=2)
    rest = waf.list_web_acls(Scope="REGIONAL", Limit=2, NextMarker=first["NextMarker"])
    assert [row["Name"] for row in first["WebACLs"] + rest["WebACLs"]] == ["acl-0", "acl-1", "acl-2"]
    named = {key: made[0][key] for key in ("Name", "Id")}
    lock = waf.get_web_acl(Scope="REGIONAL", **named)["LockToken"]
    waf.delete_web_acl(Scope="REGIONAL", LockToken=lock, **named)
    refusal("WAFNonexistentItemException", waf.get_web_acl, Scope="REGIONAL", **named)


def test_refusals_are_of_the_models_types(waf):
    arn = create(waf)["ARN"]
    absent = arn.replace("/front/", "/absent/")
    assert refusal("WAFNonexistentItemException", waf.associate_web_acl, WebACLArn=absent, ResourceArn=SERVICE) == (
        "AWS WAF couldn’t perform the operation because your resource doesn’t exist.")
    message = refusal("WAFInvalidParameterException", waf.get_web_acl_for_resource, ResourceArn="arn:aws:s3:::some-bucket")
    assert message.endswith("field: RESOURCE_ARN, parameter: arn:aws:s3:::some-bucket")
    refusal("WAFDuplicateItemException", waf.create_web_acl, Name="front", Scope="REGIONAL",
            DefaultAction={"Allow": {}}, VisibilityConfig=VISIBLE)
    refusal("ValidationException", waf.list_web_acls, Scope="ELSEWHERE")
    waf.associate_web_acl(WebACLArn=arn, ResourceArn=SERVICE)
    acl = waf.get_web_acl(ARN=arn)
    refusal("WAFAssociatedItemException", waf.delete_web_acl, Name="front", Scope="REGIONAL",
            Id=acl["WebACL"]["Id"], LockToken=acl["LockToken"])
