import NIOCore
import Policy

/// Somebody's way to the files of a live session's host, and whether it is still open.
///
/// People get theirs from ``FileService/access(_:caller:)``. Another kind of seat makes one with a check of its own:
/// it is asked before each operation, and about every second while bytes flow, so that a right which is taken away
/// ends a transfer too.
public struct FileAccess: Sendable {
    /// What is to be done with the files.
    public enum Intent: Sendable {
        case read
        case write
    }

    public let session: LiveSession
    /// In whose name it is done, for the audit log and the recording.
    public let caller: Caller
    /// Whether writing is possible at all, for a face that hides what is not.
    public let mayWrite: Bool
    let check: @Sendable (Intent) async throws(GatewayError) -> Void

    public init(
        session: LiveSession, caller: Caller, mayWrite: Bool,
        check: @escaping @Sendable (Intent) async throws(GatewayError) -> Void
    ) {
        self.session = session
        self.caller = caller
        self.mayWrite = mayWrite
        self.check = check
    }

    /// Refuses when it is not, or no longer, open for that.
    public func require(_ intent: Intent) async throws(GatewayError) { try await check(intent) }
}

/// Asks again whether an access is still open, when the last time is a second ago.
struct AccessWatch {
    private static let interval = TimeAmount.seconds(1)

    let access: FileAccess
    let intent: FileAccess.Intent
    private var askedAt = NIODeadline.now()

    init(_ access: FileAccess, _ intent: FileAccess.Intent) {
        self.access = access
        self.intent = intent
    }

    /// Called for each piece of a transfer. A transfer is use of the session: it does not end for want of typing.
    mutating func passed() async throws(GatewayError) {
        let now = NIODeadline.now()
        guard now - askedAt >= Self.interval else { return }
        askedAt = now
        try await access.check(intent)
        try await access.session.requireOpen()
        access.session.submit { $0.usedBesideTheTerminal() }
    }
}

extension LiveSession {
    /// Work beside the terminal counts as use.
    func usedBesideTheTerminal() { lastInputAt = .now() }
}
