"""What somebody tries over REST and on the way to it: rights, cookies, tokens, links, origins, broken HTTP."""

import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import json
import re
import socket
import sqlite3
import statistics
import time

import pytest
import websockets

import loops
from copilot import Person, unverified
from test_attacks import PASSWORD, crew, identity, open_socket

# Who may what: (method, path, body, who is let in). {…} are filled with objects of ada's.
MATRIX = [
    ("GET", "/api/users", None, "admin devops ml-ops guest"),
    ("POST", "/api/users", {"username": "x1", "name": "X", "role": "admin"}, "admin"),
    ("PATCH", "/api/users/{ada}", {"role": "guest"}, ""),
    ("PATCH", "/api/users/{self}", {"role": "admin"}, "admin"),
    ("GET", "/api/hosts/{host}", None, "admin devops ml-ops"),
    ("PATCH", "/api/hosts/{host}", {"tags": ["other"]}, "admin"),
    ("PATCH", "/api/hosts/{host}", {"purpose": "mine"}, "admin"),
    ("DELETE", "/api/hosts/{host}", None, ""),
    ("POST", "/api/hosts/{host}/test", {}, "admin"),
    ("POST", "/api/hosts/{host}/host-key", {"fingerprint": "SHA256:x"}, ""),
    ("POST", "/api/sessions", {"hostId": "{host}", "columns": 80, "rows": 24}, "admin"),
    ("POST", "/api/sessions", {"hostId": "{host}", "columns": 80, "rows": 24, "userId": "{ada}"}, "admin"),
    ("GET", "/api/sessions/{session}", None, "admin"),
    ("DELETE", "/api/sessions/{session}", None, ""),
    ("POST", "/api/sessions/{session}/participants", {"userId": "{self}", "mode": "view"}, "admin"),
    ("PATCH", "/api/sessions/{session}/participants/{self}", {"mode": "control"}, "admin"),
    ("DELETE", "/api/sessions/{session}/participants/{ada}", None, "admin"),
    ("GET", "/api/recordings/{recording}", None, "admin"),
    ("GET", "/api/recordings/{recording}/events", None, "admin"),
    ("GET", "/api/recordings/{recording}/asciicast", None, "admin"),
    ("GET", "/api/recordings/{recording}/text", None, "admin"),
    ("GET", "/api/recordings/{recording}/html", None, "admin"),
    ("GET", "/api/recordings/{recording}/ttyrec", None, "admin"),
    ("GET", "/api/recordings/{recording}/screen", None, "admin"),
    ("GET", "/api/recordings/{recording}/verify", None, "admin"),
    ("GET", "/api/recordings/search?q=e2e&recording={recording}", None, "admin"),
    ("PUT", "/api/recordings/{recording}/hold", {"reason": "INC-1"}, "admin"),
    ("DELETE", "/api/recordings/{recording}/hold", None, "admin"),
    ("DELETE", "/api/recordings/{recording}", None, ""),
    ("PUT", "/api/settings/recordings", {"days": 90, "tags": []}, "admin"),
    ("GET", "/api/audit", None, "admin devops guest"),
    ("GET", "/api/audit/verify", None, "admin devops guest"),
    ("PATCH", "/api/settings", {"idleMinutes": 7}, "admin"),
]


def test_each_role_reaches_what_it_was_given_and_nothing_else(ready, ada):
    session = ada.start_session("web-1")
    objects = {"ada": identity(ada), "host": ada.host("web-1")["id"], "session": session["id"],
               "recording": session["recordingId"]}
    # The dangerous calls that even a second admin may make are not made: they would take the objects away.
    wrong = []
    for role, person in zip(["admin", "devops", "ml-ops", "guest"],
                            crew(ready, "eve:admin", "dev:devops", "mlo:ml-ops", "gus:guest")):
        filled = {**objects, "self": identity(person)}
        for method, path, body, allowed in MATRIX:
            if role == "admin" and role not in allowed:
                continue
            fill = lambda value: re.sub(r"\{(\w+)\}", lambda found: filled[found.group(1)], value)
            sent = json.loads(fill(json.dumps(body).replace("{\"", "\x00")).replace("\x00", "{\"")) if body is not None else None
            answer = person.request(method, fill(path), sent)
            is_in = answer.status < 300
            if is_in != (role in allowed.split()):
                wrong.append((role, method, path, body, answer.status, answer.body[:150]))
            # 409: the host is in use, which the list says to the same people.
            if not is_in and answer.status not in (403, 404, 409):
                wrong.append((role, method, path, body, answer.status, answer.body[:150]))
    for method, path, body, _ in MATRIX:
        answer = Person(ready).request(method, re.sub(r"[{}]", "", path), body)
        if answer.status != 401:
            wrong.append(("nobody", method, path, answer.status))
    assert not wrong, "\n".join(map(str, wrong))


