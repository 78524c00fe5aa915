"""The workspace: tabs, panes, broadcast, palette, search, copies, macros and the panel, by mouse and by keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from ports import eventually


@pytest.fixture
def tab(ready, open_tab, host):
    """Ada, with two hosts: one is for production, one is not."""
    ready.add_host("db-1", host, ("--password-stdin", "--environment", "production"))
    return open_tab(ready).sign_in("ada", ready.password)


@pytest.fixture
def desk(tab, profile):
    if profile.is_phone:
        pytest.skip("a phone shows one pane")
    return tab


def pane(tab, alias):
    return tab.page.locator(f"[data-testid=terminal-pane]:not([hidden])[aria-label='Terminal {alias}']")


def text_of(tab, alias):
    rows = pane(tab, alias).locator(".xterm-rows > div").all_inner_texts()
    return "\n".join(row.replace("\u00a0", " ").rstrip() for row in rows)


def sees(tab, alias, text):
    eventually(lambda: text in text_of(tab, alias) or None, f"{text!r} is on {alias}", 20, 0.1)


def split(tab, keys, answer):
    tab.page.keyboard.press(keys)
    tab.sees("palette-text").fill(answer)
    tab.page.keyboard.press("Enter")


def two_panes(tab):
    tab.connect("web-1")
    split(tab, "Control+Shift+D", "db-1")
    expect(tab.get("panes")).to_have_attribute("data-count", "2")
    sees(tab, "db-1", "e2e$")
    return tab


def test_panes_by_keyboard_and_the_address_holds_them(desk):
    tab = two_panes(desk)
    focused = tab.page.locator("[data-testid=terminal-pane][data-focused=true]")
    expect(focused).to_have_attribute("aria-label", "Terminal db-1")
    tab.page.keyboard.type("echo in''-db\n")
    sees(tab, "db-1", "in-db")
    tab.page.keyboard.press("Control+Shift+ArrowLeft")
    expect(focused).to_have_attribute("aria-label", "Terminal web-1")
    tab.page.keyboard.type("echo in''-web\n")
    sees(tab, "web-1", "in-web")
    assert "in-web" not in text_of(tab, "db-1")
    tab.screenshot("two-panes")

    address = tab.page.url
    assert re.search(r"split=r50\.ses_\w+\.ses_\w+", address)
    tab.page.evaluate("sessionStorage.clear()")
    tab.page.goto("about:blank")
    tab.page.goto(address)
    expect(tab.get("panes")).to_have_attribute("data-count", "2")
    sees(tab, "db-1", "in-db")
    sees(tab, "web-1", "in-web")


def test_a_border_is_dragged_and_moved_by_keys(desk):
    tab = two_panes(desk)
    divider = tab.get("pane-divider")
    box = divider.bounding_box()
    tab.page.mouse.move(box["x"] + 4, box["y"] + 200)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 204, box["y"] + 200, steps=4)
    tab.page.mouse.up()
    assert int(divider.get_attribute("aria-valuenow")) > 55
    divider.focus()
    for _ in range(3):
        tab.page.keyboard.press("ArrowLeft")
    assert int(divider.get_attribute("aria-valuenow")) < 60
    expect(tab.page).to_have_url(re.compile(r"split=r5\d\."))


def test_typing_goes_to_chosen_panes_and_says_so(desk):
    tab = two_panes(desk)
    tab.page.keyboard.press("Control+Shift+B")
    tab.press("broadcast-start")
    expect(tab.sees("broadcast-banner")).to_contain_text("Typing goes to 2 terminals")
    expect(tab.get("broadcast-banner")).to_contain_text("Production")
    pane(tab, "web-1").locator(".xterm-helper-textarea").focus()
    tab.page.keyboard.type("echo to''-both\n")
    sees(tab, "web-1", "to-both")
    sees(tab, "db-1", "to-both")
    tab.screenshot("broadcast")
    tab.press("broadcast-stop")
    expect(tab.get("broadcast-banner")).to_be_hidden()
    pane(tab, "web-1").locator(".xterm-helper-textarea").focus()
    tab.page.keyboard.type("echo to''-one\n")
    sees(tab, "web-1", "to-one")
    assert "to-one" not in text_of(tab, "db-1")


def test_a_tab_that_is_left_ends_the_broadcast(desk):
    tab = two_panes(desk)
    tab.page.keyboard.press("Control+Shift+B")
    tab.press("broadcast-start")
    tab.sees("broadcast-banner")
    tab.go("hosts")
    tab.page.go_back()
    expect(tab.get("panes")).to_have_attribute("data-count", "2")
    expect(tab.get("broadcast-banner")).to_be_hidden()


def test_the_palette_reaches_hosts_sessions_and_actions(tab, profile):
    if profile.is_phone:
        tab.connect("web-1")
        tab.press_on(tab.page.locator("[data-testid=terminal-menu]"))
        tab.press("menu-macros")
        tab.sees("macro-picker")
        return
    tab.page.keyboard.press("Control+k")
    tab.sees("palette-text").fill("db1")
    tab.page.keyboard.press("Enter")
    tab.terminal_ready()
    expect(tab.get("terminal-alias")).to_have_text("db-1")
    tab.page.keyboard.press("Control+Shift+K")
    tab.sees("palette-text")
    tab.screenshot("palette")
    tab.page.keyboard.type("recordings")
    tab.page.keyboard.press("Enter")
    expect(tab.page).to_have_url(re.compile("#/recordings$"))


def test_words_are_found_in_the_scrollback(tab):
    tab.connect("web-1")
    tab.run("for i in $(seq 1 300); do echo row-$i; done; echo Needle; echo needle; echo done''-now")
    tab.sees_text("done-now")
    tab.menu("menu-find")
    tab.fill("find-text", "row-7")
    expect(tab.get("find-count")).to_have_text(re.compile(r"\d+ of 11"))
    tab.screenshot("find")
    tab.fill("find-text", "needle")
    expect(tab.get("find-count")).to_have_text(re.compile("of 4"))
    tab.press("find-case")
    expect(tab.get("find-count")).to_have_text(re.compile("of 2"))
    tab.press("find-pattern")
    tab.fill("find-text", "^row-29[0-9]$")
    expect(tab.get("find-count")).to_have_text(re.compile("of 10"))
    tab.fill("find-text", "(")
    expect(tab.get("find-count")).to_have_text("not a pattern")


def test_a_screen_is_copied_with_its_colours(tab):
    tab.connect("web-1")
    tab.run(r"clear; printf '\e[31mred\e[0m <b>&\n'")
    tab.sees_text("red <b>&")
    tab.menu("menu-copy-html")
    tab.sees("toast")
    html = tab.page.evaluate("""async () => {
        const [item] = await navigator.clipboard.read();
        return (await item.getType("text/html")).text();
    }""")
    assert re.search(r'<span style="color:#[0-9a-f]{6}">red</span>', html), html
    assert "&lt;b&gt;&amp;" in html


def test_the_help_lists_the_keys_and_every_one_has_a_modifier(desk):
    desk.connect("web-1")
    desk.page.keyboard.press("Control+Shift+?")
    dialog = desk.sees("shortcuts-dialog")
    desk.screenshot("keys")
    keys = dialog.locator("kbd").all_inner_texts()
    assert len(keys) > 12
    assert all(re.match("(Ctrl|Alt|Meta|Shift)\\+", one) for one in keys), keys
    assert not [one for one in keys if re.fullmatch(r"Ctrl\+[A-Z]", one)], "plain control keys are the shell's"
