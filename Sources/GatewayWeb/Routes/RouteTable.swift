import Gateway
import HTTPTypes
import Hummingbird
import NIOConcurrencyHelpers
import NIOCore

/// Every call of the API: its method, its path, and whether one has to be signed in for it. There is no way to add a
/// route without saying so.
final class RouteTable: Sendable {
    /// One call. `path` is written with `:name` for its parameters.
    struct Route: Sendable {
        let method: HTTPRequest.Method
        let path: String
        /// The route reads the body itself, as a stream of bytes of any length; else it is JSON and read beforehand.
        var takesBytes = false
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
            try await Self.forAgents { try await respond(call, authentication.agent(of: call)) }
        }
        state.withLockedValue { $0.append(route) }
    }

    /// What goes wrong is told an agent in words that are fit for it.
    private static func forAgents(_ answer: () async throws -> Response) async throws -> Response {
        do { return try await answer() } catch let error as GatewayError { throw AgentService.words(of: error) }
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
                return try await Self.forAgents { try await agent(call, authentication.agent(of: call)) }
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

    /// A call whose body is a stream of bytes: a file. Nothing of it is read before the route does, and the route is
    /// not waited for with a time limit, since the stream may be long.
    func signedInWithBytes(
        _ method: HTTPRequest.Method, _ path: String,
        _ respond: @escaping @Sendable (Call, Caller) async throws -> Response
    ) {
        openWithBytes(method, path) { [authentication] call in
            try await respond(call, authentication.caller(of: call))
        }
    }

    /// The same for people; an agent that calls it sends JSON, as everywhere.
    func eitherWithBytes(
        _ method: HTTPRequest.Method, _ path: String, agentBytes: Int,
        person: @escaping @Sendable (Call, Caller) async throws -> Response,
        agent: @escaping @Sendable (Call, Agent) async throws -> Response
    ) {
        openWithBytes(method, path) { [authentication, limits] call in
            guard authentication.agentToken(in: call.request) != nil else {
                return try await person(call, authentication.caller(of: call))
            }
            let identity = try await authentication.agent(of: call)
            var limits = limits
            limits.bodyBytes = agentBytes
            let body = try await Call.collectBody(of: call.request, limits: limits)
            return try await withTimeLimit(AgentRoutes.time) {
                try await Self.forAgents {
                    try await agent(Call(request: call.request, context: call.context, bodyBytes: body), identity)
                }
            }
        }
    }

    /// The same for anybody.
    func openWithBytes(
        _ method: HTTPRequest.Method, _ path: String,
        _ respond: @escaping @Sendable (Call) async throws -> Response
    ) {
        state.withLockedValue { $0.append(Route(method: method, path: path, takesBytes: true, respond: respond)) }
    }

    /// Whether the body of a request is a stream of bytes.
    func takesBytes(_ request: Request) -> Bool {
        guard authentication.agentToken(in: request) == nil else { return false }
        let segments = request.uri.path.split(separator: "/")
        return routes.contains {
            $0.takesBytes && $0.method == request.method && Self.matches($0.segments, segments)
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
                if route.takesBytes { return try await Self.respond(route, request, context) }
                var limits = limits
                if let bodyBytes = route.bodyBytes { limits.bodyBytes = bodyBytes }
                let body = try await Call.collectBody(of: request, limits: limits)
                return try await withTimeLimit(route.time ?? limits.requestTime) {
                    try await route.respond(Call(request: request, context: context, bodyBytes: body))
                }
            }
        }
    }

    /// A stream that is refused is not read to its end: the connection ends with the answer.
    private static func respond(
        _ route: Route, _ request: Request, _ context: WebRequestContext
    ) async throws -> Response {
        do {
            return try await route.respond(Call(request: request, context: context, bodyBytes: ByteBuffer()))
        } catch let error as GatewayError {
            var answer = ErrorAnswers.answer(error)
            answer.headers[.connection] = "close"
            return answer
        }
    }

    private static func matches(_ pattern: [Substring], _ path: [Substring]) -> Bool {
        pattern.count == path.count && zip(pattern, path).allSatisfy { $0.hasPrefix(":") || $0 == $1 }
    }
}
