/// Why a shim cannot stand: a code for machines, a sentence for people, and what to do next.
public struct ShimError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable strings; `rawValue` is what a script may compare.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A key file cannot be read, written, or be trusted with.
        case keyFile = "key_file"
        /// A key was given for a purpose that it must not serve.
        case wrongKey = "wrong_key"
        case listenFailed = "listen_failed"
        /// What was asked for would let others in.
        case insecure = "insecure"
        /// Two upstreams have the same name, or one has none that fits.
        case upstreamName = "upstream_name"
    }

    public var code: Code
    public var description: String
    public var hint: String

    public init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }
}
