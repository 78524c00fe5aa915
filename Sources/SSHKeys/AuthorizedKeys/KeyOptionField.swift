/// The options before a key, split at their commas: `command="a, b",no-pty`.
struct KeyOptionField {
    /// One option: its name in lower case, as names are compared, and the text between its quotes.
    struct Option {
        let name: String
        let value: String?
    }

    let options: [Option]

    /// Takes the field off the front of a line: it ends at the first blank outside of quotes.
    ///
    /// sshd(8), AUTHORIZED_KEYS FILE FORMAT: no spaces but within double quotes; `\"` is a quote within quotes.
    static func take(_ rest: inout ArraySlice<UInt8>) throws(SSHKeyError) -> ArraySlice<UInt8> {
        var isQuoted = false
        var index = rest.startIndex
        while index < rest.endIndex, isQuoted || !TextLine.isBlank(rest[index]) {
            if rest[index] == UInt8(ascii: "\\"), index + 1 < rest.endIndex, rest[index + 1] == UInt8(ascii: "\"") {
                index += 1
            } else if rest[index] == UInt8(ascii: "\"") {
                isQuoted.toggle()
            }
            index += 1
        }
        guard !isQuoted else { throw .malformed("a quote in the options is not closed") }
        defer { rest = rest[index...].drop(while: TextLine.isBlank) }
        return rest[..<index]
    }

    init(_ field: ArraySlice<UInt8>) throws(SSHKeyError) {
        var options: [Option] = []
        var rest = field
        while true {
            options.append(try Self.option(&rest))
            guard let comma = rest.first else { break }
            guard comma == UInt8(ascii: ",") else { throw .malformed("text follows the closing quote of an option") }
            rest = rest.dropFirst()
            // sshd does not mind a comma at the end.
            guard !rest.isEmpty else { break }
        }
        self.options = options
    }

    private static func option(_ rest: inout ArraySlice<UInt8>) throws(SSHKeyError) -> Option {
        let name = rest.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "\"") }
        rest = rest.dropFirst(name.count)
        let text = try TextLine.text(name, "an option's name").lowercased()
        guard !text.isEmpty else { throw .malformed("an option is empty") }
        guard rest.first == UInt8(ascii: "=") else {
            guard rest.first != UInt8(ascii: "\"") else { throw .malformed("a quote stands where an option ends") }
            return Option(name: text, value: nil)
        }
        rest = rest.dropFirst()
        return Option(name: text, value: try quoted(&rest, of: text))
    }

    private static func quoted(_ rest: inout ArraySlice<UInt8>, of name: String) throws(SSHKeyError) -> String {
        guard rest.first == UInt8(ascii: "\"") else {
            throw .malformed("the value of the option \(Printable.text(name)) does not stand in quotes")
        }
        var value: [UInt8] = []
        var index = rest.startIndex + 1
        while index < rest.endIndex, rest[index] != UInt8(ascii: "\"") {
            if rest[index] == UInt8(ascii: "\\"), index + 1 < rest.endIndex, rest[index + 1] == UInt8(ascii: "\"") {
                index += 1
            }
            value.append(rest[index])
            index += 1
        }
        guard index < rest.endIndex else { throw .malformed("a quote in the options is not closed") }
        rest = rest[(index + 1)...]
        return try TextLine.text(value[...], "the value of an option")
    }
}
