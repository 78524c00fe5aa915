import NIOCore
import SFTP

/// Folders and files of a host as one zip, made while it is read: nothing is kept anywhere, and memory stays flat.
///
/// Links, devices and what the account may not read are left out; a text at the end of the archive lists them.
public struct FolderArchive: Sendable {
    /// What the archive may be called, without an ending.
    public let name: String
    let paths: [RemotePath]
    let access: FileAccess
    let service: FileService

    /// Gives the archive's bytes in their order; the host is read as `take` returns.
    @discardableResult
    public func stream(to take: (ByteBuffer) async throws -> Void) async throws(GatewayError) -> FileReceipt {
        let whole = paths.count == 1 ? paths[0] : (try? paths[0].split().folder) ?? paths[0]
        let details = ["names": paths.prefix(20).map(\.lastComponent.description).joined(separator: ", ")]
        var writing = Writing(access)
        do throws(GatewayError) {
            try await service.hosts.counted(access.session) { () throws(GatewayError) in
                try await service.hosts.with(access.session) { client in
                    for path in paths { try await writing.add(path, client, take) }
                    try await writing.finish(take)
                }
            }
        } catch {
            await service.trail.done(
                .archive, whole, in: access, size: writing.hash.count, sha256: writing.hash.hexadecimal,
                failure: error, details)
            throw error
        }
        let receipt = FileReceipt(size: writing.hash.count, sha256: writing.hash.hexadecimal)
        await service.trail.done(
            .archive, whole, in: access, size: receipt.size, sha256: receipt.sha256,
            details.merging(["files": String(writing.files)]) { $1 })
        return receipt
    }

    private struct Writing {
        private static let longestReport = 1000

        var zip = ZipWriter()
        var hash = FlowingHash()
        var files = 0
        private var watch: AccessWatch
        private var leftOut: [String] = []
        private var leftOutCount = 0
        private var taken: Set<[UInt8]> = []

        init(_ access: FileAccess) { watch = AccessWatch(access, .read) }

        /// A file, or a folder with everything in it, under its own name.
        mutating func add(
            _ path: RemotePath, _ client: SFTPClient, _ take: (ByteBuffer) async throws -> Void
        ) async throws {
            let attributes = try await client.attributes(of: path)
            let top = [unique(ArchiveName.safe(path.lastComponent.bytes))]
            guard attributes.kind == .directory else { return try await file(path, attributes, top, client, take) }
            var names = top
            var used: [Set<[UInt8]>] = [[]]
            var walk = FolderWalk(try await client.canonicalPath(of: path), client)
            var isRoot = true
            while let step = try await walk.next() {
                switch step {
                case .enters(let folder, let attributes):
                    if isRoot {
                        isRoot = false
                    } else {
                        names.append(ArchiveName.unique(folder.lastComponent, among: &used[used.count - 1]))
                        used.append([])
                    }
                    try await give(
                        zip.folder(
                            ArchiveName.joined(names), modified: attributes.times?.modified ?? 0,
                            mode: attributes.permissions ?? 0o755), take)
                case .file(let path, let attributes):
                    let name = ArchiveName.unique(path.lastComponent, among: &used[used.count - 1])
                    try await file(path, attributes, names + [name], client, take)
                case .other(let path, let attributes):
                    leaveOut(path, attributes.kind == .symbolicLink ? "a link" : "not a regular file")
                case .leaves:
                    names.removeLast()
                    used.removeLast()
                }
            }
        }

        private mutating func unique(_ name: [UInt8]) -> [UInt8] {
            ArchiveName.unique(RemotePath(bytes: name), among: &taken)
        }

        private mutating func file(
            _ path: RemotePath, _ listed: FileAttributes, _ names: [[UInt8]], _ client: SFTPClient,
            _ take: (ByteBuffer) async throws -> Void
        ) async throws {
            let file: SFTPFile
            let attributes: FileAttributes
            do throws(SFTPError) {
                file = try await client.open(path)
                attributes = try await file.attributes()
            } catch {
                guard [.permissionDenied, .noSuchFile, .failure].contains(error.code) else { throw error }
                return leaveOut(path, error.code == .noSuchFile ? "gone meanwhile" : "may not be read")
            }
            guard attributes.kind == .regular || attributes.kind == nil else {
                return leaveOut(path, "not a regular file")
            }
            let size = attributes.size ?? 0
            files += 1
            try await give(
                zip.begin(
                    ArchiveName.joined(names), modified: attributes.times?.modified ?? 0,
                    mode: attributes.permissions ?? 0o644, atMost: size), take)
            do {
                try await FilePieces.read(file, 0..<size) { piece in
                    try await watch.passed()
                    try await give(zip.add(piece), take)
                }
            } catch let error as GatewayError where error.code == "file_changed" {
                leaveOut(path, "became shorter while it was read: only its beginning is here")
            }
            try await give(zip.end(), take)
            try await file.close()
        }

