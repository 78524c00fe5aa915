import Crypto
import NIOConcurrencyHelpers
import NIOCore
import SFTP

/// A file's contents in order, several pieces under way at once: the link is filled, and memory is bounded by the
/// pieces that wait, whatever the size of the file.
enum FilePieces {
    /// Bytes of a piece; every server of today gives so many at once, and a shorter answer is asked on.
    static let length = 128 * 1024
    /// Pieces under way or waiting for the reader.
    static let window = 12

    /// Reads `range`, and hands it on piece by piece.
    ///
    /// - Throws: `file_changed` when the file ends before the range does; whatever `take` throws.
    static func read(
        _ file: SFTPFile, _ range: Range<UInt64>, _ take: (ByteBuffer) async throws -> Void
    ) async throws {
        let patience = HostPatience()
        try await withThrowingTaskGroup(of: (UInt64, ByteBuffer).self) { group in
            defer { group.cancelAll() }
            group.addTask { throw await patience.end() }
            var asked = range.lowerBound
            var given = range.lowerBound
            var ready: [UInt64: ByteBuffer] = [:]
            var underWay = 0
            while given < range.upperBound {
                while asked < range.upperBound, underWay + ready.count < window {
                    let (offset, length) = (asked, min(UInt64(Self.length), range.upperBound - asked))
                    group.addTask { (offset, try await whole(file, at: offset, length: Int(length))) }
                    asked += length
                    underWay += 1
                }
                if let piece = ready.removeValue(forKey: given) {
                    guard UInt64(piece.readableBytes) == min(UInt64(Self.length), range.upperBound - given) else {
                        throw GatewayError.fileShrank(file.path)
                    }
                    given += UInt64(piece.readableBytes)
                    try await take(piece)
                } else {
                    patience.begin()
                    guard let (offset, piece) = try await group.next() else { return }
                    patience.pause()
                    ready[offset] = piece
                    underWay -= 1
                }
            }
        }
    }

    /// Reads on to the end of a file whose size is not known, such as those that the system makes up.
    ///
    /// - Throws: `too_large` when it goes on after `limit` bytes: it may have no end.
    static func readToEnd(
        _ file: SFTPFile, from start: UInt64 = 0, limit: UInt64, _ take: (ByteBuffer) async throws -> Void
    ) async throws {
        var offset = start
        while true {
            let piece = try await file.read(at: offset, length: length)
            if piece.readableBytes == 0 { return }
            offset += UInt64(piece.readableBytes)
            guard offset - start <= limit else {
                throw GatewayError(
                    "too_large", status: 413, "“\(file.path)” says that it is empty, and goes on and on.",
                    hint: "Read it in the terminal.")
            }
            try await take(piece)
        }
    }

    /// Up to `length` bytes, fewer only at the file's end.
    private static func whole(_ file: SFTPFile, at offset: UInt64, length: Int) async throws -> ByteBuffer {
        var piece = try await file.read(at: offset, length: length)
        while piece.readableBytes < length, piece.readableBytes > 0 {
            var more = try await file.read(
                at: offset + UInt64(piece.readableBytes), length: length - piece.readableBytes)
            if more.readableBytes == 0 { break }
            piece.writeBuffer(&more)
        }
        return piece
    }
}

/// How long a host is waited for that answers nothing. The time that a reader takes is not the host's.
final class HostPatience: Sendable {
    static let limit = TimeAmount.seconds(60)

    private let since = NIOLockedValueBox<NIODeadline?>(nil)

    func begin() { since.withLockedValue { $0 = .now() } }
    func pause() { since.withLockedValue { $0 = nil } }

    /// Returns when the host was waited for too long, or when nobody waits any more.
    func end() async -> any Error {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))
            if let since = since.withLockedValue({ $0 }), NIODeadline.now() - since > Self.limit {
                return GatewayError(
                    "host_silent", status: 504, "The host's SFTP server has not answered for a minute.",
                    hint: "Look at the host in the terminal, then try again.")
            }
        }
        return CancellationError()
    }
}

/// SHA-256 of what flows by.
struct FlowingHash {
    private var hash = SHA256()
    private(set) var count: UInt64 = 0

    mutating func add(_ piece: ByteBuffer) {
        piece.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        count += UInt64(piece.readableBytes)
    }

    /// 64 hexadecimal digits.
    var hexadecimal: String {
        hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
