"""AsyncSSH as a peer. See ../README.md."""

import asyncio
import os
import sys

import asyncssh
from asyncssh.compression import get_compression_algs
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_public_key_algs

import contract

BLOCK = 64 * 1024


def features():
    def text(algorithms):
        return [name.decode() for name in algorithms]

    # GSS needs a realm, and PuTTY-era names of X.509 are nobody's else.
    common = {
        "kex": [name for name in text(get_kex_algs()) if not name.startswith("gss-")],
        "ciphers": text(get_encryption_algs()),
        "macs": text(get_mac_algs()),
        "hostKeys": text(get_public_key_algs()),
        "userKeys": text(get_public_key_algs()),
        "compression": text(get_compression_algs()),
    }
    return {
        "client": common | {"actions": ["exec", "forward-local", "forward-remote", "put", "get", "list"]},
        "server": common | {"actions": ["exec", "forward-local", "forward-remote", "sftp", "scp"]},
    }


def algorithms(options):
    chosen = {
        "kex_algs": options.kex,
        "encryption_algs": options.cipher,
        "mac_algs": options.mac,
        "compression_algs": options.compression,
        "rekey_bytes": options.rekey,
    }
    return {name: value for name, value in chosen.items() if value}


def watch_key_exchanges():
    """Lets a connection remember its first method and count, which AsyncSSH forgets when the exchange is over."""
    original = asyncssh.connection.SSHConnection.send_newkeys

    def watched(connection, k, h):
        if not hasattr(connection, "first_method"):
            connection.first_method = connection._kex.algorithm.decode()
            connection.exchanges = 0
        connection.exchanges += 1
        return original(connection, k, h)

    asyncssh.connection.SSHConnection.send_newkeys = watched


def negotiated(connection):
    return {
        "kex": getattr(connection, "first_method", None),
        "cipher": connection.get_extra_info("send_cipher"),
        "mac": connection.get_extra_info("send_mac"),
        "compression": connection.get_extra_info("send_compression"),
        "exchanges": getattr(connection, "exchanges", None),
    }


class Client(asyncssh.SSHClient):
    def __init__(self, answers):
        self.answers = answers

    def kbdint_auth_requested(self):
        return "" if self.answers else None

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        given, self.answers = self.answers[: len(prompts)], self.answers[len(prompts) :]
        return given


async def exchange(reader, writer, options):
    """Sends the input, reads everything."""
    sink = contract.Sink(options.output)

    async def send():
        if options.input:
            with open(options.input, "rb") as source:
                while data := source.read(BLOCK):
                    writer.write(data)
                    await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    while data := await reader.read(BLOCK):
        sink.add(data)
    try:
        await sending
    except (BrokenPipeError, ConnectionError):
        pass  # The command ended without reading all.
    return sink.report()


async def execute(connection, options):
    process = await connection.create_process(options.arguments[0], encoding=None)
    errors = asyncio.create_task(process.stderr.read())
    report = await exchange(process.stdout, process.stdin, options)
    report["stderr"] = (await errors)[:4096].decode("utf-8", "replace")
    await process.wait_closed()
    report["status"] = process.exit_status
    report["signal"] = process.exit_signal[0] if process.exit_signal else None
    return report


async def forward_local(connection, options):
    host, port = options.arguments
    reader, writer = await connection.open_connection(host, int(port), encoding=None)
    report = await exchange(reader, writer, options)
    writer.close()
    return report


async def forward_remote(connection, options):
    done = asyncio.get_running_loop().create_future()

    def accept(host, port):
        async def echo(reader, writer):
            sink = contract.Sink()
            while data := await reader.read(BLOCK):
                sink.add(data)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
            writer.close()
            await writer.wait_closed()
            if not done.done():
                done.set_result(sink.report())

        return echo

    listener = await connection.start_server(accept, "127.0.0.1", int(options.arguments[0]), encoding=None)
    contract.say({"listening": listener.get_port()})
    report = await done
    listener.close()
    await listener.wait_closed()
    return report


async def transfer(connection, options):
    async with connection.start_sftp_client() as sftp:
        match options.action:
            case "put":
                await sftp.put(*options.arguments)
            case "get":
                await sftp.get(*options.arguments)
            case "list":
                return {"names": sorted(n for n in await sftp.listdir(options.arguments[0]) if n not in (".", ".."))}
    return {}


