import ArgumentParser
import GatewaySSH
import SSHTools

struct SSHAuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh-ca",
        abstract: "Print the line by which ssh trusts the copilot's SSH port and every host behind it.",
        discussion: """
            The copilot answers `ssh -J copilot-host web-prod` as web-prod, with a host certificate of its own \
            authority. With this one line in ~/.ssh/known_hosts, or in /etc/ssh/ssh_known_hosts for everybody, no \
            client is asked about a host key there. The line is no secret; the authority's key is, and lies in the \
            folder of the root key.

            EXAMPLE
              copilot ssh-ca >> ~/.ssh/known_hosts
              copilot ssh-ca --hosts 'copilot.example.net,*-prod,gpu-*'
            """)

    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

    @Option(
        help: ArgumentHelp(
            "The names for which the authority is believed, with * and ?, separated by commas. Narrow it to your aliases "
                + "and the copilot's own names where these have something in common.", valueName: "patterns"))
    var hosts = "*"

    func run() async throws {
        try await Failure.reported {
            guard !hosts.isEmpty, hosts.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw Failure("Patterns of host names have no spaces.", hint: "For example --hosts 'web-*,gpu-*'.")
            }
            let settings = try keeping.settings()
            PersonTerminal.print(try HostAuthority(settings).knownHostsLine(hosts))
        }
    }
}
