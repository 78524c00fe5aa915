import Foundation

/// Why a recording could not be written, read or trusted.
public struct RecordingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, for machines. The raw value is stable.
    public enum Code: String, Sendable, CaseIterable {
        /// Creating: a file of that name is already there; recordings are never overwritten.
        case exists
        case notFound = "not_found"
        case permissionDenied = "permission_denied"
        /// No space or no quota left; the writer retries.
        case diskFull = "disk_full"
        /// The storage refused or failed; the writer retries.
        case storageFailed = "storage_failed"
        case notARecording = "not_a_recording"
        case unsupportedVersion = "unsupported_version"
        /// The file ends inside its header.
        case headerCut = "header_cut"
        /// The header does not fit the key: altered, or another recording's key.
        case headerAltered = "header_altered"
        /// Bytes of a chunk were changed.
        case altered
        /// A chunk that must be there is not.
        case missingChunk = "missing_chunk"
        /// A chunk stands where another one belongs.
        case outOfOrder = "out_of_order"
        /// A chunk does not follow the chunk before it: it comes from elsewhere, or its header was changed.
        case chainBroken = "chain_broken"
        /// Bytes follow the end of the recording.
        case trailingData = "trailing_data"
        /// The file is shorter than its own repair mark says.
        case tailCut = "tail_cut"
        /// A chunk, an event or the number of chunks is beyond what a recording can hold.
        case limitExceeded = "limit_exceeded"
        /// Authentic bytes that are not events: a defect of the writer.
        case malformed
        /// A writer still holds the file.
        case busy
        /// The recording was closed.
        case closed
        /// The recording was deleted: what is left of it cannot be decrypted.
        case keyDestroyed = "key_destroyed"
        /// Compression or encryption failed inside this process.
        case internalFailure = "internal_failure"
    }

    public let code: Code
    /// What happened and why, one sentence for people.
    public let description: String
    /// What to do next.
    public let hint: String
    /// The chunk that the error is about, counted from 0.
    public let chunk: Int?
    /// The file position in bytes that the error is about.
    public let offset: Int64?

    public init(_ code: Code, _ description: String, hint: String, chunk: Int? = nil, offset: Int64? = nil) {
        self.code = code
        self.description = description
        self.hint = hint
        self.chunk = chunk
        self.offset = offset
    }

    /// Whether waiting may help: the writer keeps what it has and tries again.
    public var isRetryable: Bool { code == .diskFull || code == .storageFailed }
}

extension RecordingError {
    private static let restoreHint =
        "Everything before this place plays; restore the file from a backup to see the rest."

    static func system(_ number: Int32, _ action: String, path: String?) -> RecordingError {
        let reason = String(cString: strerror(number))
        let place = path.map { " \($0)" } ?? ""
        let sentence = "Could not \(action)\(place): \(reason)."
        switch number {
        case ENOSPC, EDQUOT:
            return RecordingError(
                .diskFull, sentence, hint: "Free some space on that disk; the recording goes on by itself.")
        case EEXIST:
            return RecordingError(.exists, sentence, hint: "Choose another name: a recording is never overwritten.")
        case ENOENT:
            return RecordingError(.notFound, sentence, hint: "Check the path.")
        case EACCES, EPERM, ELOOP:
            return RecordingError(
                .permissionDenied, sentence, hint: "Check the owner and the mode of the file and its folder.")
        default:
            return RecordingError(
                .storageFailed, sentence, hint: "Check the disk and the system log; the recording is retried.")
        }
    }

    static func altered(chunk: Int, offset: Int64) -> RecordingError {
        RecordingError(
            .altered, "Chunk \(chunk) at byte \(offset) was altered: its seal does not fit its content.",
            hint: restoreHint, chunk: chunk, offset: offset)
    }

    static func missing(chunk: Int, found: UInt64, offset: Int64) -> RecordingError {
        RecordingError(
            .missingChunk, "Chunk \(chunk) is missing: chunk \(found) stands in its place at byte \(offset).",
            hint: restoreHint, chunk: chunk, offset: offset)
    }

    static func outOfOrder(chunk: Int, found: UInt64, offset: Int64) -> RecordingError {
        RecordingError(
            .outOfOrder,
            "Chunks are out of order: chunk \(found) stands where chunk \(chunk) belongs, at byte \(offset).",
            hint: restoreHint, chunk: chunk, offset: offset)
    }

    static func chainBroken(chunk: Int, offset: Int64) -> RecordingError {
        RecordingError(
            .chainBroken,
            "Chunk \(chunk) at byte \(offset) does not follow what stands before it: it was altered or comes from another recording.",
            hint: restoreHint, chunk: chunk, offset: offset)
    }

    static func limit(_ what: String, chunk: Int? = nil, offset: Int64? = nil) -> RecordingError {
        RecordingError(.limitExceeded, "\(what).", hint: restoreHint, chunk: chunk, offset: offset)
    }

    static func malformed(_ what: String, chunk: Int? = nil) -> RecordingError {
        RecordingError(
            .malformed, "The recording's events cannot be read: \(what).",
            hint: "The bytes are authentic, so this is a defect of the program that wrote them: please report it.",
            chunk: chunk)
    }

    static func notARecording(_ why: String) -> RecordingError {
        RecordingError(.notARecording, "This is not a recording: \(why).", hint: "Choose a file that ends in .rec.")
    }

    static func internalFailure(_ what: String) -> RecordingError {
        RecordingError(.internalFailure, "\(what).", hint: "Please report this.")
    }
}
