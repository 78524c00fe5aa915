/// One key press, as its bytes on the wire and what may be done with them.
struct TypedKey: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A printable character: kept only when it is echoed.
        case text(UInt32)
        /// A line break inside a bracketed paste: echoed as a line feed.
        case pastedLineBreak
        /// Backspace.
        case erase
        /// CR, LF, ^C, ^D, ^Z, ^\: the line is over.
        case lineEnd
        /// Control bytes, arrows, function keys, mouse, paste markers: kept as they are.
        case control
        /// An escape sequence that may carry a typed character (Alt and a key, a key as its code, keypad digits, a reply
        /// with a clipboard): kept only in a line that is kept.
        case coded
    }

    let kind: Kind
    /// A piece of the input that it came with: a paste of thousands of keys is one allocation.
    let bytes: ArraySlice<UInt8>
    let actor: String
    /// Microseconds since the start of the recording.
    let time: Int64

    /// Whether keeping it could tell a secret.
    var isSensitive: Bool {
        switch kind {
        case .text, .coded: true
        case .pastedLineBreak, .erase, .lineEnd, .control: false
        }
    }
}

/// Cuts one participant's input into keys. Characters and sequences may be cut between two calls; a lone ESC at the end
/// of a call is the Escape key, as terminals send their sequences whole.
struct TypedKeys: Sendable {
    private static let longestHeld = 64
    private static let pasteBegins = Array("\u{1B}[200~".utf8)
    private static let pasteEnds = Array("\u{1B}[201~".utf8)
    private var held: [UInt8] = []
    private var isPasting = false

    mutating func keys(_ bytes: [UInt8], actor: String, time: Int64) -> [TypedKey] {
        let input = held + bytes
        held = []
        var keys: [TypedKey] = []
        var position = 0
        while position < input.count {
            guard let (kind, length) = next(input[position...]) else {
                let rest = input[position...]
                if rest.count <= Self.longestHeld {
                    held = Array(rest)
                } else {
                    keys.append(TypedKey(kind: .coded, bytes: rest, actor: actor, time: time))
                }
                break
            }
            let key = input[position..<(position + length)]
            if length == Self.pasteBegins.count {
                if key.elementsEqual(Self.pasteBegins) { isPasting = true }
                if key.elementsEqual(Self.pasteEnds) { isPasting = false }
            }
            keys.append(TypedKey(kind: kind, bytes: key, actor: actor, time: time))
            position += length
        }
        return keys
    }

    /// Kind and length of the first key; `nil` when it is not whole yet.
    private func next(_ input: ArraySlice<UInt8>) -> (TypedKey.Kind, Int)? {
        guard let first = input.first else { return nil }
        switch first {
        case 0x1B: return escape(input)
        case 0x0D, 0x0A: return (isPasting ? .pastedLineBreak : .lineEnd, 1)
        case 0x03, 0x04, 0x1A, 0x1C: return (.lineEnd, 1)
        case 0x08, 0x7F: return (.erase, 1)
        case 0x00..<0x20: return (.control, 1)
        case 0x20..<0x7F: return (.text(UInt32(first)), 1)
        default: return character(input)
        }
    }

    private func character(_ input: ArraySlice<UInt8>) -> (TypedKey.Kind, Int)? {
        var decoder = UTF8()
        var iterator = input.prefix(4).makeIterator()
        switch decoder.decode(&iterator) {
        case .scalarValue(let scalar): return (.text(scalar.value), UTF8.width(scalar))
        default:
            let length = [0xC2...0xDF, 0xE0...0xEF, 0xF0...0xF4].firstIndex { $0.contains(Int(input.first ?? 0)) }
            let isCut = input.dropFirst().allSatisfy { $0 & 0xC0 == 0x80 } && input.count < (length ?? -1) + 2
            return isCut ? nil : (.text(0xFFFD), 1)
        }
    }

    private func escape(_ input: ArraySlice<UInt8>) -> (TypedKey.Kind, Int)? {
        let rest = input.dropFirst()
        guard let second = rest.first else { return (.control, 1) }
        switch second {
        case UInt8(ascii: "["): return csi(input)
        case UInt8(ascii: "O"):
            guard let final = rest.dropFirst().first else { return nil }
            // Keypad keys in application mode carry digits (`ESC O p` is 0), so only the named keys are plain.
            return ("ABCDHFPQRSM".utf8.contains(final) ? .control : .coded, 3)
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"), UInt8(ascii: "X"):
            return (.coded, stringLength(input))
        case 0x1B: return (.control, 1)
        case 0x00..<0x20, 0x7F: return (.control, 2)
        default:
            guard second >= 0x80, let (_, length) = character(rest) else { return (.coded, 2) }
            return (.coded, 1 + length)
        }
    }

    private func csi(_ input: ArraySlice<UInt8>) -> (TypedKey.Kind, Int)? {
        let body = input.dropFirst(2)
        // X10 mouse reports: three raw bytes follow.
        if body.first == UInt8(ascii: "M") { return body.count >= 4 ? (.control, 6) : nil }
        guard let end = body.firstIndex(where: { !(0x20..<0x40).contains($0) }) else { return nil }
        let final = input[end]
        let parameters = body[body.startIndex..<end]
        let length = end - input.startIndex + 1
        guard (0x40..<0x7F).contains(final) else { return (.coded, max(2, length - 1)) }
        return (Self.isPlain(final, parameters) ? .control : .coded, length)
    }

    /// Keys with a name, mouse reports and a terminal's answers. Whatever encodes a character (`CSI 112 u`,
    /// `CSI 27;5;112 ~`, `CSI …_`) is not among them.
    private static func isPlain(_ final: UInt8, _ parameters: ArraySlice<UInt8>) -> Bool {
        switch final {
        case UInt8(ascii: "~"):
            let first = Int(String(decoding: parameters.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)) ?? 0
            return first != 27 && (1...34).contains(first) || first == 200 || first == 201
        case UInt8(ascii: "M"), UInt8(ascii: "m"): return parameters.first == UInt8(ascii: "<")
        default: return "ABCDEFGHIOPQRSZcntRy".utf8.contains(final)
        }
    }

    private func stringLength(_ input: ArraySlice<UInt8>) -> Int {
        var previous: UInt8 = 0
        for (offset, byte) in input.enumerated().dropFirst(2) {
            if byte == 0x07 || (previous == 0x1B && byte == UInt8(ascii: "\\")) { return offset + 1 }
            previous = byte
        }
        return input.count
    }
}
