"""What an agent may do, and what it gets to read."""

import base64
import hashlib
import json
import urllib.parse

from agent import b64, in_background
from agent_house import ada, agent, enter, house  # noqa: F401
from ports import eventually


BYPASSES = [
    "ls $(touch x)", "env sudo id", "find . -delete", "find . -exec sh -c 'touch x' +", "sort -o x /etc/passwd",
    "sort --compress-program=sh /etc/passwd", "git -c core.pager='touch x' log", "rg --pre sh x", "echo hi > x",
    "\\sudo id", "ls\ntouch x", "ls;touch x", "\"sudo\" id", "awk 'BEGIN{system(\"touch x\")}'", "sed -n w\\ x /etc/passwd",
    "tar cf x .", "bash -c 'touch x'", "cat /etc/passwd | tee x", "echo `touch x`", "xargs touch x", "nohup touch x",
    "ls || touch x", "ls & touch x", "(touch x)", "{ touch x; }", "if true; then touch x; fi", "touch${IFS}x", "$(echo touch) x",
    "eval touch x", "command touch x", "timeout 5 touch x", "cat <(touch x)", "cp /etc/passwd x", "dd of=x", "vi x",
]


# Beyond those that are known from elsewhere.
MORE_BYPASSES = [
    "uniq /etc/passwd x", "xxd /etc/passwd x", "find . -fprintf x %p", "find . -okdir touch x ';'", "awk '{print > \"x\"}' /etc/passwd",
    "awk -f /tmp/x.awk", "sed 's/.*/touch x/e' /etc/passwd", "sed -i s/a/b/ x", "env -S 'touch x'", "git log --output=x",
    "git grep -O'touch x' root", "git diff --ext-diff", "journalctl --vacuum-size=1K", "journalctl --rotate", "dmesg -C",
    "date -s tomorrow", "hostname other", "ip link set lo down", "sysctl -w a=b", "less +'!touch x' /etc/passwd",
    "ls() { touch x; }; ls", "alias ls='touch x'", ". /tmp/x.sh", "trap 'touch x' EXIT", "PATH=/tmp ls", "ls >| x", "ls &> x", "ls <> x",
    "cat <<< a > x", "${x:=`touch x`}", "echo $((a[$(touch x)]))", "[ -v 'a[$(touch x)]' ]", "mapfile -C 'touch x' -c 1 < /etc/passwd",
    "python3 -c 'open(\"x\",\"w\")'", "curl file:///etc/passwd -o x", "tar -tf x -I 'touch x'", "openssl rand -out x 1",
    "systemctl status ssh; reboot", "ls | xargs -I{} sh -c {}", "ls #\ntouch x", "cat /etc/passwd |& tee x", "ls\r\ntouch x",
    "coproc touch x", "time touch x", "! touch x", "case a in a) touch x;; esac", "for i in 1; do touch x; done", "select x in 1; do touch x; done",
    "\\\ntouch x", "t\\ouch x", "'touch' x", "$'touch' x", "/bin/../bin/touch x", "busybox touch x", "printf -v PATH /tmp; ls", "read PATH < x; ls",
    "ls --hyperlink=$(touch x)", "echo {a,$(touch x)}", "echo ~$(touch x)", "cat <<E\n$(touch x)\nE", "unset -f cd; cd() { touch x; }; cd /",
    "git --exec-path=/tmp status", "git -p log", "man -P 'touch x' ls", "sort --files0-from=- -o x", "nohup sh -c 'touch x' &", "exec 3> x",
]


