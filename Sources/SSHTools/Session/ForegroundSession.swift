// A session at this process's own terminal and descriptors.

import NIOCore
import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Loop-bound.
final class ForegroundSession: SessionFace {
    private let host: OpenHost
    private let forwards: ConnectionForwards
    private let terminal: LocalTerminal?
    private var log: ConnectionLog
    private var session: HostSession?
    private var isRaw = false
    /// The signal that ended everything.
    private(set) var endedBy: Int32?

    init(_ host: OpenHost, _ forwards: ConnectionForwards) {
        self.host = host
        self.forwards = forwards
        log = host.log
        terminal = LocalTerminal(STDIN_FILENO)
    }

    /// Runs a session to its end.
    static func run(
        _ plan: SessionPlan, _ host: OpenHost, _ forwards: ConnectionForwards, x11: X11Request?
    ) async throws(Failure) -> SessionEnd {
        try await onLoop(host) { eventLoop in
            let face = ForegroundSession(host, forwards)
            let finished = eventLoop.makePromise(of: SessionEnd.self)
            let session = HostSession(plan, on: host.connection, x11: x11, face: face, finished: finished)
            face.session = session
            face.watchSignals(on: eventLoop) { _ in session.giveUp() }
            session.start(input: STDIN_FILENO, output: STDOUT_FILENO, error: STDERR_FILENO)
            // The session holds its face only weakly: it lives for as long as this future.
            return finished.futureResult.assumeIsolated().map { end in
                face.setRaw(false)
                return end
            }.nonisolated()
        }
    }

    /// `-W`: standard input and output lead to an endpoint that the host connects to.
    static func join(_ target: SSHForwardEndpoint, _ host: OpenHost, _ forwards: ConnectionForwards)
        async throws(Failure) -> SessionEnd
    {
        try await onLoop(host) { eventLoop in
            let face = ForegroundSession(host, forwards)
            let finished = eventLoop.makePromise(of: Void.self)
            let streams = StandardStreams(finished: finished)
            face.watchSignals(on: eventLoop) { _ in streams.end() }
            let connection = host.connection
            streams.start(input: STDIN_FILENO, output: STDOUT_FILENO, on: eventLoop) {
                connection.makeChannel(target.channelRequest, delegate: $0)
            }
            return finished.futureResult.assumeIsolated().map { face.endedBy == nil ? .status(0) : .givenUp }
                .nonisolated()
        }
    }

    /// `-N`: nothing but forwards, until the connection ends or a signal comes.
    static func wait(_ host: OpenHost, _ forwards: ConnectionForwards) async throws(Failure) -> SessionEnd {
        try await onLoop(host) { eventLoop in
            let face = ForegroundSession(host, forwards)
            let finished = eventLoop.makePromise(of: SessionEnd.self)
            face.watchSignals(on: eventLoop) { _ in finished.succeed(.givenUp) }
            host.connection.closed.assumeIsolated().whenSuccess { error in
                finished.succeed(error.map { .failed($0) } ?? .unknown)
            }
            return finished.futureResult.assumeIsolated().map { end in
                face.setRaw(false)
                return end
            }.nonisolated()
        }
    }

    private static func onLoop(
        _ host: OpenHost, _ body: @escaping @Sendable (any EventLoop) -> EventLoopFuture<SessionEnd>
    ) async throws(Failure) -> SessionEnd {
        let eventLoop = host.connection.eventLoop
        do {
            return try await eventLoop.flatSubmit { body(eventLoop) }.get()
        } catch {
            throw Failure(engine: error)
        }
    }

    // MARK: Signals

    private func watchSignals(on eventLoop: any EventLoop, _ ends: @escaping (Int32) -> Void) {
        SignalPipe.watch([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT], on: eventLoop) { [weak self] signal in
            switch signal {
            case SIGWINCH: self?.tellSize()
            case SIGCONT: self?.continued()
            default:
                self?.endedBy = signal
                self?.log.say("Killed by signal \(signal).", .verbose)
                ends(signal)
            }
        }
    }

    private func tellSize() {
        guard let size = terminal?.size else { return }
        session?.resize(columns: size.columns, rows: size.rows)
    }

    /// Whoever continued us may have changed the terminal meanwhile.
    private func continued() {
        if isRaw { terminal?.makeRawAgain() }
        tellSize()
    }

    // MARK: SessionFace

    func setRaw(_ isRaw: Bool) {
        guard isRaw != self.isRaw else { return }
        self.isRaw = isRaw
        if isRaw { terminal?.makeRaw() } else { terminal?.restore() }
    }

    func show(_ lines: [String]) {
        let end = isatty(STDERR_FILENO) == 1 ? "\r\n" : "\n"
        let text = lines.map { Printable.line($0) + end }.joined()
        PersonTerminal.write(Array(text.utf8), to: STDERR_FILENO)
    }

    func suspend() -> Bool {
        // The guard of the terminal gives it back for as long as it lasts.
        kill(getpid(), SIGTSTP)
        tellSize()
        return true
    }

    func changeVerbosity(by step: Int) -> String {
        log = log.changed(by: step)
        return "[LogLevel \(log.level.name)]"
    }

    func connections() -> EventLoopFuture<[String]> {
        host.connection.eventLoop.makeFutureWithTask { [forwards] in await forwards.lines }
    }

    /// On, unlike in OpenSSH, unless a line turns it off.
    var offersCommandLine: Bool {
        host.configuration.place(of: .enableEscapeCommandline) == nil
            || host.configuration.values(of: .enableEscapeCommandline)?.first != "no"
    }

    func run(commandLine: String) -> EventLoopFuture<[String]>? {
        let line = EscapeCommandLine(commandLine)
        guard line != .nothing else { return nil }
        return host.connection.eventLoop.makeFutureWithTask { [forwards] in await line.run(on: forwards) }
    }
}

extension SSHForwardEndpoint {
    /// What a client asks a server to connect to, for a stream that begins here.
    var channelRequest: ChannelOpenRequest {
        switch self {
        case .tcp(let host, let port):
            .directTCPIP(
                target: TCPAddress(host: host, port: UInt32(clamping: port)),
                originator: TCPAddress(host: "127.0.0.1", port: 0))
        case .unix(let path): .directStreamLocal(path: path)
        }
    }
}
