"""The `copilot` command: what scripts and people get from it."""

import json
import pathlib
import re
import sqlite3
import subprocess

import pytest

from copilot import BINARY, ROOT, Person

COMMANDS = [
    [], ["serve"], ["user"], ["user", "add"], ["user", "list"], ["host"], ["host", "add"], ["host", "list"],
    ["host", "test"], ["audit"], ["audit", "verify"], ["recording"], ["recording", "list"], ["recording", "export"],
    *[["recording", name] for name in ("search", "verify", "hold", "release", "delete", "retention", "sweep")],
    ["doctor"], ["config"], ["config", "check"], ["user", "key"], ["user", "key", "add"], ["user", "key", "list"],
    ["user", "key", "remove"], ["dispatch"], ["ssh-ca"],
]


def run(*arguments, **more):
    return subprocess.run([str(BINARY), *arguments], capture_output=True, text=True, timeout=60, **more)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "USAGE" in done.stdout
    if command not in (["user"], ["host"], ["audit"], ["recording"], ["config"], ["user", "key"]):
        assert "EXAMPLE" in done.stdout, "an example is in the help"


def test_wrong_use_has_its_own_status():
    assert run("serve", "--no-such-flag").returncode == 64


def example_keys():
    text = (ROOT / "config.yaml.example").read_text()
    return re.findall(r"^#?([a-z_]+):", text, re.M)


def test_each_key_of_the_example_is_a_flag_and_a_variable(folder):
    usage = run("serve", "--help").stdout
    checked = json.loads(run("config", "check", "--json", env={"HOME": str(folder)}).stdout)
    keys = example_keys()
    assert set(keys) == set(checked)
    text = (ROOT / "config.yaml.example").read_text()
    for key in keys:
        assert "--" + key.replace("_", "-") in usage
        assert "COPILOT_" + key.upper() in text


def test_the_example_is_a_valid_configuration_with_the_defaults(folder):
    plain = run("config", "check", "--json", env={"HOME": str(folder)})
    example = run("config", "check", "--json", "--config", str(ROOT / "config.yaml.example"), env={"HOME": str(folder)})
    assert json.loads(plain.stdout) == json.loads(example.stdout)


@pytest.mark.parametrize("text, names", [
    ("prot: 8080", "prot"), ("port: many", "port"), ("port: [1, 2]", "port"), ("- a\n- b", "config.yaml"),
    ("port: {a: 1}", "port"), ("a: [", "config.yaml"), ("http: true\nlisten: 0.0.0.0", "http"),
])
def test_a_wrong_file_is_refused_with_the_key_named(folder, text, names):
    path = folder / "config.yaml"
    path.write_text(text + "\n")
    done = run("config", "check", "--config", str(path), env={"HOME": str(folder)})
    assert done.returncode == 78
    assert names in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2, "a sentence and a hint"


def test_flags_win_over_environment_and_environment_over_file(folder):
    (folder / "config.yaml").write_text("port: 1001\nlisten: 127.0.0.2\nlog_level: debug\n")
    done = run("config", "check", "--json", "--port", "1003", env={
        "HOME": str(folder), "COPILOT_CONFIG": str(folder / "config.yaml"), "COPILOT_PORT": "1002",
        "COPILOT_LISTEN": "127.0.0.3"})
    checked = json.loads(done.stdout)
    assert (checked["port"], checked["listen"], checked["log_level"]) == ("1003", "127.0.0.3", "debug")


def test_a_person_added_with_a_password_on_standard_input_can_sign_in(make_copilot):
    copilot = make_copilot(start=False)
    password = copilot.add_user("ada")
    copilot.add_user("grace", role="guest")
    users = json.loads(copilot.cli("user", "list", "--json").stdout)
    assert {(user["username"], user["role"]) for user in users} == {("ada", "admin"), ("grace", "guest")}
    copilot.start()
    assert copilot.person("ada", password).get("/api/me").expect(200)["user"]["username"] == "ada"


def test_a_username_that_is_taken_is_an_error(make_copilot):
    copilot = make_copilot(start=False)
    copilot.add_user("ada")
    done = copilot.cli("user", "add", "ada", "--role", "guest", "--password-stdin", stdin="another good password\n",
                       check=False)
    assert done.returncode == 2
    assert "ada" in done.stderr


def test_a_weak_password_is_an_error(make_copilot):
    copilot = make_copilot(start=False)
    done = copilot.cli("user", "add", "ada", "--role", "admin", "--password-stdin", stdin="short\n", check=False)
    assert done.returncode == 2 and "password" in done.stderr.lower()


