"""The terminal that agents and people share: reading, typing, commands at its prompt in each of eight login shells."""

import contextlib
import re
import subprocess
import time
import shutil

import pytest

from agent import in_background
from agent_house import ada, agent, enter, house  # noqa: F401
from ports import eventually


SHELLS = ["bash", "dash", "zsh", "fish", "ksh93", "mksh", "tcsh", "busybox"]


def test_a_wait_is_honest_about_what_came(enter):
    session = enter().ready()
    begin = time.monotonic()
    found = session.input("sleep 0.7; echo fin''ished\n", waitFor="sleep 0.7|finished", timeout=8000).expect(200)
    assert found["matched"] == "finished" and time.monotonic() - begin >= 0.6
    missed = session.input("echo xyzzy-plugh\n", waitFor="plugh-xyzzy", timeout=700).expect(200)
    assert missed["timeout"] is True and "xyzzy-plugh" in missed["lines"]
    session.input("\n", waitFor="(a)\\1").refused(400, "pattern_not_linear")
    session.input("\n", waitFor="(").refused(400, "bad_pattern")
    slow = in_background(lambda: session.input("printf 'a%.0s' $(seq 5000); echo\n", waitFor="(a|a)+b", timeout=1200))
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


@contextlib.contextmanager
def login_shell(house, name):
    """The account's login shell is another one for a while."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    if name == "busybox":
        # It goes by the name that it is called.
        link = house.folder / "ash"
        link.unlink(missing_ok=True)
        link.symlink_to(program)
        program = str(link)
    change = lambda shell: subprocess.run(["usermod", "-s", shell, house.account.name], check=True, capture_output=True)
    eventually(lambda: subprocess.run(["usermod", "-s", program, house.account.name], capture_output=True).returncode in (0, 8),
               "the shell is changed")
    (house.home / ".zshrc").write_text("PS1='e2e$ '\n")
    (house.home / ".tcshrc").write_text("set prompt='e2e$ '\n")
    (house.home / ".config/fish").mkdir(parents=True, exist_ok=True)
    (house.home / ".config/fish/config.fish").write_text("function fish_prompt; echo -n 'e2e$ '; end\nset fish_greeting\n")
    house.account.own(house.home)
    try:
        yield
    finally:
        change("/bin/bash")


SCRIPT = "printf '%s' \"it's\" '!!' '\\n' \"$(printf %s a)\" `printf b`; printf 'ü\\t\\\\n%s\\n' \"x$((1+1))\"\nfor i in 1 2; do echo $i; done; exit 7"
SAID = "it's!!\\nabü\t\\nx2\n1\n2\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_login_shell_changes_nothing_of_a_command_and_keeps_what_is_typed(house, enter, shell):
    with login_shell(house, shell):
        session = enter().ready()
        done = session.run(SCRIPT)
        assert (done["stdout"], done["exitCode"], done["exact"]) == (SAID, 7, True)
        moved = session.run("cd /usr/lib", terminal=True)
        assert (moved["stdout"], moved["exitCode"], moved["cwdAfter"], moved["mode"], moved["exact"]) == (
            "", 0, "/usr/lib", "terminal", False), moved
        failed = session.run("ls /nowhere-at-all", terminal=True)
        assert failed["exitCode"] not in (0, None) and "nowhere-at-all" in failed["stdout"] and failed["flags"] == []
        again = session.run("pwd", terminal=True)
        assert (again["stdout"], again["exitCode"]) == ("/usr/lib\n", 0), again


def test_a_shell_keeps_its_folder_and_variables_and_a_forged_mark_ends_nothing(house, enter):
    session = enter().ready()
    session.run(f"cd {house.home}; export X=1", terminal=True)
    seen = session.run("echo $X $PWD; false", terminal=True)
    assert (seen["stdout"], seen["exitCode"], seen["cwdAfter"]) == (f"1 {house.home}\n", 1, str(house.home))
    assert session.run("printf 'no end'", terminal=True)["stdout"] == "no end"
    assert session.run("seq 3000", terminal=True)["stdout"] == "".join(f"{n}\n" for n in range(1, 3001))
    assert session.run("printf '10%%\\r100%%\\n'", terminal=True)["stdout"] == "100%\n"
    forged = session.run("printf '\\033]133;D;0;x;/\\007\\033]633;D;0\\007'; sleep 0.5; echo after; (exit 42)", terminal=True)
    assert (forged["stdout"], forged["exitCode"]) == ("after\n", 42)
    assert session.run("kill -INT $$; sleep 0.1; echo here", terminal=True)["exitCode"] is not None
    # In a shell inside of the shell, too, and back.
    session.input("bash --norc\n", waitForMode="prompt").expect(200)
    assert session.run("echo $X; exit_code() { return 9; }; exit_code", terminal=True)["exitCode"] == 9
    session.input("exit\n", waitForMode="prompt").expect(200)
    assert session.run("echo $X", terminal=True)["stdout"] == "1\n"


def test_what_waits_for_more_is_told_and_can_be_stopped(enter):
    session = enter().ready()
    half = session.exec('echo "unclosed', terminal=True, waitMs=1500).expect(202)
    seen = eventually(lambda: (v := session.command(half["commandId"]).expect(202)).get("waiting", {}).get("kind") == "line" and v,
                      "it is told that the shell waits")
    assert seen["exitCode"] is None
    stopped = session.agent.post(f"/api/commands/{half['commandId']}/stop").expect(200)
    assert (stopped["state"], stopped["stop"]) == ("stopped", "stopped")
    assert session.run("echo fine", terminal=True)["stdout"] == "fine\n"
    asks = session.exec("read -r answer; echo got $answer", terminal=True, waitMs=300).expect(202)["commandId"]
    eventually(lambda: session.command(asks).expect(202).get("waiting", {}).get("kind") == "line", "it waits for a line")
    session.input("forty-two\n").expect(200)
    assert "got forty-two" in session.command(asks, waitMs=8000).expect(200)["stdout"]
    slow = session.exec("trap '' INT; sleep 600", terminal=True, timeoutMs=400, onTimeout="stop", waitMs=15_000)
    assert slow.json["timedOut"] and slow.json["state"] in ("stopped", "lost"), slow.json


def test_one_at_a_time_at_a_prompt_that_is_free_by_whoever_has_the_keyboard(house, enter, ada):
    session = enter().ready()
    calls = [in_background(lambda n=n: session.exec(f"echo begin-{n}; sleep 0.2; echo end-{n}", terminal=True)) for n in range(4)]
    outputs = [call().expect(200)["stdout"] for call in calls]
    assert sorted(outputs) == [f"begin-{n}\nend-{n}\n" for n in range(4)]
    session.input("sleep 30\n").expect(200)
    eventually(lambda: session.exec("true", terminal=True, dryRun=True).json.get("code") == "terminal_busy", "the terminal is busy")
    busy = session.exec("true", terminal=True).refused(409, "terminal_busy")
    assert busy["foreground"] == "sleep" and "sleep" in busy["error"]
    session.agent.post(session.path("/signal"), {"signal": "SIGINT"}).expect(200)
    session.input(waitForMode="prompt").expect(200)
    for more in ({"cwd": "/"}, {"env": {"A": "b"}}, {"stdin": "x"}, {"durable": True}, {"sudo": True}):
        session.exec("true", terminal=True, **more).refused(422, "invalid")
    for command in ("ls\nrm x", "ls\x03", "ls\x1b[A", "ls\t", "x" * 4001):
        session.exec(command, terminal=True).refused(422, "invalid")

    ada.post(f"/api/agent-sessions/{session.id}/pause", {}).expect(200)
    session.exec("true", terminal=True).refused(409, "control_held")
    ada.post(f"/api/agent-sessions/{session.id}/return", {}).expect(200)
    # What somebody left in the line does not become a part of the command.
    session.input("echo left behind; ").expect(200)
    assert session.run("echo alone", terminal=True)["stdout"] == "alone\n"
    enter("read_only").exec("ls", terminal=True).refused(403, "policy_denied")
    asking = enter("supervised").ready()
    waits = in_background(lambda: asking.exec(f"touch {house.home}/typed-by-agent", terminal=True))
    assert asking.question()["subject"] == f"touch {house.home}/typed-by-agent"
    asking.answer({"scope": "once"})
    assert waits().expect(200)["exitCode"] == 0 and (house.home / "typed-by-agent").exists()
