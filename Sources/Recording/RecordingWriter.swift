import Crypto
import NIOCore
import Synchronization

/// How a recording is doing, for its owner.
public enum RecordingState: Sendable, Hashable {
    case recording
    /// More is waiting than `Bounds.behind`: the disk is slower than the host. The owner should stop reading from the
    /// host until `.caughtUp`; nobody needs to be told.
    case behind
    case caughtUp
    /// The file cannot be written. Nothing accepted is lost; the session should pause until `.recovered`.
    case stalled(RecordingError)
    case recovered
    /// The file is complete, or (with the reason) it was given up and ends early but plays.
    case closed(RecordingError?)
}

/// What became of an event.
public enum RecordingAcceptance: Sendable, Hashable {
    case accepted
    /// The writer holds as much as it may (`Bounds.limit`) or is closed. The recording will say how many bytes are
    /// missing, at the place where they are missing.
    case refused
}

/// What was written, for the books of the owner.
public struct RecordingSummary: Sendable, Hashable {
    public let isComplete: Bool
    /// Size of the file.
    public let bytes: Int64
    public let chunks: Int
    /// Microseconds from the start to the last event.
    public let duration: Int64
    /// SHA-256 of the last chunk, which by the chain stands for the whole file.
    public let head: [UInt8]
}

/// Records one session into one file (`docs/recording-format.md`).
///
/// `append` is cheap and callable from any thread: it copies the bytes into memory, and the thread of `RecordingIO`
/// compresses, encrypts and writes them within a second or as soon as 64 KiB are there.
///
/// ```swift
/// let writer = try RecordingWriter.create(path: path, header: header, key: key.key, wrappedKey: key.wrapped, io: io)
/// writer.onState = { state in … pause the session on .stalled … }
/// screen.feed(bytes)
/// writer.append(output: bytes, at: time)
/// if writer.wantsKeyframe { writer.append(RecordingKeyframe(time: time, …, snapshot: screen.snapshot(scrollback: 0))) }
/// await writer.close()
/// ```
public final class RecordingWriter: Sendable {
    /// How much may wait in memory, in bytes of encoded events.
    public struct Bounds: Sendable {
        /// From here on the state is `.behind`, until half of it is written.
        public var behind: Int
        /// From here on events are refused. The difference is for what is already on its way when a session pauses.
        public var limit: Int
        /// A keyframe is wanted after so many bytes of events.
        public var keyframeEvery: Int

        public init(behind: Int = 2 << 20, limit: Int = 16 << 20, keyframeEvery: Int = 256 << 10) {
            self.behind = behind
            self.limit = limit
            self.keyframeEvery = keyframeEvery
        }
    }

    /// Who waits for what.
    private struct Requests {
        var handler: (@Sendable (RecordingState) -> Void)?
        var closers: [CheckedContinuation<RecordingSummary, Never>] = []
        var flushers: [CheckedContinuation<Bool, Never>] = []
        var retryNow = false
        var giveUpAt = Int64.max
        var summary: RecordingSummary?
        var registration = 0
    }

    private struct DiskSide: Sendable {
        var log: ChunkLog
        var stall: RecordingError?
        var retryAt = Int64.max
        var lastSynchronized = Int64.min / 2
        var isClosed = false
    }

    /// Sealed bytes that may wait for the disk's confirmation before a flush is made early.
    private static let heldLimit = 4 << 20

    public let header: RecordingHeader
    private let io: RecordingIO
    private let queue: Mutex<RecordingQueue>
    private let requests = Mutex(Requests())
    /// Used by the recording thread alone; the lock is never contended.
    private let disk: Mutex<DiskSide>

    /// Creates the file (mode 0600, refused when the name is taken), writes its header and starts to record with a
    /// keyframe of the empty screen. Does disk work: call it where waiting for a disk is fine.
    public static func create(
        path: String, header: RecordingHeader, key: SymmetricKey, wrappedKey: [UInt8], io: RecordingIO,
        bounds: Bounds = Bounds(), onState: (@Sendable (RecordingState) -> Void)? = nil
    ) throws(RecordingError) -> RecordingWriter {
        let file = try FileDisk(creating: path)
        do throws(RecordingError) {
            let writer = try RecordingWriter(
                disk: file, header: header, key: key, wrappedKey: wrappedKey, io: io, bounds: bounds)
            try file.synchronizeFolder()
            writer.onState = onState
            writer.start()
            return writer
        } catch {
            file.remove()
            file.close()
            throw error
        }
    }

    /// Writes the header to an empty disk. `start` begins the recording.
    init(
        disk: any RecordingDisk, header: RecordingHeader, key: SymmetricKey, wrappedKey: [UInt8], io: RecordingIO,
        bounds: Bounds = Bounds()
    ) throws(RecordingError) {
        let keys = RecordingKeys(key, recordingID: header.id)
        let preamble = try RecordingPreamble(header: header, wrappedKey: wrappedKey, keys: keys)
        try disk.writeAll(preamble.bytes, at: 0)
        try disk.synchronize()
        self.header = header
        self.io = io
        queue = Mutex(RecordingQueue(bounds: bounds))
        self.disk = Mutex(DiskSide(log: ChunkLog(disk: disk, preamble: preamble, keys: keys)))
    }

