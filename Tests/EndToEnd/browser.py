"""Chromium in two profiles, desktop and phone, and one person's tab in it, by the names of the page's controls."""

import os
import pathlib
import re
import time

import pytest
from playwright.sync_api import expect, sync_playwright

from ports import eventually

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SCREENSHOTS = pathlib.Path(__file__).parent / "screenshots"
# The terminal that is shown; others of the same tab are kept hidden.
SHOWN = "[data-testid=terminal-pane]:not([hidden])"

PROFILES = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2,
        "user_agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
                      "Chrome/128.0.0.0 Mobile Safari/537.36",
    },
}


class Profile:
    def __init__(self, name, browser):
        self.name = name
        self.browser = browser
        self.options = PROFILES[name]

    @property
    def is_phone(self):
        return self.name == "phone"


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session", params=list(PROFILES))
def profile(request, playwright):
    # The copilot's own certificate: a service worker starts only when the whole browser lets it pass.
    arguments = ["--no-sandbox", "--ignore-certificate-errors"]
    if request.param == "phone":
        # Under emulation alone canvas sizes are those of an unscaled screen.
        arguments.append("--force-device-scale-factor=2")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield Profile(request.param, browser)
    browser.close()


@pytest.fixture
def open_tab(profile, request):
    """Opens a browser of its own for a person: ``open_tab(copilot)``. What the page logs as an error fails the test."""
    tabs = []

    def make(copilot, port=None):
        tabs.append(Tab(profile, copilot, port, request.node.name))
        return tabs[-1]

    yield make
    failed = getattr(request.node, "failed", False)
    for number, tab in enumerate(tabs):
        if failed:
            tab.screenshot(f"failed-{number}")
        tab.context.close()
    if not failed:
        for tab in tabs:
            assert not tab.complaints, f"the page logged errors: {tab.complaints}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.failed = report.failed
    return report


