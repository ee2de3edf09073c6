"""What a person does with the page of an audit: looks for something, copies, folds, prints, goes through it with the keyboard."""

from pathlib import Path

import pytest

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
VISIBLE = "Array.from(document.querySelectorAll('.finding')).filter((one) => one.checkVisibility()).length"
TURN = "new Promise((done) => setTimeout(done))"
OPEN = "Array.from(document.querySelectorAll('details')).map((one) => one.open)"


def write(tab, words):
    tab.value(f"needle.value = {words!r}; needle.dispatchEvent(new Event('input', {{ bubbles: true }}))")


def test_the_filter_finds_by_word_and_by_grade(show, page):
    tab = show(page)
    count = "Array.from(document.querySelectorAll('.finding')).filter((one) => one.checkVisibility()).length"
    everything = tab.value(count)
    tab.value("needle.value = 'SHOP-checkout token'; needle.dispatchEvent(new Event('input', { bubbles: true }))")
    assert tab.value(count) == 1
    assert tab.value("shown.textContent") == f"1 of {everything} shown"
    tab.value("needle.value = ''; document.querySelector('input[value=critical]').click()")
    assert tab.value(count) == everything - 1
    tab.value("document.querySelector('input[value=critical]').click()")
    assert tab.value(count) == everything and tab.value("shown.textContent") == ""


def test_what_is_found_stands_open_and_is_folded_again_afterwards(show, page):
    tab = show(page)
    tab.value("document.getElementById('fold').click(); document.querySelector('.group').open = true")
    before = tab.value(OPEN)
    write(tab, "egress-one-zone")
    assert tab.value(VISIBLE) == 1
    write(tab, "egress-one-zone shops")
    tab.value("document.querySelector('.controls [type=reset]').click()")
    assert tab.value(OPEN) == before
    assert tab.value("needle.value") == ""


def test_a_search_that_finds_nothing_says_so(show, page):
    tab = show(page)
    nothing = "document.getElementById('nothing').checkVisibility()"
    assert tab.value(nothing) is False
    write(tab, "no such thing")
    assert tab.value(nothing) is True and tab.value(VISIBLE) == 0


def test_all_can_be_opened_and_folded(show, page):
    tab = show(page)
    tab.value("document.getElementById('fold').click()")
    assert tab.value(VISIBLE) == 0
    tab.value("document.getElementById('unfold').click()")
    assert tab.value(VISIBLE) == tab.value("document.querySelectorAll('.finding').length")


def test_a_rule_and_a_grade_lead_to_their_findings(show, page):
    tab = show(page)
    link = "document.querySelector('.frequent a[data-find=observability-no-alarm]')"
    count = int(tab.value(f"{link}.closest('tr').querySelector('.num').textContent"))
    tab.value(f"{link}.click()")
    assert tab.value(VISIBLE) == count == 2
    tab.value("document.querySelector('a[data-only=high]').click()")
    assert tab.value(VISIBLE) == int(tab.value("document.querySelector('.t-high b').textContent"))
    assert tab.value("needle.value") == ""


def test_a_command_is_copied_or_selected_whole(show, page):
    tab = show(page)
    command = tab.value("document.querySelector('.command code').textContent")
    tab.value(f"document.querySelector('.copy').click(); {TURN}")
    label = tab.value("document.querySelector('.copy').textContent")
    assert label in ("Copied", "Selected")
    if label == "Selected":
        assert tab.value("getSelection().toString()").strip() == command


CLOSED = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
LONG = "Array.from(document.querySelectorAll('.command')).find((one) => one.textContent.includes('update-service'))"


def test_a_command_is_copied_where_the_clipboard_is_closed_to_the_page(show, page):
    tab = show(page)
    tab.value(f"{CLOSED} window.addEventListener('copy', (event) => {{ window.got = event.clipboardData.getData('text/plain') }})")
    tab.value(f"window.one = {LONG}; one.querySelector('.copy').click(); {TURN}")
    assert tab.value("one.querySelector('.copy').textContent") == "Copied"
    assert tab.value("window.got === one.querySelector('code').textContent") is True
    assert tab.value("document.querySelector('p.sr[role=status]').textContent") == "Copied."
    tab.value(f"document.querySelector('.copy').click(); {TURN}")
    assert tab.value("one.querySelector('.copy').textContent") == "Copy", "only the last one says so"


