#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The link by which the next call with the same words finds the process that keeps its connection, before anything of the
/// configuration is read. It is a hint, which that process checks (`KeeperCall`); the program in front of this one names it.
enum CallAddress {
    private static let variable = "COPILOT_SSH_CALL"
    private static let beginning = "call-"

    /// The name that this call looked for. Asked once: programs that are started do not get it.
    static func take() -> String? {
        guard let name = getenv(variable).map({ String(cString: $0) }) else { return nil }
        unsetenv(variable)
        let digits = name.dropFirst(beginning.count)
        guard name.hasPrefix(beginning), digits.utf8.count == 3, digits.allSatisfy(\.isHexDigit) else { return nil }
        return name
    }

    /// Has the name lead to who listens at the path, in the same folder. Without it, calls take the longer way.
    static func leave(_ name: String, for path: String) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let link = "\(path[...slash])\(name)"
        let temporary = "\(link).\(getpid())"
        unlink(temporary)
        guard symlink(String(path[path.index(after: slash)...]), temporary) == 0 else { return }
        if rename(temporary, link) != 0 { unlink(temporary) }
    }

    /// Nobody listens there any more.
    static func removeAll(leadingTo path: String) {
        guard let slash = path.lastIndex(of: "/"), let folder = opendir(String(path[..<slash])) else { return }
        defer { closedir(folder) }
        let target = Array(path[path.index(after: slash)...].utf8)
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { room in
                room.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix(beginning) else { continue }
            var room = [UInt8](repeating: 0, count: 256)
            let link = "\(path[...slash])\(name)"
            let length = room.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { readlink(link, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
            }
            if length == target.count, room.starts(with: target) { unlink(link) }
        }
    }
}
