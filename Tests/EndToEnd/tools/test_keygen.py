"""`copilot keygen`: what it writes, OpenSSH, OpenSSL and PuTTY read, and the other way round."""

import json
import signal
import stat

import pytest

from person import Person, status_of


@pytest.fixture
def person(folder):
    return Person(folder)


def make(person, *arguments, name="key"):
    person.copilot("keygen", "-q", "-f", name, "--no-passphrase", "-C", "ada@laptop", *arguments)
    return person.work / name


@pytest.mark.parametrize("kind", [
    ["-t", "ed25519"], ["-t", "rsa", "-b", "2048"], ["-t", "ecdsa"], ["-t", "ecdsa", "-b", "384"],
    ["-tecdsa", "-b521"],
], ids=" ".join)
def test_ssh_keygen_reads_every_kind_of_key(person, kind):
    key = make(person, *kind)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    public = (person.work / "key.pub").read_text()
    assert person.tool("ssh-keygen", "-y", "-f", "key").stdout == public
    for flags in (["-l"], ["-lv"], ["-l", "-E", "md5"]):
        theirs = person.tool("ssh-keygen", *flags, "-f", "key.pub").stdout
        assert person.copilot("keygen", *flags, "-f", "key.pub").stdout == theirs
    assert person.copilot("keygen", "-y", "-f", "key").stdout == public


def test_a_passphrase_is_asked_for_twice_and_not_shown(person):
    child = person.terminal("keygen", "-f", "key", "-C", "x")
    child.expect("Enter passphrase .*: ")
    child.sendline("open sesame")
    child.expect("Enter same passphrase again: ")
    child.sendline("open sesame")
    child.expect("SHA256:")
    assert status_of(child) == 0
    assert "sesame" not in child.before
    assert person.tool("ssh-keygen", "-y", "-P", "", "-f", "key", check=False).returncode != 0
    person.tool("ssh-keygen", "-y", "-P", "open sesame", "-f", "key")


def test_two_different_passphrases_make_no_key(person):
    child = person.terminal("keygen", "-f", "key")
    child.expect("Enter passphrase .*: ")
    child.sendline("one")
    child.expect("again: ")
    child.sendline("two")
    assert status_of(child) == 2
    assert list(person.work.iterdir()) == []


def test_ctrl_c_at_the_passphrase_leaves_a_terminal_that_shows(person):
    child = person.terminal("keygen", "-f", "key")
    child.expect("Enter passphrase .*: ")
    child.sendcontrol("c")
    status_of(child)
    assert child.signalstatus == signal.SIGINT
    assert list(person.work.iterdir()) == []


def test_without_a_terminal_the_passphrase_must_be_given(person):
    done = person.copilot("keygen", "-f", "key", check=False)
    assert done.returncode == 2
    assert "no terminal" in done.stderr and "--passphrase-file" in done.stderr
    (person.work / "secret").write_text("from a file\nsecond line\n")
    person.copilot("keygen", "-q", "-f", "key", "--passphrase-file", "secret")
    person.tool("ssh-keygen", "-y", "-P", "from a file", "-f", "key")


def test_nothing_is_written_over_unless_somebody_says_so(person):
    before = make(person).read_text()
    done = person.copilot("keygen", "-f", "key", "--no-passphrase", check=False)
    assert done.returncode == 1 and "key" in done.stderr
    assert (person.work / "key").read_text() == before
    child = person.terminal("keygen", "-f", "key", "--no-passphrase")
    child.expect("Overwrite")
    child.sendline("n")
    assert status_of(child) == 1
    assert (person.work / "key").read_text() == before
    child = person.terminal("keygen", "-f", "key", "--no-passphrase")
    child.expect("Overwrite")
    child.sendline("y")
    assert status_of(child) == 0
    assert (person.work / "key").read_text() != before


