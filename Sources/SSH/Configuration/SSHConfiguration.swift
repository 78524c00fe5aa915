/// A line that changes nothing: its keyword belongs to the past, or `IgnoreUnknown` names it.
public struct IgnoredSetting: Sendable, Hashable {
    /// In lower case.
    public var name: String
    public var place: ConfigurationPlace
}

/// What ssh_config(5) says about one host.
///
/// ```swift
/// let web = try SSHConfiguration.resolve(host: "web-1")
/// print(web.hostName, web.port, web.user, web.jumps)
/// ```
///
/// A value of this type is complete: what no line sets has OpenSSH's default. `lines` is what `ssh -G` prints.
public struct SSHConfiguration: Sendable {
    /// The host as it was asked for.
    public let originalHost: String
    /// The name or address to connect to.
    public let hostName: String
    /// Lines that changed nothing.
    public let ignored: [IgnoredSetting]
    let settings: ConfigurationSettings
    let tokens: ConfigurationTokens

    /// Where a keyword was set, or nil if its default holds.
    public func place(of keyword: ConfigurationKeyword) -> ConfigurationPlace? {
        settings[keyword] == nil ? nil : settings.places[keyword]
    }

    /// The keywords that a line sets and that nothing in this program acts on, for a warning.
    public var unsupported: [ConfigurationKeyword] {
        ConfigurationKeyword.allCases.filter { !$0.isSupported && settings[$0] != nil && !isOff($0) }
    }

    /// Set to a value that asks for nothing, which needs no warning.
    private func isOff(_ keyword: ConfigurationKeyword) -> Bool {
        guard let value = settings.first(keyword)?.lowercased() else { return true }
        return value == "no" || value == "false" || value == "none"
    }

    /// The values of a keyword as `ssh -G` writes them, or nil if there is neither a line nor a default. For gathering
    /// keywords one element for each line.
    public func values(of keyword: ConfigurationKeyword) -> [String]? {
        settings[keyword] ?? Self.defaults[keyword]
    }

    /// The one value of a keyword.
    func value(_ keyword: ConfigurationKeyword) -> String? { values(of: keyword)?.first }

    func isOn(_ keyword: ConfigurationKeyword) -> Bool {
        let value = value(keyword)
        return value == "yes" || value == "true"
    }

    func number(_ keyword: ConfigurationKeyword) -> Int { value(keyword).flatMap { Int($0) } ?? 0 }

    /// A text where "none" means that there is none.
    func text(_ keyword: ConfigurationKeyword) -> String? {
        guard let value = value(keyword), value.lowercased() != "none" else { return nil }
        return value
    }

    // MARK: What to connect to

    public var user: String { settings.first(.user) ?? tokens.values["u"] ?? "" }

    public var port: Int { number(.port) }

    /// The name under which the host's key is on record: `HostKeyAlias` or the host name.
    public var hostKeyName: String { settings.first(.hostKeyAlias)?.lowercased() ?? hostName }

    /// The name, or an address to bind to, of the local end.
    public var bindAddress: String? { text(.bindAddress) }

    /// nil leaves it to the system.
    public var connectTimeout: Duration? { value(.connectTimeout).flatMap { Int($0) }.map { .seconds($0) } }

    public var connectionAttempts: Int { max(number(.connectionAttempts), 1) }

    /// The hosts on the way, the first to connect to first; empty for a direct connection. Each has a configuration of its
    /// own.
    public var jumps: [JumpHost] {
        guard let text = text(.proxyJump), let expanded = try? tokens.percent(text, in: "ProxyJump") else { return [] }
        return expanded.split(separator: ",").compactMap { JumpHost(String($0)) }
    }

    /// The command whose input and output take the place of a TCP connection, with its tokens replaced.
    public func proxyCommand() throws(SSHConfigurationError) -> String? {
        guard let command = text(.proxyCommand), jumps.isEmpty else { return nil }
        return try tokens.percent(command, in: "ProxyCommand")
    }

    // MARK: Who asks, and how

    /// The private key files to try, in order. Without a line: OpenSSH's usual names that this program reads.
    public func identityFiles() throws(SSHConfigurationError) -> [String] { try paths(.identityFile) }

    /// Certificates besides those that stand next to a private key.
    public func certificateFiles() throws(SSHConfigurationError) -> [String] { try paths(.certificateFile) }

