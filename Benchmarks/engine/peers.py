"""The programs that are measured: OpenSSH's and ours, as servers and as clients, and what they cost."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
# OpenSSH's names and ours are the same; a MAC belongs to the cipher that needs one.
CIPHERS = {
    "aes128-gcm": ("aes128-gcm@openssh.com", None),
    "aes256-gcm": ("aes256-gcm@openssh.com", None),
    "chacha20-poly1305": ("chacha20-poly1305@openssh.com", None),
    "aes256-ctr": ("aes256-ctr", "hmac-sha2-256-etm@openssh.com"),
}


class Workplace:
    """Keys, files and programs of one run, in memory."""

    def __init__(self, program, tools):
        self.program, self.load, self.relay = program, str(tools / "load"), str(tools / "relay")
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="engine-bench-", dir=base))
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / name],
                           check=True)
        public = (self.folder / "host.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"bench {public[0]} {public[1]}\n")
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        self.count = 0

    def path(self, name):
        return str(self.folder / name)

    def fresh(self, name):
        self.count += 1
        return self.path(f"{name}-{self.count}")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def processes(root):
    """A process and everything below it."""
    found, waiting = [], [root]
    while waiting:
        number = waiting.pop()
        try:
            tasks = os.listdir(f"/proc/{number}/task")
            found.append(number)
            for task in tasks:
                with open(f"/proc/{number}/task/{task}/children") as file:
                    waiting += [int(word) for word in file.read().split()]
        except OSError:
            continue
    return found


def shared_out_memory(numbers):
    """PSS in KiB."""
    total = 0
    for number in numbers:
        with open(f"/proc/{number}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


class Server:
    """Something that serves on `port` as process `process`."""

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class OpenSSHServer(Server):
    name = "OpenSSH"

    def __init__(self, place):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = place.folder / "sshd_config"
        sftp = next((path for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server",
                                       "/usr/lib/ssh/sftp-server") if os.path.exists(path)), "internal-sftp")
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {place.path('host')}\nPidFile none\n"
            f"AuthorizedKeysFile {place.path('authorized_keys')}\nStrictModes no\nUsePAM no\nUseDNS no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel QUIET\n"
            "MaxStartups 2000\nMaxSessions 2000\nPrintMotd no\nPrintLastLog no\n"
            # What a user's shell does at its start is not to be measured.
            f"SetEnv HOME={place.folder}\n"
            f"Subsystem sftp {sftp}\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", config])
        wait_for(self.port)

    def settle(self):
        """Until its connections are gone: only then is what they cost known."""
        deadline = time.monotonic() + 10
        while len(processes(self.process.pid)) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)

    def cpu(self):
        """CPU seconds of it and of everything it started and collected, remote commands included."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return sum(int(value) for value in fields[11:15]) / TICK

    counts_commands = True

    def memory(self):
        return shared_out_memory([number for number in processes(self.process.pid) if program_of(number) == "sshd"])


class OurServer(Server):
    name = "ours"

    def __init__(self, place):
        self.process = subprocess.Popen(
            [place.program, "serve", "--host-key", place.path("host"), "--user-key", place.path("user.pub")],
            stdout=subprocess.PIPE, env={**os.environ, "HOME": str(place.folder)})
        self.port = int(self.process.stdout.readline())

    def settle(self):
        time.sleep(0.02)

    def cpu(self):
        """CPU seconds of the process alone."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    counts_commands = False

    def memory(self):
        return shared_out_memory([self.process.pid])


def program_of(number):
    with open(f"/proc/{number}/comm") as file:
        return file.read().strip()


def wait_for(port):
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"nobody listens on port {port}")


class Relay(Server):
    """A server behind a long link."""

    def __init__(self, place, server, milliseconds):
        self.server = server
        self.process = subprocess.Popen([place.relay, str(server.port), str(milliseconds)], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.name = server.name


class OpenSSHClient:
    name = "OpenSSH"

    def __init__(self, place):
        self.place = place

    def options(self, cipher=None, kex=None):
        options = ["-F", "none", "-o", f"IdentityFile={self.place.path('user')}", "-o", "IdentitiesOnly=yes",
                   "-o", f"UserKnownHostsFile={self.place.path('known_hosts')}", "-o", "HostKeyAlias=bench",
                   "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
                   "-o", "IdentityAgent=none", "-o", "HostKeyAlgorithms=ssh-ed25519", "-o", "LogLevel=ERROR"]
        if cipher:
            name, mac = CIPHERS[cipher]
            options += ["-o", f"Ciphers={name}"] + (["-o", f"MACs={mac}"] if mac else [])
        if kex:
            options += ["-o", f"KexAlgorithms={kex}"]
        return options

    def command(self, server, remote, cipher=None, kex=None, reads_input=False, flags=()):
        return (["ssh", *self.options(cipher, kex), *([] if reads_input else ["-n"]), *flags, "-p", str(server.port),
                 "root@127.0.0.1", remote])

    def files(self, server, *words):
        """One command of sftp, from a batch file."""
        batch = self.place.fresh("batch")
        verb, *names = words
        flags = "-r " if verb in ("put", "get") and self.is_tree(verb, names[0]) else ""
        Path(batch).write_text(f"{'ls -1f' if verb == 'list' else verb} {flags}{' '.join(names)}\n")
        return ["sftp", "-q", *self.options(), "-P", str(server.port), "-b", batch, "root@127.0.0.1"]

    @staticmethod
    def is_tree(_, source):
        # Both ends are this machine.
        return os.path.isdir(source)


class OurClient:
    name = "ours"

    def __init__(self, place):
        self.place = place

    def options(self, server, cipher=None, kex=None):
        options = ["--port", str(server.port), "--user", "root", "--key", self.place.path("user"),
                   "--host-key", self.place.path("host.pub")]
        if cipher:
            name, mac = CIPHERS[cipher]
            options += ["--cipher", name] + (["--mac", mac] if mac else [])
        if kex:
            options += ["--kex", kex]
        return options

    def command(self, server, remote, cipher=None, kex=None, reads_input=False):
        return [self.place.program, "run", *self.options(server, cipher, kex),
                *([] if reads_input else ["--input", "none"]), remote]

    def files(self, server, *words):
        return [self.place.program, "files", *self.options(server), *words]

    def load(self, server, kind, **options):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [self.place.program, kind, *self.options(server), *words]


class Outcome:
    """What one program of ours or theirs took."""

    def __init__(self, wall, cpu, ended, output):
        self.wall, self.cpu, self.ended, self.output = wall, cpu, ended, output


def run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
    """Runs a program to its end; wall and CPU seconds of it alone."""
    start = time.monotonic()
    process = subprocess.Popen(words, stdin=stdin, stdout=stdout)
    if stdin not in (subprocess.DEVNULL, None) and hasattr(stdin, "close"):
        stdin.close()
    output = process.stdout.read() if stdout == subprocess.PIPE else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
    return Outcome(time.monotonic() - start, usage.ru_utime + usage.ru_stime, time.time(), output)
