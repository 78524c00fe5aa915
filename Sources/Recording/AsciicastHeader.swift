import Foundation

/// The versions of the asciicast format.
public enum AsciicastVersion: Int, Sendable, Hashable, CaseIterable {
    /// One JSON object with everything in it; only read.
    case v1 = 1
    /// A header, then an array in each line, its time counted from the start.
    case v2 = 2
    /// A header, then an array in each line, its time counted from the event before.
    case v3 = 3
}

/// What stands in the first line of an asciicast file.
public struct AsciicastHeader: Sendable, Hashable {
    public var columns: Int
    public var rows: Int
    /// Seconds since 1970; nil where the file does not say.
    public var startedAt: Int64?
    public var title: String?
    /// What was recorded.
    public var command: String?
    /// Seconds: a player passes over longer pauses as if they were that long.
    public var idleLimit: Double?
    /// TERM, SHELL and whatever else was thought worth keeping.
    public var environment: [String: String]

    public init(
        columns: Int, rows: Int, startedAt: Int64? = nil, title: String? = nil, command: String? = nil,
        idleLimit: Double? = nil, environment: [String: String] = [:]
    ) {
        self.columns = columns
        self.rows = rows
        self.startedAt = startedAt
        self.title = title
        self.command = command
        self.idleLimit = idleLimit
        self.environment = environment
    }

    init(_ header: RecordingHeader) {
        self.init(
            columns: header.columns, rows: header.rows, startedAt: header.startedAt / 1_000_000, title: header.title,
            environment: ["TERM": header.attributes["TERM"] ?? "xterm-256color"])
    }

    /// The line, with its line feed. Columns and rows are at least 1, since players divide by them. `v1` has no such line
    /// and is written as `v2`.
    public func line(_ version: AsciicastVersion) -> [UInt8] {
        var bytes: [UInt8] = []
        func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }
        func field(_ name: String, _ text: String) {
            raw(", \"\(name)\": ")
            JSONText.append(text, to: &bytes)
        }
        switch version {
        case .v1, .v2: raw("{\"version\": 2, \"width\": \(max(1, columns)), \"height\": \(max(1, rows))")
        case .v3:
            raw("{\"version\": 3, \"term\": {\"cols\": \(max(1, columns)), \"rows\": \(max(1, rows))")
            if let type = environment["TERM"] { field("type", type) }
            raw("}")
        }
        if let startedAt { raw(", \"timestamp\": \(startedAt)") }
        if let idleLimit, idleLimit.isFinite { raw(", \"idle_time_limit\": \(max(0, idleLimit))") }
        if let command { field("command", command) }
        if let title { field("title", title) }
        let kept = environment.filter { version != .v3 || $0.key != "TERM" }.sorted { $0.key < $1.key }
        if !kept.isEmpty {
            raw(", \"env\": {")
            for (index, entry) in kept.enumerated() {
                if index > 0 { raw(", ") }
                JSONText.append(entry.key, to: &bytes)
                raw(": ")
                JSONText.append(entry.value, to: &bytes)
            }
            raw("}")
        }
        raw("}\n")
        return bytes
    }
}

// MARK: Reading

extension AsciicastHeader {
    private struct Terminal: Decodable {
        var cols: Int?
        var rows: Int?
        var type: String?
    }

    /// Every version's fields; what is of another type than it should be makes the file none of ours.
    private struct Fields: Decodable {
        var version: Int
        var width: Int?
        var height: Int?
        var term: Terminal?
        var timestamp: Double?
        var title: String?
        var command: String?
        var idle_time_limit: Double?
        var env: [String: String?]?
    }

    /// Columns and rows that a terminal may have; others are brought into this range.
    private static let sizes = 1...10_000

    /// - Parameter json: the first line, or the whole file of a `v1`.
    static func read(_ json: [UInt8]) throws(RecordingError) -> (AsciicastHeader, AsciicastVersion) {
        let fields: Fields
        do { fields = try JSONDecoder().decode(Fields.self, from: Data(json)) } catch {
            throw .notACast("its first line is not the JSON object that a recording begins with")
        }
        guard let version = AsciicastVersion(rawValue: fields.version) else {
            throw RecordingError(
                .unsupportedVersion,
                "The recording is of asciicast version \(fields.version), which is not known here.",
                hint: "Versions 1, 2 and 3 are.")
        }
        var environment = (fields.env ?? [:]).compactMapValues { $0 }
        if let type = fields.term?.type { environment["TERM"] = type }
        func size(_ value: Int?, _ usual: Int) -> Int { min(max(value ?? usual, sizes.lowerBound), sizes.upperBound) }
        let header = AsciicastHeader(
            columns: size(version == .v3 ? fields.term?.cols : fields.width, 80),
            rows: size(version == .v3 ? fields.term?.rows : fields.height, 24),
            startedAt: fields.timestamp.flatMap { Int64(exactly: $0.rounded(.down)) }, title: fields.title,
            command: fields.command, idleLimit: fields.idle_time_limit.flatMap { $0 > 0 ? $0 : nil },
            environment: environment)
        return (header, version)
    }
}

extension RecordingError {
    static func notACast(_ why: String, line: Int? = nil) -> RecordingError {
        RecordingError(
            .notARecording,
            (line.map { "Line \($0) is not of an asciicast recording: " } ?? "This is no asciicast recording: ")
                + "\(why).",
            hint: "Choose a file that `copilot rec`, an export or asciinema made.")
    }
}
