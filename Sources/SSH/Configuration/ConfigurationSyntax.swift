/// What may stand after a keyword.
enum ConfigurationSyntax {
    /// yes or no.
    case flag
    /// One of some words; each with the word that `ssh -G` prints for it.
    case choice([String: String])
    /// One word, kept as it is.
    case word
    /// A whole number.
    case count
    /// A duration, kept in seconds; "none" leaves it open.
    case time
    /// The words of one line: the first line counts whole. "none" stands alone.
    case words
    /// One word a line, and every line counts.
    case gathered
    /// The rest of the line, as it is.
    case command
    /// A list of algorithms.
    case algorithms(AlgorithmFamily)
    /// Something of its own: see `ConfigurationValue`.
    case special
}

extension ConfigurationKeyword {
    var syntax: ConfigurationSyntax {
        switch self {
        case .batchMode, .canonicalizeFallbackLocal, .checkHostIP, .clearAllForwardings, .compression,
            .enableEscapeCommandline, .enableSSHKeysign, .exitOnForwardFailure, .forkAfterAuthentication, .forwardX11,
            .forwardX11Trusted, .gatewayPorts, .gssapiAuthentication, .gssapiDelegateCredentials, .hashKnownHosts,
            .hostbasedAuthentication, .identitiesOnly, .kbdInteractiveAuthentication,
            .noHostAuthenticationForLocalhost, .passwordAuthentication, .permitLocalCommand, .proxyUseFdpass,
            .stdinNull, .streamLocalBindUnlink, .tcpKeepAlive, .visualHostKey:
            .flag
        case .addressFamily, .canonicalizeHostname, .controlMaster, .fingerprintHash, .logLevel,
            .pubkeyAuthentication, .requestTTY, .sessionType, .strictHostKeyChecking, .syslogFacility, .tunnel,
            .updateHostKeys, .verifyHostKeyDNS:
            .choice(choices)
        case .bindAddress, .bindInterface, .controlPath, .hostKeyAlias, .hostName, .ignoreUnknown,
            .kbdInteractiveDevices, .pkcs11Provider, .preferredAuthentications, .revokedHostKeys,
            .securityKeyProvider, .tag, .user, .xAuthLocation:
            .word
        case .canonicalizeMaxDots, .connectionAttempts, .numberOfPasswordPrompts, .requiredRSASize,
            .serverAliveCountMax:
            .count
        case .connectTimeout, .forwardX11Timeout, .serverAliveInterval: .time
        case .canonicalDomains, .globalKnownHostsFile, .logVerbose, .userKnownHostsFile: .words
        case .certificateFile, .identityFile: .gathered
        case .knownHostsCommand, .localCommand, .proxyCommand, .remoteCommand: .command
        case .ciphers: .algorithms(.cipher)
        case .macs: .algorithms(.mac)
        case .kexAlgorithms: .algorithms(.keyExchange)
        case .hostKeyAlgorithms, .hostbasedAcceptedAlgorithms, .pubkeyAcceptedAlgorithms: .algorithms(.signature)
        case .caSignatureAlgorithms: .algorithms(.authoritySignature)
        case .addKeysToAgent, .canonicalizePermittedCNAMEs, .controlPersist, .dynamicForward, .escapeChar,
            .forwardAgent, .identityAgent, .ipQoS, .localForward, .permitRemoteOpen, .port, .proxyJump, .rekeyLimit,
            .remoteForward, .sendEnv, .setEnv, .streamLocalBindMask, .tunnelDevice:
            .special
        }
    }

