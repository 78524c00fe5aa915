import NIOCore

/// What a participant may do at a session.
public enum SeatMode: String, Sendable, Codable, CaseIterable {
    case view
    case control
    /// Watches with a say: where two pairs of eyes are demanded the host hears nothing without them. Never types.
    case moderate
}

/// What a session tells a seat. Encoding is the face's business (a WebSocket, an SSH channel, an agent's cursor).
public enum SeatMessage: Sendable {
    case snapshot(offset: UInt64, columns: Int, rows: Int, vt: [UInt8])
    case pieces([OutputLog.Piece])
    case skipped(from: UInt64, to: UInt64)
    case state(SeatState)
    case inputAccepted(sequence: UInt64)
    case inputRefused(sequence: UInt64, code: String, sentence: String)
    case notice(code: String, sentence: String, hint: String)
    /// News beside the terminal (chat, people, files, agents): `json` is one JSON value whose shape `kind` names.
    case note(kind: String, json: String)
    case ended(SessionEnding)
    /// The seat is no more: nothing follows.
    case removed
}

/// The session as one seat sees it.
public struct SeatState: Sendable, Codable {
    public struct You: Sendable, Codable {
        public let seatId: String
        public let mode: SeatMode
        public let holder: Bool
        public let mayType: Bool
    }

    public let session: SessionView
    public let you: You

    public func encode(to encoder: any Encoder) throws {
        try session.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(you, forKey: .you)
    }

    public init(session: SessionView, you: You) {
        self.session = session
        self.you = you
    }

    public init(from decoder: any Decoder) throws {
        session = try SessionView(from: decoder)
        you = try decoder.container(keyedBy: CodingKeys.self).decode(You.self, forKey: .you)
    }

    private enum CodingKeys: String, CodingKey { case you }
}

/// Where a seat's messages go. Called on the session's event loop; must return at once, and hop by itself.
public protocol SeatOutlet: AnyObject, Sendable {
    func send(_ message: SeatMessage)
    /// Everything before this offset was written by the seat, where that is known at once: on the session's own loop, with
    /// no link between that acknowledges. Nil elsewhere.
    var written: UInt64? { get }
}

extension SeatOutlet {
    public var written: UInt64? { nil }
}

/// A place at a session: a person's tab, phone, or plain ssh client. Owned by the session's event loop.
struct Seat {
    let id: String
    let clientID: String
    let device: String
    var caller: Caller
    var mode: SeatMode
    var outlet: (any SeatOutlet)?
    var cursor: OutputLog.Cursor
    /// Everything before this offset was written by the seat's terminal.
    var acknowledged: UInt64
    /// How much may be under way to it.
    var pace = SeatPace()
    /// Since when output waits for it.
    var behindSince: NIODeadline?
    /// A screen was sent whose arrival is not acknowledged: output that came since waits for it.
    var awaitedScreen: UInt64?
    /// It acknowledged something since it was skipped: a seat that stopped reading gets one screen and no more.
    var hasAnswered = true
    /// It was skipped forward and has no scrollback of what it missed: it gets one when there is time.
    var owesScrollback = false
    var isVisible = true
    /// The page that it is on is in the foreground.
    var isInForeground = true
    /// When the seat's page told last that it is there.
    var heardAt = NIODeadline.now()
    /// Gets every byte: while it types, the host waits for it. See ``LiveSession/setLossless(seat:)``.
    var isLossless = false
    var columns: Int
    var rows: Int
    /// The last input sequence number that was accepted: resent input is dropped, so each key counts exactly once.
    var inputSequence: UInt64 = 0

    var isConnected: Bool { outlet != nil }
    /// The person can see the session now.
    var isLooking: Bool { isConnected && isVisible && isInForeground }
    var holder: KeyboardLease.Holder { .init(userId: caller.userID, name: caller.name, seatId: id) }
    /// Unacknowledged bytes at most before a seat that stopped reading gets no more.
    var window: Int { isLossless ? SeatPace.largest : pace.window }
    var hasRoom: Bool {
        guard cursor.offset >= acknowledged else { return true }
        let room = window - Int(clamping: cursor.offset - acknowledged)
        // On a wide link small pieces cost more than they carry, and what is under way is enough to be acknowledged.
        return room >= (window >= 2 * Self.leastPiece ? Self.leastPiece : 1)
    }
    private static let leastPiece = 16 * 1024
}
