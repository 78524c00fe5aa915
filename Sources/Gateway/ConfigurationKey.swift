/// One setting of the copilot. Every setting has three spellings: a key of `config.yaml`, an environment variable
/// and a flag of `copilot serve`; this table is the only place that knows them.
public enum ConfigurationKey: String, CaseIterable, Sendable {
    case data
    case keys
    case databaseURL = "db_url"
    case rootKeyFile = "root_key_file"
    case checkpoints
    case listen
    case port
    case http
    case names
    case tlsCertificate = "tls_certificate"
    case tlsKey = "tls_key"
    case page
    case sshPort = "ssh_port"
    case sshBind = "ssh_bind"
    case noSSH = "no_ssh"
    case allowedAddresses = "allowed_addresses"
    case pushAddresses = "push_addresses"
    case pushAuthority = "push_authority"
    case dispatchSocket = "dispatch_socket"
    case dispatchAccounts = "dispatch_accounts"
    case logLevel = "log_level"

    /// The environment variable, for example `COPILOT_TLS_KEY`.
    public var environmentVariable: String { "COPILOT_" + rawValue.uppercased() }

    /// The flag, for example `--tls-key`.
    public var flag: String { "--" + rawValue.split(separator: "_").joined(separator: "-") }

    /// Whether the key holds several values: a sequence in the file, comma-separated in the environment, a repeated flag.
    public var isList: Bool { [.names, .allowedAddresses, .pushAddresses, .dispatchAccounts].contains(self) }

    /// Whether the value is a path, to which `~` and the place it was written in apply.
    var isPath: Bool {
        switch self {
        case .data, .keys, .rootKeyFile, .checkpoints, .tlsCertificate, .tlsKey, .page, .pushAuthority, .dispatchSocket:
            true
        case .databaseURL, .listen, .port, .http, .names, .sshPort, .sshBind, .noSSH, .allowedAddresses, .pushAddresses,
            .dispatchAccounts, .logLevel:
            false
        }
    }
}

/// The values of one source, as they were written there.
public struct ConfigurationLayer: Sendable, Hashable {
    /// Where a value was written: what an error names.
    public enum Origin: Sendable, Hashable {
        case file(path: String)
        case environment
        case commandLine
    }

    public let origin: Origin
    public private(set) var values: [ConfigurationKey: [String]] = [:]

    public init(_ origin: Origin, values: [ConfigurationKey: [String]] = [:]) {
        self.origin = origin
        self.values = values
    }

    /// The layer of a parsed configuration file: keys as written there, each with its scalar or its sequence of scalars.
    ///
    /// - Throws: `ConfigurationError.unknownKey` for a key that no version of the table has, since a misspelt key would
    ///   otherwise leave its setting silently at the default.
    public init(file path: String, entries: [(key: String, values: [String])]) throws(ConfigurationError) {
        self.init(.file(path: path))
        for entry in entries {
            guard let key = ConfigurationKey(rawValue: entry.key) else {
                throw ConfigurationError.unknownKey(entry.key, in: origin)
            }
            guard key.isList || entry.values.count == 1 else {
                throw ConfigurationError(key, origin, "holds several values", hint: "Give one value.")
            }
            values[key] = entry.values
        }
    }

    /// The layer of the process environment. An empty variable counts as not set.
    public init(environment: [String: String]) {
        self.init(.environment)
        for key in ConfigurationKey.allCases {
            guard let text = environment[key.environmentVariable], !text.isEmpty else { continue }
            values[key] =
                key.isList
                ? text.split(separator: ",").map { $0.trimmingSpaces() }.filter { !$0.isEmpty }
                : [text]
        }
    }

    /// How a person finds the value again, for example `COPILOT_PORT in the environment`.
    func spelling(of key: ConfigurationKey) -> String {
        switch origin {
        case .file(let path): "\(key.rawValue) in \(path)"
        case .environment: "\(key.environmentVariable) in the environment"
        case .commandLine: key.flag
        }
    }
}

/// Why a configuration cannot be used. The sentence names the key in the spelling of the place it was written in.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public let code = "configuration_invalid"
    /// The key's name in `config.yaml`; empty when the file as a whole is at fault.
    public let key: String
    public let description: String
    public let hint: String

    init(key: String, description: String, hint: String) {
        self.key = key
        self.description = description
        self.hint = hint
    }

    init(_ key: ConfigurationKey, _ origin: ConfigurationLayer.Origin, _ problem: String, hint: String) {
        let place = ConfigurationLayer(origin).spelling(of: key)
        self.init(key: key.rawValue, description: "\(place) \(problem).", hint: hint)
    }

    /// The file as a whole is at fault, not one of its keys.
    public init(file path: String, _ problem: String, hint: String) {
        self.init(key: "", description: "\(path) \(problem).", hint: hint)
    }

    static func unknownKey(_ name: String, in origin: ConfigurationLayer.Origin) -> ConfigurationError {
        let place = if case .file(let path) = origin { path } else { "The configuration" }
        let known = ConfigurationKey.allCases.map(\.rawValue).joined(separator: ", ")
        return ConfigurationError(
            key: name, description: "\(place) has a key that does not exist: \(name).",
            hint: "Remove it or correct its spelling. The keys are \(known).")
    }
}

extension Substring {
    func trimmingSpaces() -> String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
