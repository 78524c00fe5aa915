"""`copilot shim` before a real sshd, used by OpenSSH's own ssh, sftp and scp. Each fault of the tools before it has a test."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from copilot import BINARY
from ports import accepts, eventually, free_port
from shim import connections_at, echo_server, echoes, echoes_by_path, echoes_by_socks, lose, make_shim, shim  # noqa: F401


# What passes.


def test_status_signal_and_both_outputs_are_the_commands_own(shim):
    for command, status in [("true", 0), ("exit 42", 42), ("kill -9 $$", 255)]:
        assert shim.ssh("shim", command).returncode == status
    done = shim.ssh("shim", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    # A shell without a terminal, whose status the tool before lost.
    assert shim.ssh("-T", "shim", input=b"echo shell; exit 5\n").returncode == 5
    assert shim.ssh("shim", "cat; exit 7", input=b"in").stdout == b"in"


def test_8_mb_on_standard_error_of_a_shell_without_a_terminal(shim):
    done = shim.ssh("-T", "shim", input=b"head -c 8000000 /dev/zero >&2; echo done\n", timeout=30)
    assert (done.returncode, done.stdout, len(done.stderr)) == (0, b"done\n", 8000000)


def test_half_close_in_both_directions(shim):
    data = os.urandom(3 << 20)
    assert shim.ssh("shim", "cat", input=data).stdout == data
    # The command closes its output, and still reads.
    assert shim.ssh("shim", "exec >&-; cat > got; exit 4", input=b"late").returncode == 4
    assert shim.run("cat got") == "late"


def test_environment_and_terminal_modes_pass(shim):
    done = shim.ssh("-o", "SendEnv=TEST_WORD", "shim", "printf %s \"$TEST_WORD\"", env={**shim.env, "TEST_WORD": "bl\u00e5b\u00e6r"})
    assert done.stdout.decode() == "bl\u00e5b\u00e6r"
    # script gives ssh a terminal, whose erase character is not the usual one.
    shown = subprocess.run(
        ["script", "-qec", "stty erase ^H cols 91 rows 37; " + " ".join(shim.command("-tt", "shim", "'stty -a'")), "/dev/null"],
        capture_output=True, env={**shim.env, "TERM": "vt220"}, timeout=20).stdout.decode()
    assert "erase = ^H" in shown and "rows 37; columns 91" in shown


def test_subsystems_pass_and_one_that_is_not_there_is_refused_as_by_the_host(shim):
    done = shim.ssh("-s", "shim", "no-such-subsystem")
    assert done.returncode == 255 and b"subsystem request failed" in done.stderr


def test_files_by_sftp_and_by_both_protocols_of_scp(shim, folder):
    data = os.urandom(5 << 20)
    (folder / "up").write_bytes(data)
    for flags in [[], ["-O"]]:
        put = subprocess.run(shim.command(*flags, "-q", str(folder / "up"), "shim:up", program="scp"), env=shim.env, timeout=30)
        get = subprocess.run(shim.command(*flags, "-q", "shim:up", str(folder / "down"), program="scp"), env=shim.env, timeout=30)
        assert (put.returncode, get.returncode) == (0, 0)
        assert (folder / "down").read_bytes() == data
    listing = subprocess.run(
        shim.command("-b", "-", "shim", program="sftp"), input=b"ls -l up\n", capture_output=True, env=shim.env, timeout=20)
    assert listing.returncode == 0 and str(len(data)).encode() in listing.stdout


def test_forwards_of_every_kind(shim, echo_server, folder):
    local, remote, socks = free_port(), free_port(), free_port()
    ssh = shim.start_ssh(
        "-N", "-L", f"{local}:127.0.0.1:{echo_server}", "-R", f"{remote}:127.0.0.1:{echo_server}",
        "-D", str(socks), "-L", f"{folder}/l.sock:127.0.0.1:{echo_server}", "-o", "ExitOnForwardFailure=yes", "shim")
    try:
        for port in (local, remote):
            eventually(lambda: echoes(port), f"port {port} leads to the echo server")
        echoes_by_socks(socks, echo_server)
        echoes_by_path(folder / "l.sock")
        # A target that refuses closes its own connection, and nothing else.
        assert echoes(local)
    finally:
        ssh.kill()
        ssh.communicate()
    eventually(lambda: not accepts(remote), "the remote forward ended with its client")


def test_a_remote_port_of_the_hosts_choice(shim, echo_server):
    ssh = shim.start_ssh("-N", "-v", "-R", f"0:127.0.0.1:{echo_server}", "shim")
    try:
        port = None
        while port is None:
            line = ssh.stderr.readline().decode()
            assert line, "ssh ended without a port"
            found = re.search(r"Allocated port (\d+) for remote forward", line)
            port = found and int(found[1])
        threading.Thread(target=ssh.stderr.read, daemon=True).start()
        eventually(lambda: echoes(port), "the port of the host's choice leads back")
    finally:
        ssh.kill()
        ssh.wait()


def test_unix_sockets_of_the_host_both_ways(shim, echo_server, folder):
    far = shim.host.account.home / "far.sock"
    listening = shim.start_ssh("-N", "-R", f"{far}:127.0.0.1:{echo_server}", "shim")
    reaching = shim.start_ssh("-N", "-L", f"{folder}/near.sock:{far}", "shim")
    try:
        eventually(lambda: far.exists() and (folder / "near.sock").exists(), "both sockets are there")

        def passes():
            with socket.socket(socket.AF_UNIX) as end:
                end.settimeout(3)
                end.connect(f"{folder}/near.sock")
                end.sendall(b"far")
                return end.recv(3) == b"far"

        eventually(passes, "bytes go to the host's socket and come back through it")
    finally:
        for ssh in (listening, reaching):
            ssh.kill()
            ssh.communicate()
        far.unlink(missing_ok=True)


def test_the_agent_is_reached_through_the_host(shim, folder):
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{folder}/agent"], stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: (folder / "agent").exists(), "the agent listens")
        env = {**shim.env, "SSH_AUTH_SOCK": f"{folder}/agent"}
        key = folder / "in_agent"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "in the agent", "-f", key], check=True)
        subprocess.run(["ssh-add", "-q", key], check=True, env=env)
        shown = shim.ssh("-A", "shim", "ssh-add -l", env=env)
        assert shown.returncode == 0 and b"in the agent" in shown.stdout
        # The session that asked is over: nobody reaches the agent through another one.
        assert shim.ssh("shim", "ssh-add -l", env=env).returncode != 0
    finally:
        agent.terminate()
        agent.wait()


def test_200_connections_at_once(shim, echo_server):
    local = free_port()
    ssh = shim.start_ssh("-N", "-L", f"{local}:127.0.0.1:{echo_server}", "shim")
    try:
        eventually(lambda: echoes(local), "the forward stands")
        ends = [socket.create_connection(("127.0.0.1", local), timeout=20) for _ in range(200)]
        for number, end in enumerate(ends):
            end.sendall(b"%03d" % number)
        assert [end.recv(3) for end in ends] == [b"%03d" % number for number in range(200)]
        for end in ends:
            end.close()
    finally:
        ssh.kill()
        ssh.communicate()
    assert shim.count("grown") == 0


# The host's limits.


def test_14_sessions_at_a_host_that_takes_10_on_a_connection(shim):
    running = [shim.start_ssh("shim", f"read line; echo {number}", stdin=subprocess.PIPE) for number in range(14)]
    eventually(lambda: shim.count("grown") >= 1, "a further connection was made")
    for number, ssh in enumerate(running):
        output, errors = ssh.communicate(b"go\n", timeout=20)
        assert (ssh.returncode, output, errors) == (0, b"%d\n" % number, b"")


def test_commands_that_were_given_up_keep_nobody_out(shim):
    running = [shim.start_ssh("shim", "echo on; exec sleep 60") for _ in range(10)]
    for ssh in running:
        assert ssh.stdout.readline() == b"on\n"
        ssh.kill()
        ssh.communicate()
    start = time.monotonic()
    assert shim.run("echo free") == "free\n"
    assert time.monotonic() - start < 5


# Losing the host.


def test_a_lost_host_with_a_remote_forward_is_back_in_two_seconds(make_shim, echo_server):
    shim = make_shim()
    remote = free_port()
    ssh = shim.start_ssh("-N", "-R", f"{remote}:127.0.0.1:{echo_server}", "shim")
    try:
        eventually(lambda: echoes(remote), "the forward stands")
        for _ in range(5):
            session = shim.start_ssh("shim", "echo on; exec sleep 60")
            assert session.stdout.readline() == b"on\n"
            start = time.monotonic()
            lose(shim.host)
            assert shim.run("echo back") == "back\n"
            assert time.monotonic() - start < 2.5
            _, errors = session.communicate(timeout=10)
            assert session.returncode == 255 and b"was lost" in errors
            eventually(lambda: echoes(remote), "the forward stands again", seconds=20)
    finally:
        ssh.kill()
        ssh.communicate()


@pytest.mark.long
def test_a_hundred_losses_with_forwards_and_channels(make_shim, echo_server):
    shim = make_shim()
    ports = [free_port() for _ in range(20)]
    ssh = shim.start_ssh("-N", *[word for port in ports for word in ("-R", f"{port}:127.0.0.1:{echo_server}")], "shim")
    try:
        for _ in range(100):
            eventually(lambda: all(echoes(port) for port in ports), "all forwards stand", seconds=40)
            sessions = [shim.start_ssh("shim", "echo on; exec sleep 600") for _ in range(8)]
            for session in sessions:
                assert session.stdout.readline() == b"on\n"
            lose(shim.host)
            for session in sessions:
                session.communicate(timeout=20)
                assert session.returncode == 255
            assert shim.run("echo back", timeout=30) == "back\n"
    finally:
        ssh.kill()
        ssh.communicate()


def test_a_host_that_falls_silent_is_noticed_and_reached_again(make_shim, make_host, make_proxy):
    host = make_host()
    proxy = make_proxy(host.port)
    shim = make_shim(
        "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", host=host, port=proxy.port)
    assert shim.run("echo 1") == "1\n"
    proxy.stall()
    eventually(lambda: shim.event("lost"), "the silence is noticed", seconds=10)
    proxy.cut()
    proxy.flow()
    assert shim.run("echo 2", timeout=30) == "2\n"


@pytest.mark.long
def test_a_silent_host_is_noticed_within_30_seconds_as_it_comes(make_shim, make_host, make_proxy):
    host = make_host()
    proxy = make_proxy(host.port)
    shim = make_shim(host=host, port=proxy.port)
    assert shim.run("echo 1") == "1\n"
    proxy.stall()
    eventually(lambda: shim.event("lost"), "the silence is noticed", seconds=31)


def test_a_host_with_another_key_is_refused_for_good(make_shim, make_host):
    host = make_host()
    shim = make_shim("-o", "StrictHostKeyChecking=no", host=host)
    assert shim.run("echo 1") == "1\n"
    host.stop()
    host.make_host_key()
    # Not even a file that knows nothing any more lets another key in: the shim knows which one it began with.
    shim.known_hosts.write_text("")
    host.start()
    eventually(lambda: shim.event("failed"), "the other key is refused")
    done = shim.ssh("shim", "echo 2")
    assert done.returncode == 255 and b"another key" in done.stderr and b"2" not in done.stdout


def test_a_host_that_is_not_there_at_the_start_is_said_at_once(make_shim, make_host):
    host = make_host()
    shim = make_shim(host=host, port=free_port(), start=False)
    done = subprocess.run([str(BINARY), "shim", *shim.arguments], env=shim.env, capture_output=True, timeout=20)
    assert done.returncode == 2 and b"refused the connection" in done.stderr


# Who is let in.


def test_nobody_else_is_let_in(shim, folder):
    other = folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    (shim.home / ".ssh" / "colleague.pub").write_text(other.with_suffix(".pub").read_text())
    refused = subprocess.run(
        ["ssh", "-F", shim.config, "-o", "BatchMode=yes", "-i", str(other), "-o", f"IdentityFile={other}",
         "-o", "HostKeyAlias=copilot-shim", "-p", str(shim.port), "-o", f"UserKnownHostsFile={shim.home}/.local/share/copilot/shim/known_hosts",
         "me@127.0.0.1", "true"], env=shim.env, capture_output=True, timeout=20)
    assert refused.returncode == 255 and b"Permission denied" in refused.stderr


def test_ones_own_key_pairs_and_ones_agents_keys_are_let_in(shim, folder):
    def login(key, **env):
        return subprocess.run(
            ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
             "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-i", str(key), "-p", str(shim.port), "me@127.0.0.1", "echo in"],
            env={**shim.env, **env}, capture_output=True, timeout=20).stdout

    own = shim.home / ".ssh" / "id_ecdsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", own], check=True)
    assert login(own) == b"in\n"


def test_the_keys_that_were_made_are_for_their_owner_alone(shim):
    made = shim.home / ".local/share/copilot/shim"
    assert oct(made.stat().st_mode & 0o777) == "0o700"
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in made.iterdir() if not path.suffix}.items() >= {
        "id_ed25519": "0o600", "host_ed25519": "0o600"}.items()
    listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True).stdout
    assert [line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{shim.port}")] == [
        f"127.0.0.1:{shim.port}"]


def test_a_login_key_is_no_host_key(make_shim):
    shim = make_shim(start=False)
    own = shim.home / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", own], check=True)
    done = subprocess.run(
        [str(BINARY), "shim", *shim.arguments, "--local-ed25519-key", str(own)], env=shim.env, capture_output=True, timeout=20)
    assert done.returncode == 2 and b"your own login key" in done.stderr


def test_a_unix_socket_in_a_folder_of_ones_own_needs_no_key(make_shim, folder):
    (folder / "own").mkdir(mode=0o700)
    path = folder / "own" / "shim.sock"
    shim = make_shim("--socket", str(path))
    done = subprocess.run(
        ["ssh", "-F", "none", "-o", f"ProxyCommand={BINARY} shim --dial {path}", "-o", "StrictHostKeyChecking=no", "-o",
         "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "me@shim", "echo in"],
        env=shim.env, capture_output=True, timeout=20)
    assert done.stdout == b"in\n", done.stderr
    shim.stop()
    assert not path.exists()


# The command.


def test_the_block_for_ssh_config_is_enough(make_shim):
    shim = make_shim()
    printed = subprocess.run(
        [str(BINARY), "shim", "--host", "web-1", "--local-port", str(shim.port), "--config-snippet"],
        env=shim.env, capture_output=True, text=True, timeout=20, check=True).stdout
    config = shim.folder / "snippet"
    config.write_text(printed)
    done = subprocess.run(
        ["ssh", "-F", str(config), "web-1.shim", "echo snippet"], env=shim.env, capture_output=True, timeout=20)
    assert done.stdout == b"snippet\n", done.stderr


def test_readiness_on_a_descriptor_and_an_orderly_end(make_shim):
    shim = make_shim(start=False)
    read, write = os.pipe()
    process = subprocess.Popen(
        [str(BINARY), "shim", *shim.arguments, "--ready-fd", str(write)], env=shim.env, pass_fds=[write],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(write)
    with os.fdopen(read) as ready:
        address = ready.read()
    assert re.fullmatch(r"127\.0\.0\.1:\d+\n", address)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    assert f"-p {address.strip().split(':')[1]} 127.0.0.1" in output.decode()


def test_a_local_port_that_somebody_has_is_said(make_shim, echo_server):
    shim = make_shim(start=False)
    done = subprocess.run(
        [str(BINARY), "shim", *shim.arguments, "--local-port", str(echo_server)], env=shim.env, capture_output=True, text=True,
        timeout=20)
    assert done.returncode == 2
    assert f"127.0.0.1:{echo_server} failed: Address already in use." in done.stderr and "Choose another port" in done.stderr


def test_several_hosts_by_name(make_shim, make_host):
    one, two = make_host(), make_host()
    shim = make_shim(host=one, start=False)
    public = (two.folder / "host_key.pub").read_text().split()
    with shim.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{two.port} {public[0]} {public[1]}\n")
    two.authorize((one.authorized.read_text()).strip())
    config = shim.folder / "far_config"
    config.write_text("".join(
        f"Host {name}\n HostName 127.0.0.1\n Port {host.port}\n User {host.username}\n IdentityFile {shim.key}\n"
        f" IdentitiesOnly yes\n UserKnownHostsFile {shim.known_hosts}\n" for name, host in [("one", one), ("two", two)]))
    own = free_port()
    shim.arguments = ["-F", str(config), "--upstream", "first=one", "--upstream", f"second=two,{own}", "--upstream",
                      "third=two", "--local-port", "0"]
    shim.start()

    def port_of(*target):
        done = shim.ssh(*target, "echo $SSH_CONNECTION")
        return done.stdout.split()[-1] if done.returncode == 0 else done.stderr

    assert port_of("-l", "first", "shim") == str(one.port).encode()
    assert port_of("-l", "third", "shim") == str(two.port).encode()
    assert port_of("-p", str(own), "-l", "whoever", "shim") == str(two.port).encode()
    assert b"there is no upstream fourth" in port_of("-l", "fourth", "shim")


def test_a_password_from_a_file(make_shim, make_host, folder):
    host = make_host()
    (folder / "password").write_text(host.password + "\n")
    shim = make_shim("--password-file", str(folder / "password"), host=host, key=False)
    assert shim.run("id -un") == host.username + "\n"
    lose(host)
    assert shim.run("echo again") == "again\n"


def test_by_way_of_another_host(make_shim, make_host):
    jump, host = make_host(), make_host()
    shim = make_shim(host=host, start=False)
    jump.authorize(host.authorized.read_text().strip())
    public = (jump.folder / "host_key.pub").read_text().split()
    with shim.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{jump.port} {public[0]} {public[1]}\n")
    (shim.home / ".ssh" / "config").write_text(
        f"Host *\n IdentityFile {shim.key}\n UserKnownHostsFile {shim.known_hosts}\n")
    shim.arguments += ["--jump", f"{jump.username}@127.0.0.1:{jump.port}", "-F", str(shim.home / ".ssh" / "config")]
    shim.start()
    assert shim.run("echo far") == "far\n"
