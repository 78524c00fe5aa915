"""OpenSSH's own clients at the control socket of `copilot shim`, which speaks their multiplexing protocol."""

import array
import concurrent.futures
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pexpect
import pytest

from copilot import BINARY
from ports import accepts, eventually, free_port
from shim import echo_server, echoes, echoes_by_path, echoes_by_socks, lose, make_shim, shim  # noqa: F401

HELLO = struct.pack(">III", 8, 1, 4)


def message(*parts):
    body = b"".join(struct.pack(">I", part) if isinstance(part, int) else part for part in parts)
    return struct.pack(">I", len(body)) + body


def text(value):
    return struct.pack(">I", len(value)) + value


def dial(shim):
    end = socket.socket(socket.AF_UNIX)
    end.settimeout(10)
    end.connect(str(shim.control))
    return end


def rest_of(end):
    """What still comes; nothing when the other side has hung up on what it did not read."""
    try:
        return end.recv(100)
    except ConnectionResetError:
        return b""


def descriptors_again(shim, before):
    eventually(lambda: shim.descriptors() <= before, f"the shim has no more than {before} descriptors again")


# What passes.


def test_commands_with_their_input_outputs_and_status(shim):
    assert b"Master running" in shim.ssh("-O", "check", "control", "x").stderr
    for command, status in [("true", 0), ("exit 42", 42), ("kill -9 $$", 255)]:
        assert shim.ssh("control", command).returncode == status
    done = shim.ssh("control", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert shim.ssh("-T", "control", input=b"echo shell; exit 5\n").returncode == 5
    data = os.urandom(8 << 20)
    assert shim.ssh("control", "cat", input=data).stdout == data
    # The command closes its output, and still reads.
    assert shim.ssh("control", "exec >&-; cat > got; exit 4", input=b"late").returncode == 4
    assert shim.run("cat got", way="control") == "late"
    # Whoever reads the output goes away: the command is told.
    assert subprocess.run(
        f"{' '.join(shim.command('control', 'yes'))} | head -c 3", shell=True, env=shim.env, capture_output=True,
        timeout=20).stdout == b"y\ny"
    done = shim.ssh(
        "-o", "SendEnv=TEST_WORD", "control", 'printf %s "$TEST_WORD"', env={**shim.env, "TEST_WORD": "bl\u00e5b\u00e6r"})
    assert done.stdout.decode() == "bl\u00e5b\u00e6r"
    # In an encoding that is not UTF-8.
    assert shim.ssh("control", b"printf %s bl\xe5b\xe6r").stdout == b"bl\xe5b\xe6r"
    assert b"subsystem" in shim.ssh("-s", "control", "no-such-subsystem").stderr


def test_files_by_every_tool(shim, folder):
    data = os.urandom(3 << 20)
    (folder / "up").write_bytes(data)
    ssh = " ".join(shim.command()).replace("ssh -F", "ssh -o LogLevel=ERROR -F")

    def tool(*words, **more):
        subprocess.run([str(word) for word in words], env={**shim.env, "GIT_SSH_COMMAND": ssh}, timeout=30, check=True,
                       capture_output=True, **more)

    for flags in [[], ["-O"]]:
        tool(*shim.command(*flags, "-q", folder / "up", "control:up", program="scp"))
        tool(*shim.command(*flags, "-q", "control:up", folder / "down", program="scp"))
        assert (folder / "down").read_bytes() == data
    tool(*shim.command("-b", "-", "control", program="sftp"), input=b"ls -l up\n")
    tool("rsync", "-e", ssh, folder / "up", "control:synchronised")
    tool("rsync", "-e", ssh, "control:synchronised", folder / "back")
    assert (folder / "back").read_bytes() == data
    shim.run("git init -q --bare far.git", way="control")
    tool("git", "-c", "init.defaultBranch=main", "init", "-q", folder / "near")
    tool("git", "-C", folder / "near", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one")
    tool("git", "-C", folder / "near", "push", "-q", "control:far.git", "HEAD:main")
    tool("git", "clone", "-q", "-b", "main", "control:far.git", folder / "clone")


def test_a_terminal_with_its_size_its_escapes_and_its_modes(shim):
    words = shim.command("-tt", "control")
    child = pexpect.spawn(words[0], words[1:], env={**shim.env, "TERM": "vt220"}, timeout=20, dimensions=(37, 91),
                          encoding="utf-8")
    child.sendline("PS1=; stty -echo; stty size; echo $TERM; tty")
    child.expect("37 91\r\nvt220\r\n/dev/pts/")
    child.setwinsize(50, 120)
    child.sendline("while [ \"$(stty size)\" != '50 120' ]; do sleep 0.05; done; echo grown")
    child.expect("grown")
    child.sendline("cat")
    child.send("\x03")
    child.sendline("echo interrupted")
    child.expect("interrupted")
    child.send("\r~?")
    child.expect("Supported escape sequences")
    child.send("~#")
    child.expect("the session of this terminal")
    child.send("\r~.")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 255


def test_a_shim_in_the_background_of_the_terminal_where_ssh_runs(make_shim):
    shim = make_shim(start=False)
    words = [str(BINARY), "shim", *shim.arguments, "--json"]
    child = pexpect.spawn("bash", ["--norc", "-i"], env={**shim.env, "PS1": "$ ", "TERM": "vt220"}, timeout=20, encoding="utf-8")
    child.sendline(" ".join(f"'{word}'" for word in words) + f" > {shim.folder}/log 2>&1 &")
    eventually(lambda: (shim.folder / "log").exists() and "ready" in (shim.folder / "log").read_text(), "the shim is ready")
    control = re.search(r'"control":"([^"]+)"', (shim.folder / "log").read_text())[1]
    child.sendline(f"ssh -F none -o ControlPath={control} -p 1 -tt me@127.0.0.1")
    child.sendline("stty -echo; echo in''side")
    child.expect("inside")
    child.sendline("exit")
    child.expect("closed")
    child.sendline("kill %1; wait; exit")
    child.expect(pexpect.EOF)


def test_the_agent_and_the_display_are_the_shims(make_shim, folder, make_host):
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{folder}/agent"], stdout=subprocess.DEVNULL)
    server = socket.create_server(("127.0.0.1", 6000 + 317 + os.getpid() % 1000))
    display = f"127.0.0.1:{server.getsockname()[1] - 6000}"
    cookie = "00112233445566778899aabbccddeeff"
    seen = []

    def answer():
        while True:
            try:
                end, _ = server.accept()
            except OSError:
                return
            with end:
                seen.append(end.recv(100))
                end.sendall(b"drawn")

    threading.Thread(target=answer, daemon=True).start()
    try:
        eventually(lambda: (folder / "agent").exists(), "the agent listens")
        env = {"SSH_AUTH_SOCK": f"{folder}/agent", "DISPLAY": display, "XAUTHORITY": f"{folder}/xauthority"}
        subprocess.run(["xauth", "-q", "-f", f"{folder}/xauthority", "add", display, ".", cookie], check=True, capture_output=True)
        key = folder / "in_agent"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "in the agent", "-f", key], check=True)
        subprocess.run(["ssh-add", "-q", key], check=True, env={**os.environ, **env})
        shim = make_shim("-o", "ForwardX11Trusted=yes", host=make_host("X11Forwarding yes\nX11UseLocalhost yes\n"), env=env)
        shown = shim.ssh("-A", "control", "ssh-add -l")
        assert shown.returncode == 0 and b"in the agent" in shown.stdout
        # The session that asked is over: nobody reaches the agent through another one.
        assert shim.ssh("control", "ssh-add -l").returncode != 0
        program = (
            "import os,socket,subprocess;n=os.environ['DISPLAY'];p=6000+int(n.split(':')[1].split('.')[0]);"
            "c=bytes.fromhex(subprocess.check_output(['xauth','list',n],text=True).split()[2]);"
            "s=socket.create_connection(('localhost',p));"
            "s.sendall(b'l\\\\0\\\\x0b\\\\0\\\\0\\\\0\\\\x12\\\\0\\\\x10\\\\0\\\\0\\\\0MIT-MAGIC-COOKIE-1\\\\0\\\\0'+c);print(s.recv(9).decode())")
        drawn = shim.ssh("-X", "control", f'python3 -c "{program}"')
        assert drawn.stdout == b"drawn\n", drawn.stderr
        assert seen[0].endswith(bytes.fromhex(cookie)) and len(seen) == 1
    finally:
        server.close()
        agent.terminate()
        agent.wait()


