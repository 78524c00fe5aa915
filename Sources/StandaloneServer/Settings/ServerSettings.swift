/// Everything that `copilot ssh-server` can be told.
public struct ServerSettings: Sendable {
    /// What `--app NAME=PROGRAM` names.
    public struct Application: Sendable, Hashable {
        public var name: String
        /// For /bin/sh.
        public var program: String
    }

    public var port = 2222
    /// Addresses to listen on; empty: 0.0.0.0, or the loopback addresses with `isLocalhostOnly`.
    public var bind: [String] = []
    public var isPermissive = false
    public var isLocalhostOnly = false
    public var allowedNetworks: [String] = []
    /// Names this server in events.
    public var deviceID: String?
    public var userMap: [UserMap.Entry] = []
    public var defaultUser: String?
    public var hostKeyPath: String?
    public var isQuiet = false
    /// Files of keys in place of `%h/.ssh/authorized_keys`; %h is the home and %u the name of the local account.
    public var authorizedKeys: [String] = []
    /// Files of authorities whose user certificates are let in.
    public var trustedAuthorities: [String] = []
    public var passwordFile: String?
    public var sftpRoot: String?
    /// No shells and no commands: files and forwarding alone.
    public var refusesPrograms = false
    public var refusesForwarding = false
    public var applications: [Application] = []
    /// Lets any proven key into applications, which decide by its fingerprint.
    public var applicationsTakeAnyKey = false
    public var insecureNoAuthentication = false
    /// Leaves the system's PAM alone, also where root could use it.
    public var ignoresPAM = false
    /// Events as JSON lines.
    public var logsJSON = false
    /// How long the sessions that stand may go on after the server was asked to stop, in seconds.
    public var drainSeconds = 30

    public init() {}

    /// Reads one setting of a file or a flag: the flag's long name without its dashes, and what was given for it.
    ///
    /// - Throws: `invalid_settings`.
    public mutating func apply(_ name: String, _ values: [String]) throws(StandaloneServerError) {
        switch name {
        case "port": port = try Self.number(name, values, 0...65535)
        case "bind": bind = values
        case "permissive": isPermissive = try Self.flag(name, values)
        case "localhost-only": isLocalhostOnly = try Self.flag(name, values)
        case "allow-network": allowedNetworks = values
        case "device-id": deviceID = try Self.text(name, values)
        case "user-map":
            userMap = []
            for value in values { userMap.append(try UserMap.Entry(value)) }
        case "default-user": defaultUser = try Self.text(name, values)
        case "host-key-path": hostKeyPath = try Self.text(name, values)
        case "quiet": isQuiet = try Self.flag(name, values)
        case "authorized-keys": authorizedKeys = values
        case "trusted-ca": trustedAuthorities = values
        case "password-file": passwordFile = try Self.text(name, values)
        case "sftp-root": sftpRoot = try Self.text(name, values)
        case "no-exec": refusesPrograms = try Self.flag(name, values)
        case "no-forwarding": refusesForwarding = try Self.flag(name, values)
        case "app":
            applications = []
            for value in values { applications.append(try Application(value)) }
        case "app-any-key": applicationsTakeAnyKey = try Self.flag(name, values)
        case "insecure-no-auth": insecureNoAuthentication = try Self.flag(name, values)
        case "no-pam": ignoresPAM = try Self.flag(name, values)
        case "log": logsJSON = try Self.choice(name, values, ["text", "json"]) == "json"
        case "drain": drainSeconds = try Self.number(name, values, 0...86_400)
        default:
            throw .settings(
                "There is no setting named “\(name)”.", hint: "`copilot ssh-server --help` lists them.")
        }
    }

    private static func text(_ name: String, _ values: [String]) throws(StandaloneServerError) -> String {
        guard values.count == 1, let value = values.first, !value.isEmpty else {
            throw .settings("The setting \(name) takes one value.", hint: "Give it once, and not empty.")
        }
        return value
    }

    private static func number(
        _ name: String, _ values: [String], _ range: ClosedRange<Int>
    ) throws(StandaloneServerError) -> Int {
        guard let number = Int(try text(name, values)), range.contains(number) else {
            throw .settings(
                "The setting \(name) takes a number from \(range.lowerBound) to \(range.upperBound).",
                hint: "Change it.")
        }
        return number
    }

    private static func flag(_ name: String, _ values: [String]) throws(StandaloneServerError) -> Bool {
        try choice(name, values, ["true", "false", "yes", "no"]).first.map { "ty".contains($0) } ?? false
    }

    private static func choice(
        _ name: String, _ values: [String], _ choices: [String]
    ) throws(StandaloneServerError) -> String {
        let value = try text(name, values)
        guard choices.contains(value) else {
            throw .settings("The setting \(name) takes \(choices.joined(separator: ", ")).", hint: "Change it.")
        }
        return value
    }

    // MARK: Together

    /// - Parameter isRoot: Whether the server may act for every account.
    /// - Throws: `invalid_settings` for what contradicts itself, or would let in whom it should not.
    func check(isRoot: Bool) throws(StandaloneServerError) {
        if isLocalhostOnly, isPermissive || !allowedNetworks.isEmpty {
            throw .settings(
                "--localhost-only excludes --permissive and --allow-network.", hint: "Leave one of them out.")
        }
        if insecureNoAuthentication {
            guard isLocalhostOnly else {
                throw .settings(
                    "--insecure-no-auth needs --localhost-only.",
                    hint: "Without authentication everybody who reaches the port is let in.")
            }
            guard !isRoot else {
                throw .settings(
                    "--insecure-no-auth is not for root.", hint: "Start the server as the account that it shall serve.")
            }
        }
        let names = applications.map(\.name)
        if let twice = names.first(where: { name in names.count(where: { $0 == name }) > 1 }) {
            throw .settings("The application \(twice) is named twice.", hint: "Leave one of them out.")
        }
    }

    var wall: NetworkWall {
        get throws(StandaloneServerError) {
            try NetworkWall(
                isLocalhostOnly ? .loopback : isPermissive ? .everywhere : .privateNetworks, allowed: allowedNetworks)
        }
    }

    var listenAddresses: [String] {
        if !bind.isEmpty { return bind }
        return isLocalhostOnly ? ["127.0.0.1"] : ["0.0.0.0"]
    }
}

extension ServerSettings.Application {
    /// From NAME=PROGRAM.
    public init(_ text: String) throws(StandaloneServerError) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex,
            text.index(after: equals) != text.endIndex, !text.utf8.contains(0)
        else {
            throw .settings("“\(text)” is not NAME=PROGRAM.", hint: "For example --app builds=/usr/local/bin/builds.")
        }
        name = String(text[..<equals])
        program = String(text[text.index(after: equals)...])
    }
}
