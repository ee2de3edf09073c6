"""Starts the local cloud, bare, and talks to it as any user of boto3 would; listens to what goes over the wire.

Every successful answer is judged by the model as it arrives (`Cloud.problems`), before botocore makes it nicer: botocore
drops members that it does not know and turns numbers into dates.
"""

import json
import os
import queue
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from judge import is_excepted, problems_of_answer

REGION = "eu-west-1"
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10


@dataclass
class Answer:
    """One answer as it came over the wire; the names of its headers in lower case."""

    operation: str
    status: int
    headers: dict
    body: dict

    @property
    def code(self):
        """The error's code: `__type` without the namespace that AWS may put before `#`."""
        return self.body.get("__type", "").rpartition("#")[2] if isinstance(self.body, dict) else ""


@dataclass
class Cloud:
    endpoint: str
    access_key_id: str
    secret_access_key: str
    control: str
    dns: str
    answers: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    def client(self, service="apprunner", **changed):
        """A client that checks nothing itself: what is refused, the cloud refuses."""
        keys = {"aws_access_key_id": self.access_key_id, "aws_secret_access_key": self.secret_access_key, **changed}
        config = Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=30,
            user_agent_extra="pitcrew-conformance",
        )
        client = boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, config=config, **keys)
        if service == "apprunner":
            client.meta.events.register("after-call.apprunner", self._listen)
        return client

    def _listen(self, http_response, model, **_):
        body = json.loads(http_response.content or b"null")
        answer = Answer(model.name, http_response.status_code, _lower(http_response.headers), body)
        self.answers.append(answer)
        if answer.status == 200:
            self.problems += [problem for problem in problems_of_answer(model.name, body) if not is_excepted(problem)]

    def last(self):
        return self.answers[-1]

    def raw(self, operation, body, **changed):
        """One signed call with any body (a JSON value, or bytes), past botocore's own serializer, which cannot write a
        list where the model wants a text. Answers with status, headers and decoded body."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AppRunner.{operation}"}
        request = AWSRequest("POST", f"{self.endpoint.rstrip('/')}/", headers=headers, data=content)
        keys = Credentials(changed.get("access_key_id", self.access_key_id),
                           changed.get("secret_access_key", self.secret_access_key))
        if changed.get("signed", True):
            SigV4Auth(keys, "apprunner", REGION).add_auth(request)
        sent = urllib.request.Request(request.url, data=content, headers=dict(request.headers.items()), method="POST")
        try:
            with urllib.request.urlopen(sent, timeout=30) as response:
                return Answer(operation, response.status, _lower(response.headers), _decoded(response.read()))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(operation, refused.code, _lower(refused.headers), _decoded(refused.read()))

    def advance(self, seconds):
        """Lets time pass in the cloud."""
        return self._post("advance", {"seconds": seconds})

    def settle(self):
        """Lets time pass until nothing is left to do, two hours at most: the longest operation takes less."""
        return self._post("settle", {"up_to_seconds": 7200})

    def internal(self, service, operation, **members):
        """Something that AWS or the world does, and that no API call can."""
        return self._post("internal", {"service": service, "operation": operation, "input": members})

    def switch(self, name, value):
        """How the cloud behaves where the facts are open."""
        return self._post("switches", {name: value}, "PUT")

    def history(self, kind):
        """What of this kind has happened so far."""
        with urllib.request.urlopen(f"{self.control.rstrip('/')}/history?kind={kind}", timeout=60) as response:
            return [json.loads(line) for line in response.read().splitlines() if line]

    def _post(self, path, body, method="POST"):
        request = urllib.request.Request(
            f"{self.control.rstrip('/')}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or b"null")


def _lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def _decoded(content):
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


class Process:
    """A started cloud. `stop` ends it, and it alone."""

    ARGUMENTS = ["serve", "--port", "0", "--json", "--bare"]
    START_SECONDS_MAX = START_SECONDS_MAX

    def __init__(self, binary, log):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.log = log
        self.process = subprocess.Popen(
            [binary, *self.ARGUMENTS],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        )

    def cloud(self):
        """The cloud, once it has said where it is."""
        said = self.said()
        return Cloud(*(said[name] for name in ("endpoint", "access_key_id", "secret_access_key", "control", "dns")))

    def said(self):
        """What it says about itself when it is ready."""
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        try:
            return json.loads(lines.get(timeout=self.START_SECONDS_MAX))
        except (queue.Empty, ValueError) as error:
            self.stop()
            self.log.seek(0)
            raise RuntimeError(f"the local cloud did not start: {self.log.read()}") from error

    def _read(self, lines):
        """Reads all of its output, so that a full pipe cannot stop it. Its end is an empty line, so that nobody waits for a
        word that will not come."""
        for line in self.process.stdout:
            lines.put(line)
        lines.put("")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
