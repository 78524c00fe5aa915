/// Names of stored things: a prefix that tells the kind, and 100 random bits that nobody can guess.
public enum Identifier {
    /// RFC 4648 §6, in lower case.
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")

    /// `make("ses")` gives `ses_` and 20 lower-case base32 characters from the system's secure generator.
    public static func make(_ prefix: String) -> String {
        var generator = SystemRandomNumberGenerator()
        return prefix + "_" + String((0..<20).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
    }
}
