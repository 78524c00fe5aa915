"""Free ports, processes that are known by their pid, and waiting for a fact instead of for time."""

import os
import signal
import socket
import subprocess
import threading
import time


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def eventually(question, what, seconds=15.0, pause=0.05):
    """Asks until the answer is true and returns it; what it waited for is in the failure."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"within {seconds:g} s this did not come true: {what}"
        time.sleep(pause)


def accepts(port, address="127.0.0.1"):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def process_tree(pid):
    """The process and everything below it, children first."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            for child in children.read().split():
                found += process_tree(int(child))
    except OSError:
        pass
    return found + [pid]


def kill_tree(pid, number=signal.SIGKILL):
    for process in process_tree(pid):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            pass


class Process:
    """A child process whose output is kept, line by line, while it runs."""

    def __init__(self, arguments, env=None, cwd=None):
        self.arguments = arguments
        self.lines = []
        self.child = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=env, cwd=cwd, text=True, errors="replace", start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self):
        return "\n".join(self.lines)

    @property
    def pid(self):
        return self.child.pid

    @property
    def has_ended(self):
        return self.child.poll() is not None

    def wait(self, seconds=20):
        status = self.child.wait(timeout=seconds)
        self.reader.join(timeout=5)
        return status

    def stop(self, seconds=20):
        if self.has_ended:
            return self.child.returncode
        self.child.terminate()
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.arguments[0]} did not stop within {seconds} s of SIGTERM:\n{self.output[-2000:]}")

    def kill(self):
        kill_tree(self.pid)
        self.child.wait()