def test_hosts_and_sessions_of_others_are_not_in_the_lists(ready, ada):
    ada.start_session("web-1")
    (guest, dev) = crew(ready, "gus:guest", "dev:devops")
    assert guest.get("/api/hosts").expect(200)["hosts"] == []
    for person in (guest, dev):
        assert person.get("/api/sessions").expect(200)["sessions"] == []
        assert person.get("/api/recordings").expect(200)["recordings"] == []
    for user in guest.get("/api/users").expect(200)["users"]:
        if user["username"] != "gus":
            assert set(user) == {"id", "username", "name", "role"}
    host = json.dumps(dev.get("/api/hosts").expect(200))
    assert "password" not in host.replace('"kind": "password"', "").replace('"kind":"password"', "")


def test_a_session_seat_is_not_given_to_who_was_not_invited(ready, ada):
    session = ada.start_session("web-1")["id"]
    for person in crew(ready, "gus:guest", "dev:devops", "mlo:ml-ops"):
        async def attack():
            async with open_socket(person) as socket_:
                await socket_.recv()
                from test_attacks import attach_frame, frames
                await socket_.send(attach_frame(session))
                found = await frames(socket_)
                assert [frame[0] for frame in found] == [0x0B], found
        loops.run(attack())


# Sign-in ----------------------------------------------------------------------------------------------------------


def raw_cookies(answer):
    return answer.headers.get_all("Set-Cookie") or []


def test_cookies_are_closed_to_everybody_else(copilot):
    answer = Person(copilot).post("/auth/sign-in", {"username": "ada", "password": copilot.password})
    answer.expect(200)
    assert len(raw_cookies(answer)) == 2
    for line in raw_cookies(answer):
        parts = {part.strip().split("=")[0].lower() for part in line.split(";")[1:]}
        assert line.startswith("__Host-copilot-") and {"httponly", "secure", "samesite", "path"} <= parts, line
        assert "samesite=strict" in line.lower() and "domain" not in line.lower()
    assert copilot.password.encode() not in answer.body


def let_time_pass(copilot, seconds):
    """Moves the uses of refresh tokens into the past, as if so long had gone by since."""
    with contextlib.closing(sqlite3.connect(copilot.data / "copilot.sqlite", timeout=10)) as database, database:
        changed = database.execute(
            "UPDATE refresh_token SET used = used - ? WHERE used IS NOT NULL", (seconds * 1_000_000,))
        assert changed.rowcount > 0


