import Crypto
import Foundation

/// What `RecordingRepair.repair` found.
public struct RecordingRepair: Sendable, Hashable {
    /// False when the recording was truncated: it plays, and is marked so.
    public let isComplete: Bool
    public let chunks: Int
    /// Microseconds to the last event that plays.
    public let duration: Int64
    /// Bytes at the end that belong to no whole chunk. They are left where they are.
    public let incompleteBytes: Int64
    /// Hash of the last whole chunk, for the audit log.
    public let head: [UInt8]

    /// Checks a recording whose writer is gone and marks it truncated if its end was never sealed. Nothing in the file
    /// is changed; an authenticated mark of 88 bytes is appended. Repairing again changes nothing.
    /// - Throws: `busy` while a writer lives; the damage, if the file was altered.
    public static func repair(path: String, key: SymmetricKey) throws(RecordingError) -> RecordingRepair {
        let reader = try RecordingReader(path: path, key: key)
        guard !reader.source.isBeingWritten() else {
            throw RecordingError(.busy, "The recording is being written.", hint: "Close the session first.")
        }
        let (ending, chunks, head) = reader.verify()
        if case .damaged(let error) = ending { throw error }
        let isMarked = try RepairMark.isMarked(reader, key: key)
        let valid = reader.end
        let incomplete = reader.bytes - valid - (isMarked ? Int64(RecordingFormat.repairMark) : 0)
        if ending != .complete, !isMarked {
            let mark = RepairMark(validLength: valid, chunkCount: chunks, head: head)
            try mark.append(to: path, size: reader.bytes, headerHash: reader.headerHash, key: key, id: reader.header.id)
        }
        return RecordingRepair(
            isComplete: ending == .complete, chunks: chunks, duration: try reader.duration(),
            incompleteBytes: incomplete, head: head)
    }
}

/// The last 88 bytes of a repaired file: how far it is whole, authenticated.
struct RepairMark: Sendable, Hashable {
    let validLength: Int64
    let chunkCount: Int
    let head: [UInt8]

    private var fields: [UInt8] {
        var bytes = RecordingFormat.repairMagic
        bytes.append(bigEndian: validLength)
        bytes.append(bigEndian: UInt64(chunkCount))
        bytes.append(contentsOf: head)
        return bytes
    }

    private static func tag(_ fields: [UInt8], headerHash: [UInt8], key: SymmetricKey) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: headerHash + fields, using: key))
    }

    static func find(
        in source: RecordingSource, size: Int64, headerHash: [UInt8], key: SymmetricKey
    ) throws(RecordingError) -> RepairMark? {
        let length = RecordingFormat.repairMark
        let start = size - Int64(length)
        let bytes = try source.read(length, at: start)
        guard bytes.count == length, Array(bytes.prefix(8)) == RecordingFormat.repairMagic else { return nil }
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                bytes.suffix(32), authenticating: headerHash + bytes.dropLast(32), using: key)
        else { return nil }
        var cursor = ByteCursor(bytes)
        do {
            _ = try cursor.take(8)
            let valid = try cursor.bigEndian(Int64.self)
            let count = Int(clamping: try cursor.bigEndian(UInt64.self))
            let head = try cursor.take(32)
            guard valid >= 0, valid <= start else {
                return RepairMark(validLength: start, chunkCount: count, head: head)
            }
            return RepairMark(validLength: valid, chunkCount: count, head: head)
        } catch {
            return nil
        }
    }

    static func isMarked(_ reader: RecordingReader, key: SymmetricKey) throws(RecordingError) -> Bool {
        let keys = RecordingKeys(key, recordingID: reader.header.id)
        return try find(in: reader.source, size: reader.bytes, headerHash: reader.headerHash, key: keys.repair) != nil
    }

    func append(
        to path: String, size: Int64, headerHash: [UInt8], key: SymmetricKey, id: String
    ) throws(RecordingError) {
        let keys = RecordingKeys(key, recordingID: id)
        let bytes = fields + Self.tag(fields, headerHash: headerHash, key: keys.repair)
        let descriptor = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, "open the recording", path: path) }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw RecordingError(.busy, "The recording is being written.", hint: "Close the session first.")
        }
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count, fdatasync(descriptor) == 0 else {
            let number = count >= 0 && count < bytes.count ? ENOSPC : errno
            // A part of a mark is no mark: take it back, so that the next attempt finds the file as it was.
            ftruncate(descriptor, off_t(size))
            throw .system(number, "mark the recording", path: path)
        }
    }
}
