"""Files of a live session's host: over REST against a real sshd, and in the page."""

import hashlib
import http.client
import io
import json
import os
import urllib.parse
import zipfile

import pytest
from playwright.sync_api import expect

from copilot import unverified
from ports import eventually

BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def home(account):
    """A folder of the test's own in the account's home."""
    path = account.home / f"files-{os.urandom(4).hex()}"
    path.mkdir()
    account.own(path)
    return path


@pytest.fixture
def session(ready, home):
    ada = ready.person("ada", ready.password)
    return Session(ada, ada.start_session("web-1")["id"])


class Session:
    """The files of one session as one person uses them."""

    def __init__(self, person, identifier):
        self.person, self.id = person, identifier
        self.base = f"/api/sessions/{identifier}/files"

    def address(self, path, more="", **query):
        path = os.fsencode(str(path))
        return f"{self.base}{more}?" + urllib.parse.urlencode({"path": path, **query})

    def get(self, path, more="", headers=None, **query):
        return self.person.request("GET", self.address(path, more, **query), headers=headers)

    def put(self, path, content, headers=None, method="PUT", **query):
        return self.person.request(method, self.address(path, **query), content, {**BYTES, **(headers or {})})

    def post(self, path, more, **query):
        return self.person.request("POST", self.address(path, more, **query), {})

    def delete(self, path, more="", **query):
        return self.person.request("DELETE", self.address(path, more, **query))

    def connect(self, method, path, length=None):
        """A connection on which a request has begun; its body, if there is one, is the test's to send."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.person.port, timeout=300, context=unverified())
        connection.putrequest(method, path, skip_host=True)
        cookie = "; ".join(f"{name}={value}" for name, value in self.person.cookies.items())
        headers = {"Host": f"localhost:{self.person.port}", "Origin": self.person.origin, "Cookie": cookie}
        if length is not None:
            headers |= {**BYTES, "Content-Length": str(length)}
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection

    def audited(self, action):
        return eventually(
            lambda: [entry for entry in self.person.audit() if entry["action"] == action], f"{action} is audited")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def last_line(answer):
    return json.loads(answer.body.strip().splitlines()[-1])


def test_the_life_of_a_file(session, home):
    content = os.urandom(700_000)
    written = session.put(home / "a b+c.bin", content).expect(201)
    assert written["sha256"] == sha256(content) and written["entry"]["size"] == len(content)
    assert (home / "a b+c.bin").read_bytes() == content
    listing = session.get(home).expect(200)
    assert [(entry["name"], entry["kind"]) for entry in listing["entries"]] == [("a b+c.bin", "file")]
    assert listing["mayWrite"] and listing["path"] == str(home)

    whole = session.get(home / "a b+c.bin")
    assert whole.status == 200 and whole.body == content
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Disposition"].startswith('attachment; filename="a b_c.bin"')
    part = session.get(home / "a b+c.bin", headers={"Range": "bytes=100-199"})
    assert part.status == 206 and part.body == content[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    session.get(home / "a b+c.bin", headers={"Range": "bytes=9999999-"}).refused(416, "range_not_satisfiable")
    head = session.person.request("HEAD", session.address(home / "a b+c.bin"))
    assert head.status == 200 and head.headers["ETag"] == whole.headers["ETag"]

    assert last_line(session.get(home / "a b+c.bin", "/hash"))["sha256"] == sha256(content)
    session.post(home / "sub", "/folder").expect(201)
    session.post(home / "sub", "/folder").refused(409, "file_exists")
    session.post(home / "a b+c.bin", "/rename", to=str(home / "sub/x")).expect(200)
    assert session.post(home / "sub/x", "/mode", mode="0600").expect(200)["entry"]["mode"] == "0600"
    assert (home / "sub/x").stat().st_mode & 0o7777 == 0o600
    session.delete(home / "sub").refused(409, "folder_not_empty")
    assert last_line(session.delete(home / "sub", recursive="true")) == {"done": True, "removed": 2}
    assert not (home / "sub").exists()

    upload = session.audited("file.upload")[0]
    assert upload["details"]["sha256"] == sha256(content) and upload["details"]["size"] == str(len(content))
    assert upload["session"] == session.id and upload["details"]["path"] == str(home / "a b+c.bin")
    session.person.end_session(session.id)
    recording = eventually(
        lambda: next((one for one in session.person.recordings() if one["state"] == "complete"), None), "it is closed")
    markers = session.person.get(f"/api/recordings/{recording['id']}").expect(200)["markers"]
    assert any(marker["kind"] == "file" and "a b+c.bin" in marker["label"] for marker in markers), markers


def test_an_upload_is_resumed_where_it_broke_off(session, home):
    content = os.urandom(3_000_000)
    target = home / "large"
    query = {"size": len(content), "upload": "test-upload-1"}
    connection = session.connect("PUT", session.address(target, **query), len(content))
    connection.send(content[:2_000_000])
    partial = home / ".copilot-test-upload-1.part"
    eventually(lambda: partial.exists() and partial.stat().st_size >= 1_500_000, "most of it is at the host")
    connection.close()
    assert not target.exists()
    stood = session.get(target, "/upload", upload=query["upload"]).expect(200)["offset"]
    assert 1_500_000 <= stood <= 2_000_000
    answer = session.put(target, content[stood:], offset=stood, **query)
    done = answer.expect(201)
    assert done["complete"] and done["sha256"] == sha256(content)
    assert target.read_bytes() == content and not partial.exists()

    session.put(target, b"x", offset=99, size=100, upload="never-begun").refused(409, "upload_offset")
    session.put(home / "cut", b"half", size=8, upload="dropped-one").expect(202)
    assert session.delete(home / "cut", "/upload", upload="dropped-one").status == 204
    assert list(home.iterdir()) == [target]


def test_a_text_is_saved_over_the_version_that_was_read_and_no_other(session, home, account):
    path = home / "notes.conf"
    path.write_bytes("name = värde\r\n".encode())
    path.chmod(0o640)
    account.own(home)
    read = session.get(path, "/text").expect(200)
    assert read["text"] == "name = värde\r\n" and read["mayWrite"]
    match = {"If-Match": f'"{read["version"]}"'}
    path.write_text("somebody else\n")
    refused = session.put(path, b"mine\n", match).refused(412, "file_changed")
    assert refused["size"] == len("somebody else\n")
    again = session.get(path, "/text").expect(200)
    session.put(path, b"mine\n", {"If-Match": f'"{again["version"]}"'}).expect(201)
    assert path.read_bytes() == b"mine\n"
    assert path.stat().st_mode & 0o777 == 0o640
    session.put(path, b"x", {"If-None-Match": "*"}).refused(409, "file_exists")
    (home / "link.conf").symlink_to("notes.conf")
    session.put(home / "link.conf", b"through the link\n").expect(201)
    assert (home / "link.conf").is_symlink() and path.read_bytes() == b"through the link\n"
    (home / "binary").write_bytes(b"\x00\xff")
    assert session.get(home / "binary", "/text").expect(200)["text"] is None
    assert session.get("/proc/version", "/text").expect(200)["text"].startswith("Linux")


def test_a_folder_comes_as_a_zip_that_stays_where_it_is_unpacked(session, home, account):
    tree = home / "tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "deep/er/text").write_text("hello\n" * 5000)
    (tree / "..\\..\\evil").write_text("climber")
    (tree / "loop").symlink_to(tree)
    (tree / "out").symlink_to("/etc/passwd")
    account.own(home)
    (tree / "secret").write_text("root's")
    (tree / "secret").chmod(0o600)
    answer = session.get(tree, "/archive")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    assert archive.testzip() is None
    names = archive.namelist()
    assert "tree/deep/er/text" in names and "tree/.._.._evil" in names
    assert all(not name.startswith("/") and ".." not in name.split("/") and "\\" not in name for name in names)
    left = archive.read("LEFT-OUT.txt").decode()
    assert all(word in left for word in ["loop", "out", "secret"]) and len(left.splitlines()) == 3
    assert session.audited("file.archive")[0]["details"]["sha256"] == sha256(answer.body)


STRANGE = [
    b"<img src=x onerror=alert(1)>", b"a\r\nSet-Cookie: x=1", b'"; rm -rf ~;"', b"\xff\xfe\x80", "ümläut 漢字".encode(),
    b"-rf", b"100%.txt", b"a\x1b[31mred", b"con:aux",
]


def test_names_of_any_bytes_are_inert(session, home):
    for name in STRANGE:
        path = (os.fsencode(home) + b"/" + name).decode(errors="surrogateescape")
        session.put(path, b"content").expect(201)
        assert os.listdir(os.fsencode(home)) == [name]
        entry = session.get(home).expect(200)["entries"][0]
        answer = session.person.request("GET", f"{session.base}?path={entry['encoded']}")
        assert answer.status == 200 and answer.body == b"content"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Set-Cookie"] is None
        disposition = answer.headers["Content-Disposition"]
        assert all(0x20 <= ord(letter) < 0x7F for letter in disposition)
        plain = disposition.split('filename="')[1].split('"')[0]
        assert not set(plain) & set('/\\:<>|*?"\r\n')
        assert session.delete(path).status == 204


def test_paths_that_trick_get_nowhere(session, home):
    session.put(home / "keep", b"x").expect(201)
    session.delete(f"{home}/..", recursive="true")
    session.delete("/", recursive="true")
    session.delete(f"{home}/.", recursive="true")
    assert (home / "keep").exists()
    for path in ["x\0y", "a" * 5000]:
        session.get(path).refused(422, "invalid")
    session.put(f"{home}/..", b"x").refused(422, "invalid")
    session.get("/root/.bashrc").refused(403, "host_permission_denied")
    session.get(home / "nothing").refused(404, "no_such_file")
    session.get("/dev/zero").refused(409, "not_a_file")
    (home / "a").symlink_to("b")
    (home / "b").symlink_to("a")
    listing = session.get(home).expect(200)["entries"]
    assert {entry["name"]: entry["targetKind"] for entry in listing} == {"a": None, "b": None, "keep": None}
    # A form of another page sends no bytes of this kind, and a stream without a length is nobody's file.
    session.put(home / "form", b"x", {"Content-Type": "text/plain"}).refused(415, "unsupported_media_type")
    session.put(home / "form", b"x", {"Origin": "https://evil.example"}).refused(403, "foreign_origin")
    assert not (home / "form").exists()


def test_who_may_do_what(ready, session, home, account):
    (home / "read-me").write_text("for you")
    watcher, guest = ready.add_user("mallory", "ml-ops"), ready.add_user("gus", "guest")
    users = {user["username"]: user["id"] for user in session.person.get("/api/users").expect(200)["users"]}
    mallory = Session(ready.person("mallory", watcher), session.id)
    calls = [
        ("GET", ""), ("HEAD", ""), ("DELETE", ""), ("GET", "/entry"), ("GET", "/text"), ("GET", "/hash"),
        ("GET", "/archive"), ("POST", "/folder"), ("POST", "/rename"), ("POST", "/mode"), ("GET", "/upload"), ("DELETE", "/upload"),
    ]
    for method, more in calls:
        address = mallory.address(home / "read-me", more, mode="0777", to="/tmp/x")
        status = mallory.person.request(method, address).status
        assert status == 404, f"{method} {more}: {status}"
    for method in ("PUT", "POST"):
        mallory.put(home / "read-me", b"mine", method=method).refused(404, "not_found")

    def invite(name, mode):
        body = {"userId": users[name], "mode": mode}
        session.person.post(f"/api/sessions/{session.id}/participants", body).expect(200)

    invite("mallory", "view")
    assert mallory.get(home / "read-me").body == b"for you"
    assert not mallory.get(home).expect(200)["mayWrite"]
    mallory.put(home / "x", b"x").refused(403, "view_only")
    mallory.delete(home / "read-me").refused(403, "view_only")
    invite("mallory", "control")
    mallory.put(home / "x", b"x").expect(201)
    invite("gus", "view")
    gus = Session(ready.person("gus", guest), session.id)
    assert gus.get(home / "read-me").body == b"for you"
    gus.put(home / "y", b"y").refused(403, "not_permitted")
    # A right that is taken back ends every call, and a transfer that is under way.
    with (home / "endless").open("wb") as file:
        file.truncate(8 << 30)
    account.own(home)
    connection = mallory.connect("GET", mallory.address(home / "endless"))
    response = connection.getresponse()
    assert len(response.read(1 << 20)) == 1 << 20
    session.person.delete(f"/api/sessions/{session.id}/participants/{users['mallory']}").expect(200)
    count = 0
    try:
        while piece := response.read(1 << 20):
            count += len(piece)
    except (http.client.IncompleteRead, OSError):
        pass
    assert count < 4 << 30
    mallory.get(home).refused(404, "not_found")
    failed = next(entry for entry in session.audited("file.download") if entry["outcome"] == "failed")
    assert failed["details"]["code"] == "not_invited" and int(failed["details"]["size"]) < 8 << 30
    # A session that somebody must watch gives no files while nobody does.
    session.person.patch(f"/api/sessions/{session.id}", {"watched": True}).expect(200)
    session.get(home).refused(409, "unwatched")
    session.person.end_session(session.id)
    session.get(home).refused(409, "session_ended")


@pytest.mark.long
def test_gigabytes_stream_both_ways_and_memory_stays_flat(ready, session, home, account):
    """Three gigabytes down (sparse) and one up; the copilot grows by less than a tenth of a gigabyte."""
    with (home / "sparse").open("wb") as file:
        file.truncate(3 << 30)
    account.own(home)

    def resident():
        status = open(f"/proc/{ready.process.pid}/status").read()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    session.get(home).expect(200)
    before, most = resident(), 0
    response = session.connect("GET", session.address(home / "sparse")).getresponse()
    count = 0
    while piece := response.read(1 << 20):
        count += len(piece)
        if count % (64 << 20) == 0:
            most = max(most, resident())
    assert count == 3 << 30
    connection = session.connect("PUT", session.address(home / "up"), 1 << 30)
    block = bytes(1 << 20)
    for number in range(1 << 10):
        connection.send(block)
        if number % 64 == 0:
            most = max(most, resident())
    assert connection.getresponse().status == 201
    assert (home / "up").stat().st_size == 1 << 30
    assert most - before < 100 << 20, f"{(most - before) >> 20} MiB more"


# --- the page


@pytest.fixture
def tab(ready, home, open_tab):
    tab = open_tab(ready).sign_in("ada", ready.password)
    tab.connect("web-1")
    return tab


def open_files(tab, home):
    """Opens the panel at the test's own folder."""
    tab.page.evaluate("location.hash = location.hash.split('?')[0] + '?panel=files'")
    tab.sees("files-table")
    name = row(tab, home.name).locator("b")
    tab.press_on(name) if tab.profile.is_phone else name.dblclick()
    expect(tab.get("files-path")).to_have_attribute("data-path", str(home))


