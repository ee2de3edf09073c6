"""What the suites share: the binaries, built if need be."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD_SECONDS_MAX = 1800


def built(name):
    """The path of a binary. The whole workspace is selected, as everywhere: see .cargo/config.toml."""
    command = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bin", name]
    built = subprocess.run([*command, "--message-format", "json"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                           timeout=BUILD_SECONDS_MAX, check=True)
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == name:
            return message["executable"]
    raise RuntimeError(f"cargo built no binary named {name}")


@pytest.fixture(scope="session")
def binary():
    """The path of the local cloud's binary."""
    return built("pitcrew-cloud")


@pytest.fixture(scope="session")
def operator():
    """The path of the operator's command."""
    return built("pitcrew")
