// Who may come in: whoever has a key of the person who started the shim.

import NIOConcurrencyHelpers
import NIOCore
public import SSH

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The keys of the shim's owner: those made for it, the key pairs in the owner's folder, and what the owner's agent holds.
/// The keys of other people, which may lie about in the same folder as `.pub` files, are not among them: a public key
/// counts only beside its private one.
public final class OwnerKeys: Sendable {
    private let ownKeys: Set<SSHPublicKey>
    private let folder: String?
    private let agentSocket: String?
    private let known = NIOLockedValueBox<[SSHPublicKey: NIODeadline]>([:])
    /// How long an answer holds before folder and agent are asked again.
    private static let memory = TimeAmount.seconds(10)

    /// - Parameters:
    ///   - ownKeys: Always good.
    ///   - folder: The folder with the owner's key pairs, usually `~/.ssh`; nil for none.
    ///   - agentSocket: The owner's agent; nil for none.
    public init(ownKeys: [SSHPublicKey], folder: String?, agentSocket: String?) {
        self.ownKeys = Set(ownKeys)
        self.folder = folder
        self.agentSocket = agentSocket
    }

    /// Whether the key is the owner's, of a certificate the key in it. Possession was proved elsewhere.
    public func contains(_ identity: PublicIdentity) async -> Bool {
        let key = identity.publicKey
        if ownKeys.contains(key) { return true }
        let now = NIODeadline.now()
        if let until = known.withLockedValue({ $0[key] }), until > now { return true }
        var found = Set(keysInFolder())
        if !found.contains(key) { found.formUnion(await keysInAgent()) }
        known.withLockedValue { known in
            known = [:]
            for key in found { known[key] = now + Self.memory }
        }
        return found.contains(key)
    }

    /// Whether the key is one of the owner's own login keys in the folder.
    public func isInFolder(_ key: SSHPublicKey) -> Bool { keysInFolder().contains(key) }

    private func keysInFolder() -> [SSHPublicKey] {
        guard let folder, let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var keys: [SSHPublicKey] = []
        while keys.count < 256, let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasSuffix(".pub"), !name.hasSuffix("-cert.pub") else { continue }
            if let key = Self.key(folder + "/" + name) { keys.append(key) }
        }
        return keys
    }

    /// The key of a `.pub` file that nobody else may change, and whose private file lies beside it.
    private static func key(_ path: String) -> SSHPublicKey? {
        guard isOwners(String(path.dropLast(".pub".count))), isOwners(path) else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let content = PrivateFile.contents(of: descriptor, limit: PublicKeyFile.maximumLength)
        return (try? PublicKeyFile(file: content))?.identity.publicKey
    }

    private static func isOwners(_ path: String) -> Bool {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return false }
        return facts.st_uid == geteuid() && facts.st_mode & 0o022 == 0
    }

    private func keysInAgent() async -> [SSHPublicKey] {
        guard let agentSocket else { return [] }
        let agent = SSHAgentClient(socketPath: agentSocket, timeout: .seconds(2))
        defer { agent.close() }
        return ((try? await agent.identities()) ?? []).compactMap { $0.identity?.publicKey }
    }
}
