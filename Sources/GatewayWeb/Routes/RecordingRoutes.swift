import Gateway
import HTTPTypes
import Hummingbird
import Recording

/// `/api/recordings`: the list, replay, search, download, and how long they are kept. Nothing is held in memory: a
/// recording flows as its reader reads.
struct RecordingRoutes: Sendable {
    /// Bytes of a piece of a replay when the player does not say.
    private static let replayBytes: Int64 = 1024 * 1024

    private struct HoldBody: Decodable {
        let reason: String
    }

    let recordings: Recordings

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/recordings") { _, caller in
            try JSONAnswer.response(RecordingsAnswer(recordings: try await recordings.recordings(caller)))
        }
        routes.signedIn(.get, "/api/recordings/search") { call, caller in try await search(call, caller) }
        routes.signedIn(.get, "/api/recordings/:id") { call, caller in
            try JSONAnswer.response(try await recordings.recording(call.parameter("id"), caller: caller))
        }
        routes.signedIn(.delete, "/api/recordings/:id") { call, caller in
            try await recordings.delete(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
        routes.signedIn(.get, "/api/recordings/:id/events") { call, caller in try await events(call, caller) }
        routes.signedIn(.get, "/api/recordings/:id/screen") { call, caller in
            let time = try seconds(call, "at")
            return try JSONAnswer.response(
                try await recordings.screen(call.parameter("id"), at: time, caller: caller))
        }
        routes.signedIn(.get, "/api/recordings/:id/verify") { call, caller in
            try JSONAnswer.response(try await recordings.verify(call.parameter("id"), caller: caller))
        }
        routes.signedIn(.put, "/api/recordings/:id/hold") { call, caller in
            let body = try call.body(HoldBody.self)
            return try JSONAnswer.response(
                try await recordings.hold(call.parameter("id"), reason: body.reason, caller: caller))
        }
        routes.signedIn(.delete, "/api/recordings/:id/hold") { call, caller in
            try JSONAnswer.response(try await recordings.release(call.parameter("id"), caller: caller))
        }
        for format in ExportFormat.allCases {
            routes.signedIn(.get, "/api/recordings/:id/\(format.rawValue)") { call, caller in
                try await export(call, caller, format)
            }
        }
        routes.signedIn(.get, "/api/settings/recordings") { _, _ in
            try JSONAnswer.response(try await recordings.retention())
        }
        routes.signedIn(.put, "/api/settings/recordings") { call, caller in
            let retention = try call.body(RecordingRetention.self)
            return try JSONAnswer.response(try await recordings.setRetention(retention, caller: caller))
        }
    }

    private func events(_ call: Call, _ caller: Caller) async throws -> Response {
        let from = try seconds(call, "from")
        let limit = try call.integer("limit", in: 1024...(16 * 1024 * 1024)) ?? Self.replayBytes
        let opened = try await recordings.open(call.parameter("id"), caller: caller)
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody(asyncSequence: opened.replay(from: from, limit: Int(limit))))
    }

    private func seconds(_ call: Call, _ name: String) throws -> Double {
        guard let text = call.query(name) else { return 0 }
        guard let from = Double(text), from.isFinite, from >= 0 else {
            throw GatewayError.invalid(field: name, "“\(name)” must be a number of seconds.")
        }
        return from
    }

    private func search(_ call: Call, _ caller: Caller) async throws -> Response {
        let scope = call.query("in") ?? RecordingSearch.Scope.all.rawValue
        guard let scope = RecordingSearch.Scope(rawValue: scope) else {
            let names = RecordingSearch.Scope.allCases.map(\.rawValue).joined(separator: ", ")
            throw GatewayError.invalid(field: "in", "“in” is one of \(names).")
        }
        let limit = try call.integer("limit", in: 1...500) ?? 100
        let found = try await recordings.search(
            .init(
                call.query("q") ?? "", scope: scope, recording: call.query("recording"), from: call.query("from"),
                limit: Int(limit)),
            caller: caller)
        return try JSONAnswer.response(found)
    }

    private func export(_ call: Call, _ caller: Caller, _ format: ExportFormat) async throws -> Response {
        let opened = try await recordings.export(call.parameter("id"), as: format, caller: caller)
        // The identifier is letters and digits of ours; a host's name in a file name could be anything.
        let name = "\(opened.recording.id).\(format.fileExtension)"
        return Response(
            status: .ok,
            headers: [.contentType: format.mediaType, .contentDisposition: "attachment; filename=\"\(name)\""],
            body: ResponseBody(asyncSequence: opened.stream(format)))
    }
}