def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_sign_in(copilot, ada):
    first = dict(ada.cookies)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        def renew(_):
            person = Person(copilot)
            person.cookies = dict(first)
            return person.post("/auth/refresh").status, person.cookies.get("__Host-copilot-refresh")
        answers = list(pool.map(renew, range(12)))
    assert {status for status, _ in answers} == {204}
    assert len({token for _, token in answers}) == 1, "a race gave several successors"
    successor = answers[0][1]
    let_time_pass(copilot, 11)
    thief = Person(copilot)
    thief.cookies = dict(first)
    thief.post("/auth/refresh").refused(401, "session_expired")
    owner = Person(copilot)
    owner.cookies = {"__Host-copilot-refresh": successor}
    owner.post("/auth/refresh").refused(401, "session_expired")
    ada.get("/api/me").refused(401, "not_signed_in")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_an_access_token_of_another_making_is_worth_nothing(copilot, ada):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    token = ada.cookies["__Host-copilot-access"]
    head, body, signature = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = Ed25519PrivateKey.generate()
    later = b64(json.dumps({**claims, "exp": claims["exp"] + 9999}).encode())
    forged = []
    for alg in ("none", "None", "HS256", "EdDSA", "ES256"):
        new = b64(json.dumps({**header, "alg": alg}).encode())
        forged += [f"{new}.{body}.", f"{new}.{later}.{signature}",
                   f"{new}.{body}.{b64(hmac.new(header['kid'].encode(), f'{new}.{body}'.encode(), hashlib.sha256).digest())}",
                   f"{new}.{body}.{b64(other.sign(f'{new}.{body}'.encode()))}"]
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}
    for extra in ({"jwk": jwk}, {"jku": "https://evil.example/"}, {"kid": "../../dev/null"}, {"kid": ""}):
        new = b64(json.dumps({**header, **extra}).encode())
        forged.append(f"{new}.{body}.{b64(other.sign(f'{new}.{body}'.encode()))}")
    forged += [f"{head}.{body}", f"{head}.{body}.", "a.b.c", "", "....", token[:-4] + "AAAA", "x" * 100_000]
    taken = []
    for each in forged:
        person = Person(copilot)
        status = person.request("GET", "/api/me", headers={"Authorization": f"Bearer {each}"}).status
        if status not in (401, 431, 400):
            taken.append((status, each[:200]))
    assert not taken
    good = Person(copilot).request("GET", "/api/me", headers={"Authorization": f"Bearer {token}"})
    assert good.status == 200
    ada.post("/auth/sign-out").expect(204)
    Person(copilot).request("GET", "/api/me", headers={"Authorization": f"Bearer {token}"}).refused(401, "not_signed_in")


def test_guessing_is_slowed_and_names_are_not_told(copilot):
    def attempt(name):
        begin = time.perf_counter()
        answer = Person(copilot).post("/auth/sign-in", {"username": name, "password": "wrong wrong wrong"})
        return answer, time.perf_counter() - begin
    known, unknown = [], []
    answers = []
    for number in range(4):
        answer, took = attempt("ada")
        known.append(took)
        answers.append(answer)
        answer, took = attempt(f"nobody{number}")
        unknown.append(took)
        answers.append(answer)
    assert {(a.status, a.body) for a in answers} == {(401, answers[0].body)}
    print("timing", statistics.median(known), statistics.median(unknown))
    assert abs(statistics.median(known) - statistics.median(unknown)) < 0.5 * statistics.median(known)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = [a.status for a, _ in pool.map(attempt, ["ada"] * 40)]
    assert statuses.count(401) <= 3, statuses
    Person(copilot).post("/auth/sign-in", {"username": "ADA", "password": "x" * 20}).refused(429, "too_many_attempts")


def test_the_first_admins_link_makes_one_admin(make_copilot):
    copilot = make_copilot()
    token = copilot.sign_in_link.split("token=")[1]
    def redeem(number):
        return Person(copilot).post("/auth/redeem", {
            "token": token, "username": f"root{number}", "name": f"R{number}", "password": PASSWORD}).status
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(redeem, range(8)))
    assert statuses == [201] + [410] * 7, statuses
    assert redeem(9) == 410
    assert token not in json.dumps([]) and len(copilot.cli("user", "list", "--json").stdout.split('"id"')) == 2


def test_an_invitation_is_good_once_and_for_its_own_name(copilot, ada):
    made = ada.post("/api/users", {"username": "gus", "name": "Gus", "role": "guest"}).expect(201)
    token = made["invitation"]["link"].split("token=")[1]
    assert made["invitation"]["link"].startswith(copilot.address)
    body = {"token": token, "username": "ada", "name": "Gus", "password": PASSWORD, "role": "admin"}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: Person(copilot).post("/auth/redeem", body), range(6)))
    assert sorted(answer.status for answer in answers) == [201] + [410] * 5
    user = next(answer for answer in answers if answer.status == 201).json["user"]
    assert (user["username"], user["role"]) == ("gus", "guest")
    again = ada.post("/api/users", {"username": "hal", "name": "Hal", "role": "guest"}).expect(201)
    ada.patch(f"/api/users/{again['user']['id']}", {"disabled": True}).expect(200)
    Person(copilot).post("/auth/redeem", {**body, "token": again["invitation"]["link"].split("token=")[1]}).refused(
        410, "link_void")


