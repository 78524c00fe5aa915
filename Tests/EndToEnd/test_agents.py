"""AI agents: they ask, people decide; commands, the terminal, the keyboard, and what an agent does not get to do."""

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import re
import signal
import tempfile
import time
import urllib.parse
import urllib.request

import pytest
import yaml
from playwright.sync_api import expect

import loops
from agent import Agent, AgentSession, b64, in_background
from copilot import BINARY, PAGE, Copilot, Person
from hosts import SSHHost
from ports import Process, eventually, free_port
from seat import Seat

EVIL = "<img src=x onerror=alert(1)>\x1b[31m\u202egnp.exe\nsecond line"


class House:
    """A copilot with an admin, a host and an agent, for all tests of this file."""

    def __init__(self, folder, account):
        self.folder = pathlib.Path(folder)
        self.host = SSHHost(self.folder / "host", account).start()
        self.copilot = Copilot(self.folder / "copilot")
        self.copilot.password = self.copilot.add_user("ada")
        self.copilot.start()
        self.copilot.add_host("web-1", self.host)
        self.home = account.home
        self.account = account
        self.agent = Agent.make(self.copilot)

    def stop(self):
        self.agent.hang_up()
        self.copilot.kill()
        self.host.stop()


@pytest.fixture(scope="module")
def house(account):
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-agents-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        made = House(folder, account)
        yield made
        made.stop()


@pytest.fixture
def ada(house):
    return house.copilot.person("ada", house.copilot.password)


@pytest.fixture
def agent(house):
    return house.agent


@pytest.fixture
def enter(agent, ada):
    entered = []

    def make(mode="trusted", **grant):
        entered.append(agent.enter(ada, mode, **grant))
        return entered[-1]

    yield make
    for session in entered:
        ada.end_session(session.id)


# Asking -----------------------------------------------------------------------------------------------------------


def test_a_script_of_the_existing_tool_needs_no_more_than_the_token(house, agent, ada):
    asked = agent.post("/api/sessions/request", {"host": "web-1", "username": "deploy", "reason": "a reason"}).expect(201)
    assert asked["status"] == "pending" and {"id", "host", "username", "reason", "createdAt"} <= set(asked)
    assert [one["id"] for one in agent.get("/api/sessions").expect(200)["pending"]] == [asked["id"]]
    agent.post("/api/sessions/request", {"username": "deploy"}).refused(400, "missing_host")
    ada.post(f"/api/agent-requests/{asked['id']}/approve",
             {"hostId": ada.host("web-1")["id"], "mode": "trusted",
              "files": {"read": [f"{house.home}/*"], "write": [f"{house.home}/*"]}}).expect(200)
    active = agent.get("/api/sessions").expect(200)["active"]
    assert [(one["id"], one["name"], one["status"], one["isRecording"]) for one in active] == [
        (asked["id"], "web-1", "ai_control", True)]
    session = AgentSession(agent, asked["id"], ada).ready()
    done = session.run("echo hello; echo oops >&2; exit 3")
    assert (done["stdout"], done["stderr"], done["exitCode"]) == ("hello\n", "oops\n", 3)
    killed = session.run("kill -9 $$")
    assert killed["exitCode"] is None and killed["signal"] == "SIGKILL"
    typed = session.input("echo $((40+2))\n", waitFor="42", timeout=10_000).expect(200)
    assert any("42" in line for line in typed["lines"]) and "timeout" not in typed
    assert isinstance(session.input("echo more\n").expect(200)["currentLine"], int)
    eventually(lambda: "more" in session.output(since=0, limit=50, clean="true")["lines"], "the output")
    several = agent.get("/api/sessions/outputs", ids=f"{session.id},nothing", limit=5).expect(200)
    assert several["nothing"] is None and several[session.id]["currentLine"] >= 3
    history = agent.get(session.path("/history"))
    assert "text/plain" in history.headers["Content-Type"] and "42" in history.expect_text()
    assert agent.post(session.path("/signal"), {"signal": "SIGINT"}).expect(200)["success"] is True
    agent.post(session.path("/signal"), {"signal": "SIGNONSENSE"}).refused(400, "invalid_signal")
    assert agent.post(session.path("/handoff"), {"message": "2FA please"}).expect(200)["success"] is True
    assert session.view()["status"] == "user_control" and session.view()["handoffMessage"] == "2FA please"
    session.exec("true").refused(409, "control_held")
    assert agent.delete(session.path()).expect(200) == {"success": True}
    assert agent.get("/api/sessions").expect(200)["active"] == []
    agent.get("/api/sessions/ses_none").refused(404, "not_found")


def test_a_request_is_denied_with_a_reason_withdrawn_or_decided_once(agent, ada):
    denied = agent.ask()["id"]
    waits = in_background(lambda: agent.get(f"/api/sessions/{denied}", waitMs=30_000))
    begin = time.monotonic()
    ada.post(f"/api/agent-requests/{denied}/deny", {"reason": "not today"}).expect(200)
    seen = waits().expect(200)
    assert time.monotonic() - begin < 2 and seen["status"] == "denied" and seen["decision"] == "not today"
    withdrawn = agent.ask()["id"]
    agent.post(f"/api/sessions/{withdrawn}/exec", {"command": "true"}).refused(425, "not_connected")
    agent.delete(f"/api/sessions/{withdrawn}").expect(200)
    ada.post(f"/api/agent-requests/{withdrawn}/approve", {"hostId": ada.host("web-1")["id"]}).refused(409, "not_pending")
    for _ in range(10):
        agent.ask()
    agent.post("/api/sessions/request", {"host": "x", "username": "y"}).refused(429, "quota")
    for one in agent.get("/api/sessions").expect(200)["pending"]:
        agent.delete(f"/api/sessions/{one['id']}").expect(200)


