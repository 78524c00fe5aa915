/// What known_hosts says to the key that a host offers.
public enum HostKeyVerdict: Sendable, Hashable {
    /// The host's key stands there.
    case known(KnownHosts.Entry)
    /// The host's certificate is good, and its authority stands there.
    case certified(KnownHosts.Entry)
    /// Other keys stand there: somebody may be in between. These are the lines; not even one of the same type may be
    /// among them, which OpenSSH would take for a new host.
    case changed([KnownHosts.Entry])
    /// The key or its authority stands there as revoked.
    case revoked(KnownHosts.Entry)
    /// The authority stands there, and yet the certificate is not good; the error says why.
    case badCertificate(SSHKeyError, KnownHosts.Entry)
    /// The host isn't there.
    case unknown
}

extension KnownHosts {
    /// Compares the key that a host offers with what is known of it.
    ///
    /// - Parameters:
    ///   - host: the name or address as the user gave it, before it was resolved.
    ///   - port: 1 to 65535.
    ///   - address: the address it was resolved to, which may be known too; nil if only the name counts.
    ///   - offered: what the key exchange proved.
    ///   - now: seconds since 1970.
    ///   - revocations: RevokedHostKeys, if there is one.
    ///
    /// A host on another port than 22 is known by "[name]:port" or, failing that, by its bare name, as in OpenSSH.
    public func lookup(
        host: String, port: Int, address: String? = nil, offered: PublicIdentity, now: UInt64,
        revocations: KeyRevocationList? = nil
    ) -> HostKeyVerdict {
        let names = [host] + (address.map { $0.lowercased() == host.lowercased() ? [] : [$0] } ?? [])
        let lines = names.flatMap { entries(for: HostName($0, port: port)) }
        let bare = port == 22 ? [] : names.flatMap { entries(for: HostName($0, port: 22)) }
        if let revoked = (lines + bare).first(where: { $0.revokes(offered) }) { return .revoked(revoked) }
        var refused: HostKeyVerdict?
        if case .certificate(let certificate) = offered,
            let authority = (lines + bare).first(where: {
                $0.marker == .certificateAuthority && $0.key == certificate.signatureKey
            })
        {
            do throws(SSHKeyError) {
                try certificate.check(
                    as: .host, principal: host, now: now, isTrusted: { $0 == authority.key }, revoked: revocations)
                return .certified(authority)
            } catch {
                guard error.code != .revoked else { return .revoked(authority) }
                refused = .badCertificate(error, authority)
            }
        }
        // A certificate that no authority here vouches for still holds a key that may be known itself.
        let known = lines.filter { $0.marker == .none }
        if let entry = (known + bare.filter { $0.marker == .none }).first(where: { $0.key == offered.publicKey }) {
            guard revocations?.contains(.key(offered.publicKey)) != true else { return .revoked(entry) }
            return .known(entry)
        }
        if !known.isEmpty { return .changed(known) }
        return refused ?? .unknown
    }

    /// The signature algorithms, of those in `algorithms`, that a host's known keys and authorities use, first; the
    /// others behind them. Both keep their order.
    ///
    /// Who asks for the type that is known gets a key that can be compared, not one that looks new.
    public func preferring(_ algorithms: [String], host: String, port: Int) -> [String] {
        let lines = entries(for: HostName(host, port: port))
        let lookedUp = lines.isEmpty && port != 22 ? entries(for: HostName(host, port: 22)) : lines
        let hasAuthority = lookedUp.contains { $0.marker == .certificateAuthority }
        let known = Set(lookedUp.filter { $0.marker == .none }.flatMap(\.key.signatureAlgorithms))
        let isPreferred: (String) -> Bool = {
            SSHCertificate.isCertificateAlgorithm($0) ? hasAuthority : known.contains($0)
        }
        // Without an authority here a certificate is only its key: the plain algorithm of that key is known.
        return algorithms.filter(isPreferred) + algorithms.filter { !isPreferred($0) }
    }

    /// The lines that speak of a host, patterns and hashed names too, in the file's order.
    ///
    /// - Parameters:
    ///   - host: a name or an address, as the user would give it.
    ///   - port: 1 to 65535; on another one than 22 the lines of "[name]:port" alone.
    public func lines(host: String, port: Int) -> [Entry] { entries(for: HostName(host, port: port)) }

    /// The types of the keys that are known for a host, in the file's order.
    public func keyTypes(host: String, port: Int) -> [String] {
        var types: [String] = []
        for entry in entries(for: HostName(host, port: port))
        where entry.marker == .none && !types.contains(entry.key.algorithm) {
            types.append(entry.key.algorithm)
        }
        return types
    }
}

extension KnownHosts.Entry {
    /// A revoked authority takes its certificates with it.
    fileprivate func revokes(_ identity: PublicIdentity) -> Bool {
        guard marker == .revoked else { return false }
        return key == identity.publicKey || key == identity.certificate?.signatureKey
    }
}

extension HostKeyVerdict {
    /// What to tell a person whose connection was stopped; nil for a host that may be connected to, and for an unknown
    /// one.
    public var explanation: String? {
        switch self {
        case .known, .certified, .unknown: nil
        case .changed(let lines):
            "The host key is not the one that is known: "
                + lines.map { "\($0.place) has \($0.key.typeName) \($0.key.fingerprint)" }.joined(separator: "; ") + "."
        case .revoked(let entry): "The host key, or the authority that signed it, is revoked: see \(entry.place)."
        case .badCertificate(let error, let entry): "\(error.description) Its authority stands in \(entry.place)."
        }
    }
}
