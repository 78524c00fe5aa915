/// What an agent has typed at a prompt and not yet sent with Enter, as far as that is known: so that a command in pieces is
/// judged like one in a whole.
struct TypedLine: Sendable {
    private(set) var text = ""
    /// False after keys whose effect on the line is not known here: history, completion, cursor moves.
    private(set) var isKnown = true

    /// Somebody else typed meanwhile: what stands in the line is not known.
    mutating func touchedByOthers() { isKnown = false }

    /// Takes keys in.
    /// - Returns: the lines that these keys would send; nil for one that is not known.
    mutating func type(_ bytes: [UInt8]) -> [String?] {
        var sent: [String?] = []
        var pending: [UInt8] = []
        func flush(_ line: inout TypedLine) {
            line.text += String(decoding: pending, as: UTF8.self)
            pending = []
        }
        for byte in bytes {
            switch byte {
            case 0x0D, 0x0A:
                flush(&self)
                sent.append(isKnown ? text : nil)
                self = TypedLine()
            // ^C and ^U empty the line in every shell.
            case 0x03, 0x15:
                pending = []
                self = TypedLine()
            case 0x7F, 0x08:
                flush(&self)
                if !text.isEmpty { text.removeLast() }
            case 0x00..<0x20:
                flush(&self)
                // ^D on an empty line ends the shell and nothing else; all others change the line in ways of their own.
                if byte != 0x04 { isKnown = false }
            default: pending.append(byte)
            }
        }
        flush(&self)
        return sent
    }
}
