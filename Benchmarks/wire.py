"""`copilot.term.v1` over a plain socket: no library between the clock and the wire.

A client's WebSocket frames are masked with a key of its choice; the key zero leaves the payload as it is.
"""

import base64
import os
import socket

from copilot import unverified
from seat import ACK, ATTACH, IN, OUT, SKIP, SNAP, Reader, text, varint


def frame(payload):
    length = len(payload)
    if length < 126:
        head = bytes([0x82, 0x80 | length])
    elif length < 65536:
        head = bytes([0x82, 0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([0x82, 0x80 | 127]) + length.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


class Wire:
    """One viewer or typist: knows its position in the output and acknowledges as a page would."""

    def __init__(self, person):
        copilot = person.copilot
        raw = socket.create_connection(("127.0.0.1", copilot.port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = unverified().wrap_socket(raw, server_hostname="localhost")
        cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
        self.socket.sendall((
            "GET /api/terminal HTTP/1.1\r\n"
            f"Host: localhost:{copilot.port}\r\nOrigin: https://localhost:{copilot.port}\r\nCookie: {cookie}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: copilot.term.v1\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n").encode())
        self.buffer = bytearray()
        while b"\r\n\r\n" not in self.buffer:
            data = self.socket.recv(4096)
            assert data, "the copilot closed the connection"
            self.buffer += data
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        self.buffer = bytearray(rest)
        self.position = self.acknowledged = self.delivered = self.skipped = self.sent = 0
        self.tail = b""
        self.has_screen = False

    def attach(self, session):
        self.send(ATTACH, text(session), varint(0), varint(80), varint(24), text(os.urandom(8).hex()), text("desktop"))
        return self

    def send(self, kind, *fields):
        self.socket.sendall(frame(bytes([kind]) + varint(1) + b"".join(fields)))

    def type(self, data):
        self.sent += 1
        self.send(IN, varint(self.sent), data)

    def receive(self):
        """Takes what one read brings; returns the output in it."""
        data = self.socket.recv(262144)
        if not data:
            raise EOFError("the copilot closed the connection")
        self.buffer += data
        return self.take()

    def take(self):
        output, at, buffer, end = [], 0, self.buffer, len(self.buffer)
        while end - at >= 2:
            opcode, length, start = buffer[at] & 0x0F, buffer[at + 1] & 0x7F, at + 2
            if length == 126:
                if end - at < 4:
                    break
                length, start = int.from_bytes(buffer[at + 2:at + 4], "big"), at + 4
            elif length == 127:
                if end - at < 10:
                    break
                length, start = int.from_bytes(buffer[at + 2:at + 10], "big"), at + 10
            if end - start < length:
                break
            self._message(opcode, bytes(buffer[start:start + length]), output)
            at = start + length
        del buffer[:at]
        if self.has_screen or self.position - self.acknowledged >= 4096:
            self.has_screen = False
            self.acknowledged = self.position
            self.send(ACK, varint(self.position))
        return b"".join(output)

    def _message(self, opcode, message, output):
        if opcode == 0x9:
            self.socket.sendall(bytes([0x8A, 0x80 | len(message)]) + b"\0\0\0\0" + message)
        if opcode != 0x2 or not message:
            return
        if message[0] == OUT:
            reader = Reader(message)
            reader.at = 1
            reader.varint()
            offset = reader.varint()
            data = reader.rest()
            self.position = offset + len(data)
            self.delivered += len(data)
            output.append(data)
        elif message[0] == SKIP:
            reader = Reader(message)
            reader.at = 1
            reader.varint()
            begin, end = reader.varint(), reader.varint()
            self.skipped += end - begin
        elif message[0] == SNAP:
            reader = Reader(message)
            reader.at = 1
            reader.varint()
            self.position = self.acknowledged = reader.varint()
            self.has_screen = True
            reader.varint(), reader.varint()
            output.append(reader.rest())

    def until(self, wanted):
        """Reads until the output holds these bytes."""
        seen = b""
        while wanted not in seen:
            seen = (seen + self.receive())[-65536:]
        return seen

    def close(self):
        self.socket.close()
