"""A seat at a live session over the WebSocket `copilot.term.v1`: what the page speaks, in Python."""

import asyncio
import json
import secrets

import pyte
import websockets

from copilot import unverified

HELLO, SNAP, OUT, RESIZE, SKIP, STATE, INACK, REFUSED, NOTICE, EXIT, ERROR, PONG, NOTE = range(0x01, 0x0E)
ATTACH, IN, ACK, SIZE, TAKE, GIVE, REQUEST, DETACH, PING, VISIBLE, TELL = range(0x41, 0x4C)
ACKNOWLEDGE_EVERY = 4 * 1024
LARGEST_INPUT = 64 * 1024
UNACKNOWLEDGED_INPUT = 256 * 1024


def varint(value):
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value):
    data = value.encode()
    return varint(len(data)) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def string(self):
        length = self.varint()
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def rest(self):
        return self.data[self.at:]


class Seat:
    """One socket with one channel. Keeps the position in the output stream and holds every OUT to be the next one."""

    def __init__(self, person, session, columns=80, rows=24, client=None, device="desktop", keep=True):
        self.person, self.session = person, session
        self.columns, self.rows = columns, rows
        self.client = client or secrets.token_hex(8)
        self.device = device
        self.keep = keep
        self.position = None          # offset of the next byte of output
        self.acknowledged = 0
        self.output = bytearray()     # everything since the first byte, while `keep`
        self.received = 0
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.state = None
        self.notices, self.refusals, self.skips, self.errors = [], [], [], []
        self.notes = []               # (kind, value) of every NOTE
        self.ending = None
        self.sent = 0                 # inSeq of the last input
        self.accepted = 0
        self.unaccepted = {}
        self.changed = asyncio.Condition()
        self.socket = None
        self.task = None
        self.reads = True

    async def __aenter__(self):
        return await self.attach()

    async def __aexit__(self, *_):
        await self.close()

    async def attach(self, port=None):
        port = port or self.person.port
        cookie = "; ".join(f"{name}={value}" for name, value in self.person.cookies.items())
        self.socket = await websockets.connect(
            f"wss://localhost:{port}/api/terminal", ssl=unverified(), subprotocols=["copilot.term.v1"],
            origin=f"https://localhost:{port}", additional_headers={"Cookie": cookie}, max_size=None,
            compression=None, max_queue=64)
        have = 0 if self.position is None else self.position + 1
        await self.send(ATTACH, text(self.session), varint(have), varint(self.columns), varint(self.rows),
                        text(self.client), text(self.device))
        self.task = asyncio.create_task(self._receive())
        await self.until(lambda: self.state or self.errors, "STATE after ATTACH")
        assert not self.errors, self.errors
        return self

    async def close(self):
        if self.socket is not None:
            await self.socket.close()
        if self.task is not None:
            await asyncio.gather(self.task, return_exceptions=True)

    async def send(self, kind, *fields, channel=1):
        await self.socket.send(bytes([kind]) + varint(channel) + b"".join(fields))

    async def _receive(self):
        try:
            async for message in self.socket:
                self._take(message)
                is_due = self.position is not None and self.position - self.acknowledged >= ACKNOWLEDGE_EVERY
                if self.reads and (is_due or message[0] == SNAP):
                    self.acknowledged = self.position
                    await self.send(ACK, varint(self.position))
                async with self.changed:
                    self.changed.notify_all()
        except websockets.ConnectionClosed:
            pass
        finally:
            async with self.changed:
                self.changed.notify_all()

    def _take(self, message):
        reader = Reader(message)
        kind, _ = reader.byte(), reader.varint()
        if kind == OUT:
            offset, data = reader.varint(), reader.rest()
            if self.position is not None:
                assert offset == self.position, f"OUT at {offset}, expected {self.position}"
            self.position = offset + len(data)
            self.received += len(data)
            if self.keep:
                self.output += data
                self.stream.feed(data)
        elif kind == SNAP:
            offset, columns, rows = reader.varint(), reader.varint(), reader.varint()
            self.position = offset
            self.acknowledged = min(self.acknowledged, offset)
            if self.keep:
                self.screen.reset()
                self.screen.resize(rows, columns)
                self.stream.feed(reader.rest())
        elif kind == RESIZE:
            reader.varint()
            columns, rows = reader.varint(), reader.varint()
            if self.keep:
                self.screen.resize(rows, columns)
        elif kind == SKIP:
            self.skips.append((reader.varint(), reader.varint()))
        elif kind == STATE:
            self.state = json.loads(reader.string())
        elif kind == INACK:
            self.accepted = max(self.accepted, reader.varint())
            self.unaccepted = {seq: size for seq, size in self.unaccepted.items() if seq > self.accepted}
        elif kind == REFUSED:
            seq = reader.varint()
            self.refusals.append((seq, reader.string(), reader.string()))
            self.unaccepted.pop(seq, None)
        elif kind == NOTICE:
            self.notices.append((reader.string(), reader.string(), reader.string()))
        elif kind == NOTE:
            self.notes.append((reader.string(), json.loads(reader.string())))
        elif kind == EXIT:
            self.ending = json.loads(reader.string())
        elif kind == ERROR:
            self.errors.append(json.loads(reader.string()))

    async def until(self, question, what, seconds=20):
        async def wait():
            async with self.changed:
                await self.changed.wait_for(lambda: question() or self.task.done())
        try:
            await asyncio.wait_for(wait(), seconds)
        except TimeoutError:
            pass
        assert question(), f"within {seconds} s this did not come true: {what}\n" + "\n".join(self.lines())

    async def type(self, data):
        data = data.encode() if isinstance(data, str) else data
        for start in range(0, len(data), LARGEST_INPUT):
            part = data[start:start + LARGEST_INPUT]
            await self.until(lambda: sum(self.unaccepted.values()) + len(part) <= UNACKNOWLEDGED_INPUT, "INACK", 60)
            self.sent += 1
            self.unaccepted[self.sent] = len(part)
            await self.send(IN, varint(self.sent), part)
        return self.sent

    async def size(self, columns, rows):
        self.columns, self.rows = columns, rows
        await self.send(SIZE, varint(columns), varint(rows))

    async def take(self):
        await self.send(TAKE)

    async def give(self, seat=""):
        await self.send(GIVE, text(seat))

    async def tell(self, kind, value):
        await self.send(TELL, text(kind), text(json.dumps(value)))

    def noted(self, kind):
        return [value for name, value in self.notes if name == kind]

    async def note(self, kind, seconds=20):
        """The newest note of this kind, once there is one."""
        await self.until(lambda: self.noted(kind), f"a note {kind}", seconds)
        return self.noted(kind)[-1]

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    async def sees(self, what, seconds=20):
        wanted = what.encode()
        await self.until(lambda: wanted in self.output or any(what in line for line in self.lines()), f"sees {what!r}",
                         seconds)
