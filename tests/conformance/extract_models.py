"""Writes tests/cloud/models/<service>.json: the shapes of AWS's APIs, taken from botocore's service models.

The local cloud decodes, checks and answers by these shapes. Documentation texts, examples and everything that has no
effect on the wire are left out. For the large services only the operations that are of use here are taken, with every
shape that they reach.

Usage: extract_models.py [--check]
    --check  write nothing; exit 1 and name the files that differ from what would be written
The botocore that is installed must be the one that tests/requirements.txt pins.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from pathlib import Path

import botocore

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "cloud" / "models"
SIZE_MAX = 1_200_000  # bytes, all files together: they are compiled into the local cloud

ALL = None  # every operation

# The file's name, botocore's name, and the operations to take.
SERVICES: dict[str, tuple[str, list[str] | None]] = {
    "acm": (
        "acm",
        """AddTagsToCertificate DeleteCertificate DescribeCertificate GetAccountConfiguration ImportCertificate
        ListCertificates ListTagsForCertificate PutAccountConfiguration RemoveTagsFromCertificate RenewCertificate
        RequestCertificate""".split(),
    ),
    "apprunner": ("apprunner", ALL),
    "dynamodb": (
        "dynamodb",
        """BatchGetItem BatchWriteItem CreateTable DeleteItem DeleteTable DescribeContinuousBackups DescribeEndpoints
        DescribeLimits DescribeTable DescribeTimeToLive ExecuteStatement GetItem ListTables ListTagsOfResource PutItem
        Query Scan TagResource TransactGetItems TransactWriteItems UntagResource UpdateContinuousBackups UpdateItem
        UpdateTable UpdateTimeToLive""".split(),
    ),
    "dynamodbstreams": ("dynamodbstreams", ALL),
    "ec2": (
        "ec2",
        """AllocateAddress AssociateRouteTable AttachInternetGateway AuthorizeSecurityGroupEgress
        AuthorizeSecurityGroupIngress CreateInternetGateway CreateNatGateway CreateRoute CreateRouteTable
        CreateSecurityGroup CreateSubnet CreateTags CreateVpc CreateVpcEndpoint DeleteInternetGateway
        DeleteNatGateway DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteTags DeleteVpc
        DeleteVpcEndpoints DescribeAddresses DescribeAvailabilityZones DescribeInternetGateways
        DescribeManagedPrefixLists DescribeNatGateways DescribeNetworkInterfaces DescribeRouteTables
        DescribeSecurityGroups DescribeSubnets DescribeVpcAttribute DescribeVpcEndpoints DescribeVpcs
        DetachInternetGateway DisassociateRouteTable ModifyVpcAttribute ModifyVpcEndpoint ReleaseAddress
        RevokeSecurityGroupEgress RevokeSecurityGroupIngress""".split(),
    ),
    "ecr": (
        "ecr",
        """BatchDeleteImage BatchGetImage BatchCheckLayerAvailability CreateRepository DeleteLifecyclePolicy
        DeleteRepository DeleteRepositoryPolicy DescribeImages DescribeRegistry DescribeRepositories
        GetAuthorizationToken GetLifecyclePolicy GetRepositoryPolicy ListImages ListTagsForResource PutImage
        PutImageTagMutability PutLifecyclePolicy SetRepositoryPolicy TagResource UntagResource""".split(),
    ),
    "ecr-public": (
        "ecr-public",
        """BatchDeleteImage CreateRepository DeleteRepository DescribeImageTags DescribeImages DescribeRegistries
        DescribeRepositories GetAuthorizationToken ListTagsForResource PutImage""".split(),
    ),
    "logs": (
        "logs",
        """CreateLogGroup CreateLogStream DeleteLogGroup DeleteLogStream DeleteRetentionPolicy DescribeLogGroups
        DescribeLogStreams FilterLogEvents GetLogEvents ListTagsForResource ListTagsLogGroup PutLogEvents
        PutRetentionPolicy TagResource UntagResource""".split(),
    ),
    "monitoring": (
        "cloudwatch",
        """DeleteAlarms DescribeAlarmHistory DescribeAlarms DescribeAlarmsForMetric DisableAlarmActions
        EnableAlarmActions GetMetricData GetMetricStatistics ListMetrics ListTagsForResource PutCompositeAlarm
        PutMetricAlarm PutMetricData SetAlarmState TagResource UntagResource""".split(),
    ),
    "s3": (
        "s3",
        """CreateBucket DeleteBucket DeleteObject GetBucketEncryption GetBucketVersioning GetObject GetPublicAccessBlock
        HeadBucket HeadObject ListBuckets ListObjectsV2 PutObject""".split(),
    ),
    "secretsmanager": (
        "secretsmanager",
        """CreateSecret DeleteSecret DescribeSecret GetResourcePolicy GetSecretValue ListSecretVersionIds ListSecrets
        PutSecretValue RestoreSecret TagResource UntagResource UpdateSecret UpdateSecretVersionStage""".split(),
    ),
    "sns": (
        "sns",
        """ConfirmSubscription CreateTopic DeleteTopic GetSubscriptionAttributes GetTopicAttributes ListSubscriptions
        ListSubscriptionsByTopic ListTagsForResource ListTopics Publish PublishBatch SetSubscriptionAttributes
        SetTopicAttributes Subscribe TagResource Unsubscribe UntagResource""".split(),
    ),
    "sqs": ("sqs", ALL),
    "sts": ("sts", "AssumeRole GetAccessKeyInfo GetCallerIdentity GetSessionToken".split()),
    "events": (
        "events",
        """DescribeEventBus DescribeRule DisableRule EnableRule ListEventBuses ListRuleNamesByTarget ListRules
        ListTargetsByRule PutEvents PutRule PutTargets DeleteRule RemoveTargets TestEventPattern""".split(),
    ),
    "scheduler": (
        "scheduler",
        """CreateSchedule DeleteSchedule GetSchedule GetScheduleGroup ListScheduleGroups ListSchedules
        UpdateSchedule""".split(),
    ),
    "route53": (
        "route53",
        """AssociateVPCWithHostedZone ChangeResourceRecordSets ChangeTagsForResource CreateHostedZone DeleteHostedZone
        DisassociateVPCFromHostedZone GetChange GetHostedZone GetHostedZoneCount ListHostedZones ListHostedZonesByName
        ListHostedZonesByVPC ListResourceRecordSets ListTagsForResource TestDNSAnswer""".split(),
    ),
    "lambda": (
        "lambda",
        """GetEventSourceMapping GetFunction GetFunctionConcurrency GetFunctionConfiguration
        GetFunctionEventInvokeConfig GetPolicy Invoke InvokeAsync ListEventSourceMappings ListFunctions
        PutFunctionConcurrency UpdateEventSourceMapping UpdateFunctionConfiguration""".split(),
    ),
    "iam": (
        "iam",
        """AttachRolePolicy CreatePolicy CreatePolicyVersion CreateRole DeletePolicy DeletePolicyVersion DeleteRole
        DeleteRolePolicy DetachRolePolicy GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies
        ListPolicies ListPolicyVersions ListRolePolicies ListRoles PutRolePolicy SetDefaultPolicyVersion
        UpdateAssumeRolePolicy""".split(),
    ),
    "securityhub": (
        "securityhub",
        "BatchImportFindings BatchUpdateFindings DescribeHub DisableSecurityHub EnableSecurityHub GetFindings".split(),
    ),
    "wafv2": (
        "wafv2",
        """AssociateWebACL CreateWebACL DeleteWebACL DisassociateWebACL GetWebACL GetWebACLForResource
        ListResourcesForWebACL ListWebACLs""".split(),
    ),
}

METADATA = (
    "apiVersion awsQueryCompatible endpointPrefix jsonVersion protocol protocols serviceId signingName targetPrefix "
    "xmlNamespace"
).split()
SHAPE = (
    "type members member key value required min max pattern enum union document exception fault error flattened "
    "locationName timestampFormat payload streaming eventstream wrapper"
).split()
REFERENCE = (
    "shape location locationName flattened timestampFormat streaming eventpayload idempotencyToken queryName "
    "xmlNamespace"
).split()


def pinned() -> str:
    """The version of botocore that the repository names."""
    path = HERE.parent / "requirements.txt"
    found = re.search(r"^botocore==([0-9.]+)$", path.read_text() if path.exists() else "", re.MULTILINE)
    if not found:
        sys.exit(f"{path} is missing or has no line `botocore==X.Y.Z`: add one")
    return found[1]


def load(name: str) -> dict:
    """botocore's newest model of a service."""
    folder = Path(botocore.__file__).parent / "data" / name
    newest = max(path for path in folder.iterdir() if path.is_dir())
    packed = newest / "service-2.json.gz"
    if packed.exists():
        return json.loads(gzip.decompress(packed.read_bytes()))
    return json.loads((newest / "service-2.json").read_text())


