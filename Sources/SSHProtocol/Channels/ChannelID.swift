/// A channel of a connection. Its number at our end is used again once the channel is closed at both ends; the generation
/// keeps whoever still holds the old one from reaching the new channel.
public struct ChannelID: Sendable, Hashable {
    /// What the peer calls the recipient (RFC 4254 §5.1).
    public let number: UInt32
    let generation: UInt32

    init(_ number: UInt32, generation: UInt32 = 0) {
        self.number = number
        self.generation = generation
    }
}

/// Names a request of ours until its answer comes, or one of the peer's until it is answered.
public struct RequestToken: Sendable, Hashable {
    let number: UInt64
}
