extension Parser {
    /// Assignments, words and redirections up to a separator.
    mutating func simple() throws(ShellSyntaxError) -> Command {
        var command = SimpleCommand()
        while true {
            try skipBlanks()
            if try redirection(into: &command.redirections) { continue }
            if peek() == Byte.open {
                guard command.words.count == 1, command.assignments.isEmpty, command.redirections.isEmpty,
                    let name = command.words.first?.text
                else { throw ShellSyntaxError("has a '(' in the middle of a command") }
                return try function(named: name)
            }
            if command.words.isEmpty, let assignment = try assignment() {
                command.assignments.append(assignment)
                continue
            }
            guard let word = try nextWord() else { break }
            command.words.append(word)
        }
        if command.words.isEmpty && command.assignments.isEmpty && command.redirections.isEmpty {
            throw ShellSyntaxError("has an operator without a command")
        }
        return .simple(command)
    }

    private mutating func function(named name: String) throws(ShellSyntaxError) -> Command {
        at += 1
        try skipBlanks()
        guard take(")") else { throw ShellSyntaxError("has a '(' in the middle of a command") }
        try skipLines()
        let body = try descend { (parser) throws(ShellSyntaxError) in
            guard parser.peek() == Byte.open || parser.reservedWord() != nil else {
                throw ShellSyntaxError("has a function without a body")
            }
            return try parser.list(ofOneCommand: ())
        }
        return .function(name: name, body: body)
    }

    private mutating func list(ofOneCommand: ()) throws(ShellSyntaxError) -> Command {
        // A function's body is a compound command: a group, mostly.
        if take("(") {
            let body = try list(until: [], closing: Byte.close)
            at += 1
            return .compound(CompoundCommand(bodies: [body]))
        }
        guard reservedWord() == "{" else { throw ShellSyntaxError("has a function whose body is no group") }
        at += 1
        let body = try list(until: ["}"], closing: nil)
        try expect("}")
        var compound = CompoundCommand(bodies: [body])
        try redirections(into: &compound.redirections)
        return .compound(compound)
    }

    /// `name=value`, `name+=value`, `name=(…)` at this place.
    private mutating func assignment() throws(ShellSyntaxError) -> Assignment? {
        guard let first = peek(), Byte.isNameStart(first) else { return nil }
        var end = at
        while end < bytes.count, Byte.isName(bytes[end]) { end += 1 }
        guard end < bytes.count else { return nil }
        if bytes[end] == Byte.bracket { return try refuseElement(from: end) }
        var valueStart = end
        if bytes[valueStart] == UInt8(ascii: "+") { valueStart += 1 }
        guard valueStart < bytes.count, bytes[valueStart] == Byte.equals else { return nil }
        let name = String(decoding: bytes[at..<end], as: UTF8.self)
        at = valueStart + 1
        guard peek() == Byte.open else { return Assignment(name: name, values: try nextWord().map { [$0] } ?? []) }
        at += 1
        var values: [Word] = []
        while true {
            try skipLines()
            if take(")") { return Assignment(name: name, values: values) }
            guard peek() != Byte.bracket, let word = try nextWord() else {
                throw ShellSyntaxError("has a list of values that is not plain")
            }
            values.append(word)
        }
    }

    /// `name[…]=`: the subscript is arithmetic, which can run commands.
    private func refuseElement(from start: Int) throws(ShellSyntaxError) -> Assignment? {
        var end = start
        while end < bytes.count, bytes[end] != Byte.space, bytes[end] != Byte.newline {
            if bytes[end] == UInt8(ascii: "]"), end + 1 < bytes.count,
                bytes[end + 1] == Byte.equals || bytes[end + 1] == UInt8(ascii: "+")
            {
                throw ShellSyntaxError("sets an element of a list, whose index the shell works out")
            }
            end += 1
        }
        return nil
    }

    mutating func redirections(into found: inout [Redirection]) throws(ShellSyntaxError) {
        repeat { try skipBlanks() } while try redirection(into: &found)
    }

    /// One redirection, if one begins here.
    private mutating func redirection(into found: inout [Redirection]) throws(ShellSyntaxError) -> Bool {
        var start = at
        while start < bytes.count, Byte.isDigit(bytes[start]), start - at < 6 { start += 1 }
        guard start < bytes.count else { return false }
        let isBoth =
            start == at && bytes[start] == Byte.ampersand && start + 1 < bytes.count && bytes[start + 1] == Byte.greater
        guard bytes[start] == Byte.less || bytes[start] == Byte.greater || isBoth else { return false }
        // `<(` and `>(` begin a word.
        if start == at, !isBoth, peek(1) == Byte.open { return false }
        at = start
        found.append(try redirection(isBoth ? { $0.take("&>>") || $0.take("&>") } : { _ in false }))
        return true
    }

    private mutating func redirection(_ takesBoth: (inout Parser) -> Bool) throws(ShellSyntaxError) -> Redirection {
        if takesBoth(&self) { return Redirection(direction: .output, target: try target()) }
        if take("<<<") { return Redirection(direction: .hereString, target: try target()) }
        if take("<<-") { return try document(stripsTabs: true) }
        if take("<<") { return try document(stripsTabs: false) }
        if take("<&") || take(">&") {
            let target = try target()
            let isDescriptor = target.text.map { $0 == "-" || !$0.isEmpty && $0.utf8.allSatisfy(Byte.isDigit) } ?? false
            return Redirection(direction: isDescriptor ? .duplicate : .output, target: target)
        }
        if take("<>") { return Redirection(direction: .both, target: try target()) }
        if take("<") { return Redirection(direction: .input, target: try target()) }
        if take(">>") || take(">|") || take(">") { return Redirection(direction: .output, target: try target()) }
        throw ShellSyntaxError("has a redirection that is not plain")
    }

    private mutating func target() throws(ShellSyntaxError) -> Word {
        try skipBlanks()
        guard let word = try nextWord() else { throw ShellSyntaxError("has a redirection to nowhere") }
        return word
    }
}
