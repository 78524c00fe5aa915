import NIOCore
import SSH

/// The host's side of a session, as the session uses it. Every call is on the session's event loop.
protocol SessionWire: AnyObject, Sendable {
    /// The connection that it is on, for further channels: files, commands. Nil where there is none.
    var connection: SSHConnection? { get }
    /// Whether the host's window has room; ``LiveSession/drainInput()`` is called when it has again.
    var isWritable: Bool { get }
    /// - Parameter isUrgent: It leaves within this call where that is possible: a key stroke.
    func write(_ bytes: ByteBuffer, isUrgent: Bool)
    func resize(columns: Int, rows: Int)
    /// Gives window credit back for output that the session has taken.
    func consumed(_ bytes: Int)
    func close()
}

extension SessionWire {
    func write(_ bytes: ByteBuffer) { write(bytes, isUrgent: false) }
}
