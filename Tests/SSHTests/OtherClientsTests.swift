import Foundation
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Our server with Dropbear's, PuTTY's and Python's clients.
@Suite(.serialized) struct OtherClientsTests {
    private static func isInstalled(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

    @Test("dbclient: a command, its input, its status, a forward", .enabled(if: isInstalled("/usr/bin/dbclient")))
    func dropbear() async throws {
        let (server, client, echo) = (try await OurServer(), try ClientProgram(), try await EchoServer())
        let key = client.folder.file("key")
        try await ChildProcess.tool(
            "/usr/bin/dropbearconvert", ["openssh", "dropbear", try await TestKeys.folder().file("user_ed25519"), key])
        let dbclient = "HOME=\(client.folder.path) /usr/bin/dbclient -y -y -i \(key) -p \(server.port)"
        let copied = try await client.run("\(dbclient) 127.0.0.1 cat", input: Array("from dropbear".utf8))
        #expect(copied.text == "from dropbear", "\(copied.errors)")
        #expect(try await client.run("\(dbclient) 127.0.0.1 exit 9").status == 9)
        let piped = try await client.run(
            "\(dbclient) -B 127.0.0.1:\(echo.port) 127.0.0.1", input: Array("piped".utf8))
        #expect(piped.text == "piped", "\(piped.errors)")
        let bulk = try await client.run(
            """
            head -c 20000000 /dev/urandom >\(client.folder.file("sent"))
            \(dbclient) 127.0.0.1 send \(client.folder.file("sent")) | cmp - \(client.folder.file("sent")) && echo same
            """)
        #expect(bulk.text == "same\n", "\(bulk.errors)")
    }

    @Test("plink: a command, its input, its status", .enabled(if: isInstalled("/usr/bin/plink")))
    func putty() async throws {
        let (server, client) = (try await OurServer(), try ClientProgram())
        let key = client.folder.file("key.ppk")
        try await ChildProcess.tool(
            "/usr/bin/puttygen", [try await TestKeys.folder().file("user_ed25519"), "-O", "private", "-o", key])
        let fingerprint = try await TestKeys.host("ed25519").fingerprint
        let plink =
            "HOME=\(client.folder.path) /usr/bin/plink -batch -ssh -hostkey \(fingerprint) -i \(key)"
            + " -P \(server.port) \(currentUser)@127.0.0.1"
        let copied = try await client.run("\(plink) cat", input: Array("from putty".utf8))
        #expect(copied.text == "from putty", "\(copied.errors)")
        #expect(try await client.run("\(plink) exit 7").status == 7)
        let complained = try await client.run("\(plink) complain")
        #expect(complained.text == "out\n" && complained.errors.contains("err"))
    }

    @Test("paramiko: commands, a terminal, forwards, many channels", .enabled { await PythonClients.isPossible })
    func paramiko() async throws {
        let (server, client, echo) = (try await OurServer(), try ClientProgram(), try await EchoServer())
        let result = try await client.python(PythonClients.paramiko, server, echo)
        #expect(result.text == "all is well\n", "\(result.errors.suffix(3000))")
    }

    @Test(
        "AsyncSSH: commands, signals, breaks, forwards of both kinds, and an agent",
        .enabled { await PythonClients.isPossible })
    func asyncSSH() async throws {
        let (server, client, echo) = (try await OurServer(), try ClientProgram(), try await EchoServer())
        let result = try await client.python(PythonClients.asyncSSH, server, echo)
        #expect(result.text == "all is well\n", "\(result.errors.suffix(3000))")
    }
}

extension ClientProgram {
    fileprivate func python(_ program: String, _ server: OurServer, _ echo: EchoServer) async throws
        -> ChildProcess.Outcome
    {
        try folder.write(program, to: "client.py")
        let python = try await PythonClients.python.value
        return try await run(
            "\(python) \(folder.file("client.py")) \(server.port) \(try await TestKeys.folder().file("user_ed25519"))"
                + " \(currentUser) \(echo.port) \(folder.path)")
    }
}

/// Programs for Python's SSH libraries, in the environment that AsyncSSH's server uses.
private enum PythonClients {
    static let python = Task<String, any Error> {
        let python = try await AsyncSSHServer.python.value
        if (try? await ChildProcess.tool(python, ["-c", "import paramiko"])) == nil {
            try await ChildProcess.tool(python, ["-m", "pip", "--quiet", "install", "paramiko==5.1.0"])
        }
        return python
    }

