"""Loads infra/template.yaml, translates it as AWS SAM does, and resolves its intrinsics, without any call to AWS.

A `Stack` is what the checks look at. It never changes the template it was made from. What cannot be known before the
deployment stays symbolic: `Ref` of a resource becomes `${Logical}`, `GetAtt` becomes `${Logical.Attribute}`.
"""

import copy
import os
import re
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
ZONE_ROLE = ROOT / "infra" / "zone-role.yaml"

# Where the stack pretends to be deployed.
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "eu-west-1",
    "AWS::Partition": "aws",
    "AWS::StackName": "pitcrew",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()
# The translator asks boto3 for a region, and boto3 the environment.
os.environ["AWS_DEFAULT_REGION"] = PSEUDO["AWS::Region"]


def load_source(path=TEMPLATE):
    """A template as written: tags such as `!Ref` become `{"Ref": ...}`."""
    return yaml_parse(path.read_text(encoding="utf-8"))


class NoManagedPolicies:
    """The translator asks for AWS's managed policies by name. We use none, so none is known."""

    def load(self):
        return {}


class Stack:
    """The template as written (`source`), as CloudFormation gets it (`plain`), and its resources with everything
    resolved that can be (`resources`), for the given parameters."""

    def __init__(self, source, **parameters):
        self.source = copy.deepcopy(source)
        declared = self.source["Parameters"]
        self.parameters = {name: str(spec.get("Default", "")) for name, spec in declared.items()}
        if "Autonomy" in declared:
            self.parameters["Autonomy"] = "act"
        self.parameters.update(parameters)
        self.plain = self._translate()
        self.conditions = {
            name: self._condition(body) for name, body in self.source.get("Conditions", {}).items()
        }
        self.resources = {
            name: self.resolved(body)
            for name, body in self.plain["Resources"].items()
            if self.conditions.get(body.get("Condition"), True)
        }

    def of_type(self, kind):
        """The properties of each resource of a type, by logical id."""
        return {
            name: body.get("Properties", {})
            for name, body in self.resources.items()
            if body["Type"] == kind
        }

    def functions(self):
        return self.of_type("AWS::Lambda::Function")

    def statements(self):
        """Each statement of each role's own policies, as (role, statement)."""
        for role, properties in self.of_type("AWS::IAM::Role").items():
            for policy in properties.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield role, statement

    def _translate(self):
        fragment = copy.deepcopy(self.source)
        for body in fragment["Resources"].values():
            # `sam package` puts a place in S3 here; the translator refuses a local folder.
            if body["Type"] == "AWS::Serverless::Function":
                body["Properties"]["CodeUri"] = "s3://bucket/key"
        return transform(fragment, dict(self.parameters), NoManagedPolicies())

    def _condition(self, body):
        (kind, argument), = body.items()
        if kind == "Fn::Not":
            return not self._condition(argument[0])
        if kind == "Fn::Equals":
            left, right = (self.resolved(side) for side in argument)
            return left == right
        raise ValueError(f"the template uses {kind} in a condition; teach it to tests/template/stack.py")

    def _reference(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if self.source["Parameters"].get(name, {}).get("Type") == "CommaDelimitedList":
            return [item.strip() for item in self.parameters[name].split(",")]
        return PSEUDO.get(name, self.parameters.get(name, "${" + name + "}"))

    def _substitute(self, text):
        return re.sub(r"\$\{([^}]+)\}", lambda match: str(self._reference(match.group(1))), text)

    def resolved(self, value):
        """Any value of the template, with everything resolved that can be."""
        if isinstance(value, list):
            return [item for item in map(self.resolved, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (kind, argument), = value.items()
            if kind == "Ref":
                return self._reference(argument)
            if kind == "Fn::Sub":
                return self._substitute(argument)
            if kind == "Fn::GetAtt":
                path = argument if isinstance(argument, str) else ".".join(argument)
                return "${" + path + "}"
            if kind == "Fn::Join":
                by, items = argument
                return by.join(self.resolved(items))
            if kind == "Fn::If":
                return self.resolved(argument[1 if self.conditions[argument[0]] else 2])
            if kind.startswith("Fn::"):
                raise ValueError(f"the template uses {kind}; teach it to tests/template/stack.py")
        resolved = {key: self.resolved(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}


def as_list(value):
    """IAM lets a single value stand without its list."""
    return value if isinstance(value, list) else [value]
