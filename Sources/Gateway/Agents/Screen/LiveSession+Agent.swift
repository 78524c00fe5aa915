import NIOCore
import SSH
import Storage
import Terminal

/// What an agent's seat reads and does beyond what every seat does. The door is the same: what an agent types goes through
/// ``LiveSession/input(seat:sequence:bytes:)`` like everything else.
extension LiveSession {
    /// An agent takes its seat.
    /// - Parameter firstLine: the number of the terminal's first line, where the agent has counted another's before.
    /// - Returns: the seat's identifier.
    func admit(
        _ agent: Caller, mode: SeatMode, seat outlet: AgentSeat, columns: Int, rows: Int, firstLine: Int
    ) throws(GatewayError) -> String {
        if transcript == nil { transcript = SessionTranscript(from: log.end, firstLine: firstLine) }
        share(with: .init(userId: agent.userID, name: agent.name, mode: mode))
        let seat = try attach(
            agent, clientID: agent.userID, device: "agent", have: log.end, columns: columns, rows: rows, outlet: outlet)
        outlet.acknowledges { [weak self] offset in self?.submit { $0.acknowledged(seat: seat, offset: offset) } }
        return seat
    }

    /// A person gives the keyboard to the agent: at the beginning, and whenever it is handed back.
    func handKeyboard(toAgent seat: String) {
        guard let index = seatIndex(seat), state != .ended else { return }
        pendingTransfer = nil
        if (try? lease.take(seats[index].holder, mayType: seats[index].mode == .control)) == true { keyboardChanged() }
    }

    /// The session's connection as long as it lives, watched or not: whoever uses it asks `requireOpen` before each use.
    var connectionOfAgents: SSHConnection? { state == .ended ? nil : wire?.connection }

    /// The agent lets go of the keyboard, or a person takes it away from it: nobody has it then.
    func takeKeyboardFromAgent(seat: String) {
        if lease.revoke(seat: seat) { keyboardChanged() }
    }

    /// The agent's part is over: its seat is gone, the session stays for people.
    func dismiss(agent userID: String, because sentence: String) {
        removeSeats(where: { $0.userID == userID }, because: sentence)
        unshare(userID: userID)
    }

    /// Who has the keyboard now, as an agent is told.
    func control(since: Timestamp) -> ControlView {
        let holder = lease.holder
        return ControlView(
            holder: holder.map { $0.isAgent ? "agent" : "human" } ?? "none",
            name: holder.flatMap { $0.isAgent ? nil : $0.name }, epoch: lease.epoch, since: since.iso8601)
    }

    /// Whether people sit at this session.
    var hasPeople: Bool { seats.contains { $0.isConnected && $0.caller.kind != .agent } }

    /// What an agent types, through the door.
    /// - Parameter epoch: the agent's idea of the keyboard; nil does not ask.
    /// - Returns: where the output stream and the transcript stood before.
    func type(_ bytes: ByteBuffer, seat id: String, epoch: Int?, outlet: AgentSeat) throws(GatewayError) -> TypingMark {
        guard let index = seatIndex(id) else {
            throw .controlHeld(control(since: outlet.controlSince), session: self.id)
        }
        guard lease.holder?.seatId == id else {
            throw .controlHeld(control(since: outlet.controlSince), session: self.id)
        }
        if let epoch, epoch != lease.epoch {
            throw .conflict(
                "stale_epoch", "The keyboard changed hands since you looked (epoch \(lease.epoch), not \(epoch)).",
                hint: "Look at the screen again, then decide again what to type.")
        }
        let mark = typingMark
        _ = outlet.takeRefusal()
        input(seat: id, sequence: seats[index].inputSequence + 1, bytes: bytes)
        if let refusal = outlet.takeRefusal() {
            throw GatewayError(
                refusal.code, status: 409, refusal.sentence, hint: "Look at the session's state, and try again.")
        }
        return mark
    }

    /// Where the text stands now.
    var typingMark: TypingMark {
        TypingMark(
            line: transcript?.count ?? 0, prefix: screen.isAlternate ? "" : screen.cursorLogicalLine(),
            offset: log.end)
    }

    // MARK: Reading

    /// From now on people do something that the agent does not see, or no more.
    func hide(_ isOn: Bool) {
        let line = transcript?.count ?? 0
        if isOn {
            hidden.begin(line: line, byte: log.end, screen: screen.text)
            hidden.begins(at: recorder.elapsed)
        } else {
            hidden.end(line: line, byte: log.end, screen: screen.text, columns: columns)
            hidden.ends(at: recorder.elapsed)
        }
    }

