/// A recording as the faces list it.
public struct StoredRecording: Sendable, Codable {
    /// What there is of it.
    public enum State: String, Sendable, Codable {
        case recording
        case complete
        /// The copilot stopped while it recorded: everything up to the last second is there.
        case truncated
    }

    /// A moment worth jumping to.
    public struct Marker: Sendable, Codable {
        /// Seconds since the start.
        public let time: Double
        public let label: String
        public let kind: String
    }

    public let id: String
    public let sessionId: String
    public let host: SessionView.Host
    public let owner: SessionView.Person
    public let participants: [String]
    public let startedAt: String
    /// Seconds.
    public let duration: Double
    /// Size of the file.
    public let bytes: Int64
    public let state: State
    public let columns: Int
    public let rows: Int
    public var markers: [Marker]?
}
