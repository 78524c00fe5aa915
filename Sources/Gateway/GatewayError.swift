import Policy
import SSH
import SSHKeys
import Storage
import Vault

/// What went wrong, in the words of the person who asked: what happened and why, and what to do next.
public struct GatewayError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Something to show beside the sentence, such as the two keys of a host whose key changed.
    public enum Detail: Sendable, Hashable, Encodable {
        case text(String)
        case number(Int)
        case object([String: String])

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            case .object(let object): try container.encode(object)
            }
        }
    }

    /// Stable, for machines.
    public var code: String
    /// The status of an HTTP answer.
    public var status: Int
    /// What happened and why, one sentence.
    public var error: String
    /// What to do next.
    public var hint: String
    /// The permission that is missing, for a refusal.
    public var missing: String?
    /// The field of the request that is wrong.
    public var field: String?
    /// Seconds to wait before another try.
    public var retryAfter: Int?
    /// More members of the answer.
    public var details: [String: Detail]

    public init(
        code: String, status: Int, error: String, hint: String, missing: String? = nil, field: String? = nil,
        retryAfter: Int? = nil, details: [String: Detail] = [:]
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

    public var description: String { hint.isEmpty ? error : "\(error) \(hint)" }
}

extension GatewayError {
    /// A refusal by the policy; says which permission is missing.
    public static func notPermitted(_ missing: Permission, _ reason: String) -> GatewayError {
        GatewayError(
            code: "not_permitted", status: 403, error: reason,
            hint: "Ask an admin for a role with \(missing.rawValue).", missing: missing.rawValue)
    }

    /// There is no such thing, or it is none of this person's business: both sound the same.
    public static func notFound(_ kind: String) -> GatewayError {
        GatewayError(
            code: "not_found", status: 404, error: "There is no such \(kind) here.",
            hint: "It may have been removed. Go back to the list.")
    }

    /// A field of a request has a value that can't be taken.
    public static func invalid(_ field: String, _ error: String, hint: String = "Correct it and try again.") -> GatewayError {
        GatewayError(code: "invalid", status: 422, error: error, hint: hint, field: field)
    }

    static func sessionEnded(_ recording: String) -> GatewayError {
        GatewayError(
            code: "session_ended", status: 409, error: "This session has ended.",
            hint: "Its recording is in Recordings.", details: ["recordingId": .text(recording)])
    }

    /// What the store says, without anything of its content.
    public init(storage error: any Error) {
        if let error = error as? GatewayError {
            self = error
        } else if let error = error as? StorageError {
            self.init(
                code: "storage_\(error.code.rawValue)", status: error.code == .busy ? 503 : 500,
                error: error.description, hint: error.hint)
        } else if let error = error as? VaultError {
            self.init(
                code: "vault_\(error.code.rawValue)", status: 500, error: error.description, hint: error.hint)
        } else {
            self.init(
                code: "internal", status: 500, error: "The copilot could not do this.",
                hint: "Try again. The copilot's own log says more.")
        }
    }

    /// What went wrong on the way to a host, or there.
    public init(hostFailure error: any Error) {
        if let error = error as? GatewayError {
            self = error
        } else if let error = error as? SSHError {
            self.init(code: error.code.rawValue, status: 502, error: error.description, hint: error.hint)
        } else if let error = error as? SSHKeyError {
            self.init(code: error.code.rawValue, status: 422, error: error.description, hint: error.hint)
        } else {
            self.init(storage: error)
        }
    }
}
