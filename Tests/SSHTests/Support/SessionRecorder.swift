import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHProtocol
import TestSupport

/// A delegate that keeps what it is told, for a test to look at from outside of the event loop.
final class SessionRecorder: SessionChannelDelegate, Sendable {
    struct Record: Sendable {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var received = 0
        var hash = FNV()
        var status: UInt32?
        var signal: ExitSignal?
        var isAtEnd = false
        var isClosed = false
        var error: SSHError?
        var order: [String] = []

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    private let box = NIOLockedValueBox(Record())
    /// Whether window is given back at once, and whether bytes are kept or only counted and hashed.
    private let consumes: Bool
    private let keeps: Bool

    init(consumes: Bool = true, keeps: Bool = true) {
        self.consumes = consumes
        self.keeps = keeps
    }

    var record: Record { box.withLockedValue { $0 } }

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        box.withLockedValue { record in
            record.received += data.readableBytes
            guard keeps else { return data.withUnsafeReadableBytes { record.hash.add($0) } }
            switch stream {
            case .standardOutput: record.output.append(contentsOf: data.readableBytesView)
            case .standardError: record.errors.append(contentsOf: data.readableBytesView)
            }
        }
        if consumes { channel.consumed(data.readableBytes) }
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) {
        box.withLockedValue {
            $0.status = status
            $0.order.append("status")
        }
    }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) {
        box.withLockedValue {
            $0.signal = signal
            $0.order.append("signal")
        }
    }

    func channelEndOfFile(_ channel: SSHSessionChannel) {
        box.withLockedValue {
            $0.isAtEnd = true
            $0.order.append("eof")
        }
    }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        box.withLockedValue {
            $0.isClosed = true
            $0.error = error
            $0.order.append("closed")
        }
    }

    func waitUntilClosed(within seconds: Double = 20) async throws -> Record {
        guard try await eventually(within: seconds, { self.record.isClosed }) else {
            throw ToolFailure(
                description: "the channel did not close; it told: \(record.order), \(record.received) bytes")
        }
        return record
    }

    func waitFor(_ text: String, within seconds: Double = 10) async throws {
        guard try await eventually(within: seconds, { self.record.text.contains(text) }) else {
            throw ToolFailure(description: "“\(text)” did not come; there was: \(record.text)")
        }
    }
}

/// FNV-1a over 64-bit words: a quick fingerprint of a long stream that any lost or doubled byte changes.
struct FNV: Sendable, Equatable {
    private var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
}

extension SSHSessionChannel {
    /// Calls the channel on its event loop.
    func onLoop<T: Sendable>(_ body: @escaping @Sendable (SSHSessionChannel) -> T) async throws -> T {
        try await connection.eventLoop.submit { body(self) }.get()
    }

    func startAndWait(_ body: @escaping @Sendable (SSHSessionChannel) -> EventLoopFuture<Void>) async throws {
        try await connection.eventLoop.flatSubmit { body(self) }.get()
    }
}
