"""The commands of the AWS CLI that fixes of the audit may print, as botocore's models have them.

`shared/core/tests/aws_commands.json` holds them for the tests of the rules: flags, members of structures, what is
required. Which operations it holds is decided there. `python tests/template/aws_commands.py --bless` fills it from
botocore; a new operation is added to it before as `"service operation": {}`, and as `"service operation": {"output": {}}`
where a `--query` is to be judged.
"""

import json
import sys

import botocore.session
from botocore import xform_name

from stack import ROOT

FILE = ROOT / "shared/core/tests/aws_commands.json"
# Answers are looked into as deep as a query goes.
OUTPUT_LEVELS = 3
INPUT_LEVELS = 6
# Flags that the AWS CLI adds to an operation (its "ec2 simplify" customization): they are in no model.
GROUP_RULES = dict.fromkeys(["cidr", "group-owner", "port", "protocol", "source-group"], "string")
ADDED = {f"ec2 {verb}-security-group-{way}": GROUP_RULES
         for verb in ["authorize", "revoke"] for way in ["ingress", "egress"]}
MODELS = botocore.session.get_session()


def tree(shape, levels):
    """A shape as JSON: a structure by its members, a list as a list, a map under `*`, all else by its type's name."""
    if levels == 0 or shape.type_name not in ("structure", "list", "map"):
        return shape.type_name
    if shape.type_name == "structure":
        return {name: tree(member, levels - 1) for name, member in sorted(shape.members.items())}
    if shape.type_name == "list":
        return [tree(shape.member, levels - 1)]
    return {"*": tree(shape.value, levels - 1)}


def operation(command):
    """The model of `service operation`, spelled as the AWS CLI does."""
    service, _, verb = command.partition(" ")
    model = MODELS.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    return model.operation_model(names[verb])


def described(command, with_output):
    found = operation(command)
    members = found.input_shape.members
    flags = {xform_name(name, "-"): tree(member, INPUT_LEVELS) for name, member in members.items()}
    answer = {
        "flags": dict(sorted({**flags, **ADDED.get(command, {})}.items())),
        "required": sorted(xform_name(name, "-") for name in found.input_shape.required_members),
    }
    if with_output:
        answer["output"] = tree(found.output_shape, OUTPUT_LEVELS)
    return answer


def filled(known):
    return {command: described(command, "output" in entry) for command, entry in sorted(known.items())}


def read():
    return json.loads(FILE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if sys.argv[1:] != ["--bless"]:
        sys.exit(__doc__)
    FILE.write_text(json.dumps(filled(read()), indent=1, sort_keys=True) + "\n", encoding="utf-8")
