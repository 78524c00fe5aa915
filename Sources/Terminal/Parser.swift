/// The state machine of a VT500-series terminal's input, after the diagram that Paul Williams published for the VT500,
/// fed with Unicode scalars. It performs nothing: it says what a scalar completes, and holds its parameters until asked.
struct Parser: Sendable {
    enum State: UInt8, Sendable {
        case ground
        case escape, escapeIntermediate
        case csiEntry, csiParameter, csiIntermediate, csiIgnore
        case dcsEntry, dcsParameter, dcsIntermediate, dcsPassthrough, dcsIgnore
        case oscString
        /// SOS, PM and APC: passed over.
        case ignoredString
    }

    enum Action: Equatable {
        case none
        case print(UInt32)
        case execute(UInt8)
        case escape(final: UInt8)
        case control(final: UInt8)
        case operatingSystemCommand
        case deviceControl
    }

    /// Bytes of an OSC or DCS string that are kept; a longer one is marked by one byte more.
    static let stringLimit = 4096
    /// A longer introduction of a sequence makes the sequence one that is ignored.
    static let introductionLimit = 256

    private(set) var state = State.ground
    private(set) var parameters = Parameters()
    /// `<`, `=`, `>` or `?` before the parameters, 0 for none.
    private(set) var prefix: UInt8 = 0
    /// Up to two intermediate bytes, the first in the high byte when there are two; 0 for none.
    private(set) var intermediates: UInt16 = 0
    /// The introduction of the last device control string: prefix, intermediates and final byte.
    private(set) var device: (prefix: UInt8, intermediates: UInt16, final: UInt8) = (0, 0, 0)
    /// The content of the last OSC or DCS string.
    private(set) var string: [UInt8] = []
    private var introduction: [UInt8] = []

    var stringIsTooLong: Bool { string.count > Parser.stringLimit }

    /// Bytes that bring a parser in the ground state into this one's state.
    var pending: [UInt8] {
        switch state {
        case .ground: []
        case .oscString, .dcsPassthrough: introduction + string
        default: introduction
        }
    }

    mutating func consume(_ scalar: UInt32) -> Action {
        switch scalar {
        case 0x18, 0x1A:
            enter(.ground)
            return .execute(UInt8(truncatingIfNeeded: scalar))
        case 0x1B:
            let completed = finishString()
            begin(.escape, 0x1B)
            return completed
        case 0x80...0x9F:
            return consumeC1(UInt8(truncatingIfNeeded: scalar))
        default: break
        }
        if state == .ground { return scalar < 0x20 ? .execute(UInt8(scalar)) : scalar == 0x7F ? .none : .print(scalar) }
        guard scalar < 0x80 else { return consumeWide(scalar) }
        return consumeASCII(UInt8(truncatingIfNeeded: scalar))
    }

