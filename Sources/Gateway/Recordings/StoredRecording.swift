/// A recording as the faces list it.
public struct StoredRecording: Sendable, Codable {
    /// What there is of it.
    public enum State: String, Sendable, Codable {
        case recording
        case complete
        /// The copilot stopped while it recorded: everything up to the last second is there.
        case truncated
        /// Its key is gone, and its file with it. Only the log and the session still know of it.
        case deleted
    }

    /// A moment worth jumping to.
    public struct Marker: Sendable, Codable {
        /// Seconds since the start.
        public let time: Double
        public let label: String
        public let kind: String
    }

    /// Why it may not be deleted, whatever the policy says.
    public struct Hold: Sendable, Codable, Hashable {
        public let reason: String
        /// Who placed it.
        public let by: String
        public let since: String
    }

    public let id: String
    public let sessionId: String
    public let host: SessionView.Host
    public let owner: SessionView.Person
    public let participants: [String]
    public let startedAt: String
    /// Seconds; of a recording that is being made, until now.
    public let duration: Double
    /// Size of the file.
    public let bytes: Int64
    public let state: State
    public let columns: Int
    public let rows: Int
    public var hold: Hold?
    /// When the policy deletes it; nil for never, and while it is held.
    public var expiresAt: String?
    public var markers: [Marker]?
}
