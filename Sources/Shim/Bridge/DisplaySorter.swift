// Whose display a program means, when several clients forward theirs over one connection to the host.

import NIOCore
import SSH

/// Holds the beginning of an X11 connection until it has brought its cookie (X Window System Protocol, "Connection Setup"),
/// and hands everything on from the first byte. Loop-bound.
final class DisplaySorter: SSHRelayDelegate {
    /// nil: nobody's cookie.
    private(set) var client: (any ShimVisitor)?
    let channel: SSHRelayChannel
    private let displays: [ClientGrants<any ShimVisitor>.Display]
    private let sorted: (DisplaySorter) -> Void
    private var input = ByteBuffer()
    private var isSorted = false
    private var hasEnded = false
    /// How it ended before it was handed on.
    private var closed: SSHError??
    private var successor: BridgeEnd?

    init(
        _ channel: SSHRelayChannel, _ displays: [ClientGrants<any ShimVisitor>.Display],
        sorted: @escaping (DisplaySorter) -> Void
    ) {
        self.channel = channel
        self.displays = displays
        self.sorted = sorted
    }

    var request: ChannelOpenRequest { channel.request }

    /// Nobody wants it.
    func giveUp(_ ended: () -> Void) {
        channel.abort()
        ended()
    }

    /// From here on `end` owns the channel.
    func hand(to end: BridgeEnd) {
        end.channel = channel
        successor = end
        if input.readableBytes > 0 { end.relay(channel, received: input, stream: .standardOutput) }
        if hasEnded { end.relayEndOfFile(channel) }
        if case .some(let error) = closed { end.relay(channel, closed: error) }
    }

    /// What has come, for an owner of another kind that takes the channel over now; nil when it is over.
    func release() -> (received: ByteBuffer, hasEnded: Bool)? {
        guard closed == nil else { return nil }
        return (input, hasEnded)
    }

    // MARK: SSHRelayDelegate

    func relay(_ channel: SSHRelayChannel, received data: ByteBuffer, stream: SSHDataStream) {
        if let successor { return successor.relay(channel, received: data, stream: stream) }
        // No window is given back meanwhile: it bounds what is held.
        input.writeImmutableBuffer(data)
        guard !isSorted else { return }
        switch X11Setup.cookie(in: input) {
        case .needsMore: return
        case .cookie(let cookie): finish(displays.last { $0.cookie == cookie }?.client)
        case .none: finish(nil)
        }
    }

    private func finish(_ client: (any ShimVisitor)?) {
        guard !isSorted else { return }
        isSorted = true
        self.client = client
        sorted(self)
    }

    func relay(_ channel: SSHRelayChannel, asked request: InboundChannelRequest) {
        channel.answer(request, success: false)
    }

    func relay(_ channel: SSHRelayChannel, told request: SessionRequest) {}

    func relayEndOfFile(_ channel: SSHRelayChannel) {
        if let successor { return successor.relayEndOfFile(channel) }
        hasEnded = true
        finish(nil)
    }

    func relayEndOfWrite(_ channel: SSHRelayChannel) { successor?.relayEndOfWrite(channel) }

    func relay(_ channel: SSHRelayChannel, writabilityChanged isWritable: Bool) {
        successor?.relay(channel, writabilityChanged: isWritable)
    }

    func relay(_ channel: SSHRelayChannel, closed error: SSHError?) {
        if let successor { return successor.relay(channel, closed: error) }
        closed = .some(error)
        finish(nil)
    }
}

/// The first message of an X11 client.
enum X11Setup {
    enum Cookie: Hashable {
        case needsMore
        /// In hexadecimal, lower case.
        case cookie(String)
        case none
    }

    static func cookie(in input: ByteBuffer) -> Cookie {
        var rest = input
        guard let order = rest.readInteger(as: UInt8.self) else { return .needsMore }
        guard order == UInt8(ascii: "B") || order == UInt8(ascii: "l") else { return .none }
        let endianness: Endianness = order == UInt8(ascii: "B") ? .big : .little
        guard rest.readSlice(length: 5) != nil,
            let nameLength = rest.readInteger(endianness: endianness, as: UInt16.self),
            let cookieLength = rest.readInteger(endianness: endianness, as: UInt16.self),
            rest.readSlice(length: 2) != nil
        else { return .needsMore }
        // Longer than any authorisation is.
        guard nameLength <= 256, cookieLength <= 256 else { return .none }
        guard rest.readSlice(length: (Int(nameLength) + 3) / 4 * 4) != nil,
            let cookie = rest.readBytes(length: Int(cookieLength))
        else { return .needsMore }
        return .cookie(cookie.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
    }
}
