"""What bad input and bad days get: each its own sentence, and nothing lost."""

import asyncio
import json
import os
import subprocess
import time

import pytest

from copilot import Person
from people import guest, make_link
from ports import eventually
from seat import Seat
from test_sessions import PROMPT, plays


def start(person, alias):
    host = person.host(alias)["id"]
    return person.post("/api/sessions", {"hostId": host, "columns": 80, "rows": 24})


def test_a_wrong_password_at_the_host(copilot, ada, host):
    copilot.add_host("web-1", host, stdin="not the password\n")
    refused = start(ada, "web-1").refused(502, "authentication_failed")
    assert host.username in refused["error"]
    assert ada.get("/api/sessions", state="live").expect(200)["sessions"] == []


def test_a_refused_connection(ready, ada, host):
    host.stop()
    refused = start(ada, "web-1").refused(502, "connection_refused")
    assert str(host.port) in refused["error"]


def test_a_name_that_does_not_resolve(ada, copilot):
    probe = ada.post("/api/hosts/probe", {"address": "no-such-host.invalid", "port": 22})
    refused = probe.refused(502, "host_not_found")
    assert "no-such-host.invalid" in refused["error"]


def test_a_port_where_no_ssh_answers(ada, copilot):
    ada.post("/api/hosts/probe", {"address": "127.0.0.1", "port": copilot.port}).refused(502, "not_ssh")


def test_a_server_without_common_algorithms(ada, make_host):
    old = make_host(options="KexAlgorithms diffie-hellman-group14-sha1")
    ada.post("/api/hosts/probe", {"address": old.address, "port": old.port}).refused(502, "no_common_algorithm")


def test_a_metadata_address_is_not_contacted(ada):
    answer = ada.post("/api/hosts/probe", {"address": "169.254.169.254", "port": 80})
    assert answer.json["code"] == "address_not_allowed" and answer.json["hint"]


def test_a_changed_host_key_stops_the_connection_before_authentication(ready, ada, host):
    before = host.fingerprint
    host.stop()
    host.make_host_key()
    host.start()
    mark = len(host.log)
    refused = start(ada, "web-1").refused(409, "host_key_changed")
    assert refused["recorded"]["fingerprint"] == before
    assert refused["offered"]["fingerprint"] == host.fingerprint
    time.sleep(0.2)
    assert host.username not in host.log[mark:], "the host never saw a user name"
    alert = ada.host("web-1")["keyAlert"]
    assert alert["offeredFingerprint"] == host.fingerprint
    assert "host.key_changed" in ada.actions()
    identifier = ada.host("web-1")["id"]
    other = ada.post(f"/api/hosts/{identifier}/host-key", {"fingerprint": "SHA256:" + "A" * 43})
    assert other.status in (409, 422), "only a key that was shown can be accepted"
    ada.post(f"/api/hosts/{identifier}/host-key", {"fingerprint": host.fingerprint}).expect(200)
    assert start(ada, "web-1").status == 201


def test_wrong_credentials_and_too_many_of_them(copilot):
    answers = [Person(copilot).post("/auth/sign-in", {"username": "ada", "password": f"wrong {n}"}) for n in range(15)]
    assert answers[0].refused(401, "wrong_credentials")
    limited = [answer for answer in answers if answer.status == 429]
    assert limited and limited[0].json["code"] == "too_many_attempts" and limited[0].headers["Retry-After"]


@plays
async def test_a_host_that_dies_is_seen_at_once_and_leaves_a_playable_recording(ready, ada, host):
    session = ada.start_session("web-1")["id"]
    async with Seat(ada, session) as seat:
        await seat.sees(PROMPT)
        await seat.type("echo last''-words\r")
        await seat.sees("last-words")
        host.kill_sessions()
        await seat.until(lambda: seat.ending, "EXIT", 3)
        assert seat.ending["reason"] == "host_lost", seat.ending
    recording = eventually(
        lambda: next((r for r in ada.recordings() if r["sessionId"] == session and r["state"] != "recording"), None),
        "the recording is closed")
    assert "last-words" in ada.get(f"/api/recordings/{recording['id']}/text").body.decode()
    ended = [entry for entry in ada.audit(action="session.end") if entry["session"] == session]
    assert ended and "host_lost" in json.dumps(ended[0])


