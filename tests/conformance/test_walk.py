"""The walk in tests/cloud/README.md works as it is written: with template, functions and clock, by boto3 alone."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cloud import REGION, Process

README = Path(__file__).resolve().parents[1] / "cloud" / "README.md"
# The functions may have to be built first, on a machine that builds nothing else.
START_SECONDS_MAX = 900
WALK_SECONDS_MAX = 120


class WholeCloud(Process):
    """The cloud as `cargo cloud` starts it."""

    ARGUMENTS = ["serve", "--port", "0", "--json", "--slack-off"]
    START_SECONDS_MAX = START_SECONDS_MAX


@pytest.fixture
def said(binary):
    """What a whole cloud says about itself; it ends with the test."""
    with tempfile.TemporaryFile("w+") as log:
        process = WholeCloud(binary, log)
        try:
            yield process.said()
        finally:
            process.stop()


def walk():
    text = README.read_text(encoding="utf-8")
    (code,) = re.findall(r"<!-- walk:begin -->\n```python\n(.*?)```\n<!-- walk:end -->", text, re.DOTALL)
    return code


def test_the_walk_of_the_readme_ends_with_a_rollback(said, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ENDPOINT_URL": said["endpoint"], "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": said["access_key_id"], "AWS_SECRET_ACCESS_KEY": said["secret_access_key"],
        "PITCREW_TABLE": said["outputs"]["TableName"],
    }
    ran = subprocess.run([sys.executable, "-c", walk()], capture_output=True, text=True, env=environment, cwd=tmp_path,
                         timeout=WALK_SECONDS_MAX, check=False)
    assert ran.returncode == 0, ran.stderr
    printed = ran.stdout
    assert "UPDATE_SERVICE SUCCEEDED" in printed
    assert re.search(r"^serves .*/shop@sha256:[0-9a-f]{64}$", printed, re.MULTILINE), printed
    assert re.search(r"^told   shop: rolled back to shop@[0-9a-f]{12}$", printed, re.MULTILINE), printed
    assert "ours-succeeded" in printed