    /// Takes its place with the recording thread. The first chunk begins with a keyframe like every stretch.
    func start() {
        let id = io.register(self)
        requests.withLock { $0.registration = id }
        queue.withLock { $0.report(.recording) }
        append(RecordingKeyframe(time: 0, columns: header.columns, rows: header.rows, outputOffset: 0, snapshot: []))
        deliverReports()
    }

    // MARK: State

    /// Called with every change of state, one call at a time and in order, on the recording thread or on the thread
    /// that appends. It must not wait for anything.
    public var onState: (@Sendable (RecordingState) -> Void)? {
        get { requests.withLock { $0.handler } }
        set { requests.withLock { $0.handler = newValue } }
    }

    private func deliverReports() {
        var state = queue.withLock { $0.beginReporting() }
        while let current = state {
            onState?(current)
            state = queue.withLock { $0.continueReporting() }
        }
    }

    /// Bytes of events in memory that are not yet handed to the disk.
    public var waitingBytes: Int { queue.withLock { $0.waiting } }

    /// True when enough was recorded since the last keyframe: append one now.
    public var wantsKeyframe: Bool { queue.withLock { $0.wantsKeyframe } }

    // MARK: Appending

    /// Appends an event. Never waits.
    @discardableResult
    public func append(_ event: RecordingEvent) -> RecordingAcceptance {
        let size: Int
        switch event.kind {
        case .output(let bytes): return append(output: bytes, at: event.time)
        case .input(let bytes, _): size = bytes.count + 64
        case .chat(let text, let actor): size = text.utf8.count + actor.utf8.count + 64
        case .marker(let text, let actor): size = text.utf8.count + (actor?.utf8.count ?? 0) + 64
        case .command(let text, _, let actor): size = text.utf8.count + actor.utf8.count + 64
        case .file(let file, let actor): size = file.path.utf8.count + actor.utf8.count + 192
        default: size = 64
        }
        return add(size) { $0.append(event.kind, size: size, at: event.time, now: $1) }
    }

    /// Appends output without an event value around it. `time`: microseconds since the start.
    @discardableResult
    public func append(output: ByteBuffer, at time: Int64) -> RecordingAcceptance {
        output.withUnsafeReadableBytes { append(output: $0, at: time) }
    }

    /// Appends output without an event value around it. `time`: microseconds since the start.
    @discardableResult
    public func append(output: [UInt8], at time: Int64) -> RecordingAcceptance {
        output.withUnsafeBytes { append(output: $0, at: time) }
    }

    private func append(output: UnsafeRawBufferPointer, at time: Int64) -> RecordingAcceptance {
        guard !output.isEmpty else { return .accepted }
        return add(output.count) { $0.append(output: output, at: time, now: $1) }
    }

    /// Appends the screen as it is after every event appended so far. It begins a new chunk. A snapshot over 4 MiB is
    /// refused: seeking then starts at the keyframe before.
    @discardableResult
    public func append(_ keyframe: RecordingKeyframe) -> RecordingAcceptance {
        guard keyframe.snapshot.count <= RecordingFormat.maximumKeyframe else {
            queue.withLock { $0.skipKeyframe() }
            return .refused
        }
        return add(keyframe.snapshot.count) { $0.append(keyframe, now: $1) }
    }

    private func add(_ size: Int, _ append: (inout RecordingQueue, _ now: Int64) -> Void) -> RecordingAcceptance {
        let now = io.now()
        var wakeAt = Int64.max
        var mustReport = false
        let isAccepted = queue.withLock { queue in
            guard queue.admits(size) else { return false }
            let wasBehind = queue.isBehind
            let hadOpen = queue.open != nil
            append(&queue, now)
            mustReport = queue.isBehind != wasBehind
            if !queue.full.isEmpty, !queue.isSignalled {
                queue.isSignalled = true
                wakeAt = now
            } else if !hadOpen, queue.open != nil {
                wakeAt = now + io.intervals.flush
            }
            return true
        }
        if wakeAt < .max { io.wake(at: wakeAt) }
        if mustReport { deliverReports() }
        return isAccepted ? .accepted : .refused
    }

    // MARK: Closing

    /// Writes everything out, seals the end and closes the file. While the disk refuses, it is tried again for
    /// `patience`; after that the file is left as it is, which plays up to there.
    @discardableResult
    public func close(patience: Duration = .seconds(5)) async -> RecordingSummary {
        let now = io.now()
        queue.withLock { $0.isClosing = true }
        return await withCheckedContinuation { continuation in
            let done: RecordingSummary? = requests.withLock {
                if let summary = $0.summary { return summary }
                $0.giveUpAt = min($0.giveUpAt, now + Int64(patience / .microseconds(1)))
                $0.closers.append(continuation)
                return nil
            }
            if let done { continuation.resume(returning: done) } else { io.wake(at: 0) }
        }
    }

