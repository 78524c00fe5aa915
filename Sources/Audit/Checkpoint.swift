import Foundation
import Storage

/// A signed statement: the log of this tenant had so many entries, and the last one had this hash. Who keeps it can
/// later prove that nothing before it was changed or removed.
///
/// The text is a C2SP signed note:
/// ```
/// copilot-audit/<tenant>
/// <number of entries>
/// <base64 of the last entry's hash>
///
/// — <key name> <base64 of key id and signature>
/// ```
public struct Checkpoint: Sendable, Hashable {
    private static let origin = "copilot-audit/"

    public let tenant: String
    /// How many entries it covers.
    public let size: Int64
    /// The hash of the last of them.
    public let head: [UInt8]
    /// The whole signed note, ending with a line feed.
    public let note: String

    init(tenant: String, size: Int64, head: [UInt8], signedBy key: AuditSigningKey) throws(AuditError) {
        self.tenant = tenant
        self.size = size
        self.head = head
        let text = "\(Self.origin)\(tenant)\n\(size)\n\(Data(head).base64EncodedString())\n"
        do {
            note = text + "\n" + (try key.sign(text)) + "\n"
        } catch {
            throw AuditError(
                .checkpointInvalid, "A checkpoint of the audit log could not be signed: \(error).", hint: "Try again.")
        }
    }

    /// Reads a note and verifies its signature.
    public init(note: String, verifiedBy key: AuditVerifierKey) throws(AuditError) {
        let lines = note.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 5, lines[0].hasPrefix(Self.origin), let size = Int64(lines[1]), size >= 0,
            let head = Data(base64Encoded: String(lines[2])), head.count == 32, lines[3].isEmpty
        else {
            throw AuditError(
                .checkpointInvalid, "The file of checkpoints holds something that is not a checkpoint.",
                hint: "Restore the file from where its copies are kept.")
        }
        let text = lines[0..<3].joined(separator: "\n") + "\n"
        guard lines[4...].contains(where: { key.verifies($0, over: text) }) else {
            throw AuditError(
                .checkpointInvalid,
                "The checkpoint over \(size) entries is not signed by the key \"\(key.name)\": it was altered, or "
                    + "another key made it.",
                hint: "Compare the key with the one that was in use then, and restore the file from a copy.")
        }
        tenant = String(lines[0].dropFirst(Self.origin.count))
        self.size = size
        self.head = Array(head)
        self.note = note
    }
}

/// The checkpoints of one tenant in a file outside the database, one note after another with an empty line between.
public struct CheckpointFile: Sendable {
    public let path: String
    static let separator = "\n"

    /// - Parameter directory: outside the database's folder and its backups.
    public init(directory: String, tenant: String) {
        // The tenant's name becomes a file's name: only harmless characters stay.
        let name = tenant.unicodeScalars.map { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_": String(scalar)
            default: "%" + String(scalar.value, radix: 16)
            }
        }.joined()
        path = directory + "/audit-\(name).checkpoints"
    }

    /// All checkpoints in the order in which they were written; none when there is no file. A last one that was cut
    /// off by a crash while it was written is left out.
    ///
    /// - Throws: `checkpoint_invalid` for one that the key did not sign, `file_unavailable`.
    public func read(verifiedBy key: AuditVerifierKey) throws(AuditError) -> [Checkpoint] {
        try notes().map { note throws(AuditError) in try Checkpoint(note: note, verifiedBy: key) }
    }

    /// The newest whole checkpoint, without reading the others.
    func last(verifiedBy key: AuditVerifierKey) throws(AuditError) -> Checkpoint? {
        let end: [UInt8]
        do throws(FileFault) {
            end = try Self.end(of: PrivateFile(opening: path, .read)).bytes
        } catch {
            if error.number == ENOENT { return nil }
            throw AuditError(error)
        }
        // What stands before the first separator may be the rest of a note that began earlier.
        return try Self.complete(end).notes.last.map { note throws(AuditError) in
            try Checkpoint(note: note, verifiedBy: key)
        }
    }

    private func notes() throws(AuditError) -> [String] {
        do throws(FileFault) {
            let file = try PrivateFile(opening: path, .read)
            return Self.complete(try file.read(limit: .max)).notes
        } catch {
            if error.number == ENOENT { return [] }
            throw AuditError(error)
        }
    }

    /// Enough for the last note and one more that was cut off.
    private static let endLength: Int64 = 4096

    private static func end(of file: borrowing PrivateFile) throws(FileFault) -> (start: Int64, bytes: [UInt8]) {
        let start = max(0, try file.status().size - endLength)
        try file.seek(to: start)
        return (start, try file.read(limit: Int(endLength)))
    }

    /// Splits after each empty line that follows a signature. Returns also how many bytes the whole notes take.
    static func complete(_ bytes: [UInt8]) -> (notes: [String], length: Int) {
        var notes: [String] = []
        var (length, consumed) = (0, 0)
        var (note, isSigned) = ("", false)
        // What follows the last line feed is not a whole line.
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
            consumed += line.count + 1
            if line.isEmpty && isSigned {
                notes.append(note)
                (note, length) = ("", consumed)
            } else {
                note += String(decoding: line, as: UTF8.self) + "\n"
            }
            isSigned = line.starts(with: "— ".utf8)
        }
        return (notes, length)
    }

    /// Appends one checkpoint; it is on the disk when this returns. Several processes may append.
    func append(_ checkpoint: Checkpoint) throws(AuditError) {
        do throws(FileFault) {
            let file = try PrivateFile(opening: path, .append)
            try file.lock()
            let end = try Self.end(of: file)
            let whole = Self.complete(end.bytes).length
            if whole < end.bytes.count { try file.truncate(to: end.start + Int64(whole)) }
            try file.write(Array((checkpoint.note + Self.separator).utf8))
            try file.synchronize()
        } catch {
            throw AuditError(error)
        }
    }
}
