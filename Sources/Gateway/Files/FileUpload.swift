import NIOCore
import SFTP

/// How a file is written.
public struct FileWrite: Sendable {
    /// What has to be true of the file that is there.
    public enum Precondition: Sendable, Hashable {
        /// It is replaced, or there is none.
        case none
        /// There is none.
        case absent
        /// It is as it was: ``FileEntry/version``, or ``FileText/version``.
        case version(String)
    }

    /// Where the bytes go on. Everything before is there from an earlier part of the same upload.
    public var offset: UInt64
    /// Bytes of the whole file. Without it what comes is all.
    public var size: UInt64?
    /// Names an upload that may be resumed: 8 to 64 letters, digits and dashes. What was written then stays at the host
    /// when the stream breaks, under a name of its own, until it is complete or dropped.
    public var upload: String?
    /// Of the whole file: a file that is another is not put in its place.
    public var sha256: String?
    /// The permissions of a new file; a file that is replaced keeps its own.
    public var mode: UInt32?
    /// Seconds since 1970 of the last change.
    public var modified: UInt32?
    public var precondition: Precondition

    public init(
        offset: UInt64 = 0, size: UInt64? = nil, upload: String? = nil, sha256: String? = nil, mode: UInt32? = nil,
        modified: UInt32? = nil, precondition: Precondition = .none
    ) {
        self.offset = offset
        self.size = size
        self.upload = upload
        self.sha256 = sha256
        self.mode = mode
        self.modified = modified
        self.precondition = precondition
    }
}

/// What came of a write.
public enum FileWritten: Sendable {
    /// The file is in its place: as it is there now, with the size and hash of what was written.
    case complete(FileEntry, FileReceipt)
    /// The stream ended before the file did. The upload can be resumed at this offset.
    case partial(offset: UInt64)
}

extension FileService {
    /// Writes a file from a stream, at the pace of the host.
    ///
    /// The bytes go to a name of their own in the same folder and take the file's place in one step when all of them are
    /// there and the size (and hash, where it was given) is right: nobody reads half a file, and a broken upload breaks
    /// nothing.
    ///
    /// - Throws: `file_exists`, `file_changed` (412) for the precondition; `upload_offset` (409, with `offset`) when the
    ///   upload stands elsewhere; `checksum_mismatch`, `incomplete`.
    public func write<Body: AsyncSequence & Sendable>(
        _ body: Body, to path: RemotePath, _ options: FileWrite = FileWrite(), in access: FileAccess
    ) async throws(GatewayError) -> FileWritten where Body.Element == ByteBuffer {
        try await access.check(.write)
        let operation: FileTrail.Operation
        if case .version = options.precondition { operation = .edit } else { operation = .upload }
        var hash = FlowingHash()
        do throws(GatewayError) {
            try Self.checkName(options.upload)
            let written = try await hosts.counted(access.session) { () throws(GatewayError) in
                try await self.hosts.with(access.session) { client in
                    let target = try await FileTarget.find(path, client)
                    try await target.check(options.precondition)
                    try await self.trail.begins(
                        operation, target.path, in: access, options.offset > 0 ? ["offset": "\(options.offset)"] : [:])
                    let upload = Upload(
                        target: target, options: options, client: client, uploads: self.uploads,
                        session: access.session.id)
                    return try await upload.run(body, &hash, AccessWatch(access, .write))
                }
            }
            await note(written, operation, path, hash, in: access)
            return written
        } catch {
            await trail.done(operation, path, in: access, failure: error)
            throw error
        }
    }

    /// The same for bytes that are there.
    public func write(
        _ bytes: ByteBuffer, to path: RemotePath, _ options: FileWrite = FileWrite(), in access: FileAccess
    ) async throws(GatewayError) -> FileWritten {
        var options = options
        options.size = options.size ?? options.offset + UInt64(bytes.readableBytes)
        let body = AsyncStream<ByteBuffer> { continuation in
            continuation.yield(bytes)
            continuation.finish()
        }
        return try await write(body, to: path, options, in: access)
    }

    private func note(
        _ written: FileWritten, _ operation: FileTrail.Operation, _ path: RemotePath, _ hash: FlowingHash,
        in access: FileAccess
    ) async {
        switch written {
        case .complete(let entry, let receipt):
            await trail.done(
                operation, entry.location, in: access, size: receipt.size, sha256: receipt.sha256)
        case .partial(let offset):
            await trail.done(
                operation, path, in: access, size: hash.count, sha256: hash.hexadecimal, ["partial": String(offset)])
        }
    }

    /// How far an upload has come: the offset at which it goes on. Zero when nothing is there.
    public func uploadOffset(
        _ name: String, of path: RemotePath, in access: FileAccess
    ) async throws(GatewayError) -> UInt64 {
        try await access.check(.write)
        try Self.checkName(name)
        return try await hosts.with(access.session) { client in
            let target = try await FileTarget.find(path, client)
            let attributes = try? await client.attributes(of: target.partial(name), followingLink: false)
            return attributes?.kind == .regular ? attributes?.size ?? 0 : 0
        }
    }

    /// Drops an upload: what was written of it goes.
    public func dropUpload(_ name: String, of path: RemotePath, in access: FileAccess) async throws(GatewayError) {
        try await access.check(.write)
        try Self.checkName(name)
        try await hosts.with(access.session) { client in
            let target = try await FileTarget.find(path, client)
            let partial = try target.partial(name)
            self.uploads.forget(access.session.id, partial)
            if (try? await client.attributes(of: partial, followingLink: false)) != nil {
                try await client.remove(partial)
            }
        }
        await trail.done(.upload, path, in: access, ["dropped": name])
    }

    private static func checkName(_ name: String?) throws(GatewayError) {
        guard let name else { return }
        let isPlain = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
        }
        guard isPlain, (8...64).contains(name.utf8.count) else {
            throw .invalid(
                "upload", "An upload's name has 8 to 64 letters, digits and dashes.", hint: "Make a random one.")
        }
    }
}
