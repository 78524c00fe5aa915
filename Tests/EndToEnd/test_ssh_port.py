"""The copilot's own SSH port with OpenSSH's clients as they are: menu, aliases, -J, commands, files; and who is kept out."""

import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pexpect
import pytest

import loops
from copilot import Copilot
from hosts import SSHHost
from plain_ssh import Client, ended_within, live, live_session
from ports import eventually
from seat import Seat

PROMPT = r"e2e\$ "


class Gate:
    """A copilot with an SSH port, two hosts that are one sshd, and four people with keys."""

    def __init__(self, folder, account):
        self.folder = folder
        self.host = SSHHost(folder / "host", account, "AcceptEnv GIT_PROTOCOL").start()
        self.copilot = Copilot(folder / "copilot")
        self.password = self.copilot.add_user("ada")
        for name, role in [("dora", "devops"), ("eve", "devops"), ("gus", "guest")]:
            self.copilot.add_user(name, role, self.password)
        self.copilot.add_host("web-prod", self.host, ("--password-stdin", "--tag", "devops"))
        self.copilot.add_host("vault", self.host, ("--password-stdin", "--tag", "secret"))
        self.copilot.start()
        self.people = {name: Client(folder, self.copilot, name) for name in ("ada", "dora", "eve", "gus")}
        self.ada, self.dora = self.people["ada"], self.people["dora"]
        self.rest = self.copilot.person("ada", self.password)

    def user(self, name):
        users = self.rest.get("/api/users").expect(200)["users"]
        return next(user for user in users if user["username"] == name)["id"]

    def entries(self, action, **details):
        return [entry for entry in self.rest.audit()
                if entry["action"] == action
                and all(entry["details"].get(key) == value for key, value in details.items())]

    def stop(self):
        self.copilot.stop()
        self.host.stop()


@pytest.fixture(scope="module")
def gate(account, built):
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-ssh-", dir="/tmp") as path:
        pathlib.Path(path).chmod(0o755)
        made = Gate(pathlib.Path(path), account)
        yield made
        made.stop()


# --- The menu -----------------------------------------------------------------------------------------------------------


def test_the_menu_leads_to_a_session_that_the_page_sees_too(gate):
    terminal = gate.ada.terminal("gate")
    terminal.expect("SSH Copilot")
    terminal.expect("vault")
    terminal.expect("web-prod")
    terminal.send("web")
    terminal.expect("1/1")
    terminal.send("\r")
    terminal.expect(PROMPT)
    session = live_session(gate.rest, "web-prod")
    assert session["owner"]["name"] == "Ada" and (session["columns"], session["rows"]) == (80, 24)
    assert [seat["device"] for seat in session["seats"] if seat["connected"]][0].startswith("ssh SSH-2.0-OpenSSH")
    terminal.send("stty size; echo sum-$((40+2))\r")
    terminal.expect("24 80")
    terminal.expect("sum-42")
    terminal.setwinsize(30, 100)
    eventually(lambda: gate.rest.session(session["id"])["columns"] == 100, "the size follows the client")
    terminal.send("exit\r")
    terminal.expect("The shell ended with exit status 0")
    terminal.expect("Search:")
    terminal.send("\x03")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    recording = eventually(
        lambda: next((one for one in gate.rest.recordings()
                      if one["id"] == session["recordingId"] and one["state"] == "complete"), None),
        "the recording is complete")
    assert "sum-42" in gate.rest.get(f"/api/recordings/{recording['id']}/text").expect_text()


def test_the_menu_fits_a_phone_and_leaves_by_a_letter_alone(gate):
    terminal = gate.ada.terminal("gate", size=(20, 40))
    terminal.expect("web-prod")
    terminal.send("nothing-is-called-so")
    terminal.expect("Nothing is called so")
    terminal.send("\x1b")
    terminal.expect("vault")
    terminal.send("\x04")
    terminal.expect(pexpect.EOF)


