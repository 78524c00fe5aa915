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
        /// Bytes of the body and time until the response begins, where they are not the usual ones.
        var bodyBytes: Int?
        var time: Duration?
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

    /// A call of AI agents, by their token alone.
    /// - Parameters:
    ///   - bodyBytes: of the body at most, where it is not the usual.
    ///   - time: until the response begins, where it may wait for a person or a command.
    func agent(
        _ method: HTTPRequest.Method, _ path: String, bodyBytes: Int? = nil, time: Duration? = nil,
        _ respond: @escaping @Sendable (Call, Agent) async throws -> Response
    ) {
        let route = Route(method: method, path: path, bodyBytes: bodyBytes, time: time) { [authentication] call in
            try await respond(call, authentication.agent(of: call))
        }
        state.withLockedValue { $0.append(route) }
    }

    /// A call that people and agents make alike, each with its own meaning; the credential tells which.
    /// - Parameter forGuests: guests of one session may make it, too.
    func either(
        _ method: HTTPRequest.Method, _ path: String, bodyBytes: Int? = nil, time: Duration? = nil,
        forGuests: Bool = false,
        person: @escaping @Sendable (Call, Caller) async throws -> Response,
        agent: @escaping @Sendable (Call, Agent) async throws -> Response
    ) {
        let route = Route(method: method, path: path, bodyBytes: bodyBytes, time: time) { [authentication] call in
            if authentication.agentToken(in: call.request) != nil {
                return try await agent(call, authentication.agent(of: call))
            }
            let caller = try await forGuests ? authentication.seat(of: call) : authentication.caller(of: call)
            return try await person(call, caller)
        }
        state.withLockedValue { $0.append(route) }
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
                var limits = limits
                if let bodyBytes = route.bodyBytes { limits.bodyBytes = bodyBytes }
                let body = try await Call.collectBody(of: request, limits: limits)
                return try await withTimeLimit(route.time ?? limits.requestTime) {
                    try await route.respond(Call(request: request, context: context, bodyBytes: body))
                }
            }
        }
    }

    private static func matches(_ pattern: [Substring], _ path: [Substring]) -> Bool {
        pattern.count == path.count && zip(pattern, path).allSatisfy { $0.hasPrefix(":") || $0 == $1 }
    }
}