# Where a request comes from ---------------------------------------------------------------------------------------


def test_only_the_own_page_acts_with_cookies(copilot, ada):
    own = f"https://localhost:{copilot.port}"
    bad = ["https://evil.example", "null", own + ".evil.example", f"http://localhost:{copilot.port}", "https://localhost",
           f"https://localhost:{copilot.port + 1}", own + "/", "https://localhost:" + str(copilot.port) + "@evil", "",
           f"https://evil@localhost:{copilot.port}", own + " https://evil.example", None]
    for origin in bad:
        answer = ada.request("PATCH", "/api/settings", {"idleMinutes": 3}, headers={"Origin": origin})
        assert answer.status == 403 and answer.json["code"] == "foreign_origin", (origin, answer.status)
        async def upgrade():
            with pytest.raises(websockets.InvalidStatus) as refusal:
                await open_socket(ada, origin=origin)
            assert refusal.value.response.status_code == 403
        if origin != "":
            loops.run(upgrade())
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None,
                 "text/plain; application/json"):
        answer = ada.request("PATCH", "/api/settings", b'{"idleMinutes": 3}', headers={"Content-Type": kind})
        assert answer.status == 415, (kind, answer.status)
    for origin in ("https://evil.example", "null"):
        answer = Person(copilot).request(
            "POST", "/auth/sign-in", {"username": "ada", "password": copilot.password}, headers={"Origin": origin})
        assert answer.status == 403, "a foreign page signs somebody in"
    assert ada.get("/api/settings").expect(200)["idleMinutes"] == 0


def test_only_the_own_names_are_answered(copilot):
    for host in ("evil.example", f"evil.example:{copilot.port}", "localhost", "localhost:1", f"localhost.:{copilot.port}",
                 f"169.254.169.254:{copilot.port}", f"localhost:{copilot.port}@evil", f"x.localhost:{copilot.port}", " "):
        answer = Person(copilot).request("GET", "/api/server", headers={"Host": host})
        assert answer.status in (421, 400), (host, answer.status)


# Broken HTTP ------------------------------------------------------------------------------------------------------


def talk(copilot, data, seconds=4):
    raw = socket.create_connection(("127.0.0.1", copilot.port), timeout=seconds)
    with unverified().wrap_socket(raw, server_hostname="localhost") as tls:
        tls.sendall(data)
        found = b""
        try:
            while more := tls.recv(65536):
                found += more
        except (TimeoutError, OSError):
            pass
        return found


def test_a_request_cannot_hide_another(copilot):
    host = f"Host: localhost:{copilot.port}\r\n"
    origin = f"Origin: https://localhost:{copilot.port}\r\nContent-Type: application/json\r\n"
    hidden = f"GET /api/health HTTP/1.1\r\n{host}\r\n"
    cases = {
        "both": f"POST /auth/sign-in HTTP/1.1\r\n{host}{origin}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
        "twice": f"POST /auth/sign-in HTTP/1.1\r\n{host}{origin}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}{hidden}",
        "space": f"POST /auth/sign-in HTTP/1.1\r\n{host}{origin}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}",
        "xchunked": f"POST /auth/sign-in HTTP/1.1\r\n{host}{origin}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}",
        "hosts": f"GET /api/health HTTP/1.1\r\n{host}Host: evil.example\r\n\r\n",
        "absolute": f"GET https://evil.example/api/health HTTP/1.1\r\n{host}\r\n",
        "lf": f"GET /api/health HTTP/1.1\n{host.strip()}\n\n",
        "negative": f"POST /auth/sign-in HTTP/1.1\r\n{host}{origin}Content-Length: -1\r\n\r\n{hidden}",
        "plus": f"POST /auth/sign-in HTTP/1.1\r\n{host}{origin}Content-Length: +2\r\n\r\n{{}}{hidden}",
    }
    for name, data in cases.items():
        answer = talk(copilot, data.encode(), 2)
        print(name, answer[:60], answer.count(b"HTTP/1.1"))
        assert answer.count(b'"status":"ok"') == 0 or name == "lf", (name, answer)


