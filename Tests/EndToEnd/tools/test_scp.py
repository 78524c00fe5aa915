"""`copilot scp` against OpenSSH's sshd, against servers that lie, and by the old protocol against scp itself."""

import asyncio
import contextlib
import os
import shutil
import stat
import subprocess
import threading

import asyncssh
import pytest

from file_tools import digest, fill, make_tree, person, plain  # noqa: F401
from ports import accepts, eventually, free_port, kill_tree

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp", "old"])
def test_trees_arrive_as_they_are_in_both_directions(person, protocol):
    make_tree(person.work / "tree")
    sent = person.scp(*protocol, "-pr", "tree", f"web:{person.remote}")
    assert sent.returncode == 0, sent.stderr
    fetched = person.scp(*protocol, "-pr", f"web:{person.remote}/tree", "back")
    assert fetched.returncode == 0, fetched.stderr
    wanted = digest(person.work / "tree", times=True, modes=True)
    assert digest(person.remote / "tree", times=True, modes=True) == wanted
    assert digest(person.work / "back", times=True, modes=True) == wanted


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp", "old"])
def test_without_p_modes_go_through_the_mask_and_times_are_new(person, protocol):
    script = fill(person.work / "script", 10)
    script.chmod(0o777)
    os.utime(script, (1, 1))
    assert person.scp(*protocol, "script", f"web:{person.remote}").returncode == 0
    assert person.scp(*protocol, f"web:{person.remote}/script", "back").returncode == 0
    for path in (person.remote / "script", person.work / "back"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755 and path.stat().st_mtime > 1000


def test_names_go_where_scp_would_put_them(person):
    fill(person.work / "a", 10, seed=1)
    fill(person.work / "b", 20, seed=2)
    assert person.scp("a", "b", f"web:{person.remote}").returncode == 0
    assert person.scp("a", f"web:{person.remote}/renamed").returncode == 0
    assert (person.remote / "renamed").read_bytes() == (person.work / "a").read_bytes()
    # An empty path is the home.
    assert person.scp("a", "web:").returncode == 0
    assert (person.host.account.home / "a").exists()
    (person.work / "in").mkdir()
    assert person.scp(f"web:{person.remote}/[ab]", f"web:{person.remote}/renamed", "in").returncode == 0
    assert sorted(path.name for path in (person.work / "in").iterdir()) == ["a", "b", "renamed"]
    # A colon in a name of this machine, a host by its URL, and a pattern that is a name.
    fill(person.work / "x:y", 10)
    url = f"scp://{person.host.username}@127.0.0.1:{person.host.port}/{person.remote}/with%20blank"
    assert person.scp("-i", person.home / ".ssh/id_ed25519", "-o", f"UserKnownHostsFile={person.known_hosts}",
                      "./x:y", url).returncode == 0
    assert (person.remote / "with blank").exists()
    fill(person.remote / "[1].txt", 10)
    person.own(person.remote)
    assert person.scp(f"web:{person.remote}/[1].txt", "in").returncode == 0
    assert person.scp("a", "b", "./c").returncode == 1
    assert person.scp("a", f"web:{person.remote}/no/such/").returncode == 1


def test_one_file_that_fails_is_told_and_the_rest_goes_on(person):
    fill(person.work / "a", 10)
    fill(person.work / "c", 10)
    done = person.scp("a", "missing", "c", f"web:{person.remote}")
    assert done.returncode == 1 and "“missing”" in done.stderr
    assert (person.remote / "a").exists() and (person.remote / "c").exists()
    make_tree(person.remote / "tree", files=6)
    person.own(person.remote)
    closed = person.remote / "tree/d1/sub 1/file 1.txt"
    closed.chmod(0)
    os.chown(closed, 0, 0)
    for protocol in ([], ["-O"]):
        back = f"back{len(protocol)}"
        fetched = person.scp("-r", *protocol, f"web:{person.remote}/tree", back)
        assert fetched.returncode == 1 and "file 1.txt" in fetched.stderr and "ermission denied" in fetched.stderr
        assert (person.work / back / "d2/sub 2/file 2.txt").exists() and (person.work / back / "big.bin").exists()
    assert "-r" in person.scp("back0", f"web:{person.remote}").stderr, "a directory needs -r"


def test_links_are_followed_to_files_and_none_is_made(person):
    fill(person.work / "tree/file", 10)
    (person.work / "tree/link").symlink_to("file")
    (person.work / "tree/folder").symlink_to("/etc")
    done = person.scp("-r", "tree", f"web:{person.remote}")
    assert done.returncode == 1 and "tree/folder” is not a regular file" in done.stderr
    assert (person.remote / "tree/link").read_bytes() == (person.work / "tree/file").read_bytes()
    assert not (person.remote / "tree/link").is_symlink() and not (person.remote / "tree/folder").exists()
    fetched = person.scp("-r", f"web:{person.remote}/tree", "back")
    assert fetched.returncode == 0 and sorted(p.name for p in (person.work / "back").iterdir()) == ["file", "link"]


def test_sparse_files_stay_sparse(person):
    path = person.work / "sparse"
    with path.open("wb") as file:
        file.seek(50_000_000)
        file.write(b"end")
    assert person.scp("-p", "sparse", f"web:{person.remote}").returncode == 0
    assert person.scp("-p", f"web:{person.remote}/sparse", "back").returncode == 0
    for copy in (person.remote / "sparse", person.work / "back"):
        facts = copy.stat()
        assert facts.st_size == 50_000_003 and facts.st_blocks * 512 < 1_000_000
        assert copy.read_bytes() == path.read_bytes()


def test_between_two_hosts_files_stream_through_here(person):
    make_tree(person.remote / "tree", files=10)
    person.own(person.remote)
    before = digest(person.work)
    done = person.scp("-rp", f"web:{person.remote}/tree", f"web2:{person.remote}/copy")
    assert done.returncode == 0, done.stderr
    assert digest(person.remote / "copy", times=True) == digest(person.remote / "tree", times=True)
    assert digest(person.work) == before
    # What is there of a big one is gone on with.
    fill(person.remote / "big", 20_000_000)
    (person.remote / "partial").write_bytes((person.remote / "big").read_bytes()[:11_000_000])
    person.own(person.remote)
    assert person.scp("--resume", f"web:{person.remote}/big", f"web2:{person.remote}/partial").returncode == 0
    assert (person.remote / "partial").read_bytes() == (person.remote / "big").read_bytes()


def test_resume_goes_on_with_what_agrees_and_refuses_what_does_not(person):
    whole = fill(person.work / "big", 4_000_000)
    (person.remote / "big").write_bytes(whole.read_bytes()[:1_500_000])
    fill(person.remote / "other", 1_000_000, seed=9)
    person.own(person.remote)
    assert person.scp("--resume", "big", f"web:{person.remote}").returncode == 0
    assert (person.remote / "big").read_bytes() == whole.read_bytes()
    refused = person.scp("--resume", "big", f"web:{person.remote}/other")
    assert refused.returncode == 1 and "cannot be resumed" in refused.stderr
    assert (person.remote / "other").stat().st_size == 1_000_000


def test_an_interrupted_copy_keeps_its_beginning_and_says_how_to_go_on(person):
    fill(person.work / "big", 5_000_000)
    child = person.at_terminal("scp", "-l", "8000", "big", f"web:{person.remote}")
    eventually(lambda: (person.remote / "big").exists() and (person.remote / "big").stat().st_size > 300_000, "some")
    child.sendintr()
    child.wait()
    shown = plain(child.read())
    assert "--resume goes on from there" in shown and child.exitstatus == 130
    assert person.scp("--resume", "big", f"web:{person.remote}").returncode == 0
    assert (person.remote / "big").read_bytes() == (person.work / "big").read_bytes()


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp", "old"])
def test_progress_and_limit_at_a_terminal(person, protocol):
    fill(person.work / "big", 3_000_000)
    child = person.at_terminal("scp", *protocol, "-l", "16000", "big", f"web:{person.remote}", columns=60)
    child.wait()
    shown = child.read()
    assert child.exitstatus == 0 and "ETA" in shown and "100%" in plain(shown) and "2.9M" in plain(shown)
    child = person.at_terminal("scp", "-q", *protocol, "big", f"web:{person.remote}")
    child.wait()
    assert child.read() == ""


@pytest.mark.parametrize("options", [[], ["-B"]])
def test_a_host_that_cannot_be_reached_is_told_once(person, options):
    fill(person.work / "a", 10)
    done = person.scp(*options, "-P", "1", "-F", "none", "a", "a", "127.0.0.1:")
    assert done.returncode == 1 and done.stderr.count("copilot:") == 1


# Servers that lie


class Liar:
    """An SSH server of ours that answers SFTP and scp as a test wants."""

    def __init__(self, folder, sftp=None, scp=None):
        self.folder, self.sftp, self.scp, self.port = folder, sftp, scp, None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), self.loop).result(10)
        return self

    def __exit__(self, *_):
        async def stop():
            self.server.close()
            await self.server.wait_closed()

        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    async def start(self):
        async def process(process):
            await self.scp(process)
            process.exit(0)

        class Open(asyncssh.SSHServer):
            def begin_auth(self, username):
                return False

        self.server = await asyncssh.create_server(
            Open, "127.0.0.1", 0, server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=self.sftp or False, process_factory=process if self.scp else None, encoding=None)
        self.port = self.server.get_port()

    def options(self):
        return ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-P", self.port,
                "-o", "IdentityAgent=none"]


