// From a vetted address to an authenticated connection: the TCP connection, and the answers to what the core asks on
// the way. Everything here belongs to the caller's task: when that is cancelled, the socket closes.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSHProtocol

/// What the handler tells the task that waits for the connection.
enum HandshakeEvent: Sendable {
    case hostKey(HostKeyOffer, serverIdentification: String, preface: String?)
    case prompt(AuthenticationPrompt)
    case authenticated(serverIdentification: String)
    case failed(SSHError)
}

struct Handshake: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<SSHConnectionHandler>
    let shared: SSHConnectionHandler.Shared
    let endpoint: SSHEndpoint
    let address: SocketAddress
    let configuration: SSHClientConfiguration
    let events: AsyncStream<HandshakeEvent>

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
        let (events, continuation) = AsyncStream.makeStream(of: HandshakeEvent.self)
        let shared = SSHConnectionHandler.Shared(closed: eventLoop.makePromise(of: SSHError?.self))
        let attempt = ConnectionAttempt()
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16_384, maximum: 262_144)
            )
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 * 1024, high: 1024 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = SSHConnectionHandler(
                        configuration, shared: shared, handshake: continuation, on: channel.eventLoop)
                    guard attempt.adopt(channel, NIOLoopBound(handler, eventLoop: channel.eventLoop)) else {
                        throw SSHError.cancelled
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        do {
            return try await withTaskCancellationHandler {
                let channel = try await bootstrap.connect(to: address).get()
                guard let handler = attempt.handler else { throw SSHError.cancelled }
                return Handshake(
                    channel: channel, handler: handler, shared: shared, endpoint: endpoint, address: address,
                    configuration: configuration, events: events)
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
                        publicKey: offer.publicKey, algorithm: offer.algorithm.rawValue, endpoint: endpoint,
                        remoteAddress: address.ipAddress ?? "")
                    let answer = await configuration.verifyHostKey(question)
                    guard !Task.isCancelled else { throw .cancelled }
                    channel.eventLoop.execute { handler.value.answer(answer) }
                case .prompt(let prompt):
                    let answers = await answers(to: prompt)
                    guard !Task.isCancelled else { throw .cancelled }
                    channel.eventLoop.execute { handler.value.answer(answers) }
                case .authenticated(let serverIdentification):
                    return SSHConnection(self, serverIdentification: serverIdentification)
                case .failed(let error):
                    throw error
                }
            }
            throw .cancelled
        }
    }

    /// Goes as far as the host key and leaves.
    func readHostKey() async throws(SSHError) -> HostKeyReport {
        try await closingOnFailure { () async throws(SSHError) in
            for await event in events {
                switch event {
                case .hostKey(let offer, let identification, let preface):
                    channel.eventLoop.execute { handler.value.close() }
                    return HostKeyReport(
                        publicKey: offer.publicKey, algorithm: offer.algorithm.rawValue,
                        serverIdentification: identification, remoteAddress: address, banner: preface)
                case .failed(let error):
                    throw error
                case .prompt, .authenticated:
                    continue
                }
            }
            throw .cancelled
        }
    }

    private func answers(to prompt: AuthenticationPrompt) async -> [String]? {
        guard configuration.credentials.indices.contains(prompt.credential),
            case .keyboardInteractive(let ask) = configuration.credentials[prompt.credential]
        else { return nil }
        return await ask(prompt)
    }

    private func closingOnFailure<Value: Sendable>(
        _ body: () async throws(SSHError) -> Value
    ) async throws(SSHError) -> Value {
        do {
            return try await withTaskCancellationHandler {
                try await body()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            channel.close(promise: nil)
            // Closing the socket looks like a lost connection from within.
            throw Task.isCancelled ? .cancelled : SSHError(any: error)
        }
    }
}

/// A connection attempt, to be given up from outside of its event loop.
private final class ConnectionAttempt: Sendable {
    private enum State {
        case waiting
        case connecting(any Channel, NIOLoopBound<SSHConnectionHandler>)
        case cancelled
    }

    private let state = NIOLockedValueBox(State.waiting)

    var handler: NIOLoopBound<SSHConnectionHandler>? {
        state.withLockedValue { state in
            guard case .connecting(_, let handler) = state else { return nil }
            return handler
        }
    }

    /// False when the attempt was given up before there was a channel.
    func adopt(_ channel: any Channel, _ handler: NIOLoopBound<SSHConnectionHandler>) -> Bool {
        state.withLockedValue { state in
            if case .cancelled = state { return false }
            state = .connecting(channel, handler)
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
