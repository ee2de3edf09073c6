"""IAM by boto3: documents come back as they went in, lists are walked by botocore's own paginators, refusals are IAM's."""

import json
import urllib.parse

import pytest

from wire import judged, refusal

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "tasks.apprunner.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
POLICY = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::shop/*?"}]}
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ACCESS = "arn:aws:iam::aws:policy/service-role/AWSAppRunnerServicePolicyForECRAccess"


@pytest.fixture
def iam(cloud):
    with judged(cloud, "iam") as client:
        yield client


def role(iam, name="shop", **more):
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)["Role"]


def test_a_role_is_read_with_its_documents(iam):
    made = role(iam, Path="/service-role/", Description="a role", Tags=[{"Key": "team", "Value": "web"}])
    iam.put_role_policy(RoleName="shop", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    shown = iam.get_role(RoleName="shop")["Role"]
    assert shown["Arn"] == made["Arn"] == "arn:aws:iam::123456789012:role/service-role/shop"
    assert shown["AssumeRolePolicyDocument"] == TRUST and shown["Tags"] == [{"Key": "team", "Value": "web"}]
    assert iam.get_role_policy(RoleName="shop", PolicyName="own")["PolicyDocument"] == POLICY
    assert iam.list_role_policies(RoleName="shop")["PolicyNames"] == ["own"]
    rows = iam.list_roles(PathPrefix="/service-role/")["Roles"]
    assert [row["RoleName"] for row in rows] == ["shop"] and "Tags" not in rows[0]


def test_documents_are_encoded_on_the_wire(iam):
    seen = []
    iam.meta.events.register("after-call.iam", lambda http_response, **_: seen.append(http_response.content.decode()))
    role(iam)
    iam.put_role_policy(RoleName="shop", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    iam.get_role_policy(RoleName="shop", PolicyName="own")
    encoded = urllib.parse.quote(json.dumps(POLICY), safe="")
    assert f"<PolicyDocument>{encoded}</PolicyDocument>" in seen[-1]


def test_attached_policies_are_walked_by_botocores_paginator(iam):
    role(iam)
    arns = [iam.create_policy(PolicyName=f"p{n}", PolicyDocument=json.dumps(POLICY))["Policy"]["Arn"] for n in range(4)]
    for arn in [*arns, ADMIN]:
        iam.attach_role_policy(RoleName="shop", PolicyArn=arn)
    pages = list(iam.get_paginator("list_attached_role_policies").paginate(
        RoleName="shop", PaginationConfig={"PageSize": 2}))
    assert [len(page["AttachedPolicies"]) for page in pages] == [2, 2, 1]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert sorted(row["PolicyArn"] for page in pages for row in page["AttachedPolicies"]) == sorted([*arns, ADMIN])


def test_managed_policies_have_versions(iam):
    arn = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(POLICY))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(POLICY), SetAsDefault=True)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert [row["VersionId"] for row in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v2"]
    of_aws = iam.get_policy(PolicyArn=ACCESS)["Policy"]
    version = iam.get_policy_version(PolicyArn=ACCESS, VersionId=of_aws["DefaultVersionId"])["PolicyVersion"]
    assert "ecr:BatchGetImage" in version["Document"]["Statement"][0]["Action"]
    iam.delete_policy(PolicyArn=arn)
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_refusals_are_of_the_models_types(iam):
    role(iam)
    absent = "arn:aws:iam::123456789012:policy/absent"
    assert refusal("NoSuchEntity", iam.get_role, RoleName="x") == "The role with name x cannot be found."
    assert refusal("NoSuchEntity", iam.attach_role_policy, RoleName="shop", PolicyArn=absent) == (
        f"Policy {absent} does not exist or is not attachable.")
    assert absent in refusal("NoSuchEntity", iam.get_policy, PolicyArn=absent)
    refusal("EntityAlreadyExists", iam.create_role, RoleName="shop", AssumeRolePolicyDocument=json.dumps(TRUST))
    refusal("MalformedPolicyDocument", iam.put_role_policy, RoleName="shop", PolicyName="p", PolicyDocument="{}")
    refusal("ValidationError", iam.get_role, RoleName="a name with spaces")
    iam.attach_role_policy(RoleName="shop", PolicyArn=ADMIN)
    refusal("DeleteConflict", iam.delete_role, RoleName="shop")
    iam.detach_role_policy(RoleName="shop", PolicyArn=ADMIN)
    iam.delete_role(RoleName="shop")
    refusal("NoSuchEntity", iam.get_role, RoleName="shop")
