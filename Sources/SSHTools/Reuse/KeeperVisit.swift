// One caller of the process that keeps a connection: a session, a stream or forwards, for as long as it stays.

import NIOCore
import NIOPosix
import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Loop-bound.
final class KeeperVisit: ChannelInboundHandler, SessionFace {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let arrival: ConnectionKeeper.Arrival
    private let host: OpenHost
    private let forwards: ConnectionForwards
    private let left: () -> Void
    private let received: ReceivedDescriptors
    private var context: ChannelHandlerContext?
    private var input: ByteBuffer
    private var session: HostSession?
    private var streams: StandardStreams?
    private var isOver = false

    init(_ arrival: ConnectionKeeper.Arrival, _ host: OpenHost, left: @escaping () -> Void) {
        self.arrival = arrival
        self.host = host
        self.left = left
        forwards = ConnectionForwards(host)
        input = arrival.rest
        received = ReceivedDescriptors(arrival.descriptors)
    }

    private var eventLoop: any EventLoop { host.connection.eventLoop }

    func start() {
        let visit = NIOLoopBound(self, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(visit.value) }
            }
            .withConnectedSocket(arrival.socket).assumeIsolated().whenComplete { result in
                switch result {
                case .success: self.addForwards()
                case .failure: self.leave()
                }
            }
    }

    private func addForwards() {
        let (asked, host, forwards) = (arrival.beginning.forwards, host, forwards)
        guard !asked.isEmpty else { return begin() }
        eventLoop.makeFutureWithTask { () -> (words: [String], failure: Failure?) in
            var words: [String] = []
            for (kind, forward) in asked {
                do throws(SSHError) {
                    if let told = try await forwards.add(forward, kind) { words.append(told) }
                } catch {
                    let sentence = "Could not request \(kind) forwarding: \(error.description)"
                    if host.configuration.endsWhenForwardFails {
                        return (words, Failure(sentence, hint: error.hint, status: .connection))
                    }
                    words.append(sentence)
                }
            }
            return (words, nil)
        }.assumeIsolated().whenSuccess { words, failure in
            self.show(words)
            if let failure { return self.fail(failure) }
            self.begin()
        }
    }

    private func begin() {
        guard !isOver else { return }
        send(.ready)
        let descriptors = arrival.descriptors
        guard descriptors.count == 3 else { return leave() }
        switch arrival.beginning.work {
        case .session(let plan):
            if plan.forwardsAgent, let agent = host.configuration.agentToForward ?? host.configuration.agentSocket {
                host.connection.forwardAgent(.socket(agent))
            }
            let finished = eventLoop.makePromise(of: SessionEnd.self)
            let session = HostSession(plan, on: host.connection, x11: nil, face: self, finished: finished)
            self.session = session
            finished.futureResult.assumeIsolated().whenSuccess { self.ended($0, plan) }
            session.start(
                input: descriptors[0], output: descriptors[1], error: descriptors[2], areReceived: true)
        case .streams(let target):
            let finished = eventLoop.makePromise(of: Void.self)
            let streams = StandardStreams(finished: finished)
            self.streams = streams
            finished.futureResult.assumeIsolated().whenComplete { result in
                switch result {
                case .success: self.end(status: 0)
                case .failure(let error): self.fail(Failure(engine: error))
                }
            }
            let connection = host.connection
            streams.start(input: descriptors[0], output: descriptors[1], areReceived: true, on: eventLoop) {
                connection.makeChannel(target.channelRequest, delegate: $0)
            }
        case .forwards: break
        }
        read()
    }

    private func ended(_ end: SessionEnd, _ plan: SessionPlan) {
        if let failure = end.failure { return fail(failure) }
        if plan.terminal != nil { show(["Shared connection to \(host.configuration.hostName) closed."]) }
        self.end(status: UInt32(bitPattern: end.exitStatus))
    }

    private func fail(_ failure: Failure) {
        guard !isOver else { return }
        send(.failed(sentence: failure.sentence, hint: failure.hint))
        leave()
    }

    private func end(status: UInt32) {
        guard !isOver else { return }
        send(.ended(status: status))
        leave()
    }

    /// Once, whatever the reason.
    private func leave() {
        guard !isOver else { return }
        isOver = true
        session?.giveUp()
        streams?.end()
        received.close()
        let forwards = forwards
        Task { await forwards.cancelAll() }
        context?.close(promise: nil)
        left()
    }

    // MARK: The caller

    private func send(_ message: KeeperMessage) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(message.encoded()), promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.writeImmutableBuffer(unwrapInboundIn(data))
        read()
    }

    func channelInactive(context: ChannelHandlerContext) { leave() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { leave() }

    private func read() {
        while !isOver {
            do throws(Failure) {
                guard let message = try KeeperMessage.next(&input) else { return }
                switch message {
                case .resize(let columns, let rows): session?.resize(columns: Int(columns), rows: Int(rows))
                // A caller that was told to end, by a signal: 255, as when it ends by itself.
                case .giveUp: end(status: 255)
                default: throw KeeperMessage.broken
                }
            } catch {
                fail(error)
            }
        }
    }

    // MARK: SessionFace

    func setRaw(_ isRaw: Bool) { if !isOver { send(.setRaw(isRaw)) } }

    func show(_ lines: [String]) {
        guard !isOver, let descriptor = arrival.descriptors.last, !lines.isEmpty else { return }
        let end = isatty(descriptor) == 1 ? "\r\n" : "\n"
        PersonTerminal.write(Array(lines.map { Printable.line($0) + end }.joined().utf8), to: descriptor)
    }

    func suspend() -> Bool {
        send(.suspend)
        return true
    }

    func changeVerbosity(by step: Int) -> String { "[the kept connection has no log]" }

    func connections() -> EventLoopFuture<[String]> {
        eventLoop.makeFutureWithTask { [forwards] in await forwards.lines }
    }

    /// The terminal's settings are the caller's, which only passes them on.
    var offersCommandLine: Bool { false }

    func run(commandLine: String) -> EventLoopFuture<[String]>? { nil }
}
