"""What a newcomer does, from the first link to the audit log, in a real browser, on the desktop and on the phone."""

import hashlib
import json
import re
import subprocess

import pytest
from playwright.sync_api import expect

from ports import eventually


@pytest.fixture
def newcomer(make_copilot, open_tab):
    """The first admin, just signed in by the printed link."""
    copilot = make_copilot()
    return open_tab(copilot).become_first_admin(copilot.sign_in_link)


@pytest.fixture
def tab(ready, open_tab):
    """Ada, signed in, with the host `web-1`."""
    return open_tab(ready).sign_in("ada", ready.password)


def add_by_wizard(tab, host, alias, kind, secret=None):
    """The four steps: details, fingerprint, tags, credential."""
    tab.go("hosts")
    tab.press("host-add")
    tab.fill("wizard-address", host.address)
    tab.fill("wizard-port", str(host.port))
    tab.fill("wizard-username", host.username)
    tab.fill("wizard-alias", alias)
    tab.screenshot("wizard-details")
    tab.press("wizard-next")
    expect(tab.sees("wizard-fingerprint-value")).to_have_text(host.fingerprint)
    for line in host.randomart:
        assert line.strip("|+") in tab.get("wizard-fingerprint").inner_text()
    tab.screenshot("wizard-fingerprint")
    tab.get("wizard-confirm").check()
    tab.press("wizard-next")
    tab.press("wizard-environment-staging")
    tab.press("wizard-next")
    tab.press(f"credential-kind-{kind}")
    if kind == "password":
        tab.fill("credential-password", secret)
    elif kind == "key":
        tab.fill("credential-key", secret)
    tab.screenshot("wizard-credential")
    tab.press("wizard-next")
    tab.sees("host-added")


def test_the_first_link_makes_an_admin_and_is_void_then(newcomer, open_tab):
    link = newcomer.copilot.sign_in_link
    newcomer.screenshot("hosts-empty")
    assert "token" not in newcomer.page.url, "the secret is not left in the address"
    other = open_tab(newcomer.copilot)
    other.expects("410")
    other.page.goto(link)
    other.sees("welcome-error")
    other.screenshot("link-used")


@pytest.mark.parametrize("kind", ["password", "key", "generated"])
def test_a_host_is_added_by_the_wizard_and_connected(newcomer, host, kind):
    secret = {"password": host.password, "key": host.make_client_key() if kind == "key" else None}.get(kind)
    add_by_wizard(newcomer, host, "web-1", kind, secret)
    if kind == "generated":
        host.authorize(newcomer.get("authorized-keys-line").inner_text())
        newcomer.press("host-test-run")
    expect(newcomer.get("host-test").locator("[data-ok=true]").first).to_be_visible()
    newcomer.screenshot("host-added")
    newcomer.press("connect-now")
    newcomer.terminal_ready()
    newcomer.run("id -un")
    newcomer.sees_text(host.username)
    newcomer.sees_holder("You")
    newcomer.screenshot("terminal")


def test_an_encrypted_key_asks_for_its_passphrase(newcomer, host):
    newcomer.expects("422")
    key = host.make_client_key(passphrase="open sesame")
    newcomer.go("hosts")
    newcomer.press("host-add")
    for name, text in (("address", host.address), ("port", str(host.port)), ("username", host.username),
                       ("alias", "web-1")):
        newcomer.fill(f"wizard-{name}", text)
    newcomer.press("wizard-next")
    newcomer.get("wizard-confirm").check()
    newcomer.press("wizard-next")
    newcomer.press("wizard-next")
    newcomer.press("credential-kind-key")
    newcomer.fill("credential-key", key)
    newcomer.press("wizard-next")
    newcomer.sees("credential-passphrase")
    newcomer.fill("credential-passphrase", "wrong")
    newcomer.press("wizard-next")
    expect(newcomer.page.locator(".has-error").first).to_be_visible()
    newcomer.fill("credential-passphrase", "open sesame")
    newcomer.press("wizard-next")
    newcomer.sees("host-added")


def test_the_shell_works(tab):
    tab.connect("web-1")
    tab.run("printf 'h\\u00e9llo \\u4e2d\\u6587 \\U1F680 \\e[38;2;255;100;0mtrue\\e[0m\\n'")
    tab.sees_text("héllo 中文 🚀 true")
    tab.run("clear; top")
    tab.sees_text("load average")
    tab.screenshot("top")
    tab.type("q")
    tab.settle()
    tab.run("clear; vim -u NONE -N greeting.txt")
    tab.settle()
    tab.type("ihello from vim")
    tab.sees_text("hello from vim")
    tab.screenshot("vim")
    tab.key("key-escape", "Escape")
    tab.settle()
    tab.run(":wq")
    tab.sees_text("e2e$")
    tab.run("cat greeting.txt; rm greeting.txt")
    tab.sees_text("hello from vim")