    /// What people ran, but for what they did unseen.
    /// - Parameter count: of the session's commands that were told before.
    /// - Returns: those behind them, and how many there are now.
    func commands(behind count: Int, besides agent: String) -> (new: [HandbackView.Command], count: Int) {
        let all = journal.dropped + journal.entries.count
        let new = journal.entries.suffix(max(0, all - count)).filter {
            $0.by != agent && !hidden.hides(moment: $0.at)
        }
        return (new.suffix(50).map { .init(command: $0.text, by: $0.by, exitCode: $0.exitStatus) }, all)
    }

    /// The finished lines from a number on, and the line that has no end yet.
    func text(from line: Int, limit: Int = .max) -> TerminalText {
        let transcript = transcript ?? SessionTranscript(from: log.end)
        let first = max(line, transcript.first)
        var lines = transcript.lines(from: line, limit: limit)
        for index in lines.indices where hidden.hides(line: first + index) { lines[index] = HiddenOutput.words }
        var partial = screen.isAlternate ? "" : screen.cursorLogicalLine()
        if !partial.isEmpty, hidden.isOn || hidden.hides(row: partial, columns: columns) {
            partial = HiddenOutput.words
        }
        return TerminalText(
            first: first, lines: lines, count: transcript.count, partial: partial, isAlternate: screen.isAlternate)
    }

    /// Bytes of the output as the host sent them.
    /// - Returns: from where they are, which is later than asked when the beginning is no longer kept.
    func rawOutput(from offset: UInt64, limit: Int) -> (from: UInt64, bytes: [UInt8], end: UInt64) {
        let from = min(max(offset, log.start), log.end)
        var bytes: [UInt8] = []
        guard var cursor = log.cursor(at: from), let pieces = log.read(&cursor, limit: limit) else {
            return (from, [], log.end)
        }
        for case .output(_, let piece) in pieces { bytes.append(contentsOf: piece.readableBytesView) }
        return (from, hidden.withheld(bytes, from: from), log.end)
    }

    private var visibleRows: [String] {
        guard !hidden.isOn else { return [HiddenOutput.words] + screen.text.dropFirst().map { _ in "" } }
        return screen.text.map { hidden.hides(row: $0, columns: columns) ? HiddenOutput.words : $0 }
    }

    /// Where in the output a line of the transcript begins.
    func outputOffset(ofLine line: Int) -> UInt64? { transcript?.offset(of: line) }

    var outputEnd: UInt64 { log.end }

    /// The screen as it is.
    func screenView() -> ScreenView {
        ScreenView(
            rows: rows, cols: columns,
            cursor: .init(
                row: screen.cursor.row, col: screen.cursor.column, visible: screen.isCursorVisible),
            altScreen: screen.isAlternate, title: hidden.isOn ? "" : screen.title, lines: visibleRows,
            wraps: screen.wrappedRows)
    }
}

/// Where a terminal's text stood when somebody typed.
struct TypingMark: Sendable {
    let line: Int
    /// The beginning of the line that was there already: the prompt.
    let prefix: String
    let offset: UInt64
}

/// A part of a terminal's text.
struct TerminalText: Sendable {
    /// The number of the first of `lines`.
    let first: Int
    let lines: [String]
    /// Finished lines there are in all.
    let count: Int
    let partial: String
    let isAlternate: Bool
}

/// The screen of a session, as an agent sees it.
public struct ScreenView: Sendable, Encodable {
    public struct Cursor: Sendable, Encodable {
        public let row: Int
        public let col: Int
        public let visible: Bool
    }
    public let rows: Int
    public let cols: Int
    public let cursor: Cursor
    public let altScreen: Bool
    public internal(set) var title: String
    public internal(set) var lines: [String]
    /// Lines that go on with the one before.
    let wraps: [Bool]
    public let untrusted = true

    private enum CodingKeys: String, CodingKey {
        case rows, cols, cursor, altScreen, title, lines, untrusted
    }
}

extension GatewayError {
    /// A person has the keyboard, or nobody.
    static func controlHeld(_ control: ControlView, session: String) -> GatewayError {
        let who = control.name ?? (control.holder == "none" ? "Nobody" : "Another seat")
        return GatewayError(
            "control_held", status: 409, "\(who) has the keyboard of this session, not you.",
            hint: "Wait for it with GET /api/sessions/\(session)?waitMs=30000&until=control; a person hands it back.",
            details: [
                "control": .object([
                    "holder": .string(control.holder), "name": control.name.map { .string($0) } ?? .string(""),
                    "epoch": .integer(Int64(control.epoch)), "since": .string(control.since ?? ""),
                ]),
                "waitUrl": .string("/api/sessions/\(session)?waitMs=30000&until=control"),
            ])
    }
}
