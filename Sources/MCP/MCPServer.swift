/// A server of the Model Context Protocol, apart from how messages reach it: both kinds of revisions, tools and resources.
///
/// `admit` judges a message by itself and by the headers that came with it; `run` does what an admitted call asks.
public struct MCPServer<Principal: Sendable>: Sendable {
    /// Something to be sent before the answer.
    public enum Event: Sendable {
        case message(JSONValue)
        /// Nothing to say, but the call still runs.
        case beat
    }

    let name: String
    let title: String
    let version: String
    let instructions: String
    let tools: [Tool<Principal>]
    let shelf: ResourceShelf<Principal>?
    /// The time between two signs of life of a call that runs.
    let beatInterval: Duration
    let inFlight = CallsInFlight()

    /// Calls of one principal at once.
    public static var maximumCalls: Int { 64 }

    public init(
        name: String, title: String, version: String, instructions: String, tools: [Tool<Principal>],
        shelf: ResourceShelf<Principal>? = nil, beatInterval: Duration = .seconds(10)
    ) {
        self.name = name
        self.title = title
        self.version = version
        self.instructions = instructions
        self.tools = tools
        self.shelf = shelf
        self.beatInterval = beatInterval
    }

    // MARK: Admission

    /// A request that passed everything that can be said about it before it is done.
    public struct Call: Sendable {
        public let id: RPCID
        public let method: String
        let params: [String: JSONValue]
        let version: ProtocolVersion
        /// Whether the end of the connection takes the call back (2026-07-28 on).
        public var endsWithConnection: Bool { version.isStateless }
        /// Whether it may take long: its answer is better streamed.
        public var mayTakeLong: Bool { method == "tools/call" }
        /// Whether it opens a conversation (until 2025-11-25).
        public var isHandshake: Bool { method == "initialize" }
    }

    public enum Admission: Sendable {
        case call(Call)
        /// Nothing is to be answered.
        case notification(method: String, params: JSONValue?)
        case rejected(status: Int, JSONValue)
    }

    /// - Parameter headers: nil where messages come without, as on standard input.
    public func admit(_ bytes: some Sequence<UInt8>, headers: MCPHeaders?) -> Admission {
        var id: RPCID?
        do {
            switch try RPCMessage(parsing: bytes) {
            case .response: return .notification(method: "", params: nil)
            case .notification(let method, let params): return .notification(method: method, params: params)
            case .request(let name, let method, let params):
                id = name
                let params = params?.object ?? [:]
                let version = try Self.version(method: method, params: params, headers: headers)
                return .call(Call(id: name, method: method, params: params, version: version))
            }
        } catch {
            return .rejected(status: error.status, RPCMessage.failure(id, error))
        }
    }

    /// Which kind of revision a request is of: the one that it names in itself, or that of the handshake.
    private static func version(
        method: String, params: [String: JSONValue], headers: MCPHeaders?
    ) throws(RPCError) -> ProtocolVersion {
        let meta = params["_meta"]?.object
        let stated = meta?[ProtocolVersion.versionKey]
        let isModernHeader = headers?.version.map { !ProtocolVersion.legacy.contains($0) } ?? false
        guard stated != nil || isModernHeader && method != "initialize" || method == "server/discover" else {
            return .handshake(headers?.version ?? "2025-03-26")
        }
        if let headers, let version = headers.version, stated == nil, !ProtocolVersion.modern.contains(version) {
            throw .unsupported(version)
        }
        guard let meta, let stated, meta[ProtocolVersion.capabilitiesKey] != nil else {
            throw .invalidParams(
                "params._meta must have “\(ProtocolVersion.versionKey)” and “\(ProtocolVersion.capabilitiesKey)”.")
        }
        guard let version = stated.string else { throw .invalidParams("The protocol version must be a text.") }
        if let headers { try check(headers, version, method, params) }
        guard ProtocolVersion.modern.contains(version) else { throw .unsupported(version) }
        return .stateless(version)
    }

    /// What stands between may decide by the headers alone: they must say what the body says.
    private static func check(
        _ headers: MCPHeaders, _ version: String, _ method: String, _ params: [String: JSONValue]
    ) throws(RPCError) {
        guard headers.version == version else { throw .mismatch("MCP-Protocol-Version") }
        guard headers.method == method else { throw .mismatch("Mcp-Method") }
        guard let key = MCPHeaders.nameKey[method], let named = params[key]?.string else { return }
        guard headers.name.flatMap(MCPHeaders.decoded) == named else { throw .mismatch("Mcp-Name") }
    }

    /// A message that wants no answer: a call that is taken back.
    public func note(method: String, params: JSONValue?, caller: MCPCaller) {
        guard method == "notifications/cancelled", let id = params?["requestId"].flatMap(RPCID.init) else { return }
        inFlight.cancel(.init(caller: caller, id: id))
    }

    // MARK: Running

    /// Does what a call asks.
    ///
    /// - Parameters:
    ///   - caller: whose call it is. The call's own name is unique for that caller, or, in the stateless revisions, unused.
    ///   - control: ends the call before its time.
    ///   - emit: gets what is to be sent before the answer.
    /// - Returns: the answer, a JSON-RPC response.
    public func run(
        _ call: Call, principal: Principal, caller: MCPCaller, control: CallControl = CallControl(),
        emit: @escaping @Sendable (Event) -> Void
    ) async -> JSONValue {
        do {
            guard call.mayTakeLong else { return answer(call, try await result(of: call, principal)) }
            guard inFlight.count(principal: caller.principal) < Self.maximumCalls else {
                throw RPCError(-32000, "More than \(Self.maximumCalls) calls run already.")
            }
            // A stateless call ends with its connection, so nobody names it; two clients may give it the same name.
            let own =
                call.version.isStateless ? .init(principal: caller.principal, conversation: Self.unique()) : caller
            let key = CallsInFlight.Key(caller: own, id: call.id)
            inFlight.add(control, key)
            defer { inFlight.remove(control, key) }
            return answer(call, try await perform(call, principal, control, emit))
        } catch let error as RPCError {
            return RPCMessage.failure(call.id, error)
        } catch {
            return RPCMessage.failure(call.id, RPCError(-32603, "Something went wrong inside the server."))
        }
    }

