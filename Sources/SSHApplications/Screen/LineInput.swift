import NIOCore

extension ApplicationVisit {
    /// Asks for a line. In a terminal it is edited; without one it is the next line of the input, and nothing is shown.
    ///
    /// - Parameters:
    ///   - prompt: One line.
    ///   - isSecret: Whether what is typed stays hidden.
    /// - Returns: The line without its end; nil at the end of the input.
    /// - Throws: ``ApplicationInterrupted`` for Ctrl-C, `usage` for a line that is too long or no UTF-8.
    public func readLine(_ prompt: String = "", isSecret: Bool = false) async throws -> String? {
        guard let terminal else { return try await plainLine() }
        var editor = LineEditor(prompt: prompt, echoes: !isSecret, columns: terminal.columns)
        var decoder = KeyDecoder()
        try await write(editor.begin())
        while var piece = try await read() {
            var output = ""
            while let byte = piece.readInteger(as: UInt8.self) {
                var key = decoder.take(byte)
                if key == nil, piece.readableBytes == 0 { key = decoder.endOfPiece() }
                guard let key else { continue }
                editor.columns = self.terminal?.columns ?? terminal.columns
                let (text, outcome) = editor.take(key)
                output += text
                if outcome == .editing { continue }
                // What was typed ahead is for whoever reads next.
                unread(piece)
                try await write(output)
                return try Self.line(outcome)
            }
            try await write(output)
        }
        return nil
    }

    private static func line(_ outcome: LineEditor.Outcome) throws(ApplicationInterrupted) -> String? {
        switch outcome {
        case .line(let line): return line
        case .interrupted: throw ApplicationInterrupted()
        case .endOfInput, .editing: return nil
        }
    }

    private func plainLine() async throws -> String? {
        var line = ByteBuffer()
        while var piece = try await read() {
            let end = piece.readableBytesView.firstIndex(of: UInt8(ascii: "\n"))
            let length = (end ?? piece.readableBytesView.endIndex) - piece.readableBytesView.startIndex
            if var part = piece.readSlice(length: length) { line.writeBuffer(&part) }
            guard line.readableBytes <= 64 * 1024 else {
                throw ApplicationFailure.usage("A line of the input is too long.", hint: "Send lines of text.")
            }
            guard end != nil else { continue }
            piece.moveReaderIndex(forwardBy: 1)
            unread(piece)
            return try Self.text(line)
        }
        return line.readableBytes > 0 ? try Self.text(line) : nil
    }

    private static func text(_ line: ByteBuffer) throws(ApplicationFailure) -> String {
        guard let text = String(validating: line.readableBytesView, as: UTF8.self) else {
            throw .usage("A line of the input is no UTF-8 text.", hint: "Send text.")
        }
        return text.hasSuffix("\r") ? String(text.dropLast()) : text
    }
}
