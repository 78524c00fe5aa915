"""`copilot ssh-server` with the standard clients: as root, serving another account, and as an ordinary account."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from ports import accepts, eventually, free_port
from ssh_server import BINARY, Server, Terminal, make_key, public, run


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return make_key(folder)


@pytest.fixture(scope="module")
def authorized(account, keys):
    """The account's own authorized_keys, which holds the one key."""
    path = account.home / ".ssh/authorized_keys"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(public(keys) + "\n")
    path.chmod(0o600)
    account.own(path.parent)
    return path


@pytest.fixture(scope="module")
def server(account, authorized, tmp_path_factory):
    """Root's server, which maps `guest` and the account's own name to the account."""
    made = Server(
        tmp_path_factory.mktemp("server"), "--user-map", f"guest:{account.name}", "--user-map",
        f"{account.name}:{account.name}", "--device-id", "device-7").start()
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def binary(account, tmp_path_factory):
    """The program at a place where the account may execute it."""
    reachable = run(["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups",
                     "test", "-x", str(BINARY.resolve())]).returncode == 0
    if reachable:
        return BINARY.resolve()
    path = pathlib.Path(account.home).parent / "copilot"
    shutil.copy(BINARY.resolve(), path)
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def own(account, authorized, binary):
    """An ordinary account's server."""
    folder = account.home / "own-server"
    folder.mkdir(mode=0o700)
    account.own(folder)
    made = Server(folder, account=account, binary=binary).start()
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture(params=["root", "own"])
def either(request):
    """Root's server and an ordinary account's, with the account's own name."""
    return request.getfixturevalue("server" if request.param == "root" else "own")


@pytest.fixture
def start(folder):
    """Further servers, for a test's own flags."""
    started = []

    def make(*flags, **more):
        folder.chmod(0o755)
        started.append(Server(folder / f"server{len(started)}", *flags, **more))
        return started[-1].start()

    yield make
    for made in started:
        made.stop(signal.SIGKILL)


# Programs


def test_a_command_has_its_streams_its_status_and_its_account(either, account, keys):
    done = either.ssh(account.name, keys, "id -un; id -G; pwd; echo oops >&2; exit 42")
    groups = subprocess.run(["id", "-G", account.name], capture_output=True, text=True).stdout.strip()
    assert done.stdout.splitlines() == [account.name, groups, str(account.home)]
    assert (done.stderr, done.returncode) == ("oops\n", 42)


def test_the_environment_is_that_of_a_login(either, account, keys):
    done = either.ssh(
        account.name, keys, "env", options=["-o", "SendEnv=LC_SHIP ROGUE"], env={**os.environ, "LC_SHIP": "x", "ROGUE": "y"})
    env = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert (env["USER"], env["LOGNAME"], env["HOME"], env["SHELL"]) == (
        account.name, account.name, str(account.home), "/bin/bash")
    assert env["MAIL"] == f"/var/mail/{account.name}"
    assert env["PATH"].startswith("/usr/local/bin:/usr/bin:/bin")
    client = env["SSH_CONNECTION"].split()
    assert (client[0], client[2], client[3]) == ("127.0.0.1", "127.0.0.1", str(either.port))
    assert env["SSH_CLIENT"].split() == [client[0], client[1], client[3]]
    assert env["LC_SHIP"] == "x" and "ROGUE" not in env and "SSH_TTY" not in env


def test_a_signal_is_told_as_a_signal(either, account, keys):
    done = either.ssh(account.name, keys, "kill -TERM $$")
    assert done.returncode == 255
    either.event("session_ended", signal="TERM")


def test_input_ends_and_a_megabyte_passes_both_ways(either, account, keys):
    data = os.urandom(1 << 20)
    done = either.ssh(account.name, keys, "cat", input=data, text=False)
    assert done.stdout == data


def test_a_program_that_leaves_its_input_unread_loses_no_output(either, account, keys):
    done = either.ssh(account.name, keys, "head -c 300000 /dev/zero", input=b"x" * 3_000_000, text=False)
    assert len(done.stdout) == 300_000


