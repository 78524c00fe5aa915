import Gateway
import NIOCore
import SSH
import SSHProtocol

/// A plain ssh client at a live session: its terminal's output and input, through the same door as every other seat's.
/// Loop-bound.
final class SSHSeat: SessionStage {
    /// Input given to the session and not accepted yet, in bytes; the rest waits here, bounded by the channel's window.
    private static let inFlightLimit = 128 * 1024
    /// Output of so few bytes is what a key brought: it leaves at once.
    private static let echo = 1024
    /// The same sentence is not said again so soon.
    private static let noticePause = TimeAmount.seconds(3)
    /// Brings a terminal back to how a shell wants it, whatever a program at the session left behind.
    private static let restored =
        "\u{1B}[?1049l\u{1B}[?47l\u{1B}[!p\u{1B}[r\u{1B}[?1000l\u{1B}[?1002l\u{1B}[?1003l\u{1B}[?1006l\u{1B}[?1004l"
        + "\u{1B}[?2004l\u{1B}[?25h\u{1B}[?7h\u{1B}[0m"

    let session: LiveSession
    private let channel: SSHServerSessionChannel
    private let eventLoop: any EventLoop
    /// Called once, at the end, with how the session ended; nil when the person left it.
    private var ended: (SessionEnding?) -> Void
    private(set) lazy var outlet = SSHSeatOutlet(self, on: eventLoop)

    private var seatID: String?
    /// What the session told last says this of the keyboard; asked at each key.
    private var whoElse: WhoElse?
    /// The same person has the keyboard at another seat.
    private var isHeldByMyself = false
    private var filter = QuestionFilter()
    /// Everything before this offset was given to the client; and what the session knows of that.
    private var shown: UInt64 = 0
    private var acknowledged: UInt64 = 0
    private var isTurnScheduled = false
    /// The session is on this loop.
    private let isNear: Bool

    private var sequence: UInt64 = 0
    private var waiting = CircularBuffer<ByteBuffer>()
    private var inFlight = CircularBuffer<(sequence: UInt64, bytes: Int)>()
    private var inFlightBytes = 0

    private var lastNotice: (text: String, at: NIODeadline)?
    private var showsSnapshot = false
    private var isOver = false

    init(_ session: LiveSession, _ channel: SSHServerSessionChannel, ended: @escaping (SessionEnding?) -> Void) {
        self.session = session
        self.channel = channel
        self.ended = ended
        eventLoop = channel.connection.eventLoop
        isNear = session.eventLoop === eventLoop
    }

    /// What the client was given, as far as it reads. On this loop.
    func written() -> UInt64 {
        if channel.isWritable { acknowledged = max(acknowledged, shown) }
        return acknowledged
    }

    /// The session gave the seat.
    func attached(_ seat: String) {
        guard !isOver else { return leave(seat) }
        seatID = seat
        session.submit { $0.setLossless(seat: seat) }
        pumpInput()
        turnSoon()
    }

    private func leave(_ seat: String) {
        let outlet = outlet
        session.submit { $0.disconnected(seat: seat, outlet: outlet) }
    }

    // MARK: Input

    func received(_ data: ByteBuffer) {
        guard !isOver else { return channel.consumed(data.readableBytes) }
        if let keys = whoElse { return locally(data, keys) }
        // One's own keyboard, at another device or at a link that was cut, comes along with whoever types.
        if isHeldByMyself, let seatID { session.submit { $0.takeKeyboard(seat: seatID) } }
        waiting.append(data)
        pumpInput()
    }

    /// Why keys are not for the host, as far as is known here; the session decides anyhow.
    private enum WhoElse {
        case watching
        case heldBy(String)
    }

    private func learn(_ state: SeatState) {
        (whoElse, isHeldByMyself) = (nil, false)
        if state.you.mode != .control { return whoElse = .watching }
        guard let holder = state.session.keyboard.holder, !state.you.holder else { return }
        isHeldByMyself = state.session.seats.first { $0.seatId == state.you.seatId }?.userId == holder.userId
        // An agent gives way to whoever types.
        if !isHeldByMyself, !holder.userId.hasPrefix("agt_") { whoElse = .heldBy(holder.name) }
    }

    /// Keys of somebody who does not type at the host: a few are for us.
    private func locally(_ data: ByteBuffer, _ why: WhoElse) {
        channel.consumed(data.readableBytes)
        let keys = data.readableBytesView
        // Ctrl-D leaves; for a mere viewer Ctrl-C and q do, too.
        if keys.contains(0x04) { return depart() }
        switch why {
        case .watching:
            if keys.contains(0x03) || keys.elementsEqual("q".utf8) { return depart() }
            notice("You are watching: what you type goes nowhere. Ctrl-D leaves.")
        case .heldBy(let name):
            if keys.contains(0x14), let seatID {
                return session.submit { $0.takeKeyboard(seat: seatID) }
            }
            notice("\(name) has the keyboard: what you type goes nowhere. Ctrl-T takes it, Ctrl-D leaves.")
        }
    }

    private func depart() {
        guard let seatID else { return }
        session.submit { $0.detach(seat: seatID) }
        finish(nil)
    }

    private func pumpInput() {
        guard let seatID, !isOver else { return }
        while inFlightBytes < Self.inFlightLimit, let bytes = waiting.popFirst() {
            sequence += 1
            let (number, count) = (sequence, bytes.readableBytes)
            inFlight.append((number, count))
            inFlightBytes += count
            session.submit { $0.input(seat: seatID, sequence: number, bytes: bytes) }
        }
    }

