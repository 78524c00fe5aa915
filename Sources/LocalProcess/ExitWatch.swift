import CProcess
import NIOConcurrencyHelpers
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One child of this process, until it is reaped: its number means nobody else meanwhile. Closes its descriptor.
final class ChildProcess: Sendable {
    let number: Int32
    /// A pidfd.
    let descriptor: Int32
    private let isReaped = NIOLockedValueBox(false)

    init(number: Int32, descriptor: Int32) {
        self.number = number
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// How it ended, if it has; it stays in the table of processes.
    var exit: ProcessExit? { exit(reaping: false) }

    /// Lets the system forget it.
    func reap() {
        isReaped.withLockedValue { isReaped in
            guard !isReaped else { return }
            isReaped = true
            _ = exit(reaping: true)
        }
    }

    private func exit(reaping: Bool) -> ProcessExit? {
        var status: Int32 = 0
        switch process_exit_status(descriptor, reaping ? 1 : 0, &status) {
        case 0: return nil
        case 1: return .status(status)
        case 2: return .signal(status, coreDumped: false)
        case 3: return .signal(status, coreDumped: true)
        // Somebody else took it: how it ended nobody knows.
        default: return .status(255)
        }
    }

    /// - Parameter group: The whole process group that it leads, or it alone.
    func signal(_ signal: Int32, group: Bool) {
        isReaped.withLockedValue { isReaped in
            if !isReaped { kill(group ? -number : number, signal) }
        }
    }
}

/// Tells when children end: one thread for the process, which sleeps on their pidfds. No SIGCHLD, so that nobody's
/// children are taken from them.
final class ExitWatch: Sendable {
    /// Started with the first child.
    static let shared = ExitWatch()

    private struct State {
        var count: UInt64 = 0
        var waiting: [UInt64: @Sendable () -> Void] = [:]
    }

    private let watch: Int32
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let state = NIOLockedValueBox(State())

    private init() {
        watch = process_watch_make()
        thread.start()
        guard watch >= 0 else { return }
        thread.submit { _ in self.run() }
    }

    /// Calls `ended` once, on the watch's own thread.
    ///
    /// - Throws: `start_failed`.
    func wait(for child: ChildProcess, ended: @escaping @Sendable () -> Void) -> Int32 {
        let number = state.withLockedValue { state in
            state.count += 1
            state.waiting[state.count] = ended
            return state.count
        }
        let failure = watch >= 0 ? process_watch_add(watch, child.descriptor, number) : EMFILE
        if failure != 0 { state.withLockedValue { _ = $0.waiting.removeValue(forKey: number) } }
        return failure
    }

    private func run() {
        var numbers = [UInt64](repeating: 0, count: 64)
        while true {
            let count = process_watch_wait(watch, &numbers, Int32(numbers.count))
            guard count >= 0 else { return }
            let ended = state.withLockedValue { state in
                numbers.prefix(Int(count)).compactMap { state.waiting.removeValue(forKey: $0) }
            }
            for call in ended { call() }
        }
    }
}
