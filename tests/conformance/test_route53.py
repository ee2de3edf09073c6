"""Route 53 as its API reference, its users' error messages and the DNS have it (docs: facts of section 4)."""

import pytest
from botocore.exceptions import ClientError

from zones import Zones, alias, record, refusal

PLAIN = record("a.octank.dev", "A", "192.0.2.1")


@pytest.fixture
def zones(cloud):
    yield Zones(cloud)
    assert cloud.history("fault") == [], "no answer lost a member on the wire"


@pytest.fixture
def zone(zones):
    return zones.zone()


# What is refused: the records that are there, the changes, and the whole message.
REFUSED = {
    "a record is made twice": (
        [PLAIN], [("CREATE", PLAIN)],
        "[Tried to create resource record set [name='a.octank.dev.', type='A'] but it already exists]"),
    "what is deleted is not there": (
        [], [("DELETE", record("a.octank.dev", "CNAME", "b.octank.dev"))],
        "[Tried to delete resource record set [name='a.octank.dev.', type='CNAME'] but it was not found]"),
    "the deleted wildcard is not there": (
        [], [("DELETE", record("*.octank.dev", "A", "192.0.2.1"))],
        "[Tried to delete resource record set [name='\\052.octank.dev.', type='A'] but it was not found]"),
    "another value is deleted": (
        [PLAIN], [("DELETE", record("a.octank.dev", "A", "192.0.2.2"))],
        "[Tried to delete resource record set [name='a.octank.dev.', type='A'] but the values provided do not match the current"
        " values]"),
    "another TTL is deleted": (
        [PLAIN], [("DELETE", record("a.octank.dev", "A", "192.0.2.1", ttl=60))],
        "[Tried to delete resource record set [name='a.octank.dev.', type='A'] but the values provided do not match the current"
        " values]"),
    "another alias is deleted": (
        [alias("a.octank.dev", "x.eu-west-1.awsapprunner.com")],
        [("DELETE", alias("a.octank.dev", "y.eu-west-1.awsapprunner.com"))],
        "[Tried to delete resource record set [name='a.octank.dev.', type='A'] but the values provided do not match the current"
        " values]"),
    "a CNAME at the apex": (
        [], [("CREATE", record("octank.dev", "CNAME", "x.rival.dev"))],
        "[RRSet of type CNAME with DNS name octank.dev. is not permitted at apex in zone octank.dev.]"),
    "a CNAME beside an A": (
        [PLAIN], [("CREATE", record("a.octank.dev", "CNAME", "x.rival.dev"))],
        "[RRSet of type CNAME with DNS name a.octank.dev. is not permitted as it conflicts with other records with the same DNS"
        " name in zone octank.dev.]"),
    "an A beside a CNAME": (
        [record("a.octank.dev", "CNAME", "x.rival.dev")], [("UPSERT", PLAIN)],
        "[RRSet of type A with DNS name a.octank.dev. is not permitted because a conflicting RRSet of type  CNAME with the same"
        " DNS name already exists in zone octank.dev.]"),
    "a CNAME before the A is gone": (
        [PLAIN], [("CREATE", record("a.octank.dev", "CNAME", "x.rival.dev")), ("DELETE", PLAIN)],
        "[RRSet of type CNAME with DNS name a.octank.dev. is not permitted as it conflicts with other records with the same DNS"
        " name in zone octank.dev.]"),
    "a CNAME with two values": (
        [], [("CREATE", record("a.octank.dev", "CNAME", "x.rival.dev", "y.rival.dev"))],
        "[RRSet of type CNAME with DNS name a.octank.dev. must have exactly one resource record.]"),
    "a name for an address": (
        [], [("CREATE", record("a.octank.dev", "A", "x.rival.dev"))],
        "[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered"
        " with 'x.rival.dev'']"),
    "a text without quotation marks": (
        [], [("CREATE", record("a.octank.dev", "TXT", "bare"))],
        "[Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks)"
        " encountered with 'bare'']"),
    "one value twice": (
        [], [("CREATE", record("a.octank.dev", "A", "192.0.2.1", "192.0.2.1"))], "[Duplicate Resource Record: '192.0.2.1']"),
    "one record twice in a batch": (
        [], [("CREATE", PLAIN), ("CREATE", PLAIN)],
        "[The request contains an invalid set of changes for a resource record set 'A a.octank.dev.']"),
    "a name outside the zone": (
        [], [("CREATE", record("a.rival.dev", "A", "192.0.2.1"))],
        "[RRSet with DNS name a.rival.dev. is not permitted in zone octank.dev.]"),
    "a label of 64": (
        [], [("CREATE", record("a" * 64 + ".octank.dev", "A", "192.0.2.1"))],
        f"[FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '{'a' * 64}.octank.dev']"),
    "an empty label": (
        [], [("CREATE", record("a..octank.dev", "A", "192.0.2.1"))],
        "[FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..octank.dev']"),
    "another script": (
        [], [("CREATE", record("bücher.octank.dev", "A", "192.0.2.1"))],
        "[FATAL problem: UnsupportedCharacter (Value contains unsupported characters) encountered with 'bücher.octank.dev']"),
    "an alias out of App Runner's zone": (
        [], [("CREATE", alias("a.octank.dev", "x.us-east-1.awsapprunner.com"))],
        "[Tried to create an alias that targets x.us-east-1.awsapprunner.com., type A in zone Z087551914Z2PCAU0QHMW, but the"
        " alias target name does not lie within the target zone]"),
    "one bad change among good ones": (
        [], [("CREATE", PLAIN), ("DELETE", record("b.octank.dev", "A", "192.0.2.1"))],
        "[Tried to delete resource record set [name='b.octank.dev.', type='A'] but it was not found]"),
    "a thousand and one records": (
        [], [("CREATE", record(f"a{number}.octank.dev", "A", "192.0.2.1")) for number in range(1001)],
        "[Number of records limit of 1000 exceeded.]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_change_is_refused_in_route_53s_words(zones, zone, case):
    there, changes, message = REFUSED[case]
    if there:
        zones.changed(zone, *(("CREATE", one) for one in there))
    assert zones.refused(zone, *changes) == message


def test_a_record_without_ttl_is_no_request(zones, zone):
    without = {name: member for name, member in PLAIN.items() if name != "TTL"}
    message = zones.refused(zone, ("CREATE", without), code="InvalidInput")
    assert message == ("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or"
                       " TrafficPolicyInstanceId], but found none in Change with [Action=CREATE, Name=a.octank.dev, Type=A,"
                       " SetIdentifier=null]")


@pytest.mark.parametrize("broken", [{"Type": "CNAME2"}, {"TTL": -1}, {"ResourceRecords": []}, {"Name": None}], ids=str)
def test_what_the_model_does_not_have_is_no_input(zones, zone, broken):
    request = {name: member for name, member in {**PLAIN, **broken}.items() if member is not None}
    zones.refused(zone, ("CREATE", request), code="InvalidInput")


def test_a_document_of_another_operation_is_malformed(cloud, zones, zone):
    def another(request, **_):
        request.data = request.data.replace(b"ChangeResourceRecordSetsRequest", b"ChangeBatch")

    zones.api.meta.events.register("before-sign.route53.ChangeResourceRecordSets", another)
    message = zones.refused(zone, ("CREATE", PLAIN), code="MalformedInput")
    assert message == "ChangeBatch is not valid, expected ChangeResourceRecordSetsRequest"


def test_names_are_compared_without_case_dot_or_escape(zones, zone):
    zones.changed(zone, ("CREATE", record("*.Shop.Octank.DEV.", "CNAME", "x.rival.dev")))
    assert zones.sets(zone)[2]["Name"] == "\\052.shop.octank.dev."
    zones.changed(zone, ("DELETE", record("\\052.shop.octank.dev", "CNAME", "x.rival.dev")))
    assert len(zones.sets(zone)) == 2


def test_an_alias_is_kept_as_it_was_given(zones, zone):
    zones.changed(zone, ("CREATE", alias("Octank.dev", "X.eu-west-1.awsapprunner.com")))
    kept = zones.sets(zone)[0]
    assert kept == alias("octank.dev.", "x.eu-west-1.awsapprunner.com.")


def test_one_type_takes_the_place_of_another_in_one_batch(zones, zone):
    cname = record("a.octank.dev.", "CNAME", "x.rival.dev")
    zones.changed(zone, ("CREATE", PLAIN))
    zones.changed(zone, ("DELETE", PLAIN), ("CREATE", cname))
    assert zones.sets(zone)[2] == cname


def test_routing_policies_are_kept(zones, zone):
    weighted = [record("a.octank.dev.", "A", "192.0.2.1", SetIdentifier=name, Weight=weight)
                for name, weight in (("blue", 9), ("green", 1))]
    zones.changed(zone, *(("UPSERT", one) for one in weighted))
    assert zones.sets(zone)[2:] == weighted


def test_a_change_is_pending_before_it_is_in_sync_and_the_dns_follows(zones, zone, cloud):
    info = zones.change(zone, ("CREATE", PLAIN))
    assert info["Status"] == "PENDING" and info["Id"].startswith("/change/")
    assert zones.ask("a.octank.dev") == ("NXDOMAIN", 0)
    cloud.advance(60)
    assert zones.api.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    assert zones.ask("a.octank.dev") == ("NOERROR", 1)
    assert zones.ask("A.Octank.Dev", tcp=True) == ("NOERROR", 1)
    assert zones.ask("octank.dev", "NS") == ("NOERROR", 4)


def test_a_change_that_never_was_is_not_found(zones):
    assert refusal("NoSuchChange", zones.api.get_change, Id="C2682N5HXP0BZ4") == (
        "Could not find resource with ID: C2682N5HXP0BZ4")


def test_a_zone_that_is_busy_says_so_until_it_is_done(zones, zone, cloud):
    cloud.internal("route53", "_Busy", HostedZoneId=zone, Seconds=10)
    zones.refused(zone, ("CREATE", PLAIN), code="PriorRequestNotComplete")
    cloud.advance(10)
    zones.changed(zone, ("CREATE", PLAIN))


def test_record_sets_are_listed_by_reversed_labels_on_pages(zones, zone):
    names = ["b", "x.a", "*", "a-b", "a"]
    zones.changed(zone, *(("CREATE", record(f"{name}.octank.dev", "A", "192.0.2.1")) for name in names))
    whole = [one["Name"] for one in zones.sets(zone)]
    assert whole[2:] == [f"{name}.octank.dev." for name in ("\\052", "a-b", "a", "x.a", "b")]
    for size in ("1", "2", "3"):
        pages = zones.api.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=zone, PaginationConfig={"PageSize": int(size)})
        assert [one["Name"] for page in pages for one in page["ResourceRecordSets"]] == whole
    page = zones.api.list_resource_record_sets(HostedZoneId=zone, StartRecordName="a0.octank.dev", MaxItems="1")
    assert [one["Name"] for one in page["ResourceRecordSets"]] == ["b.octank.dev."]


def test_zones_are_listed_by_name_on_pages_of_a_hundred(zones):
    for number in range(101):
        zones.api.create_hosted_zone(Name=f"z{number:03}.dev", CallerReference=f"n{number}")
    first = zones.api.list_hosted_zones_by_name()
    assert len(first["HostedZones"]) == 100 and first["IsTruncated"] and first["NextDNSName"] == "z100.dev."
    last = zones.api.list_hosted_zones_by_name(DNSName=first["NextDNSName"], HostedZoneId=first["NextHostedZoneId"])
    assert [one["Name"] for one in last["HostedZones"]] == ["z100.dev."] and not last["IsTruncated"]
    # The list begins at the name, there or not: whoever wants one zone must look at what came.
    near = zones.api.list_hosted_zones_by_name(DNSName="z0991.dev", MaxItems="1")
    assert near["HostedZones"][0]["Name"] == "z100.dev."
    pages = list(zones.api.get_paginator("list_hosted_zones").paginate())
    assert [len(page["HostedZones"]) for page in pages] == [100, 1]
    assert zones.api.get_hosted_zone_count()["HostedZoneCount"] == 101


def test_a_zone_is_made_once_for_a_reference_and_deleted_when_it_is_empty(zones, zone):
    refusal("HostedZoneAlreadyExists", zones.api.create_hosted_zone, Name="other.dev", CallerReference="r1")
    zones.changed(zone, ("CREATE", PLAIN))
    refusal("HostedZoneNotEmpty", zones.api.delete_hosted_zone, Id=zone)
    zones.changed(zone, ("DELETE", PLAIN))
    zones.api.delete_hosted_zone(Id=zone)
    assert refusal("NoSuchHostedZone", zones.api.get_hosted_zone, Id=zone) == f"No hosted zone found with ID: {zone}"


def test_a_private_zone_belongs_to_its_vpcs_and_not_to_the_dns(zones):
    vpc = {"VPCRegion": "eu-west-1", "VPCId": "vpc-0a1b2c3d"}
    zone = zones.zone(VPC=vpc)
    zones.changed(zone, ("CREATE", PLAIN))
    assert zones.api.get_hosted_zone(Id=zone)["VPCs"] == [vpc]
    seen = zones.api.list_hosted_zones_by_vpc(VPCId="vpc-0a1b2c3d", VPCRegion="eu-west-1")["HostedZoneSummaries"]
    assert [one["HostedZoneId"] for one in seen] == [zone]
    zones.api.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC={**vpc, "VPCId": "vpc-2"})
    assert zones.ask("a.octank.dev") == ("NXDOMAIN", 0)


