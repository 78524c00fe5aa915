"""What somebody tries who wants more than they were given: over REST, over the WebSocket, and as a hostile host."""

import asyncio
import base64
import json
import os
import re
import socket
import sqlite3
import time

import pytest
import websockets

import loops
from copilot import Person, unverified
from ports import eventually, process_tree
from seat import (ACK, ATTACH, DETACH, ERROR, GIVE, IN, PING, REQUEST, SIZE, TAKE, VISIBLE, Seat, text, varint)

PASSWORD = "correct horse battery"


def crew(copilot, *names):
    """People by role: `guest` or `name:role`."""
    found = []
    for name in names:
        username, _, role = name.partition(":")
        copilot.add_user(username, role or username)
        found.append(copilot.person(username, PASSWORD))
    return found


def identity(person):
    return person.get("/api/me").expect(200)["user"]["id"]


def open_socket(person, origin=..., host=None, cookies=True, bearer=None, port=None):
    headers = {}
    if cookies and person.cookies:
        headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in person.cookies.items())
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    return websockets.connect(
        f"wss://localhost:{person.port}/api/terminal", ssl=unverified(), subprotocols=["copilot.term.v1"],
        origin=f"https://localhost:{person.port}" if origin is ... else origin, additional_headers=headers,
        max_size=None, compression=None)


def attach_frame(session, channel=1, client="c", columns=80, rows=24, have=0):
    return (bytes([ATTACH]) + varint(channel) + text(session) + varint(have) + varint(columns) + varint(rows)
            + text(client) + text("desktop"))


