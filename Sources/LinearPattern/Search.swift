extension LinearPattern {
    /// A search through a text that comes in pieces, which may be cut anywhere, inside of a character too.
    ///
    /// After each piece `match` is what `firstMatch` would find in everything so far, if more may follow: `$` and `\b` at the
    /// very end wait for the next character. `matchAtEnd` takes the text as ended, without ending the search: that is how a
    /// prompt such as `\$ $` is waited for. Memory does not grow with the text.
    ///
    ///     var search = LinearPattern.Search(for: pattern)
    ///     search.feed(chunk)
    ///     if let range = search.match { … }
    public struct Search: Sendable {
        private let program: Program
        private var decoder = ScalarDecoder()
        /// Byte offset of the next scalar.
        private var offset = 0
        /// Whether, and as what, there is a scalar before.
        private var previous: UInt32?
        private var threads: Threads
        private var next: Threads
        private var stack: [Int] = []
        private var best: Range<Int>?
        private var isDecided = false

        public init(for pattern: LinearPattern) {
            program = pattern.program
            threads = Threads(program.steps.count)
            next = Threads(program.steps.count)
        }

        /// The first match in what was fed, as byte offsets from the beginning; nil while there is none. It may still grow.
        public var match: Range<Int>? { best }

        /// Bytes fed so far.
        public private(set) var fedBytes = 0

        /// Takes the next piece.
        public mutating func feed(_ bytes: some Sequence<UInt8>) {
            for byte in bytes {
                fedBytes += 1
                if isDecided { continue }
                if let scalar = decoder.take(byte) { advance(over: scalar.value, bytes: scalar.count) }
                while let scalar = decoder.takeWaiting() { advance(over: scalar.value, bytes: scalar.count) }
            }
            noteCertainMatch()
        }

        /// The first match if the text ended here.
        public var matchAtEnd: Range<Int>? {
            var copy = self
            return copy.finish()
        }

        /// Ends the text.
        public mutating func finish() -> Range<Int>? {
            while !isDecided, let scalar = decoder.flush() { advance(over: scalar.value, bytes: scalar.count) }
            if !isDecided {
                step(over: nil, bytes: 0)
                isDecided = true
            }
            return best
        }

        private mutating func advance(over scalar: UInt32, bytes: Int) {
            guard !isDecided else { return }
            if threads.isEmpty, best == nil, let first = program.beginnings {
                let canBegin =
                    scalar < 64
                    ? first.0 >> UInt64(scalar) & 1 == 1
                    : scalar < 128 ? first.1 >> UInt64(scalar - 64) & 1 == 1 : first.others
                if !canBegin {
                    offset += bytes
                    previous = scalar
                    return
                }
            }
            step(over: scalar, bytes: bytes)
        }

        /// One scalar, or the end. Threads wait at the steps before places and sets, in the order of preference; the places
        /// between the scalars are looked at now that both sides are known.
        private mutating func step(over scalar: UInt32?, bytes: Int) {
            next.removeAll()
            var settled = false
            for thread in threads.list {
                follow(thread.step, start: thread.start, upTo: scalar, &settled)
                if settled { break }
            }
            // A new attempt begins here, after all older ones, as long as nothing has matched.
            if !settled, best == nil { follow(0, start: offset, upTo: scalar, &settled) }
            threads.removeAll()
            guard let scalar else { return }
            for thread in next.list {
                guard case .set(let set) = program.steps[thread.step], program.sets[set].contains(scalar) else {
                    continue
                }
                threads.insert(thread.step + 1, start: thread.start)
            }
            offset += bytes
            previous = scalar
            if threads.isEmpty, best != nil { isDecided = true }
        }

        /// Goes from a step to all sets that can be reached without a scalar. A match cuts off everything less preferred.
        private mutating func follow(_ step: Int, start: Int, upTo scalar: UInt32?, _ settled: inout Bool) {
            stack.removeAll(keepingCapacity: true)
            stack.append(step)
            while let index = stack.popLast() {
                guard next.visit(index) else { continue }
                switch program.steps[index] {
                case .set: next.insertVisited(index, start: start)
                case .place(let place): if holds(place, before: scalar) { stack.append(index + 1) }
                case .fork(let one, let other):
                    stack.append(other)
                    stack.append(one)
                case .jump(let target): stack.append(target)
                case .match:
                    best = start..<offset
                    settled = true
                    return
                }
            }
        }

        /// After a piece: a match that needs nothing more is known at once; the next piece may never come.
        private mutating func noteCertainMatch() {
            guard !isDecided, !threads.isEmpty else { return }
            next.removeAll()
            for thread in threads.list {
                stack.removeAll(keepingCapacity: true)
                stack.append(thread.step)
                while let index = stack.popLast() {
                    guard next.visit(index) else { continue }
                    switch program.steps[index] {
                    case .set, .place: continue
                    case .fork(let one, let other):
                        stack.append(other)
                        stack.append(one)
                    case .jump(let target): stack.append(target)
                    case .match:
                        best = thread.start..<offset
                        return
                    }
                }
            }
        }

        private func holds(_ place: PatternNode.Place, before scalar: UInt32?) -> Bool {
            switch place {
            case .textStart: previous == nil
            case .textEnd: scalar == nil
            case .lineStart: previous == nil || previous == 10
            case .lineEnd: scalar == nil || scalar == 10 || scalar == 13
            case .wordBorder: isWord(previous) != isWord(scalar)
            case .insideWord: isWord(previous) == isWord(scalar)
            }
        }

        private func isWord(_ scalar: UInt32?) -> Bool {
            guard let scalar, scalar < 128 else { return false }
            return ScalarSet.words.containsASCII(scalar)
        }
    }
}

/// The steps at which the automaton stands, in the order of preference, each once.
private struct Threads: Sendable {
    struct Thread: Sendable {
        let step: Int
        let start: Int
    }

    private(set) var list: [Thread] = []
    /// The round in which a step was last visited.
    private var visits: [UInt32]
    private var round: UInt32 = 1

    init(_ count: Int) { visits = [UInt32](repeating: 0, count: count + 1) }

    var isEmpty: Bool { list.isEmpty }

    mutating func removeAll() {
        list.removeAll(keepingCapacity: true)
        round &+= 1
        if round == 0 {
            visits = [UInt32](repeating: 0, count: visits.count)
            round = 1
        }
    }

    /// Whether the step is met for the first time in this round.
    mutating func visit(_ step: Int) -> Bool {
        guard visits[step] != round else { return false }
        visits[step] = round
        return true
    }

    mutating func insertVisited(_ step: Int, start: Int) { list.append(Thread(step: step, start: start)) }

    mutating func insert(_ step: Int, start: Int) {
        if visit(step) { insertVisited(step, start: start) }
    }
}
