"""The pages of a made-up fleet, and a browser that shows them."""

import os
import subprocess
import warnings
from pathlib import Path

import pytest

import browser as driver

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS_MAX = 1800


def make(*paths, flags=()):
    """The page of the sample; a second path gets its report, a third what Security Hub is told."""
    command = ["cargo", "run", "--quiet", "--locked", "--package", "pitcrew-core", "--example", "audit_page", "--"]
    subprocess.run([*command, *flags, *map(str, paths)], cwd=ROOT, timeout=BUILD_SECONDS_MAX, check=True)
    return paths[0]


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """The page of a fleet whose names try to run."""
    return make(tmp_path_factory.mktemp("page") / "audit.html", flags=["--hostile"])


@pytest.fixture(scope="session")
def fleet(tmp_path_factory):
    """The page of 300 services, in which each rule about services finds something at every third."""
    return make(tmp_path_factory.mktemp("fleet") / "audit.html", flags=["--fleet", "300"])


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """The page of a first run that met nothing."""
    return make(tmp_path_factory.mktemp("empty") / "audit.html", flags=["--empty"])


@pytest.fixture(scope="session")
def shots(tmp_path_factory):
    """Where screenshots go: the folder that PITCREW_SCREENSHOTS names, else one of pytest's."""
    named = os.environ.get("PITCREW_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    path = driver.find()
    if path is None:
        why = f"no browser was found (PITCREW_BROWSER, or one of {', '.join(driver.NAMES)}): the page was NOT looked at"
        if os.environ.get("PITCREW_BROWSER_REQUIRED"):
            pytest.fail(why)
        warnings.warn(f"SKIPPED: {why}", stacklevel=1)
        pytest.skip(why)
    started = driver.Browser(path, tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def show(browser):
    """Opens a file; the tab is closed when the test ends."""
    tabs = []

    def opened(path, **options):
        tabs.append(browser.open(path, **options))
        return tabs[-1]

    yield opened
    for tab in tabs:
        tab.close()
