// All channels of a connection, and whose turn it is to send. Nothing here takes longer with more channels.

import NIOCore

struct ChannelTable {
    var limits: ChannelLimits {
        didSet { windowBudgetLeft += limits.windowBudget - oldValue.windowBudget }
    }
    /// By our number; a slot is used again, so that numbers stay small.
    private var slots: ContiguousArray<ChannelState> = []
    /// Numbers that are free, the one that was freed last on top.
    private var free: ContiguousArray<UInt32> = []
    /// Channels with something to send, each once, first come first served; typing goes before data.
    private var urgentLine = CircularBuffer<UInt32>()
    private var line = CircularBuffer<UInt32>()
    private var windowBudgetLeft: Int
    private(set) var count = 0
    /// Sessions that the peer opened.
    private(set) var peerSessions = 0
    /// Channels that we opened and the peer has not answered.
    private(set) var unconfirmed = 0
    /// The peer's requests that wait for our answer, on all channels.
    private(set) var unansweredRequests = 0

    /// What the peer may open towards us, because a session of ours asked for it and the peer agreed.
    var isAgentGranted = false
    var isX11Granted = false
    var isX11SingleGranted = false
    /// no-more-sessions@openssh.com was sent by the client, whichever end that is.
    var isClosedToSessions = false

    init(limits: ChannelLimits) {
        self.limits = limits
        windowBudgetLeft = limits.windowBudget
    }

    init(limit: Int) { self.init(limits: ChannelLimits(channels: limit)) }

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count >= limits.channels }
    /// Whether the owner has so many requests to answer that nothing more is read.
    var isInboundFull: Bool { unansweredRequests >= limits.unansweredRequests }

    // MARK: Life

    mutating func open(isSession: Bool) throws(ProtocolError) -> ChannelID {
        guard !isFull else {
            throw ProtocolError(
                .limitExceeded, "The connection carries \(count) channels and may carry no more.",
                reason: .byApplication)
        }
        unconfirmed += 1
        return add(.opening(isAbandoned: false), isSession: isSession, isFromPeer: false)
    }

    /// The peer's yes to a channel that is being opened.
    mutating func confirm(_ id: ChannelID, remote: UInt32, window: SendWindow) {
        unconfirmed -= 1
        update(id) { $0.stage = .open(remote: remote, window: window) }
    }

    mutating func offer(remote: UInt32, window: SendWindow, isSession: Bool) -> ChannelID {
        if isSession { peerSessions += 1 }
        return add(.offered(remote: remote, window: window), isSession: isSession, isFromPeer: true)
    }

    private mutating func add(_ stage: ChannelState.Stage, isSession: Bool, isFromPeer: Bool) -> ChannelID {
        let number = free.popLast() ?? UInt32(slots.count)
        if Int(number) == slots.count { slots.append(ChannelState(ChannelID(number))) }
        let index = Int(number)
        let id = ChannelID(number, generation: slots[index].id.generation &+ 1)
        var channel = ChannelState(id)
        channel.stage = stage
        channel.isSession = isSession
        channel.isFromPeer = isFromPeer
        channel.isInLine = slots[index].isInLine
        channel.receiveWindow = ReceiveWindow(size: firstWindow, maximumPacket: limits.maximumPacket)
        windowBudgetLeft -= Int(channel.receiveWindow.size)
        slots[index] = channel
        count += 1
        return id
    }

    /// With thousands of channels the later ones begin small, and grow if they are busy and others have ended.
    private var firstWindow: UInt32 {
        min(limits.initialWindow, max(64 * 1024, UInt32(clamping: windowBudgetLeft / 8)))
    }

    mutating func remove(_ number: UInt32) {
        guard let index = index(number) else { return }
        let id = slots[index].id
        count -= 1
        if slots[index].isOpening { unconfirmed -= 1 }
        if slots[index].isSession, slots[index].isFromPeer { peerSessions -= 1 }
        unansweredRequests -= slots[index].inbound.unanswered
        windowBudgetLeft += Int(slots[index].receiveWindow.size)
        // The number may still stand in a line; whoever comes first there finds the slot free or a channel without work.
        let isInLine = slots[index].isInLine
        slots[index] = ChannelState(id)
        slots[index].isInLine = isInLine
        free.append(number)
    }

    // MARK: Access

    private func index(_ number: UInt32) -> Int? {
        let index = Int(number)
        guard index < slots.count, !slots[index].isFree else { return nil }
        return index
    }

    private func index(_ id: ChannelID) -> Int? {
        guard let index = index(id.number), slots[index].id == id else { return nil }
        return index
    }

    /// Whether the number once was a channel's and is free now.
    func wasClosed(_ number: UInt32) -> Bool {
        let index = Int(number)
        return index < slots.count && slots[index].isFree
    }

    /// The channel that the peer means. RFC 4254 §5: a message for a channel that does not exist is the peer's fault, and
    /// never another channel's.
    func id(_ number: UInt32) throws(ProtocolError) -> ChannelID {
        guard let index = index(number) else {
            throw .channel("The peer sent a message for a channel that is not open.")
        }
        return slots[index].id
    }

    /// Reads something of a channel.
    func read<Result>(_ id: ChannelID, _ body: (borrowing ChannelState) -> Result) -> Result? {
        guard let index = index(id) else { return nil }
        return body(slots[index])
    }

    /// Changes a channel in place, and puts it in line when it has something to send.
    @discardableResult
    mutating func update<Result>(_ id: ChannelID, _ body: (inout ChannelState) -> Result) -> Result? {
        guard let index = index(id) else { return nil }
        let unanswered = slots[index].inbound.unanswered
        let result = body(&slots[index])
        unansweredRequests += slots[index].inbound.unanswered - unanswered
        putInLine(index)
        return result
    }

    /// `update` for changes that the peer may have made impossible.
    mutating func change<Result>(
        _ id: ChannelID, _ body: (inout ChannelState) throws(ProtocolError) -> Result
    ) throws(ProtocolError) -> Result? {
        guard let index = index(id) else { return nil }
        let result = try body(&slots[index])
        putInLine(index)
        return result
    }

    /// A window that holds its sender back becomes twice as large, as far as the limits go.
    mutating func growWindow(_ id: ChannelID) {
        guard let index = index(id), slots[index].tuning.answered(slots[index].receiveWindow) else { return }
        let size = slots[index].receiveWindow.size
        let goal = min(Int(size) * 2, Int(min(limits.maximumWindow, ReceiveWindow.largest)))
        let growth = min(goal - Int(size), windowBudgetLeft)
        guard growth > 0 else { return }
        slots[index].receiveWindow.grow(to: size + UInt32(clamping: growth))
        windowBudgetLeft -= growth
        putInLine(index)
    }

    // MARK: Turns

    private mutating func putInLine(_ index: Int) {
        guard slots[index].hasWork, !slots[index].isInLine else { return }
        slots[index].isInLine = true
        if slots[index].isUrgent {
            urgentLine.append(UInt32(index))
        } else {
            line.append(UInt32(index))
        }
    }

    /// The channel whose turn it is, taken out of its line.
    mutating func nextInLine() -> ChannelID? {
        while let number = urgentLine.popFirst() ?? line.popFirst() {
            let index = Int(number)
            slots[index].isInLine = false
            if slots[index].hasWork { return slots[index].id }
        }
        return nil
    }
}