def liar_of_names(names, folder):
    class Names(asyncssh.SFTPServer):
        def __init__(self, channel):
            super().__init__(channel, chroot=str(folder).encode())

        async def scandir(self, path):
            for name, mode in names:
                yield asyncssh.SFTPName(name.encode(), "", asyncssh.SFTPAttrs(permissions=mode, size=6))

    return Names


FILE, FOLDER, LINK = 0o100644, 0o040755, 0o120777


@pytest.mark.parametrize("names", [
    [("../evil", FILE)], [("/tmp/copilot-evil", FILE)], [("a/../../evil", FILE)], [("..", FOLDER)],
    [("link", LINK), ("link", FOLDER), ("evil", FILE)],
], ids=lambda names: "+".join(name for name, _ in names))
@pytest.mark.parametrize("way", ["tree", "pattern", "sftp"])
def test_a_server_that_lies_about_names_writes_nothing_elsewhere(person, folder, names, way):
    served = folder / "served"
    for path in ("d", "evil", "d/evil"):
        if path == "d":
            (served / path).mkdir(parents=True)
        else:
            (served / path).write_text("inside")
    outside = person.home / "outside"
    outside.mkdir()
    (served / "d/link").symlink_to(outside)
    person.work.joinpath("target").mkdir()
    with Liar(folder, sftp=liar_of_names(names, served)) as liar:
        if way == "sftp":
            person.run("sftp", *liar.options(), "-b", "-", "127.0.0.1", input="-get -r /d target\n-get /d/* target\n")
        else:
            source = "127.0.0.1:/d" if way == "tree" else "127.0.0.1:/d/*"
            person.scp("-r", *liar.options(), source, "target")
    assert not list(outside.iterdir())
    assert not (person.home / "evil").exists() and not (person.work / "evil").exists()
    assert not os.path.exists("/tmp/copilot-evil")
    for path in person.work.rglob("*"):
        assert (person.work / "target") in [path, *path.parents] and not path.is_symlink()


