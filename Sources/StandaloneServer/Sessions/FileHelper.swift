import NIOCore
import NIOPosix
public import SFTP

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files on standard input and output, with the rights of whoever runs it: what root's server starts as the account that
/// is served, and what sshd can have as its sftp subsystem.
public struct FileHelper: Sendable {
    /// The folder that the client sees as "/".
    public var root = "/"
    /// Where relative paths begin, seen from the root.
    public var home = "/"
    public var isReadOnly = false
    /// A client's `scp -t …` or `scp -f …`; nil serves SFTP.
    public var scp: String?

    public init() {}

    /// Serves until the client ends.
    ///
    /// - Returns: An exit status.
    /// - Throws: `no_such_file`, `permission_denied` when the root cannot be opened.
    public func run() async throws(SFTPError) -> Int32 {
        let files = try RootedFileSystem(root: root, home: RemotePath(home), options: .ofAccount)
        var configuration = SFTPServerConfiguration()
        configuration.isReadOnly = isReadOnly
        guard let scp else {
            await serve(files, configuration)
            return 0
        }
        guard let command = SCPCommand(scp) else { return 2 }
        do throws(SFTPError) {
            try await command.run(StandardStream(), fileSystem: files, configuration: configuration)
            return 0
        } catch {
            return 1
        }
    }

    private func serve(_ files: RootedFileSystem, _ configuration: SFTPServerConfiguration) async {
        let channel = try? await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        SFTPServerHandler(fileSystem: files, configuration: configuration))
                }
            }
            .takingOwnershipOfDescriptors(input: 0, output: 1).get()
        try? await channel?.closeFuture.get()
    }
}

/// Standard input and output for scp, whose two ends take turns.
private struct StandardStream: SCPStream {
    func read() async throws(SFTPError) -> ByteBuffer? {
        let piece: [UInt8]
        do {
            piece = try await NIOThreadPool.singleton.runIfActive { try Self.read() }
        } catch {
            throw SFTPError(.connectionLost, "The client went away.", hint: "Start again.")
        }
        return piece.isEmpty ? nil : ByteBuffer(bytes: piece)
    }

    private static func read() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = systemRead(0, &bytes, bytes.count)
            if count >= 0 { return Array(bytes.prefix(count)) }
            if errno != EINTR { throw AccountSocket.Failure(number: errno) }
        }
    }

    func write(_ data: ByteBuffer) async throws(SFTPError) {
        do {
            try await NIOThreadPool.singleton.runIfActive { try Self.write(data) }
        } catch {
            throw SFTPError(.connectionLost, "The client went away.", hint: "Start again.")
        }
    }

    private static func write(_ data: ByteBuffer) throws {
        var rest = data
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes { systemWrite(1, $0.baseAddress, $0.count) }
            if count > 0 {
                rest.moveReaderIndex(forwardBy: count)
            } else if errno != EINTR {
                throw AccountSocket.Failure(number: errno)
            }
        }
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