def test_without_a_terminal_the_hosts_of_this_person_are_printed(gate):
    everything = gate.ada.ssh("gate", check=0).stdout.decode().split()
    assert everything == ["vault", "other", "#secret", "web-prod", "other", "#devops"]
    for words in (["gate", "hosts"], ["-T", "gate"]):
        assert gate.dora.ssh(*words, check=0).stdout.decode().split() == ["web-prod", "other", "#devops"]
    assert gate.people["gus"].ssh("gate", check=0).stdout == b""
    refused = gate.ada.ssh("gate", "id", check=64)
    assert b"no shell" in refused.stderr and refused.stdout == b""


# --- An alias as the user -----------------------------------------------------------------------------------------------


def test_a_command_keeps_its_streams_and_its_end(gate):
    done = gate.dora.ssh("web-prod@gate", "echo out; echo err >&2; cat; exit 7", stdin="in", check=7)
    assert (done.stdout, done.stderr) == (b"out\nin", b"err\n")
    killed = gate.dora.ssh("web-prod@gate", "kill -TERM $$")
    assert killed.returncode in (143, 255)
    data = os.urandom(3_000_000)
    assert gate.dora.ssh("web-prod@gate", "cat", stdin=data, check=0).stdout == data
    assert gate.dora.ssh("WEB-PROD@gate", "true", check=0).returncode == 0
    script = gate.dora.ssh("-T", "web-prod@gate", stdin="echo $((6*7))\nexit 3\n", check=3)
    assert b"42\n" in script.stdout
    started = eventually(lambda: gate.entries("session.start", terminal="none"), "commands are audited")
    assert any(entry["details"]["command"].startswith("echo out") for entry in started)
    ended = eventually(lambda: gate.entries("session.end", fromHost=str(len(data))), "with their sizes")[0]
    assert ended["details"]["toHostSHA256"] == hashlib.sha256(data).hexdigest()
    session = gate.rest.session(ended["session"])
    assert session["state"] == "ended" and session["ending"]["exitStatus"] == 0


def test_what_a_command_printed_is_recorded_and_what_it_was_given_is_not(gate):
    gate.dora.ssh("web-prod@gate", "read secret; echo got ${#secret} letters", stdin="hunter2-hunter2\n", check=0)
    entry = eventually(
        lambda: next((one for one in gate.entries("session.end", toHost="16")), None), "the command is over")
    recording = gate.rest.session(entry["session"])["recordingId"]
    text = gate.rest.get(f"/api/recordings/{recording}/text").expect_text()
    assert "got 15 letters" in text and "hunter2" not in text


