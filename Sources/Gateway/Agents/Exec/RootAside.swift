import NIOCore
import SSH
import SSHProtocol

/// What a short line of our own brought back.
struct AsideResult: Sendable {
    var standardOutput: [UInt8] = []
    var exit = CommandResult.Exit.unknown
}

/// A short line of our own that runs as root: sudo is answered as it is for commands, and what the line prints is kept.
///
/// Loop-bound, as the connection's delegate is.
final class RootAside: SessionChannelDelegate {
    private static let limit = 4096
    private static let patience = TimeAmount.seconds(10)

    private var sudo: SudoDialogue
    private var result = AsideResult()
    private let promise: EventLoopPromise<AsideResult>

    private init(_ sudo: SudoDialogue, _ promise: EventLoopPromise<AsideResult>) {
        self.sudo = sudo
        self.promise = promise
    }

    static func run(_ line: String, _ sudo: SudoDialogue, on connection: SSHConnection) async throws -> AsideResult {
        try await connection.eventLoop.flatSubmit {
            let promise = connection.eventLoop.makePromise(of: AsideResult.self)
            let aside = RootAside(sudo, promise)
            connection.makeSession(delegate: aside).assumeIsolated().whenComplete { opened in
                switch opened {
                case .failure(let error): promise.fail(error)
                case .success(let channel):
                    channel.exec(line).assumeIsolated().whenFailure { _ in channel.abort() }
                    connection.eventLoop.assumeIsolated().scheduleTask(in: patience) { channel.abort() }
                }
            }
            return promise.futureResult
        }.get()
    }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        channel.consumed(data.readableBytes)
        guard stream == .standardError, !sudo.hasBegun else {
            let room = max(0, Self.limit - result.standardOutput.count)
            if stream != .standardError { result.standardOutput += data.readableBytesView.prefix(room) }
            return
        }
        switch sudo.take(data.readableBytesView).step {
        case .wait: break
        case .sendPassword: channel.write(ByteBuffer(bytes: sudo.password + [0x0A]))
        case .begin: channel.sendEOF()
        case .refused: channel.abort()
        }
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) { result.exit = .status(status) }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) { result.exit = .signal(signal) }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) { promise.succeed(result) }
}
