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
    public init(_ words: [String]) throws(Failure) {
        var isQuiet: Bool?
        destination = CopyHost(destination: "")
        var (host, prompt, flight) = (HostOptions(), FilePromptOptions(), FlightLimits())
        var (batchFile, server): (String?, String) = (nil, "sftp")
        let syntax = OptionReader.Syntax(
            flags: "aCfpqrvN46A", valued: "bBcFiJloPRsX",
            refused: ["D": "a server of this machine needs no ssh", "S": "the connection is made here"])
        let operands = try OptionReader.readAll(words, syntax, tool: "copilot sftp") { option throws(Failure) in
            if option != .flag("q"), try host.take(option) { return }
            switch option {
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
            default: break
            }
        }
        (self.host, self.prompt, self.flight) = (host, prompt, flight)
        (self.batchFile, self.server) = (batchFile, server)
        guard let first = operands.first, operands.count <= 2 else {
            throw Failure(
                "Name a host: copilot sftp [options] [user@]host[:path] [local].", hint: "See: copilot sftp --help",
                status: .foundWrong)
        }
        (destination, path) = try Self.destination(first)
        target = operands.dropFirst().first
        // As in OpenSSH a batch is quiet unless -N says otherwise.
        self.prompt.isQuiet = isQuiet ?? (batchFile != nil)
        self.prompt.showsProgress = batchFile == nil
        self.host.isQuiet = isQuiet ?? false
        if batchFile != nil { self.host.options.append("BatchMode=yes") }
    }

    private static func destination(_ text: String) throws(Failure) -> (CopyHost, String?) {
        let isURL = text.lowercased().hasPrefix("sftp://")
        let operand: CopyOperand
        do throws(Failure) {
            operand = try CopyOperand(isURL ? "scp://" + text.dropFirst("sftp://".count) : text)
        } catch { throw .wrongUse("“\(Printable.line(text))” is no address of a host.") }
        switch operand {
        case .remote(let host, let path): return (host, path.isEmpty ? nil : path)
        case .local(let name):
            guard !name.contains("/"), !name.isEmpty else {
                throw .wrongUse("“\(Printable.line(name))” names no host.")
            }
            return (CopyHost(destination: name), nil)
        }
    }
}
