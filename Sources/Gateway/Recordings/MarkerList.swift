import Recording

/// The moments of a recording worth jumping to, as events come, in bounded memory.
///
/// Lines typed without echo one right after the other, as in a paste, are one moment. They and the rest are bounded
/// apart, so that however much was typed, those who came and who had the keyboard are in the list.
struct MarkerList {
    private static let mostTyped = 2000
    private static let mostOthers = 10_000
    /// Microseconds between two lines that still are one act of typing.
    private static let together: Int64 = 2_000_000

    private struct Typing {
        let actor: String
        var characters: Int
        var lines: Int
        var last: Int64
        /// Where it stands in the list, unless there was no room.
        let index: Int?
    }

    private(set) var markers: [StoredRecording.Marker] = []
    private var typing: Typing?
    private var typed = 0

    var isFull: Bool { markers.count - typed >= Self.mostOthers }

    mutating func append(_ event: RecordingEvent) {
        guard let (label, kind) = Recordings.label(event.kind) else { return }
        guard case .redactedInput(let count, let actor) = event.kind else {
            typing = nil
            markers.append(.init(time: Double(event.time) / 1_000_000, label: label, kind: kind))
            return
        }
        if var open = typing, open.actor == actor, event.time - open.last <= Self.together {
            open.characters += count
            open.lines += 1
            open.last = event.time
            typing = open
            guard let index = open.index,
                let (label, _) = Recordings.label(.redactedInput(count: open.characters, actor: actor))
            else { return }
            markers[index] = .init(time: markers[index].time, label: "\(label) in \(open.lines) lines", kind: kind)
            return
        }
        let hasRoom = typed < Self.mostTyped
        typing = Typing(
            actor: actor, characters: count, lines: 1, last: event.time, index: hasRoom ? markers.count : nil)
        guard hasRoom else { return }
        typed += 1
        markers.append(.init(time: Double(event.time) / 1_000_000, label: label, kind: kind))
    }
}
