import ArgumentParser
import Foundation
import Gateway
import SSHTools
import Vault

struct HostAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a host: read its key, have it confirmed, put the credential into the vault.",
        discussion: """
            A short handshake reads the host's key; it is shown and has to be confirmed, unless --fingerprint names \
            it. The credential is a password (asked for, or the first line of standard input), a private key file, or \
            a key that the copilot makes and whose line for the host's authorized_keys is printed.

            EXAMPLE
              copilot host add web-1 --address 10.0.0.5 --username deploy --generate-key
              copilot host add db-1 --address 10.0.0.6 --username admin --key db.pem
            """)

    @Argument(help: "The name that people see and type.") var alias: String
    @Option(help: ArgumentHelp("The host's name or IP address.", valueName: "host")) var address: String
    @Option(help: ArgumentHelp("The port of its SSH server.", valueName: "number")) var port = 22
    @Option(help: ArgumentHelp("The account to sign in to.", valueName: "name")) var username: String
    @Option(help: "production, staging, development or other.") var environment = "other"
    @Option(help: "What the host is for.") var purpose = ""
    @Option(name: .customLong("tag"), parsing: .singleValue, help: ArgumentHelp("A tag; repeatable.", valueName: "tag"))
    var tags: [String] = []
    @Option(help: ArgumentHelp("The host key's SHA256 fingerprint; another one is refused.", valueName: "SHA256:…"))
    var fingerprint: String?
    @Flag(help: "Take the password from standard input.") var passwordStdin = false
    @Option(help: ArgumentHelp("A private key file to put into the vault.", valueName: "file")) var key: String?
    @Flag(help: "Take the key's passphrase from standard input.") var passphraseStdin = false
    @Flag(help: "Make a key in the vault.") var generateKey = false
    @Flag(help: .hidden) var demonstration = false
    @Flag(help: "Print the authorized_keys line alone.") var quiet = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

    func validate() throws {
        guard [passwordStdin, key != nil, generateKey].count(where: { $0 }) <= 1 else {
            throw ValidationError("Give one of --password-stdin, --key and --generate-key.")
        }
        guard !passphraseStdin || key != nil else { throw ValidationError("--passphrase-stdin goes with --key.") }
        guard (1...65535).contains(port) else { throw ValidationError("--port takes a number from 1 to 65535.") }
        guard HostEnvironment(rawValue: environment) != nil else {
            throw ValidationError("--environment is production, staging, development or other.")
        }
    }

    func run() async throws {
        try await OpenGateway.reported(try keeping.settings()) { open in
            let hosts = open.gateway.hosts
            let probe = try await hosts.probe(address: address, port: port, caller: open.caller)
            try confirm(probe)
            let (host, line) = try await hosts.add(
                NewHost(
                    alias: alias, address: address, port: port, username: username,
                    environment: HostEnvironment(rawValue: environment) ?? .other, purpose: purpose, tags: tags,
                    probeID: probe.probeId, credential: try credential(), isDemonstration: demonstration),
                caller: open.caller)
            try show(host, line)
        }
    }

    private func confirm(_ probe: HostProbe) throws(Failure) {
        let offered = probe.hostKey.fingerprint
        if let fingerprint {
            guard fingerprint == offered else {
                throw Failure(
                    "The host at \(address):\(port) has the key \(offered), not \(fingerprint).",
                    hint:
                        "Ask its administrator for the right fingerprint. Somebody may stand between you and the host.")
            }
            return
        }
        PersonTerminal.error(
            "\(probe.address):\(probe.port) (\(probe.resolvedAddress)) has the \(probe.hostKey.algorithm) key")
        PersonTerminal.error(offered)
        for line in probe.hostKey.randomart.split(separator: "\n") { PersonTerminal.error(String(line)) }
        guard PersonTerminal.confirms("Is this the host's key?") else {
            throw Failure(
                "The host key was not confirmed, so the host was not added.",
                hint: "Compare it with what the host's administrator says, or name it: --fingerprint \(offered)")
        }
    }

    private func credential() throws(Failure) -> NewCredential {
        if generateKey { return .generated }
        if let key {
            guard let file = FileManager.default.contents(atPath: (key as NSString).expandingTildeInPath) else {
                throw Failure("The key file \(key) cannot be read.", hint: "Check its path and permissions.")
            }
            let passphrase = passphraseStdin ? SecretBytes(try PersonTerminal.secret("Passphrase of \(key)")) : nil
            return .privateKey(SecretBytes([UInt8](file)), passphrase: passphrase)
        }
        return .password(SecretBytes(try PersonTerminal.secret("Password of \(username) at \(address)")))
    }

    private func show(_ host: HostView, _ line: String?) throws {
        if json { return try JSONOutput.print(Added(host: host, authorizedKeysLine: line)) }
        if quiet {
            if let line { PersonTerminal.print(line) }
            return
        }
        PersonTerminal.print("\(host.alias) was added.")
        guard generateKey, let line else { return }
        PersonTerminal.print("Append this line to ~/.ssh/authorized_keys of \(host.username) on the host:")
        PersonTerminal.print(line)
    }

    /// As `POST /api/hosts` answers.
    private struct Added: Encodable {
        let host: HostView
        let authorizedKeysLine: String?
    }
}