def test_without_an_agent_ssh_goes_on_by_the_endpoint(make_shim, folder):
    shim = make_shim()
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{folder}/own"], stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: (folder / "own").exists(), "the agent listens")
        done = shim.ssh(
            "-A", "-o", f"ControlPath={shim.control}", "shim", "ssh-add -l", env={**shim.env, "SSH_AUTH_SOCK": f"{folder}/own"})
        assert b"no identities" in done.stdout
    finally:
        agent.terminate()
        agent.wait()


# Forwards.


def test_forwards_of_a_session_end_with_it(shim, echo_server, folder):
    local, socks = free_port(), free_port()
    ssh = shim.start_ssh(
        "-N", "-v", "-L", f"{local}:127.0.0.1:{echo_server}", "-D", str(socks), "-R", f"0:127.0.0.1:{echo_server}",
        "-L", f"{folder}/l.sock:127.0.0.1:{echo_server}", "control")
    try:
        port = None
        while port is None:
            line = ssh.stderr.readline().decode()
            assert line, "ssh ended without a port"
            found = re.search(r"Allocated port (\d+) for remote forward", line)
            port = found and int(found[1])
        threading.Thread(target=ssh.stderr.read, daemon=True).start()
        eventually(lambda: echoes(local) and echoes(port), "both ports lead to the echo server")
        echoes_by_socks(socks, echo_server)
        echoes_by_path(folder / "l.sock")
        # Its standard input is over from the start: no shell ends it all.
        assert ssh.poll() is None
    finally:
        ssh.kill()
        ssh.wait()
    eventually(lambda: not accepts(local) and not accepts(socks) and not accepts(port), "the forwards ended with their client")
    assert not (folder / "l.sock").exists()


