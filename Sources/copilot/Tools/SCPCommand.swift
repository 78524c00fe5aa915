import ArgumentParser
import SSHTools

struct SCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scp",
        abstract: "Copy files between this machine and hosts, or between hosts.",
        usage: "copilot scp [options] source… target",
        discussion: """
            A source or target is a path here, [user@]host:path, or scp://[user@]host[:port]/path; write ./a:b for a file \
            here whose name has a colon, and [address]:path for IPv6. Patterns of a host's names are expanded here. \
            Between two hosts the files stream through this machine and touch no disk of it.

            OPTIONS
              -r          directories with everything in them     -p  keep times and modes
              --resume    compare what the target has already, and go on with it
              -O          the old protocol, for hosts without SFTP; -T takes any name a pattern brings there
              -l KBIT     at most so many Kbit/s     -X nrequests=N, buffer=N
              -P PORT     -i KEY     -J JUMP,…     -F CONFIG     -o NAME=VALUE     -c CIPHERS     -C  compress
              -q  quiet   -v  say more (-vvv)   -B  ask nothing   -3  between hosts (always so)   -4 -6  address family

            EXAMPLE
              copilot scp report.pdf ada@web-1:
              copilot scp -rp 'web-1:/var/log/*.gz' logs/
              copilot scp --resume db-1:/backup/dump.sql .
              copilot scp -r web-1:/srv/www web-2:/srv/

            EXIT STATUS
              0 everything was copied   1 something was not: standard error names each file
            """)

    @Argument(parsing: .captureForPassthrough, help: .hidden) var words: [String] = []

    func run() async throws {
        if words.first == "--help" { throw CleanExit.helpRequest(Self.self) }
        try await Failure.reported {
            let status = await FileVisit.standalone.scp(try SCPArguments(words))
            if status != 0 { throw ExitCode(status) }
        }
    }
}
