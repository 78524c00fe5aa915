"""The command line and the report that all peers share; README.md beside this folder describes them."""

import argparse
import hashlib
import json
import sys
import traceback

# Output of at most so many bytes is in the report as text.
SHORT = 4096
SFTP_SERVER = "/usr/lib/openssh/sftp-server"


def names(text):
    return text.split(",") if text else None


def parse(arguments=None):
    parser = argparse.ArgumentParser()
    role = parser.add_subparsers(dest="role", required=True)
    role.add_parser("features")
    client = role.add_parser("client")
    server = role.add_parser("server")
    for part in (client, server):
        part.add_argument("--port", type=int, default=0)
        part.add_argument("--kex", type=names)
        part.add_argument("--cipher", type=names)
        part.add_argument("--mac", type=names)
        part.add_argument("--host-key-algorithm", type=names)
        part.add_argument("--compression", type=names)
        part.add_argument("--rekey", type=int)
        part.add_argument("--password")
        part.add_argument("--answers", type=names)
    client.add_argument("--host", default="127.0.0.1")
    client.add_argument("--user", required=True)
    client.add_argument("--trust")
    client.add_argument("--trust-authority")
    client.add_argument("--key")
    client.add_argument("--certificate")
    client.add_argument("--signature")
    client.add_argument("--input")
    client.add_argument("--output")
    client.add_argument("action")
    client.add_argument("arguments", nargs="*")
    server.add_argument("--host-key", action="append", required=True)
    server.add_argument("--host-certificate")
    server.add_argument("--authorized-keys")
    server.add_argument("--authority")
    return parser.parse_args(arguments)


def say(report):
    print(json.dumps(report), flush=True)


def finish(work):
    """Runs the client's work, which returns the report, and ends the program."""
    try:
        report = work()
        report["ok"] = True
    except Exception as error:  # whatever it is, the test reads it
        traceback.print_exc()
        report = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    say(report)
    sys.stdout.flush()
    return 0 if report["ok"] else 1


class Sink:
    """What came back: counted, hashed, kept in a file when one is named; the report has its text when it is short."""

    def __init__(self, path=None):
        self.file = open(path, "wb") if path else None
        self.hash = hashlib.sha256()
        self.count = 0
        self.short = b""

    def add(self, data):
        self.hash.update(data)
        self.count += len(data)
        if self.count <= SHORT:
            self.short += data
        if self.file:
            self.file.write(data)

    def report(self):
        if self.file:
            self.file.close()
        report = {"bytes": self.count, "sha256": self.hash.hexdigest()}
        if self.count <= SHORT:
            report["stdout"] = self.short.decode("utf-8", "replace")
        return report


def public_keys(path):
    """The blobs of a file of public keys, one on each line, as (kind, base64)."""
    with open(path) as lines:
        return [tuple(line.split()[:2]) for line in lines if line.strip() and not line.startswith("#")]
