import NIOCore

/// How one copilot is set up: where it keeps what, where it listens, and what it trusts.
///
/// A value of a later layer wins over an earlier one; the usual order is file, environment, command line.
/// What an admin changes while the copilot runs (limits of sessions, retention) is not here but in the database.
public struct Configuration: Sendable, Hashable {
    /// The folder of the database, the recordings and the self-made certificate (mode 0700).
    public var data: String
    /// The folder of the root key and the audit checkpoints, apart from `data` and its backups (mode 0700).
    public var keys: String
    /// The file of the SQLite database.
    public var database: String
    /// The file of the root key, made at first start. `COPILOT_ROOT_KEY` in the environment takes its place.
    public var rootKeyFile: String
    /// The folder to which signed checkpoints of the audit log are appended.
    public var checkpoints: String
    /// The address to listen on. Loopback unless told otherwise.
    public var listen: String
    /// The port of page and API; 0 takes a free one.
    public var port: Int
    /// Serve without TLS. Only on loopback.
    public var http: Bool
    /// The host names, beside the loopback ones, under which the copilot is reached. A request for any other is refused.
    public var names: [String]
    /// The certificate chain and its private key, PEM. Without them one is made at first start.
    public var tls: TLSFiles?
    /// The folder of the built page; nil looks beside the executable.
    public var page: String?
    /// The port of the copilot's own SSH server; 0 takes a free one.
    public var sshPort: Int
    /// The address that it listens on. Loopback unless told otherwise.
    public var sshBind: String
    /// No SSH port at all.
    public var noSSH: Bool
    /// Whether the SSH port was asked for: then a start without it is no start.
    public var isSSHPortChosen: Bool
    /// Ranges (CIDR) that hosts may have although they are refused by default: link-local and metadata addresses.
    public var allowedAddresses: [AddressRange]
    /// Ranges (CIDR) of push services of one's own; without them only public addresses are spoken to.
    public var pushAddresses: [AddressRange]
    /// Certificates (PEM) that push services of one's own are trusted by; nil for the system's alone.
    public var pushAuthority: String?
    /// The unix socket at which `copilot dispatch` looks people's keys up; nil for none.
    public var dispatchSocket: String?
    /// Accounts that may ask there, beside root and the copilot's own.
    public var dispatchAccounts: [String]
    /// The least severe log messages that are written to standard error.
    public var logLevel: String

    /// A certificate chain and its private key, PEM files.
    public struct TLSFiles: Sendable, Hashable {
        public var certificate: String
        public var key: String
    }

    /// The folder of the recordings.
    public var recordings: String { data + "/recordings" }
    /// The folder of the certificate made at first start.
    public var tlsFolder: String { data + "/tls" }
    /// Whether only this machine can reach the copilot.
    public var listensOnLoopback: Bool { Self.isLoopback(listen) }

    /// Every name under which a request may address this copilot: the `Host` header is compared with these. A name
    /// without a port stands for the port that is listened on; an IPv6 address is in brackets.
    public var acceptedNames: [String] {
        var accepted = ["localhost", "127.0.0.1", "[::1]"]
        if listen != "0.0.0.0" && listen != "::" { accepted.append(listen.contains(":") ? "[\(listen)]" : listen) }
        accepted += names
        var seen: Set<String> = []
        return accepted.map { $0.lowercased() }.filter { seen.insert($0).inserted }
    }

    /// The address that people are told, for example `https://localhost:8080`.
    /// - Parameter boundPort: the port that was taken where `port` is 0.
    public func address(boundPort: Int? = nil) -> String {
        let scheme = http ? "http" : "https"
        let name = names.first ?? (listensOnLoopback ? "localhost" : acceptedNames.last ?? listen)
        let hasPort = name.contains(":") && !name.hasSuffix("]")
        let port = boundPort ?? self.port
        return hasPort || port == (http ? 80 : 443) ? "\(scheme)://\(name)" : "\(scheme)://\(name):\(port)"
    }

    static func isLoopback(_ address: String) -> Bool {
        if address == "localhost" { return true }
        guard let range = AddressRange(address) else { return false }
        return AddressRange.loopback.contains { $0.contains(range) }
    }
}