    private var choices: [String: String] {
        let trueOrFalse = ["yes": "true", "true": "true", "no": "false", "false": "false"]
        func and(_ more: String...) -> [String: String] {
            trueOrFalse.merging(more.map { ($0, $0) }) { old, _ in old }
        }
        return switch self {
        case .addressFamily: ["inet": "inet", "inet6": "inet6", "any": "any"]
        case .canonicalizeHostname: and("always")
        case .controlMaster: and("ask", "auto", "autoask")
        case .fingerprintHash: ["md5": "MD5", "sha256": "SHA256"]
        case .logLevel:
            Dictionary(
                uniqueKeysWithValues: ["QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG2", "DEBUG3"].map {
                    ($0.lowercased(), $0)
                } + [("debug1", "DEBUG")])
        case .pubkeyAuthentication: and("unbound", "host-bound")
        case .requestTTY: and("force", "auto")
        case .sessionType: ["none": "none", "subsystem": "subsystem", "default": "default"]
        case .strictHostKeyChecking: and("ask", "accept-new").merging(["off": "false"]) { old, _ in old }
        case .syslogFacility:
            Dictionary(
                uniqueKeysWithValues: (["DAEMON", "USER", "AUTH", "AUTHPRIV"] + (0...7).map { "LOCAL\($0)" }).map {
                    ($0.lowercased(), $0)
                })
        case .tunnel:
            ["yes": "point-to-point", "true": "point-to-point", "no": "false", "false": "false"].merging(
                ["ethernet": "ethernet", "point-to-point": "point-to-point"]) { old, _ in old }
        case .updateHostKeys, .verifyHostKeyDNS: and("ask")
        default: [:]
        }
    }
}

/// Numbers as configuration files write them.
enum ConfigurationNumber {
    /// Seconds of a time such as "90", "1h30m" or "2w" (sshd_config(5), TIME FORMATS).
    static func seconds(_ text: String) -> Int? {
        guard !text.isEmpty else { return nil }
        var total = 0
        var digits = ""
        for character in text.unicodeScalars {
            if ("0"..."9").contains(character) {
                digits.unicodeScalars.append(character)
                continue
            }
            guard let unit = unit(character), let sum = add(digits, unit, total) else { return nil }
            total = sum
            digits = ""
        }
        if !digits.isEmpty {
            guard let sum = add(digits, 1, total) else { return nil }
            total = sum
        }
        return total
    }

    private static func unit(_ character: Unicode.Scalar) -> Int? {
        switch character {
        case "s", "S": 1
        case "m", "M": 60
        case "h", "H": 3600
        case "d", "D": 86400
        case "w", "W": 604_800
        default: nil
        }
    }

    private static func add(_ digits: String, _ unit: Int, _ total: Int) -> Int? {
        guard let number = Int(digits) else { return nil }
        let (product, tooLarge) = number.multipliedReportingOverflow(by: unit)
        guard !tooLarge else { return nil }
        let (sum, overflow) = total.addingReportingOverflow(product)
        // OpenSSH keeps times in an int.
        return overflow || sum > Int(Int32.max) ? nil : sum
    }

    /// Bytes of a size such as "1500", "512K" or "1.5G"; units are powers of 1024.
    static func bytes(_ text: String) -> Int64? {
        var digits = text
        var shift = 0
        if let unit = text.utf8.last, let power = Array("BKMGTPE".utf8).firstIndex(of: unit & ~0x20), unit >= 0x41 {
            digits = String(text.dropLast())
            shift = 10 * power
        }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, isNumber(first), let whole = Int64(first) else { return nil }
        let (base, overflow) = whole.multipliedReportingOverflow(by: 1 << Int64(shift))
        guard !overflow else { return nil }
        guard parts.count == 2 else { return base }
        guard parts[1].isEmpty || isNumber(parts[1]), let fraction = Double("0." + parts[1] + "0"),
            let rest = Int64(exactly: (fraction * Double(1 << Int64(shift))).rounded(.down))
        else { return nil }
        let (sum, tooLarge) = base.addingReportingOverflow(rest)
        return tooLarge ? nil : sum
    }

    /// A number of digits alone, up to 2^31 - 1.
    static func count(_ text: some StringProtocol) -> Int? {
        guard isNumber(text), let number = Int(text), number <= Int(Int32.max) else { return nil }
        return number
    }

    /// A number of octal digits alone.
    static func octal(_ text: String) -> Int? {
        guard isNumber(text) else { return nil }
        return Int(text, radix: 8)
    }

    private static func isNumber(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
