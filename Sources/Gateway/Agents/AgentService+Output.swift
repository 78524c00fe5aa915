import Foundation
import NIOCore
import Storage

/// Reading a terminal: as text, as bytes, as a screen.
extension AgentService {
    /// How a whole history comes.
    public enum HistoryFormat: String, Sendable, CaseIterable {
        case raw, clean
    }

    /// A part of a session's output.
    public func output(_ id: String, _ query: OutputQuery, _ agent: Agent) async throws(GatewayError) -> OutputView {
        let session = try find(id, agent)
        let start = try await begin(query, session)
        if query.wait > .zero {
            let end = await session.live.outputEnd
            _ = try await waiting(on: session.seat.changes, for: query.wait, agent) {
                () async throws(GatewayError) -> Bool? in
                if session.state.ending != nil { return true }
                switch start {
                case .line(let line): return await session.live.text(from: .max).count > line ? true : nil
                case .byte: return await session.live.outputEnd != end ? true : nil
                }
            }
        }
        switch start {
        case .line(let line): return try await clean(session, from: line, query)
        case .byte(let offset): return await raw(session, from: offset, query)
        }
    }

    private func begin(_ query: OutputQuery, _ session: AgentSession) async throws(GatewayError) -> OutputCursor {
        if let text = query.cursor {
            guard let cursor = OutputCursor(text) else {
                throw .invalid(
                    "cursor", "This is no cursor of an earlier answer.", hint: "Send “nextCursor” as it came.")
            }
            return cursor
        }
        let line = query.since ?? 0
        guard query.mode == .raw else { return .line(line) }
        let offset = await session.live.outputOffset(ofLine: line)
        return .byte(session.place.bytesBefore + (offset ?? 0))
    }

    private func clean(_ session: AgentSession, from line: Int, _ query: OutputQuery) async throws(GatewayError)
        -> OutputView
    {
        let text = await session.live.text(from: line)
        var lines = text.lines
        var next = text.count
        var isTruncated = false
        var hasPartial = !text.partial.isEmpty
        if query.cursor != nil {
            // A reader by cursor gets everything in order, as much as fits, and the rest the next time.
            var bytes = 0
            if let cut = lines.firstIndex(where: { line in
                bytes += line.utf8.count + 1
                return bytes > query.byteLimit
            }), cut > 0 {
                lines = Array(lines[..<cut])
                next = text.first + cut
                isTruncated = true
                hasPartial = false
            }
        }
        if hasPartial { lines.append(text.partial) }
        let reach = await session.live.text(from: max(text.first - Self.linesOfReach, 0), limit: Self.linesOfReach)
        let shown = redactLines(lines, after: reach.lines.prefix(max(0, text.first - reach.first)), session)
        lines = shown.lines
        if let pattern = query.grep {
            let matcher = try WaitPattern(.pattern(pattern))
            let kept = lines.filter { matcher.match(in: $0) != nil }
            hasPartial = hasPartial && kept.last == lines.last
            lines = kept
        }
        if let limit = query.limit, lines.count > max(0, limit) {
            lines = Array(lines.suffix(max(0, limit)))
            isTruncated = true
        }
        var bytes = lines.reduce(0) { $0 + $1.utf8.count + 1 }
        while query.cursor == nil, bytes > query.byteLimit, lines.count > 1 {
            bytes -= lines.removeFirst().utf8.count + 1
            isTruncated = true
        }
        let state = await view(session).status
        return OutputView(
            lines: lines, currentLine: text.count,
            cursor: OutputCursor.line(line).text, nextCursor: OutputCursor.line(next).text, partial: hasPartial,
            gap: text.first > line && line < text.count ? .init(from: line, to: text.first, unit: "lines") : nil,
            truncated: isTruncated, text: nil, base64: nil, state: state, redactions: shown.count)
    }

    /// Lines before a page that are looked at: a private key has about fifty.
    private static let linesOfReach = 200

