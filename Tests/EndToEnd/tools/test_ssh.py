"""`copilot ssh` against a real sshd: what a user of OpenSSH's ssh expects, at a terminal and in a pipeline."""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import termios
import time

import pexpect
import pytest

from copilot import BINARY
from ports import accepts, eventually, free_port
from ssh_person import Echo, Person
from ssh_server import Server

pytestmark = pytest.mark.timeout(60)
PROMPT = r"e2e\$ "


@pytest.fixture
def person(folder, host):
    return Person(folder / "person", host)


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.stop()


def stop(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def settings(terminal):
    return termios.tcgetattr(terminal.child_fd)


# Commands and pipelines


def test_the_exit_status_is_the_commands_own(person):
    done = person.run("h", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_a_command_that_a_signal_ended_is_255_and_so_is_every_failure_of_ours(person):
    assert person.run("h", "kill -TERM $$").returncode == 255
    refused = person.run("-p", str(free_port()), "h", "true")
    assert refused.returncode == 255
    assert b"refused the connection" in refused.stderr
    unknown = person.run("no-such-host.invalid", "true")
    assert unknown.returncode == 255 and b"No address was found" in unknown.stderr
    misused = person.run("-p", "nonsense", "h")
    assert misused.returncode == 255 and b"bad port" in misused.stderr


def test_the_words_of_a_command_are_joined_as_they_stand(person):
    assert person.run("h", "-v", "printf", "%s-%s", "a", "b").stdout == b"a-b"


def test_a_large_input_comes_back_whole_and_ends_by_half_close(person):
    data = os.urandom(8 << 20)
    done = person.run("h", "cat", input=data)
    assert done.returncode == 0
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_a_reader_that_waits_stops_the_host_and_loses_nothing(person):
    process = person.start("h", "head -c 20000000 /dev/zero; echo end", stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE)
    try:
        time.sleep(0.5)  # The pipe and the window fill up: nothing here to wait for, since nothing happens.
        grown = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096
        out = process.stdout.read()
        assert len(out) == 20000000 + 4 and out.endswith(b"end\n")
        assert process.wait() == 0
        assert grown < 200 << 20
    finally:
        stop(process)


def test_a_reader_that_goes_away_ends_the_program_there(person):
    pipeline = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *person.words("h", "yes; echo status $?")],
        env=person.environment, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    assert pipeline.stdout == b"y\n"


def test_files_as_standard_streams(person):
    source, target = person.folder / "source", person.folder / "target"
    source.write_bytes(os.urandom(300000))
    with source.open("rb") as stdin, target.open("wb") as stdout:
        assert subprocess.run(person.words("h", "cat"), env=person.environment, stdin=stdin, stdout=stdout,
                              timeout=20).returncode == 0
    assert target.read_bytes() == source.read_bytes()


def test_descriptors_that_others_share_stay_blocking(person):
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    with ours, theirs:
        process = person.start("h", "read line; echo $line; sleep 20", stdin=theirs, stdout=write_end,
                               stderr=subprocess.DEVNULL)
        try:
            ours.sendall(b"ping\n")
            assert os.read(read_end, 100) == b"ping\n"
            assert not fcntl.fcntl(write_end, fcntl.F_GETFL) & os.O_NONBLOCK
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 255
            # A socket cannot be opened anew: its mode comes back at the end.
            assert not fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK
        finally:
            stop(process)
            os.close(read_end)
            os.close(write_end)


def test_n_reads_nothing_of_what_a_loop_reads(person):
    script = 'printf "one\\ntwo\\n" | while read line; do "$@" -n h "echo $line"; done'
    done = subprocess.run(["sh", "-c", script, "sh", *person.words()], env=person.environment, capture_output=True,
                          timeout=20)
    assert done.stdout == b"one\ntwo\n"


def test_environment_is_sent_and_set_as_the_configuration_says(person):
    person.configure("SendEnv LC_COPILOT\nSetEnv LC_OTHER=set")
    words = person.words("h", "echo $LC_COPILOT $LC_OTHER")
    done = subprocess.run(words, env={**person.environment, "LC_COPILOT": "sent"}, capture_output=True, timeout=20)
    assert done.stdout == b"sent set\n"


def test_remote_command_and_local_command(person):
    mark = person.folder / "mark"
    person.configure(f"RemoteCommand echo configured\nPermitLocalCommand yes\nLocalCommand touch {mark}")
    assert person.run("h").stdout == b"configured\n"
    assert mark.exists()
    contradiction = person.run("h", "true")
    assert contradiction.returncode == 255 and b"Cannot execute command-line and remote command" in contradiction.stderr


def test_a_subsystem_by_name(person):
    # SSH_FXP_INIT and its answer, each with a length in front.
    process = person.start("-s", "h", "sftp", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(b"\x00\x00\x00\x05\x01\x00\x00\x00\x03")
        process.stdin.flush()
        assert process.stdout.read(9)[4:] == b"\x02\x00\x00\x00\x03"
        process.stdin.close()
        process.stdout.close()
        assert process.wait(10) == 0
    finally:
        stop(process)


def test_g_shows_what_the_configuration_says(person):
    shown = person.run("-G", "-L", "8080:db:80", "-p", "99", "h").stdout.decode().splitlines()
    assert "port 99" in shown and "localforward 8080 [db]:80" in shown


def test_verbose_and_log_file(person):
    log = person.folder / "log"
    assert person.run("-v", "-E", str(log), "h", "true").stderr == b""
    assert re.search(r"^debug1: Authenticated to 127.0.0.1", log.read_text(), re.M)


# At a terminal


def test_a_session_at_a_terminal_and_its_settings_afterwards(person):
    terminal = person.at_terminal("h", dimensions=(31, 97))
    before = settings(terminal)
    terminal.expect(PROMPT)
    assert not settings(terminal)[3] & termios.ECHO
    terminal.sendline("stty size; echo $TERM; tty -s && echo terminal")
    terminal.expect("31 97\r\nxterm-256color\r\nterminal\r\n")
    terminal.setwinsize(40, 120)
    terminal.expect(PROMPT)
    terminal.sendline("stty size")
    terminal.expect("40 120")
    terminal.sendline("exit 3")
    terminal.expect("Connection to 127.0.0.1 closed")
    terminal.expect(pexpect.EOF)
    assert settings(terminal) == before
    terminal.close()
    assert terminal.exitstatus == 3


def test_the_hosts_terminal_begins_as_ours_is(person):
    terminal = pexpect.spawn(
        "sh", ["-c", "stty intr ^X -ixon; exec \"$@\"", "sh", *person.words("-t", "h", "stty -a")],
        env=person.environment, encoding="utf-8", timeout=15)
    terminal.expect(pexpect.EOF)
    assert "intr = ^X" in terminal.before and "-ixon" in terminal.before


def test_keys_for_the_job_go_to_the_host(person):
    terminal = person.at_terminal("h")
    terminal.expect(PROMPT)
    terminal.sendline("sleep 60; echo slept $?")
    terminal.expect_exact("slept $?\r\n")
    terminal.send("\x03")
    terminal.expect("slept 130|" + PROMPT)
    terminal.sendline("exit")
    terminal.expect(pexpect.EOF)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGSEGV])