def test_a_terminal_at_an_alias_is_the_shared_session(gate):
    terminal = gate.dora.terminal("-t", "web-prod@gate")
    terminal.expect(PROMPT)
    session = live_session(gate.rest, "web-prod")

    async def take_turns():
        async with Seat(gate.rest, session["id"]) as page:
            await page.take()
            await page.until(lambda: page.notices, "a mere viewer is told")
            dora = gate.copilot.person("dora", gate.password)
            dora.post(f"/api/sessions/{session['id']}/participants",
                      {"userId": gate.user("ada"), "mode": "control"}).expect(200)
            await page.until(lambda: page.state["you"]["mode"] == "control", "full control")
            await page.take()
            await page.until(lambda: page.state["you"]["holder"], "the page has the keyboard")
            terminal.send("x")
            terminal.expect("has the keyboard")
            await page.type("echo from-the-page\r")
            terminal.expect("from-the-page")
            terminal.send("\x14")
            await page.until(lambda: not page.state["you"]["holder"], "the ssh client took it back")

    loops.run(take_turns())
    terminal.send("exit 5\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 5


def test_questions_of_the_host_are_answered_once(gate):
    terminal = gate.dora.terminal("-t", "web-prod@gate")
    terminal.expect(PROMPT)
    terminal.send("printf '\\033[c'; read -rsn 64 -t 1 a; printf '%q\\n' \"got$a\"\r")
    terminal.expect(r"got\\E\[\?62;22c")
    terminal.send("exit\r")
    terminal.expect(pexpect.EOF)
    assert "\x1b[c" not in terminal.before


def test_a_terminal_loses_nothing_however_much_it_prints(gate):
    # More than the session keeps: a viewer would be skipped forward, a plain client of one's own is not.
    done = gate.dora.ssh("-tt", "web-prod@gate", "seq 1 400000; exit 4", check=4, timeout=60)
    assert hashlib.sha256(done.stdout.replace(b"\r\n", b"\n")).hexdigest() == hashlib.sha256(
        "".join(f"{number}\n" for number in range(1, 400_001)).encode()).hexdigest()


def test_a_cut_client_leaves_its_session_and_finds_it_again_in_the_menu(gate):
    terminal = gate.dora.terminal("-t", "web-prod@gate")
    terminal.expect(PROMPT)
    terminal.send("MARK=still-here\r")
    terminal.expect(PROMPT)
    session = live_session(gate.rest, "web-prod")
    terminal.close(force=True)
    eventually(lambda: not any(seat["connected"] for seat in gate.rest.session(session["id"])["seats"]), "the seat is empty")
    assert gate.rest.session(session["id"])["state"] == "live"
    again = gate.dora.terminal("gate")
    again.expect("your session")
    again.send("session\r")
    again.expect(PROMPT)
    again.send("echo $MARK\r")
    again.expect("still-here")
    again.send("exit\r")
    again.expect("Search:")
    again.send("\x03")
    again.expect(pexpect.EOF)


# --- Through us to the host ---------------------------------------------------------------------------------------------


def test_jumping_through_us_ends_at_the_alias_under_one_certificate_line(gate):
    assert gate.dora.known_hosts.read_text().count("\n") == 1
    done = gate.dora.ssh("-J", "gate", "web-prod", "whoami; exit 9", check=9)
    assert done.stdout.decode().strip() == gate.host.username
    shell = gate.dora.terminal("-t", "-J", "gate", "web-prod")
    shell.expect(PROMPT)
    assert live_session(gate.rest, "web-prod")["owner"]["name"] == "Dora"
    shell.send("exit\r")
    shell.expect(pexpect.EOF)
    data = os.urandom(1_000_000)
    assert gate.dora.ssh("-J", "gate", "web-prod", "cat", stdin=data, check=0).stdout == data


def test_who_does_not_trust_the_authority_is_asked_about_the_key(gate):
    other = gate.folder / "no-authority"
    other.write_text("")
    done = gate.dora.ssh("-o", f"UserKnownHostsFile={other}", "web-prod@gate", "true", check=255)
    assert b"Host key verification failed" in done.stderr or b"host key" in done.stderr.lower()


# --- Files --------------------------------------------------------------------------------------------------------------


def test_scp_and_sftp_carry_files_and_each_is_written_down(gate):
    data = os.urandom(700_000)
    local, back = gate.folder / "a file", gate.folder / "back"
    local.write_bytes(data)
    remote = f"/tmp/copilot-e2e-{os.getpid()}"
    target = pathlib.Path(remote)
    for flags in ([], ["-O"]):
        gate.dora.run("scp", "-F", gate.dora.config, *flags, local, f"web-prod@gate:{remote}", check=0)
        assert target.read_bytes() == data
        gate.dora.run("scp", "-F", gate.dora.config, *flags, f"web-prod@gate:{remote}", back, check=0)
        assert back.read_bytes() == data
        back.unlink()
    batch = f"rename {remote} {remote}.2\nls /tmp\nrm {remote}.2\nrm {remote}.3\n"
    gate.dora.run("sftp", "-F", gate.dora.config, "-b", "-", "web-prod@gate", stdin=batch, check=1)
    assert not target.exists()
    digest = hashlib.sha256(data).hexdigest()
    upload = eventually(lambda: gate.entries("file.upload", path=remote, sha256=digest), "the upload is audited")[0]
    assert upload["details"]["size"] == "700000" and upload["outcome"] == "succeeded"
    assert gate.entries("file.download", path=remote, sha256=digest)
    assert gate.entries("file.rename", path=remote, to=remote + ".2")
    assert [entry["outcome"] for entry in gate.entries("file.delete", path=remote + ".3")] == ["failed"]


def test_rsync_git_and_ansible_work_through_us(gate):
    source = gate.folder / "tree"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "file").write_bytes(os.urandom(200_000))
    home = gate.host.account.home
    gate.dora.run("rsync", "-a", f"{source}/", "web-prod@gate:mirror/", check=0)
    assert (home / "mirror/deep/file").read_bytes() == (source / "deep/file").read_bytes()
    gate.dora.run("rsync", "-a", "--delete", "web-prod@gate:mirror/", gate.folder / "pulled", check=0)
    assert (gate.folder / "pulled/deep/file").exists()
    gate.dora.ssh("web-prod@gate", "git init -q --bare repo.git", check=0)
    work = gate.folder / "work"
    gate.dora.run("git", "clone", "-q", "web-prod@gate:repo.git", work, check=0)
    (work / "README").write_text("hello\n")
    commit = ["-c", "user.name=Dora", "-c", "user.email=dora@example.org", "commit", "-qm", "one"]
    gate.dora.run("git", "add", ".", cwd=work, check=0)
    gate.dora.run("git", *commit, cwd=work, check=0)
    gate.dora.run("git", "push", "-q", "origin", "HEAD:main", cwd=work, check=0)
    assert b"refs/heads/main" in gate.dora.run("git", "ls-remote", "web-prod@gate:repo.git", check=0).stdout


