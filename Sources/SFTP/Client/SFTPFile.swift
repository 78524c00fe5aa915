import NIOConcurrencyHelpers
public import NIOCore

/// A file that is open at the server. Reads and writes may overlap; each names its own offset.
public final class SFTPFile: Sendable {
    /// As it was opened.
    public let path: RemotePath
    let handle: SFTPHandle
    private let client: SFTPClient
    private let isClosed = NIOLockedValueBox(false)

    init(_ handle: SFTPHandle, path: RemotePath, client: SFTPClient) {
        self.handle = handle
        self.path = path
        self.client = client
    }

    deinit {
        guard !isClosed.withLockedValue({ $0 }) else { return }
        let (handle, bound) = (handle, client.bound)
        client.eventLoop.execute { bound.value.close(handle) }
    }

    private func open() throws(SFTPError) -> SFTPHandle {
        if isClosed.withLockedValue({ $0 }) { throw .closed }
        return handle
    }

    /// Up to `length` bytes; fewer where the server gives fewer, none at the end.
    ///
    /// - Parameters:
    ///   - offset: In bytes from the beginning.
    ///   - length: Bytes, at most 255 KiB of which come at once.
    public func read(at offset: UInt64, length: Int) async throws(SFTPError) -> ByteBuffer {
        let wanted = min(max(0, length), SFTPLimits.maximumData)
        switch try await client.rawRequest(.read(try open(), offset: offset, length: UInt32(wanted))) {
        case .data(let data):
            guard data.readableBytes <= wanted else { throw .unexpected(path) }
            return data
        case .status(let status) where status.code == .endOfFile: return ByteBuffer()
        case .status(let status): throw .status(status, path)
        default: throw .unexpected(path)
        }
    }

    /// Writes all of it, in pieces that every server takes, several under way at once.
    public func write(_ bytes: [UInt8], at offset: UInt64) async throws(SFTPError) {
        try await write(ByteBuffer(bytes: bytes), at: offset)
    }

    /// Writes all of it, in pieces that every server takes, several under way at once.
    public func write(_ data: ByteBuffer, at offset: UInt64) async throws(SFTPError) {
        let handle = try open()
        var data = data
        var offset = offset
        while data.readableBytes > 0 {
            let outcome = await withTaskGroup(of: SFTPError?.self) { group -> SFTPError? in
                for _ in 0..<16 {
                    guard let piece = data.readSlice(length: min(data.readableBytes, SFTPLimits.safeData)),
                        piece.readableBytes > 0
                    else { break }
                    let position = offset
                    offset &+= UInt64(piece.readableBytes)
                    group.addTask { await self.write(piece, handle, position) }
                }
                return await group.reduce(nil) { $0 ?? $1 }
            }
            if let outcome { throw outcome }
        }
    }

    private func write(_ piece: ByteBuffer, _ handle: SFTPHandle, _ offset: UInt64) async -> SFTPError? {
        do throws(SFTPError) {
            _ = try await client.request(.write(handle, offset: offset, data: piece), path)
            return nil
        } catch { return error }
    }

    public func attributes() async throws(SFTPError) -> FileAttributes {
        try await client.request(.fstat(try open()), path).attributes(path)
    }

    public func setAttributes(_ attributes: FileAttributes) async throws(SFTPError) {
        _ = try await client.request(.fsetstat(try open(), attributes), path)
    }

    /// Returns when what was written is on the server's disk (fsync@openssh.com).
    public func synchronise() async throws(SFTPError) {
        guard await client.has(.fsync) else { throw .unsupported(.fsync) }
        _ = try await client.request(.fsync(try open()), path)
    }

    /// The file system that holds it (fstatvfs@openssh.com).
    public func statistics() async throws(SFTPError) -> VolumeStatistics {
        guard await client.has(.fstatvfs) else { throw .unsupported(.fstatvfs) }
        return try await client.request(.fstatvfs(try open()), path).extended(path) { reader throws(SFTPStatus) in
            try VolumeStatistics(&reader)
        }
    }

    /// Copies to another open file without the bytes leaving the server (copy-data).
    ///
    /// - Parameters:
    ///   - offset: Where it begins in this file.
    ///   - length: Bytes; zero copies to the end of this file.
    ///   - target: The other file, of the same client.
    ///   - targetOffset: Where it goes in the other file.
    public func copy(
        from offset: UInt64 = 0, length: UInt64 = 0, to target: SFTPFile, at targetOffset: UInt64 = 0
    ) async throws(SFTPError) {
        guard await client.has(.copyData) else { throw .unsupported(.copyData) }
        let range = CopyRange(
            source: try open(), sourceOffset: offset, length: length, target: try target.open(),
            targetOffset: targetOffset)
        _ = try await client.request(.copyData(range), path)
    }

    /// Closes it, which may be where a server tells that writing failed. A second call does nothing.
    public func close() async throws(SFTPError) {
        let wasClosed = isClosed.withLockedValue { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        if wasClosed { return }
        _ = try await client.request(.close(handle), path)
    }
}
