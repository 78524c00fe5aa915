import HTTPTypes
import NIOCore
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct RequestDeadlinesTests {
    private func withServer<Result>(
        _ change: (inout WebLimits) -> Void, _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        var limits = WebLimits()
        change(&limits)
        return try await TestServer.run(
            limits: limits,
            routes: { routes in
                routes.open(.get, "/api/health") { _ in try JSONAnswer.response(HealthAnswer(status: "ok")) }
                routes.open(.post, "/api/act") { _ in JSONAnswer.noContent }
                routes.openWithBytes(.put, "/api/file") { call in
                    call.context.channel.triggerUserOutboundEvent(RequestDeadlines.BodyIsFile(), promise: nil)
                    try await Task.sleep(for: .seconds(2))
                    return JSONAnswer.noContent
                }
                routes.open(.get, "/api/slow") { _ in
                    try await Task.sleep(for: .seconds(30))
                    return JSONAnswer.noContent
                }
            }
        ) { try await body($0) }
    }

    @Test("a header that trickles in is cut off")
    func slowHeader() async throws {
        try await withServer {
            $0.headerTime = .milliseconds(300)
        } _: { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET /api/health HTTP/1.1\r\nX: ")
                let trickle = Task {
                    while !Task.isCancelled { try await Task.sleep(for: .milliseconds(20)) }
                }
                defer { trickle.cancel() }
                let rest = try await connection.rest()
                #expect(rest.isEmpty)
            }
        }
    }

    @Test("a body that is a file takes its time, but a pause in it that is too long ends it")
    func fileBody() async throws {
        try await withServer {
            $0.bodyTime = .milliseconds(200)
            $0.bodyPauseTime = .milliseconds(1500)
        } _: { server in
            try await RawConnection.open(port: server.port) { connection in
                let began = ContinuousClock.now
                try await connection.send(
                    """
                    PUT /api/file HTTP/1.1\r\nHost: localhost:\(server.port)\r\n\
                    Content-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\nab
                    """)
                let rest = try await connection.rest()
                #expect(rest.isEmpty)
                #expect(ContinuousClock.now - began > .milliseconds(1200))
            }
        }
    }

    @Test("a body that does not come is cut off")
    func slowBody() async throws {
        try await withServer {
            $0.bodyTime = .milliseconds(200)
        } _: { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    """
                    POST /api/act HTTP/1.1\r\nHost: localhost:\(server.port)\r\nContent-Type: application/json\r\n\
                    Content-Length: 10\r\n\r\n{
                    """)
                let rest = try await connection.rest()
                #expect(rest.isEmpty)
            }
        }
    }

    @Test("a connection that asks nothing more is closed, and answers until then")
    func keepAlive() async throws {
        try await withServer {
            $0.keepAliveTime = .milliseconds(200)
        } _: { server in
            try await RawConnection.open(port: server.port) { connection in
                let request = "GET /api/health HTTP/1.1\r\nHost: localhost:\(server.port)\r\n\r\n"
                try await connection.send(request + request)
                let first = try await connection.response()
                let second = try await connection.response()
                #expect(first.status == 200 && second.status == 200)
                let rest = try await connection.rest()
                #expect(rest.isEmpty)
            }
        }
    }

    @Test("a route that takes too long is answered for")
    func slowRoute() async throws {
        try await withServer {
            $0.requestTime = .milliseconds(200)
        } _: { server in
            let response = try await server.request("GET", "/api/slow")
            #expect(response.status == 503 && response.code == "timeout")
        }
    }

    @Test("a header that is too large is refused")
    func largeHeader() async throws {
        try await withServer { _ in
        } _: { server in
            let response = try await server.request(
                "GET", "/api/health", headers: ["X: " + String(repeating: "a", count: 9000)])
            #expect(response.status == 400)
        }
    }

    @Test("more connections than allowed from one address are closed at once")
    func connectionCap() async throws {
        try await withServer {
            $0.connectionsFromOneAddress = 1
        } _: { server in
            try await RawConnection.open(port: server.port) { first in
                try await first.send("GET /api/health HTTP/1.1\r\nHost: localhost:\(server.port)\r\n\r\n")
                let response = try await first.response()
                #expect(response.status == 200)
                let rest = try await RawConnection.open(port: server.port) { try await $0.rest() }
                #expect(rest.isEmpty)
            }
            // The place is free again once the first one is gone.
            var status = 0
            while status != 200 { status = (try? await server.request("GET", "/api/health"))?.status ?? 0 }
            #expect(status == 200)
        }
    }

    @Test("a stop lets a request finish and closes an idle connection at once")
    func stop() async throws {
        var limits = WebLimits()
        limits.stopTime = .seconds(20)
        try await withServer {
            $0 = limits
        } _: { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET /api/health HTTP/1.1\r\nHost: localhost:\(server.port)\r\n\r\n")
                _ = try await connection.response()
                let begin = ContinuousClock.now
                try await server.stop()
                #expect(ContinuousClock.now - begin < .seconds(20))
            }
        }
    }
}
