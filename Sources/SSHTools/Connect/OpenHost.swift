public import SSH

/// A host that was reached, and what its configuration says.
public struct OpenHost: Sendable {
    /// Authenticated. It keeps the connections that it goes through alive.
    public let connection: SSHConnection
    public let configuration: SSHConfiguration
    /// What the connection's further messages go to.
    public let log: ConnectionLog

    public init(connection: SSHConnection, configuration: SSHConfiguration, log: ConnectionLog) {
        self.connection = connection
        self.configuration = configuration
        self.log = log
    }
}