def test_a_read_only_agent_writes_nothing(house, enter):
    session = enter("read_only")
    before = sorted(house.home.rglob("*"))
    for command in BYPASSES + MORE_BYPASSES:
        answer = session.exec(command, cwd=str(house.home))
        refused = answer.refused(403, "policy_denied")
        assert refused["rule"] == "read_only", command
    for name, value in (("PATH", "/tmp"), ("LD_PRELOAD", "/tmp/x.so"), ("BASH_ENV", "/tmp/x"), ("GIT_PAGER", "touch x"),
                        ("GIT_EXTERNAL_DIFF", "touch x"), ("PAGER", "touch x"), ("IFS", "/")):
        session.exec("git diff", env={name: value}).refused(403, "policy_denied")
    assert session.run("ls /", env={"LC_ALL": "C"})["exitCode"] == 0
    session.exec("ls", env={"A B": "x"}).refused(422, "invalid")
    session.input("touch x\n").refused(409, "control_held")
    session.agent.post(session.path("/signal"), {"signal": "SIGINT"}).refused(403, "policy_denied")
    assert sorted(house.home.rglob("*")) == before
    for command in ("ls -l", "grep root /etc/passwd", "cat /etc/os-release", "df -h", "ps aux"):
        assert session.run(command)["exitCode"] == 0, command
    assert session.run("pwd", cwd="/usr")["stdout"] == "/usr\n"
    watching = enter("observe")
    watching.exec("ls").refused(403, "policy_denied")


def test_a_supervised_agent_asks_and_a_person_answers(house, enter, ada):
    session = enter("supervised", deny=["systemctl **"]).ready()
    target = house.home / "build"
    house.account.own(house.home)
    assert session.run("ls /")["exitCode"] == 0, "what only reads is not asked"
    once = session.exec(f"mkdir {target}", waitMs=300, purpose="room for the build").expect(202)
    assert once["state"] == "awaiting_approval"
    asked = session.question()
    assert asked["subject"] == f"mkdir {target}" and asked["purpose"] == "room for the build" and asked["why"]
    session.answer({"scope": "once"})
    done = session.command(once["commandId"], waitMs=5000).expect(200)
    assert done["exitCode"] == 0 and done["approval"]["status"] == "approved" and done["approval"]["by"] == "Ada"
    again = in_background(lambda: session.exec(f"rmdir {target}"))
    session.answer({"scope": "exact", "minutes": 5})
    assert again().expect(200)["exitCode"] == 0
    target.mkdir()
    house.account.own(target)
    assert session.run(f"rmdir {target}")["exitCode"] == 0, "the same text is free"
    other = session.exec(f"rmdir {target}-prod", waitMs=200).expect(202)
    session.answer({"reason": "that is production"}, "deny")
    denied = session.command(other["commandId"], waitMs=5000).expect(200)
    assert denied["state"] == "denied" and "that is production" in denied["error"]
    edited = in_background(lambda: session.exec("touch wrong", cwd=str(house.home)))
    session.answer({"scope": "edited", "command": "touch right"})
    view = edited().expect(200)
    assert view["command"] == "touch right" and view["editedFrom"] == "touch wrong"
    assert (house.home / "right").exists() and not (house.home / "wrong").exists()
    free = in_background(lambda: session.exec("touch a1", cwd=str(house.home)))
    session.answer({"scope": "pattern", "pattern": "touch a*"})
    free().expect(200)
    assert session.run("touch a2", cwd=str(house.home))["exitCode"] == 0
    assert session.exec("touch a3; touch b", waitMs=0).expect(202)["state"] == "awaiting_approval"
    session.exec("ls; systemctl stop ssh").refused(403, "policy_denied")
    dry = session.run("rm -rf /", dryRun=True)
    assert dry["state"] == "awaiting_approval" and "dry_run" in dry["flags"]
    plan = session.agent.post(session.path("/plan"), {
        "goal": "tidy", "steps": [{"command": f"touch {house.home}/p1"}, {"command": f"touch {house.home}/p2"}]}).expect(201)
    assert plan["status"] == "pending"
    whole = next(one for one in session.questions() if one["kind"] == "plan")
    ada.post(f"/api/agent-approvals/{whole['id']}/approve", {}).expect(200)
    assert session.agent.get(f"/api/plans/{plan['planId']}").expect(200)["status"] == "approved"
    assert session.run(f"touch {house.home}/p1")["exitCode"] == 0
    assert session.run(f"touch {house.home}/p2")["exitCode"] == 0
    assert session.exec(f"touch {house.home}/p1", waitMs=0).expect(202)["state"] == "awaiting_approval", "a step is good once"
    typed = in_background(lambda: session.input(f"touch {house.home}/typed\n"))
    line = eventually(lambda: [q for q in session.questions() if q["kind"] == "input"], "the typed line is asked about")[0]
    assert line["subject"] == f"touch {house.home}/typed"
    ada.post(f"/api/agent-approvals/{line['id']}/approve", {}).expect(200)
    typed().expect(200)
    eventually(lambda: (house.home / "typed").exists(), "the line ran")


