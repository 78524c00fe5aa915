"""Several people at one session: who may do what, who watches, who came by a link, and when they are out.

Attack classes of shared terminals that are tested here: hijacked and forged joins, other people's objects (teams, links,
sessions) and live streams, rights that outlive their ground, text that is more than text, answers of an observer's
terminal, a way around view-only, leaked links, and the moment in which somebody's link is lost.
"""

import re
import time

import pytest
from playwright.sync_api import expect

from browser import SHOWN
from copilot import Person
from people import colleague, guest, identity, invite, make_link
from ports import eventually
from seat import Seat
from test_session_screen import Colleague
from test_sessions import plays

PROMPT = "e2e$"


@pytest.fixture
def session(ready, ada):
    return ada.start_session("web-1")["id"]


# --- the keyboard


@plays
async def test_a_paste_of_one_seat_is_not_cut_by_another_that_takes_the_keyboard(ready, ada, session):
    grace = colleague(ready, "grace")
    invite(ada, session, grace, "control")
    async with Seat(ada, session) as one, Seat(grace, session) as two:
        await one.sees(PROMPT)
        await one.type("stty raw -echo; echo re''ady; head -c 60 | od -c -A n; stty sane\r")
        await one.sees("ready")
        await one.type("\x1b[200~first half ")
        await two.take()
        await one.type("second half\x1b[201~")
        await two.until(lambda: two.state["you"]["holder"], "the keyboard after the paste")
        await two.type("x" * 26)
        await two.sees("x   x   x")
        shown = re.sub(r"[^a-z]+", "", "".join(line for line in one.lines() if "   " in line))
        assert "firsthalfsecondhalf" + "x" * 26 in shown, shown


@plays
async def test_what_an_observers_terminal_answers_reaches_nobody(ready, ada, session):
    grace = colleague(ready, "grace")
    invite(ada, session, grace, "control")
    async with Seat(ada, session) as one, Seat(grace, session) as two:
        await one.sees(PROMPT)
        await one.give("")
        await two.until(lambda: two.state["keyboard"]["holder"] is None, "a free keyboard")
        for report in ("\x1b[?1;2c", "\x1b[24;80R", "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"):
            await two.type(report)
        await two.until(lambda: two.accepted == 3, "INACK")
        assert two.state["keyboard"]["holder"] is None
        await one.type("echo clean\r")
        await one.sees("clean")
        assert not any("rgb" in line or "24;80R" in line for line in one.lines())


@plays
async def test_a_request_for_the_keyboard_names_its_seat_and_is_limited(ready, ada, session):
    grace = colleague(ready, "grace")
    invite(ada, session, grace, "control")
    async with Seat(ada, session) as one, Seat(grace, session) as two:
        await one.take()
        await two.until(lambda: two.state["keyboard"]["holder"], "a holder")
        for _ in range(6):
            await two.send(0x47)
        request = await one.note("keyboard.request")
        assert request["seatId"] == two.state["you"]["seatId"] and request["mode"] == "control"
        await two.until(lambda: any(code == "too_fast" for code, *_ in two.notices), "the limit")
        assert len(one.noted("keyboard.request")) == 3
        await one.give(request["seatId"])
        await two.until(lambda: two.state["you"]["holder"], "the keyboard")


# --- four eyes


@plays
async def test_where_a_host_demands_it_nothing_is_sent_unless_a_moderator_watches(ready, ada, host):
    ready.add_host("vault-1", host, ("--password-stdin", "--tag", "gpu", "--tag", "four-eyes"))
    grace = colleague(ready, "grace")
    session = ada.start_session("vault-1")["id"]
    hosts = {"hostId": ada.host("vault-1")["id"], "columns": 80, "rows": 24}
    ada.post("/api/sessions", {**hosts, "command": "id"}).refused(409, "unwatched")
    ada.patch(f"/api/sessions/{session}", {"watched": False}).refused(409, "watch_by_host")
    async with Seat(ada, session) as one:
        await one.sees(PROMPT)
        assert one.state["watch"] == {"required": True, "by": "host", "watchers": [], "heldBy": None}
        await one.type("touch ~/unwatched\r")
        await one.until(lambda: one.refusals, "a refusal")
        assert one.refusals[0][1] == "unwatched" and not one.state["you"]["mayType"]
        # Whoever may moderate on that host finds the session by themselves.
        async with Seat(grace, session) as two:
            assert two.state["you"]["mode"] == "moderate"
            await one.until(lambda: one.state["watch"]["watchers"], "a watcher")
            await one.type("ls ~/unwatched\r")
            await one.sees("No such file")
            await two.tell("attention", {"looking": False})
            await one.until(lambda: not one.state["you"]["mayType"], "the pause")
            await two.tell("attention", {"looking": True})
            await one.until(lambda: one.state["you"]["mayType"], "the end of the pause")
        await one.until(lambda: not one.state["watch"]["watchers"], "nobody watches")
    eventually(lambda: {"session.watched", "session.unwatched"} <= set(ada.actions()), "both are in the audit log")


