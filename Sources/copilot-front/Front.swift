// What a shell starts as `copilot`: a small program in front of the one that does the work. Loading that one - the gateway,
// its database, its web server - costs more than a command over a connection that already stands, and such a command needs
// none of it. So this program has no Swift runtime to start, does nothing but look whether a kept connection takes the
// call, and is otherwise replaced by the program `copilot` that lies beside it.

import CFrontCalls

@main
struct Front {
    static func main() {
        if let call = SharedCall(Words()) {
            if let status = call.run() { exit(status) }
            call.tellProgram()
        }
        becomeProgram()
    }

    /// The program gets this process, its words and its environment.
    private static func becomeProgram() -> Never {
        let path = folder() + Array("/copilot".utf8) + [0]
        path.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, let words = front_words() else { return }
            _ = execv(start.assumingMemoryBound(to: CChar.self), words)
        }
        let why = Words.bytes(of: front_error())
        Messages.write([
            Array("copilot: ".utf8), Array(path.dropLast()), Array(" cannot be started: ".utf8), why,
            Array(".\n  This is copilot-front, which lies beside the program copilot and is reached by a link.\n".utf8),
        ])
        exit(2)
    }

    /// Where this program lies, whatever link or search path it was found by.
    private static func folder() -> [UInt8] {
        var room = [UInt8](repeating: 0, count: 4096)
        let length = room.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) } ?? -1
        }
        guard length > 0, length < room.count else { return [UInt8(ascii: ".")] }
        let path = room.prefix(length)
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return [UInt8(ascii: ".")] }
        return Array(path[..<slash])
    }
}

/// Standard error.
enum Messages {
    static func write(_ parts: [[UInt8]]) {
        var text: [UInt8] = []
        for part in parts { text += part }
        _ = text.withUnsafeBytes { CFrontCalls.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// UTF-8 without the characters that a terminal would obey.
    static func line(_ text: [UInt8]) -> [UInt8] {
        var shown: [UInt8] = []
        for byte in text {
            let isSecondControl = shown.last == 0xC2 && (0x80..<0xA0).contains(byte)
            if isSecondControl { shown.removeLast() }
            shown.append(byte < 0x20 || byte == 0x7F || isSecondControl ? UInt8(ascii: "?") : byte)
        }
        return shown
    }
}
