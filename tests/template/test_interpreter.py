"""The local cloud deploys infra/template.yaml by an interpreter of its own. What it makes of the template must be what
aws-sam-translator and CloudFormation's rules make of it: every resource, every property, for several sets of parameters.
"""

import json
import re
import subprocess

import pytest

from checks_state import KEY
from stack import PSEUDO, ROOT, Stack, load_source

ARN = "arn:aws:{service}:eu-west-1:123456789012:{rest}"
# What `Ref` and the attributes of a resource are once it is deployed, from its logical id, as the interpreter gives it:
# the interpreter chooses the names that the template leaves open, CloudFormation's documents say what they become.
DEPLOYED = {
    "functions": ("AWS::Lambda::Function", ("lambda", "function:{name}"), {"Ref": "{name}"}),
    "roles": ("AWS::IAM::Role", None, {"Ref": "{name}"}),
    "rules": ("AWS::Events::Rule", ("events", "rule/{name}"), {"Ref": "{name}"}),
    "schedules": ("AWS::Scheduler::Schedule", ("scheduler", "schedule/default/{name}"), {"Ref": "{name}"}),
    "tables": ("AWS::DynamoDB::Table", ("dynamodb", "table/{name}"), {"Ref": "{name}"}),
    "queues": ("AWS::SQS::Queue", ("sqs", "{name}"),
               {"Ref": "https://sqs.eu-west-1.amazonaws.com/123456789012/{name}", "QueueName": "{name}"}),
    "buckets": ("AWS::S3::Bucket", ("s3", "{name}"),
                {"Ref": "{name}", "DomainName": "{name}.s3.amazonaws.com",
                 "RegionalDomainName": "{name}.s3.eu-west-1.amazonaws.com"}),
    "topics": ("AWS::SNS::Topic", ("sns", "{name}"), {"Ref": "{arn}"}),
    "secrets": ("AWS::SecretsManager::Secret", ("secretsmanager", "secret:{name}-??????"), {"Ref": "{arn}"}),
    "log_groups": ("AWS::Logs::LogGroup", ("logs", "log-group:{name}:*"), {"Ref": "{name}"}),
    "alarms": ("AWS::CloudWatch::Alarm", ("cloudwatch", "alarm:{name}"), {"Ref": "{name}"}),
}
# What the translated template says and the local cloud does without: (type, property). All else is compared.
UNUSED = {
    ("AWS::Lambda::Function", "Code"), ("AWS::Lambda::Function", "Description"), ("AWS::Lambda::Function", "Tags"),
    ("AWS::IAM::Role", "Description"), ("AWS::Events::Rule", "Description"),
    ("AWS::Scheduler::Schedule", "Description"), ("AWS::Scheduler::Schedule", "FlexibleTimeWindow"),
    ("AWS::Lambda::EventInvokeConfig", "Qualifier"), ("AWS::SecretsManager::Secret", "KmsKeyId"),
    ("AWS::Logs::LogGroup", "KmsKeyId"),
}
PARAMETERS = {
    "defaults": {"Autonomy": "act"},
    "all-given": {
        "Autonomy": "observe", "Architecture": "x86_64", "BakeMinutes": "5", "AccessRolePattern": "service-role/App*",
        "AlertEmail": "crew@example.com", "SlackHosts": "slack.example.com", "SlackChannel": "C0123456789",
        "LogRetentionDays": "7", "KmsKeyArn": KEY, "ReserveConcurrency": "false",
        "HostedZoneArns": "arn:aws:route53:::hostedzone/Z0000000000000000001, arn:aws:route53:::hostedzone/Z0000000000000000002",
        "ZoneRoleArns": "arn:aws:iam::210987654321:role/zones,arn:aws:iam::310987654321:role/zones",
        "ZoneExternalId": "a-long-word", "RemoveRecords": "true",
        "AuditEveryHours": "6", "AuditPolicy": '{"idle_days": 60}', "SecurityHub": "true",
    },
}


