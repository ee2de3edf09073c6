"""A check that cannot fail is none: each row breaks the template in one way and sees the named check complain.

`test_every_check_was_seen_to_fail` keeps the table complete.
"""

import pytest

from checks_zones import GIVEN, ZONE_ROLE_CHECKS
from stack import ZONE_ROLE, Stack, load_source
from test_template import CHECKS, lint_translated

BY_NAME = {check.__name__: check for check in CHECKS + ZONE_ROLE_CHECKS}


def properties(source, name):
    return source["Resources"][name]["Properties"]


def statement(source, role, sid):
    for policy in properties(source, role)["Policies"]:
        for body in policy["PolicyDocument"]["Statement"]:
            # A conditional one stands on either side of its Fn::If.
            for one in body.get("Fn::If", [body]):
                if isinstance(one, dict) and one.get("Sid") == sid:
                    return one
    raise KeyError(sid)


def statements(source, role):
    return properties(source, role)["Policies"][0]["PolicyDocument"]["Statement"]


def put(name, **members):
    return lambda source: properties(source, name).update(members)


def drop(name, *members):
    return lambda source: [properties(source, name).pop(member) for member in members]


def without(name):
    return lambda source: source["Resources"].pop(name)


def amend(role, sid, **members):
    return lambda source: statement(source, role, sid).update(members)


def without_statement(role, sid):
    return lambda source: statements(source, role).remove(statement(source, role, sid))


def grant(role, **body):
    body = {"Sid": "More", "Effect": "Allow", **body}
    return lambda source: statements(source, role).append(body)


def at(path, value):
    """Puts `value` at a path such as ("AlarmStateRule", "EventPattern", "detail")."""
    def change(source):
        place = properties(source, path[0])
        for step in path[1:-1]:
            place = place[step]
        place[path[-1]] = value
    return change


def parameter(name, **members):
    return lambda source: source["Parameters"][name].update(members)


