import Foundation
public import NIOCore
import NIOPosix
public import SSH
import SSHKeys
import SSHProtocol

/// A loop for a test's connection.
public func anyLoop() -> any EventLoop { MultiThreadedEventLoopGroup.singleton.any() }

extension SSHClientConfiguration {
    /// The user of these tests with a key that the servers of these tests know, accepting the hosts' own keys.
    public static func test(_ kind: String = "ed25519") async throws -> SSHClientConfiguration {
        SSHClientConfiguration(username: currentUser, credentials: [.privateKey(try await TestKeys.user(kind))]) { _ in
            .accept
        }
    }
}

extension OpenSSHServer {
    public func connect(
        _ change: (inout SSHClientConfiguration) async throws -> Void = { _ in }
    ) async throws -> SSHConnection {
        var configuration = try await SSHClientConfiguration.test()
        try await change(&configuration)
        let connection = try await SSHClient.connect(to: endpoint, configuration: configuration, on: anyLoop())
        // The server stays for as long as the connection, whoever still names it.
        connection.closed.whenComplete { _ in withExtendedLifetime(self) {} }
        return connection
    }
}
