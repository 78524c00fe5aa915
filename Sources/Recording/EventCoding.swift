/// Encodes events into the plain content of a chunk: the time of the first event, then for each event the time since
/// the event before, its kind, its length and its fields. The length lets an older reader skip a newer kind.
enum EventCode: UInt8 {
    case keyframe = 0
    case output, input, redactedInput, resize, marker, chat, controlChange, join, leave, exit, gap
    /// A marker with the name of whoever set it.
    case namedMarker
    case file, command
    /// Not events: where the keyframes stand, and where that stands.
    case directory, trailer
}

/// One chunk's content while it is being filled.
struct Segment: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var isKeyframe = false
    private(set) var hasEvents = false
    /// Something else happened than output, input and changes of size.
    private(set) var hasMarks = false
    private(set) var firstTime: Int64 = 0
    private(set) var lastTime: Int64 = 0
    /// Monotonic time (µs) at which the first event came: the flush deadline counts from here.
    let openedAt: Int64
    var isFinal = false

    init(openedAt: Int64) { self.openedAt = openedAt }

    var isEmpty: Bool { bytes.isEmpty }

    private mutating func begin(_ code: EventCode, at time: Int64, length: Int) {
        if bytes.isEmpty {
            bytes.reserveCapacity(min(length + 64, RecordingFormat.chunkTarget) + 1024)
            bytes.append(varint: UInt64(max(0, time)))
            lastTime = max(0, time)
            firstTime = lastTime
        }
        hasEvents = true
        let delta = max(0, time - lastTime)
        lastTime += delta
        bytes.append(varint: UInt64(delta))
        bytes.append(code.rawValue)
        bytes.append(varint: UInt64(length))
    }

    mutating func append(_ keyframe: RecordingKeyframe, at time: Int64) {
        var fields: [UInt8] = []
        fields.append(varint: UInt64(max(0, keyframe.columns)))
        fields.append(varint: UInt64(max(0, keyframe.rows)))
        fields.append(varint: UInt64(max(0, keyframe.outputOffset)))
        begin(.keyframe, at: time, length: fields.count + keyframe.snapshot.count)
        bytes.append(contentsOf: fields)
        bytes.append(contentsOf: keyframe.snapshot)
        isKeyframe = true
    }

    /// Where the keyframes of the recording stand.
    mutating func append(_ directory: KeyframeDirectory, at time: Int64) {
        let fields = directory.fields
        begin(.directory, at: time, length: fields.count)
        bytes.append(contentsOf: fields)
    }

    mutating func append(output: UnsafeRawBufferPointer, at time: Int64) {
        begin(.output, at: time, length: output.count)
        bytes.append(contentsOf: output)
    }

    mutating func append(_ kind: RecordingEvent.Kind, at time: Int64) {
        let (code, fields) = Self.fields(of: kind)
        if !kind.isStream { hasMarks = true }
        begin(code, at: time, length: fields.count)
        bytes.append(contentsOf: fields)
    }

    /// A chunk without events cannot be told from no chunk: the final chunk of a quiet recording carries its end time.
    mutating func appendEnd(at time: Int64) {
        if bytes.isEmpty {
            bytes.append(varint: UInt64(max(0, time)))
            lastTime = max(0, time)
        }
        isFinal = true
    }

    private static func fields(of kind: RecordingEvent.Kind) -> (EventCode, [UInt8]) {
        var fields: [UInt8] = []
        switch kind {
        case .output(let bytes):
            return (.output, bytes)
        case .input(let bytes, let actor):
            fields.append(counted: cut(actor))
            return (.input, fields + bytes)
        case .redactedInput(let count, let actor):
            fields.append(varint: UInt64(max(0, count)))
            fields.append(counted: cut(actor))
            return (.redactedInput, fields)
        case .resize(let columns, let rows):
            fields.append(varint: UInt64(max(0, columns)))
            fields.append(varint: UInt64(max(0, rows)))
            return (.resize, fields)
        case .marker(let label, nil):
            return (.marker, Array(cut(label).utf8))
        case .marker(let label, let actor?):
            fields.append(counted: cut(actor))
            fields.append(counted: cut(label))
            return (.namedMarker, fields)
        case .chat(let text, let actor):
            fields.append(counted: cut(actor))
            fields.append(counted: cut(text))
            return (.chat, fields)
        case .controlChange(let holder, let from):
            fields.append(holder == nil ? 0 : 1)
            fields.append(counted: cut(holder ?? ""))
            // Earlier writers end here, and earlier readers too.
            if let from { fields.append(counted: cut(from)) }
            return (.controlChange, fields)
        case .join(let actor, let mode):
            fields.append(counted: cut(actor))
            fields.append(counted: cut(mode))
            return (.join, fields)
        case .leave(let actor):
            fields.append(counted: cut(actor))
            return (.leave, fields)
        case .exit(let status, let signal):
            fields.append((status == nil ? 0 : 1) | (signal == nil ? 0 : 2))
            fields.append(varint: UInt64(bitPattern: Int64(status ?? 0)))
            fields.append(counted: cut(signal ?? ""))
            return (.exit, fields)
        case .gap(let bytes):
            fields.append(varint: UInt64(max(0, bytes)))
            return (.gap, fields)
        case .file(let file, let actor):
            fields.append((file.size == nil ? 0 : 1) | (file.sha256 == nil ? 0 : 2))
            fields.append(varint: UInt64(max(0, file.size ?? 0)))
            for text in [actor, file.operation, file.path, file.sha256 ?? ""] { fields.append(counted: cut(text)) }
            return (.file, fields)
        case .command(let command, let status, let actor):
            fields.append(status == nil ? 0 : 1)
            fields.append(varint: UInt64(bitPattern: Int64(status ?? 0)))
            fields.append(counted: cut(actor))
            fields.append(counted: cut(command))
            return (.command, fields)
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > RecordingFormat.textLimit else { return text }
        return String(decoding: text.utf8.prefix(RecordingFormat.textLimit), as: UTF8.self)
    }
}

