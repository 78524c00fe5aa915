"""Screens as people see them, with something on them: each passes the accessibility rules in both themes and profiles."""

import os
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from agent import Agent, AgentSession
from authenticator import Authenticator
from people import colleague, identity, invite, make_link
from test_second_factor import enrolled

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.fixture(params=["light", "dark"])
def theme(request, profile):
    """The desktop by day and the phone by night; the other two by --full."""
    if profile.is_phone != (request.param == "dark") and "COPILOT_FULL_TESTS" not in os.environ:
        pytest.skip("only with ./test --full")
    return request.param


class Gallery:
    """A picture of each screen, and the rules that it breaks."""

    def __init__(self, tab, theme):
        self.tab, self.theme, self.broken = tab, theme, []
        tab.page.emulate_media(color_scheme=theme, reduced_motion="reduce")

    def hang(self, name):
        self.tab.settle(0.3)
        self.tab.screenshot(f"{name}-{self.theme}")
        for one in Axe().run(self.tab.page, options=RULES).response["violations"]:
            self.broken.append((name, one["id"], [node["html"][:160] for node in one["nodes"][:3]]))
        # Nothing is wider than the screen.
        assert self.tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        assert kind or not self.broken, self.broken


def close(tab):
    """The drawer or sheet that is open."""
    tab.page.keyboard.press("Escape")


def test_a_session_and_what_stands_beside_it(ready, profile, open_tab, theme):
    bob = colleague(ready, "bob")
    tab = open_tab(ready)
    with Gallery(tab, theme) as gallery:
        tab.sign_in("ada", ready.password).connect("web-1")
        tab.run("ls --color=always -la / && printf '\\033[1;32mdone\\033[0m\\n'")
        tab.sees_text("done")
        gallery.hang("terminal")
        invite(ready.person("ada", ready.password), tab.session, bob, "view")
        tab.menu("menu-people") if profile.is_phone else tab.press("people-open")
        tab.sees("people-drawer")
        gallery.hang("people")
        close(tab)
        tab.menu("menu-chat") if profile.is_phone else tab.press("chat-open")
        tab.sees("chat-field")
        tab.fill("chat-field", "Yes, since 12:03")
        tab.press("chat-send")
        tab.sees("chat-message")
        gallery.hang("chat")
        close(tab)
        tab.menu("menu-files") if profile.is_phone else tab.press("files-open")
        tab.sees("files-path")
        gallery.hang("files")
        close(tab)
        if profile.is_phone:
            tab.press("key-more")
            gallery.hang("key-bar")
            tab.press("key-more")
        else:
            tab.page.keyboard.press("Control+Shift+K")
            tab.sees("palette")
            gallery.hang("palette")
            close(tab)
        tab.end_session()
        gallery.hang("ended")
        tab.go("recordings")
        tab.sees("recording-row")
        gallery.hang("recordings")
        tab.press("recording-open")
        tab.sees("player-screen")
        expect(tab.get("player-play")).to_have_attribute("data-phase", re.compile("playing|paused|ended"))
        gallery.hang("player")


def test_what_is_set_up_once(ready, profile, open_tab, theme):
    tab = open_tab(ready)
    with Gallery(tab, theme) as gallery:
        tab.sign_in("ada", ready.password)
        gallery.hang("hosts")
        tab.press_on(tab.host("web-1").get_by_test_id("host-open"))
        tab.sees("host-page")
        gallery.hang("host")
        tab.open("/hosts")
        tab.press("host-add")
        tab.sees("wizard-steps")
        gallery.hang("add-host")
        tab.open("/hosts/import")
        tab.sees("import-form")
        gallery.hang("import")
        for place in ("audit", "people", "agents", "macros"):
            tab.go(place)
            gallery.hang(place)
        tab.go("settings")
        tab.sees("second-factor")
        gallery.hang("settings")
        tab.press("second-factor-open")
        tab.sees("second-factor-password").scroll_into_view_if_needed()
        gallery.hang("second-factor-password")
        tab.fill("second-factor-password", ready.password)
        tab.press("second-factor-submit")
        secret = tab.sees("second-factor-secret").inner_text()
        tab.get("second-factor-picture").scroll_into_view_if_needed()
        gallery.hang("second-factor-picture")
        tab.expects("status of 4")
        tab.fill("second-factor-code", "000000")
        tab.press("second-factor-submit")
        expect(tab.page.get_by_text("The code is wrong, or it was used already.")).to_be_visible()
        gallery.hang("second-factor-wrong")
        tab.fill("second-factor-code", Authenticator(secret).code())
        tab.press("second-factor-submit")
        tab.sees("recovery-codes").scroll_into_view_if_needed()
        gallery.hang("recovery-codes")