def kept(source: dict, keys: list[str]) -> dict:
    return {key: source[key] for key in keys if key in source}


def reference(source: dict) -> dict:
    return kept(source, REFERENCE)


def shape(source: dict) -> dict:
    out = kept(source, SHAPE)
    if "members" in out:
        out["members"] = {name: reference(member) for name, member in out["members"].items()}
    for role in ("member", "key", "value"):
        if role in out:
            out[role] = reference(out[role])
    return out


def operation(source: dict) -> dict:
    out = {"http": kept(source["http"], ["method", "requestUri", "responseCode"])}
    if "input" in source:
        out["input"] = source["input"]["shape"]
    if "output" in source:
        out["output"] = source["output"]["shape"]
        if "resultWrapper" in source["output"]:
            out["resultWrapper"] = source["output"]["resultWrapper"]
    out["errors"] = [error["shape"] for error in source.get("errors", [])]
    return out


def reached(shapes: dict, roots: list[str]) -> list[str]:
    """The names of the shapes that the roots lead to, in order."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        source = shapes[name]
        waiting += [member["shape"] for member in source.get("members", {}).values()]
        waiting += [source[role]["shape"] for role in ("member", "key", "value") if role in source]
    return sorted(seen)


def extract(name: str, wanted: list[str] | None) -> str:
    model = load(name)
    available = model["operations"]
    missing = sorted(set(wanted or []) - set(available))
    if missing:
        sys.exit(f"{name}: botocore's model has no operation {', '.join(missing)}: correct the list in SERVICES")
    operations = {op: operation(available[op]) for op in sorted(wanted or available)}
    roots = [shape_name for op in operations.values() for shape_name in (op.get("input"), op.get("output"), *op["errors"])]
    names = reached(model["shapes"], [root for root in roots if root])
    shapes = {shape_name: shape(model["shapes"][shape_name]) for shape_name in names}
    return render(kept(model["metadata"], METADATA), operations, shapes)


def render(metadata: dict, operations: dict, shapes: dict) -> str:
    """Compact JSON, one operation or shape a line, so that a new botocore gives a readable difference."""

    def compact(value: object) -> str:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def block(entries: dict) -> str:
        return ",\n".join(f"{compact(key)}:{compact(value)}" for key, value in entries.items())

    return (
        f'{{"botocore":{compact(botocore.__version__)},\n"metadata":{compact(metadata)},\n'
        f'"operations":{{\n{block(operations)}\n}},\n"shapes":{{\n{block(shapes)}\n}}}}\n'
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args().check
    if botocore.__version__ != pinned():
        sys.exit(f"botocore {botocore.__version__} is installed, {pinned()} is pinned: pip install botocore=={pinned()}")
    texts = {f"{file}.json": extract(name, wanted) for file, (name, wanted) in SERVICES.items()}
    size = sum(len(text.encode()) for text in texts.values())
    if size > SIZE_MAX:
        sys.exit(f"the models have {size} bytes, more than {SIZE_MAX}: take fewer operations")
    if not check:
        MODELS.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (MODELS / file).write_text(text)
        print(f"{len(texts)} models, {size} bytes, botocore {botocore.__version__}")
        return 0
    stray = {path.name for path in MODELS.glob("*.json")} - set(texts)
    differing = [file for file, text in texts.items() if not same(MODELS / file, text)]
    for file in sorted(stray) + differing:
        print(f"tests/cloud/models/{file} is not what botocore {botocore.__version__} gives: run {Path(__file__).name}")
    return 1 if stray or differing else 0


def same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
