/// The public key file format of RFC 4716: headers that may go on in the next line, then base64.
struct RFC4716Text {
    static let begin = "---- BEGIN SSH2 PUBLIC KEY ----"
    static let end = "---- END SSH2 PUBLIC KEY ----"

    let content: [UInt8]
    let comment: String

    init(_ file: [UInt8]) throws(SSHKeyError) {
        var lines = TextLine.lines(of: file).map { String(decoding: $0.content, as: UTF8.self) }[...]
        guard lines.popFirst() == Self.begin, let last = lines.firstIndex(of: Self.end) else {
            throw .malformed("the last line of an SSH2 public key is missing")
        }
        lines = lines[..<last]
        var comment = ""
        while let line = lines.first, let colon = line.firstIndex(of: ":") {
            lines = lines.dropFirst()
            var value = String(line[line.index(after: colon)...])
            // §3.3: a line that ends in a backslash goes on in the next one.
            while value.hasSuffix("\\"), let next = lines.popFirst() { value = value.dropLast() + next }
            if line[..<colon].lowercased() == "comment" { comment = Self.unquoted(value) }
        }
        guard let content = Base64.decode(lines.joined()), !content.isEmpty else {
            throw .malformed("the base64 text of an SSH2 public key is incomplete")
        }
        self.content = content
        self.comment = comment
    }

    /// §3.3.2: quotes around a comment are no part of it.
    private static func unquoted(_ text: String) -> String {
        let text = text.drop { $0 == " " }
        guard text.count >= 2, text.first == "\"", text.last == "\"" else { return String(text) }
        return String(text.dropFirst().dropLast())
    }

    /// A file, its lines at most 72 bytes long as §3.1 demands; a comment that would not fit is cut.
    static func text(_ content: [UInt8], comment: String) -> String {
        var lines = [begin]
        let clean = comment.unicodeScalars.filter { (0x20...0x7e).contains($0.value) && $0 != "\"" && $0 != "\\" }
        if !clean.isEmpty { lines.append("Comment: \"" + String(String.UnicodeScalarView(clean.prefix(60))) + "\"") }
        var rest = Base64.encode(content)[...]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(70)))
            rest = rest.dropFirst(70)
        }
        return (lines + [end, ""]).joined(separator: "\n")
    }
}

extension SSHPublicKey {
    /// The key as RFC 4716's file, which `ssh-keygen -i` and PuTTY read.
    public func rfc4716File(comment: String = "") -> String { RFC4716Text.text(blob, comment: comment) }
}
