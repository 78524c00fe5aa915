// From a vetted address to an authenticated connection: the TCP connection, and the answers to what the core asks on
// the way. Everything here belongs to the caller's task: when that is cancelled, the socket closes.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSHProtocol

struct Handshake: Sendable {
    let wire: WireHandle
    let driver: NIOLoopBound<ConnectionDriver>
    let owner: NIOLoopBound<ClientConnectionOwner>
    let shared: ConnectionDriver.Shared
    let endpoint: SSHEndpoint
    let address: SocketAddress
    let configuration: SSHClientConfiguration
    let events: AsyncStream<HandshakeEvent>

    /// The loop's part of a client connection, before it has a wire.
    struct Parts: Sendable {
        let driver: NIOLoopBound<ConnectionDriver>
        let owner: NIOLoopBound<ClientConnectionOwner>

        /// On the event loop.
        init(
            _ configuration: SSHClientConfiguration, shared: ConnectionDriver.Shared,
            events: AsyncStream<HandshakeEvent>.Continuation, on eventLoop: any EventLoop
        ) {
            var machine = ConnectionMachine(
                client: ClientConfiguration(configuration), random: SystemRandom.bytes)
            machine.channelLimits = configuration.channelLimits
            let owner = ClientConnectionOwner(events, configuration)
            let driver = ConnectionDriver(machine, shared: shared, owner: owner, on: eventLoop)
            self.owner = NIOLoopBound(owner, eventLoop: eventLoop)
            self.driver = NIOLoopBound(driver, eventLoop: eventLoop)
        }
    }

    // MARK: TCP

    /// Connects to the first address that answers; the time that is left is shared out among those still to be tried.
    static func begin(
        toAny addresses: [SocketAddress], endpoint: SSHEndpoint, configuration: SSHClientConfiguration,
        deadline: NIODeadline, on eventLoop: any EventLoop
    ) async throws(SSHError) -> Handshake {
        var first: SSHError?
        for (index, address) in addresses.enumerated() {
            let left = deadline - .now()
            guard left > .zero else { break }
            let slice = TimeAmount.nanoseconds(max(1_000_000, left.nanoseconds / Int64(addresses.count - index)))
            do throws(SSHError) {
                return try await begin(
                    to: address, endpoint: endpoint, configuration: configuration, timeout: slice, on: eventLoop)
            } catch {
                if error.code == .cancelled { throw error }
                if first == nil { first = error }
            }
        }
        throw first ?? .connectTimeout(endpoint)
    }

