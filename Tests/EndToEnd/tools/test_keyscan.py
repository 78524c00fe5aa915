"""`copilot keyscan` beside ssh-keyscan, with hosts that answer, refuse and stay silent."""

import json
import socket
import time

import pytest

from person import Person
from ports import free_port


@pytest.fixture
def person(folder):
    return Person(folder)


@pytest.fixture
def many(make_host, folder):
    """A host with a key of each type."""
    made = make_host(start=False)
    extra = []
    for kind, bits in (("rsa", "2048"), ("ecdsa", "384")):
        made.keygen("-t", kind, "-b", bits, "-N", "", "-f", str(folder / f"extra_{kind}"))
        extra.append(f"HostKey {folder}/extra_{kind}")
    made.options = "\n".join(extra)
    return made.start()


@pytest.fixture
def silent():
    """Takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


def lines(text):
    return sorted(line for line in text.splitlines() if line and not line.startswith("#"))


def test_it_finds_the_keys_that_ssh_keyscan_finds(person, many):
    theirs = person.tool("ssh-keyscan", "-p", many.port, "127.0.0.1").stdout
    ours = person.copilot("keyscan", "-p", many.port, "127.0.0.1")
    assert lines(ours.stdout) == lines(theirs) and len(lines(theirs)) == 3
    assert "SSH-2.0-OpenSSH" in ours.stderr


def test_only_the_types_that_are_wanted(person, many):
    ours = person.copilot("keyscan", "-q", "-t", "ecdsa,ed25519", f"127.0.0.1:{many.port}")
    assert {line.split()[1] for line in lines(ours.stdout)} == {"ecdsa-sha2-nistp384", "ssh-ed25519"}
    assert ours.stderr == ""


def test_hashed_lines_are_known_to_ssh(person, many):
    hosts = person.home / ".ssh/known_hosts"
    hosts.write_text(person.copilot("keyscan", "-H", "-p", many.port, "127.0.0.1").stdout)
    assert "127.0.0.1" not in hosts.read_text()
    assert len(lines(person.tool("ssh-keygen", "-F", f"[127.0.0.1]:{many.port}", "-f", hosts).stdout)) == 3


def test_hosts_that_do_not_answer_are_named_and_cost_no_more_than_the_time_out(person, many, silent):
    closed = free_port()
    started = time.monotonic()
    done = person.copilot(
        "keyscan", "-T", "2", "-t", "ed25519", f"127.0.0.1:{closed}", f"127.0.0.1:{silent}", f"127.0.0.1:{many.port}",
        *[f"127.0.0.1:{silent}"] * 8, check=False)
    assert time.monotonic() - started < 8, "they are asked at once"
    assert done.returncode == 1
    assert len(lines(done.stdout)) == 1
    assert f"127.0.0.1:{closed}: " in done.stderr and "refused" in done.stderr
    assert done.stderr.count(f"127.0.0.1:{silent}: ") == 9
    assert person.copilot("keyscan", f"127.0.0.1:{closed}", check=False).returncode == 2


def test_hosts_come_from_a_file_with_the_names_to_write(person, many):
    (person.work / "hosts").write_text(f"# ours\n127.0.0.1:{many.port} web-1,web-1.example.org\n\n")
    ours = person.copilot("keyscan", "-t", "ed25519", "-f", "hosts")
    assert [line.split()[0] for line in lines(ours.stdout)] == [
        f"[web-1.example.org]:{many.port}", f"[web-1]:{many.port}"]
    same = person.copilot("keyscan", "-t", "ed25519", "-f", "-", stdin=(person.work / "hosts").read_text())
    assert lines(same.stdout) == lines(ours.stdout)


def test_json_has_the_hosts_in_their_order(person, many):
    closed = free_port()
    done = person.copilot("keyscan", "--json", f"127.0.0.1:{closed}", f"127.0.0.1:{many.port}", check=False)
    first, second = json.loads(done.stdout)
    assert first["keys"] == [] and "refused" in first["error"]
    assert second["server"].startswith("SSH-2.0-") and many.fingerprint in [key["fingerprint"] for key in second["keys"]]


@pytest.mark.parametrize("arguments", [[], ["-t", "dsa", "host"], ["-p", "70000", "host"], ["-T", "0", "host"]], ids=" ".join)
def test_wrong_use_is_told_apart(person, arguments):
    assert person.copilot("keyscan", *arguments, check=False).returncode == 64
