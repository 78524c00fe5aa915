import Gateway
import HTTPTypes
import Hummingbird
import MCP
import NIOCore

/// `POST /mcp`: the Model Context Protocol for agents, over streamable HTTP. Who calls is told by the token alone; Host
/// and Origin are checked like everywhere.
struct MCPRoute: Sendable {
    static let path = "/mcp"
    /// Until the answer begins; that of a tool begins at once and may take as long as the tool waits.
    private static let time: Duration = .seconds(30)

    private let server: MCPServer<Agent>

    init(agents: AgentService, version: String) {
        server = AgentTools(agents: agents).server(version: version)
    }

    func add(to routes: RouteTable) {
        routes.agent(.post, Self.path, bodyBytes: AgentRoutes.largeBody, time: Self.time) { call, agent in
            try await answer(call, agent)
        }
    }

    private func answer(_ call: Call, _ agent: Agent) async throws -> Response {
        let fields = call.request.headers
        try Self.check(accept: fields[values: .accept])
        let headers = MCPHeaders(
            version: try Self.single(.mcpProtocolVersion, fields), method: try Self.single(.mcpMethod, fields),
            name: try Self.single(.mcpName, fields), session: fields[.mcpSessionID])
        let caller = MCPCaller(principal: agent.id, conversation: String((headers.session ?? "").prefix(100)))
        switch server.admit(call.bodyBytes.readableBytesView, headers: headers) {
        case .rejected(let status, let answer): return Self.json(answer, status: HTTPResponse.Status(code: status))
        case .notification(let method, let params):
            server.note(method: method, params: params, caller: caller)
            return Response(status: .accepted)
        case .call(let message):
            if message.mayTakeLong, Self.takesStreams(fields[values: .accept]) {
                return try await stream(message, agent, caller, call.context)
            }
            let control = CallControl()
            try await Self.endOfInput(of: call.context).whenComplete { _ in Self.end(control, message) }
            let answer = await server.run(message, principal: agent, caller: caller, control: control) { _ in }
            var response = Self.json(answer, status: Self.status(of: answer, for: message))
            if message.isHandshake { response.headers[.mcpSessionID] = Self.newSession() }
            return response
        }
    }

    /// The answer as a stream of events: signs of life until it is there.
    private func stream(
        _ message: MCPServer<Agent>.Call, _ agent: Agent, _ caller: MCPCaller, _ context: WebRequestContext
    ) async throws -> Response {
        let control = CallControl()
        try await Self.endOfInput(of: context).whenComplete { _ in Self.end(control, message) }
        let body = ResponseBody { [server] writer in
            let (parts, continuation) = AsyncStream.makeStream(of: [UInt8].self)
            let work = Task {
                let answer = await server.run(message, principal: agent, caller: caller, control: control) { event in
                    switch event {
                    case .message(let message): continuation.yield(ServerSentEvents.event(message))
                    case .beat: continuation.yield(ServerSentEvents.beat)
                    }
                }
                continuation.yield(ServerSentEvents.event(answer))
                continuation.finish()
            }
            do {
                for await part in parts { try await writer.write(ByteBuffer(bytes: part)) }
                try await writer.finish(nil)
            } catch {
                Self.end(control, message)
                await work.value
                throw error
            }
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .xAccelBuffering: "no"], body: body)
    }

    /// The client is gone: since 2026-07-28 that takes the call back, before it says nothing about it.
    private static func end(_ control: CallControl, _ message: MCPServer<Agent>.Call) {
        if message.endsWithConnection { control.cancel() } else { control.abandon() }
    }

    private static func endOfInput(of context: WebRequestContext) async throws -> EventLoopFuture<Void> {
        let channel = context.channel
        return try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: InputEnd.self).future
        }.get()
    }

    private static func json(_ value: JSONValue, status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.bytes)))
    }

    /// Only the stateless revisions give their errors a status; older clients would take one for a broken connection.
    private static func status(of answer: JSONValue, for message: MCPServer<Agent>.Call) -> HTTPResponse.Status {
        guard message.endsWithConnection, case .integer(let code)? = answer["error"]?["code"] else { return .ok }
        return HTTPResponse.Status(code: RPCError(code, "").status)
    }

    /// A name for a client's conversation. Nothing is kept under it but the calls that run, so it never expires.
    private static func newSession() -> String {
        (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined(separator: "-")
    }

    /// Readers of the first and of the last copy of a header would disagree.
    private static func single(_ name: HTTPField.Name, _ fields: HTTPFields) throws -> String? {
        let values = fields[values: name]
        guard values.count <= 1 else {
            throw GatewayError(
                "bad_request", status: 400, "The header \(name.rawName) is there more than once.", hint: "Send it once."
            )
        }
        return values.first
    }

    private static func check(accept: [String]) throws {
        let takesJSON = accept.isEmpty || accept.contains { $0.contains("application/json") || $0.contains("*/*") }
        guard takesJSON else {
            throw GatewayError(
                "not_acceptable", status: 406, "Answers come as JSON or as a stream of events.",
                hint: "Send Accept: application/json, text/event-stream.")
        }
    }

    private static func takesStreams(_ accept: [String]) -> Bool {
        accept.contains { $0.contains("text/event-stream") }
    }
}

extension HTTPField.Name {
    static let mcpProtocolVersion = mcp("MCP-Protocol-Version")
    static let mcpMethod = mcp("Mcp-Method")
    static let mcpName = mcp("Mcp-Name")
    static let mcpSessionID = mcp("Mcp-Session-Id")
    static let xAccelBuffering = mcp("X-Accel-Buffering")

    /// A name written in this program is a valid one; the fallback is never sent.
    private static func mcp(_ name: String) -> HTTPField.Name { HTTPField.Name(name) ?? .server }
}
