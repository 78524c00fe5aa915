"""Hosts from other people's lists: by the command line, over REST and in the page. New ones are quarantined."""

import json
import socket
import struct
import threading

import pytest
from playwright.sync_api import expect

from ports import eventually

BYTES = {"Content-Type": "application/octet-stream"}

INI = """
[web]
web-[01:02].example.org ansible_user=deploy
lonely ansible_host=10.0.0.9 ansible_port=2222

[web:vars]
ansible_user=www

[production:children]
web
"""

YAML = """
all:
  vars: {ansible_user: ops}
  children:
    staging:
      hosts:
        db-[a:b]: {ansible_host: 10.1.1.1}
        tunnelled: {ansible_connection: local}
"""

SSH_CONFIG = """
Host jump
    HostName jump.example.org
    User root
Host inner
    ProxyJump jump
Host *.lab
    User nobody
Host a.lab b.lab
    Port 2200
Include /etc/passwd
Match exec "touch /tmp/pwned"
    User evil
"""

CSV = """\ufeffalias,address,port,user,environment,purpose,tags
one,10.2.2.1,22,deploy,production,"Front, and back",gpu;web
two,10.2.2.2,,=cmd|' /C calc'!A0,,,
three,not an address,22,deploy,,,
four,10.2.2.4,99999,deploy,,,
"""


def send(person, text, **query):
    more = "&".join(f"{name}={value}" for name, value in query.items())
    return person.request("POST", f"/api/imports/hosts?{more}", text.encode(), BYTES)


def by_alias(plan):
    return {entry["alias"]: entry for entry in plan["entries"]}


def test_lists_of_every_kind(ready, host):
    ada = ready.person("ada", ready.password)
    preview = send(ada, INI).expect(200)
    assert (preview["format"], preview["added"], preview["applied"]) == ("ansible-ini", 3, False)
    entries = by_alias(preview)
    assert entries["web-01.example.org"]["target"] == "deploy@web-01.example.org:22"
    assert entries["lonely"]["target"] == "www@10.0.0.9:2222"
    assert entries["lonely"]["environment"] == "production" and entries["lonely"]["tags"] == ["production", "web"]
    assert ada.get("/api/imports/hosts").expect(200)["hosts"] == []

    assert send(ada, INI, dryRun="false").expect(200)["applied"]
    again = send(ada, INI, dryRun="false").expect(200)
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 3)
    assert ready.cli("host", "list").stdout.count("example.org") == 0

    entries = by_alias(send(ada, YAML, name="inventory.yml").expect(200))
    assert entries["db-a"]["target"] == "ops@10.1.1.1:22" and entries["db-a"]["environment"] == "staging"
    assert entries["tunnelled"]["action"] == "skipped"

    entries = by_alias(send(ada, SSH_CONFIG).expect(200))
    assert entries["jump"]["target"] == "root@jump.example.org:22"
    assert entries["a.lab"]["target"] == "nobody@a.lab:2200"
    assert "through another host" in entries["inner"]["note"]
    assert entries["Include /etc/passwd"]["action"] == "skipped"

    entries = by_alias(send(ada, CSV, name="hosts.csv").expect(200))
    assert entries["one"]["action"] == "added" and entries["one"]["tags"] == ["gpu", "web"]
    assert {entries[name]["action"] for name in ["two", "three", "four"]} == {"skipped"}
    assert "formula" in entries["two"]["note"]

    # A host that is there keeps its key and its credential; the tags of the list are added.
    change = f"alias,address,port,username,tags\nweb-1,127.0.0.1,{host.port},{host.username},imported\n"
    plan = send(ada, change, dryRun="false").expect(200)
    assert by_alias(plan)["web-1"]["changes"] == [{"field": "tags", "from": "gpu", "to": "gpu imported"}]
    assert ada.host("web-1")["hostKey"]["fingerprint"] == host.fingerprint
    ada.end_session(ada.start_session("web-1")["id"])

    # Confirming the key makes a host of it, and it has left the quarantine.
    mine = f"alias,address,port,username\nconfirmed,{host.address},{host.port},{host.username}\n"
    send(ada, mine, dryRun="false").expect(200)
    assert "confirmed" in [one["alias"] for one in ada.get("/api/imports/hosts").expect(200)["hosts"]]
    ready.add_host("confirmed", host)
    waiting = ada.get("/api/imports/hosts").expect(200)["hosts"]
    assert "confirmed" not in [one["alias"] for one in waiting]
    assert ada.delete(f"/api/imports/hosts/{waiting[0]['id']}").status == 204
    assert {"host.import", "host.import_add", "host.import_change", "host.quarantine_drop"} <= set(ada.actions())


@pytest.mark.parametrize("text,query,status", [
    ("web-[1:999999999]\n", {}, 422),
    ("a[1:99]b[1:99]c[1:99]\n", {}, 422),
    ("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", {"format": "ansible-yaml"}, 422),
    ("[" * 16000, {"format": "ansible-yaml"}, 422),
    ("x: " + "{a: " * 3000, {"format": "ansible-yaml"}, 422),
    ("alias,address\n" + "x" * 100_000, {"format": "csv"}, 422),
    ('alias,address\n"' + "x\n" * 1000, {"format": "csv"}, 422),
    ("alias,address\n" + "h,1\n" * 300_000, {"format": "csv"}, 413),
])
def test_lists_that_are_bombs_are_refused(shared_ada, text, query, status):
    answer = send(shared_ada, text, **query)
    assert answer.status == status, answer.body[:300]