    static var isPossible: Bool { get async { (try? await python.value) != nil } }

    static let paramiko = """
        import paramiko, sys, time
        port, key, user, echo = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect("127.0.0.1", port, user, key_filename=key, allow_agent=False, look_for_keys=False)
        stdin, stdout, stderr = client.exec_command("complain")
        assert (stdout.read(), stderr.read(), stdout.channel.recv_exit_status()) == (b"out\\n", b"err\\n", 0)
        stdin, stdout, stderr = client.exec_command("exit 17")
        assert stdout.channel.recv_exit_status() == 17
        stdin, stdout, stderr = client.exec_command("count")
        stdin.write(b"x" * 3000000); stdin.channel.shutdown_write()
        assert stdout.read() == b"3000000\\n"
        shell = client.invoke_shell("vt100", 101, 31)
        text = b""
        while b"$ " not in text: text += shell.recv(1000)
        assert b"vt100 101x31" in text, text
        shell.close()
        transport = client.get_transport()
        tunnels = [transport.open_channel("direct-tcpip", ("127.0.0.1", echo), ("127.0.0.1", 1)) for _ in range(50)]
        for number, tunnel in enumerate(tunnels): tunnel.sendall(str(number).encode())
        for number, tunnel in enumerate(tunnels): assert tunnel.recv(100) == str(number).encode()
        remote = transport.request_port_forward("127.0.0.1", 0)
        import socket
        peer = socket.create_connection(("127.0.0.1", remote))
        peer.sendall(b"forwarded")
        channel = transport.accept(10)
        assert channel.recv(100) == b"forwarded"
        transport.cancel_port_forward("127.0.0.1", remote)
        transport.renegotiate_keys()
        stdin, stdout, stderr = client.exec_command("echo after new keys")
        assert stdout.read() == b"after new keys\\n"
        client.close()
        print("all is well")
        """

    static let asyncSSH = """
        import asyncio, asyncssh, sys
        port, key, user, echo, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]

        async def main():
            async with asyncssh.connect("127.0.0.1", port, username=user, client_keys=[key], known_hosts=None,
                                        agent_path=None, config=None, encoding=None if False else "utf-8") as connection:
                result = await connection.run("complain")
                assert (result.stdout, result.stderr, result.exit_status) == ("out\\n", "err\\n", 0)
                result = await connection.run("killed HUP")
                assert result.exit_signal[0] == "HUP", result.exit_signal
                async with connection.create_process("wait", term_type="xterm", term_size=(80, 24)) as process:
                    assert await process.stdout.readline() == "waiting\\n"
                    process.change_terminal_size(132, 43)
                    assert await process.stdout.readline() == "size 132x43\\n"
                    process.send_break(250) if hasattr(process, "send_break") else process.channel.send_break(250)
                    assert await process.stdout.readline() == "break 250\\n"
                    process.send_signal("USR1")
                    assert await process.stdout.readline() == "signal USR1\\n"
                results = await asyncio.gather(*(connection.run("echo %d" % n) for n in range(50)))
                assert [r.stdout for r in results] == ["%d\\n" % n for n in range(50)]
                reader, writer = await connection.open_connection("127.0.0.1", echo, encoding=None)
                writer.write(b"tunnel"); writer.write_eof()
                assert await reader.read() == b"tunnel"
                listener = await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", echo)
                reader, writer = await asyncio.open_connection("127.0.0.1", listener.get_port())
                writer.write(b"back"); writer.write_eof()
                assert await reader.read() == b"back"
                listener.close()
                unix = await connection.forward_remote_path_to_port(folder + "/s", "127.0.0.1", echo)
                reader, writer = await asyncio.open_unix_connection(folder + "/s")
                writer.write(b"unix"); writer.write_eof()
                assert await reader.read() == b"unix"
                unix.close()
                data = "x" * 5000000
                result = await connection.run("count", input=data)
                assert result.stdout == "5000000\\n"
            print("all is well")

        asyncio.run(main())
        """
}