BROKEN = [
    # doors
    ("every_rule_has_the_pattern_of_one_file", "a pattern drifts from its file",
     at(("EcrImageRule", "EventPattern", "detail", "action-type"), ["PUSH"])),
    ("every_rule_has_the_pattern_of_one_file", "a rule is gone", without("ServiceStatusRule")),
    ("every_rule_wakes_the_function_that_can_read_it", "certificates' event for domains",
     lambda source: properties(source, "AcmCertificateRule")["Targets"][0].update(
         Arn={"Fn::GetAtt": ["DomainsFunction", "Arn"]})),
    ("every_rule_wakes_the_function_that_can_read_it", "a rule that sleeps", put("DomainCallRule", State="DISABLED")),
    ("every_rule_has_the_pattern_of_one_file", "a call is not heard of",
     at(("DomainCallRule", "EventPattern", "detail", "eventName"), ["AssociateCustomDomain"])),
    ("every_rule_has_the_pattern_of_one_file", "a certificate's end is not heard of",
     lambda source: properties(source, "AcmCertificateRule")["EventPattern"]["detail-type"].pop()),
    ("patterns_match_on_the_envelope", "a pattern looks into a call's request",
     at(("DomainCallRule", "EventPattern", "detail"), {"requestParameters": {"domainName": [{"exists": True}]}})),
    ("patterns_match_on_the_envelope", "a pattern looks into the custom-domain event",
     at(("DomainValidationRule", "EventPattern", "detail"), {"validationStatus": ["FAILED"]})),
    ("patterns_match_on_the_envelope", "CloudTrail's keys beside another detail-type",
     at(("DomainCallRule", "EventPattern", "detail-type"),
        ["AWS API Call via CloudTrail", "AppRunner Service Status Change"])),
    ("patterns_match_on_the_envelope", "a pattern looks into App Runner's detail",
     at(("OperationStatusRule", "EventPattern", "detail"), {"operationStatus": ["DeploymentFailed"]})),
    ("patterns_match_on_the_envelope", "a pattern lets any account in",
     at(("AlarmStateRule", "EventPattern"), {"source": ["aws.cloudwatch"], "detail-type": ["x"]})),
    ("patterns_match_on_the_envelope", "a pattern looks at more of an alarm than its state",
     at(("AlarmStateRule", "EventPattern", "detail"), {"alarmName": [{"prefix": "shop"}]})),
    ("the_outbox_filter_equals_its_file", "the filter lets changed rows in",
     at(("OutboxMapping", "FilterCriteria", "Filters"), [{"Pattern": '{"eventName":["INSERT","MODIFY"]}'}])),
    ("every_rule_reaches_its_target_or_the_dead_letter_queue", "a target has no dead-letter queue",
     lambda source: properties(source, "AlarmStateRule")["Targets"][0].pop("DeadLetterConfig")),
    ("every_rule_reaches_its_target_or_the_dead_letter_queue", "a rule may not invoke its target",
     without("EcrImagePermission")),
    ("every_rule_reaches_its_target_or_the_dead_letter_queue", "a call may not wake domains",
     put("DomainCallPermission", FunctionName={"Fn::GetAtt": ["RollbackFunction", "Arn"]})),
    ("every_permission_belongs_to_one_rule", "any rule may invoke", drop("EcrImagePermission", "SourceArn")),
    ("every_function_has_a_sweep", "a misspelt schedule", put("NotifySweep", ScheduleExpression="rate(5 minuts)")),
    ("every_function_has_a_sweep", "a singular schedule", put("NotifySweep", ScheduleExpression="rate(5 minute)")),
    ("every_function_has_a_sweep", "a function without sweep", without("RollbackSweep")),
    ("every_function_has_a_sweep", "domains without sweep", without("DomainsSweep")),
    ("every_function_has_a_sweep", "a handshake with everybody each five minutes",
     put("CertificatesSweep", ScheduleExpression="rate(5 minutes)")),
    ("every_function_has_a_sweep", "domains looked at once an hour", put("DomainsSweep", ScheduleExpression="rate(1 hour)")),
    ("every_function_gives_up_into_the_failure_queue", "a lost domain call", without("DomainsInvokeConfig")),
    ("every_function_gives_up_into_the_failure_queue", "a failed event is lost",
     drop("RollbackInvokeConfig", "DestinationConfig")),
    ("every_mapping_isolates_what_fails", "a bad record fails its batch", drop("WakeMapping", "FunctionResponseTypes")),
    ("every_mapping_isolates_what_fails", "a poison record blocks", put("OutboxMapping", MaximumRetryAttempts=-1)),
    ("every_wake_queue_fits_its_function", "messages come back too soon", put("WakeQueue", VisibilityTimeout=60)),
    ("every_wake_queue_fits_its_function", "as long as another function's",
     put("CertificatesWakeQueue", VisibilityTimeout=360)),
    ("every_wake_queue_fits_its_function", "no end to trying", drop("DomainsWakeQueue", "RedrivePolicy")),
    ("every_wake_queue_fits_its_function", "two functions, one queue",
     at(("CertificatesFunction", "Environment", "Variables", "PITCREW_WAKE_QUEUE_URL"), {"Ref": "DomainsWakeQueue"})),
    ("every_wake_queue_fits_its_function", "another is woken",
     put("DomainsWakeMapping", FunctionName={"Ref": "CertificatesFunction"})),
    ("every_wake_queue_fits_its_function", "nobody is woken", without("CertificatesWakeMapping")),
    ("every_wake_queue_fits_its_function", "wake messages crowd the rest out",
     put("DomainsWakeMapping", ScalingConfig={"MaximumConcurrency": 4})),
    ("only_our_rules_fill_the_dead_letter_queue", "no policy", without("BusDeadLetterPolicy")),
    ("only_our_rules_fill_the_dead_letter_queue", "any rule may send",
     lambda source: properties(source, "BusDeadLetterPolicy")["PolicyDocument"]["Statement"][0]["Condition"]
     .pop("ArnEquals")),
    ("only_our_rules_fill_the_dead_letter_queue", "a rule is left out",
     lambda source: properties(source, "BusDeadLetterPolicy")["PolicyDocument"]["Statement"][0]["Condition"]["ArnEquals"][
         "aws:SourceArn"].pop()),
    # roles
    ("every_wildcard_has_its_reason", "a new wildcard", amend("NotifyRole", "Publish", Resource="*")),
    ("every_wildcard_has_its_reason", "a reason nobody needs", without_statement("RollbackRole", "ReadAlarms")),
    ("every_wildcard_has_its_reason", "any certificate, anywhere",
     amend("CertificatesRole", "ReadAndRenewCertificates", Resource="*")),
    ("each_writes_only_what_is_its_own", "domains unlinks domains",
     grant("DomainsRole", Action="apprunner:DisassociateCustomDomain", Resource="arn:aws:apprunner:eu-west-1:1:service/x")),
    ("each_writes_only_what_is_its_own", "notify writes records",
     grant("NotifyRole", Action="route53:ChangeResourceRecordSets", Resource="arn:aws:route53:::hostedzone/Z1")),
    ("each_writes_only_what_is_its_own", "certificates asks for new ones",
     amend("CertificatesRole", "ReadAndRenewCertificates", Action=["acm:RenewCertificate", "acm:RequestCertificate"])),
    ("every_allow_names_its_actions", "all of a service", amend("NotifyRole", "Publish", Action="sns:*")),
    ("nothing_is_open_to_everyone", "a public topic",
     lambda source: properties(source, "TopicPolicy")["PolicyDocument"]["Statement"][0].update(Principal="*")),
    ("every_function_has_a_role_of_its_own", "a shared role",
     put("NotifyFunction", Role={"Fn::GetAtt": ["RollbackRole", "Arn"]})),
    ("every_function_has_a_role_of_its_own", "a managed policy",
     put("NotifyRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])),
    ("the_dangerous_is_denied", "no Deny", without_statement("RollbackRole", "NeverThese")),
    ("the_dangerous_is_denied", "no Deny for domains", without_statement("DomainsRole", "NeverThese")),
    ("the_dangerous_is_denied", "domains may change services one day",
     lambda source: statement(source, "DomainsRole", "NeverThese")["Action"].remove("apprunner:Update*")),
    ("the_dangerous_is_denied", "certificates may ask for new ones one day",
     lambda source: statement(source, "CertificatesRole", "NeverThese")["Action"].remove("acm:Request*")),
    ("the_dangerous_is_denied", "certificates may delete zones one day",
     lambda source: statement(source, "CertificatesRole", "NeverThese")["Action"].remove("route53:Delete*")),
    ("no_allow_is_denied", "linking again is allowed and denied",
     lambda source: statement(source, "CertificatesRole", "NeverThese")["Action"].append("apprunner:Associate*")),
    ("no_allow_is_denied", "the zones' roles are allowed and denied",
     lambda source: statement(source, "DomainsRole", "NeverThese")["Action"].append("sts:AssumeRole")),
    ("no_allow_is_denied", "allowed and denied",
     grant("RollbackRole", Action="iam:CreateRole", Resource="arn:aws:iam::123456789012:role/x")),
    ("the_table_is_divided_by_leading_keys", "notify reads services",
     amend("NotifyRole", "KeepDeliveries", Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["*"]},
                                                      "Null": {"dynamodb:LeadingKeys": "false"}})),
    ("the_table_is_divided_by_leading_keys", "rollback reads whole partitions",
     amend("RollbackRole", "KeepState", Action=["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem",
                                                "dynamodb:PutItem", "dynamodb:Query"])),
    ("the_table_is_divided_by_leading_keys", "notify reads the whole table",
     grant("NotifyRole", Action="dynamodb:Scan", Resource={"Fn::GetAtt": ["Table", "Arn"]})),
    ("the_table_is_divided_by_leading_keys", "a missing key passes",
     lambda source: statement(source, "RollbackRole", "KeepState")["Condition"].pop("Null")),
    ("roles_are_passed_to_app_runner_only", "a role for anything",
     lambda source: statement(source, "RollbackRole", "PassTheAccessRoleOn").pop("Condition")),
    ("roles_are_passed_to_app_runner_only", "no Deny", without_statement("RollbackRole", "PassNoRoleToAnythingElse")),
    ("the_table_is_divided_by_leading_keys", "domains reads certificates",
     lambda source: statement(source, "DomainsRole", "KeepState")["Condition"]["ForAllValues:StringLike"][
         "dynamodb:LeadingKeys"].append("CERT#*")),
    ("the_table_is_divided_by_leading_keys", "certificates looks for incidents",
     lambda source: statement(source, "CertificatesRole", "FindOpenDomains")["Condition"]["ForAllValues:StringEquals"].update(
         {"dynamodb:LeadingKeys": ["DOMAIN", "INCIDENT"]})),
    ("the_table_is_divided_by_leading_keys", "domains ends a pause",
     lambda source: statement(source, "DomainsRole", "KeepState")["Condition"]["ForAllValues:StringLike"][
         "dynamodb:LeadingKeys"].append("ACCT#*")),
    ("a_domain_is_unlinked_only_where_the_owner_allows_it", "without the tag",
     lambda source: statement(source, "CertificatesRole", "Unlink").pop("Condition")),
    ("a_domain_is_unlinked_only_where_the_owner_allows_it", "by the other statement",
     amend("CertificatesRole", "Relink", Action=["apprunner:AssociateCustomDomain", "apprunner:DisassociateCustomDomain"])),
    ("a_hold_is_kept_by_iam", "no Deny", without_statement("RollbackRole", "HoldMeansHold")),
    ("a_hold_is_kept_by_iam", "a held service's domain is linked again", without_statement("CertificatesRole", "HoldMeansHold")),
    ("a_hold_is_kept_by_iam", "a held service's domain is unlinked",
     amend("CertificatesRole", "HoldMeansHold", Action="apprunner:AssociateCustomDomain")),
    # zones
    ("records_are_created_and_never_overwritten", "an UPSERT passes",
     lambda source: statement(source, "DomainsRole", "WriteRecords")["Condition"]["ForAllValues:StringEquals"].update(
         {"route53:ChangeResourceRecordSetsActions": ["CREATE", "UPSERT"]})),
    ("records_are_created_and_never_overwritten", "a call without the keys passes",
     lambda source: statement(source, "CertificatesRole", "WriteRecords")["Condition"].pop("Null")),
    ("records_are_created_and_never_overwritten", "a mail record passes",
     lambda source: statement(source, "DomainsRole", "WriteRecords")["Condition"]["ForAllValues:StringEquals"].update(
         {"route53:ChangeResourceRecordSetsRecordTypes": ["A", "CNAME", "MX"]})),
    ("records_are_created_and_never_overwritten", "an UPSERT might be granted one day",
     without_statement("DomainsRole", "NeverOverwrite")),
    ("records_are_created_and_never_overwritten", "a mail record might be granted one day",
     amend("CertificatesRole", "NeverAnotherType", Condition={"StringNotEquals": {
         "route53:ChangeResourceRecordSetsRecordTypes": ["A", "CNAME"]}})),
    ("records_are_created_and_never_overwritten", "zones that nobody chose", amend("DomainsRole", "WriteRecords", Resource="*")),
    ("records_are_created_and_never_overwritten", "removed though nobody chose it",
     lambda source: source["Conditions"].update(RemovesRecords={"Fn::Equals": ["", ""]})),
    ("records_are_created_and_never_overwritten", "rollback reads zones",
     grant("RollbackRole", Action="route53:ListHostedZones", Resource="*")),
    ("records_are_created_and_never_overwritten", "the audit writes records",
     grant("AuditRole", Action="route53:ChangeResourceRecordSets", Resource="arn:aws:route53:::hostedzone/*")),
    ("removing_is_chosen_by_the_owner", "removed though nobody chose it", parameter("RemoveRecords", Default="true")),
    ("other_accounts_are_entered_by_the_roles_given_and_no_other", "any role",
     amend("DomainsRole", "AssumeZoneRoles", Resource="arn:aws:iam::*:role/*")),
    ("other_accounts_are_entered_by_the_roles_given_and_no_other", "any role one day",
     amend("CertificatesRole", "AssumeNoRole", Resource="arn:aws:iam::123456789012:role/*")),
    ("other_accounts_are_entered_by_the_roles_given_and_no_other", "a role though none is given",
     lambda source: source["Conditions"].update(HasZoneRoles={"Fn::Equals": ["", ""]})),
    ("as_many_zones_fit_as_were_promised", "a list as long again",
     grant("CertificatesRole", Action="acm:ListCertificates", Resource={"Ref": "HostedZoneArns"})),
    ("zones_and_roles_are_named_exactly", "anything is a zone", parameter("HostedZoneArns", AllowedPattern=".*")),
    ("zones_and_roles_are_named_exactly", "roles by wildcard",
     parameter("ZoneRoleArns", AllowedPattern="(arn:aws:iam::[0-9]{12}:role/[a-z*-]+)?")),
    ("zones_and_roles_are_named_exactly", "a short external id", parameter("ZoneExternalId", AllowedPattern="[A-Za-z0-9]*")),
    ("zones_and_roles_are_named_exactly", "one zone only", parameter("HostedZoneArns", Type="String")),
    ("each_writes_only_its_own_log", "another's log",
     amend("NotifyRole", "WriteOwnLog", Resource={"Fn::GetAtt": ["RollbackLogGroup", "Arn"]})),
    ("each_writes_only_what_is_its_own", "the audit mends what it finds",
     grant("AuditRole", Action="ec2:CreateVpcEndpoint", Resource="arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/x")),
    ("each_writes_only_what_is_its_own", "findings are sent though nobody chose it",
     lambda source: source["Conditions"].update(UsesSecurityHub={"Fn::Equals": ["", ""]})),
    ("the_dangerous_is_denied", "no Deny for the audit", without_statement("AuditRole", "NeverThese")),
    ("the_dangerous_is_denied", "the audit may read logs one day",
     lambda source: statement(source, "AuditRole", "NeverThese")["Action"].remove("logs:GetLogEvents")),
    ("the_table_is_divided_by_leading_keys", "the audit writes what others remember",
     lambda source: statement(source, "AuditRole", "KeepNotices")["Condition"]["ForAllValues:StringLike"].update(
         {"dynamodb:LeadingKeys": ["OUTBOX#*", "SVC#*"]})),
    ("the_table_is_divided_by_leading_keys", "the audit deletes", amend("AuditRole", "KeepNotices", Action=[
        "dynamodb:PutItem", "dynamodb:DeleteItem"])),
    ("reports_are_written_in_their_own_bucket_alone", "any bucket",
     amend("AuditRole", "KeepReports", Resource="arn:aws:s3:::*")),
    ("reports_are_written_in_their_own_bucket_alone", "its own waivers",
     amend("AuditRole", "ReadWaivers", Action=["s3:GetObject", "s3:PutObject"])),
    ("reports_are_written_in_their_own_bucket_alone", "notify reads reports",
     grant("NotifyRole", Action="s3:GetObject", Resource={"Fn::Sub": "${AuditBucket.Arn}/latest.json"})),
    # state and the rest
    *(("the_bucket_is_closed_and_survives", how, change) for how, change in [
        ("public", at(("AuditBucket", "PublicAccessBlockConfiguration", "RestrictPublicBuckets"), False)),
        ("access lists", at(("AuditBucket", "OwnershipControls", "Rules"), [{"ObjectOwnership": "ObjectWriter"}])),
        ("the waivers expire", lambda source: properties(source, "AuditBucket")["LifecycleConfiguration"]["Rules"].append(
            {"Id": "all", "Status": "Enabled", "Prefix": "", "ExpirationInDays": 1})),
        ("goes with the stack", lambda source: source["Resources"]["AuditBucket"].update(UpdateReplacePolicy="Delete")),
        ("a name", put("AuditBucket", BucketName="pitcrew-audit")),
        ("without TLS", without("AuditBucketPolicy")),
        ("everybody reads", lambda source: properties(source, "AuditBucketPolicy")["PolicyDocument"]["Statement"].append(
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"})),
        ("the key is ignored", at(("AuditBucket", "BucketEncryption", "ServerSideEncryptionConfiguration"),
                                  [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}])),
    ]),
    ("autonomy_is_chosen_by_the_owner", "a default", parameter("Autonomy", Default="act")),
    ("everything_is_described", "a bare parameter", parameter("BakeMinutes", Description="Minutes")),
    ("only_plain_resources_stand_beside_the_functions", "an event of SAM's",
     put("NotifyFunction", Events={"Hour": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}}})),
    ("names_are_chosen_so_that_policies_can_be_exact", "a nameless role", drop("NotifyRole", "RoleName")),
    ("every_function_is_bounded_and_logs_json", "unbounded", drop("RollbackFunction", "ReservedConcurrentExecutions")),
    ("every_function_is_bounded_and_logs_json", "reserved whatever the owner says",
     put("RollbackFunction", ReservedConcurrentExecutions=5)),
    ("every_function_is_bounded_and_logs_json", "all at once", put("DomainsFunction", ReservedConcurrentExecutions={
        "Fn::If": ["ReservesConcurrency", 40, {"Ref": "AWS::NoValue"}]})),
    ("every_function_is_bounded_and_logs_json", "a long wait", put("CertificatesFunction", Timeout=900)),
    ("every_function_has_a_log_with_an_end", "logs for ever", drop("NotifyLogGroup", "RetentionInDays")),
    ("every_function_has_a_log_with_an_end", "a log of nobody", drop("NotifyFunction", "LoggingConfig")),
    ("the_environment_is_the_contract_and_holds_no_secret", "a webhook in the open",
     at(("NotifyFunction", "Environment", "Variables", "SLACK_WEBHOOK"), "https://hooks.slack.com/services/x")),
    ("the_environment_is_the_contract_and_holds_no_secret", "the zones of nobody",
     lambda source: properties(source, "DomainsFunction")["Environment"]["Variables"].pop("PITCREW_ZONES")),
    ("the_environment_is_the_contract_and_holds_no_secret", "removing whatever the owner says",
     at(("CertificatesFunction", "Environment", "Variables", "PITCREW_REMOVE_RECORDS"), "true")),
    ("the_table_survives", "no protection", put("Table", DeletionProtectionEnabled=False)),
    ("the_table_survives", "goes with the stack",
     lambda source: source["Resources"]["Table"].update(DeletionPolicy="Delete")),
    ("everything_is_encrypted", "a plain queue", put("WakeQueue", SqsManagedSseEnabled=False)),
    ("everything_is_encrypted", "a plain queue of domains'", drop("DomainsWakeQueue", "SqsManagedSseEnabled")),
    ("everything_is_encrypted", "certificates cannot use the key",
     lambda source: statements(source, "CertificatesRole").remove(next(
         body for body in statements(source, "CertificatesRole") if body.get("Fn::If", [""])[0] == "HasKmsKey"))),
    ("everything_is_encrypted", "a topic that ignores the key", drop("Topic", "KmsMasterKeyId")),
    ("secrets_are_not_written_here", "a secret in the template",
     put("SlackSecret", SecretString="https://hooks.slack.com/services/x")),
    ("dead_letters_are_kept_and_told", "no alarm", without("BusDeadLettersAlarm")),
    ("dead_letters_are_kept_and_told", "kept for 4 days", drop("FailureQueue", "MessageRetentionPeriod")),
    ("every_function_is_watched", "errors unseen", without("NotifyErrorsAlarm")),
    ("every_function_is_watched", "silence is fine", put("RollbackSweepAlarm", TreatMissingData="notBreaching")),
    ("every_function_is_watched", "domains' errors unseen", without("DomainsErrorsAlarm")),
    ("every_function_is_watched", "a sweep each quarter of an hour missed every five minutes", put("CertificatesSweepAlarm", Period=300)),
    ("every_function_is_watched", "a day of silence", put("DomainsSweepAlarm", EvaluationPeriods=288, DatapointsToAlarm=288)),
    ("every_rule_that_loses_its_dead_letters_is_told", "no alarm", without("AlarmStateLostAlarm")),
    ("every_rule_that_loses_its_dead_letters_is_told", "no alarm for ACM's", without("AcmCertificateLostAlarm")),
    ("every_alarm_reaches_people", "tells nobody", drop("FailuresAlarm", "AlarmActions")),
    ("every_alarm_reaches_people", "shut out by the topic", put("FailuresAlarm", AlarmName="failures")),
    ("mail_is_sent_only_where_asked_for", "always subscribed",
     lambda source: source["Resources"]["AlertSubscription"].pop("Condition")),
]


