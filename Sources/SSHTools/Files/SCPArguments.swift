import SFTP

/// The command line of `copilot scp`.
public struct SCPArguments: Sendable {
    public var host = HostOptions()
    public var copy = FileCopyOptions()
    public var sources: [CopyOperand] = []
    public var target: CopyOperand

    /// - Parameter words: Behind the command's name.
    public init(_ words: [String]) throws(Failure) {
        var (host, wanted) = (HostOptions(), FileCopyOptions())
        let syntax = OptionReader.Syntax(
            flags: "346ABCOpqrsTv", valued: "cDFiJloPX", long: ["resume"],
            refused: [
                "R": "copies between hosts go through this machine, as with -3", "S": "the connection is made here",
            ])
        var operands = try OptionReader.readAll(words, syntax, tool: "copilot scp") { option throws(Failure) in
            if try host.take(option) { return }
            switch option {
            case .flag("B"): host.options.append("BatchMode=yes")
            case .flag("O"): wanted.usesOldProtocol = true
            case .flag("p"): wanted.preserves = true
            case .flag("r"): wanted.isRecursive = true
            case .flag("T"): wanted.trustsNames = true
            case .value("l", let rate):
                wanted.bytesPerSecond = try HostOptions.rate(rate)
                wanted.flight.bytesPerSecond = wanted.bytesPerSecond
            case .value("D", let server): wanted.server = server
            case .value("X", let setting): try wanted.flight.take(setting, "X")
            case .long("resume", nil): wanted.resumes = true
            // Between two hosts everything goes through this machine anyway (-3), and SFTP is what is spoken (-s).
            default: break
            }
        }
        wanted.isQuiet = host.isQuiet
        guard operands.count >= 2, let last = operands.popLast() else {
            throw Failure(
                "Name what to copy and where to: copilot scp [options] source… target.",
                hint: "See: copilot scp --help", status: .foundWrong)
        }
        (self.host, copy) = (host, wanted)
        target = try CopyOperand(last)
        for word in operands { sources.append(try CopyOperand(word)) }
    }
}
