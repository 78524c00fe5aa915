"""What somebody finds or changes who gets at the data folder, and whether secrets are anywhere that they should not be."""

import asyncio
import contextlib
import json
import os
import pathlib
import re
import sqlite3
import stat
import subprocess

import pytest

import loops
from copilot import BINARY, Person
from ports import eventually
from seat import Seat
from test_attacks import PASSWORD, crew, identity


def everything(*folders):
    return [path for folder in folders for path in pathlib.Path(folder).rglob("*") if path.is_file()]


def test_no_secret_lies_anywhere_in_the_clear(copilot, ada, host):
    """Canaries: the sign-in password, the host's password, a private key, its passphrase, tokens, what sudo asks for."""
    key = host.make_client_key(passphrase="canary-passphrase-5")
    copilot.add_host("web-1", host)
    probe = ada.post("/api/hosts/probe", {"address": host.address, "port": host.port}).expect(200)
    ada.post("/api/hosts", {
        "alias": "web-2", "address": host.address, "port": host.port, "username": host.username, "probeId": probe["probeId"],
        "credential": {"kind": "key", "privateKey": key, "passphrase": "canary-passphrase-5"}}).expect(201)
    for credential in ({"kind": "key", "privateKey": key, "passphrase": "canary-wrong-6"},
                       {"kind": "key", "privateKey": "canary-not-a-key-7"}, {"kind": "password"}):
        answer = ada.post("/api/hosts", {
            "alias": "web-3", "address": host.address, "port": host.port, "username": host.username,
            "probeId": probe["probeId"], "credential": credential})
        assert answer.status == 422 and b"canary" not in answer.body
    ada.post("/auth/sign-in", {"username": "canary-name-8", "password": "canary-password-9"})
    session = ada.start_session("web-1")

    async def work():
        async with Seat(ada, session["id"]) as seat:
            await seat.sees("e2e$")
            await seat.type("echo visible-canary-0\r")
            await seat.sees("visible-canary-0\r\n")
            await seat.type("read -s -p 'Secret? ' x; echo done$((1+1))\r")
            await seat.sees("Secret? ")
            await seat.type("canary-typed-1\r")
            await seat.sees("done2")
            await seat.type("stty -echo; echo qu''iet; read y; stty echo; echo end$((1+2))\r")
            await seat.sees("quiet")
            for character in "canary-typed-2\r":
                await seat.type(character)
                await asyncio.sleep(0.02)
            await seat.sees("end3")
            await seat.type("python3 -c 'import getpass; getpass.getpass(); print(\"got\"+\"4\")'\r")
            await seat.sees("Password:")
            await seat.type("canary-typed-3\r")
            await seat.sees("got4")
            await seat.type("echo bu''sy; sleep 2; read -s z; echo fin$((2+3))\r")
            await seat.sees("busy")
            await seat.type("canary-typed-4\r")
            await seat.sees("fin5")
            await seat.type("exit\r")
            await seat.until(lambda: seat.ending, "the end")
    loops.run(work())
    eventually(lambda: ada.recordings()[0]["state"] == "complete", "the recording is closed")
    cast = ada.get(f"/api/recordings/{session['recordingId']}/asciicast").expect_text()
    events = [json.loads(line) for line in cast.splitlines()[1:]]
    typed = "".join(event[2] for event in events if event[1] == "i")
    assert "visible-canary-0" in typed
    for number in range(1, 4):
        assert f"canary-typed-{number}" not in cast
    assert "canary-typed-4" not in typed, "a password typed ahead is in the input of the recording"
    command_lines = b"".join(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() + pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                             for pid in [copilot.process.pid])
    secrets = [PASSWORD, host.password, "canary-passphrase-5", "canary-wrong-6", "canary-not-a-key-7", "canary-name-8",
               "canary-password-9", "canary-typed-", "visible-canary-0", key.splitlines()[3],
               ada.cookies["__Host-copilot-refresh"], ada.cookies["__Host-copilot-access"]]
    found = []
    root = (copilot.keys / "root.key")
    files = everything(copilot.data, copilot.keys)
    for secret in secrets:
        wanted = [secret.encode(), secret.encode("utf-16-le"), secret.encode().hex().encode()]
        for path in files:
            data = path.read_bytes()
            found += [(secret[:30], path.name) for each in wanted if each in data]
        if secret in copilot.process.output:
            found.append((secret, "log"))
        if secret.encode() in command_lines:
            found.append((secret, "process"))
    assert not found, found
    for path in files:
        if copilot.keys not in path.parents and path.suffix != ".pem":
            for each in everything(copilot.keys):
                line = each.read_bytes().strip()
                assert len(line) < 20 or line not in path.read_bytes(), (each, path)