@pytest.mark.skipif(shutil.which("ansible") is None, reason="Ansible is not installed")
def test_ansible_works_through_us(gate):
    done = gate.dora.run(
        "ansible", "all", "-i", "gate,", "-u", "web-prod", "-m", "ping",
        "--ssh-common-args", f"-F {gate.dora.config}", "-e", "ansible_python_interpreter=/usr/bin/python3", timeout=60)
    assert b'"ping": "pong"' in done.stdout, (done.stdout, done.stderr)


# --- What is refused ----------------------------------------------------------------------------------------------------


def test_a_host_that_is_not_there_and_one_that_is_not_theirs_look_the_same(gate):
    def look(client, alias, *more):
        done = client.ssh(*more, f"{alias}@gate", "true", check=255)
        return done.stdout, done.stderr.replace(alias.encode(), b"ALIAS")

    assert look(gate.dora, "vault") == look(gate.dora, "no-such")
    assert b"that you may reach" in look(gate.dora, "vault")[1]
    jump = [gate.dora.ssh("-J", "gate", alias, "true", check=255).stderr.replace(alias.encode(), b"ALIAS")
            for alias in ("vault", "no-such")]
    assert jump[0] == jump[1] and b"that you may reach" in jump[0]
    files = [gate.dora.run("sftp", "-F", gate.dora.config, "-b", "/dev/null", f"{alias}@gate")
             for alias in ("vault", "no-such")]
    assert files[0].returncode == files[1].returncode != 0
    assert gate.people["gus"].ssh("web-prod@gate", "true", check=255).stdout == b""


@pytest.mark.parametrize("target", ["169.254.169.254:80", "localhost:22", "127.0.0.1:22", "[::1]:22", "metadata:80"])
def test_nobody_reaches_anything_but_hosts_from_the_menu_s_connection(gate, target):
    done = gate.ada.ssh("-W", target, "gate", check=255)
    assert b"that you may reach" in done.stderr and done.stdout == b""


def test_tunnels_are_an_admin_s_and_never_lead_to_metadata(gate):
    banner = gate.ada.ssh("-W", f"127.0.0.1:{gate.host.port}", "web-prod@gate", stdin="SSH-2.0-x\r\n")
    assert banner.stdout.startswith(b"SSH-2.0-OpenSSH")
    closed = eventually(lambda: gate.entries("tunnel.close", to=f"127.0.0.1:{gate.host.port}"), "the tunnel is audited")
    assert int(closed[0]["details"]["fromHost"]) > 10
    for metadata in ("169.254.169.254", "0xa9fea9fe", "2852039166"):
        assert b"may not be connected to" in gate.ada.ssh("-W", f"{metadata}:80", "web-prod@gate", check=255).stderr
    refused = gate.dora.ssh("-W", f"127.0.0.1:{gate.host.port}", "web-prod@gate", check=255)
    assert b"session.tunnel" in refused.stderr
    assert eventually(lambda: gate.entries("session.tunnel"), "the refusal is audited")
    listening = gate.dora.ssh("-o", "ExitOnForwardFailure=yes", "-R", "0:localhost:1", "web-prod@gate", "true", check=255)
    assert b"remote port forwarding failed" in listening.stderr


