// A file of this machine that a transfer reads or writes.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A path that a person named, or a name within the directory of a transfer. The latter never passes a symbolic link:
/// the server could have made one a moment ago, by a name it sent before.
enum LocalTarget: Sendable {
    case path(String)
    case within(RootedDirectory, RemotePath, root: String)

    /// For people and errors.
    var shown: String {
        switch self {
        case .path(let path): path
        case .within(_, let path, let root): root + "/" + String(decoding: path.bytes, as: UTF8.self)
        }
    }

    private func open(_ flags: Int32, mode: mode_t) throws(SystemFailure) -> OpenDescriptor {
        switch self {
        case .path(let path):
            let flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
            return OpenDescriptor(try uninterrupted { openSystemPath(path, flags, mode) })
        case .within(let root, let path, _):
            return try root.open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: mode, links: .refused)
        }
    }

    /// An existing regular file, for reading.
    func openSource() throws(SFTPError) -> (file: OpenDescriptor, attributes: FileAttributes) {
        try describing { () throws(SystemFailure) in
            let file = try open(O_RDONLY, mode: 0)
            let information = try file.information()
            guard information.isRegular else { throw SystemFailure(information.isDirectory ? EISDIR : EINVAL) }
            return (file, FileAttributes(information))
        }
    }

    /// A regular file for writing, made when it does not exist.
    ///
    /// - Parameter keeping: Whether what it holds stays.
    func openTarget(mode: UInt32, keeping: Bool) throws(SFTPError) -> (file: OpenDescriptor, size: UInt64) {
        try describing { () throws(SystemFailure) in
            // The owner can always write while the transfer lasts.
            let file = try open(O_RDWR | O_CREAT, mode: mode_t(mode & 0o777 | 0o600))
            let information = try file.information()
            guard information.isRegular else { throw SystemFailure(EINVAL) }
            if keeping { return (file, UInt64(clamping: information.st_size)) }
            if information.st_size > 0 { try file.truncate(to: 0) }
            return (file, 0)
        }
    }

    func describing<T>(_ body: () throws(SystemFailure) -> T) throws(SFTPError) -> T {
        do throws(SystemFailure) { return try body() } catch { throw .localFile(error, path: shown) }
    }
}

extension OpenDescriptor {
    private static let block = 32 * 1024

    /// Writes at `offset`, leaving out blocks of zeros: what was not written in a new file is a hole.
    func writeSparsely(_ data: ByteBuffer, at offset: UInt64) throws(SystemFailure) {
        var data = data
        var position = offset
        var run = (start: offset, bytes: 0)
        let whole = data
        while let block = data.readSlice(length: min(Self.block, data.readableBytes)), block.readableBytes > 0 {
            if block.isZero {
                try write(whole, run, base: offset)
                run = (position + UInt64(block.readableBytes), 0)
            } else {
                run.bytes += block.readableBytes
            }
            position += UInt64(block.readableBytes)
        }
        try write(whole, run, base: offset)
    }

    private func write(
        _ whole: ByteBuffer, _ run: (start: UInt64, bytes: Int), base: UInt64
    ) throws(SystemFailure) {
        guard run.bytes > 0,
            let slice = whole.getSlice(at: whole.readerIndex + Int(run.start - base), length: run.bytes)
        else { return }
        try write(slice, at: run.start)
    }

    /// Sets what the options want kept, at the end of a transfer.
    func finish(size: UInt64, _ attributes: FileAttributes, _ options: TransferOptions) throws(SystemFailure) {
        // Also where the last thing was a hole, and where the file was longer before.
        if try information().st_size != size { try truncate(to: size) }
        if options.preservesModes, let mode = attributes.safeMode { try setMode(mode_t(mode)) }
        if options.preservesTimes, let times = attributes.times { try setTimes(times) }
        if options.synchronises { _ = try uninterrupted { fsync(number) } }
    }
}

extension ByteBuffer {
    /// Whether there is nothing but zeros: each byte equals the one before, and the first is zero.
    var isZero: Bool {
        withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress, let first = bytes.first, first == 0 else { return bytes.isEmpty }
            return memcmp(start, start + 1, bytes.count - 1) == 0
        }
    }
}
