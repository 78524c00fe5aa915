/// Checks of what a person writes about a host.
enum HostFields {
    /// A name to type and to say: letters, digits, dot, dash and underscore.
    static func alias(_ text: String) throws(GatewayError) -> String {
        let alias = try VisibleText.line(text, field: "alias", what: "The alias", limit: 64)
        let isPlain = alias.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || "0123456789.-_".unicodeScalars.contains($0)
        }
        guard !alias.isEmpty, isPlain, alias.first != "-", alias.first != "." else {
            throw .invalid(
                "alias",
                "An alias has letters, digits, dots, dashes and underscores, and begins with a letter or a digit.",
                hint: "For example web-prod-1.")
        }
        return alias
    }

    /// A name or an IP address; brackets around IPv6 are taken off.
    static func address(_ text: String) throws(GatewayError) -> String {
        var address = try VisibleText.line(text, field: "address", what: "The address", limit: 253)
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        let isPlain = address.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-._:%".utf8.contains(byte)
            }
        }
        guard !address.isEmpty, isPlain, !address.hasPrefix("-") else {
            throw .invalid(
                "address", "This is neither a host name nor an IP address.",
                hint: "For example web1.example.org or 10.0.0.7.")
        }
        return address
    }

    static func port(_ port: Int) throws(GatewayError) -> Int {
        guard (1...65_535).contains(port) else {
            throw .invalid("port", "A port is a number from 1 to 65535.", hint: "SSH's own is 22.")
        }
        return port
    }

    static func username(_ text: String) throws(GatewayError) -> String {
        let name = try VisibleText.line(text, field: "username", what: "The user name", limit: 64)
        guard !name.isEmpty else {
            throw .invalid("username", "The user name at the host is missing.", hint: "For example deploy.")
        }
        return name
    }

    static func tags(_ texts: [String]) throws(GatewayError) -> [String] {
        guard texts.count <= 32 else { throw .invalid("tags", "A host has at most 32 tags.", hint: "Take some away.") }
        var tags: [String] = []
        for text in texts {
            let tag = try VisibleText.line(text, field: "tags", what: "A tag", limit: 48).lowercased()
            guard !tag.isEmpty, !tags.contains(tag) else { continue }
            tags.append(tag)
        }
        return tags.sorted()
    }
}