def test_folders_and_files_are_closed_to_other_accounts(ready, ada, account):
    ada.start_session("web-1")
    for folder in (ready.data, ready.keys):
        for path in [folder, *folder.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            if path.is_dir():
                assert mode & 0o077 == 0, (path, oct(mode))
            elif path.name not in ("certificate.pem", "authority.pem"):  # what everybody is shown
                assert mode & 0o077 == 0, (path, oct(mode))


def test_a_crash_writes_no_image_of_the_memory(copilot):
    limits = pathlib.Path(f"/proc/{copilot.process.pid}/limits").read_text()
    assert re.search(r"Max core file size\s+(\S+)\s+(\S+)", limits).groups() == ("0", "0")
    assert int(pathlib.Path(f"/proc/{copilot.process.pid}/coredump_filter").read_text(), 16) == 0


def test_another_account_cannot_use_the_data(ready, account):
    done = subprocess.run(
        ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", str(BINARY), "user", "list",
         *ready.settings], capture_output=True, text=True, env={"HOME": str(account.home), "PATH": os.environ["PATH"]})
    print(done.stdout, done.stderr)
    assert done.returncode != 0 and "ada" not in done.stdout


# The audit log ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def database(copilot):
    with contextlib.closing(sqlite3.connect(copilot.data / "copilot.sqlite")) as connection, connection:
        yield connection


def verify(copilot):
    done = copilot.cli("audit", "verify", check=False)
    print(done.returncode, done.stdout.strip(), done.stderr.strip())
    return done


@pytest.fixture
def stopped(ready, ada):
    for number in range(5):
        ada.patch("/api/settings", {"idleMinutes": number + 1}).expect(200)
    ready.stop()
    assert verify(ready).returncode == 0
    return ready


