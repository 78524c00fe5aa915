import Crypto
import SSH

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where the process that keeps a connection listens: a unix socket in a folder that is its user's alone.
enum KeeperSocket {
    /// Lines that say nothing about which connection it is.
    private static let passing: Set<String> = [
        "batchmode", "clearallforwardings", "connectionattempts", "connecttimeout", "dynamicforward",
        "enableescapecommandline", "escapechar", "exitonforwardfailure", "forkafterauthentication", "forwardagent",
        "forwardx11", "forwardx11timeout", "forwardx11trusted", "gatewayports", "localcommand", "localforward",
        "loglevel", "numberofpasswordprompts", "permitlocalcommand", "remotecommand", "remoteforward", "requesttty",
        "sendenv", "sessiontype", "setenv", "stdinnull", "visualhostkey",
    ]

    /// One socket for each host, user and way there, whatever name the host was called by.
    static func path(_ configuration: SSHConfiguration) throws(Failure) -> String {
        try folder() + "/" + name(configuration)
    }

    static func name(_ configuration: SSHConfiguration) -> String {
        var hash = SHA256()
        for line in configuration.lines where !line.hasPrefix("host ") {
            if !passing.contains(String(line.prefix { $0 != " " })) { hash.update(data: Array((line + "\n").utf8)) }
        }
        let name = hash.finalize().prefix(12).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return "ssh-\(name)"
    }

    private static func folder() throws(Failure) -> String {
        let runtime = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        let folder = runtime.map { $0 + "/copilot" } ?? "/tmp/copilot-\(geteuid())"
        mkdir(folder, 0o700)
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0, folder.utf8.count <= 70
        else {
            throw Failure(
                "\(folder) is no folder of yours alone, so that no connection can be kept there.",
                hint: "Check XDG_RUNTIME_DIR, and the folder's owner and mode (0700).", status: .connection)
        }
        return folder
    }
}
