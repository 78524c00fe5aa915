import CProcess

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An account of this machine, as its database knows it.
public struct LocalAccount: Sendable, Hashable {
    public var name: String
    public var userID: UInt32
    /// The primary group.
    public var groupID: UInt32
    /// All groups, the primary one among them.
    public var groups: [UInt32]
    public var home: String
    /// The login shell; "/bin/sh" where the database names none (passwd(5)).
    public var shell: String

    public init(name: String, userID: UInt32, groupID: UInt32, groups: [UInt32], home: String, shell: String) {
        self.name = name
        self.userID = userID
        self.groupID = groupID
        self.groups = groups
        self.home = home
        self.shell = shell
    }

    /// Looks an account up by its name. May ask the network: not for an event loop.
    ///
    /// - Returns: nil when there is none, or the database cannot say.
    public static func named(_ name: String) -> LocalAccount? {
        guard !name.isEmpty, !name.utf8.contains(0) else { return nil }
        return find { entry, space, room, found in
            getpwnam_r(name, &entry, space, room, &found)
        }
    }

    /// The account that this process runs as. May ask the network: not for an event loop.
    public static func current() -> LocalAccount? {
        let number = geteuid()
        return find { entry, space, room, found in
            getpwuid_r(number, &entry, space, room, &found)
        }
    }

    private typealias Lookup = (
        inout passwd, UnsafeMutablePointer<CChar>, Int, inout UnsafeMutablePointer<passwd>?
    ) -> Int32

    private static func find(_ lookup: Lookup) -> LocalAccount? {
        var room = 4096
        while room <= 1 << 20 {
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            let space = UnsafeMutablePointer<CChar>.allocate(capacity: room)
            defer { space.deallocate() }
            switch lookup(&entry, space, room, &found) {
            case 0: return found == nil ? nil : LocalAccount(entry)
            case ERANGE: room *= 4
            case EINTR: continue
            default: return nil
            }
        }
        return nil
    }

    private init?(_ entry: passwd) {
        guard let name = entry.pw_name.map({ String(cString: $0) }), !name.isEmpty else { return nil }
        self.name = name
        userID = entry.pw_uid
        groupID = entry.pw_gid
        groups = Self.groups(of: name, primary: entry.pw_gid)
        home = entry.pw_dir.map { String(cString: $0) } ?? "/"
        let shell = entry.pw_shell.map { String(cString: $0) } ?? ""
        self.shell = shell.isEmpty ? "/bin/sh" : shell
    }

    private static func groups(of name: String, primary: UInt32) -> [UInt32] {
        var count: Int32 = 64
        // A second round with the number that the first one told; a group that comes in between makes a third.
        for _ in 0..<8 {
            var groups = [gid_t](repeating: 0, count: Int(count))
            let room = count
            if getgrouplist(name, primary, &groups, &count) >= 0 { return Array(groups.prefix(Int(max(count, 0)))) }
            count = max(count, room * 2)
        }
        return [primary]
    }

    /// Runs `body` with this account's rights on files and sockets, where this process is root; else as it is. Only the
    /// calling thread changes, and only until `body` returns: it must not suspend, and belongs on a thread pool.
    ///
    /// - Throws: What `body` throws, or `account_refused`.
    public func borrowingRights<Value>(_ body: () throws -> Value) throws -> Value {
        try withoutActuallyEscaping(body) { body in
            let call = BorrowedCall(body)
            let result = groups.withUnsafeBufferPointer { groups in
                var account = process_account(
                    user: userID, group: groupID, groups: groups.baseAddress, group_count: groups.count)
                return process_with_account(
                    &account,
                    { context in
                        guard let context else { return 0 }
                        Unmanaged<AnyCall>.fromOpaque(context).takeUnretainedValue().run()
                        return 0
                    },
                    Unmanaged<AnyCall>.passUnretained(call).toOpaque())
            }
            guard let outcome = call.outcome else { throw LocalProcessError.accountRefused(name, -result) }
            return try outcome.get()
        }
    }
}

/// A closure as C passes it on.
private class AnyCall {
    func run() {}
}

private final class BorrowedCall<Value>: AnyCall {
    private let body: () throws -> Value
    var outcome: Result<Value, any Error>?

    init(_ body: @escaping () throws -> Value) { self.body = body }

    override func run() { outcome = Result { try body() } }
}
