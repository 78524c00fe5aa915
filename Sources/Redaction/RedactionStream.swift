extension SecretRedaction {
    /// A stream whose pieces may cut a secret anywhere: what could still become one is held back until that is certain, at
    /// most `maximumHeld` bytes.
    public struct Stream: Sendable {
        /// What was let go, to look back at: the name before a value.
        private var before: [UInt8] = []
        private var held: [UInt8] = []
        private var heldWhenScanned = 0
        /// Whether the last secret went on to the end of what was there, and its next bytes belong to it.
        private var goesOn: Kind?
        private let redaction: SecretRedaction

        /// How many secrets of each kind were taken out so far.
        public private(set) var counts: [Kind: Int] = [:]

        /// More is never held back: a longer run is treated as ended. Bytes.
        public static let maximumHeld = 16 * 1024
        private static let lookBack = 128

        public init(_ redaction: SecretRedaction) { self.redaction = redaction }

        /// What can be shown after these bytes.
        public mutating func feed(_ bytes: some Sequence<UInt8>) -> [UInt8] {
            held += bytes
            // A run that only grows is looked at again when it has grown by a part, so that bytes fed singly cost no square.
            let grown = held.count - heldWhenScanned
            let hasEnd = held.suffix(max(0, grown)).contains(where: Characters.endsValue)
            guard heldWhenScanned == 0 || hasEnd || grown * 8 >= heldWhenScanned || held.count > Self.maximumHeld else {
                return []
            }
            return release(mayGoOn: true)
        }

        /// What is left, when nothing follows. The stream may be fed again afterwards, as a new text.
        public mutating func finish() -> [UInt8] {
            let rest = release(mayGoOn: false)
            (before, goesOn) = ([], nil)
            return rest
        }

        /// How many bytes are held back now.
        public var heldBytes: Int { held.count }

        private mutating func release(mayGoOn: Bool) -> [UInt8] {
            skipContinuation()
            let isForced = held.count > Self.maximumHeld
            let whole = before + held
            // The name of a value may be shown already.
            let scan = SecretScan(
                whole, from: max(0, before.count - 40), known: redaction.known, mayGoOn: mayGoOn && !isForced)
            let end = max(before.count, scan.certainEnd)
            var result = SecretRedaction.Result(bytes: [], counts: [:])
            redaction.append(whole, before.count..<end, scan.found, to: &result)
            for (kind, count) in result.counts { counts[kind, default: 0] += count }
            if isForced, let last = scan.found.last, last.range.upperBound == whole.count { goesOn = last.kind }
            held = Array(whole[end...])
            before = Array(whole[max(0, end - Self.lookBack)..<end])
            heldWhenScanned = held.count
            return result.bytes
        }

        /// Drops what still belongs to a secret that was longer than is held.
        private mutating func skipContinuation() {
            guard let kind = goesOn else { return }
            let end =
                kind == .privateKey
                ? held.firstIndex(of: UInt8(ascii: "-"))
                : held.firstIndex { Characters.endsValue($0) || kind != .password && !Characters.isBearer($0) }
            guard let end else { return held.removeAll(keepingCapacity: true) }
            held.removeFirst(end)
            goesOn = nil
        }
    }

    /// A new stream that hides what this hides.
    public func stream() -> Stream { Stream(self) }
}
