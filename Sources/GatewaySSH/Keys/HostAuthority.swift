public import Gateway
public import SSHKeys
import SSHProtocol
import Storage

/// The copilot's own authority for hosts: it vouches for the names under which the SSH port answers, its own and those of
/// the hosts behind it. A client that trusts it is asked about no host key.
public struct HostAuthority: Sendable {
    private let authority: SSHPrivateKey

    /// Reads the authority's key, or makes it at first use. It lies with the root key, apart from the data.
    public init(_ configuration: Configuration) throws(GatewayError) {
        authority = try DoorKeyFile.loadOrCreate(
            configuration.keys + "/ssh-host-authority", comment: "host authority of SSH Copilot")
    }

    public var publicKey: SSHPublicKey { authority.publicKey }

    /// The line for known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
    ///
    /// - Parameter pattern: The names for which the authority is believed, separated by commas, with `*` and `?`.
    public func knownHostsLine(_ pattern: String) -> String {
        "@cert-authority \(pattern) \(authority.publicKey.authorizedKeysLine(comment: "SSH Copilot"))"
    }

    /// A host key that is vouched for under these names, for a day: whoever copies it later has nothing.
    func certified(_ key: SSHPrivateKey, names: [String], now: Timestamp = .now()) throws(GatewayError) -> HostKey {
        var seen: Set<String> = []
        let principals = names.flatMap { [$0, $0.lowercased()] }.filter { !$0.isEmpty && seen.insert($0).inserted }
        let second = UInt64(max(0, now.microseconds / 1_000_000))
        let contents = CertificateContents(
            publicKey: key.publicKey, type: .host, keyID: "SSH Copilot: " + (names.first ?? ""),
            principals: Array(principals.prefix(CertificateContents.maximumPrincipals)), serial: second,
            // Clocks differ.
            validAfter: second - min(second, 300), validBefore: second + 24 * 60 * 60)
        do throws(SSHKeyError) {
            return HostKey(privateKey: key, certificate: try SSHCertificate.issue(contents, signedBy: authority))
        } catch {
            throw GatewayError("ssh_certificate", status: 500, error.description, hint: error.hint)
        }
    }
}
