"""The description of the interface and the interface itself: made-up calls find no failure of the server and no answer that the
description does not allow."""

import json
import os
import pathlib
import subprocess
import tempfile

import pytest
import yaml

from agent import Agent
from copilot import ROOT, Copilot
from hosts import SSHHost
from test_mcp import environment

HERE = pathlib.Path(__file__).parent
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance")
# What would take the sign-in away that the other calls need, or end the session that they look at.
NOT_CALLED = ["/auth/sign-out", "/auth/sign-out-everywhere", "/api/me/password", "/auth/refresh", "/api/terminal", "/mcp"]


class House:
    """A copilot with a host, a person, and an agent at work: something is there wherever a call asks for it."""

    def __init__(self, folder, account):
        self.folder = pathlib.Path(folder)
        self.host = SSHHost(self.folder / "host", account).start()
        self.copilot = Copilot(self.folder / "copilot", ["--http"])
        self.password = self.copilot.add_user("ada")
        self.copilot.start()
        self.copilot.add_host("web-1", self.host)
        self.ada = self.copilot.person("ada", self.password)
        self.agent = Agent.make(self.copilot)
        self.session = self.agent.enter(self.ada, "supervised", files={"read": ["*"], "write": []}).ready()
        self.command = self.session.run("cat /etc/services")["commandId"]
        self.plan = self.agent.post(self.session.path("/plan"), {"goal": "x", "steps": [{"command": "touch x"}]}).expect(201)
        self.question = self.session.question()["id"]
        self.pending = self.agent.ask()["id"]
        self.description = self.folder / "openapi.yaml"
        self.description.write_text(self.agent.get("/openapi.yaml").expect_text())

    def stop(self):
        self.agent.hang_up()
        self.copilot.kill()
        self.host.stop()

    def places(self):
        """The identifiers that stand in paths, call by call."""
        described = yaml.safe_load(self.description.read_text())
        found = {}
        for path, operations in described["paths"].items():
            for method in operations:
                kinds = {"/api/sessions/": self.session.id, "/api/commands/": self.command, "/api/plans/": self.plan["planId"],
                         "/api/approvals/": self.question, "/api/agent-requests/": self.pending,
                         "/api/agent-sessions/": self.session.id, "/api/agent-commands/": self.command,
                         "/api/agent-approvals/": self.question, "/api/hosts/": self.ada.host("web-1")["id"]}
                identifier = next((value for begin, value in kinds.items() if path.startswith(begin)), None)
                ends = method == "delete" and path.count("/") == 3 or path.endswith(("/approve", "/deny", "/pause"))
                if identifier and "{id}" in path and not ends:
                    found[f"{method.upper()} {path}"] = {"id": identifier}
        return found

    def run(self, examples, *options, phases="coverage,fuzzing"):
        places = self.folder / "places.json"
        places.write_text(json.dumps(self.places()))
        settings = self.folder / "schemathesis.toml"
        settings.write_text("")
        return subprocess.run(
            [str(environment("schema") / "st"), "--config-file", str(settings), "run", str(self.description), "--url",
             f"http://localhost:{self.copilot.port}", "--checks", CHECKS, "--seed", "20261121", "--max-examples", str(examples),
             "--phases", phases, "--generation-database", "none", "--request-timeout", "20", "--no-color",
             "--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure",
             *[word for path in NOT_CALLED for word in ("--exclude-path", path)], *options],
            env={**os.environ, "SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": str(HERE), "SCHEMA_PLACES": str(places)},
            cwd=self.folder, capture_output=True, text=True, timeout=1500)


@pytest.fixture(scope="module")
def house(account):
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-openapi-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        made = House(folder, account)
        yield made
        made.stop()


def check(done):
    assert done.returncode == 0, (done.stdout[-12_000:] + done.stderr[-2000:])


def test_made_up_calls_of_an_agent_meet_the_description(house):
    check(house.run(2, "--header", f"Authorization: Bearer {house.agent.token}", "--include-tag", "agents"))


def test_made_up_calls_of_a_person_meet_the_description(house):
    cookie = "; ".join(f"{name}={value}" for name, value in house.ada.cookies.items())
    check(house.run(
        4, "--header", f"Cookie: {cookie}", "--header", f"Origin: http://localhost:{house.copilot.port}", phases="fuzzing"))


@pytest.mark.long
@pytest.mark.parametrize("who", ["agent", "person"])
def test_many_made_up_calls_meet_the_description(house, who):
    if who == "agent":
        options = ["--header", f"Authorization: Bearer {house.agent.token}", "--include-tag", "agents"]
    else:
        cookie = "; ".join(f"{name}={value}" for name, value in house.ada.cookies.items())
        options = ["--header", f"Cookie: {cookie}", "--header", f"Origin: http://localhost:{house.copilot.port}"]
    check(house.run(60, *options))
