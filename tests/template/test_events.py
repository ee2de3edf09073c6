"""The samples under events/ are complete: every spelling, every operation, every envelope, and a word on each in the README.
Which rule matches them, and what is taken from them, is tested in tests/e2e/tests/samples.rs."""

import json

import pytest

from checks_doors import patterns_of_files
from stack import ROOT

SAMPLES = ROOT / "events" / "samples"
GOOD = sorted(path for path in SAMPLES.glob("*/*.json") if path.parent.name not in ("bad", "odd"))
BAD = sorted((SAMPLES / "bad").iterdir())
ODD = sorted((SAMPLES / "odd").iterdir())
OPERATIONS = {
    f"{subject}{end}"
    for subject in ("CreateService", "DeleteService", "UpdateService", "Deployment", "PauseService", "ResumeService")
    for end in ("Started", "CompletedSuccessfully", "Failed")
}
STATUS_KEYS = ("operationStatus", "Status", "OperationStatus")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_pattern_has_samples():
    assert patterns_of_files().keys() <= {path.parent.name for path in GOOD}


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


def events_of(folder):
    return [read(path) for path in GOOD if path.parent.name == folder]


def test_every_value_that_a_pattern_lists_has_a_sample():
    """A detail-type or a call that a rule lets in, and that no sample shows, is one that no test has ever seen handled."""
    for folder, pattern in patterns_of_files().items():
        events = events_of(folder)
        assert set(pattern["detail-type"]) == {event["detail-type"] for event in events}, folder
        for key, values in pattern.get("detail", {}).items():
            if isinstance(values, list):
                assert set(values) == {event["detail"][key] for event in events}, f"{folder}: {key}"


def test_every_call_for_a_domain_has_a_sample_that_was_refused():
    refused = [event["detail"] for event in events_of("app-runner-domain-call") if "errorCode" in event["detail"]]
    calls = patterns_of_files()["app-runner-domain-call"]["detail"]["eventName"]
    assert {detail["eventName"] for detail in refused} == set(calls)
    assert all(detail["responseElements"] is None for detail in refused)


def test_every_other_call_is_one_that_no_pattern_lists():
    calls = set(patterns_of_files()["app-runner-domain-call"]["detail"]["eventName"])
    assert calls.isdisjoint(event["detail"]["eventName"] for event in events_of("cloudtrail-api-call"))


def test_the_custom_domain_event_has_three_guessed_spellings_and_an_empty_one():
    spellings = {frozenset(event["detail"]) for event in events_of("custom-domain-validation")}
    assert len(spellings) == 4 and frozenset() in spellings


@pytest.mark.parametrize("action", ["ISSUANCE", "RENEWAL", "IMPORT"])
def test_every_way_to_an_available_certificate_has_a_sample(action):
    assert any(event["detail"].get("Action") == action for event in events_of("acm-certificate"))


def test_the_flags_of_acm_are_json_booleans():
    flags = [event["detail"][key] for event in events_of("acm-certificate") for key in ("InUse", "Exported", "Exportable")
             if key in event["detail"]]
    assert len(flags) > 10 and all(isinstance(flag, bool) for flag in flags)


def test_no_two_samples_share_an_id():
    ids = [read(path)["id"] for path in GOOD if "id" in read(path)]
    assert len(ids) == len(set(ids)) > 50


def test_samples_of_the_bus_have_a_whole_envelope():
    envelope = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
    own = {"sweep", "wake"}
    assert all(read(path).keys() == envelope for path in GOOD if path.parent.name not in own)


def test_what_is_no_json_is_no_json():
    for path in BAD + ODD:
        if path.suffix == ".json":
            read(path)
        else:
            with pytest.raises(ValueError):
                json.loads(path.read_bytes().decode("utf-8"))


def test_the_readme_speaks_of_every_sample():
    """Each directory, and each odd or bad sample by its name or by the beginning that its row names with a star."""
    readme = (ROOT / "events" / "README.md").read_text(encoding="utf-8")
    quoted = readme.split("`")[1::2]
    for path in BAD + ODD:
        stem = path.stem if path.suffix == ".json" else path.name
        assert any(stem == word or (word.endswith("*") and stem.startswith(word[:-1])) for word in quoted), path.name
    for folder in {path.parent.name for path in GOOD}:
        assert any(word.startswith(f"{folder}/") for word in quoted), folder
