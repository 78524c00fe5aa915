public import SSHKeys
public import SSHProtocol

extension SSHAgentClient {
    /// A credential for each key and certificate that the agent shows and that is of a type known here, in the agent's
    /// order.
    ///
    /// Each signs over a connection of its own, which is bound to the host first (session-bind@openssh.com): keys that are
    /// bound to destinations need it, and agents that do not know it are asked all the same.
    ///
    /// - Parameter keys: With `IdentitiesOnly` the public keys whose agent keys may be used; nil for all.
    public func credentials(only keys: [SSHPublicKey]? = nil) async throws(SSHAgentError) -> [SSHCredential] {
        try await identities().compactMap { entry in
            guard let identity = entry.identity else { return nil }
            guard keys?.contains(identity.publicKey) ?? true else { return nil }
            return .external(identity) { [self] request, facts in await sign(request, with: identity, facts) }
        }
    }

    /// A signature for a credential of one's own making, over a connection that is bound to the host first.
    ///
    /// - Parameters:
    ///   - request: What is to be signed, and by which algorithm.
    ///   - identity: The key or certificate as the agent shows it; what the host was shown may be a certificate that a file
    ///     has for the key.
    ///   - facts: Of the connection, which the agent is told before it signs.
    /// - Returns: nil when the agent refuses or is gone.
    public func sign(
        _ request: SignatureRequest, with identity: PublicIdentity, _ facts: SSHSessionFacts
    ) async -> [UInt8]? {
        let agent = fresh()
        defer { agent.close() }
        if let binding = SessionBinding(facts, isForwarding: false) { try? await agent.bind(binding) }
        return try? await agent.sign(request.data, key: identity.blob, algorithm: request.algorithm)
    }
}

extension SessionBinding {
    /// What a connection's first key exchange proved; nil where that is not known.
    init?(_ facts: SSHSessionFacts, isForwarding: Bool) {
        guard let host = facts.hostIdentity, !facts.hostSignature.isEmpty else { return nil }
        self.init(
            hostKey: host.blob, sessionID: facts.sessionID, signature: facts.hostSignature, isForwarding: isForwarding)
    }
}

extension SSHClientConfiguration {
    /// The same, with the keys that an agent shows now in the place of the agent.
    func withAgentKeys() async -> SSHClientConfiguration {
        var result = self
        result.credentials = []
        for credential in credentials {
            guard case .agent(let agent) = credential else {
                result.credentials.append(credential)
                continue
            }
            // Whoever has no agent may still get in with the next credential.
            result.credentials += (try? await agent.credentials()) ?? []
        }
        return result
    }
}
