/// A pattern as the steps of an automaton (Thompson's construction).
struct Program: Sendable {
    enum Step: Sendable {
        /// Takes one scalar of the set, goes on to the next step.
        case set(Int)
        case place(PatternNode.Place)
        /// Goes on at both; the first is preferred.
        case fork(Int, Int)
        case jump(Int)
        case match
    }

    private(set) var steps: [Step] = []
    private(set) var sets: [ScalarSet] = []
    private var work = 0
    /// The ASCII characters with which a match can begin, and whether any other can; nil where a match can be empty.
    private(set) var beginnings: (UInt64, UInt64, others: Bool)?

    init(of node: PatternNode) throws(LinearPatternError) {
        try append(node)
        steps.append(.match)
        beginnings = firstScalars()
    }

    private mutating func emit(_ step: Step) throws(LinearPatternError) {
        guard steps.count < LinearPattern.maximumSteps else { throw .tooLarge }
        steps.append(step)
    }

    private mutating func append(_ node: PatternNode) throws(LinearPatternError) {
        // Parts that come to no step, such as (), cost time too when they are repeated.
        work += 1
        guard work < LinearPattern.maximumSteps * 8 else { throw .tooLarge }
        switch node {
        case .set(let set):
            sets.append(set)
            try emit(.set(sets.count - 1))
        case .place(let place): try emit(.place(place))
        case .sequence(let nodes): for node in nodes { try append(node) }
        case .choice(let branches): try append(choice: branches)
        case .repetition(let node, let minimum, let maximum, let isLazy):
            for _ in 0..<minimum { try append(node) }
            guard let maximum else { return try append(anyNumberOf: node, isLazy: isLazy) }
            var forks: [Int] = []
            for _ in minimum..<max(minimum, maximum) {
                forks.append(steps.count)
                try emit(.fork(0, 0))
                try append(node)
            }
            for fork in forks { steps[fork] = Self.fork(fork + 1, steps.count, isLazy: isLazy) }
        }
    }

    private mutating func append(choice branches: [PatternNode]) throws(LinearPatternError) {
        var jumps: [Int] = []
        for (index, branch) in branches.enumerated() {
            guard index < branches.count - 1 else {
                try append(branch)
                break
            }
            let fork = steps.count
            try emit(.fork(0, 0))
            try append(branch)
            jumps.append(steps.count)
            try emit(.jump(0))
            steps[fork] = .fork(fork + 1, steps.count)
        }
        for jump in jumps { steps[jump] = .jump(steps.count) }
    }

    private mutating func append(anyNumberOf node: PatternNode, isLazy: Bool) throws(LinearPatternError) {
        let fork = steps.count
        try emit(.fork(0, 0))
        try append(node)
        try emit(.jump(fork))
        steps[fork] = Self.fork(fork + 1, steps.count, isLazy: isLazy)
    }

    private static func fork(_ inside: Int, _ past: Int, isLazy: Bool) -> Step {
        isLazy ? .fork(past, inside) : .fork(inside, past)
    }

    private func firstScalars() -> (UInt64, UInt64, others: Bool)? {
        var members: (UInt64, UInt64, others: Bool) = (0, 0, false)
        var seen = [Bool](repeating: false, count: steps.count)
        var open = [0]
        while let index = open.popLast() {
            guard !seen[index] else { continue }
            seen[index] = true
            switch steps[index] {
            case .set(let set):
                let ascii = sets[set].asciiMembers
                members.0 |= ascii.0
                members.1 |= ascii.1
                members.others = members.others || sets[set].mayHoldOthers
            case .place: open.append(index + 1)
            case .fork(let one, let other): open += [one, other]
            case .jump(let target): open.append(target)
            case .match: return nil
            }
        }
        return members
    }
}
