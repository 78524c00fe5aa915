/// The kinds of algorithms that a list may name.
public enum AlgorithmFamily: Sendable, Hashable {
    case cipher
    case mac
    case keyExchange
    /// Signatures of hosts and people, certificates too.
    case signature
    /// Signatures of certificate authorities.
    case authoritySignature
}

/// A list of algorithms as ssh_config(5) writes it.
public enum AlgorithmSpecification: Sendable, Hashable {
    /// These instead of the usual ones.
    case only([String])
    /// `+`: after the usual ones.
    case append([String])
    /// `-`: the usual ones without these.
    case remove([String])
    /// `^`: before the usual ones.
    case prefer([String])

    /// - Parameter text: Names, or patterns of names, with commas between; a sign in front says what is done with them.
    public init(_ text: String) {
        let names = text.drop { "+-^".contains($0) }
        let list = names.split(separator: ",").map(String.init)
        switch text.first {
        case "+": self = .append(list)
        case "-": self = .remove(list)
        case "^": self = .prefer(list)
        default: self = .only(list)
        }
    }

    var names: [String] {
        switch self {
        case .only(let names), .append(let names), .remove(let names), .prefer(let names): names
        }
    }

    /// The list that comes of it.
    ///
    /// - Parameters:
    ///   - defaults: The usual ones, best first.
    ///   - known: Everything that can be named; patterns stand for these.
    public func applied(to defaults: [String], known: [String]) -> [String] {
        let wanted: [String]
        switch self {
        case .remove(let patterns):
            return defaults.filter { name in !patterns.contains { NamePattern.matches(name, $0) } }
        case .only(let patterns): wanted = patterns
        case .append(let patterns): wanted = defaults + patterns
        case .prefer(let patterns): wanted = patterns + defaults
        }
        var seen: Set<String> = []
        return wanted.flatMap { pattern in known.filter { NamePattern.matches($0, pattern) } }.filter {
            seen.insert($0).inserted
        }
    }
}

/// The names that OpenSSH 9.2 knows and its usual lists: what a configuration file was written against.
enum AlgorithmCatalogue {
    static func known(_ family: AlgorithmFamily) -> [String] {
        switch family {
        case .cipher: defaults(.cipher) + ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"]
        case .mac:
            defaults(.mac) + [
                "hmac-sha1-96", "hmac-md5", "hmac-md5-96", "hmac-sha1-96-etm@openssh.com", "hmac-md5-etm@openssh.com",
                "hmac-md5-96-etm@openssh.com",
            ]
        case .keyExchange:
            defaults(.keyExchange) + [
                "diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1",
                // Of OpenSSH 9.9 and later.
                "mlkem768x25519-sha256",
            ]
        case .signature: signatures
        case .authoritySignature:
            signatures.filter { !$0.contains("-cert-") }
        }
    }

    /// In the order of `ssh -Q HostKeyAlgorithms`, which is the one that patterns bring them in.
    private static let signatures = [
        "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com",
        "sk-ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521",
        "ecdsa-sha2-nistp521-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com", "ssh-dss",
        "ssh-dss-cert-v01@openssh.com", "ssh-rsa", "ssh-rsa-cert-v01@openssh.com", "rsa-sha2-256",
        "rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-512", "rsa-sha2-512-cert-v01@openssh.com",
    ]

    static func defaults(_ family: AlgorithmFamily) -> [String] {
        switch family {
        case .cipher:
            [
                "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com",
                "aes256-gcm@openssh.com",
            ]
        case .mac:
            [
                "umac-64-etm@openssh.com", "umac-128-etm@openssh.com", "hmac-sha2-256-etm@openssh.com",
                "hmac-sha2-512-etm@openssh.com", "hmac-sha1-etm@openssh.com", "umac-64@openssh.com",
                "umac-128@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1",
            ]
        case .keyExchange:
            [
                "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com", "curve25519-sha256",
                "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
                "diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512",
                "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256",
            ]
        case .signature:
            [
                "ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
                "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
                "sk-ssh-ed25519-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
                "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com",
            ] + defaults(.authoritySignature)
        case .authoritySignature:
            [
                "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
            ]
        }
    }

    /// The first name of a list that nobody knows, or nil. What is taken away need not be known; key types may be
    /// patterns, other names not.
    static func unknownName(in specification: AlgorithmSpecification, of family: AlgorithmFamily) -> String? {
        if case .remove = specification { return nil }
        let known = known(family)
        let mayBePatterns = family == .signature || family == .authoritySignature
        return specification.names.first { name in
            mayBePatterns ? !known.contains { NamePattern.matches($0, name) } : !known.contains(name)
        }
    }
}
