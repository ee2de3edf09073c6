"""Runs `pitcrew audit` against a local cloud, with nothing of the caller's environment that it would hear."""

import os
import pty
import select
import subprocess
import termios
from fcntl import ioctl
from struct import pack

from cloud import REGION

RUN_SECONDS_MAX = 120
DONE, FAILED, USAGE, FINDING, NOT_FOUND, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 5, 6, 130
PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


class Audits:
    """The command, and where it runs."""

    def __init__(self, cloud, operator, folder):
        ours = {name: value for name, value in os.environ.items()
                if not name.startswith(("AWS_", "PITCREW_")) and name.upper() not in PROXIES}
        self.environment = ours | {
            "AWS_ENDPOINT_URL": cloud.endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": cloud.access_key_id,
            "AWS_SECRET_ACCESS_KEY": cloud.secret_access_key, "HOME": str(folder), "PITCREW_RESOLVER": cloud.dns}
        self.operator = operator
        self.folder = folder

    def __call__(self, *arguments, **changed):
        """Exit code, stdout, stderr. A variable that is changed to None is not there."""
        environment = {name: value for name, value in (self.environment | changed).items() if value is not None}
        ran = subprocess.run([self.operator, "audit", *arguments], capture_output=True, text=True, env=environment,
                             cwd=self.folder, timeout=RUN_SECONDS_MAX, check=False)
        return ran.returncode, ran.stdout, ran.stderr

    def on_terminal(self, *arguments, columns=80, interrupt_at=None):
        """The same on a terminal: exit code, and all that it showed. Presses Ctrl-C once when this text has been shown."""
        ours, its = pty.openpty()
        ioctl(its, termios.TIOCSWINSZ, pack("HHHH", 24, columns, 0, 0))
        child = subprocess.Popen([self.operator, "audit", *arguments], stdin=its, stdout=its, stderr=its,
                                 env=self.environment, cwd=self.folder, start_new_session=True, close_fds=True,
                                 preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0))
        os.close(its)
        shown = b""
        try:
            while select.select([ours], [], [], RUN_SECONDS_MAX)[0]:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # Linux: nobody has the other end open any more.
                    break
                if not piece:
                    break
                shown += piece
                if interrupt_at and interrupt_at.encode() in shown:
                    os.write(ours, b"\x03")
                    interrupt_at = None
            return child.wait(RUN_SECONDS_MAX), shown.decode()
        finally:
            child.kill()
            child.wait()
            os.close(ours)


def fault(cloud, on, times=999, **do):
    """Orders a fault at the local cloud."""
    cloud._post("faults", {"on": on, "times": times, "do": do})


def auditor(cloud, action, resource="*"):
    """The variables of somebody who may do everything but this."""
    role = "arn:aws:iam::123456789012:role/auditor"
    statements = [{"Effect": "Allow", "Action": "*", "Resource": "*"},
                  {"Effect": "Deny", "Action": action, "Resource": resource}]
    policy = {"role_arn": role, "name": "own", "document": {"Version": "2012-10-17", "Statement": statements}}
    cloud._post("policies", policy, "PUT")
    cloud.internal("sts", "_Trust", RoleArn=role, Principal="123456789012")
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="audit")["Credentials"]
    return {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"]}
