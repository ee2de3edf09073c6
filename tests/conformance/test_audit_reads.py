"""What an audit reads beside App Runner in ECR and CloudWatch: lifecycle policies, usage of instances, hundreds of series."""

import json
from datetime import timedelta

from botocore.exceptions import ClientError

from wire import judged, refusal

POLICY = json.dumps({"rules": [{"rulePriority": 1, "selection": {
    "tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}}]})


def test_a_repository_shows_its_mutability_and_its_lifecycle_policy(cloud):
    with judged(cloud, "ecr") as ecr:
        ecr.create_repository(repositoryName="shop", imageTagMutability="IMMUTABLE")
        shown, = ecr.describe_repositories()["repositories"]
        assert shown["imageTagMutability"] == "IMMUTABLE"
        assert "'shop'" in refusal("LifecyclePolicyNotFoundException", ecr.get_lifecycle_policy, repositoryName="shop")
        ecr.put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=POLICY)
        assert ecr.get_lifecycle_policy(repositoryName="shop")["lifecyclePolicyText"] == POLICY
        assert ecr.delete_lifecycle_policy(repositoryName="shop")["lifecyclePolicyText"] == POLICY
        refusal("LifecyclePolicyNotFoundException", ecr.delete_lifecycle_policy, repositoryName="shop")
        refusal("RepositoryNotFoundException", ecr.get_lifecycle_policy, repositoryName="absent")


def test_what_instances_use_is_read_in_one_call_of_five_hundred_queries(world):
    arn = world.service()
    cloud, described = world.cloud, world.api.describe_service(ServiceArn=arn)["Service"]
    cloudwatch = cloud.client("cloudwatch")
    cloud.internal("apprunner", "_Usage", Service=described["ServiceName"], CpuPercent=80, MemoryPercent=20, Concurrency=7)
    cloud.advance(600)
    service = [{"Name": "ServiceName", "Value": described["ServiceName"]},
               {"Name": "ServiceID", "Value": described["ServiceId"]}]
    listed = cloudwatch.list_metrics(Namespace="AWS/AppRunner", Dimensions=service)["Metrics"]
    assert sorted((row["MetricName"], len(row["Dimensions"])) for row in listed) == [
        ("CPUUtilization", 2), ("CPUUtilization", 3), ("Concurrency", 2),
        ("MemoryUtilization", 2), ("MemoryUtilization", 3)]
    names = ["CPUUtilization", "MemoryUtilization", "Concurrency", "Requests"]
    queries = [{"Id": f"q{n}", "MetricStat": {"Period": 300, "Stat": "Maximum", "Metric": {
        "Namespace": "AWS/AppRunner", "MetricName": names[n % 4], "Dimensions": service}}} for n in range(500)]
    now = described["UpdatedAt"]
    span = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(hours=1)}
    pages = list(cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, PaginationConfig={"PageSize": 250}, **span))
    found = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            found.setdefault(result["Id"], set()).update(result["Values"])
    assert len(pages) > 1
    assert [found[f"q{n}"] for n in range(496, 500)] == [{80}, {20}, {7}, set()]
    one_more = {**queries[0], "Id": "q500"}
    try:
        cloudwatch.get_metric_data(MetricDataQueries=[*queries, one_more], **span)
        raise AssertionError("501 queries were taken")
    except ClientError as error:
        assert "500" in error.response["Error"]["Message"]
