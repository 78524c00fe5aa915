import ArgumentParser

@main
struct Copilot: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "copilot",
        abstract: "A self-hosted SSH workspace: shared, recorded terminals in the browser on ordinary SSH hosts.",
        discussion: """
            EXAMPLE
              copilot serve --port 8443
              copilot host add web-1 --address 10.0.0.5 --username deploy --generate-key
              copilot audit verify --checkpoints /mnt/elsewhere/checkpoints

            EXIT STATUS
              0   done
              1   something was checked and is not as it should be (doctor, audit verify, host test)
              2   it could not be done; standard error says why and what to do
              64  the command was used wrongly
              78  the configuration is not valid
            """,
        version: version,
        subcommands: [
            Serve.self, UserCommand.self, HostCommand.self, AuditCommand.self, RecordingCommand.self,
            DoctorCommand.self, SFTPCommand.self, SCPCommand.self,
            ConfigCommand.self,
        ])
}
