/// A script as a command line that every login shell passes on unchanged.
///
/// The host gives the command to the account's login shell, whatever that is. Single quotes protect too little: fish
/// reads backslashes in them, csh reads `!` and ends at a new line. So only bytes that mean nothing to any shell stay
/// as they are; everything else is written as `\0ooo`, which the `printf %b` of the `sh` below turns back.
enum ShellQuoting {
    /// Bytes of a command line that a kernel takes as one argument (MAX_ARG_STRLEN is 128 KiB), with room to spare.
    static let limit = 96 << 10

    /// - Parameters:
    ///   - script: for `sh`; no NUL.
    ///   - name: what stands as `$0`, by which the process is found again; letters, digits and underscores.
    /// - Throws: `command_too_long`, `invalid` for a NUL.
    static func commandLine(_ script: String, name: String) throws(GatewayError) -> String {
        guard !script.utf8.contains(0) else {
            throw .invalid("command", "A command can't contain a NUL byte.", hint: "Send binary data as stdin.")
        }
        if script.utf8.allSatisfy(isPlain) { return "exec sh -c '\(script)' \(name)" }
        var coded: [UInt8] = []
        coded.reserveCapacity(script.utf8.count * 2)
        for byte in script.utf8 {
            if isPlain(byte) {
                coded.append(byte)
            } else {
                let digits = [byte >> 6 & 7, byte >> 3 & 7, byte & 7].map { $0 + UInt8(ascii: "0") }
                coded += [UInt8(ascii: "\\"), UInt8(ascii: "0")] + digits
            }
        }
        guard coded.count <= limit else {
            throw GatewayError(
                "command_too_long", status: 413, "The command is too long to be sent as one command line.",
                hint: "Write it to a file with POST …/files and run that file.", field: "command")
        }
        return "exec sh -c 'eval \"$(printf %b \"\(String(decoding: coded, as: UTF8.self))\")\"' \(name)"
    }

    /// One word for `sh`.
    static func word(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: " _./,:=+@-".utf8.contains(byte)
        }
    }
}
