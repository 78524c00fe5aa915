/// The critical options or the extensions of a certificate: names with data, in the certificate's order.
///
///     let extensions: CertificateOptions = [.permitPTY, .permitPortForwarding]
public struct CertificateOptions: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// One option: its name, and data whose form the name decides. Flags have none.
    public struct Option: Sendable, Hashable {
        public let name: String
        /// As it stands in the certificate: for "force-command" a string that holds a string.
        public let data: [UInt8]

        public init(name: String, data: [UInt8] = []) {
            self.name = name
            self.data = data
        }
    }

    /// The options; no name comes twice.
    public let entries: [Option]

    /// Options in the order of their names, as a certificate must hold them; of two with one name the first counts.
    public init(_ options: [Option]) {
        var names: Set<String> = []
        entries = options.filter { names.insert($0.name).inserted }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    public init(arrayLiteral elements: Option...) { self.init(elements) }

    public var isEmpty: Bool { entries.isEmpty }

    /// The data of an option; nil if it is not there, empty for a flag.
    public func data(of name: String) -> [UInt8]? { entries.first { $0.name == name }?.data }

    public func contains(_ name: String) -> Bool { data(of: name) != nil }

    /// Reads the options' own encoding: pairs of strings (PROTOCOL.certkeys).
    init(encoded: [UInt8]) throws(SSHKeyError) {
        var reader = WireReader(encoded)
        var options: [Option] = []
        var names: Set<String> = []
        while !reader.isAtEnd {
            let name = try reader.utf8String()
            guard Self.isName(name) else { throw .malformed("an option of a certificate has no proper name") }
            guard names.insert(name).inserted else {
                throw .malformed("a certificate holds its option \(Printable.text(name)) twice")
            }
            options.append(Option(name: name, data: try reader.string()))
        }
        entries = options
    }

    var encoded: [UInt8] {
        var writer = WireWriter()
        for option in entries {
            writer.writeString(option.name)
            writer.writeString(option.data)
        }
        return writer.bytes
    }

    /// The text in the data of an option, which is a string in the string. nil if the option is not there.
    func text(of name: String) throws(SSHKeyError) -> String? {
        guard let data = data(of: name) else { return nil }
        var reader = WireReader(data)
        guard let text = try? reader.utf8String(), reader.isAtEnd, !text.utf8.contains(0) else {
            throw .refused(
                .certificateCriticalOption, "The certificate's option \(Printable.text(name)) holds no text.")
        }
        return text
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }
}

extension CertificateOptions.Option {
    /// Critical: this command runs, whatever the user asks for.
    public static func forceCommand(_ command: String) -> Self {
        text("force-command", command)
    }

    /// Critical: the addresses that the certificate may be used from, each an address or a network in CIDR notation.
    public static func sourceAddresses(_ networks: [String]) -> Self {
        text("source-address", networks.joined(separator: ","))
    }

    /// Critical: signatures of a FIDO key need PIN or fingerprint.
    public static let verifyRequired = Self(name: "verify-required")

    public static let permitX11Forwarding = Self(name: "permit-X11-forwarding")
    public static let permitAgentForwarding = Self(name: "permit-agent-forwarding")
    public static let permitPortForwarding = Self(name: "permit-port-forwarding")
    public static let permitPTY = Self(name: "permit-pty")
    public static let permitUserRC = Self(name: "permit-user-rc")
    /// Signatures of a FIDO key may be made without a touch.
    public static let noTouchRequired = Self(name: "no-touch-required")

    private static func text(_ name: String, _ text: String) -> Self {
        var writer = WireWriter()
        writer.writeString(text)
        return Self(name: name, data: writer.bytes)
    }
}

extension CertificateOptions {
    /// What ssh-keygen puts into a user certificate when it is told nothing.
    public static let allPermissions: CertificateOptions = [
        .permitX11Forwarding, .permitAgentForwarding, .permitPortForwarding, .permitPTY, .permitUserRC,
    ]
}
