"""paramiko as a peer. See ../README.md."""

import os
import signal
import socket
import subprocess
import sys
import threading

import paramiko
from paramiko.transport import Transport

import contract

BLOCK = 64 * 1024
CHANNELS_END = 60


def features():
    keys = [name for name in Transport._preferred_keys]
    common = {
        "kex": list(Transport._kex_info),
        "ciphers": list(Transport._cipher_info),
        "macs": list(Transport._mac_info),
        "hostKeys": keys,
        "userKeys": list(Transport._preferred_pubkeys),
        "compression": list(Transport._compression_info),
    }
    # Its server has the methods of the client but the group exchange, for which it wants a file of primes.
    server = common | {"kex": [name for name in common["kex"] if "group-exchange" not in name]}
    return {
        "client": common | {"actions": ["exec", "forward-local", "forward-remote", "put", "get", "list"]},
        "server": server | {"actions": ["exec", "forward-local", "forward-remote", "sftp"]},
    }


def prepare(transport, options):
    security = transport.get_security_options()
    if options.kex:
        security.kex = options.kex
    if options.cipher:
        security.ciphers = options.cipher
    if options.mac:
        security.digests = options.mac
    if options.host_key_algorithm:
        security.key_types = options.host_key_algorithm
    if options.compression:
        security.compression = options.compression
    if options.rekey:
        transport.packetizer.REKEY_BYTES = options.rekey


class Watched(Transport):
    """Remembers the first method and counts the exchanges."""

    first_method = None
    exchanges = 0

    def _activate_outbound(self):
        if self.first_method is None:
            kind = type(self.kex_engine)
            self.first_method = next(name for name, known in self._kex_info.items() if known is kind)
            self.first_host_key = self.host_key_type
        self.exchanges += 1
        return super()._activate_outbound()

    def negotiated(self):
        return {
            "kex": self.first_method,
            "cipher": self.local_cipher,
            "mac": self.local_mac,
            "compression": self.local_compression,
            "hostKey": getattr(self, "first_host_key", None),
            "exchanges": self.exchanges,
        }


def load_key(path, certificate=None):
    key = paramiko.PKey.from_path(path)
    # A certificate that lies beside the key is not asked for.
    key.public_blob = None
    if certificate:
        key.load_certificate(certificate)
    return key


def exchange(channel, options):
    sink = contract.Sink(options.output)

    def send():
        try:
            if options.input:
                with open(options.input, "rb") as source:
                    while data := source.read(BLOCK):
                        channel.sendall(data)
            channel.shutdown_write()
        except OSError:
            pass  # The command ended without reading all.

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    while data := channel.recv(BLOCK):
        sink.add(data)
    return sink.report()


def execute(transport, options):
    channel = transport.open_session()
    errors = []

    def gather():
        while data := channel.recv_stderr(BLOCK):
            errors.append(data)

    channel.exec_command(options.arguments[0])
    gathering = threading.Thread(target=gather, daemon=True)
    gathering.start()
    report = exchange(channel, options)
    gathering.join(CHANNELS_END)
    report["stderr"] = b"".join(errors)[:4096].decode("utf-8", "replace")
    # -1 is what a command has that ended by a signal, or a host that says nothing.
    report["status"] = channel.recv_exit_status()
    return report


def forward_local(transport, options):
    host, port = options.arguments
    channel = transport.open_channel("direct-tcpip", (host, int(port)), ("127.0.0.1", 1))
    return exchange(channel, options)


def forward_remote(transport, options):
    port = transport.request_port_forward("127.0.0.1", int(options.arguments[0]))
    contract.say({"listening": port})
    channel = transport.accept(CHANNELS_END)
    if channel is None:
        raise TimeoutError("nobody came to the forwarded port")
    sink = contract.Sink()
    while data := channel.recv(BLOCK):
        sink.add(data)
        channel.sendall(data)
    channel.shutdown_write()
    channel.close()
    transport.cancel_port_forward("127.0.0.1", port)
    return sink.report()


def transfer(transport, options):
    sftp = paramiko.SFTPClient.from_transport(transport)
    match options.action:
        case "put":
            sftp.put(*options.arguments)
        case "get":
            sftp.get(*options.arguments)
        case "list":
            return {"names": sorted(sftp.listdir(options.arguments[0]))}
    sftp.close()
    return {}


