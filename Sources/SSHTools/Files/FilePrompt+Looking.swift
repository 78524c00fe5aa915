import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension FilePrompt {
    /// `ls`: one folder's names, or what a pattern means.
    func list(_ word: CommandWord?, _ flags: FileCommand.ListFlags) async throws(SFTPError) {
        let found: [RemotePath]
        if let word { found = try await expand(word) } else { found = [folder] }
        var files: [ListedFile] = []
        if found.count == 1, let path = found.first {
            let attributes = try await client.attributes(of: path)
            if attributes.kind == .directory {
                files = try await names(in: path, isNamed: word != nil, flags)
            } else {
                files = [ListedFile(name: shown(path), attributes: try await looked(at: path, flags))]
            }
        } else {
            for path in found {
                files.append(ListedFile(name: shown(path), attributes: try await looked(at: path, flags)))
            }
        }
        var listing = FileListing(flags: flags, now: time(nil))
        if flags.isLong, !flags.isNumeric { await nameOwners(of: files, in: &listing) }
        for line in listing.lines(files, columns: output.columns() ?? 80) { output.print(line) }
    }

    /// A name that a pattern brought is only looked at when its facts are shown.
    private func looked(at path: RemotePath, _ flags: FileCommand.ListFlags) async throws(SFTPError) -> FileAttributes {
        guard flags.isLong || flags.sortsBySize || flags.sortsByTime else { return FileAttributes() }
        return try await client.attributes(of: path, followingLink: false)
    }

    /// A folder that was named shows its names behind it, as OpenSSH's does.
    private func names(
        in path: RemotePath, isNamed: Bool, _ flags: FileCommand.ListFlags
    ) async throws(SFTPError) -> [ListedFile] {
        var files: [ListedFile] = []
        let prefix = isNamed && path != folder ? shown(path) : ""
        let front = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
        if flags.showsHidden {
            for name in [".", ".."] {
                let attributes = try await client.attributes(of: path.adding(RemotePath(name)), followingLink: false)
                files.append(ListedFile(name: front + name, attributes: attributes))
            }
        }
        for entry in try await client.list(path).all() {
            let isHidden = entry.name.bytes.first == UInt8(ascii: ".")
            if isHidden && !flags.showsHidden { continue }
            files.append(ListedFile(name: front + entry.name.description, attributes: entry.attributes))
        }
        return files
    }

    /// Asks the host who its numbers are, where it can say so; numbers stay otherwise.
    private func nameOwners(of files: [ListedFile], in listing: inout FileListing) async {
        let users = Array(Set(files.compactMap { $0.attributes.owner?.user })).sorted().prefix(1000)
        let groups = Array(Set(files.compactMap { $0.attributes.owner?.group })).sorted().prefix(1000)
        guard !users.isEmpty, let names = try? await client.accountNames(users: Array(users), groups: Array(groups))
        else { return }
        for (number, name) in zip(users, names.users) { listing.users[number] = name }
        for (number, name) in zip(groups, names.groups) { listing.groups[number] = name }
    }

    /// `df`
    func statistics(
        _ word: CommandWord?, isHumanReadable: Bool, showsFiles: Bool
    ) async throws(SFTPError) {
        var path = folder
        if let word { path = try await absolute(word) }
        let found = try await client.statistics(of: path)
        for line in Self.lines(found, isHumanReadable: isHumanReadable, showsFiles: showsFiles) { output.print(line) }
    }

    static func lines(_ found: VolumeStatistics, isHumanReadable: Bool, showsFiles: Bool) -> [String] {
        let used = { (all: UInt64, free: UInt64) in all > free ? all - free : 0 }
        let percent = { (part: UInt64, all: UInt64) -> String in
            all == 0 ? "-" : "\(Int((Double(part) / Double(all) * 100).rounded()))%"
        }
        if showsFiles {
            let taken = used(found.files, found.freeFiles)
            return [
                "     Inodes        Used       Avail      (root)    %Capacity",
                [found.files, taken, found.availableFiles, found.freeFiles]
                    .map { String($0).leftPadded(11) }.joined(separator: " ")
                    + percent(taken, found.files).leftPadded(13),
            ]
        }
        let unit = Double(found.fragmentSize)
        let blocks = [found.blocks, used(found.blocks, found.freeBlocks), found.availableBlocks, found.freeBlocks]
        let capacity = percent(used(found.blocks, found.freeBlocks), found.blocks)
        if isHumanReadable {
            return [
                "    Size     Used    Avail   (root)    %Capacity",
                blocks.map { ByteSize.short(Double($0) * unit).leftPadded(8) }.joined(separator: " ")
                    + capacity.leftPadded(13),
            ]
        }
        let kibibytes = blocks.map { Double($0) * unit / 1024 }
        return [
            "        Size         Used        Avail       (root)    %Capacity",
            kibibytes.map { String(UInt64(min(max(0, $0), 1e18))).leftPadded(12) }.joined(separator: " ")
                + capacity.leftPadded(13),
        ]
    }
}
