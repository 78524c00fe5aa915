/// The names that may stand in a user's certificate: sshd_config(5)'s AuthorizedPrincipalsFile. A name on each line,
/// perhaps with options of authorized_keys before it.
public struct AuthorizedPrincipals: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        /// The first line is 1.
        public let line: Int
        public let options: KeyOptions
        public let name: String
    }

    public let entries: [Entry]
    /// Lines that can't be used.
    public let problems: [LineProblem]

    /// Reads a file. Never fails: lines that break the format are in ``problems``.
    public init(file: [UInt8]) {
        (entries, problems) = TextLine.entries(of: file) { line throws(SSHKeyError) in try Entry(line) }
    }

    /// Names as they are, without options: where there is no file, the name that was asked for.
    public init(names: [String]) {
        entries = names.enumerated().map { Entry(line: $0.offset + 1, options: KeyOptions(), name: $0.element) }
        problems = []
    }

    /// What a login with a certificate of a trusted authority may do by this file.
    ///
    /// - Parameters:
    ///   - login: who wants to come in, from where, with what.
    ///   - isTrusted: whether a key is an authority for users (TrustedUserCAKeys).
    public func decide(_ login: KeyLogin, isTrusted: (SSHPublicKey) -> Bool) -> KeyDecision {
        guard let certificate = login.identity.certificate else { return .unknown }
        var refusal: KeyDecision?
        for entry in entries where certificate.principals.contains(where: { $0.utf8.elementsEqual(entry.name.utf8) }) {
            do throws(SSHKeyError) {
                try entry.options.check(login)
                try certificate.check(
                    as: .user, principal: entry.name, now: login.now, isTrusted: isTrusted, revoked: login.revoked,
                    sourceAddress: login.address)
                let permissions = try entry.options.permissions.merged(with: try certificate.permissions)
                if let details = login.signature {
                    try permissions.checkPresence(details, of: certificate.publicKey)
                }
                return .allowed(permissions, line: entry.line)
            } catch {
                refusal = .refused(error, line: entry.line)
            }
        }
        return refusal ?? .unknown
    }
}

extension AuthorizedPrincipals.Entry {
    init(_ line: TextLine) throws(SSHKeyError) {
        self.line = line.number
        // The name is the last field; what stands before it are options, which may hold blanks in quotes.
        let end = line.content.lastIndex(where: TextLine.isBlank)
        if let end {
            var rest = line.content[..<end]
            let field = try KeyOptionField.take(&rest)
            guard rest.isEmpty else { throw .malformed("a line holds more than options and one name") }
            options = try KeyOptions(KeyOptionField(field))
        } else {
            options = KeyOptions()
        }
        let start = end.map { $0 + 1 } ?? line.content.startIndex
        name = try TextLine.text(line.content[start...], "a name")
        guard !options.isCertificateAuthority, options.principals == nil else {
            throw .malformed("an option of this line belongs to a key, not to a name")
        }
    }
}
