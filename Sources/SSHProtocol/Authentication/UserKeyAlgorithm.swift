import SSHKeys

/// Names of the signature algorithms that users prove their keys with.
public enum UserKeyAlgorithm {
    /// Everything that is sound, certificates first (OpenSSH's PROTOCOL.certkeys, PROTOCOL.u2f; RFC 8332, RFC 8709).
    public static let standard = certificates + keys

    static let certificates = [
        "ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        "ecdsa-sha2-nistp521-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com",
    ]

    static let keys = [
        "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
    ]
}

extension PublicIdentity {
    /// Whether it may be proved with `algorithm`, sound or old.
    func allows(_ algorithm: String) -> Bool {
        signatureAlgorithms.contains(algorithm)
            || certificate == nil && publicKey.legacySignatureAlgorithms.contains(algorithm)
    }
}
