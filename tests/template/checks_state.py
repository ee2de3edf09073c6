"""Settings, functions, state, queues, topics, secrets and the alarms on pitcrew itself.

Every check takes a Stack and answers with a list of problems, empty when all is well.
"""

import re

from checks_doors import RATES
from stack import Stack

# What the small interpreter of tests/cloud deploys. Another type needs it taught first.
TYPES = {
    "AWS::CloudWatch::Alarm", "AWS::DynamoDB::Table", "AWS::Events::Rule", "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule", "AWS::SecretsManager::Secret",
    "AWS::Serverless::Function",
}
# What each function is told, and where the value comes from. No value may be a secret.
ENVIRONMENT = {
    "RollbackFunction": {
        "PITCREW_TABLE": "${Table}",
        "PITCREW_WAKE_QUEUE_URL": "${WakeQueue}",
        "PITCREW_AUTONOMY": "act",
        "PITCREW_BAKE_MINUTES": "30",
        "PITCREW_FINGERPRINT_SECRET_ARN": "${FingerprintKey}",
        "PITCREW_ACCOUNT": "123456789012",
    },
    **{
        f"{name}Function": {
            "PITCREW_TABLE": "${Table}",
            "PITCREW_WAKE_QUEUE_URL": "${" + name + "WakeQueue}",
            "PITCREW_AUTONOMY": "act",
            "PITCREW_ACCOUNT": "123456789012",
            "PITCREW_ZONES": "arn:aws:route53:::hostedzone/*",
            "PITCREW_ZONE_ROLES": "",
            "PITCREW_ZONE_EXTERNAL_ID": "",
            "PITCREW_REMOVE_RECORDS": "false",
        }
        for name in ("Domains", "Certificates")
    },
    "AuditFunction": {
        "PITCREW_TABLE": "${Table}",
        "PITCREW_ACCOUNT": "123456789012",
        "PITCREW_PARTITION": "aws",
        "PITCREW_AUDIT_BUCKET": "${AuditBucket}",
        "PITCREW_AUDIT_EVERY_HOURS": "24",
        "PITCREW_AUDIT_POLICY": "{}",
        "PITCREW_AUDIT_RULES": "${ServiceStatusRule},${OperationStatusRule}",
        "PITCREW_SECURITY_HUB": "false",
    },
    "NotifyFunction": {
        "PITCREW_TABLE": "${Table}",
        "PITCREW_TOPIC_ARN": "${Topic}",
        "PITCREW_CHAT_TOPIC_ARN": "${ChatTopic}",
        "PITCREW_SLACK_SECRET_ARN": "${SlackSecret}",
        "PITCREW_SLACK_HOSTS": "hooks.slack.com,slack.com",
        "PITCREW_SLACK_CHANNEL": "",
    },
}
# MB of memory, seconds, and invocations at once.
LIMITS = {
    "RollbackFunction": (256, 60, 5),
    "DomainsFunction": (256, 120, 4),
    "CertificatesFunction": (256, 120, 2),
    "AuditFunction": (1769, 900, 1),
    "NotifyFunction": (128, 30, 2),
}
SECONDS = {"rate(5 minutes)": 300, "rate(15 minutes)": 900}
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0d7a2f3e-0000-4000-8000-000000000000"


def autonomy_is_chosen_by_the_owner(stack):
    autonomy = stack.source["Parameters"]["Autonomy"]
    problems = []
    if "Default" in autonomy:
        problems.append(f"Autonomy defaults to {autonomy['Default']}: nobody chose that")
    if autonomy.get("AllowedValues") != ["observe", "propose", "act"]:
        problems.append(f"Autonomy may be {autonomy.get('AllowedValues')}")
    return problems


def everything_is_described(stack):
    return [
        f"{section} {name}: has no description that helps"
        for section in ("Parameters", "Outputs")
        for name, body in stack.source[section].items()
        if len(body.get("Description", "")) < 20
    ]


