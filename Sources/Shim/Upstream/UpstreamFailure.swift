public import SSH

/// Why the connection to a host could not be made, or ended.
public struct UpstreamFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence. Nothing secret, and no control character from the host.
    public var description: String
    /// What to do next.
    public var hint: String
    /// Another attempt would end in the same way, or do harm: the host shows another key, or refuses the credential.
    public var isFinal: Bool

    public init(_ description: String, hint: String, isFinal: Bool) {
        self.description = description
        self.hint = hint
        self.isFinal = isFinal
    }

    public init(_ error: SSHError) {
        self.init(error.description, hint: error.hint, isFinal: Self.isFinal(error.code))
    }

    private static func isFinal(_ code: SSHError.Code) -> Bool {
        switch code {
        case .hostKeyRefused, .hostKeyChanged, .authenticationFailed, .noCommonAlgorithm, .versionNotSupported,
            .addressNotAllowed:
            true
        default: false
        }
    }

    static let closedByHost = UpstreamFailure(
        "The host closed the connection.", hint: "The host's own log may say why.", isFinal: false)
}
