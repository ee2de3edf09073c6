"""Judges values by botocore's own model of App Runner: what an answer must look like, and which inputs are broken.

Owns no knowledge of App Runner but the model's. Where captures of users contradict the model, exceptions.toml says so.
"""

import copy
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import botocore.session

MODEL = botocore.session.get_session().get_service_model("apprunner")
OPERATIONS = sorted(MODEL.operation_names)
EXCEPTIONS = tomllib.loads((Path(__file__).parent / "exceptions.toml").read_text(encoding="utf-8"))["exception"]

# Whether a dot takes a line break depends on how AWS compiles its patterns, so here it does: that is not judged.
FLAGS = re.ASCII | re.DOTALL


@dataclass(frozen=True)
class Problem:
    """One member that breaks one rule of the model. `shape` is the member's shape; for a missing or unknown member it is
    `Shape.Member` of the structure around it."""

    path: str
    shape: str
    rule: str
    found: str

    def __str__(self):
        return f"{self.path} ({self.shape}): {self.rule}, found {self.found}"


def is_excepted(problem):
    """Whether exceptions.toml allows the problem."""
    return any(entry["shape"] == problem.shape and entry["rule"] == problem.rule for entry in EXCEPTIONS)


def problems_of_answer(operation, body, model=MODEL):
    """What is wrong with the decoded JSON body of a successful answer; exceptions are not taken out."""
    shape = model.operation_model(operation).output_shape
    if shape is None:
        return []
    return list(_problems(shape, body, operation))


def _problems(shape, value, path):
    judge = {
        "structure": _structure, "list": _list, "map": _map, "string": _string, "integer": _integer,
        "boolean": _boolean, "timestamp": _timestamp, "long": _integer, "double": _number, "float": _number,
    }.get(shape.type_name)
    if judge is None:
        raise ValueError(f"{path}: teach the type {shape.type_name} to tests/conformance/judge.py")
    yield from judge(shape, value, path)


def _wrong_type(shape, value, path):
    yield Problem(path, shape.name, f"type {shape.type_name}", repr(value))


def _structure(shape, value, path):
    if not isinstance(value, dict):
        yield from _wrong_type(shape, value, path)
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield Problem(f"{path}.{name}", f"{shape.name}.{name}", "required", "nothing")
    for name, member in value.items():
        if name not in shape.members:
            yield Problem(f"{path}.{name}", f"{shape.name}.{name}", "unknown member", repr(member))
        elif member is not None:
            yield from _problems(shape.members[name], member, f"{path}.{name}")


def _list(shape, value, path):
    if not isinstance(value, list):
        yield from _wrong_type(shape, value, path)
        return
    yield from _bounds(shape, len(value), path)
    for index, item in enumerate(value):
        yield from _problems(shape.member, item, f"{path}[{index}]")


def _map(shape, value, path):
    if not isinstance(value, dict):
        yield from _wrong_type(shape, value, path)
        return
    for key, item in value.items():
        yield from _problems(shape.key, key, f"{path}.key({key})")
        yield from _problems(shape.value, item, f"{path}[{key}]")


def _string(shape, value, path):
    if not isinstance(value, str):
        yield from _wrong_type(shape, value, path)
        return
    yield from _bounds(shape, len(value), path)
    if shape.enum and value not in shape.enum:
        yield Problem(path, shape.name, "enum", value)
    pattern = shape.metadata.get("pattern", ".*")
    # Python's own library knows no Unicode classes (`\p{L}`, in ACM's tags): such a pattern is not judged.
    if "\\p{" not in pattern and not re.fullmatch(pattern, value, FLAGS):
        yield Problem(path, shape.name, "pattern", value)


def _integer(shape, value, path):
    if isinstance(value, bool) or not isinstance(value, int):
        yield from _wrong_type(shape, value, path)
        return
    yield from _bounds(shape, value, path)


def _number(shape, value, path):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield from _wrong_type(shape, value, path)
        return
    yield from _bounds(shape, value, path)