def test_a_signal_ends_it_and_the_terminal_is_as_before(person, number):
    terminal = person.at_terminal("h")
    before = settings(terminal)
    terminal.expect(PROMPT)
    os.kill(terminal.pid, number)
    terminal.expect(pexpect.EOF)
    assert settings(terminal) == before
    terminal.close()
    assert (terminal.exitstatus, terminal.signalstatus) in [(255, None), (None, number)]


def test_a_connection_that_breaks_gives_the_terminal_back(person, host):
    terminal = person.at_terminal("h")
    before = settings(terminal)
    terminal.expect(PROMPT)
    host.kill_sessions()
    terminal.expect(pexpect.EOF)
    assert settings(terminal) == before
    terminal.close()
    assert terminal.exitstatus == 255


def test_no_terminal_with_t_upper_and_one_by_force(person):
    done = person.run("-T", "h", input=b"tty -s || echo none\n")
    assert done.stdout.endswith(b"none\n")
    assert b"tty" in person.run("-tt", "h", "tty -s && echo tty").stdout
    warned = person.run("h", input=b"exit\n")
    assert b"Pseudo-terminal will not be allocated because stdin is not a terminal." in warned.stderr


# Escape sequences


def test_escape_help_and_end(person):
    terminal = person.at_terminal("h")
    terminal.expect(PROMPT)
    terminal.send("\r~?")
    terminal.expect("Supported escape sequences")
    terminal.send("\r~~a")
    terminal.expect("~a")
    terminal.send("\x15\r~.")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 255


