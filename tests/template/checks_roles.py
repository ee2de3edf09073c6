"""What the roles may do, and what they may never do.

Every check takes a Stack and answers with a list of problems, empty when all is well.
"""

from fnmatch import fnmatchcase

from stack import Stack, as_list

ACM = "arn:aws:acm:eu-west-1:123456789012:certificate/*"
SERVICES = "arn:aws:apprunner:eu-west-1:123456789012:service/*"
ZONES = "arn:aws:route53:::hostedzone/*"

# Each wildcard in a resource of an Allow, with the reason why nothing narrower works. A new one needs a line here.
WILDCARDS = {
    ("RollbackRole", "ListServices", "*"): "ListServices knows no resource",
    ("RollbackRole", "ReadAlarms", "*"): "both calls leave composite alarms out unless scoped to *",
    ("RollbackRole", "ReadServices", "arn:aws:apprunner:eu-west-1:123456789012:service/*"): "every service is watched",
    ("RollbackRole", "RestoreServices", "arn:aws:apprunner:eu-west-1:123456789012:service/*"):
        "every service may be restored; Autonomy, tags and HoldMeansHold decide which",
    ("RollbackRole", "RestoreServices", "arn:aws:apprunner:eu-west-1:123456789012:connection/*"):
        "a code service's configuration names its connection",
    ("RollbackRole", "PassTheAccessRoleOn", "arn:aws:iam::123456789012:role/*"):
        "the owner's choice: parameter AccessRolePattern; to App Runner only",
    ("RollbackRole", "ResolveImages", "arn:aws:ecr:eu-west-1:123456789012:repository/*"):
        "services name their repositories at run time",
    ("RollbackRole", "ReadAlarmTags", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*"):
        "any alarm may carry the tag pitcrew:service",
    ("RollbackRole", "ReadServiceLogs", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/apprunner/*"):
        "App Runner names a log group after each service",
    ("CertificatesRole", "ReadAndRenewCertificates", ACM): "every certificate of the account is watched",
    ("CertificatesRole", "Unlink", SERVICES): "any service may carry the tag pitcrew:relink",
    ("CertificatesRole", "Relink", SERVICES): "every service's domain may be linked again; HoldMeansHold forbids some",
    **{
        (role, sid, resource): reason
        for role in ("DomainsRole", "CertificatesRole")
        for sid, resource, reason in [
            ("ListServices", "*", "neither ListServices nor ListCertificates knows a resource"),
            ("ReadServices", SERVICES, "every service may have a domain"),
            ("ListZones", "*", "ListHostedZones knows no resource"),
            ("ReadZones", "arn:aws:route53:::hostedzone/*", "to tell a zone that may not be written to from none"),
            ("WriteRecords", ZONES, "the owner's choice: parameter HostedZoneArns; CREATE of A and CNAME only"),
            ("FollowChanges", "arn:aws:route53:::change/*", "Route 53 names a change when it takes it"),
        ]
    },
    **{
        ("AuditRole", sid, resource): reason
        for sid, resource, reason in [
            ("ReadLists", "*", "none of the actions knows a resource"),
            ("ReadAlarms", "*", "it leaves composite alarms out unless scoped to *"),
            ("ReadAlarmTags", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*", "any alarm may carry the tag pitcrew:service"),
            ("ReadServices", SERVICES, "every service is audited"),
            ("ReadScaling", "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/*", "services name theirs"),
            ("ReadIngresses", "arn:aws:apprunner:eu-west-1:123456789012:vpcingressconnection/*", "every one is audited"),
            ("ReadFirewalls", "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/*", "any web ACL may guard a service"),
            ("ReadLogGroups", "arn:aws:logs:eu-west-1:123456789012:log-group:*", "the call lists by prefix, and is checked on all"),
            ("ListZones", "*", "ListHostedZones knows no resource"),
            ("ReadZones", ZONES, "any zone may hold a record that leads to App Runner"),
            ("ReadRoles", "arn:aws:iam::123456789012:role/*", "services name their roles at run time"),
            ("ReadPolicies", "arn:aws:iam::123456789012:policy/*", "roles name their policies at run time"),
            ("ReadPolicies", "arn:aws:iam::aws:policy/*", "AWS's own among them"),
            ("ReadImages", "arn:aws:ecr:eu-west-1:123456789012:repository/*", "services name their repositories at run time"),
            ("KeepReports", "${AuditBucket.Arn}/reports/*", "each run has a report of its own"),
            ("KeepReports", "${AuditBucket.Arn}/runs/*", "each run has parts of its own"),
        ]
    },
    ("NotifyRole", "FindStream", "${Table.Arn}/stream/*"): "a stream's name ends with the time it was made",
}

# What neither of the two that write DNS records may do, whatever else is granted to it one day.
NO_RECORDS = [
    "apprunner:CreateService", "apprunner:DeleteService", "apprunner:PauseService", "apprunner:ResumeService",
    "apprunner:StartDeployment", "apprunner:TagResource", "apprunner:UntagResource", "apprunner:UpdateService",
    "apprunner:AssociateWebAcl", "apprunner:DisassociateWebAcl", "ecr:PutImage",
    "iam:AttachRolePolicy", "iam:CreateRole", "iam:PassRole", "iam:UpdateAssumeRolePolicy",
    "acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:ExportCertificate", "acm:ImportCertificate",
    "acm:PutAccountConfiguration", "acm:RequestCertificate",
    "route53:AssociateVPCWithHostedZone", "route53:ChangeTagsForResource", "route53:CreateHostedZone",
    "route53:DeleteHostedZone", "route53:DisableHostedZoneDNSSEC", "route53:DisassociateVPCFromHostedZone",
    "route53:UpdateHostedZoneComment", "route53domains:TransferDomain", "route53domains:UpdateDomainNameservers",
]
# What a role must not be able to do whatever else is granted to it one day.
NEVER = {
    "RollbackRole": [
        "apprunner:CreateService", "apprunner:DeleteService", "apprunner:PauseService", "apprunner:TagResource",
        "apprunner:DisassociateCustomDomain", "ecr:BatchDeleteImage", "ecr:PutImage", "ecr:DeleteRepository",
        "iam:AttachRolePolicy", "iam:CreateAccessKey", "iam:CreateRole", "iam:DeleteRole", "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy", "iam:AddUserToGroup", "iam:SetDefaultPolicyVersion",
        "route53:ChangeResourceRecordSets", "route53:DeleteHostedZone", "sts:AssumeRole",
    ],
    "DomainsRole": [
        *NO_RECORDS, "acm:DescribeCertificate", "acm:RenewCertificate", "apprunner:AssociateCustomDomain",
        "apprunner:DisassociateCustomDomain",
    ],
    "CertificatesRole": NO_RECORDS,
    "AuditRole": [
        *NO_RECORDS, "acm:DescribeCertificate", "apprunner:AssociateCustomDomain", "apprunner:DisassociateCustomDomain",
        "cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateVpcEndpoint",
        "ec2:DeleteSubnet", "ec2:ModifySubnetAttribute", "ec2:RevokeSecurityGroupEgress", "ec2:RunInstances",
        "ecr:BatchDeleteImage", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:PutLifecyclePolicy",
        "iam:PutRolePolicy", "lambda:InvokeFunction", "logs:FilterLogEvents", "logs:GetLogEvents",
        "route53:ChangeResourceRecordSets", "s3:DeleteObject", "s3:DeleteBucket", "secretsmanager:GetSecretValue",
        "sts:AssumeRole", "wafv2:AssociateWebACL", "wafv2:UpdateWebACL",
    ],
    "NotifyRole": [
        "apprunner:DeleteService", "apprunner:UpdateService", "apprunner:StartDeployment", "ecr:PutImage",
        "iam:CreateRole", "iam:PassRole", "route53:DeleteHostedZone", "sts:AssumeRole",
    ],
    "SchedulerRole": ["apprunner:UpdateService", "iam:PassRole", "route53:DeleteHostedZone"],
}

# All that a role may do to these services beside reading (Describe, Get, List).
WRITES = {
    "RollbackRole": {"apprunner:UpdateService", "apprunner:StartDeployment", "iam:PassRole"},
    "DomainsRole": {"route53:ChangeResourceRecordSets"},
    "CertificatesRole": {
        "acm:RenewCertificate", "apprunner:AssociateCustomDomain", "apprunner:DisassociateCustomDomain",
        "route53:ChangeResourceRecordSets",
    },
    # Its own bucket, and where the owner chose it the findings of the account's own product.
    "AuditRole": {"s3:PutObject"},
}
WRITES_IF_GRANTED = {"AuditRole": {"securityhub:BatchImportFindings", "securityhub:BatchUpdateFindings"}}
WRITTEN_SERVICES = ("acm", "apprunner", "cloudwatch", "ec2", "ecr", "iam", "lambda", "route53", "s3", "securityhub", "wafv2")
# What the tag pitcrew:hold=true on a service must refuse.
HELD = {
    "RollbackRole": {"apprunner:UpdateService", "apprunner:StartDeployment"},
    "CertificatesRole": {"apprunner:AssociateCustomDomain", "apprunner:DisassociateCustomDomain"},
}
# The partitions of the table, and of its index, that each function may touch, and what it may do there: the calls that it
# makes in shared/aws, no more. Where a role reads other partitions than it writes, each action has an entry. (A transaction needs PutItem and DeleteItem, its conditions nothing of their own.)
LEADING_KEYS = {
    ("RollbackRole", "${Table.Arn}"): {"SVC#*", "ACCT#*", "DOOR#*", "OUTBOX#*"},
    ("RollbackRole", "${Table.Arn}/index/open"): {"INCIDENT", "PIN"},
    # A pause stands under ACCT#: these two read it, and neither begins nor ends one.
    ("DomainsRole", "${Table.Arn}", "BatchGetItem", "GetItem"): {"DOM#*", "ACCT#*", "DOOR#*"},
    ("DomainsRole", "${Table.Arn}", "DeleteItem", "PutItem"): {"DOM#*", "DOOR#*", "OUTBOX#*"},
    ("DomainsRole", "${Table.Arn}/index/open"): {"DOMAIN"},
    ("CertificatesRole", "${Table.Arn}", "BatchGetItem", "GetItem"): {"DOM#*", "CERT#*", "ACCT#*", "DOOR#*"},
    ("CertificatesRole", "${Table.Arn}", "DeleteItem", "PutItem"): {"DOM#*", "CERT#*", "DOOR#*", "OUTBOX#*"},
    ("CertificatesRole", "${Table.Arn}/index/open"): {"DOMAIN"},
    ("AuditRole", "${Table.Arn}", "BatchGetItem"): {"SVC#*", "DOM#*", "ACCT#*"},
    ("AuditRole", "${Table.Arn}", "PutItem"): {"OUTBOX#*"},
    ("NotifyRole", "${Table.Arn}"): {"OUTBOX#*", "THREAD#*"},
    ("NotifyRole", "${Table.Arn}/index/open"): {"UNSENT"},
}
TABLE_ACTIONS = {
    ("RollbackRole", "${Table.Arn}"): {"BatchGetItem", "DeleteItem", "GetItem", "PutItem"},
    **{(role, "${Table.Arn}/index/open"): {"Query"} for role in ("RollbackRole", "DomainsRole", "CertificatesRole")},
    **{
        (role, "${Table.Arn}", *actions): set(actions)
        for role in ("DomainsRole", "CertificatesRole")
        for actions in (("BatchGetItem", "GetItem"), ("DeleteItem", "PutItem"))
    },
    ("AuditRole", "${Table.Arn}", "BatchGetItem"): {"BatchGetItem"},
    ("AuditRole", "${Table.Arn}", "PutItem"): {"PutItem"},
    ("NotifyRole", "${Table.Arn}"): {"GetItem", "PutItem", "UpdateItem"},
    ("NotifyRole", "${Table.Arn}/index/open"): {"Query"},
}
STREAM_ACTIONS = {
    "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
}
APP_RUNNER = {"apprunner.amazonaws.com", "build.apprunner.amazonaws.com"}


def every_wildcard_has_its_reason(stack):
    problems, used = [], set()
    for role, statement in stack.statements():
        if statement["Effect"] != "Allow":
            continue
        for resource in as_list(statement["Resource"]):
            if "*" not in resource and "?" not in resource:
                continue
            key = (role, statement["Sid"], resource)
            used.add(key)
            if key not in WILDCARDS:
                problems.append(f"{role}.{statement['Sid']}: {resource} is wide, and WILDCARDS knows no reason")
    return problems + [f"WILDCARDS: {key} is granted nowhere; take it out" for key in WILDCARDS.keys() - used]


def every_allow_names_its_actions(stack):
    return [
        f"{role}.{statement['Sid']}: allows {action}"
        for role, statement in stack.statements()
        if statement["Effect"] == "Allow"
        for action in as_list(statement.get("Action", "NotAction"))
        if "*" in action or ":" not in action
    ]


def nothing_is_open_to_everyone(stack):
    kinds = ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    problems = []
    for kind in kinds:
        for name, policy in stack.of_type(kind).items():
            for statement in policy["PolicyDocument"]["Statement"]:
                principal = statement.get("Principal", "*")
                if "*" in str(principal):
                    problems.append(f"{name}.{statement['Sid']}: its principal is {principal}")
                if "aws:SourceAccount" not in statement.get("Condition", {}).get("StringEquals", {}):
                    problems.append(f"{name}.{statement['Sid']}: a service of any account may use it")
    return problems


def every_function_has_a_role_of_its_own(stack):
    roles = [function["Role"] for function in stack.functions().values()]
    problems = [f"{role} is the role of two functions" for role in set(roles) if roles.count(role) > 1]
    for name, role in stack.of_type("AWS::IAM::Role").items():
        trusted = [
            statement["Principal"]
            for statement in role["AssumeRolePolicyDocument"]["Statement"]
        ]
        service = "scheduler.amazonaws.com" if name == "SchedulerRole" else "lambda.amazonaws.com"
        if trusted != [{"Service": service}]:
            problems.append(f"{name}: is trusted to {trusted}")
        if role.get("ManagedPolicyArns"):
            problems.append(f"{name}: takes policies that this template does not show")
    return problems


def reports_are_written_in_their_own_bucket_alone(stack):
    problems = []
    for role, statement in stack.statements():
        if statement["Effect"] != "Allow" or not any(action.startswith("s3:") for action in as_list(statement["Action"])):
            continue
        where = f"{role}.{statement['Sid']}"
        if role != "AuditRole":
            problems.append(f"{where}: reaches S3")
        for resource in as_list(statement["Resource"]):
            if not resource.startswith("${AuditBucket.Arn}"):
                problems.append(f"{where}: reaches {resource}")
            if "s3:PutObject" in as_list(statement["Action"]) and resource.endswith(("/waivers.json", "/*", ".Arn}")) and not (
                resource.endswith(("/runs/*", "/reports/*"))
            ):
                problems.append(f"{where}: may write {resource}")
    return problems


def everything_granted(stack):
    """The stack of an owner who grants all that can be granted."""
    role = "arn:aws:iam::210987654321:role/pitcrew-zones-eu-west-1"
    return Stack(stack.source, ZoneRoleArns=role, RemoveRecords="true", SecurityHub="true")


def unconditional_denies(stack, role):
    """The actions that a role's policies deny, whatever the resource and whatever the request."""
    return [
        pattern
        for owner, statement in stack.statements()
        if owner == role and statement["Effect"] == "Deny" and "Condition" not in statement
        and statement.get("Resource") == "*"
        for pattern in as_list(statement["Action"])
    ]


def the_dangerous_is_denied(stack):
    problems = []
    for role, actions in NEVER.items():
        for given in (stack, everything_granted(stack)):
            denied = unconditional_denies(given, role)
            for action in actions:
                if not any(fnmatchcase(action, pattern) for pattern in denied):
                    problems.append(f"{role}: nothing denies {action}")
    return problems + [
        f"{role}: NEVER in checks_roles.py does not say what it must not do"
        for role in stack.of_type("AWS::IAM::Role").keys() - NEVER.keys()
    ]


def no_allow_is_denied(stack):
    """A Deny that hits a granted action makes the grant a lie."""
    problems = []
    for given in (stack, everything_granted(stack)):
        for role, statement in given.statements():
            if statement["Effect"] != "Allow":
                continue
            denied = unconditional_denies(given, role)
            for action in as_list(statement["Action"]):
                if any(fnmatchcase(action, pattern) for pattern in denied):
                    problems.append(f"{role}.{statement['Sid']}: {action} is allowed and denied")
    return problems


def each_writes_only_what_is_its_own(stack):
    problems = []
    for given in (stack, everything_granted(stack)):
        for role in given.of_type("AWS::IAM::Role").keys() - {"SchedulerRole"}:
            written = {
                action
                for owner, statement in given.statements()
                if owner == role and statement["Effect"] == "Allow"
                for action in as_list(statement["Action"])
                if action.partition(":")[0] in WRITTEN_SERVICES
                and not action.partition(":")[2].startswith(("Describe", "Get", "List"))
            }
            more = WRITES_IF_GRANTED.get(role, set()) if given is not stack else set()
            if written != WRITES.get(role, set()) | more:
                problems.append(f"{role}: may do {sorted(written)}")
    return problems


def the_table_is_divided_by_leading_keys(stack):
    problems, seen = [], set()
    for role, statement in stack.statements():
        actions = [action for action in as_list(statement["Action"]) if action.startswith("dynamodb:")]
        if statement["Effect"] != "Allow" or not actions or set(actions) <= STREAM_ACTIONS:
            continue
        where = f"{role}.{statement['Sid']}"
        condition = statement.get("Condition", {})
        keys = {
            key
            for operator in ("ForAllValues:StringLike", "ForAllValues:StringEquals")
            for key in as_list(condition.get(operator, {}).get("dynamodb:LeadingKeys", []))
        }
        for resource in as_list(statement["Resource"]):
            may = {action.removeprefix("dynamodb:") for action in actions}
            by_action = (role, resource, *sorted(may))
            key = by_action if by_action in LEADING_KEYS else (role, resource)
            seen.add(key)
            if keys != LEADING_KEYS.get(key):
                problems.append(f"{where}: reaches the partitions {sorted(keys) or 'of everyone'} of {resource}")
            if may != TABLE_ACTIONS.get(key):
                problems.append(f"{where}: may {sorted(may)} on {resource}")
        # ForAllValues is true where the key is absent, as in a Scan.
        if condition.get("Null", {}).get("dynamodb:LeadingKeys") != "false":
            problems.append(f"{where}: a call without a leading key would pass")
    return problems + [f"{key} is granted nowhere" for key in LEADING_KEYS.keys() - seen]


def roles_are_passed_to_app_runner_only(stack):
    allows, denies = [], []
    for role, statement in stack.statements():
        if "iam:PassRole" in as_list(statement["Action"]):
            (allows if statement["Effect"] == "Allow" else denies).append((role, statement))
    problems = []
    for role, statement in allows:
        passed = statement.get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService", [])
        if role != "RollbackRole" or set(as_list(passed)) != APP_RUNNER:
            problems.append(f"{role}.{statement['Sid']}: passes roles to {passed or 'anything'}")
    if len(allows) != 1:
        problems.append(f"{len(allows)} statements pass roles, not one")
    for _, statement in denies:
        passed = statement.get("Condition", {}).get("StringNotEquals", {}).get("iam:PassedToService", [])
        if set(as_list(passed)) == APP_RUNNER:
            return problems
    return problems + ["nothing denies passing a role to anything but App Runner"]


def a_hold_is_kept_by_iam(stack):
    kept = {}
    for role, statement in stack.statements():
        if statement["Effect"] == "Deny" and statement.get("Resource") == "*" and statement.get("Condition") == {
            "StringEquals": {"aws:ResourceTag/pitcrew:hold": "true"}
        }:
            kept[role] = set(as_list(statement["Action"]))
    return [] if kept == HELD else [f"a service tagged pitcrew:hold=true is protected by Denies as {kept}, not {HELD}"]


def a_domain_is_unlinked_only_where_the_owner_allows_it(stack):
    unlinks = [
        (role, statement.get("Condition"))
        for role, statement in stack.statements()
        if statement["Effect"] == "Allow" and "apprunner:DisassociateCustomDomain" in as_list(statement["Action"])
    ]
    asked = {"StringEquals": {"aws:ResourceTag/pitcrew:relink": "true"}}
    return [] if unlinks == [("CertificatesRole", asked)] else [f"domains are unlinked by {unlinks}"]


def each_writes_only_its_own_log(stack):
    problems = []
    for name, function in stack.functions().items():
        role = function["Role"].removeprefix("${").removesuffix(".Arn}")
        group = function.get("LoggingConfig", {}).get("LogGroup", "${?}").removesuffix("}") + ".Arn}"
        written = [
            resource
            for owner, statement in stack.statements()
            if owner == role and "logs:PutLogEvents" in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        ]
        if written != [group]:
            problems.append(f"{name}: may write to the logs {written}, not to {group} alone")
    return problems


CHECKS = [
    every_wildcard_has_its_reason,
    every_allow_names_its_actions,
    nothing_is_open_to_everyone,
    every_function_has_a_role_of_its_own,
    the_dangerous_is_denied,
    no_allow_is_denied,
    each_writes_only_what_is_its_own,
    the_table_is_divided_by_leading_keys,
    roles_are_passed_to_app_runner_only,
    a_hold_is_kept_by_iam,
    a_domain_is_unlinked_only_where_the_owner_allows_it,
    each_writes_only_its_own_log,
    reports_are_written_in_their_own_bucket_alone,
]
