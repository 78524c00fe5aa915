import NIOCore

/// Decides which typed input may be recorded: only what the host echoed.
///
/// Give it every input and every output of a session in order; it answers with the events to record. Printable
/// characters are held until the line that they belong to ends. A line of which every character was echoed is kept; of
/// any other line only the number of characters and the control keys are kept. The same goes for a line typed at a
/// prompt that asks for a password, for a line typed while a command runs, and for a line that is not settled after two
/// seconds. When in doubt, it redacts.
///
/// Times are microseconds since the start of the recording and come from the caller, so that it needs no clock. Call
/// `advance` at `deadline`.
public struct InputRedaction: Sendable {
    /// How long an echo may take.
    public static let patience: Int64 = 2_000_000

    private var cursor: CursorLine
    private var parser = EscapeParser()
    private var keys: [String: TypedKeys] = [:]
    /// Lines that are not settled; the first one is compared with the output, the last one is being typed.
    private var lines: [TypedLine] = [TypedLine(isAhead: false)]
    /// What stood left of the last line that was kept.
    private var lastPrompt = ""
    private static let mostHeldKeys = 16_384
    private var heldKeys = 0

    public init(columns: Int) { cursor = CursorLine(columns: columns) }

    public mutating func resize(columns: Int) { cursor.resize(columns: columns) }

    /// When `advance` has something to do, if nothing else happens before.
    public var deadline: Int64? {
        lines.compactMap(\.oldestUnproved).min().map { $0 + Self.patience }
    }

    // MARK: Events in, events out

    /// What a participant typed or pasted.
    public mutating func input(_ bytes: [UInt8], actor: String, at time: Int64) -> [RecordingEvent] {
        var events = advance(to: time)
        for key in keys[actor, default: TypedKeys()].keys(bytes, actor: actor, time: time) {
            type(key, &events)
        }
        return events
    }

    /// What the host sent: the input that it settled, then the output itself.
    public mutating func output(_ bytes: [UInt8], at time: Int64) -> [RecordingEvent] {
        observe(output: bytes, at: time) + [RecordingEvent(time: time, kind: .output(bytes))]
    }

    /// What the host sent: only the input that it settled, to be recorded before this output.
    public mutating func observe(output bytes: ByteBuffer, at time: Int64) -> [RecordingEvent] {
        // A concrete type: from another module the generic function below would not be specialised, which costs more
        // than everything it does.
        bytes.withUnsafeReadableBytes { observe(output: $0, at: time) }
    }

    /// What the host sent: only the input that it settled, to be recorded before this output.
    public mutating func observe(
        output bytes: some RandomAccessCollection<UInt8>, at time: Int64
    ) -> [RecordingEvent] {
        var events = advance(to: time)
        var rest = bytes[...]
        // Nothing waits for an echo: of a flood only its last line matters, for the prompt that may stand there.
        if bytes.count > 256, !lines.contains(where: { !$0.isEmpty && !$0.isDoubtful }) {
            while !parser.isInGround, let byte = rest.popFirst() { feed(byte, time, &events) }
            if let feed = rest.lastIndex(of: 0x0A) {
                cursor.reset()
                rest = rest[rest.index(after: feed)...]
            }
        }
        for byte in rest { feed(byte, time, &events) }
        settle(time, &events)
        return events
    }

    /// Time passes. Call it at `deadline`, or at any time.
    public mutating func advance(to time: Int64) -> [RecordingEvent] {
        var events: [RecordingEvent] = []
        for index in lines.indices {
            guard let oldest = lines[index].oldestUnproved, time - oldest >= Self.patience else { continue }
            lines[index].doubt()
            guard lines[index].endedAt == nil, index == lines.startIndex else { continue }
            redact(take(index), time, &events)
        }
        settle(time, &events)
        return events
    }

    /// The session is over: what was echoed is kept, the rest is not.
    public mutating func finish(at time: Int64) -> [RecordingEvent] {
        var events = advance(to: time)
        for index in lines.indices {
            let isKept = mayKeep(lines[index]) && lines[index].endedAt == nil
            let held = take(index)
            if isKept { keep(held, time, &events) } else { redact(held, time, &events) }
        }
        lines = [TypedLine(isAhead: false)]
        return events
    }

    // MARK: Typing

    private mutating func type(_ key: TypedKey, _ events: inout [RecordingEvent]) {
        if heldKeys >= Self.mostHeldKeys { giveUp(key.time, &events) }
        heldKeys += 1
        let last = lines.count - 1
        lines[last].type(key, cursor: cursor)
        guard lines[last].endedAt == nil else {
            lines.append(TypedLine(isAhead: true))
            settle(key.time, &events)
            return
        }
        // Keys alone, such as arrows, are no secret and need not wait.
        if last == 0, lines[last].isHarmless { keep(take(last), key.time, &events) }
    }

