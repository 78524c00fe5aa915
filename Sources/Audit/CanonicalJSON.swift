/// JSON with one way to write each value (RFC 8785 for objects, strings and integers): keys sorted by their UTF-16
/// code units, no spaces, the shortest escapes. What is hashed must not depend on a library's taste.
enum CanonicalJSON {
    /// The text of an object whose values are already canonical.
    static func object(_ members: [(key: String, value: String)]) -> String {
        let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
        return "{" + sorted.map { string($0.key) + ":" + $0.value }.joined(separator: ",") + "}"
    }

    /// The text of an object of strings.
    static func object(_ strings: [String: String]) -> String {
        object(strings.map { (key: $0.key, value: string($0.value)) })
    }

    /// RFC 8785 §3.2.2.2.
    static func string(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{8}": text += "\\b"
            case "\t": text += "\\t"
            case "\n": text += "\\n"
            case "\u{C}": text += "\\f"
            case "\r": text += "\\r"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