@plays
async def test_kill_nine_loses_at_most_the_last_second(ready, ada):
    session = ada.start_session("web-1")["id"]
    seat = Seat(ada, session)
    await seat.attach()
    await seat.sees(PROMPT)
    await seat.type("echo be''fore\r")
    await seat.sees("before")
    ada.post(f"/api/sessions/{session}/chat", {"text": "said before"}).expect(201)
    _, secret = make_link(ada, session)
    visitor = guest(ready, secret)
    await asyncio.sleep(1.5)
    ready.kill()
    await asyncio.gather(seat.task, return_exceptions=True)
    ready.start()
    ada = ready.person("ada", ready.password)
    recording = next(r for r in ada.recordings() if r["sessionId"] == session)
    assert recording["state"] == "truncated"
    cast = ada.get(f"/api/recordings/{recording['id']}/asciicast").body.decode()
    assert "before" in cast
    # The chat is kept with the recording; a link leads to a session, and that is over.
    markers = ada.get(f"/api/recordings/{recording['id']}").expect(200)["markers"]
    assert ["Ada: said before"] == [marker["label"] for marker in markers if marker["kind"] == "chat"]
    visitor.get(f"/api/sessions/{session}").refused(401, "not_signed_in")
    Person(ready).post("/auth/join/check", {"token": secret}).refused(410, "link_void")
    assert ada.session(session)["state"] == "ended"
    assert ada.get("/api/audit/verify").expect(200)["ok"]


@pytest.fixture
def small_disk(folder):
    """A disk of 16 MB for the recordings."""
    path = folder / "small"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", str(path)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no tmpfs can be mounted here: " + mounted.stderr.decode())
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@plays
async def test_a_full_disk_pauses_the_session_and_nothing_is_lost(make_copilot, host, small_disk):
    copilot = make_copilot(start=False)
    copilot.data.mkdir(mode=0o700, parents=True)
    subprocess.run(["mkdir", "-m", "700", str(copilot.data / "recordings")], check=True)
    subprocess.run(["mount", "--bind", str(small_disk), str(copilot.data / "recordings")], check=True)
    try:
        password = copilot.add_user("ada")
        copilot.add_host("web-1", host)
        copilot.start()
        ada = copilot.person("ada", password)
        session = ada.start_session("web-1")["id"]
        async with Seat(ada, session) as seat:
            await seat.sees(PROMPT)
            filler = small_disk / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(os.urandom(65536))
                except OSError:
                    pass
            await seat.type("echo wh''ile-full; head -c 200000 /dev/urandom | base64; echo st''ill-there\r")
            await seat.until(lambda: any(code == "recording_stalled" for code, _, _ in seat.notices), "a banner", 15)
            await seat.until(lambda: seat.state["state"] == "paused", "paused")
            filler.unlink()
            await seat.until(lambda: any(code == "recording_recovered" for code, _, _ in seat.notices), "recovery", 30)
            await seat.until(lambda: seat.state["state"] == "live", "live again")
            await seat.sees("still-there", 30)
            await seat.type("exit\r")
            await seat.until(lambda: seat.ending, "EXIT")
        recording = eventually(
            lambda: next((r for r in ada.recordings() if r["sessionId"] == session and r["state"] == "complete"), None),
            "the recording is complete")
        text = ada.get(f"/api/recordings/{recording['id']}/text").body.decode()
        assert "while-full" in text and "still-there" in text
        copilot.stop()
    finally:
        subprocess.run(["umount", "-l", str(copilot.data / "recordings")], check=True)


def test_an_expired_or_unknown_link_says_so(copilot):
    body = {"token": "AAAAAAAAAAAAAAAAAAAAAAAA", "username": "eve", "name": "Eve", "password": "correct horse battery"}
    answer = Person(copilot).post("/auth/redeem", body)
    assert answer.status == 410 and answer.json["hint"]


def test_a_foreign_origin_and_a_foreign_host_are_refused(copilot, ada):
    ada.request("POST", "/api/hosts/probe", {"address": "127.0.0.1", "port": 1},
                {"Origin": "https://evil.example"}).refused(403, "foreign_origin")
    ada.request("GET", "/api/hosts", headers={"Host": "evil.example"}).refused(421, "wrong_host")


def test_a_guest_is_told_which_permission_is_missing(ready, ada, host):
    guest = Person(ready).sign_in("gus", ready.add_user("gus", role="guest"))
    refused = guest.post("/api/hosts/probe", {"address": "127.0.0.1", "port": host.port}).expect(403)
    assert refused["code"] == "not_permitted" and refused["missing"] == "host.probe"


def test_sigterm_ends_sessions_in_order_and_the_program_stops(ready, ada):
    session = ada.start_session("web-1")["id"]
    ready.stop()
    assert ready.process.child.returncode == 0
    ready.start()
    ada = ready.person("ada", ready.password)
    assert ada.session(session)["ending"]["reason"] == "shutdown"
    recording = next(r for r in ada.recordings() if r["sessionId"] == session)
    assert recording["state"] == "complete"


def test_nothing_listens_beyond_loopback(copilot):
    shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    own = [line for line in shown.splitlines() if f"pid={copilot.process.pid}," in line]
    assert own and all(line.split()[3].startswith(("127.", "[::1]")) for line in own), own


def test_tls_is_one_point_three_alone(copilot):
    def handshake(*flags):
        return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{copilot.port}", *flags],
                              input="", capture_output=True, text=True)
    assert "TLSv1.3" in handshake("-tls1_3").stdout
    assert handshake("-tls1_2").returncode != 0
