public import Recording
import Terminal

/// A recording as it is played, without a terminal and without a clock: bytes to show come out, keys and time go in.
///
/// Times are microseconds. A position is a place on the playing time, from which pauses longer than the idle limit are cut.
public struct Playback {
    public struct Options: Sendable, Hashable {
        /// 2 is twice as fast.
        public var speed: Double
        /// Microseconds; nil leaves pauses as they are. The recording's own limit counts where none is given.
        public var idleLimit: Int64?
        /// Shows the recording byte by byte, whatever it does to the terminal.
        public var isRaw: Bool
        /// Whether there may be seeking, which needs a model of the screen.
        public var mayMove: Bool

        public init(speed: Double = 1, idleLimit: Int64? = nil, isRaw: Bool = false, mayMove: Bool = true) {
            self.speed = speed
            self.idleLimit = idleLimit
            self.isRaw = isRaw
            self.mayMove = mayMove
        }
    }

    /// What a person may do meanwhile.
    public enum Key: Sendable, Hashable {
        case pause, step, faster, slower, nextMarker, quit
        /// By so many microseconds, backwards if negative.
        case move(Int64)
    }

    /// How far the speed goes by keys.
    private static let speeds = 0.0625...64.0
    /// So much is shown at once; keys are looked at in between.
    private static let portion = 256 << 10

    private var reader: AsciicastReader
    private let options: Options
    private let idleLimit: Int64?
    private var screen: Screen
    private var filter = PlaybackFilter()
    private var upcoming: AsciicastEvent?
    /// What comes behind the last event is no event: said when everything before it was shown.
    private var failure: RecordingError?
    /// Of the last event that was shown: in the recording, and on the playing time.
    private var lastTime: Int64 = 0
    private var lastPosition: Int64 = 0
    /// Where the playing time stood when the clock showed that.
    private var anchor: (clock: Int64, position: Int64)

    public private(set) var speed: Double
    public private(set) var isPaused = false

    /// - Parameters:
    ///   - reader: at its first event.
    ///   - now: of the clock that the other methods are told.
    public init(_ reader: AsciicastReader, options: Options = Options(), now: Int64) throws(RecordingError) {
        self.reader = reader
        self.options = options
        speed = options.speed
        let own = reader.header.idleLimit.map { Int64(min($0, 1e9) * 1_000_000) }
        idleLimit = options.idleLimit ?? own
        screen = Self.emptyScreen(reader.header)
        anchor = (now, 0)
        upcoming = try self.reader.next()
    }

    /// Whether everything was shown.
    public var isOver: Bool { upcoming == nil && failure == nil }

    /// Where it stands on the playing time.
    public func position(at now: Int64) -> Int64 {
        guard !isPaused else { return anchor.position }
        return anchor.position + Int64(Double(max(0, now - anchor.clock)) * speed)
    }

    /// How long there is nothing to show; nil while it is paused, and at the end.
    public func wait(at now: Int64) -> Int64? {
        guard !isPaused else { return nil }
        guard let upcoming else { return failure == nil ? nil : 0 }
        let distance = Double(position(of: upcoming) - position(at: now)) / speed
        return Int64(max(0, min(distance, 3.6e9)).rounded(.up))
    }

    /// What is to be shown now.
    public mutating func show(at now: Int64) throws(RecordingError) -> [UInt8] {
        guard !isPaused else { return [] }
        let here = position(at: now)
        var shown: [UInt8] = []
        while let event = upcoming, position(of: event) <= here, shown.count < Self.portion {
            shown += take(event)
        }
        if let failure, shown.isEmpty { throw failure }
        return shown
    }

    /// Goes to a place on the playing time; what is on the screen there is drawn at once.
    public mutating func seek(to position: Int64, at now: Int64) throws(RecordingError) -> [UInt8] {
        let target = max(0, position)
        if target < lastPosition, try !begin() { return [] }
        while let event = upcoming, self.position(of: event) <= target { _ = take(event, isShown: false) }
        anchor = (now, upcoming == nil ? lastPosition : target)
        return redrawn()
    }