def row(tab, name):
    return tab.page.locator("[data-testid=file-row]").filter(has=tab.page.get_by_text(name, exact=True))


def act(tab, name, action):
    tab.press_on(row(tab, name).get_by_test_id("file-act"))
    tab.press(f"file-{action}")


def drop(tab, files, folder=None):
    """Drops files as a browser does; with a folder, as the entries of a dropped folder."""
    tab.page.evaluate("""([files, folder]) => {
        const data = new DataTransfer();
        for (const [name, text] of files) data.items.add(new File([text], name, {lastModified: 1700000000000}));
        const target = document.querySelector("[data-testid=files]");
        if (folder) {
            const entry = (name, text) => ({isFile: true, isDirectory: false, name,
                file: (done) => done(new File([text], name, {lastModified: 1700000000000}))});
            let given = false;
            const directory = {isFile: false, isDirectory: true, name: folder, createReader: () => ({
                readEntries: (done) => { done(given ? [] : files.map(([n, t]) => entry(n, t))); given = true; }})};
            DataTransferItem.prototype.webkitGetAsEntry = function () { return this.kind === "file" ? directory : null; };
            while (data.items.length > 1) data.items.remove(1);
        }
        for (const kind of ["dragenter", "dragover", "drop"])
            target.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));
    }""", [files, folder])


