#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Names of this machine's accounts. Looks them up in files or over the network: never on an event loop.
enum AccountDatabase {
    private static let room = 16 * 1024

    static func user(_ number: UInt32) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var space = [CChar](repeating: 0, count: room)
        guard getpwuid_r(number, &entry, &space, space.count, &found) == 0, found != nil, let name = entry.pw_name
        else { return nil }
        return String(cString: name)
    }

    static func group(_ number: UInt32) -> String? {
        var entry = group_entry()
        var found: UnsafeMutablePointer<group_entry>?
        var space = [CChar](repeating: 0, count: room)
        guard getgrgid_r(number, &entry, &space, space.count, &found) == 0, found != nil, let name = entry.gr_name
        else { return nil }
        return String(cString: name)
    }
}

// Named apart from the function above.
#if canImport(Glibc)
private typealias group_entry = Glibc.group
#elseif canImport(Musl)
private typealias group_entry = Musl.group
#else
private typealias group_entry = Darwin.group
#endif