@pytest.mark.parametrize("header", [
    b"C0644 6 other\n", b"C0644 6 ../f\n", b"C0644 6 /tmp/copilot-evil\n", b"D0755 0 f\n", b"C0644 6 ..\n", b"C0644 6 \n",
    b"C0644 -6 f\n", b"C0644 99999999999999999999 f\n", b"E\n", b"nonsense\n",
])
def test_a_lying_scp_of_the_old_protocol_writes_nothing_that_was_not_asked_for(person, folder, header):
    async def scp(process):
        await process.stdin.read(1)
        process.stdout.write(header)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(process.stdin.read(1), 3)
            process.stdout.write(b"inside\0")
            await asyncio.wait_for(process.stdin.read(1), 3)

    (person.work / "target").mkdir()
    with Liar(folder, scp=scp) as liar:
        done = person.scp("-O", *liar.options(), "127.0.0.1:/srv/f", "target")
    assert done.returncode == 1 and done.stderr
    assert not list((person.work / "target").iterdir()) and not os.path.exists("/tmp/copilot-evil")


def test_the_old_protocol_takes_only_names_that_fit_the_pattern(person, folder):
    async def scp(process):
        await process.stdin.read(1)
        for name in (b"report.txt", b".bashrc"):
            process.stdout.write(b"C0644 6 " + name + b"\n")
            with contextlib.suppress(Exception):
                await asyncio.wait_for(process.stdin.read(1), 3)
                process.stdout.write(b"inside\0")
                await asyncio.wait_for(process.stdin.read(1), 3)

    with Liar(folder, scp=scp) as liar:
        done = person.scp("-O", *liar.options(), "127.0.0.1:/srv/*.txt", ".")
    assert done.returncode == 1 and ".bashrc" in done.stderr
    assert [path.name for path in person.work.iterdir()] == ["report.txt"]


