"""Makes what an operation needs before it can be called, and one valid input for each of the 37 operations."""

import itertools
import re

IMAGE = "shop/api"


class World:
    """A fresh cloud with one image in ECR, and ways to fill it."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.api = cloud.client()
        self._numbers = itertools.count(1)
        first = self.api.list_auto_scaling_configurations()["AutoScalingConfigurationSummaryList"]
        # Every account has a default auto scaling configuration, and its ARN tells where the cloud is.
        self.place = re.match(r"arn:(?P<partition>[^:]+):apprunner:(?P<region>[^:]+):(?P<account>\d+):",
                              first[0]["AutoScalingConfigurationArn"])
        self.push("v1")

    def arn(self, rest, service="apprunner"):
        partition, region, account = self.place.group("partition", "region", "account")
        return f"arn:{partition}:{service}:{'' if service == 'iam' else region}:{account}:{rest}"

    def role(self, name="apprunner-ecr-access"):
        return self.arn(f"role/{name}", "iam")

    def name(self, kind):
        return f"{kind}-{next(self._numbers)}"

    def push(self, tag):
        self.cloud.internal("ecr", "_Push", Repository=IMAGE, Tag=tag)

    def image(self, tag="v1"):
        return f"{self.place['account']}.dkr.ecr.{self.place['region']}.amazonaws.com/{IMAGE}:{tag}"

    def image_source(self, tag="v1", **changed):
        return {
            "ImageRepository": {
                "ImageIdentifier": self.image(tag),
                "ImageRepositoryType": "ECR",
                "ImageConfiguration": {"Port": "8080", "RuntimeEnvironmentVariables": {"MODE": "test"}},
            },
            "AutoDeploymentsEnabled": False,
            "AuthenticationConfiguration": {"AccessRoleArn": self.role()},
            **changed,
        }

    def full_image_source(self, tag="v1"):
        source = self.image_source(tag)
        source["ImageRepository"]["ImageConfiguration"] |= {
            "StartCommand": "serve --quiet",
            "RuntimeEnvironmentSecrets": {"TOKEN": self.arn("secret:shop-AbCdEf", "secretsmanager")},
        }
        return source

    def code_source(self):
        return {
            "CodeRepository": {
                "RepositoryUrl": "https://github.com/example/shop",
                "SourceCodeVersion": {"Type": "BRANCH", "Value": "main"},
                "CodeConfiguration": {
                    "ConfigurationSource": "API",
                    "CodeConfigurationValues": {
                        "Runtime": "PYTHON_3", "BuildCommand": "make", "StartCommand": "make run", "Port": "8080",
                        "RuntimeEnvironmentVariables": {"MODE": "test"},
                        "RuntimeEnvironmentSecrets": {"TOKEN": self.arn("secret:shop-AbCdEf", "secretsmanager")},
                    },
                },
                "SourceDirectory": "backend",
            },
            "AutoDeploymentsEnabled": True,
            "AuthenticationConfiguration": {"ConnectionArn": self.connection()},
        }

    def service(self, **changed):
        """A running service; its ARN."""
        request = {"ServiceName": self.name("service"), "SourceConfiguration": self.image_source(), **changed}
        service = self.api.create_service(**request)["Service"]
        self.cloud.settle()
        return service["ServiceArn"]

    def private_service(self):
        return self.service(NetworkConfiguration={"IngressConfiguration": {"IsPubliclyAccessible": False}})

    def paused_service(self):
        arn = self.service()
        self.api.pause_service(ServiceArn=arn)
        self.cloud.settle()
        return arn

    def status(self, arn):
        return self.api.describe_service(ServiceArn=arn)["Service"]["Status"]

    def connection(self):
        """A connection whose handshake is done; its ARN."""
        name = self.name("connection")
        arn = self.api.create_connection(ConnectionName=name, ProviderType="GITHUB")["Connection"]["ConnectionArn"]
        self.cloud.internal("apprunner", "_ConnectionAvailable", ConnectionName=name)
        return arn

    def scaling(self):
        answer = self.api.create_auto_scaling_configuration(AutoScalingConfigurationName=self.name("scaling"))
        return answer["AutoScalingConfiguration"]["AutoScalingConfigurationArn"]

    def observability(self):
        answer = self.api.create_observability_configuration(
            ObservabilityConfigurationName=self.name("tracing"), TraceConfiguration={"Vendor": "AWSXRAY"})
        return answer["ObservabilityConfiguration"]["ObservabilityConfigurationArn"]

    def connector(self):
        answer = self.api.create_vpc_connector(VpcConnectorName=self.name("connector"), Subnets=["subnet-0a1b2c3d"])
        return answer["VpcConnector"]["VpcConnectorArn"]

    def ingress(self, service=None):
        answer = self.api.create_vpc_ingress_connection(**self.ingress_request(service))
        self.cloud.settle()
        return answer["VpcIngressConnection"]["VpcIngressConnectionArn"]

    def ingress_request(self, service=None):
        return {
            "ServiceArn": service or self.private_service(),
            "VpcIngressConnectionName": self.name("ingress"),
            "IngressVpcConfiguration": {"VpcId": "vpc-0a1b2c3d", "VpcEndpointId": "vpce-0a1b2c3d"},
        }

    def domain(self, arn, name="shop.example.net"):
        self.api.associate_custom_domain(ServiceArn=arn, DomainName=name, EnableWWWSubdomain=True)
        self.cloud.settle()
        return {"ServiceArn": arn, "DomainName": name}

    def everything_about_a_service(self):
        """The groups of a service's configuration beside its source, each member set."""
        return {
            "InstanceConfiguration": {"Cpu": "1 vCPU", "Memory": "2 GB", "InstanceRoleArn": self.role("shop-instance")},
            "AutoScalingConfigurationArn": self.scaling(),
            "HealthCheckConfiguration": {"Protocol": "HTTP", "Path": "/health", "Interval": 10, "Timeout": 5,
                                         "HealthyThreshold": 1, "UnhealthyThreshold": 5},
            "NetworkConfiguration": {
                "EgressConfiguration": {"EgressType": "VPC", "VpcConnectorArn": self.connector()},
                "IngressConfiguration": {"IsPubliclyAccessible": True},
                "IpAddressType": "IPV4",
            },
            "ObservabilityConfiguration": {"ObservabilityEnabled": True,
                                           "ObservabilityConfigurationArn": self.observability()},
        }

    def new_service(self, source):
        key = self.arn("key/0d7a2f3e-1b2c-4d5e-8f90-0a1b2c3d4e5f", "kms")
        return {
            "ServiceName": self.name("service"), "SourceConfiguration": source, "Tags": TAGS,
            "EncryptionConfiguration": {"KmsKey": key}, **self.everything_about_a_service(),
        }

    def changed_service(self):
        arn = self.service()
        self.push("v2")
        return {"ServiceArn": arn, "SourceConfiguration": self.full_image_source("v2"),
                **self.everything_about_a_service()}

    def changed_code_service(self):
        source = self.code_source()
        arn = self.service(SourceConfiguration=source)
        source["CodeRepository"]["SourceCodeVersion"]["Value"] = "release"
        return {"ServiceArn": arn, "SourceConfiguration": source}