def test_a_command_is_selected_where_nothing_can_be_copied(show, page):
    tab = show(page)
    tab.value(f"{CLOSED} document.execCommand = () => false; window.one = {LONG}; one.querySelector('.copy').click(); {TURN}")
    assert tab.value("one.querySelector('.copy').textContent") == "Selected"
    assert tab.value("getSelection().toString() === one.querySelector('code').textContent") is True


def test_each_button_that_copies_says_what(show, page):
    names = show(page).value("Array.from(document.querySelectorAll('.copy')).map((one) => one.getAttribute('aria-label'))")
    assert names and all(name.startswith("Copy the command: ") and len(name) > 30 for name in names)


def test_a_link_opens_what_is_folded(show, page):
    tab = show(page)
    target = "document.querySelectorAll('.finding')[3]"
    tab.value(f"{target}.closest('details').open = false; window.target = {target}; location.hash = {target}.id")
    tab.value("new Promise((done) => setTimeout(done))")
    assert tab.value("window.target.checkVisibility()") is True


def test_a_link_leads_to_what_the_filter_hides(show, page):
    tab = show(page)
    write(tab, "no such thing")
    tab.value(f"window.link = document.querySelector('#changes ~ .columns a'); link.click(); {TURN}")
    assert tab.value("document.querySelector(link.hash).checkVisibility()") is True
    # A second click does not change the address, so the browser tells the page nothing by itself.
    write(tab, "no such thing")
    tab.value(f"link.click(); {TURN}")
    assert tab.value("document.querySelector(link.hash).checkVisibility()") is True


def test_a_link_to_a_rule_works_without_a_script(show, page):
    tab = show(page, scripts=False, at="#rule-egress-one-zone")
    assert tab.value("document.getElementById('rule-egress-one-zone').checkVisibility()") is True


def test_paper_gets_everything_in_black_on_white(show, page):
    tab = show(page, dark=True, medium="print")
    folded = tab.value(OPEN)
    tab.value("window.dispatchEvent(new Event('beforeprint'))")
    assert all(tab.value(OPEN)) and not all(folded)
    assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.value(CONTRAST)["bad"] == []
    badge = "getComputedStyle(document.querySelector('.badge.critical')).color"
    assert tab.value(badge) == show(page).value(badge), "the colours of the dark page would fade on paper"
    for selector in ["nav", "#controls", ".copy"]:
        assert tab.value(f"document.querySelector('{selector}').checkVisibility()") is False, selector
    tab.value("window.dispatchEvent(new Event('afterprint'))")
    assert tab.value(OPEN) == folded


def test_nothing_moves_for_those_who_do_not_want_it(show, page):
    style = "getComputedStyle(document.documentElement).scrollBehavior"
    assert show(page).value(style) == "smooth"
    assert show(page, still=True).value(style) == "auto"


def test_the_keyboard_reaches_everything_and_shows_where_it_is(show, page):
    tab = show(page)
    tab.press("Tab", 9)
    skip = "document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().left >= 0"
    assert tab.value(skip) is True
    tab.press("Enter", 13)
    tab.press("Tab", 9)
    assert tab.value("document.activeElement.id") == "needle", "the link skips what stands before the findings"
    stops = tab.value("document.querySelectorAll('a, button, input, summary, [tabindex]').length")
    reached = set()
    for _ in range(stops):
        tab.press("Tab", 9)
        reached.add(tab.value("document.activeElement.className || document.activeElement.tagName"))
        assert tab.value("document.activeElement === document.body || parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2")
        if tab.value("document.activeElement === document.body"):
            break
    assert {"copy", "SUMMARY", "INPUT", "BUTTON", "A", "scroll"} <= reached


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_pressed_is_large_enough(show, page, width):
    """24 pixels (WCAG 2.2, 2.5.8, AA), but for links within a sentence."""
    tab = show(page, width=width)
    pressed = "Array.from(document.querySelectorAll('button, nav a, summary, .check, .cover, input[type=search]'))"
    small = f"{pressed}.filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24).map((one) => one.outerHTML)"
    assert tab.value(small) == []
