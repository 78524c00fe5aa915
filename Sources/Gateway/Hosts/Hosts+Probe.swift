import Audit
import NIOCore
import Policy
import SSH
import SSHKeys
import Storage

/// What a short handshake with an address found.
public struct Probe: Sendable, Hashable {
    /// Names this finding when the host is added; good for 15 minutes, for the same person.
    public let probeID: String
    public let address: String
    public let port: Int
    public let resolvedAddress: String
    /// Such as `SSH-2.0-OpenSSH_9.2p1`.
    public let serverIdentification: String
    public let hostKey: HostKeyFace
    /// Aliases of hosts with the same key.
    public let known: [String]
}

extension Hosts {
    /// Reads the key of a host that is not recorded yet.
    ///
    /// - Throws: 403 without `host.probe`, 422 `invalid` and `address_not_allowed`, 429 `too_many_attempts` after ten in
    ///   a minute, 502 with the engine's code.
    public func probe(_ caller: Caller, address: String, port: Int) async throws(GatewayError) -> Probe {
        try policy.require(.hostProbe, of: caller)
        let address = try HostRule.address(address)
        let port = try HostRule.port(port)
        if let wait = probes.admit(userID: caller.userID, now: clock()) {
            throw .tooManyAttempts(
                "You read the host keys of \(ProbeMemory.perMinute) addresses in a minute.", wait: wait)
        }
        let report: HostKeyReport
        do throws(SSHError) {
            report = try await SSHClient.readHostKey(
                of: SSHEndpoint(host: address, port: port), on: group.any(),
                allowAddress: { [addresses] in addresses.isAllowed($0) })
        } catch {
            try await recordProbe(caller, address: address, port: port, outcome: .failed, ["code": error.code.rawValue])
            throw GatewayError(error)
        }
        return try await keep(report, caller, address: address, port: port)
    }

    private func keep(
        _ report: HostKeyReport, _ caller: Caller, address: String, port: Int
    ) async throws(GatewayError) -> Probe {
        let resolved = report.remoteAddress.ipAddress ?? ""
        try await recordProbe(
            caller, address: address, port: port, outcome: .succeeded,
            ["resolvedAddress": resolved, "fingerprint": report.publicKey.fingerprint])
        let rows = try await GatewayError.mapping {
            try await store.read { [tenant] tx in try HostRow.all(tenant: tenant, in: tx) }
        }
        let known = rows.filter { $0.hostKey == report.publicKey && isVisible($0, to: caller) }.map(\.alias)
        let id = probes.keep(
            report.publicKey, userID: caller.userID, address: address, port: port, resolvedAddress: resolved,
            now: clock())
        return Probe(
            probeID: id, address: address, port: port, resolvedAddress: resolved,
            serverIdentification: report.serverIdentification, hostKey: HostKeyFace(report.publicKey), known: known)
    }

    private func recordProbe(
        _ caller: Caller, address: String, port: Int, outcome: AuditOutcome, _ details: [String: String]
    ) async throws(GatewayError) {
        let event = AuditEvent(
            actor: caller.auditActor, action: "host.probe",
            object: AuditObject(kind: "address", id: "", name: "\(address):\(port)"), outcome: outcome,
            details: details)
        try await GatewayError.mapping { try await audit.append(event) }
    }
}
