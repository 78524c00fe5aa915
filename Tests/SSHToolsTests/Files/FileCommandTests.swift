import Testing

@testable import SSHTools

/// Lines at the prompt of sftp.
struct FileCommandTests {
    private func command(_ line: String) throws -> FileCommand { try FileCommandLine(line).command }

    @Test("get and put take OpenSSH's letters, together or apart, and one or two paths")
    func transfers() throws {
        let all = FileCommand.TransferFlags(isRecursive: true, preserves: true, resumes: true, synchronises: true)
        #expect(try command("get -afpR a b") == .get(CommandWord("a"), CommandWord("b"), all))
        #expect(try command("put -P -r -a -f a") == .put(CommandWord("a"), nil, all))
        #expect(try command("reget a") == .get(CommandWord("a"), nil, .init(resumes: true)))
        #expect(try command("reput a") == .put(CommandWord("a"), nil, .init(resumes: true)))
        #expect(try command("mget *.c") == .get(CommandWord("*.c"), nil, .init()))
        #expect(throws: CommandLineError.self) { try command("get") }
        #expect(throws: CommandLineError.self) { try command("get -x a") }
        #expect(throws: CommandLineError.self) { try command("put a b c") }
    }

    @Test("ls takes all letters of OpenSSH's")
    func listing() throws {
        guard case .list(let path, let flags) = try command("ls -1aflhnrSt /srv") else {
            Issue.record("no listing")
            return
        }
        #expect(path == CommandWord("/srv"))
        #expect(flags.isLong && flags.isNumeric && flags.isOneColumn && flags.showsHidden && flags.isHumanReadable)
        #expect(flags.isUnsorted && flags.isReversed && flags.sortsBySize && flags.sortsByTime)
    }

    @Test("a path that begins with a dash stands behind --, or in quotes")
    func dashes() throws {
        #expect(try command("get -- -r") == .get(CommandWord("-r"), nil, .init()))
        #expect(try command("rm -- -f") == .remove(CommandWord("-f")))
    }

    @Test("modes are octal, owners are numbers")
    func changes() throws {
        #expect(try command("chmod 0750 a") == .setMode(CommandWord("a"), mode: 0o750, followsLink: true))
        #expect(try command("chown -h 7 a") == .setOwner(CommandWord("a"), 7, followsLink: false))
        #expect(try command("chgrp 7 a") == .setGroup(CommandWord("a"), 7, followsLink: true))
        for line in ["chmod 8 a", "chmod 77777 a", "chown ada a", "chmod 644"] {
            #expect(throws: CommandLineError.self) { try command(line) }
        }
    }

    @Test("a dash before a command keeps its failure from ending a batch, and @ keeps it from being shown")
    func prefixes() throws {
        let line = try FileCommandLine(" -@rm gone")
        #expect(line.ignoresFailure && line.isSilent && line.command == .remove(CommandWord("gone")))
        #expect(try FileCommandLine("rm gone") == FileCommandLine("  rm   gone # really"))
    }

    @Test("the local shell gets its line as it is")
    func shell() throws {
        #expect(try command(#"!echo "a  b" # c"#) == .shell(#"echo "a  b" # c"#))
        #expect(try command("!") == .shell(nil))
        #expect(try command("lls -l *.c") == .shell("ls -l *.c"))
    }

    @Test("every other name has its command, and an unknown one is told")
    func names() throws {
        #expect(try command("ln -s a b") == .link(existing: CommandWord("a"), CommandWord("b"), isSymbolic: true))
        #expect(try command("ln a b") == .link(existing: CommandWord("a"), CommandWord("b"), isSymbolic: false))
        #expect(try command("symlink a b") == .link(existing: CommandWord("a"), CommandWord("b"), isSymbolic: true))
        #expect(try command("rename -l a b") == .rename(CommandWord("a"), CommandWord("b"), isPlain: true))
        #expect(try command("cp a b") == .copy(CommandWord("a"), CommandWord("b")))
        #expect(try command("df -hi") == .statistics(nil, isHumanReadable: true, showsFiles: true))
        #expect(try command("lumask 22") == .setLocalMask(0o22))
        #expect(try command("?") == .help && command("bye") == .quit && command("progress") == .toggleProgress)
        #expect(try command("") == .nothing && command("# only") == .nothing)
        #expect(throws: CommandLineError.self) { try command("fetch a") }
    }
}
