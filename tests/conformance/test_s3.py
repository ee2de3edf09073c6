"""S3 by boto3, which checks what it gets: bytes come back as they were, pages follow each other, and every refusal is S3's own.

What goes over the wire is looked at as well, as botocore hides much of it: addresses, bodies in `aws-chunked`, the XML.
"""

import base64
import hashlib
import io
import urllib.error
import urllib.request
import zlib
from xml.etree import ElementTree

import boto3
import botocore.session
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from cloud import REGION

MODEL = botocore.session.get_session().get_service_model("s3")
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
# The root of an answer's document, where it is not the name of what it holds (S3 API reference).
ROOTS = {"ListObjectsV2": "ListBucketResult", "ListBuckets": "ListAllMyBucketsResult",
         "GetBucketVersioning": "VersioningConfiguration"}
BUCKET = "octank-audit"
# Not a text in any encoding, and with line ends that a careless parser of chunks would trip over.
BYTES = bytes(range(256)) + b"\r\n0\r\n\r\n" + b"\xff" * 1000


class Store:
    """S3 of a fresh cloud, with one bucket in it."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.api = cloud.client("s3")
        self.sent, self.answers = [], []
        self.api.meta.events.register("before-send.s3", self._send)
        self.api.meta.events.register("after-call.s3", self._listen)
        self.api.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def _send(self, request, **_):
        self.sent.append(request)

    def _listen(self, http_response, model, **_):
        self.answers.append(http_response)
        content = http_response.content if http_response.status_code == 200 and not model.has_streaming_output else b""
        if content:
            root = ElementTree.fromstring(content)
            shape, name = model.output_shape, ROOTS.get(model.name)
            payload = shape.serialization.get("payload")
            shape, name = (shape.members[payload], payload) if payload else (shape, name)
            assert root.tag == NAMESPACE + name
            self.cloud.problems += list(unknown(shape, root, name))

    def put(self, key, body=b"", **more):
        return self.api.put_object(Bucket=BUCKET, Key=key, Body=body, **more)

    def get(self, key, **more):
        return self.api.get_object(Bucket=BUCKET, Key=key, **more)

    def raw(self, method, path, data=b"", headers=None):
        """One signed call past botocore's own serializer: status, headers and body."""
        request = AWSRequest(method, self.cloud.endpoint.rstrip("/") + path, headers=headers or {}, data=data)
        S3SigV4Auth(Credentials(self.cloud.access_key_id, self.cloud.secret_access_key), "s3", REGION).add_auth(request)
        signed = {**dict(request.headers.items()), **(headers or {})}
        sent = urllib.request.Request(request.url, data=data or None, headers=signed, method=method)
        try:
            with urllib.request.urlopen(sent, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read()


def unknown(shape, element, path):
    """Elements that the model does not have."""
    names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
    for child in element:
        tag = child.tag.removeprefix(NAMESPACE)
        member = names.get(tag)
        if member is None:
            yield f"{path}.{tag}: unknown"
            continue
        flattened = member.type_name == "list" and member.serialization.get("flattened")
        inner = member.member if flattened else member
        if inner.type_name == "structure":
            yield from unknown(inner, child, f"{path}.{tag}")


def refused(call, code, status, **request):
    """The error of a call that must be refused."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    return answer["Error"]


def crc32(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


@pytest.fixture
def store(cloud):
    yield Store(cloud)
    assert cloud.history("fault") == [], "no answer lost a member on the wire"


@pytest.mark.parametrize("content", [b"", b"text", BYTES], ids=["nothing", "text", "octets"])
def test_bytes_come_back_as_they_were(store, content):
    made = store.put("reports/2026/a.html", content, ContentType="text/html; charset=utf-8", CacheControl="no-store",
                     ContentEncoding="identity", Metadata={"run": "7", "zone": "a"})
    assert made["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (crc32(content), "FULL_OBJECT")
    assert made["ServerSideEncryption"] == "AES256"
    for call in (store.api.get_object, store.api.head_object):
        read = call(Bucket=BUCKET, Key="reports/2026/a.html", ChecksumMode="ENABLED")
        told = [read[name] for name in ("ContentType", "CacheControl", "ContentEncoding", "Metadata", "ETag", "ContentLength")]
        assert told == ["text/html; charset=utf-8", "no-store", "identity", {"run": "7", "zone": "a"}, made["ETag"], len(content)]
        assert read["ChecksumCRC32"] == made["ChecksumCRC32"]
        if "Body" in read:
            assert read["Body"].read() == content
    assert read["ResponseMetadata"]["RequestId"] and read["ResponseMetadata"]["HostId"]


def test_a_bucket_at_an_ip_address_is_in_the_path(store):
    store.put("a/b c")
    assert store.sent[-1].url == f"{store.cloud.endpoint.rstrip('/')}/{BUCKET}/a/b%20c"


def test_the_time_of_an_object_is_the_clouds(store):
    store.put("a")
    first = store.api.head_object(Bucket=BUCKET, Key="a")["LastModified"]
    store.cloud.advance(3600)
    store.put("a")
    assert 3600 <= (store.get("a")["LastModified"] - first).total_seconds() < 3700
    assert store.api.list_objects_v2(Bucket=BUCKET)["Contents"][0]["LastModified"] == store.get("a")["LastModified"]


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_a_checksum_of_choice_is_kept(store, algorithm):
    made = store.put("a", BYTES, ChecksumAlgorithm=algorithm)
    sums = {"CRC32": crc32(BYTES), "SHA256": base64.b64encode(hashlib.sha256(BYTES).digest()).decode()}
    assert made[f"Checksum{algorithm}"] == sums[algorithm]
    # botocore compares the bytes with what the answer says.
    read = store.get("a")
    assert read["Body"].read() == BYTES and read[f"Checksum{algorithm}"] == sums[algorithm]
    assert store.api.list_objects_v2(Bucket=BUCKET)["Contents"][0]["ChecksumAlgorithm"] == [algorithm]


def test_without_a_checksum_s3_makes_its_own(store):
    calm = Config(request_checksum_calculation="when_required", response_checksum_validation="when_required")
    plain = boto3.client("s3", region_name=REGION, endpoint_url=store.cloud.endpoint, config=calm,
                         aws_access_key_id=store.cloud.access_key_id,
                         aws_secret_access_key=store.cloud.secret_access_key)
    # The catalogue's check value of CRC-64/NVME.
    made = plain.put_object(Bucket=BUCKET, Key="a", Body=b"123456789")
    assert base64.b64decode(made["ChecksumCRC64NVME"]).hex() == "ae8b14860a799888"
    assert not [name for name in plain.get_object(Bucket=BUCKET, Key="a") if name.startswith("Checksum")]


def test_a_wrong_checksum_is_refused(store):
    refused(store.put, "BadDigest", 400, key="a", body=b"one", ChecksumCRC32=crc32(b"two"))
    refused(store.put, "BadDigest", 400, key="a", body=b"one", ContentMD5=base64.b64encode(bytes(16)).decode())
    refused(store.put, "NotImplemented", 501, key="a", body=b"one", ChecksumAlgorithm="SHA1")
    refused(store.get, "NoSuchKey", 404, key="a")


def chunked(content, size, trailer):
    parts = [content[at:at + size] for at in range(0, len(content), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return body + b"0\r\n" + trailer.encode() + b"\r\n\r\n"


def headers_of_chunks(content):
    return {"Content-Encoding": "aws-chunked", "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "X-Amz-Decoded-Content-Length": str(len(content)), "X-Amz-Trailer": "x-amz-checksum-crc32",
            "X-Amz-Sdk-Checksum-Algorithm": "CRC32", "Content-Type": "text/plain"}


def test_a_body_in_chunks_is_joined_and_its_trailing_checksum_checked(store):
    headers = headers_of_chunks(BYTES)
    right = chunked(BYTES, 300, f"x-amz-checksum-crc32:{crc32(BYTES)}")
    status, told, _ = store.raw("PUT", f"/{BUCKET}/a", right, headers)
    assert (status, told["x-amz-checksum-crc32"]) == (200, crc32(BYTES))
    read = store.get("a")
    assert read["Body"].read() == BYTES and "ContentEncoding" not in read
    for body, code in [
        (chunked(BYTES, 300, f"x-amz-checksum-crc32:{crc32(b'')}"), "BadDigest"),
        (chunked(BYTES, 300, f"x-amz-checksum-crc32:{crc32(BYTES)}")[:-400], "IncompleteBody"),
        (chunked(BYTES, 300, ""), "MalformedTrailerError"),
        (chunked(BYTES[1:], 300, f"x-amz-checksum-crc32:{crc32(BYTES[1:])}"), "IncompleteBody"),
    ]:
        status, _, answer = store.raw("PUT", f"/{BUCKET}/b", body, headers)
        assert (status, ElementTree.fromstring(answer).findtext("Code")) == (400, code)
    refused(store.get, "NoSuchKey", 404, key="b")


def test_what_botocore_streams_arrives(store):
    class Once(io.RawIOBase):
        """A body that cannot be read twice."""

        def __init__(self, content):
            self.content = io.BytesIO(content)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.content.readinto(buffer)

        def seekable(self):
            return True

        def seek(self, *where):
            return self.content.seek(*where)

        def tell(self):
            return self.content.tell()

    store.put("a", Once(BYTES))
    store.api.upload_fileobj(io.BytesIO(BYTES), BUCKET, "b")
    assert [store.get(key)["Body"].read() for key in ("a", "b")] == [BYTES, BYTES]


def test_a_write_can_ask_that_nothing_is_there(store):
    store.put("state", b"1", IfNoneMatch="*")
    error = refused(store.put, "PreconditionFailed", 412, key="state", body=b"2", IfNoneMatch="*")
    assert error["Condition"] == "If-None-Match"
    assert store.get("state")["Body"].read() == b"1"
    store.api.delete_object(Bucket=BUCKET, Key="state")
    store.put("state", b"3", IfNoneMatch="*")


def test_a_write_can_ask_for_what_was_read(store):
    refused(store.put, "NoSuchKey", 404, key="state", body=b"0", IfMatch='"x"')
    first = store.put("state", b"1")["ETag"]
    second = store.put("state", b"2", IfMatch=first)["ETag"]
    assert refused(store.put, "PreconditionFailed", 412, key="state", body=b"3", IfMatch=first)["Condition"] == "If-Match"
    assert (store.get("state", IfMatch=second)["Body"].read(), first != second) == (b"2", True)
    refused(store.get, "PreconditionFailed", 412, key="state", IfMatch=first)
    refused(store.get, "304", 304, key="state", IfNoneMatch=second)


KEYS = ["B", "a b+c&d%2F", "a/1", "a/2", "b/x/1", "b/y", "b<&>\"'", "z\u0007", "\u00e9", "\U0001f600"]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_pages_show_every_key_once_and_in_order(store, size):
    for key in reversed(KEYS):
        store.put(key)
    pages = list(store.api.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": size}))
    shown = [row["Key"] for page in pages for row in page.get("Contents", [])]
    assert shown == sorted(KEYS, key=str.encode)
    assert [page["KeyCount"] for page in pages] == [len(page["Contents"]) for page in pages]
    assert len(pages) == -(-len(KEYS) // size)
    assert [store.get(key)["ContentLength"] for key in KEYS] == [0] * len(KEYS)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_delimiter_makes_one_row_of_many_keys(store, size):
    for key in KEYS:
        store.put(key)
    pages = store.api.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": size})
    pages = list(pages)
    commons = [row["Prefix"] for page in pages for row in page.get("CommonPrefixes", [])]
    keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
    assert commons == ["a/", "b/"] and keys == sorted((key for key in KEYS if "/" not in key), key=str.encode)
    inside = store.api.list_objects_v2(Bucket=BUCKET, Prefix="b/", Delimiter="/")
    assert [row["Prefix"] for row in inside["CommonPrefixes"]] == ["b/x/"]
    assert [row["Key"] for row in inside["Contents"]] == ["b/y"]


def test_a_listing_begins_where_it_is_told_to(store):
    for key in ("a", "b", "c"):
        store.put(key)
    answer = store.api.list_objects_v2(Bucket=BUCKET, StartAfter="a", MaxKeys=1)
    assert [row["Key"] for row in answer["Contents"]] == ["b"]
    assert (answer["IsTruncated"], answer["MaxKeys"], answer["StartAfter"]) == (True, 1, "a")
    refused(store.api.list_objects_v2, "InvalidArgument", 400, Bucket=BUCKET, ContinuationToken="x")


def test_a_bucket_tells_how_it_is_set_up(store):
    rules = store.api.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    closed = store.api.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True} and len(closed) == 4
    assert "Status" not in store.api.get_bucket_versioning(Bucket=BUCKET)
    assert [row["Name"] for row in store.api.list_buckets()["Buckets"]] == [BUCKET]
    assert store.api.head_bucket(Bucket=BUCKET)["BucketRegion"] == REGION


def test_what_is_not_there_is_told_in_s3s_words(store):
    error = refused(store.get, "NoSuchKey", 404, key="a")
    assert (error["Message"], error["Key"]) == ("The specified key does not exist.", "a")
    error = refused(store.api.get_object, "NoSuchBucket", 404, Bucket="octank-other", Key="a")
    assert (error["Message"], error["BucketName"]) == ("The specified bucket does not exist", "octank-other")
    refused(store.api.head_object, "404", 404, Bucket=BUCKET, Key="a")
    refused(store.api.head_bucket, "404", 404, Bucket="octank-other")
    status, _, body = store.raw("HEAD", f"/{BUCKET}/a")
    assert (status, body) == (404, b"")
    assert store.api.delete_object(Bucket=BUCKET, Key="a")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_an_error_has_no_wrapper(store):
    status, headers, body = store.raw("GET", f"/{BUCKET}/a")
    root = ElementTree.fromstring(body)
    assert (status, root.tag, headers["content-type"]) == (404, "Error", "application/xml")
    assert [child.tag for child in root] == ["Code", "Message", "Key", "RequestId", "HostId"]
    assert headers["x-amz-request-id"] == root.findtext("RequestId")


def test_a_bucket_is_made_once_and_deleted_empty(store):
    here = {"LocationConstraint": REGION}
    refused(store.api.create_bucket, "BucketAlreadyOwnedByYou", 409, Bucket=BUCKET, CreateBucketConfiguration=here)
    refused(store.api.create_bucket, "InvalidBucketName", 400, Bucket="Octank", CreateBucketConfiguration=here)
    refused(store.api.create_bucket, "IllegalLocationConstraintException", 400, Bucket="octank-other")
    store.put("a")
    refused(store.api.delete_bucket, "BucketNotEmpty", 409, Bucket=BUCKET)
    store.api.delete_object(Bucket=BUCKET, Key="a")
    store.api.delete_bucket(Bucket=BUCKET)
    refused(store.get, "NoSuchBucket", 404, key="a")


def test_what_is_not_served_is_refused_by_name(store):
    store.put("a", b"abc")
    for call, request, named in [
        (store.api.get_object, {"Key": "a", "Range": "bytes=0-1"}, "Range"),
        (store.api.get_object, {"Key": "a", "VersionId": "x"}, "VersionId"),
        (store.api.put_object, {"Key": "a", "Tagging": "a=b"}, "Tagging"),
        (store.api.put_object, {"Key": "a", "ACL": "public-read"}, "ACL"),
        (store.api.copy_object, {"Key": "b", "CopySource": f"{BUCKET}/a"}, "x-amz-copy-source"),
        (store.api.get_object_acl, {"Key": "a"}, "acl"),
        (store.api.create_multipart_upload, {"Key": "a"}, "uploads"),
        (store.api.list_objects, {}, f"GET /{BUCKET}"),
        (store.api.list_object_versions, {}, "versions"),
        (store.api.put_bucket_versioning, {"VersioningConfiguration": {"Status": "Enabled"}}, "versioning"),
    ]:
        error = refused(call, "NotImplemented", 501, Bucket=BUCKET, **request)
        assert named in error["Message"]


def test_a_role_sees_and_writes_what_its_policy_names(store):
    role = "arn:aws:iam::123456789012:role/audit"
    arn = f"arn:aws:s3:::{BUCKET}"
    allow = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/reports/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn, "Condition": {"StringLike": {"s3:prefix": "reports/*"}}},
    ]
    policy = {"role_arn": role, "name": "own", "document": {"Version": "2012-10-17", "Statement": allow}}
    store.cloud._post("policies", policy, "PUT")
    store.cloud.internal("sts", "_Trust", RoleArn=role, Principal="123456789012")
    keys = store.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="audit")["Credentials"]
    api = store.cloud.client("s3", aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
                             aws_session_token=keys["SessionToken"])
    api.put_object(Bucket=BUCKET, Key="reports/a", Body=b"1")
    assert api.get_object(Bucket=BUCKET, Key="reports/a")["Body"].read() == b"1"
    assert api.list_objects_v2(Bucket=BUCKET, Prefix="reports/")["KeyCount"] == 1
    refused(api.put_object, "AccessDenied", 403, Bucket=BUCKET, Key="other", Body=b"1")
    refused(api.list_objects_v2, "AccessDenied", 403, Bucket=BUCKET)
    refused(api.delete_object, "AccessDenied", 403, Bucket=BUCKET, Key="reports/a")
    # The role may read the key, and may not learn that it is missing: it cannot list without a prefix.
    error = refused(api.get_object, "AccessDenied", 403, Bucket=BUCKET, Key="reports/missing")
    assert f"s3:ListBucket on resource: {arn}" in error["Message"]


def test_an_unknown_key_is_refused_in_s3s_words(store):
    stranger = store.cloud.client("s3", aws_access_key_id="AKIASTRANGER")
    refused(stranger.list_buckets, "InvalidAccessKeyId", 403)
