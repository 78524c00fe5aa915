/// A key that was pressed at a terminal.
public enum Key: Sendable, Hashable {
    /// A printable character's scalar.
    case character(Unicode.Scalar)
    /// With Alt, or after Escape.
    case alt(Unicode.Scalar)
    /// With Ctrl: "c" for Ctrl-C.
    case control(Character)
    case enter, tab, backTab, backspace, escape
    case up, down, left, right, home, end, pageUp, pageDown, insert, delete
    /// F1 is 1.
    case function(Int)
}

/// Makes keys of the bytes that xterm and its kin send (ECMA-48 §5.4 for the sequences).
///
/// A lone Escape and the beginning of a sequence look alike. Terminals send a key in one piece and SSH carries it in one
/// packet, so an Escape that ends a piece is the key.
public struct KeyDecoder: Sendable {
    private enum State {
        case ground
        case escape
        /// Between "ESC [" and the final byte.
        case sequence([UInt8])
        /// After "ESC O".
        case applicationKey
        case character([UInt8], missing: Int)
    }

    private static let escapeByte: UInt8 = 0x1b
    /// No key has a longer sequence.
    private static let longestSequence = 32
    private var state = State.ground

    public init() {}

    /// The keys of a piece of input. What it ends with may belong to the next one.
    public mutating func keys(of bytes: some Sequence<UInt8>) -> [Key] {
        var keys = bytes.compactMap { take($0) }
        if let key = endOfPiece() { keys.append(key) }
        return keys
    }

    /// The key that this byte completes.
    mutating func take(_ byte: UInt8) -> Key? {
        switch state {
        case .ground: return begin(byte)
        case .escape: return afterEscape(byte)
        case .sequence(let bytes): return inSequence(bytes, byte)
        case .applicationKey:
            state = .ground
            return Self.letter(byte)
        case .character(let bytes, let missing): return inCharacter(bytes, missing, byte)
        }
    }

    /// Nothing more came with this piece.
    mutating func endOfPiece() -> Key? {
        guard case .escape = state else { return nil }
        state = .ground
        return .escape
    }

    private mutating func begin(_ byte: UInt8) -> Key? {
        switch byte {
        case Self.escapeByte: state = .escape
        case 0x0d, 0x0a: return .enter
        case 0x09: return .tab
        case 0x08, 0x7f: return .backspace
        case 0x00: return .control(" ")
        case 0x01...0x1a: return .control(Character(Unicode.Scalar(byte + 0x60)))
        case 0x1c...0x1f: return .control(Character(Unicode.Scalar(byte + 0x40)))
        case 0x20...0x7e: return .character(Unicode.Scalar(byte))
        case 0xc2...0xdf: state = .character([byte], missing: 1)
        case 0xe0...0xef: state = .character([byte], missing: 2)
        case 0xf0...0xf4: state = .character([byte], missing: 3)
        default: break
        }
        return nil
    }

    private mutating func afterEscape(_ byte: UInt8) -> Key? {
        switch byte {
        case UInt8(ascii: "["): state = .sequence([])
        case UInt8(ascii: "O"): state = .applicationKey
        case Self.escapeByte: return .escape
        case 0x20...0x7e:
            state = .ground
            return .alt(Unicode.Scalar(byte))
        default:
            state = .ground
            return begin(byte)
        }
        return nil
    }

    private mutating func inSequence(_ bytes: [UInt8], _ byte: UInt8) -> Key? {
        // The Linux console's F1 to F5 have a second bracket.
        guard !(bytes.isEmpty && byte == UInt8(ascii: "[")) else {
            state = .sequence([byte])
            return nil
        }
        switch byte {
        case 0x40...0x7e:
            state = .ground
            if bytes == [UInt8(ascii: "[")] { return .function(Int(byte) - 0x40) }
            return Self.key(parameters: bytes, final: byte)
        case 0x20...0x3f where bytes.count < Self.longestSequence:
            state = .sequence(bytes + [byte])
            return nil
        default:
            // No sequence at all: forget it, and take the byte for what it is.
            state = .ground
            return begin(byte)
        }
    }

    private mutating func inCharacter(_ bytes: [UInt8], _ missing: Int, _ byte: UInt8) -> Key? {
        guard byte & 0xc0 == 0x80 else {
            state = .ground
            return begin(byte)
        }
        guard missing == 1 else {
            state = .character(bytes + [byte], missing: missing - 1)
            return nil
        }
        state = .ground
        let text = String(validating: bytes + [byte], as: UTF8.self)
        return text?.unicodeScalars.first.flatMap { $0.properties.generalCategory == .control ? nil : .character($0) }
    }

    private static func key(parameters: [UInt8], final: UInt8) -> Key? {
        guard final == UInt8(ascii: "~") else { return letter(final) }
        let number = String(decoding: parameters.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        switch Int(number) {
        case 1, 7: return .home
        case 2: return .insert
        case 3: return .delete
        case 4, 8: return .end
        case 5: return .pageUp
        case 6: return .pageDown
        case let number? where (11...15).contains(number): return .function(number - 10)
        case let number? where (17...21).contains(number): return .function(number - 11)
        case let number? where (23...24).contains(number): return .function(number - 12)
        default: return nil
        }
    }

    private static func letter(_ byte: UInt8) -> Key? {
        switch byte {
        case UInt8(ascii: "A"): .up
        case UInt8(ascii: "B"): .down
        case UInt8(ascii: "C"): .right
        case UInt8(ascii: "D"): .left
        case UInt8(ascii: "F"): .end
        case UInt8(ascii: "H"): .home
        case UInt8(ascii: "Z"): .backTab
        case UInt8(ascii: "M"): .enter
        case UInt8(ascii: "P")...UInt8(ascii: "S"): .function(Int(byte) - Int(UInt8(ascii: "P")) + 1)
        default: nil
        }
    }
}
