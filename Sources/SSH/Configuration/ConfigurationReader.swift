/// One pass over the configuration for one host: which lines count, and what they say.
struct ConfigurationReader {
    /// Whose file it is: decides where relative names of `Include` begin.
    enum Role {
        case user, system
    }

    /// As OpenSSH has it.
    static let maximumDepth = 16
    /// Files that include each other twice in every level would double the work with each.
    static let maximumLines = 1_000_000

    let context: ConfigurationContext
    /// As the person wrote it.
    let originalHost: String
    /// What `Host` compares: the original name, in the last pass the name that came of it.
    let host: String
    let isFinalPass: Bool
    var settings: ConfigurationSettings
    /// A `Match final` was seen, so there must be another pass.
    var wantsFinalPass = false
    /// Names of the past that were found, and lines left out by `IgnoreUnknown`.
    private(set) var ignored: [IgnoredSetting] = []
    private var lineCount = 0

    init(
        context: ConfigurationContext, originalHost: String, host: String, isFinalPass: Bool,
        settings: ConfigurationSettings
    ) {
        self.context = context
        self.originalHost = originalHost
        self.host = host
        self.isFinalPass = isFinalPass
        self.settings = settings
    }

    /// Reads a file and what it includes; false when there is none.
    @discardableResult
    mutating func read(
        _ path: String, role: Role, isChecked: Bool, mayMatch: Bool = true, depth: Int = 0
    ) throws(SSHConfigurationError) -> Bool {
        guard let lines = try ConfigurationFile.lines(path, owner: isChecked ? context.userID : nil) else {
            return false
        }
        lineCount += lines.count
        guard lineCount <= Self.maximumLines else {
            throw SSHConfigurationError(
                .limitExceeded, "The configuration has more than a million lines.",
                hint: "Check that no file is included again and again.")
        }
        var file = OpenFile(role: role, mayMatch: mayMatch, depth: depth, isActive: mayMatch)
        for (index, bytes) in lines.enumerated() {
            try read(bytes, at: ConfigurationPlace(file: path, line: index + 1), in: &file)
        }
        return true
    }

    /// Reads a line of the command line (`-o`), which counts before every file.
    mutating func read(option: String, number: Int) throws(SSHConfigurationError) {
        var file = OpenFile(role: .user, mayMatch: true, depth: 0, isActive: true, isCommandLine: true)
        try read(Array(option.utf8), at: ConfigurationPlace(file: "command line", line: number), in: &file)
    }

    /// What is known about the file that is being read.
    private struct OpenFile {
        let role: Role
        /// False in a file that a line which does not count includes: it is checked, and nothing in it counts.
        let mayMatch: Bool
        let depth: Int
        /// Whether lines count now.
        var isActive: Bool
        var isCommandLine = false
    }

    private mutating func read(
        _ bytes: [UInt8], at place: ConfigurationPlace, in file: inout OpenFile
    ) throws(SSHConfigurationError) {
        guard let line = ConfigurationLine(bytes) else { return }
        guard !line.rest.isEmpty else {
            throw SSHConfigurationError(
                .badValue, "“\(shown(line.keyword))” has no value.",
                hint: "Write a value after it, or delete the line.",
                place: place)
        }
        guard let arguments = line.arguments else {
            throw SSHConfigurationError(
                .badValue, "A quotation mark is not closed.",
                hint: "Close it, or write a backslash before it.", place: place)
        }
        switch line.keyword {
        case "host": file.isActive = try host(arguments, file, place)
        case "match": file.isActive = try match(line, place) && file.mayMatch
        case "include": try include(arguments, file, place)
        default: try setting(line, arguments, file, place)
        }
    }

    private mutating func setting(
        _ line: ConfigurationLine, _ arguments: [String], _ file: OpenFile, _ place: ConfigurationPlace
    ) throws(SSHConfigurationError) {
        guard let keyword = ConfigurationKeyword(named: line.keyword) else {
            return try unknown(line.keyword, file, place)
        }
        let value = ConfigurationValue(keyword: keyword, line: line, arguments: arguments, place: place)
        try value.apply(to: &settings, isActive: file.isActive)
    }

    private mutating func unknown(
        _ keyword: String, _ file: OpenFile, _ place: ConfigurationPlace
    ) throws(SSHConfigurationError) {
        let isForgiven = settings.first(.ignoreUnknown).map { NamePattern.listMatches(keyword, $0) } ?? false
        guard isForgiven || ConfigurationKeyword.ignoredNames.contains(keyword) else {
            throw SSHConfigurationError(
                .unknownKeyword, "“\(shown(keyword))” is no keyword of ssh_config.",
                hint: "Check the spelling, or write “IgnoreUnknown \(shown(keyword))” before it.", place: place)
        }
        if file.isActive { ignored.append(IgnoredSetting(name: keyword, place: place)) }
    }

    // MARK: Blocks

    private func host(
        _ patterns: [String], _ file: OpenFile, _ place: ConfigurationPlace
    ) throws(SSHConfigurationError) -> Bool {
        guard !file.isCommandLine else { throw notOnCommandLine("Host", place) }
        var isMatch = false
        for pattern in patterns {
            guard !pattern.isEmpty else {
                throw SSHConfigurationError(
                    .badValue, "Host has an empty pattern.", hint: "Write a name or “*”.", place: place)
            }
            if pattern.hasPrefix("!") {
                // One that fits rules the host out, whatever else stands there.
                if NamePattern.matches(host, String(pattern.dropFirst())) { return false }
            } else if NamePattern.matches(host, pattern) {
                isMatch = true
            }
        }
        return isMatch && file.mayMatch
    }

    private mutating func include(
        _ patterns: [String], _ file: OpenFile, _ place: ConfigurationPlace
    ) throws(SSHConfigurationError) {
        guard !file.isCommandLine else { throw notOnCommandLine("Include", place) }
        guard file.depth < Self.maximumDepth else {
            throw SSHConfigurationError(
                .limitExceeded, "Include goes deeper than \(Self.maximumDepth) files.",
                hint: "Check that no file includes itself.", place: place)
        }
        for pattern in patterns {
            for path in ConfigurationFile.matching(try includePattern(pattern, file.role, place)) {
                // What an included file's Host and Match say ends with it.
                try read(
                    path, role: file.role, isChecked: true, mayMatch: file.mayMatch && file.isActive,
                    depth: file.depth + 1)
            }
        }
    }

    private func includePattern(
        _ pattern: String, _ role: Role, _ place: ConfigurationPlace
    ) throws(SSHConfigurationError) -> String {
        if pattern.hasPrefix("/") { return pattern }
        switch role {
        case .user:
            return pattern.hasPrefix("~/")
                ? context.homeFolder + pattern.dropFirst() : context.homeFolder + "/.ssh/" + pattern
        case .system:
            guard !pattern.isEmpty, !pattern.hasPrefix("~") else {
                throw SSHConfigurationError(
                    .badValue, "Include has a path that the system's configuration cannot have.",
                    hint: "Write a path that begins with “/”.", place: place)
            }
            return context.systemFolder + "/" + pattern
        }
    }

    private func notOnCommandLine(_ keyword: String, _ place: ConfigurationPlace) -> SSHConfigurationError {
        SSHConfigurationError(
            .badValue, "\(keyword) has no meaning on the command line.", hint: "Write it into a configuration file.",
            place: place)
    }

    private func shown(_ text: String) -> String { DisplayText.neutralise(text, limit: 64) }
}
