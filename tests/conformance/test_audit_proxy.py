"""`pitcrew audit` goes through the proxy that the environment names, as every command does: with its first call and with the
thousands of its walk. The proxies are small ones on loopback; nothing leaves the machine."""

import http.server
import threading
import urllib.error
import urllib.request

import pytest

from audits import DONE, FAILED, Audits

HOP = {"connection", "proxy-connection", "host", "content-length", "transfer-encoding", "date", "server"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes on what is asked for in the clear; lets nobody through to where TLS would begin."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        request = urllib.request.Request(self.path, data=body or None, headers=headers, method=self.command)
        try:
            answer = DIRECT.open(request, timeout=60)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        # AWS's time, by which the audit goes, and not the proxy's own.
        self.send_header("Date", answer.headers["Date"])
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST

    def send_response(self, code, message=None):
        self.send_response_only(code, message)

    def do_CONNECT(self):
        self.server.asked.append(self.path)
        self.send_error(502)

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.asked = []
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_call_of_an_audit_goes_through_the_proxy_but_where_no_proxy_is_wanted(cloud, world, operator, tmp_path, proxy):
    run = Audits(cloud, operator, tmp_path)
    world.service(ServiceName="shop")
    calls = len(cloud.history("call"))
    code, shown, stderr = run("--fail-on", "never", HTTP_PROXY=proxy.url)
    assert code == DONE and shown.count("1 service audited") == 1, stderr
    made = len(cloud.history("call")) - calls
    assert len(proxy.asked) >= made > 10 and all(path.startswith(cloud.endpoint) for path in proxy.asked)
    asked = len(proxy.asked)
    code, _, stderr = run("--fail-on", "never", HTTP_PROXY=proxy.url, NO_PROXY="127.0.0.1")
    assert (code, len(proxy.asked)) == (DONE, asked), stderr


def test_aws_itself_is_reached_through_a_tunnel_of_the_proxy(cloud, operator, tmp_path, proxy):
    run = Audits(cloud, operator, tmp_path)
    code, shown, stderr = run(HTTPS_PROXY=proxy.url, AWS_ENDPOINT_URL=None)
    assert (code, shown) == (FAILED, "") and "check the network, HTTPS_PROXY" in stderr, stderr
    assert set(proxy.asked) == {"sts.eu-west-1.amazonaws.com:443"}
