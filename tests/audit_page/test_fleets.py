"""The page of other fleets than the sample's: a large one, none at all, one with names in other scripts."""

from pathlib import Path

import pytest

from conftest import make

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
VISIBLE = "Array.from(document.querySelectorAll('.finding')).filter((one) => one.checkVisibility()).length"
BYTES_MAX = 6_000_000
# Right to left twice, an emoji of several characters, and a word that no line can hold.
ODD = "שירות-مرحبا-👩‍💻-" + "long" * 40
WIDTHS = [1280, 390, 320]


@pytest.fixture(scope="session")
def odd(tmp_path_factory):
    return make(tmp_path_factory.mktemp("odd") / "audit.html", flags=["--name", ODD])


@pytest.fixture(params=["fleet", "empty", "odd"])
def other(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_can_be_read(show, other, width):
    tab = show(other, width=width)
    assert tab.complaints() == []
    assert tab.value(OVERFLOW) <= 0
    assert tab.value(CONTRAST)["bad"] == []


def test_every_link_leads_somewhere(show, other):
    links = "Array.from(document.querySelectorAll('a[href]')).filter((one) => !document.querySelector(one.getAttribute('href')))"
    assert show(other).value(f"{links}.map((one) => one.outerHTML)") == []


def test_a_large_fleet_is_one_file_that_a_phone_opens(show, fleet, shots):
    assert fleet.stat().st_size < BYTES_MAX
    tab = show(fleet, width=390)
    assert tab.value("document.querySelectorAll('.finding').length") == 4000
    assert tab.value(VISIBLE) < 40, "the rest is folded"
    assert tab.value("Array.from(document.querySelectorAll('tbody tr')).filter((one) => one.checkVisibility()).length") < 60
    tab.screenshot(shots / "fleet-390.png", whole=False)


def test_a_large_fleet_is_searched(show, fleet):
    tab = show(fleet)
    tab.value("needle.value = 'service7 certificate'; needle.dispatchEvent(new Event('input', { bubbles: true }))")
    found = tab.value("Array.from(document.querySelectorAll('.finding')).filter((one) => one.checkVisibility())"
                      ".map((one) => one.closest('details').querySelector('h3').textContent)")
    assert found and all("service7" in name for name in found)
    assert tab.value("shown.textContent") == f"{len(found)} of 4000 shown"


def test_a_first_run_without_services_says_so(show, empty):
    text = show(empty).value("document.querySelector('header').innerText + document.querySelector('main').innerText")
    for said in ["Nothing found", "No service was audited.", "A trend needs two runs.", "No certificate of a custom domain was seen.",
                 "No finding is open.", "no earlier run"]:
        assert said in text, said


def test_a_name_in_another_script_turns_nothing_else_around(show, odd):
    tab = show(odd)
    names = "Array.from(document.querySelectorAll('bdi')).filter((one) => one.textContent.includes('שירות'))"
    assert tab.value(f"{names}.length") >= 2
    assert tab.value(f"{names}.every((one) => getComputedStyle(one).unicodeBidi === 'isolate')") is True
    marked = "Array.from(document.querySelectorAll('.key, .domain')).filter((one) => one.textContent && !one.querySelector('bdi'))"
    assert tab.value(f"{marked}.length") == 0
