import Audit
import Policy
import Storage
import Vault

/// A value in the details of an error, as JSON knows them.
public enum DetailValue: Sendable, Hashable, Encodable {
    case string(String)
    case integer(Int64)
    case bool(Bool)
    case object([String: DetailValue])
    case array([DetailValue])

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .bool(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        }
    }
}

/// Why the domain did not do what was asked. Every face turns it into its own kind of answer; nothing in it is secret.
public struct GatewayError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable name, such as `wrong_credentials`.
    public var code: String
    /// The HTTP status that fits.
    public var status: Int
    /// What happened and why, in a sentence.
    public var error: String
    /// What to do next.
    public var hint: String
    /// The permission that is missing, for `not_permitted`.
    public var missing: String?
    /// The field that is wrong, for `invalid`.
    public var field: String?
    /// Seconds until another attempt makes sense.
    public var retryAfter: Int?
    /// More for machines, such as the two keys of `host_key_changed`.
    public var details: [String: DetailValue]

    public init(
        _ code: String, status: Int, _ error: String, hint: String, missing: String? = nil, field: String? = nil,
        retryAfter: Int? = nil, details: [String: DetailValue] = [:]
    ) {
        self.code = code
        self.status = status
        self.error = error
        self.hint = hint
        self.missing = missing
        self.field = field
        self.retryAfter = retryAfter
        self.details = details
    }

    public var description: String { "\(error) \(hint)" }
}

extension GatewayError {
    /// A value that cannot be used.
    public static func invalid(_ field: String, _ error: String, hint: String) -> GatewayError {
        GatewayError("invalid", status: 422, error, hint: hint, field: field)
    }

    /// Something that is not there, or that the caller may not know of.
    public static func notFound(_ what: String) -> GatewayError {
        GatewayError(
            "not_found", status: 404, "There is no such \(what), or you may not see it.", hint: "Reload the list.")
    }

    public static func conflict(_ code: String, _ error: String, hint: String) -> GatewayError {
        GatewayError(code, status: 409, error, hint: hint)
    }

    /// A refusal by the policy, with the permission that is missing.
    public static func notPermitted(_ missing: Permission, _ reason: String) -> GatewayError {
        GatewayError(
            "not_permitted", status: 403, reason, hint: "Ask an admin to do it or to change your role.",
            missing: missing.rawValue)
    }

    static func tooManyAttempts(_ error: String, wait: Duration) -> GatewayError {
        let seconds = max(1, Int(wait.components.seconds) + (wait.components.attoseconds > 0 ? 1 : 0))
        return GatewayError(
            "too_many_attempts", status: 429, error, hint: "Wait \(seconds) seconds and try again.",
            retryAfter: seconds)
    }

    init(_ error: StorageError) {
        let status =
            switch error.code {
            case .full: 507
            case .busy, .unavailable: 503
            default: 500
            }
        self.init("storage_" + error.code.rawValue, status: status, error.description, hint: error.hint)
    }

    init(_ error: VaultError) {
        self.init("vault_" + error.code.rawValue, status: 500, error.description, hint: error.hint)
    }

    init(_ error: AuditError) {
        self.init("audit_" + error.code.rawValue, status: 500, error.description, hint: error.hint)
    }

    /// Turns what the floors below report into the domain's error.
    @discardableResult
    nonisolated(nonsending) static func mapping<T>(
        _ body: nonisolated(nonsending) () async throws -> T
    ) async throws(GatewayError) -> T {
        do {
            return try await body()
        } catch let error as GatewayError {
            throw error
        } catch let error as StorageError {
            throw GatewayError(error)
        } catch let error as VaultError {
            throw GatewayError(error)
        } catch let error as AuditError {
            throw GatewayError(error)
        } catch {
            throw GatewayError(
                "internal", status: 500, "Something unexpected went wrong: \(type(of: error)).", hint: "Try again.")
        }
    }
}
