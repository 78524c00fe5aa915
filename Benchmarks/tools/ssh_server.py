"""`copilot ssh-server` beside OpenSSH's sshd, with the stock client, in one run: read the ratios.

    COPILOT_BINARY=.build/release/copilot python3 Benchmarks/tools/ssh_server.py [--quick] [--pam]

Runs as root. Without --pam neither server asks PAM; with it both do.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks/engine"))
from measure import Echo, wall_of_parallel  # noqa: E402
from peers import OpenSSHClient, OpenSSHServer, Server, Workplace, wait_for  # noqa: E402

BINARY = Path(os.environ.get("COPILOT_BINARY", ROOT / ".build/release/copilot"))


class CopilotServer(Server):
    name = "copilot ssh-server"

    def __init__(self, place, pam):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [str(BINARY), "ssh-server", "--localhost-only", "--port", str(self.port), "--user-map", "root:root",
             "--host-key-path", place.path("host"), "--authorized-keys", place.path("authorized_keys"), "--quiet",
             *([] if pam else ["--no-pam"])],
            env={**os.environ, "HOME": str(place.folder)})
        wait_for(self.port)


class PAMServer(OpenSSHServer):
    """sshd as Debian sets it up."""

    def __init__(self, place):
        super().__init__(place)
        self.stop()
        config = place.folder / "sshd_config"
        config.write_text(config.read_text().replace("UsePAM no", "UsePAM yes"))
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", config])
        wait_for(self.port)


class Bench:
    def __init__(self, place, servers):
        self.place, self.servers, self.their_client = place, servers, OpenSSHClient(place)


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
    servers = []
    try:
        servers = [CopilotServer(place, pam), (PAMServer if pam else OpenSSHServer)(place)]
        bench = Bench(place, servers)
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
        place.close()


main()