def test_escape_command_line_adds_lists_and_ends_forwards(person, echo):
    port = free_port()
    terminal = person.at_terminal("h")
    terminal.expect(PROMPT)
    terminal.send("\r~C")
    terminal.expect("ssh> ")
    terminal.sendline(f"-L {port}:127.0.0.1:{echo.port}")
    terminal.expect("Forwarding port")
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        assert client.recv(100) == b"hello\n"
        terminal.send("\r~#")
        terminal.expect(f"local forwarding: .*{port}")
    terminal.send("\r~C")
    terminal.expect("ssh> ")
    terminal.sendline(f"-KL {port}")
    terminal.expect("Canceled forwarding")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 5).close()
    terminal.sendline("exit")
    terminal.expect(pexpect.EOF)


def test_escape_suspends_under_a_shell_and_comes_back(person):
    shell = pexpect.spawn("bash", ["--norc", "-i"], env={**person.environment, "PS1": "here> "}, encoding="utf-8",
                          timeout=15)
    shell.expect("here> ")
    before = settings(shell)[3] & (termios.ECHO | termios.ICANON)
    shell.sendline(" ".join(person.words("h")))
    shell.expect(PROMPT)
    shell.send("\r~\x1a")
    shell.expect("Stopped")
    shell.sendline("echo back in the $((1 + 1))nd shell")
    shell.expect("back in the 2nd shell")
    shell.sendline("fg")
    shell.sendline("echo there $((2 + 2))")
    shell.expect("there 4")
    shell.sendline("exit")
    shell.expect("closed")
    shell.expect("here> ")
    shell.sendline("exit")
    shell.expect(pexpect.EOF)
    assert before is not None


def test_escape_rekeys_while_data_flows(person):
    terminal = person.at_terminal("h")
    terminal.expect(PROMPT)
    terminal.send("\r~R")
    terminal.sendline("seq 1 2000 | tail -n 1")
    terminal.expect("2000\r\n")
    terminal.sendline("exit")
    terminal.expect(pexpect.EOF)


