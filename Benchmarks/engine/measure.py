"""What is measured. Each function adds figures of one round to a `Table`."""

import os
import statistics
import subprocess
import threading
import time
from pathlib import Path

from peers import CIPHERS, OpenSSHClient, OpenSSHServer, OurClient, OurServer, Relay, run

KEX = "curve25519-sha256"
LEAST = "the least that the client's CPU and the shell leave of it: p50, ms"


class Bench:
    """The peers of one run."""

    def __init__(self, place, table, quick):
        self.place, self.table, self.quick = place, table, quick
        self.our_server, self.their_server = OurServer(place), OpenSSHServer(place)
        self.our_client, self.their_client = OurClient(place), OpenSSHClient(place)
        # Who is measured, by the name of the comparison; the last is what all are compared with.
        self.pairs = {
            "our server": (self.our_server, self.their_client),
            "our client": (self.their_server, self.our_client),
            "both ours": (self.our_server, self.our_client),
            "OpenSSH": (self.their_server, self.their_client),
        }

    def close(self):
        self.our_server.stop()
        self.their_server.stop()


def read_report(path):
    start, end, cpu, count = Path(path).read_text().split()
    os.remove(path)
    return float(start), float(end), float(cpu), int(count)


def transfer(bench, server, client, direction, cipher, size):
    """MB/s, and CPU seconds per GB of server and client."""
    report = bench.place.fresh("report")
    behind = getattr(server, "server", server)
    before = behind.cpu()
    if direction == "down":
        remote = f"{bench.place.load} source {size} {report}"
        done = run(client.command(server, remote, cipher, KEX))
        start, _, load_cpu, _ = read_report(report)
        wall = done.ended - start
    else:
        mine = bench.place.fresh("report")
        source = subprocess.Popen([bench.place.load, "source", str(size), mine], stdout=subprocess.PIPE)
        remote = f"{bench.place.load} sink {report}"
        done = run(client.command(server, remote, cipher, KEX, reads_input=True), stdin=source.stdout)
        source.wait()
        start, end, load_cpu, count = read_report(report)
        os.remove(mine)
        if count != size:
            raise RuntimeError(f"{count} of {size} bytes arrived")
        wall = end - start
    behind.settle()
    cost = behind.cpu() - before - (load_cpu if behind.counts_commands else 0)
    return size / wall / 1e6, cost / size * 1e9, done.cpu / size * 1e9


def bulk(bench, ciphers=None):
    size = (256 if bench.quick else 512) << 20
    for cipher in ciphers or CIPHERS:
        for direction in ("down", "up"):
            for name, (server, client) in bench.pairs.items():
                rate, server_cpu, client_cpu = transfer(bench, server, client, direction, cipher, size)
                row = f"{cipher} {direction}"
                bench.table.add("bulk", f"{row}, MB/s", name, rate)
                if name != "our client":
                    bench.table.add("bulk", f"{row}, server CPU s/GB", name, server_cpu)
                if name != "our server":
                    bench.table.add("bulk", f"{row}, client CPU s/GB", name, client_cpu)


def handshakes(bench):
    count = 6 if bench.quick else 20
    for _ in range(count):
        for name, (server, client) in bench.pairs.items():
            outcome = run(client.command(server, "true", kex=KEX))
            bench.table.add("handshake", "connect, authenticate, true: p50, ms", name, outcome.wall * 1000)
            bench.table.add("handshake", "CPU of the client, ms", name, outcome.cpu * 1000)
            # What is left when a server takes no time: the client's own work, and the shell's.
            if name == "our server":
                shell = run(["/bin/bash", "-c", "true"])
                bench.table.add("handshake", LEAST, name, (outcome.cpu + shell.wall) * 1000)
            elif name == "OpenSSH":
                bench.table.add("handshake", LEAST, name, outcome.wall * 1000)
            # As users have it: with the key exchange that the two ends choose, which a quantum computer does not undo.
            outcome = run(client.command(server, "true"))
            bench.table.add("handshake", "CPU with the key exchange of its choice, client, ms", name,
                            outcome.cpu * 1000)
    together = 24 if bench.quick else 64
    for name, (server, client) in bench.pairs.items():
        bench.table.add("handshake", "connections a second, 8 at once", name,
                        together / wall_of_parallel(together, 8, client.command(server, "true", kex=KEX)))
    for name, server in (("our server", bench.our_server), ("OpenSSH", bench.their_server)):
        number = 20 if bench.quick else 100
        before = server.cpu()
        run(bench.our_client.load(server, "connect", count=number, kex=KEX))
        server.settle()
        cost = (server.cpu() - before) / number
        bench.table.add("handshake", "CPU of the server, authentication alone, ms", name, cost * 1000)


