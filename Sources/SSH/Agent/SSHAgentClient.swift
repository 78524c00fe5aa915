import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix
import SSHCrypto
public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Asks an SSH agent: lists keys, signs, adds and removes (draft-ietf-sshm-ssh-agent).
///
/// ```swift
/// let agent = try SSHAgentClient.environment()
/// for entry in try await agent.identities() { print(entry.identity?.publicKey.fingerprint ?? "?", entry.comment) }
/// ```
///
/// It connects at the first request and again after the agent went away. What was bound (`bind`) holds for one connection:
/// take a client of its own, `fresh()`, for each SSH connection.
public final class SSHAgentClient: Sendable {
    /// The agent's unix socket.
    public let socketPath: String
    /// How long the agent may take for an answer.
    public let timeout: Duration
    /// How long it may take for a signature, which somebody may have to confirm.
    public let signingTimeout: Duration

    private let eventLoop: any EventLoop
    private let link = NIOLockedValueBox<Task<AgentLink, any Error>?>(nil)

    public init(
        socketPath: String, timeout: Duration = .seconds(10), signingTimeout: Duration = .seconds(120),
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.socketPath = socketPath
        self.timeout = timeout
        self.signingTimeout = signingTimeout
        eventLoop = group.next()
    }

    deinit { close() }

    /// The agent that the environment names: `SSH_AUTH_SOCK`. Throws `unavailable` without it.
    public static func environment() throws(SSHAgentError) -> SSHAgentClient {
        guard let path = getenv("SSH_AUTH_SOCK").map({ String(cString: $0) }), !path.isEmpty else {
            throw SSHAgentError(
                .unavailable, "SSH_AUTH_SOCK is not set: there is no agent.",
                hint: "Start one with: eval \"$(ssh-agent)\"")
        }
        return SSHAgentClient(socketPath: path)
    }

    /// A client of the same agent with a connection of its own.
    public func fresh() -> SSHAgentClient {
        SSHAgentClient(socketPath: socketPath, timeout: timeout, signingTimeout: signingTimeout, on: eventLoop)
    }

    /// Ends the connection; the next request makes a new one.
    public func close() {
        let task = link.withLockedValue { link in
            defer { link = nil }
            return link
        }
        guard let task else { return }
        Task { try? await task.value.channel.close() }
    }

    // MARK: Requests

    /// The keys that the agent shows to this connection; none while it is locked.
    public func identities() async throws(SSHAgentError) -> [AgentIdentity] {
        guard case .identities(let identities) = try await ask(.listIdentities) else { throw Self.refused("the list") }
        return identities
    }

    /// A whole signature blob over `data`.
    ///
    /// - Parameters:
    ///   - data: What is signed.
    ///   - key: The blob of the key or certificate, as the list shows it.
    ///   - algorithm: With an RSA key "rsa-sha2-256" or "rsa-sha2-512" chooses the hash; other keys have one.
    public func sign(_ data: [UInt8], key: [UInt8], algorithm: String) async throws(SSHAgentError) -> [UInt8] {
        let request = AgentRequest.sign(key: key, data: data, flags: AgentSignFlags(algorithm: algorithm))
        guard case .signature(let signature) = try await ask(request, within: signingTimeout) else {
            throw Self.refused("to sign")
        }
        return signature
    }

    /// Adds a key, alone or with a certificate.
    public func add(
        _ key: AgentKey, comment: String = "", constraints: AgentConstraints = .none
    ) async throws(SSHAgentError) {
        try await demand(.add(key, comment: comment, constraints), "to take the key")
    }

    /// Removes one key, by its blob.
    public func remove(key: [UInt8]) async throws(SSHAgentError) {
        try await demand(.remove(key: key), "to remove the key")
    }

    public func removeAll() async throws(SSHAgentError) { try await demand(.removeAll, "to remove its keys") }

    /// Locks the agent: it shows and does nothing until it is unlocked with the same passphrase.
    public func lock(passphrase: [UInt8]) async throws(SSHAgentError) {
        try await demand(.lock(passphrase: passphrase), "to be locked")
    }

    /// Throws `refused` for a wrong passphrase; the agent lets each further try wait longer.
    public func unlock(passphrase: [UInt8]) async throws(SSHAgentError) {
        try await demand(.unlock(passphrase: passphrase), "to be unlocked")
    }

    /// Tells the agent what host is at the end of an SSH connection (session-bind@openssh.com). Agents that do not know
    /// the extension refuse; keys bound to destinations then stay closed.
    public func bind(_ binding: SessionBinding) async throws(SSHAgentError) {
        try await demand(.bind(binding), "the session's binding")
    }

    /// The names of the extensions that the agent knows; empty where it cannot say.
    public func extensions() async throws(SSHAgentError) -> [String] {
        guard case .extensions(let names) = try await ask(.query) else { return [] }
        return names
    }

    private func demand(_ request: AgentRequest, _ what: String) async throws(SSHAgentError) {
        guard case .success = try await ask(request) else { throw Self.refused(what) }
    }

