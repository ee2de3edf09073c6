"""What pitcrew may do to hosted zones: the statements of its two roles that write DNS records, and of infra/zone-role.yaml,
which is deployed in another account that holds zones.

Every check takes a Stack and answers with a list of problems, empty when all is well; those of ZONE_ROLE_CHECKS take the
stack of infra/zone-role.yaml too. What the statements come to is seen by tests/cloud, which evaluates them.
"""

import json
import re

from checks_state import KEY
from stack import PSEUDO, Stack, as_list

WRITERS = ("DomainsRole", "CertificatesRole")
# Who else may see zones, by the statements of the two that are theirs too.
READ = {"AuditRole": ["ListZones", "ReadZones"]}
TYPES = ["A", "CNAME"]
ALL_ZONES = ["arn:aws:route53:::hostedzone/*"]
TWO_ZONES = ["arn:aws:route53:::hostedzone/Z0000000000000000001", "arn:aws:route53:::hostedzone/Z0000000000000000002"]
TWO_ROLES = ["arn:aws:iam::210987654321:role/zones", "arn:aws:iam::310987654321:role/zones"]
ACTIONS, RECORD_TYPES = "route53:ChangeResourceRecordSetsActions", "route53:ChangeResourceRecordSetsRecordTypes"


def statement(sid, effect, action, resource, **condition):
    body = {"Sid": sid, "Effect": effect, "Action": action, "Resource": resource}
    return {**body, "Condition": condition} if condition else body


def write(sid, zones, actions):
    return statement(sid, "Allow", "route53:ChangeResourceRecordSets", zones, **{
        "ForAllValues:StringEquals": {ACTIONS: actions, RECORD_TYPES: TYPES},
        # ForAllValues is true where the key is absent.
        "Null": {ACTIONS: "false", RECORD_TYPES: "false"},
    })


def refuse(sid, operator, key, values):
    return statement(sid, "Deny", "route53:ChangeResourceRecordSets", "*", **{f"ForAnyValue:{operator}": {key: values}})


def wanted(zones, removes):
    """The Route 53 statements of a role that writes records, by Sid, but for its list of what it must never do."""
    statements = [
        statement("ListZones", "Allow", "route53:ListHostedZones", "*"),
        statement("ReadZones", "Allow", ["route53:GetHostedZone", "route53:ListResourceRecordSets"], "arn:aws:route53:::hostedzone/*"),
        statement("FollowChanges", "Allow", "route53:GetChange", "arn:aws:route53:::change/*"),
        write("WriteRecords", zones, ["CREATE"]),
        refuse("NeverOverwrite", "StringEquals", ACTIONS, ["UPSERT"]),
        refuse("NeverAnotherType", "StringNotEquals", RECORD_TYPES, TYPES),
    ]
    if removes:
        statements.append(write("RemoveOwnRecords", zones, ["CREATE", "DELETE"]))
    else:
        statements.append(refuse("NeverRemove", "StringEquals", ACTIONS, ["DELETE"]))
    return {body["Sid"]: body for body in statements}


def zone_statements(stack, role):
    """The statements of a role that speak of Route 53, by Sid, but for its list of what it must never do."""
    return {
        body["Sid"]: body
        for owner, body in stack.statements()
        if owner == role and body["Sid"] != "NeverThese"
        and any(action.startswith(("route53:", "*")) for action in as_list(body["Action"]))
    }


def under(stack, zones, removes, **more):
    """The same template for an owner who chose these zones, and whether records may be removed."""
    chosen = {"HostedZoneArns": ",".join(zones), "RemoveRecords": "true" if removes else "false"}
    return Stack(stack.source, **chosen, **more)


def choices():
    return [(zones, removes) for zones in (ALL_ZONES, TWO_ZONES) for removes in (False, True)]


def differing(role, found, expected):
    return [
        f"{role}.{sid}: is {found.get(sid)}, not {expected.get(sid)}"
        for sid in sorted(found.keys() | expected.keys())
        if found.get(sid) != expected.get(sid)
    ]


def records_are_created_and_never_overwritten(stack):
    problems = []
    for zones, removes in choices():
        chosen = under(stack, zones, removes)
        for role in WRITERS:
            problems += differing(role, zone_statements(chosen, role), wanted(zones, removes))
        for role in chosen.of_type("AWS::IAM::Role").keys() - set(WRITERS):
            read = {sid: wanted(zones, removes)[sid] for sid in READ.get(role, [])}
            problems += differing(role, zone_statements(chosen, role), read)
    return problems


