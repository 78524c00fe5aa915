extension Parser {
    /// Pipelines until a reserved word of `stops`, the closing sign, or the end. None of these is taken.
    mutating func list(until stops: Set<String>, closing: UInt8?) throws(ShellSyntaxError) -> Script {
        var script = Script()
        while true {
            try skipLines()
            guard let byte = peek() else {
                if closing != nil || !stops.isEmpty { throw ShellSyntaxError("ends too early") }
                return script
            }
            if byte == closing { return script }
            if let word = reservedWord(), stops.contains(word) { return script }
            if stops.contains(";;"), sees(";;") { return script }
            guard byte != Byte.close else { throw ShellSyntaxError("has a ')' too many") }
            try andOr(into: &script)
            try skipBlanks()
            switch peek() {
            case Byte.semicolon? where !sees(";;"), Byte.ampersand? where !sees("&&"): at += 1
            default: break  // A newline, the end, or what the next round refuses.
            }
        }
    }

    private mutating func andOr(into script: inout Script) throws(ShellSyntaxError) {
        repeat {
            try skipLines()
            script.pipelines.append(try pipeline())
            try skipBlanks()
        } while take("&&") || take("||")
    }

    private mutating func pipeline() throws(ShellSyntaxError) -> Pipeline {
        var pipeline = Pipeline()
        try skipBlanks()
        while reservedWord() == "!" {
            at += 1
            try skipBlanks()
        }
        repeat {
            try skipLines()
            pipeline.commands.append(try command())
            try skipBlanks()
        } while !sees("||") && (take("|&") || take("|"))
        return pipeline
    }

    private mutating func command() throws(ShellSyntaxError) -> Command {
        try descend { (parser) throws(ShellSyntaxError) in try parser.commandInside() }
    }

    private mutating func commandInside() throws(ShellSyntaxError) -> Command {
        if sees("((") { throw ShellSyntaxError("holds '((', which shells read differently") }
        if take("(") {
            var compound = CompoundCommand(bodies: [try list(until: [], closing: Byte.close)])
            at += 1
            try redirections(into: &compound.redirections)
            return .compound(compound)
        }
        switch reservedWord() {
        case "{"?: return try compound { (parser) throws(ShellSyntaxError) in try parser.group() }
        case "if"?: return try compound { (parser) throws(ShellSyntaxError) in try parser.conditional() }
        case "while"?, "until"?: return try compound { (parser) throws(ShellSyntaxError) in try parser.loop() }
        case "for"?: return try compound { (parser) throws(ShellSyntaxError) in try parser.counted() }
        case "case"?: return try compound { (parser) throws(ShellSyntaxError) in try parser.cases() }
        case "function"?, "select"?, "coproc"?, "then"?, "do"?, "done"?, "fi"?, "elif"?, "else"?, "esac"?, "}"?, "in"?:
            throw ShellSyntaxError("uses '\(reservedWord() ?? "")' where it is not followed here")
        default: return try simple()
        }
    }

    private mutating func compound(
        _ body: (inout Parser) throws(ShellSyntaxError) -> CompoundCommand
    ) throws(ShellSyntaxError) -> Command {
        var compound = try body(&self)
        try redirections(into: &compound.redirections)
        return .compound(compound)
    }

    private mutating func group() throws(ShellSyntaxError) -> CompoundCommand {
        at += 1
        let body = try list(until: ["}"], closing: nil)
        try expect("}")
        return CompoundCommand(bodies: [body])
    }

    private mutating func conditional() throws(ShellSyntaxError) -> CompoundCommand {
        var compound = CompoundCommand()
        at += 2
        while true {
            compound.bodies.append(try list(until: ["then"], closing: nil))
            try expect("then")
            compound.bodies.append(try list(until: ["elif", "else", "fi"], closing: nil))
            guard reservedWord() == "elif" else { break }
            at += 4
        }
        if reservedWord() == "else" {
            at += 4
            compound.bodies.append(try list(until: ["fi"], closing: nil))
        }
        try expect("fi")
        return compound
    }

    private mutating func loop() throws(ShellSyntaxError) -> CompoundCommand {
        at += 5
        let condition = try list(until: ["do"], closing: nil)
        return CompoundCommand(bodies: [condition, try doGroup()])
    }

    private mutating func doGroup() throws(ShellSyntaxError) -> Script {
        try expect("do")
        let body = try list(until: ["done"], closing: nil)
        try expect("done")
        return body
    }

    private mutating func counted() throws(ShellSyntaxError) -> CompoundCommand {
        at += 3
        try skipBlanks()
        guard let name = try nextWord()?.text, name.utf8.allSatisfy(Byte.isName) else {
            throw ShellSyntaxError("has a loop whose variable is not plain")
        }
        var compound = CompoundCommand(variable: name)
        try skipLines()
        if reservedWord() == "in" {
            at += 2
            try skipBlanks()
            while let word = try nextWord() {
                compound.words.append(word)
                try skipBlanks()
            }
        }
        try skipBlanks()
        _ = take(";")
        compound.bodies.append(try doGroup())
        return compound
    }

    private mutating func cases() throws(ShellSyntaxError) -> CompoundCommand {
        at += 4
        try skipBlanks()
        guard let subject = try nextWord() else { throw ShellSyntaxError("has a case without a subject") }
        var compound = CompoundCommand(words: [subject])
        try expect("in")
        while true {
            try skipLines()
            if reservedWord() == "esac" { break }
            _ = take("(")
            repeat {
                try skipBlanks()
                guard let pattern = try nextWord() else { throw ShellSyntaxError("has a case without a pattern") }
                compound.words.append(pattern)
                try skipBlanks()
            } while take("|")
            guard take(")") else { throw ShellSyntaxError("has a case whose pattern does not end") }
            compound.bodies.append(try list(until: ["esac", ";;"], closing: nil))
            if !take(";;") { break }
            if peek() == Byte.ampersand { throw ShellSyntaxError("falls through in a case") }
        }
        try expect("esac")
        return compound
    }
}
