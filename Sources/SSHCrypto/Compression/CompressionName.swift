/// A compression of payloads; the raw value is its name on the wire (RFC 4253 §6.2).
public enum CompressionName: String, CaseIterable, Sendable, Hashable {
    case none = "none"
    /// zlib (RFC 1950), started once the user is authenticated, so that strangers never reach the decompressor.
    case zlib = "zlib@openssh.com"
}
