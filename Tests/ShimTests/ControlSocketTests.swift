import Foundation
import NIOCore
import NIOPosix
import SSH
import SSHProtocol
import Testing

@testable import Shim

/// A client of OpenSSH's multiplexing protocol at a shim's control socket.
@Suite("A control socket") struct ControlSocketTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "shim-\(UUID().uuidString.prefix(8))")

    private func at(
        _ change: (inout ShimControl) -> Void = { _ in },
        _ body: (ShimOfTest, UpstreamServer, String) async throws -> Void
    ) async throws {
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await UpstreamServer()
        let shim = try await ShimOfTest([server.upstream()])
        var control = ShimControl(path: folder.path + "/control", upstream: "web")
        change(&control)
        try await shim.shim.listen(on: control)
        try await body(shim, server, control.path)
        await shim.shim.close()
        await server.server.shutdown(grace: .zero)
        #expect(!FileManager.default.fileExists(atPath: control.path))
    }

    /// Off the tasks' threads: the client waits for what it reads.
    private func waiting<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(body)
    }

    @Test("a session is hello, an opening and an exit message; its descriptors are the program's")
    func session() async throws {
        try await at { _, server, path in
            let person = try ControlPerson(path)
            person.run("both")
            let replies = try await waiting { person.hear(12 + 16 + 16) }
            #expect(
                replies == [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4] + [0, 0, 0, 12, 0x80, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 1]
                    + [0, 0, 0, 12, 0x80, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0])
            let (output, errors) = try await waiting { person.outputs() }
            #expect(output == "out")
            #expect(errors == "err")
            // The protocol's end is the socket's.
            #expect(try await waiting { person.hear(1) }.isEmpty)
            #expect(server.logins == 1)
        }
    }

    @Test("a program that a signal ended has the status 255")
    func signal() async throws {
        try await at { _, _, path in
            let person = try ControlPerson(path)
            person.run("killed")
            #expect(try await waiting { person.hear(44) }.suffix(4) == [0, 0, 0, 255])
        }
    }

    @Test("a host that is not reached any more is said on standard error, with the status 255")
    func unreachable() async throws {
        try await at { shim, server, path in
            _ = try await eventually { shim.count { $0 == .connected(upstream: "web") } == 1 }
            let person = try ControlPerson(path)
            person.run("wait")
            #expect(try await waiting { person.hear(28) }.count == 28)
            try await server.cut()
            #expect(try await waiting { person.hear(16) }.suffix(4) == [0, 0, 0, 255])
            #expect(try await waiting { person.outputs() }.1.contains("was lost, and this session with it"))
        }
    }

    @Test("displays of clients of both ways in are told apart by their cookies")
    func displays() async throws {
        let (near, far) = (try await NamedDisplay.start("control"), try await NamedDisplay.start("endpoint"))
        try await at({ $0.display = { near } }) { shim, _, path in
            let connection = try await shim.connect()
            let recorder = SessionRecorder()
            let channel = try await connection.openSession(delegate: recorder)
            let request = connection.forwardX11(to: far)
            try await connection.eventLoop.flatSubmit {
                channel.requestX11(request)
                return channel.exec("display")
            }.get()
            let person = try ControlPerson(path)
            person.run("display", x11: 1)
            #expect(try await waiting { person.hear(28) }.count == 28)
            person.type("x")
            #expect(try await waiting { person.hear(16) }.suffix(4) == [0, 0, 0, 0])
            #expect(try await waiting { person.outputs() }.0 == "control")
            try await connection.eventLoop.submit { _ = channel.write(ByteBuffer(string: "x")) }.get()
            #expect(try await recorder.text() == "endpoint")
            await connection.close()
        }
    }
}