def wall_of_parallel(count, workers, words):
    left = list(range(count))
    lock = threading.Lock()
    failures = []

    def work():
        while True:
            with lock:
                if not left or failures:
                    return
                left.pop()
            try:
                run(words)
            except RuntimeError as failure:
                failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.monotonic() - start


class Echo:
    """A terminal at a server, through the stock client: what a key stroke takes there and back."""

    def __init__(self, bench, server):
        self.process = subprocess.Popen(
            bench.their_client.command(server, "stty raw -echo; echo ready; exec cat", reads_input=True, flags=["-tt"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        greeting = b""
        while b"ready" not in greeting or not greeting.endswith(b"\n"):
            greeting += self.process.stdout.read(1)

    def strokes(self, count):
        times = []
        to, back = self.process.stdin.fileno(), self.process.stdout.fileno()
        for _ in range(count):
            start = time.perf_counter()
            os.write(to, b"x")
            os.read(back, 16)
            times.append(time.perf_counter() - start)
            time.sleep(0.002)
        return times

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def echo(bench):
    count = 200 if bench.quick else 500
    ends = {"our server": Echo(bench, bench.our_server), "OpenSSH": Echo(bench, bench.their_server)}
    for end in ends.values():
        end.strokes(20)
    for _ in range(3):
        for name, end in ends.items():
            times = sorted(end.strokes(count))
            bench.table.add("echo", "p50, µs", name, statistics.median(times) * 1e6)
            bench.table.add("echo", "p99, µs", name, times[int(len(times) * 0.99)] * 1e6)
    for end in ends.values():
        end.close()


def channels(bench):
    count = 60 if bench.quick else 300
    for parallel in (1, 8):
        for name, server in (("our server", bench.our_server), ("OpenSSH", bench.their_server)):
            done = run(bench.our_client.load(server, "channels", count=count, parallel=parallel, command="true"),
                       stdout=subprocess.PIPE)
            total = float(done.output.split(b"\n")[0].split()[1])
            bench.table.add("channels", f"true, {parallel} at once, a second", name, count / total * 1000)


def memory(bench):
    count = 50 if bench.quick else 200
    for name, kind in (("our server", OurServer), ("OpenSSH", OpenSSHServer)):
        server = kind(bench.place)
        # What the first sessions cost a server for good, and what their logins leave free, is not what a session costs:
        # the difference that more of them make is.
        first = hold(bench, server, 50)
        time.sleep(2)
        before = server.memory()
        start = time.monotonic()
        more = hold(bench, server, count)
        bench.table.add("memory", "sessions opened a second", name, count / (time.monotonic() - start))
        time.sleep(2)
        bench.table.add("memory", f"an idle session with a terminal, {count} of them, KiB", name,
                        (server.memory() - before) / count)
        for holder in (first, more):
            holder.stdin.close()
            holder.wait()
        server.stop()


def hold(bench, server, count):
    """Opens sessions that stay until the standard input of what is returned ends."""
    holder = subprocess.Popen(bench.our_client.load(server, "hold", count=count, command="exec cat"),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if holder.stdout.readline() != b"ready\n":
        raise RuntimeError("the sessions did not open")
    return holder


def files(bench):
    """SFTP: one big file, 5,000 small ones, a long listing."""
    place = bench.place
    size = (256 if bench.quick else 1024) << 20
    big = place.path("big")
    if not os.path.exists(big):
        with open("/dev/urandom", "rb") as random, open(big, "wb") as file:
            for _ in range(size >> 20):
                file.write(random.read(1 << 20))
        make_tree(place.path("small"), 1000 if bench.quick else 5000)
        make_tree(place.path("names"), 10_000, size=0)
    number = len(os.listdir(place.path("small")))
    for name, (server, client) in bench.pairs.items():
        for verb in ("put", "get"):
            target = place.fresh("copy")
            before = server.cpu()
            outcome = run(client.files(server, verb, big, target))
            server.settle()
            if os.path.getsize(target) != size:
                raise RuntimeError("the file is not whole")
            os.remove(target)
            bench.table.add("sftp", f"{verb}, {size >> 20} MiB, MB/s", name, size / outcome.wall / 1e6)
            bench.table.add("sftp", f"{verb}, server CPU s/GB", name, (server.cpu() - before) / size * 1e9)
        for verb in ("put", "get"):
            target = place.fresh("copy")
            outcome = run(client.files(server, verb, place.path("small"), target))
            found = sum(len(names) for _, _, names in os.walk(target))
            if found != number:
                raise RuntimeError(f"{found} of {number} files arrived")
            subprocess.run(["rm", "-r", target], check=True)
            bench.table.add("sftp", f"{verb}, files of 4 KiB, a second", name, number / outcome.wall)
    # Short, and therefore more often, in turns.
    for _ in range(3):
        for name, (server, client) in bench.pairs.items():
            outcome = run(client.files(server, "list", place.path("names")), stdout=subprocess.PIPE)
            if len(outcome.output.split()) < 10_000:
                raise RuntimeError("the listing is not whole")
            bench.table.add("sftp", "list of 10,000, ms", name, outcome.wall * 1000)


def make_tree(folder, count, size=4096):
    os.mkdir(folder)
    for number in range(count):
        with open(f"{folder}/file-{number:05}", "wb") as file:
            file.write(os.urandom(size))


def delayed(bench):
    place = bench.place
    make_once(place, 300 if bench.quick else 1000, (32 if bench.quick else 128) << 20)
    number = len(os.listdir(place.path("few")))
    big = os.path.getsize(place.path("middling"))
    for delay in (50, 150):
        behind = {server: Relay(place, server, delay) for server in (bench.our_server, bench.their_server)}
        size = (48 if bench.quick else 192) << 20
        for name, (server, client) in bench.pairs.items():
            if name == "our server" and bench.quick:
                continue
            link = behind[server]
            for direction in ("down", "up"):
                rate, _, _ = transfer(bench, link, client, direction, "aes128-gcm", size)
                bench.table.add("delayed", f"{delay} ms, {direction}, MB/s", name, rate)
            # The client decides what is under way; the quick run asks one link only.
            if name == "our server" or bench.quick and delay > 50:
                continue
            for verb, source, what in (("put", "middling", "one file, MB/s"), ("get", "middling", "one file, MB/s"),
                                       ("put", "few", "small files a second"), ("get", "few", "small files a second")):
                target = place.fresh("copy")
                if client is bench.their_client and source == "few":
                    # It asks for one after the other: a tenth of them tells the rate.
                    source = "fewer"
                outcome = run(client.files(link, verb, place.path(source), target))
                subprocess.run(["rm", "-r", target], check=True)
                amount = big / 1e6 if source == "middling" else len(os.listdir(place.path(source)))
                bench.table.add("delayed", f"{delay} ms, SFTP {verb} {what}", name, amount / outcome.wall)
        for link in behind.values():
            link.stop()


def make_once(place, number, size):
    if os.path.exists(place.path("few")):
        return
    make_tree(place.path("few"), number)
    make_tree(place.path("fewer"), max(10, number // 25))
    Path(place.path("middling")).write_bytes(os.urandom(size))


def relay_rate(bench):
    """What the relay itself carries, in MB/s: it must not be what limits."""
    import socket
    size = 512 << 20
    with socket.create_server(("127.0.0.1", 0)) as listener:
        class Sink:
            port, name = listener.getsockname()[1], "sink"
        link = Relay(bench.place, Sink, 50)

        def send():
            with socket.create_connection(("127.0.0.1", link.port)) as sender:
                block = bytes(1 << 20)
                for _ in range(size >> 20):
                    sender.sendall(block)

        sender = threading.Thread(target=send)
        start = time.monotonic()
        sender.start()
        with listener.accept()[0] as taken:
            buffer, got = bytearray(1 << 20), 0
            while got < size:
                got += taken.recv_into(buffer)
        rate = size / (time.monotonic() - start) / 1e6
        sender.join()
        link.stop()
        return rate


GROUPS = {"handshake": handshakes, "echo": echo, "channels": channels, "memory": memory, "bulk": bulk, "sftp": files,
          "delayed": delayed}
