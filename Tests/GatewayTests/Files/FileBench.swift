import Audit
import Crypto
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Policy
import Recording
import SFTP
import SSH
import SSHKeys
import Storage
import TestSupport

@testable import Gateway

/// The file service over a live session on a server of ours, whose files the test chooses.
final class FileBench: Sendable {
    let gateway: Gateway
    let session: LiveSession
    let access: FileAccess
    /// What is thrown from now on when the access is asked.
    let refusal = NIOLockedValueBox<GatewayError?>(nil)

    var files: FileService { gateway.fileService }

    static func run(
        _ fileSystem: any SFTPFileSystem, _ body: @Sendable (FileBench) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let group = MultiThreadedEventLoopGroup.singleton
        let settings = try Configuration(
            layers: [], surroundings: .init(home: folder.path, currentDirectory: folder.path))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let gateway = try await Gateway.open(settings, environment: [:], loops: group, logger: logger)
        let hostKey = SSHPrivateKey.generateEd25519(comment: "host")
        var handlers = SSHServerHandlers { _, _ in .accept }
        handlers.serveFiles { _ in fileSystem }
        let server = try await SSH.SSHServer.start(
            on: .tcp(host: "127.0.0.1", port: 0),
            configuration: SSHServerConfiguration(hostKeys: [HostKey(privateKey: hostKey)]), handlers: handlers,
            group: group)
        let connection = try await SSHClient.connect(
            to: SSHEndpoint(host: "127.0.0.1", port: server.port),
            configuration: SSHClientConfiguration(username: "ada", credentials: [.privateKey(hostKey)]) { _ in .accept
            }, on: group.next())
        let io = try RecordingIO()
        let bench = try FileBench(gateway, connection, folder: folder.path, io: io)
        await bench.session.began(ConnectedWire(connection))
        let result: Result<Void, any Error>
        do { result = .success(try await body(bench)) } catch { result = .failure(error) }
        await bench.session.end(SessionEnding(reason: .shutdown, detail: "The test is over."))
        _ = try? await bench.session.ended.get()
        await connection.close()
        await io.shutdown()
        await gateway.close()
        await server.shutdown(grace: .zero)
        try result.get()
    }

    private init(_ gateway: Gateway, _ connection: SSHConnection, folder: String, io: RecordingIO) throws {
        self.gateway = gateway
        let writer = try RecordingWriter.create(
            path: folder + "/session.rec",
            header: RecordingHeader(
                id: "rec_1", session: "ses_1", title: "t", host: "web", user: "Ada", startedAt: 0, columns: 80, rows: 24
            ),
            key: SymmetricKey(size: .bits256), wrappedKey: [1], io: io)
        session = LiveSession(
            origin: .init(
                id: "ses_1", tenant: "default", host: .init(id: "hst_1", alias: "web", environment: "other"),
                owner: .init(id: "ada", name: "Ada"), startedBy: nil, startedAt: .now(), recordingID: "rec_1",
                command: nil),
            columns: 80, rows: 24,
            access: SessionAccess(
                policy: .standard, host: PolicyObject(kind: "host", id: "hst_1"), keyboardChanged: { _, _ in }),
            limits: .init(), recorder: SessionRecorder(writer: writer, columns: 80), participants: [],
            eventLoop: connection.eventLoop)
        let refusal = refusal
        access = FileAccess(
            session: session,
            caller: Caller(
                tenant: "default", userID: "ada", username: "ada", name: "Ada", role: "admin", signInID: "",
                address: "127.0.0.1", kind: .cli),
            mayWrite: true
        ) { _ throws(GatewayError) in if let error = refusal.withLockedValue({ $0 }) { throw error } }
    }

    func write(_ text: String, to path: String) async throws {
        _ = try await files.write(ByteBuffer(string: text), to: RemotePath(path), in: access)
    }

    func contents(_ path: String) async throws -> String {
        String(buffer: try await files.readAll(RemotePath(path), limit: 1 << 24, in: access).contents)
    }

    func names(_ path: String) async throws -> [String] {
        try await files.list(RemotePath(path), in: access).entries.map(\.name)
    }

    /// The zip of a path, on disk.
    func archive(_ path: RemotePath, to file: String) async throws {
        var bytes = ByteBuffer()
        try await files.archive([path], in: access).stream { bytes.writeImmutableBuffer($0) }
        try Data(bytes.readableBytesView).write(to: URL(fileURLWithPath: file))
    }

    /// The code of the error that `body` throws.
    func code(_ body: () async throws -> some Any) async -> String? {
        do {
            _ = try await body()
            return nil
        } catch { return (error as? GatewayError)?.code ?? "\(error)" }
    }

    /// File events of the audit log, oldest first.
    func audited() async throws -> [(action: String, details: [String: String])] {
        try await gateway.audit.entries(limit: 1000).reversed().map { ($0.event.action, $0.event.details) }
            .filter { $0.0.hasPrefix("file.") }
    }
}

/// A wire whose connection is a real one and whose terminal is none.
private final class ConnectedWire: SessionWire {
    let connection: SSHConnection?
    init(_ connection: SSHConnection) { self.connection = connection }
    var isWritable: Bool { true }
    func write(_ bytes: ByteBuffer, isUrgent: Bool) {}
    func resize(columns: Int, rows: Int) {}
    func consumed(_ bytes: Int) {}
    func close() {}
}

