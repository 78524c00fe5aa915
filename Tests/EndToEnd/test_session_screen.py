"""The screen of a session: watched from a phone, below banners, and by the keyboard alone."""

import asyncio
import threading

import pytest
from playwright.sync_api import expect

from browser import SHOWN
from ports import eventually
from seat import Seat

ROOM = f"{SHOWN} [data-testid=terminal]"


class Colleague:
    """A seat that works beside the browser: ``with Colleague(ada, session, columns=161) as other: other.type("ls\\r")``."""

    def __init__(self, person, session, **size):
        self.seat = Seat(person, session, **size)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def __enter__(self):
        self.thread.start()
        self._do(self.seat.attach())
        return self

    def __exit__(self, *_):
        self._do(self.seat.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def type(self, text):
        self._do(self.seat.type(text))

    def sees(self, text):
        self._do(self.seat.sees(text))


@pytest.fixture
def session(ready, ada):
    return ada.start_session("web-1")["id"]


@pytest.fixture
def wide(ada, session):
    """Somebody with 161 columns has the keyboard."""
    with Colleague(ada, session, columns=161, rows=60) as other:
        other.sees("e2e$")
        other.type("echo wide''-screen\r")
        other.sees("wide-screen")
        yield other


@pytest.fixture
def tab(ready, open_tab):
    return open_tab(ready).sign_in("ada", ready.password)


def letters(tab):
    return tab.page.evaluate(
        "s => parseFloat(getComputedStyle(document.querySelector(s)).fontSize)", f"{SHOWN} .xterm-rows")


def scrolled(tab):
    return tab.page.evaluate("s => document.querySelector(s).scrollLeft", ROOM)


def test_a_wide_screen_can_be_read_on_a_phone(tab, profile, wide, session):
    if not profile.is_phone:
        pytest.skip("the desktop is wide")
    tab.join(session)
    tab.sees_text("wide-screen")
    assert letters(tab) >= 9
    expect(tab.page.locator(f"{SHOWN} .xterm-cursor")).to_be_in_viewport()
    for width in (360, 390):
        tab.page.set_viewport_size({"width": width, "height": 844})
        clock = tab.get("recording-indicator").bounding_box()
        chip = tab.get("keyboard-chip").bounding_box()
        assert clock["x"] + clock["width"] <= chip["x"], "the clock is cut by the keyboard's button"
    tab.screenshot("readable")
    tab.menu("menu-larger")
    eventually(lambda: letters(tab) >= 10 or None, "the letters are larger")
    wide.type("x" * 120)
    eventually(lambda: scrolled(tab) > 200 or None, "the screen follows the cursor")
    wide.type("\x15")
    eventually(lambda: scrolled(tab) == 0 or None, "the screen follows the cursor back")
    tab.press("fit-whole")
    eventually(lambda: letters(tab) < 5 or None, "the whole width is in view")
    tab.screenshot("whole")
    expect(tab.get("fit-whole")).to_have_count(0)


def test_the_cursor_is_drawn_for_whoever_takes_the_keyboard(tab, profile, wide, session):
    tab.join(session)
    expect(tab.page.locator(f"{SHOWN} .xterm-cursor")).to_have_count(1)
    tab.press_on(tab.page.locator(f"{SHOWN} [data-testid=keyboard-chip]"))
    tab.press("keyboard-take")
    tab.sees_holder("You")
    tab.run("echo typed''-here")
    tab.sees_text("typed-here")
    expect(tab.page.locator(f"{SHOWN} .xterm-cursor")).to_have_count(1)
    if profile.is_phone:
        expect(tab.page.locator(f"{SHOWN} .xterm-cursor-block")).to_have_count(1)
    tab.screenshot("cursor")


def test_a_banner_hides_no_row_for_good(tab, profile):
    if profile.is_phone:
        pytest.skip("the keys make room for the banner when they go")
    tab.connect("web-1")
    tab.run("clear; for i in $(seq 60); do echo row-$i-; done; exit")
    tab.sees("banner-ended")
    row = tab.page.locator(f"{SHOWN} .xterm-rows > div").first
    cell = row.bounding_box()["height"]
    tab.settle()

    def above():
        """How far the first row is above what can be seen."""
        edge = tab.page.evaluate(
            "s => { const room = document.querySelector(s); return room.getBoundingClientRect().top + room.clientTop }",
            ROOM)
        return edge - row.bounding_box()["y"]

    tab.screenshot("ended")
    for gone in (".link-quality", ".people-invite", "[aria-label*='session goes on']"):
        expect(tab.page.locator(gone)).to_have_count(0)
    hidden = eventually(lambda: above() if above() > 1 else None, "the screen is higher than its room")
    assert abs(hidden / cell - round(hidden / cell)) < 0.1, "half a row is shown"
    tab.page.mouse.move(400, 500)
    tab.page.mouse.wheel(0, -1000)
    tab.page.mouse.wheel(0, -1000)
    eventually(lambda: above() <= 1 or None, "the first row is in view")
    tab.screenshot("moved")


def test_the_way_out_of_the_terminal_is_said(tab, profile):
    if profile.is_phone:
        pytest.skip("a finger needs no way out")
    tab.connect("web-1")
    field = tab.page.locator(f"{SHOWN} .xterm-helper-textarea")
    assert "Ctrl+Shift+M" in field.get_attribute("aria-description")
    expect(tab.get("way-out")).to_have_count(0)
    tab.page.keyboard.press("Control+Shift+M")
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        if field.evaluate("field => field === document.activeElement"):
            break
    tab.sees("way-out")
    tab.screenshot("hint")
    tab.menu("menu-shortcuts")
    expect(tab.sees("shortcuts-dialog")).to_contain_text("Ctrl+Shift+M")


def test_whoever_may_type_can_ask_for_the_keyboard_and_take_it(tab, profile, wide, session):
    tab.join(session)
    tab.press_on(tab.page.locator(f"{SHOWN} [data-testid=keyboard-chip]"))
    tab.press("keyboard-request")
    expect(tab.sees("banner-notice")).to_contain_text("You asked Ada")
    expect(tab.get("banner-notice")).to_have_count(0, timeout=12_000)
    tab.screenshot("take")
    tab.press("touch-take-keyboard" if profile.is_phone else "take-keyboard")
    tab.sees_holder("You")
