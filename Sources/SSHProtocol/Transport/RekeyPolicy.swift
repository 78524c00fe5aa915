/// When we begin a new key exchange by ourselves (RFC 4253 §9, RFC 4344 §3.1). Whichever comes first.
public struct RekeyPolicy: Sendable, Hashable {
    /// Bytes in one direction under one set of keys. 1 GiB by default.
    public var bytes: UInt64
    /// Packets in one direction under one set of keys. 2^31 by default: half of the sequence number space.
    public var packets: UInt64
    /// Time since the last key exchange. An hour by default.
    public var interval: Duration

    public init(bytes: UInt64 = 1 << 30, packets: UInt64 = 1 << 31, interval: Duration = .seconds(3600)) {
        self.bytes = bytes
        self.packets = packets
        self.interval = interval
    }

    public static let standard = RekeyPolicy()
}