def test_nobody_is_asked_for_a_password_in_vain(copilot):
    for words, wrong in [(["eve", "--role", "queen"], "role"), (["ada"], "ada"), (["no such name!"], "name")]:
        # A question would find no answer there.
        done = copilot.cli("user", "add", *words, stdin="", check=False)
        assert done.returncode == 2 and wrong in done.stderr and "Password for" not in done.stderr


def test_a_host_is_added_listed_and_tested(make_copilot, host):
    copilot = make_copilot(start=False)
    copilot.add_host("web-1", host)
    hosts = json.loads(copilot.cli("host", "list", "--json").stdout)
    assert [(entry["alias"], entry["port"]) for entry in hosts] == [("web-1", host.port)]
    # Sessions are the running copilot's, whose number this process cannot know.
    assert "activeSessions" not in hosts[0]
    tested = json.loads(copilot.cli("host", "test", "web-1", "--json").stdout)
    assert tested["ok"] and {step["step"] for step in tested["steps"]} == {
        "resolve", "connect", "host_key", "authenticate"}


def test_a_host_with_another_key_than_the_named_one_is_not_added(make_copilot, host):
    copilot = make_copilot(start=False)
    done = copilot.cli(
        "host", "add", "web-1", "--address", host.address, "--port", str(host.port), "--username", host.username,
        "--fingerprint", "SHA256:" + "A" * 43, "--password-stdin", stdin="x\n", check=False)
    assert done.returncode == 2
    assert host.fingerprint in done.stderr
    assert json.loads(copilot.cli("host", "list", "--json").stdout) == []


def test_a_generated_key_is_named_as_an_authorized_keys_line_and_opens_the_host(make_copilot, host):
    copilot = make_copilot(start=False)
    line = copilot.cli(
        "host", "add", "web-1", "--address", host.address, "--port", str(host.port), "--username", host.username,
        "--fingerprint", host.fingerprint, "--generate-key", "--quiet").stdout.strip()
    assert line.startswith("ssh-ed25519 ")
    before = copilot.cli("host", "test", "web-1", check=False)
    assert before.returncode == 1, "the host does not know the key yet"
    host.authorize(line)
    assert copilot.cli("host", "test", "web-1").returncode == 0


@pytest.mark.parametrize("kind, bits", [("ed25519", None), ("ecdsa", 384), ("rsa", 3072)])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_key_file_is_taken_into_the_vault(make_copilot, host, folder, kind, bits, passphrase):
    copilot = make_copilot(start=False)
    path = folder / "key"
    path.write_text(host.make_client_key(kind, passphrase, bits))
    credential = ["--key", str(path)] + (["--passphrase-stdin"] if passphrase else [])
    copilot.add_host("web-1", host, credential, passphrase + "\n" if passphrase else "")
    assert copilot.cli("host", "test", "web-1").returncode == 0


def test_an_encrypted_key_without_its_passphrase_is_refused_in_words(make_copilot, host, folder):
    copilot = make_copilot(start=False)
    path = folder / "key"
    path.write_text(host.make_client_key(passphrase="open sesame"))
    done = copilot.cli(
        "host", "add", "web-1", "--address", host.address, "--port", str(host.port), "--username", host.username,
        "--fingerprint", host.fingerprint, "--key", str(path), check=False)
    assert done.returncode == 2 and "passphrase" in done.stderr


