import Foundation
public import SSHKeys

/// What a certificate authority is asked to sign.
public struct CertificateOrder: Sendable {
    public var type: CertificateType
    /// Free text for the logs of servers.
    public var keyID: String
    public var principals: [String]
    public var validity: CertificateValidity
    public var serial: UInt64
    /// As `ssh-keygen -O` has them: "no-pty", "force-command=…".
    public var options: [String]
    /// "rsa-sha2-256" and the like; nil for the authority's best.
    public var algorithm: String?

    public init(
        type: CertificateType, keyID: String, principals: [String], validity: CertificateValidity, serial: UInt64 = 0,
        options: [String] = [], algorithm: String? = nil
    ) {
        self.type = type
        self.keyID = keyID
        self.principals = principals
        self.validity = validity
        self.serial = serial
        self.options = options
        self.algorithm = algorithm
    }

    /// Certifies a key.
    public func issue(for key: SSHPublicKey, signedBy authority: SSHPrivateKey) throws(Failure) -> SSHCertificate {
        let permits = try permissions()
        let contents = CertificateContents(
            publicKey: key, type: type, keyID: keyID, principals: principals, serial: serial,
            validAfter: validity.after, validBefore: validity.before, criticalOptions: permits.critical,
            extensions: permits.extensions)
        do throws(SSHKeyError) {
            return try SSHCertificate.issue(contents, signedBy: authority, algorithm: algorithm)
        } catch {
            // The library's hint speaks of ssh-keygen.
            let hint =
                error.code == .certificatePrincipal
                ? "Name who it is for, as “-n ada,deploy” or, with -h, “-n web-1.example.org”." : error.hint
            throw Failure(error.description, hint: hint)
        }
    }

    /// Where the certificate of a key file goes: `id_ed25519-cert.pub` beside `id_ed25519.pub`.
    public static func path(of keyFile: String) -> String {
        (keyFile.hasSuffix(".pub") ? String(keyFile.dropLast(4)) : keyFile) + "-cert.pub"
    }

    private static let switches: [(name: String, option: CertificateOptions.Option)] = [
        ("x11-forwarding", .permitX11Forwarding), ("agent-forwarding", .permitAgentForwarding),
        ("port-forwarding", .permitPortForwarding), ("pty", .permitPTY), ("user-rc", .permitUserRC),
    ]

    private func permissions() throws(Failure) -> (critical: CertificateOptions, extensions: CertificateOptions) {
        var critical: [CertificateOptions.Option] = []
        var extensions = type == .user ? CertificateOptions.allPermissions.entries : []
        for text in options {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0].lowercased()
            let value = parts.count == 2 ? parts[1] : nil
            if let known = Self.switches.first(where: { name == "no-" + $0.name || name == "permit-" + $0.name }) {
                extensions.removeAll { $0.name == known.option.name }
                if name.hasPrefix("permit-") { extensions.append(known.option) }
                continue
            }
            switch name {
            case "clear": extensions = []
            case "no-touch-required": extensions.append(.noTouchRequired)
            case "verify-required": critical.append(.verifyRequired)
            case "force-command": critical.append(.forceCommand(try Self.needed(value, text)))
            case "source-address":
                let networks = try Self.needed(value, text).split(separator: ",").map(String.init)
                critical.append(.sourceAddresses(networks))
            default:
                if name.hasPrefix("critical:") {
                    critical.append(Self.own(parts[0], value))
                } else if name.hasPrefix("extension:") {
                    extensions.append(Self.own(parts[0], value))
                } else {
                    throw Failure(
                        "There is no certificate option “\(text)”.",
                        hint: "Options are clear, force-command=…, source-address=…, no-pty, permit-pty, "
                            + "no-port-forwarding and the like, verify-required, extension:NAME[=…], critical:NAME[=…]."
                    )
                }
            }
        }
        guard type == .user || critical.isEmpty else {
            throw Failure("Host certificates have no critical options.", hint: "Leave the option out.")
        }
        return (CertificateOptions(critical), CertificateOptions(extensions))
    }

    private static func needed(_ value: String?, _ text: String) throws(Failure) -> String {
        guard let value, !value.isEmpty else {
            throw Failure("The option “\(text)” needs a value.", hint: "Write it as \(text)=VALUE.")
        }
        return value
    }

    /// An option that is nobody's standard: its data is a string in the string, or nothing.
    private static func own(_ text: String, _ value: String?) -> CertificateOptions.Option {
        let name = String(text[(text.firstIndex(of: ":").map { text.index(after: $0) } ?? text.startIndex)...])
        guard let value else { return CertificateOptions.Option(name: name) }
        var writer = WireWriter()
        writer.writeString(value)
        return CertificateOptions.Option(name: name, data: writer.bytes)
    }
}

extension SSHCertificate {
    /// As `ssh-keygen -L` prints it.
    ///
    /// - Parameter name: the file it is in.
    public func listing(name: String) -> String {
        let kind = type == .user ? "user" : "host"
        var lines = [
            "\(name):",
            "        Type: \(algorithm) \(kind) certificate",
            "        Public key: \(publicKey.typeName)-CERT \(publicKey.fingerprint)",
            "        Signing CA: \(signatureKey.typeName) \(signatureKey.fingerprint) (using \(signatureAlgorithm))",
            "        Key ID: \"\(keyID)\"",
            "        Serial: \(serial)",
            "        Valid: \(CertificateValidity(contents).text)",
        ]
        func list(_ title: String, _ entries: [String]) {
            lines.append("        \(title): " + (entries.isEmpty ? "(none)" : ""))
            lines += entries.map { "                " + $0 }
        }
        list("Principals", principals)
        list("Critical Options", Self.lines(criticalOptions, knowing: ["force-command", "source-address"]))
        list("Extensions", Self.lines(extensions, knowing: []))
        return lines.map { Printable.line($0) }.joined(separator: "\n")
    }

    private static func lines(_ options: CertificateOptions, knowing texts: Set<String>) -> [String] {
        options.entries.map { option in
            guard !option.data.isEmpty else { return option.name }
            var reader = WireReader(option.data)
            if texts.contains(option.name), let text = try? reader.utf8String() { return "\(option.name) \(text)" }
            let hexadecimal = option.data.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            let isFlag = option.name.hasPrefix("permit-") || option.name == "verify-required"
            return isFlag ? option.name : "\(option.name) UNKNOWN OPTION: \(hexadecimal) (len \(option.data.count))"
        }
    }
}
