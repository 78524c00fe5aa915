import ArgumentParser
import Gateway
import SSHTools

struct TeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Put people into teams, which are invited to sessions as a whole.",
        discussion: """
            EXAMPLE
              copilot team add "On-call" ada bob
              copilot team add-member on-call eve
              copilot team list
            """,
        subcommands: [Add.self, List.self, Remove.self, AddMember.self, RemoveMember.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a team.",
            discussion: """
                EXAMPLE
                  copilot team add "On-call" ada bob
                """)

        @Argument(help: "The team's name.") var name: String
        @Argument(help: "User names of its first members.") var members: [String] = []
        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                var people: [String] = []
                for member in members { people.append(try await open.person(member).id) }
                let team = try await open.gateway.teams.add(name: name, members: people, caller: open.caller)
                try team.report(json, "The team \(team.name) was made, with \(team.members.count) members.")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the teams.",
            discussion: """
                EXAMPLE
                  copilot team list --json
                """)

        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let teams = try await open.gateway.teams.teams(open.caller)
                if json { return try JSONOutput.print(teams) }
                let rows = teams.map { [$0.name, $0.members.map(\.username).joined(separator: " ")] }
                Printable.table([["TEAM", "MEMBERS"]] + rows).forEach { PersonTerminal.print($0) }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a team. Whoever sits at a session as its member alone is out at once.",
            discussion: """
                EXAMPLE
                  copilot team remove "On-call"
                """)

        @Argument(help: "The team's name.") var name: String
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let team = try await open.team(name)
                try await open.gateway.teams.remove(team.id, caller: open.caller)
                PersonTerminal.print("The team \(team.name) was removed.")
            }
        }
    }

    struct AddMember: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-member", abstract: "Add somebody to a team.",
            discussion: """
                EXAMPLE
                  copilot team add-member on-call eve
                """)

        @Argument(help: "The team's name.") var name: String
        @Argument(help: "The person's user name.") var username: String
        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let person = try await open.person(username)
                let team = try await open.gateway.teams.addMember(
                    person.id, to: try await open.team(name).id, caller: open.caller)
                try team.report(json, "\(person.name) is in the team \(team.name).")
            }
        }
    }

    struct RemoveMember: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove-member",
            abstract: "Take somebody out of a team. What they had by it alone is gone within a second.",
            discussion: """
                EXAMPLE
                  copilot team remove-member on-call eve
                """)

        @Argument(help: "The team's name.") var name: String
        @Argument(help: "The person's user name.") var username: String
        @Flag(help: "Print JSON.") var json = false
        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

        func run() async throws {
            try await OpenGateway.reported(try keeping.settings()) { open in
                let person = try await open.person(username)
                let team = try await open.gateway.teams.removeMember(
                    person.id, from: try await open.team(name).id, caller: open.caller)
                try team.report(json, "\(person.name) is not in the team \(team.name) any more.")
            }
        }
    }
}

extension Team {
    fileprivate func report(_ json: Bool, _ sentence: String) throws {
        if json { return try JSONOutput.print(self) }
        PersonTerminal.print(sentence)
    }
}

extension OpenGateway {
    /// The team of this name, whatever its capitals.
    fileprivate func team(_ name: String) async throws -> Team {
        let found = try await gateway.teams.teams(caller).first { $0.name.lowercased() == name.lowercased() }
        guard let found else {
            throw Failure("There is no team \(Printable.line(name)).", hint: "See them with: copilot team list")
        }
        return found
    }

    fileprivate func person(_ username: String) async throws -> User {
        let found = try await gateway.people.users(caller).first { $0.username == username.lowercased() }
        guard let found else {
            throw Failure(
                "There is nobody with the user name \(Printable.line(username)).",
                hint: "See them with: copilot user list")
        }
        return found
    }
}