def test_what_a_person_allowed_is_that_alone(house, enter, ada):
    session = enter("supervised").ready()
    for name in ("a", "b"):
        (house.home / name).mkdir(exist_ok=True)
    house.account.own(house.home)
    asks = lambda command, **more: session.exec(command, waitMs=0, **more).expect(202)
    answer = lambda body=None, what="approve", which=None: ada.post(
        f"/api/agent-approvals/{which or session.question()['id']}/{what}", body or {})

    def dropped(command):
        session.agent.post(f"/api/commands/{command['commandId']}/stop").expect(200)
        assert session.questions() == []

    # The same words in another folder, or with other input, are another deed.
    first = asks("rm -rf build", cwd=f"{house.home}/a")
    assert session.question()["cwd"] == f"{house.home}/a" and session.question()["suggestedPattern"] == "rm -rf build"
    answer({"scope": "exact", "minutes": 5}).expect(200)
    assert session.command(first["commandId"], waitMs=9000).expect(200)["exitCode"] == 0
    assert session.run("rm -rf build", cwd=f"{house.home}/a")["exitCode"] == 0
    dropped(asks("rm -rf build", cwd=f"{house.home}/b"))
    script = asks("sh", stdin="echo harmless\n")
    assert session.question()["input"] == "echo harmless\n", "what a shell would read is the command itself"
    answer({"scope": "exact", "minutes": 5}).expect(200)
    assert session.command(script["commandId"], waitMs=9000).expect(200)["stdout"] == "harmless\n"
    dropped(asks("sh", stdin="rm -rf ~\n"))
    dropped(asks("sh", stdinOpen=True))
    # Who lets a file be written does not let it be run.
    place = f"{house.home}/a/tool.sh"
    writes = in_background(lambda: session.agent.request("POST", session.path("/files") + f"?path={place}", {"content": "id\n", "mode": "0755"}))
    assert session.question()["input"] == "id\n"
    answer({"scope": "exact", "minutes": 5}).expect(200)
    writes().expect(200)
    dropped(asks(place))
    again = in_background(lambda: session.agent.request("POST", session.path("/files") + f"?path={place}", {"content": "rm -rf ~\n"}))
    assert session.question()["input"] == "rm -rf ~\n", "other contents are asked about"
    answer({"reason": "Not that."}, "deny").expect(200)
    again().refused(403, "policy_denied")
    # A step of a plan is good where it was planned.
    plan = session.agent.post(session.path("/plan"), {"goal": "x", "steps": [{"command": "touch step", "cwd": f"{house.home}/a"}]}).expect(201)
    assert f"in {house.home}/a" in session.question()["subject"]
    answer({"scope": "exact", "minutes": 5}).refused(422, "invalid")
    answer().expect(200)
    dropped(asks("touch step", cwd=f"{house.home}/b"))
    dropped(asks("touch step"))
    assert session.run("touch step", cwd=f"{house.home}/a")["exitCode"] == 0
    assert session.agent.get(f"/api/plans/{plan['planId']}").expect(200)["steps"][0]["used"]
    # In the terminal the folder is where the shell is when it runs.
    waits = asks("touch here", terminal=True)
    assert session.question()["cwd"] == str(house.home)
    other = session.run("cd /tmp", terminal=True)
    assert other["cwdAfter"] == "/tmp"
    answer().expect(200)
    moved = session.command(waits["commandId"], waitMs=9000).expect(200)
    assert (moved["state"], moved["code"]) == ("failed", "folder_changed")


