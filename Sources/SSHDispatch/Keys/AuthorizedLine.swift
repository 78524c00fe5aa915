/// The line that dispatch prints for sshd: `restrict,pty,…` and the key, both made here and from nothing but what was
/// checked, so that no quote, line feed or zero byte of anybody can be in it.
struct AuthorizedLine: Sendable {
    /// A variable that the login gets, where sshd's PermitUserEnvironment allows it.
    var environment: [(name: String, value: String)] = []
    /// The forced command's words; nil leaves the login to the account's shell.
    var command: [String]?
    var key: OfferedKey

    /// - Throws: `configuration` when a word of the command cannot stand there.
    func text() throws(DispatchError) -> String {
        var options = ["restrict", "pty"]
        for variable in environment {
            options.append("environment=\"\(variable.name)=\(try Self.checked(variable.value))\"")
        }
        if let command {
            var words: [String] = []
            for word in command { words.append(try Self.checked(word)) }
            options.append("command=\"\(words.joined(separator: " "))\"")
        }
        return options.joined(separator: ",") + " " + key.line
    }

    /// The command goes through the reader of authorized_keys and then through the account's shell: a word is of
    /// characters that mean nothing to either.
    private static func checked(_ word: String) throws(DispatchError) -> String {
        guard word.utf8.allSatisfy(isPlain) else {
            throw DispatchError(
                .configuration, "“\(printable(word))” cannot stand in a line of authorized_keys.",
                hint: "Use paths and names of letters, digits and / . _ - + @ : , = only.")
        }
        return word
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "@"), UInt8(ascii: ":"), UInt8(ascii: ","),
            UInt8(ascii: "="):
            true
        default: false
        }
    }
}
