/// Options as OpenSSH's tools take them: letters that may stand together, with their values behind them or in the next
/// word, until a word that is none.
struct OptionLetters {
    enum Item: Hashable {
        case flag(Character)
        case value(Character, String)
        /// "--name", which is not OpenSSH's.
        case long(String)
    }

    private(set) var items: [Item] = []
    /// The words behind the options.
    private(set) var operands: [String] = []

    /// - Parameters:
    ///   - words: Without the program's name.
    ///   - flags: Letters without a value.
    ///   - values: Letters with one.
    ///   - mayMix: Whether options may stand behind an operand.
    init(_ words: [String], flags: String, values: String, mayMix: Bool = false) throws(OptionError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                return
            }
            if word.hasPrefix("--") {
                items.append(.long(String(word.dropFirst(2))))
                continue
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                operands.append(word)
                if mayMix { continue }
                operands += rest
                return
            }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                if flags.contains(letter) {
                    items.append(.flag(letter))
                } else if values.contains(letter) {
                    guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                        throw OptionError(sentence: "Option -\(letter) needs a value.")
                    }
                    items.append(.value(letter, value))
                    break
                } else {
                    throw OptionError(sentence: "There is no option -\(Printable.line(String(letter))).")
                }
            }
        }
    }
}

/// The command was used wrongly.
public struct OptionError: Error, Hashable {
    public var sentence: String
}
