/// The options of a line in authorized_keys, as sshd(8) lists them.
public struct KeyOptions: Sendable, Hashable {
    /// What the login may do.
    public var permissions = LoginPermissions.all
    /// The key is an authority: certificates that it signed are let in, the key itself is not.
    public var isCertificateAuthority = false
    /// The names that a certificate may be made out to; nil for the user's own name.
    public var principals: [String]?
    /// The clients that may use the key; nil for all.
    public var sources: SourcePatterns?
    /// Seconds since 1970 from which on the key is refused; nil for never.
    public var expires: UInt64?

    /// No options: everything is allowed.
    public init() {}

    /// Reads an option field: `restrict,pty,command="…"`.
    ///
    /// Throws `malformed` for an option that is unknown, lacks its value or contradicts another: to let a key in and
    /// forget a limit would be worse than to refuse it.
    public init(field text: String) throws(SSHKeyError) {
        try self.init(KeyOptionField(Array(text.utf8)[...]))
    }

    init(_ field: KeyOptionField) throws(SSHKeyError) {
        for option in field.options { try apply(option) }
    }

    private mutating func apply(_ option: KeyOptionField.Option) throws(SSHKeyError) {
        if let value = option.value {
            try apply(option.name, value)
        } else if !applyFlag(option.name) {
            throw Self.needsValue.contains(option.name)
                ? .malformed("the option \(option.name) has no value")
                : .malformed("the option “\(Printable.text(option.name))” is unknown")
        }
    }

    private static let needsValue: Set<String> = [
        "command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel",
    ]

    /// false if there is no such flag.
    private mutating func applyFlag(_ name: String) -> Bool {
        let isPermitted = !name.hasPrefix("no-")
        switch isPermitted ? name : String(name.dropFirst(3)) {
        case "port-forwarding": permissions.mayForwardPorts = isPermitted
        case "agent-forwarding": permissions.mayForwardAgent = isPermitted
        case "x11-forwarding": permissions.mayForwardX11 = isPermitted
        case "pty": permissions.mayUsePTY = isPermitted
        case "user-rc": permissions.mayRunUserRC = isPermitted
        case "touch-required": permissions.needsTouch = isPermitted
        case "verify-required": permissions.needsVerification = isPermitted
        case "cert-authority" where isPermitted: isCertificateAuthority = true
        case "restrict" where isPermitted: restrict()
        default: return false
        }
        return true
    }

    /// Options after it may permit single things again.
    private mutating func restrict() {
        permissions.mayForwardPorts = false
        permissions.mayForwardAgent = false
        permissions.mayForwardX11 = false
        permissions.mayUsePTY = false
        permissions.mayRunUserRC = false
    }

    private mutating func apply(_ name: String, _ value: String) throws(SSHKeyError) {
        switch name {
        case "command":
            guard permissions.forcedCommand == nil else { throw Self.twice(name) }
            permissions.forcedCommand = value
        case "environment": try addVariable(value)
        case "expiry-time":
            guard let time = ExpiryTime(value) else { throw Self.nonsense(name) }
            expires = min(expires ?? .max, time.seconds)
        case "from":
            guard sources == nil else { throw Self.twice(name) }
            guard let patterns = SourcePatterns(value) else { throw Self.nonsense(name) }
            sources = patterns
        case "principals":
            guard principals == nil else { throw Self.twice(name) }
            principals = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard principals?.contains("") == false else { throw Self.nonsense(name) }
        case "permitopen": try add(value, to: &permissions.openTargets, name, mayLackHost: false)
        case "permitlisten": try add(value, to: &permissions.listenTargets, name, mayLackHost: true)
        case "tunnel":
            guard permissions.tunnelDevice == nil else { throw Self.twice(name) }
            guard value != "any" else { return }
            guard let number = Int32(value), number >= 0 else { throw Self.nonsense(name) }
            permissions.tunnelDevice = Int(number)
        default: throw .malformed("the option “\(Printable.text(name))” is unknown, or takes no value")
        }
    }

    /// The most variables and targets that a line may hold; OpenSSH allows as many variables.
    private static let maximumEntries = 1024

    private mutating func addVariable(_ text: String) throws(SSHKeyError) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex,
            text[..<equals].utf8.allSatisfy(Self.mayNameVariable)
        else { throw Self.nonsense("environment") }
        let variable = LoginPermissions.Variable(
            name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
        // The first one of a name counts, as in sshd.
        guard !permissions.environment.contains(where: { $0.name == variable.name }) else { return }
        guard permissions.environment.count < Self.maximumEntries else { throw Self.nonsense("environment") }
        permissions.environment.append(variable)
    }

    private static func mayNameVariable(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func add(
        _ text: String, to targets: inout [ForwardTarget]?, _ name: String, mayLackHost: Bool
    ) throws(SSHKeyError) {
        guard let target = ForwardTarget(text, mayLackHost: mayLackHost),
            (targets?.count ?? 0) < Self.maximumEntries
        else { throw Self.nonsense(name) }
        targets = (targets ?? []) + [target]
    }

    private static func twice(_ name: String) -> SSHKeyError {
        .malformed("the option \(name) stands there twice")
    }

    private static func nonsense(_ name: String) -> SSHKeyError {
        .malformed("the value of the option \(name) makes no sense")
    }
}