def test_forwards_by_command_stay_until_they_are_cancelled(shim, echo_server):
    local = free_port()
    rule = ["-L", f"{local}:127.0.0.1:{echo_server}"]
    assert shim.ssh("-O", "forward", *rule, "control").returncode == 0
    assert echoes(local)
    # A second time it is the same one.
    assert shim.ssh("-O", "forward", *rule, "control").returncode == 0
    port = int(shim.ssh("-O", "forward", "-R", f"0:127.0.0.1:{echo_server}", "control").stdout)
    assert echoes(port)
    assert shim.ssh("-O", "cancel", *rule, "control").returncode == 0
    assert not accepts(local) and echoes(port)
    assert b"nothing is forwarded" in shim.ssh("-O", "cancel", *rule, "control").stderr


def test_a_port_that_somebody_has_is_no_forward(make_shim, echo_server):
    # Otherwise this sshd is content with the loopback address of the other IP version.
    shim = make_shim(options="AddressFamily inet\n")
    for place in [f"{echo_server}", f"127.0.0.1:{echo_server}", f"localhost:{echo_server}", f"*:{echo_server}"]:
        for rule in [["-L", f"{place}:127.0.0.1:1"], ["-D", place]]:
            taken = shim.ssh("-O", "forward", *rule, "control")
            assert taken.returncode == 255 and b"forwarding request failed" in taken.stderr, (rule, taken)
    there = shim.ssh("-O", "forward", "-R", f"{echo_server}:127.0.0.1:1", "control")
    assert there.returncode == 255 and b"does not listen" in there.stderr
    # Nothing of it is left: not on the other loopback address either.
    assert not accepts(echo_server, "::1")


