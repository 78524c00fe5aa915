import NIOCore
import SSH
public import SSHProtocol

/// The terminal that a session's program gets at its host, beside its size.
public struct HostTerminal: Sendable, Hashable {
    /// The TERM value.
    public var type: String
    public var modes: TerminalModes
    /// Variables that the host is asked to set; it takes those that it accepts.
    public var environment: [String: String]

    public init(type: String, modes: TerminalModes, environment: [String: String]) {
        self.type = type
        self.modes = modes
        self.environment = environment
    }

    /// The page's. Where the host says nothing else, its programs learn what the page can show.
    public static let page = HostTerminal(
        type: "xterm-256color", modes: .interactive, environment: ["LANG": "C.UTF-8", "COLORTERM": "truecolor"])
}

/// A session's channel on its host connection: the shell, or one command, on a PTY.
///
/// `@unchecked Sendable`: its state is touched on the connection's event loop alone. ``open`` makes it elsewhere and hands it
/// over before anything is set; `NIOLoopBound` can't hold it, since the connection takes its delegate as a plain object.
final class HostWire: SessionWire, SessionChannelDelegate, @unchecked Sendable {
    private let host: SSHConnection
    private weak var session: LiveSession?
    private var channel: SSHSessionChannel?
    private var isClosed = false
    /// Taken by the session, and not given back to the host as window.
    private var owed = 0

    /// What may be under way from the host, in bytes. The channel's own window is for files: what stands in it when a host
    /// pours more than the session takes in would be seconds old by the time that anybody sees it, and so would the answer
    /// to Ctrl-C.
    static let underWay = 256 * 1024

    private init(_ connection: SSHConnection, _ session: LiveSession) {
        self.host = connection
        self.session = session
    }

    /// Opens the channel with a PTY of the given size and starts the login shell, or `command`.
    static func open(
        _ connection: SSHConnection, for session: LiveSession, size: (columns: Int, rows: Int), command: String?,
        terminal: HostTerminal = .page
    ) async throws(GatewayError) -> HostWire {
        let wire = HostWire(connection, session)
        do {
            let channel = try await connection.openSession(delegate: wire)
            try await connection.eventLoop.flatSubmit {
                wire.channel = channel
                let granted = channel.requestPTY(
                    term: terminal.type, columns: size.columns, rows: size.rows, modes: terminal.modes)
                for (name, value) in terminal.environment { channel.setEnvironment(name, value) }
                return granted.flatMap { command.map { channel.exec($0) } ?? channel.shell() }
            }.get()
        } catch {
            throw GatewayError(hostFailure: error)
        }
        return wire
    }

    // MARK: SessionWire

    var connection: SSHConnection? { isClosed ? nil : host }

    var isWritable: Bool { channel?.isWritable ?? false }

    func write(_ bytes: ByteBuffer, isUrgent: Bool) { channel?.write(bytes, isUrgent: isUrgent) }

    func resize(columns: Int, rows: Int) { channel?.resize(columns: columns, rows: rows) }

    func consumed(_ bytes: Int) {
        guard let channel else { return }
        owed += bytes
        let due = owed - max(0, channel.receiveWindow - Self.underWay)
        guard due > 0 else { return }
        owed -= due
        channel.consumed(due)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        channel?.close()
        host.beginClosing()
    }

    // MARK: SessionChannelDelegate

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        // A PTY has one stream; what a host sends as standard error belongs to the same terminal.
        session?.assumeIsolated { $0.received(data) }
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) {
        session?.assumeIsolated { $0.hostExited(status: Int(status), signal: nil) }
    }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) {
        session?.assumeIsolated { $0.hostExited(status: nil, signal: signal.name) }
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        self.channel = nil
        session?.assumeIsolated { $0.hostClosed(error) }
        close()
    }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { session?.assumeIsolated { $0.drainInput() } }
    }
}
