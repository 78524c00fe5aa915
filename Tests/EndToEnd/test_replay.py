"""Long, wide and busy recordings in the player, on the desktop and on the phone."""

import re

import pytest
from playwright.sync_api import expect

import loops
from ports import eventually
from seat import Seat


@pytest.fixture
def record(ready, ada):
    """A finished recording of what is typed; each step is the text and what is seen then."""
    async def type_all(session, columns, rows, steps):
        async with Seat(ada, session, columns, rows) as seat:
            await seat.sees("e2e$")
            for typed, seen in steps:
                await seat.type(typed)
                await seat.sees(seen, 60)

    def made(columns, rows, *steps):
        session = ada.start_session("web-1", columns, rows)["id"]
        # The browser's driver has the event loop of this thread.
        loops.run(type_all(session, columns, rows, steps))
        ada.end_session(session)
        return eventually(
            lambda: next((one for one in ada.recordings()
                          if one["sessionId"] == session and one["state"] == "complete"), None),
            "the recording is complete")["id"]

    return made


def is_whole(tab):
    """Whether all of the screen is in the stage, and fills it in one direction."""
    stage, screen = tab.page.evaluate("""() => ["", " .xterm-screen"].map((part) =>
        document.querySelector(`[data-testid=player-screen]${part}`).getBoundingClientRect().toJSON())""")
    inside = all(screen[side] >= stage[side] - 0.5 for side in ("left", "top")) and all(
        screen[side] <= stage[side] + 0.5 for side in ("right", "bottom"))
    return inside and min(stage[side] - screen[side] for side in ("width", "height")) < 18


def lines(tab):
    rows = tab.page.locator(".xterm-rows > div").all_inner_texts()
    return [row.replace("\u00a0", " ").rstrip() for row in rows]


def test_a_long_wide_recording_replays_to_its_last_line_in_full_view(ready, record, open_tab):
    recording = record(200, 50, ("seq 250000; sleep 3; echo THE''END\n", "THEEND"))
    tab = open_tab(ready).sign_in("ada", ready.password)
    asked = []
    tab.page.on("request", lambda request: asked.append(request.url) if "/events?" in request.url else None)
    tab.open(f"/recordings/{recording}")
    tab.sees("player-play")
    tab.get("player-speed").select_option("16")
    expect(tab.get("player-play")).to_have_attribute("data-phase", "ended", timeout=90_000)
    eventually(lambda: {"250000", "THEEND"} <= set(lines(tab)), "the last lines are on the screen")
    assert len(asked) > 1, asked

    eventually(lambda: is_whole(tab), "the whole screen is in view")
    tab.screenshot("upright")
    size = tab.page.viewport_size
    tab.page.set_viewport_size({"width": size["height"], "height": size["width"]})
    eventually(lambda: is_whole(tab), "the whole screen is in view on a turned device")
    tab.screenshot("turned")
    tab.press("player-full")
    expect(tab.get("player")).to_have_attribute("data-full", "true")
    eventually(lambda: is_whole(tab), "the whole screen is in view in full screen")
    tab.screenshot("full")
    tab.press("player-full")
    expect(tab.get("player")).to_have_attribute("data-full", "false")


def test_a_paste_without_echo_is_one_marker_in_a_short_list(ready, record, open_tab):
    recording = record(
        80, 24, ("stty -echo; echo no''echo; cat >/dev/null; stty echo; echo ba''ck\n", "noecho"),
        ("secret\n" * 1000 + "\x04", "back"))
    tab = open_tab(ready).sign_in("ada", ready.password)
    tab.open(f"/recordings/{recording}")
    # The first line may come long enough before the rest to be told apart.
    folded = re.compile(r"typed [56],\d{3} characters without echo in (999|1,000) lines")
    expect(tab.page.get_by_text(folded)).to_be_visible()
    assert tab.get("player-marker").count() < 10
    assert tab.page.locator(".marker-list").bounding_box()["height"] < 200
    tab.screenshot("markers")
