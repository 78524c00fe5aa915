public import SSH

extension SSHConnection {
    /// Brings a file, or a directory with `isRecursive`, here by the old scp protocol, for hosts that have no SFTP.
    ///
    /// What the host sends is taken only under the name that was asked for, and lands within the target's folder
    /// whatever names and links the host makes up.
    ///
    /// - Parameters:
    ///   - path: At the host. It is quoted for the host's shell, so no pattern is expanded unless the options say so.
    ///   - localPath: A directory that exists, or what the file is to be called.
    ///   - options: What is kept, and whether directories are taken.
    ///   - progress: Told at most ten times a second, and at the end.
    @discardableResult
    public func scpDownload(
        _ path: RemotePath, to localPath: String, options: SCPOptions = SCPOptions(),
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SFTPError) -> TransferSummary {
        let name = path.lastComponent
        guard name.isSafeComponent else { throw .unsafeName(name, in: path) }
        let pattern = options.expandsPattern ? GlobPattern(name.bytes) : nil
        let (files, target) = try LocalPlace.of(localPath)
        let stream = try await SessionSCPStream.start(SCPCommand.line("f", options, path), on: self)
        let sink = SCPSink(
            stream.paced(options), fileSystem: files, options: options,
            accepts: { options.acceptsAnyName || pattern?.matches($0.bytes) ?? ($0 == name) }, progress: progress)
        let summary = try await sink.receive(into: target)
        stream.finish()
        return summary
    }

    /// Takes a file, or a directory with `isRecursive`, to the host by the old scp protocol.
    ///
    /// - Parameters:
    ///   - localPath: Symbolic links below it are followed while they stay within its folder.
    ///   - path: At the host: a directory that exists, or what the file is to be called there.
    ///   - options: What is kept, and whether directories are taken.
    ///   - progress: Told at most ten times a second, and at the end.
    @discardableResult
    public func scpUpload(
        _ localPath: String, to path: RemotePath, options: SCPOptions = SCPOptions(),
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) async throws(SFTPError) -> TransferSummary {
        let (files, source) = try LocalPlace.of(localPath)
        let stream = try await SessionSCPStream.start(SCPCommand.line("t", options, path), on: self)
        let summary = try await SCPSource(
            stream.paced(options), fileSystem: files, options: options, progress: progress
        ).send(source)
        stream.finish()
        return summary
    }
}

extension SessionSCPStream {
    fileprivate func paced(_ options: SCPOptions) -> any SCPStream {
        options.bytesPerSecond.map { PacedSCPStream(self, bytesPerSecond: $0) } ?? self
    }
}

/// A path of this machine as a path in its folder: nothing beside that folder can be reached.
private enum LocalPlace {
    static func of(_ path: String) throws(SFTPError) -> (RootedFileSystem, RemotePath) {
        let components = RemotePath(path).components
        guard let name = components.last.map({ RemotePath(bytes: $0) }), name.isSafeComponent else {
            return (try RootedFileSystem(root: path.isEmpty ? "." : path), "/")
        }
        let folder = RemotePath(bytes: Array(components.dropLast().joined(separator: [UInt8(ascii: "/")])))
        let root = (path.hasPrefix("/") ? "/" : "./") + String(decoding: folder.bytes, as: UTF8.self)
        return (try RootedFileSystem(root: root), RemotePath("/").joined(name))
    }
}