        private mutating func leaveOut(_ path: RemotePath, _ why: String) {
            leftOutCount += 1
            if leftOut.count < Self.longestReport { leftOut.append("\(path): \(why)") }
        }

        mutating func finish(_ take: (ByteBuffer) async throws -> Void) async throws {
            if leftOutCount > 0 {
                if leftOutCount > leftOut.count { leftOut.append("and \(leftOutCount - leftOut.count) more") }
                let text = ByteBuffer(string: leftOut.joined(separator: "\n") + "\n")
                let name = unique(Array("LEFT-OUT.txt".utf8))
                try await give(
                    zip.begin(name, modified: 0, mode: 0o644, atMost: UInt64(text.readableBytes)), take)
                try await give(zip.add(text), take)
                try await give(zip.end(), take)
            }
            try await give(zip.finish(), take)
        }

        private mutating func give(_ bytes: ByteBuffer, _ take: (ByteBuffer) async throws -> Void) async throws {
            guard bytes.readableBytes > 0 else { return }
            hash.add(bytes)
            try await take(bytes)
        }
    }
}

/// Names within an archive: whoever unpacks it, on whatever system, gets files below the folder that they unpack it in.
enum ArchiveName {
    /// One part of a name: UTF-8, without separators of any system and control characters.
    static func safe(_ name: [UInt8]) -> [UInt8] {
        var text = ""
        let known = String(validating: name, as: UTF8.self)
        // A name that is no text keeps its bytes, percent-encoded: two of them do not become one.
        for scalar in (known ?? RemotePath(bytes: name).percentEncoded).unicodeScalars {
            switch scalar {
            case "/", "\\", ":", "*", "?", "\"", "<", ">", "|": text.append("_")
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: text.append("_")
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        // Windows takes trailing dots and spaces off; ".. " would climb there.
        while let last = text.last, last == "." || last == " " || text.utf8.count > 255 { text.removeLast() }
        return text.isEmpty ? [UInt8(ascii: "_")] : Array(text.utf8)
    }

    /// A safe name that no other file of the folder has in the archive.
    static func unique(_ name: RemotePath, among used: inout Set<[UInt8]>) -> [UInt8] {
        let safe = safe(name.bytes)
        var candidate = safe
        var number = 2
        while !used.insert(candidate).inserted {
            candidate = safe + Array(" (\(number))".utf8)
            number += 1
        }
        return candidate
    }

    /// At most `FolderWalk.deepest` parts of 255 bytes and a number: what 16 bits count.
    static func joined(_ names: [[UInt8]]) -> [UInt8] { Array(names.joined(separator: [UInt8(ascii: "/")])) }
}

extension FileService {
    /// Folders and files as one zip. Nothing is read before ``FolderArchive/stream(to:)``.
    ///
    /// - Parameter paths: One or more, of any folders; each is in the archive under its own name.
    public func archive(_ paths: [RemotePath], in access: FileAccess) async throws(GatewayError) -> FolderArchive {
        try await access.check(.read)
        guard let first = paths.first, paths.count <= 1000 else {
            throw .invalid("path", "An archive is of 1 to 1000 files or folders.", hint: "Choose some.")
        }
        let located = try await hosts.with(access.session) { client in
            var located: [RemotePath] = []
            for path in paths {
                _ = try await client.attributes(of: path)
                located.append(try await Self.located(path, client))
            }
            return located
        }
        let whole = located.first ?? first
        try await trail.begins(.archive, whole, in: access, ["names": String(located.count)])
        let single = located.count == 1 ? whole : (try? whole.split().folder) ?? whole
        let name = String(decoding: ArchiveName.safe(single.lastComponent.bytes), as: UTF8.self)
        return FolderArchive(name: name == "_" ? "files" : name, paths: located, access: access, service: self)
    }
}
