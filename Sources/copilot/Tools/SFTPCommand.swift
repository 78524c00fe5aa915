import ArgumentParser
import NIOCore
import NIOPosix
import SSHTools

struct SFTPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sftp",
        abstract: "Work with a host's files: list, fetch, send, resume, change.",
        usage: "copilot sftp [options] [user@]host[:path] [local]",
        discussion: """
            With a path of a file it fetches that file and ends; with a directory it begins there. The prompt has \
            editing, a history, and completion by Tab for names here and at the host; `help` lists its commands. \
            Ctrl-C during a transfer ends that transfer, and reget or reput goes on with it.

            OPTIONS
              -b FILE  commands from a file, or - for standard input; the first that
                       fails ends it, unless its line begins with "-"
              -r  directories with everything in them    -p  keep times and modes
              -a  resume what is there already           -f  flush to disk
              -l KBIT  at most so many Kbit/s
              -B BYTES  of one request    -R COUNT  requests under way
              -P PORT  -i KEY  -J JUMP,…  -F CONFIG  -o NAME=VALUE  -c CIPHERS
              -s SERVER  another subsystem, or a program's path at the host
              -C  compress   -q  quiet   -N  not quiet, also in a batch
              -v  say more (-vvv)   -4 -6  IPv4, IPv6

            EXAMPLE
              copilot sftp deploy@web-1
              copilot sftp web-1:/var/log/syslog .
              echo 'put -r site /srv/www' | copilot sftp -b - -p web-1
              copilot sftp -l 8000 -J bastion ada@db-1:/backup

            EXIT STATUS
              0 done   1 a command of a batch failed   255 no connection, or it was lost
            """)

    @Argument(parsing: .captureForPassthrough, help: .hidden) var words: [String] = []

    func run() async throws {
        if words.prefix(while: { $0 != "--" }).contains("--help") { throw CleanExit.helpRequest(Self.self) }
        try await Failure.reported {
            let status = try await FileVisit.standalone.sftp(try SFTPArguments(words))
            if status != 0 { throw ExitCode(status) }
        }
    }
}

extension FileVisit {
    /// By ssh_config and known_hosts, with questions at the terminal.
    static var standalone: FileVisit {
        FileVisit(
            backend: StandaloneBackend(), questions: TerminalQuestions(),
            on: MultiThreadedEventLoopGroup.singleton.any(), environment: ProcessEnvironment.all)
    }
}
