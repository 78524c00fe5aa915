"""An AI agent as a program: plain HTTP with its token, and nothing that a person has."""

import base64
import http.client
import json
import threading
import urllib.parse

from copilot import Answer, unverified
from ports import eventually


class Agent:
    def __init__(self, copilot, token, name="claude"):
        self.copilot, self.token, self.name = copilot, token, name
        self.kept = threading.local()

    @classmethod
    def make(cls, copilot, name="claude"):
        line = copilot.cli("agent-token", "add", name).stdout.strip()
        return cls(copilot, line.removeprefix("COPILOT_AGENT_TOKEN="), name)

    def request(self, method, path, body=None, headers=None, timeout=90):
        sent = {"Host": f"localhost:{self.copilot.port}", "Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        try:
            try:
                connection = self._connection(timeout)
                connection.request(method, path, body=data, headers=sent)
            except OSError:
                # The copilot has closed a connection that rested: nothing of this was taken.
                self.kept.connection = None
                connection = self._connection(timeout)
                connection.request(method, path, body=data, headers=sent)
            answer = Answer(connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.kept.connection = None
            raise
        if answer.status == 413 or (answer.headers.get("Connection") or "").lower() == "close":
            self.kept.connection = None
        return answer

    def _connection(self, timeout):
        """One for each thread, as an agent's library keeps it."""
        kept = getattr(self.kept, "connection", None)
        if kept is None:
            kept = (http.client.HTTPSConnection("127.0.0.1", self.copilot.port, timeout=timeout, context=unverified())
                    if self.copilot.scheme == "https"
                    else http.client.HTTPConnection("127.0.0.1", self.copilot.port, timeout=timeout))
            self.kept.connection = kept
        return kept

    def hang_up(self):
        if getattr(self.kept, "connection", None):
            self.kept.connection.close()
            self.kept.connection = None

    def get(self, place, **query):
        return self.request("GET", place + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, body=None):
        return self.request("POST", path, {} if body is None else body)

    def delete(self, path):
        return self.request("DELETE", path)

    # --- sessions

    def ask(self, host="web-1", username="deploy", reason="look at the disk", **more):
        return self.post("/api/sessions/request", {"host": host, "username": username, "reason": reason, **more}).expect(201)

    def enter(self, person, mode="trusted", alias="web-1", **grant):
        """Asks, and the person lets it in."""
        asked = self.ask(alias)["id"]
        person.post(f"/api/agent-requests/{asked}/approve",
                    {"hostId": person.host(alias)["id"], "mode": mode, **grant}).expect(200)
        return AgentSession(self, asked, person)


class AgentSession:
    def __init__(self, agent, identifier, person):
        self.agent, self.id, self.person = agent, identifier, person

    def path(self, rest=""):
        return f"/api/sessions/{self.id}{rest}"

    def exec(self, command, **more):
        return self.agent.post(self.path("/exec"), {"command": command, **more})

    def run(self, command, **more):
        return self.exec(command, **more).expect(200)

    def input(self, text=None, **more):
        return self.agent.post(self.path("/input"), {**({"input": text} if text is not None else {}), **more})

    def output(self, **query):
        return self.agent.get(self.path("/output"), **query).expect(200)

    def view(self, **query):
        return self.agent.get(self.path(), **query).expect(200)

    def ready(self):
        """The shell has written its first prompt."""
        eventually(lambda: any("$" in line for line in self.output()["lines"]), "the prompt")
        return self

    def questions(self):
        return self.person.get(f"/api/agent-sessions/{self.id}").expect(200)["session"]["approvals"]

    def question(self):
        return eventually(lambda: self.questions(), "the agent's question")[0]

    def answer(self, body=None, what="approve"):
        return self.person.post(f"/api/agent-approvals/{self.question()['id']}/{what}", body or {}).expect(200)

    def command(self, identifier, **query):
        return self.agent.get(f"/api/commands/{identifier}", **query)

    def files(self, path, **query):
        return self.agent.get(self.path("/files"), path=path, **query)

    def close(self):
        self.agent.delete(self.path())


def in_background(call):
    """Starts a call that waits; the answer is the result of ``join()``."""
    found = []
    thread = threading.Thread(target=lambda: found.append(call()), daemon=True)
    thread.start()

    def join(seconds=60):
        thread.join(seconds)
        assert found, "the call has not returned"
        return found[0]
    return join


def b64(data):
    return base64.b64encode(data).decode()
