import SFTP

/// The command line of `copilot sftp`.
public struct SFTPArguments: Sendable {
    public var host = HostOptions()
    public var prompt = FilePromptOptions()
    public var flight = FlightLimits()
    /// `-b`: a file, or "-" for standard input.
    public var batchFile: String?
    /// `-s`: the subsystem, or a program's path at the host.
    public var server = "sftp"
    /// `[user@]host`, and where the visit begins.
    public var destination: CopyHost
    public var path: String?
    /// Where a file that the command line names is to go.
    public var target: String?

    /// - Parameter words: Behind the command's name.
    public init(_ words: [String]) throws(OptionError) {
        let letters = try OptionLetters(
            words, flags: "aCfpqrvN46A", values: "bBcDFiJloPRsSX", mayMix: true)
        var isQuiet: Bool?
        destination = CopyHost(destination: "")
        for item in letters.items {
            if item != .flag("q"), try host.take(item) { continue }
            switch item {
            case .flag("a"): prompt.resumes = true
            case .flag("f"): prompt.synchronises = true
            case .flag("p"): prompt.preserves = true
            case .flag("r"): prompt.isRecursive = true
            case .flag("q"): isQuiet = true
            case .flag("N"): isQuiet = false
            case .value("b", let file): batchFile = file
            case .value("B", let bytes): try flight.take("buffer=\(bytes)", "B")
            case .value("R", let count): try flight.take("nrequests=\(count)", "R")
            case .value("l", let rate): flight.bytesPerSecond = try HostOptions.rate(rate)
            case .value("s", let name): server = name
            case .value("X", let setting): try flight.take(setting, "X")
            case .value(let letter, _), .flag(let letter):
                throw OptionError(sentence: "-\(letter) is not done here: see `copilot sftp --help`.")
            case .long(let name): throw OptionError(sentence: "There is no option --\(Printable.line(name)).")
            }
        }
        guard let first = letters.operands.first, letters.operands.count <= 2 else {
            throw OptionError(sentence: "Name a host: copilot sftp [options] [user@]host[:path] [local].")
        }
        (destination, path) = try Self.destination(first)
        target = letters.operands.dropFirst().first
        // As in OpenSSH a batch is quiet unless -N says otherwise.
        prompt.isQuiet = isQuiet ?? (batchFile != nil)
        prompt.showsProgress = batchFile == nil
        host.isQuiet = isQuiet ?? false
        if batchFile != nil { host.options.append("BatchMode=yes") }
    }

    private static func destination(_ text: String) throws(OptionError) -> (CopyHost, String?) {
        let isURL = text.lowercased().hasPrefix("sftp://")
        let operand: CopyOperand
        do throws(Failure) {
            operand = try CopyOperand(isURL ? "scp://" + text.dropFirst("sftp://".count) : text)
        } catch { throw OptionError(sentence: "“\(Printable.line(text))” is no address of a host.") }
        switch operand {
        case .remote(let host, let path): return (host, path.isEmpty ? nil : path)
        case .local(let name):
            guard !name.contains("/"), !name.isEmpty else {
                throw OptionError(sentence: "“\(Printable.line(name))” names no host.")
            }
            return (CopyHost(destination: name), nil)
        }
    }
}
