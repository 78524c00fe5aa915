/// The keys that may log in as a user: the file of sshd(8), "AUTHORIZED_KEYS FILE FORMAT".
///
///     let keys = AuthorizedKeys(file: bytes)
///     switch keys.decide(request) {
///     case .allowed(let permissions, let line): …
///     case .refused(let error, let line): …
///     case .unknown: …
///     }
public struct AuthorizedKeys: Sendable, Hashable {
    /// One key with its options.
    public struct Entry: Sendable, Hashable {
        /// Where it stands; the first line is 1.
        public let line: Int
        public let options: KeyOptions
        public let key: SSHPublicKey
        public let comment: String
    }

    /// The keys, in the file's order.
    public let entries: [Entry]
    /// Lines that can't be used and let nobody in.
    public let problems: [LineProblem]

    /// Reads a file. Never fails: lines that break the format are in ``problems``.
    public init(file: [UInt8]) {
        (entries, problems) = TextLine.entries(of: file) { line throws(SSHKeyError) in try Entry(line) }
    }

    /// Reads a file that is there as text.
    public init(text: String) { self.init(file: Array(text.utf8)) }
}

extension AuthorizedKeys.Entry {
    /// A line is a key, or options and a key. Whatever is neither is an error: a key whose type is missing would
    /// otherwise be taken for something else, and its options forgotten.
    init(_ line: TextLine) throws(SSHKeyError) {
        self.line = line.number
        var rest = line.content
        var probe = rest
        let first = TextLine.field(&probe)
        if String(validating: first, as: UTF8.self).map(Self.mayBeType) == true {
            options = KeyOptions()
        } else {
            options = try KeyOptions(KeyOptionField(try KeyOptionField.take(&rest)))
        }
        let text = try KeyText(rest)
        key = text.key
        comment = text.comment
    }

    /// No option begins like a key's type or a key's base64 does.
    private static func mayBeType(_ field: String) -> Bool {
        ["ssh-", "ecdsa-", "sk-", "AAAA"].contains { field.hasPrefix($0) }
    }
}
