import NIOConcurrencyHelpers
import NIOCore
import SFTP
import Storage

/// Uploads that were begun: what was hashed of each, so that going on costs no second reading, and who writes it now.
final class Uploads: Sendable {
    private struct State {
        var hashes: [String: (hash: FlowingHash, at: NIODeadline)] = [:]
        var writers: [String: UInt64] = [:]
        var last: UInt64 = 0
    }

    private static let kept = 512
    private let state = NIOLockedValueBox(State())

    private static func key(_ session: String, _ path: RemotePath) -> String { session + " " + path.percentEncoded }

    /// Begins to write. Whoever wrote it before, over a link that is dead, does not go on.
    func begin(_ session: String, _ path: RemotePath) -> UInt64 {
        state.withLockedValue { state in
            state.last &+= 1
            state.writers[Self.key(session, path)] = state.last
            return state.last
        }
    }

    func isCurrent(_ writer: UInt64, _ session: String, _ path: RemotePath) -> Bool {
        state.withLockedValue { $0.writers[Self.key(session, path)] == writer }
    }

    /// The hash of exactly the first `offset` bytes, if it is known.
    func hash(_ session: String, _ path: RemotePath, at offset: UInt64) -> FlowingHash? {
        state.withLockedValue { state in
            let known = state.hashes.removeValue(forKey: Self.key(session, path))
            return known?.hash.count == offset ? known?.hash : nil
        }
    }

    func keep(_ hash: FlowingHash, _ session: String, _ path: RemotePath) {
        state.withLockedValue { state in
            if state.hashes.count >= Self.kept, let oldest = state.hashes.min(by: { $0.value.at < $1.value.at })?.key {
                state.hashes[oldest] = nil
            }
            state.hashes[Self.key(session, path)] = (hash, .now())
        }
    }

    func ended(_ writer: UInt64, _ session: String, _ path: RemotePath) {
        state.withLockedValue { state in
            let key = Self.key(session, path)
            if state.writers[key] == writer { state.writers[key] = nil }
        }
    }

    func forget(_ session: String, _ path: RemotePath) {
        state.withLockedValue { state in
            state.hashes[Self.key(session, path)] = nil
            state.writers[Self.key(session, path)] = nil
        }
    }
}

/// One stream of bytes into one file.
struct Upload: Sendable {
    /// Bytes that are written together, and how many such pieces may be under way.
    private static let piece = 256 * 1024
    private static let window = 8
    /// A file so short is written in place where its folder takes no new file.
    private static let longestInPlace: UInt64 = 4 << 20

    let target: FileTarget
    let options: FileWrite
    let client: SFTPClient
    let uploads: Uploads
    let session: String

    func run<Body: AsyncSequence & Sendable>(
        _ body: Body, _ hash: inout FlowingHash, _ watch: AccessWatch
    ) async throws -> FileWritten where Body.Element == ByteBuffer {
        let name = options.upload ?? String(Identifier.make("x").dropFirst(2))
        let partial = try target.partial(name)
        let writer = uploads.begin(session, partial)
        defer { uploads.ended(writer, session, partial) }
        let file: SFTPFile
        do { file = try await open(partial) } catch {
            guard mayWriteInPlace(error) else { throw error }
            return try await writeInPlace(body, &hash)
        }
        var there = options.offset
        do {
            if options.offset > 0 { hash = try await hashOfBeginning(file, partial) }
            let end = try await pour(body, into: file, &hash, &there, watch) {
                uploads.isCurrent(writer, session, partial)
            }
            if let size = options.size, end < size {
                guard options.upload != nil else { throw Self.incomplete(end, of: size) }
                try await file.close()
                uploads.keep(hash, session, partial)
                return .partial(offset: end)
            }
            return try await complete(file, partial, end, hash)
        } catch {
            // A writer that another one took the place of leaves its file alone.
            guard uploads.isCurrent(writer, session, partial) else { throw error }
            // Behind a piece that failed others may have arrived: what is kept has no hole.
            try? await file.setAttributes(FileAttributes(size: there))
            try? await file.close()
            if options.upload == nil || Self.isUseless(error) { try? await client.remove(partial) }
            throw error
        }
    }

    // MARK: The file beside the file

