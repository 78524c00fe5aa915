// All channels of a connection, and whose turn it is to send.

import NIOCore

struct ChannelTable {
    /// Open session channels (RFC 4254 §6.1), by our number.
    private(set) var channels: [UInt32: SessionChannel] = [:]
    /// Channels with something to send, each once, first come first served.
    private var line = CircularBuffer<UInt32>()
    private var nextNumber: UInt32 = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { channels.isEmpty }

    mutating func open() throws(ProtocolError) -> ChannelID {
        guard channels.count < limit else {
            throw ProtocolError(
                .limitExceeded, "The connection carries \(channels.count) channels and may carry no more.",
                reason: .byApplication)
        }
        // The lowest free number: small, used again, and never one that is still in use.
        while channels[nextNumber] != nil { nextNumber &+= 1 }
        let id = ChannelID(nextNumber)
        channels[nextNumber] = SessionChannel(id)
        nextNumber &+= 1
        return id
    }

    /// RFC 4254 §5: a message for a channel that does not exist is the peer's fault, and never another channel's.
    func channel(_ number: UInt32) throws(ProtocolError) -> SessionChannel {
        guard let channel = channels[number] else {
            throw .channel("The host sent a message for a channel that is not open.")
        }
        return channel
    }

    mutating func remove(_ number: UInt32) {
        channels[number] = nil
        if number < nextNumber { nextNumber = number }
    }

    /// Changes a channel in place, and puts it in line when it has something to send.
    @discardableResult
    mutating func update<Result>(_ number: UInt32, _ body: (inout SessionChannel) -> Result) -> Result? {
        guard let index = channels.index(forKey: number) else { return nil }
        let result = body(&channels.values[index])
        if channels.values[index].hasWork, !channels.values[index].isInLine {
            channels.values[index].isInLine = true
            line.append(number)
        }
        return result
    }

    /// The channel whose turn it is, taken out of the line.
    mutating func nextInLine() -> UInt32? {
        while let number = line.popFirst() {
            guard let index = channels.index(forKey: number) else { continue }
            channels.values[index].isInLine = false
            if channels.values[index].hasWork { return number }
        }
        return nil
    }

    var hasWork: Bool { line.contains { channels[$0]?.hasWork == true } }
}
