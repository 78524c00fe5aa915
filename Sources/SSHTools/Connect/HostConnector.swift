public import NIOCore
import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Reaches a host for a person: finds out what the name means, goes by way of other hosts or a program where the
/// configuration says so, compares the host's key, and shows what the person has to show.
///
/// ```swift
/// let host = try await HostConnector(
///     ConnectionRequest(destination: "web-1"), backend: StandaloneBackend(), questions: TerminalQuestions(), on: loop
/// ).connect()
/// ```
public struct HostConnector: Sendable {
    /// More hosts on the way than anybody has; a loop in the configuration ends here.
    private static let maximumDepth = 8

    /// Has the last word on the settings of the connection to the host itself; those on the way have their own.
    public var lastWord: @Sendable (inout SSHClientConfiguration, SSHConfiguration) -> Void = { _, _ in }

    private let request: ConnectionRequest
    private let backend: any HostBackend
    private let questions: any PersonQuestions
    private let eventLoop: any EventLoop
    private let depth: Int

    /// - Parameters:
    ///   - request: What the command line says.
    ///   - backend: Knows what the name means.
    ///   - questions: Asks the person.
    ///   - eventLoop: The loop on which everything of the connection will happen.
    public init(
        _ request: ConnectionRequest, backend: any HostBackend, questions: any PersonQuestions,
        on eventLoop: any EventLoop
    ) {
        self.init(request, backend: backend, questions: questions, on: eventLoop, depth: 0)
    }

    private init(
        _ request: ConnectionRequest, backend: any HostBackend, questions: any PersonQuestions,
        on eventLoop: any EventLoop, depth: Int
    ) {
        self.request = request
        self.backend = backend
        self.questions = questions
        self.eventLoop = eventLoop
        self.depth = depth
    }

    /// Resolves the request and connects.
    ///
    /// - Throws: A sentence for people; its status is 255.
    public func connect() async throws(Failure) -> OpenHost {
        try await connect(to: try await backend.resolve(request))
    }

    /// Connects to a host whose configuration is known already.
    public func connect(to configuration: SSHConfiguration) async throws(Failure) -> OpenHost {
        let log = try ConnectionLog(request, configuration)
        report(configuration, log)
        let settings = try await settings(configuration, log)
        let attempts = configuration.connectionAttempts
        for attempt in 1... {
            do throws(Failure) {
                let connection = try await open(configuration, settings, log)
                log.debug(
                    "Authenticated to \(configuration.hostName) as \(configuration.user); "
                        + "\(connection.serverIdentification), \(Self.describe(connection.negotiated))")
                return OpenHost(connection: connection, configuration: configuration, log: log)
            } catch let failure {
                guard attempt < attempts, failure.mayPass else { throw failure }
                log.debug("Attempt \(attempt) of \(attempts) failed: \(failure.sentence)")
                try? await Task.sleep(for: .seconds(1))
            }
        }
        throw Failure(SSHError(.internalError, "No attempt was made to connect.", hint: "Please report this."))
    }

    private func report(_ configuration: SSHConfiguration, _ log: ConnectionLog) {
        log.debug("\(configuration.originalHost) is \(configuration.user)@\(configuration.endpoint)")
        for keyword in configuration.unsupported {
            let place = configuration.place(of: keyword).map { "\($0): " } ?? ""
            log.debug("\(place)\(keyword.rawValue) has no effect here")
        }
        for ignored in configuration.ignored { log.debug("\(ignored.place): \(ignored.name) is ignored") }
        for path in request.identityFiles where access(path, F_OK) != 0 && access(path + ".pub", F_OK) != 0 {
            log.say("Warning: Identity file \(path) not accessible: \(String(cString: strerror(errno))).")
        }
    }

    private static func describe(_ agreed: NegotiatedAlgorithms) -> String {
        "\(agreed.keyExchange.rawValue), \(agreed.hostKey.rawValue), \(agreed.cipherClientToServer.rawValue)"
            + (agreed.macClientToServer.map { ", \($0.rawValue)" } ?? "")
            + (agreed.compressionClientToServer == .none ? "" : ", compressed")
    }

    // MARK: Settings

