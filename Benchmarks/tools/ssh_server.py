"""`copilot ssh-server` beside OpenSSH's sshd, with the stock client, in one run: read the ratios.

    COPILOT_BINARY=.build/release/copilot python3 Benchmarks/tools/ssh_server.py [--quick] [--pam]

Runs as root and makes an account for the time of the run, which both servers serve. Without --pam neither of them asks
PAM; with it both do.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Benchmarks/engine"), str(ROOT / "Tests/EndToEnd")]
from hosts import Account  # noqa: E402
from measure import Echo, wall_of_parallel  # noqa: E402
from peers import OpenSSHClient, OpenSSHServer, Server, Workplace, wait_for  # noqa: E402

BINARY = Path(os.environ.get("COPILOT_BINARY", ROOT / ".build/release/copilot"))


class CopilotServer(Server):
    name = "copilot ssh-server"

    def __init__(self, place, account, pam):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [str(BINARY), "ssh-server", "--localhost-only", "--port", str(self.port), "--default-user", account.name,
             "--host-key-path", place.path("host"), "--authorized-keys", place.path("authorized_keys"), "--quiet",
             *([] if pam else ["--no-pam"])],
            env={**os.environ, "HOME": str(place.folder)})
        wait_for(self.port)


class PeerServer(OpenSSHServer):
    """sshd with the account's own home, and with PAM as Debian sets it up where that is asked for."""

    def __init__(self, place, pam):
        super().__init__(place)
        self.stop()
        config = place.folder / "sshd_config"
        kept = [line for line in config.read_text().splitlines() if not line.startswith("SetEnv")]
        config.write_text("\n".join(kept).replace("UsePAM no", "UsePAM yes" if pam else "UsePAM no") + "\n")
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", config])
        wait_for(self.port)


class Client(OpenSSHClient):
    """The stock client, as the account."""

    def __init__(self, place, account):
        super().__init__(place)
        self.account = account

    def command(self, *arguments, **more):
        words = super().command(*arguments, **more)
        return [word.replace("root@", f"{self.account.name}@") for word in words]


class Bench:
    def __init__(self, place, account, servers):
        self.place, self.servers, self.their_client = place, servers, Client(place, account)


def echo(bench, quick):
    ends = {server.name: Echo(bench, server) for server in bench.servers}
    times = {name: [] for name in ends}
    for end in ends.values():
        end.strokes(20)
    for _ in range(3):
        for name, end in ends.items():
            times[name] += end.strokes(150 if quick else 500)
    for end in ends.values():
        end.close()
    for what, part in (("p50", 0.5), ("p99", 0.99)):
        yield f"key stroke's echo, {what}, µs", {
            name: sorted(all)[int(len(all) * part)] * 1e6 for name, all in times.items()}


def logins(bench, quick):
    rounds, alone = 3, {server.name: [] for server in bench.servers}
    for _ in range(rounds):
        for server in bench.servers:
            for _ in range(5 if quick else 15):
                start = time.perf_counter()
                subprocess.run(bench.their_client.command(server, "true"), check=True)
                alone[server.name].append(time.perf_counter() - start)
    yield "connect, sign in, true: p50, ms", {name: statistics.median(all) * 1e3 for name, all in alone.items()}
    count = 40 if quick else 120
    yield "the same, 8 at once, a second", {
        server.name: count / wall_of_parallel(count, 8, bench.their_client.command(server, "true"))
        for server in bench.servers}


def sessions(bench, quick):
    """Sessions of one connection, which stands: each with a terminal and a shell that runs `true`."""
    count = 40 if quick else 150
    rates = {}
    for server in bench.servers:
        control = bench.place.fresh("control")
        words = bench.their_client.command(server, "true")
        master = subprocess.Popen([*words[:1], "-N", "-M", "-S", control, *words[1:-1]])
        while not os.path.exists(control):
            time.sleep(0.01)
        rates[server.name] = count / wall_of_parallel(count, 8, ["ssh", "-S", control, "-tt", "x", "true"])
        master.kill()
        master.wait()
    yield "sessions with a terminal on one connection, 8 at once, a second", rates


def main():
    quick, pam = "--quick" in sys.argv, "--pam" in sys.argv
    place = Workplace(str(BINARY), Path("/nonexistent"))
    os.chmod(place.folder, 0o755)
    home = tempfile.TemporaryDirectory(prefix="copilot-bench-", dir="/tmp")
    os.chmod(home.name, 0o755)
    account, servers = Account(home.name), []
    try:
        servers = [CopilotServer(place, account, pam), PeerServer(place, pam)]
        bench = Bench(place, account, servers)
        results = {}
        print(f"| {'with PAM' if pam else 'without PAM'} | copilot ssh-server | OpenSSH | ratio |\n|---|---|---|---|")
        for measure in (echo, logins, sessions):
            for row, values in measure(bench, quick):
                ours, theirs = (values[server.name] for server in servers)
                results[row] = {"ours": ours, "theirs": theirs}
                print(f"| {row} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} |", flush=True)
        if "--json" in sys.argv:
            Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(results, indent=1))
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()
        account.remove()
        home.cleanup()
        place.close()


main()
