"""The page in WebKitGTK, the engine that phones of the other kind have: sign in, connect, type, see."""

import base64
import http.client
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from browser import SCREENSHOTS
from ports import Process, accepts, eventually, free_port

MINIBROWSER = next(iter(pathlib.Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser")), None)
missing = [name for name in ("WebKitWebDriver", "Xvfb") if shutil.which(name) is None]
if MINIBROWSER is None:
    missing.append("MiniBrowser")

pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"no {', '.join(missing)}: apt-get install webkit2gtk-driver xvfb (61 MB, 202 MB installed)")


@pytest.fixture(scope="module")
def display():
    """A screen that nobody sees."""
    reading, writing = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                              pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        yield f":{number.readline().strip()}"
    server.terminate()
    server.wait()


@pytest.fixture
def webkit(display, folder):
    environment = {**os.environ, "DISPLAY": display, "HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1",
                   "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
    port = free_port()
    driver = Process(["WebKitWebDriver", f"--port={port}"], env=environment)
    eventually(lambda: accepts(port), "the driver listens")
    page = Page(port)
    yield page
    page.call("DELETE", "")
    driver.stop()


class Page:
    """W3C WebDriver, as much of it as is needed, by the names of the page's controls."""

    ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.session = ""
        options = {"binary": str(MINIBROWSER), "args": ["--automation"]}
        self.session = "/" + self.call("POST", "", {"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": True, "webkitgtk:browserOptions": options}}})["sessionId"]

    def call(self, method, path, body=None):
        data = json.dumps(body or {}) if method == "POST" else None
        self.connection.request(method, f"/session{self.session}{path}", data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        value = json.loads(answer.read())["value"]
        assert answer.status == 200, value
        return value

    def script(self, text, *arguments):
        return self.call("POST", "/execute/sync", {"script": text, "args": arguments})

    def find(self, selector):
        """The element, once it is shown."""
        shown = "const it = document.querySelector(arguments[0]); return it && it.getClientRects().length ? it : null"
        return eventually(lambda: self.script(shown, selector), f"{selector} is shown", 30)[self.ELEMENT]

    def press(self, name):
        self.call("POST", f"/element/{self.find(f'[data-testid={name}]')}/click")

    def type(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def sees(self, text):
        shown = "const it = document.querySelector('.xterm-rows'); return it ? it.innerText : ''"
        eventually(lambda: text in self.script(shown), f"{text!r} is on the screen", 30, 0.1)

    def screenshot(self, name):
        SCREENSHOTS.mkdir(exist_ok=True)
        (SCREENSHOTS / f"webkit-{name}.png").write_bytes(base64.b64decode(self.call("GET", "/screenshot")))


def test_sign_in_connect_type_and_see(ready, webkit):
    webkit.call("POST", "/url", {"url": ready.address + "/#/sign-in"})
    webkit.type("[data-testid=sign-in-username]", "ada")
    webkit.type("[data-testid=sign-in-password]", ready.password)
    webkit.press("sign-in-submit")
    webkit.press("host-connect")
    webkit.sees("e2e$")
    webkit.type(".xterm-helper-textarea", "echo sum-$((40+2)) \u6f22\u5b57\ue007")
    webkit.sees("sum-42 \u6f22\u5b57")
    assert "AppleWebKit" in webkit.script("return navigator.userAgent")
    webkit.screenshot("terminal")