def only_plain_resources_stand_beside_the_functions(stack):
    problems = [
        f"{name}: {body['Type']} is not among the types that tests/cloud deploys"
        for name, body in stack.source["Resources"].items()
        if body["Type"] not in TYPES
    ]
    for name, body in stack.source["Resources"].items():
        if body["Type"] == "AWS::Serverless::Function":
            for shortcut in {"Events", "Policies"} & body["Properties"].keys():
                problems.append(f"{name}: {shortcut} hides what SAM makes of it; write the resources")
    if "Globals" in stack.source:
        problems.append("Globals hides what a function gets; write it at the function")
    written, made = set(stack.source["Resources"]), set(stack.plain["Resources"])
    return problems + [f"SAM makes {name}, which nobody wrote" for name in sorted(made - written)]


def names_are_chosen_so_that_policies_can_be_exact(stack):
    named = {"AWS::IAM::Role": "RoleName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::SQS::Queue": "QueueName"}
    return [
        f"{name}: has no {member} that begins with the stack's name"
        for kind, member in named.items()
        for name, properties in stack.of_type(kind).items()
        if "pitcrew-" not in properties.get(member, "")
    ]


def every_function_is_bounded_and_logs_json(stack):
    problems = []
    for name, function in stack.functions().items():
        if function.get("Runtime") != "provided.al2023" or function.get("Architectures") != ["arm64"]:
            problems.append(f"{name}: runs on {function.get('Runtime')}, {function.get('Architectures')}")
        limits = tuple(function.get(key) for key in ("MemorySize", "Timeout", "ReservedConcurrentExecutions"))
        if limits != LIMITS.get(name):
            problems.append(f"{name}: has {limits} of memory, seconds and invocations at once, not {LIMITS.get(name)}")
        if function.get("LoggingConfig", {}).get("LogFormat") != "JSON":
            problems.append(f"{name}: does not log JSON")
    small = Stack(stack.source, ReserveConcurrency="false")
    problems += [
        f"{name}: reserves concurrency though told not to"
        for name, function in small.functions().items()
        if "ReservedConcurrentExecutions" in function
    ]
    return problems


def every_function_has_a_log_with_an_end(stack):
    groups = {"${" + name + "}": group for name, group in stack.of_type("AWS::Logs::LogGroup").items()}
    problems = []
    for name, function in stack.functions().items():
        group = groups.get(function.get("LoggingConfig", {}).get("LogGroup"))
        if group is None:
            problems.append(f"{name}: logs into a group that this template does not hold")
        elif group.get("LogGroupName") != f"/aws/lambda/{function.get('FunctionName')}":
            problems.append(f"{name}: logs into {group.get('LogGroupName')}")
        elif not group.get("RetentionInDays"):
            problems.append(f"{name}: its log is kept for ever")
    return problems


def the_environment_is_the_contract_and_holds_no_secret(stack):
    problems = []
    for name, function in stack.functions().items():
        variables = function.get("Environment", {}).get("Variables", {})
        if {key: str(value) for key, value in variables.items()} != ENVIRONMENT.get(name):
            problems.append(f"{name}: its environment is {variables}")
        for key, value in variables.items():
            names_a_secret = re.search(r"SECRET|TOKEN|PASSWORD|WEBHOOK|(?<!_)KEY", key)
            if "resolve:" in str(value) or (names_a_secret and not key.endswith("_ARN")):
                problems.append(f"{name}: {key} would show a secret to whoever may read the function")
    return problems


def the_table_survives(stack):
    table, body = stack.of_type("AWS::DynamoDB::Table")["Table"], stack.source["Resources"]["Table"]
    wanted = {
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "open",
            "KeySchema": [
                {"AttributeName": "open_pk", "KeyType": "HASH"},
                {"AttributeName": "open_sk", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }],
    }
    problems = [f"Table: {key} is {table.get(key)}" for key, value in wanted.items() if table.get(key) != value]
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if body.get(policy) != "Retain":
            problems.append(f"Table: {policy} is {body.get(policy)}: receipts would go with the stack")
    if "TableName" in table:
        problems.append("Table: it is kept when the stack goes, and its name would block the next stack")
    return problems


