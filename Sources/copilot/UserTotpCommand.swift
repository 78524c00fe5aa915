import ArgumentParser
import Gateway
import SSHTools
import Storage

/// `copilot user totp`: the code of an authenticator app that is asked for beside the password.
struct UserTotpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "totp", abstract: "Ask a person for the code of an authenticator app beside the password.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the secret for a person's app, and turn the code on once the app shows a right one.",
            discussion: """
                The app's first code is asked for; from a pipe it is the first line of standard input, and the secret \
                is printed before it is read. The recovery codes are printed once: keep them where the phone is not.

                EXAMPLE
                  copilot user totp add ada
                """)

        @Argument(help: "Whose it is.") var username: String
        @Flag(help: "Print JSON, a line for the secret and a line for the recovery codes.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let people = open.gateway.people
                let offer = try await people.offerSecondFactor(open.caller, username: username)
                try show(offer)
                let typed = try PersonTerminal.secret("The code that the app shows")
                let codes = try await people.confirmSecondFactor(
                    open.caller, username: username, code: String(decoding: typed, as: UTF8.self))
                if json { return try JSONOutput.print(Codes(recoveryCodes: codes)) }
                PersonTerminal.print("From now on \(username) is asked for a code. Recovery codes, each good once:")
                codes.forEach { PersonTerminal.print("  " + $0) }
            }
        }

        private func show(_ offer: SecondFactorOffer) throws {
            if json { return try JSONOutput.print(Secret(secret: offer.secret, address: offer.address)) }
            offer.picture.blocks.forEach { PersonTerminal.print($0) }
            PersonTerminal.print("Scan this with an authenticator app, or type the secret: \(offer.secret)")
            PersonTerminal.print(offer.address)
        }

        private struct Secret: Encodable {
            let secret: String
            let address: String
        }

        private struct Codes: Encodable {
            let recoveryCodes: [String]
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who is asked for a code.",
            discussion: """
                EXAMPLE
                  copilot user totp list --json
                """)

        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let states = try await open.gateway.people.secondFactors(open.caller)
                let rows = states.sorted { $0.key < $1.key }.map {
                    Row(user: $0.key, since: $0.value.since?.iso8601, recoveryCodesLeft: $0.value.recoveryCodesLeft)
                }
                if json { return try JSONOutput.print(rows) }
                let lines = rows.map { [$0.user, $0.since ?? "password alone", "\($0.recoveryCodesLeft)"] }
                Printable.table([["USER", "CODE SINCE", "RECOVERY CODES"]] + lines).forEach { PersonTerminal.print($0) }
            }
        }

        private struct Row: Encodable {
            let user: String
            let since: String?
            let recoveryCodesLeft: Int
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask a person for the password alone again: the phone and the recovery codes are gone.",
            discussion: """
                Their sign-ins end. Make sure who asks you for this.

                EXAMPLE
                  copilot user totp remove ada
                """)

        @Argument(help: "Whose it is.") var username: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                try await open.gateway.people.removeSecondFactor(open.caller, username: username)
                PersonTerminal.print("\(username) is asked for the password alone from now on.")
            }
        }
    }
}
