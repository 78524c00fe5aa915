/// One message of JSON-RPC 2.0.
public enum RPCMessage: Sendable, Hashable {
    case request(id: RPCID, method: String, params: JSONValue?)
    case notification(method: String, params: JSONValue?)
    /// An answer to something that a server asked. This one asks nothing.
    case response(id: RPCID?)

    /// - Throws: `RPCError.parse` or `.invalidRequest`. Batches are refused: no revision that is still in use has them.
    public init(parsing bytes: some Sequence<UInt8>) throws(RPCError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch { throw RPCError.parse }
        guard let message = value.object, message["jsonrpc"] == "2.0" else { throw RPCError.invalidRequest }
        let id = message["id"].flatMap(RPCID.init)
        guard let method = message["method"]?.string else {
            guard message["result"] != nil || message["error"] != nil else { throw RPCError.invalidRequest }
            self = .response(id: id)
            return
        }
        let params = message["params"]
        guard params == nil || params?.object != nil else { throw RPCError.invalidParams("“params” is no object.") }
        guard message["id"] != nil else {
            self = .notification(method: method, params: params)
            return
        }
        guard let id else { throw RPCError.invalidRequest }
        self = .request(id: id, method: method, params: params)
    }

    static func result(_ id: RPCID, _ result: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": id.json, "result": result]
    }

    public static func failure(_ id: RPCID?, _ error: RPCError) -> JSONValue {
        ["jsonrpc": "2.0", "id": id?.json ?? .null, "error": error.json]
    }

    static func notification(_ method: String, _ params: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "method": .string(method), "params": params]
    }
}

/// What names a request: a text or a whole number, and `"1"` is not `1`.
public enum RPCID: Sendable, Hashable {
    case string(String)
    case integer(Int64)

    public init?(_ value: JSONValue) {
        switch value {
        case .string(let text) where text.utf8.count <= 256: self = .string(text)
        case .integer(let number): self = .integer(number)
        default: return nil
        }
    }

    public var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        }
    }
}

/// An error of the protocol itself. What a tool could not do is a result with `isError`, which the model gets to see.
public struct RPCError: Error, Sendable, Hashable {
    public let code: Int64
    public let message: String
    public let data: JSONValue?

    public init(_ code: Int64, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    var json: JSONValue {
        var members: [String: JSONValue] = ["code": .integer(code), "message": .string(message)]
        if let data { members["data"] = data }
        return .object(members)
    }

    /// The HTTP status that the 2026-07-28 revision gives it.
    public var status: Int {
        switch code {
        case -32700, -32600, -32602, -32020, -32021, -32022: 400
        case -32601: 404
        default: 200
        }
    }

    public static let parse = RPCError(-32700, "This is no JSON.")
    public static let invalidRequest = RPCError(-32600, "This is no single JSON-RPC 2.0 message.")
    public static func invalidParams(_ why: String) -> RPCError { RPCError(-32602, why) }
    static func noMethod(_ method: String) -> RPCError {
        RPCError(-32601, "There is no method “\(method.prefix(100))” here.")
    }
    static func mismatch(_ header: String) -> RPCError {
        RPCError(-32020, "The header \(header) does not say what the body says.")
    }
    static func unsupported(_ version: String) -> RPCError {
        RPCError(
            -32022, "This protocol version is not spoken here.",
            data: ["supported": .array(ProtocolVersion.modern.map { .string($0) }), "requested": .string(version)])
    }
    /// A resource that is not there, in the revisions that give it a code of its own.
    public static func noResource(_ uri: String) -> RPCError {
        RPCError(-32002, "There is no such resource.", data: ["uri": .string(uri)])
    }
}
