"""Hosts that mean harm: what they send ends their own connection and nothing else."""

import concurrent.futures
import os
import socket
import struct
import threading
import time

import pytest

from test_attacks import resident

IDENTIFICATION = b"SSH-2.0-evil\r\n"


def packet(payload, length=None):
    padding = 8 - (5 + len(payload)) % 8 + 8
    body = bytes([padding]) + payload + bytes(padding)
    return struct.pack(">I", len(body) if length is None else length) + body


def flood(peer, data, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        peer.sendall(data)


KEXINIT = b"\x14" + bytes(16)
HOSTILE = {
    "endless banner": lambda peer: flood(peer, b"welcome\r\n" * 5000),
    "endless line": lambda peer: flood(peer, b"A" * 60_000),
    "silence": lambda peer: time.sleep(12),
    "identification and silence": lambda peer: (peer.sendall(IDENTIFICATION), time.sleep(12)),
    "huge packet": lambda peer: (peer.sendall(IDENTIFICATION + packet(KEXINIT, 0x7FFFFFFF)), flood(peer, bytes(60_000))),
    "length 0": lambda peer: peer.sendall(IDENTIFICATION + bytes(64)),
    "length 4294967295": lambda peer: peer.sendall(IDENTIFICATION + b"\xff" * 64),
    "huge list": lambda peer: peer.sendall(IDENTIFICATION + packet(KEXINIT + struct.pack(">I", 0xFFFFFFF0) + b"x" * 100)),
    "large list": lambda peer: peer.sendall(
        IDENTIFICATION + packet(KEXINIT + b"".join(struct.pack(">I", 3000) + b"a," * 1500 for _ in range(10)) + bytes(5))),
    "endless ignore": lambda peer: (peer.sendall(IDENTIFICATION), flood(peer, packet(b"\x02" + struct.pack(">I", 30_000) + bytes(30_000)))),
    "endless debug": lambda peer: (peer.sendall(IDENTIFICATION), flood(peer, packet(b"\x04\x01" + struct.pack(">I", 4) + b"\x1b[2J" + bytes(4)) * 500)),
    "success at once": lambda peer: peer.sendall(IDENTIFICATION + packet(b"\x34") * 3),
    "old version": lambda peer: peer.sendall(b"SSH-1.5-old\r\n"),
    "controls": lambda peer: peer.sendall(b"SSH-2.0-\x1b]0;owned\x07<script>\x00\r\n"),
    "noise": lambda peer: flood(peer, os.urandom(60_000)),
}


class Hostile:
    def __init__(self, behave):
        self.behave = behave
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.server.accept()
                threading.Thread(target=self.talk, args=(peer,), daemon=True).start()
            except OSError:
                return

    def talk(self, peer):
        try:
            self.behave(peer)
        except OSError:
            pass
        finally:
            peer.close()


SILENT = [name for name in HOSTILE if "silence" in name]


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in SILENT])
def test_a_hostile_host_fails_alone(copilot, ada, name):
    before = resident(copilot)
    probe(copilot, ada, name, before)


def test_hosts_that_say_nothing_fail_at_the_deadline(copilot, ada):
    before = resident(copilot)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: probe(copilot, ada, name, before), SILENT))


def probe(copilot, ada, name, before):
    host = Hostile(HOSTILE[name])
    begin = time.monotonic()
    answer = ada.post("/api/hosts/probe", {"address": "127.0.0.1", "port": host.port})
    took = time.monotonic() - begin
    host.server.close()
    print(name, answer.status, round(took, 1), resident(copilot) - before, answer.body[:200])
    assert answer.status == 502 and took < 13
    assert resident(copilot) - before < 60
    for inert in (b"\\u001b", b"<script>", b"\x1b"):
        assert inert not in answer.body
    ada.get("/api/health").expect(200)
