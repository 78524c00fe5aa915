import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSHKeys
import SSHProtocol

/// Which agent serves a host that an agent is forwarded to.
public enum ForwardedAgent: Sendable {
    /// Another program's, at its unix socket.
    case socket(String)
    /// One in this process.
    case server(SSHAgentServer)
}

extension SSHConnection {
    /// Serves the connections to an agent that the host opens, after a session asked for it with
    /// `requestAgentForwarding`. Ends with the SSH connection.
    ///
    /// The agent is told first for whom it works (session-bind@openssh.com, forwarding), so that keys which are bound to
    /// destinations keep to them.
    ///
    /// - Parameters:
    ///   - agent: Where the host's requests go.
    ///   - maximumConnections: At once; the host's further ones are refused.
    public func forwardAgent(_ agent: ForwardedAgent, maximumConnections: Int = 16) {
        let count = NIOLockedValueBox(0)
        handleAgentChannels { incoming in
            let isFree = count.withLockedValue { count in
                guard count < maximumConnections else { return false }
                count += 1
                return true
            }
            guard isFree else { return incoming.refuse(.resourceShortage, "too many connections to the agent") }
            // The handler runs on the connection's loop.
            incoming.serve(agent) { count.withLockedValue { $0 -= 1 } }
        }
    }
}

extension SSHIncomingChannel {
    /// Accepts a connection to an agent and carries it to that one, which is told for whom it works. On the event loop.
    ///
    /// - Parameters:
    ///   - agent: Whose keys sign.
    ///   - ended: Told once, anywhere, when the connection is over.
    public func serve(_ agent: ForwardedAgent, ended: @escaping @Sendable () -> Void) {
        let binding = SessionBinding(SSHSessionFacts(driver.value.machine), isForwarding: true)
        Task {
            defer { ended() }
            guard let stream = try? await acceptStream() else { return }
            await AgentPump(stream: stream, binding: binding).run(agent)
        }
    }
}

/// Carries one connection of a forwarded agent, until one side ends it.
struct AgentPump: Sendable {
    let stream: SSHChannelStream
    /// For whom the agent works; nil tells it nothing.
    let binding: SessionBinding?

    func run(_ agent: ForwardedAgent) async {
        defer { stream.close() }
        // The host that breaks the protocol, goes away or finds no agent sees its channel close: nobody else is concerned.
        switch agent {
        case .socket(let path): try? await carry(to: path)
        case .server(let server): await serve(server)
        }
    }

    // MARK: An agent in this process

    private func serve(_ server: SSHAgentServer) async {
        let id = await server.connect()
        try? await serve(server, id)
        await server.disconnect(id)
    }

    private func serve(_ server: SSHAgentServer, _ id: AgentServerMachine.ConnectionID) async throws {
        if let binding { _ = await server.answer(try AgentRequest.bind(binding).encoded(), from: id) }
        var frames = AgentFrames()
        for try await bytes in stream {
            var input = bytes
            while let message = try frames.next(from: &input) {
                try await stream.write(AgentFrames.framed(await server.answer(message, from: id)))
            }
        }
    }

    // MARK: An agent at a socket

    /// Bytes both ways, each side read only as fast as the other takes them.
    private func carry(to path: String) async throws {
        let socket = try await ClientBootstrap(group: stream.channel.eventLoop).connectTimeout(.seconds(10))
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await carry(socket)
    }

    func carry(_ socket: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
        let stream = stream
        defer { stream.close() }
        try await socket.executeThenClose { inbound, outbound in
            if let binding {
                // The agent's answer to it is not the host's to see.
                try await outbound.write(AgentFrames.framed(try AgentRequest.bind(binding).encoded()))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await bytes in stream { try await outbound.write(bytes) }
                    outbound.finish()
                }
                group.addTask { [hasAnswer = binding != nil] in
                    var frames = AgentFrames()
                    var isFirst = hasAnswer
                    for try await bytes in inbound {
                        var bytes = bytes
                        if isFirst {
                            guard try frames.next(from: &bytes) != nil else { continue }
                            isFirst = false
                        }
                        if bytes.readableBytes > 0 { try await stream.write(bytes) }
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }
}
