import ArgumentParser
import Gateway
import SSHTools
import Storage

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Add and list the people who may sign in.",
        subcommands: [Add.self, List.self, UserKeyCommand.self, UserTotpCommand.self, ResetPasskeys.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a person.",
            discussion: """
                The password is asked for and not shown; with --password-stdin it is the first line of standard input. \
                With --invite there is none: a link is printed by which the person chooses it, once, within 24 hours.

                EXAMPLE
                  copilot user add ada --name "Ada Lovelace" --role admin
                  pass show copilot/ada | copilot user add ada --role admin --password-stdin
                """)

        @Argument(help: "The name to sign in with: a-z, 0-9, dots, dashes, underscores.") var username: String
        @Option(help: "The name that others see. (default: the user name)") var name: String?
        @Option(help: "admin, devops, ml-ops or guest.") var role = "guest"
        @Flag(help: "Read the password from standard input.") var passwordStdin = false
        @Flag(help: "Print an invitation link instead of asking for a password.") var invite = false
        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let settings = try keeping.settings()
                try await open.gateway.people.checkNew(
                    open.caller, username: username, name: name ?? username, role: role)
                let password =
                    invite
                    ? nil : String(decoding: try PersonTerminal.newSecret("Password for \(username)"), as: UTF8.self)
                let (user, invitation) = try await open.gateway.people.add(
                    open.caller, username: username, name: name ?? username, role: role, password: password)
                let link = invitation.map { "\(settings.address())/#/welcome?token=\($0.token)" }
                if json { return try JSONOutput.print(Added(user: UserRow(user), link: link)) }
                PersonTerminal.print("\(user.username) was added as \(user.role).")
                if let link { PersonTerminal.print("The invitation, good once within 24 hours: \(link)") }
            }
        }

        private struct Added: Encodable {
            let user: UserRow
            let link: String?
        }
    }

    struct ResetPasskeys: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset-passkeys", abstract: "Forget a person's passkeys, when they are lost.",
            discussion: """
                Decisions about agents take a passkey from whoever has one. After this the person decides by the \
                sign-in alone, until there is a new one.

                EXAMPLE
                  copilot user reset-passkeys ada
                """)

        @Argument(help: "The name that the person signs in with.") var username: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                guard
                    let user = try await open.gateway.people.users(open.caller).first(where: { $0.username == username }
                    )
                else { throw GatewayError.notFound("person") }
                try await open.gateway.agents.passkeys.removeAll(userID: user.id, caller: open.caller)
                PersonTerminal.print("\(user.username) has no passkeys any more.")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the people who may sign in.",
            discussion: """
                EXAMPLE
                  copilot user list --json
                """)

        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let users = try await open.gateway.people.users(open.caller).map(UserRow.init)
                if json { return try JSONOutput.print(users) }
                let rows = users.map {
                    [$0.username, $0.name, $0.role, $0.disabled ? "disabled" : "", $0.lastSignInAt ?? "never"]
                }
                Printable.table([["USER", "NAME", "ROLE", "STATE", "LAST SIGN-IN"]] + rows).forEach {
                    PersonTerminal.print($0)
                }
            }
        }
    }
}

/// A person as scripts read it.
private struct UserRow: Encodable {
    let id: String
    let username: String
    let name: String
    let role: String
    let disabled: Bool
    let lastSignInAt: String?

    init(_ user: User) {
        id = user.id
        username = user.username
        name = user.name
        role = user.role
        disabled = user.disabled
        lastSignInAt = user.lastSignInAt?.iso8601
    }
}
