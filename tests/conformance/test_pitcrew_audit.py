"""`pitcrew audit` against the local cloud: what it finds, what it prints and writes, how it ends, and that it only reads.

Its report is judged by the published schema, and every call it made by the cloud's history.
"""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from audits import DONE, FINDING, INCOMPLETE, NOT_FOUND, USAGE, Audits, auditor
from cloud import REGION

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "audit.schema.json").read_text(encoding="utf-8"))
# In two pieces, so that no scanner of secrets takes it for one.
SECRET = "AKIA" + "QYLPMN5H7DFPZAM2"
TCP = "scaling-tcp-check"
IN_PLAIN = "security-secret-in-environment"


@pytest.fixture
def run(cloud, operator, tmp_path):
    """Runs `pitcrew audit ...`: exit code, stdout, stderr."""
    return Audits(cloud, operator, tmp_path)


@pytest.fixture
def fleet(world):
    """A service that App Runner asks by TCP alone, and one with what looks like a secret in its environment."""
    source = world.image_source()
    source["ImageRepository"]["ImageConfiguration"]["RuntimeEnvironmentVariables"] = {"PARTNER_KEY": SECRET}
    http = {"Protocol": "HTTP", "Path": "/health", "Interval": 10, "Timeout": 5}
    return {"tcp": world.service(ServiceName="shop-tcp"),
            "plain": world.service(ServiceName="shop-plain", SourceConfiguration=source, HealthCheckConfiguration=http)}


def pairs(report):
    return {(finding["rule"], finding.get("service")) for finding in report["findings"]}


def test_what_was_planted_is_found_and_the_report_fits_the_schema(run, fleet, cloud):
    calls = len(cloud.history("call"))
    code, stdout, stderr = run("--json")
    report = json.loads(stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    found = pairs(report)
    assert {(rule, name) for rule, name in found if rule in RULES} == {(TCP, "shop-tcp"), (IN_PLAIN, "shop-plain")}, stderr
    assert (report["audited"], report["place"]["region"]) == (2, REGION)
    assert report["calls"] > 10 and SECRET not in stdout + stderr
    assert code == (FINDING if report["counts"]["critical"] + report["counts"]["high"] else DONE)
    made = [re.search(r'"operation":\s*"(\w+)"', json.dumps(entry))[1] for entry in cloud.history("call")[calls:]]
    reads = ("Describe", "List", "Get", "BatchGet", "Query", "Assume")
    assert made and [name for name in made if not name.startswith(reads)] == []


RULES = {TCP, IN_PLAIN}


def test_the_exit_code_hangs_on_fail_on_and_not_on_what_is_shown(run, fleet):
    ends = {grade: run("--rule", IN_PLAIN, "--fail-on", grade)[0] for grade in ["critical", "high", "low", "never"]}
    assert ends == {"critical": DONE, "high": FINDING, "low": FINDING, "never": DONE}
    code, stdout, _ = run("--rule", IN_PLAIN, "--severity", "critical")
    assert code == FINDING and "Nothing of this grade is open." in stdout and "lower grade not shown" in stdout
    code, stdout, _ = run("--rule", IN_PLAIN)
    assert code == FINDING and "shop-plain" in stdout and "PARTNER_KEY" in stdout and "\x1b" not in stdout
    assert SECRET not in stdout and "1 open: 1 high." in stdout


def test_a_page_is_written_and_the_next_run_tells_what_is_gone(run, fleet, world, tmp_path):
    _, stdout, _ = run("--json", "--html", "page.html")
    (tmp_path / "before.json").write_text(stdout)
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>") and IN_PLAIN in page and SECRET not in page
    world.api.delete_service(ServiceArn=fleet["plain"])
    world.cloud.settle()
    _, stdout, stderr = run("--json", "--previous", "before.json")
    after = json.loads(stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(after)
    assert after["previous"] == json.loads((tmp_path / "before.json").read_text())["run"], stderr
    gone = {(finding["rule"], finding.get("service")) for finding in after["changes"]["gone"]}
    assert (IN_PLAIN, "shop-plain") in gone


def test_a_waiver_holds_and_some_services_alone_leave_the_fleet_unchecked(run, fleet, tmp_path):
    waiver = {"rule": IN_PLAIN, "service": "shop-pl*", "until": "2999-12-31", "reason": "a key of the test"}
    (tmp_path / "waivers.json").write_text(json.dumps({"waivers": [waiver]}))
    code, stdout, _ = run("--json", "--rule", IN_PLAIN, "--waivers", "waivers.json")
    report = json.loads(stdout)
    assert (code, report["waived"], [one["waiver"]["by"] for one in report["findings"]]) == (DONE, 1, ["file"])
    _, stdout, _ = run("--json", "--service", "shop-tcp")
    report = json.loads(stdout)
    assert [service["name"] for service in report["services"]] == ["shop-tcp"]
    assert "only some services were asked for, with --service" in {entry["why"] for entry in report["not_checked"]}


def test_without_a_stack_what_pitcrew_remembers_is_not_checked(run, fleet):
    report = json.loads(run("--json")[1])
    assert any("there is no state table" in entry["why"] for entry in report["not_checked"])
    text = run()[1]
    assert text.count("there is no state table") == 1 and "not checked\n" in text


def test_what_may_not_be_read_is_not_checked_and_says_who_lacks_what(run, fleet, cloud):
    code, stdout, stderr = run("--json", **auditor(cloud, "wafv2:ListWebACLs"))
    # It is listed, and by itself no reason to fail: what was found is.
    assert code == FINDING, stderr
    whys = {entry["why"] for entry in json.loads(stdout)["not_checked"]}
    assert any(why.startswith("wafv2:ListWebACLs is denied") and "auditor" in why for why in whys), whys


def test_a_budget_of_calls_names_what_was_not_reached(run, fleet):
    code, stdout, stderr = run("--json", "--calls-max", "1", "--fail-on", "never")
    report = json.loads(stdout)
    said = "Incomplete: the calls of --calls-max are used up: 1 of 2 services were not audited."
    assert (code, said in stderr) == (INCOMPLETE, True), stderr
    missed = [entry for entry in report["not_checked"] if entry["rule"] == "*"]
    assert len(missed) == 1 and "before it was looked at" in missed[0]["why"]
    assert report["audited"] + len(missed[0]["resources"]) == 2


def test_rules_are_listed_without_an_account_and_wrong_words_end_with_2_or_5(run, cloud, world):
    calls = len(cloud.history("call"))
    code, stdout, _ = run("--list-rules", "--json", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    rules = {rule["id"]: rule for rule in json.loads(stdout)["rules"]}
    assert code == DONE and RULES <= set(rules) and rules[TCP]["chapter"]["work"]
    assert len(cloud.history("call")) == calls
    for arguments, said in [(["--rule", "no-such"], "there is no rule"), (["--policy", "x=1"], "there is no policy `x`"),
                            (["--html", "no/such/page.html"], "cannot be written"),
                            (["--waivers", "none.json"], "cannot be read")]:
        code, _, stderr = run(*arguments)
        assert code == USAGE and said in stderr, stderr
    world.service(ServiceName="shop")
    code, _, stderr = run("--service", "shoop")
    assert code == NOT_FOUND and "there are: shop" in stderr
