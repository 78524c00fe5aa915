"""A person with a home folder of their own at `copilot ssh`: in a terminal, in a pipeline, with a configuration."""

import os
import pathlib
import socketserver
import subprocess
import threading

import pexpect

from copilot import BINARY
from ports import free_port


class Person:
    """Keys, known hosts and ssh_config below a folder; the account's own files are never read."""

    def __init__(self, folder, host):
        self.folder = pathlib.Path(folder)
        self.host = host
        self.folder.mkdir(parents=True, exist_ok=True)
        self.known_hosts = self.folder / "known_hosts"
        self.config = self.folder / "config"
        self.key = self.folder / "id_ed25519"
        self.key.write_text(host.make_client_key())
        self.key.chmod(0o600)
        self.runtime = self.folder / "run"
        self.runtime.mkdir(mode=0o700)
        self.trust(host)
        self.configure("")

    def trust(self, host):
        public = (host.folder / "host_key.pub").read_text().split()
        with self.known_hosts.open("a") as file:
            file.write(f"[{host.address}]:{host.port} {public[0]} {public[1]}\n")

    def configure(self, lines, key=True):
        """A host named `h`, with these lines before what makes it reachable."""
        identity = f"IdentityFile {self.key}\nIdentitiesOnly yes" if key else "IdentityFile none"
        self.config.write_text(f"""Host h
{lines}
HostName {self.host.address}
Port {self.host.port}
User {self.host.username}
{identity}
UserKnownHostsFile {self.known_hosts}
GlobalKnownHostsFile /dev/null
""")
        self.config.chmod(0o600)

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items()
                if name not in ("SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY", "XDG_RUNTIME_DIR")}
        return {**kept, "XDG_RUNTIME_DIR": str(self.runtime), "TERM": "xterm-256color", "SHELL": "/bin/sh"}

    def words(self, *arguments):
        return [str(BINARY), "ssh", "-F", str(self.config), *arguments]

    def run(self, *arguments, **options):
        """Without a terminal, to the end."""
        options.setdefault("timeout", 20)
        options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
        return subprocess.run(
            self.words(*arguments), env=self.environment, capture_output=True, start_new_session=True, **options)

    def start(self, *arguments, **options):
        return subprocess.Popen(self.words(*arguments), env=self.environment, start_new_session=True, **options)

    def at_terminal(self, *arguments, **options):
        words = self.words(*arguments)
        return pexpect.spawn(
            words[0], words[1:], env=self.environment, encoding="utf-8", timeout=15, codec_errors="replace", **options)


class Echo:
    """A server on loopback, or at a unix socket, that says a greeting and everything it hears in upper case."""

    def __init__(self, path=None):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"hello\n")
                for line in self.rfile:
                    self.wfile.write(line.upper())

        class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        class Inet(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.path = path
        self.port = None if path else free_port()
        self.server = Unix(str(path), Handler) if path else Inet(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
