/// Where the stream of typed bytes stands: between two keys, or inside something that must not be torn apart.
///
/// A paste between its brackets, an escape sequence, a character of several bytes and a line each belong to one seat.
/// The keyboard changes hands between them, so that no byte of another seat can change what they mean.
struct InputBoundary: Sendable {
    /// What is open after the bytes so far.
    enum Open: Sendable, Equatable {
        case nothing
        /// A line was begun and not ended.
        case line
        /// An escape sequence, or a character whose last bytes are missing. A lone ESC is a key of its own, and nobody
        /// can tell before something follows.
        case sequence
        /// Between `ESC [ 200 ~` and `ESC [ 201 ~`.
        case paste
    }

    private enum State: Sendable, Equatable {
        case ground
        case character(left: Int)
        case escape
        case control
        case singleShift
        case text
        case textEscape
        case paste(matched: Int)
    }

    /// Ends a paste (xterm, mode 2004).
    static let pasteEnd: [UInt8] = Array("\u{1B}[201~".utf8)

    private var state = State.ground
    private var parameters: [UInt8] = []
    private var isLineBegun = false

    var open: Open {
        switch state {
        case .ground: isLineBegun ? .line : .nothing
        case .paste: .paste
        default: .sequence
        }
    }

    mutating func feed(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { feed(byte) }
    }

    /// Whatever was open is over: what comes now is another seat's.
    mutating func reset() { self = InputBoundary() }

    private mutating func feed(_ byte: UInt8) {
        switch state {
        case .ground: ground(byte)
        case .character(let left):
            // Not a continuation (RFC 3629 §3): the character was never completed.
            guard byte & 0xC0 == 0x80 else { return restart(byte) }
            state = left > 1 ? .character(left: left - 1) : .ground
        case .escape: escape(byte)
        case .control: control(byte)
        case .singleShift: state = .ground
        case .text:
            if byte == 0x1B { state = .textEscape } else if byte == 0x07 || byte == 0x18 { state = .ground }
        case .textEscape: state = byte == 0x5C ? .ground : .text
        case .paste(let matched): paste(byte, matched)
        }
    }

    private mutating func restart(_ byte: UInt8) {
        state = .ground
        ground(byte)
    }

    private mutating func ground(_ byte: UInt8) {
        switch byte {
        case 0x1B: state = .escape
        // Enter, and the keys that throw the line away: ^C, ^D, ^U.
        case 0x0D, 0x0A, 0x03, 0x04, 0x15: isLineBegun = false
        case 0xC2...0xDF: begin(character: 1)
        case 0xE0...0xEF: begin(character: 2)
        case 0xF0...0xF4: begin(character: 3)
        case 0x20...0xFF: isLineBegun = true
        default: break
        }
    }

    private mutating func begin(character left: Int) {
        isLineBegun = true
        state = .character(left: left)
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 0x5B:
            parameters = []
            state = .control
        case 0x4F: state = .singleShift
        case 0x50, 0x58, 0x5D, 0x5E, 0x5F: state = .text
        case 0x1B: break
        default: state = .ground
        }
    }

    private mutating func control(_ byte: UInt8) {
        switch byte {
        case 0x40...0x7E:
            let isPaste = byte == 0x7E && parameters == Array("200".utf8)
            if isPaste { isLineBegun = true }
            state = isPaste ? .paste(matched: 0) : .ground
        case 0x1B: state = .escape
        case 0x18: state = .ground
        default:
            if parameters.count < 16 { parameters.append(byte) }
        }
    }

    private mutating func paste(_ byte: UInt8, _ matched: Int) {
        guard byte == Self.pasteEnd[matched] else {
            state = .paste(matched: byte == Self.pasteEnd[0] ? 1 : 0)
            return
        }
        state = matched + 1 == Self.pasteEnd.count ? .ground : .paste(matched: matched + 1)
    }
}
