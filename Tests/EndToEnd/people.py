"""People at one session: colleagues with a seat, and guests who came by a link."""

import re

from copilot import Person


def colleague(copilot, name, role="ml-ops"):
    """Somebody with an account, signed in."""
    return Person(copilot).sign_in(name, copilot.add_user(name, role=role))


def identity(person):
    return person.get("/api/me").expect(200)["user"]["id"]


def invite(owner, session, person, mode):
    return owner.post(f"/api/sessions/{session}/participants", {"userId": identity(person), "mode": mode}).expect(200)


def make_link(owner, session, **wishes):
    """A link as its owner sees it, and its secret."""
    made = owner.post(f"/api/sessions/{session}/links", wishes).expect(201)
    return made["link"], re.search(r"#/join\?token=(\S+)$", made["url"]).group(1)


def guest(copilot, secret, name="Walter"):
    """Somebody without an account who used the link."""
    visitor = Person(copilot)
    visitor.arrival = visitor.post("/auth/join", {"token": secret, "name": name}).expect(200)
    return visitor


