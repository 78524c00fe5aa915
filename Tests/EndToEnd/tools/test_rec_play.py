"""`copilot rec` and `copilot play`, with asciinema on the other side."""

import json
import os
import re
import signal
import stat
import time

import pexpect
import pytest

from copilot import BINARY
from person import Person, status_of
from ports import eventually


@pytest.fixture
def person(folder):
    return Person(folder)


def cast(path):
    """Header and events of an asciicast file; v3's times are made absolute."""
    first, *rest = path.read_text().splitlines()
    header, events, now = json.loads(first), [], 0.0
    for line in rest:
        when, code, data = json.loads(line)
        now = now + when if header["version"] == 3 else when
        events.append((now, code, data))
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    return header, events


def output(events):
    return "".join(data for _, code, data in events if code == "o")


# Recording


def test_a_program_s_output_is_shown_and_recorded(person):
    done = person.copilot("rec", "-o", "a.cast", "--title", "demo", "--idle-limit", "2", "--", "printf", "h\\303\\244llo\\n")
    assert "hällo" in done.stdout
    header, events = cast(person.work / "a.cast")
    assert header["version"] == 2 and (header["width"], header["height"]) == (80, 24)
    assert header["title"] == "demo" and header["idle_time_limit"] == 2 and header["env"]["TERM"] == "xterm-256color"
    assert output(events) == "hällo\r\n"
    assert stat.S_IMODE((person.work / "a.cast").stat().st_mode) == 0o600


def test_asciinema_shows_what_we_recorded(person):
    person.copilot("rec", "-q", "-o", "a.cast", "-c", "for i in 1 2 3; do printf '%s \\033[1mbold\\033[0m \"q\" \\\\\\n' $i; done")
    # It wants a terminal.
    pexpect.run(
        "/bin/sh -c 'asciinema cat a.cast > shown; asciinema play -s 10 a.cast > played'", cwd=str(person.work),
        env=person.environment, timeout=20)
    recorded = output(cast(person.work / "a.cast")[1]).encode()
    assert (person.work / "shown").read_bytes() == recorded
    assert recorded in (person.work / "played").read_bytes()


def test_version_3_counts_from_event_to_event_and_ends_with_the_status(person):
    done = person.copilot(
        "rec", "-q", "--format", "asciicast-v3", "-o", "a.cast", "-c", "echo a; sleep 0.3; echo b; exit 3", check=False)
    assert done.returncode == 3
    header, events = cast(person.work / "a.cast")
    assert header["version"] == 3 and header["term"]["cols"] == 80
    assert output(events) == "a\r\nb\r\n" and events[-1][1:] == ("x", "3")
    assert events[-1][0] >= 0.3


def test_the_status_is_that_of_the_program(person):
    assert person.copilot("rec", "-o", "a.cast", "--", "sh", "-c", "kill -9 $$", check=False).returncode == 137
    done = person.copilot("rec", "-o", "b.cast", "--", "/no/such/program", check=False)
    assert done.returncode == 2 and not (person.work / "b.cast").exists()


def test_a_recording_is_never_written_over_unasked(person):
    (person.work / "a.cast").write_text("mine")
    done = person.copilot("rec", "-o", "a.cast", "--", "true", check=False)
    assert done.returncode == 2 and (person.work / "a.cast").read_text() == "mine"
    person.copilot("rec", "--overwrite", "-o", "a.cast", "--", "true")
    assert cast(person.work / "a.cast")[0]["version"] == 2


def test_what_is_typed_is_recorded_only_when_asked_for_and_passwords_never(person):
    script = "printf 'name: '; read name; stty -echo; printf 'Password: '; read secret; stty echo; echo; echo got $name"
    for flags, name in (([], "without.cast"), (["--stdin"], "with.cast")):
        child = person.terminal("rec", "-q", *flags, "-o", name, "-c", script)
        child.expect("name: ")
        child.sendline("ada")
        child.expect("Password: ")
        child.sendline("hunter2hunter2")
        child.expect("got ada")
        assert status_of(child) == 0
    for name in ("without.cast", "with.cast"):
        assert "hunter2" not in (person.work / name).read_text()
    _, events = cast(person.work / "with.cast")
    assert "ada" in "".join(data for _, code, data in events if code == "i")
    assert any(code == "m" and "hidden input" in data for _, code, data in events)
    assert not [code for _, code, _ in cast(person.work / "without.cast")[1] if code == "i"]


