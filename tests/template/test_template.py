"""infra/template.yaml keeps what the design and the reliability rules demand of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import checks_doors
import checks_roles
import checks_state
from stack import TEMPLATE, Stack, load_source

CHECKS = checks_doors.CHECKS + checks_roles.CHECKS + checks_state.CHECKS
# App Runner exists in these; a resource type or a property that one of them lacks would fail there only.
REGIONS = ["us-east-1", "us-east-2", "us-west-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1",
           "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3"]


def cfn_lint(path):
    """What cfn-lint says of a template file, as (rule, message)."""
    program = Path(sys.executable).with_name("cfn-lint")
    command = [program, "--format", "json", "--regions", *REGIONS, "--", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.stdout, answer.stderr
    return [(finding["Rule"]["Id"], finding["Message"]) for finding in json.loads(answer.stdout)]


def lint_translated(stack, folder):
    path = folder / "translated.json"
    path.write_text(json.dumps(stack.plain), encoding="utf-8")
    return cfn_lint(path)


@pytest.fixture(scope="session")
def stack():
    return Stack(load_source())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_template_holds(check, stack):
    assert check(stack) == []


def test_cfn_lint_finds_nothing_in_the_template_as_written():
    assert cfn_lint(TEMPLATE) == []


def test_cfn_lint_finds_nothing_in_the_translated_template(stack, tmp_path):
    assert lint_translated(stack, tmp_path) == []


@pytest.mark.parametrize("autonomy", ["observe", "propose", "act"])
def test_the_chosen_autonomy_reaches_the_function(autonomy):
    function = Stack(load_source(), Autonomy=autonomy).functions()["RollbackFunction"]
    assert function["Environment"]["Variables"]["PITCREW_AUTONOMY"] == autonomy


def test_the_chosen_architecture_reaches_both_functions():
    functions = Stack(load_source(), Architecture="x86_64").functions().values()
    assert [function["Architectures"] for function in functions] == [["x86_64"], ["x86_64"]]
