/// The block between "-----BEGIN …-----" and "-----END …-----" that holds a file's private key, or else the first of
/// the file (RFC 7468, RFC 1421 §4.6 for the headers). OpenSSL puts "EC PARAMETERS" before an EC key.
struct PEMBlock {
    /// What stands after BEGIN: "OPENSSH PRIVATE KEY".
    let label: String
    /// "Proc-Type" and the like; keys in lower case.
    let headers: [String: String]
    let content: [UInt8]

    init(file: [UInt8]) throws(SSHKeyError) {
        guard file.count <= SSHPrivateKey.maximumFileLength else {
            throw .notAPrivateKey("a file of \(file.count) bytes")
        }
        guard let text = String(validating: file, as: UTF8.self) else { throw .notAPrivateKey("a binary file") }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(Self.trimmed)
        let begins = lines.indices.filter { Self.isBegin(lines[$0]) }
        guard let begin = begins.first(where: { lines[$0].hasSuffix("PRIVATE KEY-----") }) ?? begins.first else {
            throw Self.whatItIs(lines)
        }
        let label = String(lines[begin].dropFirst(11).dropLast(5))
        guard let end = lines[(begin + 1)...].firstIndex(of: "-----END \(label)-----") else {
            throw .malformed("the line “-----END \(Printable.text(label))-----” is missing")
        }
        var body = lines[(begin + 1)..<end]
        var headers: [String: String] = [:]
        while let line = body.first, let colon = line.firstIndex(of: ":") {
            headers[line[..<colon].lowercased()] = Self.trimmed(line[line.index(after: colon)...])
            body = body.dropFirst()
        }
        guard let content = Base64.decode(body.joined()), !content.isEmpty else {
            throw .malformed("the base64 text of the key is incomplete or holds other characters")
        }
        self.label = label
        self.headers = headers
        self.content = content
    }

    /// A line of base64 with line feeds every `width` characters between BEGIN and END.
    static func text(label: String, content: [UInt8], width: Int) -> String {
        var lines = ["-----BEGIN \(label)-----"]
        var rest = Base64.encode(content)[...]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(width)))
            rest = rest.dropFirst(width)
        }
        lines.append("-----END \(label)-----\n")
        return lines.joined(separator: "\n")
    }

    private static func isBegin(_ line: String) -> Bool {
        line.hasPrefix("-----BEGIN ") && line.hasSuffix("-----") && line.count > 16
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\u{feff}" }
        var slice = Substring(text).drop(while: isBlank)
        while let last = slice.last, isBlank(last) { slice.removeLast() }
        return String(slice)
    }

    /// Names the things that people give by mistake.
    private static func whatItIs(_ lines: [String]) -> SSHKeyError {
        guard let first = lines.first(where: { !$0.isEmpty }) else { return .notAPrivateKey("empty") }
        if first.hasPrefix("---- BEGIN SSH2 PUBLIC KEY") { return .notAPrivateKey("a public key") }
        if first.hasPrefix("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY") {
            return .unsupported("ssh.com's key format", hint: "Convert it with: ssh-keygen -i -f KEY > NEW")
        }
        let isPublic = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].contains { first.hasPrefix($0) }
        return .notAPrivateKey(isPublic ? "a public key" : "other text")
    }
}
