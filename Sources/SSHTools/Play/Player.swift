public import Recording

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Plays a recording on this process's standard output: with keys at a terminal, at the same pace into a pipe.
public struct Player {
    private var playback: Playback
    private let now: @Sendable () -> Int64
    private let start: Int64

    /// - Parameters:
    ///   - reader: the recording.
    ///   - options: speed, pauses, what is let through.
    ///   - start: microseconds of playing time to begin at.
    public init(
        _ reader: AsciicastReader, options: Playback.Options, from start: Int64
    ) throws(RecordingError) {
        now = TerminalRecorder.clock()
        self.start = start
        var options = options
        options.mayMove = start > 0 || isatty(STDOUT_FILENO) == 1
        playback = try Playback(reader, options: options, now: now())
    }

    /// Blocks until the end, or until somebody quits. The terminal is as before then, whatever ends the process.
    public mutating func run() throws(RecordingError) {
        guard isatty(STDOUT_FILENO) == 1 else { return try runIntoPipe() }
        let keyboard = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard keyboard >= 0 else { return try runIntoPipe() }
        defer { close(keyboard) }
        guard let terminal = LocalTerminal(keyboard), terminal.makeRaw() else { return try runIntoPipe() }
        defer {
            PersonTerminal.write(playback.leaving + Array("\r\n".utf8))
            tcflush(keyboard, TCIFLUSH)
            terminal.restore()
        }
        try runAtTerminal(keyboard)
    }

    private mutating func runIntoPipe() throws(RecordingError) {
        if start > 0 { PersonTerminal.write(try playback.seek(to: start, at: now())) }
        while !playback.isOver {
            guard Self.write(try playback.show(at: now())) else { return }
            if let wait = playback.wait(at: now()), wait > 0 { _ = Self.sleep(wait, keyboard: nil) }
        }
    }

    private mutating func runAtTerminal(_ keyboard: Int32) throws(RecordingError) {
        var keys = PlaybackKeys()
        if start > 0 { PersonTerminal.write(try playback.seek(to: start, at: now())) }
        while !playback.isOver {
            guard Self.write(try playback.show(at: now())) else { return }
            guard Self.sleep(playback.wait(at: now()), keyboard: keyboard) else { continue }
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = read(keyboard, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            for key in keys.keys(Array(buffer.prefix(count))) {
                guard let shown = try playback.press(key, at: now()) else { return }
                PersonTerminal.write(shown)
            }
        }
    }

    /// Waits so many microseconds, for ever if nil, or for a key. Whether there is one.
    private static func sleep(_ wait: Int64?, keyboard: Int32?) -> Bool {
        var descriptor = pollfd(fd: keyboard ?? -1, events: Int16(POLLIN), revents: 0)
        let milliseconds = wait.map { Int32(clamping: ($0 + 999) / 1000) } ?? -1
        return poll(&descriptor, 1, milliseconds) > 0
    }

    /// False when nobody reads any more.
    private static func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(STDOUT_FILENO, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                PersonTerminal.noteFault(errno)
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

/// write(2), whose name a method has.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
