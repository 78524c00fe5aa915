extension SSHConfiguration {
    /// Which files are read.
    public enum Files: Sendable, Hashable {
        /// The user's ~/.ssh/config, then the system's /etc/ssh/ssh_config.
        case standard
        /// One file alone, as `ssh -F` reads it. It must exist.
        case only(String)
        /// None, as `ssh -F none`.
        case none
    }

    /// Reads the configuration for one host. Blocks: files, and where the configuration says so commands and the name
    /// service; keep it off event loops.
    ///
    /// - Parameters:
    ///   - host: The host as the person wrote it, without user and port.
    ///   - user: A user name from the command line, which no file changes.
    ///   - port: A port from the command line.
    ///   - options: Lines "Keyword value" or "Keyword=value" from the command line (`-o`), which count before the files.
    ///   - tag: For `Match tagged` (`ssh -P`).
    ///   - files: See ``Files``.
    ///   - context: Who asks, on which machine.
    public static func resolve(
        host: String, user: String? = nil, port: Int? = nil, options: [String] = [], tag: String? = nil,
        files: Files = .standard, context: ConfigurationContext = .current()
    ) throws(SSHConfigurationError) -> SSHConfiguration {
        let place = ConfigurationPlace(file: "command line", line: 0)
        var settings = ConfigurationSettings()
        if let user { settings.set(.user, [user], at: place) }
        if let port { settings.set(.port, ["\(port)"], at: place) }
        if let tag { settings.set(.tag, [tag], at: place) }

        var reader = ConfigurationReader(
            context: context, originalHost: host, host: host, isFinalPass: false, settings: settings)
        for (index, option) in options.enumerated() { try reader.read(option: option, number: index + 1) }
        try reader.read(files, context)

        let written = try hostName(reader.settings, host, context)
        var canonical = CanonicalHostName(settings: reader.settings, context: context)
        let name = try canonical.resolve(written)
        let ignored = reader.ignored
        if canonical.isAsked || reader.wantsFinalPass {
            reader.settings.replace(.hostName, [name])
            var last = ConfigurationReader(
                context: context, originalHost: host, host: name, isFinalPass: true, settings: reader.settings)
            try last.read(files, context)
            reader = last
        }
        return try complete(reader.settings, host: host, hostName: name, context: context, ignored: ignored)
    }

    /// `HostName` with its tokens replaced, in lower case unless it is an address.
    private static func hostName(
        _ settings: ConfigurationSettings, _ host: String, _ context: ConfigurationContext
    ) throws(SSHConfigurationError) -> String {
        var name = host
        if let written = settings.first(.hostName) {
            name = try ConfigurationTokens(
                values: ["h": host], environment: context.environment, homeFolder: context.homeFolder
            ).percent(written, in: "HostName")
        }
        return CanonicalHostName.isAddress(name) ? name : name.lowercased()
    }

    /// Replaces tokens where `ssh` does so before it connects, and applies the rules between settings.
    private static func complete(
        _ written: ConfigurationSettings, host: String, hostName: String, context: ConfigurationContext,
        ignored: [IgnoredSetting]
    ) throws(SSHConfigurationError) -> SSHConfiguration {
        var settings = written
        for keyword in clearedByNone where settings.first(keyword)?.lowercased() == "none" {
            settings.replace(keyword, nil)
        }
        if let alias = settings.first(.hostKeyAlias) { settings.replace(.hostKeyAlias, [alias.lowercased()]) }
        let tokens = tokens(settings, context: context, originalHost: host, host: hostName)
        if let command = settings.first(.remoteCommand) {
            settings.replace(.remoteCommand, [try tokens.percent(command, in: "RemoteCommand")])
        }
        for keyword in [ConfigurationKeyword.controlPath, .identityAgent, .userKnownHostsFile, .forwardAgent] {
            guard let values = settings[keyword], !isNamed(values, keyword) else { continue }
            var expanded: [String] = []
            for value in values { expanded.append(try tokens.path(value, in: keyword.rawValue)) }
            settings.replace(keyword, expanded)
        }
        for keyword in [ConfigurationKeyword.localForward, .remoteForward] {
            guard let lines = settings[keyword] else { continue }
            var expanded: [String] = []
            for line in lines {
                // Socket paths alone have tokens.
                expanded.append(
                    line.contains("/") ? try tokens.percentAndDollar(line, in: keyword.rawValue) : line)
            }
            settings.replace(keyword, expanded)
        }
        if settings.first(.updateHostKeys) == nil { settings.replace(.updateHostKeys, [updatesHostKeys(settings)]) }
        if settings.first(.updateHostKeys) == "ask", cannotAsk(settings) {
            settings.replace(.updateHostKeys, ["false"])
        }
        return SSHConfiguration(
            originalHost: host, hostName: hostName, ignored: ignored, settings: settings, tokens: tokens)
    }

    private static let clearedByNone: [ConfigurationKeyword] = [
        .localCommand, .remoteCommand, .proxyCommand, .proxyJump, .controlPath, .revokedHostKeys, .pkcs11Provider,
        .knownHostsCommand, .canonicalDomains,
    ]

    /// A value that is no path.
    private static func isNamed(_ values: [String], _ keyword: ConfigurationKeyword) -> Bool {
        guard let value = values.first, values.count == 1 else { return false }
        switch keyword {
        case .identityAgent:
            return value == "none" || value == "SSH_AUTH_SOCK" || (value.hasPrefix("$") && !value.hasPrefix("${"))
        case .forwardAgent:
            return value == "yes" || value == "no" || (value.hasPrefix("$") && !value.hasPrefix("${"))
        default: return value.lowercased() == "none"
        }
    }

    /// On, unless known hosts come from elsewhere than the user's own file or from the name service.
    private static func updatesHostKeys(_ settings: ConfigurationSettings) -> String {
        let usesDNS = settings.first(.verifyHostKeyDNS).map { $0 != "false" } ?? false
        let files = written(settings)
        return !usesDNS && (files == nil || files == ["~/.ssh/known_hosts"]) ? "true" : "false"
    }

    private static func written(_ settings: ConfigurationSettings) -> [String]? { settings[.userKnownHostsFile] }

    /// Nobody would see the question about new host keys.
    private static func cannotAsk(_ settings: ConfigurationSettings) -> Bool {
        settings.first(.controlPersist).map { $0 != "no" } ?? false || settings[.remoteCommand] != nil
            || settings.first(.requestTTY) == "false"
    }

    /// The tokens that most values may have.
    static func tokens(
        _ settings: ConfigurationSettings, context: ConfigurationContext, originalHost: String, host: String
    ) -> ConfigurationTokens {
        let port = settings.first(.port) ?? "22"
        let user = settings.first(.user) ?? context.localUser
        let localHost = context.localHostName
        return ConfigurationTokens(
            values: [
                "C": ConfigurationTokens.connectionHash(localHost: localHost, host: host, port: port, user: user),
                "d": context.homeFolder, "h": host, "i": "\(context.userID)",
                "k": settings.first(.hostKeyAlias) ?? originalHost,
                "L": String(localHost.prefix { $0 != "." }), "l": localHost, "n": originalHost, "p": port, "r": user,
                "u": context.localUser,
            ], environment: context.environment, homeFolder: context.homeFolder)
    }
}

extension ConfigurationReader {
    /// Every file in the order in which they count.
    mutating func read(
        _ files: SSHConfiguration.Files, _ context: ConfigurationContext
    ) throws(SSHConfigurationError) {
        switch files {
        case .none:
            break
        case .only(let path):
            guard try read(path, role: .user, isChecked: false) else {
                throw ConfigurationFile.unreadable(path, "there is no such file")
            }
        case .standard:
            try read(context.homeFolder + "/.ssh/config", role: .user, isChecked: true)
            try read(context.systemFolder + "/ssh_config", role: .system, isChecked: false)
        }
    }
}
