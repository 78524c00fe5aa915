import Audit
import NIOConcurrencyHelpers
import NIOCore
import Policy
import SSH
import SSHKeys
import SSHProtocol
import Storage
import Vault

/// The way in: resolve, vet the address, compare the host key, and only then sign in.
extension Hosts {
    /// Opens an authenticated connection to a host as it is stored.
    ///
    /// The host key is compared with the recorded one on every connection, before authentication. Another key stops the
    /// connection, raises the alert and is in the audit log. The credential is opened in memory, for this one use.
    func connect(_ id: String, caller: Caller, on eventLoop: any EventLoop) async throws(GatewayError) -> SSHConnection
    {
        let host = try await find(id, caller)
        try policy.require(.hostUse, of: caller, on: host.policyObject)
        if host.offeredKey != nil {
            // Whoever accepts the key decides, not the next connection.
            throw changedKey(host)
        }
        let offered = NIOLockedValueBox<SSHPublicKey?>(nil)
        let configuration = try await configuration(for: host) { key in offered.withLockedValue { $0 = key } }
        let addresses = addresses
        let connection: SSHConnection
        do {
            connection = try await SSHClient.connect(
                to: SSHEndpoint(host: host.address, port: host.port), configuration: configuration, on: eventLoop,
                allowAddress: { addresses.mayConnect(to: $0) })
        } catch {
            if let key = offered.withLockedValue({ $0 }), key != host.hostKey {
                throw try await raiseAlert(host, key, caller)
            }
            throw GatewayError(hostFailure: error)
        }
        do throws(GatewayError) {
            try await markUsed(id)
            return connection
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Fails when the host was removed while the connection was made.
    private func markUsed(_ id: String) async throws(GatewayError) {
        let records = records
        let isThere: Bool
        do {
            isThere = try await records.store.transaction { tx in try records.used(id, in: tx) }
        } catch { throw GatewayError(storage: error) }
        guard isThere else { throw .notFound("host") }
    }

    private func configuration(
        for host: StoredHost, offered: @escaping @Sendable (SSHPublicKey) -> Void
    ) async throws(GatewayError) -> SSHClientConfiguration {
        let recorded = host.hostKey
        var configuration = SSHClientConfiguration(
            username: host.username, credentials: try await credentials(host)
        ) { question in
            offered(question.publicKey)
            return question.publicKey == recorded
                ? .accept : .refuse(reason: "The host shows another key than the recorded one.")
        }
        configuration.algorithms = configuration.algorithms.preferring(hostKey: recorded)
        return configuration
    }

    private func credentials(_ host: StoredHost) async throws(GatewayError) -> [SSHCredential] {
        guard host.credentialKind != .none else { return [] }
        let secret = try await openedSecret(host)
        return try Credential.forSigningIn(host.credentialKind, secret)
    }

    /// The line for `authorized_keys` of the key that the host has, for those who may change the host.
    public func authorizedKeysLine(_ id: String, caller: Caller) async throws(GatewayError) -> String? {
        let host = try await find(id, caller)
        guard host.credentialKind == .key, may(.hostEdit, caller, host) else { return nil }
        let secret = try await openedSecret(host)
        return try Credential.authorizedKeysLine(secret)
    }

    private func openedSecret(_ host: StoredHost) async throws(GatewayError) -> SecretBytes {
        let records = records
        guard let sealed = try await read({ tx in try records.credential(host.id, in: tx) }) else {
            throw GatewayError(
                "credential_missing", status: 409, "There is no credential for \(host.alias).",
                hint: "Give the host a password or a key.")
        }
        do { return try await vault.open(sealed, for: identity(host.id)) } catch { throw GatewayError(storage: error) }
    }

    /// What must not be shown to an agent at this host: its password, where the copilot has one.
    func secretsToHide(_ id: String) async -> [[UInt8]] {
        let records = records
        guard let host = try? await read({ tx in try records.host(id, in: tx) }), host.credentialKind == .password,
            let secret = try? await openedSecret(host)
        else { return [] }
        return [secret.withArray { $0 }]
    }

    /// Writes the alert down and says what changed.
    private func raiseAlert(_ host: StoredHost, _ key: SSHPublicKey, _ caller: Caller) async throws(GatewayError)
        -> GatewayError
    {
        let records = records
        let alerted = try await change(host.id) { current, tx in
            try records.raiseAlert(host.id, offered: key, in: tx)
            var alerted = current
            alerted.offeredKey = key
            return (
                event(
                    caller, "host.key_changed", current, outcome: .refused,
                    ["recorded": current.hostKey.fingerprint, "offered": key.fingerprint]), alerted
            )
        }
        return changedKey(alerted)
    }

    private func changedKey(_ host: StoredHost) -> GatewayError {
        let offered = host.offeredKey ?? host.hostKey
        return GatewayError(
            "host_key_changed", status: 409,
            "\(host.alias) showed another key than the recorded one: nothing was sent to it.",
            hint: "Find out whether the host was set up anew. If not, somebody may stand between you and it.",
            details: [
                "hostId": .string(host.id), "recorded": HostKeyView(host.hostKey).detail,
                "offered": HostKeyView(offered).detail,
            ])
    }

    // MARK: Test

    /// Tries a host step by step, and says at which step it stops.
    public func test(_ id: String, caller: Caller) async throws(GatewayError) -> HostTest {
        let host = try await find(id, caller)
        try policy.require(.hostUse, of: caller, on: host.policyObject)
        let begin = NIODeadline.now()
        var failure: GatewayError?
        do {
            let connection = try await connect(id, caller: caller, on: loops.any())
            await connection.close()
        } catch { failure = error }
        let steps = HostSteps.steps(host, failure)
        let tested = event(
            caller, "host.test", host, outcome: failure == nil ? .succeeded : .failed,
            failure.map { ["code": $0.code] } ?? [:])
        try await write { _ in (tested, ()) }
        return HostTest(
            ok: failure == nil, steps: steps,
            milliseconds: Int((NIODeadline.now() - begin).nanoseconds / 1_000_000))
    }
}

/// Where on the way to a host a failure stands.
enum HostSteps {
    private static let order = ["resolve", "connect", "host_key", "authenticate"]

    private static func step(of code: String) -> String {
        switch code {
        case "host_not_found", "address_not_allowed": "resolve"
        case "host_key_changed", "host_key_refused", "no_common_algorithm", "key_exchange_failed", "handshake_timeout":
            "host_key"
        case "authentication_failed", "credential_missing", "disconnected": "authenticate"
        case let code where code.hasPrefix("vault_"): "authenticate"
        default: "connect"
        }
    }

    static func steps(_ host: StoredHost, _ failure: GatewayError?) -> [HostTest.Step] {
        let failed = failure.map { step(of: $0.code) }
        var steps: [HostTest.Step] = []
        // Refused before anything was tried: nothing is known of the steps before.
        let isUntried = failure?.code == "credential_missing" || (failure != nil && host.offeredKey != nil)
        if let failure, let failed, isUntried {
            return [.init(step: failed, ok: false, detail: failure.error, code: failure.code, hint: failure.hint)]
        }
        for step in order {
            if let failure, step == failed {
                steps.append(
                    .init(step: step, ok: false, detail: failure.error, code: failure.code, hint: failure.hint))
                return steps
            }
            steps.append(.init(step: step, ok: true, detail: detail(step, host)))
        }
        return steps
    }

    private static func detail(_ step: String, _ host: StoredHost) -> String {
        switch step {
        case "resolve": "\(host.address) has an address that may be used."
        case "connect": "Port \(host.port) answers as an SSH server."
        case "host_key": "The host key is the recorded one, \(host.hostKey.fingerprint)."
        default: "Signed in as \(host.username)."
        }
    }
}
