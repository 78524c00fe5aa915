import Crypto

/// The replacement of `%` tokens, of `${NAME}` and of `~` (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES).
public struct ConfigurationTokens: Sendable {
    /// What each letter stands for.
    var values: [Character: String]
    let environment: @Sendable (String) -> String?
    let homeFolder: String

    /// Replaces tokens. Throws `badToken` for one that the value may not have, and for a "%" at the end.
    func percent(_ text: String, in what: String) throws(SSHConfigurationError) -> String {
        try replace(text, percent: true, dollar: false, in: what)
    }

    /// Replaces tokens and environment variables. Throws `badToken` also for a variable that is not set.
    func percentAndDollar(_ text: String, in what: String) throws(SSHConfigurationError) -> String {
        try replace(text, percent: true, dollar: true, in: what)
    }

    /// A path: "~" first, then tokens and environment variables.
    func path(_ text: String, in what: String) throws(SSHConfigurationError) -> String {
        try percentAndDollar(tilde(text), in: what)
    }

    /// "~" and "~/…" to the home folder; "~name/…" stays, since nobody's else files are meant here.
    func tilde(_ text: String) -> String {
        if text == "~" { return homeFolder }
        return text.hasPrefix("~/") ? homeFolder + text.dropFirst() : text
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func replace(
        _ text: String, percent: Bool, dollar: Bool, in what: String
    ) throws(SSHConfigurationError) -> String {
        var result = ""
        var rest = text[...]
        while let character = rest.first {
            rest.removeFirst()
            if percent, character == "%" {
                guard let letter = rest.popFirst() else { throw bad("ends with a single %", what) }
                if letter == "%" {
                    result.append("%")
                } else if let value = values[letter] {
                    result += value
                } else {
                    throw bad("has the token %\(letter), which it may not have", what)
                }
            } else if dollar, character == "$", rest.first == "{" {
                guard let end = rest.firstIndex(of: "}") else { throw bad("has a “${” without “}”", what) }
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                guard !name.isEmpty, let value = environment(name) else {
                    throw bad("uses ${\(name)}, which is not set", what)
                }
                result += value
                rest = rest[rest.index(after: end)...]
            } else {
                result.append(character)
            }
            guard result.utf8.count <= 64 * 1024 else { throw bad("becomes longer than 64 KiB", what) }
        }
        return result
    }

    private func bad(_ problem: String, _ what: String) -> SSHConfigurationError {
        SSHConfigurationError(
            .badToken, "\(what) \(DisplayText.neutralise(problem, limit: 200)).",
            hint: "Write %% for a percent sign; “man ssh_config”, TOKENS, lists what may stand where.")
    }

    /// `%C`: what tells one connection from another.
    static func connectionHash(localHost: String, host: String, port: String, user: String) -> String {
        Insecure.SHA1.hash(data: Array((localHost + host + port + user).utf8)).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
