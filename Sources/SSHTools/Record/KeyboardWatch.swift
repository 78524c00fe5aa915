import CLocalCalls
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A thread that watches the person's side: standard input, the size of the terminal, and the signals that end us.
final class KeyboardWatch: Sendable {
    enum Event: Sendable {
        case typed([UInt8])
        /// Standard input ended.
        case ended
        case resized(columns: Int, rows: Int)
        /// SIGTERM, SIGHUP: what runs is to end.
        case hungUp
    }

    /// Written to, it ends the thread.
    private let wake: (read: Int32, write: Int32)
    private let terminal: LocalTerminal?

    /// - Parameters:
    ///   - raw: whether every key, Ctrl-C too, is told as it is typed.
    ///   - event: called on the watch's thread, which may wait in it.
    init(raw: Bool, _ event: @escaping @Sendable (Event) -> Void) {
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wake = (ends[0], ends[1])
        terminal = raw ? LocalTerminal(STDIN_FILENO) : nil
        terminal?.makeRaw()
        let signals = terminal_signals_open()
        for number in [SIGWINCH, SIGTERM, SIGHUP] { terminal_signals_watch(number) }
        let end = ends[0]
        Thread.detachNewThread { Self.run(end, signals, event) }
    }

    /// Gives the terminal back and ends the thread.
    func stop() {
        terminal?.restore()
        close(wake.write)
    }

    /// Of the terminal at standard output or, failing that, at standard input.
    static func size() -> (columns: Int, rows: Int)? {
        [STDOUT_FILENO, STDIN_FILENO, STDERR_FILENO].lazy.compactMap { LocalTerminal($0)?.size }.first
    }

    private static func run(_ wake: Int32, _ signals: Int32, _ event: @Sendable (Event) -> Void) {
        defer { close(wake) }
        var keyboard = STDIN_FILENO
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            var watched = [wake, keyboard, signals].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&watched, nfds_t(watched.count), -1) >= 0 || errno == EINTR else { return }
            if watched[0].revents != 0 { return }
            if watched[2].revents != 0 { dealWithSignal(signals, event) }
            guard watched[1].revents != 0 else { continue }
            let count = read(keyboard, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            if count > 0 {
                event(.typed(Array(buffer.prefix(count))))
            } else {
                keyboard = -1
                event(.ended)
            }
        }
    }

    private static func dealWithSignal(_ signals: Int32, _ event: @Sendable (Event) -> Void) {
        var number: UInt8 = 0
        guard read(signals, &number, 1) == 1 else { return }
        if Int32(number) == SIGWINCH {
            if let size = size() { event(.resized(columns: size.columns, rows: size.rows)) }
        } else {
            event(.hungUp)
        }
        terminal_signals_done(Int32(number))
    }
}
