"""Each test gets a cloud of its own: no test can lean on, or trip over, what another left behind."""

import tempfile

import pytest

from cloud import Process
from world import World


@pytest.fixture
def cloud(binary):
    """A bare cloud. After the test, every answer that it gave must have fitted the model."""
    with tempfile.TemporaryFile("w+") as log:
        process = Process(binary, log)
        try:
            cloud = process.cloud()
            yield cloud
        finally:
            process.stop()
    assert [str(problem) for problem in cloud.problems] == []


@pytest.fixture
def world(cloud):
    return World(cloud)
