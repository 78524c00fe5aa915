"""`copilot ssh-server` as a process, its event lines, and the standard clients' command lines for it."""

import json
import os
import pathlib
import pty
import subprocess
import threading

from copilot import BINARY
from ports import eventually


class Server:
    """One server on a free port of loopback. Its events are JSON lines; `flags` are those of the command."""

    def __init__(self, folder, *flags, account=None, binary=BINARY):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.account = account
        self.binary = binary
        self.flags = list(flags)
        self.events = []
        self.text = ""
        self.process = None
        self.port = None

    @property
    def command(self):
        run = [str(self.binary), "ssh-server", "--port", "0", "--bind", "127.0.0.1", "--log", "json",
               "--host-key-path", str(self.folder / "host_key"), *map(str, self.flags)]
        if self.account is None:
            return run
        return ["setpriv", f"--reuid={self.account.uid}", f"--regid={self.account.gid}", "--init-groups",
                "env", f"HOME={self.account.home}", *run]

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        listening = eventually(
            lambda: self.process.poll() is not None or self.named("listening"), "the server listens", 30)
        assert listening is not True, f"the server ended at once:\n{self.text}"
        self.port = int(listening[0]["address"].rsplit(":", 1)[1])
        return self

    def _read(self):
        for line in self.process.stderr:
            self.text += line
            try:
                self.events.append(json.loads(line))
            except ValueError:
                pass

    def named(self, name):
        return [event for event in self.events if event["event"] == name]

    def event(self, name, **fields):
        """Waits for an event with these fields."""
        return eventually(
            lambda: next((e for e in self.named(name) if all(e.get(k) == v for k, v in fields.items())), None),
            lambda_text(name, fields, self))

    def stop(self, number=15):
        if self.process is None or self.process.poll() is not None:
            # It ended by itself: the failure shows why.
            print(self.text[:200000])
            return
        self.process.send_signal(number)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    # The standard clients

    def options(self, key, *more):
        known = self.folder / "known_hosts"
        return ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=accept-new",
                "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-i", str(key), *more]

    def ssh(self, user, key, *command, options=(), **more):
        return run(["ssh", *self.options(key, *options), "-p", str(self.port), f"{user}@127.0.0.1", *command], **more)


def lambda_text(name, fields, server):
    return f"an event {name} with {fields}; there are {[e for e in server.events][-8:]}"


def run(command, timeout=30, **more):
    more.setdefault("stdin", subprocess.DEVNULL if "input" not in more else None)
    if "input" in more:
        more.pop("stdin")
    return subprocess.run(command, capture_output=True, text=more.pop("text", True), timeout=timeout, **more)


def make_key(folder, name="key", kind="ed25519"):
    path = pathlib.Path(folder) / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(path)], check=True)
    return path


def public(key):
    return pathlib.Path(f"{key}.pub").read_text().strip()


class Terminal:
    """A client on a terminal of its own, as a person has it."""

    def __init__(self, command, columns=80, rows=24):
        import fcntl
        import struct
        import termios

        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvp(command[0], command)
        self.seen = ""
        self.status = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.seen += data.decode(errors="replace")

    def resize(self, columns, rows):
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, text, seconds=15):
        """Waits for text, forgets everything up to its end, and returns what stood before it."""
        eventually(lambda: text in self.seen, f"{text!r} on the terminal, which shows {self.seen[-500:]!r}", seconds, 0.01)
        before, _, self.seen = self.seen.partition(text)
        return before

    def wait(self):
        def ended():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid

        if self.status is None:
            eventually(ended, "the client ends")
        os.close(self.master)
        return self.status
