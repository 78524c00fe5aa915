// What the commands of `copilot sftp` do. The loop that reads them is FilePromptLoop.

public import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How the transfers of a prompt are done unless a command says otherwise: the command line's letters.
public struct FilePromptOptions: Sendable {
    /// `-p`: times and permissions travel.
    public var preserves = false
    /// `-r`: directories travel with everything in them.
    public var isRecursive = false
    /// `-a`: what is there already is gone on with.
    public var resumes = false
    /// `-f`: each file is on the disk before the next one counts.
    public var synchronises = false
    /// `-q`: neither progress nor a line for each transfer.
    public var isQuiet = false
    public var showsProgress = true

    public init() {}
}

/// A session at a host's files: where it stands there and here, and what each command does.
///
/// One command runs at a time: whoever reads the lines waits for each.
public actor FilePrompt {
    let client: SFTPClient
    let output: FileOutput
    let environment: [String: String]
    var options: FilePromptOptions
    /// Where relative paths of the host begin; absolute.
    private(set) var folder: RemotePath = "/"
    private(set) var localFolder = LocalFolder.current
    /// Set by `quit`.
    private(set) var isOver = false

    /// - Parameters:
    ///   - client: To the host.
    ///   - options: The command line's.
    ///   - environment: Of the process: HOME and SHELL count.
    ///   - output: Where lines go.
    public init(
        _ client: SFTPClient, options: FilePromptOptions = FilePromptOptions(), environment: [String: String],
        output: FileOutput = .standard
    ) {
        (self.client, self.options, self.environment, self.output) = (client, options, environment, output)
    }

    /// Looks where the account begins. Comes before any command.
    public func begin() async throws(SFTPError) { folder = try await client.canonicalPath(of: ".") }

    /// What a command line's path means: a folder is changed to; anything else is fetched and the visit is over.
    ///
    /// - Returns: Whether the visit is over.
    public func open(_ path: String, target: String?) async throws(SFTPError) -> Bool {
        let found = try await absolute(CommandWord(path))
        if target == nil, try await client.attributes(of: found).kind == .directory {
            output.print("Changing to: \(found)")
            folder = found
            return false
        }
        try await get(CommandWord(path), target.map { CommandWord($0) }, FileCommand.TransferFlags())
        return true
    }

    /// Does what a line asks for.
    func run(_ command: FileCommand) async throws(SFTPError) {
        switch command {
        case .nothing: break
        case .quit: isOver = true
        case .help: for line in Self.help { output.print(line) }
        case .version: output.print("SFTP protocol version 3")
        case .toggleProgress:
            options.showsProgress.toggle()
            output.print("Progress meter \(options.showsProgress ? "enabled" : "disabled")")
        case .printFolder: output.print("Remote working directory: \(folder)")
        case .printLocalFolder: output.print("Local working directory: \(localFolder.absolute)")
        case .changeFolder(let word): try await change(to: word)
        case .changeLocalFolder(let word): try changeLocal(to: word ?? CommandWord("~"))
        case .makeLocalFolder(let word): try makeLocal(word)
        case .setLocalMask(let mask):
            umask(mode_t(mask & 0o777))
            output.print("Local umask: 0\(String(mask & 0o777, radix: 8))")
        case .shell(let line): try await shell(line)
        case .list(let word, let flags): try await list(word, flags)
        case .statistics(let word, let isHumanReadable, let showsFiles):
            try await statistics(word, isHumanReadable: isHumanReadable, showsFiles: showsFiles)
        case .get(let source, let target, let flags): try await get(source, target, flags)
        case .put(let source, let target, let flags): try await put(source, target, flags)
        case .makeFolder, .removeFolder, .remove, .rename, .link, .setMode, .setOwner, .setGroup, .copy:
            try await change(command)
        }
    }

    // MARK: Paths

    /// A word as an absolute path of the host, "~" included.
    func absolute(_ word: CommandWord) async throws(SFTPError) -> RemotePath {
        if word.bytes.first == UInt8(ascii: "~"), word.isQuoted.first == false {
            return try await client.expandedPath(of: word.path)
        }
        return absolute(word.path)
    }

    func absolute(_ path: RemotePath) -> RemotePath { path.isAbsolute ? path : folder.adding(path) }

    /// What a word's pattern means at the host; without one, the word itself.
    func expand(_ word: CommandWord) async throws(SFTPError) -> [RemotePath] {
        if word.bytes.first == UInt8(ascii: "~"), word.isQuoted.first == false {
            // Only what stands before the first slash is the host's to expand.
            let user = RemotePath(bytes: Array(word.bytes.prefix { $0 != UInt8(ascii: "/") }))
            let home = try await client.expandedPath(of: user)
            var rest = word
            rest.bytes.removeFirst(user.bytes.count)
            rest.isQuoted.removeFirst(user.bytes.count)
            return try await expand(GlobPattern.escaped(home.bytes) + rest.pattern, word)
        }
        let base = word.path.isAbsolute ? [] : GlobPattern.escaped(folder.bytes) + [UInt8(ascii: "/")]
        return try await expand(base + word.pattern, word)
    }

    private func expand(_ pattern: [UInt8], _ word: CommandWord) async throws(SFTPError) -> [RemotePath] {
        let found = try await RemoteNames(client: client).expand(pattern)
        guard !found.isEmpty else { throw .notFound(word.text) }
        return found
    }

    /// How a path is shown: from the folder the session stands in, when it lies there.
    func shown(_ path: RemotePath) -> String {
        let prefix = folder.bytes + (folder.bytes.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")])
        guard path.bytes.count > prefix.count, path.bytes.starts(with: prefix) else { return path.description }
        return RemotePath(bytes: Array(path.bytes.dropFirst(prefix.count))).description
    }

    // MARK: Where it stands

    private func change(to word: CommandWord?) async throws(SFTPError) {
        guard let word, !word.bytes.isEmpty else {
            folder = try await client.canonicalPath(of: ".")
            return
        }
        let path = try await client.canonicalPath(of: try await absolute(word))
        guard try await client.attributes(of: path).kind == .directory else {
            throw SFTPError(
                .failure, "“\(path)” is not a directory.", hint: "Name a directory; `ls` shows what is there.",
                path: path.description)
        }
        folder = path
    }

    private func changeLocal(to word: CommandWord) throws(SFTPError) {
        guard let changed = localFolder.changed(to: word.path.withHome(environment)) else {
            throw .local(word.text, "it is no directory, or it may not be entered")
        }
        localFolder = changed
    }

    private func makeLocal(_ word: CommandWord) throws(SFTPError) {
        guard mkdir(localFolder.path(word.path.withHome(environment)), 0o777) == 0 else {
            throw .local(word.text, String(cString: strerror(errno)))
        }
    }

    private func shell(_ line: String?) async throws(SFTPError) {
        let status = await LocalShell.run(line, in: localFolder.absolute, environment: environment)
        guard let status else { throw .local(line ?? "shell", "it could not be started") }
        if status != 0, line != nil {
            throw .local(line ?? "", "it ended with status \(status)")
        }
    }

    static let help: [String] = """
        Available commands:
        bye                                Quit
        cd path                            Change remote directory to 'path'
        chgrp [-h] grp path                Change group of file 'path' to 'grp'
        chmod [-h] mode path               Change permissions of file 'path' to 'mode'
        chown [-h] own path                Change owner of file 'path' to 'own'
        copy oldpath newpath               Copy remote file at the host
        cp oldpath newpath                 Copy remote file at the host
        df [-hi] [path]                    Display statistics for current directory or filesystem containing 'path'
        exit                               Quit
        get [-afpR] remote [local]         Download file
        help                               Display this help text
        lcd path                           Change local directory to 'path'
        lls [ls-options [path]]            Display local directory listing
        lmkdir path                        Create local directory
        ln [-s] oldpath newpath            Link remote file (-s for symlink)
        lpwd                               Print local working directory
        ls [-1afhlnrSt] [path]             Display remote directory listing
        lumask umask                       Set local umask to 'umask'
        mkdir path                         Create remote directory
        progress                           Toggle display of progress meter
        put [-afpR] local [remote]         Upload file
        pwd                                Display remote working directory
        quit                               Quit
        reget [-fpR] remote [local]        Resume download file
        rename oldpath newpath             Rename remote file
        reput [-fpR] local [remote]        Resume upload file
        rm path                            Delete remote file
        rmdir path                         Remove remote directory
        symlink oldpath newpath            Symlink remote file
        version                            Show SFTP version
        !command                           Execute 'command' in local shell
        !                                  Escape to local shell
        ?                                  Synonym for help
        """.split(separator: "\n").map(String.init)
}

extension SFTPError {
    static func notFound(_ pattern: String) -> SFTPError {
        SFTPError(
            .noSuchFile, "“\(Printable.line(pattern))” is not there.", hint: "`ls` shows what is there.",
            path: Printable.line(pattern))
    }

    static func local(_ path: String, _ why: String) -> SFTPError {
        SFTPError(
            .localFile, "“\(Printable.line(path))” on this machine: \(why).", hint: "Check the path on this machine.",
            path: Printable.line(path))
    }
}