@pytest.fixture(scope="module")
def shared_ada(tmp_path_factory):
    from copilot import Copilot
    made = Copilot(tmp_path_factory.mktemp("import"))
    password = made.add_user("ada")
    made.start()
    yield made.person("ada", password)
    made.stop()


def test_whoever_may_add_no_host_imports_none(ready):
    guest = ready.person("gus", ready.add_user("gus", "guest"))
    assert send(guest, INI).refused(403, "not_permitted")["missing"] == "host.add"
    # A tag gives rights: nobody imports hosts to where they could not add them.
    operator = ready.person("mel", ready.add_user("mel", "ml-ops"))
    assert {entry["action"] for entry in send(operator, INI).expect(200)["entries"]} == {"skipped"}
    tagged = send(operator, "alias,address,username,tags\nnode,10.0.0.1,ml,gpu\n", dryRun="false").expect(200)
    assert tagged["added"] == 1
    assert operator.get("/api/imports/hosts").expect(200)["hosts"][0]["alias"] == "node"
    assert guest.get("/api/imports/hosts").expect(200)["hosts"] == []


def test_the_command_and_service_records(make_copilot, folder):
    copilot = make_copilot(start=False)
    (folder / "inventory.ini").write_text(INI)
    shown = copilot.cli("host", "import", str(folder / "inventory.ini"), "--dry-run").stdout
    assert "3 added" in shown and "Nothing was done yet" in shown
    plan = json.loads(copilot.cli("host", "import", str(folder / "inventory.ini"), "--json").stdout)
    assert plan["applied"] and plan["added"] == 3
    assert copilot.cli("host", "import", str(folder / "nothing"), check=False).returncode == 2
    with NameServer({"_ssh._tcp.example.org": [(10, 5, 22, "one.example.org"), (20, 5, 2022, "two.example.org")]}) as dns:
        done = copilot.cli("host", "import", "example.org", "--format", "srv", "--username", "ops", "--json",
                           "--name-server", f"127.0.0.1:{dns.port}")
        assert [entry["target"] for entry in json.loads(done.stdout)["entries"]] == [
            "ops@one.example.org:22", "ops@two.example.org:2022"]
        missing = copilot.cli("host", "import", "none.example.org", "--format", "srv", "--name-server",
                              f"127.0.0.1:{dns.port}", check=False)
        assert missing.returncode == 2 and "no service records" in missing.stderr


class NameServer:
    """Answers for service records, after a forged answer with a pointer to itself and one with a wrong number."""

    def __init__(self, records):
        self.records = records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def serve(self):
        while True:
            try:
                question, sender = self.socket.recvfrom(2048)
            except OSError:
                return
            for answer in self.answers(question):
                self.socket.sendto(answer, sender)

    def answers(self, question):
        number, rest = question[:2], question[12:]
        labels, index = [], 0
        while rest[index]:
            labels.append(rest[index + 1:index + 1 + rest[index]].decode())
            index += 1 + rest[index]
        found = self.records.get(".".join(labels))
        asked = rest[:index + 5]
        looping = number + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + b"\xc0\x0c" + asked[-4:]
        forged = bytes([number[0] ^ 1, number[1]]) + struct.pack(">HHHHH", 0x8180, 1, 0, 0, 0) + asked
        code = 0x8180 if found else 0x8183
        answer = number + struct.pack(">HHHHH", code, 1, len(found or []), 0, 0) + asked
        for priority, weight, port, target in found or []:
            name = b"".join(bytes([len(part)]) + part.encode() for part in target.split(".")) + b"\0"
            data = struct.pack(">HHH", priority, weight, port) + name
            answer += b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 60, len(data)) + data
        return [looping, forged, answer]


def test_the_page(ready, host, open_tab):
    ready.add_host("plain", host)
    tab = open_tab(ready).sign_in("ada", ready.password)
    tab.press("host-import")
    tab.fill("import-text", f"alias,address,port,username,tags\nfresh,{host.address},{host.port},{host.username},<b>x\n"
                            f"bad name!,10.0.0.1,22,x,\n")
    tab.press("import-preview")
    tab.sees("import-plan")
    expect(tab.get("import-added")).to_have_text("1 added")
    expect(tab.get("import-skipped")).to_have_text("1 skipped")
    tab.screenshot("preview")
    tab.press("import-apply")
    waiting = tab.page.locator("[data-testid=quarantined-host][data-alias=fresh]")
    expect(waiting).to_be_visible()
    tab.screenshot("quarantine")
    tab.press_on(waiting.get_by_test_id("quarantine-confirm"))
    expect(tab.get("wizard-address")).to_have_value(host.address)
    expect(tab.get("wizard-alias")).to_have_value("fresh")
    tab.open("/hosts")

    # Favourites stand first, tags filter.
    tab.press_on(tab.host("web-1").get_by_test_id("host-favourite"))
    expect(tab.host("web-1").get_by_test_id("host-favourite")).to_have_attribute("aria-pressed", "true")
    eventually(lambda: ready.person("ada", ready.password).host("web-1")["favourite"], "it is a favourite")
    expect(tab.host("plain")).to_be_visible()
    tab.press_on(tab.get("host-tags").get_by_role("button", name="gpu"))
    expect(tab.host("plain")).to_have_count(0)
    expect(tab.host("web-1")).to_be_visible()
    tab.screenshot("favourite")
