import Storage

/// Why a secret could not be kept or given back. No message ever holds any part of a secret.
public struct VaultError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable names of what went wrong.
    public enum Code: String, Sendable {
        /// Neither the environment nor the file has a root key.
        case rootKeyMissing = "root_key_missing"
        /// Something is there, and it is not 32 bytes in base64.
        case rootKeyMalformed = "root_key_malformed"
        /// Others on this machine may read the root key.
        case rootKeyNotPrivate = "root_key_not_private"
        /// A root key is there already.
        case rootKeyExists = "root_key_exists"
        /// The data were sealed under another root key.
        case rootKeyMismatch = "root_key_mismatch"
        case fileUnavailable = "file_unavailable"
        /// The sealed record was altered, or belongs to another place.
        case sealBroken = "seal_broken"
        /// A sealed record of a newer form.
        case unsupported
        /// The database failed; `description` has its sentence.
        case storage
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
            .fileUnavailable, "The file of the root key cannot be used: \(fault).",
            hint: "Check the path and the permissions of the file and its folder.")
    }

    init(_ error: StorageError) {
        self.init(.storage, error.description, hint: error.hint)
    }

    static func sealBroken(_ what: String) -> VaultError {
        VaultError(
            .sealBroken, "\(what) does not open: it was altered, or it was moved here from another place.",
            hint: "Restore the database from a backup, or enter the secret again.")
    }

    nonisolated(nonsending) static func mapping<T>(
        _ body: nonisolated(nonsending) () async throws -> T
    ) async throws(VaultError) -> T {
        do {
            return try await body()
        } catch let error as VaultError {
            throw error
        } catch let error as StorageError {
            throw VaultError(error)
        } catch {
            throw VaultError(.storage, "The vault cannot be used: \(error).", hint: "Try again.")
        }
    }
}