def test_an_admin_s_remote_forward_comes_back_to_the_client(gate):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(15)
        child = gate.ada.background(
            "-R", f"0:127.0.0.1:{server.getsockname()[1]}", "-o", "LogLevel=INFO", "web-prod@gate", "cat")
        try:
            line = child.stderr.readline().decode()
            port = int(line.split("port ")[1].split()[0])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as visitor:
                visitor.sendall(b"ping")
                peer, _ = server.accept()
                with peer:
                    assert peer.recv(4) == b"ping"
                    peer.sendall(b"pong")
                    assert visitor.recv(4) == b"pong"
        finally:
            child.kill()
            child.wait()


def test_agent_and_display_are_refused_in_words(gate):
    agent = gate.folder / "agent.sock"
    keeper = subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.DEVNULL)
    try:
        eventually(agent.exists, "the agent listens")
        done = gate.dora.run("env", f"SSH_AUTH_SOCK={agent}", "ssh", "-F", gate.dora.config, "-A", "-o",
                             "IdentityAgent=SSH_AUTH_SOCK", "web-prod@gate", "echo ${SSH_AUTH_SOCK:-none}", check=0)
    finally:
        keeper.kill()
        keeper.wait()
    assert done.stdout == b"none\n" and b"Agent forwarding is refused" in done.stderr


# --- Who is kept out ----------------------------------------------------------------------------------------------------


def test_a_password_lets_in_under_the_limits_of_every_door(gate):
    people = Client(gate.folder / "by-password", gate.copilot, "ada", key=False)

    def attempt(user, password):
        terminal = people.terminal("-o", "NumberOfPasswordPrompts=1", "-o",
                                   "PreferredAuthentications=keyboard-interactive", f"{user}@gate", "true")
        terminal.expect("[Pp]assword:")
        terminal.sendline(password)
        terminal.expect(pexpect.EOF)
        terminal.close()
        return terminal.exitstatus, terminal.before.strip().replace(user, "USER")

    status, _ = attempt("ada+web-prod", gate.password)
    assert status == 0
    wrong, unknown = attempt("ada+web-prod", "wrong"), attempt("nobody-here+web-prod", "wrong")
    assert wrong == unknown and wrong[0] == 255
    # A host's name alone says nothing about who comes.
    assert attempt("web-prod", gate.password)[0] == 255


def test_a_key_enters_under_no_other_person_s_name(gate):
    assert b"Permission denied" in gate.dora.ssh("ada+web-prod@gate", "true", check=255).stderr
    assert b"Permission denied" in gate.dora.ssh("-l", "ada:vault", "gate", "true", check=255).stderr
    # One word that is another person's name is a host's name, and there is none.
    assert b"that you may reach" in gate.dora.ssh("ada@gate", "true", check=255).stderr
    assert b"Permission denied" in gate.dora.ssh("-l", "+vault", "gate", "true", check=255).stderr
    unknown = gate.folder / "stranger"
    if not unknown.exists():
        gate.dora.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", unknown, check=0)
    stranger = gate.dora.ssh("-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                             "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", unknown, "-p",
                             str(gate.copilot.ssh_port), "ada@localhost", check=255)
    assert b"Permission denied" in stranger.stderr
    assert eventually(lambda: [one for one in gate.entries("user.sign_in", door="ssh") if one["outcome"] == "refused"],
                      "the stranger is written down")


def test_behind_a_jump_only_the_same_person_goes_on(gate):
    config = gate.folder / "mixed"
    config.write_text(gate.dora.config.read_text() + "\n")
    mixed = config.read_text().replace("Host gate\n", f"Host gate\n  IdentityFile {gate.ada.key}\n  User ada\n", 1)
    config.write_text(mixed.replace("  User dora\n", "", 1))
    # Ada's connection, with Dora's key for the inner one.
    done = gate.dora.run("ssh", "-F", config, "-J", "gate", "-o", f"IdentityFile={gate.dora.key}", "web-prod", "true")
    assert done.returncode == 255 and b"Permission denied" in done.stderr


