import ArgumentParser
import Foundation
import Gateway
import SSHTools

/// Where the copilot keeps things: what every subcommand needs.
struct KeepingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Read settings from this file. (default: ~/.config/copilot/config.yaml)", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The data folder. (default: ~/.local/share/copilot)", valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("The folder of the root key and the audit checkpoints.", valueName: "folder"))
    var keys: String?

    @Option(help: ArgumentHelp("The database, as sqlite:PATH.", valueName: "address"))
    var dbUrl: String?

    @Option(help: ArgumentHelp("The file of the root key.", valueName: "file"))
    var rootKeyFile: String?

    @Option(help: ArgumentHelp("The folder of the audit log's signed checkpoints.", valueName: "folder"))
    var checkpoints: String?

    var values: [ConfigurationKey: [String]] {
        let given: [ConfigurationKey: String?] = [
            .data: data, .keys: keys, .databaseURL: dbUrl, .rootKeyFile: rootKeyFile, .checkpoints: checkpoints,
        ]
        return given.compactMapValues { $0.map { [$0] } }
    }

    /// The settings of file, environment and these flags.
    func settings(_ serving: ServingOptions? = nil) throws(Failure) -> Configuration {
        let environment = ProcessInfo.processInfo.environment
        let surroundings = Configuration.Surroundings(
            home: environment["HOME"] ?? NSHomeDirectory(), currentDirectory: FileManager.default.currentDirectoryPath)
        do {
            var layers: [ConfigurationLayer] = []
            if let file = try ConfigurationFile.find(named: config, environment: environment, surroundings) {
                layers.append(try file.layer())
            }
            layers.append(ConfigurationLayer(environment: environment))
            let flags = values.merging(serving?.values ?? [:]) { own, _ in own }
            layers.append(ConfigurationLayer(.commandLine, values: flags))
            return try Configuration(layers: layers, surroundings: surroundings)
        } catch let error {
            throw Failure(error)
        }
    }
}

/// How the copilot is reached and what it may reach: what `serve` needs, and the commands that examine it.
struct ServingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The address to listen on. (default: 127.0.0.1)", valueName: "ip"))
    var listen: String?

    @Option(help: ArgumentHelp("The port of page and API; 0 takes a free one. (default: 8080)", valueName: "number"))
    var port: String?

    @Flag(help: "Serve without TLS; on loopback only.")
    var http = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A name under which people reach the copilot; repeatable.", valueName: "host"))
    var names: [String] = []

    @Option(help: ArgumentHelp("The certificate chain, PEM. (default: made at first start)", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(help: ArgumentHelp("The port of plain ssh; 0 takes a free one. (default: 2222)", valueName: "number"))
    var sshPort: String?

    @Option(help: ArgumentHelp("The address of the SSH port. (default: 127.0.0.1)", valueName: "ip"))
    var sshBind: String?

    @Flag(help: "Open no SSH port.")
    var noSsh = false

    @Option(help: ArgumentHelp("The folder of the built page.", valueName: "folder"))
    var page: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A range of otherwise refused addresses that hosts may have; repeatable.", valueName: "cidr")
    )
    var allowedAddresses: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A range of private addresses that a push service may have; repeatable.", valueName: "cidr"))
    var pushAddresses: [String] = []

    @Option(help: ArgumentHelp("Certificates of a push service of one's own, PEM.", valueName: "file"))
    var pushAuthority: String?

    @Option(help: ArgumentHelp("A unix socket for lookups by `copilot dispatch`. (default: none)", valueName: "path"))
    var dispatchSocket: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("An account that may ask there, such as sshd's nobody; repeatable.", valueName: "name"))
    var dispatchAccounts: [String] = []

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical. (default: info)", valueName: "level"))
    var logLevel: String?

    var values: [ConfigurationKey: [String]] {
        let given: [ConfigurationKey: String?] = [
            .listen: listen, .port: port, .http: http ? "true" : nil, .tlsCertificate: tlsCertificate, .tlsKey: tlsKey,
            .sshPort: sshPort, .sshBind: sshBind, .noSSH: noSsh ? "true" : nil, .page: page,
            .pushAuthority: pushAuthority, .dispatchSocket: dispatchSocket, .logLevel: logLevel,
        ]
        var values = given.compactMapValues { $0.map { [$0] } }
        if !names.isEmpty { values[.names] = names }
        if !dispatchAccounts.isEmpty { values[.dispatchAccounts] = dispatchAccounts }
        if !pushAddresses.isEmpty { values[.pushAddresses] = pushAddresses }
        if !allowedAddresses.isEmpty { values[.allowedAddresses] = allowedAddresses }
        return values
    }
}
