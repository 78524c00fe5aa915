"""The Model Context Protocol: real clients of both kinds of revisions over HTTP and standard input, and the bare protocol."""

import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import types

import pytest

from agent import Agent
from copilot import BINARY, ROOT, Copilot
from hosts import SSHHost
from ports import eventually

HERE = pathlib.Path(__file__).parent
TOOLS = [
    "ssh_hosts", "ssh_request_access", "ssh_sessions", "ssh_exec", "ssh_wait", "ssh_output", "ssh_screen", "ssh_input", "ssh_signal",
    "ssh_read_file", "ssh_write_file", "ssh_list_dir", "ssh_handoff", "ssh_plan", "ssh_close",
]
# Environments with other people's clients: the newest SDK comes with fastmcp.
CLIENTS = {"new": ["mcp==2.3.0", "fastmcp==4.1.2"], "old": ["mcp==1.30.0"], "schema": ["schemathesis==4.32.5"]}
KINDS = [("new", "auto"), ("new", "legacy"), ("old", "legacy")]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def environment(name):
    """An environment of Python's with these packages, made once and kept beside the build."""
    folder = ROOT / f".build/mcp-clients/{name}"
    stamp = folder / "stamp"
    wanted = " ".join(CLIENTS[name])
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run(["python3", "-m", "venv", "--clear", str(folder)], check=True, capture_output=True)
        subprocess.run(
            [str(folder / "bin/pip"), "install", "-q", "--disable-pip-version-check", "--no-compile", *CLIENTS[name]], check=True,
            capture_output=True, timeout=300)
        stamp.write_text(wanted)
    return folder / "bin"


class House:
    """A copilot with plain HTTP on this machine, as `agent-gateway` has it, a host, a person and an agent."""

    def __init__(self, folder, account):
        folder = pathlib.Path(folder)
        self.host = SSHHost(folder / "host", account).start()
        self.copilot = Copilot(folder / "copilot", flags=["--http"])
        self.password = self.copilot.add_user("ada")
        self.copilot.start()
        self.copilot.add_host("web-1", self.host)
        self.home = account.home
        self.agent = Agent.make(self.copilot)
        self.ada = self.copilot.person("ada", self.password)

    @property
    def url(self):
        return f"{self.copilot.address}/mcp"

    def stop(self):
        self.copilot.stop()
        self.host.stop()


@pytest.fixture(scope="module")
def house(account):
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-mcp-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        made = House(folder, account)
        yield made
        made.stop()


@pytest.fixture(scope="module")
def session(house):
    """A session at which the agent may do everything."""
    return house.agent.enter(
        house.ada, "trusted", files={"read": [f"{house.home}/*"], "write": [f"{house.home}/*"]})


