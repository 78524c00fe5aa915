import MCP
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Passes messages of the Model Context Protocol between standard input and output (one JSON text a line) and a copilot's
/// `/mcp`. It knows the token so that the client's configuration need not, and understands only what passing on needs.
public struct MCPBridge: Sendable {
    /// Why there is nothing to pass messages to.
    public struct Unusable: Error, Sendable, CustomStringConvertible {
        public let message: String
        public let hint: String

        public var description: String { "\(message) \(hint)" }
    }

    private let server: HTTPExchange.Server
    private let path: String
    private let token: String
    private let group: any EventLoopGroup
    private let write: @Sendable ([UInt8]) -> Void
    private let state = ConversationState()

    /// A longer line is refused. Bytes.
    public static let maximumLine = 32 << 20

    /// - Parameters:
    ///   - address: of the copilot, such as `http://127.0.0.1:3000`.
    ///   - certificate: a PEM file to be trusted for it, beside the system's; nil for none.
    ///   - write: takes a message, without a line end.
    public init(
        address: String, token: String, certificate: String? = nil,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, write: @escaping @Sendable ([UInt8]) -> Void
    ) throws(Unusable) {
        guard let parts = Self.parts(of: address) else {
            throw Unusable(
                message: "“\(address)” is no address of a copilot.", hint: "Write it like http://127.0.0.1:3000.")
        }
        server = HTTPExchange.Server(
            host: parts.host, port: parts.port, tls: parts.isEncrypted ? try Self.tls(certificate) : nil,
            authority: parts.authority)
        path = parts.path + "/mcp"
        self.token = token
        self.group = group
        self.write = write
    }

    private static func tls(_ certificate: String?) throws(Unusable) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        do {
            if let certificate {
                configuration.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(certificate))]
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Unusable(
                message: "The certificate \(certificate ?? "") cannot be used: \(error).", hint: "Name a PEM file.")
        }
    }

    private static func parts(
        of address: String
    ) -> (isEncrypted: Bool, host: String, port: Int, authority: String, path: String)? {
        let isEncrypted = address.hasPrefix("https://")
        guard isEncrypted || address.hasPrefix("http://") else { return nil }
        let rest = address.dropFirst(isEncrypted ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        if path.hasSuffix("/mcp") { path.removeLast(4) }
        guard !authority.isEmpty, !authority.contains("@"), path.isEmpty || path.hasPrefix("/"), !path.contains("?"),
            authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        var host = authority
        var port = isEncrypted ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]"),
            authority.hasPrefix("[") || authority.firstIndex(of: ":") == colon
        {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
                return nil
            }
            (host, port) = (authority[..<colon], number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : (isEncrypted, String(host), port, String(authority), path)
    }

    /// Passes on each line until there are no more, then waits for the answers that are still due.
    public func run(_ lines: some AsyncSequence<[UInt8], any Error> & Sendable) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            for try await line in lines where !line.allSatisfy({ $0 <= 0x20 }) {
                guard line.count <= Self.maximumLine else {
                    write(RPCMessage.failure(nil, RPCError(-32600, "The line is too long.")).bytes)
                    continue
                }
                receive(line, &tasks)
            }
        }
    }

    private func receive(_ line: [UInt8], _ tasks: inout ThrowingDiscardingTaskGroup<any Error>) {
        guard let message = try? JSONValue(parsing: line), message.object != nil else {
            return write(RPCMessage.failure(nil, .parse).bytes)
        }
        let id = message["id"].flatMap(RPCID.init)
        let isRequest = message["method"] != nil && id != nil
        // Since 2026-07-28 a request over HTTP is taken back by closing its connection.
        if message["method"] == "notifications/cancelled",
            let name = message["params"]?["requestId"].flatMap(RPCID.init),
            state.cancel(name)
        {
            return
        }
        let headers = MCPHeaders(for: message, version: state.version, session: state.session)
        let exchange = Task { await pass(line, headers, isRequest ? id : nil, message["method"]?.string) }
        if isRequest, let id, headers.method != nil { state.add(exchange, id) }
        tasks.addTask {
            await exchange.value
            if let id { state.remove(id) }
        }
    }

    private func pass(_ line: [UInt8], _ headers: MCPHeaders, _ id: RPCID?, _ method: String?) async {
        var fields = HTTPHeaders([
            ("Authorization", "Bearer \(token)"), ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"), ("User-Agent", "copilot-mcp"),
        ])
        for (name, value) in [
            ("MCP-Protocol-Version", headers.version), ("Mcp-Method", headers.method), ("Mcp-Name", headers.name),
            ("Mcp-Session-Id", headers.session),
        ] {
            if let value { fields.add(name: name, value: value) }
        }
        var reader = ResponseReader(isHandshake: method == "initialize")
        do {
            try await HTTPExchange.run(server, path: path, headers: fields, content: line, group: group) {
                head, bytes in
                if let session = head.headers.first(name: "Mcp-Session-Id") { state.session = session }
                for message in try reader.read(head, bytes) { deliver(message, reader.isHandshake) }
            }
            if let message = reader.whole(id) { deliver(message, reader.isHandshake) }
            guard let id, !reader.hasAnswered else { return }
            write(RPCMessage.failure(id, RPCError(-32000, "The copilot ended without an answer.")).bytes)
        } catch {
            guard let id, !Task.isCancelled else { return }
            let hint = "Is it running at \(server.authority)? It is started with: copilot agent-gateway"
            write(RPCMessage.failure(id, RPCError(-32000, "The copilot does not answer. \(hint)")).bytes)
        }
    }

    private func deliver(_ message: JSONValue, _ isHandshake: Bool) {
        if isHandshake, let version = message["result"]?["protocolVersion"]?.string { state.version = version }
        write(message.bytes)
    }
}

