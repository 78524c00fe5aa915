"""AI agents ask and people let them in: requests, tokens, what is for people alone, the page."""

import os
import re
import time
import urllib.request

import yaml
from playwright.sync_api import expect

from agent import Agent, AgentSession, in_background
from agent_house import ada, agent, enter, house, running  # noqa: F401
from copilot import BINARY, PAGE, Copilot, Person, unverified
from ports import Process, eventually, free_port


EVIL = "<img src=x onerror=alert(1)>\x1b[31m\u202egnp.exe\nsecond line"


def test_a_script_of_the_existing_tool_needs_no_more_than_the_token(house, agent, ada):
    asked = agent.post("/api/sessions/request", {"host": "web-1", "username": "deploy", "reason": "a reason"}).expect(201)
    assert asked["status"] == "pending" and {"id", "host", "username", "reason", "createdAt"} <= set(asked)
    assert [one["id"] for one in agent.get("/api/sessions").expect(200)["pending"]] == [asked["id"]]
    agent.post("/api/sessions/request", {"username": "deploy"}).refused(400, "missing_host")
    ada.post(f"/api/agent-requests/{asked['id']}/approve",
             {"hostId": ada.host("web-1")["id"], "mode": "trusted",
              "files": {"read": [f"{house.home}/*"], "write": [f"{house.home}/*"]}}).expect(200)
    active = agent.get("/api/sessions").expect(200)["active"]
    assert [(one["id"], one["name"], one["status"], one["isRecording"]) for one in active] == [
        (asked["id"], "web-1", "ai_control", True)]
    session = AgentSession(agent, asked["id"], ada).ready()
    done = session.run("echo hello; echo oops >&2; exit 3")
    assert (done["stdout"], done["stderr"], done["exitCode"]) == ("hello\n", "oops\n", 3)
    killed = session.run("kill -9 $$")
    assert killed["exitCode"] is None and killed["signal"] == "SIGKILL"
    typed = session.input("echo $((40+2))\n", waitFor="42", timeout=10_000).expect(200)
    assert any("42" in line for line in typed["lines"]) and "timeout" not in typed
    assert isinstance(session.input("echo more\n").expect(200)["currentLine"], int)
    eventually(lambda: "more" in session.output(since=0, limit=50, clean="true")["lines"], "the output")
    several = agent.get("/api/sessions/outputs", ids=f"{session.id},nothing", limit=5).expect(200)
    assert several["nothing"] is None and several[session.id]["currentLine"] >= 3
    history = agent.get(session.path("/history"))
    assert "text/plain" in history.headers["Content-Type"] and "42" in history.expect_text()
    assert agent.post(session.path("/signal"), {"signal": "SIGINT"}).expect(200)["success"] is True
    agent.post(session.path("/signal"), {"signal": "SIGNONSENSE"}).refused(400, "invalid_signal")
    assert agent.post(session.path("/handoff"), {"message": "2FA please"}).expect(200)["success"] is True
    assert session.view()["status"] == "user_control" and session.view()["handoffMessage"] == "2FA please"
    session.exec("true").refused(409, "control_held")
    assert agent.delete(session.path()).expect(200) == {"success": True}
    assert agent.get("/api/sessions").expect(200)["active"] == []
    agent.get("/api/sessions/ses_none").refused(404, "not_found")


def test_a_request_is_denied_with_a_reason_withdrawn_or_decided_once(agent, ada):
    denied = agent.ask()["id"]
    waits = in_background(lambda: agent.get(f"/api/sessions/{denied}", waitMs=30_000))
    begin = time.monotonic()
    ada.post(f"/api/agent-requests/{denied}/deny", {"reason": "not today"}).expect(200)
    seen = waits().expect(200)
    assert time.monotonic() - begin < 2 and seen["status"] == "denied" and seen["decision"] == "not today"
    withdrawn = agent.ask()["id"]
    agent.post(f"/api/sessions/{withdrawn}/exec", {"command": "true"}).refused(425, "not_connected")
    agent.delete(f"/api/sessions/{withdrawn}").expect(200)
    ada.post(f"/api/agent-requests/{withdrawn}/approve", {"hostId": ada.host("web-1")["id"]}).refused(409, "not_pending")
    for _ in range(10):
        agent.ask()
    agent.post("/api/sessions/request", {"host": "x", "username": "y"}).refused(429, "quota")
    for one in agent.get("/api/sessions").expect(200)["pending"]:
        agent.delete(f"/api/sessions/{one['id']}").expect(200)


