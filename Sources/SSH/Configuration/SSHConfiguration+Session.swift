// What the configuration says about the connection once it stands.

extension SSHConfiguration {
    // MARK: Forwards

    /// Empty with `ClearAllForwardings yes`.
    public var localForwards: [ConfigurationForward] { forwards(.localForward) }
    /// A SOCKS target means that this side is the proxy.
    public var remoteForwards: [ConfigurationForward] { forwards(.remoteForward) }
    public var dynamicForwards: [ConfigurationForward] { forwards(.dynamicForward) }

    private func forwards(_ keyword: ConfigurationKeyword) -> [ConfigurationForward] {
        guard !isOn(.clearAllForwardings) else { return [] }
        return (settings[keyword] ?? []).compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard let listen = parts.first else { return nil }
            let target = parts.count == 2 && parts[1] != "[socks]:0" ? parts[1] : nil
            return ConfigurationForward(listen: listen, connect: target, isRemote: keyword == .remoteForward)
        }
    }

    /// Local listeners without a host take every address.
    public var hasGatewayPorts: Bool { isOn(.gatewayPorts) }
    public var endsWhenForwardFails: Bool { isOn(.exitOnForwardFailure) }
    /// What a proxy on the remote side may reach: host:port patterns, or nil for everything.
    public var permittedRemoteOpens: [String]? {
        let values = values(of: .permitRemoteOpen) ?? ["any"]
        return values == ["any"] ? nil : values == ["none"] ? [] : values
    }
    /// Mode bits taken from a socket that is listened on.
    public var socketMask: Int { value(.streamLocalBindMask).flatMap { Int($0, radix: 8) } ?? 0o177 }
    public var removesSocket: Bool { isOn(.streamLocalBindUnlink) }
    public var forwardsX11: Bool { isOn(.forwardX11) }
    public var trustsX11: Bool { isOn(.forwardX11Trusted) }
    /// Zero means no end.
    public var x11Timeout: Duration { .seconds(number(.forwardX11Timeout)) }
    public var xauthProgram: String? { text(.xAuthLocation) }

    // MARK: The session

    public enum TerminalRequest: String, Sendable, Hashable {
        case never = "false"
        case always = "true"
        case force
        case auto
    }

    public var terminalRequest: TerminalRequest {
        value(.requestTTY).flatMap { TerminalRequest(rawValue: $0) } ?? .auto
    }

    public enum SessionKind: String, Sendable, Hashable {
        case none, subsystem
        case shell = "default"
    }

    public var sessionKind: SessionKind { value(.sessionType).flatMap { SessionKind(rawValue: $0) } ?? .shell }

    /// The command to run there instead of the one of the command line, with its tokens replaced.
    public var remoteCommand: String? { text(.remoteCommand) }

    /// The command to run here once the connection stands; nil unless `PermitLocalCommand` allows it.
    ///
    /// - Parameter tunnelDevice: For `%T`.
    public func localCommand(tunnelDevice: String = "NONE") throws(SSHConfigurationError) -> String? {
        guard isOn(.permitLocalCommand), let command = text(.localCommand) else { return nil }
        var all = tokens
        all.values["T"] = tunnelDevice
        return try all.percent(command, in: "LocalCommand")
    }

    /// The command that prints known hosts, with its tokens replaced.
    ///
    /// - Parameters:
    ///   - searched: The name or address that is looked for (`%H`).
    ///   - reason: ADDRESS, HOSTNAME or ORDER (`%I`).
    ///   - key: Type, base64 text and fingerprint of the host's key, once it is known (`%t`, `%K`, `%f`).
    public func knownHostsCommand(
        searched: String, reason: String, key: (type: String, base64: String, fingerprint: String)? = nil
    ) throws(SSHConfigurationError) -> String? {
        guard let command = text(.knownHostsCommand) else { return nil }
        var all = tokens
        all.values["H"] = searched
        all.values["I"] = reason
        all.values["t"] = key?.type ?? "NONE"
        all.values["K"] = key?.base64 ?? "NONE"
        all.values["f"] = key?.fingerprint ?? "NONE"
        return try all.percent(command, in: "KnownHostsCommand")
    }

    /// Patterns of the names of environment variables to send.
    public var sentEnvironment: [String] { settings[.sendEnv] ?? [] }

    /// Variables to send beside those, in order.
    public var setEnvironment: [(name: String, value: String)] {
        (settings[.setEnv] ?? []).compactMap { pair in
            guard let equals = pair.firstIndex(of: "=") else { return nil }
            return (String(pair[..<equals]), String(pair[pair.index(after: equals)...]))
        }
    }

    /// The variables of `environment` to send and those to set, as `SendEnv` and `SetEnv` say.
    public func environment(from environment: [String: String]) -> [(name: String, value: String)] {
        let set = setEnvironment
        let sent = environment.filter { name, _ in
            !set.contains { $0.name == name }
                && sentEnvironment.contains { NamePattern.matches(name, $0) }
        }
        return sent.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } + set
    }

    /// The character after a line feed that the client keeps for itself; nil for none.
    public var escapeCharacter: UInt8? {
        guard let text = value(.escapeChar), text != "none" else { return nil }
        let bytes = Array(text.utf8)
        if bytes.count == 3, text.hasPrefix("\\^") { return bytes[2] & 31 }
        return bytes.last
    }

    public var readsNoInput: Bool { isOn(.stdinNull) }
    public var goesToBackground: Bool { isOn(.forkAfterAuthentication) }
    public var showsHostKeyPicture: Bool { isOn(.visualHostKey) }
    public var usesMD5Fingerprints: Bool { value(.fingerprintHash) == "MD5" }
    /// QUIET to DEBUG3.
    public var logLevel: String { value(.logLevel) ?? "INFO" }

    // MARK: The connection

    /// Silence after which the host is asked for a sign of life; zero turns it off.
    public var serverAliveInterval: Duration { .seconds(number(.serverAliveInterval)) }
    public var serverAliveCountMax: Int { number(.serverAliveCountMax) }
    public var usesTCPKeepalive: Bool { isOn(.tcpKeepAlive) }
    public var isCompressed: Bool { isOn(.compression) }

    /// Bytes and time after which keys are exchanged anew; nil leaves each to the engine.
    public var rekeyLimit: (bytes: Int?, interval: Duration?) {
        let numbers = (value(.rekeyLimit) ?? "0 0").split(separator: " ").map { Int($0) ?? 0 }
        guard numbers.count == 2 else { return (nil, nil) }
        return (numbers[0] > 0 ? numbers[0] : nil, numbers[1] > 0 ? .seconds(numbers[1]) : nil)
    }

    /// The list that a line gives for a kind of algorithm, or nil without one.
    public func algorithms(_ keyword: ConfigurationKeyword) -> AlgorithmSpecification? {
        guard case .algorithms = keyword.syntax, let text = settings.first(keyword) else { return nil }
        return AlgorithmSpecification(text)
    }

    /// The list that comes of a line, for a program whose usual algorithms are `defaults` and that knows `known`.
    public func algorithms(_ keyword: ConfigurationKeyword, defaults: [String], known: [String]) -> [String] {
        algorithms(keyword)?.applied(to: defaults, known: known) ?? defaults
    }
}
