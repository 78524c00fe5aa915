/// What the lines that count have said so far. Values are kept in the form in which `ssh -G` prints them; the first one of
/// a keyword wins, except where values gather.
struct ConfigurationSettings {
    private var values: [ConfigurationKeyword: [String]] = [:]
    private(set) var places: [ConfigurationKeyword: ConfigurationPlace] = [:]

    subscript(keyword: ConfigurationKeyword) -> [String]? { values[keyword] }

    func first(_ keyword: ConfigurationKeyword) -> String? { values[keyword]?.first }

    mutating func set(_ keyword: ConfigurationKeyword, _ value: [String], at place: ConfigurationPlace) {
        guard values[keyword] == nil else { return }
        values[keyword] = value
        places[keyword] = place
    }

    mutating func append(_ keyword: ConfigurationKeyword, _ value: String, at place: ConfigurationPlace) {
        guard values[keyword]?.contains(value) != true else { return }
        values[keyword, default: []].append(value)
        if places[keyword] == nil { places[keyword] = place }
    }

    /// Takes what a rule of ssh_config(5) derives in place of what was written.
    mutating func replace(_ keyword: ConfigurationKeyword, _ value: [String]?) { values[keyword] = value }
}