extension Configuration {
    /// The place from which relative paths and `~` are resolved.
    public struct Surroundings: Sendable {
        public var home: String
        public var currentDirectory: String

        public init(home: String, currentDirectory: String) {
            self.home = home
            self.currentDirectory = currentDirectory
        }
    }

    /// The file that is read when none is named: `config.yaml` in the default keys folder.
    public static func defaultFile(_ surroundings: Surroundings) -> String {
        surroundings.home + "/.config/copilot/config.yaml"
    }

    /// Puts the layers on top of each other and checks the result.
    ///
    /// - Throws: ``ConfigurationError`` that names the key and the place where its value was written.
    public init(layers: [ConfigurationLayer], surroundings: Surroundings) throws(ConfigurationError) {
        let values = LayeredValues(layers: layers, surroundings: surroundings)
        data = values.path(.data) ?? surroundings.home + "/.local/share/copilot"
        // A data folder of one's own gets keys of its own: two copilots that share checkpoints would accuse each other.
        let ownKeys = values.path(.data) == nil ? surroundings.home + "/.config/copilot" : data + "-keys"
        keys = values.path(.keys) ?? ownKeys
        database = try values.database() ?? data + "/copilot.sqlite"
        rootKeyFile = values.path(.rootKeyFile) ?? keys + "/root.key"
        checkpoints = values.path(.checkpoints) ?? keys + "/checkpoints"
        listen = try values.listen() ?? "127.0.0.1"
        port = try values.port() ?? 8080
        http = try values.boolean(.http) ?? false
        names = try values.names()
        tls = try values.tls()
        page = values.path(.page)
        let chosenPort = try values.port(.sshPort)
        sshPort = chosenPort ?? 2222
        isSSHPortChosen = chosenPort != nil
        sshBind = try values.listen(.sshBind) ?? "127.0.0.1"
        noSSH = try values.boolean(.noSSH) ?? false
        allowedAddresses = try values.ranges(.allowedAddresses)
        pushAddresses = try values.ranges(.pushAddresses)
        pushAuthority = values.path(.pushAuthority)
        dispatchSocket = values.path(.dispatchSocket)
        dispatchAccounts = values.list(.dispatchAccounts)
        logLevel = try values.logLevel() ?? "info"

        guard !http || listensOnLoopback else {
            throw values.error(
                .http, "turns TLS off, but the copilot listens on \(listen), which other machines reach",
                hint: "Listen on 127.0.0.1, or leave http out and let TLS protect the sign-in.")
        }
        if let dispatchSocket, [data, keys].contains(where: { dispatchSocket.hasPrefix($0 + "/") }) {
            throw values.error(
                .dispatchSocket, "lies in a folder that only the copilot may enter: \(dispatchSocket)",
                hint: "Name another place, for example /run/copilot/dispatch.sock.")
        }
    }
}

extension Configuration {
    /// What holds for each key, in the order of the table; empty where nothing is set.
    public var effectiveValues: [(key: ConfigurationKey, value: String)] {
        ConfigurationKey.allCases.map { ($0, effectiveValue($0)) }
    }

    private func effectiveValue(_ key: ConfigurationKey) -> String {
        switch key {
        case .data: data
        case .keys: keys
        case .databaseURL: "sqlite:" + database
        case .rootKeyFile: rootKeyFile
        case .checkpoints: checkpoints
        case .listen: listen
        case .port: String(port)
        case .http: String(http)
        case .names: names.joined(separator: ",")
        case .tlsCertificate: tls?.certificate ?? ""
        case .tlsKey: tls?.key ?? ""
        case .page: page ?? ""
        case .sshPort: String(sshPort)
        case .sshBind: sshBind
        case .noSSH: String(noSSH)
        case .allowedAddresses: allowedAddresses.map(\.description).joined(separator: ",")
        case .pushAddresses: pushAddresses.map(\.description).joined(separator: ",")
        case .pushAuthority: pushAuthority ?? ""
        case .dispatchSocket: dispatchSocket ?? ""
        case .dispatchAccounts: dispatchAccounts.joined(separator: ",")
        case .logLevel: logLevel
        }
    }
}
