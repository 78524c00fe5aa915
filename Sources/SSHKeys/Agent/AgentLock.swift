import NIOCore
import SSHCrypto

/// The lock of an agent: a passphrase that is kept as a hash, compared in constant time, and may be tried only so often.
struct AgentLock: Sendable {
    private struct Secret {
        let salt: [UInt8]
        var hash: [UInt8]
    }

    /// Some milliseconds for each try.
    private static let rounds = 16
    private static let hashLength = 32
    private static let longestDelay = TimeAmount.seconds(10)

    private var secret: Secret?
    private var failures = 0
    /// No try counts before.
    private var openAgainAt: NIODeadline?

    var isLocked: Bool { secret != nil }

    /// False when it is locked already, or the passphrase cannot be hashed.
    mutating func lock(_ passphrase: [UInt8]) -> Bool {
        guard secret == nil else { return false }
        let salt = randomBytes(16)
        guard let hash = Self.hash(passphrase, salt) else { return false }
        secret = Secret(salt: salt, hash: hash)
        failures = 0
        return true
    }

    /// Whether the passphrase opened it, and how long the answer must wait: each failure makes the next try later, up to
    /// ten seconds, on whichever connection it comes.
    mutating func unlock(_ passphrase: [UInt8], now: NIODeadline) -> (isOpen: Bool, delay: TimeAmount) {
        guard let secret else { return (false, .zero) }
        if let openAgainAt, now < openAgainAt { return (false, openAgainAt - now) }
        if let hash = Self.hash(passphrase, secret.salt), constantTimeEquals(hash, secret.hash) {
            self.secret?.hash = []
            self.secret = nil
            failures = 0
            openAgainAt = nil
            return (true, .zero)
        }
        failures = min(failures + 1, 1000)
        let delay = min(TimeAmount.milliseconds(100 * Int64(failures)), Self.longestDelay)
        openAgainAt = now + delay
        return (false, delay)
    }

    /// bcrypt, of a text that is never empty.
    private static func hash(_ passphrase: [UInt8], _ salt: [UInt8]) -> [UInt8]? {
        var text = [1] + passphrase
        defer { wipe(&text) }
        return try? BcryptPBKDF.derive(password: text, salt: salt, rounds: rounds, length: hashLength)
    }
}