class Sides:
    """The interpreter's stack (`ours`), and the translated one with all references resolved (`theirs`)."""

    def __init__(self, ours, stack):
        self.ours, self.stack = ours, stack
        self.references = {}
        for section, (_, arn, attributes) in DEPLOYED.items():
            for body in ours[section]:
                self._know(body, arn, attributes)
        for mapping in ours["mappings"]:
            if "/stream/" in mapping["source_arn"]:
                self.references["Table.StreamArn"] = mapping["source_arn"]

    def _know(self, body, arn, attributes):
        name = body["name"]
        if arn is None:
            made = f"arn:aws:iam::123456789012:role/{name}"
        elif arn[0] == "s3":
            made = f"arn:aws:s3:::{name}"
        else:
            made = ARN.format(service=arn[0], rest=arn[1].format(name=name))
        if "??????" in made:
            found = {text for text in texts(self.ours) if re.fullmatch(re.escape(made).replace(r"\?", "[0-9a-zA-Z]"), text)}
            made, = found
        self.references[body["logical_id"] + ".Arn"] = made
        for attribute, text in attributes.items():
            key = body["logical_id"] + ("" if attribute == "Ref" else f".{attribute}")
            self.references[key] = text.format(name=name, arn=made)

    def theirs(self, kind):
        """The properties of a type by logical id, without what is not used."""
        return {
            name: {
                key: self.deployed(value)
                for key, value in properties.items()
                if (kind, key) not in UNUSED
            }
            for name, properties in self.stack.of_type(kind).items()
        }

    def deployed(self, value):
        if isinstance(value, dict):
            return {key: self.deployed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.deployed(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"\$\{([^}]+)\}", lambda found: self.references[found.group(1)], value)
        return value


def texts(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {text for item in value for text in texts(item)}
    return {value} if isinstance(value, str) else set()


def by_id(bodies, *left_out):
    return {
        body["logical_id"]: {key: value for key, value in body.items() if key not in ("logical_id", *left_out)}
        for body in bodies
    }


def retry(body):
    return {"age_secs_max": body["MaximumEventAgeInSeconds"], "attempts_max": body["MaximumRetryAttempts"]}


def target(body, name):
    return {"id": name, "arn": body["Arn"], "input": body.get("Input"), "retry": retry(body["RetryPolicy"]),
            "dead_letter_arn": body["DeadLetterConfig"]["Arn"]}


def on_failure(body):
    return body.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")


def as_attributes(body, name):
    """As the API takes them: texts, and a structure as JSON."""
    def text(value):
        if isinstance(value, bool):
            return str(value).lower()
        return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else str(value)
    return {"name": body.pop(name), "attributes": {key: text(value) for key, value in body.items()}}


def rest(body):
    """All members were looked at: what is left over would be a property that the interpreter passed over."""
    assert body == {}
    return {}


def function(body):
    logging, environment = body.pop("LoggingConfig"), body.pop("Environment")["Variables"]
    return {
        "name": body.pop("FunctionName"), "role_arn": body.pop("Role"), "handler": body.pop("Handler"),
        "runtime": body.pop("Runtime"), "architectures": body.pop("Architectures"), "memory_mb": body.pop("MemorySize"),
        "timeout_secs": body.pop("Timeout"), "reserved_concurrency": body.pop("ReservedConcurrentExecutions", None),
        "log_group": logging["LogGroup"], "log_format": logging["LogFormat"].title(), "dead_letter_arn": None,
        "environment": {key: str(value) for key, value in environment.items()}, **rest(body),
    }


def role(body):
    policies = {policy["PolicyName"]: policy["PolicyDocument"] for policy in body.pop("Policies")}
    return {"name": body.pop("RoleName"), "trust": body.pop("AssumeRolePolicyDocument"), "policies": policies, **rest(body)}


def rule(body):
    targets = [target(one, one["Id"]) for one in body.pop("Targets")]
    return {"name": body.pop("Name"), "enabled": body.pop("State") == "ENABLED", "pattern": body.pop("EventPattern"),
            "targets": targets, **rest(body)}


def schedule(body):
    aim = body.pop("Target")
    return {"name": body.pop("Name"), "enabled": body.pop("State") == "ENABLED", "role_arn": aim["RoleArn"],
            "expression": body.pop("ScheduleExpression"),
            "time_zone": body.pop("ScheduleExpressionTimezone", "UTC"), "target": target(aim, ""), **rest(body)}


def invoke_config(body):
    return {"function": body.pop("FunctionName"), "retries_max": body.pop("MaximumRetryAttempts"),
            "age_secs_max": body.pop("MaximumEventAgeInSeconds"), "on_failure_arn": on_failure(body)}


def mapping(body):
    filters = [entry["Pattern"] for entry in body.pop("FilterCriteria", {}).get("Filters", [])]
    failure = on_failure(body)
    body.pop("DestinationConfig", None)
    return {
        "function": body.pop("FunctionName"), "source_arn": body.pop("EventSourceArn"), "enabled": body.pop("Enabled"),
        "batch_size": body.pop("BatchSize"), "window_secs": body.pop("MaximumBatchingWindowInSeconds", 0),
        "filters": filters, "bisects": body.pop("BisectBatchOnFunctionError", False),
        "reports_failures": body.pop("FunctionResponseTypes", []) == ["ReportBatchItemFailures"],
        "retries_max": body.pop("MaximumRetryAttempts", None), "age_secs_max": body.pop("MaximumRecordAgeInSeconds", None),
        "concurrency_max": body.pop("ScalingConfig", {}).get("MaximumConcurrency"), "on_failure_arn": failure,
        "starting_position": body.pop("StartingPosition", None), **rest(body),
    }


# Each section of the interpreter's stack: CloudFormation's type, what that comes to, and what is the interpreter's own.
COMPARED = {
    "functions": ("AWS::Lambda::Function", function, ("arn", "binary")),
    "roles": ("AWS::IAM::Role", role, ("arn",)),
    "rules": ("AWS::Events::Rule", rule, ("arn",)),
    "schedules": ("AWS::Scheduler::Schedule", schedule, ("arn",)),
    "invoke_configs": ("AWS::Lambda::EventInvokeConfig", invoke_config, ()),
    "mappings": ("AWS::Lambda::EventSourceMapping", mapping, ("id",)),
    "tables": ("AWS::DynamoDB::Table", lambda body: {"properties": body}, ("name", "arn")),
    "queues": ("AWS::SQS::Queue", lambda body: as_attributes(body, "QueueName"), ("arn",)),
    "queue_policies": ("AWS::SQS::QueuePolicy", lambda body: {
        "queue_urls": body["Queues"], "document": body["PolicyDocument"]}, ()),
    "buckets": ("AWS::S3::Bucket", lambda body: {"properties": body}, ("name", "arn")),
    "bucket_policies": ("AWS::S3::BucketPolicy", lambda body: {
        "bucket": body["Bucket"], "document": body["PolicyDocument"]}, ()),
    "topics": ("AWS::SNS::Topic", lambda body: as_attributes(body, "TopicName"), ("arn",)),
    "topic_policies": ("AWS::SNS::TopicPolicy", lambda body: {
        "topic_arns": body["Topics"], "document": body["PolicyDocument"]}, ()),
    "subscriptions": ("AWS::SNS::Subscription", lambda body: {
        "topic_arn": body["TopicArn"], "protocol": body["Protocol"], "endpoint": body["Endpoint"]}, ()),
    "secrets": ("AWS::SecretsManager::Secret", lambda body: {
        "description": body["Description"], "generate": body.get("GenerateSecretString")}, ("name",)),
    "log_groups": ("AWS::Logs::LogGroup", lambda body: {
        "name": body["LogGroupName"], "retention_days": int(body["RetentionInDays"])}, ()),
    "alarms": ("AWS::CloudWatch::Alarm", lambda body: {"name": body["AlarmName"], "properties": body}, ()),
}


def test_every_parameter_is_given_in_one_of_the_sets():
    assert set(PARAMETERS["all-given"]) == set(load_source()["Parameters"])


@pytest.fixture(scope="module", params=PARAMETERS.values(), ids=PARAMETERS)
def sides(request, binary):
    given = [f"--parameter={name}={value}" for name, value in request.param.items()]
    printed = subprocess.run([binary, "stack", *given], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert printed.returncode == 0, printed.stderr
    return Sides(json.loads(printed.stdout), Stack(load_source(), **request.param))


@pytest.mark.parametrize("section", COMPARED)
def test_the_interpreter_agrees_with_the_translator(sides, section):
    kind, expected, own = COMPARED[section]
    ours = by_id(sides.ours[section], *own)
    assert ours == {name: expected(body) for name, body in sides.theirs(kind).items()}


def test_arns_are_as_aws_makes_them(sides):
    for section in DEPLOYED:
        for body in sides.ours[section]:
            if "arn" in body:
                assert body["arn"] == sides.references[body["logical_id"] + ".Arn"]


def test_the_same_callers_may_invoke(sides):
    expected = [
        {"function_arn": body["FunctionName"], "principal": body["Principal"], "source_arn": body["SourceArn"],
         "source_account": body["SourceAccount"]}
        for body in sides.theirs("AWS::Lambda::Permission").values()
    ]
    assert sides.ours["permissions"] == expected
    assert len(expected) == len(sides.ours["rules"])


def test_the_outputs_are_the_same(sides):
    outputs = sides.stack.plain["Outputs"]
    assert sides.ours["outputs"] == {
        name: sides.deployed(sides.stack.resolved(body["Value"])) for name, body in outputs.items()
    }


def test_every_type_of_the_translated_template_is_compared(sides):
    compared = {kind for kind, _, _ in COMPARED.values()} | {"AWS::Lambda::Permission"}
    assert {body["Type"] for body in sides.stack.resources.values()} <= compared
    sections = set(COMPARED) | {"name", "permissions", "outputs"}
    assert set(sides.ours) == sections and sides.ours["name"] == PSEUDO["AWS::StackName"]
