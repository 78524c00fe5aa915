"""The gateway beside plain ssh, on the same sshd and in turns; see `Benchmarks/run --help`."""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))

import copilot  # noqa: E402
import gateway_ssh  # noqa: E402
from copilot import Copilot, Person, unverified  # noqa: E402
from hosts import Account, SSHHost  # noqa: E402
from ports import process_tree  # noqa: E402
from report import markdown, show  # noqa: E402
from wire import Wire  # noqa: E402

SEATS = os.environ.get("SEATS_BINARY", "")
WEBTTY = os.environ.get("WEBTTY_BINARY", "")
READY = "stty raw -echo; echo re''ady; exec cat"


class Stage:
    """One sshd, one account, and one copilot that knows the host as `web-1`: TLS and recording as in production."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        self.ends = contextlib.ExitStack()
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def build(self):
        self.account = Account(self.folder)
        self.ends.callback(self.account.remove)
        self.host = SSHHost(self.folder / "host", self.account, "MaxSessions 200").start()
        self.ends.callback(self.host.stop)
        self.key = self.folder / "client"
        self.key.write_text(self.host.make_client_key())
        self.key.chmod(0o600)
        self.copilot = Copilot(self.folder / "copilot")
        self.password = self.copilot.add_user("ada")
        self.ends.callback(self.copilot.stop)
        self.copilot.start()
        # Both ways sign in with a key.
        key = self.key.with_suffix(".copilot")
        key.write_text(self.key.read_text())
        key.chmod(0o600)
        self.copilot.add_host("web-1", self.host, ("--key", str(key)), "")
        self.person = Person(self.copilot).sign_in("ada", self.password)
        self.pid = self.copilot.process.pid

    def ssh(self, *command, options=()):
        return ["ssh", "-p", str(self.host.port), "-i", str(self.key), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-F", "none", *options,
                f"{self.host.username}@{self.host.address}", *command]

    @contextlib.contextmanager
    def session(self):
        identifier = self.person.start_session("web-1")["id"]
        try:
            yield identifier
        finally:
            self.person.end_session(identifier)

    @contextlib.contextmanager
    def seats(self, count):
        """Tabs that were open before the session, as a page's is, and a seat for each."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.person.cookies.items())
        with Seats("gateway", str(self.copilot.port), cookie, str(count)) as seats:
            seats.order()
            with self.session() as session:
                seats.order(f"attach {session}")
                yield seats

    def terminal(self):
        return Seats("terminal", *self.ssh(options=["-tt"]))

    @contextlib.contextmanager
    def web_terminal(self, count):
        """What people put before a host without a gateway: one ssh on the web, which everybody sees; and its viewers."""
        certificate, key = self.folder / "webtty.crt", self.folder / "webtty.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        process = subprocess.Popen(
            [WEBTTY, str(certificate), str(key), *self.ssh(options=["-tt"])], stdout=subprocess.PIPE, text=True)
        try:
            with Seats("webtty", process.stdout.readline().strip(), str(count)) as seats:
                seats.order()
                seats.pid = process.pid
                yield seats
        finally:
            process.kill()
            process.wait()

    def close(self):
        self.ends.close()


class Seats:
    """`seats.c`, which takes orders by the line."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([SEATS, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, line=None):
        if line is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"seats ended while it did this: {line}"
        return answer.split()

    def strokes(self, count, pause=3000):
        return [float(word) for word in self.order(f"strokes {count} {pause}")]

    def run(self, mark, command):
        first, last, delivered, skipped, cpu = map(float, self.order(f"run {mark} {command}"))
        return {"first s": first, "wall s": last, "delivered MB": delivered / 1e6, "skipped MB": skipped / 1e6,
                "viewers' own cpu s": cpu}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid, name="Pss"):
    """Proportional memory of a process: what it shares counts by its share."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def percentile(samples, part):
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * part))]


def medians(rows):
    """The median of each figure over the rounds."""
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def latency(stage, quick):
    """One character at a time to a PTY that echoes it; all ways in turns against the same sshd."""
    rounds, strokes = (3, 100) if quick else (9, 300)
    rows = []
    with stage.seats(1) as gateway, stage.terminal() as plain, stage.web_terminal(1) as web:
        for seats in (gateway, plain, web):
            seats.run("ready", READY)
            seats.strokes(50)
        for _ in range(rounds):
            ways = plain.strokes(strokes), web.strokes(strokes), gateway.strokes(strokes)
            row = {}
            for name, part in (("p50", 0.5), ("p99", 0.99)):
                direct, peer, through = (percentile(way, part) for way in ways)
                row |= {
                    f"ssh {name} us": direct, f"web terminal + ssh {name} us": peer, f"gateway {name} us": through,
                    f"x ssh {name}": through / direct, f"x web terminal + ssh {name}": through / peer}
            rows.append(row)
    return medians(rows)


