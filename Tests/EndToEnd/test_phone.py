"""What a thumb needs: gestures, key bar, predictive keyboards and composition, a page without a link, a slow link."""

import re

import pytest
from playwright.sync_api import expect

from browser import SHOWN
from ports import eventually


@pytest.fixture
def phone(profile, request):
    if not profile.is_phone:
        pytest.skip("a desk has a mouse")
    ready = request.getfixturevalue("ready")
    return request.getfixturevalue("open_tab")(ready).sign_in("ada", ready.password)


class Fingers:
    """Touches as the browser's debug protocol delivers them."""

    def __init__(self, tab):
        self.cdp = tab.context.new_cdp_session(tab.page)
        self.box = tab.page.locator(f"{SHOWN} [data-testid=terminal]").bounding_box()

    def at(self, x, y):
        return {"x": self.box["x"] + x, "y": self.box["y"] + y}

    def send(self, kind, *points):
        self.cdp.send("Input.dispatchTouchEvent", {
            "type": kind, "touchPoints": [{**point, "id": index} for index, point in enumerate(points)]})

    def drag(self, *paths, steps=8):
        """Each finger from its first point to its second."""
        self.send("touchStart", *[self.at(*path[0]) for path in paths])
        for step in range(1, steps + 1):
            self.send("touchMove", *[
                self.at(*(a + (b - a) * step / steps for a, b in zip(*path))) for path in paths])
        self.send("touchEnd")

    def hold(self, x, y):
        self.send("touchStart", self.at(x, y))


def font_size(tab):
    return tab.page.locator(f"{SHOWN} .xterm-rows").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")


def test_fingers_move_the_cursor_pinch_the_letters_and_change_the_tab(phone, ready, host):
    ready.add_host("db-1", host, ("--password-stdin",))
    phone.connect("db-1")
    phone.connect("web-1")
    fingers = Fingers(phone)
    cell = 300 / 38
    phone.type("echo bcd")
    phone.sees_text("echo bcd")
    fingers.drag(((250, 200), (250 - 3.5 * cell - 12, 200)))
    phone.type("X")
    eventually(lambda: any(re.search(r"ec?h?o? ?b?c?X[o bcd]*d", line) for line in phone.lines) or None, "X stands inside")

    before = font_size(phone)
    fingers.drag(((150, 250), (100, 250)), ((200, 250), (280, 250)))
    eventually(lambda: font_size(phone) > before + 1 or None, "the letters are larger")
    fingers.drag(((60, 250), (150, 250)), ((120, 250), (210, 250)))
    expect(phone.page.locator(f"{SHOWN} [data-testid=terminal-alias]")).to_have_text("db-1")
    phone.screenshot("next-tab")


def test_a_long_press_offers_the_line_and_control_is_sticky(phone):
    phone.connect("web-1")
    phone.run("clear; echo copy''-me-please")
    phone.sees_text("copy-me-please")
    fingers = Fingers(phone)
    row = phone.page.locator(f"{SHOWN} .xterm-rows > div").filter(has_text="copy-me-please").first.bounding_box()
    fingers.hold(40, row["y"] + row["height"] / 2 - fingers.box["y"])
    phone.sees("select-sheet")
    fingers.send("touchEnd")
    phone.screenshot("select")
    phone.press("copy-line")
    eventually(lambda: phone.page.evaluate("navigator.clipboard.readText()") == "copy-me-please" or None, "it is copied")
    phone.page.keyboard.press("Escape")
    control = phone.page.locator(f"{SHOWN} [data-testid=key-control]")
    phone.run("cat -v")
    phone.press_on(control)
    expect(control).to_have_attribute("data-sticky", "once")
    phone.type("v")
    phone.type("x\n")
    expect(control).to_have_attribute("data-sticky", "off")
    control.dblclick()
    expect(control).to_have_attribute("data-sticky", "locked")
    phone.press_on(control)
    expect(control).to_have_attribute("data-sticky", "off")
    box = control.bounding_box()
    cdp = phone.context.new_cdp_session(phone.page)
    finger = {"x": box["x"] + 20, "y": box["y"] + 20}
    cdp.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]})
    phone.sees("control-keys")
    cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.screenshot("control-keys")
    expect(control).to_have_attribute("data-sticky", "off")
    phone.press_on(phone.page.locator(f"{SHOWN} [data-testid=control-keys] [data-testid=key-control-c]"))
    phone.sees_text("^C")


