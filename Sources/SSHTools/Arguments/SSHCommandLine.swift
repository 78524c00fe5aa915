import SSH

/// The words of `copilot ssh`: `ssh [options] [user@]host [command]`, as OpenSSH's `ssh` reads them.
public struct SSHCommandLine: Sendable {
    /// What is to be done instead of connecting.
    public enum Task: Sendable, Hashable {
        case connect
        case help
        case version
        /// `-G`: show what the configuration says.
        case showConfiguration
        /// `-Q`: show what the engine knows of a kind.
        case listAlgorithms(String)
    }

    public var task = Task.connect
    public var request = ConnectionRequest(destination: "")
    /// The words after the host; empty for a shell.
    public var command: [String] = []
    /// `-W`: where standard input and output lead instead of a session.
    public var standardStreamsTarget: String?
    /// `--reuse`: seconds for which an unused connection is kept for the next call; nil for a connection of one's own.
    public var reuseSeconds: Int?

    private static let syntax = OptionReader.Syntax(
        flags: "46AaCfGgkMNnqsTtVvXxYy", valued: "bcDEeFiJLlmOoPpQRSW", long: ["reuse", "version"],
        refused: [
            "1": "protocol version 1 is broken and not spoken here", "2": "version 2 is the only one; leave it out",
            "B": "connections cannot be bound to an interface; use -b with an address",
            "I": "PKCS#11 tokens are not supported; put the key into an agent",
            "K": "GSSAPI is not supported", "w": "tunnel devices are not supported; use -L, -R or -D",
        ])

    /// - Parameter words: Without the command's own name.
    public init(_ words: [String]) throws(Failure) {
        var reader = OptionReader(words, Self.syntax, tool: "copilot ssh")
        var settings = Settings()
        var host: String?
        while true {
            while let option = try reader.next() { try take(option, &settings, reader) }
            // Options may follow the host; the first other word after it begins the command.
            guard host == nil, let word = reader.operand() else { break }
            host = word
        }
        if task == .help || task == .version { return }
        if case .listAlgorithms = task { return }
        guard let host else { throw reader.usage("the host is missing") }
        request.destination = host
        command = Array(reader.rest)
        // What a letter says counts before what -o says, and the last letter before others of its kind.
        request.options = settings.letters.map { "\($0)=\($1)" }.sorted() + request.options
    }

    /// What letters say about keywords.
    private struct Settings {
        var letters: [String: String] = [:]
    }

    private mutating func take(
        _ option: OptionReader.Option, _ settings: inout Settings, _ reader: OptionReader
    ) throws(Failure) {
        switch option {
        case .flag(let letter): try take(flag: letter, &settings, reader)
        case .value(let letter, let value): try take(letter, value, &settings, reader)
        case .long("help", _): task = .help
        case .long("version", _): task = .version
        case .long(_, let value):
            guard let seconds = Int(value ?? "600"), (0...604_800).contains(seconds) else {
                throw reader.usage("--reuse takes a number of seconds")
            }
            reuseSeconds = seconds
        }
    }

    private mutating func take(flag: Character, _ settings: inout Settings, _ reader: OptionReader) throws(Failure) {
        switch flag {
        case "4": settings.letters["AddressFamily"] = "inet"
        case "6": settings.letters["AddressFamily"] = "inet6"
        case "A": settings.letters["ForwardAgent"] = "yes"
        case "a": settings.letters["ForwardAgent"] = "no"
        case "C": settings.letters["Compression"] = "yes"
        case "f":
            settings.letters["ForkAfterAuthentication"] = "yes"
            settings.letters["StdinNull"] = "yes"
        case "G": task = .showConfiguration
        case "g": settings.letters["GatewayPorts"] = "yes"
        // Neither delegation nor the system's log is there to be turned off.
        case "k", "y": break
        case "M": throw reader.usage("-M: a shared connection is asked for with --reuse, by every call alike")
        case "N": settings.letters["SessionType"] = "none"
        case "n": settings.letters["StdinNull"] = "yes"
        case "q": request.isQuiet = true
        case "s": settings.letters["SessionType"] = "subsystem"
        case "T": settings.letters["RequestTTY"] = "no"
        case "t":
            let isSecond = ["yes", "force"].contains(settings.letters["RequestTTY"])
            settings.letters["RequestTTY"] = isSecond ? "force" : "yes"
        case "V": task = .version
        case "v": request.verbosity += 1
        case "X": settings.letters["ForwardX11"] = "yes"
        case "x": settings.letters["ForwardX11"] = "no"
        case "Y":
            settings.letters["ForwardX11"] = "yes"
            settings.letters["ForwardX11Trusted"] = "yes"
        default: break
        }
    }

    private mutating func take(
        _ letter: Character, _ value: String, _ settings: inout Settings, _ reader: OptionReader
    ) throws(Failure) {
        switch letter {
        case "b": settings.letters["BindAddress"] = value
        case "c": settings.letters["Ciphers"] = value
        case "m": settings.letters["MACs"] = value
        case "e": settings.letters["EscapeChar"] = value
        case "D": try forward(value, .dynamic, reader)
        case "L": try forward(value, .local, reader)
        case "R": try forward(value, .remote, reader)
        case "E": request.logFile = value
        case "F": request.configurationFile = value
        case "i": request.identityFiles.append(value)
        case "J":
            guard request.jumps == nil else { throw reader.usage("-J can be given once, with commas between hosts") }
            request.jumps = value
        case "l": request.user = request.user ?? value
        case "O": throw reader.usage("-O: a connection kept with --reuse ends by itself; there is nothing to control")
        case "o": request.options.append(value)
        case "P": request.tag = value
        case "p":
            guard let port = Int(value), (1...65535).contains(port) else { throw reader.usage("bad port “\(value)”") }
            request.port = request.port ?? port
        case "Q": task = .listAlgorithms(value)
        case "S":
            guard value == "none" else {
                throw reader.usage("-S: OpenSSH's control sockets are not spoken; use --reuse for a shared connection")
            }
        case "W":
            guard Self.target(value) != nil else { throw reader.usage("bad target “\(value)” of -W") }
            standardStreamsTarget = value
            settings.letters["SessionType"] = "none"
            settings.letters["RequestTTY"] = "no"
            settings.letters["ClearAllForwardings"] = "yes"
            settings.letters["ExitOnForwardFailure"] = "yes"
        default: break
        }
    }

    private mutating func forward(
        _ text: String, _ kind: ForwardText.Kind, _ reader: OptionReader
    ) throws(Failure) {
        guard let forward = ForwardText.parse(text, kind) else {
            throw reader.usage("bad \(kind) forwarding specification “\(text)”")
        }
        request.options.append(ForwardText.option(forward, kind))
    }

    /// "host:port" or the path of a unix socket.
    static func target(_ text: String) -> SSHForwardEndpoint? {
        if text.hasPrefix("/") { return .unix(path: text) }
        guard let jump = JumpHost(text), jump.user == nil, let port = jump.port else { return nil }
        return .tcp(host: jump.host, port: port)
    }
}