def test_a_question_is_answered_once_however_many_answer(house, enter, ada):
    session = enter("supervised").ready()
    counter = house.home / "answered"
    asked = session.exec(f"echo x >> {counter}", waitMs=0).expect(202)
    question = session.question()["id"]
    bodies = [{"scope": "once"}, {"scope": "exact", "minutes": 5}, {"scope": "edited", "command": f"echo edited >> {counter}"},
              {"scope": "pattern", "pattern": "echo **"}, {"scope": "once"}]
    calls = [in_background(lambda body=body: ada.post(f"/api/agent-approvals/{question}/approve", body)) for body in bodies]
    calls.append(in_background(lambda: ada.post(f"/api/agent-approvals/{question}/deny", {"reason": "no"})))
    answers = [call() for call in calls]
    assert sorted(answer.status for answer in answers) == [200] + [409] * 5
    over = session.command(asked["commandId"], waitMs=9000).expect(200)
    assert over["state"] in ("exited", "denied")
    lines = counter.read_text().splitlines() if counter.exists() else []
    assert len(lines) == (1 if over["state"] == "exited" else 0)
    # What was taken back, or ended with the access, is not approved any more.
    for number, ends in enumerate((lambda command: session.agent.post(f"/api/commands/{command}/stop"),
                                   lambda command: ada.delete(f"/api/agent-sessions/{session.id}"))):
        command = session.exec(f"rm {counter}-{number}", waitMs=0).expect(202)["commandId"]
        question = session.question()["id"]
        ends(command)
        ada.post(f"/api/agent-approvals/{question}/approve", {}).refused(409, "not_pending")
        assert session.command(command, waitMs=5000).expect(200)["state"] in ("stopped", "denied")


def test_files_are_judged_as_the_command_that_does_the_same(house, enter, ada):
    session = enter(files={"read": [f"{house.home}/notes/*"], "write": [f"{house.home}/notes/*"]}, mode="read_only")
    folder = house.home / "notes"
    folder.mkdir(exist_ok=True)
    house.account.own(house.home)
    files = lambda method, path, body=None, **query: session.agent.request(
        method, session.path("/files") + "?" + urllib.parse.urlencode({"path": path, **query}), body)
    target = f"{folder}/a.txt"
    written = files("POST", target, {"content": "one €\ntwo\n", "mode": "0640"}).expect(200)
    assert written == {"success": True, "bytes": 12, "path": target,
                       "sha256": hashlib.sha256("one €\ntwo\n".encode()).hexdigest()}
    read = files("GET", target)
    assert read.status == 200 and read.body.decode() == "one €\ntwo\n"
    assert read.headers["ETag"] == f'"{written["sha256"]}"' and read.headers["X-File-Size"] == "12"
    assert read.headers["Content-Type"] == "application/octet-stream" and read.headers["X-File-Mode"] == "0640"
    assert files("GET", target, offset=4, length=3).body.decode() == "€"
    edited = files("PATCH", target, {"edits": [{"find": "two", "replace": "2"}], "ifMatch": written["sha256"]}).expect(200)
    assert (folder / "a.txt").read_text() == "one €\n2\n"
    files("POST", target, {"content": "x", "ifMatch": written["sha256"]}).refused(412, "file_changed")
    files("PATCH", target, {"edits": [{"find": "nothing", "replace": ""}]}).refused(422, "invalid")
    assert files("POST", target, {"contentBase64": b64(bytes(range(256)))}).expect(200)["bytes"] == 256
    assert files("GET", target).body == bytes(range(256)) and edited["bytes"] == 10
    names = session.agent.get(session.path("/dir"), path=str(folder)).expect(200)["entries"]
    assert [entry["name"] for entry in names] == ["a.txt"]
    assert b"root" in files("GET", "/etc/passwd").body, "what a reading command may show, a read may"
    (folder / "out").symlink_to("/etc")
    for place in (f"{house.home}/outside", f"{folder}/../outside", f"{folder}/out/x"):
        files("POST", place, {"content": "x"}).refused(403, "policy_denied")
    files("DELETE", f"{house.home}/.profile").refused(403, "policy_denied")
    assert files("DELETE", target).expect(200) == {"success": True}
    files("GET", target).refused(404, "no_such_file")
    files("GET", "").refused(400, "missing_path")
    asking = enter("supervised")
    waits = in_background(lambda: asking.agent.request(
        "POST", asking.path("/files") + f"?path={house.home}/asked", {"content": "yes"}))
    question = asking.question()
    assert question["kind"] == "file_write" and question["subject"] == f"{house.home}/asked"
    asking.answer()
    waits().expect(200)
    assert (house.home / "asked").read_text() == "yes"
    markers = [entry["action"] for entry in ada.audit() if entry.get("session") == session.id]
    assert any(action.startswith("file.") for action in markers), markers