def test_who_comes_from_outside(ready, profile, open_tab, theme):
    password, app, _ = enrolled(ready, "grace")
    ada = ready.person("ada", ready.password)
    session = ada.start_session("web-1")["id"]
    _, secret = make_link(ada, session)
    tab = open_tab(ready)
    with Gallery(tab, theme) as gallery:
        tab.open(f"/join?token={secret}")
        tab.sees("join-form")
        gallery.hang("join")
        tab.fill("join-name", "Walter")
        tab.press("join-submit")
        tab.terminal_ready()
        gallery.hang("guest")
        ada.end_session(session)
        tab.expects("status of 4")
        tab.context.clear_cookies()
        tab.open("/sign-in")
        tab.page.reload()
        tab.fill("sign-in-username", "grace")
        tab.fill("sign-in-password", password)
        tab.press("sign-in-submit")
        tab.sees("sign-in-code")
        gallery.hang("sign-in-code")
        tab.fill("sign-in-code", "000000")
        tab.press("sign-in-submit")
        tab.sees("sign-in-error")
        gallery.hang("sign-in-wrong-code")
        tab.fill("sign-in-code", app.code())
        tab.press("sign-in-submit")
        tab.connect("web-1")
        tab.page.evaluate("location.hash = '#/sessions'")
        tab.sees("session-card")
        gallery.hang("sessions")
        tab.expects("ERR_INTERNET_DISCONNECTED")
        tab.page.context.set_offline(True)
        tab.go("hosts")
        gallery.hang("offline")
        tab.page.context.set_offline(False)


def test_what_asks_for_a_decision(ready, host, profile, open_tab, theme):
    agent = Agent.make(ready)
    asked = agent.ask(reason="Why is /var full?", mode="trusted")["id"]
    grace = colleague(ready, "grace")
    tab = open_tab(ready)
    with Gallery(tab, theme) as gallery:
        tab.sign_in("ada", ready.password)
        tab.sees("agent-call")
        gallery.hang("agent-call")
        tab.press("agent-call-review")
        tab.sees("request-dialog")
        gallery.hang("agent-request")
        tab.press("grant-supervised")
        tab.press("request-approve")
        tab.sees("agent-session")
        gallery.hang("agents")
        tab.open(f"/s/{asked}?panel=agent")
        tab.terminal_ready()
        tab.sees("agent-panel")
        AgentSession(agent, asked, None).exec("rm -rf /srv/nothing", waitMs=0, purpose="room").expect(202)
        tab.sees("agent-question")
        gallery.hang("agent-question")
        tab.press("question-deny")
        tab.sees("question-send")
        gallery.hang("agent-question-denied")
        tab.press("question-send")
        expect(tab.get("agent-question")).to_have_count(0)
        tab.press("agent-stop-all")
        tab.sees("return-note")
        gallery.hang("agent-stopped")
        agent.delete(f"/api/sessions/{asked}")
        theirs = grace.start_session("web-1")["id"]
        wishes = {"userId": identity(ready.person("ada", ready.password)), "note": "Watch the load."}
        offered = grace.post(f"/api/sessions/{theirs}/handoffs", wishes).expect(201)["handoff"]["id"]
        tab.open(f"/handoffs/{offered}")
        tab.sees("handoff-accept")
        gallery.hang("handoff")
        grace.end_session(theirs)
        tab.expects("status of 409")
        host.stop()
        host.make_host_key()
        host.start()
        tab.open("/hosts")
        tab.press_on(tab.host("web-1").get_by_test_id("host-connect"))
        tab.sees_changed_key()
        gallery.hang("changed-key")
