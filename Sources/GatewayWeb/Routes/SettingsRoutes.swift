import Gateway
import Hummingbird

/// `/api/settings`: what the admins decided for everybody.
struct SettingsRoutes: Sendable {
    private struct ChangeBody: Decodable {
        let seatlessMinutes: Int?
        let idleMinutes: Int?
        let recordingFailure: String?
    }

    let settings: Settings

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/settings") { _, _ in
            try JSONAnswer.response(try await settings.current())
        }
        routes.signedIn(.patch, "/api/settings") { call, caller in
            let body = try call.body(ChangeBody.self)
            let value = try await settings.update(
                seatlessMinutes: body.seatlessMinutes, idleMinutes: body.idleMinutes,
                recordingFailure: body.recordingFailure, caller: caller)
            return try JSONAnswer.response(value)
        }
    }
}
