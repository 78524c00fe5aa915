"""An authenticator app: six digits every half minute (RFC 6238), from a secret in base 32. Written for the tests alone."""

import base64
import hashlib
import hmac
import struct
import time

from ports import eventually

PERIOD = 30


class Authenticator:
    def __init__(self, secret):
        secret = secret.replace(" ", "")
        self.key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        self.used = set()

    def at(self, step):
        digest = hmac.new(self.key, struct.pack(">Q", step), hashlib.sha1).digest()
        start = digest[-1] & 15
        return f"{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"

    def code(self):
        """One that was not used yet: of this half minute or a neighbour, so that nobody waits for the next."""
        now = int(time.time()) // PERIOD
        step = next((step for step in (now - 1, now, now + 1) if step not in self.used and step > max(self.used, default=0)), None)
        if step is None:
            step = eventually(lambda: self._fresh(), "the next half minute", 40)
        self.used.add(step)
        return self.at(step)

    def _fresh(self):
        step = int(time.time()) // PERIOD + 1
        return step if step > max(self.used) else None