/// Reads the plain content of a chunk, event by event.
struct SegmentReader {
    enum Item: Sendable {
        case keyframe(RecordingKeyframe)
        case event(RecordingEvent)
        case directory(KeyframeDirectory)
        case trailer(RecordingTrailer)
    }

    let firstTime: Int64
    private(set) var lastTime: Int64
    private var cursor: ByteCursor
    private let chunk: Int

    init(_ bytes: [UInt8], chunk: Int) throws(RecordingError) {
        cursor = ByteCursor(bytes)
        self.chunk = chunk
        guard let time = try? cursor.varint(), let first = Int64(exactly: time) else {
            throw .malformed("chunk \(chunk) has no time", chunk: chunk)
        }
        firstTime = first
        lastTime = first
    }

    /// `nil` at the end of the chunk. Kinds that this version does not know are skipped.
    mutating func next() throws(RecordingError) -> Item? {
        while !cursor.isAtEnd {
            do {
                let delta = try cursor.varint()
                let code = EventCode(rawValue: try cursor.byte())
                var fields = try cursor.slice(try cursor.integer())
                let (time, overflow) = lastTime.addingReportingOverflow(Int64(clamping: delta))
                guard !overflow else { throw ByteCursor.Exhausted() }
                lastTime = time
                guard let code else { continue }
                return try Self.item(code, &fields, time)
            } catch {
                throw .malformed("an event of chunk \(chunk) has a wrong length", chunk: chunk)
            }
        }
        return nil
    }

    private static func item(
        _ code: EventCode, _ fields: inout ByteCursor, _ time: Int64
    ) throws(ByteCursor.Exhausted) -> Item {
        switch code {
        case .keyframe: break
        case .directory: return .directory(try KeyframeDirectory(&fields))
        case .trailer:
            let offset = Int64(clamping: try fields.bigEndian(UInt64.self))
            return .trailer(RecordingTrailer(directoryOffset: offset, endTime: time))
        default: return .event(RecordingEvent(time: time, kind: try kind(code, &fields)))
        }
        let columns = try fields.integer()
        let rows = try fields.integer()
        guard let offset = Int64(exactly: try fields.varint()) else { throw ByteCursor.Exhausted() }
        return .keyframe(
            RecordingKeyframe(
                time: time, columns: columns, rows: rows, outputOffset: offset, snapshot: try fields.rest()))
    }

    private static func kind(
        _ code: EventCode, _ fields: inout ByteCursor
    ) throws(ByteCursor.Exhausted) -> RecordingEvent.Kind {
        switch code {
        case .keyframe, .directory, .trailer, .output:
            return .output(try fields.rest())
        case .input:
            let actor = try fields.text()
            return .input(try fields.rest(), actor: actor)
        case .redactedInput:
            let count = try fields.integer()
            return .redactedInput(count: count, actor: try fields.text())
        case .resize:
            let columns = try fields.integer()
            return .resize(columns: columns, rows: try fields.integer())
        case .marker:
            return .marker(String(decoding: try fields.rest(), as: UTF8.self))
        case .chat:
            let actor = try fields.text()
            return .chat(try fields.text(), actor: actor)
        case .controlChange:
            let isHeld = try fields.byte() != 0
            let holder = try fields.text()
            return .controlChange(holder: isHeld ? holder : nil, from: fields.isAtEnd ? nil : try fields.text())
        case .join:
            let actor = try fields.text()
            return .join(actor: actor, mode: try fields.text())
        case .leave:
            return .leave(actor: try fields.text())
        case .exit:
            let present = try fields.byte()
            let status = Int(truncatingIfNeeded: Int64(bitPattern: try fields.varint()))
            let signal = try fields.text()
            return .exit(status: present & 1 == 0 ? nil : status, signal: present & 2 == 0 ? nil : signal)
        case .gap:
            return .gap(bytes: try fields.integer())
        case .namedMarker:
            let actor = try fields.text()
            return .marker(try fields.text(), actor: actor)
        case .file:
            let present = try fields.byte()
            let size = Int64(clamping: try fields.varint())
            let actor = try fields.text()
            let operation = try fields.text()
            let path = try fields.text()
            let sha256 = try fields.text()
            let file = RecordedFile(
                operation: operation, path: path, size: present & 1 == 0 ? nil : size,
                sha256: present & 2 == 0 ? nil : sha256)
            return .file(file, actor: actor)
        case .command:
            let hasStatus = try fields.byte() != 0
            let status = Int(truncatingIfNeeded: Int64(bitPattern: try fields.varint()))
            let actor = try fields.text()
            return .command(try fields.text(), status: hasStatus ? status : nil, actor: actor)
        }
    }
}
