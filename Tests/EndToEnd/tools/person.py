"""Somebody with a home of their own who runs copilot and OpenSSH's tools, with pipes or at a terminal."""

import os
import pathlib
import subprocess

import pexpect

from copilot import BINARY


class Person:
    def __init__(self, folder):
        self.home = pathlib.Path(folder) / "person"
        self.work = self.home / "work"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.work.mkdir()

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SSH_", "COPILOT_", "XDG_"))}
        kept.pop("DISPLAY", None)
        return {**kept, "HOME": str(self.home), "SHELL": "/bin/sh", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}

    def tool(self, *arguments, stdin="", check=True, env=None, timeout=60):
        """Runs a program without a terminal: what would be asked at /dev/tty fails."""
        done = subprocess.run(
            [str(argument) for argument in arguments], input=stdin.encode(), capture_output=True, timeout=timeout,
            cwd=self.work, env={**self.environment, **(env or {})}, start_new_session=True)
        # Text whose line ends stay as they are: recordings have those of terminals.
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        if check:
            assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def copilot(self, *arguments, **more):
        return self.tool(BINARY, *arguments, **more)

    def terminal(self, *arguments, env=None, size=(24, 80)):
        """Starts copilot at a terminal of its own."""
        return pexpect.spawn(
            str(BINARY), [str(argument) for argument in arguments], cwd=str(self.work),
            env={**self.environment, **(env or {})}, timeout=20, encoding="utf-8", dimensions=size)


def status_of(child):
    """How a program at a terminal ended, after all it said was read."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus
