// The one error of this module.

public import SSHProtocol

/// Why something about a connection failed: a code for machines, a sentence for people, and what to do next.
public struct SSHError: Error, Sendable, Hashable {
    /// Stable strings; `rawValue` is what an API may show.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case hostNotFound = "host_not_found"
        case addressNotAllowed = "address_not_allowed"
        case connectionRefused = "connection_refused"
        case connectionTimeout = "connection_timeout"
        case unreachable = "unreachable"
        case connectionFailed = "connection_failed"
        case notSSH = "not_ssh"
        case versionNotSupported = "version_not_supported"
        case handshakeTimeout = "handshake_timeout"
        case noCommonAlgorithm = "no_common_algorithm"
        case keyExchangeFailed = "key_exchange_failed"
        case hostKeyRefused = "host_key_refused"
        case hostKeyChanged = "host_key_changed"
        case authenticationFailed = "authentication_failed"
        case disconnected = "disconnected"
        case connectionLost = "connection_lost"
        case keepaliveTimeout = "keepalive_timeout"
        case integrityFailure = "integrity_failure"
        case protocolError = "protocol_error"
        case channelRefused = "channel_refused"
        case requestRefused = "request_refused"
        case channelClosed = "channel_closed"
        case connectionClosed = "connection_closed"
        case tooManyChannels = "too_many_channels"
        case forwardRefused = "forward_refused"
        case listenFailed = "listen_failed"
        case cancelled = "cancelled"
        case internalError = "internal_error"
    }

    /// Which failure this is. Two errors are equal when their codes and sentences are.
    public var code: Code
    /// What happened and why, in one sentence. Nothing secret, and no control character from the host.
    public var description: String
    /// What to do next.
    public var hint: String
    /// The authentication methods that the host still offers, on `authentication_failed`.
    public var offeredMethods: [String]
    /// Both lists, on `no_common_algorithm`.
    public var mismatch: AlgorithmMismatch?
    /// What the host said, on `channel_refused`.
    public var refusal: SSHChannelRefusal?

    public init(_ code: Code, _ description: String, hint: String, offeredMethods: [String] = []) {
        self.code = code
        self.description = description
        self.hint = hint
        self.offeredMethods = offeredMethods
    }
}

extension SSHError: CustomStringConvertible {}

/// A host's refusal of a channel, as it came (RFC 4254 §5.1).
public struct SSHChannelRefusal: Sendable, Hashable {
    public var reason: ChannelRefusal
    /// The host's words, not neutralised.
    public var words: String

    public init(reason: ChannelRefusal, words: String) {
        self.reason = reason
        self.words = words
    }
}
