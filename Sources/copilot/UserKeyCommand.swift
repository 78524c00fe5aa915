import ArgumentParser
import Foundation
import Gateway
import SSHTools
import Storage

/// `copilot user key`: the SSH keys by which people are known.
struct UserKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Add, list and remove the SSH keys by which people are known.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a person's public key.",
            discussion: """
                EXAMPLE
                  copilot user key add ada ~/.ssh/id_ed25519.pub
                  copilot user key add ada 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… ada@laptop'
                  ssh-add -L | head -1 | copilot user key add ada -
                """)

        @Argument(help: "Whose it is.") var username: String
        @Argument(help: "The public key's file, the line itself, or - for standard input.") var key: String
        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let added = try await open.gateway.people.addKey(open.caller, username: username, file: try file())
                if json { return try JSONOutput.print(KeyRow(added)) }
                PersonTerminal.print("\(added.username) is known by \(added.fingerprint) (\(added.type)) from now on.")
            }
        }

        private func file() throws(Failure) -> [UInt8] {
            // A path has no blank in the places where a key's line has its first one.
            if key.hasPrefix("ssh-") || key.hasPrefix("ecdsa-") || key.hasPrefix("sk-"), key.contains(" ") {
                return Array(key.utf8)
            }
            do {
                let handle = key == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(filePath: key))
                return Array(try handle.read(upToCount: 128 * 1024 + 1) ?? Data())
            } catch {
                throw Failure(
                    "The key \(key) cannot be read: \(error.localizedDescription)", hint: "Name the .pub file.")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List registered keys.",
            discussion: """
                EXAMPLE
                  copilot user key list
                  copilot user key list ada --json
                """)

        @Argument(help: "Only those of this person.") var username: String?
        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let keys = try await open.gateway.people.keys(open.caller, username: username).map(KeyRow.init)
                if json { return try JSONOutput.print(keys) }
                let rows = keys.map { [$0.user, $0.type, $0.fingerprint, $0.addedAt, $0.comment] }
                Printable.table([["USER", "TYPE", "FINGERPRINT", "ADDED", "COMMENT"]] + rows).forEach {
                    PersonTerminal.print($0)
                }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a registered key: whoever comes with it is unknown from then on.",
            discussion: """
                EXAMPLE
                  copilot user key remove ada SHA256:LYGQlQ6NUPdv8ee5dyP4wH2fv3G2iB2yqcmyUgQCPzo
                """)

        @Argument(help: "Whose it is.") var username: String
        @Argument(help: "The key's fingerprint.") var fingerprint: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                try await open.gateway.people.removeKey(open.caller, username: username, fingerprint: fingerprint)
                PersonTerminal.print("\(username) is not known by \(fingerprint) any more.")
            }
        }
    }
}

/// A key as scripts read it.
private struct KeyRow: Encodable {
    let user: String
    let type: String
    let fingerprint: String
    let publicKey: String
    let comment: String
    let addedAt: String

    init(_ key: PersonKey) {
        user = key.username
        type = key.type
        fingerprint = key.fingerprint
        publicKey = key.line
        comment = key.comment
        addedAt = key.addedAt.iso8601
    }
}
