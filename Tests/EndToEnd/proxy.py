"""A TCP proxy of our own between the browser and the copilot, which cuts, stalls and slows connections on demand."""

import socket
import struct
import threading
import time

from ports import free_port


class Proxy:
    def __init__(self, target_port):
        self.target_port = target_port
        self.port = free_port()
        self.listener = None
        self.pairs = set()
        self.lock = threading.Lock()
        self.flowing = threading.Event()
        self.flowing.set()
        self.accepting = True
        # Seconds that everything takes more, each way.
        self.delay = 0.0
        # Bytes a second towards the client, for connections from then on; None for as many as come.
        self.rate = None

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self):
        listener = self.listener
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if not self.accepting:
                self._reset(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
            except OSError:
                self._reset(client)
                continue
            server.settimeout(None)
            if self.rate:
                # A narrow link has no megabytes of room before it either.
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self.lock:
                self.pairs.add(pair)
            threading.Thread(target=self._pump, args=(client, server, pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, pair, self.rate), daemon=True).start()

    def _pump(self, source, target, pair, rate=None):
        free = time.monotonic()
        try:
            while True:
                data = source.recv(1024 if rate else 65536)
                self.flowing.wait()
                if not data:
                    break
                if self.delay:
                    time.sleep(self.delay)
                if rate:
                    free = max(free, time.monotonic()) + len(data) / rate
                    time.sleep(max(0, free - time.monotonic()))
                target.sendall(data)
        except OSError:
            pass
        with self.lock:
            self.pairs.discard(pair)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def _reset(end):
        try:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        except OSError:
            pass

    def cut(self):
        """Every open connection ends with a reset, in the middle of whatever it carried."""
        with self.lock:
            pairs, self.pairs = self.pairs, set()
        for pair in pairs:
            for end in pair:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                self._reset(end)

    def refuse(self):
        """Cuts, and lets nobody in until ``allow``."""
        self.accepting = False
        self.cut()

    def allow(self):
        self.accepting = True

    def stall(self):
        """Connections stay open and carry nothing, as on a radio link that is gone."""
        self.flowing.clear()

    def flow(self):
        self.flowing.set()

    def stop(self):
        self.flowing.set()
        if self.listener:
            self.listener.close()
        self.cut()
