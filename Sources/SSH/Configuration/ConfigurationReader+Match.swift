// `Match`: every criterion must fit. What was set further up already counts here.

extension ConfigurationReader {
    /// Whether the lines after a `Match` count.
    mutating func match(
        _ line: ConfigurationLine, _ place: ConfigurationPlace
    ) throws(SSHConfigurationError) -> Bool {
        var words = ConfigurationLine.Criteria(line.rest)
        var isMatch = true
        var count = 0
        while let word = words.next() {
            let isNegated = word.hasPrefix("!")
            let criterion = (isNegated ? String(word.dropFirst()) : word).lowercased()
            if criterion == "all" {
                // As OpenSSH: one criterion may stand before it (“Match final all”), nothing after it.
                guard count <= 1, words.next() == nil else {
                    throw .badMatch("cannot combine “all” with others", place)
                }
                return isMatch && !isNegated
            }
            count += 1
            let fits: Bool
            switch criterion {
            case "canonical":
                fits = isFinalPass
            case "final":
                wantsFinalPass = true
                fits = isFinalPass
            default:
                guard let argument = words.next(), !argument.isEmpty else {
                    throw .badMatch("has no value for “\(DisplayText.neutralise(criterion, limit: 64))”", place)
                }
                if criterion == "exec", !isMatch { continue }
                fits = try self.fits(criterion, argument, place)
            }
            if fits == isNegated { isMatch = false }
        }
        guard count > 0 else { throw .badMatch("has no criteria", place) }
        return isMatch
    }

    private func fits(
        _ criterion: String, _ argument: String, _ place: ConfigurationPlace
    ) throws(SSHConfigurationError) -> Bool {
        switch criterion {
        case "host":
            return NamePattern.listMatches(try currentHost(), argument, ignoringCase: true)
        case "originalhost":
            return NamePattern.listMatches(originalHost, argument, ignoringCase: true)
        case "user":
            return NamePattern.listMatches(settings.first(.user) ?? context.localUser, argument)
        case "localuser":
            return NamePattern.listMatches(context.localUser, argument)
        case "tagged":
            return NamePattern.listMatches(settings.first(.tag) ?? "", argument)
        case "exec":
            let tokens = SSHConfiguration.tokens(
                settings, context: context, originalHost: originalHost, host: try currentHost())
            return context.runs(try tokens.percent(argument, in: "Match exec"))
        default:
            throw .badMatch("does not know “\(DisplayText.neutralise(criterion, limit: 64))”", place)
        }
    }

    /// The host as far as the lines up to here say.
    private func currentHost() throws(SSHConfigurationError) -> String {
        guard let name = settings.first(.hostName) else { return host }
        if isFinalPass { return name }
        let tokens = ConfigurationTokens(
            values: ["h": host], environment: context.environment, homeFolder: context.homeFolder)
        return try tokens.percent(name, in: "HostName")
    }
}
