"""Real SSH hosts: OpenSSH's sshd on loopback, each with its own keys, its own configuration and its own port."""

import grp
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import subprocess

from ports import accepts, eventually, free_port, process_tree

SSHD = "/usr/sbin/sshd"


class Account:
    """An unprivileged account of this machine, made for one run of the tests and removed with it."""

    def __init__(self, folder):
        assert os.geteuid() == 0, "the end-to-end tests make an account to sign in to, which needs root"
        self.name = "copilot-e2e-" + secrets.token_hex(3)
        self.password = secrets.token_urlsafe(12)
        self.home = pathlib.Path(folder) / "home"
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=self.password, capture_output=True, text=True, check=True
        ).stdout.strip()
        # Its files are locked while another worker adds an account.
        eventually(lambda: subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(self.home),
             "--shell", "/bin/bash", "--password", hashed, self.name]).returncode == 0, "the account is made")
        self.home.mkdir(mode=0o755, parents=True)
        entry = pwd.getpwnam(self.name)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid
        # A short fixed prompt, so that a test can tell the prompt from what came before it.
        (self.home / ".bashrc").write_text("PS1='e2e$ '\nexport LANG=C.UTF-8\nunset HISTFILE\n")
        (self.home / ".profile").write_text(". ~/.bashrc\n")
        self.own(self.home)

    def own(self, path):
        for entry in [path, *pathlib.Path(path).rglob("*")]:
            os.chown(entry, self.uid, self.gid, follow_symlinks=False)

    def remove(self):
        for pid in subprocess.run(["ps", "-o", "pid=", "-u", self.name], capture_output=True, text=True).stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["userdel", self.name], check=False, capture_output=True)
        try:
            grp.getgrnam(self.name)
            subprocess.run(["groupdel", self.name], check=False, capture_output=True)
        except KeyError:
            pass
        shutil.rmtree(self.home, ignore_errors=True)


class SSHHost:
    """One sshd. It may be stopped, lose its sessions, or come back with another host key, on the same port."""

    address = "127.0.0.1"

    def __init__(self, folder, account, options=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # sshd reads the keys as the account; its StrictModes would refuse everything below /tmp.
        for parent in [self.folder, *self.folder.parents]:
            if os.stat(parent).st_uid == os.geteuid() and parent != pathlib.Path("/tmp"):
                os.chmod(parent, 0o755)
        self.account = account
        self.options = options
        self.port = free_port()
        self.listener = None
        self.authorized = self.folder / "authorized_keys"
        self.authorized.write_text("")
        self.authorized.chmod(0o644)
        self.make_host_key()

    @property
    def username(self):
        return self.account.name

    @property
    def password(self):
        return self.account.password

    def make_host_key(self, kind="ed25519"):
        """Makes a new host key; a running sshd has the old one until it is started again."""
        for path in self.folder.glob("host_key*"):
            path.unlink()
        self.keygen("-t", kind, "-N", "", "-f", str(self.folder / "host_key"))

    def make_client_key(self, kind="ed25519", passphrase="", bits=None):
        """Makes a key that this host lets in and returns the private key file's text."""
        path = self.folder / f"client_{kind}_{secrets.token_hex(3)}"
        size = ["-b", str(bits)] if bits else []
        self.keygen("-t", kind, *size, "-N", passphrase, "-C", "end-to-end", "-f", str(path))
        self.authorize(path.with_suffix(".pub").read_text())
        return path.read_text()

    def authorize(self, line):
        with self.authorized.open("a") as file:
            file.write(line.rstrip("\n") + "\n")

    @staticmethod
    def keygen(*arguments):
        subprocess.run(["ssh-keygen", "-q", *arguments], check=True, stdin=subprocess.DEVNULL)

    @property
    def fingerprint(self):
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-E", "sha256", "-f", str(self.folder / "host_key.pub")],
            check=True, capture_output=True, text=True).stdout
        return shown.split()[1]

    @property
    def randomart(self):
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-v", "-E", "sha256", "-f", str(self.folder / "host_key.pub")],
            check=True, capture_output=True, text=True).stdout
        return shown.splitlines()[1:]

    def start(self):
        config = self.folder / "sshd_config"
        config.write_text(f"""ListenAddress {self.address}
Port {self.port}
HostKey {self.folder}/host_key
PidFile {self.folder}/sshd.pid
AuthorizedKeysFile {self.authorized}
UsePAM no
StrictModes no
PermitRootLogin no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
AcceptEnv LANG LC_* COLORTERM
Subsystem sftp /usr/lib/openssh/sftp-server
LogLevel VERBOSE
MaxStartups 200
{self.options}
""")
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.listener = subprocess.Popen(
            [SSHD, "-D", "-f", str(config), "-E", str(self.folder / "sshd.log")],
            stdin=subprocess.DEVNULL, start_new_session=True)
        eventually(lambda: accepts(self.port), f"sshd listens on {self.port}: {self.log[-400:]}")
        return self

    @property
    def log(self):
        path = self.folder / "sshd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def sessions(self):
        """The pids of sshd's own processes of open connections and what they started."""
        return process_tree(self.listener.pid)[:-1] if self.listener else []

    def kill_sessions(self):
        """The host's end of every connection dies without a word, as when the machine goes down."""
        # All are stopped before the first one dies: none is left to tell of another's end.
        sessions = self.sessions
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in sessions:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass

    def stop(self):
        if self.listener is None:
            return
        for pid in process_tree(self.listener.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.listener.wait()
        self.listener = None

    def restart(self):
        self.stop()
        return self.start()