def test_escape_none_types_it(person):
    terminal = person.at_terminal("-e", "none", "h")
    terminal.expect(PROMPT)
    terminal.send("\r~.")
    terminal.expect_exact("~.")
    terminal.send("\x15exit\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


# Host keys and proofs


def test_a_new_host_is_asked_about_with_fingerprint_and_picture_and_put_on_record(person, host):
    person.known_hosts.write_text("")
    terminal = person.at_terminal("-o", "VisualHostKey=yes", "h", "echo in")
    terminal.expect(r"The authenticity of host '\[127.0.0.1\]:\d+' can't be established")
    terminal.expect_exact(host.fingerprint)
    for line in host.randomart:
        terminal.expect_exact(line)
    terminal.expect_exact("(yes/no/[fingerprint])? ")
    terminal.sendline("perhaps")
    terminal.expect_exact("Please type 'yes', 'no' or the fingerprint: ")
    terminal.sendline(host.fingerprint)
    terminal.expect("Permanently added")
    terminal.expect("in\r\n")
    terminal.expect(pexpect.EOF)
    assert f"[127.0.0.1]:{host.port} ssh-ed25519" in person.known_hosts.read_text()
    assert person.run("h", "echo again").stdout == b"again\n"


def test_without_a_terminal_a_new_host_is_refused(person):
    person.known_hosts.write_text("")
    done = person.run("h", "true")
    assert done.returncode == 255 and b"Host key verification failed" in done.stderr
    assert person.run("-o", "StrictHostKeyChecking=accept-new", "h", "echo in").stdout == b"in\n"


def test_a_changed_key_is_refused_loudly_with_file_and_line(person, host):
    host.stop()
    host.make_host_key()
    host.start()
    done = person.run("-o", "StrictHostKeyChecking=no", "h", "true")
    assert done.returncode == 255
    assert b"REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr
    assert f"Offending ED25519 key in {person.known_hosts}:1".encode() in done.stderr
    assert host.fingerprint.encode() in done.stderr


def test_a_password_is_asked_for_three_times_and_not_shown(person, host):
    person.configure("", key=False)
    terminal = person.at_terminal("h", "echo in")
    for _ in range(2):
        terminal.expect_exact(f"{host.username}@127.0.0.1's password: ")
        assert not settings(terminal)[3] & termios.ECHO
        terminal.sendline("wrong")
        terminal.expect("Permission denied, please try again")
    terminal.expect("password: ")
    terminal.sendline(host.password)
    terminal.expect("in\r\n")
    terminal.expect(pexpect.EOF)
    assert host.password not in terminal.before


def test_an_interrupt_at_a_question_gives_the_terminal_back(person):
    person.configure("", key=False)
    terminal = person.at_terminal("h")
    before = settings(terminal)
    terminal.expect("password: ")
    terminal.send("\x03")
    terminal.expect(pexpect.EOF)
    assert settings(terminal) == before


def test_a_passphrase_is_asked_for_only_when_the_host_takes_the_key(person, host, folder):
    other = folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(other)], check=True)
    person.key.write_text(host.make_client_key(passphrase="open sesame"))
    person.configure(f"IdentityFile {other}")
    terminal = person.at_terminal("h", "echo in")
    terminal.expect_exact(f"Enter passphrase for key '{person.key}': ")
    terminal.sendline("wrong")
    terminal.expect_exact(f"Enter passphrase for key '{person.key}': ")
    terminal.sendline("open sesame")
    terminal.expect("in\r\n")
    terminal.expect(pexpect.EOF)
    assert "other" not in terminal.before


def test_a_key_that_others_can_read_is_not_used(person):
    person.key.chmod(0o644)
    done = person.run("-o", "BatchMode=yes", "h", "true")
    assert done.returncode == 255
    assert b"UNPROTECTED PRIVATE KEY FILE" in done.stderr


