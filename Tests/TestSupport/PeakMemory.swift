import Foundation

/// What a process has in memory at most. For exit tests: in a process of its own nobody else's memory is counted.
public enum PeakMemory {
    /// Runs `body`.
    ///
    /// - Returns: By how many bytes the most that was resident at any time exceeds what was resident before; 0 where the
    ///   system does not tell.
    public static func growth(_ body: () throws -> Void) throws -> Int {
        // 5 puts the mark back to what is resident now (proc(5)).
        try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
        let before = field("VmRSS")
        try body()
        return max(0, field("VmHWM") - before)
    }

    private static func field(_ name: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return 1024 * (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
    }
}
