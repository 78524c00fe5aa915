extension SSHCertificate {
    /// What authorities sign with: everything that is known, SHA-1 excepted, each curve by its own name.
    public static let authorityAlgorithms: [String] =
        ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", SSHPublicKey.skEd25519Type, SSHPublicKey.skECDSAType]
        + ECDSACurve.allCases.map(\.algorithm)

    /// Throws unless the certificate may be used: by the rules of OpenSSH 10.3, all of them, in one place.
    ///
    /// - Parameters:
    ///   - type: what it must be.
    ///   - principal: the user's name, or the host's name as the client asked for it, without a port.
    ///   - now: seconds since 1970.
    ///   - isTrusted: whether this key is an authority for what is asked. Called once.
    ///   - revoked: a revocation list, if there is one.
    ///   - sourceAddress: where the client is. A certificate that is bound to addresses is refused without it.
    ///   - authorityAlgorithms: what the authority may have signed with (CASignatureAlgorithms).
    ///
    /// Throws `certificateWrongType`, `certificateUntrusted`, `revoked`, `certificateNotYetValid`,
    /// `certificateExpired`, `certificatePrincipal`, `certificateCriticalOption`, `addressNotAllowed`. What the
    /// certificate then permits is in ``permissions``.
    public func check(
        as type: CertificateType, principal: String, now: UInt64, isTrusted: (SSHPublicKey) -> Bool,
        revoked: KeyRevocationList? = nil, sourceAddress: String? = nil,
        authorityAlgorithms: [String] = authorityAlgorithms
    ) throws(SSHKeyError) {
        try check(
            as: type, principals: [principal], now: now, isTrusted: isTrusted, revoked: revoked,
            sourceAddress: sourceAddress, authorityAlgorithms: authorityAlgorithms)
    }

    /// The same, where any of several names will do: `principals=` of authorized_keys, AuthorizedPrincipalsFile.
    public func check(
        as type: CertificateType, principals: [String], now: UInt64, isTrusted: (SSHPublicKey) -> Bool,
        revoked: KeyRevocationList? = nil, sourceAddress: String? = nil,
        authorityAlgorithms: [String] = authorityAlgorithms
    ) throws(SSHKeyError) {
        guard self.type == type else {
            throw .refused(
                .certificateWrongType,
                type == .user
                    ? "This is a host's certificate, not a user's." : "This is a user's certificate, not a host's.")
        }
        guard isTrusted(signatureKey) else {
            throw .refused(
                .certificateUntrusted,
                "The certificate's authority \(signatureKey.fingerprint) is not one that is trusted here.")
        }
        guard authorityAlgorithms.contains(signatureAlgorithm) else {
            throw .refused(
                .certificateUntrusted, "Certificates that are signed with \(signatureAlgorithm) are not accepted here.")
        }
        if let revoked, let reason = revoked.reason(.certificate(self)) {
            throw .refused(.revoked, "The certificate was revoked: \(reason).")
        }
        try checkValidity(now: now)
        guard principals.contains(where: isMade(outTo:)) else {
            throw .refused(
                .certificatePrincipal,
                "The certificate is not made out to \(principals.map(Printable.text).joined(separator: ", ")).")
        }
        try checkCriticalOptions(sourceAddress: sourceAddress)
    }

    private func checkValidity(now: UInt64) throws(SSHKeyError) {
        guard now >= validAfter else {
            throw .refused(.certificateNotYetValid, "The certificate is not valid yet.")
        }
        guard now < validBefore else { throw .refused(.certificateExpired, "The certificate has expired.") }
    }

    /// A user's name must stand there byte by byte; a host's may match a pattern. An empty list matches nobody.
    private func isMade(outTo name: String) -> Bool {
        guard !name.isEmpty else { return false }
        return principals.contains { principal in
            switch type {
            case .user: principal.utf8.elementsEqual(name.utf8)
            case .host: WildcardPattern(principal, ignoresCase: true).matches(name)
            }
        }
    }

    private func checkCriticalOptions(sourceAddress: String?) throws(SSHKeyError) {
        let known = type == .user ? Self.userCriticalOptions : []
        if let unknown = criticalOptions.entries.first(where: { !known.contains($0.name) }) {
            throw .refused(
                .certificateCriticalOption,
                "The certificate demands “\(Printable.text(unknown.name))”, which is not known here.")
        }
        guard let text = try criticalOptions.text(of: "source-address") else { return }
        guard let networks = AddressList(networks: text) else {
            throw .refused(.certificateCriticalOption, "The certificate's list of addresses makes no sense.")
        }
        guard let address = sourceAddress.flatMap(IPAddress.init), networks.contains(address) else {
            throw .refused(.addressNotAllowed, "The certificate may not be used from this address.")
        }
    }

    private static let userCriticalOptions: Set<String> = ["force-command", "source-address", "verify-required"]
}

extension SSHCertificate {
    /// What a login with this certificate may do, by its critical options and extensions. Unknown extensions permit
    /// nothing and hurt nothing.
    ///
    /// Throws `certificateCriticalOption` for a forced command that is no text.
    public var permissions: LoginPermissions {
        get throws(SSHKeyError) {
            var permissions = LoginPermissions.none
            permissions.mayUsePTY = extensions.contains("permit-pty")
            permissions.mayForwardPorts = extensions.contains("permit-port-forwarding")
            permissions.mayForwardAgent = extensions.contains("permit-agent-forwarding")
            permissions.mayForwardX11 = extensions.contains("permit-X11-forwarding")
            permissions.mayRunUserRC = extensions.contains("permit-user-rc")
            permissions.needsTouch = !extensions.contains("no-touch-required")
            permissions.needsVerification = criticalOptions.contains("verify-required")
            permissions.forcedCommand = try criticalOptions.text(of: "force-command")
            return permissions
        }
    }
}
