"""Live sessions seen from their seats: what is typed, what comes back, who may, and what survives."""

import asyncio
import hashlib
import inspect
import json
import random
import re
import string

import pytest

import loops
from copilot import Person
from ports import eventually
from seat import Seat

PROMPT = "e2e$"


def plays(test):
    """Lets a test be a coroutine; in a thread of its own, since the browser's driver leaves its loop in the main one."""
    def run(**fixtures):
        loops.run(asyncio.wait_for(test(**fixtures), 170))
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    run.__signature__ = inspect.signature(test)
    return run


@pytest.fixture
def session(ready, ada):
    return ada.start_session("web-1")["id"]


@pytest.fixture
def grace(ready):
    """A colleague who has full control on hosts tagged gpu."""
    return Person(ready).sign_in("grace", ready.add_user("grace", role="ml-ops"))


def invite(ada, session, person, mode):
    user = person.get("/api/me").expect(200)["user"]["id"]
    return ada.post(f"/api/sessions/{session}/participants", {"userId": user, "mode": mode}).expect(200)


@plays
async def test_typed_text_runs_on_the_host(ada, session, account):
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        await seat.type("id -un; echo $((6*7))\r")
        await seat.sees(account.name)
        await seat.sees("42")
        assert seat.state["you"]["holder"] and seat.state["you"]["mayType"]


@plays
async def test_the_hosts_terminal_has_the_seats_size_and_follows_it(ada, session):
    async with Seat(ada, session, columns=132, rows=43) as seat:
        await seat.size(132, 43)
        await seat.sees(PROMPT)
        await seat.type("stty size\r")
        await seat.sees("43 132")
        await seat.size(90, 30)
        await seat.until(lambda: (seat.state["columns"], seat.state["rows"]) == (90, 30), "the new size")
        await seat.type("stty size\r")
        await seat.sees("30 90")


@plays
async def test_the_hosts_programs_learn_what_the_page_can_show(ada, session):
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        await seat.type("echo \"<$LANG $COLORTERM $TERM>\"; locale charmap\r")
        await seat.sees("<C.UTF-8 truecolor xterm-256color>")
        await seat.sees("UTF-8")


@plays
async def test_the_exit_status_of_the_shell_is_the_sessions_ending(ada, session):
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        await seat.type("exit 7\r")
        await seat.until(lambda: seat.ending, "EXIT")
        assert seat.ending["reason"] == "exit" and seat.ending["exitStatus"] == 7


@plays
async def test_a_paste_of_one_megabyte_arrives_whole(ada, session):
    data = "".join(random.Random(7).choices(string.ascii_letters + string.digits + "äöü✓🚀", k=1_000_000)).encode()
    async with Seat(ada, session, keep=True) as seat:
        await seat.sees(PROMPT)
        await seat.type(f"stty raw -echo; echo re''ady; head -c {len(data)} | sha256sum; stty sane\r")
        await seat.sees("ready")
        await seat.type(data)
        await seat.sees(hashlib.sha256(data).hexdigest(), 90)
        assert not seat.refusals


@plays
async def test_output_arrives_byte_for_byte(ada, session):
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        # Slow enough for a reader in Python, so that nothing is skipped on the way.
        await seat.type("stty -onlcr; echo be''gin; for i in $(seq 1 400); do seq $((i*100)) $((i*100+99)); sleep 0.005; "
                        "done | sha256sum; for i in $(seq 1 400); do seq $((i*100)) $((i*100+99)); sleep 0.005; done; "
                        "echo e''nd; stty sane\r")
        await seat.sees("end", 60)
        assert not seat.skips
        text = bytes(seat.output).split(b"begin\n", 1)[1].split(b"end", 1)[0]
        line, body = text.split(b"\n", 1)
        assert hashlib.sha256(body).hexdigest().encode() == line.split()[0]


@plays
async def test_the_screen_of_a_late_joiner_is_the_screen(ada, session):
    """A snapshot of the screen and the whole stream lead pyte to the same cells."""
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        await seat.type(r"clear; printf '\e[1;31mred\e[0m \e[38;5;208morange\e[0m \e[48;2;10;20;200mdeep\e[0m "
                        r"\e[7mreverse\e[0m \e[4munder\e[0m\n'; printf 'box \u2500\u2502\u250c caf\u00e9 \u4e2d\u6587\n';"
                        r" printf '\e[5;20Hplaced\e[9;1Hdone'" + "\r")
        await seat.sees("done")
        await seat.until(lambda: PROMPT.strip() in " ".join(seat.lines()), "the prompt")
        async with Seat(ada, session) as late:
            await late.until(lambda: late.position == seat.position, "the late seat is up to date")
            assert late.lines() == seat.lines()
            for row in range(24):
                for column in range(80):
                    assert late.screen.buffer[row][column] == seat.screen.buffer[row][column], (row, column)
            assert (late.screen.cursor.x, late.screen.cursor.y) == (seat.screen.cursor.x, seat.screen.cursor.y)


@plays
async def test_a_viewer_sees_everything_and_types_nothing(ada, grace, session):
    invite(ada, session, grace, "view")
    async with Seat(ada, session) as seat, Seat(grace, session) as viewer:
        await seat.sees(PROMPT)
        number = await viewer.type("touch /tmp/never\r")
        await viewer.until(lambda: viewer.refusals, "REFUSED")
        assert viewer.refusals[0][:2] == (number, "view_only")
        await viewer.take()
        await seat.type("echo from''-the-owner\r")
        await viewer.sees("from-the-owner")
        await seat.until(lambda: len(seat.state["seats"]) == 2, "both seats are shown")
        assert seat.state["you"]["holder"], "a viewer's TAKE changes nothing"
        assert viewer.state["you"]["mode"] == "view" and not viewer.state["you"]["mayType"]