# The same for infra/zone-role.yaml.
BROKEN_ZONE_ROLE = [
    ("the_zone_role_may_do_what_the_functions_may", "an UPSERT passes there",
     lambda source: statement(source, "ZoneRole", "WriteRecords")["Condition"]["ForAllValues:StringEquals"].update(
         {"route53:ChangeResourceRecordSetsActions": ["CREATE", "UPSERT"]})),
    ("the_zone_role_may_do_what_the_functions_may", "nothing denies an UPSERT there",
     without_statement("ZoneRole", "NeverOverwrite")),
    ("the_zone_role_may_do_what_the_functions_may", "removed there though nobody chose it",
     lambda source: source["Conditions"].update(RemovesRecords={"Fn::Equals": ["", ""]})),
    ("the_zone_role_denies_the_rest", "zones may be deleted one day",
     lambda source: statement(source, "ZoneRole", "NeverThese")["Action"].remove("route53:Delete*")),
    ("the_zone_role_denies_the_rest", "no Deny", without_statement("ZoneRole", "NeverThese")),
    ("the_zone_role_has_no_other_statement", "it reads buckets", grant("ZoneRole", Action="s3:ListAllMyBuckets", Resource="*")),
    ("the_zone_role_has_no_other_statement", "a second role",
     lambda source: source["Resources"].update(Other={**source["Resources"]["ZoneRole"]})),
    ("the_zone_role_lets_the_two_functions_in_and_nobody_else", "the whole account",
     at(("ZoneRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal"), {"AWS": {"Ref": "PitcrewAccountId"}})),
    ("the_zone_role_lets_the_two_functions_in_and_nobody_else", "without the external id",
     lambda source: properties(source, "ZoneRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition")),
    ("the_zone_role_asks_for_what_the_stack_asks_for", "an external id of three letters", parameter("ExternalId", MinLength=3)),
    ("the_zone_role_asks_for_what_the_stack_asks_for", "removing is the default there",
     parameter("RemoveRecords", Default="true")),
    ("the_zone_role_asks_for_what_the_stack_asks_for", "any account", parameter("PitcrewAccountId", AllowedPattern=".*")),
]