def client(kind, plan):
    name, mode = kind
    done = subprocess.run(
        [str(environment(name) / "python"), str(HERE / "mcp_client.py")], input=json.dumps({"mode": mode, **plan}),
        capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def over_http(house, kind, *steps):
    return client(kind, {"url": house.url, "token": house.agent.token, "steps": list(steps)})


def call(name, **arguments):
    return {"call": name, "arguments": arguments}


def data(result):
    assert result.get("isError") is not True, result
    return result["structuredContent"]


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_clients_of_both_kinds_list_the_tools_and_work_with_them(house, session, kind):
    path = f"{house.home}/mcp-{kind[0]}-{kind[1]}.txt"
    done = over_http(
        house, kind, {"list": True}, call("ssh_sessions"), call("ssh_hosts"),
        {**call("ssh_exec", sessionId=session.id, command="echo out; echo err >&2; exit 3", purpose="a try"), "progress": True},
        call("ssh_exec", sessionId=session.id, command="sleep 1; echo late", waitMs=0),
        call("ssh_write_file", sessionId=session.id, path=path, content="one\ntwo\n"),
        call("ssh_read_file", sessionId=session.id, path=path),
        call("ssh_list_dir", sessionId=session.id, path=str(house.home)),
        call("ssh_input", sessionId=session.id, input="echo $((40+2))\n", waitFor="42"),
        call("ssh_output", sessionId=session.id, limit=20), call("ssh_screen", sessionId=session.id),
        call("ssh_exec", sessionId="ses_none", command="true"), call("ssh_exec", sessionId=session.id),
        {"read": f"ssh://sessions/{session.id}/screen"})
    assert done["revision"] == ("2026-07-28" if kind[1] == "auto" else "2025-11-25")
    listed, sessions, hosts, ran, started, wrote, read, folder, typed, output, screen, unknown, empty, shelf = done["found"]
    assert [tool["name"] for tool in listed["tools"]] == TOOLS
    assert all(tool["outputSchema"]["type"] == "object" and len(tool["description"]) < 400 for tool in listed["tools"])
    assert [one["id"] for one in data(sessions)["active"]] == [session.id]
    assert [one["alias"] for one in data(hosts)["hosts"]] == ["web-1"]
    assert (data(ran)["stdout"], data(ran)["stderr"], data(ran)["exitCode"]) == ("out\n", "err\n", 3)
    assert "exit code 3" in ran["content"][0]["text"] and ran["beats"] == sorted(ran["beats"])
    assert data(started)["state"] in ("running", "queued") and "ssh_wait" in started["content"][0]["text"]
    assert data(wrote)["bytes"] == 8 and data(read)["content"] == "one\ntwo\n" and data(read)["sha256"] == data(wrote)["sha256"]
    assert any(entry["name"] == path.rsplit("/", 1)[1] for entry in data(folder)["entries"])
    assert data(typed)["matched"] == "42" and any("42" in line for line in data(output)["lines"])
    assert data(screen)["rows"] > 0 and any("42" in line for line in data(screen)["lines"])
    assert unknown["isError"] is True and unknown["structuredContent"]["code"] == "not_found"
    assert empty["isError"] is True and empty["structuredContent"]["code"] == "missing_command"
    assert "42" in shelf["contents"][0]["text"]
    [waited] = over_http(house, kind, call("ssh_wait", commandId=data(started)["commandId"]))["found"]
    assert data(waited)["kind"] == "command" and data(waited)["stdout"] == "late\n" and data(waited)["exitCode"] == 0


@pytest.mark.parametrize("kind", [("new", "auto"), ("old", "legacy")], ids=" ".join)
def test_standard_input_and_output_speak_for_the_same_copilot(house, session, folder, kind):
    token = folder / "token"
    token.write_text(house.agent.token + "\n")
    token.chmod(0o600)
    plan = {"command": [str(BINARY), "mcp", "--token-file", str(token)],
            "env": {"COPILOT_URL": house.copilot.address, "HOME": str(folder)}}
    done = client(kind, {**plan, "steps": [
        {"list": True}, {**call("ssh_exec", sessionId=session.id, command="echo through; exit 4"), "progress": True}]})
    listed, ran = done["found"]
    assert [tool["name"] for tool in listed["tools"]] == TOOLS
    assert (data(ran)["stdout"], data(ran)["exitCode"]) == ("through\n", 4) and ran["beats"]
    token.chmod(0o644)
    refused = subprocess.run(plan["command"], env=plan["env"], input="", capture_output=True, text=True, timeout=20)
    assert refused.returncode == 2 and "can be read by others" in refused.stderr and house.agent.token not in refused.stderr


def test_a_message_that_the_copilot_cannot_answer_is_answered_by_the_bridge(house, folder):
    request = '{"jsonrpc":"2.0","id":1,"method":"ping"}\nnonsense\n'
    for env, word in (
            ({"COPILOT_URL": "http://127.0.0.1:9", "COPILOT_AGENT_TOKEN": "cpa_x"}, "does not answer"),
            ({"COPILOT_URL": house.copilot.address, "COPILOT_AGENT_TOKEN": "cpa_wrong"}, "token")):
        done = subprocess.run(
            [str(BINARY), "mcp"], env={**env, "HOME": str(folder)}, input=request, capture_output=True, text=True, timeout=30)
        answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
        assert word in answers[1]["error"]["message"] and answers[None]["error"]["code"] == -32700, done.stdout


def test_the_fastmcp_program_lists_and_calls(house, session):
    program = str(environment("new") / "fastmcp")
    listed = subprocess.run(
        [program, "list", house.url, "--auth", house.agent.token, "--json"], capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0 and all(name in listed.stdout for name in TOOLS), listed.stderr[-2000:]
    called = subprocess.run(
        [program, "call", house.url, "ssh_exec", f"sessionId={session.id}", "command=echo fast", "--auth", house.agent.token, "--json"],
        capture_output=True, text=True, timeout=60)
    assert called.returncode == 0 and "fast\\n" in called.stdout, called.stderr[-2000:]


# Ending a call before its time ------------------------------------------------------------------------------------


def processes(house, mark):
    return subprocess.run(["pgrep", "-f", f"^sleep {mark}$"], capture_output=True, text=True).stdout.split()


def test_giving_up_a_call_stops_the_command_and_giving_up_a_wait_does_not(house, session):
    done = over_http(
        house, ("new", "auto"), {**call("ssh_exec", sessionId=session.id, command="sleep 7341"), "giveUpAfter": 1.0},
        call("ssh_exec", sessionId=session.id, command="sleep 7342", waitMs=0))
    assert done["found"][0] == {"gaveUp": True}
    eventually(lambda: not processes(house, 7341), "the command is gone", 10)
    command = data(done["found"][1])["commandId"]
    waited = over_http(house, ("new", "auto"), {**call("ssh_wait", commandId=command), "giveUpAfter": 1.0})
    assert waited["found"] == [{"gaveUp": True}] and processes(house, 7342)
    [stopped] = over_http(house, ("new", "auto"), call("ssh_signal", commandId=command, signal="stop"))["found"]
    assert data(stopped)["stop"] == "stopped" and not processes(house, 7342)


def test_an_older_client_that_takes_a_call_back_stops_the_command(house, session):
    """As 2025-11-25 has it: by a notification, and a lost connection means nothing."""
    opened = rpc(house, {"method": "initialize", "id": 0, "params": {"protocolVersion": "2025-11-25"}})
    conversation = {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25"}
    message = {"id": 7, "method": "tools/call",
               "params": {"name": "ssh_exec", "arguments": {"sessionId": session.id, "command": "sleep 7343"}}}
    answers = []
    thread = threading.Thread(target=lambda: answers.append(rpc(house, message, conversation)))
    thread.start()
    eventually(lambda: processes(house, 7343), "the command runs")
    cancel = {"method": "notifications/cancelled", "params": {"requestId": 7}}
    assert rpc(house, cancel, {**conversation, "Mcp-Session-Id": "another"}).status == 202
    assert processes(house, 7343)
    assert rpc(house, cancel, conversation).status == 202
    thread.join(20)
    assert events(answers[0])[-1]["result"]["structuredContent"]["stop"] == "stopped" and not processes(house, 7343)


# The bare protocol ------------------------------------------------------------------------------------------------


def rpc(house, message, headers=None, method="POST", token=True):
    sent = {"Accept": "application/json, text/event-stream", **(headers or {})}
    if not token:
        sent["Authorization"] = None
    return house.agent.request(method, "/mcp", {"jsonrpc": "2.0", **message} if message is not None else None, sent)


def events(answer):
    assert answer.headers["Content-Type"] == "text/event-stream", answer.body
    return [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]


def modern(name, method="tools/call"):
    return {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **({"Mcp-Name": name} if name else {})}


def test_headers_that_contradict_the_body_and_unknown_revisions_are_refused(house):
    message = {"id": 1, "method": "tools/call", "params": {"name": "ssh_hosts", "arguments": {}, "_meta": META}}
    assert events(rpc(house, message, modern("ssh_hosts")))[-1]["result"]["resultType"] == "complete"
    for headers in (modern("ssh_exec"), modern(None), modern("ssh_hosts", "tools/list"), {}):
        answer = rpc(house, message, headers)
        assert answer.status == 400 and answer.json["error"]["code"] == -32020
    future = {"id": 1, "method": "tools/list", "params": {"_meta": {**META, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}}}
    answer = rpc(house, future, {"MCP-Protocol-Version": "2099-01-01", "Mcp-Method": "tools/list"})
    assert answer.status == 400 and answer.json["error"]["code"] == -32022
    assert answer.json["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2099-01-01"}
    unknown = rpc(house, {"id": 1, "method": "no/such", "params": {"_meta": META}}, modern(None, "no/such"))
    assert unknown.status == 404 and unknown.json["error"]["code"] == -32601
    assert rpc(house, {"method": "notifications/initialized"}).status == 202
    for method in ("GET", "DELETE"):
        assert rpc(house, None, method=method).status == 405
    for body, code in (([], -32600), ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], -32600), ({"id": 1, "method": "ping"}, -32600)):
        answer = house.agent.request("POST", "/mcp", body)
        assert answer.status == 400 and answer.json["error"]["code"] == code


def test_only_the_token_opens_it_and_foreign_pages_do_not(house):
    ping = {"id": 1, "method": "ping"}
    refused = rpc(house, ping, token=False)
    assert refused.status == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert rpc(house, ping, {"Authorization": "Bearer cpa_wrong"}).status == 401
    assert house.ada.post("/mcp", {"jsonrpc": "2.0", **ping}).status == 401
    assert rpc(house, ping, {"Origin": "https://evil.example"}).status == 403
    assert rpc(house, ping, {"Host": f"evil.example:{house.copilot.port}"}).status in (403, 421)
    assert rpc(house, ping).json["result"] == {}


def test_a_conversation_that_was_idle_goes_on_since_nothing_of_it_is_kept(make_copilot, host, folder):
    """Longer than any idle time: the copilot itself was stopped and started in between."""
    copilot = make_copilot("--http", start=False)
    copilot.add_user("ada")
    copilot.start().add_host("web-1", host)
    house = types.SimpleNamespace(copilot=copilot, agent=Agent.make(copilot), url=f"{copilot.address}/mcp")
    opened = rpc(house, {"method": "initialize", "id": 0, "params": {"protocolVersion": "2025-11-25"}})
    conversation = {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25"}
    line = json.dumps({"call": "ssh_hosts", "arguments": {}})
    clients = [subprocess.Popen(
        [str(environment(name) / "python"), str(HERE / "mcp_client.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("new", "old")]
    before, after = folder / "idle-began", folder / "idle-over"
    for child, mode in zip(clients, ("auto", "legacy")):
        child.stdin.write(json.dumps({
            "mode": mode, "url": house.url, "token": house.agent.token,
            "steps": [json.loads(line), {"idle": [f"{before}-{mode}", str(after)]}, json.loads(line)]}))
        child.stdin.close()
    eventually(lambda: all(pathlib.Path(f"{before}-{mode}").exists() for mode in ("auto", "legacy")), "both have called once", 60)
    house.copilot.stop()
    house.agent.hang_up()
    house.copilot.start()
    assert rpc(house, {"id": 1, "method": "tools/list"}, conversation).json["result"]["tools"]
    after.write_text("")
    for child in clients:
        answer = json.loads(child.stdout.read())
        assert child.wait(60) == 0
        first, _, last = answer["found"]
        assert data(first) == data(last) and data(last)["hosts"]


def test_a_revoked_token_ends_waits_and_another_agent_sees_nothing(house, session):
    other = Agent.make(house.copilot, "other")
    [sessions, ran] = client(("new", "auto"), {"url": house.url, "token": other.token, "steps": [
        call("ssh_sessions"), call("ssh_exec", sessionId=session.id, command="id")]})["found"]
    assert data(sessions)["active"] == [] and ran["structuredContent"]["code"] == "not_found"
    asked = other.ask()["id"]
    message = {"id": 1, "method": "tools/call", "params": {"name": "ssh_wait", "arguments": {"sessionId": asked, "waitMs": 40_000}}}
    answers = []
    headers = {"Accept": "application/json, text/event-stream"}
    thread = threading.Thread(
        target=lambda: answers.append(other.request("POST", "/mcp", {"jsonrpc": "2.0", **message}, headers)))
    thread.start()
    begin = time.monotonic()
    house.copilot.cli("agent-token", "revoke", "other")
    thread.join(10)
    assert answers and time.monotonic() - begin < 8
    assert events(answers[0])[-1]["result"]["structuredContent"]["code"] == "not_signed_in"
