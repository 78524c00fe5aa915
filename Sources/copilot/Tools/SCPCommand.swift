import ArgumentParser
import SSHTools

struct SCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scp",
        abstract: "Copy files between this machine and hosts, or between hosts.",
        usage: "copilot scp [options] source… target",
        discussion: """
            A source or target is a path here, [user@]host:path, or scp://[user@]host[:port]/path; write ./a:b for a \
            file here whose name has a colon, and [address]:path for IPv6. Patterns of a host's names are expanded \
            here. Between two hosts the files stream through this machine and touch no disk of it.

            OPTIONS
              -r  directories with everything in them    -p  keep times and modes
              --resume  compare what the target has already, and go on with it
              -O  the old protocol, for hosts without SFTP
              -T  with -O: take any name that a pattern brings
              -l KBIT  at most so many Kbit/s    -X nrequests=N, -X buffer=BYTES
              -P PORT  -i KEY  -J JUMP,…  -F CONFIG  -o NAME=VALUE  -c CIPHERS
              -C  compress   -B  ask nothing   -q  quiet   -v  say more (-vvv)
              -3  between hosts by way of this machine (always so)   -4 -6  IPv4, IPv6

            EXAMPLE
              copilot scp report.pdf ada@web-1:
              copilot scp -rp 'web-1:/var/log/*.gz' logs/
              copilot scp --resume db-1:/backup/dump.sql .
              copilot scp -r web-1:/srv/www web-2:/srv/

            EXIT STATUS
              0 everything was copied   1 something was not: standard error says what
            """)

    @Argument(parsing: .captureForPassthrough, help: .hidden) var words: [String] = []

    func run() async throws {
        if words.prefix(while: { $0 != "--" }).contains("--help") { throw CleanExit.helpRequest(Self.self) }
        try await Failure.reported {
            let status = await FileVisit.standalone.scp(try SCPArguments(words))
            if status != 0 { throw ExitCode(status) }
        }
    }
}
