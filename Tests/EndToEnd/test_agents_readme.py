"""The README's example of an agent, word for word, as a newcomer runs it: the agent by itself, the person in a browser."""

import json
import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from copilot import BINARY, PAGE, ROOT, Copilot
from ports import Process, eventually, free_port
from test_mcp import call, client, data
from test_six_steps import add_by_wizard

EXAMPLE = ROOT / "Examples/Agents/disk.py"
README = (ROOT / "README.md").read_text()


def test_the_readme_shows_the_example_that_is_run_here():
    [shown] = re.findall(r"```python\n(.*?)```", README.split("## AI agents")[1].split("\n## ")[0], re.S)
    assert shown == EXAMPLE.read_text()
    assert shown in (ROOT / "docs/agents.md").read_text()


class Gateway(Copilot):
    """`copilot agent-gateway`, with nothing set up."""

    def __init__(self, folder):
        super().__init__(folder, ["--http"])
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COPILOT_")}
        self.surroundings = {**environment, "HOME": str(folder)}
        self.process = Process(
            [str(BINARY), "agent-gateway", "--port", str(self.port), "--page", str(PAGE)], env=self.surroundings)
        eventually(lambda: "/mcp" in self.process.output or self.process.has_ended, "it has printed what to do", 30)

    @property
    def printed(self):
        return self.process.output


@pytest.fixture
def gateway(folder, profile):
    if profile.is_phone:
        pytest.skip("the phone's side of it is in test_agents.py")
    made = Gateway(folder)
    yield made
    made.stop()


def test_a_newcomer_runs_the_example_to_its_end_and_then_the_same_over_mcp(gateway, host, open_tab, profile):
    token_line = next(line.strip() for line in gateway.printed.splitlines() if "COPILOT_AGENT_TOKEN=" in line)
    link = re.search(r"http\S+/#/welcome\?token=\S+", gateway.printed).group(0)
    # The agent's side: the printed line, then the script.
    agent = Process(["sh", "-c", f'{token_line}; exec "{sys.executable}" "{EXAMPLE}"'],
                    env={**gateway.surroundings, "COPILOT_URL": f"http://127.0.0.1:{gateway.port}", "PYTHONUNBUFFERED": "1"})
    eventually(lambda: "Waiting for a person at" in agent.output or agent.has_ended, "the agent asks")
    assert not agent.has_ended, agent.output
    place = re.search(r"http\S+", agent.output).group(0)
    # The person's side: the link, the host with its fingerprint and its password, the answer.
    tab = open_tab(gateway)
    tab.become_first_admin(link, "me", "Me")
    tab.sees("agent-call")
    add_by_wizard(tab, host, "web-1", "password", host.password)
    tab.page.goto(place)
    tab.sees("request-dialog")
    assert "Why is /var full?" in tab.get("request-reason").inner_text()
    tab.screenshot("readme-request")
    tab.press("request-approve")
    assert agent.wait(30) == 0, agent.output
    assert re.search(r"\d\S*\s+/var$", agent.output, re.M) and "exit code" in agent.output, agent.output
    # The same as an MCP server: the command that the README gives, with no token in it.
    command = re.search(r"claude mcp add ssh -- (copilot mcp)", README).group(1).split()
    plan = {"command": [str(BINARY), *command[1:]],
            "env": {**gateway.surroundings, "COPILOT_URL": f"http://127.0.0.1:{gateway.port}"}}
    asked = data(client(("new", "auto"), {**plan, "steps": [
        call("ssh_request_access", host="web-1", username="deploy", reason="the same over MCP", waitMs=0)]})["found"][0])
    tab.page.goto("about:blank")
    tab.page.goto(asked["approveUrl"])
    tab.press("request-approve")
    expect(tab.get("request-dialog")).to_have_count(0)
    waited, ran, closed = client(("new", "auto"), {**plan, "steps": [
        call("ssh_wait", sessionId=asked["id"]), call("ssh_exec", sessionId=asked["id"], command="du -sh /var/log"),
        call("ssh_close", sessionId=asked["id"])]})["found"]
    assert data(waited)["status"] == "ai_control" and "/var/log" in data(ran)["stdout"] and data(closed)["success"]