def test_an_agent_reaches_nothing_that_is_for_people(house, agent, ada, enter):
    session = enter()
    described = yaml.safe_load(urllib.request.urlopen(
        urllib.request.Request(f"{house.copilot.address}/openapi.yaml"), context=unverified()).read())
    tried, allowed = 0, []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if method == "parameters" or operation.get("security") == []:
                continue
            if any("agent" in one for one in operation.get("security", [])):
                continue
            place = re.sub(r"\{\w+\}", session.id, path)
            answer = agent.request(method.upper(), place, {} if method in ("post", "patch", "put") else None,
                                   {"Upgrade": "websocket", "Connection": "Upgrade"} if path == "/api/terminal" else None)
            tried += 1
            if answer.status not in (401, 403):
                allowed.append((method, path, answer.status, answer.body[:80]))
    assert tried > 40 and not allowed, allowed
    assert "agent.refused" in ada.actions()
    mine = ada.get("/api/sessions").expect(200)["sessions"]
    assert any(one["id"] == session.id for one in mine), "the same path has another meaning for people"
    assert ada.get(f"/api/sessions/{session.id}").expect(200)["session"]["startedBy"]["name"] == "claude"
    person = Agent(house.copilot, "no token")
    person.get("/api/sessions").refused(401, "not_signed_in")
    for path in ("/api/sessions", "/api/events"):
        agent.request("GET", path, headers={"Origin": "https://evil.example"}).refused(403, "foreign_origin")
    agent.request("POST", session.path("/exec"), {"command": "id"}, {"Origin": "https://evil.example"}).refused(
        403, "foreign_origin")
    agent.request("GET", "/api/sessions", headers={"Host": "evil.example"}).refused(421, "wrong_host")
    # The same at each other door: the terminal's socket, and MCP.
    socket = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
              "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "copilot.term.v1"}
    here = f"https://localhost:{house.copilot.port}"
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for headers, wanted in (({}, (401, 403)), ({"Origin": here}, (401, 403)), ({"Origin": "https://evil.example"}, (403,)),
                            ({"Origin": "null"}, (403,)), ({"Host": "evil.example"}, (421,))):
        assert agent.request("GET", "/api/terminal", headers={**socket, **headers}).status in wanted, headers
        if headers and headers.get("Origin") != here:
            assert agent.request("POST", "/mcp", ping, {"Accept": "application/json", **headers}).status == wanted[0], headers
    words = agent.request("GET", "/instructions", headers={"Authorization": None}).expect_text()
    assert house.copilot.address in words and "evil" not in words
    agent.request("GET", "/instructions", headers={"Host": "evil.example"}).refused(421, "wrong_host")
    other = Agent.make(house.copilot, "codex")
    other.get(session.path()).refused(404, "not_found")
    other.post(session.path("/exec"), {"command": "id"}).refused(404, "not_found")


def test_a_revoked_token_ends_within_a_second(house, ada):
    agent = Agent.make(house.copilot, "temporary")
    session = agent.enter(ada).ready()
    command = session.exec("sleep 50", waitMs=100).expect(202)["commandId"]
    waits = in_background(lambda: agent.get(f"/api/commands/{command}", waitMs=60_000))
    begin = time.monotonic()
    house.copilot.cli("agent-token", "revoke", "temporary")
    revoked = time.monotonic()
    waits().refused(401, "not_signed_in")
    agent.get("/api/sessions").refused(401, "not_signed_in")
    assert time.monotonic() - revoked < 1.5, time.monotonic() - begin
    eventually(lambda: not any(s["id"] == session.id for s in
                               ada.get("/api/agent-sessions").expect(200)["sessions"]), "its seat is gone", 4)
    assert ada.session(session.id)["state"] == "live"
    ada.end_session(session.id)


