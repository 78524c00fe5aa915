import Foundation
import SSHCrypto

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Asks for a passphrase at the controlling terminal, wherever standard input and output lead; it is not shown.
enum PassphraseQuestion {
    private static let limit = 1024

    /// Without a terminal SSH_ASKPASS is asked. Throws when neither is there, and when the person gives up (Ctrl-C).
    static func ask(_ question: String) throws(Failure) -> [UInt8] {
        let environment = ProcessInfo.processInfo.environment
        let mustAskProgram = ["force", "prefer"].contains(environment["SSH_ASKPASS_REQUIRE"]?.lowercased() ?? "")
        if mustAskProgram, let program = AskPass(environment: environment) { return try program.secret(question) }
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            if let program = AskPass(environment: environment) { return try program.secret(question) }
            throw Failure(
                "A passphrase is needed, and there is no terminal to ask at.",
                hint: "Give it with --passphrase-file, or name a program that asks in SSH_ASKPASS.")
        }
        defer { close(terminal) }
        PersonTerminal.write(Array(Printable.line(question).utf8), to: terminal)
        return try readHidden(terminal)
    }

    /// Characters are read one by one and signals are keys here: a Ctrl-C must not leave a terminal that shows nothing.
    private static func readHidden(_ terminal: Int32) throws(Failure) -> [UInt8] {
        var before = termios()
        guard tcgetattr(terminal, &before) == 0 else {
            throw Failure("The terminal cannot be set up.", hint: "Give the passphrase with --passphrase-file.")
        }
        var hidden = before
        hidden.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
        hidden.c_iflag |= tcflag_t(ICRNL)
        tcsetattr(terminal, TCSAFLUSH, &hidden)
        defer {
            tcsetattr(terminal, TCSAFLUSH, &before)
            PersonTerminal.write([UInt8(ascii: "\n")], to: terminal)
        }
        var secret: [UInt8] = []
        secret.reserveCapacity(limit)
        while true {
            var byte: UInt8 = 0
            let count = read(terminal, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return secret }
            switch byte {
            case 0x0A, 0x0D: return secret
            case 0x03, 0x1C:
                wipe(&secret)
                throw Failure("Given up at the question for a passphrase.", hint: "", status: .foundWrong)
            case 0x04: if secret.isEmpty { return secret }
            case 0x08, 0x7F: erase(&secret)
            case 0x15: secret.removeAll(keepingCapacity: true)
            case 0x00..<0x20: break
            default: if secret.count < limit { secret.append(byte) }
            }
        }
    }

    /// The last character, which may be of several bytes.
    private static func erase(_ secret: inout [UInt8]) {
        while let last = secret.popLast(), last & 0xC0 == 0x80 {}
    }
}
