"""People with plain OpenSSH clients at the copilot's SSH port: a home, a key, and a known_hosts of one line."""

import pathlib
import subprocess

import pexpect

from ports import eventually


class Client:
    """One person's laptop: `ssh`, `scp`, `sftp`, `rsync`, `git` as they are."""

    def __init__(self, folder, copilot, username, *, key=True):
        self.home = pathlib.Path(folder) / f"laptop-{username}"
        self.home.mkdir(mode=0o700, parents=True)
        self.copilot, self.username = copilot, username
        self.config = self.home / "config"
        self.known_hosts = self.home / "known_hosts"
        self.known_hosts.write_text(copilot.cli("ssh-ca").stdout)
        lines = [
            "Host gate", "  HostName localhost", f"  Port {copilot.ssh_port}", f"  User {username}",
            "Host *", f"  UserKnownHostsFile {self.known_hosts}", "  GlobalKnownHostsFile /dev/null",
            "  StrictHostKeyChecking yes", "  IdentityAgent none", "  IdentitiesOnly yes", "  LogLevel INFO",
        ]
        if key:
            self.key = self.home / "id"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", username, "-f", str(self.key)],
                           check=True, stdin=subprocess.DEVNULL)
            copilot.cli("user", "key", "add", username, str(self.key) + ".pub")
            lines += [f"  IdentityFile {self.key}", "  BatchMode yes"]
        else:
            lines += ["  PubkeyAuthentication no"]
        self.config.write_text("\n".join(lines) + "\n")

    @property
    def fingerprint(self):
        shown = subprocess.run(["ssh-keygen", "-l", "-f", str(self.key) + ".pub"], capture_output=True, text=True,
                               check=True).stdout
        return shown.split()[1]

    @property
    def environment(self):
        return {"HOME": str(self.home), "PATH": "/usr/sbin:/usr/bin:/bin", "TERM": "xterm-256color",
                "LC_ALL": "C.UTF-8", "GIT_SSH_COMMAND": f"ssh -F {self.config}", "RSYNC_RSH": f"ssh -F {self.config}",
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}

    def run(self, *arguments, stdin="", check=None, timeout=30, cwd=None):
        """Runs a program; its output is bytes, since commands carry what they like."""
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        done = subprocess.run([str(argument) for argument in arguments], input=data, capture_output=True,
                              timeout=timeout, cwd=cwd or self.home, env=self.environment, start_new_session=True)
        if check is not None:
            assert done.returncode == check, f"{arguments}: {done.returncode}\n{done.stdout!r}\n{done.stderr!r}"
        return done

    def ssh(self, *arguments, **more):
        return self.run("ssh", "-F", self.config, *arguments, **more)

    def background(self, *arguments):
        return subprocess.Popen(["ssh", "-F", str(self.config), *map(str, arguments)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment, cwd=self.home)

    def terminal(self, *arguments, size=(24, 80), program="ssh"):
        return pexpect.spawn(program, ["-F", str(self.config), *map(str, arguments)], env=self.environment,
                             cwd=str(self.home), timeout=20, encoding="utf-8", dimensions=size)


def ended_within(child, seconds):
    """Whether a client at a terminal is put out in time."""
    child.expect(pexpect.EOF, timeout=seconds)
    child.close()
    return True


def live(person):
    return person.get("/api/sessions", state="live").expect(200)["sessions"]


def live_session(person, alias):
    return eventually(lambda: next((one for one in live(person) if one["host"]["alias"] == alias), None),
                      f"a live session at {alias}")
