import Foundation
import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHTestSupport
import TestSupport
import Testing

/// Our server with OpenSSH's `ssh`. One after the other: each starts processes, and one moves 600 MB.
@Suite(.serialized) struct OpenSSHClientTests {
    @Test("commands, their streams, their input and their status")
    func commands() async throws {
        let (server, client) = (try await OurServer(), try ClientProgram())
        let complained = try await client.run("\(try await client.openSSH(server)) complain")
        #expect(complained.text == "out\n" && complained.errors == "err\n" && complained.status == 0)
        #expect(try await client.run("\(try await client.openSSH(server)) exit 42").status == 42)
        #expect(try await client.run("\(try await client.openSSH(server)) cat", input: Array("in".utf8)).text == "in")
        // ssh has no words for a signal; it ends with 255.
        #expect(try await client.run("\(try await client.openSSH(server)) killed TERM").status == 255)
    }

    @Test("a shell on a terminal, with its size and its environment")
    func shell() async throws {
        let (server, client) = (try await OurServer(), try ClientProgram())
        let shell = try await client.run(
            "TERM=vt220 \(try await client.openSSH(server, "-tt"))", input: Array("hi\nexit 3\n".utf8))
        #expect(shell.text.contains("welcome to vt220"))
        #expect(shell.text.contains("you said hi"))
        #expect(shell.status == 3)
        let variables = try await client.run(
            "TEST_WORD=blue \(try await client.openSSH(server, "-o SendEnv=TEST_WORD")) env TEST_WORD")
        #expect(variables.text == "blue\n")
    }

    @Test("a subsystem by name")
    func subsystem() async throws {
        let (server, client) = (try await OurServer(), try ClientProgram())
        let result = try await client.run("\(try await client.openSSH(server, "-s")) reverse", input: Array("abc".utf8))
        #expect(result.text == "cba" && result.status == 0)
    }

    @Test("-L, -D and -W through the server")
    func forwards() async throws {
        let (server, client, echo) = (try await OurServer(), try ClientProgram(), try await EchoServer())
        let (local, dynamic) = (try await freePort(), try await freePort())
        let process = try client.start(
            "exec \(try await client.openSSH(server, "-N -L 127.0.0.1:\(local):127.0.0.1:\(echo.port) -D 127.0.0.1:\(dynamic)"))"
        )
        #expect(try await eventually { await isListening(local) })
        let through = try await RawClient(port: local)
        try await through.send("local")
        #expect(try await through.wait(for: 5) == Array("local".utf8))
        let socks = try await RawClient(port: dynamic)
        try await socks.send([4, 1, UInt8(echo.port >> 8), UInt8(echo.port & 0xFF), 127, 0, 0, 1, 0])
        #expect(try await socks.wait(for: 8).prefix(2) == [0, 0x5A])
        try await socks.send("socks")
        #expect(try await socks.wait(for: 13).suffix(5) == Array("socks".utf8)[...])
        process.stop()
        let piped = try await client.run(
            "\(try await client.openSSH(server, "-W 127.0.0.1:\(echo.port)"))", input: Array("piped".utf8))
        #expect(piped.text == "piped")
    }

    @Test("-R with port 0 says which port it got")
    func remoteForward() async throws {
        let (server, client, echo) = (try await OurServer(), try ClientProgram(), try await EchoServer())
        let process = try client.start(
            "exec \(try await client.openSSH(server, "-N -o LogLevel=INFO -R 0:127.0.0.1:\(echo.port)"))")
        #expect(try await eventually { process.text.contains("Allocated port ") })
        let words = process.text.split(whereSeparator: \.isWhitespace)
        let place = try #require(words.firstIndex(of: "port"))
        let port = try #require(Int(words[place + 1]))
        let through = try await RawClient(port: port)
        try await through.send("remote")
        #expect(try await through.wait(for: 6) == Array("remote".utf8))
        process.stop()
        #expect(try await eventually { await !isListening(port) })
    }

    @Test("-J through one server of ours to another")
    func jump() async throws {
        let (first, second, client) = (try await OurServer(), try await OurServer(), try ClientProgram())
        // The jump host's options come from a file, for ssh does not pass ours on.
        try client.folder.write(
            """
            Host 127.0.0.1
              IdentityFile \(try await TestKeys.folder().file("user_ed25519"))
              StrictHostKeyChecking no
              UserKnownHostsFile /dev/null
              LogLevel ERROR
            """, to: "config")
        let result = try await client.run(
            "/usr/bin/ssh -F \(client.folder.file("config")) -J 127.0.0.1:\(first.port) -p \(second.port) 127.0.0.1 echo far"
        )
        #expect(result.text == "far\n")
        #expect(first.events.withLockedValue { $0.contains("authenticated \(currentUser)") })
    }

    @Test("a shared connection carries many sessions at once")
    func controlMaster() async throws {
        let (server, client) = (try await OurServer(), try ClientProgram())
        let control = client.folder.file("control")
        let master = try client.start("exec \(try await client.openSSH(server, "-M -N -S \(control)"))")
        #expect(try await eventually { FileManager.default.fileExists(atPath: control) })
        let result = try await client.run(
            "for i in 1 2 3 4 5 6 7 8 9 10; do \(try await client.openSSH(server, "-S \(control)")) echo n$i & done; wait"
        )
        #expect(Set(result.text.split(separator: "\n")).count == 10)
        #expect(server.events.withLockedValue { $0.filter { $0 == "connected" }.count } == 1)
        master.stop()
    }

    @Test("300 MB in each direction arrive whole while keys change every 32 MB", .timeLimit(.minutes(4)))
    func bulk() async throws {
        let (server, client) = (try await OurServer(), try ClientProgram())
        let (sent, taken) = (client.folder.file("sent"), client.folder.file("taken"))
        let ssh = try await client.openSSH(server, "-o RekeyLimit=32M")
        let result = try await client.run(
            """
            set -e
            head -c 300000000 /dev/urandom >\(sent)
            \(ssh) send \(sent) | cmp - \(sent)
            \(ssh) take \(taken) <\(sent)
            cmp \(taken) \(sent) && echo same
            """, within: 230)
        #expect(result.text == "same\n", "\(result.errors)")
    }

    @Test("a client that is killed leaves nothing behind at the server")
    func killedClient() async throws {
        let (server, client) = (try await OurServer(), try ClientProgram())
        let process = try client.start("exec \(try await client.openSSH(server)) sleep")
        #expect(try await eventually { server.events.withLockedValue { $0.contains("authenticated \(currentUser)") } })
        kill(process.identifier, SIGKILL)
        #expect(try await eventually { server.server.connections.isEmpty })
    }
}
