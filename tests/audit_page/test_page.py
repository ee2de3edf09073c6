"""The page of an audit, as a browser shows it: in light and dark, wide and narrow, with a script and without."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CONTRAST = (FOLDER / "contrast.js").read_text(encoding="utf-8")
DRAWN = (FOLDER / "drawn.js").read_text(encoding="utf-8")
HOSTILE = "<img src=x onerror=\"window.ran=1\">"
# A desk, a phone, and the narrowest screen that WCAG asks for (1.4.10).
WIDTHS = [1280, 390, 320]
SCREENS = [(width, dark) for width in WIDTHS for dark in (False, True)]
screens = pytest.mark.parametrize(("width", "dark"), SCREENS, ids=[f"{width}-{'dark' if dark else 'light'}" for width, dark in SCREENS])

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@screens
def test_it_opens_without_a_complaint_and_asks_for_nothing(show, page, shots, width, dark):
    tab = show(page, width=width, dark=dark)
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith("data:")] == [page.as_uri()]
    shot = shots / f"audit-{width}-{'dark' if dark else 'light'}.png"
    tab.screenshot(shot)
    assert shot.stat().st_size > 20_000, "an empty page is smaller"


@screens
def test_it_is_never_wider_than_the_screen(show, page, width, dark):
    tab = show(page, width=width, dark=dark)
    assert tab.value(OVERFLOW) <= 0
    tab.value("document.querySelectorAll('details').forEach((details) => { details.open = true })")
    assert tab.value(OVERFLOW) <= 0


def test_what_is_too_wide_is_seen(show, page):
    tab = show(page, width=390)
    tab.value("document.querySelector('h1').style.width = '500px'")
    assert tab.value(OVERFLOW) > 0


@screens
def test_every_text_can_be_read(show, page, width, dark):
    tab = show(page, width=width, dark=dark)
    tab.value("document.querySelectorAll('details').forEach((details) => { details.open = true })")
    found = tab.value(CONTRAST)
    assert found["seen"] > 150 and found["bad"] == []


def test_a_text_that_cannot_be_read_is_seen(show, page):
    tab = show(page)
    tab.value("document.querySelector('h1').style.color = '#ccc'")
    assert len(tab.value(CONTRAST)["bad"]) == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_drawing_can_be_seen(show, page, dark):
    tab = show(page, dark=dark)
    found = tab.value(DRAWN)
    assert found["seen"] > 60 and found["bad"] == []


def test_a_drawing_that_cannot_be_seen_is_found(show, page):
    tab = show(page)
    tab.value("document.documentElement.style.setProperty('--medium-fill', '#fbf0c8')")
    assert any("f-medium" in bad for bad in tab.value(DRAWN)["bad"])


def test_names_show_and_do_not_run(show, page):
    tab = show(page)
    assert tab.value("window.ran") is None
    assert tab.value("document.images.length") == 0
    assert tab.value("document.scripts.length") == 1
    assert HOSTILE in tab.value("document.querySelector('#findings').parentElement.innerText")
    assert HOSTILE in tab.value("document.querySelector('#certificates').parentElement.innerText")


@pytest.mark.parametrize("markup", [HOSTILE, "<script>window.ran=1</script>", "<style>h1{display:none}</style>",
                                    "<img src='http://127.0.0.1:9/x.png'>"])
def test_what_got_in_all_the_same_is_stopped_by_the_policy(show, page, tmp_path, markup):
    """As if the escaping had failed. It shows too that these tests see such a thing."""
    broken = tmp_path / "broken.html"
    broken.write_text(page.read_text(encoding="utf-8").replace("<main id=\"top\">", f"<main>{markup}"), encoding="utf-8")
    tab = show(broken)
    assert tab.value("window.ran") is None
    assert tab.value("getComputedStyle(document.querySelector('h1')).display") == "block"
    assert any("Content Security Policy" in complaint for complaint in tab.complaints())


def test_without_the_policy_it_would_run(show, page, tmp_path):
    broken = tmp_path / "open.html"
    text = page.read_text(encoding="utf-8").replace("Content-Security-Policy", "x-nothing")
    broken.write_text(text.replace("<main id=\"top\">", "<main><script>window.ran=1</script>"), encoding="utf-8")
    assert show(broken).value("window.ran") == 1


def test_it_can_be_read_without_a_script(show, page):
    tab = show(page, scripts=False)
    assert tab.complaints() == []
    text = tab.value("document.body.innerText")
    assert "1 critical finding" in text and "pitcrew domains apply shop-checkout" in text
    assert tab.value("document.getElementById('controls').checkVisibility()") is False
    assert tab.value("Array.from(document.querySelectorAll('.copy')).some((button) => button.checkVisibility())") is False


def test_it_has_landmarks_and_an_order_of_headings(show, page):
    tab = show(page)
    for landmark in ["body > header", "main", "body > footer", "nav[aria-label]", "h1"]:
        assert tab.value(f"document.querySelectorAll('{landmark}').length") == 1, landmark
    unnamed = "Array.from(document.querySelectorAll('section')).filter((one) => !document.getElementById(one.getAttribute('aria-labelledby')))"
    assert tab.value(f"{unnamed}.length") == 0
    drawn = "svg:not([aria-hidden=true]):not([role=img][aria-label])"
    assert tab.value(f"document.querySelectorAll('{drawn}').length") == 0
    levels = tab.value("Array.from(document.querySelectorAll('h1, h2, h3, h4')).map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1 and all(later <= earlier + 1 for earlier, later in zip(levels, levels[1:]))
    ids = tab.value("Array.from(document.querySelectorAll('[id]')).map((one) => one.id)")
    assert len(ids) == len(set(ids))
    links = tab.value("Array.from(document.querySelectorAll('a[href^=\"#\"]')).map((one) => one.getAttribute('href').slice(1))")
    assert set(links) - set(ids) == set()


def test_each_grade_is_told_by_a_word_and_a_sign(show, page):
    badges = show(page).value("Array.from(document.querySelectorAll('.badge')).map((one) => one.className + ': ' + one.textContent)")
    signs = {"critical": "◆ Critical", "high": "▲ High", "medium": "■ Medium", "low": "● Low"}
    assert set(badges) == {f"badge {grade}: {text}" for grade, text in signs.items()}