    private static func unique() -> String { "call " + String(UInt64.random(in: .min ... .max), radix: 36) }

    private func answer(_ call: Call, _ result: [String: JSONValue]) -> JSONValue {
        var result = result
        if call.version.isStateless {
            result["resultType"] = "complete"
            var meta = result["_meta"]?.object ?? [:]
            meta[ProtocolVersion.serverKey] = serverInfo
            result["_meta"] = .object(meta)
        }
        return RPCMessage.result(call.id, .object(result))
    }

    private var serverInfo: JSONValue {
        ["name": .string(name), "title": .string(title), "version": .string(version)]
    }

    private var capabilities: JSONValue {
        shelf == nil
            ? ["tools": ["listChanged": false]]
            : ["tools": ["listChanged": false], "resources": ["listChanged": false, "subscribe": false]]
    }

    private func result(of call: Call, _ principal: Principal) async throws -> [String: JSONValue] {
        switch (call.method, call.version) {
        case ("initialize", .handshake): return handshake(call)
        case ("ping", .handshake): return [:]
        case ("server/discover", .stateless):
            return cached(
                [
                    "supportedVersions": .array((ProtocolVersion.modern + ProtocolVersion.legacy).map { .string($0) }),
                    "capabilities": capabilities, "serverInfo": serverInfo, "instructions": .string(instructions),
                ], call, milliseconds: 60_000)
        case ("tools/list", _): return cached(["tools": .array(tools.map(\.json))], call, milliseconds: 60_000)
        default:
            guard let shelf, let result = try await resources(shelf, call, principal) else {
                throw RPCError.noMethod(call.method)
            }
            return result
        }
    }

    private func handshake(_ call: Call) -> [String: JSONValue] {
        let wanted = call.params["protocolVersion"]?.string
        let agreed = wanted.flatMap { ProtocolVersion.legacy.contains($0) ? $0 : nil } ?? ProtocolVersion.legacy[0]
        return [
            "protocolVersion": .string(agreed), "capabilities": capabilities, "serverInfo": serverInfo,
            "instructions": .string(instructions),
        ]
    }

    /// How long a client may keep a list. Only the stateless revisions have a place for that.
    private func cached(_ result: [String: JSONValue], _ call: Call, milliseconds: Int64) -> [String: JSONValue] {
        guard call.version.isStateless else { return result }
        return result.merging(["ttlMs": .integer(milliseconds), "cacheScope": "private"]) { $1 }
    }

    private func resources(
        _ shelf: ResourceShelf<Principal>, _ call: Call, _ principal: Principal
    ) async throws -> [String: JSONValue]? {
        switch call.method {
        case "resources/list":
            let entries = try await shelf.list(principal)
            return cached(["resources": .array(entries.map { $0.json(uriKey: "uri") })], call, milliseconds: 0)
        case "resources/templates/list":
            let templates = shelf.templates.map { $0.json(uriKey: "uriTemplate") }
            return cached(["resourceTemplates": .array(templates)], call, milliseconds: 60_000)
        case "resources/read":
            guard let uri = call.params["uri"]?.string else { throw RPCError.invalidParams("“uri” is missing.") }
            guard let content = try await shelf.read(uri, principal) else { throw RPCError.noResource(uri) }
            let part: JSONValue = [
                "uri": .string(uri), "mimeType": .string(content.type), "text": .string(content.text),
            ]
            return cached(["contents": [part]], call, milliseconds: 0)
        default: return nil
        }
    }

    // MARK: Tools

    private func perform(
        _ call: Call, _ principal: Principal, _ control: CallControl, _ emit: @escaping @Sendable (Event) -> Void
    ) async throws -> [String: JSONValue] {
        guard let name = call.params["name"]?.string, let tool = tools.first(where: { $0.name == name }) else {
            throw RPCError.invalidParams("There is no tool “\((call.params["name"]?.string ?? "").prefix(100))” here.")
        }
        guard let arguments = (call.params["arguments"] ?? [:]).object else {
            throw RPCError.invalidParams("“arguments” is no object.")
        }
        let beats = Beats(token: call.params["_meta"]?["progressToken"], interval: beatInterval, emit: emit)
        let work = Task {
            try await tool.call(
                Arguments(arguments), CallContext(principal: principal, control: control, tell: beats.tell))
        }
        control.onEnd { work.cancel() }
        let pulse = Task { await beats.run() }
        defer { pulse.cancel() }
        let answer: ToolAnswer
        do {
            answer = try await withTaskCancellationHandler {
                try await work.value
            } onCancel: {
                control.abandon()
            }
        } catch let failure as ToolFailure {
            answer = failure.answer
        } catch is CancellationError {
            answer = ToolFailure("cancelled", "The call was taken back.", hint: "Call again.").answer
        }
        return [
            "content": [["type": "text", "text": .string(answer.text)]], "structuredContent": answer.data,
            "isError": .bool(answer.isError),
        ]
    }
}

extension ResourceShelf.Entry {
    func json(uriKey: String) -> JSONValue {
        .object([
            uriKey: .string(uri), "name": .string(name), "description": .string(description), "mimeType": .string(type),
        ])
    }
}
