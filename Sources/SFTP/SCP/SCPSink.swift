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
    private let accepts: @Sendable (RemotePath) -> Bool
    private let progress: (@Sendable (TransferProgress) -> Void)?

    /// - Parameters:
    ///   - stream: To the other end.
    ///   - fileSystem: Where files go.
    ///   - configuration: Policy, as for an SFTP server.
    ///   - options: What is kept, and whether directories are taken.
    ///   - accepts: Whether a file or directory may come under this name at the top; a server takes what its client says.
    ///   - progress: Told at most ten times a second, and at the end.
    public init(
        _ stream: any SCPStream, fileSystem: any SFTPFileSystem,
        configuration: SFTPServerConfiguration = SFTPServerConfiguration(), options: SCPOptions = SCPOptions(),
        accepts: @escaping @Sendable (RemotePath) -> Bool = { _ in true },
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) {
        self.stream = stream
        self.files = SCPFiles(system: fileSystem, configuration: configuration)
        self.options = options
        self.accepts = accepts
        self.progress = progress
    }

    /// Receives until the other end has sent everything.
    ///
    /// - Parameter target: A directory that exists, or the name that the one file or directory gets.
    @discardableResult
    public func receive(into target: RemotePath) async throws(SFTPError) -> TransferSummary {
        let target = target.normalised(from: files.system.home)
        var run = Run(files: files, stream: stream, options: options, accepts: accepts, progress: progress)
        do throws(SFTPError) {
            let isDirectory = try await files.attributes(of: target)?.kind == .directory
            guard isDirectory || !options.targetsDirectory else {
                throw .status(SFTPStatus(.failure, "Not a directory"), target)
            }
            try await stream.write(SCPSink.ok)
            try await run.receive(target, isDirectory: isDirectory, depth: 0)
            run.tally.end()
            return run.summary
        } catch {
            run.tally.end()
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
        let accepts: @Sendable (RemotePath) -> Bool
        var reader: SCPReader
        var summary = TransferSummary()
        var tally: SCPTally

        init(
            files: SCPFiles, stream: any SCPStream, options: SCPOptions,
            accepts: @escaping @Sendable (RemotePath) -> Bool, progress: (@Sendable (TransferProgress) -> Void)?
        ) {
            self.files = files
            self.stream = stream
            self.options = options
            self.accepts = accepts
            reader = SCPReader(stream)
            tally = SCPTally(progress)
        }

        /// A sentence of the other end about one file: after 1 it goes on with the next.
        private mutating func refused(_ first: UInt8, _ sentence: [UInt8]) throws(SFTPError) {
            let error = SFTPError.scpRefused(sentence)
            guard first == 1, options.continuesAfterErrors, summary.failures.count < 1000 else { throw error }
            summary.failures.append(error)
        }

        mutating func receive(_ target: RemotePath, isDirectory: Bool, depth: Int) async throws(SFTPError) {
            var times: FileAttributes.Times?
            var received = 0
            while let first = try await reader.byte() {
                if first == 1 || first == 2 {
                    try refused(first, try await reader.line())
                    continue
                }
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
            if depth == 0, !accepts(name) { throw .unsafeName(name, in: ".") }
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
            guard let file = try await openTarget(path, attributes) else { return }
            try await stream.write(SCPSink.ok)
            tally.began(source: path.lastComponent, target: path, size: size)
            var offset: UInt64 = 0
            while offset < size {
                let data = try await reader.data(upTo: Int(min(size - offset, 256 * 1024)))
                let position = offset
                try await files.perform(nil) { _ throws(SFTPStatus) in try file.write(data, at: position) }
                offset += UInt64(data.readableBytes)
                tally.moved(data.readableBytes)
            }
            if let first = try await reader.byte(), first != 0 {
                try refused(first, try await reader.line())
                return try await stream.write(SCPSink.ok)
            }
            if options.preserves {
                try await files.perform(nil) { _ throws(SFTPStatus) in try file.setAttributes(attributes) }
            }
            summary.files += 1
            summary.bytes &+= size
            tally.finished()
            try await stream.write(SCPSink.ok)
        }

        /// nil when it failed and the other end has been told to go on with the next one.
        private mutating func openTarget(
            _ path: RemotePath, _ attributes: FileAttributes
        ) async throws(SFTPError) -> (any SFTPOpenFile)? {
            do throws(SFTPError) {
                return try await files.perform(
                    SFTPOperation(kind: .open(reads: false, writes: true), path: path)
                ) { system throws(SFTPStatus) in
                    try system.open(
                        path, [.write, .create, .truncate], FileAttributes(permissions: attributes.permissions))
                }
            } catch {
                guard options.continuesAfterErrors, error.status != nil else { throw error }
                summary.failures.append(error)
                try await stream.write(SCPSink.refusal(error))
                return nil
            }
        }
    }
}
