"""The chat beside a session, and text on its way from one clipboard to another.

Attack classes that are tested here: other people's chats, text that is more than text (script, control bytes, marks that
turn writing), floods, and what stays behind.
"""

import json

import pytest
from playwright.sync_api import expect

from copilot import Person
from people import colleague, guest, identity, invite, make_link
from ports import eventually
from seat import Seat
from test_sessions import plays


@pytest.fixture
def session(ready, ada):
    return ada.start_session("web-1")["id"]


def say(person, session, text):
    return person.post(f"/api/sessions/{session}/chat", {"text": text})


@plays
async def test_what_is_said_is_read_by_all_kept_with_the_recording_and_told_to_late_joiners(ready, ada, session):
    grace = colleague(ready, "grace")
    say(ada, session, "nobody is here").refused(403, "no_seat")
    async with Seat(ada, session) as one:
        said = say(ada, session, "ask @grace at 0:01").expect(201)["message"]
        assert said["mentions"] == [], "somebody who may not see the session is not told of it"
        invite(ada, session, grace, "view")
        async with Seat(grace, session) as two:
            await two.tell("chat.sync", {"after": None})
            history = await two.note("chat.history")
            assert [message["text"] for message in history["messages"]] == ["ask @grace at 0:01"]
            said = say(ada, session, "hello @grace").expect(201)["message"]
            assert said["mentions"] == [identity(grace)]
            assert (await two.note("chat.message"))["text"] == "hello @grace"
            await two.tell("typing", {})
            assert (await one.note("typing"))["place"] == "chat"
    ada.end_session(session).expect(204)
    [recording] = ada.recordings()
    recording = ada.get(f"/api/recordings/{recording['id']}").expect(200)
    chat = [marker["label"] for marker in recording["markers"] if marker["kind"] == "chat"]
    assert chat == ["Ada: ask @grace at 0:01", "Ada: hello @grace"]
    assert "chat.message" in ada.actions()
    assert "hello @grace" not in json.dumps(ada.audit()), "what is said is in the recording, not in the audit log"


@plays
async def test_a_chat_is_for_its_session_alone_and_for_those_who_sit_there(ready, ada, session):
    grace, eve = colleague(ready, "grace"), colleague(ready, "eve")
    invite(ada, session, grace, "view")
    _, secret = make_link(ada, session)
    visitor = guest(ready, secret)
    async with Seat(ada, session), Seat(visitor, session) as two:
        say(ada, session, "one").expect(201)
        assert (await two.note("chat.message"))["text"] == "one"
        say(visitor, session, "from a guest").expect(201)
        for path in (f"/api/sessions/{session}/chat",):
            eve.get(path).refused(404, "not_found")
            Person(ready).get(path).refused(401, "not_signed_in")
        say(eve, session, "x").refused(404, "not_found")
        say(grace, session, "x").refused(403, "no_seat")
        ada.delete(f"/api/sessions/{session}/participants/{identity(grace)}").expect(200)
        grace.get(f"/api/sessions/{session}/chat").refused(404, "not_found")


@plays
async def test_a_message_is_plain_text_of_a_bounded_length_and_rate(ada, session):
    async with Seat(ada, session):
        said = say(ada, session, "a\x1b]52;c;eA==\x07\u202eb\x00").expect(201)["message"]
        assert said["text"] == "a]52;c;eA==b"
        say(ada, session, " \x07 ").refused(422, "invalid")
        say(ada, session, "x" * 2001).refused(422, "invalid")
        statuses = [say(ada, session, str(number)).status for number in range(15)]
        assert 429 in statuses and statuses[0] == 201