    /// A page of lines as they may be read, before any of them are chosen: a search sees no more than its answer shows.
    private func redactLines(_ lines: [String], after before: ArraySlice<String>, _ session: AgentSession) -> (
        lines: [String], count: Int
    ) {
        guard !lines.isEmpty else { return ([], 0) }
        let reach = Array(before.map { $0 + "\n" }.joined().utf8)
        let bytes = reach + Array(lines.joined(separator: "\n").utf8)
        let shown = redact(bytes, shown: reach.count..<bytes.count, session)
        let text = VisibleText.marked(String(decoding: shown.bytes, as: UTF8.self))
        return (text.components(separatedBy: "\n"), shown.count)
    }

    private func raw(_ session: AgentSession, from offset: UInt64, _ query: OutputQuery) async -> OutputView {
        let place = session.place
        let before = place.bytesBefore
        let wanted = offset > before ? offset - before : 0
        let found = await place.live.rawOutput(from: wanted, limit: query.byteLimit)
        var bytes = found.bytes
        if !query.base64 {
            bytes = CompleteText.prefix(bytes)
            // Bytes that are no UTF-8 at all would never become a character: they go as they are.
            if bytes.isEmpty { bytes = found.bytes }
        }
        let reach = UInt64(Self.redactionReach)
        let around = await place.live.rawOutput(
            from: found.from > reach ? found.from - reach : 0, limit: query.byteLimit + 2 * Self.redactionReach)
        let begin = Int(clamping: found.from - min(around.from, found.from))
        let redacted = redact(around.bytes, shown: begin..<min(begin + bytes.count, around.bytes.count), session)
        let from = before + found.from
        let next = from + UInt64(bytes.count)
        let shown = query.base64 ? nil : String(decoding: redacted.bytes, as: UTF8.self)
        var lines = shown?.components(separatedBy: "\n") ?? []
        if let limit = query.limit { lines = Array(lines.suffix(max(0, limit))) }
        let count = await session.live.text(from: .max).count
        let state = await view(session).status
        return OutputView(
            lines: lines, currentLine: count, cursor: OutputCursor.byte(offset).text,
            nextCursor: OutputCursor.byte(next).text, partial: bytes.last != 0x0A,
            gap: from > offset
                ? .init(from: Int(clamping: offset), to: Int(clamping: from), unit: "bytes") : nil,
            truncated: next < before + found.end, text: shown,
            base64: query.base64 ? Self.base64(redacted.bytes) : nil, state: state, redactions: redacted.count)
    }

    /// Several sessions at once; nil for one that is not this agent's.
    public func outputs(_ ids: [String], _ query: OutputQuery, _ agent: Agent) async throws(GatewayError)
        -> [String: OutputView?]
    {
        var found: [String: OutputView?] = [:]
        for id in ids.prefix(50) { found[id] = .some(try await outputIfThere(id, query, agent)) }
        return found
    }

    private func outputIfThere(_ id: String, _ query: OutputQuery, _ agent: Agent) async throws(GatewayError)
        -> OutputView?
    {
        guard (try? find(id, agent)) != nil else { return nil }
        return try await output(id, query, agent)
    }

    /// Everything that is kept of a session's output.
    public func history(_ id: String, _ format: HistoryFormat, _ agent: Agent) async throws(GatewayError) -> [UInt8] {
        let session = try find(id, agent)
        switch format {
        case .raw:
            let found = await session.live.rawOutput(from: 0, limit: 1 << 20)
            // The newest part, as much as a reader can use.
            let from = found.end > 500_000 ? found.end - 500_000 : 0
            let reach = UInt64(Self.redactionReach)
            let around = await session.live.rawOutput(
                from: from > reach ? from - reach : 0, limit: 500_000 + Self.redactionReach)
            let begin = Int(clamping: from - min(around.from, from))
            let bytes = redact(around.bytes, shown: begin..<around.bytes.count, session).bytes
            return Array(String(decoding: CompleteText.suffix(bytes), as: UTF8.self).utf8)
        case .clean:
            let text = await session.live.text(from: 0)
            let all = (text.lines + (text.partial.isEmpty ? [] : [text.partial])).joined(separator: "\n")
            let shown = VisibleText.marked(redact(all, session).text)
            return CompleteText.suffix(Array(shown.utf8.suffix(500_000)))
        }
    }

    /// The screen as it is now.
    public func screen(_ id: String, _ agent: Agent) async throws(GatewayError) -> ScreenView {
        let session = try find(id, agent)
        return redacted(await session.live.screenView(), session)
    }
}
