"""One process of a Lambda function, started against a Lambda Runtime API of its own on loopback, and what it cost.

Owns the Runtime API, the process and the clock. It never talks to anything but loopback, never waits without a limit, and
ends only the process that it started, by its id.
"""

import http.server
import os
import pathlib
import queue
import signal
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field

LIMIT_SECONDS = 30
API = "/2018-06-01/runtime/"
HOME = "/var/task"


class Trouble(Exception):
    """The function did not do what the benchmark needs it to do."""


@dataclass(frozen=True)
class Sample:
    """What one start cost. Times in milliseconds, memory in megabytes (10^6 bytes)."""

    init_ms: float
    first_ms: float
    init_cpu_ms: float
    total_cpu_ms: float
    rss_mb: float
    hwm_mb: float


@dataclass
class Exchange:
    """What passes between the Runtime API's threads and the measurement."""

    event: bytes
    asked_at: queue.Queue = field(default_factory=queue.Queue)
    go: queue.Queue = field(default_factory=queue.Queue)
    sent_at: float = 0.0
    answered: queue.Queue = field(default_factory=queue.Queue)
    ended: threading.Event = field(default_factory=threading.Event)


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """The two calls of the Runtime API that a function makes: `next`, and an answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    exchange: Exchange

    def log_message(self, *_):
        pass

    def do_GET(self):
        now = time.perf_counter()
        exchange = self.exchange
        exchange.asked_at.put(now)
        if exchange.go.get() is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + LIMIT_SECONDS) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:bench",
            "Content-Type": "application/json",
            "Content-Length": str(len(exchange.event)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        exchange.sent_at = time.perf_counter()
        self.wfile.write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + exchange.event)

    def do_POST(self):
        body = self.body()
        self.exchange.answered.put((time.perf_counter(), self.path.removeprefix(API), body))
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)


class Server(http.server.ThreadingHTTPServer):
    """A server on a loopback port of its own, in a thread of its own, until its `with` block ends."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A function that is ended in the middle of a request is the rule here, not an error."""

    @property
    def address(self):
        return f"127.0.0.1:{self.server_port}"


def environment(runtime_api, memory_mb, extra):
    """What Lambda sets, and what the template adds; nothing of this machine's environment."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": HOME,
        "_HANDLER": "bootstrap",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "ASIABENCH",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_SESSION_TOKEN": "not-a-token",
        **extra,
    }


def cpu_ms(pid):
    """CPU time of all threads so far."""
    spent = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e6


def memory_mb(pid):
    """Resident memory now and at its highest."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("VmRSS", "VmHWM"))}
    return kilobytes["VmRSS"] * 1024 / 1e6, kilobytes["VmHWM"] * 1024 / 1e6


def wait(from_queue, output, what):
    try:
        return from_queue.get(timeout=LIMIT_SECONDS)
    except queue.Empty:
        said = pathlib.Path(output).read_text(errors="replace")[-2000:]
        raise Trouble(f"no {what} within {LIMIT_SECONDS} s; the function wrote:\n{said}") from None


def measure(binary, event, memory, extra, accept):
    """Starts the function, gives it one event, and ends it. `accept` judges its answer.

    init: from before the process is made to its first `next`. first: from the event's first byte sent to its answer read.
    """
    exchange = Exchange(event)
    handler = type("Api", (RuntimeApi,), {"exchange": exchange})
    with Server(handler) as api, tempfile.NamedTemporaryFile(prefix="pitcrew-bench-") as output:
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        env = environment(api.address, memory, extra)
        begun = time.perf_counter()
        pid = os.posix_spawn(binary, [str(binary)], env, file_actions=actions)
        try:
            asked_at = wait(exchange.asked_at, output.name, "first poll")
            init_cpu = cpu_ms(pid)
            exchange.go.put(True)
            answered_at, path, body = wait(exchange.answered, output.name, "answer")
            total_cpu, (rss, hwm) = cpu_ms(pid), memory_mb(pid)
            if not path.endswith("/response") or not accept(body):
                said = pathlib.Path(output.name).read_text(errors="replace")[-2000:]
                raise Trouble(f"an unexpected answer ({path}): {body.decode(errors='replace')}\n{said}")
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            exchange.go.put(None)
    first = answered_at - exchange.sent_at
    return Sample((asked_at - begun) * 1e3, first * 1e3, init_cpu, total_cpu, rss, hwm)