def removing_is_chosen_by_the_owner(stack):
    declared = stack.source["Parameters"]["RemoveRecords"]
    problems = []
    if declared.get("Default") != "false" or declared.get("AllowedValues") != ["true", "false"]:
        problems.append(f"RemoveRecords: is {declared.get('Default')} where nobody chose")
    return problems


def other_accounts_are_entered_by_the_roles_given_and_no_other(stack):
    problems = []
    for roles in ([], TWO_ROLES):
        chosen = Stack(stack.source, ZoneRoleArns=",".join(roles))
        allow = statement("AssumeZoneRoles", "Allow", "sts:AssumeRole", roles)
        deny = {"Sid": "AssumeNoOtherRole", "Effect": "Deny", "Action": "sts:AssumeRole", "NotResource": roles}
        none = statement("AssumeNoRole", "Deny", "sts:AssumeRole", "*")
        for role in WRITERS:
            found = {
                body["Sid"]: body for owner, body in chosen.statements()
                if owner == role and any(action.startswith("sts:") for action in as_list(body["Action"]))
            }
            expected = {body["Sid"]: body for body in ([allow, deny] if roles else [none])}
            problems += differing(role, found, expected)
    return problems


# What each parameter must take and what it must refuse. CloudFormation applies the pattern of a list to each of its members.
ACCEPTED = {
    "HostedZoneArns": ALL_ZONES + TWO_ZONES,
    "ZoneRoleArns": ["", *TWO_ROLES, "arn:aws:iam::210987654321:role/path/pitcrew-zones-eu-west-1"],
    "ZoneExternalId": ["", "a1b2c3d4", "a/b:c=d,e.f@g+h-i_j"],
}
REFUSED = {
    "HostedZoneArns": ["", "*", "Z0000000000000000001", "arn:aws:route53:::*", "arn:aws:route53:::change/*",
                       "arn:aws:route53:::hostedzone/", "arn:aws:route53:::hostedzone/Z1*"],
    "ZoneRoleArns": ["*", "zones", "arn:aws:iam::210987654321:role/*", "arn:aws:iam::210987654321:user/zones",
                     "arn:aws:iam::*:role/zones"],
    "ZoneExternalId": ["short", "eight ch", "x" * 1225],
}


def problems_of_patterns(source, names):
    problems = []
    for name in names:
        declared = source["Parameters"][name]
        fits = re.compile(declared.get("AllowedPattern", "")).fullmatch
        problems += [f"{name}: refuses {value!r}" for value in ACCEPTED[name] if not fits(value)]
        problems += [f"{name}: takes {value!r}" for value in REFUSED[name] if fits(value)]
    return problems


def zones_and_roles_are_named_exactly(stack):
    kinds = {name: stack.source["Parameters"][name]["Type"] for name in ACCEPTED}
    problems = problems_of_patterns(stack.source, ACCEPTED)
    if kinds != {"HostedZoneArns": "CommaDelimitedList", "ZoneRoleArns": "CommaDelimitedList", "ZoneExternalId": "String"}:
        problems.append(f"the parameters are {kinds}")
    return problems


# What IAM takes for all inline policies of a role, in characters other than white space; and what infra/README.md promises.
POLICY_CHARACTERS_MAX = 10_240
ZONES_MAX, ROLES_MAX = 40, 5


def as_many_zones_fit_as_were_promised(stack):
    zones = [f"arn:aws:route53:::hostedzone/Z{number:020}" for number in range(ZONES_MAX)]
    roles = ",".join(f"arn:aws:iam::{number:012}:role/pitcrew-zones-ap-southeast-1" for number in range(ROLES_MAX))
    given = under(stack, zones, True, ZoneRoleArns=roles, KmsKeyArn=KEY)
    problems = []
    for name, role in given.of_type("AWS::IAM::Role").items():
        text = "".join(json.dumps(policy["PolicyDocument"], separators=(",", ":")) for policy in role["Policies"])
        # What is known only when it is deployed becomes an ARN of some length.
        size = len(re.sub(r"\$\{[^}]+\}", "x" * 90, text))
        if size > POLICY_CHARACTERS_MAX:
            problems.append(f"{name}: {size} characters of policies with {ZONES_MAX} zones and {ROLES_MAX} roles")
    return problems


