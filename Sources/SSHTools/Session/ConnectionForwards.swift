import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The forwards of one connection, as the configuration, the command line and `~C` ask for them.
actor ConnectionForwards {
    private struct Standing {
        var kind: ForwardText.Kind
        var asked: ConfigurationForward
        /// Several where a name stands for several addresses.
        var forwards: [SSHForward]
    }

    private let connection: SSHConnection
    private let configuration: SSHConfiguration
    private let log: ConnectionLog
    private var standing: [Standing] = []

    init(_ host: OpenHost) {
        connection = host.connection
        configuration = host.configuration
        log = host.log
    }

    /// Makes all that the configuration names.
    ///
    /// - Throws: The first that fails, with `ExitOnForwardFailure`; otherwise each failure is said and passed over.
    func addConfigured() async throws(Failure) {
        let all: [(ForwardText.Kind, [ConfigurationForward])] = [
            (.local, configuration.localForwards), (.dynamic, configuration.dynamicForwards),
            (.remote, configuration.remoteForwards),
        ]
        for (kind, forwards) in all {
            for forward in forwards {
                do throws(SSHError) {
                    if let words = try await add(forward, kind) { log.say(words) }
                } catch {
                    let sentence = "Could not request \(kind) forwarding: \(error.description)"
                    guard !configuration.endsWhenForwardFails else {
                        throw Failure(sentence, hint: error.hint, status: .connection)
                    }
                    log.say(sentence, .error)
                }
            }
        }
    }

    /// - Returns: What is worth telling: the port that the host chose.
    func add(_ forward: ConfigurationForward, _ kind: ForwardText.Kind) async throws(SSHError) -> String? {
        let made: [SSHForward]
        var words: String?
        switch kind {
        case .local, .dynamic:
            made = try await listenHere(forward)
        case .remote:
            let remote = try await listenThere(forward)
            made = [remote]
            if case .port(_, 0) = forward.listener, let port = remote.listening.port {
                words = "Allocated port \(port) for remote forward to \(Self.text(forward.target))"
            }
        }
        standing.append(Standing(kind: kind, asked: forward, forwards: made))
        log.debug("\(kind) forwarding from \(Self.text(forward.listener)) to \(Self.text(forward.target))")
        return words
    }

    /// Ends the forwards that listen there. False when there is none.
    func cancel(_ listener: ConfigurationForward.Listener, _ kind: ForwardText.Kind) async -> Bool {
        let ending = standing.filter { $0.kind == kind && $0.asked.listener == listener }
        standing.removeAll { $0.kind == kind && $0.asked.listener == listener }
        for forward in ending.flatMap(\.forwards) { await forward.close() }
        return !ending.isEmpty
    }

    func cancelAll() async {
        let ending = standing
        standing = []
        for forward in ending.flatMap(\.forwards) { await forward.close() }
    }

    /// A line for each, as `~#` shows them.
    var lines: [String] {
        standing.map { one in
            let places = one.forwards.map(\.listening.description).joined(separator: ", ")
            return "  \(one.kind) forwarding: \(places) -> \(Self.text(one.asked.target))"
        }
    }

    var isEmpty: Bool { standing.isEmpty }

    // MARK: Where things are

    private func listenHere(_ forward: ConfigurationForward) async throws(SSHError) -> [SSHForward] {
        var made: [SSHForward] = []
        var failure: SSHError?
        for place in places(forward.listener) {
            if case .unix(let path) = place, configuration.removesSocket { unlink(path) }
            let rule: SSHForwardRule =
                Self.endpoint(forward.target).map { .local(from: place, to: $0) } ?? .dynamic(from: place)
            do throws(SSHError) { made.append(try await connection.forward(rule)) } catch {
                // Were loopback's first address somebody else's, whoever connects would reach them. The second one is
                // the other family's, which a machine may not have.
                if place == Self.loopback(place.port ?? 0).first { throw error }
                failure = error
            }
            // That one takes both families.
            if case .tcp("::", _) = place, !made.isEmpty { break }
        }
        if made.isEmpty, let failure { throw failure }
        return made
    }

    private func places(_ listener: ConfigurationForward.Listener) -> [SSHForwardEndpoint] {
        switch listener {
        case .socket(let path): [.unix(path: path)]
        case .port(nil, let port) where !configuration.hasGatewayPorts: Self.loopback(port)
        case .port("localhost"?, let port): Self.loopback(port)
        case .port(nil, let port), .port(""?, let port), .port("*"?, let port):
            [.tcp(host: "::", port: port), .tcp(host: "0.0.0.0", port: port)]
        case .port(let host?, let port): [.tcp(host: host, port: port)]
        }
    }

    private static func loopback(_ port: Int) -> [SSHForwardEndpoint] {
        [.tcp(host: "127.0.0.1", port: port), .tcp(host: "::1", port: port)]
    }

    private func listenThere(_ forward: ConfigurationForward) async throws(SSHError) -> SSHForward {
        // RFC 4254 §7.1: "" is every address, "localhost" the host's loopback.
        let place: SSHForwardEndpoint =
            switch forward.listener {
            case .socket(let path): .unix(path: path)
            case .port(nil, let port): .tcp(host: "localhost", port: port)
            case .port("*"?, let port): .tcp(host: "", port: port)
            case .port(let host?, let port): .tcp(host: host, port: port)
            }
        guard let target = Self.endpoint(forward.target) else {
            let permitted = configuration.permittedRemoteOpens
            return try await connection.forwardSocks(from: place) { host, port in
                permitted.map { Self.isPermitted(host, port, $0) } ?? true
            }
        }
        return try await connection.forward(.remote(from: place, to: target))
    }

    /// `PermitRemoteOpen`: "host:port", with "*" for any port.
    private static func isPermitted(_ host: String, _ port: Int, _ permitted: [String]) -> Bool {
        permitted.contains { rule in
            guard let colon = rule.lastIndex(of: ":") else { return false }
            var name = String(rule[..<colon])
            if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
            let number = rule[rule.index(after: colon)...]
            return (name == "*" || name.lowercased() == host.lowercased()) && (number == "*" || number == "\(port)")
        }
    }

    private static func endpoint(_ target: ConfigurationForward.Target) -> SSHForwardEndpoint? {
        switch target {
        case .port(let host, let port): .tcp(host: host, port: port)
        case .socket(let path): .unix(path: path)
        case .socks: nil
        }
    }

    private static func text(_ target: ConfigurationForward.Target) -> String {
        endpoint(target)?.description ?? "wherever its clients ask for (SOCKS)"
    }

    private static func text(_ listener: ConfigurationForward.Listener) -> String {
        switch listener {
        case .socket(let path): path
        case .port(let host, let port): host.map { "\($0):\(port)" } ?? "port \(port)"
        }
    }
}
