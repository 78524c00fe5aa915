import Audit
import NIOCore
import Policy
import SSH
import SSHKeys
import SSHProtocol
import Storage
import Synchronization

/// What a try to log in to a host found, step by step.
public struct HostTest: Sendable, Hashable {
    public enum Step: String, Sendable {
        case resolve, connect
        case hostKey = "host_key"
        case authenticate
    }

    public struct Finding: Sendable, Hashable {
        public let step: Step
        public let ok: Bool
        public let detail: String
        public let code: String?
        public let hint: String?
    }

    public var ok: Bool { steps.allSatisfy(\.ok) }
    /// As far as it went: the step that failed is the last one.
    public let steps: [Finding]
    public let milliseconds: Int
}

extension Hosts {
    /// Opens an authenticated connection to a stored host.
    ///
    /// The address is resolved anew and only an allowed one is used. The host's key is compared with the recorded one
    /// before authentication; another key raises an alert, stands in the audit log, and nothing is sent to the host.
    /// The secret is opened for this connection alone.
    /// - Throws: 403 without `host.use`, 404, 409 `host_key_changed` (with both keys) and `no_credential`, 502 with the
    ///   engine's code.
    public func connect(
        _ id: HostID, caller: Caller, on eventLoop: any EventLoop
    ) async throws(GatewayError) -> SSHConnection {
        let host = try await visible(id, to: caller)
        try policy.require(.hostUse, of: caller, on: host.policyObject)
        let connection = try await dial(host, caller, on: eventLoop, progress: DialProgress())
        do throws(GatewayError) {
            try await markUsed(id)
            return connection
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Fails when the host was removed while the connection was made.
    private func markUsed(_ id: HostID) async throws(GatewayError) {
        let isThere = try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try tx.execute("UPDATE host SET last_used = \(clock()) WHERE tenant = \(tenant) AND id = \(id)")
                return tx.changes == 1
            }
        }
        guard isThere else { throw .notFound("host") }
    }

    private func dial(
        _ host: HostRow, _ caller: Caller, on eventLoop: any EventLoop, progress: DialProgress
    ) async throws(GatewayError) -> SSHConnection {
        guard let credentialID = host.credentialID else {
            throw .conflict(
                "no_credential", "The host \(host.alias) has no password or key.", hint: "Give it one in its settings.")
        }
        let credential = try await credentials.open(credentialID)
        var configuration = SSHClientConfiguration(username: host.username, credentials: [credential]) { question in
            progress.asked(question)
            return question.publicKey.blob == host.hostKey.blob
                ? .accept : .refuse(reason: "The host showed another key than the recorded one.")
        }
        configuration.algorithms = AlgorithmPreferences.standard.preferring(hostKey: host.hostKey)
        do throws(SSHError) {
            return try await SSHClient.connect(
                to: SSHEndpoint(host: host.address, port: host.port), configuration: configuration, on: eventLoop,
                allowAddress: { [addresses] in addresses.isAllowed($0) })
        } catch {
            if let offered = progress.offeredKey, offered.blob != host.hostKey.blob {
                try await raiseAlert(host, caller, offered: offered)
                throw .hostKeyChanged(host, offered: offered)
            }
            throw GatewayError(error)
        }
    }

    private func raiseAlert(_ host: HostRow, _ caller: Caller, offered: SSHPublicKey) async throws(GatewayError) {
        try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try tx.execute(
                    """
                    INSERT INTO host_key_alert (tenant, host, offered_key, seen)
                    SELECT tenant, id, \(offered.blob), \(clock()) FROM host
                    WHERE tenant = \(tenant) AND id = \(host.id)
                    ON CONFLICT (tenant, host) DO UPDATE SET offered_key = excluded.offered_key, seen = excluded.seen
                    """)
                try record(
                    caller, "host.key_changed", host, outcome: .refused,
                    ["recorded": host.hostKey.fingerprint, "offered": offered.fingerprint], in: tx)
            }
        }
    }
}

/// How far a connection came: the host's key is the last thing before authentication.
private final class DialProgress: Sendable {
    private let question = Mutex<HostKeyQuestion?>(nil)

    func asked(_ question: HostKeyQuestion) {
        self.question.withLock { $0 = question }
    }

    var offeredKey: SSHPublicKey? { question.withLock { $0?.publicKey } }
    var remoteAddress: String? { question.withLock { $0?.remoteAddress } }
}

// MARK: - Test

extension Hosts {
    /// Tries to log in and leaves again.
    ///
    /// - Throws: 403 without `host.use`, 404. What the host does wrong is in the answer.
    public func test(_ caller: Caller, _ id: HostID) async throws(GatewayError) -> HostTest {
        let host = try await visible(id, to: caller)
        try policy.require(.hostUse, of: caller, on: host.policyObject)
        let progress = DialProgress()
        let start = ContinuousClock.now
        let failure = try await failure(of: host, caller, progress: progress)
        let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
        let test = HostTest(
            steps: Self.steps(host, progress: progress, failure: failure), milliseconds: milliseconds)
        try await GatewayError.mapping {
            try await store.transaction { [self] tx in
                try record(
                    caller, "host.test", host, outcome: test.ok ? .succeeded : .failed,
                    failure.map { ["code": $0.code] } ?? [:], in: tx)
            }
        }
        return test
    }

    /// What the host did wrong; our own mistakes are thrown.
    private func failure(
        of host: HostRow, _ caller: Caller, progress: DialProgress
    ) async throws(GatewayError) -> GatewayError? {
        do throws(GatewayError) {
            let connection = try await dial(host, caller, on: group.any(), progress: progress)
            await connection.close()
            return nil
        } catch {
            guard error.status != 500 else { throw error }
            return error
        }
    }

    private static func steps(_ host: HostRow, progress: DialProgress, failure: GatewayError?) -> [HostTest.Finding] {
        let failed = failure.map { failedStep($0, reachedKey: progress.offeredKey != nil) }
        let details: [(HostTest.Step, String)] = [
            (.resolve, progress.remoteAddress.map { "\(host.address) is at \($0)." } ?? "The address was found."),
            (.connect, "Port \(host.port) answers as an SSH server."),
            (.hostKey, "The host key is the recorded one (\(host.hostKey.fingerprint))."),
            (.authenticate, "Logged in as \(host.username) with the stored \(host.credentialKind.rawValue)."),
        ]
        var findings: [HostTest.Finding] = []
        if let failure, failure.code == "no_credential" {
            // Nothing was tried.
            return [
                .init(step: .authenticate, ok: false, detail: failure.error, code: failure.code, hint: failure.hint)
            ]
        }
        for (step, detail) in details {
            guard let failure, step == failed else {
                findings.append(.init(step: step, ok: true, detail: detail, code: nil, hint: nil))
                continue
            }
            findings.append(
                .init(step: step, ok: false, detail: failure.error, code: failure.code, hint: failure.hint))
            break
        }
        return findings
    }

    /// Everything after the host's key is authentication; before it the code tells.
    private static func failedStep(_ failure: GatewayError, reachedKey: Bool) -> HostTest.Step {
        switch SSHError.Code(rawValue: failure.code) {
        case .hostKeyChanged: .hostKey
        case .hostNotFound, .addressNotAllowed: .resolve
        case .noCommonAlgorithm, .keyExchangeFailed, .hostKeyRefused: .hostKey
        default: reachedKey ? .authenticate : .connect
        }
    }
}
