import ArgumentParser
import Gateway
import SSHTools

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at the configuration.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check file, environment and flags, and show what holds.",
            discussion: """
                Nothing is started, made or changed. Exit status 78 says that the configuration is not valid.

                EXAMPLE
                  copilot config check --config /etc/copilot/config.yaml
                """)

        @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
        @OptionGroup(title: "How it is reached") var serving: ServingOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await Failure.reported {
                let settings = try keeping.settings(serving)
                let values = settings.effectiveValues
                if json {
                    try JSONOutput.print(Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) }))
                } else {
                    Printable.table(values.map { [$0.key.rawValue, $0.value] }).forEach { PersonTerminal.print($0) }
                }
            }
        }
    }
}