@plays
async def test_a_clipboard_is_offered_to_whom_it_is_for_and_kept_nowhere(ready, ada, session):
    grace, secret = colleague(ready, "grace"), "correct-horse-battery-clip"
    invite(ada, session, grace, "view")
    _, token = make_link(ada, session)
    visitor = guest(ready, token)

    def offer(person, seat, to, text=secret):
        return person.post(f"/api/sessions/{session}/clipboard", {
            "text": text, "to": to, "seatId": seat.state["you"]["seatId"]})

    async with Seat(ada, session) as one, Seat(ada, session, device="phone") as phone, Seat(grace, session) as two, \
            Seat(visitor, session) as three:
        assert offer(ada, one, "devices").expect(200)["devices"] == 1
        assert (await phone.note("clipboard.offer"))["text"] == secret
        assert not two.noted("clipboard.offer") and not one.noted("clipboard.offer")
        assert offer(ada, one, identity(grace)).expect(200)["devices"] == 1
        offered = await two.note("clipboard.offer")
        assert offered["name"] == "Ada" and not offered["own"]
        assert offer(ada, one, "everybody").expect(200)["devices"] == 1
        assert not three.noted("clipboard.offer"), "guests get nothing"
        offer(ada, one, "everybody", "x" * 70_000).refused(422, "invalid")
        assert [offer(ada, one, "devices").status for _ in range(6)][-1] == 429
    ada.end_session(session).expect(204)
    eventually(lambda: "clipboard.offer" in ada.actions(), "the offer is in the audit log")
    assert secret not in json.dumps(ada.audit())


def test_people_talk_beside_the_terminal(ready, open_tab):
    password = ready.add_user("grace", role="ml-ops")
    tab = open_tab(ready).sign_in("ada", ready.password)
    tab.connect("web-1")
    session = tab.session
    ada, grace = Person(ready).sign_in("ada", ready.password), Person(ready).sign_in("grace", password)
    invite(ada, session, grace, "control")
    other = open_tab(ready).sign_in("grace", password)
    other.join(session)
    open_chat(tab)
    tab.screenshot("chat-empty")
    tab.get("chat-field").fill("look, @gr")
    tab.sees("chat-offer-grace")
    tab.screenshot("chat-mention")
    tab.press("chat-offer-grace")
    tab.page.keyboard.insert_text("at 0:00 <img src=x onerror=alert(1)>")
    tab.press("chat-send")
    tab.sees("chat-message")
    # Mentioned, and not looking at the chat: told, with a way to it.
    toast = other.page.get_by_test_id("toast").filter(has_text="mentions you")
    expect(toast).to_be_visible()
    other.screenshot("mentioned")
    other.press_on(toast.get_by_role("button"))
    message = other.sees("chat-message")
    expect(message).to_contain_text("<img src=x onerror=alert(1)>")
    expect(message.locator("img")).to_have_count(0)
    expect(message.locator(".mention.mine")).to_have_text("@grace")
    other.get("chat-field").fill("yes")
    expect(tab.get("chat-writing")).to_have_text("Grace is writing…")
    other.press("chat-send")
    expect(tab.get("chat-message")).to_have_count(2)
    tab.screenshot("chat")
    # A moment of the session that still runs is in its recording already.
    tab.press("chat-moment")
    tab.sees("player")
    tab.page.go_back()
    tab.sees("chat-field")
    other.page.keyboard.press("Escape")
    tab.get("chat-field").fill("still there?")
    tab.press("chat-send")
    if not other.profile.is_phone:
        expect(other.get("chat-open")).to_contain_text("1")
    other.screenshot("unread")
    # From one clipboard to the other, by a tap.
    tab.page.keyboard.press("Escape")
    tab.page.evaluate("navigator.clipboard.writeText('kubectl get pods')")
    tab.menu("menu-people") if tab.profile.is_phone else tab.press("people-open")
    tab.press("clipboard-open")
    expect(tab.get("clipboard-text")).to_have_value("kubectl get pods")
    tab.get("clipboard-to").select_option(label="Grace")
    tab.screenshot("clipboard")
    tab.press("clipboard-offer")
    offer = other.page.get_by_test_id("toast").filter(has_text="for your clipboard")
    expect(offer).to_be_visible()
    other.screenshot("clipboard-offered")
    other.press_on(offer.get_by_role("button", name="Copy"))
    eventually(lambda: other.page.evaluate("navigator.clipboard.readText()") == "kubectl get pods", "the text is there")
    tab.page.keyboard.press("Escape")
    # In the replay the same moment is a marker.
    ada.end_session(session).expect(204)
    tab.sees("open-recording")
    tab.press("open-recording")
    expect(tab.get("player-marker").filter(has_text="look, @grace")).to_be_visible(timeout=20_000)


def open_chat(tab):
    tab.menu("menu-chat") if tab.profile.is_phone else tab.press("chat-open")
    tab.sees("chat-field")
