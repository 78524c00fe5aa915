// One channel's life: RFC 4254 §5.

import NIOCore

struct SessionChannel {
    enum Stage {
        /// CHANNEL_OPEN is out. `isAbandoned`: the owner closed it before the answer came.
        case opening(isAbandoned: Bool)
        case open(remote: UInt32, window: SendWindow)
    }

    /// How far our half of the data has come.
    enum Output {
        case open
        /// EOF follows what is queued.
        case ending
        case ended
    }

    /// How far our end of the channel's closing has come.
    enum Closing {
        case no
        /// CLOSE follows what is queued.
        case afterQueue
        /// CLOSE is out; the peer's is awaited.
        case sent
    }

    let id: ChannelID
    var stage = Stage.opening(isAbandoned: false)
    var receiveWindow = ReceiveWindow()
    var queue = SendQueue()
    var output = Output.open
    var closing = Closing.no
    var hasPeerEnded = false
    /// Our requests that wait for CHANNEL_SUCCESS or CHANNEL_FAILURE; answers come in order (RFC 4254 §5.4).
    var replies = CircularBuffer<RequestToken>()
    /// Whether it stands in the table's line for sending.
    var isInLine = false
    /// What its owner was told last.
    var wasWritable = true

    init(_ id: ChannelID) { self.id = id }

    /// Whether the peer knows the channel and has not seen our CLOSE.
    var isOpen: Bool {
        if case .open = stage, case .no = closing { return true }
        return false
    }

    var isOpening: Bool {
        if case .opening = stage { return true }
        return false
    }

    var isCloseSent: Bool {
        if case .sent = closing { return true }
        return false
    }

    var takesInput: Bool {
        if isOpen, case .open = output { return true }
        return false
    }

    /// Whether there is something to send that nothing of the channel itself holds back.
    var hasWork: Bool {
        guard case .open(_, let window) = stage, !isCloseSent else { return false }
        if receiveWindow.wantsAdjustment { return true }
        if queue.bytes > 0 { return window.available > 0 }
        if case .ending = output { return true }
        if case .afterQueue = closing { return true }
        return false
    }

    var isWritable: Bool { queue.bytes < (wasWritable ? SendQueue.upperMark : SendQueue.lowerMark) }
}
