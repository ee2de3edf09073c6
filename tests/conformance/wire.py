"""Judges every successful answer of a client by botocore's model of its service, as the answer comes over the wire."""

import json
from contextlib import contextmanager
from xml.etree import ElementTree

import botocore.session
import pytest
from botocore.exceptions import ClientError

from judge import problems_of_answer


@contextmanager
def judged(cloud, service):
    """A client of the service. At the end no answer may have had a problem, and no answer may have lost a member."""
    model = botocore.session.get_session().get_service_model(service)
    client = cloud.client(service)
    problems = []
    in_xml = model.metadata["protocol"] == "query"

    def judge(http_response, model, **_):
        if http_response.status_code == 200:
            of_answer = problems_of_xml if in_xml else problems_of_json
            problems.extend(of_answer(model, http_response.content))

    client.meta.events.register(f"after-call.{service}", judge)
    yield client
    assert [str(problem) for problem in problems] == []
    assert cloud.history("fault") == []


def problems_of_json(operation, content):
    return problems_of_answer(operation.name, json.loads(content or b"{}"), operation.service_model)


def problems_of_xml(operation, content):
    """What is wrong with an answer of the query protocol: the envelope, and each element of the result."""
    name, shape = operation.name, operation.output_shape
    namespace = "{" + operation.service_model.metadata["xmlNamespace"] + "}"
    root = ElementTree.fromstring(content)
    assert root.tag == f"{namespace}{name}Response"
    assert root.find(f"{namespace}ResponseMetadata/{namespace}RequestId") is not None
    if shape is None:
        return []
    result = root.find(f"{namespace}{shape.serialization.get('resultWrapper', name + 'Result')}")
    return list(_problems(shape, result, name, namespace))


def _problems(shape, element, path, namespace):
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        seen = [child.tag.removeprefix(namespace) for child in element]
        yield from (f"{path}.{name}: unknown" for name in seen if name not in names)
        yield from (f"{path}.{name}: missing" for name in shape.required_members if name not in seen)
        for child, name in zip(element, seen):
            if name in names:
                yield from _problems(names[name], child, f"{path}.{name}", namespace)
    elif shape.type_name == "list":
        for child in element:
            if child.tag != f"{namespace}member":
                yield f"{path}: {child.tag} in place of member"
            yield from _problems(shape.member, child, path, namespace)
    else:
        yield from _problems_of_text(shape, element.text or "", path)


def _problems_of_text(shape, text, path):
    fits = {
        "boolean": lambda: text in ("true", "false"),
        "integer": lambda: text.lstrip("-").isdigit(),
        "timestamp": lambda: text.endswith("Z") and text[10] == "T",
        "string": lambda: not problems_of_string(shape, text),
    }
    if not fits[shape.type_name]():
        yield f"{path} ({shape.name}): {text}"


def problems_of_string(shape, text):
    enum, least, most = shape.enum, shape.metadata.get("min", 0), shape.metadata.get("max", len(text))
    return (enum and text not in enum) or not least <= len(text) <= most


def refusal(code, call, **members):
    """The message of a call that must be refused with this code."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]
