// Whether the part that a resumed transfer would keep agrees with the source.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Compares the first bytes of an open file at the server with those of one on this machine. Loop-bound.
final class OverlapCheck {
    private static let ahead = 8
    private static let piece = SFTPLimits.safeData

    private let transfer: Transfer
    private let handle: SFTPHandle
    private let file: OpenDescriptor
    private let path: RemotePath
    private var done: ((SFTPError?) -> Void)?
    private var ranges: [Range<UInt64>]
    private var underWay = 0

    /// - Parameters:
    ///   - length: Bytes of overlap.
    ///   - done: nil when they agree.
    init(
        _ transfer: Transfer, handle: SFTPHandle, file: OpenDescriptor, path: RemotePath, length: UInt64,
        done: @escaping (SFTPError?) -> Void
    ) {
        self.transfer = transfer
        self.handle = handle
        self.file = file
        self.path = path
        self.done = done
        // Read from the back: `popLast`.
        ranges = transfer.options.resume == .afterWholeComparison ? [0..<length] : Self.samples(of: length).reversed()
    }

    static func samples(of length: UInt64) -> [Range<UInt64>] {
        let (head, tail, middle): (UInt64, UInt64, UInt64) = (64 * 1024, 256 * 1024, 16)
        guard length > head + tail + middle * UInt64(piece) else { return [0..<length] }
        let step = (length - head - tail) / middle
        return [0..<head] + (0..<middle).map { head + $0 * step..<head + $0 * step + UInt64(piece) }
            + [length - tail..<length]
    }

    func start() { pump() }

    private func pump() {
        while underWay < Self.ahead, done != nil, let range = ranges.popLast() {
            let count = min(UInt64(Self.piece), range.upperBound - range.lowerBound)
            if range.lowerBound + count < range.upperBound {
                ranges.append(range.lowerBound + count..<range.upperBound)
            }
            compare(range.lowerBound..<range.lowerBound + count)
        }
        if underWay == 0 { finish(nil) }
    }

    private func compare(_ range: Range<UInt64>) {
        underWay += 1
        transfer.core.send(.read(handle, offset: range.lowerBound, length: UInt32(range.count))) { result in
            switch result {
            case .success(.data(let data)) where data.readableBytes > 0 && data.readableBytes <= range.count:
                let rest = range.lowerBound + UInt64(data.readableBytes)..<range.upperBound
                if !rest.isEmpty { self.ranges.append(rest) }
                self.compare(data, at: range.lowerBound)
            case .success(.status(let status)) where status.code != .ok && status.code != .endOfFile:
                self.answered(.status(status, self.path))
            case .success(.status): self.answered(.resumeMismatch(self.path, "the file at the server is shorter"))
            case .success: self.answered(.unexpected(self.path))
            case .failure(let error): self.answered(error)
            }
        }
    }

    private func compare(_ data: ByteBuffer, at offset: UInt64) {
        let (file, path) = (file, path)
        transfer.onDisk { () throws(SFTPError) in
            var ours = ByteBuffer()
            do throws(SystemFailure) {
                try file.read(into: &ours, at: offset, length: data.readableBytes)
            } catch { throw .localFile(error, path: path.description) }
            guard ours == data else {
                throw .resumeMismatch(path, "the two files differ within the part that is there already")
            }
        } then: { result in
            if case .failure(let error) = result { self.answered(error) } else { self.answered(nil) }
        }
    }

    private func answered(_ error: SFTPError?) {
        underWay -= 1
        if let error { return finish(error) }
        pump()
    }

    private func finish(_ error: SFTPError?) {
        guard let done else { return }
        self.done = nil
        done(error)
    }
}
