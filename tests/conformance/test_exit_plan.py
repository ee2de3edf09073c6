"""`pitcrew exit-plan` against the local cloud: it reads and changes nothing, what it writes fits the model of ECS, what it prints
are commands that exist, and its change batches are taken by Route 53.

The requests and commands are judged by botocore's own models of the AWS services, not by what pitcrew thinks of them.
"""

import json
import os
import re
import shlex
import stat
import subprocess

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from cloud import REGION
from world import DOMAIN
from zones import Zones

RUN_SECONDS_MAX = 60
SECRET = "hunter2-and-more"
MODELS = botocore.session.get_session()
BALANCER = {"${LOAD_BALANCER_NAME}": "express-1.eu-west-1.elb.amazonaws.com", "${LOAD_BALANCER_ZONE}": "Z32O12XQLNTSW2"}
# Flags of the AWS CLI itself.
GLOBAL = {"region", "query", "output", "cli-input-json"}


def model(service):
    return MODELS.get_service_model(service)


def problems(shape, value):
    return ParamValidator().validate(value, shape).generate_report()


def enums(shape, value, path=""):
    """The values that an enumeration of the model does not have; botocore's validator does not look."""
    if shape.type_name == "structure":
        return [wrong for name, member in shape.members.items() if name in value
                for wrong in enums(member, value[name], f"{path}.{name}")]
    if shape.type_name == "list":
        return [wrong for one in value for wrong in enums(shape.member, one, path)]
    allowed = getattr(shape, "enum", [])
    return [f"{path}: {value}"] if allowed and value not in allowed else []


def unknown_in_command(command):
    """What of an `aws` command the models do not know: the service, the operation, a flag, a member of a query."""
    words = shlex.split(command)
    service, verb, words = words[0], words[1], words[2:]
    client = model(service)
    if verb == "wait":
        names = {xform_name(name, "-") for name in MODELS.get_waiter_model(service).waiter_names}
        return [] if words[0] in names else [f"{service} wait {words[0]}"]
    operations = {xform_name(name, "-"): name for name in client.operation_names}
    if verb not in operations:
        return [f"{service} {verb}"]
    operation = client.operation_model(operations[verb])
    members = {xform_name(name, "-") for name in operation.input_shape.members}
    flags = [word[2:] for word in words if word.startswith("--")]
    wrong = [f"{service} {verb} --{flag}" for flag in flags if flag not in members | GLOBAL]
    needed = {xform_name(name, "-") for name in operation.input_shape.required_members}
    if "cli-input-json" not in flags:
        wrong += [f"{service} {verb} without --{name}" for name in needed - set(flags)]
    if "query" in flags:
        query = words[words.index("--query") + 1]
        wrong += [f"{service} {verb}: {query}"] if not is_member(operation.output_shape, query) else []
    return wrong


def is_member(shape, query):
    for part in query.split("."):
        name, _, index = part.partition("[")
        shape = shape.members.get(name) if shape.type_name == "structure" else None
        if shape is None:
            return False
        shape = shape.member if index else shape
    return True


def aws_commands(document):
    """Each `aws ...` that the plan has, wherever it stands: alone, or in a variable's assignment."""
    found = []

    def walk(value):
        if isinstance(value, dict):
            [walk(one) for one in value.values()]
        elif isinstance(value, list):
            [walk(one) for one in value]
        elif isinstance(value, str):
            assigned = re.fullmatch(r"[A-Z_]+=\$\(aws (.*)\)", value)
            if assigned or value.startswith("aws "):
                found.append(assigned[1] if assigned else value[4:])

    walk(document)
    return found


def filled(batch):
    text = json.dumps(batch)
    for variable, value in BALANCER.items():
        text = text.replace(variable, value)
    return json.loads(text)


