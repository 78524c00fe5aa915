import Foundation
import SSHKeys

/// Where the key of a new host is known from.
public enum HostKeySource: Sendable {
    /// A probe by the same person, which is confirmed by naming it.
    case probe(id: String)
    /// Given by somebody with the command line of this machine, such as from an inventory.
    case known(SSHPublicKey)
}

/// A host as somebody describes it.
public struct NewHost: Sendable {
    public var alias: String
    public var address: String
    public var port: Int
    public var username: String
    public var environment: String
    public var purpose: String
    public var tags: [String]
    public var hostKey: HostKeySource
    public var credential: NewCredential?
    /// Only the command line and the program itself may set it.
    public var demonstration: Bool

    public init(
        alias: String, address: String, port: Int = 22, username: String, environment: String = "other",
        purpose: String = "", tags: [String] = [], hostKey: HostKeySource, credential: NewCredential?,
        demonstration: Bool = false
    ) {
        self.alias = alias
        self.address = address
        self.port = port
        self.username = username
        self.environment = environment
        self.purpose = purpose
        self.tags = tags
        self.hostKey = hostKey
        self.credential = credential
        self.demonstration = demonstration
    }
}

/// What is to be changed; nil leaves it. The address stays: a host elsewhere is another host with another key.
public struct HostChanges: Sendable {
    public var alias: String?
    public var username: String?
    public var environment: String?
    public var purpose: String?
    public var tags: [String]?
    public var credential: NewCredential?

    public init(
        alias: String? = nil, username: String? = nil, environment: String? = nil, purpose: String? = nil,
        tags: [String]? = nil, credential: NewCredential? = nil
    ) {
        self.alias = alias
        self.username = username
        self.environment = environment
        self.purpose = purpose
        self.tags = tags
        self.credential = credential
    }
}

/// What the parts of a host must be.
enum HostRule {
    static func alias(_ text: String) throws(GatewayError) -> String {
        guard text.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,63}/) != nil else {
            throw .invalid(
                "alias", "The alias is not usable.",
                hint: "Use 1 to 64 letters a-z, digits, dots, dashes and underscores; begin with a letter or digit.")
        }
        return text
    }

    /// A host name or an IP address, without brackets.
    static func address(_ text: String) throws(GatewayError) -> String {
        var address = text.trimmingCharacters(in: .whitespaces)
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        let isName = address.wholeMatch(of: /[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})/) != nil
        guard isName || IPAddress(address) != nil else {
            throw .invalid(
                "address", "The address is neither a host name nor an IP address.",
                hint: "Type a name such as web-1.example.org, without user and port.")
        }
        return address
    }

    static func port(_ port: Int) throws(GatewayError) -> Int {
        guard (1...65_535).contains(port) else {
            throw .invalid("port", "The port is not between 1 and 65535.", hint: "SSH is usually on port 22.")
        }
        return port
    }

    static func username(_ text: String) throws(GatewayError) -> String {
        let name = try VisibleText.line(text, field: "username", what: "The user name", limit: 64)
        guard !name.isEmpty, !name.hasPrefix("-") else {
            throw .invalid("username", "The user name on the host is empty or begins with a dash.", hint: "Type it.")
        }
        return name
    }

    static func environment(_ text: String) throws(GatewayError) -> HostEnvironment {
        guard let environment = HostEnvironment(rawValue: text) else {
            throw .invalid(
                "environment", "There is no such environment.",
                hint: "Choose one of: " + HostEnvironment.allCases.map(\.rawValue).joined(separator: ", ") + ".")
        }
        return environment
    }

    static func purpose(_ text: String) throws(GatewayError) -> String {
        try VisibleText.line(text, field: "purpose", what: "The purpose", limit: 200)
    }

    static func tags(_ tags: [String]) throws(GatewayError) -> [String] {
        let folded = Set(tags.map { $0.trimmingCharacters(in: .whitespaces).lowercased() })
        guard folded.count <= 20, folded.allSatisfy({ $0.wholeMatch(of: /[a-z0-9][a-z0-9._:=-]{0,39}/) != nil }) else {
            throw .invalid(
                "tags", "A tag is not usable, or there are more than 20.",
                hint: "Tags have 1 to 40 letters a-z, digits and . _ : = -.")
        }
        return folded.sorted()
    }
}