def test_an_agent_reaches_nothing_that_is_for_people(house, agent, ada, enter):
    session = enter()
    described = yaml.safe_load(urllib.request.urlopen(
        urllib.request.Request(f"{house.copilot.address}/openapi.yaml"), context=__import__("copilot").unverified()).read())
    tried, allowed = 0, []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if method == "parameters" or operation.get("security") == []:
                continue
            if any("agent" in one for one in operation.get("security", [])):
                continue
            place = re.sub(r"\{\w+\}", session.id, path)
            answer = agent.request(method.upper(), place, {} if method in ("post", "patch", "put") else None,
                                   {"Upgrade": "websocket", "Connection": "Upgrade"} if path == "/api/terminal" else None)
            tried += 1
            if answer.status not in (401, 403):
                allowed.append((method, path, answer.status, answer.body[:80]))
    assert tried > 40 and not allowed, allowed
    assert "agent.refused" in ada.actions()
    mine = ada.get("/api/sessions").expect(200)["sessions"]
    assert any(one["id"] == session.id for one in mine), "the same path has another meaning for people"
    assert ada.get(f"/api/sessions/{session.id}").expect(200)["session"]["startedBy"]["name"] == "claude"
    person = Agent(house.copilot, "no token")
    person.get("/api/sessions").refused(401, "not_signed_in")
    for path in ("/api/sessions", "/api/events"):
        agent.request("GET", path, headers={"Origin": "https://evil.example"}).refused(403, "foreign_origin")
    agent.request("POST", session.path("/exec"), {"command": "id"}, {"Origin": "https://evil.example"}).refused(
        403, "foreign_origin")
    agent.request("GET", "/api/sessions", headers={"Host": "evil.example"}).refused(421, "wrong_host")
    words = agent.request("GET", "/instructions", headers={"Authorization": None}).expect_text()
    assert house.copilot.address in words and "evil" not in words
    agent.request("GET", "/instructions", headers={"Host": "evil.example"}).refused(421, "wrong_host")
    other = Agent.make(house.copilot, "codex")
    other.get(session.path()).refused(404, "not_found")
    other.post(session.path("/exec"), {"command": "id"}).refused(404, "not_found")


# Commands ---------------------------------------------------------------------------------------------------------


def test_a_command_brings_back_exactly_what_it_wrote(enter):
    session = enter()
    done = session.run("printf o; printf e >&2; exit 3")
    assert (done["stdout"], done["stderr"], done["exitCode"], done["exact"]) == ("o", "e", 3, True)
    assert session.run("exit 300")["exitCode"] == 44
    assert session.run("cat")["stdout"] == ""
    assert session.run("cat", stdin="x")["stdout"] == "x"
    big = os.urandom(5 << 20)
    assert session.run("sha256sum", stdinBase64=b64(big))["stdout"].split()[0] == hashlib.sha256(big).hexdigest()
    euros = session.run("yes € | head -n 300000 | tr -d '\\n'", output={"maxBytes": 1 << 20})["stdout"]
    assert euros == "€" * 300_000
    cut = session.run("yes € | head -n 300000 | tr -d '\\n'")
    assert "\ufffd" not in cut["stdout"] and len(cut["stdout"].encode()) < 40_000
    bounds = cut["truncated"]["stdout"]
    assert bounds["totalBytes"] == 900_000
    assert bounds["shownBytes"] + sum(r["to"] - r["from"] for r in bounds["omittedRanges"]) == 900_000
    rest = session.agent.get(f"/api/commands/{cut['commandId']}/output", offset=bounds["omittedRanges"][0]["from"],
                             length=3000).expect(200)
    assert rest["text"] == "€" * 1000
    program = session.run("cat /bin/true")
    assert program["stdout"] == "" and program["binary"]["stdout"]["sniff"] == "elf"
    contents = pathlib.Path("/bin/true").read_bytes()
    assert program["binary"]["stdout"]["sha256"] == hashlib.sha256(contents).hexdigest()
    raw = session.run("cat /bin/true", output={"encoding": "base64", "maxBytes": 1 << 20})
    assert base64.b64decode(raw["stdoutBase64"]) == contents
    script = "printf '%s' \"it's\" '!!' \"$0\" | wc -c; printf 'ü\\t\\\\n%s\\n' \"$(printf a)\"; cd /tmp && pwd"
    assert session.run(script)["stdout"].endswith("ü\t\\na\n/tmp\n")
    assert session.run("pwd; printf '%s' \"$A\"", cwd="/usr/lib", env={"A": "b'c"})["stdout"] == "/usr/lib\nb'c"
    assert session.exec("x", argv=["y"]).status == 400 and session.exec("").status == 400
    session.exec("a\0b").refused(422, "invalid")
    words = session.agent.post(session.path("/exec"), {"argv": ["printf", "%s|", "a b", "$HOME", "c'd"]}).expect(200)
    assert words["stdout"] == "a b|$HOME|c'd|"


def test_a_command_that_takes_long_is_found_again_and_never_runs_twice(house, enter):
    session = enter()
    counter = house.home / "counter"
    command = f"echo x >> {counter}; echo a; sleep 2; echo b"
    began = session.exec(command, waitMs=500, idempotencyKey="k1")
    first = began.expect(202)
    assert first["state"] == "running" and first["stdout"] == "a\n" and first["waitEnded"] == "timeout"
    again = session.exec(command, waitMs=0, idempotencyKey="k1").expect(202)
    assert again["commandId"] == first["commandId"]
    session.exec("other", idempotencyKey="k1").refused(409, "key_reused")
    done = session.command(first["commandId"], waitMs=20_000).expect(200)
    assert done["stdout"] == "a\nb\n" and done["exitCode"] == 0
    assert counter.read_text() == "x\n"
    late = session.exec("sleep 30", timeoutMs=300, onTimeout="stop", waitMs=20_000).expect(200)
    assert late["timedOut"] and late["state"] == "stopped" and late["stop"] == "stopped"
    background = session.run("sleep 20 & echo started")
    assert background["exitCode"] == 0 and "children_hold_output" in background["flags"]
    opened = session.exec("cat", stdinOpen=True, waitMs=0).expect(202)["commandId"]
    session.agent.post(f"/api/commands/{opened}/input", {"input": "one\n"}).expect(200)
    session.agent.post(f"/api/commands/{opened}/input", {"input": "two\n", "endOfFile": True}).expect(200)
    assert session.command(opened, waitMs=10_000).expect(200)["stdout"] == "one\ntwo\n"


