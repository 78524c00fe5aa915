import Gateway
import HTTPTypes
import Hummingbird
import NIOConcurrencyHelpers

/// Every call of the API: its method, its path, and whether one has to be signed in for it. There is no way to add a
/// route without saying so.
final class RouteTable: Sendable {
    /// One call. `path` is written with `:name` for its parameters.
    struct Route: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let respond: @Sendable (Call) async throws -> Response

        var segments: [Substring] { path.split(separator: "/") }
    }

    private let state = NIOLockedValueBox<[Route]>([])
    private let authentication: Authentication
    private let limits: WebLimits

    init(authentication: Authentication, limits: WebLimits) {
        self.authentication = authentication
        self.limits = limits
    }

    var routes: [Route] { state.withLockedValue { $0 } }

    /// A call that anybody may make.
    func open(
        _ method: HTTPRequest.Method, _ path: String,
        _ respond: @escaping @Sendable (Call) async throws -> Response
    ) {
        state.withLockedValue { $0.append(Route(method: method, path: path, respond: respond)) }
    }

    /// A call that needs a valid sign-in; the route gets the verified identity.
    func signedIn(
        _ method: HTTPRequest.Method, _ path: String,
        _ respond: @escaping @Sendable (Call, Caller) async throws -> Response
    ) {
        open(method, path) { [authentication] call in
            try await respond(call, authentication.caller(of: call))
        }
    }

    /// A call about one session that a guest may make, too, who came by a link to it. The route gets the verified
    /// identity, and the domain refuses a guest whatever is not of that session.
    func seated(
        _ method: HTTPRequest.Method, _ path: String,
        _ respond: @escaping @Sendable (Call, Caller) async throws -> Response
    ) {
        open(method, path) { [authentication] call in
            try await respond(call, authentication.seat(of: call))
        }
    }

    /// The methods that a path takes; none when nothing is there.
    func methods(for path: String) -> Set<HTTPRequest.Method> {
        let segments = path.split(separator: "/")
        return Set(routes.filter { Self.matches($0.segments, segments) }.map(\.method))
    }

    func install(in router: Router<WebRequestContext>) {
        for route in routes {
            router.on(RouterPath(route.path), method: route.method) { [limits] request, context in
                let body = try await Call.collectBody(of: request, limits: limits)
                return try await withTimeLimit(limits.requestTime) {
                    try await route.respond(Call(request: request, context: context, bodyBytes: body))
                }
            }
        }
    }

    private static func matches(_ pattern: [Substring], _ path: [Substring]) -> Bool {
        pattern.count == path.count && zip(pattern, path).allSatisfy { $0.hasPrefix(":") || $0 == $1 }
    }
}