def client(options):
    disabled = {}
    if options.signature:
        others = {"rsa-sha2-256", "rsa-sha2-512"} - {options.signature}
        disabled["pubkeys"] = list(others)
    transport = Watched(
        socket.create_connection((options.host, options.port)), disabled_algorithms=disabled
    )
    prepare(transport, options)
    transport.start_client(timeout=30)
    if options.trust:
        kind, text = contract.public_keys(options.trust)[0]
        shown = transport.get_remote_server_key()
        if (shown.get_name(), shown.get_base64()) != (kind, text):
            raise paramiko.SSHException(f"the host shows another key: {shown.get_name()} {shown.get_base64()}")
    if options.key:
        transport.auth_publickey(options.user, load_key(options.key, options.certificate))
    elif options.password is not None:
        transport.auth_password(options.user, options.password, fallback=False)
    elif options.answers:
        answers = list(options.answers)
        transport.auth_interactive(
            options.user, lambda title, text, prompts: [answers.pop(0) for _ in prompts]
        )
    else:
        transport.auth_none(options.user)
    work = {
        "exec": execute,
        "forward-local": forward_local,
        "forward-remote": forward_remote,
        "put": transfer,
        "get": transfer,
        "list": transfer,
    }[options.action]
    report = work(transport, options)
    report["negotiated"] = transport.negotiated()
    transport.close()
    return report


class Files(paramiko.SFTPServerInterface):
    """The machine's files, so far as the tests use them."""

    @staticmethod
    def guarded(work):
        try:
            result = work()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK if result is None else result

    def list_folder(self, path):
        def work():
            return [
                paramiko.SFTPAttributes.from_stat(os.lstat(os.path.join(path, name)), name)
                for name in os.listdir(path)
            ]

        return self.guarded(work)

    def stat(self, path):
        return self.guarded(lambda: paramiko.SFTPAttributes.from_stat(os.stat(path)))

    def lstat(self, path):
        return self.guarded(lambda: paramiko.SFTPAttributes.from_stat(os.lstat(path)))

    def open(self, path, flags, attributes):
        def work():
            mode = getattr(attributes, "st_mode", None)
            file = os.fdopen(
                os.open(path, flags | os.O_CLOEXEC, 0o666 if mode is None else mode & 0o777),
                {os.O_RDONLY: "rb", os.O_WRONLY: "wb", os.O_RDWR: "r+b"}[flags & os.O_ACCMODE],
            )
            handle = paramiko.SFTPHandle(flags & ~os.O_APPEND)
            handle.readfile = handle.writefile = file
            handle.stat = lambda: paramiko.SFTPAttributes.from_stat(os.fstat(file.fileno()))
            handle.chattr = lambda changes: self.guarded(
                lambda: paramiko.SFTPServer.set_file_attr(path, changes)
            )
            return handle

        return self.guarded(work)

    def remove(self, path):
        return self.guarded(lambda: os.remove(path))

    def rename(self, old, new):
        if os.path.lexists(new):
            return paramiko.SFTP_FAILURE
        return self.guarded(lambda: os.rename(old, new))

    def posix_rename(self, old, new):
        return self.guarded(lambda: os.replace(old, new))

    def mkdir(self, path, attributes):
        return self.guarded(lambda: os.mkdir(path))

    def rmdir(self, path):
        return self.guarded(lambda: os.rmdir(path))

    def chattr(self, path, attributes):
        return self.guarded(lambda: paramiko.SFTPServer.set_file_attr(path, attributes))

    def symlink(self, target, path):
        return self.guarded(lambda: os.symlink(target, path))

    def readlink(self, path):
        return self.guarded(lambda: os.readlink(path))


