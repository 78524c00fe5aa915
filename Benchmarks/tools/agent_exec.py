"""Measures an agent's commands beside OpenSSH's ControlMaster, in one run, by turns: a warm `true`, eight at once, fourteen
of one second where the host gives ten channels, and a `true` while another agent's command floods.
`Benchmarks/run --agents --help` says how."""

import argparse
import http.client
import json
import os
import shutil
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
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "Tests/EndToEnd"))

from hosts import Account  # noqa: E402
from peers import wait_for  # noqa: E402
from table import machine, short  # noqa: E402

PASSWORD = "correct horse battery"
# Row, the ratio to ControlMaster that is aimed at.
TARGETS = {"true, p50 ms": 1.0, "true, p90 ms": 1.0, "eight at once, ms each": 1.0}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Place:
    """One sshd with OpenSSH's own limits, a copilot with two agents at it, and a ControlMaster."""

    def __init__(self, copilot):
        self.folder = Path(tempfile.mkdtemp(prefix="agents-bench-", dir="/tmp"))
        self.home = self.folder / "home"
        self.folder.chmod(0o755)
        self.copilot = copilot
        self.running = []
        # Never root: what an agent's command leaves is ended by its session, and this machine is not the agent's.
        self.account = Account(self.folder)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("COPILOT_", "SSH_AUTH"))} | {"HOME": str(self.home)}
        try:
            self.sshd()
            self.serve()
        except BaseException:
            self.close()
            raise

    def start(self, arguments):
        self.running.append(subprocess.Popen(
            arguments, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return self.running[-1]

    def sshd(self):
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        self.port = free_port()
        (self.folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\nUseDNS no\n"
            "PasswordAuthentication no\nPermitRootLogin no\nLogLevel QUIET\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.start([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-f", str(self.folder / "sshd_config")])
        wait_for(self.port)
        (self.folder / "config").write_text(
            f"Host bench\n HostName 127.0.0.1\n Port {self.port}\n User {self.account.name}\n IdentityFile {self.folder}/user\n"
            f" IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n"
            f" ControlPath {self.folder}/master\n")
        self.start(["ssh", "-F", str(self.folder / "config"), "-M", "-N", "bench"])
        deadline = time.monotonic() + 10
        while not (self.folder / "master").exists():
            assert time.monotonic() < deadline, "no ControlMaster"
            time.sleep(0.01)

    def cli(self, *arguments, stdin=""):
        return subprocess.run(
            [self.copilot, *arguments, "--data", str(self.folder / "data"), "--keys", str(self.folder / "keys")],
            input=stdin, env=self.env, check=True, capture_output=True, text=True).stdout

    def serve(self):
        self.cli("user", "add", "ada", "--name", "Ada", "--role", "admin", "--password-stdin", stdin=PASSWORD + "\n")
        fingerprint = subprocess.run(["ssh-keygen", "-lf", self.folder / "host.pub"], check=True, capture_output=True,
                                     text=True).stdout.split()[1]
        self.cli("host", "add", "bench", "--address", "127.0.0.1", "--port", str(self.port), "--username", self.account.name,
                 "--fingerprint", fingerprint, "--key", str(self.folder / "user"))
        tokens = [self.cli("agent-token", "add", name).strip().partition("=")[2] for name in ("one", "two")]
        self.web = free_port()
        self.start([self.copilot, "serve", "--http", "--port", str(self.web), "--data", str(self.folder / "data"),
                    "--keys", str(self.folder / "keys"), "--log-level", "error"])
        wait_for(self.web)
        person = Caller(self.web)
        person.sign_in()
        host = person.call("GET", "/api/hosts")["hosts"][0]["id"]
        self.agents = []
        for token in tokens:
            agent = Caller(self.web, token)
            asked = agent.call("POST", "/api/sessions/request", {"host": "bench", "username": "bench", "reason": "measuring"})
            person.call("POST", f"/api/agent-requests/{asked['id']}/approve", {"hostId": host, "mode": "trusted"})
            self.agents.append((token, asked["id"]))

    def agent(self, index=0):
        token, session = self.agents[index]
        return Caller(self.web, token), f"/api/sessions/{session}/exec"

    def ssh(self, *command):
        subprocess.run(["ssh", "-F", str(self.folder / "config"), "bench", *command], env=self.env, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def close(self):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        self.account.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


class Caller:
    """One kept connection, as an agent's HTTP library has it."""

    def __init__(self, port, token=None):
        self.port, self.token, self.cookies = port, token, ""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, method, path, body=None):
        headers = {"Host": f"localhost:{self.port}", "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            headers |= {"Cookie": self.cookies, "Origin": f"http://localhost:{self.port}"}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        assert answer.status < 300, (method, path, answer.status, data[:300])
        self.last = answer
        return json.loads(data) if data else None

    def sign_in(self):
        self.call("POST", "/auth/sign-in", {"username": "ada", "password": PASSWORD})
        self.cookies = "; ".join(line.split(";")[0] for line in self.last.headers.get_all("Set-Cookie"))


def timed(act):
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def at_once(number, act):
    threads = [threading.Thread(target=act, args=(index,)) for index in range(number)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - start) * 1000


def measure(place, rows, count):
    agent, path = place.agent()
    run = lambda: agent.call("POST", path, {"command": "true"})
    for _ in range(5):
        run()
        place.ssh("true")
    times = {"copilot": [], "ControlMaster": []}
    for _ in range(count):
        times["copilot"].append(timed(run))
        times["ControlMaster"].append(timed(lambda: place.ssh("true")))
    for way, values in times.items():
        values.sort()
        rows.setdefault("true, p50 ms", {})[way] = statistics.median(values)
        rows.setdefault("true, p90 ms", {})[way] = values[int(len(values) * 0.9)]
    callers = [place.agent() for _ in range(8)]
    rows["eight at once, ms each"] = {
        "copilot": statistics.median(
            at_once(8, lambda i: callers[i][0].call("POST", callers[i][1], {"command": "true"})) / 8 for _ in range(10)),
        "ControlMaster": statistics.median(at_once(8, lambda _: place.ssh("true")) / 8 for _ in range(10))}
    callers = [place.agent() for _ in range(14)]
    rows["fourteen times `sleep 1`, ms"] = {
        "copilot": at_once(14, lambda i: callers[i][0].call("POST", callers[i][1], {"command": "sleep 1"}))}
    flood, flooded = place.agent(1)
    begun = flood.call("POST", flooded, {"command": "yes", "waitMs": 0, "timeoutMs": 60_000, "onTimeout": "stop"})
    time.sleep(0.5)
    rows["true while another agent floods, p50 ms"] = {
        "copilot": statistics.median(timed(run) for _ in range(max(20, count // 4)))}
    flood.call("POST", f"/api/commands/{begun['commandId']}/stop", {})


def markdown(rows):
    lines = ["# An agent's commands beside ControlMaster", "",
             f"Made by `Benchmarks/run --agents` on {datetime.now(timezone.utc):%Y-%m-%d}. {machine()} The agent keeps one HTTP "
             "connection; ControlMaster is `ssh` with a master that stands. Both by turns at one sshd with its own limits. "
             "Read the ratios.", "", "| row | copilot | ControlMaster | × | target |", "|---|--:|--:|--:|---|"]
    for row, ways in rows.items():
        peer = ways.get("ControlMaster")
        ratio = ways["copilot"] / peer if peer else None
        target = TARGETS.get(row)
        aimed = f"≤ {target:g} {'reached' if ratio <= target else '**missed**'}" if target else ""
        lines.append(f"| {row} | {short(ways['copilot'])} | {short(peer) if peer else ''} | "
                     f"{f'{ratio:.2f}' if ratio else ''} | {aimed} |")
    idle, busy = rows["true, p50 ms"]["copilot"], rows["true while another agent floods, p50 ms"]["copilot"]
    lines += ["", f"A flood makes another's command {busy / idle:.1f} × as long (aimed at: 3 ×).", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copilot", required=True, help="the program")
    parser.add_argument("--markdown", help="write the table to this file")
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    arguments = parser.parse_args()
    place, rows = Place(os.path.abspath(arguments.copilot)), {}
    try:
        measure(place, rows, 40 if arguments.quick else 200)
    finally:
        place.close()
    text = markdown(rows)
    if arguments.markdown:
        Path(arguments.markdown).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
