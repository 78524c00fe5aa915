import LocalProcess

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What keeps an account out that has the right key, as sshd does. Blocks: for a thread pool.
enum AccountRules {
    /// - Parameters:
    ///   - usesPAM: PAM's account modules decide about locks and dates.
    ///   - noLogin: The file that keeps everybody but root out while it is there (nologin(5)).
    /// - Returns: Why the account is refused; nil lets it in.
    static func refusal(of account: LocalAccount, usesPAM: Bool, noLogin: [String] = ["/etc/nologin", "/run/nologin"])
        -> String?
    {
        if account.userID != 0, let file = noLogin.first(where: { access($0, F_OK) == 0 }) {
            return "\(file) keeps everybody but root out"
        }
        // The server of an ordinary account asks nothing more than that account itself can do anyway.
        guard geteuid() == 0 else { return nil }
        guard isExecutable(account.shell) else { return "the login shell \(account.shell) is not a program" }
        if ["nologin", "false"].contains(account.shell.split(separator: "/").last ?? "") {
            return "the account is not for signing in (\(account.shell))"
        }
        return usesPAM ? nil : shadowRefusal(of: account.name)
    }

    private static func isExecutable(_ path: String) -> Bool {
        var facts = stat()
        return path.hasPrefix("/") && stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
            && facts.st_mode & 0o111 != 0
    }

    /// shadow(5): a password that begins with ! locks the account, and the eighth field is the day on which it ends.
    static func shadowRefusal(of name: String, file: String = "/etc/shadow") -> String? {
        guard let bytes = try? TrustedFile.read(file, owner: 0, home: nil) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 8, fields[0].utf8.elementsEqual(name.utf8) else { continue }
            if fields[1].hasPrefix("!") { return "the account is locked" }
            if let day = Int(fields[7]), day >= 0, Int(time(nil)) / 86_400 >= day { return "the account has expired" }
            return nil
        }
        return nil
    }
}
