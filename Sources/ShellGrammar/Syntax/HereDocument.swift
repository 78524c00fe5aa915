/// `<<WORD`: the lines that follow, up to one that is the word.
struct HereDocument {
    let delimiter: [UInt8]
    /// Whether the word had quotes: then the text is taken as it is.
    let isQuoted: Bool
    let stripsTabs: Bool
}

extension Parser {
    mutating func document(stripsTabs: Bool) throws(ShellSyntaxError) -> Redirection {
        try skipBlanks()
        guard let word = try nextWord(), let text = word.text, !text.isEmpty, !text.utf8.contains(Byte.newline) else {
            throw ShellSyntaxError("has a here-document whose end is not plain")
        }
        waitingDocuments.append(
            HereDocument(delimiter: Array(text.utf8), isQuoted: word.isQuoted, stripsTabs: stripsTabs))
        return Redirection(direction: .hereDocument, target: word)
    }

    /// The bodies of the documents that were announced on the line that has just ended.
    mutating func readDocuments() throws(ShellSyntaxError) {
        guard !waitingDocuments.isEmpty else { return }
        if isTyped { throw ShellSyntaxError("types a here-document") }
        let documents = waitingDocuments
        waitingDocuments = []
        for document in documents {
            let body = try body(of: document)
            guard !document.isQuoted, body.contains(where: { $0 == Byte.dollar || $0 == Byte.backquote }) else {
                continue
            }
            var inside = Parser(body, isTyped: false, depth: depth)
            documentWords.append(try inside.documentWord())
            documentWords += inside.documentWords
            hidesSubstitution = hidesSubstitution || inside.hidesSubstitution
        }
    }

    private mutating func body(of document: HereDocument) throws(ShellSyntaxError) -> [UInt8] {
        var body: [UInt8] = []
        while at < bytes.count {
            var end = at
            while end < bytes.count, bytes[end] != Byte.newline { end += 1 }
            var start = at
            if document.stripsTabs { while start < end, bytes[start] == Byte.tab { start += 1 } }
            let line = bytes[start..<end]
            at = min(end + 1, bytes.count)
            if line.elementsEqual(document.delimiter) { return body }
            // A joined line can hide the end of the document from one shell and show it to another.
            if !document.isQuoted, line.last == Byte.backslash {
                throw ShellSyntaxError("joins lines in a here-document")
            }
            body += line
            body.append(Byte.newline)
        }
        throw ShellSyntaxError("has a here-document that does not end")
    }

    /// A document's text: only `$`, backquotes and backslashes mean something.
    private mutating func documentWord() throws(ShellSyntaxError) -> Word {
        var builder = WordBuilder()
        while let byte = peek() {
            switch byte {
            case Byte.backslash:
                builder.append(peek(1) ?? Byte.backslash, isQuoted: true)
                at += 2
            case Byte.dollar: try dollar(into: &builder, isQuoted: true)
            case Byte.backquote: try backquoted(into: &builder, isQuoted: true)
            default:
                builder.append(byte, isQuoted: true)
                at += 1
            }
        }
        at = min(at, bytes.count)
        return builder.word
    }
}
