"""How `pitcrew audit` ends where it could not look at everything: never like an audit that found nothing."""

import json
import re

import pytest

from audits import DONE, FAILED, FINDING, INCOMPLETE, INTERRUPTED, NOT_FOUND, USAGE, Audits, auditor, fault

GREEN = "\x1b[32m"
TCP = "scaling-tcp-check"
HTTP = {"Protocol": "HTTP", "Path": "/health", "Interval": 10, "Timeout": 5}


@pytest.fixture
def run(cloud, operator, tmp_path):
    return Audits(cloud, operator, tmp_path)


@pytest.fixture
def fleet(world):
    """Three services without a finding of the rule that these tests ask for."""
    return [world.service(ServiceName=f"shop-{at}", HealthCheckConfiguration=HTTP) for at in range(3)]


def lists(cloud):
    """How often the services were listed."""
    return sum('"ListServices"' in json.dumps(entry) for entry in cloud.history("call"))


def test_a_fleet_that_was_looked_at_is_green_and_ends_with_0(run, fleet):
    code, shown, _ = run("--rule", TCP, "--color", "always")
    assert (code, f"{GREEN}Nothing is open." in shown) == (DONE, True), shown


def test_a_service_that_cannot_be_read_is_no_service_in_order(run, fleet, cloud):
    blind = auditor(cloud, "apprunner:DescribeService", fleet[0])
    code, shown, _ = run("--rule", TCP, "--color", "always", "--fail-on", "never", **blind)
    assert (code, GREEN in shown) == (INCOMPLETE, False), shown
    assert "2 services audited" in shown and "Incomplete: 1 of 3 services could not be read." in shown
    code, shown, stderr = run("--json", **auditor(cloud, "apprunner:DescribeService"))
    report = json.loads(shown)
    assert (code, report["audited"], report["findings"]) == (INCOMPLETE, 0, []), stderr
    assert "Incomplete: 3 of 3 services could not be read." in stderr
    # Beside all rules of these services, a rule of the fleet that would conclude from what they are.
    blind = [entry["rule"] for entry in report["not_checked"] if "DescribeService" in entry["why"]]
    assert blind == ["*", "observability-no-events"]


def test_what_was_found_goes_before_what_was_missed(run, fleet, cloud, world):
    world.service(ServiceName="shop-tcp")
    blind = auditor(cloud, "apprunner:DescribeService", fleet[0])
    code, shown, _ = run("--rule", TCP, "--fail-on", "medium", **blind)
    assert code == FINDING and "1 open: 1 medium." in shown and "Incomplete: 1 of 4 services" in shown


def test_a_rule_that_was_asked_for_must_be_checked_and_others_only_where_that_is_asked_for(run, fleet, cloud):
    blind = auditor(cloud, "wafv2:ListWebACLs")
    for arguments, expected in [(["--rule", "security-no-firewall"], INCOMPLETE), (["--rule", TCP], DONE),
                                (["--group", "security", "--fail-on", "never"], DONE),
                                (["--group", "security", "--fail-on", "never", "--fail-on-unchecked"], INCOMPLETE),
                                (["--rule", TCP, "--fail-on-unchecked"], DONE)]:
        code, shown, stderr = run(*arguments, "--color", "always", **blind)
        assert code == expected, f"{arguments}: {shown} {stderr}"
        assert (GREEN in shown) == (TCP in arguments), shown
    code, shown, _ = run("--rule", "security-no-firewall", **blind)
    assert "Nothing is open in what was looked at." in shown
    assert "Incomplete: security-no-firewall could not be checked everywhere." in shown.replace("\n", " ")


def test_a_region_without_a_service_says_so_and_is_not_green(run):
    code, shown, _ = run("--rule", TCP, "--color", "always")
    assert (code, GREEN in shown) == (DONE, False)
    assert "There is no App Runner service to audit in 123456789012 eu-west-1" in shown.replace("\n", " ")


def test_a_token_that_has_expired_is_an_error_that_says_so(run, fleet, cloud):
    fault(cloud, "*", kind="error", status=400, code="ExpiredTokenException", message="The token has expired")
    code, shown, stderr = run()
    assert (code, shown) == (FAILED, "") and "renew your credentials" in stderr


