import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import ServiceLifecycle

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A bound port and the loop that takes its connections.
struct Listener: Sendable {
    private typealias Connection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    private let server: NIOAsyncChannel<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>, Never>
    private let connection: ConnectionChannel
    private let logger: Logger

    /// - Throws: `WebServerError` when the address cannot be had.
    static func bind(
        _ configuration: WebConfiguration, connection: ConnectionChannel, group: any EventLoopGroup, logger: Logger
    ) async throws -> Listener {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptErrors(logger: logger))
                }
            }
        do {
            let server = try await bootstrap.bind(host: configuration.address, port: configuration.port) { channel in
                connection.setup(channel: channel, logger: logger)
            }
            return Listener(server: server, connection: connection, logger: logger)
        } catch {
            throw WebServerError(bindingFailed: error, configuration: configuration)
        }
    }

    var localAddress: SocketAddress? { server.channel.localAddress }

    /// Takes connections until it is told to stop or cancelled; then ends the open ones and returns when they are gone.
    ///
    /// A cancellation ends connections in order, too: the loop is a task of its own, so that it does not reach them as
    /// a cut connection.
    func run() async throws {
        let connections = Task { try await takeConnections() }
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await connections.value
        } onCancelOrGracefulShutdown: {
            server.channel.close(promise: nil)
            connection.connections.stop()
        }
    }

    private func takeConnections() async throws {
        try await server.executeThenClose { inbound in
            try await withThrowingDiscardingTaskGroup { group in
                for try await value in inbound {
                    group.addTask { await connection.handle(value: value, logger: logger) }
                }
            }
        }
    }
}

extension WebServerError {
    fileprivate init(bindingFailed error: any Error, configuration: WebConfiguration) {
        let place = "\(configuration.address):\(configuration.port)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE?:
            self.init(
                .addressInUse, "Another program already listens on \(place).",
                hint: "Stop that program, or choose another port.")
        case EACCES?:
            self.init(
                .addressNotAvailable, "This account may not listen on \(place).",
                hint: "Choose a port from 1024 up, or give the program the right to use this one.")
        case EADDRNOTAVAIL?:
            self.init(
                .addressNotAvailable, "This machine has no address \(configuration.address).",
                hint: "Listen on 127.0.0.1, or on an address that this machine has.")
        default:
            self.init(
                .addressNotAvailable, "It was not possible to listen on \(place): \(error).",
                hint: "Check the address and the port.")
        }
    }
}
