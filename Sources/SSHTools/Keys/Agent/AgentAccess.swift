import Foundation
public import SSH
public import SSHKeys

/// What a person does with the keys in an agent, ours or another one: ssh-add's part.
public struct AgentAccess: Sendable {
    public let agent: SSHAgentClient

    /// - Parameter socket: nil takes the one of SSH_AUTH_SOCK.
    public init(socket: String?) throws(Failure) {
        if let socket {
            agent = SSHAgentClient(socketPath: socket)
            return
        }
        do throws(SSHAgentError) { agent = try SSHAgentClient.environment() } catch {
            throw Failure(error.description, hint: "Start one with: eval \"$(copilot agent)\"")
        }
    }

    /// The files that ssh-add adds when none is named: those of them that are there.
    public static func usualFiles(home: String) -> [String] {
        ["id_rsa", "id_ecdsa", "id_ed25519"].map { "\(home)/.ssh/\($0)" }.filter(KeyFiles.exists)
    }

    /// Steps that a key may take, as `ssh-add -h` writes them; known_hosts says which keys the hosts have.
    public static func destinations(
        _ texts: [String], knownHosts files: [String]
    ) throws(Failure) -> [DestinationConstraint] {
        guard !texts.isEmpty else { return [] }
        var known = KnownHosts()
        for path in files where KeyFiles.exists(path) {
            known.add(file: try KeyFiles.read(path, limit: KnownHostsFile.maximumLength), path: path)
        }
        var steps: [DestinationConstraint] = []
        for text in texts {
            do throws(SSHAgentError) { steps.append(try DestinationConstraint(text, knownHosts: known)) } catch {
                throw Failure(
                    error.description,
                    hint: error.code == .unknownDestination
                        ? "Add its key to known_hosts, as by: copilot keyscan HOST" : error.hint)
            }
        }
        return steps
    }

    /// Adds the key of a file, and its certificate where one lies beside it. Returns what was added.
    public func add(
        file path: String, passphrase: PassphraseSource, constraints: AgentConstraints
    ) async throws(Failure) -> [PublicIdentity] {
        try await reachable()
        let key = try KeyFiles.privateKey(path, passphrase: passphrase)
        let comment = key.comment.isEmpty ? path : key.comment
        try await add(AgentKey(key), comment, constraints)
        let certificatePath = CertificateOrder.path(of: path)
        guard path != "-", KeyFiles.exists(certificatePath) else { return [.key(key.publicKey)] }
        let found = try KeyFiles.publicKey(certificatePath)
        guard let certificate = found.identity.certificate, certificate.publicKey == key.publicKey else {
            return [.key(key.publicKey)]
        }
        let certified: AgentKey
        do throws(SSHKeyError) { certified = try AgentKey(key, certificate: certificate) } catch {
            throw Failure(error, about: certificatePath)
        }
        try await add(certified, comment, constraints)
        return [.key(key.publicKey), found.identity]
    }

    private func add(_ key: AgentKey, _ comment: String, _ constraints: AgentConstraints) async throws(Failure) {
        try await said { () async throws(SSHAgentError) in
            try await agent.add(key, comment: comment, constraints: constraints)
        }
    }

    /// Nobody shall type a passphrase for an agent that is not there.
    private func reachable() async throws(Failure) { _ = try await keys() }

    /// What the agent shows; keys of types that are unknown here are left out.
    public func keys() async throws(Failure) -> [(identity: PublicIdentity, comment: String)] {
        let shown = try await said { () async throws(SSHAgentError) in try await agent.identities() }
        return shown.compactMap { entry in entry.identity.map { ($0, entry.comment) } }
    }

    /// Removes the key of a file, or the one with that fingerprint or comment. Returns what went.
    public func remove(_ name: String) async throws(Failure) -> [PublicIdentity] {
        let there = try await keys()
        var chosen = there.filter { $0.identity.publicKey.fingerprint == name || $0.comment == name }.map(\.identity)
        if chosen.isEmpty {
            let path = KeyFiles.exists(name + ".pub") ? name + ".pub" : name
            let key = try KeyFiles.publicKey(path).identity.publicKey
            chosen = there.map(\.identity).filter { $0.publicKey == key }
        }
        guard !chosen.isEmpty else {
            throw Failure(
                "The agent has no such key: \(name).", hint: "`copilot agent list` shows what it has.",
                status: .foundWrong)
        }
        for identity in chosen {
            try await said { () async throws(SSHAgentError) in try await agent.remove(key: identity.blob) }
        }
        return chosen
    }

    public func removeAll() async throws(Failure) {
        try await said { () async throws(SSHAgentError) in try await agent.removeAll() }
    }

    /// Locks the agent with a passphrase: until it is given again the agent shows and signs nothing.
    public func lock(_ passphrase: PassphraseSource) async throws(Failure) {
        try await reachable()
        let secret = try passphrase.newSecret()
        guard !secret.isEmpty else {
            throw Failure("An agent is locked with a passphrase.", hint: "Type one; it is not stored.")
        }
        try await said { () async throws(SSHAgentError) in try await agent.lock(passphrase: secret) }
    }

    public func unlock(_ passphrase: PassphraseSource) async throws(Failure) {
        try await reachable()
        let secret = try passphrase.secret("Enter the agent's passphrase: ")
        do throws(SSHAgentError) { try await agent.unlock(passphrase: secret) } catch {
            guard error.code == .refused else { throw Failure(error.description, hint: error.hint) }
            throw Failure(
                "That is not the passphrase that the agent was locked with.", hint: "Try again; each try waits longer.",
                status: .foundWrong)
        }
    }

    private func said<Value>(_ body: () async throws(SSHAgentError) -> Value) async throws(Failure) -> Value {
        do throws(SSHAgentError) { return try await body() } catch {
            let hint = error.code == .unavailable ? "Start one with: eval \"$(copilot agent)\"" : error.hint
            throw Failure(error.description, hint: hint)
        }
    }
}
