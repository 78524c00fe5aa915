import NIOConcurrencyHelpers
import NIOPosix
import SSHProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Event lines on standard error, for people or as JSON. May be written to from any thread and keeps nobody waiting: what
/// a reader that has stopped leaves behind is counted and told later.
public final class EventLog: Sendable {
    public enum Form: Sendable, Hashable {
        case text
        case json
        case none
    }

    /// Lines that wait for the reader.
    private static let mostLines = 10_000

    private struct State {
        var lines: [String] = []
        var dropped = 0
        var isWriting = false
    }

    private let form: Form
    private let device: String?
    private let descriptor: Int32
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - form: How lines look.
    ///   - device: Named in each line.
    ///   - descriptor: Where they go; it is not closed.
    public init(_ form: Form, device: String?, descriptor: Int32 = 2) {
        self.form = form
        self.device = device
        self.descriptor = descriptor
    }

    public func write(_ event: ServerEvent) {
        guard form != .none else { return }
        let line = form == .json ? Self.json(event, device, Self.now()) : Self.text(event, device, Self.now())
        let mustStart = state.withLockedValue { state in
            guard state.lines.count < Self.mostLines else {
                state.dropped += 1
                return false
            }
            state.lines.append(line)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { NIOThreadPool.singleton.submit { _ in self.drain() } }
    }

    /// Waits until everything written so far has left.
    public func flush() {
        while state.withLockedValue({ $0.isWriting }) { usleep(2000) }
    }

    private func drain() {
        while true {
            let text = state.withLockedValue { state -> String? in
                guard !state.lines.isEmpty else {
                    state.isWriting = false
                    return nil
                }
                var lines = state.lines
                if state.dropped > 0 {
                    let event = ServerEvent(.warning, [("message", .text("\(state.dropped) events were not written"))])
                    lines.append(
                        form == .json ? Self.json(event, device, Self.now()) : Self.text(event, device, Self.now()))
                }
                (state.lines, state.dropped) = ([], 0)
                return lines.joined()
            }
            guard let text else { return }
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
                if count > 0 {
                    bytes = bytes.dropFirst(count)
                } else if errno == EAGAIN {
                    usleep(10_000)
                } else if errno != EINTR {
                    break
                }
            }
        }
    }

    // MARK: Forms

    /// RFC 3339, UTC, milliseconds.
    private static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        func padded(_ number: some BinaryInteger, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let clock = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
        return "\(date)T\(clock).\(padded(time.tv_nsec / 1_000_000, 3))Z"
    }

    static func json(_ event: ServerEvent, _ device: String?, _ time: String) -> String {
        var fields = [("time", ServerEvent.Value.text(time)), ("event", .text(event.name.rawValue))]
        if let device { fields.append(("device", .text(device))) }
        fields += event.fields.map { ($0.name, $0.value) }
        let members = fields.map { name, value in
            switch value {
            case .text(let text): "\(quoted(name)):\(quoted(text))"
            case .number(let number): "\(quoted(name)):\(number)"
            }
        }
        return "{\(members.joined(separator: ","))}\n"
    }

    /// RFC 8259 §7.
    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars.prefix(4096) {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}"..."\u{2029}":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    static func text(_ event: ServerEvent, _ device: String?, _ time: String) -> String {
        var words = [time, event.name.rawValue.replacing("_", with: "-")]
        if let device { words.append("[\(DisplayText.neutralise(device, limit: 128))]") }
        words += event.fields.map { name, value in
            switch value {
            case .number(let number): "\(name)=\(number)"
            case .text(let text):
                text.contains(" ") || text.isEmpty
                    ? "\(name)=\"\(DisplayText.neutralise(text, limit: 512))\""
                    : "\(name)=\(DisplayText.neutralise(text, limit: 512))"
            }
        }
        return words.joined(separator: " ") + "\n"
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