@pytest.fixture
def run(cloud, operator, tmp_path):
    """Runs `pitcrew exit-plan ...`: exit code, stdout, stderr."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PITCREW_"))}
    environment |= {"AWS_ENDPOINT_URL": cloud.endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": cloud.access_key_id,
                    "AWS_SECRET_ACCESS_KEY": cloud.secret_access_key, "HOME": str(tmp_path)}

    def run(*arguments):
        ran = subprocess.run([operator, "exit-plan", *arguments], capture_output=True, text=True, env=environment,
                             cwd=tmp_path, timeout=RUN_SECONDS_MAX, check=False)
        return ran.returncode, ran.stdout, ran.stderr

    return run


def leaving(world):
    """A service with everything that carries over."""
    source = world.full_image_source()
    source["ImageRepository"]["ImageConfiguration"]["RuntimeEnvironmentVariables"] = {"MODE": SECRET}
    source["ImageRepository"]["ImageConfiguration"]["StartCommand"] = f"serve --token {SECRET}"
    groups = world.everything_about_a_service()
    return world.service(ServiceName="shop", SourceConfiguration=source, **groups)


def test_the_pinned_model_knows_the_call():
    assert "CreateExpressGatewayService" in model("ecs").operation_names


def test_a_request_that_does_not_fit_and_a_command_that_does_not_exist_are_seen():
    shape = model("ecs").operation_model("CreateExpressGatewayService").input_shape
    assert "primaryContainer" in problems(shape, {"infrastructureRoleArn": "a", "primaryContainer": {"Image": "x"}})
    assert enums(shape, {"cpuArchitecture": "AMD64"}) == [".cpuArchitecture: AMD64"]
    assert unknown_in_command("ecs create-service-of-express") == ["ecs create-service-of-express"]
    assert unknown_in_command("acm request-certificate --domain x") == [
        "acm request-certificate --domain", "acm request-certificate without --domain-name"]
    assert unknown_in_command("elbv2 describe-load-balancers --query 'LoadBalancers[0].Name'") != []


def test_the_file_fits_the_model_of_ecs_and_holds_what_the_service_has(world, run, tmp_path):
    leaving(world)
    code, stdout, stderr = run("shop", "--json", "--output", "request.json")
    plan = json.loads(stdout)
    assert (code, plan["blockers"]) == (0, []), stderr
    request = json.loads((tmp_path / "request.json").read_text())
    shape = model("ecs").operation_model("CreateExpressGatewayService").input_shape
    assert (problems(shape, request), enums(shape, request)) == ("", [])
    container = request["primaryContainer"]
    assert (container["image"], container["containerPort"]) == (world.image(), 8080)
    assert container["command"] == ["serve", "--token", SECRET]
    assert container["environment"] == [{"name": "MODE", "value": SECRET}]
    assert container["secrets"] == [{"name": "TOKEN", "valueFrom": world.arn("secret:shop-AbCdEf", "secretsmanager")}]
    assert request["networkConfiguration"]["subnets"] == ["subnet-0a1b2c3d"]
    assert (request["cpu"], request["memory"], request["healthCheckPath"]) == ("1024", "2048", "/health")
    assert request["scalingTarget"]["autoScalingTargetValue"] == 6000
    assert stat.S_IMODE((tmp_path / "request.json").stat().st_mode) == 0o600


def test_secrets_of_environment_and_command_are_in_the_file_alone_and_a_file_is_never_overwritten(world, run, tmp_path):
    leaving(world)
    for arguments in [["shop", "--output", "request.json"], ["shop", "--json"], ["shop"]]:
        code, stdout, stderr = run(*arguments)
        assert code == 0 and "MODE" in stdout and SECRET not in stdout + stderr, stderr
    (tmp_path / "request.json").write_text("mine")
    code, _, stderr = run("shop", "--output", "request.json")
    assert code == 1 and "name another file" in stderr
    assert (tmp_path / "request.json").read_text() == "mine"


def test_a_service_with_something_in_its_way_is_planned_and_ends_with_3(world, run):
    # Without a health check of its own App Runner asks by TCP.
    world.service(ServiceName="shop")
    code, stdout, _ = run("shop", "--json")
    assert (code, [blocker["code"] for blocker in json.loads(stdout)["blockers"]]) == (3, ["tcp-health-check"])
    code, stdout, _ = run("shop")
    assert code == 3 and "in the way\n" in stdout and "\x1b" not in stdout
    code, _, stderr = run("shoop")
    assert code == 5 and "there are: shop" in stderr


def test_every_command_of_a_plan_exists_and_each_is_one_line_for_a_shell(world, run):
    arn = leaving(world)
    world.domain(arn)
    _, stdout, stderr = run("shop", "--json")
    plan = json.loads(stdout)
    commands = aws_commands(plan)
    assert len(commands) > 25, stderr
    assert [wrong for command in commands for wrong in unknown_in_command(command)] == []
    for line in [command for step in plan["steps"] for command in step["commands"]]:
        assert "\n" not in line
        checked = subprocess.run(["sh", "-n", "-c", line], capture_output=True, text=True, timeout=10, check=False)
        assert checked.returncode == 0, f"{line}\n{checked.stderr}"


def test_the_batches_are_taken_by_route53_there_and_back_and_nothing_else_was_written(world, run, cloud):
    arn = leaving(world)
    zones = Zones(cloud)
    zone = zones.zone()
    world.domain(arn)
    target = world.api.describe_custom_domains(ServiceArn=arn)["DNSTarget"]
    api = cloud.client("route53")
    for name in [DOMAIN, f"www.{DOMAIN}"]:
        record = {"Name": name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": target}]}
        change(api, zone, {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]})
    before = sets(api, zone)
    calls = len(cloud.history("call"))
    _, stdout, stderr = run("shop", "--json")
    made = [entry for entry in cloud.history("call")[calls:]]
    names = {re.search(r'"operation":\s*"(\w+)"', json.dumps(entry))[1] for entry in made}
    assert names and all(name.startswith(("Describe", "List", "Get")) for name in names), names
    cutover = json.loads(stdout)["cutover"]
    shape = model("route53").operation_model("ChangeResourceRecordSets").input_shape.members["ChangeBatch"]
    stages = [stage["batches"] for stage in cutover["stages"]]
    assert len(stages) == 5, stderr
    for (batch,) in [*stages, cutover["back"], cutover["undo"]]:
        assert problems(shape, filled(batch["change_batch"])) == ""
        change(api, zone, filled(batch["change_batch"]))
    assert sets(api, zone) == before
    for (batch,) in [*stages, cutover["end"]]:
        change(api, zone, filled(batch["change_batch"]))
    ends = [one for one in sets(api, zone) if one["Name"] == f"{DOMAIN}." and one["Type"] == "CNAME"]
    assert [one["ResourceRecords"][0]["Value"].rstrip(".") for one in ends] == [BALANCER["${LOAD_BALANCER_NAME}"]]


def change(api, zone, batch):
    api.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def sets(api, zone):
    return api.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]


def test_the_commands_of_the_batches_put_the_load_balancer_in(world, run, cloud, tmp_path):
    """A shell that has the two variables calls `aws` with exactly the batch."""
    arn = leaving(world)
    zone = Zones(cloud).zone()
    world.domain(arn)
    target = world.api.describe_custom_domains(ServiceArn=arn)["DNSTarget"]
    record = {"Name": DOMAIN, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": target}]}
    change(cloud.client("route53"), zone, {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]})
    _, stdout, _ = run("shop", "--json")
    (batch,) = json.loads(stdout)["cutover"]["stages"][0]["batches"]
    aws = tmp_path / "aws"
    aws.write_text('#!/bin/sh\nfor word; do last=$word; done\nprintf %s "$last"\n')
    aws.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}",
                   **{variable.strip("${}"): value for variable, value in BALANCER.items()}}
    ran = subprocess.run(["sh", "-c", batch["command"]], capture_output=True, text=True, env=environment, timeout=10,
                         check=True)
    assert json.loads(ran.stdout) == filled(batch["change_batch"])
