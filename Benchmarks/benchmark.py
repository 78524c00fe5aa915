"""The gateway beside plain ssh, on the same sshd and in turns; see `Benchmarks/run --help`."""

import argparse
import json
import os
import pathlib
import pty
import selectors
import statistics
import subprocess
import sys
import tempfile
import time
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))

from copilot import Copilot, Person  # noqa: E402
from hosts import Account, SSHHost  # noqa: E402
from wire import Wire  # noqa: E402

MEGABYTES = 100


class Stage:
    """One sshd, one account, and one copilot that knows the host as `web-1`."""

    def __init__(self, folder, encrypted):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        self.encrypted = encrypted
        self.account = Account(self.folder)
        self.host = SSHHost(self.folder / "host", self.account, "MaxSessions 200").start()
        self.key = self.folder / "client"
        self.key.write_text(self.host.make_client_key())
        self.key.chmod(0o600)
        # Cleartext on loopback for the bulk: Python's TLS would be what is measured with 50 readers.
        self.copilot = Copilot(self.folder / "copilot", [] if encrypted else ["--http"])
        self.password = self.copilot.add_user("ada")
        self.copilot.start()
        self.copilot.add_host("web-1", self.host)
        self.person = Person(self.copilot).sign_in("ada", self.password)

    def ssh(self, *command, options=()):
        return ["ssh", "-p", str(self.host.port), "-i", str(self.key), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-F", "none", *options,
                f"{self.host.username}@{self.host.address}", *command]

    def wire(self, session):
        return Wire(self.person, session, self.encrypted)

    def close(self):
        self.copilot.stop()
        self.host.stop()
        self.account.remove()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_kib(pid):
    """Memory that the process alone has: what would be free without it."""
    total = 0
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            total += int(line.split()[1])
    return total


def milliseconds(samples):
    ordered = sorted(samples)
    return {"p50": statistics.median(ordered) * 1000, "p99": ordered[int(len(ordered) * 0.99)] * 1000}


def latency(stage, quick):
    """One character at a time to a terminal that echoes it; both ways in turns against the same sshd."""
    rounds, strokes = (2, 100) if quick else (5, 300)
    session = stage.person.start_session("web-1")
    wire = stage.wire(session["id"])
    wire.type(b"stty raw -echo; echo re''ady; exec cat\n")
    wire.until(b"ready")
    master, slave = pty.openpty()
    tty.setraw(slave)
    plain = subprocess.Popen(stage.ssh(options=["-tt"]), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, b"stty raw -echo; echo re''ady; exec cat\n")
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 65536)
    time.sleep(0.3)

    def through_gateway(letter):
        wire.type(letter)
        seen = b""
        while letter not in seen:
            seen += wire.receive()

    def through_ssh(letter):
        os.write(master, letter)
        while letter not in os.read(master, 65536):
            pass

    ratios, gateway, direct = [], [], []
    for _ in range(rounds):
        one = [timed(through_ssh, number) for number in range(strokes)]
        other = [timed(through_gateway, number) for number in range(strokes)]
        ratios.append(statistics.median(other) / statistics.median(one))
        direct += one
        gateway += other
    plain.kill()
    plain.wait()
    os.close(master)
    wire.close()
    stage.person.end_session(session["id"])
    return {"ssh ms": milliseconds(direct), "gateway ms": milliseconds(gateway),
            "ratio p50": statistics.median(ratios)}


def timed(action, number):
    # A typist's pace would be 100 ms; a few milliseconds are enough for both ends to fall asleep.
    time.sleep(0.002)
    letter = bytes([ord("a") + number % 26])
    begin = time.perf_counter()
    action(letter)
    return time.perf_counter() - begin