@pytest.fixture
def agent(person):
    path = str(person.folder / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    eventually(lambda: os.path.exists(path), "the agent listens")
    yield path
    process.kill()
    process.wait()


def test_an_agents_key_signs_is_added_and_is_forwarded(person, agent):
    environment = {**person.environment, "SSH_AUTH_SOCK": agent}
    run = lambda *words: subprocess.run(  # noqa: E731
        person.words(*words), env=environment, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    assert run("-o", "AddKeysToAgent=yes", "h", "echo in").stdout == b"in\n"
    assert "ED25519" in subprocess.run(["ssh-add", "-l"], env=environment, capture_output=True, text=True).stdout
    person.configure("", key=False)
    assert run("-o", "IdentitiesOnly=no", "h", "echo in").stdout == b"in\n"
    assert b"ED25519" in run("-A", "h", "ssh-add -l").stdout
    assert b"ED25519" not in run("-a", "h", "ssh-add -l").stdout


# Ways there


def test_by_way_of_jump_hosts_and_by_a_program(person, make_host):
    target = make_host()
    target.authorize(subprocess.run(
        ["ssh-keygen", "-y", "-f", str(person.key)], capture_output=True, text=True, check=True).stdout)
    person.trust(target)
    with person.config.open("a") as file:
        file.write(f"""Host t
HostName 127.0.0.1
Port {target.port}
User {target.username}
IdentityFile {person.key}
UserKnownHostsFile {person.known_hosts}
GlobalKnownHostsFile /dev/null
""")
    assert person.run("-J", "h", "t", "echo $SSH_CONNECTION").stdout.split()[3] == str(target.port).encode()
    assert person.run("-J", "h,h", "t", "echo in").stdout == b"in\n"
    proxy = f"{BINARY} ssh -F {person.config} -W %h:%p h"
    assert person.run("-o", f"ProxyCommand={proxy}", "t", "echo in").stdout == b"in\n"
    failed = person.run("-o", "ProxyCommand=false", "t", "true")
    assert failed.returncode == 255 and failed.stderr
    # A program that says nothing is ended with us: it would keep the caller's pipes open.
    silent = person.run("-o", "ProxyCommand=sleep 60", "-o", "ConnectTimeout=1", "t", "true")
    assert silent.returncode == 255


# Forwarding


def converse(address, family=socket.AF_INET):
    with socket.socket(family) as client:
        client.settimeout(10)
        client.connect(address)
        assert client.recv(100) == b"hello\n"
        client.sendall(b"ping\n")
        assert client.recv(100) == b"PING\n"


def test_local_and_dynamic_forwarding_with_n(person, echo, folder):
    port, dynamic, path = free_port(), free_port(), folder / "local.sock"
    process = person.start("-N", "-L", f"{port}:127.0.0.1:{echo.port}", "-D", str(dynamic),
                           "-L", f"{path}:127.0.0.1:{echo.port}", "h", stdin=subprocess.DEVNULL)
    try:
        eventually(path.exists, "the socket is there")
        converse(("127.0.0.1", port))
        converse(("::1", port), socket.AF_INET6)
        converse(str(path), socket.AF_UNIX)
        with socket.create_connection(("127.0.0.1", dynamic), 10) as client:
            client.sendall(b"\x05\x01\x00")
            assert client.recv(2) == b"\x05\x00"
            client.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + echo.port.to_bytes(2, "big"))
            assert client.recv(10)[1] == 0
            assert client.recv(100) == b"hello\n"
        process.terminate()
        assert process.wait(10) == 255
        assert not path.exists()
    finally:
        stop(process)


def test_remote_forwarding_a_chosen_port_and_a_proxy_to_here(person, echo):
    process = person.start("-N", "-R", f"0:127.0.0.1:{echo.port}", "-R", "0", "h", stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
    try:
        ports = [int(re.search(rb"Allocated port (\d+)", process.stderr.readline())[1]) for _ in range(2)]
        converse(("127.0.0.1", ports[0]))
        with socket.create_connection(("127.0.0.1", ports[1]), 10) as client:
            client.sendall(b"\x05\x01\x00")
            assert client.recv(2) == b"\x05\x00"
            client.sendall(b"\x05\x01\x00\x03\x09127.0.0.1" + echo.port.to_bytes(2, "big"))
            assert client.recv(10)[1] == 0
            assert client.recv(100) == b"hello\n"
            client.sendall(b"ping\n")
            assert client.recv(100) == b"PING\n"
    finally:
        process.terminate()
        process.stderr.close()
        stop(process)


def test_a_forward_that_fails_is_said_and_ends_it_when_asked(person, echo):
    done = person.run("-L", f"{echo.port}:127.0.0.1:1", "h", "echo in")
    assert done.stdout == b"in\n" and b"Could not request local forwarding" in done.stderr
    done = person.run("-o", "ExitOnForwardFailure=yes", "-L", f"{echo.port}:127.0.0.1:1", "h", "echo in")
    assert done.returncode == 255 and done.stdout == b""


def test_w_joins_the_standard_streams(person, echo):
    process = person.start("-W", f"127.0.0.1:{echo.port}", "h", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        out, _ = process.communicate(b"ping\n", timeout=15)
        assert out == b"hello\nPING\n" and process.returncode == 0
    finally:
        stop(process)


# Background and reuse


def test_f_goes_to_the_background_when_there_is_nothing_left_to_ask(person):
    mark = person.host.account.home / "mark-f"
    try:
        done = subprocess.run(person.words("-f", "h", f"sleep 1; touch {mark}"), env=person.environment, timeout=10,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert done.returncode == 0 and not mark.exists()
        eventually(mark.exists, "the command has run")
    finally:
        mark.unlink(missing_ok=True)
    refused = person.run("-f", "-p", str(free_port()), "h", "true")
    assert refused.returncode == 255 and b"refused" in refused.stderr


def test_reuse_keeps_one_connection_for_several_callers(person, host):
    assert person.run("--reuse=3", "h", "echo $SSH_CONNECTION; exit 4").returncode == 4
    first = person.run("--reuse=3", "h", "echo $SSH_CONNECTION").stdout
    second = person.run("--reuse=3", "h", "echo $SSH_CONNECTION").stdout
    assert first == second != b""
    assert host.log.count("Accepted publickey") == 1
    sockets = [path for path in (person.runtime / "copilot").iterdir() if not path.is_symlink()]
    assert [path.stat().st_mode & 0o777 for path in sockets] == [0o600]
    assert (person.runtime / "copilot").stat().st_mode & 0o777 == 0o700
    data = os.urandom(3 << 20)
    assert person.run("--reuse=3", "h", "cat", input=data).stdout == data
    terminal = person.at_terminal("--reuse=3", "h", dimensions=(20, 70))
    before = settings(terminal)
    terminal.expect(PROMPT)
    terminal.sendline("stty size")
    terminal.expect("20 70")
    terminal.setwinsize(22, 72)
    terminal.expect(PROMPT)
    terminal.sendline("stty size")
    terminal.expect("22 72")
    terminal.sendline("exit 5")
    terminal.expect(pexpect.EOF)
    assert settings(terminal) == before
    terminal.close()
    assert terminal.exitstatus == 5
    eventually(lambda: not list((person.runtime / "copilot").iterdir()), "the unused connection has ended")


def front(person, *words):
    """The small program in front of the copilot, beside one that notes each of its starts."""
    folder = person.folder / "bin"
    if not folder.exists():
        folder.mkdir()
        shutil.copy(BINARY.parent / "copilot-front", folder)
        (folder / "copilot").write_text(f'#!/bin/sh\necho "$@" >>{folder}/starts\nexec {BINARY} "$@"\n')
        (folder / "copilot").chmod(0o755)
        (folder / "starts").touch()
    return [str(folder / "copilot-front"), *person.words(*words)[1:]]


def test_a_command_over_a_kept_connection_does_not_wait_for_the_program(person, host):
    person.configure("SendEnv LC_COPILOT")
    environment = {**person.environment, "LC_COPILOT": "sent"}

    def call(*words):
        line = front(person, *words)
        starts = person.folder / "bin/starts"
        before = starts.read_text()
        done = subprocess.run(line, env=environment, capture_output=True, timeout=20, start_new_session=True,
                              stdin=subprocess.DEVNULL)
        return done, starts.read_text() != before

    assert call("--reuse=20", "h", "true")[1], "the first call makes the connection"
    done, isWhole = call("--reuse=20", "h", "echo $LC_COPILOT; echo wrong >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr, isWhole) == (7, b"sent\n", b"wrong\n", False)
    # Whatever depends on more than the words and the environment goes the longer way, over the same connection.
    for words in (("-t", "-t", "--reuse=20", "h", "true"), ("-v", "--reuse=20", "h", "true")):
        assert call(*words)[0].returncode == 0
        done, isWhole = call(*words)
        assert done.returncode == 0 and isWhole
    # The configuration is the one of now: with another user the kept connection is not meant.
    text = person.config.read_text()
    person.config.write_text(text.replace(f"User {person.host.username}", "User nobody-at-all"))
    done, isWhole = call("--reuse=20", "h", "true")
    assert done.returncode == 255 and isWhole and b"nobody-at-all" in done.stderr
    person.config.write_text(text)
    # The words of a wrong line are judged by the program.
    done, isWhole = call("--reuse=never", "h", "true")
    assert done.returncode == 255 and isWhole
    assert host.log.count("Accepted publickey") == 1


def test_a_signal_ends_a_command_over_a_kept_connection_on_both_sides(person):
    mark = person.host.account.home / "mark-reuse"
    try:
        assert subprocess.run(front(person, "--reuse=20", "h", "true"), env=person.environment).returncode == 0
        process = subprocess.Popen(
            front(person, "--reuse=20", "h", f"echo begun; trap 'touch {mark}' HUP EXIT; cat; exit 0"),
            env=person.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout.readline() == b"begun\n"
        process.terminate()
        assert process.wait(10) == 255
        process.stdin.close()
        process.stdout.close()
        eventually(mark.exists, "the command has ended at the host")
    finally:
        mark.unlink(missing_ok=True)


def descriptors(person):
    """What the process that keeps a connection has open, by its beginning: its loops, its three standard descriptors."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
            if line.startswith(b"/proc/self/exe") and str(person.config).encode() in line:
                found = {entry.name: os.readlink(entry) for entry in (process / "fd").iterdir()}
                return sorted(found.values()).count("anon_inode:[eventpoll]"), [found[name] for name in "012"]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def test_a_call_with_closed_descriptors_keeps_a_connection_like_any_other(person):
    kept = []
    for closed in ("", "<&-", "<&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *person.words("--reuse=1", "h", "echo hello")],
                              env=person.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
        assert (done.returncode, done.stdout) == (0, b"hello\n")
        kept.append(descriptors(person))
        eventually(lambda: descriptors(person) is None, "the unused connection has ended")
    assert kept[0] is not None and kept[1:] == [kept[0]] * 2
    assert kept[0][1] == ["/dev/null"] * 3


@pytest.mark.parametrize("words", [(), ("--reuse=5",)])
def test_output_that_a_full_disk_does_not_take_is_a_failure(person, words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(person.words(*words, "h", "echo hello"), env=person.environment, stdin=subprocess.DEVNULL,
                              stdout=full, stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == 255 and b"Standard output could not be written: No space left on device." in done.stderr


def test_a_failure_to_connect_is_said_once_with_reuse_too(person):
    done = person.run("--reuse", "-p", str(free_port()), "h", "true")
    assert done.returncode == 255 and done.stderr.count(b"refused the connection") == 1


# Another server


def test_dropbear(person, folder, account):
    port = free_port()
    key = folder / "dropbear_key"
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", str(key)], check=True, capture_output=True)
    server = subprocess.Popen(
        ["dropbear", "-F", "-E", "-r", str(key), "-p", f"127.0.0.1:{port}", "-P", str(folder / "dropbear.pid")],
        stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: accepts(port), "dropbear listens")
        person.configure("", key=False)
        terminal = person.at_terminal(
            "-p", str(port), "-o", "StrictHostKeyChecking=accept-new", "-t", "h", "stty size; exit 6",
            dimensions=(33, 99))
        terminal.expect("password: ")
        terminal.sendline(account.password)
        terminal.expect("33 99")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 6
    finally:
        stop(server)


def test_our_own_server(person, host, account, echo):
    server = Server(person.folder / "server", "--authorized-keys", host.authorized, "--user-map",
                    f"{account.name}:{account.name}")
    server.start()
    try:
        anew = ("-p", str(server.port), "-o", "StrictHostKeyChecking=accept-new")
        assert person.run(*anew, "h", "echo out; exit 8").returncode == 8
        data = os.urandom(4 << 20)
        assert person.run(*anew, "h", "cat", input=data).stdout == data
        terminal = person.at_terminal(*anew, "h", dimensions=(27, 91))
        terminal.expect(PROMPT)
        terminal.sendline("stty size")
        terminal.expect("27 91")
        terminal.expect(PROMPT)
        terminal.send("\r~R")
        terminal.sendline("exit 9")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 9
        process = person.start(*anew, "-W", f"127.0.0.1:{echo.port}", "h", stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        assert process.communicate(b"ping\n", timeout=15)[0] == b"hello\nPING\n"
    finally:
        server.stop()
