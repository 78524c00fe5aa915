import SFTP

/// The command line of `copilot scp`.
public struct SCPArguments: Sendable {
    public var host = HostOptions()
    public var copy = FileCopyOptions()
    public var sources: [CopyOperand] = []
    public var target: CopyOperand

    /// - Parameter words: Behind the command's name.
    public init(_ words: [String]) throws(OptionError) {
        let letters = try OptionLetters(words, flags: "346ABCOpqRrsTv", values: "cDFiJloPSX", mayMix: true)
        var wanted = FileCopyOptions()
        for item in letters.items {
            if try host.take(item) { continue }
            switch item {
            // Between two hosts everything goes through this machine anyway, and SFTP is what is spoken.
            case .flag("3"), .flag("s"): break
            case .flag("B"): host.options.append("BatchMode=yes")
            case .flag("O"): wanted.usesOldProtocol = true
            case .flag("p"): wanted.preserves = true
            case .flag("r"): wanted.isRecursive = true
            case .flag("T"): wanted.trustsNames = true
            case .flag("R"):
                throw OptionError(sentence: "-R is not done: copies between hosts go through this machine (-3).")
            case .value("l", let rate):
                wanted.bytesPerSecond = try HostOptions.rate(rate)
                wanted.flight.bytesPerSecond = wanted.bytesPerSecond
            case .value("D", let server): wanted.server = server
            case .value("X", let setting): try wanted.flight.take(setting, "X")
            case .value(let letter, _), .flag(let letter):
                throw OptionError(sentence: "-\(letter) is not done here: see `copilot scp --help`.")
            case .long("resume"): wanted.resumes = true
            case .long(let name): throw OptionError(sentence: "There is no option --\(Printable.line(name)).")
            }
        }
        wanted.isQuiet = host.isQuiet
        copy = wanted
        guard letters.operands.count >= 2 else {
            throw OptionError(sentence: "Name what to copy and where to: copilot scp [options] source… target.")
        }
        do throws(Failure) {
            var operands: [CopyOperand] = []
            for word in letters.operands { operands.append(try CopyOperand(word)) }
            target = operands.removeLast()
            sources = operands
        } catch { throw OptionError(sentence: "\(error.sentence) \(error.hint)") }
    }
}
