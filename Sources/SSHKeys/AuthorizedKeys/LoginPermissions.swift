/// What a login may do: by an authorized_keys line, by a certificate, or by both together.
public struct LoginPermissions: Sendable, Hashable {
    /// A variable that `environment=` sets.
    public struct Variable: Sendable, Hashable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public var mayUsePTY: Bool
    public var mayForwardPorts: Bool
    public var mayForwardAgent: Bool
    public var mayForwardX11: Bool
    public var mayRunUserRC: Bool
    /// This runs instead of whatever the user asks for.
    public var forcedCommand: String?
    public var environment: [Variable] = []
    /// Where `-L` may lead (permitopen); nil for anywhere, empty for nowhere.
    public var openTargets: [ForwardTarget]?
    /// Where `-R` may listen (permitlisten); nil for anywhere, empty for nowhere.
    public var listenTargets: [ForwardTarget]?
    /// The tun device that must be used; nil for any.
    public var tunnelDevice: Int?
    /// A FIDO key must have been touched.
    public var needsTouch = true
    /// A FIDO key must have verified its owner by PIN or fingerprint.
    public var needsVerification = false

    /// Everything that a login without restrictions may do.
    public static let all = LoginPermissions(everything: true)
    /// A login, and nothing beside it.
    public static let none = LoginPermissions(everything: false)

    private init(everything: Bool) {
        mayUsePTY = everything
        mayForwardPorts = everything
        mayForwardAgent = everything
        mayForwardX11 = everything
        mayRunUserRC = everything
    }

    /// What both permit: of a certificate and of the authorized_keys line that trusts its authority.
    ///
    /// Targets, environment and tunnel come from `self` where both name some. Throws `certificateCriticalOption` if
    /// both force a command and not the same one.
    public func merged(with other: LoginPermissions) throws(SSHKeyError) -> LoginPermissions {
        if let mine = forcedCommand, let theirs = other.forcedCommand, !mine.utf8.elementsEqual(theirs.utf8) {
            throw .refused(
                .certificateCriticalOption, "The certificate and authorized_keys force different commands.")
        }
        var merged = self
        merged.mayUsePTY = mayUsePTY && other.mayUsePTY
        merged.mayForwardPorts = mayForwardPorts && other.mayForwardPorts
        merged.mayForwardAgent = mayForwardAgent && other.mayForwardAgent
        merged.mayForwardX11 = mayForwardX11 && other.mayForwardX11
        merged.mayRunUserRC = mayRunUserRC && other.mayRunUserRC
        merged.forcedCommand = forcedCommand ?? other.forcedCommand
        merged.environment = environment.isEmpty ? other.environment : environment
        merged.openTargets = openTargets ?? other.openTargets
        merged.listenTargets = listenTargets ?? other.listenTargets
        merged.tunnelDevice = tunnelDevice ?? other.tunnelDevice
        merged.needsTouch = needsTouch || other.needsTouch
        merged.needsVerification = needsVerification || other.needsVerification
        return merged
    }

    /// Throws `presenceRequired` if a FIDO key's signature lacks the touch or the verification that is needed. Other
    /// keys pass, as in sshd.
    ///
    /// - Parameters:
    ///   - details: what ``SSHPublicKey/verifyDetailed(signature:over:algorithm:allowingLegacy:)`` gave.
    ///   - key: the key that signed.
    public func checkPresence(_ details: SignatureDetails, of key: SSHPublicKey) throws(SSHKeyError) {
        guard key.isHardwareKey else { return }
        if needsTouch, !details.userPresent {
            throw .refused(.presenceRequired, "The hardware key was not touched for this signature.")
        }
        if needsVerification, !details.userVerified {
            throw .refused(.presenceRequired, "The signature was made without the hardware key's PIN or fingerprint.")
        }
    }
}