def test_a_stream_to_a_port_of_the_host(shim, echo_server):
    done = shim.ssh("-W", f"127.0.0.1:{echo_server}", "control", input=b"through")
    assert (done.stdout, done.stderr) == (b"through", b"")
    refused = shim.ssh("-W", "127.0.0.1:1", "control", input=b"")
    assert refused.returncode == 255 and b"refused" in refused.stderr


def test_400_connections_wait_while_nobody_accepts_them(shim, echo_server):
    local = free_port()
    assert shim.ssh("-O", "forward", "-L", f"127.0.0.1:{local}:127.0.0.1:{echo_server}", "control").returncode == 0
    os.kill(shim.process.pid, signal.SIGSTOP)
    try:
        # One for which no place is left gets no answer, and is tried again a second later, for as long as it takes.
        ends = [socket.create_connection(("127.0.0.1", local), timeout=5) for _ in range(400)]
    finally:
        os.kill(shim.process.pid, signal.SIGCONT)
    for number, end in enumerate(ends):
        end.settimeout(20)
        end.sendall(b"%03d" % number)
    assert [end.recv(3) for end in ends] == [b"%03d" % number for number in range(400)]
    for end in ends:
        end.close()


# The host's limits, and its loss.


def test_14_sessions_and_the_hosts_loss(shim):
    running = [shim.start_ssh("control", f"read line; echo {number}", stdin=subprocess.PIPE) for number in range(14)]
    eventually(lambda: shim.count("grown") >= 1, "a further connection was made")
    for number, ssh in enumerate(running):
        output, errors = ssh.communicate(b"go\n", timeout=20)
        assert (ssh.returncode, output, errors) == (0, b"%d\n" % number, b"")
    session = shim.start_ssh("control", "echo on; exec sleep 60")
    assert session.stdout.readline() == b"on\n"
    lose(shim.host)
    assert shim.run("echo back", way="control") == "back\n"
    _, errors = session.communicate(timeout=10)
    assert session.returncode == 255 and b"was lost" in errors


def test_a_client_that_is_ended_ends_its_command(shim):
    for flags, number in [([], signal.SIGTERM), ([], signal.SIGKILL), (["-tt"], signal.SIGKILL)]:
        ssh = shim.start_ssh(*flags, "control", "echo $$; exec sleep 60")
        process = int(ssh.stdout.readline())
        ssh.send_signal(number)
        ssh.communicate()
        eventually(lambda: not os.path.exists(f"/proc/{process}"), f"the command at the host ended ({flags}, {number})")


# The command.


def test_the_printed_block_leads_to_the_socket_and_without_it_to_the_endpoint(make_shim):
    shim = make_shim()
    printed = subprocess.run(
        [str(BINARY), "shim", "--host", "127.0.0.1", "--local-port", str(shim.port), "--config-snippet"],
        env=shim.env, capture_output=True, text=True, timeout=20, check=True).stdout
    assert f"ControlPath {shim.control}" in printed and "ControlMaster no" in printed
    config = shim.folder / "snippet"
    config.write_text(printed)

    several = subprocess.run(
        [str(BINARY), "shim", "--upstream", "first=one", "--upstream", "second=deploy@two,2301", "--config-snippet"],
        env=shim.env, capture_output=True, text=True, timeout=20, check=True)
    assert several.stderr == ""
    (shim.folder / "several").write_text(several.stdout)
    for name, port, user in [("first", "2222", "first"), ("second", "2301", None)]:
        read = subprocess.run(["ssh", "-G", "-F", str(shim.folder / "several"), f"{name}.shim"], env=shim.env,
                              capture_output=True, text=True, timeout=20)
        assert read.returncode == 0, read.stderr
        settings = dict(line.split(" ", 1) for line in read.stdout.splitlines() if " " in line)
        assert settings["port"] == port and settings["user"] == (user or settings["user"])
        assert settings["controlpath"].endswith(f"/{name}.{port}") and settings["hostname"] == "127.0.0.1"

    def log():
        return subprocess.run(
            ["ssh", "-v", "-F", str(config), "127.0.0.1.shim", "true"], env=shim.env, capture_output=True, check=True).stderr

    log_of_socket = log()
    assert b"master session id" in log_of_socket and b"kex: algorithm" not in log_of_socket
    assert shim.ssh("-O", "stop", "control").returncode == 0
    assert not shim.control.exists()
    assert b"kex: algorithm" in log()


