"""`copilot agent`: OpenSSH's ssh-add and ssh use it, and its own commands use OpenSSH's agent."""

import json
import os
import pathlib
import re
import signal
import stat

import pytest

from copilot import BINARY
from person import Person, status_of
from ports import eventually


@pytest.fixture
def person(folder):
    made = Person(folder)
    for name in ("key", "other"):
        made.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name)
    return made


class Agent:
    """An agent in the background, as `eval "$(copilot agent)"` starts it."""

    def __init__(self, person, *flags, env=None):
        self.person = person
        said = person.copilot("agent", "-s", *flags, env=env).stdout
        self.socket = re.search(r"SSH_AUTH_SOCK=([^;]+);", said).group(1)
        self.pid = int(re.search(r"SSH_AGENT_PID=(\d+);", said).group(1))
        self.env = {"SSH_AUTH_SOCK": self.socket, "SSH_AGENT_PID": str(self.pid)}

    def tool(self, *arguments, **more):
        return self.person.tool(*arguments, env={**self.env, **more.pop("env", {})}, **more)

    def copilot(self, *arguments, **more):
        return self.person.copilot("agent", *arguments, env={**self.env, **more.pop("env", {})}, **more)

    @property
    def runs(self):
        try:
            return pathlib.Path(f"/proc/{self.pid}/stat").read_text().split(")")[1].split()[0] != "Z"
        except OSError:
            return False

    def stop(self, number=signal.SIGTERM):
        if self.runs:
            os.kill(self.pid, number)
        eventually(lambda: not self.runs, "the agent ends")


@pytest.fixture
def make_agent(person):
    made = []

    def make(*flags, env=None):
        made.append(Agent(person, *flags, env=env))
        return made[-1]

    yield make
    for agent in made:
        agent.stop()


@pytest.fixture
def agent(make_agent):
    return make_agent()


def test_ssh_add_fills_lists_and_empties_it(person, agent):
    assert agent.tool("ssh-add", "-l", check=False).returncode == 1
    agent.tool("ssh-add", "key", "other")
    theirs = agent.tool("ssh-add", "-l").stdout
    assert agent.copilot("list").stdout == theirs and len(theirs.splitlines()) == 2
    assert agent.copilot("list", "-L").stdout == agent.tool("ssh-add", "-L").stdout
    agent.tool("ssh-add", "-d", "key")
    assert [key["comment"] for key in json.loads(agent.copilot("list", "--json").stdout)] == ["other"]
    agent.tool("ssh-add", "-D")
    assert agent.copilot("list", check=False).returncode == 1


def test_ssh_logs_in_with_a_key_of_it(person, agent, host):
    host.authorize((person.work / "key.pub").read_text())
    agent.copilot("add", "key")
    done = agent.tool(
        "ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-p", host.port,
        f"{host.username}@127.0.0.1", "echo in")
    assert done.stdout == "in\n"


def test_only_its_owner_gets_at_the_socket(agent):
    assert stat.S_IMODE(os.stat(agent.socket).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(agent.socket)).st_mode) == 0o700
    limits = pathlib.Path(f"/proc/{agent.pid}/limits").read_text()
    assert re.search(r"Max core file size\s+0\s", limits)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_and_takes_its_socket_away(agent, number):
    agent.stop(number)
    assert not os.path.exists(os.path.dirname(agent.socket))


def test_k_stops_it_and_unsets_what_was_set(agent):
    said = agent.copilot("-k").stdout
    assert "unset SSH_AUTH_SOCK;" in said and f"Agent pid {agent.pid} killed" in said
    eventually(lambda: not agent.runs, "the agent ends")


def test_lines_for_csh_are_its_own(person, make_agent):
    said = person.copilot("agent", "-c", "-a", f"{person.home}/agent/sock").stdout
    pid = int(re.search(r"setenv SSH_AGENT_PID (\d+);", said).group(1))
    try:
        assert f"setenv SSH_AUTH_SOCK {person.home}/agent/sock;" in said
    finally:
        os.kill(pid, signal.SIGTERM)
    eventually(lambda: not os.path.exists(f"{person.home}/agent/sock"), "its socket goes")


def test_for_a_command_it_lives_as_long_as_the_command(person):
    done = person.copilot(
        "agent", "--", "sh", "-c", "ssh-add -q key && ssh-add -l && echo $SSH_AUTH_SOCK && exit 7", check=False)
    assert done.returncode == 7
    listed, socket = done.stdout.splitlines()
    assert "key" in listed and not os.path.exists(socket)
    assert person.copilot("agent", "sh", "-c", "kill -9 $$", check=False).returncode == 137
    assert person.copilot("agent", "/no/such/program", check=False).returncode == 2


def test_a_folder_that_others_may_enter_is_refused(person):
    (person.home / "open").mkdir(mode=0o755)
    done = person.copilot("agent", "-a", f"{person.home}/open/sock", check=False)
    assert done.returncode == 2 and "0700" in done.stderr


