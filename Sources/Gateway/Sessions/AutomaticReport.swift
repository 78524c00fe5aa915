/// What a terminal sends by itself, as an answer to a question of the host or because the pointer's focus changed.
///
/// The session answers the host's questions, once. An answer that comes from a seat all the same was not typed by
/// anybody: it takes no keyboard, and one whose question was answered already does not reach the host.
enum AutomaticReport {
    /// What a message consists of, when it holds nothing but reports.
    enum Kind: Sendable, Equatable {
        /// Answers to questions that the session answers itself: device attributes, status, modes, colours, strings.
        case answer
        /// Reports that a program may want from whoever has the keyboard: focus, the cursor's position.
        case report
    }

    /// - Returns: nil for anything that a person may have typed.
    static func kind(of bytes: some Collection<UInt8>) -> Kind? {
        guard !bytes.isEmpty, bytes.count <= 1024 else { return nil }
        var rest = Array(bytes)[...]
        var found = Kind.answer
        while !rest.isEmpty {
            guard let kind = take(&rest) else { return nil }
            if kind == .report { found = .report }
        }
        return found
    }

    private static func take(_ rest: inout ArraySlice<UInt8>) -> Kind? {
        guard rest.popFirst() == 0x1B, let introducer = rest.popFirst() else { return nil }
        switch introducer {
        case 0x5B: return takeControl(&rest)
        // DCS and OSC: nothing that a key sends begins so.
        case 0x50, 0x5D: return takeText(&rest)
        default: return nil
        }
    }

    private static func takeControl(_ rest: inout ArraySlice<UInt8>) -> Kind? {
        var parameters: [UInt8] = []
        while let byte = rest.popFirst() {
            guard (0x40...0x7E).contains(byte) else {
                parameters.append(byte)
                guard parameters.count <= 64 else { return nil }
                continue
            }
            return kind(parameters, final: byte)
        }
        return nil
    }

    private static func kind(_ parameters: [UInt8], final: UInt8) -> Kind? {
        switch final {
        // DA: ESC [ ? … c and ESC [ > … c.
        case 0x63: parameters.first == 0x3F || parameters.first == 0x3E ? .answer : nil
        // DSR: ESC [ 0 n and ESC [ ? … n.
        case 0x6E: parameters.isEmpty ? nil : .answer
        // DECRPM: ESC [ ? … $ y.
        case 0x79: parameters.last == 0x24 ? .answer : nil
        // The size of the window: ESC [ 8 ; rows ; columns t.
        case 0x74: parameters.isEmpty ? nil : .answer
        // CPR, which a modified F3 sends as well.
        case 0x52: parameters.isEmpty ? nil : .report
        // Focus came and went.
        case 0x49, 0x4F: parameters.isEmpty ? .report : nil
        default: nil
        }
    }

    private static func takeText(_ rest: inout ArraySlice<UInt8>) -> Kind? {
        while let byte = rest.popFirst() {
            if byte == 0x07 { return .answer }
            if byte == 0x1B { return rest.popFirst() == 0x5C ? .answer : nil }
        }
        return nil
    }
}
