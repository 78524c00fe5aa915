// The receiving end of the old scp protocol (`scp -t`).

import NIOCore

/// Receives files.
///
/// What the other end calls them is never trusted: a name is one safe component, the first one must be the one that was
/// asked for, a directory comes only when directories were asked for, and the file system is rooted.
public struct SCPSink: Sendable {
    private static let maximumDepth = 256

    private let files: SCPFiles
    private let stream: any SCPStream
    private let options: SCPOptions
    private let expectedName: RemotePath?

    /// - Parameters:
    ///   - stream: To the other end.
    ///   - fileSystem: Where files go.
    ///   - configuration: Policy, as for an SFTP server.
    ///   - options: What is kept, and whether directories are taken.
    ///   - expectedName: The only name that the first file or directory may have; nil at a server, whose client chooses.
    public init(
        _ stream: any SCPStream, fileSystem: any SFTPFileSystem,
        configuration: SFTPServerConfiguration = SFTPServerConfiguration(), options: SCPOptions = SCPOptions(),
        expectedName: RemotePath? = nil
    ) {
        self.stream = stream
        self.files = SCPFiles(system: fileSystem, configuration: configuration)
        self.options = options
        self.expectedName = expectedName
    }

    /// Receives until the other end has sent everything.
    ///
    /// - Parameter target: A directory that exists, or the name that the one file or directory gets.
    @discardableResult
    public func receive(into target: RemotePath) async throws(SFTPError) -> TransferSummary {
        let target = target.normalised(from: files.system.home)
        var run = Run(files: files, stream: stream, options: options, expectedName: expectedName)
        do throws(SFTPError) {
            let isDirectory = try await files.attributes(of: target)?.kind == .directory
            guard isDirectory || !options.targetsDirectory else {
                throw .status(SFTPStatus(.failure, "Not a directory"), target)
            }
            try await stream.write(SCPSink.ok)
            try await run.receive(target, isDirectory: isDirectory, depth: 0)
            return run.summary
        } catch {
            // The other end learns why; it may be gone.
            try? await stream.write(SCPSink.refusal(error))
            throw error
        }
    }

    static let ok = ByteBuffer(bytes: [0])

    static func refusal(_ error: SFTPError) -> ByteBuffer {
        ByteBuffer(bytes: [1] + Array("scp: \(error.description)\n".utf8.filter { $0 != 10 }) + [10])
    }

    private struct Run {
        let files: SCPFiles
        let stream: any SCPStream
        let options: SCPOptions
        let expectedName: RemotePath?
        var reader: SCPReader
        var summary = TransferSummary()

        init(files: SCPFiles, stream: any SCPStream, options: SCPOptions, expectedName: RemotePath?) {
            self.files = files
            self.stream = stream
            self.options = options
            self.expectedName = expectedName
            reader = SCPReader(stream)
        }

        mutating func receive(_ target: RemotePath, isDirectory: Bool, depth: Int) async throws(SFTPError) {
            var times: FileAttributes.Times?
            var received = 0
            while let first = try await reader.byte() {
                if first == 1 || first == 2 { throw .scpRefused(try await reader.line()) }
                let header = try SCPHeader([first] + (try await reader.line()))
                if case .times(let found) = header {
                    times = found
                    try await stream.write(SCPSink.ok)
                    continue
                }
                if case .endOfDirectory = header {
                    guard depth > 0 else { throw .protocolError("scp ended a directory that it did not begin.") }
                    return
                }
                received += 1
                guard depth > 0 || isDirectory || received == 1 else {
                    throw .protocolError("scp sent more than the one file that was asked for.")
                }
                try await take(header, target, isDirectory: isDirectory, depth: depth, times)
                times = nil
            }
            guard depth == 0 else { throw .scpEnded }
        }

        private mutating func take(
            _ header: SCPHeader, _ target: RemotePath, isDirectory: Bool, depth: Int, _ times: FileAttributes.Times?
        ) async throws(SFTPError) {
            switch header {
            case .file(let mode, let size, let name):
                try check(name, depth)
                try await receiveFile(
                    isDirectory ? target.joined(name) : target, attributes(mode, times), size: size)
            case .directory(let mode, let name):
                guard options.isRecursive else { throw .protocolError("scp sent a directory that was not asked for.") }
                guard depth < SCPSink.maximumDepth else { throw .protocolError("scp sent too deep a tree.") }
                try check(name, depth)
                try await receiveDirectory(
                    isDirectory ? target.joined(name) : target, attributes(mode, times), depth: depth)
            case .endOfDirectory, .times: break
            }
        }

        private func attributes(_ mode: UInt32, _ times: FileAttributes.Times?) -> FileAttributes {
            FileAttributes(permissions: mode, times: options.preserves ? times : nil)
        }

        /// The first name must be what was asked for, however the target is called: a server that sends another file
        /// than the one named would else overwrite what it likes.
        private func check(_ name: RemotePath, _ depth: Int) throws(SFTPError) {
            if depth == 0, let expectedName, name != expectedName { throw .unsafeName(name, in: ".") }
        }

        private mutating func receiveDirectory(
            _ path: RemotePath, _ attributes: FileAttributes, depth: Int
        ) async throws(SFTPError) {
            if try await files.attributes(of: path)?.kind != .directory {
                let made = FileAttributes(permissions: attributes.permissions.map { $0 | 0o700 })
                try await files.perform(SFTPOperation(kind: .makeDirectory, path: path)) { system throws(SFTPStatus) in
                    try system.makeDirectory(path, made)
                }
            }
            try await stream.write(SCPSink.ok)
            try await receive(path, isDirectory: true, depth: depth + 1)
            summary.directories += 1
            if options.preserves {
                try await files.perform(SFTPOperation(kind: .setAttributes, path: path)) { system throws(SFTPStatus) in
                    try system.setAttributes(attributes, of: path, followingLink: false)
                }
            }
            try await stream.write(SCPSink.ok)
        }

        private mutating func receiveFile(
            _ path: RemotePath, _ attributes: FileAttributes, size: UInt64
        ) async throws(SFTPError) {
            let file = try await files.perform(
                SFTPOperation(kind: .open(reads: false, writes: true), path: path)
            ) { system throws(SFTPStatus) in
                try system.open(
                    path, [.write, .create, .truncate], FileAttributes(permissions: attributes.permissions))
            }
            try await stream.write(SCPSink.ok)
            var offset: UInt64 = 0
            while offset < size {
                let data = try await reader.data(upTo: Int(min(size - offset, 256 * 1024)))
                let position = offset
                try await files.perform(nil) { _ throws(SFTPStatus) in try file.write(data, at: position) }
                offset += UInt64(data.readableBytes)
            }
            try await reader.acknowledgement()
            if options.preserves {
                try await files.perform(nil) { _ throws(SFTPStatus) in try file.setAttributes(attributes) }
            }
            summary.files += 1
            summary.bytes &+= size
            try await stream.write(SCPSink.ok)
        }
    }
}