def test_agent_gateway_needs_no_set_up(folder, account):
    port = free_port()
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("COPILOT_")}, "HOME": str(folder)}
    command = [str(BINARY), "agent-gateway", "--port", str(port), "--page", str(PAGE)]
    process = Process(command, env=environment)
    try:
        eventually(lambda: "Authorization: Bearer" in process.output or process.has_ended, process.output, 30)
        text = process.output
        assert f"http://localhost:{port}" in text and "/#/welcome?token=" in text and "/instructions" in text
        assert "runs as you can read your files" in text and "cpa_" not in text
        assert "  export COPILOT_AGENT_TOKEN=" in text.splitlines()[text.splitlines().index(
            "For the agent's environment (the file is yours alone, mode 0600):") + 1]
        file = folder / ".local/share/copilot-agent-gateway/agent-token"
        assert file.stat().st_mode & 0o777 == 0o600 and str(file) in text
        token = file.read_text().strip()
        made = Copilot(folder, ["--http"])
        made.port = port
        agent = Agent(made, token)
        agent.ask()
        link = re.search(r"token=(\S+)", text).group(1)
        person = Person(made)
        person.post("/auth/redeem", {"token": link, "username": "me", "name": "Me", "password": "correct horse battery"}).expect(201)
        assert person.get("/api/agent-requests").expect(200)["requests"][0]["agent"]["name"] == "agent"
        words = agent.get("/instructions/quickstart").expect_text()
        assert f"http://localhost:{port}/api/sessions/request" in words
    finally:
        process.stop()
    again = Process(command, env=environment)
    try:
        eventually(lambda: "Authorization: Bearer" in again.output or again.has_ended, again.output, 30)
        assert "Sign in there as me" in again.output and file.read_text().strip() == token
    finally:
        again.stop()


def test_a_person_lets_an_agent_in_watches_and_stops_it(house, open_tab):
    agent = house.agent
    asked = agent.ask(reason=EVIL, host="web-1", mode="trusted")["id"]
    tab = open_tab(house.copilot).sign_in("ada", house.copilot.password)
    tab.sees("agent-call")
    tab.press("agent-call-review")
    tab.sees("request-dialog")
    reason = tab.get("request-reason").inner_text()
    assert "<img src=x onerror=alert(1)>" in reason and "\u241b" in reason and "U+202E" in reason
    assert "second line" in reason and tab.page.locator("[data-testid=request-dialog] img").count() == 0
    tab.screenshot("agent-request")
    tab.press("grant-supervised")
    tab.press("request-approve")
    eventually(lambda: agent.get(f"/api/sessions/{asked}").expect(200)["status"] == "ai_control", "the agent is in")
    tab.sees("agent-session")
    tab.screenshot("agents-at-work")
    session = AgentSession(agent, asked, None)
    tab.open(f"/s/{asked}?panel=agent")
    tab.terminal_ready()
    tab.sees("agent-panel")
    session.run("uname -s")
    expect(tab.get("agent-command").first).to_contain_text("uname -s")
    wants = session.exec("touch /tmp/nothing-$$", waitMs=100, purpose="a test").expect(202)
    tab.sees("agent-question")
    assert "touch /tmp/nothing" in tab.get("question-subject").inner_text()
    tab.screenshot("agent-question")
    tab.press("question-once")
    assert session.command(wants["commandId"], waitMs=8000).expect(200)["exitCode"] == 0
    expect(tab.get("agent-question")).to_have_count(0)
    hostile = "rm -rf /srv/nothing" + " " * 300 + f"# {EVIL}" + "\n" * 40 + "true"
    session.exec(hostile, waitMs=0, purpose=EVIL).expect(202)
    card = tab.sees("agent-question")
    expect(card).to_have_attribute("data-grave", "true")
    shown = tab.get("question-subject").inner_text()
    assert "rm -rf /srv/nothing\u27e8300 blanks\u27e9# <img" in shown and "39 empty lines" in shown and "U+202E" in shown, shown
    expect(tab.page.get_by_text("The agent asks you something")).to_have_count(0)
    assert card.locator("img").count() == 0 and "destroys" in tab.get("question-place").inner_text()
    place = tab.get("question-deny").bounding_box()
    assert place["y"] + place["height"] <= tab.page.viewport_size["height"], "the answer is on the first screen"
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        tab.screenshot(f"agent-question-grave-{scheme}")
    tab.page.emulate_media(color_scheme="light")
    tab.press("question-deny")
    tab.press("question-send")
    expect(tab.get("agent-question")).to_have_count(0)
    session.exec("sleep 40", waitMs=100)
    eventually(lambda: tab.page.locator("[data-testid=agent-command][data-state=running]").count(), "it runs")
    tab.press("agent-stop-all")
    expect(tab.page.locator("[data-testid=agent-command][data-state=stopped]")).to_have_count(1, timeout=10_000)
    tab.screenshot("agent-stopped")
    session.input("id\n").refused(409, "control_held")
    tab.fill("return-note", "go on, carefully")
    tab.press("agent-return")
    back = session.view(waitMs=10_000, until="control")
    assert back["handback"]["note"] == "go on, carefully"
    agent.delete(session.path())
