/// Splits a terminal's byte stream into printable characters, control bytes and escape sequences (ECMA-48 §5.4, and the
/// string sequences of §5.6). Knows no meaning; bounded whatever comes.
struct EscapeParser: Sendable {
    enum Token: Sendable, Hashable {
        case print(UInt32)
        case control(UInt8)
        /// Numeric parameters (sub-parameters and private prefixes cut off) and the final byte.
        case csi(parameters: [Int], isPrivate: Bool, final: UInt8)
        /// ESC and its final byte; intermediates are dropped with the sequence.
        case escape(UInt8)
    }

    private enum State: Sendable {
        case ground
        case escape(hasIntermediate: Bool)
        case csi
        case string
        case stringEscape
    }

    private var state = State.ground
    private var parameters: [Int] = []
    private var isPrivate = false
    private var hasIntermediate = false
    private var scalar: UInt32 = 0
    private var continuation = 0
    private var minimum: UInt32 = 0

    var isInGround: Bool {
        if case .ground = state { return continuation == 0 }
        return false
    }

    mutating func feed(_ byte: UInt8, _ emit: (Token) -> Void) {
        if continuation > 0 {
            if byte & 0xC0 == 0x80 {
                scalar = scalar << 6 | UInt32(byte & 0x3F)
                continuation -= 1
                if continuation == 0 { emit(.print(scalar >= minimum && scalar <= 0x10FFFF ? scalar : 0xFFFD)) }
                return
            }
            continuation = 0
            emit(.print(0xFFFD))
        }
        switch state {
        case .ground: ground(byte, emit)
        case .escape(let hasIntermediate): escape(byte, hasIntermediate, emit)
        case .csi: csi(byte, emit)
        case .string: string(byte)
        case .stringEscape: stringEscape(byte, emit)
        }
    }

    private mutating func ground(_ byte: UInt8, _ emit: (Token) -> Void) {
        switch byte {
        case 0x1B: state = .escape(hasIntermediate: false)
        case 0x00..<0x20, 0x7F: emit(.control(byte))
        case 0x20..<0x7F: emit(.print(UInt32(byte)))
        case 0xC2...0xDF: begin(UInt32(byte & 0x1F), 1, 0x80)
        case 0xE0...0xEF: begin(UInt32(byte & 0x0F), 2, 0x800)
        case 0xF0...0xF4: begin(UInt32(byte & 0x07), 3, 0x10000)
        default: emit(.print(0xFFFD))
        }
    }

    private mutating func begin(_ bits: UInt32, _ rest: Int, _ least: UInt32) {
        scalar = bits
        continuation = rest
        minimum = least
    }

    private mutating func escape(_ byte: UInt8, _ hasIntermediate: Bool, _ emit: (Token) -> Void) {
        switch byte {
        case 0x1B: state = .escape(hasIntermediate: false)
        case 0x18, 0x1A: state = .ground
        case 0x00..<0x20: emit(.control(byte))
        case 0x20..<0x30: state = .escape(hasIntermediate: true)
        case UInt8(ascii: "[") where !hasIntermediate:
            state = .csi
            parameters = []
            isPrivate = false
            self.hasIntermediate = false
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
            state = hasIntermediate ? .ground : .string
        default:
            state = .ground
            if !hasIntermediate, byte < 0x7F { emit(.escape(byte)) }
        }
    }

    private mutating func csi(_ byte: UInt8, _ emit: (Token) -> Void) {
        switch byte {
        case 0x1B: state = .escape(hasIntermediate: false)
        case 0x18, 0x1A: state = .ground
        case 0x00..<0x20: emit(.control(byte))
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            let last = parameters.popLast() ?? 0
            parameters.append(min(99_999, last * 10 + Int(byte - UInt8(ascii: "0"))))
        case UInt8(ascii: ";"), UInt8(ascii: ":"):
            if parameters.isEmpty { parameters.append(0) }
            if parameters.count < 16 { parameters.append(0) }
        case UInt8(ascii: "<")...UInt8(ascii: "?"): isPrivate = true
        case 0x20..<0x30: hasIntermediate = true
        case 0x40..<0x7F:
            state = .ground
            if !hasIntermediate { emit(.csi(parameters: parameters, isPrivate: isPrivate, final: byte)) }
        default: break
        }
    }

    private mutating func string(_ byte: UInt8) {
        switch byte {
        case 0x07, 0x18, 0x1A: state = .ground
        case 0x1B: state = .stringEscape
        default: break
        }
    }

    private mutating func stringEscape(_ byte: UInt8, _ emit: (Token) -> Void) {
        guard byte != UInt8(ascii: "\\") else {
            state = .ground
            return
        }
        state = .escape(hasIntermediate: false)
        escape(byte, false, emit)
    }
}
