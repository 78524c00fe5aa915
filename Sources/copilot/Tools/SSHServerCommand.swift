import ArgumentParser
import Foundation
import Gateway
import LocalProcess
import SSHTools
import StandaloneServer
import UnixSignals

struct SSHServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh-server", abstract: "Serve SSH to accounts of this machine, with no copilot behind it.",
        discussion: """
            Who gets in is decided by keys (~/.ssh/authorized_keys of the local account, or --authorized-keys), by \
            certificates (--trusted-ca) or by passwords (--password-file; as root through PAM). The network list is a \
            second wall and never the only one: behind a proxy or address translation strangers can look private.

            As root it serves every account that --user-map or --default-user names, each with its own rights, shell \
            and environment. As an ordinary account it serves that account, under its own name unless a map says \
            otherwise. A user that no map and no default names is refused.

            SIGTERM and SIGINT: takes nobody in any more, waits up to --drain seconds for the sessions, and hangs up \
            the rest; a second signal does so at once. SIGHUP: reads keys and passwords again.

            EXAMPLE
              copilot ssh-server
              copilot ssh-server -p 2022 --trusted-ca /etc/ssh/user_ca.pub
              sudo copilot ssh-server --user-map alice:deploy --log json
              copilot ssh-server --app builds=/usr/local/bin/builds --no-exec
              ssh -p 2222 "$USER@127.0.0.1"

            A configuration file holds the same names:
              port: 2022
              allow-network: [100.64.0.0/10]
              user-map: ["alice:deploy"]
            """)

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The port; 0 takes a free one. (default: 2222)", valueName: "number"))
    var port: String?

    @Option(
        name: .shortAndLong, parsing: .singleValue,
        help: ArgumentHelp("An address to listen on; repeatable. (default: 0.0.0.0)", valueName: "ip"))
    var bind: [String] = []

    @Flag(help: "Take connections from every network. Keys and passwords still decide.")
    var permissive = false

    @Flag(help: "Take connections from 127.0.0.0/8 and ::1 alone, and listen on 127.0.0.1.")
    var localhostOnly = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A network to take connections from, besides the private ones; repeatable.", valueName: "cidr"))
    var allowNetwork: [String] = []

    @Option(help: ArgumentHelp("Names this server in events.", valueName: "name"))
    var deviceID: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Serve the local account LOCAL to who signs in as SSH; repeatable. '*:*' is everybody but root.",
            valueName: "ssh:local"))
    var userMap: [String] = []

    @Option(help: ArgumentHelp("The local account for names that no map names.", valueName: "local"))
    var defaultUser: String?

    @Option(help: ArgumentHelp("The host key; made where there is none.", valueName: "file"))
    var hostKeyPath: String?

    @Flag(help: "Write no event lines.")
    var quiet = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Keys that are let in, in place of the account's own file; %h is its home, %u its name; repeatable.",
            valueName: "file"))
    var authorizedKeys: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Authorities whose user certificates are let in; repeatable.", valueName: "file"))
    var trustedCA: [String] = []

    @Option(help: ArgumentHelp("Passwords: NAME:HASH lines, Argon2id or crypt(3).", valueName: "file"))
    var passwordFile: String?

    @Option(help: ArgumentHelp("The folder that sftp and scp clients see as /.", valueName: "folder"))
    var sftpRoot: String?

    @Flag(help: "No shells and commands: files and forwarding alone.")
    var noExec = false

    @Flag(help: "No forwarding of ports, sockets and agents.")
    var noForwarding = false

    @Option(
        name: .customLong("app"), parsing: .singleValue,
        help: ArgumentHelp(
            "ssh NAME@server runs PROGRAM, with COPILOT_APP_USER and COPILOT_APP_KEY in its environment; repeatable.",
            valueName: "name=program"))
    var applications: [String] = []

    @Flag(help: "Any key gets into applications, which decide by its fingerprint.")
    var appAnyKey = false

    @Flag(help: "Let everybody in who is on this machine; only with --localhost-only, never as root.")
    var insecureNoAuth = false

    @Flag(help: "Leave the system's PAM alone.")
    var noPam = false

    @Option(help: ArgumentHelp("The form of event lines: text or json. (default: text)", valueName: "form"))
    var log: String?

    @Option(help: ArgumentHelp("How long sessions may go on after SIGTERM. (default: 30)", valueName: "seconds"))
    var drain: String?

    @Option(help: ArgumentHelp("Read settings from this file; flags win.", valueName: "file"))
    var config: String?

    private var given: [(String, [String])] {
        let single: [(String, String?)] = [
            ("port", port), ("device-id", deviceID), ("default-user", defaultUser), ("host-key-path", hostKeyPath),
            ("password-file", passwordFile), ("sftp-root", sftpRoot), ("log", log), ("drain", drain),
        ]
        let lists: [(String, [String])] = [
            ("bind", bind), ("allow-network", allowNetwork), ("user-map", userMap),
            ("authorized-keys", authorizedKeys), ("trusted-ca", trustedCA), ("app", applications),
        ]
        let flags: [(String, Bool)] = [
            ("permissive", permissive), ("localhost-only", localhostOnly), ("quiet", quiet), ("no-exec", noExec),
            ("no-forwarding", noForwarding), ("app-any-key", appAnyKey), ("insecure-no-auth", insecureNoAuth),
            ("no-pam", noPam),
        ]
        return single.compactMap { name, value in value.map { (name, [$0]) } } + lists.filter { !$0.1.isEmpty }
            + flags.filter(\.1).map { ($0.0, ["true"]) }
    }

    private func settings() throws -> ServerSettings {
        var settings = ServerSettings()
        if let config {
            for (key, values) in try ConfigurationFile(path: config).entries() { try settings.apply(key, values) }
        }
        for (name, values) in given { try settings.apply(name, values) }
        return settings
    }

    func run() async throws {
        try await Failure.reported {
            CoreDumps.forbid()
            DescriptorLimit.raise()
            let settings = try settings()
            let log = EventLog(
                settings.isQuiet ? .none : settings.logsJSON ? .json : .text, device: settings.deviceID)
            let backend = try StandaloneBackend(settings, log: log)
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
            for warning in backend.warnings { backend.record(ServerEvent(.warning, [("message", .text(warning))])) }
            let server = try await StandaloneServer.start(settings, backend: backend)
            await serve(server, signals)
            log.flush()
        }
    }

    private func serve(_ server: StandaloneServer, _ signals: UnixSignalsSequence) async {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let watching = Task {
            var isDraining = false
            for await signal in signals {
                if signal == .sighup {
                    await server.reload()
                } else if isDraining {
                    await server.stop()
                } else {
                    isDraining = true
                    Task {
                        await server.drain()
                        end.finish()
                    }
                }
            }
        }
        for await _ in ended {}
        watching.cancel()
    }
}

/// What root's server runs as another account, and sshd may have as its sftp subsystem.
struct SFTPServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sftp-server", abstract: "Serve files on standard input and output, as an sftp subsystem.",
        discussion: """
            EXAMPLE
              Subsystem sftp /usr/local/bin/copilot sftp-server
            """,
        shouldDisplay: false)

    @Option(help: ArgumentHelp("The folder that the client sees as /.", valueName: "folder")) var root = "/"
    @Option(help: ArgumentHelp("Where relative paths begin. (default: the account's home)", valueName: "folder"))
    var home: String?
    @Flag(help: "Refuse everything that would change something.") var readOnly = false
    @Option(help: ArgumentHelp("Answer this `scp -t` or `scp -f` instead.", valueName: "command")) var scp: String?

    func run() async throws {
        try await Failure.reported {
            var files = FileHelper()
            files.root = root
            files.home = home ?? (root == "/" ? NSHomeDirectory() : "/")
            files.isReadOnly = readOnly
            files.scp = scp
            let status = try await files.run()
            if status != 0 { throw ExitCode(status) }
        }
    }
}