    /// The session has taken, or refused, everything up to this.
    private func settled(_ number: UInt64) {
        while let first = inFlight.first, first.sequence <= number {
            inFlight.removeFirst()
            inFlightBytes -= first.bytes
            channel.consumed(first.bytes)
        }
        if !waiting.isEmpty { turnSoon() }
    }

    /// A terminal has no end of input that a host could be told of: it gets its end-of-file character.
    func endOfFile() {
        guard !isOver, whoElse == nil else { return }
        waiting.append(ByteBuffer(bytes: [0x04]))
        pumpInput()
    }

    func resized(_ terminal: SSHServerTerminal) {
        guard let seatID else { return }
        session.submit { $0.sized(seat: seatID, columns: terminal.columns, rows: terminal.rows) }
    }

    func signal(_ name: String) {}

    // MARK: Output

    /// From the session, on this loop. Nothing may call the session back from here: it is in the middle of something.
    func deliver(_ message: SeatMessage) {
        guard !isOver else { return }
        switch message {
        case .pieces(let pieces):
            for case .output(let offset, let bytes) in pieces {
                let isUrgent = pieces.count == 1 && bytes.readableBytes <= Self.echo
                for part in filter.pass(bytes) { channel.write(part, isUrgent: isUrgent) }
                shown = offset + UInt64(bytes.readableBytes)
            }
            // A session on this loop asks by itself, and is told when the client reads again.
            if !isNear { turnSoon() }
        case .snapshot(let offset, let columns, let rows, let vt):
            filter = QuestionFilter()
            channel.write(ByteBuffer(string: Self.restored + "\u{1B}[H\u{1B}[2J"))
            channel.write(ByteBuffer(bytes: vt))
            shown = offset
            if !showsSnapshot { tellSize(columns, rows) }
            showsSnapshot = true
            turnSoon()
        case .state(let state): learn(state)
        case .inputAccepted(let number): settled(number)
        case .inputRefused(let number, _, let sentence):
            settled(number)
            notice(sentence)
        case .notice(_, let sentence, let hint): notice(hint.isEmpty ? sentence : "\(sentence) \(hint)")
        case .ended(let ending): finish(ending)
        case .removed: finish(SessionEnding(reason: .endedBy, detail: "You are no longer at this session."))
        default: break
        }
    }

    private func tellSize(_ columns: Int, _ rows: Int) {
        guard let terminal = channel.info.terminal, terminal.columns < columns || terminal.rows < rows else { return }
        notice(
            "This session is \(columns)×\(rows), your terminal \(terminal.columns)×\(terminal.rows): lines may look broken "
                + "until you have the keyboard.")
    }

    /// On a line of its own, where it stands in the scrollback and no program's picture is believed to be ours.
    private func notice(_ text: String) {
        let now = NIODeadline.now()
        if let last = lastNotice, last.text == text, now - last.at < Self.noticePause { return }
        lastNotice = (text, now)
        let line = DisplayText.neutralise(text, limit: 400)
        channel.write(ByteBuffer(string: "\r\n\u{1B}[7m copilot: \(line) \u{1B}[27m\r\n"))
    }

    func writabilityChanged(_ isWritable: Bool) {
        if isWritable { turnSoon() }
    }

    /// What the session is told follows in a turn of its own.
    private func turnSoon() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { bound.value.turn() }
    }

    private func turn() {
        isTurnScheduled = false
        guard let seatID, !isOver else { return }
        pumpInput()
        // A client that does not read stops here, and with it the host.
        guard shown > acknowledged, channel.isWritable else { return }
        acknowledged = shown
        let offset = shown
        session.submit { $0.acknowledged(seat: seatID, offset: offset) }
    }

    // MARK: The end

    private func finish(_ ending: SessionEnding?) {
        guard !isOver else { return }
        isOver = true
        outlet.detach()
        // A program that ended by itself has left the terminal in order.
        if showsSnapshot || ending?.reason != .exit { channel.write(ByteBuffer(string: Self.restored)) }
        for bytes in waiting { channel.consumed(bytes.readableBytes) }
        waiting.removeAll()
        let ended = ended
        self.ended = { _ in }
        ended(ending)
    }

    func closed(_ error: SSHError?) {
        guard !isOver else { return }
        isOver = true
        outlet.detach()
        ended = { _ in }
        // The session goes on and waits for its person, as when a phone has lost its link.
        if let seatID { leave(seatID) }
    }

    /// The session judges its seats itself.
    func reauthorise() {}

    func revoke(_ sentence: String) {
        finish(SessionEnding(reason: .endedBy, detail: sentence))
        if let seatID { session.submit { $0.detach(seat: seatID) } }
    }
}

/// Carries a session's messages to the client's loop.
final class SSHSeatOutlet: SeatOutlet {
    private let eventLoop: any EventLoop
    private let isNear: Bool
    private let seat: NIOLoopBoundBox<SSHSeat?>

    init(_ seat: SSHSeat, on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        isNear = seat.session.eventLoop === eventLoop
        self.seat = NIOLoopBoundBox(seat, eventLoop: eventLoop)
    }

    var written: UInt64? { isNear ? seat.value?.written() : nil }

    func send(_ message: SeatMessage) {
        if eventLoop.inEventLoop {
            seat.value?.deliver(message)
        } else {
            eventLoop.execute { self.seat.value?.deliver(message) }
        }
    }

    /// Nothing is delivered from here on. On the loop.
    func detach() { seat.value = nil }
}