def test_names_that_are_no_text_reach_the_shell_as_they_are(either, account, keys):
    done = either.ssh(account.name, keys, b"printf '\xe9' | od -An -tx1")
    assert done.stdout.split() == ["e9"]


def test_a_person_works_in_a_shell(either, account, keys):
    terminal = Terminal(
        ["ssh", *either.options(keys), "-p", str(either.port), f"{account.name}@127.0.0.1"], columns=91, rows=31)
    terminal.expect("e2e$ ")
    terminal.type("stty size; echo $TERM; [ \"$SSH_TTY\" = \"$(tty)\" ] && echo 'same' tty; shopt -q login_shell && echo 'log''in'\r")
    terminal.expect("31 91\r\nxterm-256color\r\nsame tty\r\nlogin\r\n")
    terminal.expect("e2e$ ")
    # Job control.
    terminal.type("sleep 1000\r")
    eventually(lambda: foreground(account) == "sleep", "sleep is in the foreground")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect("e2e$ ")
    terminal.type("fg\r")
    eventually(lambda: foreground(account) == "sleep", "sleep is in the foreground again")
    terminal.type("\x03")
    terminal.expect("e2e$ ")
    terminal.type("echo status $?\r")
    terminal.expect("status 130\r\n")
    terminal.resize(120, 40)
    time.sleep(0.2)
    terminal.type("stty size\r")
    terminal.expect("40 120\r\n")
    terminal.type("exit 5\r")
    assert terminal.wait() == 5


def foreground(account):
    found = run(["ps", "-o", "stat=,comm=", "-u", account.name]).stdout.splitlines()
    for line in found:
        state, name = line.split(None, 1)
        if "+" in state and "T" not in state and name == "sleep":
            return name
    return None


def test_vim_edits_a_file(either, account, keys):
    path = account.home / f"vim-{either.port}.txt"
    terminal = Terminal(["ssh", "-t", *either.options(keys), "-p", str(either.port), f"{account.name}@127.0.0.1",
                         f"vim -u NONE -n {path}"])
    terminal.expect("~")
    terminal.type("ihello from vim\x1b:wq\r")
    assert terminal.wait() == 0
    assert path.read_text() == "hello from vim\n" and path.stat().st_uid == account.uid


def test_what_a_person_leaves_running_is_hung_up_with_the_line(either, account, keys):
    terminal = Terminal(["ssh", *either.options(keys), "-p", str(either.port), f"{account.name}@127.0.0.1"])
    terminal.expect("e2e$ ")
    terminal.type("exec sleep 98765\r")
    eventually(lambda: sleepers(account, 98765), "sleep runs")
    os.kill(terminal.pid, signal.SIGKILL)
    eventually(lambda: not sleepers(account, 98765), "sleep is gone")
    terminal.wait()


def sleepers(account, seconds):
    return run(["pgrep", "-u", account.name, "-f", f"^sleep {seconds}$"]).stdout.split()


# Files


