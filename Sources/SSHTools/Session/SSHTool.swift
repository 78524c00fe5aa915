import NIOCore
import NIOPosix
import SSH
import SSHCrypto
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `copilot ssh`: a session, a command or forwards on a host, for the person at this terminal.
public enum SSHTool {
    /// - Parameters:
    ///   - words: Of the command line, without the command's own name.
    ///   - help: What `--help` shows.
    ///   - version: What `-V` shows.
    /// - Returns: The exit status: the remote program's own, otherwise 255.
    /// - Throws: Why it could not be done, to be told with status 255.
    public static func run(_ words: [String], help: String, version: String) async throws(Failure) -> Int32 {
        // A reader that went away shows as an error where it is written to.
        signal(SIGPIPE, SIG_IGN)
        let line = try SSHCommandLine(words)
        switch line.task {
        case .help:
            for text in help.split(separator: "\n", omittingEmptySubsequences: false) {
                PersonTerminal.print(String(text))
            }
        case .version: PersonTerminal.error("copilot \(version)")
        case .listAlgorithms(let kind): for name in try algorithms(kind) { PersonTerminal.print(name) }
        case .showConfiguration:
            for text in try await StandaloneBackend().resolve(line.request).lines { PersonTerminal.print(text) }
        case .connect:
            return try await connect(line)
        }
        try PersonTerminal.checkOutput()
        return 0
    }

    private static func connect(_ line: SSHCommandLine) async throws(Failure) -> Int32 {
        let (isBackground, kept) = (Background.isThisProcess(), ConnectionKeeper.pathToKeep())
        let address = CallAddress.take()
        let configuration = try await StandaloneBackend().resolve(line.request)
        let task = try HostTask(line, configuration)
        if isBackground, let kept { return try await keep(line, configuration, at: kept) }
        if configuration.goesToBackground, !isBackground { return try Background.start() ?? 0 }
        let ready: @Sendable () -> Void = { if isBackground { Background.becomeReady(keepsOutput: true) } }
        // The host's programs reach the display of one caller only.
        if line.reuseSeconds != nil, !configuration.forwardsX11 {
            switch try ReusedConnection.open(configuration) {
            case .open(let reused):
                if let address { reused.leaveAddress(address) }
                return try reused.run(task, ready: ready)
            case .failed(let status): return status
            }
        }
        let host = try await connector(line.request).connect(to: configuration)
        let status = try await task.run(host, ready: ready)
        await host.connection.close()
        return status
    }

    private static func connector(_ request: ConnectionRequest) -> HostConnector {
        // Everything of a connection happens on one loop; a second one would only cost its start.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        return HostConnector(
            request, backend: StandaloneBackend(), questions: TerminalQuestions(), on: group.any())
    }

    /// The process behind `--reuse`.
    private static func keep(
        _ line: SSHCommandLine, _ configuration: SSHConfiguration, at path: String
    ) async throws(Failure) -> Int32 {
        var (request, configuration) = (line.request, configuration)
        if configuration.serverAliveInterval == .zero {
            // Nobody looks at a connection that waits: it must notice by itself that the host is gone.
            request.options.append("ServerAliveInterval=15")
            configuration = try await StandaloneBackend().resolve(request)
        }
        let host = try await connector(request).connect(to: configuration)
        return try await ConnectionKeeper(host, at: path, seconds: line.reuseSeconds ?? 0).run()
    }

    /// `-Q`.
    private static func algorithms(_ kind: String) throws(Failure) -> [String] {
        switch kind.lowercased() {
        case "cipher", "ciphers": CipherName.allCases.map(\.rawValue)
        case "mac", "macs": MACName.allCases.map(\.rawValue)
        case "kex", "kexalgorithms": KeyExchangeMethod.allCases.map(\.rawValue)
        case "key", "sig", "hostkeyalgorithms", "key-sig": HostKeyAlgorithm.allCases.map(\.rawValue)
        case "compression": CompressionName.allCases.map(\.rawValue)
        case "protocol-version": ["2"]
        case "help": ["cipher", "compression", "help", "kex", "key", "mac", "protocol-version", "sig"]
        default:
            throw Failure("Unsupported query “\(kind)”.", hint: "See: copilot ssh -Q help", status: .connection)
        }
    }
}