def test_secrets_are_not_for_the_agent_and_the_books_are_complete(house, enter, ada):
    session = enter().ready()
    token = "ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
    secret = house.host.password
    for seen in (session.run(f"echo {token}; echo '{secret}'")["stdout"],
                 "\n".join(session.input(f"echo {token}\n", waitFor="redacted").expect(200)["lines"]),
                 json.dumps(session.output()), session.agent.get(session.path("/history")).expect_text(),
                 json.dumps(session.agent.get(session.path("/screen")).expect(200))):
        assert token not in seen and secret not in seen and "redacted" in seen, seen[:400]
    session.close()
    entries = [entry for entry in ada.audit() if entry.get("session") == session.id]
    actions = [entry["action"] for entry in entries]
    for action in ("request.created", "request.approved", "session.start", "command.submitted", "command.finished",
                   "input.sent", "session.end"):
        assert action in actions, action
    submitted = [entry for entry in entries if entry["action"] == "command.submitted"]
    assert all(entry["actor"]["kind"] == "agent" and entry["actor"]["name"] == "claude" for entry in submitted)
    assert len([a for a in actions if a == "command.finished"]) == len(submitted)
    recording = eventually(lambda: next((r for r in ada.recordings() if r["sessionId"] == session.id), None), "recorded")
    markers = ada.get(f"/api/recordings/{recording['id']}").expect(200)["markers"]
    assert any("claude" in marker["label"] for marker in markers)
    assert ada.get("/api/audit/verify").expect(200)["ok"] is True