def test_large_and_slow_requests_hold_nobody_up(copilot):
    host = f"Host: localhost:{copilot.port}\r\n"
    for data in (f"GET /{'a' * 70_000} HTTP/1.1\r\n{host}\r\n", f"GET / HTTP/1.1\r\n{host}X: {'a' * 70_000}\r\n\r\n",
                 f"GET / HTTP/1.1\r\n{host}" + "A: b\r\n" * 5000 + "\r\n",
                 f"POST /auth/sign-in HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"):
        answer = talk(copilot, data.encode(), 3)
        assert not answer or re.match(rb"HTTP/1.1 4(00|13|14|31)", answer), answer[:80]
    for depth in (100_000, 3_000):
        nested = Person(copilot).request("POST", "/auth/sign-in", b"[" * depth + b"]" * depth)
        assert nested.status in (413, 422), nested.status
    deep = b'{"username":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b',"password":"x"}'
    assert Person(copilot).request("POST", "/auth/sign-in", deep).status in (413, 422)
    slow = []
    for _ in range(300):
        raw = socket.create_connection(("127.0.0.1", copilot.port))
        raw.sendall(b"\x16\x03\x01")
        slow.append(raw)
    begin = time.monotonic()
    Person(copilot).get("/api/server").expect(200)
    assert time.monotonic() - begin < 2
    time.sleep(11)
    closed = 0
    for raw in slow:
        raw.settimeout(0.2)
        try:
            while raw.recv(100):
                pass
            closed += 1
        except (TimeoutError, OSError) as error:
            closed += not isinstance(error, TimeoutError)
        raw.close()
    assert closed == 300


def test_no_path_leads_out_of_the_page(copilot):
    for path in ("/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../../etc/passwd",
                 "/assets/..%5c..%5cetc/passwd", "/assets/%00", "//etc/passwd", "/.git/config", "/assets/%2e%2e%2findex.html",
                 "/api/recordings/..%2f..%2fkeys%2froot.key/text", "/index.html%00.png"):
        answer = talk(copilot, f"GET {path} HTTP/1.1\r\nHost: localhost:{copilot.port}\r\nConnection: close\r\n\r\n".encode())
        assert b"root:" not in answer and b"[core]" not in answer, path
        assert re.match(rb"HTTP/1.1 (404|400|421|401|405)", answer) or b"<div id=" in answer, (path, answer[:200])


# Addresses --------------------------------------------------------------------------------------------------------

METADATA = ["169.254.169.254", "::ffff:169.254.169.254", "[::ffff:a9fe:a9fe]", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
            "169.254.43518", "64:ff9b::a9fe:a9fe", "fe80::1", "fe80::1%lo", "0.0.0.0", "0", "::", "224.0.0.1", "255.255.255.255",
            "fd00:ec2::254", "100.100.100.200", "::ffff:0.0.0.0", "169.254.169.254.", "2002:a9fe:a9fe::", "::169.254.169.254",
            "64:ff9b:1::a9fe:a9fe"]


def test_a_probe_does_not_reach_metadata(make_copilot):
    for start in range(0, len(METADATA), 10):
        copilot = make_copilot(start=False)
        copilot.add_user("ada", password=PASSWORD)
        ada = copilot.start().person("ada", PASSWORD)
        for address in METADATA[start:start + 10]:
            answer = ada.post("/api/hosts/probe", {"address": address, "port": 22})
            print("probe", address, answer.status, answer.json.get("code"), answer.json.get("error"))
            assert answer.json["code"] in ("address_not_allowed", "invalid", "host_not_found", "unreachable"), (address, answer.body)
        copilot.stop()


def test_a_probe_tells_nothing_of_what_is_not_ssh(copilot, ada):
    server = socket.create_server(("127.0.0.1", 0))
    import threading
    def serve():
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            peer.sendall(b"HTTP/1.1 200 OK\r\nX: secret-canary-1\r\n\r\nsecret-canary-2 <b>x</b>\r\n" * 20)
            peer.close()
    threading.Thread(target=serve, daemon=True).start()
    answer = ada.post("/api/hosts/probe", {"address": "127.0.0.1", "port": server.getsockname()[1]})
    print(answer.body)
    server.close()
    assert answer.status == 502 and b"canary" not in answer.body
    for number in range(12):
        status = ada.post("/api/hosts/probe", {"address": "127.0.0.1", "port": 1}).status
    assert status == 429
