"""Every sample under events/ is matched by exactly the rules that should match it."""

import json

import pytest

from checks_doors import patterns_of_files
from stack import ROOT

SAMPLES = ROOT / "events" / "samples"
GOOD = sorted(path for path in SAMPLES.glob("*/*.json") if path.parent.name != "bad")
BAD = sorted(path for path in (SAMPLES / "bad").iterdir())
OPERATIONS = {
    f"{subject}{end}"
    for subject in ("CreateService", "DeleteService", "UpdateService", "Deployment", "PauseService", "ResumeService")
    for end in ("Started", "CompletedSuccessfully", "Failed")
}
STATUS_KEYS = ("operationStatus", "Status", "OperationStatus")


def matches(pattern, event):
    """EventBridge's rule for the exact values that our patterns use: any listed value, at every named place."""
    if not isinstance(event, dict):
        return False
    for key, wanted in pattern.items():
        found = event.get(key)
        if isinstance(wanted, dict):
            if not matches(wanted, found):
                return False
        elif not all(isinstance(value, str) for value in wanted):
            raise ValueError(f"{key}: teach the operator in {wanted} to tests/template/test_events.py")
        elif not any(value in wanted for value in (found if isinstance(found, list) else [found])):
            return False
    return True


def name(path):
    return f"{path.parent.name}/{path.name}"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_a_sample_is_matched_by_the_rule_of_its_directory_only(path):
    patterns = patterns_of_files()
    matched = [stem for stem, pattern in patterns.items() if matches(pattern, read(path))]
    assert matched == ([path.parent.name] if path.parent.name in patterns else [])


def test_every_pattern_has_samples():
    assert patterns_of_files().keys() <= {path.parent.name for path in GOOD}


def test_an_alarm_without_data_wakes_nobody():
    event = read(SAMPLES / "alarm-state-change" / "plain-ok.json")
    event["detail"]["state"]["value"] = "INSUFFICIENT_DATA"
    assert not matches(patterns_of_files()["alarm-state-change"], event)


def test_a_refused_push_wakes_nobody():
    event = read(SAMPLES / "ecr-image-action" / "push-tag.json")
    event["detail"]["result"] = "FAILURE"
    assert not matches(patterns_of_files()["ecr-image-action"], event)


def test_all_18_operation_codes_have_a_sample_in_the_usual_spelling():
    events = [read(path) for path in GOOD if path.parent.name == "operation-status-change"]
    assert OPERATIONS <= {event["detail"].get("operationStatus") for event in events}
    assert len(OPERATIONS) == 18


@pytest.mark.parametrize("key", STATUS_KEYS)
def test_every_spelling_of_the_operation_status_has_a_sample(key):
    events = [read(path) for path in GOOD if path.parent.name == "operation-status-change"]
    assert any(key in event["detail"] for event in events)


@pytest.mark.parametrize("key", ["currentServiceStatus", "currentStatus", "CurrentStatus", "CurrentServiceStatus"])
def test_every_spelling_of_the_service_status_has_a_sample(key):
    events = [read(path) for path in GOOD if path.parent.name == "service-status-change"]
    assert any(key in event["detail"] for event in events)


def test_no_two_samples_share_an_id():
    ids = [read(path)["id"] for path in GOOD if "id" in read(path)]
    assert len(ids) == len(set(ids)) > 50


def test_samples_of_the_bus_have_a_whole_envelope():
    envelope = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
    own = {"sweep", "wake"}
    assert all(read(path).keys() == envelope for path in GOOD if path.parent.name not in own)


def test_what_is_no_json_is_no_json():
    for path in BAD:
        if path.suffix == ".json":
            read(path)
        else:
            with pytest.raises(ValueError):
                json.loads(path.read_bytes().decode("utf-8"))


def test_events_of_others_pass_no_pattern():
    patterns = patterns_of_files().values()
    for stem in ("another-account", "other-service", "unknown-detail-type", "source-missing", "account-missing",
                 "an-empty-object", "forged-command", "alarm-with-unknown-state"):
        event = read(SAMPLES / "bad" / f"{stem}.json")
        assert not any(matches(pattern, event) for pattern in patterns), stem


def test_the_readme_speaks_of_every_sample():
    """Each directory, and each bad sample by its name or by the beginning that its row names with a star."""
    readme = (ROOT / "events" / "README.md").read_text(encoding="utf-8")
    quoted = readme.split("`")[1::2]
    for path in BAD:
        stem = path.stem if path.suffix == ".json" else path.name
        assert any(stem == word or (word.endswith("*") and stem.startswith(word[:-1])) for word in quoted), path.name
    for folder in {path.parent.name for path in GOOD}:
        assert any(word.startswith(f"{folder}/") for word in quoted), folder