@plays
async def test_whoever_is_watched_does_not_end_the_watch(ready, ada, session):
    grace = colleague(ready, "grace")
    invite(ada, session, grace, "moderate")
    async with Seat(ada, session) as one, Seat(grace, session) as two:
        ada.patch(f"/api/sessions/{session}", {"watched": True}).expect(200)
        await one.until(lambda: one.state["watch"]["required"], "the demand")
        ada.patch(f"/api/sessions/{session}", {"watched": False}).refused(403, "not_permitted")
        grace.patch(f"/api/sessions/{session}", {"held": True}).expect(200)
        await one.type("id\r")
        await one.until(lambda: one.refusals, "a refusal")
        assert one.refusals[0][1] == "held"
        grace.patch(f"/api/sessions/{session}", {"held": False, "watched": False}).expect(200)
        await two.until(lambda: not two.state["watch"]["required"], "the end of the watch")


# --- teams


@plays
async def test_a_team_is_invited_as_a_whole_and_whoever_leaves_it_is_out(ready, ada, session):
    grace, dan = colleague(ready, "grace"), colleague(ready, "dan", role="guest")
    ready.cli("team", "add", "On-call", "grace", "dan")
    [team] = ada.get("/api/teams").expect(200)["teams"]
    assert {member["username"] for member in team["members"]} == {"grace", "dan"}
    grace.post("/api/teams", {"name": "Mine"}).refused(403, "not_permitted")
    grace.post(f"/api/sessions/{session}/teams", {"teamId": team["id"]}).refused(404, "not_found")
    ada.post(f"/api/sessions/{session}/teams", {"teamId": team["id"], "mode": "control"}).expect(200)
    async with Seat(grace, session) as one, Seat(dan, session) as two:
        # Never more than one's own permission on that host.
        assert (one.state["you"]["mode"], two.state["you"]["mode"]) == ("control", "view")
        began = time.monotonic()
        ada.delete(f"/api/teams/{team['id']}/members/{identity(grace)}").expect(200)
        await one.until(lambda: any(code == "seat_removed" for code, *_ in one.notices), "the end of the seat", 5)
        assert time.monotonic() - began < 1
        # The command line is another process: it is noticed within a second or two.
        ready.cli("team", "remove-member", "on-call", "dan")
        await two.until(lambda: any(code == "seat_removed" for code, *_ in two.notices), "the end of the seat", 5)
    grace.get(f"/api/sessions/{session}").refused(404, "not_found")


# --- links


@plays
async def test_a_guest_by_link_sees_one_session_and_nothing_else(ready, ada, session):
    other = ada.start_session("web-1")["id"]
    link, secret = make_link(ada, session)
    assert (link["mode"], link["uses"], link["person"]) == ("view", 1, None)
    info = Person(ready).post("/auth/join/check", {"token": secret}).expect(200)
    assert info["host"] == "web-1" and not info["needsSignIn"]
    visitor = guest(ready, secret, "Ada")
    # Nobody passes for a colleague.
    assert visitor.arrival["guest"]["name"] == "Ada (guest)"
    async with Seat(ada, session) as one, Seat(visitor, session) as two:
        await one.sees(PROMPT)
        assert two.state["you"]["mode"] == "view" and not two.state["you"]["mayType"]
        await two.type("id\r")
        await two.until(lambda: two.refusals, "a refusal")
        assert two.refusals[0][1] == "view_only"
        await two.take()
        await two.until(lambda: any(code == "view_only" for code, *_ in two.notices), "the refusal to take")
        await two.send(0x44, bytes([20, 10]))
        assert one.state["columns"] == 80
        stranger = Seat(visitor, other)
        with pytest.raises(AssertionError):
            await stranger.attach()
        assert stranger.errors[0]["code"] == "not_found"
        await stranger.close()
    visitor.get(f"/api/sessions/{session}").expect(200)
    visitor.get(f"/api/sessions/{other}").refused(404, "not_found")
    for path in ("/api/hosts", "/api/users", "/api/teams", "/api/sessions", "/api/recordings", "/api/audit", "/api/me",
                 "/api/settings", "/api/handoffs", f"/api/sessions/{session}/links"):
        visitor.get(path).refused(401, "not_signed_in")
    visitor.delete(f"/api/sessions/{session}").refused(401, "not_signed_in")
    visitor.post(f"/api/sessions/{session}/clipboard", {"text": "x", "to": "everybody", "seatId": ""}).refused(
        401, "not_signed_in")