def bulk(stage, quick):
    """A big text file by `cat`, to viewers until each is at its end; beside ssh with a terminal and without."""
    size = (20 if quick else 100) * 1_000_000
    rounds = 1 if quick else 3
    big = stage.folder / "big.txt"
    # Coloured lines, as a build or a log prints them.
    lines = b"".join(b"\x1b[32m%06d\x1b[0m the quick brown fox %s jumps over the lazy dog\n" % (n, b"=" * (n % 40))
                     for n in range(1000))
    big.write_bytes((lines * (size // len(lines) + 1))[:size])
    big.chmod(0o644)
    counts = (1, 50)
    rows = {count: [] for count in counts}
    direct = []
    for _ in range(rounds):
        plain = {"ssh -tt wall s": plain_cat(stage, big, ["-tt"]), "ssh wall s": plain_cat(stage, big, [])}
        direct.append(plain)
        for count in counts:
            row = fan_out(stage, big, count) | web_fan_out(stage, big, count)
            row["x ssh -tt"] = row["wall s"] / plain["ssh -tt wall s"]
            row["x ssh"] = row["wall s"] / plain["ssh wall s"]
            row["x web terminal + ssh"] = row["wall s"] / row["web terminal + ssh wall s"]
            rows[count].append(row)
    return {"megabytes": size / 1e6, **medians(direct), **{f"{count} viewers": medians(rows[count]) for count in counts}}


def plain_cat(stage, big, options):
    with open(os.devnull, "wb") as nowhere:
        begin = time.perf_counter()
        subprocess.run(
            stage.ssh("cat", str(big), options=options), stdin=subprocess.DEVNULL, stdout=nowhere, check=True)
        return time.perf_counter() - begin


def fan_out(stage, big, viewers):
    with stage.seats(viewers) as seats:
        seats.run("ready", "echo re''ady")
        used = cpu_seconds(stage.pid)
        row = seats.run("finished", f"cat {big}; echo fi''nished")
        row["copilot cpu s"] = cpu_seconds(stage.pid) - used
        row["cpu s per GB delivered"] = row["copilot cpu s"] / (row["delivered MB"] / 1000)
        return row


def web_fan_out(stage, big, viewers):
    """The same by a web terminal that asks nobody and records nothing; its ssh's CPU counts, as the gateway's does."""
    with stage.web_terminal(viewers) as seats:
        seats.run("ready", "echo re''ady")
        pids = process_tree(seats.pid)
        used = sum(map(cpu_seconds, pids))
        row = seats.run("finished", f"cat {big}; echo fi''nished")
        used = sum(map(cpu_seconds, pids)) - used
        return {"web terminal + ssh wall s": row["wall s"],
                "web terminal + ssh cpu s per GB delivered": used / (row["delivered MB"] / 1000)}


def memory(stage, quick):
    """Idle sessions with one viewer each, beside as many ssh clients with a terminal."""
    count = 20 if quick else 100
    warm = [stage.person.start_session("web-1")["id"] for _ in range(5)]
    for session in warm:
        stage.person.end_session(session)
    time.sleep(1)
    before, resident = memory_kib(stage.pid), memory_kib(stage.pid, "Rss")
    began = time.perf_counter()
    sessions = [stage.person.start_session("web-1")["id"] for _ in range(count)]
    seconds = time.perf_counter() - began
    # A person has 64 sockets at most.
    wires = [Wire(stage.person).attach(session) for session in sessions[:60]]
    for wire in wires:
        wire.until(b"$ ")
    time.sleep(2)
    result = {
        "sessions": count, "copilot PSS before KiB": before,
        "copilot PSS KiB each": (memory_kib(stage.pid) - before) / count,
        "copilot RSS KiB each": (memory_kib(stage.pid, "Rss") - resident) / count,
        "sessions opened a second": count / seconds}
    used, began = cpu_seconds(stage.pid), time.perf_counter()
    time.sleep(3)
    result["copilot idle cpu %"] = 100 * (cpu_seconds(stage.pid) - used) / (time.perf_counter() - began)
    for wire in wires:
        wire.close()
    for session in sessions:
        stage.person.end_session(session)
    clients = []
    for _ in range(count):
        clients.append(subprocess.Popen(
            stage.ssh(options=["-tt"]), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    time.sleep(3 if quick else 12)
    daemons = process_tree(stage.host.listener.pid)[:-1]
    servers = [pid for pid in daemons if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "sshd"]
    result["ssh client PSS KiB each"] = sum(memory_kib(client.pid) for client in clients) / count
    result["sshd PSS KiB each"] = sum(map(memory_kib, servers)) / count
    result["x ssh client"] = result["copilot PSS KiB each"] / result["ssh client PSS KiB each"]
    result["x ssh client + sshd"] = result["copilot PSS KiB each"] / (
        result["ssh client PSS KiB each"] + result["sshd PSS KiB each"])
    for client in clients:
        client.kill()
        client.wait()
    return result


def connect(stage, quick):
    """From the request for a session to the host's first prompt, on a tab that is open; beside a new ssh."""
    rounds = 5 if quick else 15
    host = stage.person.host("web-1")["id"]
    tab = http.client.HTTPSConnection("127.0.0.1", stage.copilot.port, context=unverified())
    headers = {
        "Host": f"localhost:{stage.copilot.port}", "Origin": stage.person.origin, "Content-Type": "application/json",
        "Cookie": "; ".join(f"{name}={value}" for name, value in stage.person.cookies.items())}
    rows = []
    for _ in range(rounds):
        begin = time.perf_counter()
        subprocess.run(stage.ssh("true"), stdin=subprocess.DEVNULL, check=True)
        true = time.perf_counter() - begin
        begin = time.perf_counter()
        shell = subprocess.Popen(stage.ssh(options=["-tt"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        seen = b""
        while b"$ " not in seen:
            seen += os.read(shell.stdout.fileno(), 4096)
        prompt = time.perf_counter() - begin
        shell.kill()
        shell.communicate()
        wire = Wire(stage.person)
        begin = time.perf_counter()
        tab.request("POST", "/api/sessions", json.dumps({"hostId": host, "columns": 80, "rows": 24}), headers)
        answer = tab.getresponse()
        session = json.loads(answer.read())["session"]["id"]
        created = time.perf_counter() - begin
        wire.attach(session)
        wire.until(b"$ ")
        through = time.perf_counter() - begin
        wire.close()
        stage.person.end_session(session)
        rows.append({
            "ssh true ms": true * 1000, "ssh prompt ms": prompt * 1000, "gateway 201 ms": created * 1000,
            "gateway prompt ms": through * 1000, "x ssh true": through / true, "x ssh prompt": through / prompt})
    tab.close()
    return medians(rows)


def viewers(stage, quick):
    """A driver's key strokes alone, and the same while 200 people look on; in turns on one session."""
    rounds, strokes = (3, 100) if quick else (9, 300)
    count, each = (40, 40) if quick else (200, 50)
    people = []
    for number in range(count // each):
        name = f"viewer{number}"
        people.append(Person(stage.copilot).sign_in(name, stage.copilot.add_user(name)))
    rows = []
    with contextlib.ExitStack() as ends:
        driver = ends.enter_context(Seats("gateway", str(stage.copilot.port), cookie(stage.person), "1"))
        driver.order()
        session = ends.enter_context(stage.session())
        driver.order(f"attach {session}")
        for person in people:
            user = person.get("/api/me").expect(200)["user"]["id"]
            stage.person.post(f"/api/sessions/{session}/participants", {"userId": user, "mode": "view"}).expect(200)
        driver.run("ready", READY)
        driver.strokes(50)
        for _ in range(rounds):
            alone = driver.strokes(strokes)
            with contextlib.ExitStack() as lookers:
                for person in people:
                    seats = lookers.enter_context(
                        Seats("gateway", str(stage.copilot.port), cookie(person), str(each)))
                    seats.order()
                    seats.order(f"attach {session}")
                watched = driver.strokes(strokes)
            rows.append({
                "alone p50 us": percentile(alone, 0.5), f"{count} viewers p50 us": percentile(watched, 0.5),
                "added p50 us": percentile(watched, 0.5) - percentile(alone, 0.5),
                "alone p99 us": percentile(alone, 0.99), f"{count} viewers p99 us": percentile(watched, 0.99)})
    return medians(rows)


def cookie(person):
    return "; ".join(f"{name}={value}" for name, value in person.cookies.items())


def gateway_ssh_port(stage, quick):
    """The SSH port beside a jump host of OpenSSH's."""
    return gateway_ssh.measure(stage, Seats, quick)


MEASURES = {
    "latency": latency, "bulk": bulk, "memory": memory, "connect": connect, "viewers": viewers, "gateway-ssh": gateway_ssh_port}


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    openssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.split(",")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpus": f"{os.cpu_count()} × {model}", "memory": f"{memory:.0f} GiB",
            "system": f"Linux {platform.release().split('-')[0]}", "openssh": openssh,
            "load at the start": f"{os.getloadavg()[0]:.1f}"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    # Whatever ends the run, what it started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = {"machine": machine()}
    for name in arguments.names or MEASURES:
        with tempfile.TemporaryDirectory(prefix="copilot-bench-", dir="/tmp") as folder:
            # No browser looks at it: the page need not be built.
            copilot.PAGE = pathlib.Path(folder) / "page"
            copilot.PAGE.mkdir()
            (copilot.PAGE / "index.html").write_text("<!doctype html>\n")
            stage = Stage(folder)
            try:
                results[name] = MEASURES[name](stage, arguments.quick)
            finally:
                stage.close()
        show(name, results[name])
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(results, indent=2) + "\n")
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(markdown(results))


if __name__ == "__main__":
    main()