def test_window_changes_and_keys_reach_the_program(person):
    child = person.terminal("rec", "-q", "-o", "a.cast", "--", "sh", "-c", "trap 'stty size' WINCH; echo ready; while sleep 0.1; do :; done")
    child.expect("ready")
    child.setwinsize(30, 100)
    child.expect("30 100")
    child.sendcontrol("c")
    assert status_of(child) == 130
    assert ("r", "100x30") in [event[1:] for event in cast(person.work / "a.cast")[1]]


def test_without_a_command_the_shell_is_recorded_and_the_terminal_is_as_before(person):
    child = pexpect.spawn(
        "/bin/sh", ["-c", f'stty -a > before; "{BINARY}" rec -o a.cast; stty -a > after; echo finished'],
        cwd=str(person.work), env=person.environment, timeout=20, encoding="utf-8")
    child.expect("recording to a.cast")
    child.sendline("echo $((6 * 7))")
    child.expect("42")
    child.sendline("exit")
    child.expect("finished")
    assert (person.work / "before").read_text() == (person.work / "after").read_text()
    assert "42" in output(cast(person.work / "a.cast")[1])


def test_a_signal_ends_the_program_and_the_recording_is_whole(person):
    child = person.terminal("rec", "-q", "-o", "a.cast", "--", "sh", "-c", "echo started; sleep 60")
    child.expect("started")
    child.kill(signal.SIGTERM)
    assert status_of(child) == 129
    assert output(cast(person.work / "a.cast")[1]).startswith("started")


def test_what_is_older_than_a_second_survives_a_crash(person):
    child = person.terminal("rec", "-q", "-o", "a.cast", "--", "sh", "-c", "echo kept; sleep 60")
    child.expect("kept")
    eventually(lambda: '"kept' in (person.work / "a.cast").read_text(), "it is in the file", 5)
    child.kill(signal.SIGKILL)
    child.close(force=True)
    assert "kept" in person.copilot("play", "a.cast").stdout


def test_a_program_on_another_machine_is_recorded_with_its_status(person, host):
    (person.home / ".ssh/id_ed25519").write_text(host.make_client_key())
    (person.home / ".ssh/id_ed25519").chmod(0o600)
    public = (host.folder / "host_key.pub").read_text().split()
    (person.home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{host.port} {public[0]} {public[1]}\n")
    (person.home / ".ssh/config").write_text(f"""Host web-1
  HostName 127.0.0.1
  Port {host.port}
  User {host.username}
""")
    child = person.terminal("rec", "-o", "a.cast", "--host", "web-1", "--", "echo over there; tty; exit 5")
    child.expect("over there")
    assert status_of(child) == 5
    shown = output(cast(person.work / "a.cast")[1])
    assert "over there\r\n/dev/" in shown


# Playing


def write(path, *lines):
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))


HEADER = {"version": 2, "width": 80, "height": 24}


@pytest.mark.parametrize("lines", [
    [HEADER, [0.0, "o", "one "], [0.1, "i", "x"], [0.2, "o", "twö\r\n"]],
    [{"version": 3, "term": {"cols": 80, "rows": 24}}, "# a comment", [0.0, "o", "one "], "", [0.2, "o", "twö\r\n"], [0, "x", "0"]],
    [{"version": 1, "width": 80, "height": 24, "stdout": [[0.0, "one "], [0.2, "twö\r\n"]]}],
], ids=["v2", "v3", "v1"])
def test_every_version_plays_into_a_pipe(person, lines):
    write(person.work / "a.cast", *lines)
    assert person.copilot("play", "a.cast").stdout == "one twö\r\n"
    assert person.copilot("play", "-", stdin=(person.work / "a.cast").read_text()).stdout == "one twö\r\n"