def test_no_path_by_which_an_agent_reads_shows_a_secret_or_a_part_of_one(house, enter):
    session = enter(files={"read": ["*"], "write": [f"{house.home}/*"]}).ready()
    agent, token, secret = session.agent, "ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6", house.host.password
    bearer = "".join(f"{n:02x}Q" for n in range(70))
    file = house.home / "app.env"
    file.write_text("x" * 90 + f"\nGITHUB={token}\nplain=yes\nPW {secret}\nAuthorization: Bearer {bearer}\nend\n")
    house.account.own(file)
    call = lambda name, **arguments: agent.request("POST", "/mcp", {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}, {
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}).expect_text()
    resource = lambda uri: agent.request("POST", "/mcp", {
        "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}}, {
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}).expect_text()
    plain = lambda text: base64.b64decode(text).decode()
    shown = session.run(f"cat {file}")
    command = shown["commandId"]
    session.input("clear\n", waitForMode="prompt").expect(200)
    session.input(f"cat {file}\n", waitFor="end\\s*$").expect(200)
    length = file.stat().st_size
    parts = lambda read: "".join(read(at) for at in range(0, length, 11))
    paths = {
        "exec": lambda: json.dumps(shown),
        "standard error": lambda: session.run(f"cat {file} >&2")["stderr"],
        "base64": lambda: plain(session.run(f"cat {file}", output={"encoding": "base64"})["stdoutBase64"]),
        "a cut in the middle": lambda: "".join(json.dumps(session.run(f"cat {file}", output={"maxBytes": 256, "head": n, "tail": n}))
                                               for n in (104, 110, 116, 140)),
        "the commands": lambda: json.dumps(agent.get(session.path("/commands")).expect(200)),
        "parts of an output": lambda: parts(lambda at: agent.get(
            f"/api/commands/{command}/output", offset=at, length=11).expect(200)["text"]),
        "the same as base64": lambda: parts(lambda at: plain(agent.get(
            f"/api/commands/{command}/output", offset=at, length=11, encoding="base64").expect(200)["base64"])),
        "the terminal": lambda: json.dumps(session.output()),
        "its bytes": lambda: json.dumps(session.output(clean="false")),
        "its bytes as base64": lambda: plain(session.output(clean="false", encoding="base64")["base64"]),
        "its last lines": lambda: "".join(json.dumps(session.output(limit=n)) for n in range(1, 8)),
        "a search": lambda: json.dumps(session.output(grep="ghp_|Bearer")),
        "several": lambda: json.dumps(agent.get("/api/sessions/outputs", ids=session.id).expect(200)),
        "the history": lambda: agent.get(session.path("/history")).expect_text(),
        "the clean history": lambda: agent.get(session.path("/history"), format="clean").expect_text(),
        "the screen": lambda: json.dumps(agent.get(session.path("/screen")).expect(200)),
        "typing": lambda: json.dumps(session.input(f"cat {file}\n", waitFor="end\\s*$").expect(200)),
        "a file": lambda: session.files(str(file)).expect_text(),
        "parts of a file": lambda: parts(lambda at: session.files(str(file), offset=at, length=11).expect_text()),
        "ssh_exec": lambda: call("ssh_exec", sessionId=session.id, command=f"cat {file}"),
        "ssh_output": lambda: call("ssh_output", sessionId=session.id),
        "ssh_screen": lambda: call("ssh_screen", sessionId=session.id),
        "ssh_read_file": lambda: call("ssh_read_file", sessionId=session.id, path=str(file)),
        "ssh_read_file, a part": lambda: call("ssh_read_file", sessionId=session.id, path=str(file), offset=101, length=20),
        "the screen as a resource": lambda: resource(f"ssh://sessions/{session.id}/screen"),
        "the transcript": lambda: resource(f"ssh://sessions/{session.id}/transcript"),
        "stdout as a resource": lambda: resource(f"ssh://commands/{command}/stdout"),
    }
    pieces = [value[at:at + 9] for value in (token[4:], secret, bearer) for at in range(len(value) - 9)]
    for name, read in paths.items():
        seen = read()
        assert not [piece for piece in pieces if piece in seen], (name, seen[:1500])
        assert "redacted" in seen or name == "a cut in the middle", (name, seen[:1500])
    # Nobody finds out letter by letter.
    assert session.output(grep="ghp_A")["lines"] == []
    assert session.input(f"cat {file}\n", waitFor="ghp_A", timeout=700).expect(200)["timeout"] is True
    # What was read with marks is not written back over the secrets.
    read = session.files(str(file))
    assert int(read.headers["X-Redactions"]) >= 3 and read.headers["ETag"] == f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"'
    place = session.path("/files") + f"?path={file}"
    agent.request("POST", place, {"content": read.body.decode()}).refused(422, "redacted_content")
    agent.request("PATCH", place, {"edits": [{"find": "plain=yes", "replace": "plain=no"}]}).expect(200)
    assert "plain=no" in file.read_text() and token in file.read_text()


