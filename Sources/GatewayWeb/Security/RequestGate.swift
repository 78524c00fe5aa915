import Gateway
import HTTPTypes
import Hummingbird

/// What a request has to be before anything looks at it: for this server by name, and, where it acts or upgrades with
/// a browser's cookies, from a page of this server.
struct RequestGate: RouterMiddleware {
    typealias Context = WebRequestContext

    let origins: OwnOrigins
    let cookies: CookieNames
    /// Whether a request's body is a file.
    var takesBytes: @Sendable (Request) -> Bool = { _ in false }

    func handle(
        _ request: Request, context: WebRequestContext,
        next: (Request, WebRequestContext) async throws -> Response
    ) async throws -> Response {
        try checkHost(request, context)
        try checkOrigin(request, context)
        try checkContentType(request)
        return try await next(request, context)
    }

    private func checkHost(_ request: Request, _ context: WebRequestContext) throws {
        // A second Host field could be read differently by a proxy in between. Where the target names a host, that counts.
        guard
            let host = request.head.authority, request.headers[.host] == nil,
            request.head.path?.hasPrefix("/") == true,
            origins.contains(host: host, localPort: context.localPort)
        else {
            throw GatewayError(
                "wrong_host", status: 421, "This server is not known under the name of this request.",
                hint: "Use the address that the server printed, or add this name to its configuration.")
        }
    }

    private func checkOrigin(_ request: Request, _ context: WebRequestContext) throws {
        let isUpgrade = request.headers[.upgrade]?.lowercased().contains("websocket") == true
        guard isUpgrade || !Self.isSafe(request.method) else {
            // A token that a page sends comes from a page of this server, even where it only reads.
            guard request.headers[.authorization] != nil, let origin = request.headers[.origin],
                !origins.contains(origin: origin, localPort: context.localPort)
            else { return }
            throw Self.foreignOrigin
        }
        if let origin = request.headers[.origin] {
            if origins.contains(origin: origin, localPort: context.localPort) { return }
        } else if !isUpgrade, !cookies.isPresent(in: request) {
            return
        } else if isUpgrade, request.headers[.authorization] != nil, !cookies.isPresent(in: request) {
            return
        }
        throw Self.foreignOrigin
    }

    private static let foreignOrigin = GatewayError(
        "foreign_origin", status: 403,
        "This request came from a page that is not this server's, or does not say where it came from.",
        hint: "Open the copilot's own page. A program without a browser uses an access token instead of cookies.")

    /// A body is JSON, or bytes where a file is expected: a form of another page can send neither without asking first.
    private func checkContentType(_ request: Request) throws {
        guard !Self.isSafe(request.method), Self.hasBody(request) else { return }
        let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
        if takesBytes(request) {
            guard type?.filter({ $0 != " " }) == "application/octet-stream" else {
                throw GatewayError(
                    "unsupported_media_type", status: 415, "The body of this request is not marked as bytes.",
                    hint: "Send it with Content-Type: application/octet-stream.")
            }
            return
        }
        guard type?.filter({ $0 != " " }) == "application/json" else {
            throw GatewayError(
                "unsupported_media_type", status: 415, "The body of this request is not marked as JSON.",
                hint: "Send it with Content-Type: application/json.")
        }
    }

    private static func isSafe(_ method: HTTPRequest.Method) -> Bool {
        method == .get || method == .head || method == .options
    }

    private static func hasBody(_ request: Request) -> Bool {
        if request.headers[.transferEncoding] != nil { return true }
        guard let length = request.headers[.contentLength] else { return false }
        return length != "0"
    }
}
