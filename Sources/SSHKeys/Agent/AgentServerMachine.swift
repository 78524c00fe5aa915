public import NIOCore
import SSHCrypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// An SSH agent without its sockets: messages go in, answers come out (draft-ietf-sshm-ssh-agent, and OpenSSH's
/// PROTOCOL.agent for session-bind and destination constraints).
///
/// Private keys are in memory alone. Time is told by the caller.
public struct AgentServerMachine: Sendable {
    /// One connection to the agent.
    public struct ConnectionID: Sendable, Hashable {
        let number: UInt64
    }

    /// What a message leads to.
    public enum Outcome: Sendable {
        /// Send this, after that long.
        case answer([UInt8], delay: TimeAmount)
        /// Ask the owner, then call ``answer(_:of:now:)``. Nothing else of that connection is served until then.
        case ask(AgentQuestion)
    }

    public struct Limits: Sendable, Hashable {
        /// As many as OpenSSH's clients read.
        public var identities = 2048
        /// Hosts in a row that one connection may be bound to, as in OpenSSH.
        public var bindings = 16

        public init() {}
    }

    struct Identity {
        let identity: PublicIdentity
        let blob: [UInt8]
        let key: SSHPrivateKey
        let comment: String
        let expiry: NIODeadline?
        let confirms: Bool
        let destinations: [DestinationConstraint]
    }

    /// What a connection was told about the hosts between.
    struct Connection {
        struct Binding {
            let host: PublicIdentity
            let sessionID: [UInt8]
            let isForwarding: Bool
        }

        var bindings: [Binding] = []
        /// Also after a binding that failed: then the connection is somebody's from far away, and not known whose.
        var wasBound = false
        var question: (number: UInt64, pending: PendingSignature)?
    }

    struct PendingSignature {
        let blob: [UInt8]
        let data: [UInt8]
        let flags: AgentSignFlags
    }

    private let limits: Limits
    /// Lifetime of keys that are added without one.
    private let defaultLifetime: UInt32?
    private let signsWithSHA1: Bool
    /// Seconds since 1970, for the certificates of hosts.
    private let wallClock: @Sendable () -> UInt64
    private(set) var identities: [Identity] = []
    private var connections: [ConnectionID: Connection] = [:]
    private var lock = AgentLock()
    private var nextNumber: UInt64 = 0

    /// - Parameters:
    ///   - limits: How much it keeps, for how many.
    ///   - defaultLifetime: Seconds that a key stays which is added without a lifetime (`ssh-agent -t`); nil for ever.
    ///   - signsWithSHA1: Whether an RSA key signs for a client that asks for the old "ssh-rsa".
    ///   - wallClock: Seconds since 1970.
    public init(
        limits: Limits = Limits(), defaultLifetime: UInt32? = nil, signsWithSHA1: Bool = false,
        wallClock: @escaping @Sendable () -> UInt64 = { UInt64(max(Date().timeIntervalSince1970, 0)) }
    ) {
        self.limits = limits
        self.defaultLifetime = defaultLifetime
        self.signsWithSHA1 = signsWithSHA1
        self.wallClock = wallClock
    }

    // MARK: The owner

    /// Keys that are there and not expired.
    public var count: Int { identities.count }
    public var isLocked: Bool { lock.isLocked }
    /// When the next key is to be forgotten: call ``expire(now:)`` then.
    public var nextExpiry: NIODeadline? { identities.compactMap(\.expiry).min() }

    /// Adds a key as its owner; a key that is there already takes the new comment and constraints. False when full.
    public mutating func add(
        _ key: AgentKey, comment: String, constraints: AgentConstraints = .none, now: NIODeadline
    ) -> Bool {
        let identity = key.identity
        let blob = identity.blob
        let seconds = constraints.lifetime.flatMap { $0 == 0 ? nil : $0 } ?? defaultLifetime
        let entry = Identity(
            identity: identity, blob: blob, key: key.privateKey, comment: comment,
            expiry: seconds.map { now + .seconds(Int64($0)) }, confirms: constraints.confirms,
            destinations: constraints.destinations)
        if let index = identities.firstIndex(where: { $0.blob == blob }) {
            identities[index] = entry
            return true
        }
        guard identities.count < limits.identities else { return false }
        identities.append(entry)
        return true
    }

    /// Forgets every key.
    public mutating func removeAll() { identities.removeAll() }

    /// Forgets the keys whose time is over.
    public mutating func expire(now: NIODeadline) {
        identities.removeAll { $0.expiry.map { $0 <= now } ?? false }
    }

    // MARK: Connections

    public mutating func connect() -> ConnectionID {
        nextNumber &+= 1
        let id = ConnectionID(number: nextNumber)
        connections[id] = Connection()
        return id
    }

    public mutating func disconnect(_ id: ConnectionID) { connections[id] = nil }

    /// Serves one message. What cannot be read is answered with a failure; the connection may go on, as each message
    /// stands for itself.
    public mutating func receive(_ message: consuming [UInt8], from id: ConnectionID, now: NIODeadline) -> Outcome {
        expire(now: now)
        let parsed = Self.parse(message)
        wipe(&message)
        guard let connection = connections[id], connection.question == nil, let request = parsed else {
            return Self.reply(.failure)
        }
        if lock.isLocked { return serveLocked(request, now: now) }
        switch request {
        case .listIdentities: return Self.reply(.identities(list(for: connection)))
        case .sign(let key, let data, let flags):
            return sign(PendingSignature(blob: key, data: data, flags: flags), for: id)
        case .add(let key, let comment, let constraints):
            return status(add(key, comment: comment, constraints: constraints, now: now))
        case .remove(let blob): return status(remove(blob, for: connection))
        case .removeAll:
            removeAll()
            return Self.reply(.success)
        case .lock(var passphrase):
            defer { wipe(&passphrase) }
            return status(lock.lock(passphrase))
        case .bind(let binding): return Self.reply(bind(binding, id) ? .success : .extensionFailure)
        case .query:
            return Self.reply(
                .extensions([
                    AgentExtensionName.query, AgentExtensionName.sessionBind, AgentExtensionName.restrictDestination,
                ]))
        case .unlock, .unknown: return Self.reply(.failure)
        }
    }