@plays
async def test_control_passes_to_a_colleague_and_everyone_sees_whose_keyboard_it_is(ada, grace, session):
    invite(ada, session, grace, "control")
    async with Seat(ada, session) as seat, Seat(grace, session) as other:
        await seat.sees(PROMPT)
        epoch = seat.state["keyboard"]["epoch"]
        await other.take()
        for each in (seat, other):
            await each.until(lambda: each.state["keyboard"]["holder"]["name"] == "Grace", "Grace holds the keyboard")
            assert each.state["keyboard"]["epoch"] > epoch
        await other.type("echo by''-grace\r")
        await seat.sees("by-grace")
        await seat.type("echo by''-ada\r")
        await seat.until(lambda: seat.refusals, "REFUSED")
        assert seat.refusals[0][1] == "not_keyboard_holder"
        await other.give(seat.state["you"]["seatId"])
        await seat.until(lambda: seat.state["you"]["holder"], "Ada holds it again")


@plays
async def test_a_stranger_does_not_get_in(ada, ready, session):
    eve = Person(ready).sign_in("eve", ready.add_user("eve", role="devops"))
    seat = Seat(eve, session)
    with pytest.raises(AssertionError):
        await seat.attach()
    assert seat.errors and seat.errors[0]["code"] in ("not_found", "not_invited", "not_permitted")
    await seat.close()


@plays
async def test_a_disabled_person_is_out_within_a_second(ada, grace, session):
    invite(ada, session, grace, "control")
    async with Seat(grace, session) as seat:
        user = grace.get("/api/me").expect(200)["user"]["id"]
        ada.patch(f"/api/users/{user}", {"disabled": True}).expect(200)
        await asyncio.wait_for(seat.task, 3)
        assert grace.get("/api/me").status == 401


@plays
async def test_a_cut_socket_resumes_without_a_lost_or_doubled_byte(ada, session):
    seat = Seat(ada, session)
    await seat.attach()
    await seat.sees(PROMPT)
    await seat.type("stty -onlcr; echo be''gin; for i in $(seq 1 1500); do echo line-$i; sleep 0.002; done; echo e''nd\r")
    await seat.sees("begin")
    for _ in range(6):
        await asyncio.sleep(0.3)
        seat.socket.transport.abort()
        await asyncio.gather(seat.task, return_exceptions=True)
        seat.state = None
        await seat.attach()
    await seat.sees("end\n", 40)
    await seat.close()
    assert not seat.skips
    lines = bytes(seat.output).split(b"begin\n", 1)[1].split(b"end", 1)[0].decode().splitlines()
    assert lines == [f"line-{number}" for number in range(1, 1501)]


@plays
async def test_input_that_was_on_its_way_when_the_socket_broke_is_not_typed_twice(ada, session):
    seat = Seat(ada, session)
    await seat.attach()
    await seat.sees(PROMPT)
    await seat.type("echo on''ce\r")
    await seat.sees("once")
    sent, seat.sent = seat.sent, seat.sent - 1
    seat.socket.transport.abort()
    await asyncio.gather(seat.task, return_exceptions=True)
    seat.state = None
    await seat.attach()
    await seat.type("echo on''ce\r")
    assert seat.sent == sent
    await seat.until(lambda: seat.accepted >= sent, "INACK")
    await seat.type("echo af''ter\r")
    await seat.sees("after")
    assert bytes(seat.output).count(b"once") == 1
    await seat.close()


@plays
async def test_a_viewer_that_stops_reading_never_slows_the_session(ada, session):
    async with Seat(ada, session, keep=False) as seat:
        stuck = Seat(ada, session, keep=False)
        await stuck.attach()
        stuck.reads = False
        stuck.task.cancel()
        await seat.until(lambda: seat.position, "the prompt")
        await seat.type("seq 1 1000000; echo e''nd-of-flood\r")
        seat.keep = True
        await seat.sees("end-of-flood", 60)
        await stuck.socket.close()


@plays
async def test_what_is_typed_without_echo_is_in_no_recording(ready, ada, session):
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        await seat.type("read -s -p 'Password: ' secret; echo got-${#secret}\r")
        await seat.sees("Password: ")
        await seat.type("hunter2-is-secret\r")
        await seat.sees("got-17")
        await seat.type("exit\r")
        await seat.until(lambda: seat.ending, "EXIT")
    recording = eventually(
        lambda: next((r for r in ada.recordings() if r["sessionId"] == session and r["state"] == "complete"), None),
        "the recording is complete")
    cast = ada.get(f"/api/recordings/{recording['id']}/asciicast").body.decode()
    assert "got-17" in cast and "hunter2" not in cast
    whole = "".join(json.loads(line)[2] for line in cast.splitlines()[1:] if json.loads(line)[1] in "io")
    assert "hunter2-is-secret" not in whole


@plays
async def test_a_session_without_seats_ends_after_the_admins_limit(ready, ada, session):
    ada.patch("/api/settings", {"seatlessMinutes": 1}).expect(200)
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        assert ada.session(session)["expiresAt"] is None
    expires = eventually(lambda: ada.session(session)["expiresAt"], "an end is set")
    assert re.match(r"\d{4}-\d\d-\d\dT", expires)
    async with Seat(ada, session) as seat:
        await seat.until(lambda: seat.state and not ada.session(session)["expiresAt"], "a seat takes the end away")


@plays
async def test_remote_commands_run_without_a_shell(ada, ready):
    started = ada.start_session("web-1", command="echo only-this; sleep 2; exit 3")
    async with Seat(ada, started["id"]) as seat:
        await seat.sees("only-this")
        await seat.until(lambda: seat.ending, "EXIT")
        assert seat.ending["exitStatus"] == 3
