import Foundation
import NIOCore
import NIOPosix

/// A TCP port of loopback that was free a moment ago.
public func freePort() async throws -> Int {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return port
}

/// Whether something listens there.
public func isListening(_ port: Int, host: String = "127.0.0.1") async -> Bool {
    guard
        let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: host, port: port).get()
    else { return false }
    try? await channel.close()
    return true
}
