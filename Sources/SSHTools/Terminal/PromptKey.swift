/// What a person does at a prompt.
enum PromptKey: Hashable {
    case text(String)
    /// Text that came by a bracketed paste; it runs nothing, whatever is in it.
    case paste(String)
    case enter, tab, interrupt, endOfInput, clearScreen, search, abandon, unknown
    case left, right, wordLeft, wordRight, home, end, up, down
    case backspace, delete, killToEnd, killToStart, killWord, killNextWord, yank, transpose
}

/// Makes keys of a terminal's bytes; what is not complete yet waits for the rest.
struct PromptKeyDecoder {
    private static let pasteEnd = Array("\u{1b}[201~".utf8)
    /// A sequence that is longer than any real one is dropped.
    private static let maximumSequence = 32

    private var pending: [UInt8] = []
    private var pasted: [UInt8]?

    mutating func decode(_ bytes: [UInt8]) -> [PromptKey] {
        pending += bytes
        var keys: [PromptKey] = []
        while !pending.isEmpty {
            guard let (key, count) = pasted == nil ? next() : pasteEnding() else { break }
            pending.removeFirst(min(count, pending.count))
            if let key { keys.append(key) }
        }
        return Self.joined(keys)
    }

    /// Letters that come together are one piece of text.
    private static func joined(_ keys: [PromptKey]) -> [PromptKey] {
        keys.reduce(into: []) { result, key in
            if case .text(let more) = key, case .text(let text)? = result.last {
                result[result.count - 1] = .text(text + more)
            } else {
                result.append(key)
            }
        }
    }

    private mutating func pasteEnding() -> (PromptKey?, Int)? {
        guard var text = pasted else { return nil }
        let mark = Self.pasteEnd
        var index = 0
        while index < pending.count {
            let rest = pending[index...].prefix(mark.count)
            if rest.elementsEqual(mark) {
                pasted = nil
                return (.paste(String(decoding: text, as: UTF8.self)), index + mark.count)
            }
            // Perhaps the mark's beginning.
            if rest.count < mark.count, mark.starts(with: rest) { break }
            text.append(pending[index])
            index += 1
        }
        pasted = text
        pending.removeFirst(index)
        return nil
    }

    /// The next key and the bytes it takes; nil when more must come.
    private mutating func next() -> (PromptKey?, Int)? {
        guard let first = pending.first else { return nil }
        if first == 0x1B { return escape() }
        if first < 0x20 || first == 0x7F { return (Self.control(first), 1) }
        let length =
            switch first {
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 1
            }
        guard pending.count >= length else { return nil }
        let character = pending.prefix(length)
        guard first < 0x80 || length > 1, let text = String(validating: character, as: UTF8.self) else {
            return (nil, 1)
        }
        return (.text(text), length)
    }

    private static func control(_ byte: UInt8) -> PromptKey {
        switch byte {
        case 0x01: .home
        case 0x02: .left
        case 0x03: .interrupt
        case 0x04: .endOfInput
        case 0x05: .end
        case 0x06: .right
        case 0x07: .abandon
        case 0x08, 0x7F: .backspace
        case 0x09: .tab
        case 0x0A, 0x0D: .enter
        case 0x0B: .killToEnd
        case 0x0C: .clearScreen
        case 0x0E: .down
        case 0x10: .up
        case 0x12: .search
        case 0x14: .transpose
        case 0x15: .killToStart
        case 0x17: .killWord
        case 0x19: .yank
        default: .unknown
        }
    }

    private mutating func escape() -> (PromptKey?, Int)? {
        guard pending.count >= 2 else { return nil }
        switch pending[1] {
        case UInt8(ascii: "["): return sequence()
        case UInt8(ascii: "O"):
            guard pending.count >= 3 else { return nil }
            return (Self.letter(pending[2]), 3)
        case UInt8(ascii: "b"), UInt8(ascii: "B"): return (.wordLeft, 2)
        case UInt8(ascii: "f"), UInt8(ascii: "F"): return (.wordRight, 2)
        case UInt8(ascii: "d"), UInt8(ascii: "D"): return (.killNextWord, 2)
        case 0x7F, 0x08: return (.killWord, 2)
        case 0x1B: return (.unknown, 1)
        default: return (.unknown, 2)
        }
    }

    /// ESC [ parameters final (ECMA-48 §5.4).
    private mutating func sequence() -> (PromptKey?, Int)? {
        guard let final = pending.dropFirst(2).firstIndex(where: { 0x40...0x7E ~= $0 }) else {
            return pending.count > Self.maximumSequence ? (.unknown, pending.count) : nil
        }
        let parameters = String(decoding: pending[2..<final], as: UTF8.self)
        let count = final + 1
        guard pending[final] == UInt8(ascii: "~") else {
            let isModified = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
            switch (pending[final], isModified) {
            case (UInt8(ascii: "C"), true): return (.wordRight, count)
            case (UInt8(ascii: "D"), true): return (.wordLeft, count)
            case (let letter, _): return (Self.letter(letter), count)
            }
        }
        switch parameters {
        case "1", "7": return (.home, count)
        case "4", "8": return (.end, count)
        case "3": return (.delete, count)
        case "200":
            pasted = []
            return (nil, count)
        default: return (.unknown, count)
        }
    }

    private static func letter(_ byte: UInt8) -> PromptKey {
        switch byte {
        case UInt8(ascii: "A"): .up
        case UInt8(ascii: "B"): .down
        case UInt8(ascii: "C"): .right
        case UInt8(ascii: "D"): .left
        case UInt8(ascii: "H"): .home
        case UInt8(ascii: "F"): .end
        default: .unknown
        }
    }
}
