"""Measures `copilot shim` beside OpenSSH's ControlMaster, a direct connection and the Python tool sshshim, in one run, by
turns. `Benchmarks/run --shim --help` says how."""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))

from peers import TICK, processes, wait_for  # noqa: E402
from table import machine, short  # noqa: E402

# Row, who, the ratio to which peer, what is aimed at, and whether more is better.
TARGETS = [
    ("true, p50 ms", "ControlMaster", 1.0, False),
    ("true, 8 at once, a second", "ControlMaster", 1.0, True),
    ("download, MB/s", "direct", 0.9, True),
    ("upload, MB/s", "direct", 0.9, True),
    ("200 forwarded connections, ms", "direct", 1.5, False),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Place:
    """One sshd, keys and files in memory, and the ways to it."""

    def __init__(self, copilot, sshshim, megabytes):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="shim-bench-", dir=base))
        self.home = self.folder / "home"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        for name in ("host", "user", "local"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / name], check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        with open(self.folder / "data", "wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(1 << 20))
        self.megabytes = megabytes
        self.env = {**os.environ, "HOME": str(self.home)}
        self.env.pop("SSH_AUTH_SOCK", None)
        self.running = {}
        try:
            self.sshd()
            self.ways = {"direct": [], "ControlMaster": []}
            self.config()
            self.master()
            self.shim(copilot)
            if sshshim:
                self.python_shim(sshshim)
        except BaseException:
            self.close()
            raise

    def start(self, name, arguments, **options):
        self.running[name] = subprocess.Popen(arguments, env=self.env, **options)
        return self.running[name]

    def sshd(self):
        self.port = free_port()
        (self.folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\nUseDNS no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel QUIET\n"
            f"MaxStartups 2000\nMaxSessions 2000\nPrintMotd no\nPrintLastLog no\nSetEnv HOME={self.home}\n"
            "Subsystem sftp /usr/lib/openssh/sftp-server\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.start("sshd", [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")])
        wait_for(self.port)

    def config(self):
        host = (self.folder / "host.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"bench {host[0]} {host[1]}\n")
        (self.home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host[0]} {host[1]}\n")
        common = (f" HostName 127.0.0.1\n User root\n IdentityFile {self.folder}/user\n IdentitiesOnly yes\n LogLevel ERROR\n")
        self.text = (
            f"Host direct\n Port {self.port}\n HostKeyAlias bench\n UserKnownHostsFile {self.folder}/known_hosts\n{common}"
            f"Host ControlMaster\n Port {self.port}\n HostKeyAlias bench\n UserKnownHostsFile {self.folder}/known_hosts\n"
            f" ControlPath {self.folder}/master\n{common}")
        self.write()

    def write(self):
        (self.folder / "config").write_text(self.text)

    def ssh(self, way, *arguments):
        return ["ssh", "-F", str(self.folder / "config"), *arguments[:-1], way, *arguments[-1:]]

    def master(self):
        self.start("ControlMaster", ["ssh", "-F", str(self.folder / "config"), "-M", "-N", "ControlMaster"],
                   stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not (self.folder / "master").exists():
            assert time.monotonic() < deadline, "no ControlMaster"
            time.sleep(0.01)

    def shim(self, copilot):
        """Used as a person would who put the printed block into ssh_config, and by a plain `ssh -p`."""
        port = free_port()
        arguments = [copilot, "shim", "--host", "127.0.0.1", "--port", str(self.port), "--username", "root",
                     "--ed25519-key", str(self.folder / "user"), "--local-port", str(port),
                     "-o", f"UserKnownHostsFile={self.home}/.ssh/known_hosts"]
        read, write = os.pipe()
        self.start("copilot shim", [*arguments, "--ready-fd", str(write)], pass_fds=[write], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as ready:
            assert ready.read(), "the shim did not start"
        block = subprocess.run([*arguments, "--config-snippet"], env=self.env, capture_output=True, text=True, check=True).stdout
        self.text += block.replace("Host 127.0.0.1.shim", "Host copilot-shim").replace("Host 127.0.0.1\n", "Host copilot-shim\n")
        own = self.home / ".local/share/copilot/shim"
        self.text += (f"Host copilot-shim-plain\n HostName 127.0.0.1\n Port {port}\n User root\n IdentityFile {own}/id_ed25519\n"
                      f" UserKnownHostsFile {own}/known_hosts\n HostKeyAlias copilot-shim\n LogLevel ERROR\n")
        self.write()
        self.ways |= {"copilot-shim": [], "copilot-shim-plain": []}

    def python_shim(self, python):
        port = free_port()
        self.start("sshshim", [python, "-m", "sshshim", "--host", "127.0.0.1", "--port", str(self.port), "--username", "root",
                               "--ed25519-key", str(self.folder / "user"), "--local-port", str(port),
                               "--local-ed25519-key", str(self.folder / "local")],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port)
        self.text += (f"Host sshshim\n HostName 127.0.0.1\n Port {port}\n User root\n IdentityFile {self.folder}/user\n"
                      " IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n")
        self.write()
        self.ways["sshshim"] = []

    def cpu(self, name):
        """CPU seconds of a hop, all its threads."""
        with open(f"/proc/{self.running[name].pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return sum(int(value) for value in fields[11:13]) / TICK

    def memory(self, name):
        with open(f"/proc/{self.running[name].pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024

    def close(self):
        for process in reversed(self.running.values()):
            for number in reversed(processes(process.pid)):
                try:
                    os.kill(number, signal.SIGTERM)
                except ProcessLookupError:
                    pass
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Figures:
    def __init__(self):
        self.values = {}

    def add(self, row, way, value):
        self.values.setdefault(row, {}).setdefault(way, []).append(value)

    def markdown(self):
        lines = ["# A reused connection: `copilot shim` beside ControlMaster, a direct connection and sshshim", "",
                 f"Made by `Benchmarks/run --shim` on {datetime.now(timezone.utc):%Y-%m-%d}. {machine()} OpenSSH's client and "
                 "sshd everywhere. Each figure is the median of the rounds of one run, in which the ways take turns; × is "
                 "the median of the rounds' ratios to the peer. *copilot shim, plain* is `ssh -p` without the settings of "
                 "`--config-snippet`. Read the ratios.", ""]
        for row, ways in self.values.items():
            target = next((target for target in TARGETS if target[0] == row), None)
            peer = target[1] if target else "direct"
            lines += [f"## {row}", "", f"| way | median | × {peer} | target |", "|---|--:|--:|---|"]
            for way, values in ways.items():
                ratio = (statistics.median(mine / theirs for mine, theirs in zip(values, ways[peer]))
                         if peer in ways else None)
                aimed = ""
                if target and way == "copilot-shim":
                    reached = ratio >= target[2] if target[3] else ratio <= target[2]
                    aimed = f"{'≥' if target[3] else '≤'} {target[2]:g} {'reached' if reached else '**missed**'}"
                name = way.replace("copilot-shim-plain", "copilot shim, plain").replace("copilot-shim", "copilot shim")
                lines.append(f"| {name} | {short(statistics.median(values))} | {f'{ratio:.2f}' if ratio else ''} | {aimed} |")
            lines.append("")
        return "\n".join(lines)


def warm(place, figures, quick):
    counts = {way: [] for way in place.ways}
    for _ in range(10 if quick else 25):
        for way in place.ways:
            start = time.perf_counter()
            subprocess.run(place.ssh(way, "true"), stdin=subprocess.DEVNULL, check=True, env=place.env)
            counts[way].append((time.perf_counter() - start) * 1000)
    for way, times in counts.items():
        figures.add("true, p50 ms", way, statistics.median(times))


def parallel(place, figures, quick):
    number = 40 if quick else 120
    for way in place.ways:
        failed, left, lock = [], [number], threading.Lock()

        def work():
            while True:
                with lock:
                    if not left[0]:
                        return
                    left[0] -= 1
                if subprocess.run(place.ssh(way, "true"), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=place.env).returncode:
                    failed.append(1)

        start = time.perf_counter()
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        figures.add("true, 8 at once, a second", way, number / (time.perf_counter() - start))
        if failed:
            figures.add("true, 8 at once, failed", way, len(failed))


HOPS = {"copilot-shim": "copilot shim", "sshshim": "sshshim", "ControlMaster": "ControlMaster"}


def bulk(place, figures, quick):
    ways = [way for way in place.ways if not (quick and way == "sshshim")]
    for row, command in [("download", "cat data"), ("upload", "cat >/dev/null")]:
        for way in ways:
            before = place.cpu(HOPS[way]) if way in HOPS else 0
            start = time.perf_counter()
            with open(place.folder / "data", "rb") as data, open(os.devnull, "wb") as nothing:
                done = subprocess.run(
                    place.ssh(way, command.replace("data", str(place.folder / "data"))), env=place.env,
                    stdin=data if row == "upload" else subprocess.DEVNULL, stdout=nothing, timeout=120)
            if done.returncode:
                if way != "sshshim":
                    raise RuntimeError(f"{row} through {way} ended with {done.returncode}")
                # It gives up on a key exchange in the middle of much data: that is its figure.
                figures.add(f"{row}, failed", way, 1)
                continue
            figures.add(f"{row}, MB/s", way, place.megabytes * 1.048576 / (time.perf_counter() - start))
            if way in HOPS:
                figures.add(f"{row}, CPU seconds of the hop per GB", way,
                            (place.cpu(HOPS[way]) - before) / place.megabytes * 953.7)


def channels(place, figures, quick):
    """200 connections over one -L, all open at once, each with a round trip. OpenSSH's listener holds 128 that it has not
    accepted, and the system tries one beyond them again after a second: no more than 64 are without an answer at once."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def serve(end):
        with end:
            while data := end.recv(4096):
                end.sendall(data)

    def accept():
        while True:
            try:
                end, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(end,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    for way in place.ways:
        port = free_port()
        ssh = subprocess.Popen(
            ["ssh", "-F", str(place.folder / "config"), "-N", *(["-S", "none"] if way == "ControlMaster" else []), "-L",
             f"{port}:127.0.0.1:{listener.getsockname()[1]}", "direct" if way == "ControlMaster" else way],
            stdin=subprocess.DEVNULL, env=place.env)
        wait_for(port)
        start = time.perf_counter()
        ends, good = [], 0
        for number in range(200 + 64):
            if number < 200:
                ends.append(socket.create_connection(("127.0.0.1", port), timeout=30))
                ends[-1].sendall(b"ping")
            if number >= 64:
                good += ends[number - 64].recv(4) == b"ping"
        assert good == 200, f"{way}: {good} of 200"
        figures.add("200 forwarded connections, ms", way, (time.perf_counter() - start) * 1000)
        for end in ends:
            end.close()
        ssh.terminate()
        ssh.wait()
    listener.close()


GROUPS = {"true": warm, "parallel": parallel, "bulk": bulk, "channels": channels}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--copilot", required=True)
    options.add_argument("--sshshim", help="a Python that has the package")
    options.add_argument("--quick", action="store_true")
    options.add_argument("--rounds", type=int)
    options.add_argument("--markdown", type=Path)
    options.add_argument("--json", type=Path)
    options.add_argument("names", nargs="*", choices=[*GROUPS, []], metavar="NAME")
    options = options.parse_args()
    figures = Figures()
    place = Place(options.copilot, options.sshshim, 128 if options.quick else 512)
    try:
        for _ in range(options.rounds or (1 if options.quick else 5)):
            for name in options.names or GROUPS:
                GROUPS[name](place, figures, options.quick)
        for way, name in HOPS.items():
            if way in place.ways:
                figures.add("memory of the hop afterwards, MiB", way, place.memory(name))
    finally:
        place.close()
    text = figures.markdown()
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        options.json.write_text(json.dumps(figures.values))


main()
