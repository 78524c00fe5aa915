import Terminal

/// How fast something moves and how long it will take. It has no clock of its own: every call brings the time.
struct TransferMeter {
    /// Without news for so long, it stands still.
    private static let stall = Duration.seconds(5)
    /// What the rate forgets in this time is two thirds.
    private static let memory = 3.0

    private let start: Duration
    private let startBytes: UInt64
    private var last: (time: Duration, bytes: UInt64)
    private var lastChange: Duration
    private var rate: Double?

    /// - Parameters:
    ///   - start: On any clock.
    ///   - bytes: That are there already and were not moved now.
    init(start: Duration, bytes: UInt64 = 0) {
        (self.start, startBytes) = (start, bytes)
        last = (start, bytes)
        lastChange = start
    }

    mutating func update(_ bytes: UInt64, at time: Duration) {
        if bytes != last.bytes { lastChange = time }
        let elapsed = (time - last.time).seconds
        guard elapsed >= 0.05 else { return }
        let current = Double(bytes >= last.bytes ? bytes - last.bytes : 0) / elapsed
        // The weight of what is new grows with the time it stands for.
        let weight = elapsed / (elapsed + Self.memory)
        rate = rate.map { $0 + (current - $0) * max(weight, 0.1) } ?? current
        last = (time, bytes)
    }

    /// Bytes a second now; nil before anything is known.
    var speed: Double? { rate }

    /// Bytes a second of all of it.
    func average(_ bytes: UInt64, at time: Duration) -> Double? {
        let elapsed = (time - start).seconds
        guard elapsed > 0, bytes >= startBytes else { return nil }
        return Double(bytes - startBytes) / elapsed
    }

    func elapsed(at time: Duration) -> Duration { time - start }

    func isStalled(at time: Duration) -> Bool { time - lastChange >= Self.stall }

    /// Seconds until `total` is reached at the present speed.
    func remaining(_ bytes: UInt64, of total: UInt64) -> Double? {
        guard let rate, rate > 0, total >= bytes else { return nil }
        return Double(total - bytes) / rate
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// One row of progress: name, percent, size, speed and time.
struct ProgressRow: Hashable {
    var name: String
    var bytes: UInt64
    /// nil where nobody knows how much it will be.
    var total: UInt64?
    var speed: Double?
    /// What stands at the end: the time that is left, or that it took.
    var time: String

    /// - Parameter columns: Of the terminal; the row is one shorter, so that no terminal wraps it.
    func rendered(columns: Int) -> String {
        var facts = ""
        if let total {
            let percent = total == 0 ? 100 : min(100, Int(Double(min(bytes, total)) / Double(total) * 100))
            facts += Self.right("\(percent)%", 5)
        }
        facts += Self.right(ByteSize.short(Double(bytes)), 7)
        facts += Self.right(speed.map { ByteSize.short($0) + "B/s" } ?? "", 11)
        facts += Self.right(time, 11)
        let room = max(0, columns - 1)
        let nameRoom = room - facts.count
        guard nameRoom >= 4 else { return String(TextWidth.prefix(facts.trimmingFront, columns: room)) }
        let shown = Self.cut(name, columns: nameRoom)
        return shown + String(repeating: " ", count: max(0, nameRoom - TextWidth.columns(of: shown))) + facts
    }

    /// Of a path the end says more than the beginning.
    private static func cut(_ name: String, columns: Int) -> String {
        guard TextWidth.columns(of: name) > columns else { return name }
        guard name.contains("/") else { return String(TextWidth.prefix(name, columns: columns - 1)) + "…" }
        let end = TextWidth.prefix(String(name.reversed()), columns: columns - 1)
        return "…" + String(end.reversed())
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }

    /// "00:12", "1:02:03"; nothing sensible beyond four days.
    static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 360_000 else { return "--:--" }
        let whole = Int(max(0, seconds.rounded()))
        let two = { (number: Int) in (number < 10 ? "0" : "") + String(number) }
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        return (hours > 0 ? "\(hours):" : "") + two(minutes) + ":" + two(whole % 60)
    }
}

extension String {
    fileprivate var trimmingFront: String { String(drop { $0 == " " }) }
}

/// Sizes for people, in powers of 1024.
public enum ByteSize {
    /// "982", "1.2K", "34M": five characters at most.
    public static func short(_ bytes: Double) -> String {
        var value = max(0, bytes)
        for unit in ["", "K", "M", "G", "T", "P"] {
            if value < 999.5 || unit == "P" {
                if unit.isEmpty { return String(Int(value.rounded())) }
                if value < 9.95 { return String((value * 10).rounded() / 10) + unit }
                return String(Int(value.rounded())) + unit
            }
            value /= 1024
        }
        return ""
    }
}
