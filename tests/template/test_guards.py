"""A check that cannot fail is none: each row breaks the template in one way and sees the named check complain.

`test_every_check_was_seen_to_fail` keeps the table complete.
"""

import pytest

from stack import Stack, load_source
from test_template import CHECKS, lint_translated

BY_NAME = {check.__name__: check for check in CHECKS}


def properties(source, name):
    return source["Resources"][name]["Properties"]


def statement(source, role, sid):
    for policy in properties(source, role)["Policies"]:
        for body in policy["PolicyDocument"]["Statement"]:
            if body.get("Sid") == sid:
                return body
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
    ("every_permission_belongs_to_one_rule", "any rule may invoke", drop("EcrImagePermission", "SourceArn")),
    ("every_function_has_a_sweep", "a misspelt schedule", put("NotifySweep", ScheduleExpression="rate(5 minuts)")),
    ("every_function_has_a_sweep", "a singular schedule", put("NotifySweep", ScheduleExpression="rate(5 minute)")),
    ("every_function_has_a_sweep", "a function without sweep", without("RollbackSweep")),
    ("every_function_gives_up_into_the_failure_queue", "a failed event is lost",
     drop("RollbackInvokeConfig", "DestinationConfig")),
    ("every_mapping_isolates_what_fails", "a bad record fails its batch", drop("WakeMapping", "FunctionResponseTypes")),
    ("every_mapping_isolates_what_fails", "a poison record blocks", put("OutboxMapping", MaximumRetryAttempts=-1)),
    ("the_wake_queue_fits_its_function", "messages come back too soon", put("WakeQueue", VisibilityTimeout=60)),
    ("only_our_rules_fill_the_dead_letter_queue", "no policy", without("BusDeadLetterPolicy")),
    ("only_our_rules_fill_the_dead_letter_queue", "any rule may send",
     lambda source: properties(source, "BusDeadLetterPolicy")["PolicyDocument"]["Statement"][0]["Condition"]
     .pop("ArnEquals")),
    # roles
    ("every_wildcard_has_its_reason", "a new wildcard", amend("NotifyRole", "Publish", Resource="*")),
    ("every_wildcard_has_its_reason", "a reason nobody needs", without_statement("RollbackRole", "ReadAlarms")),
    ("every_allow_names_its_actions", "all of a service", amend("NotifyRole", "Publish", Action="sns:*")),
    ("nothing_is_open_to_everyone", "a public topic",
     lambda source: properties(source, "TopicPolicy")["PolicyDocument"]["Statement"][0].update(Principal="*")),
    ("every_function_has_a_role_of_its_own", "a shared role",
     put("NotifyFunction", Role={"Fn::GetAtt": ["RollbackRole", "Arn"]})),
    ("every_function_has_a_role_of_its_own", "a managed policy",
     put("NotifyRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])),
    ("the_dangerous_is_denied", "no Deny", without_statement("RollbackRole", "NeverThese")),
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
    ("a_hold_is_kept_by_iam", "no Deny", without_statement("RollbackRole", "HoldMeansHold")),
    ("each_writes_only_its_own_log", "another's log",
     amend("NotifyRole", "WriteOwnLog", Resource={"Fn::GetAtt": ["RollbackLogGroup", "Arn"]})),
    # state and the rest
    ("autonomy_is_chosen_by_the_owner", "a default", parameter("Autonomy", Default="act")),
    ("everything_is_described", "a bare parameter", parameter("BakeMinutes", Description="Minutes")),
    ("only_plain_resources_stand_beside_the_functions", "an event of SAM's",
     put("NotifyFunction", Events={"Hour": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}}})),
    ("names_are_chosen_so_that_policies_can_be_exact", "a nameless role", drop("NotifyRole", "RoleName")),
    ("every_function_is_bounded_and_logs_json", "unbounded", drop("RollbackFunction", "ReservedConcurrentExecutions")),
    ("every_function_is_bounded_and_logs_json", "reserved whatever the owner says",
     put("RollbackFunction", ReservedConcurrentExecutions=5)),
    ("every_function_has_a_log_with_an_end", "logs for ever", drop("NotifyLogGroup", "RetentionInDays")),
    ("every_function_has_a_log_with_an_end", "a log of nobody", drop("NotifyFunction", "LoggingConfig")),
    ("the_environment_is_the_contract_and_holds_no_secret", "a webhook in the open",
     at(("NotifyFunction", "Environment", "Variables", "SLACK_WEBHOOK"), "https://hooks.slack.com/services/x")),
    ("the_table_survives", "no protection", put("Table", DeletionProtectionEnabled=False)),
    ("the_table_survives", "goes with the stack",
     lambda source: source["Resources"]["Table"].update(DeletionPolicy="Delete")),
    ("everything_is_encrypted", "a plain queue", put("WakeQueue", SqsManagedSseEnabled=False)),
    ("everything_is_encrypted", "a topic that ignores the key", drop("Topic", "KmsMasterKeyId")),
    ("secrets_are_not_written_here", "a secret in the template",
     put("SlackSecret", SecretString="https://hooks.slack.com/services/x")),
    ("dead_letters_are_kept_and_told", "no alarm", without("BusDeadLettersAlarm")),
    ("dead_letters_are_kept_and_told", "kept for 4 days", drop("FailureQueue", "MessageRetentionPeriod")),
    ("every_function_is_watched", "errors unseen", without("NotifyErrorsAlarm")),
    ("every_function_is_watched", "silence is fine", put("RollbackSweepAlarm", TreatMissingData="notBreaching")),
    ("every_rule_that_loses_its_dead_letters_is_told", "no alarm", without("AlarmStateLostAlarm")),
    ("every_alarm_reaches_people", "tells nobody", drop("FailuresAlarm", "AlarmActions")),
    ("every_alarm_reaches_people", "shut out by the topic", put("FailuresAlarm", AlarmName="failures")),
    ("mail_is_sent_only_where_asked_for", "always subscribed",
     lambda source: source["Resources"]["AlertSubscription"].pop("Condition")),
]


@pytest.mark.parametrize("check, how, change", BROKEN, ids=[f"{check}-{how}" for check, how, _ in BROKEN])
def test_a_broken_template_is_caught(check, how, change):
    source = load_source()
    change(source)
    assert BY_NAME[check](Stack(source)) != [], f"{check} did not see: {how}"


def test_every_check_was_seen_to_fail():
    assert {check for check, _, _ in BROKEN} == set(BY_NAME)


@pytest.mark.parametrize("rule, change", [
    ("E3030", put("NotifyFunction", Runtime="provided.al2042")),
    ("W3037", grant("NotifyRole", Action="sns:Publsh", Resource="arn:aws:sns:eu-west-1:123456789012:x")),
    ("E3002", put("Table", DeletionProtection=True)),
], ids=["unknown runtime", "unknown action", "unknown property"])
def test_cfn_lint_catches_it_in_the_translated_template(rule, change, tmp_path):
    source = load_source()
    change(source)
    assert rule in {found for found, _ in lint_translated(Stack(source), tmp_path, ["eu-west-1"])}