/// The messages in a response, whichever way they come.
private struct ResponseReader {
    let isHandshake: Bool
    private var events = ServerSentEvents.Reader()
    private var content: [UInt8] = []
    private var status = 0
    private(set) var hasAnswered = false

    init(isHandshake: Bool) { self.isHandshake = isHandshake }

    mutating func read(_ head: HTTPExchange.Head, _ bytes: ByteBuffer?) throws -> [JSONValue] {
        status = head.status
        guard let bytes else { return [] }
        guard head.headers.first(name: "Content-Type")?.hasPrefix("text/event-stream") == true else {
            content += bytes.readableBytesView
            guard content.count <= ServerSentEvents.Reader.maximumEvent else { throw ChannelError.inputClosed }
            return []
        }
        guard let found = events.read(bytes.readableBytesView) else { throw ChannelError.inputClosed }
        let messages = found.compactMap { try? JSONValue(parsing: $0) }
        if messages.contains(where: { $0["id"] != nil && $0["method"] == nil }) { hasAnswered = true }
        return messages
    }

    /// A response that is one JSON text: a message, or the copilot's own error.
    mutating func whole(_ id: RPCID?) -> JSONValue? {
        guard !content.isEmpty, let value = try? JSONValue(parsing: content) else { return nil }
        if value["jsonrpc"] != nil {
            hasAnswered = true
            return value
        }
        guard let id else { return nil }
        hasAnswered = true
        let words = [value["error"]?.string, value["hint"]?.string].compactMap { $0 }.joined(separator: " ")
        return RPCMessage.failure(
            id, RPCError(-32000, words.isEmpty ? "The copilot answered \(status)." : words, data: value))
    }
}

/// What a client's conversation has come to, and the requests that run.
private final class ConversationState: Sendable {
    private struct State {
        var version: String?
        var session: String?
        var running: [RPCID: Task<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var version: String? {
        get { state.withLock { $0.version } }
        set { state.withLock { $0.version = newValue } }
    }

    var session: String? {
        get { state.withLock { $0.session } }
        set { state.withLock { $0.session = newValue } }
    }

    func add(_ task: Task<Void, Never>, _ id: RPCID) { state.withLock { $0.running[id] = task } }

    func remove(_ id: RPCID) { state.withLock { $0.running[id] = nil } }

    /// Whether a request of that name ran and was ended.
    func cancel(_ id: RPCID) -> Bool {
        guard let task = state.withLock({ $0.running.removeValue(forKey: id) }) else { return false }
        task.cancel()
        return true
    }
}