def the_bucket_is_closed_and_survives(stack):
    bucket, body = stack.of_type("AWS::S3::Bucket")["AuditBucket"], stack.source["Resources"]["AuditBucket"]
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    rules = {rule["Prefix"]: rule["ExpirationInDays"] for rule in bucket["LifecycleConfiguration"]["Rules"]
             if rule["Status"] == "Enabled"}
    wanted = [
        ("is open to the public", bucket.get("PublicAccessBlockConfiguration") == dict.fromkeys(closed, True)),
        ("has access lists", bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]),
        ("expires something else than parts after 7 days and reports after 400", rules == {"runs/": 7, "reports/": 400}),
        ("goes with the stack", {body.get("DeletionPolicy"), body.get("UpdateReplacePolicy")} == {"Retain"}),
        ("is kept when the stack goes, and its name would block the next stack", "BucketName" not in bucket),
    ]
    tls = {
        "Sid": "OnlyOverTls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": ["${AuditBucket.Arn}", "${AuditBucket.Arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policies = [(policy["Bucket"], policy["PolicyDocument"]["Statement"])
                for policy in stack.of_type("AWS::S3::BucketPolicy").values()]
    wanted.append(("takes requests without TLS, or lets somebody in", policies == [("${AuditBucket}", [tls])]))
    for given, encryption in [
        (stack, {"SSEAlgorithm": "AES256"}),
        (Stack(stack.source, KmsKeyArn=KEY), {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}),
    ]:
        rule, = given.of_type("AWS::S3::Bucket")["AuditBucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        wanted.append((f"is not encrypted by {encryption}", rule["ServerSideEncryptionByDefault"] == encryption))
    return [f"AuditBucket: {problem}" for problem, holds in wanted if not holds]


def everything_is_encrypted(stack):
    problems = [
        f"{name}: is not encrypted by SQS, or by a key under which EventBridge's dead letters may vanish"
        for name, queue in stack.of_type("AWS::SQS::Queue").items()
        if queue.get("SqsManagedSseEnabled") is not True or "KmsMasterKeyId" in queue
    ]
    members = {
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::SecretsManager::Secret": "KmsKeyId",
        "AWS::Logs::LogGroup": "KmsKeyId",
    }
    under_key = Stack(stack.source, KmsKeyArn=KEY)
    for kind, member in members.items():
        for name, properties in under_key.of_type(kind).items():
            if properties.get(member) != KEY:
                problems.append(f"{name}: is not under the owner's key though one is given")
        for name, properties in stack.of_type(kind).items():
            if member in properties:
                problems.append(f"{name}: is under {properties[member]} though no key is given")
    if under_key.of_type("AWS::DynamoDB::Table")["Table"]["SSESpecification"].get("KMSMasterKeyId") != KEY:
        problems.append("Table: is not under the owner's key though one is given")
    for role in stack.of_type("AWS::IAM::Role").keys() - {"SchedulerRole"}:
        grants = [
            statement for owner, statement in under_key.statements()
            if owner == role and statement.get("Resource") == KEY
        ]
        if not all("kms:ViaService" in grant["Condition"]["StringEquals"] for grant in grants) or len(grants) != 1:
            problems.append(f"{role}: cannot use the owner's key, or can outside the services that need it")
    return problems


def secrets_are_not_written_here(stack):
    return [
        f"{name}: its value stands in the template"
        for name, secret in stack.of_type("AWS::SecretsManager::Secret").items()
        if "SecretString" in secret or "SecretStringTemplate" in secret.get("GenerateSecretString", {})
    ]


def dead_letters_are_kept_and_told(stack):
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    problems = []
    for name in ("BusDeadLetterQueue", "FailureQueue"):
        queue = stack.of_type("AWS::SQS::Queue").get(name, {})
        if queue.get("MessageRetentionPeriod") != 1209600:
            problems.append(f"{name}: does not keep its messages for 14 days")
        told = [
            alarm for alarm in alarms
            if alarm["Namespace"] == "AWS/SQS"
            and alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
            and alarm["Dimensions"] == [{"Name": "QueueName", "Value": "${" + name + ".QueueName}"}]
            and alarm["Threshold"] == 0 and alarm["ComparisonOperator"] == "GreaterThanThreshold"
        ]
        if len(told) != 1:
            problems.append(f"{name}: no alarm speaks when a message lies in it")
    return problems


def every_function_is_watched(stack):
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    problems = []
    for name, function in stack.functions().items():
        errors = [
            alarm for alarm in alarms
            if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
            and alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "${" + name + "}"}]
        ]
        if len(errors) != 1:
            problems.append(f"{name}: no alarm counts its errors")
        short = function["FunctionName"].removeprefix("pitcrew-")
        sweeps = [
            alarm for alarm in alarms
            if (alarm["Namespace"], alarm["MetricName"]) == ("pitcrew", "SweepSucceeded")
            and alarm["Dimensions"] == [{"Name": "Function", "Value": short}]
            and alarm["ComparisonOperator"] == "LessThanThreshold" and alarm["Threshold"] == 1
        ]
        # Silence is how a dead sweep shows.
        if len(sweeps) != 1 or sweeps[0]["TreatMissingData"] != "breaching":
            problems.append(f"{name}: no alarm speaks when its sweeps stop")
        periods = {alarm["Period"] for alarm in errors + sweeps}
        if periods != {SECONDS[RATES[name]]}:
            problems.append(f"{name}: its alarms look at periods of {periods} s, its sweep comes at {RATES[name]}")
        if any((sweep["EvaluationPeriods"], sweep["DatapointsToAlarm"]) != (3, 3) for sweep in sweeps):
            problems.append(f"{name}: its alarm does not wait for three missed sweeps, or waits for more")
    return problems