def test_the_terminal_follows_the_window(tab, profile):
    tab.connect("web-1")
    tab.run("stty size")
    tab.settle()
    sizes = [line for line in tab.lines if re.fullmatch(r"\d+ \d+", line)]
    width, height = profile.options["viewport"]["width"], profile.options["viewport"]["height"]
    tab.page.set_viewport_size({"width": width - (0 if profile.is_phone else 400), "height": height - 250})
    tab.settle(0.6)
    tab.run("clear; stty size")
    tab.settle()
    after = [line for line in tab.lines if re.fullmatch(r"\d+ \d+", line)]
    assert sizes and after and after[-1] != sizes[-1]
    rows, columns = map(int, after[-1].split())
    assert rows == len(tab.lines) and rows >= 3 and columns >= 10


def test_a_paste_of_one_megabyte_arrives_whole(tab):
    tab.connect("web-1")
    data = "".join(f"{number:09d}\n" for number in range(100_000))
    tab.run(f"stty raw -echo; echo re''ady; head -c {len(data)} | tr '\\r' '\\n' | sha256sum; stty sane")
    tab.sees_text("ready")
    tab.paste(data)
    if tab.get("paste-confirm").is_visible():
        tab.screenshot("paste-question")
        tab.press("paste-confirm")
    tab.sees_text(hashlib.sha256(data.encode()).hexdigest()[:30], 90)


def test_a_changed_host_key_is_shown_side_by_side(tab, ready, host):
    tab.expects("409")
    before = host.fingerprint
    host.stop()
    host.make_host_key()
    host.start()
    tab.go("hosts")
    tab.press_on(tab.host("web-1").get_by_test_id("host-connect"))
    tab.sees_changed_key()
    expect(tab.sees("recorded-fingerprint")).to_have_text(before)
    expect(tab.sees("offered-fingerprint")).to_have_text(host.fingerprint)
    tab.screenshot("changed-key")
    expect(tab.get("accept-key")).to_be_disabled()
    tab.fill("accept-alias", "web-1")
    tab.press("accept-key")
    tab.connect("web-1")


def test_a_colleague_watches_then_types(tab, ready, open_tab):
    tab.go("people")
    tab.press("user-add")
    tab.fill("user-username", "grace")
    tab.fill("user-name", "Grace Hopper")
    tab.get("user-new-role").select_option("ml-ops")
    tab.press("user-submit")
    link = tab.sees("invitation-link").inner_text()
    tab.screenshot("invitation")
    tab.page.keyboard.press("Escape")
    tab.connect("web-1")
    session = tab.session
    tab.press_on(tab.get("people-open"))
    tab.press("invite-grace")
    tab.screenshot("invite")

    other = open_tab(ready).accept_invitation(link)
    other.join(session)
    other.sees_holder("Ada")
    tab.page.keyboard.press("Escape")
    tab.run("echo shown''-to-both")
    other.sees_text("shown-to-both")
    other.screenshot("watching")
    if not other.profile.is_phone:
        other.type("echo not''-allowed\n")
        other.sees("banner-refused")
        assert "not-allowed" not in "\n".join(tab.settle())

    tab.press_on(tab.get("people-open"))
    person = tab.page.locator("[data-testid=person][data-user='Grace Hopper']")
    tab.press_on(person.get_by_test_id("mode-control"))
    tab.press_on(person.get_by_test_id("give-keyboard"))
    tab.page.keyboard.press("Escape")
    other.sees_holder("You")
    tab.sees_holder("Grace Hopper")
    tab.screenshot("colleague-types")
    other.run("echo from''-grace")
    tab.sees_text("from-grace")
    assert [line for line in tab.settle() if line] == [line for line in other.settle() if line]


def test_a_closed_page_resumes_where_it_was(tab):
    tab.connect("web-1")
    tab.run("for i in $(seq 1 200); do echo line-$i; sleep 0.02; done; echo all''-done")
    tab.sees_text("line-5")
    tab.page.close()
    tab.new_page()
    tab.open("/sessions")
    tab.join()
    tab.sees_text("all-done", 30)
    shown = [line for line in tab.settle() if line.startswith("line-")]
    numbers = [int(line.split("-")[1]) for line in shown]
    assert numbers == list(range(numbers[0], 201)), "no line is lost or doubled"


def test_a_cut_link_resumes_and_loses_nothing(ready, open_tab, make_proxy, make_copilot, host):
    copilot = make_copilot(start=False)
    proxy = make_proxy(copilot.port)
    copilot.password = copilot.add_user("ada")
    copilot.add_host("web-1", host)
    copilot.start("--names", f"localhost:{proxy.port}")
    tab = open_tab(copilot, proxy.port).sign_in("ada", copilot.password)
    tab.expects("WebSocket", "ERR_", "Failed to load resource")
    tab.connect("web-1")
    tab.run("for i in $(seq 1 200); do echo line-$i; sleep 0.02; done; echo all''-done")
    tab.sees_text("line-5")
    proxy.cut()
    tab.sees_text("line-60")
    proxy.refuse()
    tab.sees("banner-offline")
    tab.screenshot("offline")
    proxy.allow()
    tab.sees_text("all-done", 40)
    expect(tab.get("banner-offline")).to_be_hidden(timeout=20_000)
    numbers = [int(line.split("-")[1]) for line in tab.settle() if line.startswith("line-")]
    assert numbers == list(range(numbers[0], 201))


