"""The copilot as a process with a data folder of its own, its command line, and its REST interface for one person."""

import http.client
import http.cookies
import json
import os
import pathlib
import re
import ssl
import subprocess
import urllib.parse

from ports import Process, eventually, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("COPILOT_BINARY", ROOT / ".build/debug/copilot"))
PAGE = ROOT / "Web/dist"


def unverified():
    """The copilot's own certificate is made at first start: nothing on this machine could know it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Copilot:
    def __init__(self, folder, flags=(), env=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.keys = self.folder / "keys"
        self.port = free_port()
        self.ssh_port = free_port()
        self.flags = list(flags)
        self.env = env or {}
        self.scheme = "http" if "--http" in self.flags else "https"
        self.process = None

    @property
    def address(self):
        return f"{self.scheme}://localhost:{self.port}"

    @property
    def settings(self):
        return ["--data", str(self.data), "--keys", str(self.keys)]

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COPILOT_")}
        return {**kept, "HOME": str(self.folder), **self.env}

    def spawn(self, *flags):
        self.process = Process(
            [str(BINARY), "serve", *self.settings, "--port", str(self.port), "--ssh-port", str(self.ssh_port),
             "--page", str(PAGE), *self.flags, *flags],
            env=self.environment)
        return self.process

    def start(self, *flags):
        self.spawn(*flags)
        eventually(
            lambda: self.process.has_ended or self.answers, f"the copilot answers:\n{self.process.output[-2000:]}", 30)
        assert not self.process.has_ended, f"the copilot ended at once:\n{self.process.output}"
        return self

    @property
    def answers(self):
        try:
            return Person(self).get("/api/server").status == 200
        except OSError:
            return False

    @property
    def sign_in_link(self):
        """The link for the first admin, as printed."""
        pattern = re.compile(r"https?://\S+#/welcome\?token=\S+")
        found = eventually(lambda: pattern.search(self.process.output), "the copilot prints a sign-in link")
        return found.group(0)

    def stop(self):
        if self.process is not None:
            self.process.stop()

    def kill(self):
        """As when the machine loses its power, for this process."""
        self.process.kill()

    def cli(self, *arguments, stdin="", check=True, env=None):
        """Runs a subcommand on the same data folder."""
        done = subprocess.run(
            [str(BINARY), *arguments, *self.settings], input=stdin, capture_output=True, text=True, timeout=60,
            env={**self.environment, **(env or {})})
        if check:
            assert done.returncode == 0, f"copilot {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def add_user(self, username, role="admin", password="correct horse battery"):
        self.cli("user", "add", username, "--name", username.title(), "--role", role, "--password-stdin",
                 stdin=password + "\n")
        return password

    def person(self, username, password):
        return Person(self).sign_in(username, password)

    def add_host(self, alias, host, credential=("--password-stdin",), stdin=None, *more):
        stdin = host.password + "\n" if stdin is None else stdin
        done = self.cli(
            "host", "add", alias, "--address", host.address, "--port", str(host.port), "--username", host.username,
            "--fingerprint", host.fingerprint, *credential, *more, "--json", stdin=stdin)
        return json.loads(done.stdout)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def expect(self, status):
        assert self.status == status, f"status {self.status} instead of {status}: {self.body[:1000]!r}"
        return self.json if self.body else None

    def expect_text(self, status=200):
        assert self.status == status, f"status {self.status} instead of {status}: {self.body[:1000]!r}"
        return self.body.decode()

    def refused(self, status, code):
        answer = self.expect(status)
        assert answer["code"] == code, answer
        assert answer["error"].endswith(".") and answer["hint"], answer
        return answer


class Person:
    """A client of the REST interface with the cookies of one sign-in."""

    def __init__(self, copilot, port=None):
        self.copilot = copilot
        self.port = port or copilot.port
        self.cookies = {}

    @property
    def origin(self):
        return f"{self.copilot.scheme}://localhost:{self.port}"

    def request(self, method, path, body=None, headers=None):
        if self.copilot.scheme == "https":
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=unverified())
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {"Host": f"localhost:{self.port}", "Accept": "application/json"}
            if method != "GET":
                sent["Origin"] = self.origin
            if self.cookies:
                sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            data = None
            if body is not None:
                sent["Content-Type"] = "application/json"
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.update(headers or {})
            connection.request(method, path, body=data, headers={k: v for k, v in sent.items() if v is not None})
            response = connection.getresponse()
            answer = Answer(response)
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return answer

    def get(self, path, **query):
        return self.request("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, body=None):
        return self.request("POST", path, {} if body is None else body)

    def patch(self, path, body):
        return self.request("PATCH", path, body)

    def delete(self, path):
        return self.request("DELETE", path)

    def sign_in(self, username, password):
        self.post("/auth/sign-in", {"username": username, "password": password}).expect(200)
        return self

    def host(self, alias):
        hosts = self.get("/api/hosts").expect(200)["hosts"]
        return next(host for host in hosts if host["alias"] == alias)

    def start_session(self, alias, columns=80, rows=24, **more):
        body = {"hostId": self.host(alias)["id"], "columns": columns, "rows": rows, **more}
        return self.post("/api/sessions", body).expect(201)["session"]

    def session(self, identifier):
        return self.get(f"/api/sessions/{identifier}").expect(200)["session"]

    def end_session(self, identifier):
        return self.delete(f"/api/sessions/{identifier}")

    def recordings(self):
        return self.get("/api/recordings").expect(200)["recordings"]

    def audit(self, **query):
        return self.get("/api/audit", **{"limit": 200, **query}).expect(200)["entries"]

    def actions(self):
        return [entry["action"] for entry in self.audit()]