    /// More is held than anybody types: it is given up at once instead of held in memory.
    private mutating func giveUp(_ time: Int64, _ events: inout [RecordingEvent]) {
        for index in lines.indices { redact(take(index), time, &events) }
        lines = [TypedLine(isAhead: false, isDoubtful: lines.last?.endedAt == nil)]
    }

    private mutating func take(_ index: Int) -> [TypedKey] {
        let keys = lines[index].takeKeys()
        heldKeys -= keys.count
        return keys
    }

    // MARK: Output

    private mutating func feed(_ byte: UInt8, _ time: Int64, _ events: inout [RecordingEvent]) {
        var token: EscapeParser.Token?
        parser.feed(byte) { next in
            // A byte can end a broken character and begin something else; the broken one echoes nothing.
            token = next
        }
        guard let token else { return }
        switch token {
        case .print(let scalar):
            lines[0].willPrint(scalar, cursor: cursor, knownPrompt: lastPrompt)
            cursor.print(scalar)
        case .control(let control):
            if control == 0x0A || control == 0x0D { leave(isLineFeed: control == 0x0A, time, &events) }
            _ = cursor.control(control)
        case .csi(let parameters, let isPrivate, let final):
            cursor.csi(parameters, isPrivate: isPrivate, final: final)
        case .escape: break
        }
        lines[0].moved(cursor: cursor)
    }

    private mutating func leave(isLineFeed: Bool, _ time: Int64, _ events: inout [RecordingEvent]) {
        if lines[0].willLeave(isLineFeed: isLineFeed, cursor: cursor) { settle(time, &events, isLeft: true) }
        guard isLineFeed, lines[0].isAtRest else { return }
        // Echoed, and the host went on without an end of line: an answer of one key, or chance. The next line is
        // believed only at a known prompt.
        redact(take(0), time, &events)
        lines[0] = TypedLine(isAhead: true)
    }

    // MARK: Settling

    /// Settles the lines that can be settled, from the first on.
    private mutating func settle(_ time: Int64, _ events: inout [RecordingEvent], isLeft: Bool = false) {
        var mayBeLeft = isLeft
        while let line = lines.first, line.endedAt != nil {
            let isSettled = line.isDoubtful || line.isHarmless || mayBeLeft || line.wasEchoedAtItsEnd
            guard isSettled else { return }
            mayBeLeft = false
            settleFirst(time, &events)
        }
    }

    private mutating func settleFirst(_ time: Int64, _ events: inout [RecordingEvent]) {
        var line = lines.removeFirst()
        if lines.isEmpty { lines = [TypedLine(isAhead: false)] }
        if lines[0].isEmpty { lines[0] = TypedLine(isAhead: false) }
        let isKept = mayKeep(line)
        let held = line.takeKeys()
        heldKeys -= held.count
        guard isKept else { return redact(held, time, &events) }
        if let prompt = line.prompt, !prompt.allSatisfy(\.isWhitespace) { lastPrompt = prompt }
        keep(held, time, &events)
    }

    private func mayKeep(_ line: TypedLine) -> Bool {
        if line.isHarmless { return true }
        // Where prompts are known, what is typed without one is typed while a command runs. It may be a password typed
        // ahead of its prompt, which the terminal echoes until the program turns that off.
        let isBare = (line.prompt ?? "").allSatisfy(\.isWhitespace)
        return line.isEchoed && (lastPrompt.isEmpty || !isBare)
    }

    private mutating func keep(_ keys: [TypedKey], _ time: Int64, _ events: inout [RecordingEvent]) {
        for run in Self.runs(keys) {
            events.append(RecordingEvent(time: time, kind: .input(run.keys.flatMap(\.bytes), actor: run.actor)))
        }
    }

    private mutating func redact(_ keys: [TypedKey], _ time: Int64, _ events: inout [RecordingEvent]) {
        for run in Self.runs(keys) {
            let count = run.keys.count(where: \.isSensitive)
            if count > 0 {
                events.append(RecordingEvent(time: time, kind: .redactedInput(count: count, actor: run.actor)))
            }
            let plain = run.keys.filter { !$0.isSensitive }.flatMap(\.bytes)
            if !plain.isEmpty { events.append(RecordingEvent(time: time, kind: .input(plain, actor: run.actor))) }
        }
    }

    /// Neighbouring keys of the same participant.
    private static func runs(_ keys: [TypedKey]) -> [(actor: String, keys: [TypedKey])] {
        var runs: [(actor: String, keys: [TypedKey])] = []
        for key in keys {
            // A copy of the last run, held here, would make every append copy all of its keys.
            if runs.last?.actor == key.actor {
                runs[runs.count - 1].keys.append(key)
            } else {
                runs.append((key.actor, [key]))
            }
        }
        return runs
    }
}
