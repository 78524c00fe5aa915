import LocalProcess
import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where the keys stand that let somebody in: files of authorized keys, and authorities of certificates.
struct KeySources: Sendable {
    /// Paths, in which %h is the home and %u the name of the local account, and %% a percent sign.
    let files: [String]
    private let authorities: [SSHPublicKey]

    /// - Parameters:
    ///   - files: Empty: `%h/.ssh/authorized_keys`.
    ///   - authorities: Files of public keys, a key on each line.
    /// - Throws: `unusable_file`, `invalid_settings`.
    init(files: [String], authorities: [String]) throws(StandaloneServerError) {
        self.files = files.isEmpty ? ["%h/.ssh/authorized_keys"] : files
        for file in self.files where !file.hasPrefix("/") && !file.hasPrefix("%h/") {
            throw .settings("“\(file)” is not an absolute path.", hint: "Begin it with / or %h/.")
        }
        var keys: [SSHPublicKey] = []
        for path in authorities {
            let bytes: [UInt8]?
            do {
                bytes = try TrustedFile.read(path, owner: geteuid(), home: nil)
            } catch {
                throw .file(
                    path, (error as? TrustedFile.Distrust)?.why ?? "cannot be read", hint: "Check its owner and mode.")
            }
            guard let bytes else { throw .file(path, "is not there", hint: "Check the path.") }
            let file = AuthorizedKeys(file: bytes)
            guard file.problems.isEmpty, !file.entries.isEmpty else {
                throw .file(path, "holds something that is no public key", hint: "One public key on each line.")
            }
            keys += file.entries.map(\.key)
        }
        self.authorities = keys
    }

    /// Answers for a key or certificate. Blocks: for a thread pool.
    ///
    /// - Parameters:
    ///   - login: Who wants in, under which name of SSH.
    ///   - account: Whose files are looked at; nil where there is none, and then only files that name no account.
    func decide(_ login: KeyLogin, for account: LocalAccount?) -> Answer {
        var refusal: String?
        if login.identity.certificate != nil, !authorities.isEmpty {
            // Without a file of principals the certificate must be made out to the name asked for (sshd_config(5)).
            let principals = AuthorizedPrincipals(names: [login.username])
            switch principals.decide(login, isTrusted: authorities.contains) {
            case .allowed(let permissions, _):
                return .allowed(permissions, person: login.identity.certificate?.keyID ?? "")
            case .refused(let error, _): refusal = error.description
            case .unknown: refusal = "The certificate is not made out to this name, or not by a trusted authority."
            }
        }
        for pattern in files {
            guard let path = Self.expand(pattern, account) else { continue }
            do {
                guard let file = try Self.read(path, account, isOwn: pattern.hasPrefix("%h")) else { continue }
                switch file.decide(login) {
                case .allowed(let permissions, let line):
                    let comment = file.entries.first { $0.line == line }?.comment ?? ""
                    return .allowed(permissions, person: login.identity.certificate?.keyID ?? comment)
                case .refused(let error, let line): refusal = "\(path) line \(line): \(error.description)"
                case .unknown: break
                }
            } catch {
                refusal = "\(path) \((error as? TrustedFile.Distrust)?.why ?? "cannot be read: \(error)")"
            }
        }
        return refusal.map { .refused($0) } ?? .unknown
    }

    enum Answer: Sendable {
        case allowed(LoginPermissions, person: String)
        /// Something names the key, and still keeps it out.
        case refused(String)
        case unknown
    }

    private static func read(_ path: String, _ account: LocalAccount?, isOwn: Bool) throws -> AuthorizedKeys? {
        // With the account's own rights: what it cannot read itself, a link in its home shall not read for it.
        let bytes =
            if isOwn, let account {
                try account.borrowingRights {
                    try TrustedFile.read(path, owner: account.userID, home: account.home)
                }
            } else {
                try TrustedFile.read(path, owner: account?.userID ?? geteuid(), home: nil)
            }
        return bytes.map { AuthorizedKeys(file: $0) }
    }

    /// nil when it names an account and there is none.
    private static func expand(_ pattern: String, _ account: LocalAccount?) -> String? {
        var path = ""
        var rest = pattern[...]
        while let character = rest.popFirst() {
            guard character == "%" else {
                path.append(character)
                continue
            }
            switch (rest.popFirst(), account) {
            case ("h", let account?): path += account.home
            case ("u", let account?): path += account.name
            case ("%", _): path += "%"
            default: return nil
            }
        }
        return path
    }
}