    private func open(_ partial: RemotePath) async throws -> SFTPFile {
        // Where something private is replaced nobody else reads its successor meanwhile.
        let mode: UInt32? = target.existing == nil ? options.mode : 0o600
        if options.offset == 0 {
            if options.upload != nil, try await isRegular(partial) { try await client.remove(partial) }
            return try await client.open(partial, [.read, .write, .create, .exclusive], permissions: mode)
        }
        guard options.upload != nil else {
            throw GatewayError.invalid("upload", "Only a named upload goes on at an offset.", hint: "Name the upload.")
        }
        let size = try await isRegular(partial) ? try await client.attributes(of: partial).size ?? 0 : 0
        guard size >= options.offset else {
            throw GatewayError(
                "upload_offset", status: 409, "This upload stands at byte \(size), not at \(options.offset).",
                hint: "Go on from there.", details: ["offset": .integer(Int64(clamping: size))])
        }
        let file = try await client.open(partial, [.read, .write])
        if size > options.offset { try await file.setAttributes(FileAttributes(size: options.offset)) }
        return file
    }

    private func isRegular(_ partial: RemotePath) async throws -> Bool {
        do throws(SFTPError) {
            return try await client.attributes(of: partial, followingLink: false).kind == .regular
        } catch {
            guard error.code == .noSuchFile else { throw error }
            return false
        }
    }

    /// What was written earlier counts too.
    private func hashOfBeginning(_ file: SFTPFile, _ partial: RemotePath) async throws -> FlowingHash {
        if let known = uploads.hash(session, partial, at: options.offset) { return known }
        var hash = FlowingHash()
        try await FilePieces.read(file, 0..<options.offset) { hash.add($0) }
        return hash
    }

    // MARK: The bytes

    /// Writes what comes, several pieces under way, never more than the window.
    ///
    /// - Parameter there: Becomes the offset before which everything is at the host, also when it fails.
    /// - Returns: the offset behind the last byte.
    private func pour<Body: AsyncSequence & Sendable>(
        _ body: Body, into file: SFTPFile, _ hash: inout FlowingHash, _ there: inout UInt64, _ watch: AccessWatch,
        isCurrent: () -> Bool
    ) async throws -> UInt64 where Body.Element == ByteBuffer {
        var watch = watch
        var gathered = ByteBuffer()
        let patience = HostPatience()
        return try await withThrowingTaskGroup(of: UInt64.self) { group in
            defer { group.cancelAll() }
            group.addTask { throw await patience.end() }
            var offset = options.offset
            var underWay: Set<UInt64> = []
            func arrived() async throws {
                patience.begin()
                guard let place = try await group.next() else { return }
                patience.pause()
                underWay.remove(place)
                there = underWay.min() ?? offset
            }
            func send(_ data: ByteBuffer) async throws {
                if underWay.count >= Self.window { try await arrived() }
                let place = offset
                offset += UInt64(data.readableBytes)
                underWay.insert(place)
                group.addTask {
                    try await file.write(data, at: place)
                    return place
                }
            }
            var parts = body.makeAsyncIterator()
            // A link that breaks ends what comes; what has come is kept.
            while let part = try? await parts.next() {
                guard isCurrent() else { throw Self.takenOver }
                try await watch.passed()
                let end = offset + UInt64(gathered.readableBytes) + UInt64(part.readableBytes)
                if let size = options.size, end > size { throw Self.tooLong(size) }
                hash.add(part)
                gathered.writeImmutableBuffer(part)
                if gathered.readableBytes >= Self.piece {
                    try await send(gathered)
                    gathered = ByteBuffer()
                }
            }
            try Task.checkCancellation()
            if gathered.readableBytes > 0 { try await send(gathered) }
            while !underWay.isEmpty { try await arrived() }
            return offset
        }
    }

    // MARK: Its place

