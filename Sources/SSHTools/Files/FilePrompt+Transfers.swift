import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension FilePrompt {
    private func transferOptions(_ flags: FileCommand.TransferFlags) -> TransferOptions {
        var wanted = TransferOptions()
        wanted.preservesTimes = flags.preserves || options.preserves
        wanted.preservesModes = wanted.preservesTimes
        wanted.links = .skipped
        wanted.resume = flags.resumes || options.resumes ? .afterSamples : .never
        wanted.synchronises = flags.synchronises || options.synchronises
        wanted.continuesAfterErrors = isRecursive(flags)
        return wanted
    }

    private func isRecursive(_ flags: FileCommand.TransferFlags) -> Bool { flags.isRecursive || options.isRecursive }

    // MARK: From the host

    func get(
        _ source: CommandWord, _ target: CommandWord?, _ flags: FileCommand.TransferFlags
    ) async throws(SFTPError) {
        let found = try await expand(source)
        let target = target?.path.withHome(environment)
        let isFolder = target.map { localFolder.isFolder($0) || $0.bytes.last == UInt8(ascii: "/") } ?? true
        guard found.count == 1 || isFolder else {
            throw .local(target?.description ?? "", "several paths match, and this is no directory")
        }
        var failures: [SFTPError] = []
        for path in found {
            do throws(SFTPError) {
                var place = target ?? ""
                if isFolder { place = try await localName(for: path).map { place.adding($0) } ?? place }
                try await getOne(path, to: localFolder.path(place), shownAs: place, flags)
            } catch {
                guard found.count > 1, error.isAboutOneFile else { throw error }
                failures.append(error)
            }
        }
        try report(failures)
    }

    /// What something of the host is called here: its own name, which must be one.
    private func localName(for path: RemotePath) async throws(SFTPError) -> RemotePath? {
        var name = path.lastComponent
        if name.bytes == [46] || name.bytes == [46, 46] || name.bytes.isEmpty {
            name = try await client.canonicalPath(of: path).lastComponent
        }
        if name.bytes.isEmpty { return nil }
        guard name.isSafeComponent else { throw .badName(name) }
        return name
    }

    private func getOne(
        _ path: RemotePath, to local: String, shownAs place: RemotePath, _ flags: FileCommand.TransferFlags
    ) async throws(SFTPError) {
        let isTree = try await client.attributes(of: path).kind == .directory
        guard !isTree || isRecursive(flags) else { throw .needsRecursion(path.description) }
        let wanted = transferOptions(flags)
        let verb = wanted.resume == .never ? (isTree ? "Retrieving" : "Fetching") : "Resuming"
        say("\(verb) \(path) to \(place.bytes.isEmpty ? "." : place.description)")
        try await transfer(path.description, isTree: isTree, wanted) { display throws(SFTPError) in
            try await client.download(path, to: local, options: wanted) { display.update($0) }
        }
    }

    // MARK: To the host

    func put(
        _ source: CommandWord, _ target: CommandWord?, _ flags: FileCommand.TransferFlags
    ) async throws(SFTPError) {
        var word = source
        if source.bytes.first == UInt8(ascii: "~"), source.isQuoted.first == false {
            let expanded = source.path.withHome(environment)
            let added = expanded.bytes.count - source.bytes.count
            word.bytes = expanded.bytes
            word.isQuoted = Array(repeating: true, count: max(0, added)) + source.isQuoted
        }
        let found = try await LocalNames(folder: localFolder).expand(word.pattern)
        guard !found.isEmpty else { throw .local(source.text, "it is not there") }
        var place = folder
        var isFolder = true
        if let target {
            place = try await absolute(target)
            isFolder = try await isRemoteFolder(place)
        }
        guard found.count == 1 || isFolder else {
            throw SFTPError(
                .failure, "Several paths match, and “\(place)” is no directory.", hint: "Name a directory of the host.",
                path: place.description)
        }
        var failures: [SFTPError] = []
        for path in found {
            do throws(SFTPError) {
                try await putOne(path, to: isFolder ? place.adding(try remoteName(for: path)) : place, flags)
            } catch {
                guard found.count > 1, error.isAboutOneFile else { throw error }
                failures.append(error)
            }
        }
        try report(failures)
    }

    private func isRemoteFolder(_ path: RemotePath) async throws(SFTPError) -> Bool {
        do throws(SFTPError) { return try await client.attributes(of: path).kind == .directory } catch {
            guard error.code == .noSuchFile else { throw error }
            return false
        }
    }

    private func remoteName(for path: RemotePath) throws(SFTPError) -> RemotePath {
        var name = path.lastComponent
        if !name.isSafeComponent, let real = localFolder.changed(to: path) {
            name = RemotePath(real.absolute).lastComponent
        }
        guard name.isSafeComponent else { throw .badName(name) }
        return name
    }

    private func putOne(
        _ path: RemotePath, to target: RemotePath, _ flags: FileCommand.TransferFlags
    ) async throws(SFTPError) {
        guard localFolder.attributes(path) != nil else {
            throw .local(path.description, String(cString: strerror(errno)))
        }
        let isTree = localFolder.isFolder(path)
        guard !isTree || isRecursive(flags) else { throw .needsRecursion(path.description) }
        let wanted = transferOptions(flags)
        say("\(wanted.resume == .never ? (isTree ? "Entering" : "Uploading") : "Resuming") \(path) to \(target)")
        let local = localFolder.path(path)
        try await transfer(path.description, isTree: isTree, wanted) { display throws(SFTPError) in
            try await client.upload(local, to: target, options: wanted) { display.update($0) }
        }
    }

    // MARK: Both

    private func transfer(
        _ title: String, isTree: Bool, _ wanted: TransferOptions,
        _ body: (ProgressDisplay) async throws(SFTPError) -> TransferSummary
    ) async throws(SFTPError) {
        let display = ProgressDisplay(
            title: title, isTree: isTree, isShown: options.showsProgress && !options.isQuiet)
        let summary: TransferSummary
        do throws(SFTPError) {
            summary = try await display.show { () throws(SFTPError) in try await body(display) }
        } catch {
            for file in display.left { output.error(file.leftBehind(resume: "reget or reput")) }
            throw error
        }
        for path in summary.skippedPaths { output.error("“\(path)” is not a regular file: skipped.") }
        try report(summary.failures)
    }

    /// Tells all failures, the last one as the command's own.
    private func report(_ failures: [SFTPError]) throws(SFTPError) {
        guard let last = failures.last else { return }
        for failure in failures.dropLast() { output.error(failure.description) }
        throw last
    }
}

extension TransferredFile {
    /// - Parameter resume: What goes on with it.
    func leftBehind(resume: String) -> String {
        "“\(target)” holds the first \(bytes) of \(size) bytes; \(resume) goes on from there."
    }
}

extension SFTPError {
    /// Whether other files may still succeed.
    var isAboutOneFile: Bool { ![.connectionLost, .closed, .cancelled, .protocolError].contains(code) }

    static func needsRecursion(_ path: String) -> SFTPError {
        SFTPError(
            .failure, "“\(Printable.line(path))” is a directory.", hint: "Transfer it with -r.",
            path: Printable.line(path))
    }

    static func badName(_ name: RemotePath) -> SFTPError {
        SFTPError(
            .unsafeName, "“\(name)” is no name for a file here.", hint: "Name the target as well.",
            path: name.description)
    }
}
