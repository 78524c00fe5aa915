// What a configuration depends on besides its files: who reads it, on which machine, and what that machine can be asked.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The surroundings in which a configuration is resolved; a test makes its own.
public struct ConfigurationContext: Sendable {
    /// Name of the local user (`%u`).
    public var localUser: String
    /// (`%i`)
    public var userID: UInt32
    /// Without a "/" at the end (`%d`, `~`).
    public var homeFolder: String
    /// With its domain, if the machine knows it (`%l`, `%L`).
    public var localHostName: String
    /// Where the system's ssh_config and the files that it includes are.
    public var systemFolder = "/etc/ssh"
    /// Reads an environment variable.
    public var environment: @Sendable (String) -> String?
    /// Runs a command of `Match exec` to its end; true if it exited with 0.
    public var runs: @Sendable (String) -> Bool
    /// Asks the name service for `CanonicalizeHostname`: nil when it does not know the name, otherwise the name that the
    /// first one is an alias of, or an empty text.
    public var alias: @Sendable (String) -> String?

    public init(
        localUser: String, userID: UInt32, homeFolder: String, localHostName: String,
        environment: @escaping @Sendable (String) -> String?,
        runs: @escaping @Sendable (String) -> Bool = ShellCommand.succeeds,
        alias: @escaping @Sendable (String) -> String? = HostAlias.lookUp
    ) {
        self.localUser = localUser
        self.userID = userID
        self.homeFolder = homeFolder
        self.localHostName = localHostName
        self.environment = environment
        self.runs = runs
        self.alias = alias
    }

    /// This process: its user, its environment, this machine.
    public static func current() -> ConfigurationContext {
        let userID = getuid()
        let account = Account(userID)
        var name = [CChar](repeating: 0, count: 256)
        let hasName = gethostname(&name, name.count - 1) == 0
        return ConfigurationContext(
            localUser: account?.name ?? "\(userID)", userID: userID,
            homeFolder: account?.home ?? read("HOME") ?? "/",
            localHostName: hasName ? text(name) : "localhost", environment: read)
    }

    @Sendable private static func read(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// An entry of the account database.
struct Account {
    let name: String
    let home: String

    init?(_ userID: uid_t) {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 16 * 1024)
        var found: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(userID, &entry, &buffer, buffer.count, &found) == 0, found != nil,
            let name = entry.pw_name, let home = entry.pw_dir
        else { return nil }
        self.name = String(cString: name)
        self.home = String(cString: home)
    }
}

/// A command of the configuration, given to the user's shell.
public enum ShellCommand {
    /// Runs it with nothing to read and nowhere to write but standard error, and waits. Blocks: keep off event loops.
    @Sendable public static func succeeds(_ command: String) -> Bool {
        var actions = posix_spawn_file_actions_t()
        guard posix_spawn_file_actions_init(&actions) == 0 else { return false }
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        guard posix_spawnattr_init(&attributes) == 0 else { return false }
        defer { posix_spawnattr_destroy(&attributes) }
        // The runtime's threads hear no signals; what they start must.
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let shell = getenv("SHELL").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
        let arguments = [strdup(shell), strdup("-c"), strdup(command), nil]
        defer { for argument in arguments { free(argument) } }
        var identifier: pid_t = 0
        guard posix_spawn(&identifier, shell, &actions, &attributes, arguments, environ) == 0 else { return false }
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0 {
            guard errno == EINTR else { return false }
        }
        return status == 0
    }
}

/// The name service, as `CanonicalizeHostname` asks it.
public enum HostAlias {
    /// nil when there is no such host, otherwise the name that it is an alias of, or an empty text. Blocks.
    @Sendable public static func lookUp(_ name: String) -> String? {
        guard !name.isEmpty, name.utf8.count <= 254, !name.utf8.contains(0) else { return nil }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = AI_CANONNAME
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(list) }
        guard let canonical = first.pointee.ai_canonname else { return "" }
        let text = String(cString: canonical).lowercased()
        let anchored = name.hasSuffix(".") ? String(name.dropLast()) : name
        return text == anchored.lowercased() ? "" : text
    }
}

/// A port by number or by its name in the machine's list of services.
enum ServicePort {
    /// 0 to 65535; nil for something else.
    static func number(_ text: String) -> Int? {
        if let number = ConfigurationNumber.count(text) { return number <= 65535 ? number : nil }
        guard (1...32).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") })
        else { return nil }
        var hints = addrinfo()
        hints.ai_family = AF_INET
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = AI_NUMERICHOST
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo("127.0.0.1", text, &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(list) }
        guard let raw = UnsafeRawPointer(first.pointee.ai_addr) else { return nil }
        // The port is at the same place in every family and system.
        return Int(UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    }
}