def _boolean(shape, value, path):
    if not isinstance(value, bool):
        yield from _wrong_type(shape, value, path)


def _timestamp(shape, value, path):
    # awsJson1.0 writes seconds since the epoch. Nothing of App Runner is older than App Runner (2021).
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield from _wrong_type(shape, value, path)
    elif not 1_600_000_000 <= value <= 4_000_000_000:
        yield Problem(path, shape.name, "timestamp in seconds", repr(value))


def _bounds(shape, size, path):
    if size < shape.metadata.get("min", size):
        yield Problem(path, shape.name, "min", str(size))
    if size > shape.metadata.get("max", size):
        yield Problem(path, shape.name, "max", str(size))


@dataclass(frozen=True)
class Broken:
    """An input that breaks one rule of the model in one place, made from one that breaks none."""

    path: str
    rule: str
    input: dict

    def __str__(self):
        return f"{self.path}: {self.rule}"


def broken_inputs(operation, valid):
    """Every way to break `valid` that the model knows: each required member left out, each enum, pattern, length and
    range violated, each type wrong, for each member that `valid` has."""
    shape = MODEL.operation_model(operation).input_shape
    for path, rule, change in _changes(shape, valid, ()):
        changed = copy.deepcopy(valid)
        change(changed)
        yield Broken(".".join(map(str, path)), rule, changed)


def _changes(shape, value, path):
    if shape.type_name == "structure":
        for name in shape.required_members:
            yield path + (name,), "required", _remover(path + (name,))
        for name, member in value.items():
            inner = path + (name,)
            for wrong, rule in _wrong_values(shape.members[name]):
                yield inner, rule, _setter(inner, wrong)
            yield from _changes(shape.members[name], member, inner)
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            inner = path + (index,)
            for wrong, rule in _wrong_values(shape.member):
                yield inner, rule, _setter(inner, wrong)
            yield from _changes(shape.member, item, inner)
    elif shape.type_name == "map":
        for key in value:
            for wrong, rule in _wrong_values(shape.value):
                yield path + (key,), rule, _setter(path + (key,), wrong)
            for wrong, rule in _wrong_values(shape.key):
                if isinstance(wrong, str):
                    yield path + ("key",), rule, _setter(path + (wrong,), value[key])


def _wrong_values(shape):
    """Values that break one rule of the shape, with the rule."""
    kind, least, most = shape.type_name, shape.metadata.get("min"), shape.metadata.get("max")
    wrong_type = {"string": 7, "integer": "seven", "boolean": "yes", "structure": "text", "list": "text", "map": "text"}
    yield wrong_type[kind], f"type {kind}"
    if kind == "integer":
        if least is not None:
            yield least - 1, f"min {least}"
        if most is not None:
            yield most + 1, f"max {most}"
    if kind == "string":
        if shape.enum:
            yield "NO_SUCH_VALUE", "enum"
            yield shape.enum[0].lower(), "enum in lower case"
        if least:
            yield "a" * (least - 1), f"min length {least}"
        if most is not None:
            yield "a" * (most + 1), f"max length {most}"
        yield from _mismatches(shape)


def _mismatches(shape):
    pattern = shape.metadata.get("pattern", ".*")
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 1 << 20)
    candidates = ["aws:reserved", "-starts-with-a-hyphen", "has a space in it", "ends with a line break\n",
                  "one\ntwo", "nul\0byte", "not an arn at all, but long enough to be one", "docker.io/library/nginx:1"]
    for candidate in candidates:
        if least <= len(candidate) <= most and not re.fullmatch(pattern, candidate, FLAGS):
            yield candidate, f"pattern ({candidate!r})"


def _place(value, path):
    for step in path:
        value = value[step]
    return value


def _setter(path, wrong):
    def change(value):
        _place(value, path[:-1])[path[-1]] = wrong
    return change


def _remover(path):
    def change(value):
        del _place(value, path[:-1])[path[-1]]
    return change