class Tab:
    def __init__(self, profile, copilot, port, test):
        self.profile = profile
        self.copilot = copilot
        self.test = re.sub(r"[^A-Za-z0-9]+", "-", test).strip("-")
        self.base = f"{copilot.scheme}://localhost:{port or copilot.port}"
        self.context = profile.browser.new_context(ignore_https_errors=True, accept_downloads=True, **profile.options)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.base)
        self.complaints = []
        # The browser's words for the question whether somebody is signed in, when nobody is.
        self.expected = ["status of 401"]
        self.new_page()

    def new_page(self):
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: self._complain(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        return self.page

    def _complain(self, text):
        if not any(part in text for part in self.expected):
            self.complaints.append(text)

    def expects(self, *parts):
        """Console errors that belong to the test, such as the browser's own words for a status of 4xx."""
        self.expected += parts

    # --- going about

    def open(self, place="/"):
        self.page.goto(self.base + "/#" + place)
        return self

    def get(self, name):
        return self.page.get_by_test_id(name)

    def press(self, name):
        """A click with the mouse, a tap with the thumb."""
        self.press_on(self.get(name))

    def press_on(self, locator):
        if self.profile.is_phone:
            locator.first.tap()
        else:
            locator.first.click()

    def fill(self, name, text):
        self.get(name).fill(text)

    def sees(self, name, seconds=20):
        expect(self.get(name).first).to_be_visible(timeout=seconds * 1000)
        return self.get(name).first

    def go(self, place):
        """By the navigation: the rail on the desktop, the tabs at the bottom on the phone."""
        if not self.profile.is_phone:
            return self.press(f"nav-{place}")
        if self.get("workspace").is_visible():
            self.page.evaluate("location.hash = '#/sessions'")
        if place in ("hosts", "sessions", "recordings", "inbox"):
            return self.press(f"tab-{place}")
        self.press("tab-more")
        return self.press(f"more-{place}")

    def screenshot(self, name):
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{self.test}-{name}.png", animations="disabled")

    # --- people

    def become_first_admin(self, link, username="ada", name="Ada Lovelace", password="correct horse battery"):
        self.page.goto(link.replace(self.copilot.address, self.base))
        self.fill("welcome-username", username)
        self.fill("welcome-name", name)
        self.fill("welcome-password", password)
        self.screenshot("welcome")
        self.press("welcome-submit")
        self.sees("host-add")
        return self

    def accept_invitation(self, link, password="correct horse battery"):
        self.page.goto(link.replace(self.copilot.address, self.base))
        expect(self.get("welcome-username")).to_have_attribute("readonly", "")
        self.fill("welcome-password", password)
        self.press("welcome-submit")
        expect(self.page).to_have_url(re.compile("#/hosts$"))
        return self

    def sign_in(self, username, password):
        self.open("/sign-in")
        self.fill("sign-in-username", username)
        self.fill("sign-in-password", password)
        self.press("sign-in-submit")
        expect(self.page).to_have_url(re.compile("#/hosts$"))
        return self

    # --- hosts and terminals

    def host(self, alias):
        return self.page.locator(f"[data-testid=host-card][data-alias='{alias}']")

    def connect(self, alias):
        self.go("hosts")
        self.press_on(self.host(alias).get_by_test_id("host-connect"))
        return self.terminal_ready()

    def join(self, session=None):
        self.go("sessions")
        card = "[data-testid=session-card]" + (f"[data-session='{session}']" if session else "")
        self.press_on(self.page.locator(card).get_by_test_id("session-join"))
        return self.terminal_ready()

    def terminal_ready(self):
        self.page.wait_for_selector(f"{SHOWN} .xterm-rows", timeout=20_000)
        self.sees_text("e2e$")
        return self

    @property
    def session(self):
        return re.search(r"#/s/([^/?]+)", self.page.url).group(1)

    @property
    def lines(self):
        rows = self.page.locator(f"{SHOWN} .xterm-rows > div").all_inner_texts()
        return [row.replace("\u00a0", " ").rstrip() for row in rows]

    def sees_text(self, text, seconds=20):
        eventually(lambda: any(text in line for line in self.lines) or None,
                   f"{text!r} is on the screen:\n" + "\n".join(self.lines), seconds, 0.1)

    def type(self, text):
        """On the desktop by the keyboard, on the phone through the field of the on-screen keyboard."""
        if self.profile.is_phone:
            field = self.page.locator(f"{SHOWN} [data-testid=terminal-input]")
            field.focus()
            for line in text.splitlines(keepends=True):
                if line.rstrip("\n"):
                    self.page.keyboard.insert_text(line.rstrip("\n"))
                if line.endswith("\n"):
                    self.page.keyboard.press("Enter")
            return
        self.page.locator(f"{SHOWN} .xterm-helper-textarea").focus()
        self.page.keyboard.type(text)

    def run(self, command):
        self.type(command + "\n")

    def key(self, name, desktop):
        """A key of the key bar on the phone, of the keyboard on the desktop."""
        if self.profile.is_phone:
            self.press_on(self.page.locator(f"{SHOWN} [data-testid='{name}']"))
        else:
            self.page.locator(f"{SHOWN} .xterm-helper-textarea").focus()
            self.page.keyboard.press(desktop)

    def paste(self, text):
        """As the browser delivers it: an event with the clipboard's text."""
        self.page.evaluate("""([selector, text]) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            document.querySelector(selector).dispatchEvent(
                new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }""", [f"{SHOWN} [data-testid=terminal]", text])

    @property
    def keyboard_holder(self):
        return self.page.locator(f"{SHOWN} [data-testid=keyboard-holder]").inner_text()

    def sees_holder(self, name):
        expect(self.page.locator(f"{SHOWN} [data-testid=keyboard-holder]")).to_have_text(name)

    def menu(self, item):
        self.press_on(self.page.locator(f"{SHOWN} [data-testid=terminal-menu]"))
        self.press(item)

    def end_session(self):
        if self.profile.is_phone:
            self.menu("menu-end")
        else:
            self.press_on(self.page.locator(f"{SHOWN} [data-testid=end-session]"))
        self.press("end-confirm")
        self.sees("banner-ended")

    def sees_changed_key(self):
        """The page that compares the keys, whether Connect led there or only raised the alarm."""
        eventually(lambda: self.get("changed-key").is_visible() or self.get("host-key-alert").first.is_visible(),
                   "the alert is in view")
        if not self.get("changed-key").is_visible():
            if self.get("connect-failed").is_visible():
                self.page.keyboard.press("Escape")
            self.press("host-key-alert")
        self.sees("offered-fingerprint")

    def settle(self, seconds=0.3):
        """Until the screen has stopped changing."""
        before, since = None, time.monotonic()
        while time.monotonic() - since < seconds:
            now = self.lines
            if now != before:
                before, since = now, time.monotonic()
            time.sleep(0.05)
        return before
