import HTTPTypes
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct HTTPUpgradeHandlerTests {
    private func withServer<Result>(
        limits: WebLimits = WebLimits(), _ body: (TestServer, String) async throws -> Result
    ) async throws -> Result {
        try await TestServer.run(
            limits: limits,
            routes: { routes in
                TerminalRoute(endpoint: EchoTerminal(), limits: limits, isStillSignedIn: { _ in true }).add(to: routes)
                routes.open(.get, "/api/health") { _ in try JSONAnswer.response(HealthAnswer(status: "ok")) }
            }
        ) { server in
            try await body(
                server, "Authorization: Bearer \(server.tokens.sign(userID: "usr_test", signInID: "sgn_test"))")
        }
    }

    @Test("a WebSocket to a path that refuses it is answered and the connection closes")
    func refusedPath() async throws {
        try await withServer { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    WebSocketClient.handshake(port: server.port, path: "/api/nowhere", headers: [bearer]))
                let response = try await connection.response()
                #expect(response.status == 404)
                #expect(response.headers["connection"] == "close")
                #expect(response.code == "not_found")
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test("an offer of h2c is answered over HTTP/1.1 and the connection closes")
    func h2c() async throws {
        try await withServer { server, _ in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    """
                    GET /api/health HTTP/1.1\r\nHost: localhost:\(server.port)\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                    Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n
                    """)
                let response = try await connection.response()
                #expect(response.status == 200)
                #expect(response.headers["connection"] == "close")
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test("curl --http2 gets its answer although it offers h2c")
    func curlWithHTTP2() async throws {
        try await withServer { server, _ in
            let result = try await runProgram(
                "/usr/bin/curl", ["-s", "--http2", "--max-time", "5", "http://localhost:\(server.port)/api/health"])
            #expect(result.output == #"{"status":"ok"}"#)
            #expect(result.status == 0)
        }
    }

    @Test("a request and then an upgrade on the same connection upgrades")
    func requestThenUpgrade() async throws {
        try await withServer { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET /api/health HTTP/1.1\r\nHost: localhost:\(server.port)\r\n\r\n")
                #expect(try await connection.response().status == 200)
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: [bearer]))
                let response = try await connection.response(hasBody: false)
                #expect(response.status == 101)
                #expect(response.headers["sec-websocket-accept"] == WebSocketClient.accept)
                #expect(response.headers["sec-websocket-protocol"] == "copilot.term.v1")
                #expect(response.headers["content-length"] == nil)
            }
        }
    }

    @Test("a request and an upgrade sent in one go are answered in order, and bytes behind them reach the session")
    func pipelined() async throws {
        try await withServer { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                let request = "GET /api/health HTTP/1.1\r\nHost: localhost:\(server.port)\r\n\r\n"
                let handshake = WebSocketClient.handshake(port: server.port, headers: [bearer])
                let message = WebSocketClient.frame(2, Array("early".utf8))
                try await connection.send(Array((request + handshake).utf8) + message)
                #expect(try await connection.response().status == 200)
                #expect(try await connection.response(hasBody: false).status == 101)
                #expect(try await WebSocketClient.readFrame(connection).payload == Array(EchoTerminal.greeting.utf8))
                #expect(try await WebSocketClient.readFrame(connection).payload == Array("early".utf8))
            }
        }
    }

    @Test("a plain request to the terminal's address is told what it takes")
    func plainRequest() async throws {
        try await withServer { server, bearer in
            let response = try await server.request("GET", "/api/terminal", headers: [bearer])
            #expect(response.status == 426)
            #expect(response.code == "upgrade_required")
        }
    }

    @Test("messages of every size come back whole, pings are answered, text is refused")
    func messages() async throws {
        try await withServer { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: [bearer]))
                #expect(try await connection.response(hasBody: false).status == 101)
                _ = try await WebSocketClient.readFrame(connection)
                for size in [0, 1, 125, 126, 65_536, 128 * 1024] {
                    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                    try await connection.send(WebSocketClient.frame(2, payload))
                    #expect(try await WebSocketClient.readFrame(connection).payload == payload)
                }
                try await connection.send(WebSocketClient.frame(2, [1], fin: false) + WebSocketClient.frame(0, [2]))
                #expect(try await WebSocketClient.readFrame(connection).payload == [1, 2])
                try await connection.send(WebSocketClient.frame(9, [7]))
                let pong = try await WebSocketClient.readFrame(connection)
                #expect(pong.opcode == 10 && pong.payload == [7])
                try await connection.send(WebSocketClient.frame(1, Array("text".utf8)))
                let close = try await WebSocketClient.readFrame(connection)
                #expect(close.opcode == 8 && close.payload.prefix(2) == [0x03, 0xEB])
            }
        }
    }

    @Test("a message beyond the limit ends the connection with 1009", arguments: [128 * 1024 + 1, 1 << 40])
    func tooLarge(size: Int) async throws {
        try await withServer { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: [bearer]))
                #expect(try await connection.response(hasBody: false).status == 101)
                _ = try await WebSocketClient.readFrame(connection)
                let length = (0..<8).reversed().map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) }
                try await connection.send([0x82, 0xFF] + length + [0, 0, 0, 0])
                let close = try await WebSocketClient.readFrame(connection)
                #expect(close.opcode == 8 && close.payload.prefix(2) == [0x03, 0xF1])
            }
        }
    }

    @Test("an unmasked frame ends the connection with 1002")
    func unmasked() async throws {
        try await withServer { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: [bearer]))
                #expect(try await connection.response(hasBody: false).status == 101)
                _ = try await WebSocketClient.readFrame(connection)
                try await connection.send([0x82, 0x01, 0x41])
                let close = try await WebSocketClient.readFrame(connection)
                #expect(close.opcode == 8 && close.payload.prefix(2) == [0x03, 0xEA])
            }
        }
    }

    @Test("a silent peer is asked, and a dead one is let go")
    func silence() async throws {
        var limits = WebLimits()
        limits.pingInterval = .milliseconds(50)
        limits.silenceTime = .milliseconds(200)
        try await withServer(limits: limits) { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: [bearer]))
                #expect(try await connection.response(hasBody: false).status == 101)
                _ = try await WebSocketClient.readFrame(connection)
                #expect(try await WebSocketClient.readFrame(connection).opcode == 9)
                _ = try await connection.rest()
            }
        }
    }

    @Test("a sign-in that ends in another process ends its WebSocket")
    func endedElsewhere() async throws {
        var limits = WebLimits()
        limits.signInCheckInterval = .milliseconds(50)
        let isSignedIn = NIOLockedValueBox(true)
        try await TestServer.run(
            routes: { [limits] routes in
                TerminalRoute(endpoint: EchoTerminal(), limits: limits) { _ in isSignedIn.withLockedValue { $0 } }
                    .add(to: routes)
            }
        ) { server in
            let token = try await server.tokens.sign(userID: "usr_test", signInID: "sgn_test")
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    WebSocketClient.handshake(port: server.port, headers: ["Authorization: Bearer \(token)"]))
                #expect(try await connection.response(hasBody: false).status == 101)
                _ = try await WebSocketClient.readFrame(connection)
                isSignedIn.withLockedValue { $0 = false }
                let close = try await WebSocketClient.readFrame(connection)
                #expect(close.opcode == 8 && close.payload.prefix(2) == [0x03, 0xF0])
            }
        }
    }

    @Test("a stop says 1001 to a WebSocket and does not wait for a client that stays")
    func stop() async throws {
        try await withServer { server, bearer in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(WebSocketClient.handshake(port: server.port, headers: [bearer]))
                #expect(try await connection.response(hasBody: false).status == 101)
                _ = try await WebSocketClient.readFrame(connection)
                let clock = ContinuousClock()
                let begin = clock.now
                server.beginStopping()
                let close = try await WebSocketClient.readFrame(connection)
                #expect(close.opcode == 8 && close.payload.prefix(2) == [0x03, 0xE9])
                try await server.stop()
                #expect(clock.now - begin < .seconds(20))
            }
        }
    }
}
