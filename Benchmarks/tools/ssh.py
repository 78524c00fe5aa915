"""`copilot ssh` beside OpenSSH's ssh on the same sshd, in turns: start, CPU, a shared connection, bulk both ways.

    Benchmarks/tools/ssh.py [--copilot BINARY] [--rounds 40] [--megabytes 400] [--markdown FILE]

Needs root, for an sshd of its own. Read the ratios; the absolute figures are this machine's, at this moment.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin") or "/usr/sbin/sshd"
ROOT = Path(__file__).resolve().parents[2]


class Place:
    """A host, keys and a configuration that both clients read."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ssh-bench-", dir="/dev/shm"))
        # A home without start-up files: bash reads ~/.bashrc for sshd, and that would be most of what is measured.
        (self.folder / "home").mkdir(mode=0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        public = (self.folder / "host.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n")
        self.config = self.folder / "config"
        self.config.write_text(f"""Host bench
HostName 127.0.0.1
Port {self.port}
User root
IdentityFile {self.folder}/user
IdentitiesOnly yes
UserKnownHostsFile {self.folder}/known_hosts
GlobalKnownHostsFile /dev/null
""")
        (self.folder / "sshd_config").write_text(f"""ListenAddress 127.0.0.1
Port {self.port}
HostKey {self.folder}/host
AuthorizedKeysFile {self.folder}/user.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PidFile none
MaxStartups 200
LogLevel ERROR
PrintMotd no
PrintLastLog no
SetEnv HOME={self.folder}/home
""")
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", self.folder / "sshd_config"])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("sshd did not start")

    def close(self):
        self.sshd.send_signal(signal.SIGTERM)
        self.sshd.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def run(words, environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
    """Wall seconds and CPU seconds of one process with the children it waited for."""
    start = time.monotonic()
    process = subprocess.Popen(words, env=environment, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: status {process.returncode}: {errors.decode()}")
    return wall, usage.ru_utime + usage.ru_stime


class Bench:
    def __init__(self, place, copilot):
        self.place = place
        # As a shell finds it: a link to the small program in front of the copilot.
        link = place.folder / "bin" / "copilot"
        link.parent.mkdir()
        front = Path(copilot).resolve().parent / "copilot-front"
        link.symlink_to(front if front.exists() else Path(copilot).resolve())
        self.ours = [str(link), "ssh", "-F", str(place.config)]
        self.theirs = ["ssh", "-F", str(place.config)]
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(place.folder)}
        self.environment.pop("SSH_AUTH_SOCK", None)
        self.rows = []

    def row(self, what, ours, theirs, unit, target=""):
        middle = statistics.median(ours), statistics.median(theirs)
        self.rows.append((what, f"{middle[0]:.3g} {unit}", f"{middle[1]:.3g} {unit}", f"{middle[0] / middle[1]:.2f}",
                          target))

    def turns(self, rounds, ours, theirs, **streams):
        figures = ([], [])
        for _ in range(rounds):
            for words, kept in ((ours, figures[0]), (theirs, figures[1])):
                opened = {name: open(path, mode) for name, (path, mode) in streams.items()}
                kept.append(run(words, self.environment, **opened))
                for file in opened.values():
                    file.close()
        return [[[one[index] for one in side] for side in figures] for index in (0, 1)]

    def connect(self, rounds):
        wall, cpu = self.turns(rounds, [*self.ours, "bench", "true"], [*self.theirs, "bench", "true"])
        self.row("connect and `true`, p50", *[[one * 1000 for one in side] for side in wall], "ms", "≤ 0.40")
        self.row("the same, CPU of the client", *[[one * 1000 for one in side] for side in cpu], "ms", "≤ 0.50")

    def reuse(self, rounds):
        socket_path = self.place.folder / "master"
        theirs = [*self.theirs, "-o", f"ControlPath={socket_path}", "-o", "ControlMaster=auto", "-o",
                  "ControlPersist=60", "bench", "true"]
        ours = [*self.ours, "--reuse=60", "bench", "true"]
        for words in (ours, theirs):  # The first call makes the connection.
            subprocess.run(words, env=self.environment, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wall, cpu = self.turns(rounds, ours, theirs)
        self.row("`true` on a shared connection, p50", *[[one * 1000 for one in side] for side in wall], "ms", "≤ 0.60")
        self.row("the same, CPU of the client", *[[one * 1000 for one in side] for side in cpu], "ms")
        subprocess.run([*self.theirs, "-o", f"ControlPath={socket_path}", "-O", "exit", "bench"],
                       env=self.environment, stderr=subprocess.DEVNULL)

    def bulk(self, rounds, megabytes):
        size = megabytes << 20
        source = self.place.folder / "source"
        with source.open("wb") as file:
            file.truncate(size)
        for cipher in ("aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"):
            options = ["-c", cipher, "bench"]
            name = cipher.split("@")[0]
            down = [*options, f"head -c {size} /dev/zero"]
            up = [*options, "cat >/dev/null"]
            for direction, words, streams in (
                    ("down", down, {}), ("up", up, {"stdin": (source, "rb")})):
                wall, cpu = self.turns(rounds, [*self.ours, *words], [*self.theirs, *words], **streams)
                self.row(f"{direction}, {name}, MB/s", *[[megabytes * 1.048576 / one for one in side] for side in wall],
                         "MB/s")
                self.row(f"{direction}, {name}, CPU of the client per GB",
                         *[[one / (size / 1e9) for one in side] for side in cpu], "s", "≤ 0.80")

    def table(self):
        lines = ["| what | copilot ssh | OpenSSH ssh | × | target |", "|---|--:|--:|--:|---|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows]) + "\n"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--copilot", default=os.environ.get("COPILOT_BINARY", ROOT / ".build/release/copilot"))
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--megabytes", type=int, default=400)
    options.add_argument("--markdown", type=Path)
    options = options.parse_args()
    place = Place()
    try:
        bench = Bench(place, str(options.copilot))
        bench.connect(options.rounds)
        bench.reuse(options.rounds)
        if options.megabytes:
            bench.bulk(3, options.megabytes)
        print(bench.table())
        if options.markdown:
            options.markdown.write_text(bench.table())
    finally:
        place.close()


main()