    private static func refused(_ what: String) -> SSHAgentError {
        SSHAgentError(
            .refused, "The agent refused \(what).",
            hint: "It may be locked, not know the key, or be limited to other hosts; “ssh-add -l” shows what it has.")
    }

    // MARK: The connection

    private func ask(_ request: AgentRequest, within limit: Duration? = nil) async throws(SSHAgentError)
        -> AgentResponse
    {
        var message = try request.encoded()
        defer { wipe(&message) }
        guard message.count <= AgentFrames.maximumLength else {
            throw SSHAgentError(
                .malformed, "A request to the agent is longer than \(AgentFrames.maximumLength) bytes.",
                hint: "Sign less at once.")
        }
        let answer = try await exchange(AgentFrames.framed(message), within: TimeAmount(limit ?? timeout))
        return try AgentResponse(answer)
    }

    private func exchange(_ request: ByteBuffer, within limit: TimeAmount) async throws(SSHAgentError) -> [UInt8] {
        do {
            let link = try await connected()
            do {
                return try await link.ask(request, within: limit)
            } catch {
                // Answers come in order: after one that did not come, no other can be told apart.
                forget(link)
                throw error
            }
        } catch let error as SSHAgentError {
            throw error
        } catch {
            throw AgentLink.lost
        }
    }

    private func connected() async throws -> AgentLink {
        let task = link.withLockedValue { link in
            if let link { return link }
            let task = Task { [socketPath, eventLoop, timeout] in
                try await AgentLink.connect(to: socketPath, within: TimeAmount(timeout), on: eventLoop)
            }
            link = task
            return task
        }
        do {
            let connected = try await task.value
            guard connected.channel.isActive else {
                forget(connected)
                return try await self.connected()
            }
            return connected
        } catch {
            link.withLockedValue { if $0 == task { $0 = nil } }
            throw error
        }
    }

    private func forget(_ old: AgentLink) {
        old.channel.close(promise: nil)
        link.withLockedValue { $0 = nil }
    }
}

/// One connection to an agent.
struct AgentLink: Sendable {
    let channel: any Channel
    private let handler: NIOLoopBound<AgentClientHandler>

    static let lost = SSHAgentError(
        .connectionLost, "The connection to the agent ended.", hint: "Check that the agent still runs.")

    static func connect(
        to path: String, within limit: TimeAmount, on eventLoop: any EventLoop
    ) async throws -> AgentLink {
        do {
            let channel = try await ClientBootstrap(group: eventLoop).connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AgentClientHandler())
                    }
                }
                .connect(unixDomainSocketPath: path).get()
            return try await channel.eventLoop.submit {
                let handler = try channel.pipeline.syncOperations.handler(type: AgentClientHandler.self)
                return AgentLink(
                    channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
            }.get()
        } catch {
            throw SSHAgentError(
                .unavailable, "No agent answers at \(DisplayText.neutralise(path, limit: 200)).",
                hint: "Check SSH_AUTH_SOCK, and that the agent runs.")
        }
    }

    func ask(_ request: ByteBuffer, within limit: TimeAmount) async throws -> [UInt8] {
        let promise = channel.eventLoop.makePromise(of: [UInt8].self)
        let channel = channel
        let handler = handler
        return try await withTaskCancellationHandler {
            channel.eventLoop.execute { handler.value.send(request, promise, within: limit) }
            return try await promise.futureResult.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}

/// Pairs answers with requests, in order. Loop-bound.
final class AgentClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Waiting {
        let promise: EventLoopPromise<[UInt8]>
        let timer: Scheduled<Void>
    }

    private var waiting = CircularBuffer<Waiting>()
    private var frames = AgentFrames()
    private var context: ChannelHandlerContext?
    private var failure: SSHAgentError?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(AgentLink.lost)
        self.context = nil
    }

    func send(_ request: ByteBuffer, _ promise: EventLoopPromise<[UInt8]>, within limit: TimeAmount) {
        guard let context, context.channel.isActive, failure == nil else {
            return promise.fail(failure ?? AgentLink.lost)
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let timer = context.eventLoop.scheduleTask(in: limit) {
            bound.value.end(
                SSHAgentError(.timeout, "The agent did not answer in time.", hint: "Check that the agent still runs."))
        }
        waiting.append(Waiting(promise: promise, timer: timer))
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        do throws(SSHAgentError) {
            while let message = try frames.next(from: &input) {
                guard let next = waiting.popFirst() else {
                    return end(
                        SSHAgentError(
                            .malformed, "The agent answers what nobody asked.",
                            hint: "Check which program is at the other end of the agent's socket."))
                }
                next.timer.cancel()
                next.promise.succeed(message)
            }
        } catch {
            end(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(AgentLink.lost)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(AgentLink.lost) }

    private func end(_ error: SSHAgentError) {
        if failure == nil { failure = error }
        let all = waiting
        waiting.removeAll()
        for one in all {
            one.timer.cancel()
            one.promise.fail(error)
        }
        context?.close(promise: nil)
    }
}
