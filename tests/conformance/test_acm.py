"""ACM by boto3: every answer fits botocore's model, every refusal is of a modelled type, and a certificate lives its life.

A bare cloud's DNS knows no zone, so `_Prove` vouches for the records; that ACM really asks the DNS is shown in Rust.
"""

import json
from datetime import timedelta

import botocore.session
import pytest

from judge import problems_of_answer

ACM = botocore.session.get_session().get_service_model("acm")
NAME = "octank.dev"
AUTHORITY = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def acm(cloud):
    """A client whose successful answers are judged as they come over the wire."""
    client = cloud.client("acm")
    problems = []

    def judge(http_response, model, **_):
        if http_response.status_code == 200:
            body = json.loads(http_response.content or b"{}")
            problems.extend(problems_of_answer(model.name, body, ACM))

    client.meta.events.register("after-call.acm", judge)
    yield client
    assert [str(problem) for problem in problems if not is_contradiction(problem)] == []


def is_contradiction(problem):
    """The model takes a private authority's ARN by one pattern (PcaArn) and answers it by another (Arn), which wants `:acm:`."""
    return problem.path.endswith(".CertificateAuthorityArn") and problem.rule == "pattern"


def refused(call, code, **request):
    """The message of a refusal, which must be of a type that the operation's model has, or a refusal of the shape."""
    with pytest.raises(Exception) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def request(acm, *names, **more):
    answer = acm.request_certificate(
        DomainName=names[0], SubjectAlternativeNames=list(names), ValidationMethod="DNS", **more)
    return answer["CertificateArn"]


def describe(acm, arn):
    return acm.describe_certificate(CertificateArn=arn)["Certificate"]


def issued(cloud, acm, *names):
    arn = request(acm, *names)
    cloud.internal("acm", "_Prove", CertificateArn=arn)
    cloud.internal("acm", "_InUse", CertificateArn=arn, By="arn:aws:elasticloadbalancing:front", InUse=True)
    return arn


def test_a_certificate_is_requested_proven_and_issued(cloud, acm):
    arn = request(acm, NAME, f"*.{NAME}")
    pending = describe(acm, arn)
    assert pending["Status"] == "PENDING_VALIDATION"
    first, second = (option["ResourceRecord"] for option in pending["DomainValidationOptions"])
    assert first == second and first["Name"].endswith(f".{NAME}.") and first["Value"].endswith(".acm-validations.aws.")
    cloud.internal("acm", "_Prove", CertificateArn=arn)
    shown = describe(acm, arn)
    assert shown["Status"] == "ISSUED" and shown["RenewalEligibility"] == "INELIGIBLE"
    assert shown["NotAfter"] - shown["NotBefore"] == timedelta(days=198, seconds=-1)


def test_nothing_is_issued_while_the_dns_shows_nothing(cloud, acm):
    arn = request(acm, NAME)
    cloud.advance(3600)
    assert describe(acm, arn)["Status"] == "PENDING_VALIDATION"
    cloud.advance(72 * 3600)
    assert describe(acm, arn)["Status"] == "VALIDATION_TIMED_OUT"


def test_a_renewal_without_its_record_is_pending_and_then_failed(cloud, acm):
    arn = issued(cloud, acm, NAME)
    cloud.internal("acm", "_AgeCertificate", CertificateArn=arn, Days=160)
    cloud.advance(60)
    summary = describe(acm, arn)["RenewalSummary"]
    assert summary["RenewalStatus"] == "PENDING_VALIDATION"
    assert summary["DomainValidationOptions"][0]["ValidationStatus"] == "PENDING_VALIDATION"
    cloud.advance(40 * 24 * 3600)
    expired = describe(acm, arn)
    assert (expired["Status"], expired["RenewalSummary"]["RenewalStatus"]) == ("EXPIRED", "FAILED")


def test_a_renewal_keeps_the_arn(cloud, acm):
    arn = issued(cloud, acm, NAME)
    before = describe(acm, arn)
    cloud.internal("acm", "_AgeCertificate", CertificateArn=arn, Days=160)
    cloud.advance(60)
    cloud.internal("acm", "_Prove", CertificateArn=arn)
    after = describe(acm, arn)
    assert after["Serial"] != before["Serial"] and after["NotAfter"] > before["NotAfter"] - timedelta(days=1)
    assert after["RenewalSummary"]["RenewalStatus"] == "SUCCESS"


