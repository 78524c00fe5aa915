import CLibArgon2
import Dispatch
import Foundation
import Vault

/// Argon2id (RFC 9106) through libargon2, kept as a PHC string: 19 MiB, two passes, one lane.
///
/// Each hash takes 19 MiB and some 30 ms of a core, so at most two run at once, on threads of their own, and a queue of
/// bounded length waits: a flood of sign-ins can neither fill the memory nor hold up anything else.
public final class PasswordHash: Sendable {
    private static let passes: UInt32 = 2
    private static let memory: UInt32 = 19 * 1024
    private static let lanes: UInt32 = 1
    private static let saltLength = 16
    private static let hashLength = 32

    private let queue = DispatchQueue(label: "copilot.password-hash", attributes: .concurrent)
    private let gate: Gate
    /// A hash of nothing that anybody knows: an unknown user costs as much as a known one.
    private let dummy: String

    /// - Parameters:
    ///   - concurrent: how many hashes run at once.
    ///   - waiting: how many may wait; more are refused with `busy`.
    public init(concurrent: Int = 2, waiting: Int = 64) throws(GatewayError) {
        gate = Gate(free: concurrent, limit: waiting)
        dummy = try Self.compute([UInt8](UUID().uuidString.utf8))
    }

    /// A new PHC string, with a fresh salt.
    public func hash(_ password: SecretBytes) async throws(GatewayError) -> String {
        try await run { try password.withArray { try Self.compute($0) } }
    }

    /// Whether the password belongs to the PHC string. Without one (an unknown or invited user) the same work is done
    /// and the answer is no.
    public func verify(_ password: SecretBytes, against stored: String?) async throws(GatewayError) -> Bool {
        let known = stored ?? dummy
        let matches = try await run {
            password.withBytes { argon2_verify(known, $0.baseAddress, $0.count, Argon2_id) == ARGON2_OK.rawValue }
        }
        return matches && stored != nil
    }

    /// Whether the PHC string was made with other parameters than new ones are.
    static func isOutdated(_ stored: String) -> Bool {
        !stored.hasPrefix("$argon2id$v=19$m=\(memory),t=\(passes),p=\(lanes)$")
    }

    private func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws(GatewayError) -> T {
        guard await gate.enter() else {
            throw GatewayError(
                "busy", status: 503, "Too many people sign in at this moment.", hint: "Try again in a few seconds.",
                retryAfter: 5)
        }
        let result = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result { try body() }) }
        }
        await gate.leave()
        return try await GatewayError.mapping { try result.get() }
    }

    private static func compute(_ password: [UInt8]) throws(GatewayError) -> String {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<saltLength).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let length = argon2_encodedlen(
            passes, memory, lanes, UInt32(saltLength), UInt32(hashLength), Argon2_id)
        var encoded = [CChar](repeating: 0, count: length)
        let code = argon2id_hash_encoded(
            passes, memory, lanes, password, password.count, salt, salt.count, hashLength, &encoded, encoded.count)
        guard code == ARGON2_OK.rawValue else {
            throw GatewayError(
                "internal", status: 500,
                "The password could not be hashed: \(String(cString: argon2_error_message(code))).",
                hint: "The machine may be short of memory: try again.")
        }
        return String(decoding: encoded.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Counts who may work, and lets the others wait in line.
    private actor Gate {
        private var free: Int
        private let limit: Int
        private var waiting: [CheckedContinuation<Void, Never>] = []

        init(free: Int, limit: Int) {
            self.free = free
            self.limit = limit
        }

        func enter() async -> Bool {
            if free > 0 {
                free -= 1
                return true
            }
            guard waiting.count < limit else { return false }
            await withCheckedContinuation { waiting.append($0) }
            return true
        }

        func leave() {
            if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
        }
    }
}

/// What a password must be.
enum PasswordRule {
    static let shortest = 12
    private static let longest = 1024

    /// The bytes that are hashed: NFC, so that every keyboard gives the same.
    static func checked(_ password: String, username: String, field: String) throws(GatewayError) -> SecretBytes {
        guard password.count >= shortest else {
            throw .invalid(
                field, "The password has fewer than \(shortest) characters.", hint: "A few words together work well.")
        }
        guard password.utf8.count <= longest else {
            throw .invalid(field, "The password is longer than \(longest) bytes.", hint: "Choose a shorter one.")
        }
        let folded = password.lowercased()
        guard Set(folded).count >= 4, folded.replacing(username.lowercased(), with: "").count >= 8 else {
            throw .invalid(
                field, "The password is easy to guess: it repeats itself or the user name.", hint: "Choose another one."
            )
        }
        return bytes(of: password)
    }

    static func bytes(of password: String) -> SecretBytes {
        SecretBytes(String(password.precomposedStringWithCanonicalMapping.prefix(longest)))
    }
}