async def client(options):
    given = algorithms(options)
    if options.trust or options.trust_authority:
        keys = [asyncssh.read_public_key(options.trust)] if options.trust else []
        authorities = [asyncssh.read_public_key(options.trust_authority)] if options.trust_authority else []
        given["known_hosts"] = (keys, authorities, [])
    else:
        given["known_hosts"] = None
    if options.host_key_algorithm:
        given["server_host_key_algs"] = options.host_key_algorithm
    if options.signature:
        given["signature_algs"] = [options.signature]
    keys = None
    if options.key:
        keys = [(options.key, options.certificate)] if options.certificate else [options.key]
    connection = await asyncssh.connect(
        options.host,
        options.port,
        username=options.user,
        client_factory=lambda: Client(options.answers or []),
        client_keys=keys,
        password=options.password,
        config=None,
        agent_path=None,
        gss_host=None,
        **given,
    )
    work = {
        "exec": execute,
        "forward-local": forward_local,
        "forward-remote": forward_remote,
        "put": transfer,
        "get": transfer,
        "list": transfer,
    }[options.action]
    async with connection:
        report = await work(connection, options)
        report["negotiated"] = negotiated(connection)
    return report


class Server(asyncssh.SSHServer):
    def __init__(self, options):
        self.options = options
        self.round = 0

    def connection_made(self, connection):
        self.connection = connection

    def auth_completed(self):
        contract.say(
            {"user": self.connection.get_extra_info("username"), "negotiated": negotiated(self.connection)}
        )

    def password_auth_supported(self):
        return self.options.password is not None

    def validate_password(self, username, password):
        return password == self.options.password

    def kbdint_auth_supported(self):
        return self.options.answers is not None

    def get_kbdint_challenge(self, username, lang, submethods):
        return ("Login", "", "", [(f"Question {n + 1}: ", False) for n in range(len(self.options.answers))])

    def validate_kbdint_response(self, username, responses):
        return list(responses) == self.options.answers

    def connection_requested(self, host, port, original_host, original_port):
        return True

    def server_requested(self, host, port):
        return True


async def shell(process):
    command = process.command
    if process.subsystem:
        command = contract.SFTP_SERVER if process.subsystem == "sftp" else "exit 127"
    child = await asyncio.create_subprocess_exec(
        "/bin/sh",
        *(["-c", command] if command else []),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    async def feed():
        try:
            while data := await process.stdin.read(BLOCK):
                child.stdin.write(data)
                await child.stdin.drain()
        except (ConnectionError, asyncssh.Error):
            pass
        child.stdin.close()

    async def copy(source, target):
        while data := await source.read(BLOCK):
            target.write(data)
            await target.drain()

    feeding = asyncio.create_task(feed())
    try:
        await asyncio.gather(copy(child.stdout, process.stdout), copy(child.stderr, process.stderr))
        status = await child.wait()
        if status < 0:
            process.exit_with_signal({-9: "KILL", -15: "TERM", -2: "INT"}.get(status, "TERM"))
        else:
            process.exit(status)
    except (ConnectionError, asyncssh.Error):
        child.kill()
        await child.wait()
    finally:
        feeding.cancel()


async def server(options):
    given = algorithms(options)
    keys = list(options.host_key)
    if options.host_certificate:
        keys[0] = (keys[0], options.host_certificate)
    if options.authorized_keys or options.authority:
        lines = []
        if options.authorized_keys:
            lines.append(open(options.authorized_keys).read())
        if options.authority:
            lines.append("cert-authority " + open(options.authority).read())
        given["authorized_client_keys"] = asyncssh.import_authorized_keys("".join(lines))
    listener = await asyncssh.listen(
        "127.0.0.1",
        options.port,
        server_factory=lambda: Server(options),
        server_host_keys=keys,
        process_factory=shell,
        sftp_factory=True,
        allow_scp=True,
        encoding=None,
        allow_pty=False,
        config=None,
        gss_host=None,
        **given,
    )
    contract.say({"listening": listener.get_port()})
    await asyncio.Event().wait()


def main():
    options = contract.parse()
    watch_key_exchanges()
    if options.role == "features":
        contract.say(features())
        return 0
    if options.role == "server":
        asyncio.run(server(options))
        return 0
    status = contract.finish(lambda: asyncio.run(client(options)))
    # Python's own end takes longer than the whole work.
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