def test_stop_leaves_no_process_behind(house, enter):
    session = enter()
    mark = "7" + str(time.time_ns())[-8:]
    stubborn = f"trap '' INT TERM; sh -c 'trap \"\" INT TERM; while :; do sleep {mark}; done' & sleep {mark}; wait"
    command = session.exec(stubborn, waitMs=300).expect(202)["commandId"]
    running = lambda: [p for p in os.listdir("/proc") if p.isdigit() and mark.encode() in _command_line(p)]
    eventually(lambda: len(running()) >= 3, "the processes run")
    stopped = session.agent.post(f"/api/commands/{command}/stop").expect(200)
    assert stopped["stop"] == "stopped" and stopped["exitCode"] is None, stopped
    assert running() == []


def _command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_fourteen_commands_at_once_where_the_host_gives_ten_channels(enter):
    session = enter()
    begin = time.monotonic()
    calls = [in_background(lambda n=n: session.exec(f"sleep 1; echo {n}")) for n in range(14)]
    answers = [call().expect(200) for call in calls]
    assert sorted(int(one["stdout"]) for one in answers) == list(range(14))
    assert time.monotonic() - begin < 8


def resident(copilot):
    status = pathlib.Path(f"/proc/{copilot.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) << 10


def test_a_flood_fills_no_memory_and_leaves_room_for_others(house, enter):
    flooding, other = enter(), Agent.make(house.copilot, "patient")
    quiet = other.enter(flooding.person)
    pace = lambda count: sorted(_seconds(lambda: quiet.run("true")) for _ in range(count))[count // 2]
    pace(5)
    idle = pace(15)
    before = resident(house.copilot)
    flood = flooding.exec("yes | head -c 4000000000", waitMs=0).expect(202)["commandId"]
    eventually(lambda: flooding.command(flood, maxBytes=256).expect(202)["truncated"].get("stdout"), "the flood is on")
    busy = pace(15)
    seen = flooding.command(flood, maxBytes=1000).json
    assert len(seen["stdout"]) < 1200 and seen["truncated"]["stdout"]["totalBytes"] > 1 << 20
    assert resident(house.copilot) - before < 64 << 20
    stopped = flooding.agent.post(f"/api/commands/{flood}/stop").expect(200)
    assert stopped["stop"] == "stopped"
    assert busy < max(3 * idle, 0.1), (idle, busy)
    zeros = flooding.run("head -c 30000000 /dev/zero")
    assert zeros["binary"]["stdout"] == {"bytes": 30_000_000, "sniff": "data"} and zeros["stdout"] == ""
    print(f"exec of true: idle {idle * 1000:.1f} ms, beside a flood {busy * 1000:.1f} ms")
    quiet.close()
    other.hang_up()


def _seconds(act):
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


# The terminal -----------------------------------------------------------------------------------------------------


def test_a_wait_is_honest_about_what_came(enter):
    session = enter().ready()
    begin = time.monotonic()
    found = session.input("sleep 0.7; echo fin''ished\n", waitFor="sleep 0.7|finished", timeout=8000).expect(200)
    assert found["matched"] == "finished" and time.monotonic() - begin >= 0.6
    missed = session.input("echo xyzzy-plugh\n", waitFor="plugh-xyzzy", timeout=700).expect(200)
    assert missed["timeout"] is True and "xyzzy-plugh" in missed["lines"]
    session.input("\n", waitFor="(a)\\1").refused(400, "pattern_not_linear")
    session.input("\n", waitFor="(").refused(400, "bad_pattern")
    slow = in_background(lambda: session.input("printf 'a%.0s' $(seq 5000); echo\n", waitFor="(a|a)+b", timeout=2500))
    other = time.monotonic()
    session.agent.get("/api/sessions").expect(200)
    assert time.monotonic() - other < 1
    assert slow().expect(200)["timeout"] is True
    session.input("clear\n", waitForMode="quiet", quietMs=300).expect(200)
    def prompt():
        screen = session.agent.get(session.path("/screen")).expect(200)
        return screen if screen["lines"][screen["cursor"]["row"]].startswith("e2e$") else None
    screen = eventually(prompt, "the prompt is on the screen again")
    assert screen["cols"] == 120
    prompt = session.input("cat\n", waitForMode="prompt", timeout=2000).expect(200)
    assert prompt["waiting"]["kind"] in ("line", "none")
    back = session.input(keys=["C-d"], waitForMode="prompt", timeout=5000).expect(200)
    assert back["waiting"] == {**back["waiting"], "kind": "prompt", "confidence": "tty"}
    session.input("less /etc/services\n", waitForMode="prompt", timeout=5000)
    assert session.input(keys=["q"]).expect(200)["control"]["holder"] == "agent"


def test_a_reader_by_cursor_loses_nothing_and_sees_nothing_twice(enter):
    session = enter().ready()
    start = session.output()
    by_line, by_cursor, raw = start["currentLine"], start["nextCursor"], ""
    offset = session.output(clean="false", since=start["currentLine"])["nextCursor"]
    lines, cursor_lines = [], []
    writer = ("for i in $(seq 1 120); do printf 'part%s' $i; sleep 0.005; printf '\\r10%%\\rline-%s end\\n' $i; done; "
              "seq -f 'burst-%.0f' 3000; echo all''done")
    session.input(writer + "\n").expect(200)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        page = session.output(since=by_line, limit=100_000, maxBytes=1 << 20)
        finished = page["lines"][:-1] if page["partial"] else page["lines"]
        lines += finished
        by_line = page["currentLine"]
        page = session.output(cursor=by_cursor, maxBytes=20_000)
        cursor_lines += page["lines"][:-1] if page["partial"] else page["lines"]
        by_cursor = page["nextCursor"]
        page = session.output(cursor=offset, maxBytes=50_000)
        assert "gap" not in page
        raw, offset = raw + page["text"], page["nextCursor"]
        if "alldone" in lines and "alldone" in cursor_lines and "alldone\r\n" in raw:
            break
        time.sleep(0.02)
    wanted = [f"line-{n} end" for n in range(1, 121)] + [f"burst-{n}" for n in range(1, 3001)] + ["alldone"]
    for found in (lines, cursor_lines):
        assert [line for line in found if re.match("line-|burst-|alldone", line)] == wanted
    assert [line for line in raw.replace("\r\n", "\n").split("\n") if line.startswith("burst-")] == wanted[120:-1]
    assert any("part" in line for line in raw.split("\n")), "the raw text has what was overwritten"


# The keyboard -----------------------------------------------------------------------------------------------------


def test_a_person_takes_the_keyboard_by_typing_and_gives_it_back_with_a_note(enter, ada, agent):
    session = enter().ready()
    epoch = session.view()["control"]["epoch"]
    running = in_background(lambda: session.exec("sleep 3; echo late", waitMs=20_000))
    eventually(lambda: session.view()["runningCommands"], "the command runs")

    async def take_over():
        async with Seat(ada, session.id, columns=120, rows=32) as seat:
            await seat.sees("e2e$")
            assert seat.state["keyboard"]["holder"]["name"] == "claude" and seat.state["you"]["mayType"]
            await seat.type("cd /usr/lib\r")
            await seat.until(lambda: seat.state["you"]["holder"], "the keyboard is the person's")
            held = await asyncio.to_thread(lambda: session.input("rm x\n"))
            answer = held.refused(409, "control_held")
            assert answer["control"]["holder"] == "human" and answer["control"]["name"] == "Ada"
            assert answer["control"]["epoch"] > epoch and session.id in answer["waitUrl"]
            (await asyncio.to_thread(lambda: session.exec("id"))).refused(409, "control_held")
            waits = in_background(lambda: session.view(waitMs=20_000, until="control"))
            back = lambda: ada.post(f"/api/agent-sessions/{session.id}/return", {"note": "moved to /usr/lib"}).expect(200)
            await asyncio.to_thread(back)
            seen = await asyncio.to_thread(waits)
            assert seen["status"] == "ai_control" and seen["handback"]["note"] == "moved to /usr/lib"
            assert seen["handback"]["by"] == "Ada" and any("cd /usr/lib" in line for line in seen["handback"]["screen"])
            await seat.until(lambda: not seat.state["you"]["holder"], "the agent has it again")

    loops.run(take_over())
    interrupted = running().expect(202)
    assert interrupted["waitEnded"] == "control_changed" and interrupted["state"] == "running"
    assert session.command(interrupted["commandId"], waitMs=10_000).expect(200)["stdout"] == "late\n"
    session.input("pwd\n", epoch=epoch).refused(409, "stale_epoch")
    assert any("/usr/lib" in line for line in session.input("pwd\n", waitFor="^/").expect(200)["lines"])


def test_a_person_who_vanishes_does_not_hand_the_keyboard_back(enter, ada):
    session = enter().ready()

    async def vanish():
        async with Seat(ada, session.id) as seat:
            await seat.type("x")
            await seat.until(lambda: seat.state["you"]["holder"], "the keyboard is the person's")
            await seat.send(0x48)  # the seat leaves without giving the keyboard to anybody

    loops.run(vanish())
    eventually(lambda: session.view()["control"]["holder"] == "none", "nobody has the keyboard", 25)
    session.input("id\n").refused(409, "control_held")
    session.exec("id").refused(409, "control_held")
    ada.post(f"/api/agent-sessions/{session.id}/return", {}).expect(200)
    assert session.run("echo back")["stdout"] == "back\n"


def test_stop_everything_stops_everything(enter, ada):
    session = enter().ready()
    command = session.exec("sleep 60", waitMs=200).expect(202)["commandId"]
    ada.post(f"/api/agent-sessions/{session.id}/pause", {}).expect(200)
    assert session.command(command).expect(200)["state"] == "stopped"
    assert session.view()["status"] == "paused"
    session.exec("id").refused(409, "control_held")
    session.input("id\n").refused(409, "control_held")
    ada.post(f"/api/agent-sessions/{session.id}/return", {"note": "go on"}).expect(200)
    assert session.run("echo on")["stdout"] == "on\n"
    ada.delete(f"/api/agent-sessions/{session.id}").expect(204)
    session.exec("id").refused(410, "closed")
    assert ada.session(session.id)["state"] == "live", "the session stays for people"


def test_a_password_prompt_goes_to_a_person(enter, ada):
    session = enter().ready()
    session.input("read -rs -p 'Password: ' x; echo got ${#x}\n").expect(200)
    seen = eventually(lambda: (v := session.view())["control"]["holder"] == "none" and v, "the agent let go", 5)
    assert seen["terminal"]["waiting"]["kind"] == "password" and "Password:" in seen["handoffMessage"]
    session.input("guess\n").refused(409, "control_held")

    async def typed():
        async with Seat(ada, session.id) as seat:
            await seat.type("hunter2-secret\r")
            await seat.sees("got 14")
    loops.run(typed())
    ada.post(f"/api/agent-sessions/{session.id}/return", {}).expect(200)
    everything = json.dumps([session.output(), session.output(clean="false"), session.view(),
                             session.agent.get("/api/events").expect(200)])
    assert "got 14" in everything and "hunter2" not in everything


def test_what_a_person_types_in_private_is_not_for_the_agent(enter, ada):
    session = enter().ready()
    session.input("echo be''fore\n", waitFor="before").expect(200)
    start = session.output()["currentLine"]
    private = lambda on: ada.post(f"/api/agent-sessions/{session.id}/private", {"on": on}).expect(200)["session"]
    assert private(True)["isPrivate"] and session.view()["terminal"]["isPrivate"]
    session.input("id\n").refused(409, "control_held")
    agent = session.agent
    read = lambda: json.dumps([
        session.output(), session.output(since=start), session.output(clean="false"), agent.get(session.path("/screen")).expect(200),
        agent.get(session.path("/history")).expect_text(), agent.get(session.path("/history"), format="clean").expect_text(),
        session.view(), agent.get("/api/events").expect(200)])

    async def typed():
        async with Seat(ada, session.id, columns=120, rows=32) as seat:
            await seat.type("echo walrus''-tusk\r")
            await seat.sees("walrus-tusk")
            return await asyncio.to_thread(read)

    during = loops.run(typed())
    ada.post(f"/api/agent-sessions/{session.id}/return", {"note": "done"}).expect(200)
    assert not session.view()["terminal"]["isPrivate"], "giving back ends it"
    session.input("echo af''ter\n", waitFor="after").expect(200)
    for seen in (during, read()):
        assert "walrus" not in seen and "tusk" not in seen and "before" in seen and "withheld" in seen, seen
    assert "after" in json.dumps(session.output())
    assert {"private.started", "private.ended"} <= set(ada.actions())


# What an agent may do ---------------------------------------------------------------------------------------------

BYPASSES = [
    "ls $(touch x)", "env sudo id", "find . -delete", "find . -exec sh -c 'touch x' +", "sort -o x /etc/passwd",
    "sort --compress-program=sh /etc/passwd", "git -c core.pager='touch x' log", "rg --pre sh x", "echo hi > x",
    "\\sudo id", "ls\ntouch x", "ls;touch x", "\"sudo\" id", "awk 'BEGIN{system(\"touch x\")}'", "sed -n w\\ x /etc/passwd",
    "tar cf x .", "bash -c 'touch x'", "cat /etc/passwd | tee x", "echo `touch x`", "xargs touch x", "nohup touch x",
    "ls || touch x", "ls & touch x", "(touch x)", "{ touch x; }", "if true; then touch x; fi", "touch${IFS}x", "$(echo touch) x",
    "eval touch x", "command touch x", "timeout 5 touch x", "cat <(touch x)", "cp /etc/passwd x", "dd of=x", "vi x",
]


def test_a_read_only_agent_writes_nothing(house, enter):
    session = enter("read_only")
    before = sorted(house.home.rglob("*"))
    for command in BYPASSES:
        answer = session.exec(command, cwd=str(house.home))
        refused = answer.refused(403, "policy_denied")
        assert refused["rule"] == "read_only", command
    for name, value in (("PATH", "/tmp"), ("LD_PRELOAD", "/tmp/x.so"), ("BASH_ENV", "/tmp/x"), ("GIT_PAGER", "touch x"),
                        ("GIT_EXTERNAL_DIFF", "touch x"), ("PAGER", "touch x"), ("IFS", "/")):
        session.exec("git diff", env={name: value}).refused(403, "policy_denied")
    assert session.run("ls /", env={"LC_ALL": "C"})["exitCode"] == 0
    session.exec("ls", env={"A B": "x"}).refused(422, "invalid")
    session.input("touch x\n").refused(409, "control_held")
    session.agent.post(session.path("/signal"), {"signal": "SIGINT"}).refused(403, "policy_denied")
    assert sorted(house.home.rglob("*")) == before
    for command in ("ls -l", "grep root /etc/passwd", "cat /etc/os-release", "df -h", "ps aux"):
        assert session.run(command)["exitCode"] == 0, command
    assert session.run("pwd", cwd="/usr")["stdout"] == "/usr\n"
    watching = enter("observe")
    watching.exec("ls").refused(403, "policy_denied")


def test_a_supervised_agent_asks_and_a_person_answers(house, enter, ada):
    session = enter("supervised", deny=["systemctl **"]).ready()
    target = house.home / "build"
    house.account.own(house.home)
    assert session.run("ls /")["exitCode"] == 0, "what only reads is not asked"
    once = session.exec(f"mkdir {target}", waitMs=300, purpose="room for the build").expect(202)
    assert once["state"] == "awaiting_approval"
    asked = session.question()
    assert asked["subject"] == f"mkdir {target}" and asked["purpose"] == "room for the build" and asked["why"]
    session.answer({"scope": "once"})
    done = session.command(once["commandId"], waitMs=5000).expect(200)
    assert done["exitCode"] == 0 and done["approval"]["status"] == "approved" and done["approval"]["by"] == "Ada"
    again = in_background(lambda: session.exec(f"rmdir {target}"))
    session.answer({"scope": "exact", "minutes": 5})
    assert again().expect(200)["exitCode"] == 0
    target.mkdir()
    house.account.own(target)
    assert session.run(f"rmdir {target}")["exitCode"] == 0, "the same text is free"
    other = session.exec(f"rmdir {target}-prod", waitMs=200).expect(202)
    session.answer({"reason": "that is production"}, "deny")
    denied = session.command(other["commandId"], waitMs=5000).expect(200)
    assert denied["state"] == "denied" and "that is production" in denied["error"]
    edited = in_background(lambda: session.exec("touch wrong", cwd=str(house.home)))
    session.answer({"scope": "edited", "command": "touch right"})
    view = edited().expect(200)
    assert view["command"] == "touch right" and view["editedFrom"] == "touch wrong"
    assert (house.home / "right").exists() and not (house.home / "wrong").exists()
    free = in_background(lambda: session.exec("touch a1", cwd=str(house.home)))
    session.answer({"scope": "pattern", "pattern": "touch a*"})
    free().expect(200)
    assert session.run("touch a2", cwd=str(house.home))["exitCode"] == 0
    assert session.exec("touch a3; touch b", waitMs=0).expect(202)["state"] == "awaiting_approval"
    session.exec("ls; systemctl stop ssh").refused(403, "policy_denied")
    dry = session.run("rm -rf /", dryRun=True)
    assert dry["state"] == "awaiting_approval" and "dry_run" in dry["flags"]
    plan = session.agent.post(session.path("/plan"), {
        "goal": "tidy", "steps": [{"command": f"touch {house.home}/p1"}, {"command": f"touch {house.home}/p2"}]}).expect(201)
    assert plan["status"] == "pending"
    whole = next(one for one in session.questions() if one["kind"] == "plan")
    ada.post(f"/api/agent-approvals/{whole['id']}/approve", {}).expect(200)
    assert session.agent.get(f"/api/plans/{plan['planId']}").expect(200)["status"] == "approved"
    assert session.run(f"touch {house.home}/p1")["exitCode"] == 0
    assert session.run(f"touch {house.home}/p2")["exitCode"] == 0
    assert session.exec(f"touch {house.home}/p1", waitMs=0).expect(202)["state"] == "awaiting_approval", "a step is good once"
    typed = in_background(lambda: session.input(f"touch {house.home}/typed\n"))
    line = eventually(lambda: [q for q in session.questions() if q["kind"] == "input"], "the typed line is asked about")[0]
    assert line["subject"] == f"touch {house.home}/typed"
    ada.post(f"/api/agent-approvals/{line['id']}/approve", {}).expect(200)
    typed().expect(200)
    eventually(lambda: (house.home / "typed").exists(), "the line ran")


def test_files_are_judged_as_the_command_that_does_the_same(house, enter, ada):
    session = enter(files={"read": [f"{house.home}/notes/*"], "write": [f"{house.home}/notes/*"]}, mode="read_only")
    folder = house.home / "notes"
    folder.mkdir(exist_ok=True)
    house.account.own(house.home)
    files = lambda method, path, body=None, **query: session.agent.request(
        method, session.path("/files") + "?" + urllib.parse.urlencode({"path": path, **query}), body)
    target = f"{folder}/a.txt"
    written = files("POST", target, {"content": "one €\ntwo\n", "mode": "0640"}).expect(200)
    assert written == {"success": True, "bytes": 12, "path": target,
                       "sha256": hashlib.sha256("one €\ntwo\n".encode()).hexdigest()}
    read = files("GET", target)
    assert read.status == 200 and read.body.decode() == "one €\ntwo\n"
    assert read.headers["ETag"] == f'"{written["sha256"]}"' and read.headers["X-File-Size"] == "12"
    assert read.headers["Content-Type"] == "application/octet-stream" and read.headers["X-File-Mode"] == "0640"
    assert files("GET", target, offset=4, length=3).body.decode() == "€"
    edited = files("PATCH", target, {"edits": [{"find": "two", "replace": "2"}], "ifMatch": written["sha256"]}).expect(200)
    assert (folder / "a.txt").read_text() == "one €\n2\n"
    files("POST", target, {"content": "x", "ifMatch": written["sha256"]}).refused(412, "file_changed")
    files("PATCH", target, {"edits": [{"find": "nothing", "replace": ""}]}).refused(422, "invalid")
    assert files("POST", target, {"contentBase64": b64(bytes(range(256)))}).expect(200)["bytes"] == 256
    assert files("GET", target).body == bytes(range(256)) and edited["bytes"] == 10
    names = session.agent.get(session.path("/dir"), path=str(folder)).expect(200)["entries"]
    assert [entry["name"] for entry in names] == ["a.txt"]
    assert b"root" in files("GET", "/etc/passwd").body, "what a reading command may show, a read may"
    (folder / "out").symlink_to("/etc")
    for place in (f"{house.home}/outside", f"{folder}/../outside", f"{folder}/out/x"):
        files("POST", place, {"content": "x"}).refused(403, "policy_denied")
    files("DELETE", f"{house.home}/.profile").refused(403, "policy_denied")
    assert files("DELETE", target).expect(200) == {"success": True}
    files("GET", target).refused(404, "no_such_file")
    files("GET", "").refused(400, "missing_path")
    asking = enter("supervised")
    waits = in_background(lambda: asking.agent.request(
        "POST", asking.path("/files") + f"?path={house.home}/asked", {"content": "yes"}))
    question = asking.question()
    assert question["kind"] == "file_write" and question["subject"] == f"{house.home}/asked"
    asking.answer()
    waits().expect(200)
    assert (house.home / "asked").read_text() == "yes"
    markers = [entry["action"] for entry in ada.audit() if entry.get("session") == session.id]
    assert any(action.startswith("file.") for action in markers), markers


def test_secrets_are_not_for_the_agent_and_the_books_are_complete(house, enter, ada):
    session = enter().ready()
    token = "ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
    secret = house.host.password
    for seen in (session.run(f"echo {token}; echo '{secret}'")["stdout"],
                 "\n".join(session.input(f"echo {token}\n", waitForMode="quiet").expect(200)["lines"]),
                 json.dumps(session.output()), session.agent.get(session.path("/history")).expect_text(),
                 json.dumps(session.agent.get(session.path("/screen")).expect(200))):
        assert token not in seen and secret not in seen and "redacted" in seen, seen[:400]
    session.close()
    entries = [entry for entry in ada.audit() if entry.get("session") == session.id]
    actions = [entry["action"] for entry in entries]
    for action in ("request.created", "request.approved", "session.start", "command.submitted", "command.finished",
                   "input.sent", "session.end"):
        assert action in actions, action
    submitted = [entry for entry in entries if entry["action"] == "command.submitted"]
    assert all(entry["actor"]["kind"] == "agent" and entry["actor"]["name"] == "claude" for entry in submitted)
    assert len([a for a in actions if a == "command.finished"]) == len(submitted)
    recording = eventually(lambda: next((r for r in ada.recordings() if r["sessionId"] == session.id), None), "recorded")
    markers = ada.get(f"/api/recordings/{recording['id']}").expect(200)["markers"]
    assert any("claude" in marker["label"] for marker in markers)
    assert ada.get("/api/audit/verify").expect(200)["ok"] is True


def test_no_path_by_which_an_agent_reads_shows_a_secret_or_a_part_of_one(house, enter):
    session = enter(files={"read": ["*"], "write": [f"{house.home}/*"]}).ready()
    agent, token, secret = session.agent, "ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6", house.host.password
    bearer = "".join(f"{n:02x}Q" for n in range(70))
    file = house.home / "app.env"
    file.write_text("x" * 90 + f"\nGITHUB={token}\nplain=yes\nPW {secret}\nAuthorization: Bearer {bearer}\nend\n")
    house.account.own(file)
    call = lambda name, **arguments: agent.request("POST", "/mcp", {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}, {
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}).expect_text()
    resource = lambda uri: agent.request("POST", "/mcp", {
        "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}}, {
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}).expect_text()
    plain = lambda text: base64.b64decode(text).decode()
    shown = session.run(f"cat {file}")
    command = shown["commandId"]
    session.input("clear\n", waitForMode="prompt").expect(200)
    session.input(f"cat {file}\n", waitFor="end\\s*$").expect(200)
    length = file.stat().st_size
    parts = lambda read: "".join(read(at) for at in range(0, length, 11))
    paths = {
        "exec": lambda: json.dumps(shown),
        "standard error": lambda: session.run(f"cat {file} >&2")["stderr"],
        "base64": lambda: plain(session.run(f"cat {file}", output={"encoding": "base64"})["stdoutBase64"]),
        "a cut in the middle": lambda: "".join(json.dumps(session.run(f"cat {file}", output={"maxBytes": 256, "head": n, "tail": n}))
                                               for n in (104, 110, 116, 140)),
        "the commands": lambda: json.dumps(agent.get(session.path("/commands")).expect(200)),
        "parts of an output": lambda: parts(lambda at: agent.get(
            f"/api/commands/{command}/output", offset=at, length=11).expect(200)["text"]),
        "the same as base64": lambda: parts(lambda at: plain(agent.get(
            f"/api/commands/{command}/output", offset=at, length=11, encoding="base64").expect(200)["base64"])),
        "the terminal": lambda: json.dumps(session.output()),
        "its bytes": lambda: json.dumps(session.output(clean="false")),
        "its bytes as base64": lambda: plain(session.output(clean="false", encoding="base64")["base64"]),
        "its last lines": lambda: "".join(json.dumps(session.output(limit=n)) for n in range(1, 8)),
        "a search": lambda: json.dumps(session.output(grep="ghp_|Bearer")),
        "several": lambda: json.dumps(agent.get("/api/sessions/outputs", ids=session.id).expect(200)),
        "the history": lambda: agent.get(session.path("/history")).expect_text(),
        "the clean history": lambda: agent.get(session.path("/history"), format="clean").expect_text(),
        "the screen": lambda: json.dumps(agent.get(session.path("/screen")).expect(200)),
        "typing": lambda: json.dumps(session.input(f"cat {file}\n", waitForMode="quiet").expect(200)),
        "a file": lambda: session.files(str(file)).expect_text(),
        "parts of a file": lambda: parts(lambda at: session.files(str(file), offset=at, length=11).expect_text()),
        "ssh_exec": lambda: call("ssh_exec", sessionId=session.id, command=f"cat {file}"),
        "ssh_output": lambda: call("ssh_output", sessionId=session.id),
        "ssh_screen": lambda: call("ssh_screen", sessionId=session.id),
        "ssh_read_file": lambda: call("ssh_read_file", sessionId=session.id, path=str(file)),
        "ssh_read_file, a part": lambda: call("ssh_read_file", sessionId=session.id, path=str(file), offset=101, length=20),
        "the screen as a resource": lambda: resource(f"ssh://sessions/{session.id}/screen"),
        "the transcript": lambda: resource(f"ssh://sessions/{session.id}/transcript"),
        "stdout as a resource": lambda: resource(f"ssh://commands/{command}/stdout"),
    }
    pieces = [value[at:at + 9] for value in (token[4:], secret, bearer) for at in range(len(value) - 9)]
    for name, read in paths.items():
        seen = read()
        assert not [piece for piece in pieces if piece in seen], (name, seen[:1500])
        assert "redacted" in seen or name == "a cut in the middle", (name, seen[:1500])
    # Nobody finds out letter by letter.
    assert session.output(grep="ghp_A")["lines"] == []
    assert session.input(f"cat {file}\n", waitFor="ghp_A", timeout=700).expect(200)["timeout"] is True
    # What was read with marks is not written back over the secrets.
    read = session.files(str(file))
    assert int(read.headers["X-Redactions"]) >= 3 and read.headers["ETag"] == f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"'
    place = session.path("/files") + f"?path={file}"
    agent.request("POST", place, {"content": read.body.decode()}).refused(422, "redacted_content")
    agent.request("PATCH", place, {"edits": [{"find": "plain=yes", "replace": "plain=no"}]}).expect(200)
    assert "plain=no" in file.read_text() and token in file.read_text()


@pytest.fixture
def sudoer(house):
    """The account may become root, with its password."""
    line = pathlib.Path(f"/etc/sudoers.d/{house.account.name}")
    line.write_text(f"{house.account.name} ALL=(ALL) ALL\n")
    line.chmod(0o440)
    yield line
    line.unlink()


def test_an_agent_becomes_root_without_having_the_password(house, enter, ada, sudoer):
    session = enter(sudo="allow")
    done = session.run("id -u; cat; echo oops >&2; exit 4", sudo=True, stdin="input\n")
    assert (done["stdout"], done["stderr"], done["exitCode"]) == ("0\ninput\n", "oops\n", 4)
    assert done["command"].startswith("sudo sh -c ") and "privileged" in done["classes"]
    # A sudo that asks for nothing hands the password on to nobody.
    sudoer.write_text(f"{house.account.name} ALL=(ALL) NOPASSWD: ALL\n")
    assert session.run("cat", sudo=True, stdin="mine")["stdout"] == "mine"
    sudoer.write_text("")
    refused = session.run("id", sudo=True)
    assert refused["exitCode"] == 1 and refused["stdout"] == "" and "sudoers" in refused["stderr"]
    sudoer.write_text(f"{house.account.name} ALL=(ALL) ALL\n")
    session.exec("id", sudo=True, durable=True).refused(422, "invalid")
    asking = enter(sudo="ask")
    waits = in_background(lambda: asking.exec("id -u", sudo=True))
    assert asking.question()["subject"] == "sudo sh -c 'id -u'"
    asking.answer()
    assert waits().expect(200)["stdout"] == "0\n"
    enter(sudo="never").exec("id", sudo=True).refused(403, "policy_denied")
    kept = [entry for entry in ada.audit() if entry.get("session") == session.id]
    session.close()
    recording = eventually(lambda: next((r for r in ada.recordings() if r["sessionId"] == session.id), None), "recorded")
    kept.append(ada.get(f"/api/recordings/{recording['id']}").expect(200))
    kept.append(ada.get(f"/api/recordings/{recording['id']}/asciicast").expect_text())
    assert "sudo sh -c" in json.dumps(kept) and house.host.password not in json.dumps(kept)


def test_a_revoked_token_ends_within_a_second(house, ada):
    agent = Agent.make(house.copilot, "temporary")
    session = agent.enter(ada).ready()
    command = session.exec("sleep 50", waitMs=100).expect(202)["commandId"]
    waits = in_background(lambda: agent.get(f"/api/commands/{command}", waitMs=60_000))
    begin = time.monotonic()
    house.copilot.cli("agent-token", "revoke", "temporary")
    revoked = time.monotonic()
    waits().refused(401, "not_signed_in")
    agent.get("/api/sessions").refused(401, "not_signed_in")
    assert time.monotonic() - revoked < 1.5, time.monotonic() - begin
    eventually(lambda: not any(s["id"] == session.id for s in
                               ada.get("/api/agent-sessions").expect(200)["sessions"]), "its seat is gone", 4)
    assert ada.session(session.id)["state"] == "live"
    ada.end_session(session.id)


# The command and the page -----------------------------------------------------------------------------------------


def test_agent_gateway_needs_no_set_up(folder, account):
    port = free_port()
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("COPILOT_")}, "HOME": str(folder)}
    command = [str(BINARY), "agent-gateway", "--port", str(port), "--page", str(PAGE)]
    process = Process(command, env=environment)
    try:
        eventually(lambda: "Authorization: Bearer" in process.output or process.has_ended, process.output, 30)
        text = process.output
        assert f"http://localhost:{port}" in text and "/#/welcome?token=" in text and "/instructions" in text
        assert "runs as you can read your files" in text and "cpa_" not in text
        file = folder / ".local/share/copilot-agent-gateway/agent-token"
        assert file.stat().st_mode & 0o777 == 0o600 and str(file) in text
        token = file.read_text().strip()
        made = Copilot(folder, ["--http"])
        made.port = port
        agent = Agent(made, token)
        agent.ask()
        link = re.search(r"token=(\S+)", text).group(1)
        person = Person(made)
        person.post("/auth/redeem", {"token": link, "username": "me", "name": "Me", "password": "correct horse battery"}).expect(201)
        assert person.get("/api/agent-requests").expect(200)["requests"][0]["agent"]["name"] == "agent"
        words = agent.get("/instructions/quickstart").expect_text()
        assert f"http://localhost:{port}/api/sessions/request" in words
    finally:
        process.stop()
    again = Process(command, env=environment)
    try:
        eventually(lambda: "Authorization: Bearer" in again.output or again.has_ended, again.output, 30)
        assert "Sign in there as me" in again.output and file.read_text().strip() == token
    finally:
        again.stop()


