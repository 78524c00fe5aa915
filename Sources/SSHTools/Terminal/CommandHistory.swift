#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Lines of earlier sessions in a file that is this account's alone. A line that begins with a blank is not kept.
public final class CommandHistory {
    private static let maximumLines = 1000
    private static let maximumBytes = 1 << 20

    private let path: String?
    public private(set) var lines: [String] = []

    /// - Parameter path: nil keeps them for this session alone.
    public init(path: String?) {
        self.path = path
        if let path { lines = Self.read(path) }
    }

    /// Where histories are kept: `$XDG_STATE_HOME/copilot`, or below the home.
    public static func path(_ name: String, environment: [String: String]) -> String? {
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/copilot/" + name }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return home + "/.local/state/copilot/" + name
    }

    /// Adds a line and keeps it; that a history cannot be written is no reason to disturb anybody.
    public func add(_ line: String) {
        guard let first = line.first, !first.isWhitespace, line != lines.last else { return }
        lines.append(line)
        if lines.count > 2 * Self.maximumLines { lines.removeFirst(lines.count - Self.maximumLines) }
        if let path { Self.append(line, to: path) }
    }

    private static func read(_ path: String) -> [String] {
        let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0, information.st_uid == geteuid(),
            information.st_mode & S_IFMT == S_IFREG
        else { return [] }
        if information.st_mode & 0o077 != 0 { fchmod(file, 0o600) }
        let start = max(0, Int(information.st_size) - maximumBytes)
        var bytes = [UInt8](repeating: 0, count: min(maximumBytes, Int(information.st_size)))
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, off_t(start)) }
        let lines = bytes.prefix(max(0, count)).split(separator: 10).suffix(maximumLines)
            .map { String(decoding: $0, as: UTF8.self) }
        if information.st_size > off_t(maximumBytes / 2) { rewrite(lines, file) }
        return lines
    }

    /// A file that has grown begins anew with the lines that count.
    private static func rewrite(_ lines: [String], _ file: Int32) {
        let text = Array(lines.map { $0 + "\n" }.joined().utf8)
        guard ftruncate(file, 0) == 0 else { return }
        _ = text.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
    }

    private static func append(_ line: String, to path: String) {
        makeFolders(of: path)
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }

    private static func makeFolders(of path: String) {
        var folder = ""
        for component in path.split(separator: "/").dropLast() {
            folder += "/" + component
            mkdir(folder, 0o700)
        }
    }
}
