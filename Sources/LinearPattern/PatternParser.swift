/// Reads a pattern from its beginning to its end.
struct PatternParser {
    private let scalars: [Unicode.Scalar]
    private let isTooLong: Bool
    private var at = 0
    private var depth = 0
    private var flags: PatternFlags

    init(_ text: String, flags: PatternFlags) {
        isTooLong = text.utf8.count > LinearPattern.maximumLength
        scalars = isTooLong ? [] : Array(text.unicodeScalars)
        self.flags = flags
    }

    mutating func pattern() throws(LinearPatternError) -> PatternNode {
        if isTooLong { throw .tooLong }
        let node = try choice()
        guard at == scalars.count else { throw .bad("a ')' has no '('", at: at) }
        return node
    }

    private func peek(_ distance: Int = 0) -> Unicode.Scalar? {
        at + distance < scalars.count ? scalars[at + distance] : nil
    }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars.dropFirst(at).starts(with: wanted) else { return false }
        at += wanted.count
        return true
    }

    private mutating func choice() throws(LinearPatternError) -> PatternNode {
        guard depth < LinearPattern.maximumDepth else { throw .bad("groups are nested too deeply", at: at) }
        depth += 1
        defer { depth -= 1 }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(LinearPatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let scalar = peek(), scalar != "|", scalar != ")" {
            if take("\\Q") {
                while peek() != nil, !take("\\E") { nodes.append(literal(nextScalar())) }
                continue
            }
            guard let node = try atom() else { continue }
            nodes.append(try repeated(node))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func nextScalar() -> Unicode.Scalar {
        defer { at += 1 }
        return scalars[at]
    }

    private func literal(_ scalar: Unicode.Scalar) -> PatternNode { set(ScalarSet(of: scalar)) }

    private func set(_ set: ScalarSet) -> PatternNode {
        var set = set
        if flags.ignoresCase { set.ignoreCase() }
        set.settle()
        return .set(set)
    }

    /// One thing that can be repeated; nil for flags that hold from here on.
    private mutating func atom() throws(LinearPatternError) -> PatternNode? {
        let start = at
        let scalar = nextScalar()
        switch scalar {
        case ".": return .set(flags.dotTakesNewlines ? .any : .anyButNewline)
        case "^": return .place(flags.lines ? .lineStart : .textStart)
        case "$": return .place(flags.lines ? .lineEnd : .textEnd)
        case "(": return try group(from: start)
        case "[": return set(try members(from: start))
        case "\\": return try escape(from: start)
        case "*", "+", "?": throw .bad("'\(scalar)' has nothing to repeat", at: start)
        case "{":
            // As in Perl and JavaScript, a brace that begins no count is itself.
            at = start
            if try count() != nil { throw .bad("'{' has nothing to repeat", at: start) }
            at = start + 1
            return literal(scalar)
        default: return literal(scalar)
        }
    }

    private mutating func repeated(_ node: PatternNode) throws(LinearPatternError) -> PatternNode {
        var node = node
        var isFirst = true
        while let scalar = peek() {
            let start = at
            let bounds: (Int, Int?)
            switch scalar {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{":
                guard let counted = try count() else { return node }
                bounds = counted
            default: return node
            }
            guard isFirst else { throw .bad("a repetition is repeated", at: start) }
            if scalar != "{" { at += 1 }
            if peek() == "+" {
                throw .notLinear("a possessive repetition", "Leave out the second '+'.", at: at)
            }
            let isLazy = take("?")
            node = .repetition(node, minimum: bounds.0, maximum: bounds.1, isLazy: isLazy)
            isFirst = false
        }
        return node
    }

    /// `{n}`, `{n,}`, `{n,m}`, `{,m}`; nil, and nothing taken, where there is none.
    private mutating func count() throws(LinearPatternError) -> (Int, Int?)? {
        let start = at
        at += 1
        let low = number()
        var high = low
        let hasComma = take(",")
        if hasComma { high = number() }
        guard low != nil || high != nil, take("}") else {
            at = start
            return nil
        }
        let minimum = low ?? 0
        let maximum = hasComma ? high : minimum
        guard minimum <= 1000, (maximum ?? 0) <= 1000 else {
            throw LinearPatternError.bad("a count is larger than 1000", at: start)
        }
        guard maximum.map({ $0 >= minimum }) ?? true else {
            throw LinearPatternError.bad("a count ends before it begins", at: start)
        }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = peek(), ("0"..."9").contains(scalar) {
            value = min(100_000, (value ?? 0) * 10 + Int(scalar.value - 48))
            at += 1
        }
        return value
    }

    private mutating func group(from start: Int) throws(LinearPatternError) -> PatternNode? {
        let outer = flags
        if take("?") {
            if take("=") || take("!") || take("<=") || take("<!") {
                throw .notLinear(
                    "look-around", "Match the text around it as well, or look at the answer's lines for the rest.",
                    at: start)
            }
            if take(">") { throw .notLinear("an atomic group", "Use (?:…).", at: start) }
            if take("P=") || peek() == "R" || peek() == "&" || peek() == "("
                || peek().map({ ("0"..."9").contains($0) }) == true
            {
                throw .notLinear("a reference to another part of the match", "Write that part out.", at: start)
            }
            if take("P<") || take("<") || take("'") {
                while let scalar = peek(), scalar != ">", scalar != "'" {
                    guard scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar) else {
                        throw .bad("a group's name has signs besides letters, digits and _", at: at)
                    }
                    at += 1
                }
                guard take(">") || take("'") else { throw .bad("a group's name does not end", at: start) }
            } else if take("#") {
                while let scalar = peek(), scalar != ")" { _ = scalar; at += 1 }
                guard take(")") else { throw .bad("a comment does not end", at: start) }
                return nil
            } else if !take(":") {
                try readFlags(from: start)
                if take(")") { return nil }
                guard take(":") else { throw .bad("'(?' is followed by something unknown", at: start) }
            }
        }
        let node = try choice()
        guard take(")") else { throw .bad("a '(' has no ')'", at: start) }
        flags = outer
        return node
    }

    private mutating func readFlags(from start: Int) throws(LinearPatternError) {
        var value = true
        while let scalar = peek(), scalar != ")", scalar != ":" {
            switch scalar {
            case "-": value = false
            case "i": flags.ignoresCase = value
            case "m": flags.lines = value
            case "s": flags.dotTakesNewlines = value
            case "U", "x", "u": throw .bad("the flag '\(scalar)' is not known here (i, m and s are)", at: start)
            default: throw .bad("'(?' is followed by something unknown", at: start)
            }
            at += 1
        }
    }

    /// After a backslash, outside of brackets.
    private mutating func escape(from start: Int) throws(LinearPatternError) -> PatternNode {
        guard let scalar = peek() else { throw .bad("it ends with a backslash", at: start) }
        switch scalar {
        case "b", "B", "A", "z", "Z":
            at += 1
            switch scalar {
            case "b": return .place(.wordBorder)
            case "B": return .place(.insideWord)
            case "A": return .place(.textStart)
            default: return .place(.textEnd)
            }
        case "1"..."9", "k", "g":
            throw .notLinear(
                "a back reference", "Write the repeated text out, or match its parts one by one.", at: start)
        case "G", "K", "X", "C":
            throw .bad("'\\\(scalar)' is not known here", at: start)
        case "R":
            at += 1
            return .choice([
                .sequence([literal("\r"), literal("\n")]), set(ScalarSet(10...13, 0x85...0x85, 0x2028...0x2029)),
            ])
        default:
            switch try classOrScalar(from: start) {
            case .set(let set): return self.set(set)
            case .scalar(let scalar): return literal(scalar)
            }
        }
    }

    private enum Member {
        case set(ScalarSet)
        case scalar(Unicode.Scalar)
    }

    /// What a backslash means both in and outside of brackets.
    private mutating func classOrScalar(from start: Int) throws(LinearPatternError) -> Member {
        guard peek() != nil else { throw .bad("it ends with a backslash", at: start) }
        let scalar = nextScalar()
        switch scalar {
        case "d", "w", "s", "h", "D", "W", "S", "H", "N":
            var set: ScalarSet =
                switch scalar {
                case "d", "D": .digits
                case "w", "W": .words
                case "h", "H": .blanks
                case "N": ScalarSet(10...10)
                default: .spaces
                }
            if "DWSHN".unicodeScalars.contains(scalar) { set.negate() }
            return .set(set)
        case "p", "P": return .set(try category(isNegated: scalar == "P", from: start))
        case "n": return .scalar("\n")
        case "t": return .scalar("\t")
        case "r": return .scalar("\r")
        case "f": return .scalar("\u{0C}")
        case "v": return .scalar("\u{0B}")
        case "e": return .scalar("\u{1B}")
        case "a": return .scalar("\u{07}")
        case "0": return .scalar("\0")
        case "c":
            guard let letter = peek(), letter.isASCII, letter.properties.isAlphabetic else {
                throw .bad("'\\c' needs a letter", at: start)
            }
            at += 1
            return .scalar(Unicode.Scalar(UInt8(letter.value & 31)))
        case "x": return .scalar(try hexadecimal(2, from: start))
        case "u": return .scalar(try hexadecimal(4, from: start))
        default:
            if scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) {
                throw .bad("'\\\(scalar)' is not known here", at: start)
            }
            return .scalar(scalar)
        }
    }

    private mutating func hexadecimal(_ count: Int, from start: Int) throws(LinearPatternError) -> Unicode.Scalar {
        var digits = ""
        if take("{") {
            while let scalar = peek(), scalar != "}", digits.count < 7 { digits.unicodeScalars.append(scalar); at += 1 }
            guard take("}") else { throw .bad("a character's number does not end", at: start) }
        } else {
            while digits.count < count, let scalar = peek(), scalar.properties.isASCIIHexDigit {
                digits.unicodeScalars.append(scalar)
                at += 1
            }
            guard digits.count == count else { throw .bad("a character's number needs \(count) digits", at: start) }
        }
        guard let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
            throw .bad("a character's number is none", at: start)
        }
        return scalar
    }

    private mutating func category(isNegated: Bool, from start: Int) throws(LinearPatternError) -> ScalarSet {
        var name = ""
        if take("{") {
            while let scalar = peek(), scalar != "}", name.count < 20 { name.unicodeScalars.append(scalar); at += 1 }
            guard take("}") else { throw .bad("a category's name does not end", at: start) }
        } else if let scalar = peek() {
            name.unicodeScalars.append(scalar)
            at += 1
        }
        guard let categories = ScalarSet.categories(name) else {
            throw .bad("the category '\(name)' is not known here (L, Lu, N, P, S, Z and the like are)", at: start)
        }
        var set = ScalarSet()
        set.insert(categories: categories, isNegated: isNegated)
        return set
    }

    /// `[…]` after the bracket.
    private mutating func members(from start: Int) throws(LinearPatternError) -> ScalarSet {
        var set = ScalarSet()
        let isNegated = take("^")
        var isFirst = true
        while let scalar = peek(), isFirst || scalar != "]" {
            isFirst = false
            guard case .scalar(let low) = try member(of: &set, from: start) else { continue }
            guard peek() == "-", let next = peek(1), next != "]" else {
                set.insert(low.value...low.value)
                continue
            }
            at += 1
            guard case .scalar(let high) = try member(of: &set, from: start) else {
                set.insert(low.value...low.value)
                set.insert(45...45)
                continue
            }
            guard low <= high else { throw .bad("a range ends before it begins", at: at) }
            set.insert(low.value...high.value)
        }
        guard take("]") else { throw .bad("a '[' has no ']'", at: start) }
        // Cases are made one before the set is turned round: [^a] without case takes neither a nor A.
        if flags.ignoresCase { set.ignoreCase() }
        if isNegated { set.negate() }
        return set
    }

    /// One scalar, or a whole class that is put into the set.
    private mutating func member(of set: inout ScalarSet, from start: Int) throws(LinearPatternError) -> Member {
        if take("[:") {
            let isNegated = take("^")
            var name = ""
            while let scalar = peek(), scalar != ":", name.count < 10 { name.unicodeScalars.append(scalar); at += 1 }
            guard take(":]"), var named = ScalarSet.named(name) else {
                throw .bad("the class [:\(name):] is not known here", at: start)
            }
            if isNegated { named.negate() }
            set.insert(named)
            return .set(named)
        }
        let place = at
        let scalar = nextScalar()
        guard scalar == "\\" else { return .scalar(scalar) }
        if take("b") { return .scalar("\u{08}") }
        let found = try classOrScalar(from: place)
        if case .set(let other) = found { set.insert(other) }
        return found
    }
}