def test_a_person_lets_an_agent_in_watches_and_stops_it(house, open_tab):
    agent = house.agent
    asked = agent.ask(reason=EVIL, host="web-1", mode="trusted")["id"]
    tab = open_tab(house.copilot).sign_in("ada", house.copilot.password)
    tab.sees("agent-call")
    tab.press("agent-call-review")
    tab.sees("request-dialog")
    reason = tab.get("request-reason").inner_text()
    assert "<img src=x onerror=alert(1)>" in reason and "\u241b" in reason and "U+202E" in reason
    assert "second line" in reason and tab.page.locator("[data-testid=request-dialog] img").count() == 0
    tab.screenshot("agent-request")
    tab.press("grant-supervised")
    tab.press("request-approve")
    eventually(lambda: agent.get(f"/api/sessions/{asked}").expect(200)["status"] == "ai_control", "the agent is in")
    tab.sees("agent-session")
    tab.screenshot("agents-at-work")
    session = AgentSession(agent, asked, None)
    tab.open(f"/s/{asked}?panel=agent")
    tab.terminal_ready()
    tab.sees("agent-panel")
    session.run("uname -s")
    expect(tab.get("agent-command").first).to_contain_text("uname -s")
    wants = session.exec("touch /tmp/nothing-$$", waitMs=100, purpose="a test").expect(202)
    tab.sees("agent-question")
    assert "touch /tmp/nothing" in tab.get("question-subject").inner_text()
    tab.screenshot("agent-question")
    tab.press("question-once")
    assert session.command(wants["commandId"], waitMs=8000).expect(200)["exitCode"] == 0
    expect(tab.get("agent-question")).to_have_count(0)
    session.exec("sleep 40", waitMs=100)
    eventually(lambda: tab.page.locator("[data-testid=agent-command][data-state=running]").count(), "it runs")
    tab.press("agent-stop-all")
    expect(tab.page.locator("[data-testid=agent-command][data-state=stopped]")).to_have_count(1, timeout=10_000)
    tab.screenshot("agent-stopped")
    session.input("id\n").refused(409, "control_held")
    tab.fill("return-note", "go on, carefully")
    tab.press("agent-return")
    back = session.view(waitMs=10_000, until="control")
    assert back["handback"]["note"] == "go on, carefully"
    agent.delete(session.path())
