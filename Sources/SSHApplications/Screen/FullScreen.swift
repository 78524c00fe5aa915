import NIOCore

/// The whole terminal, for as long as ``ApplicationVisit/fullScreen(every:_:)`` lends it.
public struct FullScreen: Sendable {
    /// What a full-screen program waits for.
    public enum Event: Sendable, Hashable {
        case key(Key)
        /// The terminal has another size: draw everything again.
        case resized(ApplicationTerminal)
        /// The time that was asked for has passed.
        case tick
        /// The person's input has ended.
        case endOfInput
    }

    /// For one reader; of more than 256 unread ones the oldest go.
    public let events: AsyncStream<Event>
    private let visit: ApplicationVisit
    private let first: ApplicationTerminal

    fileprivate init(_ visit: ApplicationVisit, _ terminal: ApplicationTerminal, _ events: AsyncStream<Event>) {
        self.visit = visit
        self.events = events
        first = terminal
    }

    /// With its present size.
    public var terminal: ApplicationTerminal { visit.terminal ?? first }

    /// Draws lines from the top and clears what is below them. A line is cut by the terminal at its edge.
    public func show(_ lines: [String]) async throws {
        let drawn = lines.prefix(terminal.rows).map { $0 + "\u{1b}[0m\u{1b}[K" }.joined(separator: "\r\n")
        // In one write, and synchronised where the terminal knows that: no half of a picture is ever seen.
        try await visit.write("\u{1b}[?2026h\u{1b}[H" + drawn + "\u{1b}[J\u{1b}[?2026l")
    }

    /// Writes anything.
    public func write(_ text: String) async throws { try await visit.write(text) }
}

extension ApplicationVisit {
    /// Lends the whole terminal to `body`: the alternate screen, without cursor and without wrapping. Whatever happens,
    /// the terminal gets back what stood there before.
    ///
    /// - Parameters:
    ///   - interval: Ticks come after each such time; nil for none.
    ///   - body: Gets keys, sizes and ticks by `events`.
    /// - Throws: `usage` without a terminal; what `body` throws.
    public func fullScreen<Value: Sendable>(
        every interval: Duration? = nil, _ body: @Sendable (FullScreen) async throws -> Value
    ) async throws -> Value {
        guard let terminal else {
            throw ApplicationFailure.usage("This needs a terminal.", hint: "Ask for one: ssh -t …")
        }
        let (stream, sink) = AsyncStream.makeStream(of: FullScreen.Event.self, bufferingPolicy: .bufferingNewest(256))
        let gatherers = [
            Task { await sendKeys(to: sink) }, Task { await sendSizes(to: sink) },
            Task {
                while let interval, (try? await Task.sleep(for: interval)) != nil { sink.yield(.tick) }
            },
        ]
        let result: Result<Value, any Error>
        do {
            try await write("\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[2J")
            result = .success(try await body(FullScreen(self, terminal, stream)))
        } catch {
            result = .failure(error)
        }
        for gatherer in gatherers { gatherer.cancel() }
        for gatherer in gatherers { await gatherer.value }
        sink.finish()
        // In a task of its own: a cancelled one could not write any more.
        await Task { try? await write("\u{1b}[0m\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l") }.value
        return try result.get()
    }

    private func sendKeys(to sink: AsyncStream<FullScreen.Event>.Continuation) async {
        var decoder = KeyDecoder()
        while let piece = try? await read() {
            for key in decoder.keys(of: piece.readableBytesView) { sink.yield(.key(key)) }
        }
        if !Task.isCancelled { sink.yield(.endOfInput) }
    }

    private func sendSizes(to sink: AsyncStream<FullScreen.Event>.Continuation) async {
        for await event in events() {
            switch event {
            case .resized(let terminal): sink.yield(.resized(terminal))
            case .signal: break
            }
        }
    }
}
