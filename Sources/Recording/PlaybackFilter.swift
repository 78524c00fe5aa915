/// Takes out of recorded output what a terminal does besides showing text.
///
/// A recording may hold anything: window titles, the clipboard (OSC 52), notifications, questions whose answers come back as
/// typed keys, files for a printer, keys that are defined anew, mouse reports that are turned on. Printing, moving, colours,
/// erasing, scrolling and the screens of a program stay.
///
/// Text is UTF-8, cut anywhere; the 8-bit control characters of C1 count as what they stand for.
public struct PlaybackFilter: Sendable {
    private enum State: Sendable {
        case ground
        case escape
        /// An intermediate byte came: the sequence has one byte more, or several.
        case escapeIntermediate
        case csi
        /// OSC, DCS, SOS, PM, APC: up to its end nothing is shown.
        case string
        case stringEscape
    }

    /// Longer sequences are no sequences.
    private static let limit = 256

    private var state = State.ground
    private var sequence: [UInt8] = []
    /// 0xC2 came: a C1 control character may follow.
    private var isAfterC2 = false

    public init() {}

    /// What may be shown of `bytes`.
    public mutating func filter(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(bytes.underestimatedCount)
        for byte in bytes { feed(byte, &shown) }
        return shown
    }

    private mutating func feed(_ byte: UInt8, _ shown: inout [UInt8]) {
        if isAfterC2 {
            isAfterC2 = false
            guard (0x80...0x9F).contains(byte) else {
                if state == .ground { shown.append(0xC2) }
                return step(byte, &shown)
            }
            control1(byte, &shown)
        } else if byte == 0xC2 {
            isAfterC2 = true
        } else {
            step(byte, &shown)
        }
    }

    /// U+0080 to U+009F: ESC and the letter 64 below.
    private mutating func control1(_ byte: UInt8, _ shown: inout [UInt8]) {
        if state == .string || state == .stringEscape, byte != 0x9C { return }
        begin()
        step(byte - 0x40, &shown)
    }

    private mutating func begin() {
        state = .escape
        sequence = [0x1B]
    }

    private mutating func step(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch state {
        case .ground: ground(byte, &shown)
        case .string:
            if byte == 0x07 || byte == 0x18 || byte == 0x1A {
                state = .ground
            } else if byte == 0x1B {
                state = .stringEscape
            }
        case .stringEscape:
            // ESC within a string ends it; the backslash of ST belongs to it, anything else begins a sequence.
            if byte == UInt8(ascii: "\\") {
                state = .ground
            } else {
                begin()
                step(byte, &shown)
            }
        case .escape, .escapeIntermediate, .csi: inSequence(byte, &shown)
        }
    }

    private mutating func ground(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch byte {
        case 0x1B: begin()
        // ENQ asks for an answer; the others do nothing or what a stream of text has no use for.
        case 0x00...0x06, 0x10...0x17, 0x19, 0x1C...0x1F, 0x7F: break
        default: shown.append(byte)
        }
    }

    private mutating func inSequence(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch byte {
        case 0x1B: return begin()
        case 0x18, 0x1A: return state = .ground
        // Controls within a sequence act at once, and the sequence goes on (ECMA-48).
        case 0x00..<0x20: return byte == 0x05 ? () : shown.append(byte)
        case 0x7F: return
        case 0x80...: return state = .ground
        default: break
        }
        sequence.append(byte)
        guard sequence.count <= Self.limit else { return state = .ground }
        switch state {
        case .escape: escape(byte, &shown)
        case .escapeIntermediate:
            guard byte >= 0x30 else { return }
            // Character sets and line sizes. ESC SP, ESC % would switch UTF-8 off.
            let mayPass = sequence.count == 3 && "()*+-./#".utf8.contains(sequence[1])
            end(passes: mayPass, &shown)
        default:
            guard (0x40...0x7E).contains(byte) else { return }
            end(passes: Self.isHarmless(csi: sequence), &shown)
        }
    }

    private mutating func escape(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "["): state = .csi
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
            state = .string
        case 0x20...0x2F: state = .escapeIntermediate
        // DECSC, DECRC, IND, NEL, HTS, RI, RIS, keypad modes, SS2, SS3, locking shifts. DECID (Z) asks.
        default: end(passes: "78DEHMcNOno|}~=>".utf8.contains(byte), &shown)
        }
    }

    private mutating func end(passes: Bool, _ shown: inout [UInt8]) {
        if passes { shown.append(contentsOf: sequence) }
        sequence.removeAll(keepingCapacity: true)
        state = .ground
    }

    /// Whether a control sequence shows something and does nothing else.
    private static func isHarmless(csi sequence: [UInt8]) -> Bool {
        guard let final = sequence.last else { return false }
        let body = sequence.dropFirst(2).dropLast()
        let parameters = body.prefix { (0x30...0x3F).contains($0) }
        let intermediates = body.dropFirst(parameters.count)
        let marker = parameters.first.flatMap { (0x3C...0x3F).contains($0) ? $0 : nil }
        switch (marker, intermediates.first, final) {
        // Movement, erasing, insertion, scrolling, tabs, repetition, margins, colours, saved cursor.
        case (nil, nil, let final):
            return "@ABCDEFGHIJKLMPSTXZ`abdefgmrsu".utf8.contains(final) || isModeChange(final, parameters)
        case (UInt8(ascii: "?"), nil, UInt8(ascii: "J")), (UInt8(ascii: "?"), nil, UInt8(ascii: "K")): return true
        case (UInt8(ascii: "?"), nil, UInt8(ascii: "h")), (UInt8(ascii: "?"), nil, UInt8(ascii: "l")):
            let numbers = parameters.dropFirst().split(separator: UInt8(ascii: ";"))
            return numbers.allSatisfy { privateModes.contains(String(decoding: $0, as: UTF8.self)) }
        // DECSTR, and the cursor's shape.
        case (nil, UInt8(ascii: "!"), UInt8(ascii: "p")), (nil, UInt8(ascii: " "), UInt8(ascii: "q")): return true
        // Scrolling sideways.
        case (nil, UInt8(ascii: " "), UInt8(ascii: "@")), (nil, UInt8(ascii: " "), UInt8(ascii: "A")): return true
        default: return false
        }
    }

    /// Insert mode and automatic new lines. Not the keyboard's lock (2).
    private static func isModeChange(_ final: UInt8, _ parameters: ArraySlice<UInt8>) -> Bool {
        guard final == UInt8(ascii: "h") || final == UInt8(ascii: "l") else { return false }
        return parameters.elementsEqual("4".utf8) || parameters.elementsEqual("20".utf8)
    }

    /// Reverse screen, origin, wrapping, blinking and visible cursor, margins left and right, the alternate screens, and
    /// output that is shown at once (2026). No mouse, no focus reports, no bracketed paste, no cursor key modes.
    private static let privateModes: Set<String> = [
        "5", "6", "7", "12", "25", "45", "47", "69", "1047", "1048", "1049", "2026",
    ]
}
