// The sending end of the old scp protocol (`scp -f`).

import NIOCore

/// Sends files. Symbolic links are followed, as scp does; devices and pipes are left out.
public struct SCPSource: Sendable {
    private static let piece = 256 * 1024
    private static let maximumDepth = 256

    private let files: SCPFiles
    private let stream: any SCPStream
    private let options: SCPOptions
    private let progress: (@Sendable (TransferProgress) -> Void)?

    public init(
        _ stream: any SCPStream, fileSystem: any SFTPFileSystem,
        configuration: SFTPServerConfiguration = SFTPServerConfiguration(), options: SCPOptions = SCPOptions(),
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) {
        self.stream = stream
        files = SCPFiles(system: fileSystem, configuration: configuration)
        self.options = options
        self.progress = progress
    }

    /// Sends one file, or a directory where the options allow it, and returns when all of it is acknowledged.
    ///
    /// - Parameters:
    ///   - path: In the file system.
    ///   - name: What the other end is told; nil for the path's own last component.
    @discardableResult
    public func send(_ path: RemotePath, as name: RemotePath? = nil) async throws(SFTPError) -> TransferSummary {
        let path = path.normalised(from: files.system.home)
        var run = Run(files: files, stream: stream, options: options, progress: progress)
        do throws(SFTPError) {
            try await run.reader.acknowledgement()
            guard let attributes = try await files.attributes(of: path) else { throw .status(.noSuchFile, path) }
            try await run.send(path, attributes, as: name ?? path.lastComponent, depth: 0)
            run.tally.end()
            return run.summary
        } catch {
            run.tally.end()
            try? await stream.write(SCPSink.refusal(error))
            throw error
        }
    }

    private struct Run {
        let files: SCPFiles
        let stream: any SCPStream
        let options: SCPOptions
        var reader: SCPReader
        var summary = TransferSummary()
        var tally: SCPTally
        /// What the other end expects next are bytes of a file: nothing else can be said.
        private var isWithinFile = false
        private var wasRefused = false

        init(
            files: SCPFiles, stream: any SCPStream, options: SCPOptions,
            progress: (@Sendable (TransferProgress) -> Void)?
        ) {
            self.files = files
            self.stream = stream
            self.options = options
            reader = SCPReader(stream)
            tally = SCPTally(progress)
        }

        /// One file of a directory failed; the others may go on when both ends still agree on what comes next.
        private mutating func goOn(after error: SFTPError) async throws(SFTPError) {
            let isFatal = [.connectionLost, .cancelled, .closed, .protocolError].contains(error.code)
            guard options.continuesAfterErrors, !isFatal, !isWithinFile, summary.failures.count < 1000 else {
                throw error
            }
            summary.failures.append(error)
            if !wasRefused { try await stream.write(SCPSink.refusal(error)) }
            wasRefused = false
        }

        private mutating func acknowledged() async throws(SFTPError) {
            do throws(SFTPError) { try await reader.acknowledgement() } catch {
                wasRefused = error.code == .failure
                throw error
            }
        }

        mutating func send(
            _ path: RemotePath, _ attributes: FileAttributes, as name: RemotePath, depth: Int
        ) async throws(SFTPError) {
            // A name with a line feed would be read as two lines.
            guard name.isSafeComponent, !name.bytes.contains(10) else {
                throw .status(SFTPStatus(.badMessage, "scp cannot send a file of this name"), path)
            }
            switch attributes.kind {
            case .regular: try await sendFile(path, as: name)
            case .directory:
                guard options.isRecursive else { throw .status(SFTPStatus(.failure, "Not a regular file"), path) }
                guard depth < SCPSource.maximumDepth else { throw .status(SFTPStatus(.failure, "Too deep"), path) }
                try await sendDirectory(path, attributes, as: name, depth: depth)
            default:
                summary.skipped += 1
                if summary.skippedPaths.count < 1000 { summary.skippedPaths.append(path.description) }
            }
        }

        private mutating func announce(_ header: SCPHeader) async throws(SFTPError) {
            try await stream.write(ByteBuffer(bytes: header.line))
            try await acknowledged()
        }

        private mutating func sendFile(_ path: RemotePath, as name: RemotePath) async throws(SFTPError) {
            let (file, attributes) = try await files.perform(
                SFTPOperation(kind: .open(reads: true, writes: false), path: path)
            ) { system throws(SFTPStatus) in
                let file = try system.open(path, .read, FileAttributes())
                return (file, try file.attributes())
            }
            let size = attributes.size ?? 0
            if options.preserves, let times = attributes.times { try await announce(.times(times)) }
            try await announce(.file(mode: attributes.safeMode ?? 0o644, size: size, name: name))
            tally.began(source: path, target: name, size: size)
            isWithinFile = true
            var offset: UInt64 = 0
            while offset < size {
                let (position, wanted) = (offset, Int(min(size - offset, UInt64(SCPSource.piece))))
                let data = try await files.perform(nil) { _ throws(SFTPStatus) in
                    var data = ByteBuffer()
                    _ = try file.read(into: &data, at: position, length: wanted)
                    return data
                }
                // The other end counts on the size that was announced; there is no way to take it back.
                guard data.readableBytes > 0 else { throw .fileChanged(path.description) }
                try await stream.write(data)
                offset += UInt64(data.readableBytes)
                tally.moved(data.readableBytes)
            }
            try await stream.write(SCPSink.ok)
            isWithinFile = false
            try await acknowledged()
            summary.files += 1
            summary.bytes &+= size
            tally.finished()
        }

        private mutating func sendDirectory(
            _ path: RemotePath, _ attributes: FileAttributes, as name: RemotePath, depth: Int
        ) async throws(SFTPError) {
            if options.preserves, let times = attributes.times { try await announce(.times(times)) }
            try await announce(.directory(mode: attributes.safeMode ?? 0o755, name: name))
            let listing = try await files.perform(SFTPOperation(kind: .list, path: path)) { system throws(SFTPStatus) in
                try system.openDirectory(path)
            }
            while true {
                let entries = try await files.perform(nil) { _ throws(SFTPStatus) in try listing.next(128) }
                if entries.isEmpty { break }
                for entry in entries where entry.name.isSafeComponent {
                    let child = path.joined(entry.name)
                    // A link that leads nowhere, or out of the root, is left out.
                    guard let found = try? await files.attributes(of: child) else {
                        summary.skipped += 1
                        continue
                    }
                    // A link to a directory could lead in a circle.
                    if entry.attributes.kind == .symbolicLink && found.kind == .directory {
                        summary.skipped += 1
                        continue
                    }
                    do throws(SFTPError) {
                        try await send(child, found, as: entry.name, depth: depth + 1)
                    } catch { try await goOn(after: error) }
                }
            }
            try await announce(.endOfDirectory)
            summary.directories += 1
        }
    }
}