@plays
async def test_a_link_is_used_up_expires_and_ends_with_its_makers_right(ready, ada, session):
    _, secret = make_link(ada, session)
    guest(ready, secret)
    Person(ready).post("/auth/join", {"token": secret, "name": "Eve"}).refused(410, "link_void")
    Person(ready).post("/auth/join", {"token": secret[:-1] + "A", "name": "Eve"}).refused(410, "link_void")
    ada.post(f"/api/sessions/{session}/links", {"mode": "control"}).refused(422, "invalid")
    grace = colleague(ready, "grace")
    grace.post(f"/api/sessions/{session}/links", {}).refused(404, "not_found")
    mine = grace.start_session("web-1")["id"]
    _, hers = make_link(grace, mine, uses=5)
    visitor = guest(ready, hers)
    async with Seat(visitor, mine) as one:
        began = time.monotonic()
        ada.patch(f"/api/users/{identity(grace)}", {"role": "guest"}).expect(200)
        await one.until(lambda: any(code == "seat_removed" for code, *_ in one.notices), "the end of the seat", 5)
        assert time.monotonic() - began < 1
    Person(ready).post("/auth/join/check", {"token": hers}).refused(410, "link_void")
    # No secret is anywhere on the disk.
    for path in ready.data.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


@plays
async def test_a_link_that_is_taken_back_puts_its_guests_out_at_once(ready, ada, session):
    link, secret = make_link(ada, session, uses=5)
    visitor = guest(ready, secret)
    async with Seat(visitor, session) as one:
        began = time.monotonic()
        ada.delete(f"/api/sessions/{session}/links/{link['id']}").expect(204)
        await one.until(lambda: any(code == "seat_removed" for code, *_ in one.notices), "the end of the seat", 5)
        assert time.monotonic() - began < 1
    visitor.get(f"/api/sessions/{session}").refused(401, "not_signed_in")
    assert ada.get(f"/api/sessions/{session}/links").expect(200)["links"] == []


def test_a_link_for_a_person_is_good_for_nobody_else(ready, ada, session):
    grace, dan = colleague(ready, "grace"), colleague(ready, "dan")
    _, secret = make_link(ada, session, userId=identity(grace), mode="control")
    Person(ready).post("/auth/join", {"token": secret, "name": "Eve"}).refused(401, "not_signed_in")
    dan.post("/auth/join", {"token": secret}).refused(403, "link_of_somebody_else")
    assert grace.post("/auth/join", {"token": secret}).expect(200) == {"sessionId": session, "guest": None}
    [person] = [one for one in grace.session(session)["participants"] if one["name"] == "Grace"]
    assert person["mode"] == "control"
    # Another page cannot make somebody's browser join.
    _, other = make_link(ada, session)
    answer = dan.request("POST", "/auth/join", {"token": other}, {"Origin": "https://evil.example"})
    assert answer.status == 403


def test_other_peoples_sessions_are_closed_to_every_call(ready, ada, session):
    grace = colleague(ready, "grace")
    link, secret = make_link(ada, session, uses=2)
    visitor = guest(ready, secret)
    offer = ada.post(f"/api/sessions/{session}/handoffs", {"userId": identity(grace)}).expect(201)["handoff"]["id"]
    here = f"/api/sessions/{session}"
    calls = [
        ("PATCH", here, {"watched": True, "held": True}), ("POST", here + "/teams", {"teamId": "x"}),
        ("DELETE", here + "/teams/x", None), ("GET", here + "/links", None), ("POST", here + "/links", {}),
        ("DELETE", here + f"/links/{link['id']}", None), ("GET", here + "/chat", None),
        ("POST", here + "/chat", {"text": "x"}), ("POST", here + "/handoffs", {"userId": "x"}),
        ("POST", here + "/clipboard", {"text": "x", "to": "everybody", "seatId": "x"}),
        ("POST", here + "/participants", {"userId": "x"}), ("DELETE", here, None),
        ("GET", f"/api/handoffs/{offer}", None), ("POST", f"/api/handoffs/{offer}/accept", {}),
        ("POST", f"/api/handoffs/{offer}/decline", {}), ("POST", f"/api/handoffs/{offer}/withdraw", {}),
        ("POST", "/api/teams", {"name": "x"}), ("DELETE", "/api/teams/x", None),
    ]
    for role in ("devops", "guest"):
        stranger = colleague(ready, f"eve-{role}", role)
        for method, path, body in calls:
            status = stranger.request(method, path, body).status
            assert status in (403, 404), f"{role} {method} {path}: {status}"
    for method, path, body in calls:
        answer = visitor.request(method, path, body)
        if path.endswith("/chat"):
            assert answer.status in (200, 403), "a guest reads the chat, and writes from a seat"
        else:
            answer.refused(401, "not_signed_in")
    assert ada.session(session)["state"] == "live" and not ada.session(session)["watch"]["required"]


