import Foundation
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct SessionRoutesTests {
    @Test("a session starts, is shared, ends, and leaves a recording that can be replayed and downloaded")
    func life() async throws {
        try await HostServer.run { host in
            try await GatewayServer.run { server in
                let admin = try await server.admin()
                let guest = try await server.person("grace", role: "ml-ops", by: admin)
                let guestID = try #require(try await guest.json("GET", "/api/me")["user.id"]?.text)
                let hostID = try await admin.addHost(host, alias: "web-prod")

                let started = try await admin.json(
                    "POST", "/api/sessions", #"{"hostId": "\#(hostID)", "columns": 80, "rows": 24}"#)
                let id = try #require(started["session.id"]?.text)
                #expect(started["session.host.alias"] == .string("web-prod"))
                let inUse = try await admin.call("DELETE", "/api/hosts/\(hostID)")
                #expect(inUse.status == 409 && inUse.code == "host_in_use")
                let busy = try await admin.json("GET", "/api/hosts/\(hostID)")
                #expect(busy["host.activeSessions"] == .integer(1))

                let unseen = try await guest.call("GET", "/api/sessions/\(id)")
                #expect(unseen.status == 404)
                let shared = try await admin.json(
                    "POST", "/api/sessions/\(id)/participants", #"{"userId": "\#(guestID)"}"#)
                #expect(shared["session.participants"]?.items.contains { $0["mode"] == .string("view") } == true)
                let seen = try await guest.json("GET", "/api/sessions?state=live")
                #expect(seen["sessions.0.id"] == .string(id))
                let raised = try await admin.json(
                    "PATCH", "/api/sessions/\(id)/participants/\(guestID)", #"{"mode": "control"}"#)
                #expect(
                    raised["session.participants"]?.items.contains {
                        $0["userId"] == .string(guestID) && $0["mode"] == .string("control")
                    } == true)
                let removed = try await admin.json("DELETE", "/api/sessions/\(id)/participants/\(guestID)")
                #expect(removed["session.participants"]?.items.contains { $0["userId"] == .string(guestID) } == false)

                let ended = try await admin.call("DELETE", "/api/sessions/\(id)")
                #expect(ended.status == 204)
                try await replay(id, admin)
            }
        }
    }

    private func replay(_ session: String, _ admin: Browser) async throws {
        var list = try await admin.json("GET", "/api/sessions?state=ended")
        while list["sessions.0.id"] != .string(session) {
            list = try await admin.json("GET", "/api/sessions?state=ended")
        }
        #expect(list["sessions.0.ending.reason"] == .string("ended_by"))
        let recordings = try await admin.json("GET", "/api/recordings")
        let id = try #require(recordings["recordings.0.id"]?.text)
        let one = try await admin.json("GET", "/api/recordings/\(id)")
        #expect(one["sessionId"] == .string(session) && one["state"] == .string("complete"))
        let events = try await admin.call("GET", "/api/recordings/\(id)/events?from=0&limit=4096")
        let head = try JSONValue(String(events.body.prefix { $0 != "\n" }))
        #expect(head["columns"] == .integer(80) && head["rows"] == .integer(24))
        let cast = try await admin.call("GET", "/api/recordings/\(id)/asciicast")
        #expect(try JSONValue(String(cast.body.prefix { $0 != "\n" }))["version"] == .integer(2))
        #expect(cast.headers["content-disposition"] == "attachment; filename=\"\(id).cast\"")
        let text = try await admin.call("GET", "/api/recordings/\(id)/text")
        #expect(text.status == 200 && text.headers["content-type"] == "text/plain; charset=utf-8")
        let audit = try await admin.json("GET", "/api/audit?action=recording.export")
        #expect(audit["entries"]?.items.count == 2)
    }

    @Test("a command runs instead of a shell, and its end is the session's end")
    func command() async throws {
        try await HostServer.run { host in
            try await GatewayServer.run { server in
                let admin = try await server.admin()
                let hostID = try await admin.addHost(host, alias: "web-prod")
                let started = try await admin.json(
                    "POST", "/api/sessions",
                    #"{"hostId": "\#(hostID)", "columns": 80, "rows": 24, "command": "echo made-by-command; exit 3"}"#)
                let id = try #require(started["session.id"]?.text)
                var session = started["session"]
                while session?["state"] != .string("ended") {
                    session = try await admin.json("GET", "/api/sessions/\(id)")["session"]
                }
                #expect(session?["ending.reason"] == .string("exit") && session?["ending.exitStatus"] == .integer(3))
                let recording = try #require(session?["recordingId"]?.text)
                var text = try await admin.call("GET", "/api/recordings/\(recording)/text")
                while text.status != 200 { text = try await admin.call("GET", "/api/recordings/\(recording)/text") }
                #expect(text.body.contains("made-by-command"))
            }
        }
    }

    @Test("a host that lets nobody in is an error of that host")
    func refusedByHost() async throws {
        try await HostServer.run { host in
            try await GatewayServer.run { server in
                let admin = try await server.admin()
                let hostID = try await admin.addHost(host, alias: "web-prod")
                try host.allow("")
                let refused = try await admin.call(
                    "POST", "/api/sessions", #"{"hostId": "\#(hostID)", "columns": 80, "rows": 24}"#)
                #expect(refused.status == 502 && refused.code == "authentication_failed")
            }
        }
    }

    @Test("a session that is none, a state that is none and a guest who starts one are refused")
    func errors() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let none = try await admin.call("GET", "/api/sessions/ses_none")
            let state = try await admin.call("GET", "/api/sessions?state=paused")
            let host = try await admin.call(
                "POST", "/api/sessions", #"{"hostId": "hst_none", "columns": 80, "rows": 24}"#)
            #expect(none.status == 404 && state.status == 422 && host.status == 404)
            let recording = try await admin.call("GET", "/api/recordings/rec_none/events")
            let from = try await admin.call("GET", "/api/recordings/rec_none/events?from=-1")
            #expect(recording.status == 404 && from.status == 422)
        }
    }

    @Test("the terminal's WebSocket opens with the page's cookies, and a sign-out closes it")
    func terminal() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            try await RawConnection.open(port: server.server.port) { connection in
                try await connection.send(
                    WebSocketClient.handshake(port: server.server.port, headers: admin.headers()))
                let response = try await connection.response(hasBody: false)
                #expect(response.status == 101)
                let hello = try await WebSocketClient.readFrame(connection)
                #expect(hello.opcode == 2 && hello.payload.first == 0x01)
                _ = try await admin.call("POST", "/auth/sign-out")
                let close = try await WebSocketClient.readFrame(connection)
                #expect(close.opcode == 8 && close.payload.prefix(2) == [0x03, 0xF0])
            }
        }
    }
}