def test_the_usual_place_is_taken_and_its_folder_made(person):
    (person.home / ".ssh").rmdir()
    made = json.loads(person.copilot("keygen", "--no-passphrase", "--json").stdout)
    assert made["file"] == f"{person.home}/.ssh/id_ed25519"
    assert stat.S_IMODE((person.home / ".ssh").stat().st_mode) == 0o700
    assert made["key"]["fingerprint"] in person.tool("ssh-keygen", "-l", "-f", made["file"]).stdout


@pytest.mark.parametrize("kind, form, passphrase", [
    ("rsa", "PKCS8", ""), ("rsa", "PEM", ""), ("rsa", "OpenSSH", "secret"), ("ecdsa", "PKCS8", ""),
    ("ecdsa", "PKCS8", "secret"), ("ecdsa", "PEM", ""), ("ecdsa -b 521", "PKCS8", ""), ("ecdsa -b 384", "PEM", ""),
])
def test_private_keys_change_their_format_and_passphrase(person, kind, form, passphrase):
    kind = ["-t", *kind.split(), *(["-b", "2048"] if kind == "rsa" else [])]
    make(person, *kind)
    public = (person.work / "key.pub").read_text().split()[1]
    person.copilot("keygen", "-p", "-a", "1", "-f", "key", "-m", form, "-P", "", "-N", passphrase)
    assert person.tool("ssh-keygen", "-y", "-P", passphrase, "-f", "key").stdout.split()[1] == public
    if form != "OpenSSH":
        person.tool("openssl", "pkey", "-in", "key", "-passin", f"pass:{passphrase}", "-noout")
    if passphrase:
        assert person.copilot("keygen", "-p", "-f", "key", "-P", "wrong", "-N", "", check=False).returncode == 2
    assert person.copilot("keygen", "-y", "-P", passphrase, "-f", "key").stdout.split()[1] == public


def test_an_ed25519_key_as_pkcs8_is_one_for_openssl(person):
    make(person)
    person.copilot("keygen", "-p", "-f", "key", "-m", "PKCS8", "-P", "", "-N", "secret")
    text = person.tool("openssl", "pkey", "-in", "key", "-passin", "pass:secret", "-noout", "-text").stdout
    assert "ED25519" in text


def test_a_comment_changes_in_both_files_and_the_passphrase_stays(person):
    person.copilot("keygen", "-q", "-a", "1", "-f", "key", "-N", "secret", "-C", "old")
    person.copilot("keygen", "-c", "-a", "1", "-f", "key", "-P", "secret", "-C", "new one")
    assert (person.work / "key.pub").read_text().endswith(" new one\n")
    assert person.tool("ssh-keygen", "-y", "-P", "secret", "-f", "key").stdout.endswith(" new one\n")


@pytest.mark.parametrize("form", ["RFC4716", "PKCS8", "PEM"])
def test_public_keys_go_out_and_come_in_as_with_ssh_keygen(person, form):
    make(person, "-t", "rsa", "-b", "2048")
    ours = person.copilot("keygen", "-e", "-m", form, "-f", "key.pub").stdout
    (person.work / "ours").write_text(ours)
    public = (person.work / "key.pub").read_text().split()[1]
    assert person.tool("ssh-keygen", "-i", "-m", form, "-f", "ours").stdout.split()[1] == public
    (person.work / "theirs").write_text(person.tool("ssh-keygen", "-e", "-m", form, "-f", "key.pub").stdout)
    assert person.copilot("keygen", "-i", "-m", form, "-f", "theirs").stdout.split()[1] == public


def test_a_key_of_putty_becomes_one_of_openssh(person):
    make(person)
    (person.work / "new").write_text("secret\n")
    person.tool("puttygen", "key", "-O", "private", "-o", "key.ppk", "--new-passphrase", "new")
    public = (person.work / "key.pub").read_text().split()[1]
    assert person.copilot("keygen", "-i", "-f", "key.ppk", "-P", "secret").stdout.split()[1] == public
    written = person.copilot("keygen", "-i", "-m", "OpenSSH", "-f", "key.ppk", "-P", "secret", "--no-passphrase").stdout
    (person.work / "again").write_text(written)
    (person.work / "again").chmod(0o600)
    assert person.tool("ssh-keygen", "-y", "-f", "again").stdout.split()[1] == public