def resident(copilot):
    with open(f"/proc/{copilot.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) // 1024


async def until_pong(socket):
    """Reads on until the answer to a PING: everything sent before it was taken."""
    while (await socket.recv())[0] != 0x0C:
        pass


async def frames(socket, seconds=1.0):
    """Everything that arrives until it is quiet for a while."""
    found = []
    while True:
        try:
            found.append(await asyncio.wait_for(socket.recv(), seconds))
        except (TimeoutError, websockets.ConnectionClosed):
            return found


# Roles, live ------------------------------------------------------------------------------------------------------


def test_a_socket_that_was_opened_with_a_larger_role_has_no_more_than_the_smaller_one(ready, ada):
    (eve,) = crew(ready, "eve:admin")
    session = ada.start_session("web-1")["id"]

    async def attack():
        async with open_socket(eve) as socket:
            await socket.recv()
            ada.patch(f"/api/users/{identity(eve)}", {"role": "guest"}).expect(200)
            await socket.send(attach_frame(session))
            return [frame[0] for frame in await frames(socket)]

    kinds = loops.run(attack())
    assert ERROR in kinds or not kinds, f"a guest who was not invited got frames {kinds}"
    assert 0x02 not in kinds, "a guest who was not invited saw the screen"


def test_an_owner_who_became_a_guest_does_not_type_over_the_socket_from_before(ready, ada):
    (eve,) = crew(ready, "eve:admin")
    session = eve.start_session("web-1")["id"]

    async def attack():
        async with open_socket(eve) as socket:
            await socket.recv()
            ada.patch(f"/api/users/{identity(eve)}", {"role": "guest"}).expect(200)
            await socket.send(attach_frame(session))
            await frames(socket)
            await socket.send(bytes([IN]) + varint(1) + varint(1) + b"touch ~/owned-by-guest\n")
            return [frame[0] for frame in await frames(socket)]

    kinds = loops.run(attack())
    assert 0x07 not in kinds, "the input of a guest was accepted"


def test_one_guest_cannot_take_every_seat_of_a_session(ready, ada):
    (guest,) = crew(ready, "guest")
    session = ada.start_session("web-1")["id"]
    ada.post(f"/api/sessions/{session}/participants", {"userId": identity(guest), "mode": "view"}).expect(200)

    async def attack():
        sockets = []
        for number in range(2):
            socket = await open_socket(guest)
            sockets.append(socket)
            for channel in range(40):
                await socket.send(attach_frame(session, channel, f"{number}-{channel}"))
            await frames(socket, 0.5)
        try:
            async with Seat(ada, session):
                pass
        finally:
            for socket in sockets:
                await socket.close()

    loops.run(attack())
    seats = ada.session(session)["seats"]
    assert len(seats) <= 65, f"one guest holds {len(seats)} seats"


def test_a_disabled_person_is_out_within_a_second(ready, ada):
    (guest,) = crew(ready, "guest")
    session = ada.start_session("web-1")["id"]
    ada.post(f"/api/sessions/{session}/participants", {"userId": identity(guest), "mode": "view"}).expect(200)

    async def attack():
        async with open_socket(guest) as socket:
            await socket.send(attach_frame(session))
            await frames(socket, 0.5)
            who = identity(guest)
            ada.patch(f"/api/users/{who}", {"disabled": True}).expect(200)
            begin = time.monotonic()
            with pytest.raises(websockets.ConnectionClosed):
                while True:
                    await asyncio.wait_for(socket.recv(), 2)
            assert time.monotonic() - begin < 1
    loops.run(attack())
    guest.get("/api/me").refused(401, "not_signed_in")
    guest.post("/auth/refresh").refused(401, "session_expired")


def test_a_viewer_types_and_takes_nothing(ready, ada):
    (guest,) = crew(ready, "guest")
    session = ada.start_session("web-1")["id"]
    ada.post(f"/api/sessions/{session}/participants", {"userId": identity(guest), "mode": "view"}).expect(200)
    ada.post(f"/api/sessions/{session}/participants", {"userId": identity(guest), "mode": "control"}).refused(
        403, "not_permitted")

    async def attack():
        async with Seat(ada, session) as owner, open_socket(guest) as socket:
            await owner.sees("e2e$")
            await socket.send(attach_frame(session, columns=33, rows=7))
            for frame in ([IN, varint(1), b"touch ~/viewer\n"], [TAKE], [SIZE, varint(20), varint(5)],
                          [GIVE, text("")], [REQUEST]):
                await socket.send(bytes([frame[0]]) + varint(1) + b"".join(frame[1:]))
            await socket.send(bytes([IN]) + varint(1) + varint(2**64 - 1) + b"touch ~/viewer\n")
            kinds = [frame[0] for frame in await frames(socket)]
            assert 0x07 not in kinds and kinds.count(0x08) == 2, kinds
            state = ada.session(session)
            assert (state["columns"], state["rows"]) == (80, 24)
            assert state["keyboard"]["holder"]["userId"] == identity(ada)
    loops.run(attack())


# Frames -----------------------------------------------------------------------------------------------------------

BROKEN = [b"", b"\x00", b"\x41", b"\x42\x01" + b"\xff" * 11, b"\x41\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
          b"\x41\x01" + varint(2**63) + b"x", b"\x43\x01" + b"\x80" * 9 + b"\x02", b"\x44\x01\x50", b"\x46\x01\x02\xff\xfe",
          b"\x4b\x01", b"\xff" * 100, b"\x42\x01\x01" + b"a" * (64 * 1024 + 1), b"\x45\x01extra"]


@pytest.mark.parametrize("frame", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_frame_ends_its_own_connection_alone(ready, ada, frame):
    session = ada.start_session("web-1")["id"]

    async def attack():
        async with Seat(ada, session) as seat:
            async with open_socket(ada) as socket:
                await socket.recv()
                await socket.send(frame)
                await frames(socket)
                assert socket.close_code == 1002
            await seat.sees("e2e$")
            await seat.type("echo still$((40+2))\n")
            await seat.sees("still42")
    loops.run(attack())


def test_odd_frames_do_no_harm(ready, ada):
    session = ada.start_session("web-1")["id"]

    async def attack():
        async with open_socket(ada) as socket:
            await socket.recv()
            big = 2**64 - 1
            for frame in [bytes([ACK]) + varint(1) + varint(big), bytes([IN]) + varint(9) + varint(1) + b"x",
                          bytes([SIZE]) + varint(1) + varint(0) + varint(0),
                          attach_frame(session, 1, columns=65535, rows=65535), attach_frame(session, big, "b", 0, 0),
                          attach_frame(session, 2, "c", have=big), attach_frame(session, 3, "d", have=1),
                          bytes([ACK]) + varint(1) + varint(big), bytes([SIZE]) + varint(1) + varint(0) + varint(0),
                          bytes([SIZE]) + varint(1) + varint(big) + varint(big),
                          bytes([GIVE]) + varint(1) + text("seat_nobody"), bytes([TAKE]) + varint(1),
                          bytes([VISIBLE]) + varint(1) + b"\x07", bytes([PING]) + varint(big) + varint(big),
                          bytes([IN]) + varint(1) + varint(big) + b"", bytes([IN]) + varint(1) + varint(big) + b"y",
                          attach_frame("ses_nothing", 4), attach_frame("../../etc/passwd", 5)]:
                await socket.send(frame)
            found = await frames(socket)
            assert [frame[0] for frame in found].count(ERROR) == 2
            for channel in range(70):
                await socket.send(attach_frame(session, 100 + channel, f"x{channel}"))
            found = await frames(socket)
            assert sum(b"too_many_channels" in frame for frame in found) >= 6
        async with Seat(ada, ada.start_session("web-1")["id"]) as seat:
            await seat.type("echo still$((40+2))\n")
            await seat.sees("still42")
    loops.run(attack())


def test_a_flood_of_audited_acts_is_lost_from_the_log_in_silence_no_more(ready, ada):
    session = ada.start_session("web-1")["id"]

    async def attack():
        async with open_socket(ada) as socket:
            await socket.send(attach_frame(session, 1, "a"))
            await socket.send(attach_frame(session, 2, "b"))
            await frames(socket, 0.5)
            answered = asyncio.create_task(until_pong(socket))
            for number in range(40_000):
                await socket.send(bytes([TAKE]) + varint(1 + number % 2))
            await socket.send(bytes([PING]) + varint(0) + varint(1))
            await asyncio.wait_for(answered, 60)

    loops.run(attack())
    epoch = ada.session(session)["keyboard"]["epoch"]

    def accounted():
        with sqlite3.connect(ready.data / "copilot.sqlite") as connection:
            kept = connection.execute("SELECT count(*) FROM audit_entry WHERE action = 'session.keyboard'").fetchone()[0]
            lost = connection.execute("SELECT details FROM audit_entry WHERE action = 'audit.overflow'").fetchall()
        return kept + sum(int(json.loads(row[0])["lost"]) for row in lost) >= epoch

    eventually(accounted, "each change of the keyboard is in the log, or counted there as lost", 90, 1)


def test_viewers_that_never_read_take_bounded_memory(ready, ada):
    (guest,) = crew(ready, "guest")
    session = ada.start_session("web-1")["id"]
    ada.post(f"/api/sessions/{session}/participants", {"userId": identity(guest), "mode": "view"}).expect(200)

    def silent(number):
        raw = socket.create_connection(("127.0.0.1", ready.port))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        tls = unverified().wrap_socket(raw, server_hostname="localhost")
        cookie = "; ".join(f"{k}={v}" for k, v in guest.cookies.items())
        tls.sendall((f"GET /api/terminal HTTP/1.1\r\nHost: localhost:{ready.port}\r\nUpgrade: websocket\r\n"
                     f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: copilot.term.v1\r\n"
                     f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                     f"Origin: https://localhost:{ready.port}\r\nCookie: {cookie}\r\n\r\n").encode())
        for channel in range(64):
            payload = attach_frame(session, channel, f"{number}-{channel}", 200, 50)
            mask = os.urandom(4)
            body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            tls.sendall(bytes([0x82, 0x80 | len(payload)]) + mask + body)
        return tls

    async def attack():
        async with Seat(ada, session, keep=False) as seat:
            before = resident(ready)
            sockets = []
            for number in range(60):
                try:
                    sockets.append(silent(number))
                except OSError:
                    break
            start = seat.position
            await seat.type("head -c 9000000 /dev/urandom | base64\n")
            most = before
            # This seat may be skipped forward as well: what counts is that it comes to the end of the output.
            for _ in range(240):
                await asyncio.sleep(0.25)
                most = max(most, resident(ready))
                if seat.position - start > 12_000_000:
                    break
            print("memory", before, most, len(sockets), seat.received, seat.position - start)
            assert seat.position - start > 12_000_000
            for each in sockets:
                each.close()
            assert most - before < 200, (before, most)
    loops.run(attack())
