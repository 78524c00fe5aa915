/// A channel's number at our end. Numbers are used again only after a channel is closed at both ends.
public struct ChannelID: Sendable, Hashable {
    public let number: UInt32

    init(_ number: UInt32) { self.number = number }
}

/// Names a request of ours until its answer comes.
public struct RequestToken: Sendable, Hashable {
    let number: UInt64
}
