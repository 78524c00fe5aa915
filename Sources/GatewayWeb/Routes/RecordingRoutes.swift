import Gateway
import HTTPTypes
import Hummingbird

/// `/api/recordings`: the list, replay, and download. Nothing is held in memory: a recording flows as its reader reads.
struct RecordingRoutes: Sendable {
    /// Bytes of a piece of a replay when the player does not say.
    private static let replayBytes: Int64 = 1024 * 1024

    let recordings: Recordings

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/recordings") { _, caller in
            try JSONAnswer.response(RecordingsAnswer(recordings: try await recordings.recordings(caller)))
        }
        routes.signedIn(.get, "/api/recordings/:id") { call, caller in
            try JSONAnswer.response(try await recordings.recording(call.parameter("id"), caller: caller))
        }
        routes.signedIn(.get, "/api/recordings/:id/events") { call, caller in try await events(call, caller) }
        for format in Recordings.ExportFormat.allCases {
            routes.signedIn(.get, "/api/recordings/:id/\(format.rawValue)") { call, caller in
                try await export(call, caller, format)
            }
        }
    }

    private func events(_ call: Call, _ caller: Caller) async throws -> Response {
        let from = try seconds(call)
        let limit = try call.integer("limit", in: 1024...(16 * 1024 * 1024)) ?? Self.replayBytes
        let opened = try await recordings.open(call.parameter("id"), caller: caller)
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody(asyncSequence: opened.replay(from: from, limit: Int(limit))))
    }

    private func seconds(_ call: Call) throws -> Double {
        guard let text = call.query("from") else { return 0 }
        guard let from = Double(text), from.isFinite, from >= 0 else {
            throw GatewayError.invalid(field: "from", "“from” must be a number of seconds.")
        }
        return from
    }

    private func export(_ call: Call, _ caller: Caller, _ format: Recordings.ExportFormat) async throws -> Response {
        let opened = try await recordings.export(call.parameter("id"), as: format, caller: caller)
        // The identifier is letters and digits of ours; a host's name in a file name could be anything.
        let name = "\(opened.recording.id).\(format.fileExtension)"
        return Response(
            status: .ok,
            headers: [.contentType: format.mediaType, .contentDisposition: "attachment; filename=\"\(name)\""],
            body: ResponseBody(asyncSequence: opened.stream(format)))
    }
}
