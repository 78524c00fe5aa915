/// Where a session stands.
public enum SessionState: String, Sendable, Codable {
    case connecting
    case live
    /// Nothing moves: the recording cannot be written, and the policy says that nothing happens unrecorded.
    case paused
    case ended
}

/// Why and how a session ended.
public struct SessionEnding: Sendable, Codable, Equatable {
    public enum Reason: String, Sendable, Codable {
        case exit
        case endedBy = "ended_by"
        case hostLost = "host_lost"
        case idle
        case noSeats = "no_seats"
        case shutdown
        case failed
    }

    public let reason: Reason
    public var exitStatus: Int?
    public var signal: String?
    /// One sentence for people.
    public let detail: String

    public init(reason: Reason, exitStatus: Int? = nil, signal: String? = nil, detail: String) {
        self.reason = reason
        self.exitStatus = exitStatus
        self.signal = signal
        self.detail = detail
    }
}

/// A session as the faces show it.
public struct SessionView: Sendable, Codable {
    public struct Host: Sendable, Codable {
        public let id: String
        public let alias: String
        public let environment: String
    }
    public struct Person: Sendable, Codable {
        public let id: String
        public let name: String
    }
    public struct Keyboard: Sendable, Codable {
        public let holder: KeyboardLease.Holder?
        public let epoch: Int

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(holder, forKey: .holder)
            try container.encode(epoch, forKey: .epoch)
        }
    }
    public struct SeatSummary: Sendable, Codable {
        public let seatId: String
        public let userId: String
        public let name: String
        public let mode: SeatMode
        public let connected: Bool
        /// The session is on this seat's screen now.
        public let looking: Bool
        public let device: String
    }
    public struct Participant: Sendable, Codable {
        public let userId: String
        public let name: String
        public let mode: SeatMode
    }

    /// A team that was invited as a whole.
    public struct Team: Sendable, Codable {
        public let teamId: String
        public let name: String
        public let mode: SeatMode
    }
    /// Whether somebody has to watch, and who does.
    public struct Watch: Sendable, Codable {
        public let required: Bool
        /// `host` (its policy) or `session` (its people).
        public let by: String?
        public let watchers: [Person]
        /// Who stopped the input by hand.
        public let heldBy: Person?

        static let none = Watch(required: false, by: nil, watchers: [], heldBy: nil)

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(required, forKey: .required)
            try container.encode(by, forKey: .by)
            try container.encode(watchers, forKey: .watchers)
            try container.encode(heldBy, forKey: .heldBy)
        }
    }

    public let id: String
    public let host: Host
    public let owner: Person
    public var startedBy: Person?
    public var title: String
    public var state: SessionState
    public let startedAt: String
    public var endedAt: String?
    public var ending: SessionEnding?
    public var columns: Int
    public var rows: Int
    public let recordingId: String
    public var keyboard: Keyboard
    public var seats: [SeatSummary]
    public var participants: [Participant]
    public var teams: [Team] = []
    public var watch: Watch = .none
    public var expiresAt: String?

    public func encode(to encoder: any Encoder) throws {
        // Optional values are written as null: a client then never has to tell "absent" from "none".
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(host, forKey: .host)
        try container.encode(owner, forKey: .owner)
        try container.encode(startedBy, forKey: .startedBy)
        try container.encode(title, forKey: .title)
        try container.encode(state, forKey: .state)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(endedAt, forKey: .endedAt)
        try container.encode(ending, forKey: .ending)
        try container.encode(columns, forKey: .columns)
        try container.encode(rows, forKey: .rows)
        try container.encode(recordingId, forKey: .recordingId)
        try container.encode(keyboard, forKey: .keyboard)
        try container.encode(seats, forKey: .seats)
        try container.encode(participants, forKey: .participants)
        try container.encode(teams, forKey: .teams)
        try container.encode(watch, forKey: .watch)
        try container.encode(expiresAt, forKey: .expiresAt)
    }
}
