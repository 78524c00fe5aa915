import SFTP

/// What the command lines of sftp and scp say about how hosts are reached.
public struct HostOptions: Sendable, Hashable {
    public var port: Int?
    public var identityFiles: [String] = []
    public var jumps: String?
    public var configurationFile: String?
    /// "Name=Value"
    public var options: [String] = []
    public var verbosity = 0
    public var isQuiet = false

    static let flags = "46ACqv"
    static let values = "cFiJloP"

    /// - Returns: Whether the letter is one of these.
    mutating func take(_ option: OptionReader.Option) throws(Failure) -> Bool {
        switch option {
        case .flag("4"): options.append("AddressFamily=inet")
        case .flag("6"): options.append("AddressFamily=inet6")
        case .flag("A"): options.append("ForwardAgent=yes")
        case .flag("C"): options.append("Compression=yes")
        case .flag("q"): isQuiet = true
        case .flag("v"): verbosity += 1
        case .value("c", let ciphers): options.append("Ciphers=\(ciphers)")
        case .value("F", let file): configurationFile = file
        case .value("i", let file): identityFiles.append(file)
        case .value("J", let hosts): jumps = hosts
        case .value("o", let setting): options.append(setting)
        case .value("P", let number): port = try Self.number(number, "P", 1...65535)
        default: return false
        }
        return true
    }

    static func number(_ text: String, _ letter: Character, _ range: ClosedRange<Int>) throws(Failure) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw .wrongUse(
                "-\(letter) takes a number of \(range.lowerBound) to \(range.upperBound), "
                    + "not '\(Printable.line(text))'.")
        }
        return number
    }

    /// `-l` is in Kbit/s, as OpenSSH counts them: 1024 bits.
    static func rate(_ text: String) throws(Failure) -> Int { try number(text, "l", 1...100_000_000) * 128 }
}

extension FlightLimits {
    /// "nrequests=N" or "buffer=N", as newer tools of OpenSSH spell -R and -B.
    mutating func take(_ setting: String, _ letter: Character) throws(Failure) {
        let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count) {
        case ("nrequests", 2): requests = try HostOptions.number(parts[1], letter, 1...4096)
        case ("buffer", 2): bytesPerRequest = try HostOptions.number(parts[1], letter, 1...255 * 1024)
        default: throw .wrongUse("-\(letter) takes nrequests=N or buffer=N.")
        }
    }
}

extension OptionReader {
    /// Reads options and operands in any order, as sftp and scp take them.
    ///
    /// - Parameters:
    ///   - words: Behind the command's name; what follows "--" is no option.
    ///   - tool: For the hint about its help.
    ///   - take: Gets each option.
    /// - Returns: The operands.
    static func readAll(
        _ words: [String], _ syntax: Syntax, tool: String, _ take: (Option) throws(Failure) -> Void
    ) throws(Failure) -> [String] {
        let end = words.firstIndex(of: "--") ?? words.endIndex
        var reader = OptionReader(Array(words[..<end]), syntax, tool: tool)
        var operands: [String] = []
        do throws(Failure) {
            while true {
                while let option = try reader.next() { try take(option) }
                guard let operand = reader.operand() else { break }
                operands.append(operand)
            }
        } catch {
            // As OpenSSH's tools do, these two end with 1 where ssh ends with 255.
            throw Failure(error.sentence, hint: "See: \(tool) --help", status: .foundWrong)
        }
        return operands + words[end...].dropFirst()
    }
}

extension Failure {
    /// The command was used wrongly.
    static func wrongUse(_ sentence: String) -> Failure { Failure(sentence, hint: "", status: .foundWrong) }
}
