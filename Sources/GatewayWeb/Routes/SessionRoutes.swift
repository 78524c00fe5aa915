import Gateway
import Hummingbird

/// `/api/sessions`: start, look, share, end. What happens inside a session goes through the terminal's WebSocket.
struct SessionRoutes: Sendable {
    private struct StartBody: Decodable {
        let hostId: String
        let columns: Int
        let rows: Int
        let userId: String?
        let command: String?
        let watched: Bool?
    }
    private struct ParticipantBody: Decodable {
        let userId: String
        let mode: SeatMode?
    }
    private struct ModeBody: Decodable {
        let mode: SeatMode
    }

    let sessions: Sessions
    let sockets: TerminalSockets

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/sessions") { call, caller in try await list(call, caller) }
        routes.signedIn(.post, "/api/sessions") { call, caller in
            let body = try call.body(StartBody.self)
            let session = try await sessions.start(
                Sessions.Request(
                    hostID: body.hostId, columns: body.columns, rows: body.rows, userID: body.userId,
                    command: body.command, isWatched: body.watched ?? false),
                caller: caller, near: sockets.eventLoop(of: caller))
            return try JSONAnswer.response(SessionAnswer(session: session), status: .created)
        }
        routes.seated(.get, "/api/sessions/:id") { call, caller in
            try answer(try await sessions.session(call.parameter("id"), caller: caller))
        }
        routes.signedIn(.delete, "/api/sessions/:id") { call, caller in
            try await sessions.end(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
        routes.signedIn(.post, "/api/sessions/:id/participants") { call, caller in
            let body = try call.body(ParticipantBody.self)
            return try answer(
                try await sessions.share(
                    call.parameter("id"), userID: body.userId, mode: body.mode ?? .view, caller: caller))
        }
        routes.signedIn(.patch, "/api/sessions/:id/participants/:userId") { call, caller in
            let body = try call.body(ModeBody.self)
            return try answer(
                try await sessions.share(
                    call.parameter("id"), userID: call.parameter("userId"), mode: body.mode, caller: caller))
        }
        routes.signedIn(.delete, "/api/sessions/:id/participants/:userId") { call, caller in
            try answer(
                try await sessions.unshare(call.parameter("id"), userID: call.parameter("userId"), caller: caller))
        }
    }

    private func list(_ call: Call, _ caller: Caller) async throws -> Response {
        let state = call.query("state")
        guard [nil, "live", "ended"].contains(state) else {
            throw GatewayError.invalid(field: "state", "“state” must be live or ended.")
        }
        let found = try await sessions.sessions(caller, live: state != "ended", ended: state != "live")
        return try JSONAnswer.response(SessionsAnswer(sessions: found))
    }

    private func answer(_ session: SessionView) throws -> Response {
        try JSONAnswer.response(SessionAnswer(session: session))
    }
}
