"""What wakes the functions: rules, schedules, mappings, permissions; and where an input goes that nobody could handle.

Every check takes a Stack and answers with a list of problems, empty when all is well. tests/template/test_guards.py
breaks the template on purpose and sees each check complain.
"""

import json
import re

from stack import PSEUDO, ROOT, as_list

# Which function each pattern of events/patterns wakes, and how often each is swept whatever the bus does.
WAKES = {
    "service-status-change": "RollbackFunction",
    "operation-status-change": "RollbackFunction",
    "alarm-state-change": "RollbackFunction",
    "ecr-image-action": "RollbackFunction",
    "app-runner-domain-call": "DomainsFunction",
    "custom-domain-validation": "DomainsFunction",
    "acm-certificate": "CertificatesFunction",
}
RATES = {
    "RollbackFunction": "rate(5 minutes)",
    "DomainsFunction": "rate(5 minutes)",
    "CertificatesFunction": "rate(15 minutes)",
    "AuditFunction": "rate(15 minutes)",
    "NotifyFunction": "rate(5 minutes)",
}
RETRY_OF_THE_BUS = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
SWEEP = {"source": "pitcrew", "detail-type": "Sweep"}
PATTERN_KEYS = {"source", "detail-type", "account", "detail"}
# Below `detail`, only these may be matched, of these detail-types only. None of App Runner's own is among them, and none
# must ever be: what CloudTrail says of a call to App Runner has CloudTrail's keys.
DETAIL_KEYS = {
    "CloudWatch Alarm State Change": {"state": {"value"}},
    "ECR Image Action": {"action-type": None, "result": None},
    "AWS API Call via CloudTrail": {"eventSource": None, "eventName": None},
}


def read_pattern(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text.replace("${AWS::AccountId}", PSEUDO["AWS::AccountId"]))


def patterns_of_files():
    return {path.stem: read_pattern(path) for path in sorted((ROOT / "events" / "patterns").glob("*.json"))}


def every_rule_has_the_pattern_of_one_file(stack):
    files = patterns_of_files()
    rules = {name: rule["EventPattern"] for name, rule in stack.of_type("AWS::Events::Rule").items()}
    problems = [
        f"{name}: no file in events/patterns holds its pattern {json.dumps(pattern)}"
        for name, pattern in rules.items()
        if pattern not in files.values()
    ]
    for stem, pattern in files.items():
        holders = [name for name, other in rules.items() if other == pattern]
        if len(holders) != 1:
            problems.append(f"events/patterns/{stem}.json: is the pattern of {holders or 'no rule'}, not of exactly one")
    return problems


def every_rule_wakes_the_function_that_can_read_it(stack):
    files = patterns_of_files()
    problems = [f"events/patterns/{stem}.json: WAKES in checks_doors.py names no function" for stem in files.keys() - WAKES]
    for name, rule in stack.of_type("AWS::Events::Rule").items():
        for stem in (stem for stem, pattern in files.items() if pattern == rule["EventPattern"]):
            targets = [target["Arn"] for target in rule["Targets"]]
            if targets != ["${" + WAKES.get(stem, "") + ".Arn}"] or rule.get("State") != "ENABLED":
                problems.append(f"{name}: wakes {targets}, not {WAKES.get(stem)} alone, or is not enabled")
    return problems


def patterns_match_on_the_envelope(stack):
    problems = []
    for name, rule in stack.of_type("AWS::Events::Rule").items():
        pattern = rule["EventPattern"]
        for key in ("source", "detail-type", "account"):
            if not pattern.get(key):
                problems.append(f"{name}: its pattern does not match on {key}")
        for key in pattern.keys() - PATTERN_KEYS:
            problems.append(f"{name}: its pattern matches on {key}, which has drifted or may drift")
        if pattern.get("account") != [PSEUDO["AWS::AccountId"]]:
            problems.append(f"{name}: its pattern lets other accounts in: {pattern.get('account')}")
        kinds = as_list(pattern.get("detail-type"))
        allowed = DETAIL_KEYS.get(kinds[0], {}) if len(kinds) == 1 else {}
        for key, below in pattern.get("detail", {}).items():
            if key not in allowed or (allowed[key] is not None and set(below) - allowed[key]):
                problems.append(f"{name}: its pattern looks into detail.{key} of {kinds}")
    return problems