def test_names_of_others_show_no_secret_and_are_seen_for_what_they_are(house, enter, ada):
    token = "ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
    secret, bidi = house.host.password, "\u202e"
    folder = house.home / "names"
    folder.mkdir()
    for name in (f"backup-{token}.tgz", f"pw-{secret}", "red\x1b[31m", f"{bidi}gnp.exe", "two\nlines", "plain"):
        (folder / name).write_text("x")
    (folder / "link").symlink_to(f"/nowhere/{token}")
    house.account.own(house.home)
    house.copilot.add_host("web-2", house.host, ("--password-stdin", "--tag", token.lower()[:30], "--tag", token))
    session = enter(files={"read": [f"{folder}/*"], "write": []}).ready()
    agent = session.agent
    session.input(f"printf '\\033]0;%s\\007' '{token}-{secret}-{bidi}'\n", waitForMode="prompt").expect(200)
    session.input(f"read -r -p '{token} {bidi}? ' x\n", waitForMode="prompt").expect(200)
    ada.post(f"/api/agent-sessions/{session.id}/return", {"note": f"the password is {secret}{bidi}"}).expect(200)
    mcp = lambda name, **arguments: json.dumps(agent.request("POST", "/mcp", {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}, {
            "Accept": "application/json", "MCP-Protocol-Version": "2025-11-25"}).json, ensure_ascii=False)
    plain = lambda answer: json.dumps(answer.json, ensure_ascii=False)
    listing = agent.get(session.path("/dir"), path=str(folder)).expect(200)
    paths = {
        "a folder": json.dumps(listing, ensure_ascii=False), "ssh_list_dir": mcp("ssh_list_dir", sessionId=session.id, path=str(folder)),
        "the session": plain(agent.get(session.path())), "ssh_sessions": mcp("ssh_sessions"), "ssh_wait": mcp("ssh_wait", sessionId=session.id),
        "sessions": plain(agent.get("/api/sessions")), "events": plain(agent.get("/api/events")),
        "the screen": plain(agent.get(session.path("/screen"))), "ssh_screen": mcp("ssh_screen", sessionId=session.id),
        "hosts": plain(agent.get("/api/agent/hosts")), "ssh_hosts": mcp("ssh_hosts"),
        "clean lines": json.dumps(session.output(), ensure_ascii=False), "clean history": agent.get(session.path("/history"), format="clean").expect_text(),
        "an error": plain(agent.get(session.path("/files"), path=f"{folder}/none-{token}-{bidi}")),
        "ssh_read_file": mcp("ssh_read_file", sessionId=session.id, path=f"{folder}/none-{token}-{bidi}"),
        "a full terminal": plain(session.exec("true", terminal=True)),
    }
    pieces = [value[at:at + 9] for value in (token[4:], secret) for at in range(len(value) - 9)]
    for name, seen in paths.items():
        assert not [piece for piece in pieces if piece in seen], (name, seen[:1500])
        assert "\x1b" not in seen and "\\u001b" not in seen and bidi not in seen, (name, seen[:1500])
    entries = {entry["name"]: entry for entry in listing["entries"]}
    assert listing["untrusted"] is True and not entries["plain"]["altered"] and entries["plain"]["encoded"].endswith("/plain")
    assert entries["red\\u{1b}[31m"]["altered"] and entries["red\\u{1b}[31m"]["encoded"].endswith("/red%1B%5B31m")
    hidden = [entry for name, entry in entries.items() if "redacted" in name]
    assert len(hidden) == 2 and all(entry["altered"] and "encoded" not in entry for entry in hidden)
    assert "redacted" in entries["link"]["target"] and "redacted" in paths["hosts"] and "redacted" in paths["ssh_hosts"]