CERTIFICATES = [
    ["-n", "ada", "-V", "+8h"],
    ["-n", "ada,deploy", "-V", "-1m:+52w", "-z", "42", "-O", "no-pty", "-O", "source-address=10.0.0.0/8,192.0.2.1"],
    ["-n", "ada", "-V", "always:forever", "-O", "clear", "-O", "permit-pty", "-O", "force-command=uptime -p"],
    ["-n", "ada", "-V", "20270101:20280101", "-O", "extension:login@github.com=ada", "-O", "no-touch-required"],
    ["-h", "-n", "web-1.example.org,*.example.net", "-V", "+52w"],
]


@pytest.mark.parametrize("flags", CERTIFICATES, ids=" ".join)
@pytest.mark.parametrize("authority", [["-t", "ed25519"], ["-t", "rsa", "-b", "2048"]], ids=" ".join)
def test_certificates_say_the_same_to_ssh_keygen_as_its_own(person, authority, flags):
    make(person, *authority, name="ca")
    make(person, name="key")
    person.copilot("keygen", "-s", "ca", "-I", "ada@laptop", *flags, "key.pub")
    theirs = person.tool("ssh-keygen", "-L", "-f", "key-cert.pub").stdout
    assert person.copilot("keygen", "-L", "-f", "key-cert.pub").stdout == theirs
    (person.work / "key-cert.pub").unlink()
    person.tool("ssh-keygen", "-q", "-s", "ca", "-I", "ada@laptop", *flags, "key.pub")
    lines = person.tool("ssh-keygen", "-L", "-f", "key-cert.pub").stdout.splitlines()
    # A minute may begin in between.
    assert [line for line in theirs.splitlines() if "Valid:" not in line] == [
        line for line in lines if "Valid:" not in line]


def test_an_sshd_lets_a_certificate_in(person, make_host):
    make(person, name="ca")
    make(person, name="key")
    host = make_host(options=f"TrustedUserCAKeys {person.work}/ca.pub")
    person.copilot("keygen", "-q", "-s", "ca", "-I", "e2e", "-n", host.username, "-V", "+1h", "key.pub")
    done = person.tool(
        "ssh", "-F", "none", "-i", "key", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-p", host.port,
        f"{host.username}@127.0.0.1", "echo certified")
    assert done.stdout == "certified\n"


def test_serial_numbers_count_on(person):
    make(person, name="ca")
    for name in ("a", "b"):
        make(person, name=name)
    person.copilot("keygen", "-s", "ca", "-I", "x", "-n", "ada", "-z", "+7", "a.pub", "b.pub")
    for name, serial in (("a", 7), ("b", 8)):
        assert f"Serial: {serial}" in person.tool("ssh-keygen", "-L", "-f", f"{name}-cert.pub").stdout


