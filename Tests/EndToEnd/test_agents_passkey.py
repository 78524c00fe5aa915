"""Decisions about agents with a passkey: nothing less decides for whoever has one, and an answer for one thing is none for another."""

import base64
import hashlib
import json
import os
import struct

import pytest
from playwright.sync_api import expect

from agent import Agent, AgentSession
from browser import Tab
from ports import eventually


def text(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture
def house(make_copilot, host):
    made = make_copilot("--http", start=False)
    made.password = made.add_user("ada")
    made.start()
    made.add_host("web-1", host)
    return made


class PasskeyTab(Tab):
    """A page on plain localhost with an authenticator that Chromium plays itself (DevTools protocol, WebAuthn)."""

    def __init__(self, profile, copilot, test):
        super().__init__(profile, copilot, None, test)
        self.base = copilot.address
        # The server's refusal is how the page learns that a passkey is wanted.
        self.expects("status of 403")
        self.tools = self.context.new_cdp_session(self.page)
        self.tools.send("WebAuthn.enable")
        self.authenticator = self.tools.send("WebAuthn.addVirtualAuthenticator", {"options": {
            "protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True}})["authenticatorId"]

    def uses(self):
        found = self.tools.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})["credentials"]
        return [one["signCount"] for one in found]


def test_whoever_has_a_passkey_decides_with_it_alone(house, profile):
    tab = PasskeyTab(profile, house, "passkeys").sign_in("ada", house.password)
    tab.open("/agents")
    tab.press("passkey-add")
    tab.fill("passkey-name", "this laptop")
    tab.screenshot("passkey-dialog")
    tab.press("passkey-make")
    expect(tab.get("passkey")).to_contain_text("this laptop")
    tab.screenshot("passkey")
    agent = Agent.make(house)
    asked = agent.ask()["id"]
    ada = house.person("ada", house.password)
    # A program that has the sign-in decides nothing.
    choice = {"hostId": ada.host("web-1")["id"], "mode": "supervised"}
    needed = ada.post(f"/api/agent-requests/{asked}/approve", choice).refused(403, "passkey_needed")
    assert needed["place"] == "localhost" and len(needed["allow"]) == 1
    digest = base64.urlsafe_b64decode(needed["challenge"] + "==")[16:]
    assert len(digest) == 32
    forged = {"credentialId": needed["allow"][0], "signature": text(os.urandom(70)), "clientDataJSON": text(json.dumps(
        {"type": "webauthn.get", "challenge": needed["challenge"], "origin": house.address}).encode()),
        "authenticatorData": text(hashlib.sha256(b"localhost").digest() + b"\x05" + struct.pack(">I", 99))}
    ada.post(f"/api/agent-requests/{asked}/approve", {**choice, "passkey": forged}).refused(403, "passkey_wrong")
    ada.post(f"/api/agent-requests/{asked}/approve", {**choice, "passkey": {
        **forged, "credentialId": text(b"another")}}).refused(403, "passkey_wrong")
    ada.delete(f"/api/me/passkeys/{needed['allow'][0]}").refused(403, "passkey_needed")
    assert agent.get(f"/api/sessions/{asked}").expect(200)["status"] == "pending"
    # The page asks for the passkey and decides.
    tab.open(f"/agents?request={asked}")
    tab.press("request-approve")
    eventually(lambda: agent.get(f"/api/sessions/{asked}").expect(200)["status"] == "ai_control", "the agent is in")
    session = AgentSession(agent, asked, ada)
    wants = session.exec("mkdir with-passkey-$$", waitMs=0).expect(202)["commandId"]
    question = session.question()["id"]
    ada.post(f"/api/agent-approvals/{question}/approve", {"scope": "once"}).refused(403, "passkey_needed")
    kept = []
    tab.page.on("request", lambda request: kept.append(request.post_data_json) if "agent-approvals" in request.url else None)
    tab.open(f"/s/{asked}?panel=agent")
    tab.press("question-once")
    assert session.command(wants, waitMs=10_000).expect(200)["exitCode"] == 0
    # The very answer of the passkey opens nothing a second time, and nothing else.
    # The browser's driver hears of requests while something is asked of it.
    proof = eventually(lambda: tab.page.evaluate("1") and kept[-1].get("passkey"), "the page's second request")
    session.exec("mkdir second-$$", waitMs=0).expect(202)
    other = session.question()["id"]
    for body in ({"scope": "once"}, {"scope": "edited", "command": "mkdir evil"}):
        ada.post(f"/api/agent-approvals/{other}/approve", {**body, "passkey": proof}).refused(403, "passkey_wrong")
    fresh = ada.post(f"/api/agent-approvals/{other}/approve", {"scope": "once"}).refused(403, "passkey_needed")
    signed = tab.page.evaluate(SIGN, [fresh["challenge"], fresh["allow"][0]])
    for body in ({"scope": "exact", "minutes": 60}, {"scope": "edited", "command": "mkdir evil"}):
        ada.post(f"/api/agent-approvals/{other}/approve", {**body, "passkey": signed}).refused(403, "passkey_wrong")
    assert session.questions(), "it still waits"
    ada.post(f"/api/agent-approvals/{other}/deny", {"reason": "no"}).expect(200)
    approved = [entry for entry in ada.audit() if entry["action"] == "command.approved"]
    assert approved and all(entry["details"]["passkey"] == needed["allow"][0] for entry in approved)
    # Another person's answer, a copied counter, another page's words are refused; a lost passkey is forgotten by the owner of
    # the machine alone.
    assert all(count > 0 for count in tab.uses())
    house.cli("user", "reset-passkeys", "ada")
    third = session.exec("mkdir third-$$", waitMs=0).expect(202)["commandId"]
    session.answer({"scope": "once"})
    assert session.command(third, waitMs=10_000).expect(200)["exitCode"] == 0
    actions = ada.actions()
    assert "passkey.added" in actions and "passkey.removed" in actions
    session.close()
    agent.hang_up()
    tab.context.close()
    assert not tab.complaints, tab.complaints


# The browser's own call, for a challenge that the server gave to somebody else's program.
SIGN = """async ([challenge, id]) => {
    const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
        .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const found = await navigator.credentials.get({publicKey: {challenge: bytes(challenge), rpId: "localhost",
        allowCredentials: [{type: "public-key", id: bytes(id)}]}});
    return {credentialId: text(found.rawId), clientDataJSON: text(found.response.clientDataJSON),
        authenticatorData: text(found.response.authenticatorData), signature: text(found.response.signature)};
}"""