CHECKS = [
    records_are_created_and_never_overwritten,
    removing_is_chosen_by_the_owner,
    other_accounts_are_entered_by_the_roles_given_and_no_other,
    zones_and_roles_are_named_exactly,
    as_many_zones_fit_as_were_promised,
]

# Where the other account's role pretends to be deployed, for the stack that all other checks look at.
GIVEN = {"PitcrewAccountId": PSEUDO["AWS::AccountId"], "StackRegion": PSEUDO["AWS::Region"], "ExternalId": "a-long-word"}


def the_zone_role_may_do_what_the_functions_may(stack, zone):
    problems = []
    for zones, removes in choices():
        here, there = under(stack, zones, removes), under(zone, zones, removes, **GIVEN)
        for role in WRITERS:
            problems += differing("ZoneRole", zone_statements(there, "ZoneRole"), zone_statements(here, role))
    return problems


def the_zone_role_denies_the_rest(stack, zone):
    never = {role: body["Action"] for role, body in stack.statements() if body["Sid"] == "NeverThese"}
    here = {action for action in never["DomainsRole"] if action.startswith(("route53", "iam:"))} | {"sts:AssumeRole"}
    for role, body in zone.statements():
        if body["Sid"] == "NeverThese":
            return [] if body == statement("NeverThese", "Deny", sorted(here), "*") else [f"{role}: denies {body}"]
    return ["ZoneRole: denies nothing whatever is granted later"]


def the_zone_role_has_no_other_statement(_, zone):
    roles = list(zone.of_type("AWS::IAM::Role"))
    problems = [] if roles == ["ZoneRole"] and len(zone.resources) == 1 else [f"it makes {list(zone.resources)}"]
    known = wanted(ALL_ZONES, False).keys() | {"NeverThese"}
    return problems + [f"{role}.{body['Sid']}: is no statement of the functions'" for role, body in zone.statements()
                       if body["Sid"] not in known]


def the_zone_role_lets_the_two_functions_in_and_nobody_else(stack, zone):
    names = [stack.of_type("AWS::IAM::Role")[role]["RoleName"] for role in WRITERS]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{PSEUDO['AWS::AccountId']}:role/{name}" for name in names]},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": GIVEN["ExternalId"]}},
    }
    role = zone.of_type("AWS::IAM::Role")["ZoneRole"]
    found = role["AssumeRolePolicyDocument"]["Statement"]
    problems = [] if found == [trust] else [f"ZoneRole: is trusted by {found}"]
    if role.get("ManagedPolicyArns") or role.get("RoleName") != "pitcrew-zones-eu-west-1":
        problems.append(f"ZoneRole: is named {role.get('RoleName')}, or takes policies that its template does not show")
    return problems


def the_zone_role_asks_for_what_the_stack_asks_for(stack, zone):
    here, there = stack.source["Parameters"], zone.source["Parameters"]
    problems = [
        f"{name}: {member} is {there[name].get(member)} in zone-role.yaml, {here[name].get(member)} in template.yaml"
        for name in ("HostedZoneArns", "RemoveRecords")
        for member in ("Type", "Default", "AllowedPattern", "AllowedValues")
        if there[name].get(member) != here[name].get(member)
    ]
    external = there["ExternalId"]
    if external.get("MinLength") != 8 or "Default" in external or external.get("NoEcho"):
        problems.append(f"ExternalId: is {external}")
    fits = re.compile(external.get("AllowedPattern", "")).fullmatch
    problems += [f"ExternalId: refuses {value!r}" for value in ACCEPTED["ZoneExternalId"][1:] if not fits(value)]
    account = re.compile(there["PitcrewAccountId"].get("AllowedPattern", "")).fullmatch
    if not account(PSEUDO["AWS::AccountId"]) or account("*") or account("1234"):
        problems.append("PitcrewAccountId: takes what is no account")
    return problems + [f"{section} {name}: has no description that helps" for section in ("Parameters", "Outputs")
                       for name, body in zone.source[section].items() if len(body.get("Description", "")) < 20]


ZONE_ROLE_CHECKS = [
    the_zone_role_may_do_what_the_functions_may,
    the_zone_role_denies_the_rest,
    the_zone_role_has_no_other_statement,
    the_zone_role_lets_the_two_functions_in_and_nobody_else,
    the_zone_role_asks_for_what_the_stack_asks_for,
]
