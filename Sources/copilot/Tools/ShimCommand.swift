import ArgumentParser
import Foundation
import NIOCore
import SSH
import SSHTools
import Shim
import UnixSignals

struct ShimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shim",
        abstract: "Keep one connection to a host and offer it on this machine as an SSH server of its own.",
        discussion: """
            Verify and log in once; every ssh, sftp, scp, rsync, git, -L, -R and -D of the day goes over that \
            connection, through the ordinary clients and under any user name. It is made again when it is lost, what \
            was forwarded is forwarded again, and the host's limit of sessions is met with further connections.

            Only you are let in: by your own keys (those in ~/.ssh whose private part is there, and your agent's), and \
            by a key made for the shim. The host is found as ssh finds it: ssh_config, known_hosts, agent, questions.

            With several --upstream the user name picks one; one that has a port of its own is there under any user \
            name. --config-snippet prints what to put into ~/.ssh/config, so that `ssh NAME.shim` is enough.

            SIGINT and SIGTERM end it in order, a second one at once. SIGHUP has a lost host tried at once.

            EXAMPLE
              copilot shim --host web-1 --username deploy --local-port 2222
              ssh -p 2222 127.0.0.1 uptime
              copilot shim --upstream web=deploy@web-1 --upstream db=db-1,2300 -J bastion
              copilot shim --host web-1 --config-snippet >> ~/.ssh/config && ssh web-1.shim
            """)

    @OptionGroup(title: "The host") var host: ShimHostOptions
    @OptionGroup(title: "This machine") var local: ShimLocalOptions

    @Flag(help: "Print JSON, one object a line.") var json = false
    @Flag(help: "Print a Host block for ssh_config, and end.") var configSnippet = false
    @Flag(help: "Go on trying when the host cannot be reached at the start.") var waitForHost = false
    @Option(
        help: ArgumentHelp("Write the address to this descriptor when it may be used, and close it.", valueName: "N"))
    var readyFd: Int32?
    @Option(
        help: ArgumentHelp(
            "Join standard input and output to the socket of a shim that runs, for ProxyCommand.", valueName: "path"))
    var dial: String?

    func validate() throws {
        guard dial != nil || host.host != nil || !host.upstreams.isEmpty else {
            throw ValidationError("Name the host: --host web-1. Several have a name each: --upstream web=web-1.")
        }
        guard readyFd.map({ $0 >= 1 }) ?? true else { throw ValidationError("--ready-fd takes a descriptor's number.") }
    }

    func run() async throws {
        try await Failure.reported {
            if let dial { return try UnixSocketPlace.dial(dial) }
            let program = try ShimProgram(
                host.hosts(), local.place(), isJSON: json, readyDescriptor: readyFd, waitsForHost: waitForHost)
            if configSnippet { return try program.printSnippet() }
            CoreDumps.forbid()
            let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup, .sigwinch)
            let running = try await program.start()
            let listening = Task {
                for await signal in signals {
                    switch signal {
                    case .sighup: running.tryNow()
                    case .sigwinch: running.windowChanged()
                    default: if !running.end() { _exit(130) }
                    }
                }
            }
            defer { listening.cancel() }
            do {
                try await program.announce(running)
                await running.waitUntilEnded()
            } catch {
                running.end()
                await running.waitUntilEnded()
                throw error
            }
        }
    }
}

