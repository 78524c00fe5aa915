"""Interactive applications for stock ssh: behind OpenSSH's sshd by copilot-dispatch, and on a server of ours."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pexpect

from copilot import BINARY
from ports import Process, accepts, eventually, free_port

PROGRAMS = BINARY.parent


class Ground:
    """A folder whose parents only root may write to: sshd asks that of an AuthorizedKeysCommand. Programs in it can be
    started by any account."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="copilot-e2e-", dir="/var/lib"))
        self.path.chmod(0o755)

    def program(self, name):
        place = self.path / name
        if not place.exists():
            built = PROGRAMS / name
            try:
                assert built.stat().st_uid == 0 and built.stat().st_mode & 0o777 == 0o755
                os.link(built, place)
            except (AssertionError, OSError):
                # Another account's, or on another disk.
                shutil.copy(built, place)
                place.chmod(0o755)
        return place

    def write(self, name, text, mode=0o644):
        place = self.path / name
        place.write_text(text)
        place.chmod(mode)
        return place

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Key:
    """A person's key pair."""

    def __init__(self, folder, name, kind="ed25519"):
        self.path = pathlib.Path(folder) / f"key_{name}"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{name}@laptop", "-f", str(self.path)], check=True,
            stdin=subprocess.DEVNULL)
        self.type, self.base64 = self.path.with_suffix(".pub").read_text().split()[:2]

    @property
    def line(self):
        return f"{self.type} {self.base64}"

    @property
    def fingerprint(self):
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(self.path)], check=True, capture_output=True, text=True).stdout
        return shown.split()[1]


class Door:
    """Where applications are reached, for stock ssh."""

    def __init__(self, port, login):
        self.port = port
        self.login = login

    def arguments(self, key, *words, options=()):
        return [
            "ssh", "-F", "none", "-p", str(self.port), "-i", str(key.path), "-o", "IdentitiesOnly=yes", "-o",
            "IdentityAgent=none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
            "LogLevel=ERROR", "-o", "BatchMode=yes", *options, f"{self.login}@127.0.0.1", *words]

    def run(self, key, *words, options=("-T",), stdin=""):
        return subprocess.run(
            self.arguments(key, *words, options=options), input=stdin, capture_output=True, text=True, timeout=60)

    def terminal(self, key, *words, options=("-t",), size=(24, 80)):
        arguments = self.arguments(key, *words, options=options)
        return pexpect.spawn(
            arguments[0], arguments[1:], encoding="utf-8", timeout=20, dimensions=size,
            env={**os.environ, "TERM": "xterm"})


def ended(child):
    """Waits for the end of a program in a terminal and says its status."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


class OwnServer:
    """An example program that listens by itself."""

    def __init__(self, ground, program, keys, *flags):
        port = free_port()
        host_key = ground.path / f"host_key_{port}"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host_key)], check=True, stdin=subprocess.DEVNULL)
        self.process = Process(
            [str(ground.program(program)), *flags, "--listen", str(port), "--host-key", str(host_key), "--keys",
             str(keys)])
        eventually(lambda: accepts(port) or self.process.has_ended, f"{program} listens")
        assert not self.process.has_ended, self.process.output
        self.port = port

    def stop(self):
        self.process.stop()


class BuildService:
    """The example's service, with jobs of real processes."""

    def __init__(self, ground, people, jobs):
        plan = ground.write("plan.json", json.dumps({"people": people, "jobs": jobs}))
        self.folder = ground.path / "jobs"
        # The environment is the account's that sshd gives, so its folder is open to it.
        self.folder.mkdir()
        self.process = Process(
            [str(ground.program("example-builds")), "service", "--port", "0", "--folder", str(self.folder), "--plan",
             str(plan)])
        found = eventually(
            lambda: self.process.has_ended or re.search(r"listens on port (\d+)", self.process.output),
            "the build service listens")
        assert not self.process.has_ended, self.process.output
        self.address = f"http://127.0.0.1:{found.group(1)}"

    def stop(self):
        if not self.process.has_ended:
            self.process.kill()


def dispatch_options(ground, *flags, user="nobody"):
    """What stands in sshd_config."""
    command = ground.program("copilot-dispatch")
    return f"AuthorizedKeysCommand {command} %u %h %t %k {' '.join(flags)}\nAuthorizedKeysCommandUser {user}\n"
