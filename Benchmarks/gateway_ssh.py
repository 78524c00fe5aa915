"""The copilot's SSH port beside OpenSSH's own way through a jump host (`ssh -J`), to the same sshd and by turns: a key
stroke's echo, and bytes in both directions. Everything on the gateway's side is policed and recorded."""

import contextlib
import os
import statistics
import subprocess
import time

from hosts import SSHHost

READY = "stty raw -echo; echo re''ady; exec cat"
WAYS = ("direct", "openssh", "alias", "jump")


class Ways:
    """One ssh configuration with four names for one host: direct, through another sshd, and twice through the copilot."""

    def __init__(self, stage):
        self.stage = stage
        self.jump = SSHHost(stage.folder / "jump", stage.account, "AllowTcpForwarding yes").start()
        public = subprocess.run(["ssh-keygen", "-y", "-f", str(stage.key)], capture_output=True, text=True,
                                check=True).stdout
        self.jump.authorize(public)
        key = stage.folder / "ada.pub"
        key.write_text(public)
        stage.copilot.cli("user", "key", "add", "ada", str(key))
        known = stage.folder / "known_hosts"
        known.write_text(stage.copilot.cli("ssh-ca").stdout)
        user, port = stage.host.username, stage.copilot.ssh_port
        loose = "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
        self.config = stage.folder / "ways"
        self.config.write_text(
            f"Host direct openssh\n  HostName 127.0.0.1\n  Port {stage.host.port}\n  User {user}\n{loose}"
            f"Host hop\n  HostName 127.0.0.1\n  Port {self.jump.port}\n  User {user}\n{loose}"
            f"Host alias\n  HostName localhost\n  Port {port}\n  User web-1\n  UserKnownHostsFile {known}\n"
            f"Host gate\n  HostName localhost\n  Port {port}\n  User ada\n  UserKnownHostsFile {known}\n"
            f"Host jump\n  HostName web-1\n  User {user}\n  UserKnownHostsFile {known}\n"
            "Host openssh\n  ProxyJump hop\nHost jump\n  ProxyJump gate\n"
            f"Host *\n  IdentityFile {stage.key}\n  IdentitiesOnly yes\n  IdentityAgent none\n  LogLevel ERROR\n")

    def ssh(self, way, *command, options=()):
        return ["ssh", "-F", str(self.config), *options, way, *command]

    def close(self):
        self.jump.stop()


def latency(ways, seats, quick):
    rounds, strokes = (3, 100) if quick else (9, 300)
    rows = []
    with contextlib.ExitStack() as open_seats:
        terminals = {way: open_seats.enter_context(seats("terminal", *ways.ssh(way, options=["-tt"]))) for way in WAYS}
        for terminal in terminals.values():
            terminal.run("ready", READY)
            terminal.strokes(50)
        for _ in range(rounds):
            row = {}
            for way, terminal in terminals.items():
                samples = sorted(terminal.strokes(strokes))
                row[f"{way} p50 us"] = samples[len(samples) // 2]
                row[f"{way} p99 us"] = samples[int(len(samples) * 0.99)]
            for way in ("alias", "jump"):
                row[f"x {way} p50"] = row[f"{way} p50 us"] / row["openssh p50 us"]
                row[f"x {way} p99"] = row[f"{way} p99 us"] / row["openssh p99 us"]
            rows.append(row)
    return rows


def throughput(ways, quick):
    size = (40 if quick else 200) * 1_000_000
    data = ways.stage.folder / "random"
    block = os.urandom(1_000_000)
    with data.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
    data.chmod(0o644)
    rows = []
    for _ in range(1 if quick else 5):
        row = {}
        for way in WAYS:
            begin = time.perf_counter()
            with open(os.devnull, "wb") as nowhere:
                subprocess.run(ways.ssh(way, f"cat {data}"), stdin=subprocess.DEVNULL, stdout=nowhere, check=True)
            row[f"{way} down MB/s"] = size / 1e6 / (time.perf_counter() - begin)
            begin = time.perf_counter()
            with data.open("rb") as source:
                subprocess.run(ways.ssh(way, "cat >/dev/null"), stdin=source, stdout=subprocess.DEVNULL, check=True)
            row[f"{way} up MB/s"] = size / 1e6 / (time.perf_counter() - begin)
        for way in ("alias", "jump"):
            for direction in ("down", "up"):
                row[f"x {way} {direction}"] = row[f"{way} {direction} MB/s"] / row[f"openssh {direction} MB/s"]
        rows.append(row)
    return rows


def medians(rows):
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def measure(stage, seats, quick):
    ways = Ways(stage)
    try:
        return {**medians(latency(ways, seats, quick)), **medians(throughput(ways, quick))}
    finally:
        ways.close()