# --- many devices, and the way back


@plays
async def test_one_person_on_two_devices_and_back_after_a_lost_link(make_copilot, make_proxy, host):
    copilot = make_copilot(start=False)
    password = copilot.add_user("ada")
    copilot.add_host("web-1", host)
    proxy = make_proxy(copilot.port)
    copilot.start("--names", f"localhost:{proxy.port}")
    ada = copilot.person("ada", password)
    session = ada.start_session("web-1")["id"]
    phone = Seat(ada, session, device="phone")
    await phone.attach(proxy.port)
    async with Seat(ada, session) as laptop:
        await laptop.sees(PROMPT)
        await laptop.until(
            lambda: {one["device"] for one in laptop.state["seats"]} == {"desktop", "phone"}, "both devices")
        await laptop.take()
        await laptop.type("echo from-la''ptop\r")
        await phone.sees("from-laptop")
        proxy.cut()
        await laptop.until(lambda: any(not one["connected"] for one in laptop.state["seats"]), "the phone is away")
        await laptop.type("for i in $(seq 1 300); do echo line-$i; done; echo do''ne\r")
        await laptop.sees("done")
        before = bytes(phone.output)
        await phone.attach(proxy.port)
        await phone.sees("done")
        # No byte is missing and none comes twice: every OUT has to be the next one.
        assert bytes(phone.output).startswith(before)
        assert bytes(phone.output).count(b"line-300\r\n") == 1
    await phone.close()


# --- in the browser


def test_people_share_a_session_in_the_page(ready, open_tab):
    tab = open_tab(ready).sign_in("ada", ready.password)
    grace = colleague(ready, "grace")
    ready.cli("team", "add", "On-call", "grace")
    tab.connect("web-1")
    session = tab.session
    tab.menu("menu-people") if tab.profile.is_phone else tab.press("people-open")
    tab.press("invite-team-On-call")
    tab.sees("invited-team")
    tab.press("link-make")
    url = tab.sees("link-url").inner_text()
    tab.screenshot("people")
    tab.press("four-eyes")
    tab.page.keyboard.press("Escape")
    tab.sees("banner-unwatched")
    tab.screenshot("unwatched")
    visitor = open_tab(ready)
    visitor.expects("401", "410")
    visitor.page.goto(url)
    visitor.sees("join-name")
    visitor.screenshot("join")
    assert "token" not in visitor.page.url, "the secret is not left in the address"
    visitor.fill("join-name", "Walter")
    visitor.press("join-submit")
    visitor.terminal_ready()
    expect(visitor.get("tab-hosts" if tab.profile.is_phone else "nav-hosts")).to_have_count(0)
    visitor.screenshot("guest")
    visitor.page.reload()
    visitor.terminal_ready()

    ada = Person(ready).sign_in("ada", ready.password)
    invite(ada, session, grace, "moderate")
    with Colleague(grace, session):
        tab.sees("banner-watched")
        tab.screenshot("watched")
    tab.sees("banner-unwatched")
    tab.menu("menu-people") if tab.profile.is_phone else tab.press("people-open")
    tab.press("link-revoke")
    expect(visitor.get("sign-in-form")).to_be_visible(timeout=10_000)
    visitor.screenshot("guest-gone")


def test_the_keyboard_is_asked_for_and_given_in_the_page(ready, open_tab):
    tab = open_tab(ready).sign_in("ada", ready.password)
    password = ready.add_user("grace", role="ml-ops")
    tab.connect("web-1")
    ada = Person(ready).sign_in("ada", ready.password)
    grace = Person(ready).sign_in("grace", password)
    invite(ada, tab.session, grace, "control")
    tab.run("echo first")
    tab.sees_text("first")
    other = open_tab(ready).sign_in("grace", password)
    other.join(tab.session)
    other.press_on(other.page.locator(f"{SHOWN} [data-testid=keyboard-chip]"))
    other.press("keyboard-request")
    tab.sees("banner-requested")
    tab.screenshot("requested")
    tab.press("give-requested")
    other.sees_holder("You")
    other.run("echo second")
    tab.sees_text("second")
