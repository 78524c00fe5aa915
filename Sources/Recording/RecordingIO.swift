import Foundation
import Synchronization

/// The one thread that writes all recordings of a process, so that no event loop ever waits for a disk.
///
/// A recording registers itself; `turn` does whatever is due for each of them and says when it wants to be called
/// again. Tests make one with their own clock and without a thread, and call `turn` themselves.
public final class RecordingIO: Sendable {
    /// Times of the writer, in microseconds.
    struct Intervals: Sendable {
        /// From an event to its chunk in the file. Under a second, so that the write itself fits into the second.
        var flush: Int64 = 900_000
        /// Between two flushes of one file to the disk.
        var synchronize: Int64 = 1_000_000
        var retry: Int64 = 500_000
    }

    private struct Registry {
        var next = 0
        var writers: [Int: RecordingWriter] = [:]
    }

    /// zlib's state, and by its lock the promise that there is one turn at a time.
    private struct Turn: ~Copyable {
        let deflater: Deflater
    }

    let intervals: Intervals
    /// Monotonic time in microseconds.
    let now: @Sendable () -> Int64
    private let registry = Mutex(Registry())
    private let turning: Mutex<Turn>
    private let alarm = Alarm()

    /// Starts the thread. It runs until `shutdown`.
    public convenience init() throws(RecordingError) {
        try self.init(now: Alarm.now, intervals: Intervals())
        let thread = Thread { [alarm, weak self] in
            while alarm.wait() {
                guard let self else { return }
                self.turn()
            }
        }
        thread.name = "recording"
        thread.start()
    }

    /// Without a thread: the caller's clock, and the caller calls `turn`.
    init(now: @escaping @Sendable () -> Int64, intervals: Intervals = Intervals()) throws(RecordingError) {
        self.now = now
        self.intervals = intervals
        turning = Mutex(Turn(deflater: try Deflater()))
    }

    deinit { alarm.stop() }

    /// Closes every recording that is still open and ends the thread. A recording that waits for space gets
    /// `patience` to finish.
    public func shutdown(patience: Duration = .seconds(2)) async {
        let writers = registry.withLock { Array($0.writers.values) }
        await withTaskGroup(of: Void.self) { group in
            for writer in writers { group.addTask { _ = await writer.close(patience: patience) } }
        }
        alarm.stop()
    }

    func register(_ writer: RecordingWriter) -> Int {
        registry.withLock {
            $0.next += 1
            $0.writers[$0.next] = writer
            return $0.next
        }
    }

    func unregister(_ id: Int) { registry.withLock { _ = $0.writers.removeValue(forKey: id) } }

    func wake(at time: Int64) { alarm.wake(at: time) }

    /// Does what is due. The next time at which something will be, or `nil`.
    @discardableResult
    func turn() -> Int64? {
        turning.withLock { turn in
            let writers = registry.withLock { Array($0.writers.values) }
            var next = Int64.max
            for writer in writers { next = min(next, writer.turn(deflater: turn.deflater)) }
            guard next < .max else { return nil }
            alarm.wake(at: next)
            return next
        }
    }
}

/// A thread sleeps on it until the earliest time that anybody asked for.
/// @unchecked: every field is used under its own mutex, which Swift's Mutex cannot pair with a timed wait.
final class Alarm: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var wakeAt = Int64.max
    private var isStopped = false

    init() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        #if os(Linux)
        // A step of the wall clock must neither delay a flush nor make the thread spin.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        #endif
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    func wake(at time: Int64) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard time < wakeAt else { return }
        wakeAt = time
        pthread_cond_signal(condition)
    }

    func stop() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isStopped = true
        pthread_cond_signal(condition)
    }

    /// Returns when the time has come; false when it never will.
    func wait() -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isStopped {
            let now = Self.now()
            if wakeAt <= now {
                wakeAt = .max
                return true
            }
            if wakeAt == .max {
                pthread_cond_wait(condition, mutex)
            } else {
                waitUntil(wakeAt, now: now)
            }
        }
        return false
    }

    private func waitUntil(_ time: Int64, now: Int64) {
        #if os(Linux)
        var until = timespec(tv_sec: Int(time / 1_000_000), tv_nsec: Int(time % 1_000_000) * 1000)
        pthread_cond_timedwait(condition, mutex, &until)
        #else
        let rest = time - now
        var interval = timespec(tv_sec: Int(rest / 1_000_000), tv_nsec: Int(rest % 1_000_000) * 1000)
        pthread_cond_timedwait_relative_np(condition, mutex, &interval)
        #endif
    }
}
