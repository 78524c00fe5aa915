public import NIOCore
public import SSHProtocol

/// What a session shall run (RFC 4254 §6.5).
public enum SSHServerProgram: Sendable, Hashable {
    case shell
    /// A command, as the client sent it: bytes for a shell, in the client's encoding.
    case exec([UInt8])
    case subsystem(String)
}

/// A session's terminal (RFC 4254 §6.2).
public struct SSHServerTerminal: Sendable, Hashable {
    /// The TERM value.
    public var type: String
    /// In characters.
    public var columns: Int
    public var rows: Int
    /// In pixels; 0 means unknown.
    public var width: Int
    public var height: Int
    public var modes: TerminalModes

    public init(
        type: String, columns: Int, rows: Int, width: Int = 0, height: Int = 0, modes: TerminalModes = .hostDefaults
    ) {
        self.type = type
        self.columns = columns
        self.rows = rows
        self.width = width
        self.height = height
        self.modes = modes
    }
}

/// What a session was asked for before its program.
public struct SSHServerSessionInfo: Sendable {
    public var user: AuthenticatedUser
    public var program: SSHServerProgram
    /// The names that the configuration accepts, with their last values.
    public var environment: [String: String] = [:]
    public var terminal: SSHServerTerminal?
    /// The session may open channels to the client's agent.
    public var hasAgent = false
    /// The session may open channels to the client's display.
    public var x11: X11Request?
}

/// The server's end of a session channel (RFC 4254 §6), for owners on the connection's loop.
///
/// Loop-bound: every method must be called on `connection.eventLoop`. Calls after the end do nothing.
public final class SSHServerSessionChannel: Sendable {
    public let connection: SSHServerConnection
    public let info: SSHServerSessionInfo
    let id: ChannelID
    private let boundDriver: NIOLoopBound<ConnectionDriver>

    private var driver: ConnectionDriver { boundDriver.value }

    init(
        _ connection: SSHServerConnection, _ info: SSHServerSessionInfo, id: ChannelID,
        driver: NIOLoopBound<ConnectionDriver>
    ) {
        self.connection = connection
        self.info = info
        self.id = id
        boundDriver = driver
    }

    /// Queues bytes for the client; they leave as its window and the socket allow, the two streams in the order written.
    ///
    /// - Parameter isUrgent: They leave within this call where that is possible, not at the end of the loop's tick: for the
    ///   echo of a key stroke, behind which the caller has more to do.
    /// - Returns: false, with nothing taken, when the queue would grow beyond its limit of 8 MiB or the channel takes
    ///   nothing more.
    @discardableResult
    public func write(
        _ data: ByteBuffer, stream: SSHDataStream = .standardOutput, isUrgent: Bool = false
    ) -> Bool {
        driver.write(data, stream: stream, isUrgent: isUrgent, on: id)
    }

    /// Whether the outbound queue is below its mark of 256 KiB. Changes are told to the delegate.
    public var isWritable: Bool { driver.isWritable(id) }

    var takesInput: Bool { driver.takesInput(id) }

    /// Bytes given to `write` that have not left yet.
    public var queuedBytes: Int { driver.queuedBytes(id) }

    /// Gives window back: `bytes` that were received are dealt with.
    public func consumed(_ bytes: Int) { driver.consumed(bytes, on: id) }

    /// Ends the output, after everything queued has left. The session goes on.
    public func sendEOF() { driver.sendEOF(on: id) }

    /// Tells the client that the program reads nothing more (eow@openssh.com).
    public func sendEndOfWrite() { driver.sendEndOfWrite(on: id) }

    /// The program ended: end of output, how it ended (RFC 4254 §6.10), and the end of the channel.
    public func exit(_ exit: CommandResult.Exit) {
        driver.sendEOF(on: id)
        switch exit {
        case .status(let status): driver.send(.exitStatus(status), on: id)
        case .signal(let signal): driver.send(.exitSignal(signal), on: id)
        case .unknown: break
        }
        driver.close(id)
    }

    /// Closes the session after everything queued has left, without saying how the program ended.
    public func close() { driver.close(id) }

    /// Closes the session at once; what is queued is dropped.
    public func abort() { driver.abort(id) }
}

/// The owner of one session on a server. Every call is on the connection's event loop, in the order in which the client
/// sent things. The connection keeps it until `session(_:closed:)`, which comes exactly once and last.
public protocol SSHServerSessionDelegate: AnyObject {
    /// The client knows that its program was accepted; output may be written from here on.
    func sessionStarted(_ session: SSHServerSessionChannel)
    /// Bytes for the program's standard input. The window is given back only by `consumed(_:)`.
    func session(_ session: SSHServerSessionChannel, received data: ByteBuffer)
    /// The end of the program's standard input.
    func sessionEndOfFile(_ session: SSHServerSessionChannel)
    /// The terminal has another size (RFC 4254 §6.7).
    func session(_ session: SSHServerSessionChannel, resized terminal: SSHServerTerminal)
    /// A signal for the program, without "SIG" (RFC 4254 §6.9).
    func session(_ session: SSHServerSessionChannel, signal name: String)
    /// A break (RFC 4335). Returns whether it was done.
    func session(_ session: SSHServerSessionChannel, breakFor milliseconds: UInt32) -> Bool
    /// The client reads nothing more (eow@openssh.com): what is written is lost.
    func sessionEndOfWrite(_ session: SSHServerSessionChannel)
    /// The outbound queue passed its upper mark (false) or fell below its lower one (true).
    func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool)
    /// The session is over. nil after an orderly close, else why the connection ended.
    func session(_ session: SSHServerSessionChannel, closed error: SSHError?)
}

extension SSHServerSessionDelegate {
    public func sessionStarted(_ session: SSHServerSessionChannel) {}
    public func sessionEndOfFile(_ session: SSHServerSessionChannel) {}
    public func session(_ session: SSHServerSessionChannel, resized terminal: SSHServerTerminal) {}
    public func session(_ session: SSHServerSessionChannel, signal name: String) {}
    public func session(_ session: SSHServerSessionChannel, breakFor milliseconds: UInt32) -> Bool { false }
    public func sessionEndOfWrite(_ session: SSHServerSessionChannel) {}
    public func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool) {}
}
