"""A session on its way from one person to the next.

Attack classes that are tested here: somebody else's offer, a right that the receiver does not have, an answer that comes
too late or twice, and secrets in what is handed over.
"""

import pytest
from playwright.sync_api import expect

from copilot import Person
from people import colleague, identity
from ports import eventually
from seat import Seat
from test_sessions import plays

PROMPT = "e2e$"


@pytest.fixture
def session(ready, ada):
    return ada.start_session("web-1")["id"]


def offer(person, session, to, **wishes):
    return person.post(f"/api/sessions/{session}/handoffs", {"userId": identity(to), **wishes})


@plays
async def test_the_next_one_gets_a_brief_then_the_session_its_keyboard_and_its_name_in_the_log(ready, ada, session):
    grace = colleague(ready, "grace")
    async with Seat(ada, session) as one:
        await one.sees(PROMPT)
        async def run(line):
            prompts = one.output.count(b"e2e$ ")
            await one.type(line + "\r")
            await one.until(lambda: one.output.count(b"e2e$ ") > prompts, f"the end of {line!r}")

        for line in ("echo be''gin", "PS0=$'\\e]133;C\\a' PROMPT_COMMAND='printf \"\\e]133;D;%s\\a\" $?'", "false"):
            await run(line)
        await one.type("read -s -p 'Password: ' x\r")
        await one.sees("Password:")
        await run("hunter2-secret")
        ada.post(f"/api/sessions/{session}/chat", {"text": "disk is full"}).expect(201)
        offered = offer(ada, session, grace, note="Mind the disk.").expect(201)["handoff"]
        assert offered["state"] == "open" and offered["note"] == "Mind the disk."
        brief = grace.get(f"/api/handoffs/{offered['id']}").expect(200)["handoff"]["brief"]
        commands = {command["text"]: command.get("exitStatus") for command in brief["commands"]}
        assert "echo be''gin" in commands and commands["false"] == 1, brief["commands"]
        assert "hunter2-secret" not in str(brief)
        assert any("begin" in line for line in brief["screen"])
        assert [remark["text"] for remark in brief["chat"]] == ["disk is full"]
        offer(ada, session, grace).refused(409, "handoff_open")
        grace.post(f"/api/handoffs/{offered['id']}/accept").expect(200)
        await one.until(lambda: one.state["owner"]["name"] == "Grace", "the new owner")
        # The keyboard waits for the new owner and is theirs on arrival; whose it was stays.
        async with Seat(grace, session) as two:
            await two.until(lambda: two.state["you"]["holder"], "the keyboard")
            await two.type("echo mi''ne\r")
            await two.sees("mine")
            assert one.state["you"]["mode"] == "control"
            grace.post(f"/api/handoffs/{offered['id']}/accept").refused(409, "handoff_closed")
    grace.end_session(session).expect(204)
    assert grace.recordings()[0]["owner"]["name"] == "Grace" and ada.recordings()[0]["participants"]
    log = {entry["action"]: entry for entry in ada.audit()}
    assert log["session.handoff"]["actor"]["name"] == "Ada"
    assert log["session.handoff_accept"]["actor"]["name"] == "Grace"
    markers = [marker["label"] for marker in ada.get(f"/api/recordings/{ada.recordings()[0]['id']}").json["markers"]]
    assert any("handed the session to Grace" in label for label in markers), markers


def test_an_offer_is_for_one_person_who_may_work_there_and_for_a_time(ready, ada, session):
    grace, eve, dan = colleague(ready, "grace"), colleague(ready, "eve"), colleague(ready, "dan", role="guest")
    offer(ada, session, dan).refused(403, "not_permitted")
    offer(ada, session, ada).refused(409, "conflict")
    offer(grace, session, eve).refused(404, "not_found")
    offer(ada, session, grace, minutes=0).refused(422, "invalid")
    offer(ada, session, grace, note="x" * 1001).refused(422, "invalid")
    first = offer(ada, session, grace).expect(201)["handoff"]["id"]
    eve.get(f"/api/handoffs/{first}").refused(404, "not_found")
    eve.post(f"/api/handoffs/{first}/accept").refused(404, "not_found")
    ada.post(f"/api/handoffs/{first}/accept").refused(403, "not_permitted")
    grace.post(f"/api/handoffs/{first}/withdraw").refused(403, "not_permitted")
    ada.post(f"/api/handoffs/{first}/withdraw").expect(200)
    grace.post(f"/api/handoffs/{first}/accept").refused(409, "handoff_closed")
    second = offer(ada, session, grace).expect(201)["handoff"]["id"]
    # The right is asked again when it counts.
    ada.patch(f"/api/users/{identity(grace)}", {"role": "guest"}).expect(200)
    grace.post(f"/api/handoffs/{second}/accept").refused(403, "not_permitted")
    grace.post(f"/api/handoffs/{second}/decline").expect(200)
    third = offer(ada, session, eve).expect(201)["handoff"]["id"]
    ada.end_session(session).expect(204)
    eventually(lambda: eve.get(f"/api/handoffs/{third}").json["handoff"]["state"] == "ended", "the offer ends too")
    assert ada.session(session)["owner"]["name"] == "Ada"


def test_a_session_is_handed_over_in_the_page(ready, open_tab):
    password = ready.add_user("grace", role="ml-ops")
    tab = open_tab(ready).sign_in("ada", ready.password)
    tab.connect("web-1")
    session = tab.session
    tab.run("uptime -p")
    tab.sees_text("up ")
    other = open_tab(ready).sign_in("grace", password)
    tab.menu("menu-people") if tab.profile.is_phone else tab.press("people-open")
    tab.press("handoff-open")
    tab.press("handoff-to-grace")
    tab.fill("handoff-note", "Watch the load.")
    tab.screenshot("handoff-dialog")
    tab.press("handoff-offer")
    tab.sees("handoff-pending")
    tab.screenshot("handoff-pending")
    [offered] = Person(ready).sign_in("grace", password).get("/api/handoffs").expect(200)["handoffs"]
    other.open(f"/handoffs/{offered['id']}")
    expect(other.sees("handoff-said")).to_have_text("Watch the load.")
    expect(other.get("brief-command").first).to_contain_text("uptime -p")
    other.screenshot("handoff-brief")
    other.press("handoff-accept")
    other.terminal_ready()
    other.sees_holder("You")
    other.screenshot("handed-over")
    assert other.session == session
    tab.page.keyboard.press("Escape")
    tab.sees_holder("Grace")
    tab.sees("banner-notice")
    tab.screenshot("handed-away")
