import Storage

/// Why the log or its checkpoints could not be used.
public struct AuditError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable names of what went wrong.
    public enum Code: String, Sendable {
        /// The database failed; `description` has its sentence.
        case storage
        /// A file of keys or checkpoints cannot be read or written.
        case fileUnavailable = "file_unavailable"
        /// Others on this machine may read the signing key.
        case keyNotPrivate = "key_not_private"
        /// The key file holds something else.
        case keyMalformed = "key_malformed"
        /// A checkpoint is not signed by the key, or is not one.
        case checkpointInvalid = "checkpoint_invalid"
    }

    public let code: Code
    public let description: String
    public let hint: String

    init(_ code: Code, _ description: String, hint: String) {
        self.code = code
        self.description = description
        self.hint = hint
    }

    init(_ fault: FileFault) {
        self.init(
            .fileUnavailable, "A file of the audit log cannot be used: \(fault).",
            hint: "Check the disk and the permissions of the file and its folder.")
    }

    init(_ error: StorageError) {
        self.init(.storage, error.description, hint: error.hint)
    }

    /// Turns what the floor below reports into this module's error.
    nonisolated(nonsending) static func mapping<T>(
        _ body: nonisolated(nonsending) () async throws -> T
    ) async throws(AuditError) -> T {
        do {
            return try await body()
        } catch let error as AuditError {
            throw error
        } catch let error as StorageError {
            throw AuditError(error)
        } catch let fault as FileFault {
            throw AuditError(fault)
        } catch {
            throw AuditError(.storage, "The audit log cannot be used: \(error).", hint: "Try again.")
        }
    }
}
