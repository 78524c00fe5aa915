import NIOConcurrencyHelpers
import NIOCore
import SSH
import Testing

/// RFC 4254 §6.3: the host sees a cookie that opens nothing but this connection.
@Suite struct X11ForwardTests {
    private static let cookie: [UInt8] = (1...16).map { $0 }

    /// The beginning of an X11 connection, little endian, as a client of it sends it.
    private func setup(_ cookie: [UInt8], name: String = "MIT-MAGIC-COOKIE-1") -> [UInt8] {
        var bytes: [UInt8] = [0x6C, 0, 11, 0, 0, 0, UInt8(name.utf8.count), 0, UInt8(cookie.count), 0, 0, 0]
        bytes += Array(name.utf8) + [UInt8](repeating: 0, count: (4 - name.utf8.count % 4) % 4)
        return bytes + cookie + [UInt8](repeating: 0, count: (4 - cookie.count % 4) % 4)
    }

    private func unhex(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.utf8.count, by: 2).compactMap { UInt8(text.dropFirst($0).prefix(2), radix: 16) }
    }

    @Test("the cookie that the host was given opens the display with the real one, another one opens nothing")
    func cookies() async throws {
        let display = try await EchoServer()
        let answers = NIOLockedValueBox<[String: [UInt8]]>([:])
        let server = try await OurServer { _, handlers in
            handlers.allowsX11 = { _ in true }
            handlers.session = { session in
                let cookie =
                    session.command == "honest"
                    ? session.channel.info.x11?.cookie ?? "" : "00112233445566778899aabbccddeeff"
                let origin = TCPAddress(host: "127.0.0.1", port: 6010)
                let channel = try await session.connection.openStream(.x11(originator: origin))
                // In two pieces, as a network may bring it.
                let bytes = self.setup(self.unhex(cookie)) + Array("drawing".utf8)
                try await channel.write(ByteBuffer(bytes: bytes.prefix(20)))
                try await channel.write(ByteBuffer(bytes: bytes.dropFirst(20)))
                var seen: [UInt8] = []
                while seen.count < bytes.count, let piece = try await channel.read() { seen += piece.readableBytesView }
                answers.withLockedValue { $0[session.command ?? ""] = seen }
                return .status(0)
            }
        }
        let connection = try await server.connect()
        let request = connection.forwardX11(
            to: X11Display(endpoint: .tcp(host: "127.0.0.1", port: display.port), cookie: Self.cookie))
        #expect(request.cookie != "0102030405060708090a0b0c0d0e0f10")
        for command in ["honest", "forged"] {
            let recorder = SessionRecorder()
            let channel = try await connection.openSession(delegate: recorder)
            try await channel.startAndWait { channel in
                channel.requestX11(request)
                return channel.exec(command)
            }
            _ = try await recorder.waitUntilClosed()
        }
        // The display echoes what reached it.
        #expect(answers.withLockedValue { $0["honest"] } == setup(Self.cookie) + Array("drawing".utf8))
        #expect(answers.withLockedValue { $0["forged"] } == [])
    }

    @Test("DISPLAY names sockets and hosts")
    func names() {
        #expect(X11Display(name: ":0", cookie: [])?.endpoint == .unix(path: "/tmp/.X11-unix/X0"))
        let far = X11Display(name: "localhost:10.2", cookie: [])
        #expect(far?.endpoint == .tcp(host: "localhost", port: 6010) && far?.screen == 2)
        for name in ["", "0", ":", ":x", ":-1", ":99999", ":0.0.0"] {
            #expect(X11Display(name: name, cookie: []) == nil)
        }
    }
}
