import SSHKeys

/// How a public key is written for other programs.
public enum PublicKeyFormat: Sendable {
    /// "---- BEGIN SSH2 PUBLIC KEY ----"
    case rfc4716
    /// "-----BEGIN PUBLIC KEY-----"
    case pkcs8
    /// "-----BEGIN RSA PUBLIC KEY-----"
    case pem
    /// One line, as in `id_ed25519.pub`
    case openSSH

    /// By the name that `ssh-keygen -m` has for it, in any case.
    public init?(name: String) {
        switch name.lowercased() {
        case "rfc4716": self = .rfc4716
        case "pkcs8": self = .pkcs8
        case "pem": self = .pem
        case "openssh": self = .openSSH
        default: return nil
        }
    }

    /// The key as a file of this format.
    public func text(_ key: SSHPublicKey, comment: String) throws(Failure) -> String {
        do throws(SSHKeyError) {
            switch self {
            case .rfc4716: return key.rfc4716File(comment: comment)
            case .pkcs8: return try key.pkcs8File()
            case .pem: return try key.legacyPEMFile()
            case .openSSH: return key.authorizedKeysLine(comment: comment) + "\n"
            }
        } catch { throw Failure(error.description, hint: error.hint) }
    }
}
