public import NIOCore
public import SSHProtocol

/// One session channel (RFC 4254 §6): a shell or a command on the host.
///
/// Loop-bound: every method must be called on `connection.eventLoop`; a caller elsewhere hops first. Calls on a channel
/// that is already closed do nothing (and futures fail with `channel_closed`).
public final class SSHSessionChannel: Sendable {
    /// The connection this channel belongs to. An open channel keeps it alive.
    public let connection: SSHConnection
    let id: ChannelID
    private let boundDriver: NIOLoopBound<ConnectionDriver>

    private var driver: ConnectionDriver { boundDriver.value }

    init(connection: SSHConnection, id: ChannelID, driver: NIOLoopBound<ConnectionDriver>) {
        self.connection = connection
        self.id = id
        self.boundDriver = driver
    }

    /// Asks for a pseudo-terminal (RFC 4254 §6.2), before `shell` or `exec`.
    ///
    /// - Parameters:
    ///   - term: The TERM value, such as "xterm-256color".
    ///   - columns: Width in characters.
    ///   - rows: Height in characters.
    ///   - modes: Encoded terminal modes (RFC 4254 §8).
    /// - Returns: Fails with `request_refused` when the host says no, `channel_closed` or the connection's error.
    @discardableResult
    public func requestPTY(
        term: String, columns: Int, rows: Int, modes: TerminalModes = .interactive
    ) -> EventLoopFuture<Void> {
        driver.request(
            .terminal(
                type: term, columns: UInt32(clamping: columns), rows: UInt32(clamping: rows), modes: modes),
            on: id, name: "a terminal")
    }

    /// Sets an environment variable for the process to come (RFC 4254 §6.4). Hosts refuse most names by default, so no
    /// answer is asked for.
    public func setEnvironment(_ name: String, _ value: String) {
        driver.send(.environment(name: name, value: value), on: id)
    }

    /// Starts the user's login shell (RFC 4254 §6.5).
    @discardableResult
    public func shell() -> EventLoopFuture<Void> { driver.request(.shell, on: id, name: "a shell") }

    /// Starts a command, which the host's shell interprets (RFC 4254 §6.5).
    @discardableResult
    public func exec(_ command: String) -> EventLoopFuture<Void> { exec(Array(command.utf8)) }

    /// The same in whatever encoding that shell takes.
    @discardableResult
    public func exec(_ command: [UInt8]) -> EventLoopFuture<Void> {
        driver.request(.exec(command), on: id, name: "the command")
    }

    /// Starts a subsystem such as "sftp" (RFC 4254 §6.5).
    @discardableResult
    public func subsystem(_ name: String) -> EventLoopFuture<Void> {
        driver.request(.subsystem(name), on: id, name: "the subsystem \(DisplayText.neutralise(name, limit: 64))")
    }

    /// Queues bytes for the process's standard input; they leave as the peer's window and the socket allow.
    ///
    /// - Returns: false, with nothing taken, when the queue would grow beyond its limit of 8 MiB or the channel takes no
    ///   more input. A writer that heeds `isWritable` never sees it for the first reason.
    /// - Parameter isUrgent: They leave within this call where that is possible, not at the end of the loop's tick: for a key
    ///   stroke, behind which the caller has more to do.
    @discardableResult
    public func write(_ data: ByteBuffer, isUrgent: Bool = false) -> Bool {
        driver.write(data, isUrgent: isUrgent, on: id)
    }

    /// Whether the outbound queue is below its mark of 256 KiB. Changes are told to the delegate.
    public var isWritable: Bool { driver.isWritable(id) }

    /// Whether the process's standard input is still open.
    var takesInput: Bool { driver.takesInput(id) }

    /// Bytes given to `write` that have not left yet.
    public var queuedBytes: Int { driver.queuedBytes(id) }

    /// Tells the host the terminal's new size in characters (RFC 4254 §6.7).
    public func resize(columns: Int, rows: Int) {
        driver.send(.windowChange(columns: UInt32(clamping: columns), rows: UInt32(clamping: rows)), on: id)
    }

    /// Sends a signal to the process (RFC 4254 §6.9).
    ///
    /// - Parameter name: Without "SIG", such as "INT" or "TERM".
    public func signal(_ name: String) { driver.send(.signal(name), on: id) }

    /// Sends a break (RFC 4335), which a serial console's server passes on to its line.
    ///
    /// - Parameter milliseconds: Its length; 0 leaves it to the device.
    /// - Returns: Fails with `request_refused` when the host has nothing to break.
    @discardableResult
    public func sendBreak(milliseconds: Int = 0) -> EventLoopFuture<Void> {
        driver.request(.breakSignal(milliseconds: UInt32(clamping: milliseconds)), on: id, name: "a break")
    }

    /// Asks for agent forwarding (auth-agent-req@openssh.com), before `shell` or `exec`. What the host then opens goes to
    /// the handler given to `SSHConnection.handleAgentChannels`.
    @discardableResult
    public func requestAgentForwarding() -> EventLoopFuture<Void> {
        driver.request(.agentForwarding, on: id, name: "agent forwarding")
    }

    /// Asks for X11 forwarding (RFC 4254 §6.3.1), before `shell` or `exec`. What the host then opens goes to the handler
    /// given to `SSHConnection.handleX11Channels`.
    @discardableResult
    public func requestX11(_ request: X11Request) -> EventLoopFuture<Void> {
        driver.request(.x11(request), on: id, name: "X11 forwarding")
    }

    /// What the host may have under way to us, in bytes: it grows with the link, see `ChannelLimits`.
    public var receiveWindow: Int { driver.receiveWindow(id) }

    /// Tells the host that nobody reads the output any more (eow@openssh.com), which ends a process that writes on.
    public func endOutput() { driver.sendEndOfWrite(on: id) }

    /// Ends the standard input of the process, after everything queued has left (RFC 4254 §5.3).
    public func sendEOF() { driver.sendEOF(on: id) }

    /// Gives window back: `bytes` that were received are dealt with. More than was received is ignored.
    public func consumed(_ bytes: Int) { driver.consumed(bytes, on: id) }

    /// Closes the channel, after everything queued has left (RFC 4254 §5.3). The delegate's `closed` comes when the host
    /// has closed it too, which OpenSSH does only when the process has ended.
    public func close() { driver.close(id) }

    /// Closes the channel at once; what is queued is dropped, and the delegate's `closed` comes without waiting for the
    /// host.
    public func abort() { driver.abort(id) }
}