@pytest.fixture
def eve(gate):
    """Somebody whose role a test takes away; she has it again afterwards."""
    yield gate.people["eve"]
    gate.rest.patch(f"/api/users/{gate.user('eve')}", {"role": "devops", "disabled": False}).expect(200)


def test_whoever_is_disabled_or_loses_a_role_is_out_within_a_second(gate, eve):
    shell = eve.terminal("-t", "web-prod@gate")
    shell.expect(PROMPT)
    command = eve.background("web-prod@gate", "echo ready; sleep 60")
    assert command.stdout.readline() == b"ready\n"
    files = eve.background("-s", "web-prod@gate", "sftp")
    files.stdin.write(b"\0\0\0\5\1\0\0\0\3")
    files.stdin.flush()
    assert files.stdout.read(4)
    gate.rest.patch(f"/api/users/{gate.user('eve')}", {"role": "guest"}).expect(200)
    begin = time.monotonic()
    assert command.wait(timeout=2) == 255 and files.wait(timeout=2) == 255
    assert b"may not" in command.stderr.read()
    assert time.monotonic() - begin < 1.5
    gate.rest.patch(f"/api/users/{gate.user('eve')}", {"role": "devops"}).expect(200)
    again = eve.terminal("-t", "web-prod@gate")
    again.expect(PROMPT)
    gate.rest.patch(f"/api/users/{gate.user('eve')}", {"disabled": True}).expect(200)
    assert ended_within(again, 1.5) and ended_within(shell, 1.5)
    assert b"Permission denied" in eve.ssh("web-prod@gate", "true", check=255).stderr


def test_a_key_that_is_removed_lets_nobody_go_on(gate):
    extra = Client(gate.folder / "extra", gate.copilot, "dora")
    command = extra.background("web-prod@gate", "echo ready; sleep 60")
    assert command.stdout.readline() == b"ready\n"
    gate.copilot.cli("user", "key", "remove", "dora", extra.fingerprint)
    # From the command line, another process than the one that serves: it looks each second.
    assert command.wait(timeout=4) == 255
    assert b"Permission denied" in extra.ssh("web-prod@gate", "true", check=255).stderr


def test_where_two_pairs_of_eyes_are_demanded_nothing_goes_unwatched(gate):
    gate.copilot.add_host("paired", gate.host, ("--password-stdin", "--tag", "devops", "--tag", "four-eyes"))
    for arguments in (["paired@gate", "true"], ["-tt", "paired@gate", "true"], ["-T", "paired@gate"],
                      ["-J", "gate", "paired", "true"]):
        assert b"somebody has to watch" in gate.dora.ssh(*arguments, check=255).stdout + gate.dora.ssh(
            *arguments, check=255).stderr
    files = gate.dora.run("sftp", "-F", gate.dora.config, "-b", "-", "paired@gate", stdin="ls\n")
    assert files.returncode != 0 and b"somebody has to watch" in files.stderr
    tunnel = gate.ada.ssh("-W", f"127.0.0.1:{gate.host.port}", "paired@gate", check=255)
    assert b"somebody has to watch" in tunnel.stderr


def test_guests_and_strangers_open_no_files(gate):
    done = gate.people["gus"].run("sftp", "-F", gate.people["gus"].config, "-b", "-", "web-prod@gate", stdin="ls\n")
    assert done.returncode != 0 and done.stdout == b""


def test_ended_sessions_are_all_in_the_page_and_none_is_left_open(gate):
    for session in live(gate.rest):
        gate.rest.end_session(session["id"])
    eventually(lambda: not live(gate.rest), "no session is left", 30)
    for session in gate.rest.get("/api/sessions", state="ended").expect(200)["sessions"]:
        assert session["ending"]["reason"] in ("exit", "ended_by", "host_lost", "no_seats"), session
    gate.copilot.cli("audit", "verify")