class Server(paramiko.ServerInterface):
    def __init__(self, options, transport):
        self.options = options
        self.transport = transport
        self.listeners = {}
        self.user_keys = set(contract.public_keys(options.authorized_keys)) if options.authorized_keys else set()

    def get_allowed_auths(self, username):
        methods = []
        if self.user_keys:
            methods.append("publickey")
        if self.options.password is not None:
            methods.append("password")
        if self.options.answers:
            methods.append("keyboard-interactive")
        return ",".join(methods)

    def check_auth_publickey(self, username, key):
        known = (key.get_name(), key.get_base64()) in self.user_keys
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def check_auth_password(self, username, password):
        good = self.options.password is not None and password == self.options.password
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        if not self.options.answers:
            return paramiko.AUTH_FAILED
        questions = [(f"Question {n + 1}: ", False) for n in range(len(self.options.answers))]
        return paramiko.InteractiveQuery("Login", "", *questions)

    def check_auth_interactive_response(self, responses):
        good = list(responses) == self.options.answers
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, identifier):
        if kind == "session":
            return paramiko.OPEN_SUCCEEDED
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel, name, value):
        return True

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=run_command, args=(channel, command), daemon=True).start()
        return True

    def check_channel_shell_request(self, channel):
        threading.Thread(target=run_command, args=(channel, b"exec /bin/sh"), daemon=True).start()
        return True

    def check_channel_direct_tcpip_request(self, identifier, origin, destination):
        try:
            target = socket.create_connection(destination, timeout=10)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        target.settimeout(None)

        def relay_when_open():
            while (channel := self.transport.accept(CHANNELS_END)) is not None:
                if channel.get_id() == identifier:
                    relay(channel, target)
                    return

        threading.Thread(target=relay_when_open, daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def check_port_forward_request(self, address, port):
        listener = socket.create_server((address or "127.0.0.1", port))
        port = listener.getsockname()[1]
        self.listeners[address, port] = listener

        def serve():
            while True:
                try:
                    accepted, origin = listener.accept()
                except OSError:
                    return
                channel = self.transport.open_forwarded_tcpip_channel(origin, (address, port))
                threading.Thread(target=relay, args=(channel, accepted), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return port

    def cancel_port_forward_request(self, address, port):
        listener = self.listeners.pop((address, port), None)
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def relay(channel, stream):
    def out():
        while data := channel.recv(BLOCK):
            stream.sendall(data)
        try:
            stream.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    outward = threading.Thread(target=out, daemon=True)
    outward.start()
    while data := stream.recv(BLOCK):
        channel.sendall(data)
    channel.shutdown_write()
    outward.join()
    stream.close()
    channel.close()


def run_command(channel, command):
    child = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )

    def feed():
        try:
            while data := channel.recv(BLOCK):
                view = memoryview(data)
                while view:
                    view = view[child.stdin.write(view) :]
        except OSError:
            pass
        finally:
            child.stdin.close()

    def copy(source, send):
        try:
            while data := source.read(BLOCK):
                send(data)
        except OSError:
            child.kill()

    threads = [
        threading.Thread(target=copy, args=(child.stdout, channel.sendall), daemon=True),
        threading.Thread(target=copy, args=(child.stderr, channel.sendall_stderr), daemon=True),
    ]
    threading.Thread(target=feed, daemon=True).start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = child.wait()
    try:
        channel.send_exit_status(status if status >= 0 else 128 - status)
        channel.shutdown_write()
        channel.close()
    except (OSError, EOFError):
        pass


def serve_one(stream, options, keys):
    transport = Watched(stream)
    prepare(transport, options)
    for key in keys:
        transport.add_server_key(key)
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
    interface = Server(options, transport)
    try:
        transport.start_server(server=interface)
    except (paramiko.SSHException, EOFError, OSError) as error:
        print(f"paramiko: {error}", file=sys.stderr, flush=True)
        return
    while transport.is_active():
        if transport.is_authenticated():
            contract.say({"user": transport.get_username(), "negotiated": transport.negotiated()})
            break
        threading.Event().wait(0.01)
    transport.join()
    for listener in interface.listeners.values():
        listener.close()


def server(options):
    keys = [load_key(path) for path in options.host_key]
    listener = socket.create_server(("127.0.0.1", options.port), backlog=64)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    contract.say({"listening": listener.getsockname()[1]})
    while True:
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve_one, args=(accepted, options, keys), daemon=True).start()


def main():
    options = contract.parse()
    if options.role == "features":
        contract.say(features())
        return 0
    if options.role == "server":
        server(options)
        return 0
    status = contract.finish(lambda: client(options))
    # Python's own end takes longer than the whole work.
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