def test_speed_and_idle_limit_set_the_pace(person):
    write(person.work / "a.cast", HEADER, [0, "o", "a"], [30, "o", "b"], [31, "o", "c"])
    for flags, least, most in ((["-i", "0.5"], 1.0, 5), (["-s", "100"], 0.3, 4), (["--from", "31"], 0, 4)):
        started = time.monotonic()
        assert person.copilot("play", *flags, "a.cast").stdout.endswith("c")
        assert least <= time.monotonic() - started < most, flags


def test_asciinema_s_own_recordings_play(person):
    person.tool("asciinema", "rec", "-q", "-c", "printf 'theirs\\n'", "a.cast")
    assert "theirs" in person.copilot("play", "-s", "10", "a.cast").stdout


def test_keys_pause_step_seek_and_quit(person):
    events = [[5 * number, "o", f"event{number}\r\n"] for number in range(1, 20)]
    write(person.work / "a.cast", HEADER, *events[:6], [32, "m", "here"], *events[6:])
    child = person.terminal("play", "a.cast")
    child.send("\x1b[C\x1b[C")
    child.expect("event2")
    child.send(" ")
    child.send(".")
    child.expect("event3")
    child.send("\x1b[D\x1b[D")
    child.expect(re.escape("event1\x1b[2;1H"))
    child.send("]")
    child.expect(re.escape("event6\x1b[7;1H"))
    child.send(" ")
    child.send(">>>>>>")
    child.expect("event7")
    child.send("q")
    assert status_of(child) == 0
    assert "event19" not in child.before


def test_the_terminal_is_as_before_whatever_ends_it(person):
    write(person.work / "a.cast", HEADER, [0, "o", "\x1b[?1049h\x1b[?25lready"], [60, "o", "x"])
    for ending in ("q", "\x03", None):
        child = pexpect.spawn(
            "/bin/sh", ["-c", f'stty -a > before; "{BINARY}" play a.cast; stty -a > after; echo finished'],
            cwd=str(person.work), env=person.environment, timeout=20, encoding="utf-8")
        child.expect("ready")
        if ending:
            child.send(ending)
            child.expect(re.escape("\x1b[?1049l"))
            child.expect(re.escape("\x1b[?25h"))
        else:
            for line in open(f"/proc/{child.pid}/task/{child.pid}/children").read().split():
                os.kill(int(line), signal.SIGTERM)
        child.expect("finished")
        assert (person.work / "before").read_text() == (person.work / "after").read_text()


def test_a_hostile_recording_shows_text_and_does_nothing_else(person):
    attack = (
        "\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b]2;x\x1b\\\x1bP+q544e\x1b\\\x1b[6n\x1b[c\x1b[>c\x1b[?1003h\x1b[?2004h\x1b[21t"
        "\x1bZ\x05\x1b[5i\x1b_Ga=T\x1b\\\x9d0;y\x9c\x1b[>1u\x1b[!pseen \x1b[31mred\x1b[0m\r\n")
    write(person.work / "a.cast", HEADER, [0, "o", attack])
    assert person.copilot("play", "a.cast").stdout == "\x1b[!pseen \x1b[31mred\x1b[0m\r\n"
    assert person.copilot("play", "--raw", "a.cast").stdout == attack


def test_what_is_no_recording_is_said_with_its_line(person):
    write(person.work / "a.cast", HEADER, [0, "o", "fine "], "{not an event}", [1, "o", "x"])
    done = person.copilot("play", "a.cast", check=False)
    assert done.returncode == 2 and "Line 3" in done.stderr and done.stdout == "fine "
    for text in ("", "hello\n", '{"version": 9}\n', '{"version": 2, "width": "x"}\n', "[1]\n"):
        (person.work / "b.cast").write_text(text)
        assert person.copilot("play", "b.cast", check=False).returncode == 2
    assert person.copilot("play", "missing.cast", check=False).returncode == 2


def test_a_reader_that_goes_away_ends_it(person):
    write(person.work / "a.cast", HEADER, *[[number / 100, "o", "x" * 4000] for number in range(1000)])
    person.tool("sh", "-c", f'"{BINARY}" play a.cast | head -c 10', timeout=10)