def findings(copilot, *flags, status=0, env=None):
    done = copilot.cli("doctor", "--json", "--port", str(copilot.port), *flags, check=False, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    return {finding["check"]: finding for finding in json.loads(done.stdout)}


def test_the_doctor_finds_nothing_to_mend_on_a_fresh_copilot(make_copilot):
    copilot = make_copilot()
    copilot.stop()
    found = findings(copilot, "--page", str(ROOT / "Web/dist"))
    assert {name for name, finding in found.items() if finding["outcome"] == "fault"} == set()
    assert {"data_folder", "keys_folder", "root_key", "database", "disk", "certificate", "page", "port", "clock"} <= set(
        found)


def test_the_doctor_finds_open_folders_a_lost_root_key_and_a_damaged_database(make_copilot):
    copilot = make_copilot()
    copilot.stop()
    copilot.data.chmod(0o755)
    assert findings(copilot, status=1)["data_folder"]["remedy"] == f"chmod 700 {copilot.data}"
    copilot.data.chmod(0o700)
    key = copilot.keys / "root.key"
    moved = key.rename(copilot.keys / "elsewhere")
    assert findings(copilot, status=1)["root_key"]["outcome"] == "fault"
    moved.rename(key)
    database = copilot.data / "copilot.sqlite"
    content = bytearray(database.read_bytes())
    content[4096:8192] = b"\xAA" * 4096
    database.write_bytes(content)
    assert findings(copilot, status=1)["database"]["outcome"] == "fault"


def test_the_doctor_warns_of_a_root_key_inside_the_data_folder(make_copilot):
    copilot = make_copilot(start=False)
    inside = ["--root-key-file", str(copilot.data / "root.key")]
    copilot.start(*inside)
    copilot.stop()
    finding = findings(copilot, *inside)["root_key"]
    assert finding["outcome"] == "warning" and "inside the data folder" in finding["sentence"]


def test_a_taken_port_is_said_at_once(make_copilot):
    first = make_copilot()
    second = make_copilot(start=False)
    second.port = first.port
    process = second.spawn()
    assert process.wait() == 2
    assert str(first.port) in process.output


class TestAuditVerify:
    @pytest.fixture
    def history(self, make_copilot):
        """A copilot that was used and stopped: its log, and checkpoints over it."""
        copilot = make_copilot(start=False)
        password = copilot.add_user("ada")
        copilot.start()
        for _ in range(3):
            ada = copilot.person("ada", password)
            ada.post("/auth/sign-out").expect(204)
        copilot.stop()
        return copilot

    @staticmethod
    def alter(copilot, *statements):
        """Somebody who owns the file takes the triggers away and changes the table."""
        with sqlite3.connect(copilot.data / "copilot.sqlite") as database:
            for (name,) in database.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'").fetchall():
                database.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                database.execute(statement)
        database.close()

    @staticmethod
    def verify(copilot):
        done = copilot.cli("audit", "verify", "--json", "--checkpoints", str(copilot.keys / "checkpoints"), check=False)
        return done.returncode, json.loads(done.stdout)

    def test_a_whole_log_verifies(self, history):
        status, found = self.verify(history)
        assert status == 0 and found["ok"]
        assert found["entries"] >= 7 and found["checkpoints"] >= 1

    @pytest.mark.parametrize("statement, kind", [
        ("UPDATE audit_entry SET actor_name = 'Mallory' WHERE sequence = 2", "altered"),
        ("DELETE FROM audit_entry WHERE sequence = 3", "missing"),
        ("DELETE FROM audit_entry WHERE sequence >= (SELECT MAX(sequence) FROM audit_entry)", "cut_tail"),
        ("DELETE FROM audit_entry", "cut_tail"),
    ])
    def test_tampering_is_found(self, history, statement, kind):
        self.alter(history, statement)
        status, found = self.verify(history)
        assert status == 1 and not found["ok"]
        assert found["problem"]["kind"] == kind
        assert found["problem"]["sentence"].endswith(".")

    def test_the_database_itself_refuses_changes(self, history):
        database = sqlite3.connect(history.data / "copilot.sqlite")
        for statement in ("UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
        database.close()


def test_an_unreadable_database_stops_the_start_with_a_sentence(make_copilot):
    copilot = make_copilot()
    copilot.stop()
    (copilot.data / "copilot.sqlite").write_bytes(b"this is no database\n" * 500)
    process = copilot.spawn()
    assert process.wait() == 2
    assert "copilot.sqlite" in process.output


def test_nothing_secret_is_on_disk_in_the_clear(make_copilot, host, folder):
    copilot = make_copilot(start=False)
    password = copilot.add_user("ada", password="a password nobody guesses")
    copilot.add_host("web-1", host)
    copilot.start()
    copilot.person("ada", password)
    copilot.stop()
    secrets = [password.encode(), host.password.encode()]
    for path in pathlib.Path(copilot.data).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), f"{path} holds a password"
            assert path.stat().st_mode & 0o077 == 0 or path.name in ("certificate.pem", "authority.pem"), f"{path} is open to others"
    assert not any(secret.decode() in copilot.process.output for secret in secrets)
    assert copilot.data.stat().st_mode & 0o777 == 0o700


def test_sign_in_link_is_for_the_first_admin_once(make_copilot):
    copilot = make_copilot()
    token = copilot.sign_in_link.split("token=")[1]
    somebody = Person(copilot)
    body = {"token": token, "username": "ada", "name": "Ada", "password": "correct horse battery"}
    assert somebody.post("/auth/redeem", body).expect(201)["user"]["role"] == "admin"
    again = Person(copilot).post("/auth/redeem", {**body, "username": "eve"})
    assert again.status == 410 and again.json["code"] in ("link_used", "link_void")
    copilot.stop()
    copilot.start()
    assert "token=" not in copilot.process.output, "an admin exists: no link"
    for path in copilot.data.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), f"{path} holds the link's secret"
