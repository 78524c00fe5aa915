"""Who has the keyboard: taken by typing, given back with a note, never handed back by accident; what is typed unseen."""

import asyncio
import json

import loops
from agent import in_background
from agent_house import ada, agent, enter, house, running  # noqa: F401
from ports import eventually
from seat import Seat


def test_a_person_takes_the_keyboard_by_typing_and_gives_it_back_with_a_note(enter, ada, agent):
    session = enter().ready()
    session.run("true", terminal=True)
    epoch = session.view()["control"]["epoch"]
    running = in_background(lambda: session.exec("sleep 3; echo late", waitMs=20_000))
    eventually(lambda: session.view()["runningCommands"], "the command runs")

    async def take_over():
        async with Seat(ada, session.id, columns=120, rows=32) as seat:
            await seat.sees("e2e$")
            assert seat.state["keyboard"]["holder"]["name"] == "claude" and seat.state["you"]["mayType"]
            await seat.type("cd /usr/lib; false\r")
            await seat.until(lambda: seat.state["you"]["holder"], "the keyboard is the person's")
            await seat.until(lambda: "false" in "\n".join(seat.lines()), "the line is there")
            assert bytes(seat.output).count(b"cd /usr/lib") == 1, "the key that took the keyboard came, and came once"
            held = await asyncio.to_thread(lambda: session.input("rm x\n"))
            answer = held.refused(409, "control_held")
            assert answer["control"]["holder"] == "human" and answer["control"]["name"] == "Ada"
            assert answer["control"]["epoch"] > epoch and session.id in answer["waitUrl"]
            (await asyncio.to_thread(lambda: session.exec("id"))).refused(409, "control_held")
            waits = in_background(lambda: session.view(waitMs=20_000, until="control"))
            back = lambda: ada.post(f"/api/agent-sessions/{session.id}/return", {"note": "moved to /usr/lib"}).expect(200)
            await asyncio.to_thread(back)
            seen = await asyncio.to_thread(waits)
            assert seen["status"] == "ai_control" and seen["handback"]["note"] == "moved to /usr/lib"
            assert seen["handback"]["by"] == "Ada" and any("cd /usr/lib" in line for line in seen["handback"]["screen"])
            assert seen["handback"]["humanCommands"] == [{"command": "cd /usr/lib; false", "by": "Ada", "exitCode": 1}]
            assert seen["handback"]["cwd"] == "/usr/lib"
            await seat.until(lambda: not seat.state["you"]["holder"], "the agent has it again")

    loops.run(take_over())
    interrupted = running().expect(202)
    assert interrupted["waitEnded"] == "control_changed" and interrupted["state"] == "running"
    assert session.command(interrupted["commandId"], waitMs=10_000).expect(200)["stdout"] == "late\n"
    session.input("pwd\n", epoch=epoch).refused(409, "stale_epoch")
    assert any("/usr/lib" in line for line in session.input("pwd\n", waitFor="^/").expect(200)["lines"])


def test_a_person_who_vanishes_does_not_hand_the_keyboard_back(enter, ada):
    session = enter().ready()

    async def vanish():
        async with Seat(ada, session.id) as seat:
            await seat.type("x")
            await seat.until(lambda: seat.state["you"]["holder"], "the keyboard is the person's")
            await seat.send(0x48)  # the seat leaves without giving the keyboard to anybody

    loops.run(vanish())
    eventually(lambda: session.view()["control"]["holder"] == "none", "nobody has the keyboard", 25)
    session.input("id\n").refused(409, "control_held")
    session.exec("id").refused(409, "control_held")
    ada.post(f"/api/agent-sessions/{session.id}/return", {}).expect(200)
    assert session.run("echo back")["stdout"] == "back\n"


def test_stop_everything_stops_everything(enter, ada):
    session = enter().ready()
    command = session.exec("sleep 60", waitMs=200).expect(202)["commandId"]
    ada.post(f"/api/agent-sessions/{session.id}/pause", {}).expect(200)
    assert session.command(command).expect(200)["state"] == "stopped"
    assert session.view()["status"] == "paused"
    session.exec("id").refused(409, "control_held")
    session.input("id\n").refused(409, "control_held")
    ada.post(f"/api/agent-sessions/{session.id}/return", {"note": "go on"}).expect(200)
    assert session.run("echo on")["stdout"] == "on\n"
    ada.delete(f"/api/agent-sessions/{session.id}").expect(204)
    session.exec("id").refused(410, "closed")
    assert ada.session(session.id)["state"] == "live", "the session stays for people"


def test_a_password_prompt_goes_to_a_person(house, enter, ada):
    session = enter().ready()
    session.input("read -rs -p 'Password: ' x; echo got ${#x}\n").expect(200)
    seen = eventually(lambda: (v := session.view())["control"]["holder"] == "none" and v, "the agent let go", 5)
    assert seen["terminal"]["waiting"]["kind"] == "password" and "Password:" in seen["handoffMessage"]
    session.input("guess\n").refused(409, "control_held")

    async def typed():
        async with Seat(ada, session.id) as seat:
            await seat.type("hunter2-secret\r")
            await seat.sees("got 14")
    loops.run(typed())
    ada.post(f"/api/agent-sessions/{session.id}/return", {}).expect(200)
    everything = json.dumps([session.output(), session.output(clean="false"), session.view(),
                             session.agent.get("/api/events").expect(200)])
    assert "got 14" in everything and "hunter2" not in everything
    # Nor in the recording, the books, or any file of the copilot's.
    session.close()
    recording = eventually(lambda: next((r for r in ada.recordings() if r["sessionId"] == session.id), None), "recorded")
    kept = ada.get(f"/api/recordings/{recording['id']}/asciicast").expect_text() + json.dumps(ada.audit())
    assert "got 14" in kept and "hunter2" not in kept
    assert not [path for path in house.copilot.folder.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_what_a_person_types_in_private_is_not_for_the_agent(enter, ada):
    session = enter().ready()
    session.input("echo be''fore\n", waitFor="before").expect(200)
    start = session.output()["currentLine"]
    private = lambda on: ada.post(f"/api/agent-sessions/{session.id}/private", {"on": on}).expect(200)["session"]
    assert private(True)["isPrivate"] and session.view()["terminal"]["isPrivate"]
    session.input("id\n").refused(409, "control_held")
    agent = session.agent
    read = lambda: json.dumps([
        session.output(), session.output(since=start), session.output(clean="false"), agent.get(session.path("/screen")).expect(200),
        agent.get(session.path("/history")).expect_text(), agent.get(session.path("/history"), format="clean").expect_text(),
        session.view(), agent.get("/api/events").expect(200)])

    async def typed():
        async with Seat(ada, session.id, columns=120, rows=32) as seat:
            await seat.type("echo walrus''-tusk\r")
            await seat.sees("walrus-tusk")
            return await asyncio.to_thread(read)

    during = loops.run(typed())
    ada.post(f"/api/agent-sessions/{session.id}/return", {"note": "done"}).expect(200)
    assert not session.view()["terminal"]["isPrivate"], "giving back ends it"
    session.input("echo af''ter\n", waitFor="after").expect(200)
    for seen in (during, read()):
        assert "walrus" not in seen and "tusk" not in seen and "before" in seen and "withheld" in seen, seen
    assert "after" in json.dumps(session.output())
    assert {"private.started", "private.ended"} <= set(ada.actions())