    /// What a key does, and what is to be shown for it. nil ends the playing.
    public mutating func press(_ key: Key, at now: Int64) throws(RecordingError) -> [UInt8]? {
        switch key {
        case .quit: return nil
        case .pause:
            anchor = (now, position(at: now))
            isPaused.toggle()
        case .faster: change(speed: speed * 2, now)
        case .slower: change(speed: speed / 2, now)
        case .step:
            if !isPaused { anchor = (now, position(at: now)) }
            isPaused = true
            return step(now)
        case .move(let distance):
            guard options.mayMove else { break }
            return try seek(to: position(at: now) + distance, at: now)
        case .nextMarker:
            guard options.mayMove else { break }
            return moveToMarker(now)
        }
        return []
    }

    /// What brings a terminal back to where a shell expects it.
    public var leaving: [UInt8] {
        Array(((screen.isAlternate ? "\u{1B}[?1049l" : "") + "\u{1B}[!p\u{1B}[0m\u{1B}[?7h\u{1B}[?25h").utf8)
    }

    // MARK: Events

    private mutating func change(speed new: Double, _ now: Int64) {
        anchor = (now, position(at: now))
        speed = min(max(new, Self.speeds.lowerBound), Self.speeds.upperBound)
    }

    private func position(of event: AsciicastEvent) -> Int64 {
        let gap = max(0, event.time - lastTime)
        let (sum, overflows) = lastPosition.addingReportingOverflow(idleLimit.map { min(gap, $0) } ?? gap)
        return overflows ? .max : sum
    }

    private mutating func take(_ event: AsciicastEvent, isShown: Bool = true) -> [UInt8] {
        lastPosition = position(of: event)
        lastTime = event.time
        advance()
        switch event.kind {
        case .output(let bytes):
            if options.mayMove { screen.feed(bytes) }
            guard isShown else { return [] }
            return options.isRaw ? bytes : filter.filter(bytes)
        case .resize(let columns, let rows):
            if options.mayMove { screen.resize(columns: columns, rows: rows) }
            return []
        case .input, .marker, .exit, .other: return []
        }
    }

    private mutating func advance() {
        do throws(RecordingError) { upcoming = try reader.next() } catch { (upcoming, failure) = (nil, error) }
    }

    /// The next thing that shows.
    private mutating func step(_ now: Int64) -> [UInt8] {
        var shown: [UInt8] = []
        while let event = upcoming, shown.isEmpty { shown = take(event) }
        anchor = (now, max(anchor.position, lastPosition))
        return shown
    }

    private mutating func moveToMarker(_ now: Int64) -> [UInt8] {
        var isFound = false
        while let event = upcoming, !isFound {
            if case .marker = event.kind { isFound = true }
            _ = take(event, isShown: false)
        }
        anchor = (now, lastPosition)
        return redrawn()
    }

    private mutating func begin() throws(RecordingError) -> Bool {
        guard try reader.rewind() else { return false }
        screen = Self.emptyScreen(reader.header)
        (lastTime, lastPosition, failure) = (0, 0, nil)
        advance()
        return true
    }

    private static func emptyScreen(_ header: AsciicastHeader) -> Screen {
        Screen(columns: header.columns, rows: header.rows, scrollbackLimit: 0)
    }

    /// A terminal that is as good as fresh, and then the screen.
    private mutating func redrawn() -> [UInt8] {
        let fresh = Array("\u{1B}[?1049l\u{1B}[!p\u{1B}[0m\u{1B}[r\u{1B}[H\u{1B}[2J".utf8)
        let snapshot = screen.snapshot(scrollback: 0)
        filter = PlaybackFilter()
        // Its end may be the beginning of a sequence that the recording goes on with.
        let shown = filter.filter(snapshot)
        return fresh + (options.isRaw ? snapshot : shown)
    }
}