    private func settings(
        _ configuration: SSHConfiguration, _ log: ConnectionLog
    ) async throws(Failure) -> SSHClientConfiguration {
        let check = try HostKeyCheck(configuration, questions, log)
        let proofs = LoginProofs(configuration, questions, log, on: eventLoop)
        let credentials = try await proofs.credentials()
        do throws(SSHConfigurationError) {
            var settings = try SSHClientConfiguration(configuration, credentials: credentials) {
                await check.verify($0)
            }
            settings.algorithms = check.preferring(settings.algorithms)
            if configuration.connectTimeout == nil {
                // Without a limit of its own OpenSSH waits for as long as the system does, which is about that.
                settings.connectTimeout = .seconds(120)
                settings.handshakeTimeout = .seconds(120)
            }
            settings.localAddress = configuration.bindAddress
            settings.signsFirst = true
            settings.usesTCPKeepalive = configuration.usesTCPKeepalive
            settings.changePassword = { await proofs.newPassword($0) }
            settings.hostKeysOffered = check.learning()
            settings.knownHostKeys = check.keysOnRecord
            settings.banner = { text in
                let shown = DisplayText.neutralise(text, limit: 16 * 1024, keepsLines: true)
                log.say(shown.hasSuffix("\n") ? String(shown.dropLast()) : shown)
            }
            lastWord(&settings, configuration)
            return settings
        } catch {
            throw Failure(error)
        }
    }

    // MARK: The way there

    private func open(
        _ configuration: SSHConfiguration, _ settings: SSHClientConfiguration, _ log: ConnectionLog
    ) async throws(Failure) -> SSHConnection {
        let jumps = configuration.jumps
        if let last = jumps.last {
            return try await open(through: last, of: jumps, configuration, settings, log)
        }
        let command: String?
        do throws(SSHConfigurationError) { command = try configuration.proxyCommand() } catch { throw Failure(error) }
        if let command { return try await open(by: command, configuration, settings, log) }
        let family = configuration.addressFamily
        log.debug("Connecting to \(configuration.endpoint)")
        do throws(SSHError) {
            return try await SSHClient.connect(
                to: configuration.endpoint, configuration: settings, on: eventLoop
            ) { address in
                let isMeant = family.map { $0 == address.protocol } ?? true
                if isMeant { log.debug("address \(address.ipAddress ?? "?")") }
                return isMeant
            }
        } catch {
            guard error.code != .addressNotAllowed else {
                throw Failure(
                    "\(configuration.hostName) has no address of the family that was asked for.",
                    hint: "Leave out -4 or -6 (AddressFamily), or name another host.", status: .connection)
            }
            throw Failure(error)
        }
    }

    /// By way of the last of the jump hosts, which is reached by way of those before it.
    private func open(
        through last: JumpHost, of jumps: [JumpHost], _ configuration: SSHConfiguration,
        _ settings: SSHClientConfiguration, _ log: ConnectionLog
    ) async throws(Failure) -> SSHConnection {
        guard depth < Self.maximumDepth else {
            throw Failure(
                "The way to \(configuration.originalHost) leads over more than \(Self.maximumDepth) hosts.",
                hint: "ProxyJump of these hosts may lead in a circle: see `copilot ssh -G HOST`.", status: .connection)
        }
        var onTheWay = request.onTheWay(last)
        if jumps.count > 1 { onTheWay.jumps = jumps.dropLast().map(\.description).joined(separator: ",") }
        log.debug("By way of \(last)")
        let jump = try await HostConnector(
            onTheWay, backend: backend, questions: questions, on: eventLoop, depth: depth + 1
        ).connect()
        do throws(SSHError) {
            return try await SSHClient.connect(
                through: jump.connection, to: configuration.endpoint, configuration: settings)
        } catch {
            throw Failure(error)
        }
    }

    /// Over the standard input and output of a program, which ends with the connection.
    private func open(
        by command: String, _ configuration: SSHConfiguration, _ settings: SSHClientConfiguration, _ log: ConnectionLog
    ) async throws(Failure) -> SSHConnection {
        log.debug("By way of: \(command)")
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, streamSocket, 0, &ends) == 0 else {
            throw Failure("No socket could be made for ProxyCommand.", hint: "", status: .connection)
        }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        let process: pid_t
        do throws(Failure) {
            process = try LocalProgram.start(
                [LocalProgram.shell, "-c", "exec " + command],
                descriptors: [(ends[1], 0), (ends[1], 1)], closing: ends[1])
            close(ends[1])
        } catch {
            close(ends[0])
            close(ends[1])
            throw error
        }
        do throws(SSHError) {
            let connection = try await SSHClient.connect(
                overSocket: ends[0], to: configuration.endpoint, configuration: settings, on: eventLoop)
            connection.closed.whenComplete { _ in LocalProgram.end(process) }
            return connection
        } catch {
            LocalProgram.end(process)
            throw Failure(error)
        }
    }
}

#if canImport(Glibc)
private let streamSocket = Int32(SOCK_STREAM.rawValue)
#else
private let streamSocket = SOCK_STREAM
#endif

extension SSHConfiguration {
    /// nil for any.
    fileprivate var addressFamily: NIOBSDSocket.ProtocolFamily? {
        switch values(of: .addressFamily)?.first {
        case "inet": .inet
        case "inet6": .inet6
        default: nil
        }
    }
}
