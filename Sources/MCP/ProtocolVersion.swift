/// The protocol's revisions, of two kinds that live side by side: until 2025-11-25 a client opens with `initialize`; since
/// 2026-07-28 every request carries its revision and nothing is kept between requests.
public enum ProtocolVersion: Sendable, Hashable {
    case handshake(String)
    case stateless(String)

    static let modern = ["2026-07-28"]
    static let legacy = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

    static let versionKey = "io.modelcontextprotocol/protocolVersion"
    static let capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"
    static let serverKey = "io.modelcontextprotocol/serverInfo"

    var isStateless: Bool {
        if case .stateless = self { return true }
        return false
    }
}

/// What the headers of an HTTP request say about the message in its body.
public struct MCPHeaders: Sendable, Hashable {
    /// `MCP-Protocol-Version`
    public var version: String?
    /// `Mcp-Method`
    public var method: String?
    /// `Mcp-Name`
    public var name: String?
    /// `Mcp-Session-Id`
    public var session: String?

    public init(version: String? = nil, method: String? = nil, name: String? = nil, session: String? = nil) {
        self.version = version
        self.method = method
        self.name = name
        self.session = session
    }

    /// What a client says about a message: for programs that pass messages on.
    public init(for message: JSONValue, version: String?, session: String?) {
        let params = message["params"]
        let stated = params?["_meta"]?[ProtocolVersion.versionKey]?.string
        self.init(version: stated ?? version, session: stated == nil ? session : nil)
        guard stated != nil, let method = message["method"]?.string else { return }
        self.method = method
        name = Self.nameKey[method].flatMap { params?[$0]?.string }.map(Self.encoded)
    }

    /// The member of `params` that `Mcp-Name` repeats.
    static let nameKey = ["tools/call": "name", "prompts/get": "name", "resources/read": "uri"]

    private static let sentinel = (start: "=?base64?", end: "?=")

    /// A header's text: as it is, or in base64 where a header could not carry it.
    static func encoded(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.hasPrefix(" ") && !text.hasSuffix(" ")
            && !text.hasPrefix(sentinel.start)
        return isPlain ? text : sentinel.start + Base64.encoded(Array(text.utf8)) + sentinel.end
    }

    /// Nil for a base64 form that is none, or not the canonical one.
    static func decoded(_ text: String) -> String? {
        guard text.hasPrefix(sentinel.start), text.hasSuffix(sentinel.end), text.count >= 11 else { return text }
        let payload = String(text.dropFirst(sentinel.start.count).dropLast(sentinel.end.count))
        guard let bytes = Base64.decoded(payload), Base64.encoded(bytes) == payload else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