    /// Only the identity files, and of the agent's keys only those.
    public var usesIdentitiesOnly: Bool { isOn(.identitiesOnly) }

    /// Where the agent listens: `IdentityAgent`, otherwise `SSH_AUTH_SOCK`. nil for no agent.
    public var agentSocket: String? {
        guard let value = settings.first(.identityAgent) else { return tokens.environment("SSH_AUTH_SOCK") }
        if value.lowercased() == "none" { return nil }
        if value == "SSH_AUTH_SOCK" { return tokens.environment("SSH_AUTH_SOCK") }
        if value.hasPrefix("$"), !value.hasPrefix("${") { return tokens.environment(String(value.dropFirst())) }
        return value
    }

    /// What of the agent is offered to the host.
    public enum AgentForwarding: Sendable, Hashable {
        case off
        /// The agent that is used for this connection.
        case own
        /// Another one's socket.
        case socket(String)
    }

    public var agentForwarding: AgentForwarding {
        switch value(.forwardAgent) {
        case nil, "no": return .off
        case "yes": return .own
        case let path?:
            guard path.hasPrefix("$"), !path.hasPrefix("${") else { return .socket(path) }
            return tokens.environment(String(path.dropFirst())).map { .socket($0) } ?? .off
        }
    }

    /// What becomes of a key that was read from a file.
    public enum AgentAddition: Sendable, Hashable {
        case no
        case ask
        /// Kept for that long (nil: for ever), each use confirmed or not.
        case yes(lifetime: Duration?, confirms: Bool)
    }

    public var addsKeysToAgent: AgentAddition {
        switch value(.addKeysToAgent) {
        case nil, "false": return .no
        case "ask": return .ask
        case "true": return .yes(lifetime: nil, confirms: false)
        case let value?:
            let seconds = value.split(separator: " ").last.flatMap { Int($0) }
            return .yes(lifetime: seconds.map { .seconds($0) }, confirms: value.hasPrefix("confirm"))
        }
    }

    /// Names of the methods to try, best first; nil for the usual order.
    public var preferredAuthentications: [String]? {
        text(.preferredAuthentications)?.split(separator: ",").map(String.init)
    }

    public var usesPublicKeys: Bool { value(.pubkeyAuthentication) != "false" }
    public var usesPassword: Bool { isOn(.passwordAuthentication) }
    public var usesKeyboardInteractive: Bool { isOn(.kbdInteractiveAuthentication) }
    public var numberOfPasswordPrompts: Int { number(.numberOfPasswordPrompts) }
    /// Nobody is there to answer a question.
    public var isBatchMode: Bool { isOn(.batchMode) }
    /// The smallest RSA key that is accepted, in bits.
    public var requiredRSABits: Int { number(.requiredRSASize) }

    // MARK: The host's key

    /// What a host key that is not on record leads to.
    public enum HostKeyChecking: String, Sendable, Hashable {
        /// Record a new one. (OpenSSH also connects where another one is on record; we don't.)
        case off = "false"
        /// Record a new one, refuse a changed one.
        case acceptNew = "accept-new"
        case ask
        /// Refuse both.
        case strict = "true"
    }

    public var hostKeyChecking: HostKeyChecking {
        value(.strictHostKeyChecking).flatMap { HostKeyChecking(rawValue: $0) } ?? .ask
    }

    /// The user's files of known hosts; the first is written to.
    public func userKnownHostsFiles() throws(SSHConfigurationError) -> [String] { try paths(.userKnownHostsFile) }

    public func globalKnownHostsFiles() throws(SSHConfigurationError) -> [String] { try paths(.globalKnownHostsFile) }

    public var revokedHostKeysFile: String? { text(.revokedHostKeys).map(tokens.tilde) }
    public var hashesKnownHosts: Bool { isOn(.hashKnownHosts) }
    /// Whether further keys that the host proves are recorded: "true", "false" or "ask".
    public var updatesHostKeys: String { value(.updateHostKeys) ?? "true" }
    public var checksLocalhostKey: Bool { !isOn(.noHostAuthenticationForLocalhost) }

    // MARK: Files

    private func paths(_ keyword: ConfigurationKeyword) throws(SSHConfigurationError) -> [String] {
        var result: [String] = []
        for path in values(of: keyword) ?? [] where path.lowercased() != "none" {
            result.append(try tokens.path(path, in: keyword.rawValue))
        }
        return result
    }
}
