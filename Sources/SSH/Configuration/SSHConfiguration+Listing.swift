// The defaults of OpenSSH, and the listing that `ssh -G` prints.

extension SSHConfiguration {
    /// Values that hold where no line says otherwise.
    static let defaults: [ConfigurationKeyword: [String]] = {
        var defaults = single.mapValues { [$0] }
        defaults[.identityFile] = ["rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa"].map {
            "~/.ssh/id_" + $0
        }
        defaults[.userKnownHostsFile] = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]
        defaults[.globalKnownHostsFile] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
        return defaults
    }()

    private static let single: [ConfigurationKeyword: String] = [
        .addKeysToAgent: "false", .addressFamily: "any", .batchMode: "no", .canonicalizeFallbackLocal: "yes",
        .canonicalizeHostname: "false", .canonicalizeMaxDots: "1", .checkHostIP: "no", .clearAllForwardings: "no",
        .compression: "no", .connectionAttempts: "1", .controlMaster: "false", .controlPersist: "no",
        .enableEscapeCommandline: "no", .enableSSHKeysign: "no", .escapeChar: "~", .exitOnForwardFailure: "no",
        .fingerprintHash: "SHA256", .forkAfterAuthentication: "no", .forwardAgent: "no", .forwardX11: "no",
        .forwardX11Timeout: "1200", .forwardX11Trusted: "no", .gatewayPorts: "no", .gssapiAuthentication: "no",
        .gssapiDelegateCredentials: "no", .hashKnownHosts: "no", .hostbasedAuthentication: "no",
        .identitiesOnly: "no", .ipQoS: "af21 cs1", .kbdInteractiveAuthentication: "yes", .logLevel: "INFO",
        .noHostAuthenticationForLocalhost: "no", .numberOfPasswordPrompts: "3", .passwordAuthentication: "yes",
        .permitLocalCommand: "no", .permitRemoteOpen: "any", .port: "22", .proxyUseFdpass: "no",
        .pubkeyAuthentication: "true", .rekeyLimit: "0 0", .requestTTY: "auto", .requiredRSASize: "1024",
        .serverAliveCountMax: "3", .serverAliveInterval: "0", .sessionType: "default", .stdinNull: "no",
        .streamLocalBindMask: "0177", .streamLocalBindUnlink: "no", .strictHostKeyChecking: "ask",
        .syslogFacility: "USER", .tcpKeepAlive: "yes", .tunnel: "false", .tunnelDevice: "any:any",
        .updateHostKeys: "true", .verifyHostKeyDNS: "false", .visualHostKey: "no", .xAuthLocation: "/usr/bin/xauth",
        .securityKeyProvider: "internal",
    ]

    /// What is printed for a keyword that is not set and has no value.
    private static let unset: [ConfigurationKeyword: String] = [
        .canonicalDomains: "none", .canonicalizePermittedCNAMEs: "none", .connectTimeout: "none", .logVerbose: "none",
    ]

    /// The lines of `ssh -G`, sorted by keyword: the keyword in lower case, a space, the value.
    public var lines: [String] {
        var lines = ["host \(originalHost)", "user \(user)", "hostname \(hostName)"]
        for keyword in ConfigurationKeyword.allCases where keyword != .user && keyword != .hostName {
            lines += listing(keyword).map { keyword.rawValue.lowercased() + " " + $0 }
        }
        return lines
    }

    private func listing(_ keyword: ConfigurationKeyword) -> [String] {
        switch keyword {
        case .proxyCommand where settings[.proxyJump] != nil,
            .securityKeyProvider where settings.first(.securityKeyProvider)?.lowercased() == "none":
            return []
        case .localForward, .remoteForward, .dynamicForward:
            return isOn(.clearAllForwardings) ? [] : settings[keyword] ?? []
        case .identityFile, .certificateFile, .sendEnv, .setEnv:
            return values(of: keyword) ?? []
        case .userKnownHostsFile where settings[keyword] == nil:
            return [(Self.defaults[keyword] ?? []).map(tokens.tilde).joined(separator: " ")]
        default:
            break
        }
        if case .algorithms(let family) = keyword.syntax {
            let defaults = AlgorithmCatalogue.defaults(family)
            let list = algorithms(keyword, defaults: defaults, known: AlgorithmCatalogue.known(family))
            return [list.joined(separator: ",")]
        }
        return [values(of: keyword)?.joined(separator: " ") ?? Self.unset[keyword]].compactMap { $0 }
    }
}
