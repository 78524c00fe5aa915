import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import Storage

/// What anybody may ask without signing in: that the server is there, what it is, and what it can do.
struct SystemRoutes: Sendable {
    let serverName: String
    let version: String
    let isSetupRequired: @Sendable () async throws -> Bool

    func add(to routes: RouteTable) {
        routes.open(.get, "/api/health") { _ in try JSONAnswer.response(HealthAnswer(status: "ok")) }
        routes.open(.get, "/api/server") { _ in
            try JSONAnswer.response(
                ServerAnswer(
                    name: serverName, version: version, protocol: 1, setupRequired: try await isSetupRequired(),
                    time: Timestamp.now().iso8601))
        }
        routes.open(.get, "/openapi.yaml") { _ in try Self.description() }
    }

    private static func description() throws -> Response {
        guard let url = Bundle.module.url(forResource: "openapi", withExtension: "yaml", subdirectory: "Resources")
        else {
            throw GatewayError(
                "not_found", status: 404, "The description of the API is not installed.",
                hint: "Install the program together with its resources.")
        }
        return Response(
            status: .ok, headers: [.contentType: "application/yaml; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Data(contentsOf: url))))
    }
}

struct HealthAnswer: Encodable {
    let status: String
}

struct ServerAnswer: Encodable {
    let name: String
    let version: String
    /// The version of the protocol between page and server; a page that knows another one says so.
    let `protocol`: Int
    let setupRequired: Bool
    let time: String
}
