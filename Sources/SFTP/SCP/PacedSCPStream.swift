import NIOConcurrencyHelpers
import NIOCore

/// A stream that carries no more than so many bytes a second.
struct PacedSCPStream: SCPStream {
    private let stream: any SCPStream
    private let bytesPerSecond: Int
    private let pace = NIOLockedValueBox(Pace())

    init(_ stream: any SCPStream, bytesPerSecond: Int) {
        self.stream = stream
        self.bytesPerSecond = bytesPerSecond
    }

    func read() async throws(SFTPError) -> ByteBuffer? {
        guard let data = try await stream.read() else { return nil }
        try await passed(data.readableBytes)
        return data
    }

    /// Large pieces go in parts, each at its time: the other end shall see a steady flow.
    func write(_ data: ByteBuffer) async throws(SFTPError) {
        var data = data
        while let part = data.readSlice(length: min(data.readableBytes, max(512, bytesPerSecond / 10))),
            part.readableBytes > 0
        {
            try await stream.write(part)
            try await passed(part.readableBytes)
        }
    }

    private func passed(_ bytes: Int) async throws(SFTPError) {
        let now = NIODeadline.now()
        let due = pace.withLockedValue { $0.next(bytes, rate: bytesPerSecond, now: now) }
        guard let due else { return }
        do { try await Task.sleep(for: .nanoseconds((due - now).nanoseconds)) } catch { throw .cancelled }
    }
}
