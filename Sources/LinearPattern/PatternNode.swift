/// What a pattern says, before it is an automaton.
indirect enum PatternNode {
    enum Place: Sendable { case textStart, textEnd, lineStart, lineEnd, wordBorder, insideWord }

    case set(ScalarSet)
    case place(Place)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// `maximum` nil: any number.
    case repetition(PatternNode, minimum: Int, maximum: Int?, isLazy: Bool)
}

struct PatternFlags {
    var ignoresCase = false
    var lines = false
    var dotTakesNewlines = false
}