def test_revocation_lists_mean_the_same_to_both(person):
    make(person, name="ca")
    for name, serial in (("a", 5), ("b", 6), ("c", 0), ("d", 9), ("e", 0)):
        make(person, name=name)
        person.copilot("keygen", "-q", "-s", "ca", "-I", f"id {name}", "-n", "ada", "-z", serial, f"{name}.pub")
    fingerprint = person.copilot("keygen", "-lf", "e.pub").stdout.split()[1]
    (person.work / "spec").write_text(f"# revoked\nserial: 5-6\nid: id c\nhash: {fingerprint}\n")
    person.copilot("keygen", "-k", "-f", "list", "-s", "ca.pub", "-z", "3", "spec")
    certificates = [f"{name}-cert.pub" for name in "abcde"]
    theirs = person.tool("ssh-keygen", "-Q", "-f", "list", *certificates, "d.pub", "e.pub", check=False)
    ours = person.copilot("keygen", "-Q", "-f", "list", *certificates, "d.pub", "e.pub", check=False)
    assert ours.stdout == theirs.stdout
    assert (ours.returncode, theirs.returncode) == (1, 1)
    assert [line.split(": ")[-1] for line in ours.stdout.splitlines()] == ["REVOKED"] * 3 + ["ok", "REVOKED", "ok", "REVOKED"]
    person.copilot("keygen", "-k", "-u", "-f", "list", "d-cert.pub", "a.pub")
    assert person.tool("ssh-keygen", "-Q", "-f", "list", "d-cert.pub", check=False).returncode == 1
    listing = person.copilot("keygen", "-Ql", "-f", "list").stdout
    assert "# KRL version 4" in listing and "serial: 5-6" in listing and "serial: 9" in listing
    assert "id: id c" in listing and (person.work / "a.pub").read_text().split()[1] in listing


def test_certificates_are_revoked_for_an_authority_alone(person):
    (person.work / "spec").write_text("serial: 5\n")
    done = person.copilot("keygen", "-k", "-f", "list", "spec", check=False)
    assert done.returncode == 2 and "-s CA.pub" in done.stderr
    person.copilot("keygen", "-k", "-f", "list", "-s", "none", "spec")
    assert "Wildcard" in person.copilot("keygen", "-Ql", "-f", "list").stdout


def test_known_hosts_are_found_hashed_and_removed(person):
    make(person)
    public = " ".join((person.work / "key.pub").read_text().split()[:2])
    hosts = person.home / ".ssh/known_hosts"
    hosts.write_text(f"# mine\nweb-1,web-2 {public}\n[web-3]:2222 {public}\n*.example.org {public}\n")
    for host in ("web-1", "[web-3]:2222", "a.example.org", "web-9"):
        # ssh-keygen looks into the account's own home, whatever HOME says.
        theirs = person.tool("ssh-keygen", "-F", host, "-f", hosts, check=False)
        ours = person.copilot("keygen", "-F", host, check=False)
        assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout.replace(" \n", "\n")), host
    person.copilot("keygen", "-H")
    assert "web-1" not in hosts.read_text() and "*.example.org" in hosts.read_text()
    assert "web-1" in (person.home / ".ssh/known_hosts.old").read_text()
    for host in ("web-1", "web-2", "[web-3]:2222"):
        person.tool("ssh-keygen", "-F", host, "-f", hosts)
    assert "1 line removed" in person.copilot("keygen", "-R", "[web-3]:2222").stdout
    assert person.tool("ssh-keygen", "-F", "[web-3]:2222", "-f", hosts, check=False).returncode == 1
    person.tool("ssh-keygen", "-F", "web-2", "-f", hosts)
    assert person.copilot("keygen", "-R", "web-9", check=False).returncode == 1


@pytest.mark.parametrize("arguments, says", [
    (["-f", "missing", "-l"], "No such file"), (["-t", "dsa", "-f", "x"], "key type"),
    (["-t", "rsa", "-b", "1024", "-f", "x"], "1024 bits"), (["-y", "-f", "broken"], "damaged"),
    (["-s", "key", "-I", "x", "key.pub"], "1 to 256 names"), (["-s", "key", "-I", "x", "-n", "a", "-V", "soon", "key.pub"], "validity"),
    (["-s", "key", "-I", "x", "-n", "a", "-O", "fly", "key.pub"], "option"),
])
def test_what_cannot_be_done_is_said_with_its_cure(person, arguments, says):
    make(person)
    (person.work / "broken").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    done = person.copilot("keygen", "--no-passphrase", *arguments, check=False)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith("copilot: ") and says in done.stderr and lines[1].startswith("  "), done.stderr
    assert not (person.work / "x").exists()
