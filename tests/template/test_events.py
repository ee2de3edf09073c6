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
