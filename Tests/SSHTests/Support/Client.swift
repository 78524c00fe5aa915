import Foundation
import NIOCore
import NIOPosix
import SSH
import SSHKeys
import SSHProtocol

/// A loop for a test's connection.
func anyLoop() -> any EventLoop { MultiThreadedEventLoopGroup.singleton.any() }

extension SSHClientConfiguration {
    /// The user of these tests with a key that the servers of these tests know, accepting the hosts' own keys.
    static func test(_ kind: String = "ed25519") throws -> SSHClientConfiguration {
        SSHClientConfiguration(username: currentUser, credentials: [.privateKey(try TestKeys.user(kind))]) { _ in
            .accept
        }
    }
}

extension OpenSSHServer {
    func connect(
        _ change: (inout SSHClientConfiguration) throws -> Void = { _ in }
    ) async throws -> SSHConnection {
        var configuration = try SSHClientConfiguration.test()
        try change(&configuration)
        let connection = try await SSHClient.connect(to: endpoint, configuration: configuration, on: anyLoop())
        // The server stays for as long as the connection, whoever still names it.
        connection.closed.whenComplete { _ in withExtendedLifetime(self) {} }
        return connection
    }
}
