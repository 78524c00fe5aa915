// One channel's life: RFC 4254 §5.

import NIOCore

struct ChannelState {
    enum Stage {
        /// The number is free.
        case free
        /// CHANNEL_OPEN is out. `isAbandoned`: the owner closed it before the answer came.
        case opening(isAbandoned: Bool)
        /// The peer's CHANNEL_OPEN is in, and the owner has not answered it.
        case offered(remote: UInt32, window: SendWindow)
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

    /// A request of ours that waits for its answer, and what the answer permits.
    struct PendingReply {
        var token: RequestToken
        var grants: Grant?
    }

    /// What the peer may open towards us after it agreed.
    enum Grant {
        case agent
        case x11(isSingle: Bool)
    }

    var id: ChannelID
    var stage = Stage.free
    /// Whether it is a session, and one that the peer opened.
    var isSession = false
    var isFromPeer = false
    var receiveWindow = ReceiveWindow()
    var tuning = WindowTuning()
    var queue = SendQueue()
    var output = Output.open
    var closing = Closing.no
    var hasPeerEnded = false
    /// Our requests that wait for CHANNEL_SUCCESS or CHANNEL_FAILURE; answers come in order (RFC 4254 §5.4).
    var replies = CircularBuffer<PendingReply>()
    /// The peer's requests that wait for our answer.
    var inbound = OrderedAnswers<Bool>()
    /// A person sits at its end: it goes before those that only carry data.
    var isInteractive = false
    /// Whether it stands in one of the table's lines for sending.
    var isInLine = false
    /// What its owner was told last.
    var wasWritable = true

    init(_ id: ChannelID) { self.id = id }

    var isFree: Bool {
        if case .free = stage { return true }
        return false
    }

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

    /// Typing and its echo; a person's channel that floods waits its turn like any other.
    var isUrgent: Bool { isInteractive && queue.bytes <= 16 * 1024 }

    var isWritable: Bool { queue.bytes < (wasWritable ? SendQueue.upperMark : SendQueue.lowerMark) }
}