def the_outbox_filter_equals_its_file(stack):
    wanted = json.loads((ROOT / "events" / "filters" / "outbox.json").read_text(encoding="utf-8"))
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    found = [
        json.loads(entry["Pattern"])
        for mapping in mappings
        for entry in mapping.get("FilterCriteria", {}).get("Filters", [])
    ]
    return [] if found == [wanted] else [f"the filters of the mappings are {found}, not {[wanted]}"]


def every_rule_reaches_its_target_or_the_dead_letter_queue(stack):
    problems = []
    permissions = stack.of_type("AWS::Lambda::Permission").values()
    for name, rule in stack.of_type("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            if target.get("DeadLetterConfig") != {"Arn": "${BusDeadLetterQueue.Arn}"}:
                problems.append(f"{name}: target {target['Id']} has no dead-letter queue")
            if target.get("RetryPolicy") != RETRY_OF_THE_BUS:
                problems.append(f"{name}: target {target['Id']} does not retry for 24 h and 185 times")
            wanted = {
                "Action": "lambda:InvokeFunction",
                "FunctionName": target["Arn"],
                "Principal": "events.amazonaws.com",
                "SourceArn": "${" + name + ".Arn}",
                "SourceAccount": PSEUDO["AWS::AccountId"],
            }
            # Without it the bus does not retry at all: the event goes straight to the dead-letter queue.
            if wanted not in permissions:
                problems.append(f"{name}: nothing permits this rule, and only it, to invoke {target['Arn']}")
    return problems


def every_permission_belongs_to_one_rule(stack):
    rules = {"${" + name + ".Arn}" for name in stack.of_type("AWS::Events::Rule")}
    return [
        f"{name}: lets {permission.get('Principal')} in from {permission.get('SourceArn', 'anywhere')}"
        for name, permission in stack.of_type("AWS::Lambda::Permission").items()
        if permission.get("SourceArn") not in rules or "SourceAccount" not in permission
    ]


def problem_of_schedule(expression):
    """What is wrong with a schedule expression, or None. cfn-lint lets `rate(5 minuts)` pass."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression)
    if rate:
        number, plural = int(rate.group(1)), rate.group(3) == "s"
        if number < 1 or plural != (number != 1):
            return "a rate is at least 1, singular for 1 and plural above"
        return None
    if re.fullmatch(r"cron\((\S+ ){5}\S+\)", expression):
        return None
    return "neither rate(N minutes|hours|days) nor cron(six fields)"


def every_function_has_a_sweep(stack):
    problems = []
    swept = set()
    for name, schedule in stack.of_type("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        swept.add(target["Arn"])
        wrong = problem_of_schedule(schedule["ScheduleExpression"])
        if wrong:
            problems.append(f"{name}: {schedule['ScheduleExpression']} is no schedule: {wrong}")
        wanted = RATES.get(target["Arn"].removeprefix("${").removesuffix(".Arn}"))
        if schedule["ScheduleExpression"] != wanted:
            problems.append(f"{name}: sweeps at {schedule['ScheduleExpression']}, not {wanted}")
        if json.loads(target.get("Input", "null")) != SWEEP:
            problems.append(f"{name}: does not send {json.dumps(SWEEP)}")
        if target.get("DeadLetterConfig") != {"Arn": "${BusDeadLetterQueue.Arn}"}:
            problems.append(f"{name}: has no dead-letter queue")
        if target.get("RetryPolicy") != RETRY_OF_THE_BUS:
            problems.append(f"{name}: does not retry for 24 h and 185 times")
        if schedule.get("State") != "ENABLED":
            problems.append(f"{name}: is not enabled")
    missing = {"${" + name + ".Arn}" for name in stack.functions()} - swept
    return problems + [f"{function} has no schedule" for function in sorted(missing)]


def every_function_gives_up_into_the_failure_queue(stack):
    problems = []
    configs = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    for name in stack.functions():
        wanted = {
            "FunctionName": "${" + name + "}",
            "Qualifier": "$LATEST",
            "MaximumEventAgeInSeconds": 3600,
            "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": "${FailureQueue.Arn}"}},
        }
        if wanted not in configs:
            problems.append(f"{name}: a failed event is not retried twice within the hour and then kept")
    return problems


def every_mapping_isolates_what_fails(stack):
    problems = []
    for name, mapping in stack.of_type("AWS::Lambda::EventSourceMapping").items():
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            problems.append(f"{name}: one bad record fails its whole batch")
        if "Stream" in mapping["EventSourceArn"]:
            # Otherwise a poison record blocks its shard for a day.
            bounded = mapping.get("MaximumRetryAttempts", -1) >= 0 and mapping.get("MaximumRecordAgeInSeconds", -1) > 0
            if not (bounded and mapping.get("BisectBatchOnFunctionError")):
                problems.append(f"{name}: a poison record can block the stream")
            if mapping.get("DestinationConfig") != {"OnFailure": {"Destination": "${FailureQueue.Arn}"}}:
                problems.append(f"{name}: what fails is not kept")
    return problems


def every_wake_queue_fits_its_function(stack):
    """A function that wakes itself up has a queue of its own, and the mapping that brings its messages back to it."""
    queues, problems, taken = stack.of_type("AWS::SQS::Queue"), [], set()
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    for name, function in stack.functions().items():
        url = function["Environment"]["Variables"].get("PITCREW_WAKE_QUEUE_URL")
        if url is None:
            continue
        queue = url.removeprefix("${").removesuffix("}")
        fed = [mapping for mapping in mappings if mapping["EventSourceArn"] == "${" + queue + ".Arn}"]
        if queue in taken or [mapping["FunctionName"] for mapping in fed] != ["${" + name + "}"]:
            problems.append(f"{name}: {queue} is not its own, or does not wake it")
            continue
        taken.add(queue)
        # Two is the least that Lambda takes.
        if fed[0].get("ScalingConfig") != {"MaximumConcurrency": 2} or fed[0].get("Enabled") is not True:
            problems.append(f"{name}: its wake messages may take all of its invocations, or come to none")
        if queues[queue].get("VisibilityTimeout", 30) != 6 * function["Timeout"]:
            problems.append(f"{queue}: a message does not stay away for 6 x {function['Timeout']} s")
        if queues[queue].get("RedrivePolicy") != {"deadLetterTargetArn": "${FailureQueue.Arn}", "maxReceiveCount": 5}:
            problems.append(f"{queue}: a message that fails 5 times does not go to the failure queue")
    waking = {name for name in queues if "Wake" in name}
    return problems + [f"{name}: no function is told of it" for name in sorted(waking - taken)]


def only_our_rules_fill_the_dead_letter_queue(stack):
    rules = sorted("${" + name + ".Arn}" for name in stack.of_type("AWS::Events::Rule"))
    for policy in stack.of_type("AWS::SQS::QueuePolicy").values():
        if policy["Queues"] != ["${BusDeadLetterQueue}"]:
            continue
        statement, = policy["PolicyDocument"]["Statement"]
        sources = sorted(as_list(statement["Condition"].get("ArnEquals", {}).get("aws:SourceArn", [])))
        if statement["Principal"] != {"Service": "events.amazonaws.com"} or sources != rules:
            return [f"BusDeadLetterQueue: its policy lets {statement['Principal']} in from {sources}, not exactly {rules}"]
        return []
    return ["BusDeadLetterQueue: no policy lets EventBridge in: dead letters would vanish"]


CHECKS = [
    every_rule_has_the_pattern_of_one_file,
    every_rule_wakes_the_function_that_can_read_it,
    patterns_match_on_the_envelope,
    the_outbox_filter_equals_its_file,
    every_rule_reaches_its_target_or_the_dead_letter_queue,
    every_permission_belongs_to_one_rule,
    every_function_has_a_sweep,
    every_function_gives_up_into_the_failure_queue,
    every_mapping_isolates_what_fails,
    every_wake_queue_fits_its_function,
    only_our_rules_fill_the_dead_letter_queue,
]