def test_sftp_and_both_protocols_of_scp_carry_files_as_the_account(either, account, keys, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(os.urandom(300_000))
    port = ["-P", str(either.port)]
    place = f"{account.name}@127.0.0.1"
    batch = tmp_path / "batch"
    batch.write_text(f"put {source} by-sftp\nget by-sftp {tmp_path}/back\nls -l\n")
    assert run(["sftp", *either.options(keys), *port, "-b", str(batch), place]).returncode == 0
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    for name, flag in [("by-scp", []), ("by-old-scp", ["-O"])]:
        done = run(["scp", *flag, *either.options(keys), *port, str(source), f"{place}:{name}"])
        assert done.returncode == 0, done.stderr
        assert (account.home / name).stat().st_uid == account.uid
        done = run(["scp", *flag, *either.options(keys), *port, f"{place}:{name}", str(tmp_path / name)])
        assert done.returncode == 0 and (tmp_path / name).read_bytes() == source.read_bytes()
    done = run(["sftp", *either.options(keys), *port, f"{place}:/etc/shadow", str(tmp_path / "shadow")])
    assert done.returncode != 0 and not (tmp_path / "shadow").exists()


def test_rsync_works(either, account, keys, tmp_path):
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_text("text\n")
    command = " ".join(["ssh", *either.options(keys), "-p", str(either.port)])
    done = run(["rsync", "-a", "--no-owner", "--no-group", "-e", command, f"{tmp_path}/tree",
                f"{account.name}@127.0.0.1:rsync-{either.port}"])
    assert done.returncode == 0, done.stderr
    assert (account.home / f"rsync-{either.port}/tree/deep/file").read_text() == "text\n"


def test_files_alone_from_one_folder(start, account, keys, folder, authorized, tmp_path):
    root = folder / "share"
    root.mkdir()
    os.chown(root, account.uid, account.gid)
    server = start("--user-map", f"guest:{account.name}", "--sftp-root", root, "--no-exec")
    assert server.ssh("guest", keys, "true").returncode != 0
    server.event("session_refused", why="commands are not served (--no-exec)")
    (tmp_path / "file").write_text("text\n")
    for flag in [[], ["-O"]]:
        done = run(["scp", *flag, *server.options(keys), "-P", str(server.port), str(tmp_path / "file"),
                    f"guest@127.0.0.1:/file{len(flag)}"])
        assert done.returncode == 0, done.stderr
        assert (root / f"file{len(flag)}").read_text() == "text\n"
        done = run(["scp", *flag, *server.options(keys), "-P", str(server.port), "guest@127.0.0.1:/etc/passwd",
                    str(tmp_path / "stolen")])
        assert done.returncode != 0 and not (tmp_path / "stolen").exists()


# Forwarding


@pytest.fixture
def greeter(tmp_path):
    """Says hello to whoever connects, over TCP or a unix socket."""
    made = []

    def listen(path=None):
        listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        listener.bind(str(path) if path else ("127.0.0.1", 0))
        listener.listen()
        made.append(listener)

        def serve():
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                one.sendall(b"hello\n")
                one.close()

        threading.Thread(target=serve, daemon=True).start()
        return path or listener.getsockname()[1]

    yield listen
    for listener in made:
        listener.close()


def greeting(target):
    with socket.socket(socket.AF_UNIX if isinstance(target, str) else socket.AF_INET) as client:
        client.settimeout(10)
        client.connect(target if isinstance(target, str) else ("127.0.0.1", target))
        return client.recv(100)


class Tunnel:
    def __init__(self, server, user, key, *options):
        self.process = subprocess.Popen(
            ["ssh", "-N", *server.options(key, *options), "-o", "ExitOnForwardFailure=yes", "-p", str(server.port),
             f"{user}@127.0.0.1"], stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def test_ports_are_forwarded_both_ways(either, account, keys, greeter):
    there = greeter()
    local, remote = free_port(), free_port()
    with Tunnel(either, account.name, keys, "-L", f"{local}:127.0.0.1:{there}", "-R", f"{remote}:127.0.0.1:{there}"):
        eventually(lambda: accepts(local) and accepts(remote), "both forwards stand")
        assert greeting(local) == b"hello\n"
        assert greeting(remote) == b"hello\n"


def test_unix_sockets_are_forwarded_with_the_rights_of_the_account(either, account, keys, greeter, folder):
    folder.chmod(0o755)
    mine, roots = folder / "mine", folder / "roots"
    greeter(mine)
    os.chown(mine, account.uid, account.gid)
    greeter(roots)
    roots.chmod(0o600)
    made = account.home / f"remote-{either.port}.sock"
    ports = free_port(), free_port()
    with Tunnel(either, account.name, keys, "-L", f"{ports[0]}:{mine}", "-L", f"{ports[1]}:{roots}", "-R",
                f"{made}:{mine}"):
        eventually(lambda: accepts(ports[0]) and made.exists(), "the forwards stand")
        assert greeting(ports[0]) == b"hello\n"
        assert greeting(ports[1]) == b""
        facts = made.stat()
        assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (account.uid, 0o600)
        assert greeting(str(made)) == b"hello\n"
    eventually(lambda: not made.exists(), "the socket is gone with the connection")


def test_a_jump_leads_to_another_server(server, own, account, keys):
    config = server.folder / "jump_config"
    config.write_text(f"""
Host *
  IdentityFile {keys}
  IdentitiesOnly yes
  UserKnownHostsFile {server.folder}/jump_known_hosts
  StrictHostKeyChecking accept-new
  BatchMode yes
Host first
  HostName 127.0.0.1
  Port {server.port}
  User guest
""")
    done = run(["ssh", "-F", str(config), "-J", "first", "-p", str(own.port), f"{account.name}@127.0.0.1", "echo $SSH_CONNECTION"])
    assert done.stdout.split()[3] == str(own.port), done.stderr


def test_the_agent_of_the_client_is_reached(either, account, keys, tmp_path):
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.DEVNULL)
    try:
        eventually((tmp_path / "agent").exists, "the agent listens")
        env = {**os.environ, "SSH_AUTH_SOCK": str(tmp_path / "agent")}
        subprocess.run(["ssh-add", "-q", str(keys)], env=env, check=True, stderr=subprocess.DEVNULL)
        done = either.ssh(account.name, keys, "ssh-add -l; ls -ld $(dirname $SSH_AUTH_SOCK); echo $SSH_AUTH_SOCK", options=["-A"], env=env)
        lines = done.stdout.splitlines()
        assert "(ED25519)" in lines[0] and lines[1].startswith("drwx------")
        eventually(lambda: not os.path.exists(lines[2]), "the socket is gone with the session")
        assert "SSH_AUTH_SOCK" not in either.ssh(account.name, keys, "env", options=["-a"], env=env).stdout
    finally:
        agent.kill()
        agent.wait()


# Who gets in


@pytest.fixture
def with_options(start, account, folder, keys):
    """A server whose one key has these options."""
    def make(options, key=None, *flags):
        path = folder / "authorized_keys"
        path.write_text(f"{options} {public(key or keys)}\n")
        path.chmod(0o644)
        return start("--default-user", account.name, "--authorized-keys", path, *flags)

    return make


def test_a_forced_command_runs_instead(with_options, keys):
    server = with_options('command="echo forced: $SSH_ORIGINAL_COMMAND"')
    assert server.ssh("any", keys, "rm -rf /").stdout == "forced: rm -rf /\n"
    assert server.ssh("any", keys, options=["-T"]).stdout == "forced:\n"
    assert server.ssh("any", keys, "-s", "sftp").stdout == "forced: internal-sftp\n"


def test_restrict_leaves_nothing_but_the_command(with_options, keys, greeter):
    server = with_options("restrict")
    assert server.ssh("any", keys, "tty").stdout == "not a tty\n"
    assert "PTY allocation request failed" in server.ssh("any", keys, "tty", options=["-tt"]).stderr
    with Tunnel(server, "any", keys, "-R", f"{free_port()}:127.0.0.1:1") as process:
        assert process.wait(15) != 0
    assert server.ssh("any", keys, options=["-W", f"127.0.0.1:{greeter()}"]).returncode != 0
    server.event("forward_refused")


def test_permitopen_and_permitlisten_name_the_only_targets(with_options, keys, greeter):
    good, bad, listen = greeter(), greeter(), free_port()
    server = with_options(f'permitopen="127.0.0.1:{good}",permitlisten="{listen}"')
    assert server.ssh("any", keys, options=["-W", f"127.0.0.1:{good}"]).stdout == "hello\n"
    assert server.ssh("any", keys, options=["-W", f"127.0.0.1:{bad}"]).stdout == ""
    with Tunnel(server, "any", keys, "-R", f"{listen}:127.0.0.1:{good}"):
        eventually(lambda: accepts(listen), "the permitted forward stands")
    with Tunnel(server, "any", keys, "-R", f"{free_port()}:127.0.0.1:{good}") as process:
        assert process.wait(15) != 0


def test_environment_is_set_and_no_pty_is_kept(with_options, keys):
    server = with_options('environment="TEAM=blue",no-pty')
    assert server.ssh("any", keys, "echo $TEAM").stdout == "blue\n"
    assert "PTY allocation request failed" in server.ssh("any", keys, "tty", options=["-tt"]).stderr


@pytest.mark.parametrize("options", ['from="10.1.2.3"', 'expiry-time="20200101"', "cert-authority"])
def test_a_key_that_its_options_keep_out(with_options, keys, options):
    server = with_options(options)
    assert server.ssh("any", keys, "true").returncode == 255


def test_a_good_from_lets_in(with_options, keys):
    assert with_options('from="127.0.0.0/8"').ssh("any", keys, "true").returncode == 0


def test_certificates_are_let_in_under_their_names(start, account, folder, keys, tmp_path):
    authority, key = make_key(tmp_path, "authority"), make_key(tmp_path, "certified")
    subprocess.run(["ssh-keygen", "-q", "-s", str(authority), "-I", "ada's", "-n", "ada", "-V", "-1m:+10m",
                    str(key)], check=True, stderr=subprocess.DEVNULL)
    trusted = folder / "authorities"
    trusted.write_text(public(authority) + "\n")
    trusted.chmod(0o644)
    server = start("--default-user", account.name, "--trusted-ca", trusted)
    assert server.ssh("ada", key, "id -un").stdout.strip() == account.name
    assert server.event("signed_in", user="ada")["person"] == "ada's"
    assert server.ssh("bob", key, "true").returncode == 255
    line = folder / "lines"
    line.write_text(f'cert-authority,principals="bob,ada" {public(authority)}\n')
    line.chmod(0o644)
    server = start("--default-user", account.name, "--authorized-keys", line)
    assert server.ssh("carol", key, "true").returncode == 0


@pytest.mark.parametrize("damage", ["file", "folder", "owner"])
def test_keys_that_others_could_have_written_do_not_count(server, account, authorized, keys, damage):
    path = authorized.parent if damage == "folder" else authorized
    before = path.stat()
    try:
        if damage == "owner":
            os.chown(path, 12345, 12345)
        else:
            path.chmod(stat.S_IMODE(before.st_mode) | 0o020)
        assert server.ssh("guest", keys, "true").returncode == 255
    finally:
        os.chown(path, before.st_uid, before.st_gid)
        path.chmod(stat.S_IMODE(before.st_mode))
    assert server.ssh("guest", keys, "true").returncode == 0


def test_a_link_in_a_home_reads_nothing_that_the_account_cannot_read(server, account, authorized, keys, tmp_path):
    secret = tmp_path / "authorized_keys"
    secret.write_text(public(keys) + "\n")
    secret.chmod(0o600)
    content = authorized.read_text()
    authorized.unlink()
    try:
        authorized.symlink_to(secret)
        assert server.ssh("guest", keys, "true").returncode == 255
    finally:
        authorized.unlink()
        authorized.write_text(content)
        authorized.chmod(0o600)
        account.own(authorized)
    assert server.ssh("guest", keys, "true").returncode == 0


def test_who_no_map_and_no_default_names_is_refused(server, own, account, keys):
    for made, user in [(server, "stranger"), (server, "root"), (own, "stranger"), (own, "root")]:
        assert made.ssh(user, keys, "true").returncode == 255
        refused = made.event("sign_in_refused", user=user)
        assert refused["why"] == "no map and no default names this user"
    assert server.named("signed_in")[0]["device"] == "device-7"


def test_everybody_does_not_mean_root(start, account, folder, keys):
    path = folder / "keys"
    path.write_text(public(keys) + "\n")
    path.chmod(0o644)
    server = start("--user-map", "*:*", "--authorized-keys", path)
    assert server.ssh(account.name, keys, "id -un").stdout.strip() == account.name
    assert server.ssh("root", keys, "true").returncode == 255


def test_a_password_of_the_file(start, account, folder):
    hashed = run(["openssl", "passwd", "-6", "-stdin"], input="open sesame").stdout.strip()
    path = folder / "passwords"
    path.write_text(f"# who\nada:{hashed}\n")
    path.chmod(0o600)
    server = start("--default-user", account.name, "--password-file", path)
    for user, word, good in [("ada", "open sesame", True), ("ada", "wrong", False), ("bob", "open sesame", False)]:
        for method in ["password", "keyboard-interactive"]:
            assert (password(server, user, word, method) == "ok") is good


def test_a_password_of_the_system(server, account):
    if not pathlib.Path("/etc/pam.d/sshd").exists():
        pytest.skip("this machine has no PAM service for SSH")
    assert password(server, "guest", account.password, "password") == "ok"
    assert password(server, "guest", "wrong", "password") != "ok"


def test_what_an_account_says_of_its_environment_is_not_that_of_roots_own_process(start, account, folder, keys):
    if not pathlib.Path("/etc/pam.d/sshd").exists():
        pytest.skip("this machine has no PAM service for SSH")
    line = folder / "lines"
    line.write_text(f'environment="DBUS_SYSTEM_BUS_ADDRESS=unixexec:path=/bin/false" {public(keys)}\n')
    line.chmod(0o644)
    server = start("--default-user", account.name, "--authorized-keys", line)
    process = subprocess.Popen(["ssh", *server.options(keys), "-p", str(server.port), "ada@127.0.0.1",
                                "echo $PPID; echo $DBUS_SYSTEM_BUS_ADDRESS; cat"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        parent = process.stdout.readline().strip()
        assert process.stdout.readline().strip() == "unixexec:path=/bin/false"
        status = pathlib.Path(f"/proc/{parent}/status").read_text()
        assert "Uid:\t0\t0\t0\t0" in status, status
        variables = pathlib.Path(f"/proc/{parent}/environ").read_bytes().split(b"\0")
        strange = [each for each in variables if each and not each.startswith((b"SESSION:", b"PATH=/usr/bin:/bin"))]
        assert not strange
    finally:
        process.stdin.close()
        process.wait(timeout=20)


def test_a_name_is_a_name_and_no_line_of_a_file(start, account, folder, keys, tmp_path):
    authority, key = make_key(tmp_path, "authority"), make_key(tmp_path, "certified")
    subprocess.run(["ssh-keygen", "-q", "-s", str(authority), "-I", "m", "-n", "mallory", "-V", "-1m:+10m", str(key)],
                   check=True, stderr=subprocess.DEVNULL)
    trusted = folder / "authorities"
    trusted.write_text(public(authority) + "\n")
    trusted.chmod(0o644)
    server = start("--default-user", account.name, "--trusted-ca", trusted)
    assert server.ssh("mallory", key, "true").returncode == 0
    assert server.ssh("no-pty mallory", key, "true").returncode == 255


def password(server, user, word, method):
    terminal = Terminal(
        ["ssh", "-F", "none", "-o", f"UserKnownHostsFile={server.folder}/known_hosts", "-o",
         "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR", "-o", f"PreferredAuthentications={method}", "-o",
         "NumberOfPasswordPrompts=1", "-p", str(server.port), f"{user}@127.0.0.1", "echo o''k"])
    terminal.expect("assword: ")
    terminal.type(word + "\r")
    terminal.wait()
    return terminal.seen.strip().splitlines()[-1] if terminal.seen.strip() else ""


def test_no_authentication_needs_loopback_and_no_root(start, account, binary, folder):
    for flags in [["--insecure-no-auth"], ["--insecure-no-auth", "--localhost-only"]]:
        done = run([str(BINARY), "ssh-server", "-p", "0", *flags, "--host-key-path", str(folder / "key")])
        assert done.returncode == 78 and "--insecure-no-auth" in done.stderr
    home = account.home / "no-auth"
    home.mkdir(exist_ok=True)
    account.own(home)
    open_server = Server(home, "--insecure-no-auth", "--localhost-only", account=account, binary=binary).start()
    try:
        done = run(["ssh", "-F", "none", "-o", f"UserKnownHostsFile={folder}/known", "-o",
                    "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR", "-o", "PreferredAuthentications=none",
                    "-p", str(open_server.port), f"{account.name}@127.0.0.1", "id -un"])
        assert done.stdout.strip() == account.name
    finally:
        open_server.stop(signal.SIGKILL)


def test_dropbears_client_gets_in(server, account, keys, tmp_path):
    key = tmp_path / "dropbear"
    subprocess.run(["dropbearconvert", "openssh", "dropbear", str(keys), str(key)], check=True, capture_output=True)
    done = run(["dbclient", "-y", "-i", str(key), "-p", str(server.port), "guest@127.0.0.1", "echo dropbear; exit 3"],
               env={**os.environ, "HOME": str(tmp_path)})
    assert (done.stdout, done.returncode) == ("dropbear\n", 3)


# Applications


def test_an_application_knows_who_came(start, account, folder, keys):
    path = folder / "keys"
    path.write_text(public(keys).rsplit(" ", 1)[0] + " ada\n")
    path.chmod(0o644)
    server = start("--default-user", account.name, "--authorized-keys", path, "--app",
                   "builds=echo $COPILOT_APP_NAME $COPILOT_APP_USER $COPILOT_APP_KEY [$SSH_ORIGINAL_COMMAND]; tty; exit 9")
    fingerprint = run(["ssh-keygen", "-l", "-f", f"{keys}.pub"]).stdout.split()[1]
    done = server.ssh("builds", keys, "tail 7")
    assert done.stdout.splitlines() == [f"builds ada {fingerprint} [tail 7]", "not a tty"]
    assert done.returncode == 9
    assert "/dev/pts/" in server.ssh("builds", keys, options=["-tt"]).stdout
    assert server.ssh("builds", keys, options=["-W", "127.0.0.1:1"]).returncode != 0


def test_an_application_may_take_any_key(start, account, folder, tmp_path):
    stranger = make_key(tmp_path, "stranger")
    server = start("--default-user", account.name, "--app", "hello=echo hello $COPILOT_APP_KEY", "--app-any-key")
    assert server.ssh("hello", stranger, "x").stdout.startswith("hello SHA256:")
    assert server.ssh("other", stranger, "x").returncode == 255


# The server itself


def test_the_host_key_is_made_once_and_for_its_owner_alone(start, account, folder):
    server = start("--default-user", account.name)
    key = server.folder / "host_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = server.named("listening")[0]["host_key"]
    server.stop(signal.SIGKILL)
    server.events.clear()
    assert server.start().named("listening")[0]["host_key"] == first
    server.stop(signal.SIGKILL)
    key.chmod(0o644)
    done = run(server.command)
    assert done.returncode == 2 and "chmod 600" in done.stderr


def test_settings_come_from_a_file_and_flags_win(start, account, folder, keys):
    (folder / "keys").write_text(public(keys) + "\n")
    (folder / "keys").chmod(0o644)
    (folder / "config.yaml").write_text(
        f"default-user: {account.name}\ndevice-id: of-file\nauthorized-keys: [{folder}/keys]\nno-exec: true\n")
    server = start("--config", folder / "config.yaml", "--device-id", "of-flag")
    assert server.ssh("x", keys, "true").returncode != 0
    assert server.event("session_refused")["device"] == "of-flag"
    (folder / "config.yaml").write_text("colour: blue\n")
    done = run([str(BINARY), "ssh-server", "--config", str(folder / "config.yaml")])
    assert done.returncode == 78 and "colour" in done.stderr


def test_quiet_writes_no_events(account, folder, keys):
    server = Server(folder / "quiet", "--default-user", account.name, "--quiet")
    port = free_port()
    command = [word if word != "0" else str(port) for word in server.command]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: accepts(port), "the quiet server listens", 30)
    finally:
        process.kill()
    assert process.communicate()[1] == ""


def test_keys_are_read_again_after_a_hangup_signal(start, account, folder, tmp_path):
    authority, key = make_key(tmp_path, "authority"), make_key(tmp_path, "certified")
    subprocess.run(["ssh-keygen", "-q", "-s", str(authority), "-I", "x", "-n", "ada", str(key)], check=True,
                   stderr=subprocess.DEVNULL)
    trusted = folder / "authorities"
    trusted.write_text(public(key) + "\n")
    trusted.chmod(0o644)
    server = start("--default-user", account.name, "--trusted-ca", trusted)
    assert server.ssh("ada", key, "true").returncode == 255
    trusted.write_text(public(authority) + "\n")
    server.process.send_signal(signal.SIGHUP)
    server.event("reloaded")
    assert server.ssh("ada", key, "true").returncode == 0


def test_a_stop_waits_for_those_who_are_there(start, account, folder, keys, authorized):
    server = start("--default-user", account.name)
    session = subprocess.Popen(
        ["ssh", *server.options(keys), "-p", str(server.port), "x@127.0.0.1", "echo ready; read x; echo done"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert session.stdout.readline() == "ready\n"
    server.process.send_signal(signal.SIGTERM)
    server.event("draining")
    eventually(lambda: not accepts(server.port), "nobody is taken in any more")
    assert server.process.poll() is None
    assert session.communicate("x\n")[0] == "done\n"
    assert server.process.wait(10) == 0


def test_a_second_signal_hangs_up(start, account, folder, keys, authorized):
    server = start("--default-user", account.name)
    session = subprocess.Popen(
        ["ssh", *server.options(keys), "-p", str(server.port), "x@127.0.0.1", "echo ready; exec sleep 87654"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert session.stdout.readline() == "ready\n"
    server.process.send_signal(signal.SIGTERM)
    server.event("draining")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert session.wait(10) == 255
    eventually(lambda: not sleepers(account, 87654), "the session's program is gone")


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def zombies(server):
    children = run(["ps", "-o", "stat=", "--ppid", str(server.process.pid)]).stdout.split()
    return [state for state in children if state.startswith("Z")]


def sessions_leave_nothing(server, user, keys, count, options):
    control = server.folder / f"control-{len(options)}"
    master = subprocess.Popen(
        ["ssh", "-N", "-M", "-S", str(control), *server.options(keys), "-p", str(server.port), f"{user}@127.0.0.1"])
    try:
        eventually(control.exists, "the shared connection stands")
        run(["ssh", "-S", str(control), *options, "x", "true"])
        before = descriptors(server)
        for _ in range(0, count, 5):
            running = [subprocess.Popen(["ssh", "-S", str(control), *options, "x", f"exit {n}"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                       for n in range(5)]
            assert [one.wait(30) for one in running] == list(range(5))
        eventually(lambda: descriptors(server) <= before, "no descriptor is left")
        assert zombies(server) == []
    finally:
        master.kill()
        master.wait()
        control.unlink(missing_ok=True)


def test_three_hundred_sessions_leave_no_zombie_and_no_descriptor(either, account, keys):
    sessions_leave_nothing(either, account.name, keys, 100, ["-tt"])
    sessions_leave_nothing(either, account.name, keys, 50, [])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_sessions_leave_no_zombie_and_no_descriptor(either, account, keys):
    sessions_leave_nothing(either, account.name, keys, 5000, ["-tt"])
    sessions_leave_nothing(either, account.name, keys, 5000, [])
