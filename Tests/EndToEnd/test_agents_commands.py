"""Agents' commands: exact, found again, stopped for good, as root, many at once, floods."""

import base64
import hashlib
import json
import os
import pathlib
import time

import pytest

from agent import Agent, b64, in_background
from agent_house import ada, agent, enter, house, resident, running  # noqa: F401
from ports import eventually


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
    here = lambda: running(mark)
    eventually(lambda: len(here()) >= 3, "the processes run")
    stopped = session.agent.post(f"/api/commands/{command}/stop").expect(200)
    assert stopped["stop"] == "stopped" and stopped["exitCode"] is None, stopped
    assert here() == []


def test_stop_ends_what_runs_as_root_or_says_that_nobody_could_see_it(house, enter, sudoer):
    session = enter(sudo="allow")
    mark = "7" + str(time.time_ns())[-8:]
    here = lambda: running(mark)
    stubborn = f"trap '' INT TERM; sh -c 'trap \"\" INT TERM; while :; do sleep {mark}; done' & sleep {mark}; wait"
    stop = lambda command: session.agent.post(f"/api/commands/{command}/stop").expect(200)
    command = session.exec(stubborn, sudo=True, waitMs=300).expect(202)["commandId"]
    eventually(lambda: len(here()) >= 3, "root's processes run")
    begin = time.monotonic()
    stopped = stop(command)
    assert (stopped["stop"], stopped["state"], stopped["exitCode"]) == ("stopped", "stopped", None), stopped
    assert here() == [] and time.monotonic() - begin < 5
    # An account that is no sudoer any more can't end what it began as root: that is said, and not made up.
    command = session.exec(stubborn, sudo=True, waitMs=300).expect(202)["commandId"]
    eventually(lambda: len(here()) >= 3, "root's processes run")
    sudoer.forbid()
    unseen = stop(command)
    assert (unseen["stop"], unseen["state"], unseen["exitCode"]) == ("unconfirmed", "lost", None), unseen
    assert here()
    sudoer.allow()
    assert stop(command)["stop"] == "stopped" and here() == []


def test_fourteen_commands_at_once_where_the_host_gives_ten_channels(enter):
    session = enter()
    begin = time.monotonic()
    calls = [in_background(lambda n=n: session.exec(f"sleep 1; echo {n}")) for n in range(14)]
    answers = [call().expect(200) for call in calls]
    assert sorted(int(one["stdout"]) for one in answers) == list(range(14))
    assert time.monotonic() - begin < 8


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


def test_an_agent_becomes_root_without_having_the_password(house, enter, ada, sudoer):
    session = enter(sudo="allow")
    done = session.run("id -u; cat; echo oops >&2; exit 4", sudo=True, stdin="input\n")
    assert (done["stdout"], done["stderr"], done["exitCode"]) == ("0\ninput\n", "oops\n", 4)
    assert done["command"].startswith("sudo sh -c ") and "privileged" in done["classes"]
    # A sudo that asks for nothing hands the password on to nobody.
    sudoer.allow("NOPASSWD: ")
    assert session.run("cat", sudo=True, stdin="mine")["stdout"] == "mine"
    sudoer.forbid()
    refused = session.run("id", sudo=True)
    assert refused["exitCode"] == 1 and refused["stdout"] == "" and "sudoers" in refused["stderr"]
    sudoer.allow()
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


@pytest.mark.long
def test_endless_output_that_nobody_reads_fills_no_memory(house, ada):
    """Four sessions at once, in each an endless program in the terminal and four on channels of their own."""
    agents = [Agent.make(house.copilot, f"flood-{n}") for n in range(4)]
    sessions = [one.enter(ada).ready() for one in agents]
    settled = resident(house.copilot)
    for session in sessions:
        for program in ("yes", "cat /dev/zero", "yes € ", "cat /dev/urandom"):
            session.exec(program, waitMs=0, output={"maxBytes": 16 << 20}).expect(202)
    for session in sessions:
        session.input("yes the terminal\n").expect(200)
    sizes = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        time.sleep(2)
        sizes.append(resident(house.copilot) - settled)
    print("MiB more than before:", [size >> 20 for size in sizes])
    # What is kept of each: 1 to 16 MiB of each stream within 96 MiB a session, the terminal's log and its recording's queue.
    assert max(sizes) < 4 * (112 << 20)
    assert max(sizes[-4:]) - max(sizes[4:9]) < 64 << 20, "it does not go on growing"
    for session in sessions:
        session.agent.hang_up()
        ada.post(f"/api/agent-sessions/{session.id}/pause", {}).expect(200)
        assert all(one["state"] != "running" for one in session.agent.get(session.path("/commands")).expect(200)["commands"])
        session.close()
        session.agent.hang_up()
