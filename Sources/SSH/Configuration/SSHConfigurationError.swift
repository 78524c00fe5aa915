/// Where a line of a configuration stands.
public struct ConfigurationPlace: Sendable, Hashable, CustomStringConvertible {
    /// The file, or "command line".
    public var file: String
    /// Counted from 1.
    public var line: Int

    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    public var description: String { "\(file) line \(line)" }
}

/// Why an ssh_config(5) cannot be used.
public struct SSHConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable strings for machines.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A file is missing that was asked for by name, or cannot be read.
        case unreadableFile = "configuration_unreadable"
        /// Others than its owner could change the file.
        case unsafePermissions = "configuration_unsafe_permissions"
        /// Larger, or nested more deeply, than anybody's configuration is.
        case limitExceeded = "configuration_limit_exceeded"
        /// A line begins with a word that ssh_config(5) does not know.
        case unknownKeyword = "configuration_unknown_keyword"
        /// A value that its keyword cannot have, or quotation marks that do not close.
        case badValue = "configuration_bad_value"
        /// A `Match` line that says nothing or contradicts itself.
        case badMatch = "configuration_bad_match"
        /// A `%` token or `${…}` that cannot be replaced.
        case badToken = "configuration_bad_token"
        /// `CanonicalizeFallbackLocal no`, and no domain knows the host.
        case hostNotFound = "configuration_host_not_found"
        /// A list names nothing that this program can do.
        case noUsableAlgorithm = "configuration_no_usable_algorithm"
    }

    public var code: Code
    /// What is wrong and where, in one sentence.
    public var description: String
    /// What to do about it.
    public var hint: String
    /// The line at fault, if it is one.
    public var place: ConfigurationPlace?

    public init(_ code: Code, _ description: String, hint: String, place: ConfigurationPlace? = nil) {
        self.code = code
        self.description = place.map { "\($0): \(description)" } ?? description
        self.hint = hint
        self.place = place
    }

    static func badValue(
        _ keyword: ConfigurationKeyword, _ problem: String, _ place: ConfigurationPlace
    ) -> SSHConfigurationError {
        SSHConfigurationError(
            .badValue, "\(keyword.rawValue) \(problem).",
            hint: "See \(keyword.rawValue) in “man ssh_config” for what it may be.", place: place)
    }

    static func badMatch(_ problem: String, _ place: ConfigurationPlace) -> SSHConfigurationError {
        SSHConfigurationError(
            .badMatch, "Match \(problem).",
            hint: "Write criteria as in “Match host *.example.org user deploy”.", place: place)
    }
}