def test_a_service_that_is_not_there_is_no_audit_of_nothing(run, fleet, cloud):
    shop, other = fleet[0], "0" * 32
    gone, elsewhere = f"{shop.rpartition('/')[0]}/{other}", shop.replace("123456789012", "444455556666")
    for service, expected, said in [
        (gone, NOT_FOUND, f"the service of that name is {shop}"), ("shoop-1", NOT_FOUND, "there are: shop-0, shop-1"),
        (elsewhere, USAGE, "of account 444455556666"),
        (shop.replace("eu-west-1", "us-east-1"), USAGE, "add --region us-east-1"), ("arn:aws:x", USAGE, "is not the ARN"),
    ]:
        code, shown, stderr = run("--service", "shop-1", "--service", service)
        assert (code, shown, said in stderr) == (expected, "", True), f"{service}: {stderr}"
    before = lists(cloud)
    code, shown, stderr = run("--service", "shop-0", "--service", shop, "--service", "shop-2", "--rule", TCP)
    assert (code, lists(cloud) - before) == (DONE, 1), stderr
    assert shown.startswith("2 services audited")


def test_the_report_before_says_nothing_of_services_that_nobody_looked_at(run, fleet, world, tmp_path):
    plain = {"tcp": world.service(ServiceName="shop-tcp"), "too": world.service(ServiceName="shop-too")}
    (tmp_path / "whole.json").write_text(run("--json")[1])
    world.api.update_service(ServiceArn=plain["tcp"], HealthCheckConfiguration=HTTP)
    world.cloud.settle()
    changes = json.loads(run("--json", "--service", "shop-tcp", "--previous", "whole.json")[1])["changes"]
    assert {finding["service"] for finding in changes["gone"]} == {"shop-tcp"}
    assert TCP in {finding["rule"] for finding in changes["gone"]} and changes["new"] == []
    code, shown, _ = run("--json", "--service", "shop-too", "--rule", TCP, "--fail-on", "medium")
    (tmp_path / "narrow.json").write_text(shown)
    assert code == FINDING and json.loads(shown)["narrowed"] == {
        "services": [plain["too"]], "rules": [TCP], "groups": []}
    code, shown, _ = run("--service", plain["too"], "--rule", TCP, "--previous", "narrow.json", "--fail-on", "never")
    assert code == DONE and "no change" in shown
    code, _, stderr = run("--previous", "narrow.json")
    assert code == USAGE and "was made with --service shop-too --rule scaling-tcp-check" in stderr


def test_ctrl_c_leaves_a_clean_terminal_and_no_page(run, fleet, cloud, tmp_path):
    (tmp_path / "page.html").write_text("the page of yesterday")
    fault(cloud, "*", kind="delay", ms=300)
    code, shown = run.on_terminal("--html", "page.html", columns=40, interrupt_at="0/3 services")
    assert code == INTERRUPTED, shown
    assert re.search(r"\r\x1b\[2K\x1b\[31mpitcrew:\x1b\[0m interrupted: the audit has no report\r\n$", shown), shown
    drawn = [line.split("\r")[0].split("^C")[0] for line in shown.split("\r\x1b[2K")[1:-1]]
    assert drawn and all(len(line) < 40 for line in drawn), drawn
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "the page of yesterday"


def test_a_rule_about_what_is_remembered_is_not_checked_where_nothing_is(run, fleet):
    rule = "deployments-no-good-release"
    code, shown, stderr = run("--json", "--rule", rule)
    report = json.loads(shown)
    assert (code, report["findings"]) == (INCOMPLETE, []), stderr
    [entry] = report["not_checked"]
    assert entry["rule"] == rule and "there is no state table" in entry["why"] and len(entry["resources"]) == 3
    assert f"{rule} could not be checked everywhere" in stderr


@pytest.mark.parametrize("checked", ["checked", "unchecked"])
def test_a_wrong_clock_is_told_and_changes_nothing(run, fleet, cloud, checked):
    _, whole, _ = run("--json", "--rule", TCP, "--fail-on", "never")
    cloud.advance(3 * 3600 - 60)
    cloud.switch("signature-date", checked)
    try:
        code, shown, stderr = run("--json", "--rule", TCP, "--fail-on", "never")
    finally:
        cloud.switch("signature-date", "unchecked")
    report = json.loads(shown)
    assert (code, report["findings"], report["audited"]) == (DONE, json.loads(whole)["findings"], 3), stderr
    assert "This machine's clock is 3 h behind AWS's." in stderr


def test_a_signature_that_is_never_taken_says_what_to_look_at(run, cloud):
    fault(cloud, "apprunner:ListServices", kind="error", code="InvalidSignatureException", status=403,
          message="Signature expired: 20261121T120000Z is now earlier than 20261121T145500Z")
    code, shown, stderr = run()
    assert (code, shown) == (FAILED, "") and "InvalidSignatureException" in stderr
    assert "set this machine's clock" in stderr and "secret key" in stderr
