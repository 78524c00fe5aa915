"""What the tests of `copilot sftp` and `copilot scp` share: a host, a person's home, trees, and a prompt at a PTY."""

import hashlib
import os
import pathlib
import random
import re
import stat
import subprocess

import pexpect
import pytest

from copilot import BINARY

PROMPT = "sftp> "


class Person:
    """Somebody on this machine with a key for one host, and a home and a working folder of their own."""

    def __init__(self, folder, host):
        self.home = pathlib.Path(folder) / "person"
        self.work = self.home / "work"
        (self.home / ".ssh").mkdir(parents=True)
        self.work.mkdir()
        self.host = host
        key = self.home / ".ssh/id_ed25519"
        key.write_text(host.make_client_key())
        key.chmod(0o600)
        self.known_hosts = self.home / ".ssh/known_hosts"
        public = (host.folder / "host_key.pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{host.port} {public[0]} {public[1]}\n")
        self.config = self.home / ".ssh/config"
        self.config.write_text(f"""Host web web2
  HostName 127.0.0.1
  Port {host.port}
  User {host.username}
  IdentityFile {key}
  IdentityAgent none
  UserKnownHostsFile {self.known_hosts}
  GlobalKnownHostsFile /dev/null
""")
        # Where this visit of the account works; its own home is everybody's in a run.
        self.remote = host.account.home / self.home.parent.name
        self.remote.mkdir()
        os.chown(self.remote, host.account.uid, host.account.gid)

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if name not in ("SSH_AUTH_SOCK", "XDG_STATE_HOME")}
        return {**kept, "HOME": str(self.home), "LANG": "C.UTF-8", "SHELL": "/bin/sh", "TERM": "xterm"}

    def command(self, tool, *arguments):
        return [str(BINARY), tool, "-F", str(self.config), *map(str, arguments)]

    def run(self, tool, *arguments, input=None, timeout=60):
        return subprocess.run(
            self.command(tool, *arguments), input=input, capture_output=True, text=True, errors="replace",
            timeout=timeout, cwd=self.work, env=self.environment)

    def sftp(self, commands, *options):
        """A batch: its lines on standard input."""
        return self.run("sftp", "-b", "-", *options, "web", input=commands)

    def scp(self, *arguments, **more):
        return self.run("scp", *arguments, **more)

    def prompt(self, *options, host="web", columns=80, rows=24):
        """A visit at a PTY, which waits for its first prompt."""
        child = self.at_terminal("sftp", *options, host, columns=columns, rows=rows)
        child.expect_exact(PROMPT)
        return child

    def at_terminal(self, tool, *arguments, columns=80, rows=24):
        line = self.command(tool, *arguments)
        return pexpect.spawn(
            line[0], line[1:], cwd=str(self.work), env=self.environment, dimensions=(rows, columns), timeout=20,
            encoding="utf-8", codec_errors="replace")

    def own(self, path):
        self.host.account.own(path)


def fill(path, size, seed=1):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


def make_tree(root, files=40):
    """Directories, empty ones too, names that need quoting, modes and times."""
    root = pathlib.Path(root)
    for number in range(files):
        path = root / f"d{number % 5}" / f"sub {number % 3}" / f"file {number}.txt"
        fill(path, number * 997, seed=number)
        path.chmod(0o640 if number % 2 else 0o755)
        os.utime(path, (1_600_000_000 + number, 1_500_000_000 + number))
    (root / "empty").mkdir()
    fill(root / "it's [1] \"x\" #2*?.txt", 10)
    fill(root / "ünïcödé 漢字", 10)
    fill(root / "big.bin", 3_000_000)
    return root


def digest(root, *, times=False, modes=False):
    """What a tree holds, as one value that can be compared."""
    found = {}
    root = pathlib.Path(root)
    for path in [root, *root.rglob("*")]:
        name = str(path.relative_to(root))
        facts = path.lstat()
        entry = []
        if stat.S_ISREG(facts.st_mode):
            entry.append(hashlib.sha256(path.read_bytes()).hexdigest())
            if times:
                entry.append(int(facts.st_mtime))
        if modes:
            entry.append(oct(facts.st_mode))
        found[name] = (stat.S_IFMT(facts.st_mode), *entry)
    return found


def plain(text):
    """Terminal output without its escape sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x07", "", text)


@pytest.fixture
def person(folder, host):
    """Somebody with a key for a running host, which `web` names in their ssh_config."""
    return Person(folder, host)
