import Storage
import Synchronization

/// Slows down guessing: by account and by address, with a wait that doubles. An attempt is counted before its password
/// is looked at, so that many at once are not cheaper than one after another.
final class SignInThrottle: Sendable {
    private struct Rule {
        /// Attempts before the first wait.
        let free: Int
        let longestWait: Duration
        /// After this time without attempts all is forgotten.
        var memory: Duration = .seconds(30 * 60)
    }

    private struct Count {
        var failures = 0
        var last: Timestamp
        var blockedUntil: Timestamp
    }

    private struct State {
        var accounts: [String: Count] = [:]
        var addresses: [String: Count] = [:]
        /// Codes beside a right password.
        var codes: [String: Count] = [:]
    }

    /// An account's wait stays short: otherwise anybody could lock its owner out.
    private static let accountRule = Rule(free: 5, longestWait: .seconds(60))
    private static let addressRule = Rule(free: 20, longestWait: .seconds(15 * 60))
    /// Three codes of a million are good at a time: with an attempt an hour, years go by before one is hit. Whoever is
    /// kept waiting knows the password, so that nobody else can lock an owner out.
    private static let codeRule = Rule(free: 5, longestWait: .seconds(60 * 60), memory: .seconds(24 * 60 * 60))
    /// Entries in each table; the oldest go first.
    private static let limit = 10_000

    private let state = Mutex(State())

    /// Counts an attempt, or says how long to wait.
    func admit(account: String, address: String, now: Timestamp) -> Duration? {
        let address = Self.network(of: address)
        return state.withLock { state in
            let waits = [
                Self.wait(state.accounts[account], now), Self.wait(state.addresses[address], now),
            ].compactMap { $0 }
            if let longest = waits.max() { return longest }
            Self.count(&state.accounts, account, Self.accountRule, now)
            Self.count(&state.addresses, address, Self.addressRule, now)
            return nil
        }
    }

    /// Counts a code that is typed beside a right password, or says how long to wait.
    func admitCode(account: String, now: Timestamp) -> Duration? {
        state.withLock { state in
            if let wait = Self.wait(state.codes[account], now) { return wait }
            Self.count(&state.codes, account, Self.codeRule, now)
            return nil
        }
    }

    /// The code was right.
    func codeSucceeded(account: String) {
        state.withLock { $0.codes[account] = nil }
    }

    /// Somebody failed otherwise than by a password: it counts for the address, whichever door it was.
    func failed(address: String, now: Timestamp) {
        let address = Self.network(of: address)
        state.withLock { Self.count(&$0.addresses, address, Self.addressRule, now) }
    }

    /// The attempt was right: the account starts anew, and the address gets this one attempt back.
    func succeeded(account: String, address: String) {
        let address = Self.network(of: address)
        state.withLock { state in
            state.accounts[account] = nil
            if let count = state.addresses[address] {
                state.addresses[address]?.failures = max(0, count.failures - 1)
                state.addresses[address]?.blockedUntil = count.last
            }
        }
    }

    private static func wait(_ count: Count?, _ now: Timestamp) -> Duration? {
        guard let count, count.blockedUntil > now else { return nil }
        return count.blockedUntil - now
    }

    private static func count(_ table: inout [String: Count], _ key: String, _ rule: Rule, _ now: Timestamp) {
        var count = table[key] ?? Count(last: now, blockedUntil: now)
        if now - count.last > rule.memory { count.failures = 0 }
        count.failures += 1
        count.last = now
        let over = count.failures - rule.free
        if over >= 0 {
            let wait: Duration = over < 20 ? .seconds(1 << over) : rule.longestWait
            count.blockedUntil = now + min(wait, rule.longestWait)
        }
        table[key] = count
        if table.count > limit {
            let oldest = table.sorted { $0.value.last < $1.value.last }.prefix(limit / 10)
            for (key, _) in oldest { table[key] = nil }
        }
    }

    /// One customer of an IPv6 provider has a whole /64: its addresses count as one.
    static func network(of address: String) -> String {
        guard let parsed = AddressRange(address), parsed.bytes.count == 16 else { return address }
        return "v6:" + parsed.bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ".")
    }
}
