import NIOCore

/// `CanonicalizeHostname`: a short name becomes the full one before anything is compared with it.
struct CanonicalHostName {
    private let settings: ConfigurationSettings
    private let context: ConfigurationContext
    /// yes, no or always.
    private let mode: String

    init(settings: ConfigurationSettings, context: ConfigurationContext) {
        self.settings = settings
        self.context = context
        mode = settings.first(.canonicalizeHostname) ?? "false"
    }

    /// Whether the configuration is read again with the name that came of it.
    var isAsked: Bool { mode != "false" }

    static func isAddress(_ name: String) -> Bool { (try? SocketAddress(ipAddress: name, port: 0)) != nil }

    private var isDirect: Bool {
        let command = settings.first(.proxyCommand) ?? "none"
        let jump = settings.first(.proxyJump) ?? "none"
        return command.lowercased() == "none" && jump == "none"
    }

    /// The full name, or the name itself where none is found or none is looked for.
    mutating func resolve(_ name: String) throws(SSHConfigurationError) -> String {
        guard isAsked, !Self.isAddress(name), isDirect || mode == "always" else { return name }
        if name.hasSuffix(".") {
            if let alias = context.alias(name) { return followed(String(name.dropLast()), alias) }
            return try fallBack(name)
        }
        let limit = settings.first(.canonicalizeMaxDots).flatMap { Int($0) } ?? 1
        guard name.count(where: { $0 == "." }) <= limit else { return followed(name) }
        for domain in settings[.canonicalDomains] ?? [] where domain.lowercased() != "none" {
            let full = name + "." + domain
            if let alias = context.alias(full + ".") { return followed(full.lowercased(), alias) }
        }
        return try fallBack(name)
    }

    private func fallBack(_ name: String) throws(SSHConfigurationError) -> String {
        guard settings.first(.canonicalizeFallbackLocal) == "no" else { return followed(name) }
        throw SSHConfigurationError(
            .hostNotFound, "No domain of CanonicalDomains knows \(DisplayText.neutralise(name, limit: 253)).",
            hint: "Check the name, or set CanonicalizeFallbackLocal to yes.")
    }

    /// The name itself, or what the machine's own way of searching says that it is an alias of. Nobody is asked where no
    /// rule could allow the step.
    private func followed(_ name: String) -> String {
        let rules = settings[.canonicalizePermittedCNAMEs] ?? []
        guard rules.contains(where: { $0 != "none" }), let alias = context.alias(name) else { return name }
        return followed(name, alias)
    }

    /// `CanonicalizePermittedCNAMEs`: the name that the first one is an alias of, if a rule allows the step.
    private func followed(_ name: String, _ alias: String) -> String {
        guard !alias.isEmpty else { return name }
        let isPermitted = (settings[.canonicalizePermittedCNAMEs] ?? []).contains { rule in
            let parts = rule.split(separator: ":").map(String.init)
            return parts.count == 2 && NamePattern.listMatches(name, parts[0], ignoringCase: true)
                && NamePattern.listMatches(alias, parts[1], ignoringCase: true)
        }
        return isPermitted ? alias : name
    }
}