def test_the_session_ends_replays_and_leaves_as_asciicast(tab, folder):
    tab.connect("web-1")
    tab.run("echo to''-be-replayed")
    tab.sees_text("to-be-replayed")
    session = tab.session
    tab.end_session()
    tab.screenshot("ended")
    tab.press("open-recording")
    tab.sees("player")
    eventually(lambda: any("to-be-replayed" in line for line in player_lines(tab)) or play_to_end(tab), "the replay", 30)
    tab.screenshot("replay")
    with tab.page.expect_download() as download:
        tab.press("download-menu")
        tab.press("download-asciicast")
    path = folder / "session.cast"
    download.value.save_as(path)
    lines = path.read_text().splitlines()
    header = json.loads(lines[0])
    assert header["version"] == 2 and header["width"] >= 10
    events = [json.loads(line) for line in lines[1:]]
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    played = subprocess.run(
        ["script", "-qec", f"asciinema play -s 100 -i 0.1 {path}", "/dev/null"], capture_output=True, timeout=60,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color"})
    assert played.returncode == 0 and b"to-be-replayed" in played.stdout, played.stdout

    tab.go("audit")
    text = eventually(lambda: (words := tab.page.locator("main:not([hidden])").inner_text()) and "export" in words and words,
                      "the export is in the audit log")
    tab.screenshot("audit")
    ada = tab.copilot.person("ada", tab.copilot.password)
    actions = {entry["action"] for entry in ada.audit()}
    assert {"user.sign_in", "host.add", "session.start", "session.end", "recording.export"} <= actions, actions
    assert text and ada.session(session)["ending"]["reason"] == "ended_by"
    assert tab.copilot.cli("audit", "verify").returncode == 0


def player_lines(tab):
    return [line.replace("\u00a0", " ") for line in tab.page.locator(".xterm-rows > div").all_inner_texts()]


def play_to_end(tab):
    """Moves the replay to its end by the keyboard."""
    tab.page.keyboard.press("End")
    return False


def test_a_host_that_cannot_be_reached_is_explained(tab, host):
    tab.expects("502")
    host.stop()
    tab.go("hosts")
    tab.press_on(tab.host("web-1").get_by_test_id("host-connect"))
    expect(tab.sees("connect-error")).to_contain_text(str(host.port))
    tab.screenshot("connection-refused")


def test_a_host_that_dies_is_shown_at_once(tab, host):
    tab.connect("web-1")
    host.kill_sessions()
    tab.sees("banner-ended", 5)
    tab.screenshot("host-lost")


def test_markup_and_control_bytes_from_a_host_are_inert(tab):
    tab.connect("web-1")
    tab.run(r"printf '\e]0;<img src=x onerror=alert(1)>\a'; printf '\e]52;c;aGFja2Vk\a'; echo do''ne")
    tab.sees_text("done")
    tab.settle()
    assert tab.page.locator("img[src=x]").count() == 0
    assert tab.page.evaluate("navigator.clipboard.readText()") != "hacked"


def test_nothing_is_asked_of_any_other_host(tab):
    foreign = []
    tab.page.on("request", lambda request: foreign.append(request.url)
                if not request.url.startswith((tab.base, "blob:", "data:")) else None)
    for place in ("hosts", "sessions", "recordings", "audit", "settings"):
        tab.go(place)
        tab.settle(0.2)
    tab.connect("web-1")
    assert foreign == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_passes_the_accessibility_rules(ready, profile, open_tab, theme):
    from axe_playwright_python.sync_playwright import Axe

    tab = open_tab(ready)
    tab.page.emulate_media(color_scheme=theme)
    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}

    def check(name):
        tab.screenshot(f"{name}-{theme}")
        found = Axe().run(tab.page, options=rules).response["violations"]
        assert not found, [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]

    tab.open("/sign-in")
    tab.sees("sign-in-form")
    check("sign-in")
    tab.sign_in("ada", ready.password)
    for place in ("hosts", "sessions", "recordings", "inbox", "macros", "audit", "people", "settings"):
        tab.go(place)
        tab.settle(0.4)
        check(place)
    tab.open("/trust")
    tab.sees("trust-fingerprint")
    check("trust")
    tab.connect("web-1")
    check("terminal")
    tab.menu("menu-macros")
    tab.sees("macro-picker")
    check("macro-picker")


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_the_phone(ready, profile, open_tab, width):
    if not profile.is_phone:
        pytest.skip("the desktop is wide")
    tab = open_tab(ready)
    tab.page.set_viewport_size({"width": width, "height": 700})
    tab.sign_in("ada", ready.password)
    for place in ("hosts", "sessions", "recordings", "inbox", "macros", "audit", "people", "settings"):
        tab.go(place)
        tab.settle(0.3)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, place