/// Which hosts, and what they are shown.
struct ShimHostOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The host: an address, or a name of ssh_config.", valueName: "host")) var host: String?
    @Option(help: ArgumentHelp("The port of its SSH server. (default: 22, or ssh_config's)", valueName: "number"))
    var port: Int?
    @Option(help: ArgumentHelp("The account there. (default: yours, or ssh_config's)", valueName: "name"))
    var username: String?
    @Option(help: ArgumentHelp("The password; everybody on this machine can read it here.", valueName: "secret"))
    var password: String?
    @Option(help: ArgumentHelp("A file whose first line is the password.", valueName: "file"))
    var passwordFile: String?
    @Option(help: ArgumentHelp("A private RSA key.", valueName: "file")) var rsaKey: String?
    @Option(help: ArgumentHelp("A private Ed25519 key.", valueName: "file")) var ed25519Key: String?
    @Option(help: ArgumentHelp("A private key of any kind.", valueName: "file")) var identity: String?
    @Flag(help: "The keys of your agent, and nothing else.") var agent = false
    @Option(
        name: .customLong("upstream"), parsing: .singleValue,
        help: ArgumentHelp(
            "A host by a name of its own, and a local port of its own if one is given; repeatable.",
            valueName: "name=[user@]host[,port]"))
    var upstreams: [String] = []
    @Option(
        name: [.long, .customShort("J")], help: ArgumentHelp("Hosts on the way.", valueName: "[user@]host[:port],…"))
    var jump: String?
    @Option(
        name: [.customLong("ssh-config"), .customShort("F")],
        help: ArgumentHelp("Read this file instead of ~/.ssh/config.", valueName: "file"))
    var configurationFile: String?
    @Option(
        name: [.customLong("option"), .customShort("o")], parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A setting of ssh_config; repeatable.", valueName: "name=value"))
    var options: [String] = []

    func validate() throws {
        let proofs = [
            password != nil, passwordFile != nil, rsaKey != nil, ed25519Key != nil, identity != nil, agent,
        ]
        guard proofs.count(where: { $0 }) <= 1 else {
            throw ValidationError(
                "Give one of --password, --password-file, --rsa-key, --ed25519-key, --identity and --agent.")
        }
        guard host == nil || upstreams.isEmpty else { throw ValidationError("Give --host or --upstream, not both.") }
        guard port.map((1...65535).contains) ?? true else {
            throw ValidationError("--port takes a number from 1 to 65535.")
        }
    }

    func hosts() throws(Failure) -> [ShimProgram.Host] {
        let proof = try proof()
        if let host {
            return [ShimProgram.Host(name: Self.name(host), request: request(host), proof: proof, port: nil)]
        }
        var hosts: [ShimProgram.Host] = []
        for text in upstreams {
            guard let parsed = ShimProgram.Host.Text(text) else {
                throw Failure(
                    "“\(text)” names no upstream.", hint: "Write it as NAME=[USER@]HOST, or with ,PORT after it.")
            }
            hosts.append(
                ShimProgram.Host(
                    name: parsed.name, request: request(parsed.destination), proof: proof, port: parsed.port))
        }
        return hosts
    }

    private func request(_ destination: String) -> ConnectionRequest {
        ConnectionRequest(
            destination: destination, user: username, port: port, jumps: jump, configurationFile: configurationFile,
            options: options)
    }

    /// The one upstream has any name; this one is for what is printed.
    private static func name(_ host: String) -> String {
        let name = host.split(separator: "@").last.map(String.init) ?? host
        return String(
            name.map { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) ? $0 : "-" }.prefix(64))
    }

    private func proof() throws(Failure) -> HostUpstream.Proof {
        if let password { return .password(password) }
        if let passwordFile { return .password(try LocalFile.password(passwordFile)) }
        if let rsaKey { return .identity(try LocalFile.checkKey(rsaKey, type: "ssh-rsa")) }
        if let ed25519Key { return .identity(try LocalFile.checkKey(ed25519Key, type: "ssh-ed25519")) }
        if let identity { return .identity(identity) }
        return agent ? .agent : .configuration
    }
}

/// Where clients of this machine come in.
struct ShimLocalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The port to listen on; 0 takes a free one.", valueName: "number")) var localPort = 2222
    @Option(
        help: ArgumentHelp("The address to listen on. Beyond loopback your keys are the only wall.", valueName: "ip"))
    var localAddress = "127.0.0.1"
    @Option(help: ArgumentHelp("A unix socket to listen on as well, in a folder of your own.", valueName: "path"))
    var socket: String?
    @Option(help: ArgumentHelp("The RSA host key of the local end; made when it is not there.", valueName: "file"))
    var localRsaKey: String?
    @Option(help: ArgumentHelp("The Ed25519 host key of the local end; made when it is not there.", valueName: "file"))
    var localEd25519Key: String?
    @Flag(help: "Let every account of this machine in, without any key.") var allowAnyLocalUser = false
    @Option(help: ArgumentHelp("Connections to one host at most.", valueName: "number")) var maxConnections = 32

    func validate() throws {
        guard (0...65535).contains(localPort) else {
            throw ValidationError("--local-port takes a number from 0 to 65535.")
        }
        guard (1...1024).contains(maxConnections) else {
            throw ValidationError("--max-connections takes a number from 1 to 1024.")
        }
    }

    func place() -> ShimProgram.Place {
        ShimProgram.Place(
            address: localAddress, port: localPort, socket: socket, rsaKey: localRsaKey, ed25519Key: localEd25519Key,
            allowsAnyLocalUser: allowAnyLocalUser, maximumConnections: maxConnections)
    }
}