def without_guards(connection):
    """The database refuses changes of the log by triggers; who has the file takes them away first."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    return connection


def columns(connection):
    return [row[1] for row in connection.execute("PRAGMA table_info(audit_entry)")]


def test_every_altered_field_of_the_audit_log_is_found(stopped):
    with database(stopped) as connection:
        names = columns(connection)
        rows = connection.execute("SELECT * FROM audit_entry ORDER BY sequence").fetchall()
    original = (stopped.data / "copilot.sqlite").read_bytes()
    missed = []
    for name in names:
        for leftover in stopped.data.glob("copilot.sqlite-*"):
            leftover.unlink()
        (stopped.data / "copilot.sqlite").write_bytes(original)
        with database(stopped) as connection:
            without_guards(connection)
            old = connection.execute(f'SELECT "{name}" FROM audit_entry WHERE sequence = 4').fetchone()[0]
            new = (old + 1 if isinstance(old, int) else bytes([old[0] ^ 1]) + old[1:] if isinstance(old, bytes) and old
                   else (old or "") + "x")
            try:
                connection.execute(f'UPDATE audit_entry SET "{name}" = ? WHERE sequence = 4', (new,))
            except sqlite3.Error as error:
                print("not possible:", name, error)
                continue
        if verify(stopped).returncode == 0:
            missed.append((name, old, new))
    assert not missed


@pytest.mark.parametrize("change", [
    "DELETE FROM audit_entry WHERE sequence = 3", "DELETE FROM audit_entry WHERE sequence > 5", "DELETE FROM audit_entry",
    "DELETE FROM audit_entry WHERE sequence = 1", "UPDATE audit_entry SET tenant = 'other'",
    "DELETE FROM audit_entry WHERE sequence = (SELECT max(sequence) FROM audit_entry)"])
def test_what_is_taken_from_the_audit_log_is_missed(stopped, change):
    with database(stopped) as connection:
        without_guards(connection).execute(change)
    assert verify(stopped).returncode != 0


def test_a_log_that_was_cut_while_the_copilot_was_stopped_is_found_after_its_next_start(stopped):
    with database(stopped) as connection:
        without_guards(connection).execute("DELETE FROM audit_entry WHERE sequence > 5")
    stopped.start()
    ada = stopped.person("ada", PASSWORD)
    for number in range(10):
        ada.patch("/api/settings", {"idleMinutes": number + 20}).expect(200)
    assert not ada.get("/api/audit/verify").expect(200)["ok"]
    stopped.stop()
    assert verify(stopped).returncode != 0


def test_a_checkpoint_that_is_altered_or_gone_is_not_taken_for_good(stopped):
    (file,) = stopped.keys.rglob("*.checkpoints")
    good = file.read_text()
    notes = good.strip("\n")
    for bad in (good.replace("\n", "\n1", 1), good[: len(good) // 2] + "A" + good[len(good) // 2 + 1:]):
        file.write_text(bad)
        assert verify(stopped).returncode != 0
    file.unlink()
    done = verify(stopped)
    assert done.returncode != 0 or "checkpoint" in (done.stdout + done.stderr).lower()


# Vault and recordings ---------------------------------------------------------------------------------------------


def test_a_credential_works_in_its_own_place_alone(ready, ada, make_host, account):
    other = make_host()
    ready.add_host("web-2", other)
    with database(ready) as connection:
        (a, b) = connection.execute("SELECT id, credential FROM host ORDER BY alias").fetchall()
        connection.execute("UPDATE host SET credential = ? WHERE id = ?", (b[1], a[0]))
        connection.execute("UPDATE host SET credential = ? WHERE id = ?", (a[1], b[0]))
    for alias in ("web-1", "web-2"):
        answer = ada.post("/api/sessions", {"hostId": ada.host(alias)["id"], "columns": 80, "rows": 24})
        print(answer.status, answer.body)
        assert answer.status == 500 and answer.json["code"].startswith("vault_")
    with database(ready) as connection:
        for at in (0, 4, 9, 30, 100, -1):
            blob = bytearray(a[1])
            blob[at] ^= 1
            connection.execute("UPDATE host SET credential = ? WHERE id = ?", (bytes(blob), a[0]))
            connection.commit()
            answer = ada.post(f"/api/hosts/{a[0]}/test")
            assert not answer.expect(200)["ok"], at
        connection.execute("UPDATE host SET credential = ? WHERE id = ?", (a[1][:20], a[0]))
        connection.commit()
        assert not ada.post(f"/api/hosts/{a[0]}/test").expect(200)["ok"]


def record(ready, ada, lines=40):
    session = ada.start_session("web-1")

    async def work():
        async with Seat(ada, session["id"]) as seat:
            await seat.sees("e2e$")
            for number in range(4):
                await seat.type(f"seq 1 {lines}; echo part-$(({number}+100))\r")
                await seat.sees(f"part-{number + 100}")
                await asyncio.sleep(1.1)
            await seat.type("exit\r")
            await seat.until(lambda: seat.ending, "the end")
    loops.run(work())
    identifier = session["recordingId"]
    eventually(lambda: next(r for r in ada.recordings() if r["id"] == identifier)["state"] == "complete", "closed")
    (path,) = [path for path in (ready.data / "recordings").iterdir() if identifier in path.name]
    return identifier, path


def test_a_changed_recording_is_refused_or_says_what_is_missing(ready, ada):
    one, first = record(ready, ada)
    two, second = record(ready, ada)
    good, other = first.read_bytes(), second.read_bytes()
    whole = ada.get(f"/api/recordings/{one}/text").body

    def outcome(data):
        first.write_bytes(data)
        try:
            answer = ada.get(f"/api/recordings/{one}/text")
            body, status = answer.body, answer.status
        except Exception as error:  # the answer breaks off in the middle
            body, status = b"", type(error).__name__
        cli = ready.cli("recording", "export", one, "--format", "text", check=False)
        return status, body, cli

    results, wrong = {}, []
    cases = {"swap": other, "cut": good[:-30], "half": good[: len(good) // 2], "empty": b"", "tail": good + b"x" * 50,
             "header": good[:20] + bytes([good[20] ^ 1]) + good[21:],
             "splice": good[: len(good) // 2] + other[len(other) // 2:]}
    for at in range(200, len(good), max(1, len(good) // 25)):
        cases[f"flip {at}"] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
    for name, data in cases.items():
        status, body, cli = outcome(data)
        results[name] = (status, len(body), cli.returncode, (cli.stderr.strip() or cli.stdout[-100:]).splitlines()[:1])
        assert not (status == 200 and body == whole and cli.returncode == 0 and name != "tail"), name
        if status == 200 and not whole.startswith(body):
            at = next((i for i, (a, b) in enumerate(zip(whole, body)) if a != b), min(len(whole), len(body)))
            wrong.append((name, len(whole), len(body), at, body[at - 40:at + 80]))
    first.write_bytes(good)
    for name, result in results.items():
        print(name, result)
    assert not wrong, wrong
    assert ada.get(f"/api/recordings/{one}/text").body == whole
    Person(ready).get("/api/health").expect(200)
