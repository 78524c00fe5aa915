/// The check of one line's value, and its form for the settings.
struct ConfigurationValue {
    let keyword: ConfigurationKeyword
    let line: ConfigurationLine
    let arguments: [String]
    let place: ConfigurationPlace

    /// The most identity files, certificates and words of a list that are kept, as in OpenSSH.
    static let maximumEntries = 1024

    func fail(_ problem: String) -> SSHConfigurationError { .badValue(keyword, problem, place) }

    /// Checks the value, and keeps it if the line counts.
    func apply(to settings: inout ConfigurationSettings, isActive: Bool) throws(SSHConfigurationError) {
        switch keyword.syntax {
        case .flag: set(&settings, isActive, try choice(Self.flags))
        case .choice(let words): set(&settings, isActive, try choice(words))
        case .word: set(&settings, isActive, try word())
        case .count: set(&settings, isActive, "\(try count())")
        case .time:
            if let seconds = try time(try word()) { set(&settings, isActive, "\(seconds)") }
        case .words: try words(&settings, isActive)
        case .gathered: try gather(&settings, isActive)
        case .command: set(&settings, isActive, try command(settings))
        case .algorithms(let family): set(&settings, isActive, try algorithms(family))
        case .special: try special(&settings, isActive)
        }
    }

    private static let flags = ["yes": "yes", "true": "yes", "no": "no", "false": "no"]

    func set(_ settings: inout ConfigurationSettings, _ isActive: Bool, _ value: String?) {
        guard isActive, let value else { return }
        settings.set(keyword, [value], at: place)
    }

    // MARK: Kinds

    /// The one word that the line has.
    func word() throws(SSHConfigurationError) -> String {
        guard let word = arguments.first, !word.isEmpty else { throw fail("has no value") }
        guard arguments.count == 1 else { throw fail("has extra words at the end of the line") }
        return word
    }

    private func choice(_ words: [String: String]) throws(SSHConfigurationError) -> String {
        let word = try word()
        guard let value = words[word.lowercased()] else {
            throw fail("cannot be “\(shown(word))”, only \(words.keys.sorted().joined(separator: ", "))")
        }
        return value
    }

    private func count() throws(SSHConfigurationError) -> Int {
        let word = try word()
        guard let number = ConfigurationNumber.count(word) else { throw fail("is not a number: “\(shown(word))”") }
        return number
    }

    /// nil for "none".
    func time(_ word: String) throws(SSHConfigurationError) -> Int? {
        if word == "none" { return nil }
        guard let seconds = ConfigurationNumber.seconds(word) else { throw fail("is not a time: “\(shown(word))”") }
        return seconds
    }

    private func words(_ settings: inout ConfigurationSettings, _ isActive: Bool) throws(SSHConfigurationError) {
        guard !arguments.isEmpty, !arguments.contains("") else { throw fail("has an empty value") }
        guard arguments.count == 1 || !arguments.contains(where: { $0.lowercased() == "none" }) else {
            throw fail("must have “none” alone")
        }
        guard arguments.count <= Self.maximumEntries else { throw fail("has too many words") }
        if isActive { settings.set(keyword, arguments, at: place) }
    }

    private func gather(_ settings: inout ConfigurationSettings, _ isActive: Bool) throws(SSHConfigurationError) {
        let word = try word()
        guard isActive else { return }
        guard (settings[keyword]?.count ?? 0) < Self.maximumEntries else { throw fail("is set too often") }
        settings.append(keyword, word, at: place)
    }

    /// `ProxyJump` and `ProxyCommand` stand for the same thing: whichever comes first counts.
    private func command(_ settings: ConfigurationSettings) throws(SSHConfigurationError) -> String? {
        guard !line.command.isEmpty else { throw fail("has no command") }
        if keyword == .proxyCommand, let jump = settings.first(.proxyJump), jump != "none" { return nil }
        return line.command
    }

    private func algorithms(_ family: AlgorithmFamily) throws(SSHConfigurationError) -> String {
        let word = try word()
        let specification = AlgorithmSpecification(word)
        guard !specification.names.isEmpty else { throw fail("names no algorithm") }
        if let name = AlgorithmCatalogue.unknownName(in: specification, of: family) {
            throw fail("names an algorithm that nobody knows: “\(shown(name))”")
        }
        return word
    }

    func shown(_ text: String) -> String { DisplayText.neutralise(text, limit: 100) }
}
