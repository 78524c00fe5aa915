"""Named streams of terminal bytes: what the browser shows is what pyte's grid shows, live and after a reload."""

import random

import pyte
import pytest

from ports import eventually

# What pyte does not know: the alternate screen and, in UTF-8, the line drawing characters.
BY_HAND = {
    "alternate": ["before", "after"],
    "graphics": ["┌───┐", "│   │", "└───┘", "plain"],
}

STREAMS = {
    "colours": b"".join(b"\x1b[%dm%02d \x1b[0m" % (code, code) for code in [*range(30, 38), *range(40, 48), *range(90, 98)])
               + b"\r\n" + b"".join(b"\x1b[38;5;%dm#" % n for n in range(16, 76)) + b"\x1b[0m\r\n"
               + b"".join(b"\x1b[48;2;%d;%d;%dm " % (n * 4, 255 - n * 4, 128) for n in range(40)) + b"\x1b[0m\r\n",
    "wide": "日本語テキスト ✓ naïve café Ünïcödé Ελληνικά русский\r\n한국어 表示 テスト\r\n".encode(),
    "boxes": "┌──┬──┐\r\n│ab│cd│\r\n├──┼──┤\r\n│ef│gh│\r\n└──┴──┘\r\n".encode(),
    "cursor": b"\x1b[2J\x1b[3;10Hthree-ten\x1b[5;1Hfive\x1b[2A\x1b[20Cup\x1b[10;5Hten\x1b[1K\x1b[11;1Hx",
    "insert-delete": b"\x1b[2J\x1b[Hone\r\ntwo\r\nthree\r\nfour\r\n\x1b[2;1H\x1b[L inserted\x1b[4;1H\x1b[M\x1b[1;1H\x1b[2@ab\x1b[3P",
    "scroll-region": b"\x1b[2J\x1b[3;7r\x1b[3;1H" + b"".join(b"line %d\r\n" % n for n in range(12)) + b"\x1b[r\x1b[9;1Hbelow",
    "tabs": b"a\tb\tc\r\n\x1b[3g\x1b[1;20H\x1bH\r\x1b[2;1Hx\ty\r\n",
    "wrap": b"\x1b[2J\x1b[H" + b"0123456789" * 17 + b"\r\nend",
    "erase": b"\x1b[2J\x1b[H" + b"\r\n".join([b"x" * 30] * 8) + b"\x1b[3;10H\x1b[K\x1b[5;10H\x1b[1K\x1b[7;5H\x1b[4X",
    "alternate": b"before\r\n\x1b[?1049h\x1b[2J\x1b[Hinside\x1b[?1049lafter\r\n",
    "graphics": b"\x1b(0lqqqk\r\nx   x\r\nmqqqj\x1b(B\r\nplain\r\n",
}


def expected(name, columns, rows):
    if name in BY_HAND:
        return BY_HAND[name] + [""] * (rows - len(BY_HAND[name]))
    screen = pyte.Screen(columns, rows)
    pyte.ByteStream(screen).feed(STREAMS[name])
    # A wide character fills its second cell with an empty string.
    return ["".join(screen.buffer[row][column].data for column in range(columns)).rstrip() for row in range(rows)]


def show(tab, account, data):
    """Clears the terminal and sends the bytes from the host, with nothing of the shell around them."""
    path = account.home / "stream"
    path.write_bytes(data)
    path.chmod(0o644)
    tab.run("stty -echo; printf '\\ec'; cat ~/stream; exec sleep 600")


@pytest.mark.parametrize("name", list(STREAMS))
def test_a_stream_looks_as_it_does_to_pyte(name, ready, open_tab, profile, account):
    if profile.is_phone and name not in ("wide", "boxes", "wrap"):
        pytest.skip("the grid is the same code")
    tab = open_tab(ready).sign_in("ada", ready.password).connect("web-1")
    tab.run("stty size > ~/size; cat ~/size")
    tab.settle()
    rows, columns = map(int, next(line for line in tab.lines if line.replace(" ", "").isdigit() and " " in line).split())
    show(tab, account, STREAMS[name])
    tab.settle(0.7)
    wanted = expected(name, columns, rows)
    assert tab.lines[:rows] == wanted
    tab.screenshot(name)
    # The same from a snapshot: a page that is opened anew gets the screen, not the stream.
    tab.page.reload()
    tab.page.wait_for_selector("[data-testid=terminal-pane]:not([hidden]) .xterm-rows")
    tab.settle(0.7)
    assert tab.lines[:rows] == wanted


def test_random_output_never_breaks_the_page(ready, open_tab, account):
    tab = open_tab(ready).sign_in("ada", ready.password)
    tab.expects("Parsing error")
    tab.connect("web-1")
    path = account.home / "noise"
    path.write_bytes(random.Random(1).randbytes(100_000))
    path.chmod(0o644)
    tab.run("cat ~/noise; sleep 1; reset -Q; stty sane; clear; echo al''ive")
    tab.sees_text("alive", 30)


def test_long_lines_break_anew_when_the_window_changes_and_late_comers_see_the_same(ready, open_tab, profile, account):
    tab = open_tab(ready).sign_in("ada", ready.password).connect("web-1")
    words = b"".join(b"\x1b[3%dmword-%d\x1b[m " % (number % 8, number) for number in range(120))
    show(tab, account, words + b"\r\n" + "漢字".encode() * 60 + b"\r\nend\r\n")
    tab.sees_text("end")
    size = profile.options["viewport"]
    for width in (size["width"] // 2, size["width"] - 60):
        before = tab.settle()
        tab.page.set_viewport_size({"width": width, "height": size["height"]})
        eventually(lambda: tab.lines != before or None, "the lines break elsewhere")
        live = [line for line in tab.settle(0.7) if line]
        assert "".join(live).replace(" ", "").count("漢字") == 60 and live[-1] == "end"
        tab.page.reload()
        tab.page.wait_for_selector("[data-testid=terminal-pane]:not([hidden]) .xterm-rows")
        tab.sees_text("end")
        assert [line for line in tab.settle(0.7) if line] == live
    tab.screenshot("reflowed")
