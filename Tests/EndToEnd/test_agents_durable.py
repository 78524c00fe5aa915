"""Agents on links that break: what goes on at the host, what is found again, what is never run twice."""

import os
import pathlib
import tempfile
import time

import pytest

from agent import Agent, AgentSession, in_background
from copilot import Copilot
from hosts import SSHHost
from ports import eventually, process_tree
from proxy import Proxy


class House:
    """A copilot that reaches its host over a link which can be cut."""

    def __init__(self, folder, account):
        self.folder = pathlib.Path(folder)
        self.account = account
        self.home = account.home
        self.host = SSHHost(self.folder / "host", account).start()
        self.link = Proxy(self.host.port).start()
        self.copilot = Copilot(self.folder / "copilot")
        self.copilot.password = self.copilot.add_user("ada")
        self.copilot.start()
        port, self.host.port = self.host.port, self.link.port
        self.copilot.add_host("web-1", self.host)
        self.host.port = port
        self.agent = Agent.make(self.copilot)

    @property
    def ada(self):
        return self.copilot.person("ada", self.copilot.password)

    def stop(self):
        self.agent.hang_up()
        self.copilot.kill()
        self.link.stop()
        self.host.stop()


@pytest.fixture(scope="module")
def house(account):
    with tempfile.TemporaryDirectory(prefix="copilot-e2e-durable-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        made = House(folder, account)
        yield made
        made.stop()


@pytest.fixture
def counter(house):
    path = house.home / "counter"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def running(mark):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            pass
    return found


def connected_again(session, generation):
    return eventually(
        lambda: (v := session.view())["status"] == "ai_control" and v["terminal"]["generation"] == generation and v,
        "the agent is connected again", 30)


STEPS = "echo x >> {counter}; for i in 1 2 3 4 5 6; do echo line $i; sleep 0.4; done; echo oops >&2; exit 23"
ALL = "".join(f"line {n}\n" for n in range(1, 7))


def test_a_durable_command_survives_a_cut_link_and_never_runs_twice(house, counter):
    session = house.agent.enter(house.ada).ready()
    mark = "7" + str(time.time_ns())[-8:]
    plain = session.exec(f"echo first; sleep {mark}", waitMs=300).expect(202)["commandId"]
    session.input("cd /usr/lib\n", waitForMode="prompt").expect(200)
    before = session.output()
    began = session.exec(STEPS.format(counter=counter), durable=True, waitMs=600, idempotencyKey="steps").expect(202)
    assert began["stdout"].startswith("line 1\n") and "durable" in began["flags"]
    waits = in_background(lambda: session.command(began["commandId"], waitMs=30_000))
    house.link.refuse()
    eventually(lambda: session.view()["status"] == "reconnecting", "the agent is told")
    session.exec("true").refused(425, "reconnecting")
    control = in_background(lambda: session.view(waitMs=30_000, until="control"))
    house.link.allow()
    assert control()["status"] == "ai_control"
    done = waits().expect(200)
    assert (done["stdout"], done["stderr"], done["exitCode"], done["state"]) == (ALL, "oops\n", 23, "exited")
    assert counter.read_text() == "x\n"
    again = session.exec(STEPS.format(counter=counter), durable=True, idempotencyKey="steps").expect(200)
    assert again["commandId"] == began["commandId"] and counter.read_text() == "x\n"
    lost = session.command(plain).expect(200)
    assert (lost["state"], lost["exitCode"], lost["stdout"]) == ("lost", None, "first\n")
    stopped = house.agent.post(f"/api/commands/{plain}/stop").expect(200)
    assert stopped["stop"] == "stopped" and not running(mark), "what the link left is ended when that is asked for"
    session.ready()
    after = session.output(since=before["currentLine"])
    assert after["currentLine"] >= before["currentLine"], "a line's number never comes twice"
    session.input("pwd\n", waitFor=str(house.home)).expect(200)
    byte = session.output(clean="false", since=before["currentLine"])["nextCursor"]
    session.input("echo by''cursor\n", waitFor="bycursor").expect(200)
    assert "bycursor" in session.output(cursor=byte)["text"]
    entries = house.ada.actions()
    assert "session.reconnecting" in entries and "session.reconnected" in entries
    folder = house.home / ".copilot-agent" / began["commandId"]
    assert folder.stat().st_mode & 0o777 == 0o700
    session.close()
    assert not folder.exists(), "an agent that has finished leaves nothing behind"


@pytest.mark.long
def test_a_host_that_falls_silent_is_noticed_and_its_waits_return(house):
    session = house.agent.enter(house.ada).ready()
    command = session.exec("sleep 300", waitMs=300).expect(202)["commandId"]
    waits = in_background(lambda: session.command(command, waitMs=100_000))
    begin = time.monotonic()
    house.link.stall()
    eventually(lambda: session.view()["status"] == "reconnecting", "the silence is noticed", 40)
    assert time.monotonic() - begin < 40
    assert waits(120).expect(200)["state"] == "lost"
    house.link.cut()
    house.link.flow()
    connected_again(session, 1)
    session.close()


def test_people_see_the_session_that_was_connected_again(house):
    ada = house.ada
    session = house.agent.enter(ada, "supervised").ready()
    house.link.cut()
    connected_again(session, 1)
    seen = next(one for one in ada.get("/api/agent-sessions").expect(200)["sessions"] if one["agent"]["name"] == "claude")
    assert seen["id"] != session.id and ada.session(seen["id"])["state"] == "live"
    assert ada.session(session.id)["ending"]["reason"] == "host_lost"
    asked = in_background(lambda: session.exec("mkdir asked-again"))
    again = AgentSession(house.agent, seen["id"], ada)
    again.answer({"scope": "once"})
    assert asked().expect(200)["exitCode"] == 0
    ada.post(f"/api/agent-sessions/{seen['id']}/pause", {}).expect(200)
    assert session.view()["status"] == "paused"
    house.link.cut()
    eventually(lambda: session.view()["terminal"]["generation"] == 2, "it is connected once more", 30)
    assert session.view()["status"] == "paused", "a lost host gives the keyboard to nobody"
    session.input("id\n").refused(409, "control_held")
    ada.delete(f"/api/agent-sessions/{session.id}").expect(204)
    session.exec("id").refused(410, "closed")
    session.close()


def test_stopping_a_durable_command_leaves_no_process(house):
    session = house.agent.enter(house.ada)
    mark = "7" + str(time.time_ns())[-8:]
    command = session.exec(f"trap '' INT TERM; sh -c 'trap \"\" INT TERM; sleep {mark}' & sleep {mark}; wait",
                           durable=True, waitMs=300).expect(202)["commandId"]
    eventually(lambda: len(running(mark)) >= 2, "it runs")
    stopped = house.agent.post(f"/api/commands/{command}/stop").expect(200)
    assert (stopped["stop"], stopped["state"], stopped["exitCode"]) == ("stopped", "stopped", None)
    eventually(lambda: not running(mark), "nothing is left, not even who watches it", 5)
    fed = session.run("cat; echo; printf '%s' \"$A\"; pwd", durable=True, stdin="from\nhere", cwd="/usr/lib", env={"A": "b'c\n"})
    assert fed["stdout"] == "from\nhere\nb'c\n/usr/lib\n" and fed["exitCode"] == 0
    assert session.run("kill -9 $$", durable=True)["exitCode"] == 137, "as the shell that watched it says"
    session.exec("cat", durable=True, stdinOpen=True).refused(422, "invalid")
    late = session.exec(f"sleep {mark}", durable=True, timeoutMs=500, onTimeout="stop", waitMs=20_000).expect(200)
    assert late["timedOut"] and late["state"] == "stopped"
    eventually(lambda: not running(mark), "nothing is left, not even who watched it", 5)
    session.close()


def test_processes_that_vanish_without_an_exit_code_are_lost_and_not_run_again(house, counter):
    session = house.agent.enter(house.ada)
    mark = "7" + str(time.time_ns())[-8:]
    began = session.exec(f"echo x >> {counter}; sleep {mark}", durable=True, waitMs=300).expect(202)
    eventually(lambda: running(mark), "it runs")
    for pid in running(began["commandId"]):
        # As when the machine loses its power: nobody writes an exit code.
        if "setsid" not in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(int(pid), 9)
    for pid in running(mark):
        os.kill(int(pid), 9)
    lost = session.command(began["commandId"], waitMs=20_000).expect(200)
    assert (lost["state"], lost["exitCode"], lost["code"]) == ("lost", None, "command_lost")
    assert counter.read_text() == "x\n"
    session.close()


def test_a_copilot_that_is_stopped_lets_nobody_wait(house):
    waits = in_background(lambda: house.agent.get("/api/events", waitMs=60_000, sinceSeq=1 << 40))
    session = house.agent.enter(house.ada).ready()
    typing = in_background(lambda: session.input("echo under''way\n", waitFor="never", timeout=60_000))
    eventually(lambda: "underway" in session.output()["lines"], "both calls wait")
    begin = time.monotonic()
    house.copilot.stop()
    assert time.monotonic() - begin < 8
    assert waits(5).status == 200 and typing(5).status in (200, 410)
    house.agent.hang_up()
    house.copilot.start()


def test_a_durable_command_is_found_again_after_the_copilot_was_killed(house, counter):
    session = house.agent.enter(house.ada)
    began = session.exec(STEPS.format(counter=counter), durable=True, waitMs=600, idempotencyKey="restart").expect(202)
    command = began["commandId"]
    asked = house.agent.ask(reason="once more")["id"]
    house.agent.hang_up()
    house.copilot.kill()
    house.copilot.start()
    house.agent.get(f"/api/sessions/{session.id}").refused(404, "not_found")
    answer = house.agent.get(f"/api/commands/{command}").refused(425, "not_connected")
    assert "access to the same host" in answer["hint"]
    ada = house.ada
    assert ada.session(session.id)["ending"]["reason"] == "shutdown"
    waits = house.agent.get("/api/sessions").expect(200)["pending"]
    assert [(one["id"], one["reason"]) for one in waits] == [(asked, "once more")], "a request that waited waits on"
    ada.post(f"/api/agent-requests/{asked}/approve", {"hostId": ada.host("web-1")["id"], "mode": "trusted"}).expect(200)
    back = AgentSession(house.agent, asked, ada)
    again = back.exec(STEPS.format(counter=counter), durable=True, idempotencyKey="restart", waitMs=20_000).expect(200)
    assert again["commandId"] == command and "found_again" in again["flags"]
    assert (again["stdout"], again["stderr"], again["exitCode"]) == (ALL, "oops\n", 23)
    assert counter.read_text() == "x\n"
    other = Agent.make(house.copilot, "other")
    other.get(f"/api/commands/{command}").refused(404, "not_found")
    other.hang_up()
    back.close()


def test_a_durable_command_of_root_is_roots_alone_and_its_password_is_nowhere(house, counter, sudoer):
    session = house.agent.enter(house.ada, sudo="allow").ready()
    password = house.account.password
    script = f"id -u; cat; echo; {STEPS.format(counter=counter)}"
    began = session.exec(script, sudo=True, durable=True, stdin="given", waitMs=900).expect(202)
    said = "0\ngiven\n" + ALL
    assert began["command"].startswith("sudo sh -c ") and said.startswith(began["stdout"]) and began["stdout"].startswith("0\n")
    folder = pathlib.Path("/root/.copilot-agent") / began["commandId"]
    assert folder.stat().st_mode & 0o777 == 0o700 and folder.stat().st_uid == 0
    assert not (house.home / ".copilot-agent" / began["commandId"]).exists()
    # Neither in a list of processes, nor in a variable, nor in a file, while it runs and is watched.
    everywhere = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                if int(pid) != os.getpid():
                    everywhere.append(pathlib.Path(f"/proc/{pid}/{name}").read_bytes())
            except OSError:
                pass
    assert not [text for text in everywhere if password.encode() in text]
    waits = in_background(lambda: session.command(began["commandId"], waitMs=40_000))
    house.link.cut()
    connected_again(session, 1)
    done = waits().expect(200)
    assert (done["stdout"], done["stderr"], done["exitCode"], done["state"]) == (said, "oops\n", 23, "exited")
    assert counter.read_text() == "x\n"
    # Who may not become root any more does not watch what root does, and nobody says that it ended.
    mark = "7" + str(time.time_ns())[-8:]
    second = session.exec(f"trap '' INT TERM; sleep {mark}", sudo=True, durable=True, waitMs=900).expect(202)["commandId"]
    eventually(lambda: running(mark), "it runs")
    sudoer.forbid()
    house.link.cut()
    lost = eventually(lambda: (v := session.command(second).json)["state"] == "lost" and v, "it is lost", 20)
    assert (lost["exitCode"], lost["code"]) == (None, "sudo_refused") and running(mark)
    stop = lambda: house.agent.post(f"/api/commands/{second}/stop").expect(200)["stop"]
    connected_again(session, 2)
    assert stop() == "unconfirmed" and running(mark)
    sudoer.allow()
    assert stop() == "stopped"
    eventually(lambda: not running(mark), "nothing is left, not even who watched it", 5)
    session.close()
    assert not folder.exists()


def test_a_durable_command_of_root_is_found_again_by_who_may_become_root(house, counter, sudoer):
    session = house.agent.enter(house.ada, sudo="allow")
    began = session.exec(STEPS.format(counter=counter), sudo=True, durable=True, waitMs=600).expect(202)
    house.agent.hang_up()
    house.copilot.kill()
    house.copilot.start()
    reader = house.agent.enter(house.ada, "supervised", sudo="never")
    house.agent.get(f"/api/commands/{began['commandId']}").refused(425, "not_connected")
    reader.close()
    back = house.agent.enter(house.ada, sudo="allow")
    again = back.command(began["commandId"], waitMs=20_000).expect(200)
    assert (again["stdout"], again["stderr"], again["exitCode"]) == (ALL, "oops\n", 23) and "found_again" in again["flags"]
    assert counter.read_text() == "x\n"
    back.close()