def test_the_panel(tab, home, account):
    (home / "old.txt").write_text("first\n")
    (home / "<b>bold<b>\n").write_text("inert")
    (home / ".hidden").write_text("x")
    (home / "logs").mkdir()
    account.own(home)
    open_files(tab, home)
    expect(tab.page.locator("[data-testid=file-row]")).to_have_count(3)
    assert row(tab, "<b>bold<b>·").count() == 1 and tab.page.locator("[data-testid=files] b b").count() == 0
    tab.screenshot("panel")
    tab.press("files-menu")
    tab.press("files-hidden")
    expect(tab.page.locator("[data-testid=file-row]")).to_have_count(4)

    # By drop, with a name that is taken.
    drop(tab, [["new.txt", "hello"], ["old.txt", "second\n"]])
    expect(tab.page.locator("[data-testid=transfer][data-name='new.txt']")).to_have_attribute("data-phase", "done")
    taken = tab.page.locator("[data-testid=transfer][data-name='old.txt']")
    expect(taken).to_have_attribute("data-phase", "exists")
    tab.screenshot("exists")
    tab.press_on(taken.get_by_test_id("transfer-replace"))
    eventually(lambda: (home / "old.txt").read_text() == "second\n", "the file was replaced")
    assert (home / "new.txt").stat().st_mtime == 1700000000
    drop(tab, [["one", "1"], ["two", "2"]], folder="dropped")
    eventually(lambda: (home / "dropped/two").exists() and (home / "dropped/one").read_text() == "1", "the folder came")

    # Download, of a file and of a folder.
    with tab.page.expect_download() as download:
        act(tab, "old.txt", "get")
    assert open(download.value.path()).read() == "second\n" and download.value.suggested_filename == "old.txt"
    with tab.page.expect_download() as download:
        act(tab, "dropped", "zip")
    assert "dropped/one" in zipfile.ZipFile(download.value.path()).namelist()

    # Rename, permissions, deletion.
    act(tab, "new.txt", "rename")
    tab.fill("rename-name", "newer.txt")
    tab.press("rename-submit")
    expect(row(tab, "newer.txt")).to_be_visible()
    act(tab, "newer.txt", "mode")
    tab.press("mode-others-read")
    tab.press("mode-submit")
    expect(tab.get("mode")).to_have_count(0)
    eventually(lambda: (home / "newer.txt").stat().st_mode & 0o777 == 0o640, "the mode was set")
    act(tab, "dropped", "delete")
    expect(tab.get("delete-submit")).to_be_disabled()
    tab.fill("delete-name", "dropped")
    tab.screenshot("delete")
    tab.press("delete-submit")
    eventually(lambda: not (home / "dropped").exists(), "the folder is gone")


