import Crypto
import Foundation

/// What is known of a recording before its first event. It stands in clear at the start of the file, authenticated by
/// the recording's key.
public struct RecordingHeader: Sendable, Hashable, Codable {
    public var id: String
    public var session: String
    public var title: String
    /// Alias of the host.
    public var host: String
    /// Who started the session.
    public var user: String
    /// Microseconds since 1970.
    public var startedAt: Int64
    public var columns: Int
    public var rows: Int
    /// Anything else that the owner wants to find again, such as the value of TERM.
    public var attributes: [String: String]

    public init(
        id: String, session: String, title: String, host: String, user: String, startedAt: Int64, columns: Int,
        rows: Int, attributes: [String: String] = [:]
    ) {
        self.id = id
        self.session = session
        self.title = title
        self.host = host
        self.user = user
        self.startedAt = startedAt
        self.columns = columns
        self.rows = rows
        self.attributes = attributes
    }
}

/// The start of a recording file: header, wrapped key, and their authentication tag.
struct RecordingPreamble: Sendable {
    let header: RecordingHeader
    let wrappedKey: [UInt8]
    /// Everything that the tag authenticates.
    let body: [UInt8]
    let tag: [UInt8]

    var bytes: [UInt8] { body + tag }

    init(header: RecordingHeader, wrappedKey: [UInt8], keys: RecordingKeys) throws(RecordingError) {
        let metadata: [UInt8]
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            metadata = Array(try encoder.encode(header))
        } catch {
            throw .internalFailure("The header of the recording could not be written as JSON")
        }
        guard metadata.count <= RecordingFormat.maximumMetadata else {
            throw .limit("The header of the recording is over \(RecordingFormat.maximumMetadata) bytes")
        }
        guard wrappedKey.count <= RecordingFormat.maximumWrappedKey else {
            throw .limit("The wrapped key of the recording is over \(RecordingFormat.maximumWrappedKey) bytes")
        }
        var body = RecordingFormat.magic
        body.append(bigEndian: RecordingFormat.version)
        body.append(bigEndian: UInt16(0))
        body.append(bigEndian: UInt32(metadata.count))
        body.append(contentsOf: metadata)
        body.append(bigEndian: UInt32(wrappedKey.count))
        body.append(contentsOf: wrappedKey)
        self.header = header
        self.wrappedKey = wrappedKey
        self.body = body
        tag = Array(HMAC<SHA256>.authenticationCode(for: body, using: keys.header))
    }

    /// Parses the start of a file. Nothing is authentic before `verify`.
    init(parsing start: [UInt8]) throws(RecordingError) {
        guard !start.isEmpty else { throw Self.cut }
        let magic = start.prefix(RecordingFormat.magic.count)
        guard Array(magic) == Array(RecordingFormat.magic.prefix(magic.count)) else {
            throw .notARecording("it does not begin like one")
        }
        var cursor = ByteCursor(start)
        do {
            _ = try cursor.take(RecordingFormat.magic.count)
            let version = try cursor.bigEndian(UInt16.self)
            guard version == RecordingFormat.version, try cursor.bigEndian(UInt16.self) == 0 else {
                throw RecordingError(
                    .unsupportedVersion,
                    "The recording has format version \(version), which this program does not know.",
                    hint: "Use the program's newer version that wrote it.")
            }
            let metadata = try cursor.take(
                try Self.length(try cursor.bigEndian(UInt32.self), RecordingFormat.maximumMetadata))
            wrappedKey = try cursor.take(
                try Self.length(try cursor.bigEndian(UInt32.self), RecordingFormat.maximumWrappedKey))
            body = Array(start.prefix(cursor.position))
            tag = try cursor.take(RecordingFormat.headerTag)
            header = try JSONDecoder().decode(RecordingHeader.self, from: Data(metadata))
        } catch let error as RecordingError {
            throw error
        } catch is ByteCursor.Exhausted {
            throw Self.cut
        } catch {
            throw .notARecording("its header is not the JSON that a recording has")
        }
    }

    func verify(_ keys: RecordingKeys) throws(RecordingError) {
        guard HMAC<SHA256>.isValidAuthenticationCode(tag, authenticating: body, using: keys.header) else {
            throw RecordingError(
                .headerAltered,
                "The header does not fit the key: the header was altered, or the key belongs to another recording.",
                hint: "Restore the file from a backup, or open it with the key that its header wraps.", offset: 0)
        }
    }

    private static func length(_ value: UInt32, _ limit: Int) throws(RecordingError) -> Int {
        guard let length = Int(exactly: value), length <= limit else {
            throw .notARecording("a length in its header is beyond the limit")
        }
        return length
    }

    private static let cut = RecordingError(
        .headerCut, "The file ends inside the recording's header, so nothing was recorded in it.",
        hint: "The program was stopped at the moment the recording began; the file can be removed.", offset: 0)
}