    private func complete(
        _ file: SFTPFile, _ partial: RemotePath, _ end: UInt64, _ hash: FlowingHash
    ) async throws -> FileWritten {
        let digest = hash.hexadecimal
        if let wanted = options.sha256, wanted.lowercased() != digest { throw Self.mismatch(wanted, digest) }
        let there = try await file.attributes()
        if let size = there.size, size != end { throw Self.incomplete(size, of: end) }
        let keepsOwner = await dress(file, there)
        try? await file.synchronise()
        try await file.close()
        // Once more, since writing took its time.
        let now = try await FileTarget.find(target.path, client)
        if options.precondition != .none { try await now.check(options.precondition) }
        if keepsOwner || end > Self.longestInPlace || now.existing == nil {
            do {
                try await FileService.move(partial, to: target.path, replacing: now.existing != nil, client)
            } catch {
                let isThere = (error as? SFTPError)?.code == .failure && now.existing == nil
                throw isThere ? GatewayError.fileExists(target.path) : error
            }
        } else {
            // Under another owner the file would be another one: its contents are replaced, not the file.
            let contents = try await client.read(partial, limit: Int(Self.longestInPlace))
            try await client.write(contents, to: target.path)
            try await client.remove(partial)
        }
        let entry = FileEntry(target.path, try await client.attributes(of: target.path))
        return .complete(entry, FileReceipt(size: end, sha256: digest))
    }

    /// Gives the new file what the old one had.
    /// - Returns: false when the owner is another one and could not be set.
    private func dress(_ file: SFTPFile, _ there: FileAttributes) async -> Bool {
        var keepsOwner = true
        if let owner = target.existing?.owner, owner != there.owner {
            keepsOwner = (try? await file.setAttributes(FileAttributes(owner: owner))) != nil
        }
        if let mode = target.existing?.permissions {
            try? await file.setAttributes(FileAttributes(permissions: mode & 0o7777))
        } else if let mode = options.mode {
            try? await file.setAttributes(FileAttributes(permissions: mode & 0o777))
        }
        if let modified = options.modified {
            try? await file.setAttributes(FileAttributes(times: .init(accessed: modified, modified: modified)))
        }
        return keepsOwner
    }

    // MARK: Where no new file can be made

    /// A folder that takes no new file may still have one that can be written.
    private func mayWriteInPlace(_ error: any Error) -> Bool {
        (error as? SFTPError)?.code == .permissionDenied && target.existing != nil && options.offset == 0
            && (options.size ?? .max) <= Self.longestInPlace
    }

    private func writeInPlace<Body: AsyncSequence & Sendable>(
        _ body: Body, _ hash: inout FlowingHash
    ) async throws -> FileWritten where Body.Element == ByteBuffer {
        let size = options.size ?? 0
        var contents: [UInt8] = []
        for try await part in body {
            guard UInt64(contents.count + part.readableBytes) <= size else { throw Self.tooLong(size) }
            hash.add(part)
            contents += part.readableBytesView
        }
        guard UInt64(contents.count) == size else { throw Self.incomplete(UInt64(contents.count), of: size) }
        let digest = hash.hexadecimal
        if let wanted = options.sha256, wanted.lowercased() != digest { throw Self.mismatch(wanted, digest) }
        try await target.check(options.precondition)
        try await client.write(contents, to: target.path)
        let entry = FileEntry(target.path, try await client.attributes(of: target.path))
        return .complete(entry, FileReceipt(size: size, sha256: digest))
    }

    // MARK: Errors

    /// What is there is of no use for going on.
    private static func isUseless(_ error: any Error) -> Bool {
        ["checksum_mismatch", "too_long"].contains((error as? GatewayError)?.code)
    }

    private static func incomplete(_ count: UInt64, of size: UInt64) -> GatewayError {
        GatewayError(
            "incomplete", status: 400, "\(count) of \(size) bytes arrived: the file was not written.",
            hint: "Send it again, or name the upload so that it can be resumed.")
    }

    private static func tooLong(_ size: UInt64) -> GatewayError {
        GatewayError(
            "too_long", status: 422, "More bytes came than the \(size) that were announced.",
            hint: "Announce the whole size of the file.")
    }

    private static func mismatch(_ wanted: String, _ found: String) -> GatewayError {
        GatewayError(
            "checksum_mismatch", status: 422, "What arrived is not what was sent: its SHA-256 is \(found).",
            hint: "Send the file again.")
    }

    private static var takenOver: GatewayError {
        GatewayError(
            "upload_taken_over", status: 409, "This upload goes on over another connection.",
            hint: "Nothing has to be done here.")
    }
}
