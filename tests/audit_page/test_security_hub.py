"""What Security Hub is told, judged by botocore's model of its API, and by the limits that the model only tells in words."""

import json

import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from conftest import make

LIMITS = {"Title": 256, "Description": 1024, "Id": 512, "GeneratorId": 512}


@pytest.fixture(scope="module")
def model():
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model("securityhub", "service-2"))


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    make(folder / "audit.html", folder / "audit.json", folder / "hub.json", flags=["--hostile"])
    return json.loads((folder / "hub.json").read_text(encoding="utf-8"))


def complaints(model, operation, body):
    shape = model.operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(body, shape)
    return report.generate_report()


def unknown(value, shape, at=""):
    """Fields that the model does not know; botocore lets them pass, and AWS refuses them."""
    if shape.type_name == "structure":
        return [f"{at}.{key}" for key in value if key not in shape.members] + [
            found for key, item in value.items() if key in shape.members for found in unknown(item, shape.members[key], f"{at}.{key}")]
    if shape.type_name == "list":
        return [found for item in value for found in unknown(item, shape.member, f"{at}[]")]
    enum = getattr(shape, "enum", None)
    return [f"{at}={value}"] if enum and value not in enum else []


@pytest.mark.parametrize(("kind", "operation"), [("imports", "BatchImportFindings"), ("updates", "BatchUpdateFindings")])
def test_each_call_is_one_that_the_model_knows(model, calls, kind, operation):
    assert calls[kind]
    for body in calls[kind]:
        assert complaints(model, operation, body) == ""
        assert unknown(body, model.operation_model(operation).input_shape) == []


def test_a_field_that_the_model_does_not_know_is_seen(model, calls):
    body = json.loads(json.dumps(calls["imports"][0]))
    body["Findings"][0]["Compliance"] = {"Status": "BROKEN", "Other": 1}
    del body["Findings"][1]["Title"]
    found = unknown(body, model.operation_model("BatchImportFindings").input_shape)
    assert sorted(found) == [".Findings[].Compliance.Other", ".Findings[].Compliance.Status=BROKEN"]
    assert "Title" in complaints(model, "BatchImportFindings", body)


def test_texts_keep_their_limits_and_ids_are_told_apart(calls):
    findings = [finding for body in calls["imports"] for finding in body["Findings"]]
    for finding in findings:
        assert all(0 < len(finding[name]) <= limit for name, limit in LIMITS.items())
        assert 0 < len(finding["Remediation"]["Recommendation"]["Text"]) <= 512
    assert len({finding["Id"] for finding in findings}) == len(findings)
