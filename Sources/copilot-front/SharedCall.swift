// A command for a host that `copilot ssh --reuse` keeps a connection to. Nothing is decided here: the process that keeps
// the connection gets the words, the environment and the three standard descriptors, reads the configuration as it is now,
// and either does the work or declines. Declined, unreachable, too old: then the program does as ever.

import CFrontCalls
import CLocalCalls

struct SharedCall {
    /// The link under which the process that keeps the connection was last reached with these words. Only a hint: another
    /// connection's process sees that it is not meant.
    private let name: [UInt8]
    /// nil while the user has no such folder.
    private let path: [UInt8]?
    private let words: [[UInt8]]

    /// nil for a command line that is not `ssh … --reuse … host command`.
    init?(_ words: Words) {
        let list = words.list
        guard let first = list.first, first.elementsEqual("ssh".utf8),
            let end = Self.endOfHost(list)
        else { return nil }
        self.words = Array(list.dropFirst())
        let name = Array("call-".utf8) + Self.digits(list[..<end])
        self.name = name
        path = Self.folder().map { $0 + [UInt8(ascii: "/")] + name + [0] }
    }

    /// The index behind the host's name; nil without `--reuse` before it or a command behind it.
    private static func endOfHost(_ words: [[UInt8]]) -> Int? {
        var isShared = false
        var index = 1
        while index < words.count {
            let word = words[index]
            index += 1
            guard word.first == UInt8(ascii: "-"), word.count > 1 else {
                return isShared && index < words.count ? index : nil
            }
            if word.starts(with: "--reuse".utf8) {
                isShared = true
            } else if word[1] == UInt8(ascii: "-") {
                return nil
            } else if let letter = word.dropFirst().firstIndex(where: { "bcDEeFiJLlmOoPpQRSW".utf8.contains($0) }),
                letter == word.count - 1
            {
                // Its value is the next word.
                index += 1
            }
        }
        return nil
    }

    /// The folder of the user's own where kept connections listen; its owner and mode are looked at, since what is found
    /// there gets this process's descriptors.
    private static func folder() -> [UInt8]? {
        var path = Array("/tmp/copilot-".utf8) + decimal(geteuid())
        if let runtime = getenv("XDG_RUNTIME_DIR") {
            let bytes = Words.bytes(of: runtime)
            if bytes.first == UInt8(ascii: "/") { path = bytes + Array("/copilot".utf8) }
        }
        let isOwn = (path + [0]).withUnsafeBytes { bytes in
            bytes.baseAddress.map { front_is_own_folder($0.assumingMemoryBound(to: CChar.self)) == 1 } ?? false
        }
        return isOwn ? path : nil
    }

    private static func decimal(_ number: UInt32) -> [UInt8] {
        var rest = number
        var digits: [UInt8] = []
        repeat {
            digits.insert(UInt8(ascii: "0") + UInt8(rest % 10), at: 0)
            rest /= 10
        } while rest > 0
        return digits
    }

    /// Three hexadecimal digits (FNV-1a), so that the folder never holds more than so many links.
    private static func digits(_ words: ArraySlice<[UInt8]>) -> [UInt8] {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for word in words {
            for byte in word + [0] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        let folded = hash ^ (hash >> 32) ^ (hash >> 16)
        let alphabet = Array("0123456789abcdef".utf8)
        return [8, 4, 0].map { alphabet[Int((folded >> UInt64($0)) & 15)] }
    }

    // MARK: The call

    /// - Returns: The exit status; nil when the call was not taken, and nothing has happened.
    func run() -> Int32? {
        guard let path else { return nil }
        let socket = path.withUnsafeBytes { bytes in
            bytes.baseAddress.map { front_connect($0.assumingMemoryBound(to: CChar.self)) } ?? -1
        }
        guard socket >= 0 else { return nil }
        var user: UInt32 = 0
        guard peer_user(socket, &user) == 0, user == geteuid(), send(to: socket) else {
            close(socket)
            return nil
        }
        front_end_on_signals(Self.failed)
        let status = wait(for: socket)
        close(socket)
        return status
    }

    /// The program leaves the link that this call did not find.
    func tellProgram() {
        (name + [0]).withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            setenv("COPILOT_SSH_CALL", start.assumingMemoryBound(to: CChar.self), 1)
        }
    }

    /// What `copilot ssh` ends with for a failure of its own.
    private static let failed: Int32 = 255

    private func send(to socket: Int32) -> Bool {
        let message = CallMessage.call(words, environment: Words.environment)
        guard message.count <= CallMessage.maximumLength else { return false }
        let descriptors: [Int32] = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
        var sent = 0
        while sent < message.count {
            let count = message[sent...].withUnsafeBytes {
                descriptors_send(socket, $0.baseAddress, UInt($0.count), descriptors, sent == 0 ? 3 : 0)
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private func wait(for socket: Int32) -> Int32? {
        var input: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4096)
        var isTaken = false
        while true {
            while let reply = CallMessage.Reply.next(&input) {
                switch reply {
                case .taken: isTaken = true
                case .ended(let status): return status
                case .failed(let sentence, let hint):
                    Messages.write([Array("copilot: ".utf8), Messages.line(sentence), Array("\n".utf8)])
                    if !hint.isEmpty { Messages.write([Array("  ".utf8), Messages.line(hint), Array("\n".utf8)]) }
                    return Self.failed
                case .other: return isTaken ? lost() : nil
                }
            }
            let count = room.withUnsafeMutableBytes { read(socket, $0.baseAddress, $0.count) }
            guard count > 0 else { return isTaken ? lost() : nil }
            input += room.prefix(count)
            guard input.count <= CallMessage.maximumLength else { return isTaken ? lost() : nil }
        }
    }

    private func lost() -> Int32 {
        Messages.write([Array("copilot: The process that keeps the connection went away.\n  Connect again.\n".utf8)])
        return Self.failed
    }
}
