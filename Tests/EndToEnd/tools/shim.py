"""A running `copilot shim`, and OpenSSH's own clients that go through it."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from copilot import BINARY
from ports import Process, eventually, process_tree


@pytest.fixture
def make_shim(folder, make_host):
    shims = []

    def make(*flags, options="", host=None, start=True, **more):
        host = host or make_host(f"AcceptEnv TEST_*\nX11Forwarding yes\n{options}")
        made = Shim(folder / f"shim{len(shims)}", host, *flags, **more)
        shims.append(made)
        return made.start() if start else made

    yield make
    for made in shims:
        if made.process is not None and not made.process.has_ended:
            made.process.kill()


@pytest.fixture
def shim(make_shim):
    return make_shim()


@pytest.fixture
def echo_server():
    """A TCP server of this machine that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def serve(end):
        with end:
            while data := end.recv(65536):
                end.sendall(data)

    def accept():
        while True:
            try:
                end, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(end,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def echoes_by_socks(port, target):
    """A port of this machine, through a SOCKS 5 listener (RFC 1928), sends back what it gets."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as end:
        end.sendall(b"\x05\x01\x00")
        assert end.recv(2) == b"\x05\x00"
        end.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + target.to_bytes(2, "big"))
        assert end.recv(10)[:2] == b"\x05\x00"
        end.sendall(b"socks")
        assert end.recv(5) == b"socks"


def echoes_by_path(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(5)
        end.connect(str(path))
        end.sendall(b"unix")
        assert end.recv(4) == b"unix"


def echoes(port, word=b"ping"):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as end:
            end.settimeout(3)
            end.sendall(word)
            return end.recv(100) == word
    except OSError:
        return False


def connections_at(host):
    """The processes of sshd's connections, those that are signed in."""
    return [child for child in process_tree(host.listener.pid) if child != host.listener.pid]


def lose(host):
    """Every connection of the host ends at once, its listener stays. What runs in them ends last: nobody is told of its end."""
    for process in reversed(connections_at(host)):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Shim:
    """A shim over one sshd, with a home of its own: nothing of the person who runs the tests is read or written."""

    def __init__(self, folder, host, *flags, port=None, key=True, env=None):
        self.folder = pathlib.Path(folder)
        self.home = self.folder / "home"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.host = host
        port = port or host.port
        public = (host.folder / "host_key.pub").read_text().split()
        self.known_hosts = self.home / ".ssh" / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
        arguments = ["--host", "127.0.0.1", "--port", str(port), "--username", host.username]
        if key:
            self.key = self.home / "far_key"
            self.key.write_text(host.make_client_key())
            self.key.chmod(0o600)
            arguments += ["--ed25519-key", str(self.key)]
        self.env = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(env or {})}
        self.arguments = [*arguments, "--local-port", "0", "-o", f"UserKnownHostsFile={self.known_hosts}", *flags]
        self.process = None
        self.port = None

    def start(self):
        self.process = Process([str(BINARY), "shim", *self.arguments, "--json"], env=self.env)
        eventually(lambda: self.event("ready") or self.process.has_ended, "the shim is ready, or has ended")
        ready = self.event("ready")
        assert ready, f"the shim ended: {self.process.output}"
        self.port = int(ready["listening"].split()[0].rsplit(":", 1)[1])
        self.identity = ready["identity"]
        # One for each host; the first one's is enough here.
        self.control = pathlib.Path(ready["control"].split()[0])
        config = self.folder / "ssh_config"
        config.write_text(
            f"Host shim\n HostName 127.0.0.1\n Port {self.port}\n User anybody\n IdentityFile {self.identity}\n"
            f" IdentitiesOnly yes\n HostKeyAlias copilot-shim\n UserKnownHostsFile {ready['known_hosts']}\n"
            " StrictHostKeyChecking yes\n LogLevel ERROR\n"
            # Nothing answers at port 1: whoever gets through came by the control socket.
            f"Host control\n HostName 127.0.0.1\n Port 1\n User anybody\n ControlPath {self.control}\n"
            " ControlMaster no\n LogLevel ERROR\n")
        self.config = str(config)
        return self

    @property
    def events(self):
        return [json.loads(line) for line in list(self.process.lines) if line.startswith("{")]

    def event(self, name):
        return next((event for event in self.events if event["event"] == name), None)

    def count(self, name):
        return sum(event["event"] == name for event in self.events)

    # OpenSSH's clients.

    def command(self, *arguments, program="ssh"):
        return [program, "-F", self.config, *arguments]

    def ssh(self, *arguments, timeout=20, check=False, **options):
        return subprocess.run(
            self.command(*arguments), capture_output=True, timeout=timeout, check=check,
            **{"stdin": subprocess.DEVNULL, "env": self.env, **({} if "input" not in options else {"stdin": None}),
               **options})

    def run(self, command, timeout=20, way="shim"):
        """The command's output; it must succeed."""
        done = self.ssh(way, command, timeout=timeout)
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout.decode()

    def descriptors(self):
        """How many the shim has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def start_ssh(self, *arguments, **options):
        return subprocess.Popen(
            self.command(*arguments), stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**self.env, **options.pop("env", {})}, **options)

    def stop(self):
        if self.process is not None and not self.process.has_ended:
            self.process.stop()
