import ArgumentParser
import SSHTools

/// `copilot ssh`: its words are OpenSSH's, which ArgumentParser cannot read.
struct SSHCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh", abstract: "Log in to a host, run a command there, forward ports.",
        usage: "copilot ssh [options] [user@]host [command]", discussion: help)

    @Argument(parsing: .captureForPassthrough, help: "As for OpenSSH's ssh: options, the host, a command.")
    var words: [String] = []

    func run() async throws { throw ExitCode(await Self.run(words)) }

    /// - Returns: The exit status; what went wrong was said.
    static func run(_ words: [String]) async -> Int32 {
        do throws(Failure) {
            return try await SSHTool.run(
                words, help: "usage: copilot ssh [options] [user@]host [command]\n\n" + help, version: Copilot.version)
        } catch {
            PersonTerminal.error("copilot: \(error.sentence)")
            if !error.hint.isEmpty { PersonTerminal.error("  \(error.hint)") }
            return error.status.rawValue
        }
    }

    private static let help = """
        Settings come from ~/.ssh/config and /etc/ssh/ssh_config, host keys from
        known_hosts, login keys from the agent and from identity files: all as with
        OpenSSH's ssh, whose options these are.

        OPTIONS
          -p PORT  -l USER  -i KEY  -F FILE  -J HOST[,HOST]  -o NAME=VALUE
                       where to, as whom, which way
          -L [BIND:]PORT:HOST:PORT
                       listen here, connect from there; sockets by their path
          -R [BIND:]PORT[:HOST:PORT]
                       listen there, connect from here; without a target a SOCKS
                       proxy to here
          -D [BIND:]PORT
                       listen here as a SOCKS 4, 4a and 5 proxy
          -W HOST:PORT standard input and output lead there
          -N  -n  -f   no command; no input; to the background
          -T  -t  -tt  no terminal; a terminal; a terminal in any case
          -A -a        lend the agent, or not       -X -x -Y  the display
          -C           compress                     -4 -6     IPv4, IPv6
          -g           others may use the forwards  -s        run a subsystem
          -e CHAR      another escape character, or "none"
          -b ADDRESS   -c CIPHERS   -m MACS   -P TAG
          -v  -q       tell more (-vvv), or less    -E FILE   tell it there
          -G  -Q KIND  -V
                       show the settings; algorithms; the version
          --reuse[=SECONDS]
                       keep the connection for later calls, for so long after the
                       last one (600)

        ESCAPES (after a line's end, in a session with a terminal)
          ~.  end              ~^Z  suspend     ~C  add and end forwards
          ~#  list forwards    ~R   new keys    ~B  break      ~?  help

        EXAMPLE
          copilot ssh deploy@web-1
          copilot ssh -J bastion web-1 uptime
          copilot ssh -NL 5432:db.internal:5432 bastion
          copilot ssh --reuse web-1 true

        EXIT STATUS
          The remote program's own; 255 when a signal ended it, and for whatever
          went wrong here.
        """
}