    /// A control sequence without intermediate bytes (ECMA-48 §5.4) that begins here and is there as a whole, in the
    /// ground state. Returns its length, with `parameters` and `prefix` set as byte by byte; nil when it is none.
    mutating func controlSequence(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int? {
        let limit = min(bytes.count, start + Parser.introductionLimit)
        guard start + 2 < limit, bytes[start] == 0x1B, bytes[start + 1] == 0x5B else { return nil }
        var end = start + 2
        if (0x3C...0x3F).contains(bytes[end]) { end += 1 }
        let first = end
        while end < limit, (0x30...0x3B).contains(bytes[end]) { end += 1 }
        guard end < limit, (0x40...0x7E).contains(bytes[end]) else { return nil }
        parameters.removeAll()
        prefix = first > start + 2 ? bytes[start + 2] : 0
        intermediates = 0
        for index in first..<end { parameter(bytes[index]) }
        return end + 1 - start
    }

    private mutating func enter(_ next: State) {
        state = next
        if next == .ground { introduction.removeAll(keepingCapacity: true) }
    }

    /// Starts a sequence; `first` and `second` are its introduction in seven bits.
    private mutating func begin(_ next: State, _ first: UInt8? = nil, _ second: UInt8? = nil) {
        state = next
        introduction.removeAll(keepingCapacity: true)
        if let first { introduction.append(first) }
        if let second { introduction.append(second) }
        parameters.removeAll()
        prefix = 0
        intermediates = 0
        if next == .oscString || next == .dcsEntry { string.removeAll(keepingCapacity: true) }
    }

    private func finishString() -> Action {
        switch state {
        case .oscString: .operatingSystemCommand
        case .dcsPassthrough: .deviceControl
        default: .none
        }
    }

    /// C1 controls work in every state, like their two-character forms.
    private mutating func consumeC1(_ code: UInt8) -> Action {
        switch code {
        case 0x90: begin(.dcsEntry, 0x1B, 0x50)
        case 0x98, 0x9E, 0x9F: begin(.ignoredString, 0x1B, code - 0x40)
        case 0x9B: begin(.csiEntry, 0x1B, 0x5B)
        case 0x9D: begin(.oscString, 0x1B, 0x5D)
        case 0x9C:
            let completed = finishString()
            enter(.ground)
            return completed
        default:
            begin(.ground)
            return .escape(final: code - 0x40)
        }
        return .none
    }

    /// Text beyond ASCII belongs to strings; anywhere else it ends the sequence and is lost with it.
    private mutating func consumeWide(_ scalar: UInt32) -> Action {
        switch state {
        case .oscString, .dcsPassthrough: keep(scalar)
        case .ignoredString, .dcsIgnore, .csiIgnore: break
        default: enter(.ground)
        }
        return .none
    }

    private mutating func keep(_ scalar: UInt32) {
        if string.count <= Parser.stringLimit { appendUTF8(scalar, to: &string) }
    }

    private mutating func consumeASCII(_ byte: UInt8) -> Action {
        switch state {
        case .ground: return .none
        case .escape, .escapeIntermediate: return consumeEscape(byte)
        case .csiEntry, .csiParameter, .csiIntermediate, .csiIgnore: return consumeControl(byte)
        case .dcsEntry, .dcsParameter, .dcsIntermediate: return consumeDeviceIntroduction(byte)
        case .dcsPassthrough:
            if byte != 0x7F { keep(UInt32(byte)) }
        case .oscString:
            if byte == 0x07 {
                enter(.ground)
                return .operatingSystemCommand
            }
            if byte >= 0x20 { keep(UInt32(byte)) }
        case .dcsIgnore, .ignoredString: break
        }
        return .none
    }

    private mutating func consumeEscape(_ byte: UInt8) -> Action {
        switch byte {
        case 0x00...0x1F: return .execute(byte)
        case 0x20...0x2F:
            collect(byte)
            introduce(byte, state: .escapeIntermediate, overlong: .csiIgnore)
        case 0x7F: break
        default:
            if state == .escape, beginString(byte) { return .none }
            enter(.ground)
            return .escape(final: byte)
        }
        return .none
    }

    /// ESC with the second character of a string or sequence.
    private mutating func beginString(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x50: begin(.dcsEntry, 0x1B, byte)
        case 0x58, 0x5E, 0x5F: begin(.ignoredString, 0x1B, byte)
        case 0x5B: begin(.csiEntry, 0x1B, byte)
        case 0x5D: begin(.oscString, 0x1B, byte)
        default: return false
        }
        return true
    }

    private mutating func consumeControl(_ byte: UInt8) -> Action {
        switch byte {
        case 0x00...0x1F: return .execute(byte)
        case 0x7F: return .none
        case 0x40...0x7E:
            let isIgnored = state == .csiIgnore
            enter(.ground)
            return isIgnored ? .none : .control(final: byte)
        default: break
        }
        guard state != .csiIgnore else { return .none }
        switch byte {
        case 0x20...0x2F:
            collect(byte)
            introduce(byte, state: .csiIntermediate, overlong: .csiIgnore)
        case 0x30...0x3B where state != .csiIntermediate:
            parameter(byte)
            introduce(byte, state: .csiParameter, overlong: .csiIgnore)
        case 0x3C...0x3F where state == .csiEntry:
            prefix = byte
            introduce(byte, state: .csiParameter, overlong: .csiIgnore)
        default:
            introduce(byte, state: .csiIgnore, overlong: .csiIgnore)
        }
        return .none
    }

    private mutating func consumeDeviceIntroduction(_ byte: UInt8) -> Action {
        switch byte {
        case 0x00...0x1F, 0x7F: break
        case 0x20...0x2F:
            collect(byte)
            introduce(byte, state: .dcsIntermediate, overlong: .dcsIgnore)
        case 0x30...0x3B where state != .dcsIntermediate:
            parameter(byte)
            introduce(byte, state: .dcsParameter, overlong: .dcsIgnore)
        case 0x3C...0x3F where state == .dcsEntry:
            prefix = byte
            introduce(byte, state: .dcsParameter, overlong: .dcsIgnore)
        case 0x40...0x7E:
            device = (prefix, intermediates, byte)
            introduce(byte, state: .dcsPassthrough, overlong: .dcsIgnore)
        default:
            introduce(byte, state: .dcsIgnore, overlong: .dcsIgnore)
        }
        return .none
    }

    private mutating func introduce(_ byte: UInt8, state next: State, overlong: State) {
        introduction.append(byte)
        state = introduction.count > Parser.introductionLimit ? overlong : next
    }

    private mutating func collect(_ byte: UInt8) {
        // Three intermediates name no function: the value 0xFFFF matches none.
        intermediates = intermediates > 0xFF ? 0xFFFF : intermediates << 8 | UInt16(byte)
    }

    private mutating func parameter(_ byte: UInt8) {
        switch byte {
        case 0x3A: parameters.separate(sub: true)
        case 0x3B: parameters.separate(sub: false)
        default: parameters.digit(Int(byte) - 0x30)
        }
    }
}

extension Parser: Equatable {
    /// What was parsed before the ground state was entered is of no consequence.
    static func == (a: Parser, b: Parser) -> Bool {
        a.state == b.state && a.pending == b.pending
    }
}