def test_sentences_of_a_host_do_nothing_to_the_terminal(person, folder):
    async def scp(process):
        await process.stdin.read(1)
        process.stdout.write(b"\x02scp: \x1b]0;owned\x07\x1b[31mgone\n")

    with Liar(folder, scp=scp) as liar:
        done = person.scp("-O", *liar.options(), "127.0.0.1:/srv/f", ".")
    assert done.returncode == 1 and "gone" in done.stderr and "\x1b" not in done.stderr


# Dropbear, which speaks SFTP only where somebody installed a server for it


@pytest.fixture
def dropbear(person, folder):
    """A Dropbear for the same account and key, with no SFTP server of its own; yields scp's options to reach it."""
    if shutil.which("dropbear") is None:
        pytest.skip("Dropbear is not installed")
    account = person.host.account
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", folder / "dropbear_key"], check=True, capture_output=True)
    keys = account.home / ".ssh"
    keys.mkdir(mode=0o700, exist_ok=True)
    (keys / "authorized_keys").write_text(person.host.authorized.read_text())
    account.own(keys)
    port = free_port()
    server = subprocess.Popen(
        ["dropbear", "-F", "-E", "-s", "-r", folder / "dropbear_key", "-P", folder / "dropbear.pid",
         "-p", f"127.0.0.1:{port}"], stderr=(folder / "dropbear.log").open("w"))
    eventually(lambda: accepts(port), "dropbear listens")
    yield ["-P", port, "-o", "StrictHostKeyChecking=no", "-o", f"HostKeyAlias=dropbear-{port}"]
    kill_tree(server.pid)
    server.wait()


def test_trees_go_to_dropbear_and_back_by_the_old_protocol(person, dropbear):
    make_tree(person.work / "tree", files=12)
    sent = person.scp("-O", *dropbear, "-pr", "tree", f"web:{person.remote}")
    assert sent.returncode == 0, sent.stderr
    fetched = person.scp("-O", *dropbear, "-pr", f"web:{person.remote}/tree", f"web:{person.remote}/tree/d0", "./")
    assert fetched.returncode == 0, fetched.stderr
    assert digest(person.remote / "tree", times=True) == digest(person.work / "tree", times=True)
    assert digest(person.work / "d0") == digest(person.work / "tree/d0")