def test_every_kind_of_certificate_fits_the_model(cloud, acm):
    issued(cloud, acm, NAME, f"www.{NAME}")
    acm.request_certificate(DomainName=f"mail.{NAME}")
    acm.request_certificate(DomainName=f"db.{NAME}", CertificateAuthorityArn=AUTHORITY)
    cloud.internal("acm", "_Import", DomainName=f"old.{NAME}", Days=20)
    revoked = issued(cloud, acm, f"lost.{NAME}")
    cloud.internal("acm", "_Revoke", CertificateArn=revoked, Reason="KEY_COMPROMISE")
    cloud.advance(600)
    rows = acm.list_certificates()["CertificateSummaryList"]
    assert sorted((row["Type"], row["Status"]) for row in rows) == [
        ("AMAZON_ISSUED", "ISSUED"), ("AMAZON_ISSUED", "PENDING_VALIDATION"), ("AMAZON_ISSUED", "REVOKED"),
        ("IMPORTED", "ISSUED"), ("PRIVATE", "ISSUED")]
    for row in rows:
        shown = describe(acm, row["CertificateArn"])
        assert (shown["Type"], shown["Status"], shown["DomainName"]) == (row["Type"], row["Status"], row["DomainName"])


def test_a_list_is_walked_by_botocores_own_paginator(acm):
    for number in range(5):
        request(acm, f"n{number}.{NAME}")
    pages = list(acm.get_paginator("list_certificates").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["CertificateSummaryList"]) for page in pages] == [2, 2, 1]
    names = [row["DomainName"] for page in pages for row in page["CertificateSummaryList"]]
    assert names == [f"n{number}.{NAME}" for number in range(5)]


def test_botocores_waiter_sees_the_issuance(cloud, acm):
    arn = issued(cloud, acm, NAME)
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"MaxAttempts": 1})


def test_tags_are_kept_and_taken_away(acm):
    arn = request(acm, NAME, Tags=[{"Key": "team", "Value": "web"}])
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "stage", "Value": "live"}])
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "team"}])
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "stage", "Value": "live"}]


def test_the_accounts_days_are_kept(acm):
    acm.put_account_configuration(ExpiryEvents={"DaysBeforeExpiry": 10}, IdempotencyToken="once")
    assert acm.get_account_configuration()["ExpiryEvents"]["DaysBeforeExpiry"] == 10


def test_app_runners_certificates_are_not_in_the_owners_list(world):
    arn = world.service()
    world.domain(arn, f"shop.{NAME}")
    world.cloud.internal("acm", "_Prove", DomainName=f"shop.{NAME}")
    world.cloud.advance(600)
    found, = world.api.describe_custom_domains(ServiceArn=arn)["CustomDomains"]
    assert found["Status"] == "active"
    assert world.cloud.client("acm").list_certificates()["CertificateSummaryList"] == []


def test_refusals_are_of_the_models_types(cloud, acm):
    arn = issued(cloud, acm, NAME)
    absent = arn.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
    assert "is in use by" in refused(acm.delete_certificate, "ResourceInUseException", CertificateArn=arn)
    for call in (acm.describe_certificate, acm.delete_certificate, acm.list_tags_for_certificate, acm.renew_certificate):
        assert absent in refused(call, "ResourceNotFoundException", CertificateArn=absent)
    assert "private" in refused(acm.renew_certificate, "ValidationException", CertificateArn=arn)
    pending = request(acm, f"www.{NAME}")
    refused(acm.renew_certificate, "RequestInProgressException", CertificateArn=pending)
    refused(acm.describe_certificate, "InvalidArnException",
            CertificateArn="arn:aws:acm:eu-west-1:123456789012:something/else")
    refused(acm.describe_certificate, "ValidationException", CertificateArn="no arn, but long enough")
    refused(acm.request_certificate, "ValidationException", DomainName="-octank.dev")
    refused(acm.request_certificate, "LimitExceededException", DomainName=NAME,
            SubjectAlternativeNames=[f"n{number}.{NAME}" for number in range(11)])
    refused(acm.import_certificate, "ValidationException", Certificate=b"no PEM", PrivateKey=b"no PEM")
