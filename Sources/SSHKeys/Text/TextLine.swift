/// A line of authorized_keys or known_hosts that says something, and where it stands.
///
/// Lines end at a line feed and nothing else: who took other characters of Unicode for line ends would find keys in
/// another line's comment.
struct TextLine {
    /// The first line is 1.
    let number: Int
    /// Without blanks around it and without the line end.
    let content: ArraySlice<UInt8>

    /// The lines of a file but for empty ones and comments.
    static func lines(of file: [UInt8]) -> [TextLine] {
        var lines: [TextLine] = []
        for (index, line) in file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let content = trimmed(line)
            guard let first = content.first, first != UInt8(ascii: "#") else { continue }
            lines.append(TextLine(number: index + 1, content: content))
        }
        return lines
    }

    /// Reads each line of a file; a line that `read` refuses is a problem and hinders no other.
    static func entries<Entry>(
        of file: [UInt8], _ read: (TextLine) throws(SSHKeyError) -> Entry
    ) -> (entries: [Entry], problems: [LineProblem]) {
        var entries: [Entry] = []
        var problems: [LineProblem] = []
        for line in lines(of: file) {
            do throws(SSHKeyError) { entries.append(try read(line)) } catch {
                problems.append(LineProblem(line: line.number, error: error))
            }
        }
        return (entries, problems)
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var slice = bytes.drop(while: isBlank)
        while let last = slice.last, isBlank(last) || last == UInt8(ascii: "\r") { slice.removeLast() }
        return slice
    }

    /// Takes the next field off the front of `rest`; empty at the end.
    static func field(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        rest = rest.drop(while: isBlank)
        let field = rest.prefix { !isBlank($0) }
        rest = rest.dropFirst(field.count).drop(while: isBlank)
        return field
    }

    /// The text of a field; throws if it is no UTF-8.
    static func text(_ bytes: ArraySlice<UInt8>, _ what: String) throws(SSHKeyError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw .malformed("\(what) is not valid UTF-8")
        }
        return text
    }
}

/// A line that could not be used, and why. The others of its file are good.
public struct LineProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file; empty if it was given as text.
    public let path: String
    /// The first line is 1.
    public let line: Int
    public let error: SSHKeyError

    init(path: String = "", line: Int, error: SSHKeyError) {
        self.path = path
        self.line = line
        self.error = error
    }

    public var description: String { (path.isEmpty ? "line " : path + ":") + "\(line): \(error.description)" }
}

/// A public key as text files hold it: type, base64, and a comment that may be anything.
struct KeyText {
    let key: SSHPublicKey
    let comment: String

    /// Reads "type base64 [comment]" up to the end.
    init(_ rest: ArraySlice<UInt8>) throws(SSHKeyError) {
        var rest = rest
        let type = try TextLine.text(TextLine.field(&rest), "a key's type")
        let base64 = try TextLine.text(TextLine.field(&rest), "a key")
        try Self.check(type: type, base64: base64)
        guard let blob = Base64.decode(base64) else { throw .malformed("the base64 of a public key is incomplete") }
        key = try SSHPublicKey(wire: blob)
        guard key.algorithm == type else {
            throw .malformed("a public key line says \(type) and holds a key of type \(key.algorithm)")
        }
        comment = String(decoding: TextLine.trimmed(rest), as: UTF8.self)
    }

    /// Says which part is missing, where one is.
    private static func check(type: String, base64: String) throws(SSHKeyError) {
        guard !type.isEmpty else { throw .malformed("the key is missing") }
        guard !type.hasPrefix("AAAA") else { throw .malformed("the key's type before its base64 text is missing") }
        guard !SSHCertificate.isCertificateAlgorithm(type) else {
            throw .unsupported(
                "A certificate in this file", hint: "List its authority's public key and mark it as an authority.")
        }
        guard SSHPublicKey.knownTypes.contains(type) else {
            throw .unsupported("The key type “\(Printable.text(type))”")
        }
        guard !base64.isEmpty else { throw .malformed("the base64 text of a key is missing") }
    }
}