def bulk(stage, quick):
    """A big text file by `cat`: to /dev/null by ssh with a terminal, and to viewers until each is at the end."""
    size = (20 if quick else MEGABYTES) * 1_000_000
    big = stage.folder / "big.txt"
    line = b"".join(bytes([33 + (number * 7) % 90]) for number in range(99)) + b"\n"
    big.write_bytes(line * (size // len(line)))
    big.chmod(0o644)
    result = {"megabytes": size / 1e6}
    begin = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        subprocess.run(stage.ssh("cat", str(big), options=["-tt"]), stdin=subprocess.DEVNULL, stdout=nowhere, check=True)
    plain = time.perf_counter() - begin
    result["ssh s"] = plain
    for viewers in (1, 50):
        result[f"{viewers} viewers"] = fan_out(stage, big, viewers, plain)
    return result


def fan_out(stage, big, viewers, plain):
    session = stage.person.start_session("web-1")
    wires = [stage.wire(session["id"]) for _ in range(viewers)]
    wires[0].type(b"echo re''ady\n")
    for wire in wires:
        wire.until(b"ready")
        wire.delivered = 0
    used = cpu_seconds(stage.copilot.process.pid)
    begin = time.perf_counter()
    wires[0].type(f"cat {big}; echo fi''nished\n".encode())
    waiting = selectors.DefaultSelector()
    for wire in wires:
        waiting.register(wire.socket, selectors.EVENT_READ, wire)
    first_end = None
    while waiting.get_map():
        for key, _ in waiting.select(timeout=60) or [(None, None)]:
            assert key is not None, "nothing came for a minute"
            wire = key.data
            wire.tail = (wire.tail + wire.receive()[-200:])[-4000:]
            if b"finished" in wire.tail:
                waiting.unregister(wire.socket)
                first_end = first_end or time.perf_counter()
    end = time.perf_counter()
    used = cpu_seconds(stage.copilot.process.pid) - used
    delivered = sum(wire.delivered for wire in wires)
    skipped = sum(wire.skipped for wire in wires)
    for wire in wires:
        wire.close()
    stage.person.end_session(session["id"])
    return {"wall s": end - begin, "ratio wall": (end - begin) / plain, "first at end s": first_end - begin,
            "delivered MB": delivered / 1e6, "skipped MB": skipped / 1e6, "cpu s": used,
            "cpu s per GB delivered": used / (delivered / 1e9)}


def memory(stage, quick):
    """Idle sessions with one viewer each, beside as many ssh clients."""
    count = 20 if quick else 100
    pid = stage.copilot.process.pid
    warm = stage.person.start_session("web-1")
    stage.person.end_session(warm["id"])
    before = private_kib(pid)
    began = time.perf_counter()
    sessions = [stage.person.start_session("web-1")["id"] for _ in range(count)]
    seconds = time.perf_counter() - began
    wires = [stage.wire(session) for session in sessions]
    for wire in wires:
        wire.until(b"$ ")
    time.sleep(2)
    each = (private_kib(pid) - before) / count
    used, began = cpu_seconds(pid), time.perf_counter()
    time.sleep(3)
    idle = (cpu_seconds(pid) - used) / (time.perf_counter() - began)
    for wire in wires:
        wire.close()
    for session in sessions:
        stage.person.end_session(session)
    clients = [subprocess.Popen(stage.ssh("sleep", "600"), stdin=subprocess.DEVNULL) for _ in range(10)]
    time.sleep(3)
    client = statistics.median(private_kib(process.pid) for process in clients)
    for process in clients:
        process.kill()
        process.wait()
    return {"sessions": count, "KiB each": each, "ssh client KiB": client, "ratio": each / client,
            "opened a second": count / seconds, "idle cpu": idle}


MEASURES = {"latency": (latency, True), "bulk": (bulk, False), "memory": (memory, True)}


def show(name, result, indent="  "):
    print(f"{indent[:-2]}{name}")
    for key, value in result.items():
        if isinstance(value, dict):
            show(key, value, indent + "  ")
        else:
            print(f"{indent}{key:24} {value:10.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    results = {}
    for name in arguments.names or MEASURES:
        measure, encrypted = MEASURES[name]
        with tempfile.TemporaryDirectory(prefix="copilot-bench-", dir="/tmp") as folder:
            stage = Stage(folder, encrypted)
            try:
                results[name] = measure(stage, arguments.quick)
            finally:
                stage.close()
        show(name, results[name])
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
