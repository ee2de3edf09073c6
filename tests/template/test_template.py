"""infra/template.yaml keeps what the design and the reliability rules demand of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import checks_doors
import checks_roles
import checks_state
import checks_zones
from stack import TEMPLATE, ZONE_ROLE, Stack, load_source

CHECKS = checks_doors.CHECKS + checks_roles.CHECKS + checks_state.CHECKS + checks_zones.CHECKS
# App Runner exists in these; a resource type or a property that one of them lacks would fail there only.
REGIONS = ["us-east-1", "us-east-2", "us-west-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1",
           "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3"]


def cfn_lint(path, regions=REGIONS):
    """What cfn-lint says of a template file in these regions, as (rule, message)."""
    program = Path(sys.executable).with_name("cfn-lint")
    command = [program, "--format", "json", "--regions", *regions, "--", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert answer.stdout, answer.stderr
    return [(finding["Rule"]["Id"], finding["Message"]) for finding in json.loads(answer.stdout)]


def lint_translated(stack, folder, regions=REGIONS):
    path = folder / "translated.json"
    path.write_text(json.dumps(stack.plain), encoding="utf-8")
    return cfn_lint(path, regions)


@pytest.fixture(scope="session")
def stack():
    return Stack(load_source())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_template_holds(check, stack):
    assert check(stack) == []


@pytest.mark.parametrize("check", checks_zones.ZONE_ROLE_CHECKS, ids=lambda check: check.__name__)
def test_the_role_for_zones_of_another_account_holds(check, stack):
    assert check(stack, Stack(load_source(ZONE_ROLE), **checks_zones.GIVEN)) == []


@pytest.mark.parametrize("path", [TEMPLATE, ZONE_ROLE], ids=lambda path: path.name)
def test_cfn_lint_finds_nothing_in_the_template_as_written(path):
    assert cfn_lint(path) == []


def test_cfn_lint_finds_nothing_in_the_translated_template(stack, tmp_path):
    assert lint_translated(stack, tmp_path) == []


@pytest.mark.parametrize("autonomy", ["observe", "propose", "act"])
def test_the_chosen_autonomy_reaches_every_function_that_acts(autonomy):
    functions = Stack(load_source(), Autonomy=autonomy).functions()
    told = {name: function["Environment"]["Variables"].get("PITCREW_AUTONOMY") for name, function in functions.items()}
    assert told == {"RollbackFunction": autonomy, "DomainsFunction": autonomy, "CertificatesFunction": autonomy,
                    "AuditFunction": None, "NotifyFunction": None}


def test_the_chosen_architecture_reaches_every_function():
    functions = Stack(load_source(), Architecture="x86_64").functions().values()
    assert [function["Architectures"] for function in functions] == [["x86_64"]] * 5


@pytest.mark.parametrize("function", ["DomainsFunction", "CertificatesFunction"])
def test_the_chosen_zones_reach_both_functions_that_write_records(function):
    zones = "arn:aws:route53:::hostedzone/Z0000000000000000001, arn:aws:route53:::hostedzone/Z0000000000000000002"
    roles = "arn:aws:iam::210987654321:role/pitcrew-zones-eu-west-1,arn:aws:iam::310987654321:role/pitcrew-zones-eu-west-1"
    stack = Stack(load_source(), HostedZoneArns=zones, ZoneRoleArns=roles, ZoneExternalId="a-long-word", RemoveRecords="true")
    told = stack.functions()[function]["Environment"]["Variables"]
    assert told["PITCREW_ZONES"] == zones.replace(" ", "") and told["PITCREW_ZONE_ROLES"] == roles
    assert (told["PITCREW_ZONE_EXTERNAL_ID"], told["PITCREW_REMOVE_RECORDS"]) == ("a-long-word", "true")
