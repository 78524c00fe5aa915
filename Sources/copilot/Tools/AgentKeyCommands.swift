import ArgumentParser
import Foundation
import SSHKeys
import SSHTools

/// How an agent is found.
struct AgentSocketOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("The agent's socket. (default: SSH_AUTH_SOCK)", valueName: "path"), completion: .file())
    var socket: String?

    func access() throws(Failure) -> AgentAccess { try AgentAccess(socket: socket) }
}

extension AgentCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add keys to the agent, with limits if wanted.",
            discussion: """
                A certificate beside the key (id_ed25519-cert.pub) is added too. The \
                destinations of -h need an agent and a server that know OpenSSH's session \
                binding; host keys are looked up in known_hosts.

                EXAMPLE
                  copilot agent add ~/.ssh/id_ed25519
                  copilot agent add -t 1h -c deploy
                  copilot agent add -h bastion -h 'bastion>deploy@web-1' deploy
                """,
            helpNames: [.long])

        @Argument(help: "Key files; - is standard input. (default: those in ~/.ssh)", completion: .file())
        var files: [String] = []
        @Option(
            name: [.customShort("t", allowingJoined: true), .customLong("lifetime")],
            help: ArgumentHelp("The agent forgets the key after so long: 90, 10m, 8h.", valueName: "time"))
        var lifetime: String?
        @Flag(name: [.customShort("c"), .long], help: "Somebody is asked before each use (SSH_ASKPASS of the agent).")
        var confirm = false
        @Option(
            name: [.customShort("h"), .customLong("destination")],
            help: ArgumentHelp(
                "A step that the key may take: [user@]host from here, 'host>[user@]host' from there; repeatable.",
                valueName: "step"))
        var destinations: [String] = []
        @Option(
            name: [.customShort("H"), .customLong("known-hosts")],
            help: ArgumentHelp(
                "Where host keys are looked up; repeatable. (default: the usual files)", valueName: "file"),
            completion: .file())
        var knownHosts: [String] = []
        @Option(
            help: ArgumentHelp("The passphrase is this file's first line.", valueName: "file"), completion: .file())
        var passphraseFile: String?
        @Flag(name: [.customShort("q"), .long], help: "Say nothing when it worked.")
        var quiet = false
        @OptionGroup var agent: AgentSocketOption

        func run() async throws {
            try await Failure.reported {
                let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
                let paths = files.isEmpty ? AgentAccess.usualFiles(home: home) : files
                guard !paths.isEmpty else { throw Failure("There is no key in ~/.ssh.", hint: "Name a key file.") }
                let access = try agent.access()
                let constraints = try constraints(home)
                for path in paths {
                    let added = try await access.add(
                        file: path, passphrase: passphraseFile.map { .file($0) } ?? .asked, constraints: constraints)
                    guard !quiet else { continue }
                    for identity in added {
                        let what = identity.certificate == nil ? "Identity" : "Certificate"
                        PersonTerminal.error("\(what) added: \(path) (\(identity.publicKey.fingerprint))")
                    }
                    if let seconds = constraints.lifetime { PersonTerminal.error("Lifetime set to \(seconds) seconds") }
                    if confirm { PersonTerminal.error("The user must confirm each use of the key") }
                }
            }
        }

        private func constraints(_ home: String) throws -> AgentConstraints {
            var seconds: UInt32?
            if let lifetime {
                seconds = TimeSpan.seconds(lifetime).flatMap { UInt32(exactly: $0) }
                guard seconds != nil, seconds != 0 else {
                    throw ValidationError("'\(lifetime)' is no time: write it as 90, 10m or 8h.")
                }
            }
            let usual = ["\(home)/.ssh/known_hosts", "\(home)/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts"]
            let steps = try AgentAccess.destinations(destinations, knownHosts: knownHosts.isEmpty ? usual : knownHosts)
            return AgentConstraints(lifetime: seconds, confirms: confirm, destinations: steps)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the keys in the agent.",
            discussion: """
                Exit status 1 says that there is none.

                EXAMPLE
                  copilot agent list
                  copilot agent list -L >> authorized_keys
                """)

        @Flag(name: [.customShort("L"), .customLong("public")], help: "Show the public keys whole.")
        var showsPublic = false
        @Flag(name: .customShort("l"), help: "Show fingerprints; so it does anyway.")
        var showsFingerprints = false
        @Flag(help: "Print JSON.") var json = false
        @OptionGroup var agent: AgentSocketOption

        func run() async throws {
            try await Failure.reported {
                let keys = try await agent.access().keys().map { KeyDescription($0.identity, comment: $0.comment) }
                if json {
                    try JSONOutput.print(keys)
                } else if keys.isEmpty {
                    PersonTerminal.print("The agent has no identities.")
                } else {
                    keys.forEach { PersonTerminal.print(showsPublic ? $0.publicKey : $0.line) }
                }
                if keys.isEmpty { throw ExitCode(Failure.Status.foundWrong.rawValue) }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove keys from the agent.",
            discussion: """
                EXAMPLE
                  copilot agent remove ~/.ssh/id_ed25519
                  copilot agent remove SHA256:kXxYRQyyB0mW4zfHY7wrJZSLpbBxFrNVkXLzdVfoqoE
                  copilot agent remove --all
                """)

        @Argument(help: "Key files, fingerprints or comments.", completion: .file())
        var keys: [String] = []
        @Flag(name: [.customShort("D"), .long], help: "Remove them all.")
        var all = false
        @OptionGroup var agent: AgentSocketOption

        func validate() throws {
            guard all != !keys.isEmpty else { throw ValidationError("Name the keys to remove, or say --all.") }
        }

        func run() async throws {
            try await Failure.reported {
                let access = try agent.access()
                if all {
                    try await access.removeAll()
                    return PersonTerminal.error("All identities removed.")
                }
                for name in keys {
                    for identity in try await access.remove(name) {
                        PersonTerminal.error("Identity removed: \(name) (\(identity.publicKey.fingerprint))")
                    }
                }
            }
        }
    }

    struct Lock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lock the agent with a passphrase: it shows and signs nothing until it is unlocked.",
            discussion: """
                EXAMPLE
                  copilot agent lock
                """)

        @Option(
            help: ArgumentHelp("The passphrase is this file's first line.", valueName: "file"), completion: .file())
        var passphraseFile: String?
        @OptionGroup var agent: AgentSocketOption

        func run() async throws {
            try await Failure.reported {
                try await agent.access().lock(passphraseFile.map { .file($0) } ?? .asked)
                PersonTerminal.error("Agent locked.")
            }
        }
    }

    struct Unlock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Unlock the agent.",
            discussion: """
                Each wrong passphrase makes the next try wait longer, up to ten seconds.

                EXAMPLE
                  copilot agent unlock
                """)

        @Option(
            help: ArgumentHelp("The passphrase is this file's first line.", valueName: "file"), completion: .file())
        var passphraseFile: String?
        @OptionGroup var agent: AgentSocketOption

        func run() async throws {
            try await Failure.reported {
                try await agent.access().unlock(passphraseFile.map { .file($0) } ?? .asked)
                PersonTerminal.error("Agent unlocked.")
            }
        }
    }
}
