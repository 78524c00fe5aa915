/// What a writer has accepted and not yet handed to the disk. A value: the writer guards it with its lock.
struct RecordingQueue: Sendable {
    private(set) var open: Segment?
    private(set) var full: [Segment] = []
    private var fullBytes = 0
    private(set) var lastTime: Int64 = 0
    private var sinceKeyframe = 0
    private(set) var refusedBytes = 0
    private(set) var isBehind = false
    private(set) var hasFinal = false
    var isSignalled = false
    var isClosing = false

    private var reports: [RecordingState] = []
    private var isReporting = false

    let bounds: RecordingWriter.Bounds

    init(bounds: RecordingWriter.Bounds) { self.bounds = bounds }

    /// Bytes of encoded events in memory.
    var waiting: Int { fullBytes + (open?.bytes.count ?? 0) }
    var wantsKeyframe: Bool { sinceKeyframe >= bounds.keyframeEvery }

    // MARK: Appending

    /// Whether `size` more bytes may come. A refusal is counted, to be told in the recording by a `.gap`.
    mutating func admits(_ size: Int) -> Bool {
        guard !isClosing else { return false }
        guard waiting + size <= bounds.limit else {
            refusedBytes += size
            return false
        }
        return true
    }

    mutating func append(_ kind: RecordingEvent.Kind, size: Int, at time: Int64, now: Int64) {
        begin(at: time, now: now)
        open?.append(kind, at: lastTime)
        added(size)
    }

    mutating func append(output: UnsafeRawBufferPointer, at time: Int64, now: Int64) {
        var start = 0
        while start < output.count {
            begin(at: time, now: now)
            let end = min(start + RecordingFormat.outputPiece, output.count)
            open?.append(output: UnsafeRawBufferPointer(rebasing: output[start..<end]), at: lastTime)
            added(end - start)
            start = end
        }
    }

    /// A keyframe stands for everything before it, so it can only be the first thing of a chunk.
    mutating func append(_ keyframe: RecordingKeyframe, now: Int64) {
        closeSegment()
        begin(at: keyframe.time, now: now, mayTellGap: false)
        open?.append(keyframe, at: lastTime)
        added(keyframe.snapshot.count)
        sinceKeyframe = 0
    }

    /// A keyframe that could not be kept is not asked for again at once.
    mutating func skipKeyframe() { sinceKeyframe = 0 }

    private mutating func begin(at time: Int64, now: Int64, mayTellGap: Bool = true) {
        lastTime = max(lastTime, time)
        if open == nil { open = Segment(openedAt: now) }
        guard refusedBytes > 0, mayTellGap else { return }
        open?.append(.gap(bytes: refusedBytes), at: lastTime)
        refusedBytes = 0
    }

    private mutating func added(_ size: Int) {
        sinceKeyframe += size
        if let open, open.bytes.count >= RecordingFormat.chunkTarget { closeSegment() }
        if !isBehind, waiting > bounds.behind {
            isBehind = true
            reports.append(.behind)
        }
    }

    private mutating func closeSegment() {
        guard let segment = open else { return }
        open = nil
        fullBytes += segment.bytes.count
        full.append(segment)
    }

    // MARK: Handing over

    /// The next segment for the disk. It stays here until `handedOver`, so that no failure in between can lose it.
    mutating func next(now: Int64, flushAfter: Int64, isForced: Bool) -> Segment? {
        if let first = full.first { return first }
        if let open, isForced || isClosing || now >= open.openedAt + flushAfter {
            if isClosing { closeFinal(now: now) } else { closeSegment() }
            return full.first
        }
        if isClosing, !hasFinal { closeFinal(now: now) }
        return full.first
    }

    private mutating func closeFinal(now: Int64) {
        if refusedBytes > 0 { begin(at: lastTime, now: now) }
        var segment = open ?? Segment(openedAt: now)
        segment.appendEnd(at: lastTime)
        open = segment
        hasFinal = true
        closeSegment()
    }

    mutating func handedOver() {
        guard !full.isEmpty else { return }
        fullBytes -= full.removeFirst().bytes.count
        if isBehind, waiting < bounds.behind / 2 {
            isBehind = false
            reports.append(.caughtUp)
        }
    }

    func flushDeadline(after interval: Int64) -> Int64 {
        if !full.isEmpty { return 0 }
        return open.map { $0.openedAt + interval } ?? .max
    }

    // MARK: Reports

    // States are told in the order in which they came about, by one thread at a time, and never under the lock: whoever
    // finds nobody telling tells all that is there.

    mutating func report(_ state: RecordingState) { reports.append(state) }

    mutating func beginReporting() -> RecordingState? {
        guard !isReporting, !reports.isEmpty else { return nil }
        isReporting = true
        return reports.removeFirst()
    }

    mutating func continueReporting() -> RecordingState? {
        guard !reports.isEmpty else {
            isReporting = false
            return nil
        }
        return reports.removeFirst()
    }
}
