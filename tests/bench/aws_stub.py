"""A stand-in for DynamoDB on loopback: it answers the one `Query` that a scenario makes, over http or over TLS.

It knows nothing else; any other call is answered with an error, which fails the scenario.
"""

import contextlib
import http.server
import pathlib
import ssl
import subprocess
import tempfile

from runtime_host import Server

EMPTY_QUERY = b'{"Count":0,"Items":[],"ScannedCount":0}'
# Where systems keep their root certificates in one file.
BUNDLES = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"]


def bundle():
    """The file of this machine that holds its root certificates."""
    found = next((path for path in map(pathlib.Path, BUNDLES) if path.exists()), None)
    if found is None:
        raise OSError(f"no root certificates in any of {', '.join(BUNDLES)}")
    return found


class DynamoDb(http.server.BaseHTTPRequestHandler):
    """Answers `Query` with no items. `calls` counts what was asked."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    calls: list

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").split(".")[-1]
        self.calls.append(operation)
        status, body = (200, EMPTY_QUERY) if operation == "Query" else (400, b'{"__type":"UnknownOperationException"}')
        # One write: `send_response` adds the Date that the functions read.
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()


@contextlib.contextmanager
def plain(calls):
    """An http endpoint; yields the variables that lead a function to it."""
    with Server(type("Stub", (DynamoDb,), {"calls": calls})) as server:
        yield {"AWS_ENDPOINT_URL": f"http://{server.address}"}


@contextlib.contextmanager
def tls(calls):
    """An https endpoint with a certificate of a root made for this run; yields the variables for it.

    The function reads its roots from one file, this machine's bundle and the new root, as many as a real one reads.
    """
    with tempfile.TemporaryDirectory(prefix="pitcrew-bench-") as folder:
        folder = pathlib.Path(folder)
        certificates(folder)
        roots = folder / "roots.pem"
        roots.write_bytes(bundle().read_bytes() + b"\n" + (folder / "root.pem").read_bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
        context.set_alpn_protocols(["http/1.1"])
        with Server(type("Stub", (DynamoDb,), {"calls": calls})) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            yield {"AWS_ENDPOINT_URL": f"https://localhost:{server.server_port}", "SSL_CERT_FILE": str(roots)}


CONFIG = """[req]
prompt = no
distinguished_name = name
x509_extensions = root
[name]
CN = {name}
[root]
basicConstraints = critical,CA:TRUE
[leaf]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost
"""


def certificates(folder):
    """A root and a certificate for `localhost`, valid for a day; RSA, as AWS's endpoints have."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder, timeout=60)

    (folder / "root.cnf").write_text(CONFIG.format(name="pitcrew bench root"))
    (folder / "leaf.cnf").write_text(CONFIG.format(name="localhost"))
    new = ["req", "-newkey", "rsa:2048", "-nodes"]
    openssl(*new, "-x509", "-days", "1", "-config", "root.cnf", "-keyout", "root.key", "-out", "root.pem")
    openssl(*new, "-config", "leaf.cnf", "-keyout", "leaf.key", "-out", "leaf.csr")
    sign = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "leaf.cnf", "-extensions", "leaf"]
    openssl("x509", "-req", "-in", "leaf.csr", "-days", "1", *sign, "-out", "leaf.pem")
