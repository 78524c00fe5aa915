import NIOConcurrencyHelpers

/// What the commands of one session may keep of their outputs together, so that an agent that asks for much of many commands
/// fills no memory. Whoever comes when it is spent keeps the newest bytes only.
final class OutputBudget: Sendable {
    private let limit: Int
    private let used = NIOLockedValueBox(0)

    init(limit: Int) { self.limit = limit }

    var isSpent: Bool { used.withLockedValue { $0 >= limit } }

    /// So many more bytes are kept, or fewer.
    func change(by bytes: Int) { used.withLockedValue { $0 = max(0, $0 + bytes) } }
}
