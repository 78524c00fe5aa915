/// What the channels of one connection may take. The defaults suit a person's connection; thousands of channels are a
/// matter of `channels` and `sessions` alone.
public struct ChannelLimits: Sendable, Hashable {
    /// Channels of all kinds at once, whoever opened them.
    public var channels: Int
    /// Session channels (RFC 4254 §6.1) that the peer may have open at once.
    public var sessions: Int
    /// What a new channel's peer may send before we give window back, in bytes. 2 MiB, as OpenSSH: on a link with 100 ms
    /// round trip it carries 20 MB/s.
    public var initialWindow: UInt32 = 2 << 20
    /// How far a window may grow where the link asks for it, in bytes. OpenSSH from 8.9 on does not cope with much more
    /// than the default of 15 MiB; between two ends that do, up to 64 MiB is sensible. At most 1 GiB is used.
    public var maximumWindow: UInt32 = 15 << 20
    /// The largest piece of data that the peer may send in a packet, in bytes: 32 KiB, which every peer copes with.
    public var maximumPacket: UInt32 = 32 * 1024
    /// What the windows of all channels together may come to, in bytes. Beyond it none grows, and new ones begin small.
    public var windowBudget = 128 << 20
    /// Requests of the peer that wait for our answer, on all channels together; with more, nothing is read.
    public var unansweredRequests = 256

    public init(channels: Int = 256, sessions: Int = 10) {
        self.channels = channels
        self.sessions = sessions
    }

    public static let standard = ChannelLimits()
}