    /// The owner's answer to a question. Anything but a yes is a no.
    public mutating func answer(_ isAllowed: Bool, of question: AgentQuestion, now: NIODeadline) -> Outcome {
        expire(now: now)
        guard let waiting = connections[question.connection]?.question, waiting.number == question.number else {
            return Self.reply(.failure)
        }
        connections[question.connection]?.question = nil
        // Much may have happened while somebody thought.
        guard isAllowed, !lock.isLocked, let connection = connections[question.connection],
            let identity = permitted(waiting.pending, for: connection)?.identity
        else { return Self.reply(.failure) }
        return signature(of: waiting.pending, by: identity)
    }

    // MARK: Requests

    private static func parse(_ message: [UInt8]) -> AgentRequest? { try? AgentRequest(message) }

    /// A locked agent shows nothing and does nothing but open again.
    private mutating func serveLocked(_ request: AgentRequest, now: NIODeadline) -> Outcome {
        switch request {
        case .listIdentities: return Self.reply(.identities([]))
        case .unlock(var passphrase):
            defer { wipe(&passphrase) }
            let (isOpen, delay) = lock.unlock(passphrase, now: now)
            return .answer((isOpen ? AgentResponse.success : .failure).encoded, delay: delay)
        default: return Self.reply(.failure)
        }
    }

    /// Only keys that could be of use at the other end: others are none of its business.
    private func list(for connection: Connection) -> [AgentIdentity] {
        identities.filter { permission(of: $0, for: connection, user: nil) != nil }.map {
            AgentIdentity(blob: $0.blob, comment: $0.comment)
        }
    }

    private mutating func remove(_ blob: [UInt8], for connection: Connection) -> Bool {
        guard let index = identities.firstIndex(where: { $0.blob == blob }),
            permission(of: identities[index], for: connection, user: nil) != nil
        else { return false }
        identities.remove(at: index)
        return true
    }

    private mutating func sign(_ pending: PendingSignature, for id: ConnectionID) -> Outcome {
        guard let connection = connections[id], let (identity, permission) = permitted(pending, for: connection) else {
            return Self.reply(.failure)
        }
        guard identity.confirms else { return signature(of: pending, by: identity) }
        nextNumber &+= 1
        connections[id]?.question = (nextNumber, pending)
        return .ask(
            AgentQuestion(
                connection: id, number: nextNumber, identity: identity.identity, comment: identity.comment,
                user: permission.user, destination: permission.destination, through: permission.through))
    }

    private func signature(of pending: PendingSignature, by identity: Identity) -> Outcome {
        guard let algorithm = algorithm(for: identity.key.publicKey, pending.flags),
            let signature = try? identity.key.sign(pending.data, algorithm: algorithm, allowingLegacy: signsWithSHA1)
        else { return Self.reply(.failure) }
        return Self.reply(.signature(signature))
    }

    private func algorithm(for key: SSHPublicKey, _ flags: AgentSignFlags) -> String? {
        // The draft: an agent that does not know a flag must refuse.
        guard flags.subtracting([.rsaSHA256, .rsaSHA512]).isEmpty else { return nil }
        guard case .rsa = key else { return key.algorithm }
        if flags.contains(.rsaSHA256) { return "rsa-sha2-256" }
        if flags.contains(.rsaSHA512) { return "rsa-sha2-512" }
        return signsWithSHA1 ? "ssh-rsa" : nil
    }

    private mutating func bind(_ binding: SessionBinding, _ id: ConnectionID) -> Bool {
        connections[id]?.wasBound = true
        guard let connection = connections[id], let host = try? binding.verified() else { return false }
        // Whoever logs in with the agent does not forward it over the same connection afterwards.
        guard connection.bindings.allSatisfy(\.isForwarding) else { return false }
        if let known = connection.bindings.first(where: { $0.sessionID == binding.sessionID }) {
            return known.host == host
        }
        guard connection.bindings.count < limits.bindings else { return false }
        connections[id]?.bindings.append(
            Connection.Binding(host: host, sessionID: binding.sessionID, isForwarding: binding.isForwarding))
        return true
    }

    private func status(_ isSuccess: Bool) -> Outcome { Self.reply(isSuccess ? .success : .failure) }

    /// A list that is too long for a message fails: a client could not read it.
    private static func reply(_ response: AgentResponse) -> Outcome {
        let encoded = response.encoded
        let fits = encoded.count <= AgentFrames.maximumLength
        return .answer(fits ? encoded : AgentResponse.failure.encoded, delay: .zero)
    }

    func now() -> UInt64 { wallClock() }
}

/// A signature that its key's owner is to confirm.
public struct AgentQuestion: Sendable, Hashable {
    let connection: AgentServerMachine.ConnectionID
    let number: UInt64
    public let identity: PublicIdentity
    /// Of whoever added the key: neutralise it before showing.
    public let comment: String
    /// Whom the key would log in, and where, if the key is bound to destinations.
    public let user: String?
    public let destination: String?
    /// The host that the request came through, if it came from afar.
    public let through: String?
}
