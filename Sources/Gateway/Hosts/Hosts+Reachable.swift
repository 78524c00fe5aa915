import Policy
import Storage

extension Hosts {
    /// The host of this name, where the person may see it and log in to it. One that is not there and one that is not
    /// theirs look the same: nil, after the same work.
    ///
    /// - Parameter alias: In any case of letters.
    public func reachable(_ alias: String, caller: Caller) async throws(GatewayError) -> SessionHost? {
        let folded = alias.lowercased()
        let hosts = try await read { tx in try records.all(in: tx) }
        guard let host = hosts.first(where: { $0.alias.lowercased() == folded }), may(.hostView, caller, host),
            may(.hostUse, caller, host)
        else { return nil }
        return SessionHost(
            id: host.id, alias: host.alias, environment: host.environment.rawValue, policyObject: host.policyObject)
    }
}
