import NIOCore

/// Takes the host's questions to a terminal out of what a plain ssh client is shown: the session answers them itself, once,
/// however many look on. A second answer, from the client's own terminal, would be typed into somebody's shell.
///
/// Everything else passes unchanged, in slices of what came. Linear, and bounded in what it holds back.
struct QuestionFilter {
    /// A control sequence or string that is not whole yet; it passes as it is when it grows beyond this.
    private static let longestHeld = 4096
    private static let escape: UInt8 = 0x1B

    private enum State {
        case ground
        case escape
        /// CSI: parameters and intermediates so far.
        case control
        /// OSC or DCS, with whether an escape was the latest byte.
        case text(kind: UInt8, afterEscape: Bool)
        /// A string that is too long to be a question: it passes until its end.
        case longText(afterEscape: Bool)
    }

    private var state = State.ground
    /// The bytes of the sequence that is being looked at.
    private var held: [UInt8] = []

    /// What is to be shown of the next bytes.
    mutating func pass(_ bytes: ByteBuffer) -> [ByteBuffer] {
        // Most output has no escape at all.
        if case .ground = state, !bytes.readableBytesView.contains(Self.escape) { return [bytes] }
        var shown: [ByteBuffer] = []
        /// Where the part begins that passes as it is; nil while a sequence is held.
        var start: Int? = if case .ground = state { bytes.readerIndex } else { nil }
        var index = bytes.readerIndex
        for byte in bytes.readableBytesView {
            switch step(byte) {
            case .passes:
                if start == nil { start = index }
            case .isHeld:
                if let begun = start, let slice = bytes.getSlice(at: begun, length: index - begun),
                    slice.readableBytes > 0
                {
                    shown.append(slice)
                }
                start = nil
            case .isReleased(let sequence):
                shown.append(ByteBuffer(bytes: sequence))
                start = nil
            case .isDropped:
                start = nil
            }
            index += 1
        }
        if let begun = start, let slice = bytes.getSlice(at: begun, length: index - begun), slice.readableBytes > 0 {
            shown.append(slice)
        }
        return shown
    }

    private enum Step {
        /// This byte passes where it lies.
        case passes
        case isHeld
        /// This byte ended a sequence, which passes.
        case isReleased([UInt8])
        case isDropped
    }

    private mutating func step(_ byte: UInt8) -> Step {
        switch state {
        case .ground:
            guard byte == Self.escape else { return .passes }
            state = .escape
            held = [byte]
            return .isHeld
        case .longText(let afterEscape):
            let isEnd = byte == 0x07 || (afterEscape && byte == UInt8(ascii: "\\"))
            state = isEnd ? .ground : .longText(afterEscape: byte == Self.escape)
            return .passes
        default: break
        }
        held.append(byte)
        switch state {
        case .escape: return afterEscape(byte)
        case .control: return inControl(byte)
        case .text(let kind, let afterEscape): return inText(byte, kind, afterEscape)
        case .ground, .longText: return .passes
        }
    }

    private mutating func afterEscape(_ byte: UInt8) -> Step {
        switch byte {
        case UInt8(ascii: "["): state = .control
        case UInt8(ascii: "]"), UInt8(ascii: "P"): state = .text(kind: byte, afterEscape: false)
        case Self.escape:
            // The first one was alone.
            held = [byte]
            return .isReleased([Self.escape])
        // DECID, the old way to ask what a terminal is.
        case UInt8(ascii: "Z"): return finish(isQuestion: true)
        default: return finish(isQuestion: false)
        }
        return .isHeld
    }

    private mutating func inControl(_ byte: UInt8) -> Step {
        switch byte {
        case 0x40...0x7E: return finish(isQuestion: Self.isQuestion(held.dropFirst(2).dropLast(), final: byte))
        case 0x20...0x3F where held.count < 64: return .isHeld
        // No sequence: whatever a terminal makes of it.
        default: return finish(isQuestion: false)
        }
    }

    private mutating func inText(_ byte: UInt8, _ kind: UInt8, _ afterEscape: Bool) -> Step {
        if byte == 0x07 || (afterEscape && byte == UInt8(ascii: "\\")) {
            let body = held.dropFirst(2).dropLast(byte == 0x07 ? 1 : 2)
            return finish(isQuestion: Self.isQuestion(text: body, kind))
        }
        // CAN and SUB end a string (ECMA-48 §8.3.11 and its kin).
        if byte == 0x18 || byte == 0x1A { return finish(isQuestion: false) }
        guard held.count < Self.longestHeld else {
            let sequence = held
            held = []
            state = .longText(afterEscape: byte == Self.escape)
            return .isReleased(sequence)
        }
        state = .text(kind: kind, afterEscape: byte == Self.escape)
        return .isHeld
    }

    private mutating func finish(isQuestion: Bool) -> Step {
        let sequence = held
        held = []
        state = .ground
        return isQuestion ? .isDropped : .isReleased(sequence)
    }

    /// Control sequences that make a terminal answer: DA, DSR, DECRQM, XTVERSION, window reports, kitty's keyboard.
    private static func isQuestion(_ parameters: some Collection<UInt8>, final: UInt8) -> Bool {
        let first = parameters.first
        switch final {
        case UInt8(ascii: "c"): return true
        case UInt8(ascii: "n"): return first != UInt8(ascii: ">")
        case UInt8(ascii: "p"): return Array(parameters).last == UInt8(ascii: "$")
        case UInt8(ascii: "q"): return first == UInt8(ascii: ">")
        case UInt8(ascii: "u"): return first == UInt8(ascii: "?")
        case UInt8(ascii: "x"): return parameters.allSatisfy { (0x30...0x3F).contains($0) }
        case UInt8(ascii: "S"): return first == UInt8(ascii: "?")
        case UInt8(ascii: "t"):
            let number = Int(String(decoding: parameters.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self))
            return number.map { (11...21).contains($0) } ?? false
        default: return false
        }
    }

    /// Strings that do: colours and the clipboard (OSC … ; ?), DECRQSS and XTGETTCAP (DCS $q, DCS +q).
    private static func isQuestion(text: some Collection<UInt8>, _ kind: UInt8) -> Bool {
        let bytes = Array(text)
        if kind == UInt8(ascii: "]") { return bytes.last == UInt8(ascii: "?") }
        return bytes.starts(with: "$q".utf8) || bytes.starts(with: "+q".utf8)
    }
}
