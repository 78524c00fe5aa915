import Crypto
import SSHCrypto

/// The hosts of a line in known_hosts: names and patterns with commas between them, or the hash of one name.
public struct HostPatterns: Sendable, Hashable {
    private enum Content: Hashable, Sendable {
        case patterns([Element])
        /// HMAC-SHA-1 of the name, with the salt as its key.
        case hash(salt: [UInt8], digest: [UInt8])
    }

    private struct Element: Hashable, Sendable {
        let isNegated: Bool
        let pattern: String
    }

    private let content: Content
    /// As it stands in the file.
    public let text: String

    /// Whether the name is hidden behind a hash.
    public var isHashed: Bool {
        if case .hash = content { return true }
        return false
    }

    /// The names, if this is a plain list of them: no hash, no pattern, no negation.
    var plainNames: [String]? {
        guard case .patterns(let elements) = content,
            elements.allSatisfy({ !$0.isNegated && !$0.pattern.contains("*") && !$0.pattern.contains("?") })
        else { return nil }
        return elements.map(\.pattern)
    }

    /// Reads the field of a line: "web.example.org,[web.example.org]:2222,!*.test", "|1|salt|digest".
    init(_ text: String) throws(SSHKeyError) {
        self.text = text
        // A blank of Unicode looks like the end of the name and is part of it: nobody means that.
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .malformed("a host name holds a blank of Unicode or other characters that are not printable ASCII")
        }
        guard text.first == "|" else {
            content = .patterns(try Self.elements(text))
            return
        }
        let parts = text.split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1] == "1", let salt = Base64.decode(parts[2]), salt.count == Self.digestLength,
            let digest = Base64.decode(parts[3]), digest.count == Self.digestLength
        else { throw .malformed("a hashed host name is incomplete") }
        content = .hash(salt: salt, digest: digest)
    }

    private static let digestLength = 20

    private static func elements(_ text: String) throws(SSHKeyError) -> [Element] {
        var elements: [Element] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let isNegated = part.first == "!"
            let pattern = isNegated ? part.dropFirst() : part
            guard !pattern.isEmpty else { throw .malformed("a host name is empty") }
            elements.append(Element(isNegated: isNegated, pattern: String(pattern)))
        }
        return elements
    }

    /// The names of hosts without a hash, joined by commas.
    static func plain(_ names: [String]) throws(SSHKeyError) -> HostPatterns {
        guard names.allSatisfy(Self.isName) else {
            throw .malformed("a host name holds characters that mean something else in known_hosts")
        }
        return try HostPatterns(names.map { $0.lowercased() }.joined(separator: ","))
    }

    /// A name behind a fresh salt.
    static func hashed(_ name: String) throws(SSHKeyError) -> HostPatterns {
        let salt = randomBytes(digestLength)
        return try HostPatterns(
            "|1|" + Base64.encode(salt) + "|" + Base64.encode(Self.digest(of: name, salt: salt)))
    }

    /// Whether a text can only be one host's name.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7e).contains($0) } && name.first != "!" && name.first != "|"
            && name.first != "#" && name.first != "@"
            && !name.contains { $0 == "*" || $0 == "?" || $0 == "," }
    }

    /// Whether the line speaks of this host: its ``HostName/text``. A negated pattern that fits is enough for no.
    func matches(_ name: String) -> Bool {
        switch content {
        case .hash(let salt, let digest): return constantTimeEquals(Self.digest(of: name, salt: salt), digest)
        case .patterns(let elements):
            var isMatch = false
            for element in elements where WildcardPattern(element.pattern, ignoresCase: true).matches(name) {
                if element.isNegated { return false }
                isMatch = true
            }
            return isMatch
        }
    }

    private static func digest(of name: String, salt: [UInt8]) -> [UInt8] {
        Array(
            HMAC<Insecure.SHA1>.authenticationCode(for: Array(name.lowercased().utf8), using: SymmetricKey(data: salt)))
    }
}

/// A host as known_hosts names it: "name" on port 22, "[name]:port" on others, in lower case.
struct HostName: Hashable, Sendable {
    let name: String
    let port: Int

    init(_ name: String, port: Int) {
        self.name = name.lowercased()
        self.port = port
    }

    var text: String { port == 22 ? name : "[\(name)]:\(port)" }
}