def test_exit_ends_a_shim_of_one_host(shim):
    assert shim.ssh("-O", "exit", "control").returncode == 0
    assert shim.process.wait() == 0
    assert not shim.control.exists()


# Who is let in, and what is put up with.


def test_the_socket_is_its_owners_alone(shim):
    assert oct(shim.control.stat().st_mode & 0o777) == "0o600"
    assert oct(shim.control.parent.stat().st_mode & 0o777) == "0o700"
    # Even where everybody could reach it.
    shim.control.parent.chmod(0o711)
    shim.control.chmod(0o666)
    program = (
        f"import os,socket; os.chdir({str(shim.control.parent)!r}); os.setgid(65534); os.setuid(65534);"
        f"s=socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect({shim.control.name!r}); print(s.recv(9))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert done.stdout in ("b''\n", "") and "Permission" not in done.stderr, done.stderr
    assert shim.run("echo mine", way="control") == "mine\n"


def test_descriptors_after_200_sessions(shim):
    shim.run("true", way="control")
    before = shim.descriptors() + 2
    with concurrent.futures.ThreadPoolExecutor(8) as many:
        assert all(done.returncode == 0 for done in many.map(lambda _: shim.ssh("control", "true"), range(180)))
    for number in range(20):
        ssh = shim.start_ssh("control", "echo on; exec sleep 60", stdin=subprocess.PIPE)
        assert ssh.stdout.readline() == b"on\n"
        ssh.kill()
        ssh.communicate()
    descriptors_again(shim, before)


def test_hostile_clients_are_sent_away_and_keep_nothing(shim):
    shim.run("true", way="control")
    before = shim.descriptors() + 2
    null = os.open("/dev/null", os.O_RDWR)
    session = message(0x10000002, 1, text(b""), 0, 0, 0, 0, 0xFFFFFFFF, text(b"vt220"), text(b"true"))
    for said in [
        b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, message(1, 3), message(0x10000004, 0), HELLO + b"\x00\x04\x00\x01",
        HELLO + message(0x10000004), HELLO + message(0x10000002, 1, b"\xff\xff\xff\xff"), HELLO + session + b"\0\0\0",
    ]:
        with dial(shim) as end:
            end.sendall(said)
            assert end.recv(12) == HELLO
            assert rest_of(end) == b""
    for count in (1, 3, 200):
        with dial(shim) as end:
            rights = array.array("i", [null] * count)
            # Descriptors where none are asked for.
            end.sendmsg([HELLO], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            assert end.recv(12) == HELLO
            assert rest_of(end) == b""
    waiting = [dial(shim) for _ in range(50)]
    for number, end in enumerate(waiting):
        end.sendall(HELLO + session[: number % len(session)])
    # Requests that nobody reads the answers of: one at a time is dealt with, and the rest waits in the client's socket.
    with dial(shim) as flood:
        flood.settimeout(1)
        try:
            while True:
                flood.sendall(message(0x10000004, 0) * 1000)
        except OSError:
            pass
        assert shim.run("echo served", way="control") == "served\n"
    for end in waiting:
        end.close()
    os.close(null)
    descriptors_again(shim, before)
    with open(f"/proc/{shim.process.pid}/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    assert resident < 300 * 1024
