"""The example applications with stock ssh: on a server of ours and behind OpenSSH's, with and without a terminal."""

import os
import pathlib
import pty
import signal
import subprocess
import termios
import time

import pexpect
import pytest

from applications import PROGRAMS, BuildService, Door, Ground, Key, OwnServer, dispatch_options, ended
from ports import eventually

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def ground():
    made = Ground()
    yield made
    made.remove()


@pytest.fixture
def ada(folder):
    return Key(folder, "ada")


@pytest.fixture
def eve(folder):
    return Key(folder, "eve")


@pytest.fixture(params=["ours", "openssh"])
def make_door(request, ground, account, make_host, ada, eve):
    """Where an example is reached: the same application on either server."""
    servers = []

    def make(program, *flags):
        keys = ground.write("keys", f"ada {ada.line}\neve {eve.line}\n")
        if request.param == "ours":
            servers.append(OwnServer(ground, program, keys, *flags))
            return Door(servers[-1].port, "anybody")
        file = ground.write("applications", f"{account.name} {ground.program(program)} {' '.join(flags)}\n")
        host = make_host(dispatch_options(ground, "--keys", str(keys), "--applications", str(file)))
        return Door(host.port, account.name)

    yield make
    for server in servers:
        server.stop()


def test_hello_without_a_terminal(make_door, ada):
    door = make_door("example-hello")
    done = door.run(ada)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello, ada.\n", "")
    assert door.run(ada, "whoami").stdout == f"ada {ada.fingerprint}\n"
    done = door.run(ada, "say 'a  b'")
    assert done.stdout == "a  b\n"
    done = door.run(ada, "nonsense")
    assert done.returncode == 64 and done.stderr.startswith("hello: wrong use: ") and done.stdout == ""


def test_hello_in_a_terminal(make_door, ada):
    child = make_door("example-hello").terminal(ada)
    child.expect_exact("Hello, ada.\r\n")
    child.expect_exact("Where are you? ")
    # Left, Home, Delete, End, Backspace: the bytes that an xterm sends.
    child.send("XBonx\x1b[D\x1b[H\x1b[3~\x1b[F\x7fn\r")
    child.expect_exact("It is nice in Bonn.\r\n")
    assert ended(child) == 0


def test_a_question_can_be_interrupted(make_door, ada):
    child = make_door("example-hello").terminal(ada)
    child.expect_exact("Where are you? ")
    child.send("\x03")
    assert ended(child) == 130


def test_a_command_in_a_terminal_sees_its_size_change(make_door, ada):
    child = make_door("example-hello").terminal(ada, "size", size=(24, 80))
    child.expect_exact("80 × 24\r\n")
    child.setwinsize(30, 100)
    child.expect_exact("100 × 30\r\n")
    child.send("\x03")
    assert ended(child) == 130


def test_the_full_screen_is_given_back(make_door, ada):
    child = make_door("example-life").terminal(ada, "glider", size=(10, 40))
    child.expect_exact("\x1b[?1049h")
    child.expect("generation [0-9]+ · 5 alive · running")
    child.send(" ")
    child.expect("generation ([0-9]+) · 5 alive · paused")
    before = int(child.match.group(1))
    child.send("n")
    child.expect_exact(f"generation {before + 1} · 5 alive · paused")
    child.setwinsize(12, 60)
    child.expect_exact("paused")
    child.send("q")
    child.expect_exact("\x1b[?25h\x1b[?1049l")
    assert ended(child) == 0


