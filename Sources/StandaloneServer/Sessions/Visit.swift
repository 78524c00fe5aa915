import LocalProcess
import NIOConcurrencyHelpers
import NIOCore
import SSH

/// One connection whose user was let in.
struct Visit: Sendable {
    var visitor: Visitor
    var welcome: Welcome
}

/// The connections whose users were let in, by number. May be asked from any thread.
final class Visits: Sendable {
    private let visits = NIOLockedValueBox<[Int: Visit]>([:])

    subscript(connection: SSHServerConnection) -> Visit? {
        get { visits.withLockedValue { $0[connection.id] } }
        set { visits.withLockedValue { $0[connection.id] = newValue } }
    }
}

extension Visitor {
    init(_ connection: SSHServerConnection, username: String) {
        self.init(
            connection: connection.id, username: username, address: connection.remoteAddress?.ipAddress?.withoutMapping,
            port: connection.remoteAddress?.port, localAddress: connection.localAddress?.ipAddress?.withoutMapping,
            localPort: connection.localAddress?.port)
    }
}

extension String {
    /// An IPv4 address within IPv6 is the IPv4 address.
    var withoutMapping: String {
        lowercased().hasPrefix("::ffff:") && contains(".") ? String(dropFirst(7)) : self
    }
}