def test_of_two_zones_of_a_name_only_the_delegated_one_is_alive(zones, zone, cloud):
    second = zones.zone()
    zones.changed(second, ("CREATE", PLAIN))
    assert zones.ask("a.octank.dev") == ("NXDOMAIN", 0)
    cloud.internal("route53", "_Delegate", Name="octank.dev", HostedZoneId=second)
    assert zones.ask("a.octank.dev") == ("NOERROR", 1)


def test_zones_of_another_account_are_not_seen(zones, cloud):
    theirs = cloud.internal("route53", "_CreateZone", Account="999988887777", Name="rival.dev")["HostedZoneId"]
    refusal("NoSuchHostedZone", zones.api.get_hosted_zone, Id=theirs)
    assert zones.api.list_hosted_zones()["HostedZones"] == []


def test_the_sixth_request_of_a_second_is_throttled_where_the_switch_is_on(zones, zone, cloud):
    cloud.switch("route53-rate", "on")
    for _ in range(5):
        zones.api.get_hosted_zone(Id=zone)
    codes = set()
    for _ in range(20):
        try:
            zones.api.get_hosted_zone(Id=zone)
        except ClientError as error:
            codes.add((error.response["Error"]["Code"], error.response["Error"]["Message"]))
    assert codes == {("Throttling", "Rate exceeded")}