def test_the_full_screen_says_when_there_is_none(make_door, ada):
    door = make_door("example-life")
    done = door.run(ada, "glider 4")
    assert done.returncode == 0 and done.stdout.splitlines()[1].startswith("   ▀▄")
    done = door.run(ada, "nothing")
    assert done.returncode == 64 and "random" in done.stderr


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, "q"])
def test_a_terminal_of_this_machine_is_given_back_however_the_program_ends(ending):
    master, slave = pty.openpty()
    try:
        before = termios.tcgetattr(slave)
        child = subprocess.Popen(
            [PROGRAMS / "example-life", "glider"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        output = b""
        while b"generation 1 " not in output:
            output += os.read(master, 65536)
        assert termios.tcgetattr(slave) != before, "keys come as they are pressed"
        if ending == "q":
            os.write(master, b"q")
        else:
            os.kill(child.pid, ending)
        while b"\x1b[?1049l" not in output:
            output += os.read(master, 65536)
        assert child.wait(timeout=20) == (0 if ending == "q" else 128 + ending)
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


# --- The build farm


def until(gate):
    """A script's wait for a file."""
    return f"while [ ! -e {gate} ]; do sleep 0.05; done"


def job(name, *tasks, environment=("/bin/sh",), seconds=60, owner="ada"):
    return {
        "id": name, "owner": owner, "environment": list(environment), "seconds": seconds,
        "tasks": [{"name": task, "command": ["/bin/sh", "-c", script]} for task, script in tasks]}


@pytest.fixture
def make_farm(ground, ada, eve, account, make_door):
    services = []

    def make(*jobs):
        service = BuildService(ground, {"ada": [ada.line], "eve": [eve.line]}, jobs)
        services.append(service)
        door = make_door("example-builds", "--service", service.address)
        door.service = service
        # The environments are entered by the account that sshd gives.
        for place in [service.folder, *service.folder.rglob("*")]:
            os.chmod(place, 0o755 if place.is_dir() else 0o644)
        return door

    yield make
    for service in services:
        service.stop()


def test_tail_follows_several_logs_to_their_ends(make_farm, ada, ground):
    gate = ground.path / "gate"
    door = make_farm(
        job("7", ("fetch", "echo got it; echo oops >&2"), ("compile", f"echo one; {until(gate)}; printf two"),
            ("test", "echo all good")),
        job("8", ("fetch", "echo no; exit 3")))
    child = door.terminal(ada, "tail", "7", options=("-T",))
    child.expect_exact("[compile] one")
    gate.touch()
    child.expect_exact("[test] all good")
    assert ended(child) == 0
    done = door.run(ada, "tail", "7")
    assert done.returncode == 0
    assert done.stdout == "[fetch] got it\n[fetch] oops\n[compile] one\n[compile] two\n[test] all good\n"
    done = door.run(ada, "tail", "8")
    assert (done.returncode, done.stdout) == (1, "[fetch] no\n")


def test_only_the_owner_may_and_nobody_learns_which_jobs_there_are(make_farm, ada, eve):
    door = make_farm(job("7", ("fetch", "true")))
    foreign, missing = door.run(eve, "tail", "7"), door.run(eve, "tail", "9")
    assert foreign.returncode == missing.returncode == 77
    assert foreign.stderr.replace("7", "9") == missing.stderr
    assert door.run(eve, "connect", "7").returncode == 77
    assert door.run(ada, "tail", "../7").returncode == 77
    for words in [(), ("tail",), ("build", "7"), ("tail", "7", "8")]:
        assert door.run(ada, *words).returncode == 64


def test_a_service_that_does_not_answer_is_a_temporary_failure(make_farm, ada):
    door = make_farm(job("7", ("fetch", "true")))
    door.service.stop()
    done = door.run(ada, "tail", "7")
    assert done.returncode == 75 and "not now" in done.stderr


def test_connect_shows_the_log_first_and_then_leads_into_the_environment(make_farm, ada, ground):
    gate = ground.path / "gate"
    door = make_farm(job("7", ("compile", f"echo working; {until(gate)}; echo made > result"), seconds=1800))
    child = door.terminal(ada, "connect", "7", size=(30, 90))
    child.expect_exact("still running")
    child.expect_exact("[compile] working\r\n")
    gate.touch()
    child.expect_exact("You have 30 minutes")
    child.sendline("cat result; echo job=$JOB; stty size")
    child.expect_exact("made\r\n")
    child.expect_exact("job=7\r\n")
    child.expect_exact("30 90\r\n")
    child.setwinsize(40, 100)
    eventually(lambda: size(child) == "40 100", "the terminal's size arrives in the environment")
    child.sendline("exit 5")
    assert ended(child) == 5
    eventually(lambda: not (door.service.folder / "7" / "work").exists(), "the environment ends with the visit")
    done = door.run(ada, "connect", "7")
    assert done.returncode == 77 and "over" in done.stderr
    assert door.run(ada, "tail", "7").returncode == 0


def size(child):
    child.sendline("stty size")
    child.expect(r"\n(\d+ \d+)\r\n")
    return child.match.group(1)


def test_connect_works_without_a_terminal(make_farm, ada):
    door = make_farm(job("7", ("compile", "true")))
    done = door.run(ada, "connect", "7", stdin="echo in; echo out >&2; exit 4\n")
    assert done.returncode == 4 and done.stdout.endswith("in\n") and done.stderr == "out\n"


def test_a_visit_ends_when_its_time_is_over(make_farm, ada):
    door = make_farm(job("7", ("compile", "true"), environment=("/bin/sh", "-c", "trap '' HUP; sleep 600"), seconds=1))
    start = time.monotonic()
    child = door.terminal(ada, "connect", "7")
    child.expect_exact("You have 1 seconds")
    child.expect_exact("The time of job 7 is over")
    assert ended(child) == 75 and time.monotonic() - start < 20


@pytest.mark.parametrize("leaving", ["exit", "cut"])
def test_nothing_stays_behind_when_the_visitor_leaves(make_farm, ada, leaving):
    door = make_farm(job("7", ("compile", "true")))
    child = door.terminal(ada, "connect", "7")
    child.expect_exact("You have")
    child.sendline("setsid nohup sleep 987 >/dev/null 2>&1 & echo pid=$!.")
    child.expect(r"pid=(\d+)\.")
    if leaving == "exit":
        child.sendline("exit")
        ended(child)
    else:
        child.close(force=True)
    eventually(lambda: not sleepers(), "what was started in the environment ends with the visit")
    eventually(lambda: not (door.service.folder / "7" / "work").exists(), "the environment is gone")


def sleepers():
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if b"sleep\0987" in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                pass
    return found