TAGS = [{"Key": "team", "Value": "shop"}, {"Key": "stage", "Value": "test"}]
PAGE = {"MaxResults": 5}


def _tagged(world):
    arn = world.service()
    world.api.tag_resource(ResourceArn=arn, Tags=TAGS)
    return arn


# (operation, what is special) -> how to make a world in which the call succeeds, and the input that does.
# Each input names as many members as can stand together, so that each can be broken.
VALID = {
    ("AssociateCustomDomain", ""): lambda w: {
        "ServiceArn": w.service(), "DomainName": "shop.example.net", "EnableWWWSubdomain": True},
    ("CreateAutoScalingConfiguration", ""): lambda w: {
        "AutoScalingConfigurationName": "wide", "MaxConcurrency": 50, "MinSize": 2, "MaxSize": 9, "Tags": TAGS},
    ("CreateConnection", ""): lambda w: {"ConnectionName": "github", "ProviderType": "GITHUB", "Tags": TAGS},
    ("CreateObservabilityConfiguration", ""): lambda w: {
        "ObservabilityConfigurationName": "tracing", "TraceConfiguration": {"Vendor": "AWSXRAY"}, "Tags": TAGS},
    ("CreateService", "image"): lambda w: w.new_service(w.full_image_source()),
    ("CreateService", "code"): lambda w: w.new_service(w.code_source()),
    ("CreateVpcConnector", ""): lambda w: {
        "VpcConnectorName": "private", "Subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        "SecurityGroups": ["sg-0a1b2c3d"], "Tags": TAGS},
    ("CreateVpcIngressConnection", ""): lambda w: {**w.ingress_request(), "Tags": TAGS},
    ("DeleteAutoScalingConfiguration", ""): lambda w: {
        "AutoScalingConfigurationArn": w.scaling(), "DeleteAllRevisions": False},
    ("DeleteConnection", ""): lambda w: {"ConnectionArn": w.connection()},
    ("DeleteObservabilityConfiguration", ""): lambda w: {"ObservabilityConfigurationArn": w.observability()},
    ("DeleteService", ""): lambda w: {"ServiceArn": w.service()},
    ("DeleteVpcConnector", ""): lambda w: {"VpcConnectorArn": w.connector()},
    ("DeleteVpcIngressConnection", ""): lambda w: {"VpcIngressConnectionArn": w.ingress()},
    ("DescribeAutoScalingConfiguration", ""): lambda w: {"AutoScalingConfigurationArn": w.scaling()},
    ("DescribeCustomDomains", ""): lambda w: {"ServiceArn": w.domain(w.service())["ServiceArn"], **PAGE},
    ("DescribeObservabilityConfiguration", ""): lambda w: {"ObservabilityConfigurationArn": w.observability()},
    ("DescribeService", ""): lambda w: {"ServiceArn": w.service()},
    ("DescribeVpcConnector", ""): lambda w: {"VpcConnectorArn": w.connector()},
    ("DescribeVpcIngressConnection", ""): lambda w: {"VpcIngressConnectionArn": w.ingress()},
    ("DisassociateCustomDomain", ""): lambda w: w.domain(w.service()),
    ("ListAutoScalingConfigurations", ""): lambda w: {
        "AutoScalingConfigurationName": "DefaultConfiguration", "LatestOnly": True, **PAGE},
    ("ListConnections", ""): lambda w: {"ConnectionName": w.connection().split("/")[1], **PAGE},
    ("ListObservabilityConfigurations", ""): lambda w: {
        "ObservabilityConfigurationName": w.observability().split("/")[1], "LatestOnly": True, **PAGE},
    ("ListOperations", ""): lambda w: {"ServiceArn": w.service(), **PAGE},
    ("ListServices", ""): lambda w: [w.service()] and {**PAGE},
    ("ListServicesForAutoScalingConfiguration", ""): lambda w: {
        "AutoScalingConfigurationArn": w.scaling(), **PAGE},
    ("ListTagsForResource", ""): lambda w: {"ResourceArn": _tagged(w)},
    ("ListVpcConnectors", ""): lambda w: [w.connector()] and {**PAGE},
    ("ListVpcIngressConnections", ""): lambda w: {
        "Filter": {"ServiceArn": w.api.describe_vpc_ingress_connection(VpcIngressConnectionArn=w.ingress())
                   ["VpcIngressConnection"]["ServiceArn"], "VpcEndpointId": "vpce-0a1b2c3d"}, **PAGE},
    ("PauseService", ""): lambda w: {"ServiceArn": w.service()},
    ("ResumeService", ""): lambda w: {"ServiceArn": w.paused_service()},
    ("StartDeployment", ""): lambda w: {"ServiceArn": w.service()},
    ("TagResource", ""): lambda w: {"ResourceArn": w.service(), "Tags": TAGS},
    ("UntagResource", ""): lambda w: {"ResourceArn": _tagged(w), "TagKeys": ["team"]},
    ("UpdateDefaultAutoScalingConfiguration", ""): lambda w: {"AutoScalingConfigurationArn": w.scaling()},
    ("UpdateService", "image"): World.changed_service,
    ("UpdateService", "code"): World.changed_code_service,
    ("UpdateVpcIngressConnection", ""): lambda w: {
        "VpcIngressConnectionArn": w.ingress(),
        "IngressVpcConfiguration": {"VpcId": "vpc-1a1b2c3d", "VpcEndpointId": "vpce-1a1b2c3d"}},
}
