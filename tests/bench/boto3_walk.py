"""The inventory of a fleet as one writes it with boto3: every service, and what an audit asks of each. Prints what it read.

`tests/bench/fleet` runs it beside `pitcrew audit`, against a cloud of the same services. It judges nothing.
"""

import argparse
import collections
import datetime
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

# CloudWatch takes 500 queries a call; an audit asks for five series of each service.
SERVICES_A_CALL = 100
SERIES = (
    ("Requests", "Sum", 86400), ("CPUUtilization", "Average", 3600), ("MemoryUtilization", "Average", 3600),
    ("Concurrency", "Maximum", 86400), ("ActiveInstances", "Maximum", 86400),
)
DAYS = 30


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--retries", choices=["standard", "adaptive"], default="standard")
    options = parser.parse_args()
    walk = Walk(Config(
        retries={"mode": options.retries, "max_attempts": 10}, max_pool_connections=max(10, options.threads)))
    arns = walk.services()
    with ThreadPoolExecutor(options.threads) as pool:
        inventory = list(pool.map(walk.service, arns))
    walk.usage(inventory)
    json.dump({"services": len(inventory), "calls": sum(walk.requests.values()), "by_service": walk.requests}, sys.stdout)


class Walk:
    def __init__(self, config):
        session = boto3.Session()
        self.requests = collections.Counter()
        self.apprunner, self.cloudwatch, self.iam, self.ecr = (
            self.counted(session.client(name, config=config)) for name in ("apprunner", "cloudwatch", "iam", "ecr"))
        self.seen = {}

    def counted(self, client):
        name = client.meta.service_model.service_name

        def count(**_):
            self.requests[name] += 1

        # Once a try: a retry is a request too.
        client.meta.events.register("before-send", count)
        return client

    def services(self):
        # boto3 has no paginator for it.
        arns, token = [], {}
        while True:
            page = self.apprunner.list_services(MaxResults=20, **token)
            arns += [one["ServiceArn"] for one in page["ServiceSummaryList"]]
            if not page.get("NextToken"):
                return arns
            token = {"NextToken": page["NextToken"]}

    def service(self, arn):
        service = self.apprunner.describe_service(ServiceArn=arn)["Service"]
        image = service["SourceConfiguration"].get("ImageRepository", {}).get("ImageIdentifier", "")
        access = service["SourceConfiguration"].get("AuthenticationConfiguration", {}).get("AccessRoleArn")
        scaling = service["AutoScalingConfigurationSummary"]["AutoScalingConfigurationArn"]
        return {
            "service": service,
            "operations": self.apprunner.list_operations(ServiceArn=arn, MaxResults=20)["OperationSummaryList"],
            "tags": self.apprunner.list_tags_for_resource(ResourceArn=arn)["Tags"],
            "domains": self.apprunner.describe_custom_domains(ServiceArn=arn, MaxResults=5)["CustomDomains"],
            "scaling": self.once(scaling, lambda: self.apprunner.describe_auto_scaling_configuration(
                AutoScalingConfigurationArn=scaling)["AutoScalingConfiguration"]),
            "access": access and self.once(access, lambda: self.role(access)),
            "repository": self.once(image.split("@")[0].split(":")[0], lambda: self.repository(image)),
        }

    def once(self, key, read):
        # Two threads may read the same thing; neither can harm the other.
        if key not in self.seen:
            self.seen[key] = read()
        return self.seen[key]

    def role(self, arn):
        name = arn.rsplit("/", 1)[-1]
        policies = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return self.iam.get_role(RoleName=name)["Role"] | {"Policies": policies}

    def repository(self, image):
        if ".dkr.ecr." not in image:
            return None
        name = image.split("/", 1)[1].split("@")[0].split(":")[0]
        images = self.ecr.get_paginator("describe_images").paginate(repositoryName=name)
        return [one for page in images for one in page["imageDetails"]]

    def usage(self, inventory):
        end = datetime.datetime.now(datetime.timezone.utc)
        for first in range(0, len(inventory), SERVICES_A_CALL):
            chunk = inventory[first:first + SERVICES_A_CALL]
            queries = [
                {"Id": f"m{row}_{column}", "MetricStat": {
                    "Metric": {"Namespace": "AWS/AppRunner", "MetricName": metric, "Dimensions": [
                        {"Name": "ServiceName", "Value": one["service"]["ServiceName"]},
                        {"Name": "ServiceID", "Value": one["service"]["ServiceId"]}]},
                    "Period": period, "Stat": statistic}}
                for row, one in enumerate(chunk) for column, (metric, statistic, period) in enumerate(SERIES)]
            pages = self.cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=end - datetime.timedelta(days=DAYS), EndTime=end)
            for page in pages:
                for result in page["MetricDataResults"]:
                    row = int(result["Id"][1:].split("_")[0])
                    chunk[row].setdefault("usage", []).append(result["Values"])


if __name__ == "__main__":
    main()
