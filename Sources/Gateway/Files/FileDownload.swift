import NIOCore
import SFTP

/// What was moved.
public struct FileReceipt: Sendable, Hashable {
    /// Bytes.
    public let size: UInt64
    /// Of those bytes, 64 hexadecimal digits.
    public let sha256: String
}

/// A file that is open for one reader: authorised and in the audit log.
public struct FileDownload: Sendable {
    /// Bytes of a file that says it is empty and still has contents.
    static let longestUnsized: UInt64 = 64 << 20

    public let entry: FileEntry
    /// The bytes that ``stream(to:)`` gives; nil when only the end of the file tells how many there are.
    public let range: Range<UInt64>?
    /// The file's size; nil with `range`.
    public let total: UInt64?
    let path: RemotePath
    let file: SFTPFile
    let access: FileAccess
    let service: FileService
    let operation: FileTrail.Operation

    /// Gives the bytes in their order. The host is read as `take` returns: a slow reader slows it down. However it ends,
    /// it is in the audit log with what was given.
    ///
    /// - Throws: `file_changed` when the file ends too early, and what `take` throws.
    @discardableResult
    public func stream(to take: (ByteBuffer) async throws -> Void) async throws(GatewayError) -> FileReceipt {
        var hash = FlowingHash()
        var watch = AccessWatch(access, .read)
        do throws(GatewayError) {
            try await service.hosts.counted(access.session) { () throws(GatewayError) in
                do {
                    let pass = { (piece: ByteBuffer) in
                        try await watch.passed()
                        hash.add(piece)
                        try await take(piece)
                    }
                    if let range {
                        try await FilePieces.read(file, range, pass)
                    } else {
                        try await FilePieces.readToEnd(file, limit: Self.longestUnsized, pass)
                    }
                    try await file.close()
                } catch { throw GatewayError(files: error) }
            }
        } catch {
            try? await file.close()
            await service.trail.done(
                operation, path, in: access, size: hash.count, sha256: hash.hexadecimal, failure: error, details)
            throw error
        }
        let receipt = FileReceipt(size: hash.count, sha256: hash.hexadecimal)
        await service.trail.done(operation, path, in: access, size: receipt.size, sha256: receipt.sha256, details)
        return receipt
    }

    private var details: [String: String] {
        guard let range, let total, range != 0..<total else { return [:] }
        return ["range": "\(range.lowerBound)-\(range.upperBound) of \(total)"]
    }
}

/// A part of a file, as a request names it (RFC 9110 §14.1.2).
public enum FileRange: Sendable, Hashable {
    case whole
    case from(UInt64)
    case between(UInt64, UInt64)
    /// The last so many bytes.
    case last(UInt64)

    /// - Throws: `range_not_satisfiable` when nothing of it is in the file.
    func bytes(of size: UInt64) throws(GatewayError) -> Range<UInt64> {
        switch self {
        case .whole: return 0..<size
        case .from(let start) where start < size: return start..<size
        case .between(let start, let end) where start < size && start <= end:
            return start..<(end < size ? end + 1 : size)
        case .last(let count) where count > 0 && size > 0: return (size - min(count, size))..<size
        default:
            throw GatewayError(
                "range_not_satisfiable", status: 416, "The file has \(size) bytes: this part is not in it.",
                hint: "Ask for a part that is.", details: ["size": .integer(Int64(clamping: size))])
        }
    }
}

extension FileService {
    /// Opens a file for reading; nothing is read before ``FileDownload/stream(to:)``. Links are followed.
    public func read(
        _ path: RemotePath, range: FileRange = .whole, in access: FileAccess
    ) async throws(GatewayError) -> FileDownload {
        try await open(path, range, .download, in: access)
    }

    func open(
        _ path: RemotePath, _ range: FileRange, _ operation: FileTrail.Operation, in access: FileAccess
    ) async throws(GatewayError) -> FileDownload {
        try await access.check(.read)
        do throws(GatewayError) {
            let download = try await hosts.with(access.session) { client in
                let before = try await client.attributes(of: path)
                guard before.kind == .regular || before.kind == nil else { throw GatewayError.notAFile(path) }
                let file = try await client.open(path)
                // What was opened counts, not what was there a moment ago.
                let attributes = try await file.attributes()
                guard attributes.kind == .regular || attributes.kind == nil else { throw GatewayError.notAFile(path) }
                let located = (try? await Self.located(path, client)) ?? path
                // Files that the system makes up, as in /proc, say that they are empty.
                let size = attributes.size ?? 0
                let isUnsized = size == 0 && range == .whole
                return FileDownload(
                    entry: FileEntry(located, attributes), range: isUnsized ? nil : try range.bytes(of: size),
                    total: isUnsized ? nil : size, path: located, file: file, access: access, service: self,
                    operation: operation)
            }
            if operation == .download { try await trail.begins(operation, download.path, in: access) }
            return download
        } catch {
            await trail.done(operation, path, in: access, failure: error)
            throw error
        }
    }

    /// A whole file, or a part of one, in memory.
    /// - Throws: `too_large` for more than `limit` bytes.
    public func readAll(
        _ path: RemotePath, range: FileRange = .whole, limit: Int, in access: FileAccess
    ) async throws(GatewayError) -> (contents: ByteBuffer, receipt: FileReceipt, entry: FileEntry) {
        let download = try await read(path, range: range, in: access)
        var contents = ByteBuffer()
        let tooLarge = GatewayError(
            "too_large", status: 413, "“\(path)” has more than \(limit) bytes.", hint: "Read it in parts.")
        if let range = download.range, range.count > limit {
            await trail.done(.download, path, in: access, failure: tooLarge)
            throw tooLarge
        }
        let receipt = try await download.stream { piece in
            guard contents.readableBytes + piece.readableBytes <= limit else { throw tooLarge }
            contents.writeImmutableBuffer(piece)
        }
        return (contents, receipt, download.entry)
    }

    /// SHA-256 of a whole file as the host has it now. Every byte comes over the link.
    ///
    /// - Parameter progress: Told the bytes so far, for each piece.
    public func hash(
        _ path: RemotePath, in access: FileAccess, progress: (UInt64) async throws -> Void = { _ in }
    ) async throws(GatewayError) -> FileReceipt {
        let download = try await open(path, .whole, .hash, in: access)
        var count: UInt64 = 0
        return try await download.stream { piece in
            count += UInt64(piece.readableBytes)
            try await progress(count)
        }
    }
}