def every_rule_that_loses_its_dead_letters_is_told(stack):
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    watched = {
        dimension["Value"]
        for alarm in alarms
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Events", "InvocationsFailedToBeSentToDlq")
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "RuleName"
    }
    return [
        f"{name}: nobody hears when its dead letters are lost"
        for name in stack.of_type("AWS::Events::Rule")
        if "${" + name + "}" not in watched
    ]


def every_alarm_reaches_people(stack):
    problems = []
    policy, = stack.of_type("AWS::SNS::TopicPolicy").values()
    statement, = policy["PolicyDocument"]["Statement"]
    pattern = statement["Condition"]["ArnLike"]["aws:SourceArn"]
    if statement["Principal"] != {"Service": "cloudwatch.amazonaws.com"} or statement["Action"] != "sns:Publish":
        problems.append("TopicPolicy: does not let CloudWatch publish")
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        arn = f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{alarm['AlarmName']}"
        if not (pattern.endswith("*") and arn.startswith(pattern[:-1])):
            problems.append(f"{name}: the topic's policy does not let it in")
        if alarm.get("AlarmActions") != ["${Topic}"]:
            problems.append(f"{name}: tells nobody")
        if not alarm.get("AlarmDescription"):
            problems.append(f"{name}: does not say what it means")
    return problems


def mail_is_sent_only_where_asked_for(stack):
    asked = Stack(stack.source, AlertEmail="crew@example.com").of_type("AWS::SNS::Subscription")
    wanted = {"AlertSubscription": {"TopicArn": "${Topic}", "Protocol": "email", "Endpoint": "crew@example.com"}}
    problems = [] if asked == wanted else [f"with an address the subscriptions are {asked}"]
    if stack.of_type("AWS::SNS::Subscription"):
        problems.append("somebody is subscribed though nobody asked")
    return problems


CHECKS = [
    autonomy_is_chosen_by_the_owner,
    everything_is_described,
    only_plain_resources_stand_beside_the_functions,
    names_are_chosen_so_that_policies_can_be_exact,
    every_function_is_bounded_and_logs_json,
    every_function_has_a_log_with_an_end,
    the_environment_is_the_contract_and_holds_no_secret,
    the_table_survives,
    the_bucket_is_closed_and_survives,
    everything_is_encrypted,
    secrets_are_not_written_here,
    dead_letters_are_kept_and_told,
    every_function_is_watched,
    every_rule_that_loses_its_dead_letters_is_told,
    every_alarm_reaches_people,
    mail_is_sent_only_where_asked_for,
]
