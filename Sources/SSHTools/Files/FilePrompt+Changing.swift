import SFTP

extension FilePrompt {
    /// The commands that change something at the host and carry no contents.
    func change(_ command: FileCommand) async throws(SFTPError) {
        switch command {
        case .makeFolder(let word): try await client.makeDirectory(try await absolute(word))
        case .removeFolder(let word): try await client.removeDirectory(try await absolute(word))
        case .remove(let word):
            try await eachFile(word) { path throws(SFTPError) in
                say("Removing \(path)")
                try await client.remove(path)
            }
        case .rename(let old, let new, let isPlain): try await rename(old, new, isPlain: isPlain)
        case .link(let existing, let link, let isSymbolic): try await makeLink(existing, link, isSymbolic: isSymbolic)
        case .copy(let source, let target): try await copy(source, target)
        case .setMode(let word, let mode, let followsLink):
            try await set(FileAttributes(permissions: mode), word, followsLink, "mode")
        case .setOwner(let word, let number, let followsLink):
            try await setOwner(word, followsLink, "owner") { .init(user: number, group: $0.group) }
        case .setGroup(let word, let number, let followsLink):
            try await setOwner(word, followsLink, "group") { .init(user: $0.user, group: number) }
        default: break
        }
    }

    func say(_ line: String) { if !options.isQuiet { output.print(line) } }

    /// Does something to all that a pattern means; one that fails does not keep it from the others.
    private func eachFile(
        _ word: CommandWord, _ body: (RemotePath) async throws(SFTPError) -> Void
    ) async throws(SFTPError) {
        let found = try await expand(word)
        var failures: [SFTPError] = []
        for path in found {
            do throws(SFTPError) { try await body(path) } catch {
                guard error.status != nil, found.count > 1 else { throw error }
                failures.append(error)
            }
        }
        if let last = failures.popLast() {
            for failure in failures { output.error(failure.description) }
            throw last
        }
    }

    private func set(
        _ attributes: FileAttributes, _ word: CommandWord, _ followsLink: Bool, _ what: String
    ) async throws(SFTPError) {
        try await eachFile(word) { path throws(SFTPError) in
            say("Changing \(what) on \(path)")
            try await client.setAttributes(attributes, of: path, followingLink: followsLink)
        }
    }

    private func setOwner(
        _ word: CommandWord, _ followsLink: Bool, _ what: String,
        _ changed: (FileAttributes.Owner) -> FileAttributes.Owner
    ) async throws(SFTPError) {
        try await eachFile(word) { path throws(SFTPError) in
            // Owner and group travel together: the one that stays is asked for.
            guard let owner = try await client.attributes(of: path, followingLink: followsLink).owner else {
                throw SFTPError(
                    .unsupported, "The host does not say whose “\(path)” is.", hint: "Change it by a command.",
                    path: path.description)
            }
            say("Changing \(what) on \(path)")
            let attributes = FileAttributes(owner: changed(owner))
            try await client.setAttributes(attributes, of: path, followingLink: followsLink)
        }
    }

    /// Replaces an existing target where the host can, unless `-l` asks for the plain request.
    private func rename(_ old: CommandWord, _ new: CommandWord, isPlain: Bool) async throws(SFTPError) {
        let replacing = isPlain ? false : await client.has(.posixRename)
        try await client.rename(try await absolute(old), to: try await absolute(new), replacing: replacing)
    }

    private func makeLink(_ existing: CommandWord, _ link: CommandWord, isSymbolic: Bool) async throws(SFTPError) {
        let path = try await absolute(link)
        // A symbolic link holds what was typed; relative ones begin where the link lies.
        if isSymbolic { return try await client.makeSymbolicLink(path, target: existing.path) }
        try await client.makeHardLink(path, to: try await absolute(existing))
    }

    /// At the host, without its bytes coming here (copy-data).
    private func copy(_ source: CommandWord, _ target: CommandWord) async throws(SFTPError) {
        let (from, to) = (try await absolute(source), try await absolute(target))
        let attributes = try await client.attributes(of: from)
        guard attributes.kind == .regular else {
            throw SFTPError(
                .failure, "“\(from)” is not a regular file.", hint: "Copy its files one by one.",
                path: from.description)
        }
        guard await client.has(.copyData) else { throw .noServerCopy }
        let read = try await client.open(from)
        // A copy onto itself would empty it: some hosts find out too late.
        guard try await client.canonicalPath(of: from) != (try? await client.canonicalPath(of: to)) else {
            throw SFTPError(
                .failure, "“\(from)” and “\(to)” are the same file.", hint: "Name another target.",
                path: to.description)
        }
        let write = try await client.open(to, [.write, .create, .truncate], permissions: attributes.safeMode)
        try await read.copy(to: write)
        try await write.close()
        try await read.close()
    }
}

extension SFTPError {
    fileprivate static let noServerCopy = SFTPError(
        .unsupported, "This host cannot copy files by itself (copy-data).",
        hint: "Get the file and put it, or use `!copilot scp host:from host:to`.")
}