@pytest.mark.parametrize("check, how, change", BROKEN_ZONE_ROLE, ids=[f"{check}-{how}" for check, how, _ in BROKEN_ZONE_ROLE])
def test_a_broken_role_for_zones_is_caught(check, how, change):
    source = load_source(ZONE_ROLE)
    change(source)
    assert BY_NAME[check](Stack(load_source()), Stack(source, **GIVEN)) != [], f"{check} did not see: {how}"


@pytest.mark.parametrize("check, how, change", BROKEN, ids=[f"{check}-{how}" for check, how, _ in BROKEN])
def test_a_broken_template_is_caught(check, how, change):
    source = load_source()
    change(source)
    assert BY_NAME[check](Stack(source)) != [], f"{check} did not see: {how}"


def test_every_check_was_seen_to_fail():
    assert {check for check, _, _ in BROKEN + BROKEN_ZONE_ROLE} == set(BY_NAME)


@pytest.mark.parametrize("rule, change", [
    ("E3030", put("NotifyFunction", Runtime="provided.al2042")),
    ("W3037", grant("NotifyRole", Action="sns:Publsh", Resource="arn:aws:sns:eu-west-1:123456789012:x")),
    ("E3002", put("Table", DeletionProtection=True)),
], ids=["unknown runtime", "unknown action", "unknown property"])
def test_cfn_lint_catches_it_in_the_translated_template(rule, change, tmp_path):
    source = load_source()
    change(source)
    assert rule in {found for found, _ in lint_translated(Stack(source), tmp_path, ["eu-west-1"])}