/// A file system that a test turns hostile at some points; the rest is a well-behaved one in memory.
final class HostileFiles: SFTPFileSystem {
    let inner = MemoryFileSystem()
    /// What a listing of this folder brings instead of what is there: once, or again and again.
    let listing: (@Sendable (RemotePath) -> [DirectoryEntry]?)?
    let isEndless: Bool
    /// What is said of a file, instead of what is true.
    let claims: (@Sendable (RemotePath, FileAttributes) -> FileAttributes)?
    /// What opening answers.
    let opens: (@Sendable (RemotePath) -> (any SFTPOpenFile)?)?

    init(
        listing: (@Sendable (RemotePath) -> [DirectoryEntry]?)? = nil, isEndless: Bool = false,
        claims: (@Sendable (RemotePath, FileAttributes) -> FileAttributes)? = nil,
        opens: (@Sendable (RemotePath) -> (any SFTPOpenFile)?)? = nil
    ) {
        self.listing = listing
        self.isEndless = isEndless
        self.claims = claims
        self.opens = opens
    }

    var home: RemotePath { "/" }

    func open(_ path: RemotePath, _ flags: OpenFlags, _ attributes: FileAttributes) throws(SFTPStatus)
        -> any SFTPOpenFile
    { if let file = opens?(path) { file } else { try inner.open(path, flags, attributes) } }

    func openDirectory(_ path: RemotePath) throws(SFTPStatus) -> any SFTPOpenDirectory {
        if let entries = listing?(path) { return InventedFolder(entries, isEndless: isEndless) }
        return try inner.openDirectory(path)
    }

    func attributes(of path: RemotePath, followingLink: Bool) throws(SFTPStatus) -> FileAttributes {
        let attributes =
            listing?(path) == nil
            ? try inner.attributes(of: path, followingLink: followingLink) : FileAttributes(permissions: 0o040755)
        return claims?(path, attributes) ?? attributes
    }

    func setAttributes(_ attributes: FileAttributes, of path: RemotePath, followingLink: Bool) throws(SFTPStatus) {
        try inner.setAttributes(attributes, of: path, followingLink: followingLink)
    }
    func remove(_ path: RemotePath) throws(SFTPStatus) { try inner.remove(path) }
    func makeDirectory(_ path: RemotePath, _ attributes: FileAttributes) throws(SFTPStatus) {
        try inner.makeDirectory(path, attributes)
    }
    func removeDirectory(_ path: RemotePath) throws(SFTPStatus) { try inner.removeDirectory(path) }
    func rename(_ path: RemotePath, to newPath: RemotePath, replacing: Bool) throws(SFTPStatus) {
        try inner.rename(path, to: newPath, replacing: replacing)
    }
    func makeSymbolicLink(_ path: RemotePath, target: RemotePath) throws(SFTPStatus) {
        try inner.makeSymbolicLink(path, target: target)
    }
    func makeHardLink(_ path: RemotePath, to existing: RemotePath) throws(SFTPStatus) {
        try inner.makeHardLink(path, to: existing)
    }
    func linkTarget(of path: RemotePath) throws(SFTPStatus) -> RemotePath { try inner.linkTarget(of: path) }
    func statistics(of path: RemotePath) throws(SFTPStatus) -> VolumeStatistics { try inner.statistics(of: path) }
}

private final class InventedFolder: SFTPOpenDirectory {
    private let entries: [DirectoryEntry]
    private let isEndless: Bool
    private let isTold = NIOLockedValueBox(false)

    init(_ entries: [DirectoryEntry], isEndless: Bool) {
        self.entries = entries
        self.isEndless = isEndless
    }

    func next(_ count: Int) throws(SFTPStatus) -> [DirectoryEntry] {
        let isSecond = isTold.withLockedValue { isTold in
            defer { isTold = true }
            return isTold
        }
        return isSecond && !isEndless ? [] : entries
    }
}

/// A file whose size is one thing and whose contents are another.
final class LyingFile: SFTPOpenFile {
    let size: UInt64
    let length: UInt64

    init(size: UInt64, length: UInt64) {
        self.size = size
        self.length = length
    }

    func read(into buffer: inout ByteBuffer, at offset: UInt64, length wanted: Int) throws(SFTPStatus) -> Int {
        let count = offset < length ? Int(min(UInt64(wanted), length - offset)) : 0
        return buffer.writeRepeatingByte(0x61, count: count)
    }
    func write(_ data: ByteBuffer, at offset: UInt64) throws(SFTPStatus) {}
    func attributes() throws(SFTPStatus) -> FileAttributes { FileAttributes(size: size, permissions: 0o100644) }
    func setAttributes(_ attributes: FileAttributes) throws(SFTPStatus) {}
    func synchronise() throws(SFTPStatus) {}
    func statistics() throws(SFTPStatus) -> VolumeStatistics { VolumeStatistics() }
    func copy(at offset: UInt64, to target: any SFTPOpenFile, at targetOffset: UInt64, length: UInt64)
        throws(SFTPStatus) -> UInt64
    { 0 }
    func isSame(as other: any SFTPOpenFile) -> Bool { other === self }
}
