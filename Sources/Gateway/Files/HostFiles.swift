import NIOConcurrencyHelpers
import NIOCore
import SFTP
import SSH

/// SFTP on the live sessions' own connections: opened when it is first needed, one for each session, closed with it.
final class HostFiles: Sendable {
    /// Transfers of one session at the same time; each holds about two megabytes.
    static let transfersEach = 16

    private struct Entry {
        let number: UInt64
        let opening: Task<SFTPClient, any Error>
    }
    private struct State {
        var entries: [String: Entry] = [:]
        var transfers: [String: Int] = [:]
        var last: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Runs `body` with the session's SFTP; when that turns out to be over, the next call opens it anew.
    func with<Value: Sendable>(
        _ session: LiveSession, _ body: (SFTPClient) async throws -> Value
    ) async throws(GatewayError) -> Value {
        let entry = try await entry(session)
        do {
            return try await body(try await entry.opening.value)
        } catch {
            if let error = error as? SFTPError, Self.ends(error) { forget(session.id, entry.number) }
            throw GatewayError(files: error)
        }
    }

    private static func ends(_ error: SFTPError) -> Bool {
        switch error.code {
        case .connectionLost, .closed, .subsystemRefused, .protocolError: true
        default: false
        }
    }

    private func entry(_ session: LiveSession) async throws(GatewayError) -> Entry {
        if await session.state == .ended { throw .sessionEnded(session.origin.recordingID) }
        // A session that must be watched, or is held, gives its host nothing: files neither.
        try await session.requireOpen()
        guard let connection = await session.hostConnection else { throw Self.unavailable }
        let (entry, isNew) = state.withLockedValue { state -> (Entry, Bool) in
            if let entry = state.entries[session.id] { return (entry, false) }
            state.last &+= 1
            let entry = Entry(number: state.last, opening: Task { try await connection.sftp() })
            state.entries[session.id] = entry
            return (entry, true)
        }
        if isNew {
            session.ended.whenComplete { [weak self] _ in self?.forget(session.id, entry.number) }
        }
        return entry
    }

    private static var unavailable: GatewayError {
        GatewayError(
            "no_files_here", status: 409, "This session's connection takes no file transfers.",
            hint: "Start a session on the host itself.")
    }

    private func forget(_ session: String, _ number: UInt64) {
        let entry = state.withLockedValue { state -> Entry? in
            guard state.entries[session]?.number == number else { return nil }
            return state.entries.removeValue(forKey: session)
        }
        guard let entry else { return }
        Task { await (try? entry.opening.value)?.close() }
    }

    // MARK: Transfers

    /// Counts a transfer for as long as `body` runs.
    func counted<Value>(
        _ session: LiveSession, _ body: () async throws(GatewayError) -> Value
    ) async throws(GatewayError) -> Value {
        let isAdmitted = state.withLockedValue { state -> Bool in
            let running = state.transfers[session.id] ?? 0
            guard running < Self.transfersEach else { return false }
            state.transfers[session.id] = running + 1
            return true
        }
        guard isAdmitted else {
            throw GatewayError(
                "too_many_transfers", status: 429,
                "\(Self.transfersEach) transfers of this session are running, as many as may.",
                hint: "Wait until one of them has ended.", retryAfter: 2)
        }
        defer {
            state.withLockedValue { state in
                let left = (state.transfers[session.id] ?? 1) - 1
                state.transfers[session.id] = left > 0 ? left : nil
            }
        }
        return try await body()
    }
}