    /// Puts everything appended so far on the disk now. False when the disk refuses, or the recording is closed.
    @discardableResult
    public func flush() async -> Bool {
        await withCheckedContinuation { continuation in
            let isClosed = requests.withLock {
                guard $0.summary == nil else { return true }
                $0.flushers.append(continuation)
                return false
            }
            if isClosed { continuation.resume(returning: false) } else { io.wake(at: 0) }
        }
    }

    /// Tries a stalled disk at once instead of at the next half second.
    public func retry() {
        requests.withLock { $0.retryNow = true }
        io.wake(at: 0)
    }

    // MARK: The recording thread

    /// Does what is due; the monotonic time at which to be called again.
    func turn(deflater: Deflater) -> Int64 {
        let flushers = requests.withLock { requests in
            defer { requests.flushers = [] }
            return requests.flushers
        }
        let isFlushed: Bool
        let next: Int64
        (isFlushed, next) = disk.withLock { side in
            guard !side.isClosed else { return (false, Int64.max) }
            let isFlushed = work(&side, isForced: !flushers.isEmpty, deflater)
            finishIfDone(&side)
            return (isFlushed, deadline(side))
        }
        deliverReports()
        for flusher in flushers { flusher.resume(returning: isFlushed) }
        return next
    }

    private func work(_ side: inout DiskSide, isForced: Bool, _ deflater: Deflater) -> Bool {
        let now = io.now()
        if side.stall != nil {
            let isRequested = requests.withLock { requests in
                defer { requests.retryNow = false }
                return requests.retryNow
            }
            guard isRequested || isForced || now >= side.retryAt else { return false }
        }
        do throws(RecordingError) {
            try writeSegments(&side, isForced: isForced, deflater)
            let mustSynchronize = isForced || queue.withLock { $0.isClosing } || side.stall != nil
            if side.log.hasUnconfirmed, mustSynchronize || now >= side.lastSynchronized + io.intervals.synchronize {
                try side.log.synchronize()
                side.lastSynchronized = now
            }
            if side.stall != nil {
                side.stall = nil
                queue.withLock { $0.report(.recovered) }
            }
            return true
        } catch {
            // The time after the attempt: a disk that takes long to refuse is not asked without a pause.
            side.retryAt = io.now() + io.intervals.retry
            if side.stall?.code != error.code { queue.withLock { $0.report(.stalled(error)) } }
            side.stall = error
            return false
        }
    }

    private func writeSegments(
        _ side: inout DiskSide, isForced: Bool, _ deflater: Deflater
    ) throws(RecordingError) {
        queue.withLock { $0.isSignalled = false }
        try side.log.write()
        while let segment = queue.withLock({
            $0.next(now: io.now(), flushAfter: io.intervals.flush, isForced: isForced)
        }) {
            try side.log.add(segment, deflater: deflater)
            let mustReport = queue.withLock { queue in
                let wasBehind = queue.isBehind
                queue.handedOver()
                return queue.isBehind != wasBehind
            }
            if mustReport { deliverReports() }
            try side.log.write()
            if side.log.heldBytes > Self.heldLimit {
                try side.log.synchronize()
                side.lastSynchronized = io.now()
            }
        }
    }

    private func finishIfDone(_ side: inout DiskSide) {
        let (isClosing, hasFinal, isEmpty, duration) = queue.withLock {
            ($0.isClosing, $0.hasFinal, $0.waiting == 0, $0.lastTime)
        }
        guard isClosing else { return }
        let isComplete = hasFinal && isEmpty && !side.log.hasUnconfirmed && side.stall == nil
        let giveUpAt = requests.withLock { $0.giveUpAt }
        guard isComplete || (side.stall != nil && io.now() >= giveUpAt) else { return }
        side.isClosed = true
        side.log.disk.close()
        let summary = RecordingSummary(
            isComplete: isComplete, bytes: side.log.end, chunks: Int(clamping: side.log.index), duration: duration,
            head: side.log.previousHash)
        let (closers, registration) = requests.withLock { requests in
            requests.summary = summary
            defer { requests.closers = [] }
            return (requests.closers, requests.registration)
        }
        io.unregister(registration)
        let reason = isComplete ? nil : side.stall
        queue.withLock { $0.report(.closed(reason)) }
        for closer in closers { closer.resume(returning: summary) }
    }

    private func deadline(_ side: DiskSide) -> Int64 {
        guard !side.isClosed else { return .max }
        if side.stall != nil {
            let giveUpAt = requests.withLock { $0.giveUpAt }
            return min(side.retryAt, giveUpAt)
        }
        let flush = queue.withLock { $0.flushDeadline(after: io.intervals.flush) }
        let synchronize = side.log.hasUnconfirmed ? side.lastSynchronized + io.intervals.synchronize : .max
        return min(flush, synchronize)
    }
}