def test_a_certificate_beside_the_key_is_added_with_it(person, agent):
    person.copilot("keygen", "-q", "-s", "other", "-I", "x", "-n", "ada", "key.pub")
    agent.copilot("add", "key")
    assert "(ED25519-CERT)" in agent.tool("ssh-add", "-l").stdout
    agent.copilot("remove", "key")
    assert agent.tool("ssh-add", "-l", check=False).returncode == 1


def test_a_lifetime_ends(person, make_agent):
    agent = make_agent("-t", "1")
    agent.copilot("add", "key")
    agent.copilot("add", "-t", "1h", "other")
    eventually(lambda: "key" not in agent.tool("ssh-add", "-l").stdout, "the key is forgotten")
    assert "other" in agent.tool("ssh-add", "-l").stdout


def test_a_locked_agent_shows_nothing_until_it_is_unlocked(person, agent):
    agent.tool("ssh-add", "-q", "key")
    (person.work / "secret").write_text("lock\n")
    (person.work / "wrong").write_text("luck\n")
    agent.copilot("lock", "--passphrase-file", "secret")
    assert agent.tool("ssh-add", "-l", check=False).returncode == 1
    done = agent.copilot("unlock", "--passphrase-file", "wrong", check=False)
    assert done.returncode == 1 and "passphrase" in done.stderr
    agent.copilot("unlock", "--passphrase-file", "secret")
    agent.tool("ssh-add", "-l")


def askpass(person, name, body):
    path = person.home / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return {"SSH_ASKPASS": str(path), "SSH_ASKPASS_REQUIRE": "force"}


@pytest.mark.parametrize("answer, status", [("exit 0", 0), ("exit 1", 255)])
def test_a_confirmed_key_signs_only_after_a_yes(person, make_agent, host, answer, status):
    agent = make_agent(env=askpass(person, "ask", f'echo "$SSH_ASKPASS_PROMPT: $1" > "{person.home}/asked"; {answer}'))
    host.authorize((person.work / "key.pub").read_text())
    agent.copilot("add", "-c", "key")
    done = agent.tool(
        "ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-p", host.port,
        f"{host.username}@127.0.0.1", "true", check=False)
    assert done.returncode == status
    asked = (person.home / "asked").read_text()
    assert asked.startswith("confirm: Allow use of key key?") and "SHA256:" in asked


def test_a_passphrase_comes_from_askpass_or_the_terminal(person, agent):
    person.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", "locked")
    agent.copilot("add", "locked", env=askpass(person, "pass", 'echo "open sesame"'))
    assert len(agent.tool("ssh-add", "-l").stdout.splitlines()) == 1
    agent.copilot("remove", "--all")
    child = person.terminal("agent", "add", "locked", env=agent.env)
    for typed in ("wrong", "open sesame"):
        child.expect("Enter passphrase for locked: ")
        child.sendline(typed)
    assert status_of(child) == 0
    agent.tool("ssh-add", "-l")


def test_a_key_bound_to_a_destination_goes_nowhere_else(person, agent, make_host):
    near, far = make_host(), make_host()
    for each in (near, far):
        each.authorize((person.work / "key.pub").read_text())
    known = person.home / ".ssh/known_hosts"
    with known.open("w") as file:
        for name, each in (("near", near), ("far", far)):
            public = (each.folder / "host_key.pub").read_text().split()
            file.write(f"{name} {public[0]} {public[1]}\n")
    agent.copilot("add", "-h", "near", "key")

    def login(name, each):
        return agent.tool(
            "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", f"HostKeyAlias={name}",
            "-o", f"UserKnownHostsFile={known}", "-p", each.port, f"{each.username}@127.0.0.1", "true", check=False)

    assert login("near", near).returncode == 0
    assert login("far", far).returncode == 255
    done = agent.copilot("add", "-h", "nowhere", "key", check=False)
    assert done.returncode == 2 and "nowhere" in done.stderr


def test_its_commands_speak_to_openssh_s_agent(person):
    done = person.tool("ssh-agent", "-s")
    env = dict(re.findall(r"(SSH_\w+)=([^;]+);", done.stdout))
    try:
        person.copilot("agent", "add", "-t", "1h", "key", env=env)
        theirs = person.tool("ssh-add", "-l", env=env).stdout
        assert person.copilot("agent", "list", env=env).stdout == theirs
        person.copilot("agent", "remove", theirs.split()[1], env=env)
        assert person.tool("ssh-add", "-l", env=env, check=False).returncode == 1
    finally:
        os.kill(int(env["SSH_AGENT_PID"]), signal.SIGTERM)


def test_without_an_agent_it_is_said_how_to_start_one(person):
    done = person.copilot("agent", "list", check=False)
    assert done.returncode == 2 and "copilot agent" in done.stderr


def test_the_background_agent_holds_none_of_its_starter_s_streams(person):
    """A script that waits for the end of the pipe goes on."""
    done = person.tool("sh", "-c", 'eval "$("$0" agent -s)" && echo up && kill $SSH_AGENT_PID', BINARY, timeout=20)
    assert done.stdout.splitlines()[-1] == "up"
