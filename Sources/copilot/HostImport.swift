import ArgumentParser
import Foundation
import Gateway
import SSHTools

struct HostImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import hosts from an inventory, and say what that changes.",
        discussion: """
            FILE is an Ansible inventory (INI or YAML), an ssh_config or a CSV table whose first row names its \
            columns: alias,address,port,username,environment,purpose,tags. "-" is standard input. With --format srv it \
            is a domain, whose service records (_ssh._tcp) name the hosts.

            New hosts are quarantined: nothing connects to them before somebody confirms their key, in the page or \
            with `copilot host add` under the same alias. Hosts that are there keep their keys and credentials. \
            Nothing outside of the file is read, and nothing in it is run.

            EXAMPLE
              copilot host import inventory.ini --dry-run
              copilot host import ~/.ssh/config --format ssh-config --username deploy
              copilot host import example.org --format srv --username admin --json
            """)

    @Argument(help: ArgumentHelp("The list, or a domain with --format srv.", valueName: "file")) var file: String
    @Option(help: "auto, ansible-ini, ansible-yaml, ssh-config, csv or srv.") var format = "auto"
    @Flag(help: "Only say what would be done.") var dryRun = false
    @Option(help: ArgumentHelp("The account of hosts for which the list names none.", valueName: "name"))
    var username: String?
    @Option(help: "production, staging, development or other, for hosts for which the list does not say it.")
    var environment: String?
    @Option(
        name: .customLong("tag"), parsing: .singleValue,
        help: ArgumentHelp("A tag for all; repeatable.", valueName: "tag"))
    var tags: [String] = []
    @Option(
        name: .customLong("name-server"), parsing: .singleValue,
        help: ArgumentHelp("Ask this one for service records; repeatable.", valueName: "address[:port]"))
    var nameServers: [String] = []
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions

    func validate() throws {
        guard format == "auto" || ImportFormat(rawValue: format) != nil else {
            throw ValidationError("--format is auto, ansible-ini, ansible-yaml, ssh-config, csv or srv.")
        }
        guard environment.map({ HostEnvironment(rawValue: $0) != nil }) ?? true else {
            throw ValidationError("--environment is production, staging, development or other.")
        }
    }

    func run() async throws {
        try await OpenGateway.reported(try keeping.settings()) { open in
            let hosts = open.gateway.hosts
            let defaults = HostImportDefaults(
                username: username, environment: environment.flatMap(HostEnvironment.init), tags: tags)
            let plan: HostImportPlan
            if format == ImportFormat.srv.rawValue {
                plan = try await hosts.importServices(
                    file, servers: try NameServers(nameServers), defaults: defaults, dryRun: dryRun,
                    caller: open.caller)
            } else {
                let text = try list()
                plan = try await hosts.importList(
                    text, as: ImportFormat(rawValue: format) ?? .guess(name: file, text: text), defaults: defaults,
                    dryRun: dryRun, caller: open.caller)
            }
            if json { return try JSONOutput.print(plan) }
            show(plan)
        }
    }

    private func list() throws(Failure) -> String {
        let path = (file as NSString).expandingTildeInPath
        let data =
            file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: path)
        guard let data, let text = String(data: data, encoding: .utf8) else {
            throw Failure(
                "The list \(file) cannot be read, or is not UTF-8 text.", hint: "Check its path and permissions.")
        }
        return text
    }

    private func show(_ plan: HostImportPlan) {
        let rows = plan.entries.filter { $0.action != .unchanged }.map { entry in
            let changes = entry.changes.map { "\($0.field): \($0.from) → \($0.to)" }
            return [
                entry.action.rawValue, entry.alias, entry.target,
                (changes + (entry.note.isEmpty ? [] : [entry.note])).joined(separator: "; "),
            ]
        }
        if !rows.isEmpty {
            Printable.table([["", "HOST", "ADDRESS", ""]] + rows).forEach { PersonTerminal.print($0) }
        }
        let counts = HostImportPlan.Action.allCases.map { "\(plan.count($0)) \($0.rawValue)" }
        PersonTerminal.print((plan.applied ? "" : "Nothing was done yet. ") + counts.joined(separator: ", ") + ".")
        if plan.applied, plan.count(.added) > 0 {
            PersonTerminal.print("Confirm the keys of the new hosts in the page, or with `copilot host add`.")
        }
    }
}