def test_editing_with_somebody_else(tab, home, account):
    path = home / "motd"
    path.write_text("before\n")
    account.own(home)
    tab.expects("status of 412")
    open_files(tab, home)
    act(tab, "motd", "view")
    expect(tab.get("text-area")).to_have_value("before\n")
    tab.fill("text-area", "mine\n")
    path.write_text("theirs\n")
    tab.press("text-save")
    expect(tab.get("text-theirs")).to_have_text("theirs\n")
    tab.screenshot("conflict")
    tab.press("text-overwrite")
    expect(tab.get("text-dialog")).to_have_count(0)
    assert path.read_text() == "mine\n"


def test_an_upload_is_paused_and_resumed(tab, home, profile):
    open_files(tab, home)
    content = os.urandom(6 << 20)
    # The way out is narrow, so that there is time to press.
    client = tab.context.new_cdp_session(tab.page)
    client.send("Network.enable")
    client.send("Network.emulateNetworkConditions",
                {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 3 << 19})
    tab.get("files-input").set_input_files({"name": "big", "mimeType": "text/plain", "buffer": content})
    transfer = tab.page.locator("[data-testid=transfer]")
    expect(transfer).to_have_attribute("data-phase", "running")
    eventually(lambda: any(file.stat().st_size > 1 << 19 for file in home.glob(".copilot-*")), "some has arrived")
    tab.press("transfer-pause")
    expect(transfer).to_have_attribute("data-phase", "paused")
    tab.screenshot("paused")
    client.send("Network.emulateNetworkConditions",
                {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    tab.press("transfer-resume")
    expect(transfer).to_have_attribute("data-phase", "done", timeout=30_000)
    expect(tab.get("transfer-sha256")).to_have_text(sha256(content))
    assert (home / "big").read_bytes() == content


def test_the_panel_by_keyboard_alone(tab, home, account, profile):
    if profile.is_phone:
        pytest.skip("a phone's profile has no keyboard")
    for name in ["alpha", "beta", "gamma"]:
        (home / name).write_text(name)
    account.own(home)
    open_files(tab, home)
    keys = tab.page.keyboard
    row(tab, "alpha").focus()
    keys.press("ArrowDown")
    expect(row(tab, "beta")).to_be_focused()
    keys.press("g")
    expect(row(tab, "gamma")).to_be_focused()
    keys.press("Space")
    expect(row(tab, "gamma")).to_have_attribute("aria-selected", "true")
    keys.press("F2")
    expect(tab.get("rename-name")).to_be_focused()
    keys.type("delta")
    keys.press("Enter")
    expect(row(tab, "delta")).to_be_visible()
    row(tab, "delta").focus()
    keys.press("Delete")
    expect(tab.get("delete")).to_be_visible()
    tab.get("delete-submit").focus()
    keys.press("Enter")
    eventually(lambda: not (home / "delta").exists(), "it is gone")
    row(tab, "alpha").focus()
    keys.press("Backspace")
    expect(tab.get("files-path")).to_have_attribute("data-path", str(home.parent))
