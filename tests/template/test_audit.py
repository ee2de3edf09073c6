"""What is published for users of the audit. The schema of its reports: it is a schema, the published sample is one of its reports, and
what is not is refused. The policy of a role that may read for it: it grants what the function's own role may read, and no more.

That the sample is what the code makes, and that the schema has every field of the code and no other, is tested there:
shared/core/tests/audit_report.rs.
"""

import copy
import json

import jsonschema
import pytest

from stack import ROOT, load_source

SCHEMA = json.loads((ROOT / "docs/audit.schema.json").read_text(encoding="utf-8"))
SAMPLE = json.loads((ROOT / "docs/audit.sample.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def without(path):
    """The sample without the field that the path leads to."""
    report = copy.deepcopy(SAMPLE)
    at = report
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return report


def with_value(path, value):
    report = copy.deepcopy(SAMPLE)
    at = report
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return report


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_sample_is_a_report():
    assert [error.message for error in VALIDATOR.iter_errors(SAMPLE)] == []


def test_a_field_that_a_later_version_adds_is_no_error():
    assert VALIDATOR.is_valid(with_value(["added_later"], 1))


@pytest.mark.parametrize("report", [
    without(["run"]),
    without(["findings", 0, "fix", "text"]),
    without(["findings", 0, "resource", "arn"]),
    with_value(["format"], 2),
    with_value(["findings", 0, "grade"], "severe"),
    with_value(["findings", 0, "first_seen"], 7),
    with_value(["counts", "high"], -1),
    with_value(["services", 0, "certificates", 0, "days_left"], 1.5),
    with_value(["place", "account"], "twelve"),
], ids=["run", "fix", "arn", "format", "grade", "time", "count", "days", "account"])
def test_what_is_no_report_is_refused(report):
    assert not VALIDATOR.is_valid(report)


# What the function needs for itself: its memory, its bucket, Security Hub, its queue, its log, the owner's key.
OWN = {"dynamodb", "s3", "securityhub", "sqs", "kms"}
OWN_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}


def granted(statements):
    """Every action that the statements allow; an intrinsic around one is looked through."""
    actions = set()
    for statement in statements:
        statement = statement.get("Fn::If", [None, statement])[1]
        if statement["Effect"] == "Allow":
            actions |= {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
    return actions


def test_the_published_policy_reads_what_the_function_reads():
    role = load_source()["Resources"]["AuditRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    reads = {action for action in granted(role["Statement"]) if action.partition(":")[0] not in OWN} - OWN_LOG
    policy = json.loads((ROOT / "docs/audit.policy.json").read_text(encoding="utf-8"))
    published = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert len(reads) > 30
    assert published == sorted(reads)
    assert all(action.split(":")[1].startswith(("Describe", "Get", "List")) for action in published)
