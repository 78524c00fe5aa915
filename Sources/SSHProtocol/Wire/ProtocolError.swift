// Why a connection ended, seen from the core.

/// SSH_MSG_DISCONNECT reason codes (RFC 4253 §11.1).
public struct DisconnectReason: RawRepresentable, Sendable, Hashable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let hostNotAllowed = DisconnectReason(rawValue: 1)
    public static let protocolError = DisconnectReason(rawValue: 2)
    public static let keyExchangeFailed = DisconnectReason(rawValue: 3)
    /// Reserved by the RFC; kept for its number.
    public static let reserved = DisconnectReason(rawValue: 4)
    public static let macError = DisconnectReason(rawValue: 5)
    public static let compressionError = DisconnectReason(rawValue: 6)
    public static let serviceNotAvailable = DisconnectReason(rawValue: 7)
    public static let versionNotSupported = DisconnectReason(rawValue: 8)
    public static let hostKeyNotVerifiable = DisconnectReason(rawValue: 9)
    public static let connectionLost = DisconnectReason(rawValue: 10)
    public static let byApplication = DisconnectReason(rawValue: 11)
    public static let tooManyConnections = DisconnectReason(rawValue: 12)
    public static let cancelledByUser = DisconnectReason(rawValue: 13)
    public static let noMoreAuthenticationMethods = DisconnectReason(rawValue: 14)
    public static let illegalUserName = DisconnectReason(rawValue: 15)
}

/// Two lists of algorithms with nothing in common (RFC 4253 §7.1).
public struct AlgorithmMismatch: Sendable, Hashable {
    /// What the lists are of, such as "cipher from client to server".
    public var kind: String
    public var ours: [String]
    /// The peer's, neutralised for display, at most 64 names.
    public var theirs: [String]
}

/// Why the core ended a connection. The peer's fault, the user's and the network's are told apart by `code`.
public struct ProtocolError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// What came first was not an SSH identification (RFC 4253 §4.2).
        case notSSH
        /// The peer speaks SSH, but not version 2.
        case versionNotSupported
        /// A message that does not parse, or a length beyond its limit.
        case malformed
        /// A well-formed message in a state that does not admit it.
        case unexpectedMessage
        /// A packet whose authentication tag is wrong, or that decrypts to an impossible shape.
        case integrity
        case noCommonAlgorithm
        /// The key exchange itself failed: a bad share, or a signature that does not verify.
        case keyExchangeFailed
        /// The host proved a key and the answer to the host key question was no.
        case hostKeyRefused
        /// The host came with another key when it exchanged keys again.
        case hostKeyChangedOnRekey
        /// The host accepts none of the credentials.
        case authenticationFailed
        /// The peer broke a rule of windows or of channel life (RFC 4254 §5).
        case channelViolation
        /// A limit of ours was reached: too many messages waiting, too many banners.
        case limitExceeded
        /// The peer sent SSH_MSG_DISCONNECT.
        case disconnectedByPeer
        case handshakeTimeout
        case keepaliveTimeout
        /// Nothing but signs of life for longer than the configuration allows.
        case idleTimeout
        /// The byte stream ended without SSH_MSG_DISCONNECT.
        case connectionLost
        /// The owner closed the connection.
        case closedByOwner
        /// A fault of our own; never the peer's.
        case internalFailure
    }

    public var code: Code
    /// What goes to the peer in SSH_MSG_DISCONNECT.
    public var reason: DisconnectReason
    /// One sentence for people. Text that came from the peer is already neutralised (see `DisplayText`).
    public var description: String
    /// Methods that the host still offers, on `authenticationFailed`.
    public var offeredMethods: [String]
    /// Both lists, on `noCommonAlgorithm`.
    public var mismatch: AlgorithmMismatch?

    public init(_ code: Code, _ description: String, reason: DisconnectReason, offeredMethods: [String] = []) {
        self.code = code
        self.description = description
        self.reason = reason
        self.offeredMethods = offeredMethods
    }

    /// The core's sentences call the peer "the host", which is what a client's people expect; at a server's end it is the
    /// client.
    func told(to role: ConnectionRole) -> ProtocolError {
        guard role == .server else { return self }
        var error = self
        let words = description.split(separator: " ", omittingEmptySubsequences: false)
        error.description = words.indices.map { index in
            let isHost = words[index].hasPrefix("host") && index > 0
            let follows = isHost && (words[index - 1] == "the" || words[index - 1] == "The")
            return follows ? "client" + words[index].dropFirst(4) : String(words[index])
        }.joined(separator: " ")
        return error
    }

    static func malformed(_ description: String) -> ProtocolError {
        ProtocolError(.malformed, description, reason: .protocolError)
    }

    static func unexpected(_ description: String) -> ProtocolError {
        ProtocolError(.unexpectedMessage, description, reason: .protocolError)
    }

    static func channel(_ description: String) -> ProtocolError {
        ProtocolError(.channelViolation, description, reason: .protocolError)
    }

    static func keyExchange(_ description: String) -> ProtocolError {
        ProtocolError(.keyExchangeFailed, description, reason: .keyExchangeFailed)
    }
}