def test_keyboards_that_predict_rewrite_and_compose(phone):
    phone.connect("web-1")
    cdp = phone.context.new_cdp_session(phone.page)
    phone.page.locator(f"{SHOWN} [data-testid=terminal-input]").focus()

    def compose(text):
        cdp.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})

    for text in ("e", "ec", "ecj", "echo"):
        compose(text)
    cdp.send("Input.insertText", {"text": "echo"})
    cdp.send("Input.insertText", {"text": " helo"})
    phone.sees_text("echo helo")
    # The keyboard corrects the word that it has just written.
    for _ in range(4):
        phone.page.keyboard.press("Backspace")
    cdp.send("Input.insertText", {"text": "hello "})
    for text in ("你", "你好"):
        compose(text)
    cdp.send("Input.insertText", {"text": "你好"})
    phone.page.keyboard.press("Enter")
    eventually(lambda: any(line.replace(" ", "") == "hello你好" for line in phone.lines) or None,
               "the line is whole: " + "\n".join(phone.lines))


@pytest.mark.long
def test_the_hosts_names_are_there_without_a_link(phone):
    phone.expects("ERR_INTERNET_DISCONNECTED", "Failed to load resource", "WebSocket")
    phone.go("settings")
    phone.press("settings-keep-offline")
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.go("hosts")
    expect(phone.host("web-1")).to_be_visible()
    phone.context.set_offline(True)
    phone.page.reload()
    expect(phone.page.get_by_text("web-1").first).to_be_visible()
    phone.screenshot("offline")
    assert "127.0.0.1" not in phone.page.content(), "no address is kept on the device"
    phone.context.set_offline(False)


@pytest.mark.long
def test_letters_come_before_a_slow_echo_and_a_password_never_does(ready, profile, open_tab, make_proxy, make_copilot, host):
    copilot = make_copilot(start=False)
    proxy = make_proxy(copilot.port)
    copilot.password = copilot.add_user("ada")
    copilot.add_host("web-1", host)
    copilot.start("--names", f"localhost:{proxy.port}")
    tab = open_tab(copilot, proxy.port).sign_in("ada", copilot.password)
    tab.connect("web-1")
    tab.run("read -rsp Secret: x; echo")
    tab.sees_text("Secret:")
    tab.run("")
    tab.sees_text("e2e$")
    tab.page.evaluate("""() => {
        window.predicted = "";
        const note = () => { for (const one of document.querySelectorAll(".predicted span")) predicted += one.textContent; };
        new MutationObserver(note).observe(document.querySelector(".predicted"), {childList: true, subtree: true});
    }""")
    proxy.delay = 0.15
    quality = tab.page.locator(f"{SHOWN} [data-testid=link-quality]")
    eventually(lambda: int(re.search(r"(\d+) ms", quality.get_attribute("title"))[1]) > 100 or None, "the link is slow")
    tab.run("clear; read -rsp Secret: x; echo")
    tab.sees_text("Secret:")
    for letter in "hunter2":
        tab.type(letter)
    tab.settle(1.0)
    assert not re.search("[hunt]{3}|er2", tab.page.evaluate("predicted").replace("clear", "").replace("read", "")), \
        tab.page.evaluate("predicted")
    tab.run("")
    tab.sees_text("e2e$")
    tab.settle(0.6)
    tab.page.evaluate("predicted = ''")
    tab.type("ec")
    tab.sees_text("e2e$ ec")
    tab.type("hopqr")
    eventually(lambda: "h" in tab.page.evaluate("predicted") or None, "letters are shown ahead", 5)
    tab.screenshot("predicted")
    tab.sees_text("echopqr")
    expect(tab.page.locator(f"{SHOWN} .predicted span")).to_have_count(0)