    private static func begin(
        to address: SocketAddress, endpoint: SSHEndpoint, configuration: SSHClientConfiguration,
        timeout: TimeAmount, on eventLoop: any EventLoop
    ) async throws(SSHError) -> Handshake {
        let from: SocketAddress?
        do {
            from = try configuration.localAddress.map { try SocketAddress(ipAddress: $0, port: 0) }
        } catch {
            throw .connect(error, endpoint, address)
        }
        return try await begin(endpoint, at: address, configuration, on: eventLoop) { bootstrap in
            let bootstrap = bootstrap.connectTimeout(timeout)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: configuration.usesTCPKeepalive ? 1 : 0)
            return (from.map { bootstrap.bind(to: $0) } ?? bootstrap).connect(to: address)
        }
    }

    /// Over a stream socket that is connected to something already; the connection takes it over.
    static func begin(
        overSocket descriptor: NIOBSDSocket.Handle, endpoint: SSHEndpoint, configuration: SSHClientConfiguration,
        on eventLoop: any EventLoop
    ) async throws(SSHError) -> Handshake {
        let address: SocketAddress
        do {
            // No address of its own: nothing was resolved.
            address = try SocketAddress(ipAddress: "0.0.0.0", port: 0)
        } catch {
            throw SSHError(any: error)
        }
        return try await begin(endpoint, at: address, configuration, on: eventLoop) {
            $0.withConnectedSocket(descriptor)
        }
    }

    private static func begin(
        _ endpoint: SSHEndpoint, at address: SocketAddress, _ configuration: SSHClientConfiguration,
        on eventLoop: any EventLoop, connect: @Sendable (ClientBootstrap) -> EventLoopFuture<any Channel>
    ) async throws(SSHError) -> Handshake {
        let (events, continuation) = AsyncStream.makeStream(of: HandshakeEvent.self)
        let shared = ConnectionDriver.Shared(closed: eventLoop.makePromise(of: SSHError?.self))
        let attempt = ConnectionAttempt()
        let bootstrap = ClientBootstrap(group: eventLoop)
            .channelOption(.recvAllocator, value: SocketWire.receiveBuffers)
            .channelOption(.writeBufferWaterMark, value: SocketWire.outputMarks)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let parts = Parts(configuration, shared: shared, events: continuation, on: channel.eventLoop)
                    guard attempt.adopt(channel, parts) else { throw SSHError.cancelled }
                    try channel.pipeline.syncOperations.addHandler(SocketWire(parts.driver.value))
                }
            }
        do {
            return try await withTaskCancellationHandler {
                let channel = try await connect(bootstrap).get()
                guard let parts = attempt.parts else { throw SSHError.cancelled }
                let wire = WireHandle(
                    eventLoop: channel.eventLoop, close: { channel.close(promise: nil) }, closed: channel.closeFuture)
                return Handshake(
                    wire: wire, driver: parts.driver, owner: parts.owner, shared: shared, endpoint: endpoint,
                    address: address, configuration: configuration, events: events)
            } onCancel: {
                attempt.cancel()
            }
        } catch {
            attempt.cancel()
            // Without a handler in the pipeline nobody else completes it; a promise must not be left open.
            shared.closed.succeed(nil)
            throw Task.isCancelled ? .cancelled : .connect(error, endpoint, address)
        }
    }

    // MARK: SSH

    /// Answers the core's questions until the connection stands.
    func authenticate() async throws(SSHError) -> SSHConnection {
        try await closingOnFailure { () async throws(SSHError) in
            for await event in events {
                switch event {
                case .hostKey(let offer, _, _):
                    let question = HostKeyQuestion(
                        identity: offer.identity, algorithm: offer.algorithm.rawValue, endpoint: endpoint,
                        remoteAddress: address.ipAddress ?? "")
                    let answer = await configuration.verifyHostKey(question)
                    guard !Task.isCancelled else { throw .cancelled }
                    wire.eventLoop.execute { driver.value.answer(answer) }
                case .prompt(let prompt):
                    let answers = await answers(to: prompt)
                    guard !Task.isCancelled else { throw .cancelled }
                    wire.eventLoop.execute { driver.value.answer(answers) }
                case .sign(let request, let facts):
                    let signature = await signature(request, facts)
                    guard !Task.isCancelled else { throw .cancelled }
                    wire.eventLoop.execute { driver.value.answerSignature(signature) }
                case .passwordExpired(let prompt):
                    let new = await configuration.changePassword?(prompt)
                    guard !Task.isCancelled else { throw .cancelled }
                    wire.eventLoop.execute { driver.value.answerPasswordChange(new) }
                case .authenticated(let serverIdentification):
                    return try await connection(serverIdentification)
                case .failed(let error):
                    throw error
                }
            }
            throw .cancelled
        }
    }

    private func connection(_ serverIdentification: String) async throws(SSHError) -> SSHConnection {
        let connection = SSHConnection(self, serverIdentification: serverIdentification)
        let owner = owner
        // The host may open channels from now on, which keep the connection alive.
        do {
            try await wire.eventLoop.submit { owner.value.connection = connection }.get()
        } catch {
            throw SSHError(any: error)
        }
        return connection
    }

    /// Goes as far as the host key and leaves.
    func readHostKey() async throws(SSHError) -> HostKeyReport {
        try await closingOnFailure { () async throws(SSHError) in
            for await event in events {
                switch event {
                case .hostKey(let offer, let identification, let preface):
                    wire.eventLoop.execute { driver.value.close() }
                    return HostKeyReport(
                        publicKey: offer.publicKey, algorithm: offer.algorithm.rawValue,
                        serverIdentification: identification, remoteAddress: address, banner: preface)
                case .failed(let error):
                    throw error
                case .prompt, .sign, .passwordExpired, .authenticated:
                    continue
                }
            }
            throw .cancelled
        }
    }

    private func signature(_ request: SignatureRequest, _ facts: SSHSessionFacts) async -> [UInt8]? {
        guard configuration.credentials.indices.contains(request.credential),
            case .external(_, let sign) = configuration.credentials[request.credential]
        else { return nil }
        return await sign(request, facts)
    }

    private func answers(to prompt: AuthenticationPrompt) async -> [String]? {
        guard configuration.credentials.indices.contains(prompt.credential) else { return nil }
        switch configuration.credentials[prompt.credential] {
        case .keyboardInteractive(let ask): return await ask(prompt)
        case .askedPassword(let ask): return await ask().map { [$0] }
        case .privateKey, .certificate, .external, .agent, .password: return nil
        }
    }

    private func closingOnFailure<Value: Sendable>(
        _ body: () async throws(SSHError) -> Value
    ) async throws(SSHError) -> Value {
        do {
            return try await withTaskCancellationHandler {
                try await body()
            } onCancel: {
                wire.close()
            }
        } catch {
            wire.close()
            // Closing the socket looks like a lost connection from within.
            throw Task.isCancelled ? .cancelled : SSHError(any: error)
        }
    }
}

/// A connection attempt, to be given up from outside of its event loop.
private final class ConnectionAttempt: Sendable {
    private enum State {
        case waiting
        case connecting(any Channel, Handshake.Parts)
        case cancelled
    }

    private let state = NIOLockedValueBox(State.waiting)

    var parts: Handshake.Parts? {
        state.withLockedValue { state in
            guard case .connecting(_, let parts) = state else { return nil }
            return parts
        }
    }

    /// False when the attempt was given up before there was a channel.
    func adopt(_ channel: any Channel, _ parts: Handshake.Parts) -> Bool {
        state.withLockedValue { state in
            if case .cancelled = state { return false }
            state = .connecting(channel, parts)
            return true
        }
    }

    func cancel() {
        let channel: (any Channel)? = state.withLockedValue { state in
            defer { state = .cancelled }
            guard case .connecting(let channel, _) = state else { return nil }
            return channel
        }
        channel?.close(promise: nil)
    }
}
